"""The spool: what happened to a window that is being read, in a file of its own.

The file is a row of frames: the length and the CRC-32 of what follows, then a head in MessagePack
and the body of an answer.  A frame counts once it is written whole; whatever follows the first
that is not is cut off when the file is opened again, so a torn frame costs one request.  It is not
synced: the death of the process loses nothing, that of the machine at most pages.

The first frame says how the window is read (:class:`~asyncsessions.core.journal.Setting`) and in
which version of this format.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import msgspec

from asyncsessions.core.answer import Ask
from asyncsessions.core.journal import Answered, Asked, Event, Setting, Withdrawn
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window, to_datetime, to_micros
from asyncsessions.sinks.locks import PRIVATE
from asyncsessions.sinks.partial import writing

__all__ = ["Spool", "holds_page"]

VERSION = 1
PREFIX = struct.Struct("<III")
"""Length of the head, length of the body, CRC-32 of both."""
LONGEST = 1 << 28
APPENDING = os.O_RDWR | os.O_APPEND


class Opening(msgspec.Struct, frozen=True):
    """The first frame."""

    version: int
    page_size: int
    consistency: str
    raw: bool


class Head(msgspec.Struct, frozen=True, array_like=True):
    """The head of every other frame: what happened, to which ask, and when (in microseconds).

    ``concurrency`` is that of the walk that asked.
    """

    kind: str
    owned: tuple[int, int]
    asked: tuple[int, int]
    page: int
    serial: int
    place: int
    at: int = 0
    concurrency: int = 0


encode = msgspec.msgpack.Encoder().encode
decode_opening = msgspec.msgpack.Decoder(Opening).decode
decode_head = msgspec.msgpack.Decoder(Head).decode


class Spool:
    """The spool of one window, open for adding frames.

    :meth:`story` is what it held when it was opened; nothing, if it was written in another setting
    or version, and then the file begins anew.
    """

    def __init__(self, path: Path, setting: Setting) -> None:
        self._path = path
        opening = Opening(VERSION, setting.page_size, setting.consistency, setting.raw)
        with writing(path):
            self._fd: int | None = os.open(path, APPENDING | os.O_CREAT, PRIVATE)
        self._events: list[Event] = []
        try:
            with writing(path):
                self._end = self._read(path.read_bytes(), opening)
                os.ftruncate(self._fd, self._end)
            if not self._end:
                self._write(_frame(encode(opening), b""))
        except BaseException:
            self.close()
            raise

    def _read(self, content: bytes, opening: Opening) -> int:
        """Read the events of a file and return where they end; 0 if it is of no use."""
        frames, end = _frames(content), 0
        with suppress(msgspec.MsgspecError, StopIteration, ValueError, OverflowError):
            head, _, after = next(frames)
            if decode_opening(head) == opening:
                end = after
                for head, body, after in frames:
                    self._events.append(_event(decode_head(head), body))
                    end = after
        return end

    def story(self) -> list[Event]:
        """Return the events that the file held, oldest first, and let go of them."""
        events, self._events = self._events, []
        return events

    def add(self, *events: Event) -> None:
        """Add events, all of them or none."""
        self._write(b"".join([_frame(encode(_head(event)), _body(event)) for event in events]))

    def _write(self, frames: bytes) -> None:
        if self._fd is None:
            with writing(self._path):
                self._fd = os.open(self._path, APPENDING)
        try:
            with writing(self._path):
                written = os.write(self._fd, frames)
                while written < len(frames):
                    written += os.write(self._fd, frames[written:])
        except BaseException:
            with suppress(OSError):  # what follows a torn frame would be lost
                os.ftruncate(self._fd, self._end)
            raise
        self._end += len(frames)

    def close(self, *, remove: bool = False) -> None:
        """Close the file, until something is added; ``remove`` it when its window is committed."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)
        if remove:
            with writing(self._path):
                self._path.unlink(missing_ok=True)


def holds_page(path: Path) -> bool:
    """Whether a spool has an answer, not only what was going to be asked."""
    with suppress(OSError, msgspec.MsgspecError):
        heads = [head for head, _, _ in _frames(path.read_bytes())]
        return any(decode_head(head).kind == KINDS[Answered] for head in heads[1:])
    return False


def _frame(head: bytes, body: bytes) -> bytes:
    crc = zlib.crc32(body, zlib.crc32(head))
    return PREFIX.pack(len(head), len(body), crc) + head + body


def _frames(content: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield head, body and end of each whole frame, up to the first that is torn."""
    at = 0
    while at + PREFIX.size <= len(content):
        head_size, body_size, crc = PREFIX.unpack_from(content, at)
        begin = at + PREFIX.size
        middle, end = begin + head_size, begin + head_size + body_size
        if max(head_size, body_size) > LONGEST or end > len(content):
            return
        head, body = content[begin:middle], content[middle:end]
        if zlib.crc32(body, zlib.crc32(head)) != crc:
            return
        yield head, body, end
        at = end


KINDS = {Asked: "asked", Answered: "answered", Withdrawn: "withdrawn"}


def _body(event: Event) -> bytes:
    return event.body if isinstance(event, Answered) else b""


@lru_cache(maxsize=64)
def _asked(window: Window) -> tuple[int, int]:
    return to_micros(window.asked_start), to_micros(window.asked_end)


def _head(event: Event) -> Head:
    ask = event.ask
    window = ask.window
    at = to_micros(event.read_at) if isinstance(event, Answered) else 0
    return Head(
        KINDS[type(event)],
        (window.owned.lo, window.owned.hi),
        _asked(window),
        ask.page,
        ask.serial,
        ask.place,
        at,
        event.concurrency if isinstance(event, Asked) else 0,
    )


def _event(head: Head, body: bytes) -> Event:
    start, end = map(to_datetime, head.asked)
    ask = Ask(Window(Span(*head.owned), start, end), head.page, head.serial, head.place)
    if head.kind == "answered":
        return Answered(ask, body, to_datetime(head.at))
    if head.kind == "asked":
        return Asked(ask, head.concurrency)
    if head.kind == "withdrawn":
        return Withdrawn(ask)
    raise ValueError(head.kind)
