"""Files that one pull at a time has open."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from asyncsessions.errors import SinkError
from asyncsessions.sinks.wording import shown

if sys.platform != "win32":
    import fcntl

__all__ = ["PRIVATE", "PRIVATE_DIRECTORY", "is_still_there", "open_alone"]

PRIVATE, PRIVATE_DIRECTORY = 0o600, 0o700
FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def open_alone(path: Path, *, target: Path) -> int:
    """Open a private file and lock it until it is closed; return its descriptor.

    Raises :class:`SinkError` naming the ``target`` if another pull has it, and ``OSError``.  On a
    file system without locks nobody is kept out.
    """
    while True:
        fd = os.open(path, FLAGS, PRIVATE)
        try:
            _lock(fd, target)
            if is_still_there(fd, path):
                if hasattr(os, "fchmod"):
                    os.fchmod(fd, PRIVATE)
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _lock(fd: int, target: Path) -> None:
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SinkError(f"{shown(target)} is being written by another pull") from None
    except OSError:
        return  # a file system without locks


def is_still_there(fd: int, path: Path) -> bool:
    """Whether the file was not moved or removed between opening and locking it."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(fd), path.stat())
    return False
