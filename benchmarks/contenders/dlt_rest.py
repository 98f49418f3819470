"""dlt's RESTClient: dictionaries, one page after the other."""

from __future__ import annotations

import asyncio

from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator

from benchmarks.contenders.floor_default import HEADERS

PARAMS = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-03-31T00:00:00Z"}


def _read(base_url: str) -> int:
    client = RESTClient(
        base_url=base_url,
        headers=dict(HEADERS),
        paginator=PageNumberPaginator(base_page=1, total_path="meta.pages"),
        data_selector="data",
    )
    return sum(len(page) for page in client.paginate("/analytics/sessions", params=dict(PARAMS)))


async def run(base_url: str, _: int, __: int) -> int:
    return await asyncio.to_thread(_read, base_url)
