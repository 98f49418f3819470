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
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
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

MOST_OPEN = 2
"""Spools whose files are open at the same time; of small windows more are read, each for a moment,
and many tenants must not use up the files that a process may have open."""


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
        self._whose: FileStream | None = None
        self._spools: dict[str, Spool] = {}
        self._recent: deque[str] = deque()
        self.spent = 0
        with writing(target):
            self._lock: int | None = self._open_lock()
        try:
            self._remove(self._files(r"plan\.new"))  # whoever wrote it has died
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
    def begun(self) -> list[FileStream]:
        """The runs that are under way here and whose they are, the last one begun first."""
        found = [plan[0] for path in self._files("plan") if (plan := _read_plan(path)) is not None]
        return sorted(found, key=lambda each: each.runs[0].begun_at, reverse=True)

    def begin(
        self,
        run: Run,
        *,
        provider: str,
        filters: tuple[tuple[str, str], ...],
        tenant: str | None = None,
    ) -> None:
        """Go on with a run; what others have heard and spent is kept for them."""
        self._run = run
        self._whose = FileStream(provider=provider, filters=filters, runs=(run,), tenant=tenant)
        self.spent = sum(self.requests.get(run.id, {}).values())

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
                self._plan_path.unlink(missing_ok=True)

    def spend(self) -> None:
        """Enter a request, before it is sent."""
        assert self._run is not None
        self._ledger.enter(self._run.id)

    # ------------------------------------------------------------------ windows

    def planned(self) -> Sequence[Window] | None:
        """Return the windows that were still to be read; ``None`` = never planned."""
        found = _read_plan(self._plan_path)
        return None if found is None else found[1]

    def plan(self, windows: Sequence[Window]) -> None:
        """Write down the windows that are still to be read, and forget the pages of all others."""
        listed = [
            [
                window.owned.lo,
                window.owned.hi,
                to_micros(window.asked_start),
                to_micros(window.asked_end),
            ]
            for window in windows
        ]
        content = json.dumps({"stream": to_plain(self._whose), "windows": listed}).encode()
        with writing(self._target):
            replace_file(self._plan_path, content)
        self._remove(set(self._files("spool", self._run)) - set(map(self._spool_path, windows)))

    def _remove(self, paths: Iterable[Path]) -> None:
        with writing(self._target):
            for path in paths:
                if path.name in self._spools:
                    self._spools.pop(path.name).close()
                path.unlink(missing_ok=True)

    @property
    def has_pages(self) -> bool:
        """Whether any page of the run waits here that was paid for."""
        return any(map(holds_page, self._files("spool", self._run)))

    def _files(self, ending: str, run: Run | None = None) -> list[Path]:
        """Return the files of the stream, or of a run of it."""
        # Not by the beginning alone: `hum` shall not take the pages of `hum-2`.
        lead = f"{self._stream}_" if run is None else f"{self._stream}_{run.id}"
        ours = re.compile(rf"{'[^_]+' if run is None else ''}(_-?[0-9]+_-?[0-9]+)?\.{ending}")
        return [
            self._folder / found
            for found in os.listdir(self._folder)  # noqa: PTH208 - few of many become paths
            if found.startswith(lead) and ours.fullmatch(found, len(lead))
        ]

    @property
    def _plan_path(self) -> Path:
        assert self._run is not None
        return self._folder / f"{self._stream}_{self._run.id}.plan"

    def story(self, window: Window, setting: Setting) -> Iterable[Event]:
        """Return what happened to a window, oldest first; nothing if it was read otherwise."""
        if not self._spool_path(window).exists():
            return []
        return self._spool(window, setting).story()

    def note(self, window: Window, setting: Setting, *events: Event) -> None:
        """Add events to the story of a window, all of them or none."""
        self._spool(window, setting).add(*events)

    def forget(self, window: Window) -> None:
        """Drop the story of a window."""
        self._remove([self._spool_path(window)])

    def _spool_name(self, window: Window) -> str:
        assert self._run is not None
        lo, hi = window.owned.lo, window.owned.hi
        return f"{self._stream}_{self._run.id}_{lo}_{hi}.spool"

    def _spool_path(self, window: Window) -> Path:
        return self._folder / self._spool_name(window)

    def _spool(self, window: Window, setting: Setting) -> Spool:
        name = self._spool_name(window)  # a path would take longer to make than to write into
        spool = self._spools.get(name)
        if spool is None:
            spool = self._spools[name] = Spool(self._folder / name, setting)
        if name not in self._recent:
            self._recent.append(name)
        if len(self._recent) > MOST_OPEN:
            with suppress(KeyError):  # its window is done
                self._spools[self._recent.popleft()].close()
        return spool

    # ------------------------------------------------------------------ the end

    def clear(self, *, kept: Collection[str] = ()) -> None:
        """Remove plan and spools of the run, and the ledger: its requests are in the books.

        The ledger goes on with the runs that are ``kept`` or under way.
        """
        if self._run is not None:
            self._remove(self._files("spool", self._run) + self._files("plan", self._run))
        self._ledger.close(remove=True, kept={*kept, *(each.runs[0].id for each in self.begun)})

    def drop_others(self) -> None:
        """Remove what was begun for a target that another run has filled."""
        own = {*self._files("spool", self._run), *self._files("plan", self._run)}
        self._remove({*self._files("spool"), *self._files("plan")} - own)

    def drop_replaced(self) -> None:
        """Remove what the same command had begun before the run, which never is gone on with."""
        assert self._whose is not None
        own = self._whose.runs[0]
        for other in self.begun:
            run = other.runs[0]
            if run.id != own.id and _command(other) == _command(self._whose):
                self._remove(self._files("spool", run) + self._files("plan", run))

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


def _command(stream: FileStream) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Return what a run under way was asked for."""
    return stream.runs[0].kind, stream.runs[0].asked, stream.filters


def _read_plan(path: Path) -> tuple[FileStream, list[Window]] | None:
    """Return whose plan it is and the windows that were still to be read; ``None`` = no plan."""
    try:
        plain = json.loads(path.read_bytes())
        stream: FileStream = from_plain(plain["stream"], FileStream)
        windows = [
            Window(Span(lo, hi), to_datetime(start), to_datetime(end))
            for lo, hi, start, end in plain["windows"]
        ]
    except Exception:  # noqa: BLE001  # whatever it is, it is no plan of ours
        return None
    return (stream, windows) if stream.runs else None
