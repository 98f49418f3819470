"""What became of a task, as a text that travels in a row, and of all tasks of a tenant together."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from attrs import asdict, evolve, frozen

from asyncsessions.core.report import Report
from asyncsessions.errors import SessionsError

__all__ = ["Outcome", "named", "together"]


@frozen(kw_only=True)
class Outcome:
    """What became of a tenant, or of a vendor that is none (``tenant=None``).

    ``rows`` came in ``requests``, counting included, and were read between the two moments of
    ``as_of`` (``None`` = nothing was read).  ``error`` is the kind and the sentence of what stopped
    it, ``None`` if nothing did: then rows of other parts of the same tenant may have come all the
    same.  ``complete``: all of it came, and is proven.
    """

    tenant: str | None = None
    rows: int = 0
    requests: int = 0
    complete: bool = True
    as_of: tuple[datetime, datetime] | None = None
    error: str | None = None

    @classmethod
    def of(cls, tenant: str | None, report: Report, *, counting: int) -> Outcome:
        """Return what a finished part says; ``counting`` are requests that were spent before."""
        return cls(
            tenant=tenant,
            rows=report.rows,
            requests=report.requests + counting,
            complete=report.complete,
            as_of=report.as_of,
        )

    @classmethod
    def failed(cls, tenant: str | None, error: SessionsError, *, requests: int) -> Outcome:
        """Return what a part says that was not read, after so many requests."""
        return cls(
            tenant=tenant,
            requests=requests,
            complete=False,
            error=f"{type(error).__name__}: {error}",
        )

    def to_json(self) -> str:
        """Return the outcome as one line of JSON."""
        return json.dumps(asdict(self, value_serializer=lambda _, __, value: _plain(value)))

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """Return the outcome that :meth:`to_json` has written."""
        sent = json.loads(text)
        if sent["as_of"] is not None:
            sent["as_of"] = tuple(map(datetime.fromisoformat, sent["as_of"]))
        return cls(**sent)

    def __add__(self, other: Outcome) -> Outcome:
        moments = [*(self.as_of or ()), *(other.as_of or ())]
        return evolve(
            self,
            rows=self.rows + other.rows,
            requests=self.requests + other.requests,
            complete=self.complete and other.complete,
            as_of=(min(moments), max(moments)) if moments else None,
            error=self.error or other.error,
        )


def together(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return one outcome for each tenant, by name."""
    found: dict[str, Outcome] = {}
    for each in outcomes:
        name = each.tenant or ""
        found[name] = found[name] + each if name in found else each
    return [found[name] for name in sorted(found)]


def named(error: SessionsError, tenant: str | None) -> SessionsError:
    """Return the error itself, which now says whose it is."""
    if tenant is not None:
        error.message = f"tenant {tenant}: {error.message}"
    return error


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
