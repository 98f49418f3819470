"""What must be finished is finished, however often its caller is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from asyncsessions.engine.persistence import to_the_end
from asyncsessions.testing import run_virtual


def test_the_result_comes_back() -> None:
    async def work() -> int:
        await asyncio.sleep(1)
        return 7

    assert run_virtual(to_the_end(work())) == (7, 1)


@pytest.mark.parametrize("outcome", ["returns", "raises", "is cancelled"])
@pytest.mark.parametrize("cancels", [1, 3])
def test_a_cancellation_waits_for_the_end(outcome: str, cancels: int) -> None:
    ended_at: list[float] = []

    async def work() -> None:
        await asyncio.sleep(5)
        ended_at.append(asyncio.get_running_loop().time())
        if outcome == "raises":
            raise ValueError
        if outcome == "is cancelled":
            raise asyncio.CancelledError

    async def cancel() -> None:
        task = asyncio.ensure_future(to_the_end(work()))
        for _ in range(cancels):
            await asyncio.sleep(1)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(cancel())
    assert ended_at == [5]
