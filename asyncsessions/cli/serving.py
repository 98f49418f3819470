"""The verb ``serve``: sessions over HTTP, with a start page."""

from __future__ import annotations

import os
from importlib.util import find_spec
from socket import socket
from typing import Any

import click
from attrs import define, field, fields, frozen

from asyncsessions.cli.diagnostics import listen
from asyncsessions.cli.process import say
from asyncsessions.cli.pulling import explain
from asyncsessions.cli.running import run
from asyncsessions.cli.vendors import Question, Vendor, secret_in, unfiltered
from asyncsessions.core.http import Secret

__all__ = ["serve"]

NEEDED = ("fastapi", "uvicorn")
KEY_VARIABLE = "ASYNCSESSIONS_API_KEY"
KEY_OPTION = "--api-key-file"


@frozen(kw_only=True)
class ServeOptions:
    """What the options say about the server; the rest of them are about the vendor."""

    host: str
    port: int
    api_key_file: str | None
    redact: bool
    concurrency: int
    rps: float | None
    max_requests: int | None
    deadline: float | None
    verbose: int
    quiet: bool

    @classmethod
    def taken_from(cls, given: dict[str, Any]) -> ServeOptions:
        """Take them out of all that was given."""
        return cls(**{each.name: given.pop(each.name) for each in fields(cls)})

    def api_key(self) -> Secret | None:
        """Return the key that callers must send, ``None`` = there is none.

        Raises ``click.UsageError`` if there must be one.
        """
        from asyncsessions.integrations._fastapi.guard import is_loopback

        if self.api_key_file is not None or os.environ.get(KEY_VARIABLE):
            return secret_in(self.api_key_file, KEY_VARIABLE, option=KEY_OPTION)
        if is_loopback(self.host):
            return None
        raise click.UsageError(
            f"--host {self.host} can be reached from other machines, and sessions are personal "
            f"data: set {KEY_VARIABLE} or give {KEY_OPTION} FILE, or leave --host out"
        )


def serve(vendor: Vendor, given: dict[str, Any]) -> int:
    """Serve until interrupted and return the exit status; raises ``click.UsageError``."""
    if any(find_spec(name) is None for name in NEEDED):
        raise click.UsageError('serve needs an extra: pip install "asyncsessions[cli,fastapi]"')
    options = ServeOptions.taken_from(given)
    listen(verbose=options.verbose, quiet=options.quiet)
    task = _Serve(vendor, given, options)
    ending = run(task.run, before=task.prepare)
    if ending.error is None:
        say("stopped")
    else:
        for line in explain(ending, task.question):
            say(line)
    return ending.status


@define
class _Serve:
    vendor: Vendor
    given: dict[str, Any] = field(repr=False)
    options: ServeOptions
    question: Question | None = None
    app: Any = None
    who: str = "for this machine only"
    listening: socket | None = None

    def prepare(self) -> None:
        from asyncsessions.integrations._fastapi.server import bind
        from asyncsessions.integrations.fastapi import ApiKey, Upstream, sessions_app

        options = self.options
        key = options.api_key()
        if key is not None:
            self.who = "for who has the API key"
        self.question = unfiltered(self.vendor, **self.given)
        self.app = sessions_app(
            Upstream(
                self.question.provider,
                concurrency=options.concurrency,
                requests_per_second=options.rps,
            ),
            guard=None if key is None else ApiKey(key),
            local_only=key is None,
            redact=options.redact,
            max_requests=options.max_requests,
            deadline_s=options.deadline,
        )
        self.listening = bind(options.host, options.port)

    async def run(self) -> bool:
        from asyncsessions.integrations._fastapi.server import serve as serve_app

        assert self.listening is not None
        await serve_app(self.app, self.listening, started=self._tell)
        return True

    def _tell(self) -> None:
        assert self.listening is not None
        if self.options.quiet:
            return
        host, port = self.listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        say(f"serving {self.vendor.name} at http://{shown}:{port}/, {self.who}; Ctrl-C stops")
