"""The stream of sessions: JSON lines in page-sized pieces, closed by a record that says how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from asyncsessions.core.records import Session
from asyncsessions.core.report import Report
from asyncsessions.engine.stream import PageStream
from asyncsessions.errors import IncompleteError, SessionsError
from asyncsessions.integrations._fastapi.encoding import encode_page
from asyncsessions.integrations._fastapi.problems import problem_of, problem_response
from asyncsessions.integrations._fastapi.watched import WatchedResponse, send_piece
from asyncsessions.query import Sessions

__all__ = ["LinesAnswer", "ending_of"]


def ending_of(report: Report, error: SessionsError | None) -> dict[str, Any]:
    """Return how a pull ended, as plain data: ``complete``, or the ``reason`` why not.

    The reason is one of :data:`Reason`, or ``limit_reached`` for a pull that the reader has asked
    to end early.
    """
    plain = report.to_dict()
    ending = {
        "complete": report.complete and error is None,
        "reason": None,
        "unproven": plain["unproven"],
        "as_of": plain["as_of"],
        "requests": report.requests,
    }
    if error is not None:
        problem = problem_of(error)
        ending["reason"], ending["detail"] = problem.reason, problem.detail
        if problem.retry_after_s is not None:
            ending["retry_after_s"] = problem.retry_after_s
    elif not report.complete:
        ending["reason"] = "incomplete" if report.unproven else "limit_reached"
    return ending


class LinesAnswer(WatchedResponse):
    """Answers with the sessions of a query as ``application/jsonl``.

    One piece is sent for each page of the vendor's, as soon as it has come, and no page is asked
    for while the reader is behind.  An error before the first page is a problem with its own
    status; afterwards the last line tells it: ``{"_end": true, "count": …, "complete": …}``.  A
    stream without that line was cut.  ``redact`` leaves out the address and the e-mail.
    """

    media_type = "application/jsonl"

    def __init__(self, query: Sessions, *, redact: bool = False) -> None:
        super().__init__()
        self._query = query
        self._redact = redact

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the lines and the ending."""
        stream = self._query.pages()
        count, failure = 0, None
        try:
            while rows := await _next_page(stream):
                if not count:
                    await self.begin(send)
                count += len(rows)
                await send_piece(send, encode_page(rows, redact=self._redact))
        except SessionsError as error:
            failure = error
        finally:
            await stream.aclose()
        if not count:
            if failure is not None and not isinstance(failure, IncompleteError):
                await problem_response(problem_of(failure))(scope, receive, send)
                return
            await self.begin(send)
        last = {"_end": True, "count": count, **ending_of(stream.report, failure)}
        await send_piece(send, msgspec.json.encode(last) + b"\n", is_last=True)


async def _next_page(stream: PageStream) -> Sequence[Session]:
    """Return the next page, which need not become sessions; an empty one at the end."""
    rows: Sequence[Session] = ()
    try:
        while not rows:
            rows = (await stream.next_batch(as_sent=True)).rows
    except StopAsyncIteration:
        return ()
    return stream.sent(rows)
