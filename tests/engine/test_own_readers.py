"""Who reads pages into sessions in a way of their own is asked to, however quick the other way is."""

from __future__ import annotations

import pytest
from attrs import evolve

from asyncsessions import AttributionHub, Client, Hum
from asyncsessions.core.meter import Meter
from asyncsessions.engine.pages import Source
from asyncsessions.testing import FakeHum
from tests.behaviour.test_whole_pulls import RANGE, in_range


class Tagged(Hum):
    """Marks every session while it reads a page."""

    def read_page(self, response, *, page, raw=False):
        answer = super().read_page(response, page=page, raw=raw)
        return evolve(answer, rows=[evolve(row, campaign="mine") for row in answer.rows])


class Wrapped:
    """Passes everything on but the reading of pages."""

    def __init__(self, token, *, base_url):
        self._inner = Tagged(token, base_url=base_url)

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def read_page(self, response, *, page, raw=False):
        return self._inner.read_page(response, page=page, raw=raw)


@pytest.mark.parametrize("kind", [Tagged, Wrapped])
async def test_pages_are_read_as_a_provider_reads_them(kind):
    async with FakeHum(**in_range(120)) as fake:
        provider = kind(fake.token, base_url=fake.base_url)
        async with Client(provider) as client:
            rows = await client.sessions(**RANGE).collect()
    assert {row.campaign for row in rows} == {"mine"}
    assert len(rows) == 120


def source_of(provider, **options):
    query = provider.query(start="2026-01-01")
    return Source(provider, query, fetch=None, meter=Meter(), **options)


@pytest.mark.parametrize("kind", [Hum, AttributionHub])
def test_the_vendors_own_rows_are_read_unless_their_json_is_kept(kind):
    provider = kind("invented", base_url="http://127.0.0.1:1")
    assert source_of(provider).of_rows().rows is provider
    assert source_of(provider, raw=True).of_rows().rows is None


def test_a_provider_without_rows_is_read_by_sessions():
    class Plain:
        query = Hum.query

    assert source_of(Plain()).of_rows().rows is None
