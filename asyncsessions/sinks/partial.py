"""A file that appears under its name only when it is whole.

Until then it is ``<name>.partial`` beside it: readable for its owner alone, since it holds
personal data, and locked, so that a second pull into the same target is refused while the rest of
a dead one is simply replaced.  It ends with a whole line at any time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from asyncsessions.errors import SinkError

if sys.platform != "win32":
    import fcntl

__all__ = ["PartialFile", "checked_target", "writing"]

BUFFER_BYTES = 1 << 18
PRIVATE = 0o600


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn what the operating system says against a path into a :class:`SinkError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or "input/output error"
        if not path.parent.is_dir():
            reason = f"there is no directory {path.parent}"
        raise SinkError(f"{path} cannot be written: {reason}") from None


def checked_target(path: Path, *, fresh: bool) -> None:
    """Raise :class:`SinkError` unless the file may be written: new, or to be replaced."""
    with writing(path):
        is_directory, is_there = path.is_dir(), os.path.lexists(path)
    if is_directory:
        raise SinkError(f"{path} is a directory: give the name of a file")
    if is_there and not fresh:
        raise SinkError(
            f"{path} exists already: give --fresh / fresh=True to replace it, or another name"
        )


class PartialFile:
    """The partial file of a target, open for writing.

    Raises :class:`SinkError` if it cannot be made, or if another pull is writing it.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".partial")
        self.rows = 0
        self._chunks: list[bytes] = []
        self._buffered = self._buffered_rows = 0
        self._written = 0
        with writing(target):
            self._fd: int | None = self._open()
            os.ftruncate(self._fd, 0)

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        while True:
            fd = os.open(self.path, flags, PRIVATE)
            try:
                self._lock(fd)
                if self._is_still_ours(fd):
                    if hasattr(os, "fchmod"):
                        os.fchmod(fd, PRIVATE)
                    return fd
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)

    def _lock(self, fd: int) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SinkError(f"{self.target} is being written by another pull") from None
        except OSError:
            return  # a file system without locks

    def _is_still_ours(self, fd: int) -> bool:
        """Whether the file was not moved into place between opening and locking it."""
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(fd), self.path.stat())
        return False

    def write(self, lines: bytes, *, rows: int) -> None:
        """Add whole lines that hold so many rows; ``rows`` counts those that reached the file."""
        self._chunks.append(lines)
        self._buffered += len(lines)
        self._buffered_rows += rows
        if self._buffered >= BUFFER_BYTES:
            self._flush()

    def _flush(self) -> None:
        assert self._fd is not None
        left = memoryview(b"".join(self._chunks))
        size, rows = len(left), self._buffered_rows
        self._chunks.clear()
        self._buffered = self._buffered_rows = 0
        try:
            with writing(self.target):
                while left:
                    left = left[os.write(self._fd, left) :]
        except BaseException:
            with suppress(OSError):
                os.ftruncate(self._fd, self._written)
            raise
        self._written += size
        self.rows += rows

    def place(self, *, fresh: bool) -> None:
        """Make everything durable and move the file to its name; ``fresh`` replaces one there."""
        assert self._fd is not None
        self._flush()
        with writing(self.target):
            os.fsync(self._fd)
        checked_target(self.target, fresh=fresh)
        with writing(self.target):
            self.path.replace(self.target)
            _sync_directory(self.target.parent)
        self._close()

    def keep(self) -> int:
        """Leave the partial file if there are rows in it; return how many."""
        if self._fd is not None:
            with suppress(SinkError):
                self._flush()
            if not self.rows:
                with suppress(OSError):
                    self.path.unlink()
            self._close()
        return self.rows

    def _close(self) -> None:
        assert self._fd is not None
        fd, self._fd = self._fd, None
        with suppress(OSError):
            os.close(fd)


def _sync_directory(path: Path) -> None:
    """Make a rename durable, where directories can be synced."""
    with suppress(OSError):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
