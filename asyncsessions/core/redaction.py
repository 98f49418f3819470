"""Addresses that are fit to be shown: whom we asked, but not for whom."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlencode, urlsplit

from asyncsessions.core.http import Request

__all__ = ["REDACTED", "redacted_url", "server_of"]

REDACTED = "REDACTED"  # the word of OpenTelemetry's conventions
HARMLESS = frozenset({"page", "start_date", "end_date", "with_clicks"})
"""Parameters whose values may be shown; whatever a vendor adds is hidden until it is listed."""
PORTS = {"http": 80, "https": 443}


def redacted_url(request: Request, *, hide_last: bool = False) -> str:
    """Return the address of a request with its parameters, their values hidden but for harmless ones.

    ``hide_last``: the last part of the path names what is asked for, and is hidden too.
    """
    url = request.url
    if hide_last:
        url = f"{url.rpartition('/')[0]}/{REDACTED}"
    # The first is the page number, the others are those of a whole window.
    parts = (_shown(request.params[:1]), _shown(request.params[1:]))
    query = "&".join(filter(None, parts))
    return f"{url}?{query}" if query else url


@lru_cache(maxsize=256)
def _shown(params: tuple[tuple[str, str], ...]) -> str:
    return urlencode(
        [(name, value if name in HARMLESS else REDACTED) for name, value in params], safe=":"
    )


@lru_cache(maxsize=64)
def server_of(url: str) -> tuple[str, int]:
    """Return host and port of an address."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
