"""The verb ``serve``: sessions over HTTP, with a start page."""

from __future__ import annotations

import os
from importlib.util import find_spec
from socket import socket
from typing import Any

import click
from attrs import frozen

from asyncsessions.cli.diagnostics import listen
from asyncsessions.cli.exits import COMPLETE
from asyncsessions.cli.process import run, say
from asyncsessions.cli.pulling import explain
from asyncsessions.cli.vendors import Question, Vendor, secret_in, unfiltered
from asyncsessions.core.http import Secret

__all__ = ["serve"]

NEEDED = ("fastapi", "uvicorn")
KEY_VARIABLE = "ASYNCSESSIONS_API_KEY"


@frozen
class _Settings:
    host: str
    port: int
    key: Secret | None
    redact: bool
    concurrency: int
    rps: float | None
    max_requests: int | None
    deadline: float | None
    verbose: int


def serve(vendor: Vendor, given: dict[str, Any]) -> int:
    """Serve until interrupted and return the exit status; raises ``click.UsageError``."""
    if any(find_spec(name) is None for name in NEEDED):
        raise click.UsageError('serve needs an extra: pip install "asyncsessions[cli,fastapi]"')
    listen(verbose=given["verbose"], quiet=given.pop("quiet"))
    key = _key(given.pop("api_key_file"))
    names = [name for name in _Settings.__annotations__ if name != "key"]
    settings = _Settings(key=key, **{name: given.pop(name) for name in names})
    questions: list[Question] = []
    sockets: list[socket] = []

    def prepare() -> None:
        from asyncsessions.integrations._fastapi.server import bind

        _refuse_strangers(settings)
        questions.append(unfiltered(vendor, **given))
        sockets.append(bind(settings.host, settings.port))

    ending = run(lambda: _serve(questions[0], settings, sockets[0]), before=prepare)
    if ending.status == COMPLETE:
        say("stopped")
    for line in explain(ending, questions[0] if questions else None) if ending.error else ():
        say(line)
    return ending.status


def _key(api_key_file: str | None) -> Secret | None:
    if api_key_file is None and not os.environ.get(KEY_VARIABLE):
        return None
    return secret_in(api_key_file, KEY_VARIABLE, option="--api-key-file")


def _refuse_strangers(settings: _Settings) -> None:
    from asyncsessions.integrations._fastapi.guard import is_loopback

    if settings.key is None and not is_loopback(settings.host):
        raise click.UsageError(
            f"--host {settings.host} can be reached from other machines, and sessions are personal "
            f"data: set {KEY_VARIABLE} or give --api-key-file FILE, or leave --host out"
        )


async def _serve(question: Question, settings: _Settings, listening: socket) -> bool:
    from asyncsessions.integrations._fastapi.server import serve as serve_app
    from asyncsessions.integrations.fastapi import ApiKey, Upstream, sessions_app

    upstream = Upstream(
        question.provider,
        concurrency=settings.concurrency,
        requests_per_second=settings.rps,
    )
    app = sessions_app(
        upstream,
        guard=None if settings.key is None else ApiKey(settings.key),
        redact=settings.redact,
        local_only=settings.key is None,
        max_requests=settings.max_requests,
        deadline_s=settings.deadline,
    )
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    keyed = "the API key is asked for" if settings.key else "answers this machine only"
    await serve_app(
        app,
        listening,
        started=lambda: say(
            f"serving {question.provider.name} at http://{shown}:{port}/ ({keyed}); Ctrl-C stops"
        ),
        access_log=settings.verbose > 0,
    )
    return True
