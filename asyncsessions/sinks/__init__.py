"""Targets: files and tables that sessions are written to.

:func:`open_sink` picks one by the ending of a path; :data:`SINKS` lists the endings.  Whatever
needs an optional library is imported when it is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from asyncsessions.errors import ConfigurationError, SinkError

if TYPE_CHECKING:
    from asyncsessions.sinks.base import Sink

__all__ = ["SINKS", "STDOUT", "SinkKind", "open_sink"]

STDOUT = "-"
"""The target that means standard output."""


@frozen
class SinkKind:
    """A kind of target: what it is, and the extra it needs (``None`` = none)."""

    description: str
    extra: str | None = None


SINKS: dict[str, SinkKind] = {
    ".jsonl": SinkKind("JSON lines: one session a line, with nested objects"),
    ".csv": SinkKind("a table in a text file: flat columns, with a header"),
    ".duckdb": SinkKind("the table `sessions` in a DuckDB file, for many pulls", "duckdb"),
    STDOUT: SinkKind("JSON lines on standard output"),
}
"""The kinds of targets by the ending of the path, in lower case."""


def open_sink(to: str | Path, *, fresh: bool = False) -> Sink:
    """Return the sink for a path, by its ending; ``"-"`` is standard output.

    Nothing is opened or created yet.  ``fresh`` replaces what is there: a file as a whole, in a
    DuckDB file the sessions of the same provider.  Raises :class:`SinkError` for an ending that
    nobody knows or that stands alone, and :class:`ConfigurationError` naming the extra that is
    not installed.
    """
    if str(to) == STDOUT:
        from asyncsessions.sinks.stdout import StdoutSink

        return StdoutSink()
    path = Path(to)
    if "\0" in str(path):
        raise SinkError(f"{str(to)!r} is no target: a name cannot hold a NUL character")
    if path.name != STDOUT and path.name.lower() in SINKS:
        raise SinkError(
            f"{str(to)!r} is an ending without a name: give one such as sessions{path.name}"
        )
    ending = path.suffix.lower()
    if ending == ".duckdb":
        try:
            from asyncsessions.sinks.duckdb import DuckDBSink
        except ImportError:
            raise ConfigurationError(
                f'{ending} needs the extra "duckdb": pip install "asyncsessions[duckdb]"'
            ) from None
        return DuckDBSink(path, fresh=fresh)
    if ending in SINKS:
        from asyncsessions.sinks.lines import LinesSink

        return LinesSink(path, fresh=fresh)
    endings = [known for known in SINKS if known != STDOUT]
    raise SinkError(
        f"{str(to)!r} is no target: it must end in {', '.join(endings[:-1])} or {endings[-1]}, "
        f"or be {STDOUT} for standard output"
    )
