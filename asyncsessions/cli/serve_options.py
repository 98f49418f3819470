"""The options of ``serve``: where it listens, who may ask, and what an answer may take."""

from __future__ import annotations

import click

from asyncsessions.cli.options import group, limits

__all__ = ["answering", "listening"]

listening = group(
    click.option(
        "--host",
        default="127.0.0.1",
        show_default=True,
        help="Address to listen on; any that others can reach needs an API key.",
    ),
    click.option(
        "--port",
        type=click.IntRange(0, 65535),
        metavar="N",
        default=8000,
        show_default=True,
        help="Port to listen on; 0 = any free one.",
    ),
    click.option(
        "--api-key-file",
        metavar="FILE",
        help="File with the key that callers must send, of at least 16 characters. "
        "[default: env ASYNCSESSIONS_API_KEY]",
    ),
    click.option("--redact", is_flag=True, help="Leave out addresses and e-mails."),
)

answering = limits(
    concurrency="Most requests in flight, those of all callers together.",
    rps="Most requests a second, those of all callers together. [default: what the vendor allows]",
    max_requests="Most requests for one answer, retries included. [default: no bound]",
    deadline="Longest time for one answer, in seconds. [default: no bound]",
)
