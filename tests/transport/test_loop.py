"""Which event loop is made where there is a choice."""

import asyncio
import sys
from types import SimpleNamespace

import pytest

from asyncsessions.transport.loop import new_loop


@pytest.fixture
def made(monkeypatch):
    """Return how to make a loop beside an uvloop of such a version; ``None`` = not installed."""

    def make(version):
        other = SimpleNamespace(__version__=version, new_event_loop=lambda: "uvloop's")
        monkeypatch.setitem(sys.modules, "uvloop", None if version is None else other)
        loop = new_loop()
        if loop != "uvloop's":
            loop.close()
            return type(loop).__module__.partition(".")[0]
        return loop

    return make


def test_without_uvloop_it_is_pythons_own(made):
    assert made(None) == "asyncio"


@pytest.mark.parametrize("version", ["0.23.0", "0.24.0b1", "1.0"])
def test_an_installed_uvloop_is_asked_for_its_loop(made, version):
    assert made(version) == "uvloop's"


@pytest.mark.parametrize("version", ["0.9.1", "0.21.0", "0.22.1", "unknown", ""])
def test_an_uvloop_that_may_close_the_files_of_others_is_not_used(made, version):
    assert made(version) == "asyncio"


def test_the_real_uvloop_keeps_time_and_closes():
    pytest.importorskip("uvloop", minversion="0.23")

    async def late():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.sleep(60)
        return type(asyncio.get_running_loop()).__module__

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(late()).startswith("uvloop")
