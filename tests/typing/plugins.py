"""A provider of another package is typed as ours are: see `tests/typing/api.py`."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from asyncsessions import Client, Sessions
from examples.acme import Acme

acme = Client(Acme("invented", base_url="https://acme.example.com"))

assert_type(acme.sessions(start=timedelta(days=3), with_clicks=True), Sessions)
acme.sessions(start="2026-01-01", source="google")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
acme.sessions(start="2026-01-01", with_clicks="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
