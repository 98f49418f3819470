"""The observers of one pull, and what has become of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import define, field

from asyncsessions.core.events import (
    Event,
    Observer,
    Operation,
    PullEnded,
    PullStarted,
    RequestStarted,
)
from asyncsessions.core.http import Request
from asyncsessions.core.redaction import redacted_url, server_of
from asyncsessions.core.report import Report

__all__ = ["Watch", "name_of"]


@define(kw_only=True, eq=False)
class Watch:
    """Tells the observers of one pull what happens in it.

    ``clock`` reads a steady clock in seconds, ``count`` numbers the pulls.  ``is_held``: somebody
    above the stream of pages tells the end.  ``failure`` is the first exception that an observer
    raised: nothing is sent any more, and the pull ends with it.
    """

    operation: Operation
    provider: str
    observers: Sequence[Observer] = field(repr=False)
    count: Callable[[], int] = field(repr=False)
    clock: Callable[[], float] = field(repr=False)
    is_held: bool = False
    failure: Exception | None = field(default=None, repr=False)
    pull: PullStarted | None = None
    _began_at: float = 0.0
    _has_ended: bool = False

    def tell(self, event: Event) -> None:
        """Call every observer, also after one that raises, so that what began is seen to end."""
        for observer in self.observers:
            try:
                observer(event)
            except Exception as error:  # noqa: BLE001 - an observer may raise anything
                self.failure = self.failure or error

    def raise_failure(self) -> None:
        """Raise what an observer raised, if one did."""
        if self.failure is not None:
            raise self.failure

    def begin(self) -> PullStarted:
        """Tell that it begins, once."""
        if self.pull is None:
            self._began_at = self.clock()
            self.pull = PullStarted(
                id=self.count(), operation=self.operation, provider=self.provider
            )
            self.tell(self.pull)
        return self.pull

    def request(self, request: Request) -> RequestStarted:
        """Tell that a request begins, and return what it is known by."""
        address, port = server_of(request.url)
        began = RequestStarted(
            pull=self.begin(),
            method=request.method,
            url=redacted_url(request, hide_last=self.operation == "session"),
            server_address=address,
            server_port=port,
            page=request.page,
        )
        self.tell(began)
        return began

    def end(self, *, report: Report | None = None, error: BaseException | None = None) -> None:
        """Tell that it is over, once, unless it never began."""
        if self.pull is None or self._has_ended:
            return
        self._has_ended = True
        is_over = error is None or isinstance(error, StopAsyncIteration)
        self.tell(
            PullEnded(
                pull=self.pull,
                duration_s=self.clock() - self._began_at,
                report=report,
                error=None if is_over else name_of(error),
            )
        )


def name_of(error: object) -> str:
    """Return what an error is called where nothing else of it may be shown."""
    return type(error).__name__
