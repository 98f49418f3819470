"""A body as it arrives, unpacked here, so that no claimed size and no compression fills the memory.

aiohttp can unpack too, but its older versions unpack whatever a packet holds in one go: hundreds
of megabytes, before anybody is asked.
"""

from __future__ import annotations

import zlib

__all__ = ["ACCEPTED_CODINGS", "Body", "UnknownCodingError"]

ACCEPTED_CODINGS = "gzip, deflate"
WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
DEFLATE_METHOD = 8  # in the low half of the first byte, if there is a zlib header (RFC 1950)
MOST_MEMBERS = 100  # of one packed body: one is usual, and each costs a copy of what follows it


class UnknownCodingError(ValueError):
    """The body is in a content coding that was not asked for."""


class Body:
    """Collects a body of at most ``limit`` bytes, packed and unpacked.

    ``coding`` is the content coding, empty for none.  Raises :class:`UnknownCodingError` for one
    that was not asked for.
    """

    def __init__(self, coding: str, *, limit: int) -> None:
        self._coding = coding.strip().lower().removeprefix("x-")
        if self._coding not in {"", "identity", *WINDOW_BITS}:
            raise UnknownCodingError
        is_packed = self._coding in WINDOW_BITS
        self._unpacker = zlib.decompressobj(WINDOW_BITS[self._coding]) if is_packed else None
        self._limit = limit
        self._chunks: list[bytes] = []
        self._received = 0
        self._size = 0
        self._members = 1
        self.is_too_large = False
        """Whether the rest was refused because the limit is reached."""

    @property
    def is_whole(self) -> bool:
        """Whether a packed body has come to its end; one that is not packed cannot tell."""
        return self._unpacker is None or self._unpacker.eof or not self._received

    def value(self) -> bytes:
        """Return what was collected."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def feed(self, data: bytes) -> None:
        """Take the next bytes; raises ``zlib.error`` if they cannot be unpacked."""
        if self._unpacker is None:
            self._keep(data)
            return
        if not self._received and data[0] & 0x0F != DEFLATE_METHOD and self._coding == "deflate":
            self._unpacker = zlib.decompressobj(-zlib.MAX_WBITS)  # common, though against the RFC
        self._received += len(data)
        while data and not self.is_too_large:
            data = self._unpack(data)
        self.is_too_large |= self._received > self._limit

    def _unpack(self, data: bytes) -> bytes:
        """Unpack one member of the body and return what follows it."""
        assert self._unpacker is not None
        if self._unpacker.eof:
            self._members += 1
            if self._members > MOST_MEMBERS:
                raise zlib.error
            self._unpacker = zlib.decompressobj(WINDOW_BITS[self._coding])
        # One byte more than is left tells a body that is too large from one that just fits.
        self._keep(self._unpacker.decompress(data, self._limit - self._size + 1))
        return self._unpacker.unused_data

    def _keep(self, data: bytes) -> None:
        self.is_too_large = self._size + len(data) > self._limit
        kept = data[: self._limit - self._size]
        self._size += len(kept)
        self._chunks.append(kept)
