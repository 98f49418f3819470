"""Targets: files and tables that sessions are written to.

:func:`open_target` picks one by the ending of a path; :data:`SINKS` lists the endings.  Whatever
needs an optional library is imported when it is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from asyncsessions.errors import ConfigurationError, SinkError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from asyncsessions.sinks.base import Sink, Store

__all__ = [
    "SINKS",
    "STDOUT",
    "SinkKind",
    "is_target",
    "keep_open",
    "kinds_of_targets",
    "open_target",
]

STDOUT = "-"
"""The target that means standard output."""
DATASET = "/"
"""The ending of a target that is a directory."""


class SinkKind(NamedTuple):  # not attrs, which takes longer to import than all that help needs
    """A kind of target: what it is, and the extra it needs (``None`` = none)."""

    description: str
    extra: str | None = None


SINKS: dict[str, SinkKind] = {
    ".jsonl": SinkKind("JSON lines: one session a line, with nested objects"),
    ".csv": SinkKind("a table in a text file: flat columns, with a header"),
    ".duckdb": SinkKind("the table `sessions` in a DuckDB file, for many pulls", "duckdb"),
    ".parquet": SinkKind("one Parquet file", "parquet"),
    DATASET: SinkKind("a Parquet dataset: a directory with a manifest, for many pulls", "parquet"),
    STDOUT: SinkKind("JSON lines on standard output"),
}
"""The kinds of targets by the ending of the path, in lower case."""


def is_target(to: str) -> bool:
    """Whether a path, by its ending or as a directory that is there, can be a target."""
    endings = [kind for kind in SINKS if kind != STDOUT]
    return to == STDOUT or to.lower().endswith(tuple(endings)) or Path(to).is_dir()


def kinds_of_targets() -> str:
    """Return the endings of targets in words."""
    endings = [known for known in SINKS if known != STDOUT]
    return f"{', '.join(endings)}, or {STDOUT} for standard output"


def open_target(to: str | Path, *, fresh: bool = False) -> Sink | Store:
    """Return the target for a path, by its ending; ``"-"`` is standard output.

    A text that ends in ``/`` is a dataset, and so is a directory that is there, unless its name has
    the ending of a file.  Nothing is opened or created yet.  ``fresh`` replaces what is there: a
    file as a whole, in a DuckDB file or a dataset the sessions of the same provider.  Raises
    :class:`SinkError` for an ending that nobody knows or that stands alone, and
    :class:`ConfigurationError` naming the extra that is not installed.
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
    # A Path has no slash at its end any more.
    if str(to).endswith(DATASET) or (ending not in SINKS and str(to) and path.is_dir()):
        ending = DATASET
    if ending not in SINKS:
        endings = [known for known in SINKS if known != STDOUT]
        raise SinkError(
            f"{str(to)!r} is no target: it must end in {', '.join(endings[:-1])} or {endings[-1]}, "
            f"or be {STDOUT} for standard output"
        )
    try:
        return _opened(ending, path, fresh=fresh)
    except ImportError:
        extra = SINKS[ending].extra
        what = "a dataset" if ending == DATASET else ending
        raise ConfigurationError(
            f'{what} needs the extra "{extra}": pip install "asyncsessions[{extra}]"'
        ) from None


def keep_open(to: str | Path) -> AbstractContextManager[object]:
    """Keep open what pulls into a target of many streams share, until it is left.

    Otherwise each of them would open a DuckDB file anew.  Raises :class:`SinkError` for a target that
    holds one pull only, and as opening does.
    """
    from asyncsessions.sinks.streams_store import StreamsStore

    store = open_target(to)
    if not isinstance(store, StreamsStore):
        raise SinkError(
            f"{str(to)!r} holds the sessions of one pull: tenants need a .duckdb file or a dataset, "
            "a directory that is named with a / at the end"
        )
    return store.keep_open()


def _opened(ending: str, path: Path, *, fresh: bool) -> Store:
    """Return the store; raises ``ImportError`` where its library is not installed."""
    if ending == ".duckdb":
        from asyncsessions.sinks.duckdb import DuckDBStore

        return DuckDBStore(path, fresh=fresh)
    if ending == ".parquet":
        from asyncsessions.sinks.parquet import ParquetStore

        return ParquetStore(path, fresh=fresh)
    if ending == DATASET:
        from asyncsessions.sinks.dataset import DatasetStore

        return DatasetStore(path, fresh=fresh)
    from asyncsessions.sinks.lines import LinesStore

    return LinesStore(path, fresh=fresh)
