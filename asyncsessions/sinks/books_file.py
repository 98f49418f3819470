"""Books as a JSON file, replaced as a whole, for targets that are plain files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from asyncsessions.core.books import Run, StoredWindow, Stream, stream_name
from asyncsessions.core.tiles import Span
from asyncsessions.errors import SinkError
from asyncsessions.sinks.partial import writing
from asyncsessions.sinks.replacing import replace_file
from asyncsessions.sinks.wording import shown

__all__ = ["FileStream", "PlacedWindow", "from_plain", "read_books", "to_plain", "write_books"]

VERSION = 1
WITH_TENANTS = 2
"""The version of books that know tenants; those without are as they were."""

converter = Converter(forbid_extra_keys=True)
converter.register_unstructure_hook(datetime, datetime.isoformat)
converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
converter.register_unstructure_hook(Span, lambda span: [span.lo, span.hi])
converter.register_structure_hook(Span, lambda pair, _: Span(*pair))


@frozen(kw_only=True)
class PlacedWindow(StoredWindow):
    """A stored window, and in which file, from which byte and in how many of them its rows lie."""

    file: str = ""
    offset: int = 0
    length: int = 0


@frozen(kw_only=True)
class FileStream:
    """What a file-based target holds of one provider; runs and windows newest first.

    ``changes`` are the files of what syncs have found changed, newest first; ``spent`` counts the
    requests of runs that are gone, by month.  ``tenant`` as of :class:`Stream`.
    """

    provider: str
    filters: tuple[tuple[str, str], ...]
    runs: tuple[Run, ...] = ()
    windows: tuple[PlacedWindow, ...] = field(default=(), repr=False)
    changes: tuple[str, ...] = ()
    spent: dict[str, int] = field(factory=dict[str, int])
    tenant: str | None = None

    @property
    def name(self) -> str:
        """The name of the stream."""
        return stream_name(self.provider, self.tenant)

    @property
    def stream(self) -> Stream:
        """The same in the words of all targets."""
        return Stream(
            provider=self.provider,
            filters=self.filters,
            runs=self.runs,
            windows=self.windows,
            spent=self.spent,
            tenant=self.tenant,
        )

    def with_run(self, run: Run) -> FileStream:
        """Return the stream with a run, new or changed, as its newest."""
        others = tuple(other for other in self.runs if other.id != run.id)
        return evolve(self, runs=(run, *others))

    def with_windows(self, windows: Iterable[PlacedWindow]) -> FileStream:
        """Return the stream with these windows instead, in their order."""
        newest_first = sorted(windows, key=lambda window: -window.owned.hi)
        return evolve(self, windows=tuple(newest_first))


converter.register_unstructure_hook(
    FileStream,
    make_dict_unstructure_fn(FileStream, converter, tenant=override(omit_if_default=True)),
)


def to_plain(value: Any) -> Any:
    """Return runs, windows and streams as plain data for JSON."""
    return converter.unstructure(value)


def from_plain(data: Any, cls: Any) -> Any:
    """Return what :func:`to_plain` was given; raises whatever cattrs does."""
    return converter.structure(data, cls)


@frozen
class Remembered:
    """What this process has read or written last: the state of the file, and its streams as text."""

    state: tuple[int, int, int]
    streams: tuple[FileStream, ...] = field(repr=False)
    texts: Mapping[int, str] = field(repr=False)


remembered: dict[Path, Remembered] = {}
"""Of a file with many streams one is changed at a time: then the others are not read again."""
MOST_REMEMBERED = 8


def _state(path: Path) -> tuple[int, int, int]:
    """Return what differs as soon as the file is replaced: it always is, and never altered."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _remember(path: Path, known: Remembered) -> None:
    remembered.pop(path, None)
    remembered[path] = known
    while len(remembered) > MOST_REMEMBERED:
        with suppress(StopIteration, KeyError):  # another thread did
            del remembered[next(iter(remembered))]


def read_books(path: Path) -> list[FileStream] | None:
    """Return the streams of a books file, ``None`` if there is none.

    Raises :class:`SinkError` for one that cannot be read or is of another version.
    """
    try:
        state, known = _state(path), remembered.get(path)
        if known is not None and known.state == state:
            return list(known.streams)
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SinkError(f"{shown(path)} cannot be read: {error.strerror}") from None
    try:
        plain = json.loads(content)
        if plain["version"] in {VERSION, WITH_TENANTS}:
            return list(from_plain(plain["streams"], list[FileStream]))
        problem = f"it was written by another version ({plain['version']})"
    except Exception:  # noqa: BLE001  # cattrs raises groups of anything
        problem = "it is not what was written there"
    raise SinkError(f"{shown(path)} cannot be read: {problem}")


def write_books(path: Path, streams: Iterable[FileStream], *, target: Path) -> None:
    """Replace the books in one step; raises :class:`SinkError` naming the target."""
    held = tuple(streams)
    known = remembered.get(path)
    before: Mapping[int, str] = {} if known is None else known.texts
    texts = {id(stream): before.get(id(stream)) or _text(stream) for stream in held}
    version = VERSION if all(stream.tenant is None for stream in held) else WITH_TENANTS
    listed = ",\n  ".join(texts[id(stream)] for stream in held)
    content = f'{{\n "version": {version},\n "streams": [\n  {listed}\n ]\n}}'
    with writing(target):
        replace_file(path, content.encode())
        # While nobody else can have replaced it: the caller has the lock.
        _remember(path, Remembered(_state(path), held, texts))


def _text(stream: FileStream) -> str:
    """Return a stream as JSON, as it stands in the list of all."""
    whole = json.dumps({"streams": [to_plain(stream)]}, indent=1)
    return whole.removeprefix('{\n "streams": [\n  ').removesuffix("\n ]\n}")
