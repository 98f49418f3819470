"""What a fake server sends, and how an answer is spoilt on its way out."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Literal

import attrs
import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["Answer", "Asked", "RefusedError", "json_answer", "send", "web_page"]

_WEB_PAGE = b"<html><head><title>Gateway</title></head><body>Please try again.</body></html>"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with 0 seconds: close() sends RST, not FIN


@attrs.frozen(kw_only=True)
class Answer:
    """One answer: what is sent, and a word about it for the log.

    Attributes:
        status: the HTTP status.
        content: the body.
        content_type: its media type.
        headers: more headers.
        detail: what became of the request.
        rows: how many rows the body carries.
        broken: how the connection ends instead: `reset` before the answer, `closed` before the
            answer, `truncated` in the middle of the body; None means that it does not.

    """

    status: int = 200
    content: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    detail: str = "page"
    rows: int = 0
    broken: Literal["reset", "closed", "truncated"] | None = None

    @property
    def sent_status(self) -> int | None:
        """The status that a client can see; None when the connection ends before it."""
        return None if self.broken in ("reset", "closed") else self.status


@attrs.frozen(kw_only=True)
class Asked:
    """What a request asks for; `problem` says why it cannot be answered, None when it can."""

    kind: Literal["sessions", "session", "ping", "unknown"] = "unknown"
    page: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    filters: dict[str, object] = attrs.field(factory=dict[str, object])
    session_id: str | None = None
    token_ids: tuple[str, ...] = ()
    problem: str | None = None


class RefusedError(Exception):
    """Carries the answer to a request that is refused."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.detail)
        self.answer = answer


def json_answer(body: object, *, status: int = 200, detail: str = "page", rows: int = 0) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status=status, content=msgspec.json.encode(body), detail=detail, rows=rows)


def web_page(status: int, detail: str) -> Answer:
    """Return the kind of page that a gateway sends."""
    return Answer(status=status, content=_WEB_PAGE, content_type="text/html", detail=detail)


async def send(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Send an answer, or end the connection the way the answer says."""
    transport = request.transport
    if answer.broken == "truncated":
        return await _send_half(request, answer)
    if answer.broken is not None and transport is not None:
        if answer.broken == "reset":
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()
        else:
            transport.close()
    return web.Response(
        status=answer.status,
        body=answer.content,
        content_type=answer.content_type,
        headers=answer.headers,
    )


async def _send_half(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = len(answer.content)
    await response.prepare(request)
    await response.write(answer.content[: len(answer.content) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
