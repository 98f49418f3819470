"""The ledger: a line for every request, written before it is sent.

It is a file of its own, because a request that was sent stays sent when a transaction is rolled
back.  A line is the time, the run and a count, which is 1 but where earlier lines were summed up:
``2026-11-25T22:11:09Z 5f1c… 1``.  So the ledger never says less than the vendor counted, and
more only by the requests that a death of the process kept from being sent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from asyncsessions.core.convert import instant_text
from asyncsessions.core.windows import EPOCH
from asyncsessions.sinks.locks import PRIVATE
from asyncsessions.sinks.partial import writing
from asyncsessions.sinks.replacing import replace_file

__all__ = ["Ledger", "read_ledger"]

MONTH = len("2026-11")


def wall_clock() -> datetime:
    """Return the time of day, aware."""
    return datetime.now(UTC)


class Ledger:
    """The ledger in a file, open for adding lines.  ``now`` reads the wall clock."""

    def __init__(self, path: Path, *, now: Callable[[], datetime] = wall_clock) -> None:
        self._path = path
        self._now = now
        self._second, self._moment = EPOCH, instant_text(EPOCH)
        with writing(path):
            self._fd: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE)
            content = path.read_bytes()
            if content and not content.endswith(b"\n"):  # torn by the death of the machine
                os.write(self._fd, b"\n")

    def enter(self, run: str) -> None:
        """Add a line for a request of a run."""
        assert self._fd is not None
        second = self._now().replace(microsecond=0)
        if second != self._second:
            self._second, self._moment = second, instant_text(second)
        line = f"{self._moment} {run} 1\n".encode()
        written = 0
        try:
            with writing(self._path):
                while written < len(line):
                    written += os.write(self._fd, line[written:])
        except BaseException:
            with suppress(OSError):  # the next line shall be one of its own
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise

    def months(self) -> dict[str, dict[str, int]]:
        """Return the number of requests by run and month, as of now."""
        with writing(self._path):
            return read_ledger(self._path)

    def close(self, *, remove: bool = False, kept: Collection[str] = ()) -> None:
        """Close the file; ``remove`` it if its counts were entered elsewhere, or if it is empty.

        Lines of the runs that are ``kept`` stay.
        """
        if self._fd is None:
            return
        remove = remove or not os.fstat(self._fd).st_size
        fd, self._fd = self._fd, None
        os.close(fd)
        if remove:
            with writing(self._path):
                lines = self._path.read_bytes().splitlines(keepends=True) if kept else []
                if left := [line for line in lines if _fields(line.rstrip(b"\n"))[1] in kept]:
                    replace_file(self._path, b"".join(left))
                else:
                    self._path.unlink(missing_ok=True)


def read_ledger(path: Path) -> dict[str, dict[str, int]]:
    """Return the number of requests by run and month; raises ``OSError``."""
    found: dict[str, dict[str, int]] = {}
    for line in path.read_bytes().splitlines():
        moment, run, count = _fields(line)
        months = found.setdefault(run, {})
        month = moment[:MONTH]
        months[month] = months.get(month, 0) + count
    return found


def _fields(line: bytes) -> tuple[str, str, int]:
    """Read a line; one that was torn counts as one request of nobody knows which run."""
    parts = line.decode(errors="replace").split(" ")
    if len(parts) == 3 and parts[2].isdecimal():
        return parts[0], parts[1], int(parts[2])
    return parts[0], parts[1] if len(parts) > 1 else "", 1
