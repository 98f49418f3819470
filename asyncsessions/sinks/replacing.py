"""Write a small file in one step: a reader sees the old content or the new one, never a part."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from asyncsessions.sinks.locks import PRIVATE

__all__ = ["replace_file", "sync_directory"]


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file's content durably; raises ``OSError``, and then the old one is still there."""
    written = path.with_name(path.name + ".new")
    try:
        fd = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
    except BaseException:
        with suppress(OSError):
            written.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make a rename durable, where directories can be synced."""
    with suppress(OSError):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
