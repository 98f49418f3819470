"""Fixtures for test suites of code that uses this package.

Opt in with `pytest_plugins = ["asyncsessions.testing.fixtures"]` in the top-level `conftest.py`.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import pytest

from asyncsessions.testing.attributionhub import FakeAttributionHub
from asyncsessions.testing.hum import FakeHum
from asyncsessions.testing.lifecycle import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["fake_attributionhub", "fake_hum"]

P = ParamSpec("P")
S = TypeVar("S", bound=LoopbackServer)


def _starting(stack: ExitStack, make: Callable[P, S]) -> Callable[P, S]:
    def start(*args: P.args, **kwargs: P.kwargs) -> S:
        return stack.enter_context(make(*args, **kwargs).in_thread())

    return start


@pytest.fixture
def fake_hum() -> Iterator[Callable[..., FakeHum]]:
    """Return a function that takes what `FakeHum` takes and returns it, started.

    Every server runs in its own thread and is stopped when the test ends.
    """
    with ExitStack() as stack:
        yield _starting(stack, FakeHum)


@pytest.fixture
def fake_attributionhub() -> Iterator[Callable[..., FakeAttributionHub]]:
    """Return a function that takes what `FakeAttributionHub` takes and returns it, started.

    Every server runs in its own thread and is stopped when the test ends.
    """
    with ExitStack() as stack:
        yield _starting(stack, FakeAttributionHub)
