"""A file that appears under its name only when it is whole.

Until then it is ``<name>.partial`` beside it: readable for its owner alone, since it holds
personal data, and locked, so that a second pull into the same target is refused.  What counts is
as many bytes of it as the books say: what a process that died has written behind them is cut off.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from asyncsessions.errors import SinkError
from asyncsessions.sinks.locks import PRIVATE, open_alone
from asyncsessions.sinks.replacing import sync_directory
from asyncsessions.sinks.wording import START_OVER, shown

__all__ = [
    "PartialFile",
    "check_target",
    "copy_of",
    "has_first_line",
    "partial_of",
    "real_target",
    "writing",
]

CHUNK_BYTES = 1 << 20
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


def check_target(path: Path, *, fresh: bool, is_ours: Callable[[Path], bool]) -> None:
    """Raise :class:`SinkError` unless the file may be written: new, or ours and to be replaced.

    ``is_ours`` is asked about a file that is there.
    """
    with writing(path):
        if path.is_dir():
            raise SinkError(f"{shown(path)} is a directory: give the name of a file")
        if not os.path.lexists(path):
            return
        # Opening what is no regular file, a pipe for one, could wait for ever.
        found = path.is_file() and is_ours(path)
    if not found:
        raise SinkError(f"{shown(path)} is not a file of ours: give another name, or remove it")
    if not fresh:
        raise SinkError(f"{shown(path)} exists already: {START_OVER}")


def has_first_line(path: Path, is_ours: Callable[[bytes], bool]) -> bool:
    """Whether a file is empty or begins with a line of ours."""
    with path.open("rb") as file:
        line = file.readline(LONGEST_LINE)
    return not line or is_ours(line)


class PartialFile:
    """The partial file of a target, open for adding to the ``length`` bytes of it that count.

    ``header`` is what a new one begins with.  Raises :class:`SinkError` if it cannot be opened.
    """

    def __init__(self, target: Path, *, length: int, header: bytes) -> None:
        self.target = target
        self.path = partial_of(target)
        self.length = length
        with writing(target):
            self._fd: int | None = open_alone(self.path, target=target)
        try:
            with writing(target):
                os.ftruncate(self._fd, length)
            if not length and header:
                self.add(header)
        except BaseException:
            self.close()
            raise

    def add(self, lines: bytes) -> int:
        """Add whole lines durably and return where they begin; after an error nothing was added."""
        assert self._fd is not None
        begin, left = self.length, memoryview(lines)
        try:
            with writing(self.target):
                os.lseek(self._fd, begin, os.SEEK_SET)
                while left:
                    left = left[os.write(self._fd, left) :]
                os.fsync(self._fd)
        except BaseException:
            with suppress(OSError):
                os.ftruncate(self._fd, begin)
            raise
        self.length += len(lines)
        return begin

    def copied(self, pieces: Iterable[tuple[int, int]]) -> None:
        """Copy pieces of the file, given as (offset, length), into another order.

        The copy waits beside the file: until the books say where the pieces lie in it, they are
        right about the file itself.
        """
        assert self._fd is not None
        ordered = copy_of(self.target)
        try:
            with writing(self.target):
                fd = os.open(ordered, os.O_RDWR | os.O_CREAT | os.O_TRUNC, PRIVATE)
                with os.fdopen(fd, "wb") as file:
                    for offset, length in pieces:
                        _copy(self._fd, file, offset, length)
                    file.flush()
                    os.fsync(file.fileno())
        except BaseException:
            self.drop_copy()
            raise

    def drop_copy(self) -> None:
        """Remove a copy that is not wanted, or that a process that died has left."""
        with writing(self.target):
            copy_of(self.target).unlink(missing_ok=True)

    def place(self) -> None:
        """Move the file, or its copy, to its name, over what is there."""
        with writing(self.target):
            with suppress(FileNotFoundError):
                copy_of(self.target).replace(self.path)
            self.path.replace(self.target)
            sync_directory(self.target.parent)
        self.close()

    def close(self, *, remove: bool = False) -> None:
        """Close the file, which stays, or ``remove`` it."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        if remove:
            for path in copy_of(self.target), self.path:
                with suppress(OSError):
                    path.unlink()
        with suppress(OSError):
            os.close(fd)


def partial_of(target: Path) -> Path:
    """Return where a file lies until it is whole."""
    return target.with_name(target.name + ".partial")


def copy_of(target: Path) -> Path:
    """Return where a copy of the partial file in another order lies until it is the one."""
    return target.with_name(target.name + ".partial.new")


def _copy(source: int, file: IO[bytes], offset: int, length: int) -> None:
    end = offset + length
    while offset < end:
        chunk = os.pread(source, min(CHUNK_BYTES, end - offset), offset)
        file.write(chunk)
        offset += len(chunk)
