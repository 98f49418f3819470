"""The folder beside a target that an unfinished pull lives in: ledger, plan and spools.

It is called as the target with ``.pull`` at the end (inside of a dataset ``_pull``), is readable
for its owner alone, since pages hold personal data, and is removed when nothing is left to do.  The
files of a stream begin with its name; one of them is locked as long as the stream is written.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from asyncsessions.core.books import Run, StoredWindow
from asyncsessions.core.journal import Event, Setting
from asyncsessions.core.tiles import Span, Tiles
from asyncsessions.core.windows import Window, to_datetime, to_micros
from asyncsessions.sinks.books_file import FileStream, from_plain, to_plain
from asyncsessions.sinks.ledger import Ledger
from asyncsessions.sinks.locks import PRIVATE_DIRECTORY, open_alone
from asyncsessions.sinks.partial import writing
from asyncsessions.sinks.replacing import replace_file
from asyncsessions.sinks.spool import Spool, holds_page

__all__ = ["Sidecar", "sidecar_of"]

MOST_OPEN = 8
"""Spools that are open at the same time; a pull has two windows open, an estimate passes by all."""


def sidecar_of(target: Path) -> Path:
    """Return the folder that belongs to a target that is a file."""
    return target.with_name(target.name + ".pull")


class Sidecar:
    """The journal of one stream in a folder, locked; see :class:`~asyncsessions.sinks.base.Journal`.

    Raises :class:`SinkError` naming the ``target`` if another pull writes the same stream of it.
    """

    def __init__(self, folder: Path, stream: str, *, target: Path) -> None:
        self._folder = folder
        self._stream = stream
        self._target = target
        self._run: Run | None = None
        self._spools: dict[Path, Spool] = {}
        self.spent = 0
        with writing(target):
            self._lock: int | None = self._open_lock()
        try:
            self._ledger = Ledger(self._path("ledger"))
        except BaseException:
            self.close()
            raise

    def _path(self, ending: str) -> Path:
        return self._folder / f"{self._stream}.{ending}"

    def _open_lock(self) -> int:
        while True:
            with suppress(FileExistsError):
                self._folder.mkdir(PRIVATE_DIRECTORY)
            with suppress(FileNotFoundError):  # who just ended has removed the folder
                return open_alone(self._path("lock"), target=self._target)
            if not self._folder.parent.is_dir():
                raise FileNotFoundError
            if self._folder.is_symlink():  # that leads nowhere
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))

    # ------------------------------------------------------------------ requests

    @property
    def requests(self) -> Mapping[str, Mapping[str, int]]:
        """How many requests the ledger has, by run and month."""
        return self._ledger.months()

    @property
    def under_way(self) -> FileStream | None:
        """The run that was under way here and whose it is, ``None`` if there is none."""
        found = self._read_plan()
        return None if found is None else found[0]

    def begin(self, run: Run, *, provider: str, filters: tuple[tuple[str, str], ...]) -> None:
        """Go on with a run; what others have heard is dropped, what they have spent is kept."""
        found = self._read_plan()
        self._run = run
        self._whose = FileStream(provider=provider, filters=filters, runs=(run,))
        self.spent = sum(self.requests.get(run.id, {}).values())
        if found is None or found[0].runs[0].id != run.id:
            self._remove_spools(kept=())
            with writing(self._target):
                self._path("plan").unlink(missing_ok=True)

    def doubt(self, stored: Iterable[StoredWindow]) -> None:
        """Forget the plan if it leaves out what is not stored any more.

        ``stored`` are the windows that the run need not read.
        """
        assert self._run is not None
        known = Tiles()
        for owned in (*(w.owned for w in self.planned() or ()), *(w.owned for w in stored)):
            known.claim(owned)
        if known.gaps(self._run.pinned.span):
            with writing(self._target):
                self._path("plan").unlink(missing_ok=True)

    def spend(self) -> None:
        """Enter a request, before it is sent."""
        assert self._run is not None
        self._ledger.enter(self._run.id)

    # ------------------------------------------------------------------ windows

    def planned(self) -> Sequence[Window] | None:
        """Return the windows that were still to be read; ``None`` = never planned."""
        found = self._read_plan()
        return None if found is None else found[1]

    def _read_plan(self) -> tuple[FileStream, list[Window]] | None:
        try:
            plain = json.loads(self._path("plan").read_bytes())
            stream: FileStream = from_plain(plain["stream"], FileStream)
            windows = [
                Window(Span(lo, hi), to_datetime(start), to_datetime(end))
                for lo, hi, start, end in plain["windows"]
            ]
        except Exception:  # noqa: BLE001  # whatever it is, it is no plan of ours
            return None
        return stream, windows

    def plan(self, windows: Sequence[Window]) -> None:
        """Write down the windows that are still to be read, and forget the pages of all others."""
        listed = [
            [*window.owned, to_micros(window.asked_start), to_micros(window.asked_end)]
            for window in windows
        ]
        content = json.dumps({"stream": to_plain(self._whose), "windows": listed}).encode()
        with writing(self._target):
            replace_file(self._path("plan"), content)
        self._remove_spools(kept=map(self._spool_path, windows))

    def _remove_spools(self, *, kept: Iterable[Path]) -> None:
        unwanted = set(self._spool_files()) - set(kept)
        with writing(self._target):
            for path in unwanted:
                if path in self._spools:
                    self._spools.pop(path).close()
                path.unlink(missing_ok=True)

    @property
    def has_pages(self) -> bool:
        """Whether any page waits here that was paid for."""
        return any(map(holds_page, self._spool_files()))

    def _spool_files(self) -> Iterator[Path]:
        # Not by the beginning alone: `hum` shall not take the pages of `hum-2`.
        ours = re.compile(rf"{re.escape(self._stream)}_-?[0-9]+_-?[0-9]+\.spool")
        return (path for path in self._folder.iterdir() if ours.fullmatch(path.name))

    def story(self, window: Window, setting: Setting) -> Iterable[Event]:
        """Return what happened to a window, oldest first; nothing if it was read otherwise."""
        if not self._spool_path(window).exists():
            return []
        return self._spool(window, setting).story()

    def note(self, window: Window, setting: Setting, event: Event) -> None:
        """Add an event to the story of a window."""
        self._spool(window, setting).add(event)

    def forget(self, window: Window) -> None:
        """Drop the story of a window."""
        path = self._spool_path(window)
        spool = self._spools.pop(path, None)
        if spool is not None:
            spool.close()
        with writing(self._target):
            path.unlink(missing_ok=True)

    def _spool_path(self, window: Window) -> Path:
        return self._folder / f"{self._stream}_{window.owned.lo}_{window.owned.hi}.spool"

    def _spool(self, window: Window, setting: Setting) -> Spool:
        path = self._spool_path(window)
        spool = self._spools.get(path)
        if spool is None:
            if len(self._spools) >= MOST_OPEN:
                self._spools.pop(next(iter(self._spools))).close()
            spool = self._spools[path] = Spool(path, setting)
        return spool

    # ------------------------------------------------------------------ the end

    def clear(self, *, kept: Collection[str] = ()) -> None:
        """Remove plan, spools and ledger: the run is over, and its requests are in the books.

        The ledger goes on with those runs that are ``kept``.
        """
        self._remove_spools(kept=())
        with writing(self._target):
            self._path("plan").unlink(missing_ok=True)
        self._ledger.close(remove=True, kept=kept)

    def close(self) -> None:
        """Let go of the stream, and remove the folder if nothing is in it."""
        for spool in self._spools.values():
            spool.close()
        self._spools.clear()
        if hasattr(self, "_ledger"):
            self._ledger.close()
        if self._lock is not None:
            lock, self._lock = self._lock, None
            with suppress(OSError):
                # While it is locked: nobody can hold the same file then.
                self._path("lock").unlink()
            os.close(lock)
        with suppress(OSError):
            self._folder.rmdir()
