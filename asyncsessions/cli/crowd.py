"""How far many tenants are, in one line or one bar for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

from attrs import frozen

from asyncsessions.cli.figures import plural
from asyncsessions.cli.process import say
from asyncsessions.cli.progress import Silence, can_draw

if TYPE_CHECKING:
    from asyncsessions.tenants import TenantReport

__all__ = ["Counts", "CrowdDisplay", "choose_display"]

Reports: TypeAlias = "Mapping[str, TenantReport]"


@frozen
class Counts:
    """How many tenants are where, and what has come of them."""

    tenants: int
    complete: int
    others: int
    running: int
    rows: int
    requests: int

    @classmethod
    def of(cls, reports: Reports) -> Counts:
        """Count them."""
        every = reports.values()
        complete = sum(each.complete for each in every)
        over = sum(each.is_over for each in every)
        return cls(
            tenants=len(reports),
            complete=complete,
            others=over - complete,
            running=sum(each.is_begun and not each.is_over for each in every),
            rows=sum(each.report.rows for each in every),
            requests=sum(each.report.requests for each in every),
        )

    @property
    def short(self) -> str:
        """The same for a terminal."""
        others = f", {self.others:,} not" if self.others else ""
        return f"{self.complete:,}/{self.tenants:,} tenants{others}, {self.rows:,} rows"

    def __str__(self) -> str:
        others = f", {self.others:,} not" if self.others else ""
        return (
            f"{self.complete:,} of {plural(self.tenants, 'tenant')} complete{others}, "
            f"{self.running:,} under way, {plural(self.rows, 'row')} in "
            f"{plural(self.requests, 'request')}"
        )


class CrowdDisplay(Protocol):
    """Shows how far all tenants are; use it as ``with display``."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def show(self, reports: Reports) -> None:
        """Take notice of how far they are; this is called after every page."""

    def tick(self) -> None:
        """Some seconds have passed."""


class NoCrowd(Silence):
    """Shows nothing."""

    def show(self, reports: Reports) -> None:
        """Do nothing."""


class CrowdLines(Silence):
    """Writes a line on standard error every ten seconds, if anything has happened."""

    def __init__(self) -> None:
        self._reports: Reports = {}
        self._written: Counts | None = None

    def show(self, reports: Reports) -> None:
        """Remember them."""
        self._reports = reports

    def tick(self) -> None:
        """Write the line."""
        counts = Counts.of(self._reports)
        if counts != self._written:
            say(str(counts))
            self._written = counts


def choose_display(*, quiet: bool) -> CrowdDisplay:
    """Return a bar where standard error is a terminal, else lines."""
    if quiet:
        return NoCrowd()
    if not can_draw():
        return CrowdLines()
    from asyncsessions.cli.render import CrowdBar

    return CrowdBar()
