"""Pages as lines of JSON, and what is left out of them and of single sessions."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from asyncsessions.core.lines import encode_lines, lines_of
from asyncsessions.core.records import Session

__all__ = ["encode_page", "redacted"]


def encode_page(sessions: Sequence[Session], *, redact: bool = False) -> bytes:
    """Return one line a session, each with its line end; with ``redact`` of :func:`redacted` ones."""
    lines = lines_of(sessions)
    if redact:
        for line in lines:
            line.address = None
            if line.conversion is not None:
                line.conversion.email = None
    return encode_lines(lines)


def redacted(session: Session) -> Session:
    """Return the session without its address and without the e-mail of its conversion."""
    conversion = session.conversion
    if conversion is not None:
        conversion = evolve(conversion, email=None)
    return evolve(session, address=None, conversion=conversion, raw=None)
