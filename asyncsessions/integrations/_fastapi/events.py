"""How far a pull is, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from asyncsessions.core.report import Report
from asyncsessions.errors import SessionsError
from asyncsessions.integrations._fastapi.problems import problem_of, problem_response
from asyncsessions.integrations._fastapi.watched import WatchedResponse, send_piece
from asyncsessions.query import Sessions

__all__ = ["EventsAnswer"]

EVERY_S = 0.25
KEEP_ALIVE_S = 15.0
NO_CONTENT = 204
FAILED = "failed"


class EventsAnswer(WatchedResponse):
    """Answers with the progress of ``work`` on a query, as ``text/event-stream``.

    ``work`` is given the query, as in ``lambda sessions: sessions.pull("sessions.duckdb")``.  While
    it goes on there is a ``progress`` event, the report so far, at most once in ``every_s``
    seconds; at the end there is ``end`` with what it returned, or ``failed`` with a
    :class:`Problem`.  An error before any progress is a problem with its own status.

    A browser's ``EventSource`` connects again after each end, which would buy everything once
    more: such a request carries ``Last-Event-ID`` and is told to stay away (204).
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        query: Sessions,
        work: Callable[[Sessions], Awaitable[Report | Mapping[str, Any]]],
        *,
        every_s: float = EVERY_S,
    ) -> None:
        super().__init__()
        self._work = work
        self._every_s = every_s
        self._news = asyncio.Event()
        self._latest: Report | None = None
        self._told = query.options.on_progress
        self._query = query.with_options(on_progress=self._note)
        self._sent = 0

    def _note(self, report: Report) -> None:
        self._latest = report
        self._news.set()
        if self._told is not None:
            self._told(report)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Do the work and tell how far it is."""
        if "last-event-id" in Headers(scope=scope):
            await Response(status_code=NO_CONTENT)(scope, receive, send)
            return
        task = asyncio.ensure_future(self._work(self._query))
        task.add_done_callback(lambda _: self._news.set())
        try:
            await self._follow(task, send)
        finally:
            task.cancel()
            await asyncio.wait((task,))
        try:
            found = task.result()
        except SessionsError as error:
            problem = problem_of(error)
            if not self._sent:
                await problem_response(problem)(scope, receive, send)
                return
            await self._event(send, FAILED, problem.model_dump(exclude_none=True))
        else:
            await self._event(send, "end", _plain(found))
        await send_piece(send, b"", is_last=True)

    async def _follow(self, task: asyncio.Future[Any], send: Send) -> None:
        """Tell the progress until the work is done."""
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await self._news.wait()
            except TimeoutError:
                if self._sent:
                    await send_piece(send, b": still at it\n\n")
                continue
            self._news.clear()
            if task.done():
                return
            assert self._latest is not None
            await self._event(send, "progress", self._latest.to_dict())
            await asyncio.wait((task,), timeout=self._every_s)

    async def _event(self, send: Send, name: str, data: Mapping[str, Any]) -> None:
        if not self._sent:
            await self.begin(send)
        self._sent += 1
        text = msgspec.json.encode(data)
        await send_piece(
            send, b"id: %d\nevent: %b\ndata: %b\n\n" % (self._sent, name.encode(), text)
        )


def _plain(found: Report | Mapping[str, Any]) -> Mapping[str, Any]:
    return found.to_dict() if isinstance(found, Report) else found
