"""A file that appears under its name only when it is whole.

Until then it is ``<name>.partial`` beside it: readable for its owner alone, since it holds
personal data, and locked, so that a second pull into the same target is refused while the rest of
a dead one is simply replaced.  It ends with a whole line at any time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from asyncsessions.errors import SinkError
from asyncsessions.sinks.wording import START_OVER, shown

if sys.platform != "win32":
    import fcntl

__all__ = ["PartialFile", "check_target", "real_target", "writing"]

BUFFER_BYTES = 1 << 18
PRIVATE = 0o600
LONGEST_LINE = 1 << 22  # bytes; far above any session of a vendor's


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn what the operating system says against a path into a :class:`SinkError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or "input/output error"
        if not path.parent.is_dir():
            reason = f"there is no directory {shown(path.parent)}"
        raise SinkError(f"{shown(path)} cannot be written: {reason}") from None


def real_target(path: Path) -> Path:
    """Return the file that a link leads to, which need not be there, or the path as it is."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def check_target(path: Path, *, fresh: bool, is_ours: Callable[[bytes], bool]) -> None:
    """Raise :class:`SinkError` unless the file may be written: new, or ours and to be replaced.

    ``is_ours`` is asked about the first line of a file that is not empty.
    """
    with writing(path):
        if path.is_dir():
            raise SinkError(f"{shown(path)} is a directory: give the name of a file")
        if not os.path.lexists(path):
            return
        # Opening what is no regular file, a pipe for one, could wait for ever.
        found = path.is_file() and _has_first_line(path, is_ours)
    if not found:
        raise SinkError(f"{shown(path)} is not a file of ours: give another name, or remove it")
    if not fresh:
        raise SinkError(f"{shown(path)} exists already: {START_OVER}")


def _has_first_line(path: Path, is_ours: Callable[[bytes], bool]) -> bool:
    """Whether a file is empty or begins with a line of ours."""
    with path.open("rb") as file:
        line = file.readline(LONGEST_LINE)
    return not line or is_ours(line)


class PartialFile:
    """The partial file of a target, open for writing.

    ``is_ours`` tells by the first line whether a file at the target's place may be replaced.
    Raises :class:`SinkError` if it cannot be made, or if another pull is writing it.
    """

    def __init__(self, target: Path, *, is_ours: Callable[[bytes], bool]) -> None:
        self.target = target
        self._is_ours = is_ours
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
            raise SinkError(f"{shown(self.target)} is being written by another pull") from None
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
        check_target(self.target, fresh=fresh, is_ours=self._is_ours)
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
