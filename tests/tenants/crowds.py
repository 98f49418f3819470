"""What a target of many tenants holds."""

from __future__ import annotations

from asyncsessions.sinks.holdings import open_holdings, verify_windows

RANGE = {"start": "2026-01-01", "end": "2026-03-31"}


def held(to):
    """Return the streams of a target by name, each as it was written."""
    with open_holdings(to) as holdings:
        assert not holdings.strays()
        streams = list(holdings.streams())
        for stream in streams:
            for _, problem in verify_windows(holdings, stream):
                assert problem is None
    return {stream.name: stream for stream in streams}
