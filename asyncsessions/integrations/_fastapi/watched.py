"""Responses that stop what they do as soon as nobody reads them any more."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from asyncsessions.errors import SessionsError
from asyncsessions.integrations._fastapi.problems import Problem, problem_of, problem_response

__all__ = ["JsonAnswer", "WatchedResponse"]

PRIVATE = {
    "Cache-Control": "no-store",  # the records are personal data
    "X-Accel-Buffering": "no",  # or nginx would collect what is sent page by page
    "X-Content-Type-Options": "nosniff",
}


class WatchedResponse(Response):
    """A response that is made while it is sent, and given up when its reader disconnects.

    The work begins here and not in the endpoint, because only the response is told of a reader
    that went away, also while the vendor is being waited for.
    """

    def __init__(self) -> None:
        # Not Response's own: there is no body yet whose length could be told.
        self.status_code = 200
        self.background: BackgroundTask | None = None
        self.init_headers(PRIVATE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or stop at the reader's disconnection."""
        work = asyncio.create_task(self.answer(scope, receive, send))
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (work, gone):
                task.cancel()
            await asyncio.wait((work, gone))
        if not gone.cancelled():
            gone.exception()  # marks it as retrieved
        if not work.cancelled():
            work.result()
        if self.background is not None:
            await self.background()

    @abstractmethod
    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the start and the body; is cancelled when the reader has gone."""

    async def begin(self, send: Send) -> None:
        """Send the status and the headers."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_piece(send: Send, piece: bytes, *, is_last: bool = False) -> None:
    """Send a piece of the body; waits while the reader is slower than we are."""
    await send({"type": "http.response.body", "body": piece, "more_body": not is_last})


class JsonAnswer(WatchedResponse):
    """Answers with what ``work`` returns, as a JSON object; ``tell`` makes a problem of an error."""

    media_type = "application/json"

    def __init__(
        self,
        work: Callable[[], Awaitable[Mapping[str, object]]],
        *,
        tell: Callable[[SessionsError], Problem] = problem_of,
    ) -> None:
        super().__init__()
        self._work = work
        self._tell = tell

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Do the work, then send all of it or the problem."""
        try:
            found = await self._work()
        except SessionsError as error:
            await problem_response(self._tell(error))(scope, receive, send)
            return
        await self.begin(send)
        await send_piece(send, msgspec.json.encode(found), is_last=True)
