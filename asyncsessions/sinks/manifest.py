"""The manifest of a dataset: which files of the directory count, and what they hold.

A dataset is a directory with ``_manifest.json``, part files in ``data/`` and found changes in
``changes/``.  A file counts once the manifest names it, and the manifest is replaced in one step;
so a reader that takes its files from there sees whole windows only, and none twice.  Several pulls,
one of each stream, may replace it in turns.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

from asyncsessions.errors import SinkError
from asyncsessions.sinks.books_file import FileStream, read_books, write_books
from asyncsessions.sinks.locks import PRIVATE, PRIVATE_DIRECTORY, is_still_there
from asyncsessions.sinks.partial import writing
from asyncsessions.sinks.replacing import sync_directory
from asyncsessions.sinks.wording import shown

if sys.platform != "win32":
    import fcntl

__all__ = ["Manifest"]

MANIFEST, LOCK = "_manifest.json", "_manifest.lock"
UNFINISHED = {"_pull", "data", "changes", LOCK, f"{MANIFEST}.new"}
"""What may lie in a dataset that has no manifest yet, beside its ``_pull``."""


class Manifest:
    """The manifest in a directory; ``target`` is what errors call it."""

    def __init__(self, folder: Path, *, target: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.changes = folder / "changes"
        self.pull = folder / "_pull"
        self._target = target
        self._path = folder / MANIFEST

    # ------------------------------------------------------------------ the directory

    def make_folder(self) -> bool:
        """Make the directory unless it is there; return whether it is ours to remove.

        Raises :class:`SinkError` if something else is there.
        """
        name = shown(self._target)
        with writing(self._target):
            try:
                self.folder.mkdir(PRIVATE_DIRECTORY)
            except FileExistsError:
                if not self.folder.is_dir():
                    raise SinkError(
                        f"{name} is not a directory, as a dataset is: give another name, "
                        "or remove it"
                    ) from None
            else:
                sync_directory(self.folder.parent)
                return True
            found = {path.name for path in self.folder.iterdir()}
        is_begun = self.pull.name in found and found <= UNFINISHED
        if found and not is_begun and not self.is_there:
            raise SinkError(f"{name} is not a dataset of ours: give another name, or remove it")
        return bool(found)

    def remove_folder(self) -> None:
        """Remove the directory if nothing is in it."""
        with suppress(OSError):
            self.folder.rmdir()

    def sweep(self, name: str) -> None:
        """Remove the files of a stream that the manifest does not name."""
        streams = [each for each in self.streams() if each.name == name]
        parts = {window.file for each in streams for window in each.windows}
        _remove(self.data, rf"{re.escape(name)}--?\d+-[0-9a-f]{{16}}", parts)
        found = {file for each in streams for file in each.changes}
        _remove(self.changes, rf"{re.escape(name)}-[0-9a-f]{{32}}-\d+", found)

    def clean(self, name: str) -> None:
        """Remove what a pull that brought nothing has left, while there is no manifest."""
        with writing(self._target), self._locked():
            if not self.is_there:
                self.sweep(name)
                self._path.with_name(f"{MANIFEST}.new").unlink(missing_ok=True)
                for folder in self.data, self.changes:
                    with suppress(OSError):
                        folder.rmdir()

    # ------------------------------------------------------------------ streams

    @property
    def is_there(self) -> bool:
        """Whether there is a manifest of ours; raises :class:`SinkError` if it cannot be read."""
        return read_books(self._path) is not None

    def streams(self) -> list[FileStream]:
        """Return every stream that is there."""
        return read_books(self._path) or []

    def stream(self, name: str) -> FileStream | None:
        """Return a stream by its name."""
        return next((each for each in self.streams() if each.name == name), None)

    def put(self, stream: FileStream) -> None:
        """Replace what is there of a stream, in one step."""
        with writing(self._target), self._locked():
            others = [each for each in self.streams() if each.name != stream.name]
            streams = sorted([stream, *others], key=lambda each: each.name)
            write_books(self._path, streams, target=self._target)

    @contextmanager
    def _locked(self) -> Generator[None]:
        """Keep others from replacing the manifest; waits for them, since they are soon done."""
        path = self.folder / LOCK
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        while True:
            fd = os.open(path, flags, PRIVATE)
            try:
                _lock(fd)
                if is_still_there(fd, path):
                    try:
                        yield
                    finally:
                        # While it is locked: who waits for it looks whether it is still there.
                        path.unlink(missing_ok=True)
                    return
            finally:
                os.close(fd)


def _lock(fd: int) -> None:
    if sys.platform != "win32":
        with suppress(OSError):  # a file system without locks
            fcntl.flock(fd, fcntl.LOCK_EX)


def _remove(folder: Path, pattern: str, named: Iterable[str]) -> None:
    """Remove the files of a folder that are called so, and that nobody names."""
    ours = re.compile(rf"{pattern}\.parquet(\.tmp)?").fullmatch
    with writing(folder):
        for path in folder.glob("*.parquet*"):
            if ours(path.name) and path.name not in named:
                path.unlink(missing_ok=True)
