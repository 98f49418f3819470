"""Thirty days in the life of a vendor's list, compressed: what happens on each day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from attrs import define, field

from asyncsessions import AttributionHub, Client, Hum
from asyncsessions.core.meter import Meter
from asyncsessions.core.options import Options
from asyncsessions.core.report import Report
from asyncsessions.engine.pages import Source
from asyncsessions.engine.planning import make_plan, to_sync
from asyncsessions.engine.pull import pull_into
from asyncsessions.providers.base import Query
from asyncsessions.sinks import open_target
from asyncsessions.testing import FakeAttributionHub, FakeHum
from asyncsessions.testing.attributionhub_rows import edit_attributionhub
from asyncsessions.testing.hum_rows import edit_hum

DAY = timedelta(days=1)
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
Fake = FakeHum | FakeAttributionHub
EDITS = {FakeHum: edit_hum, FakeAttributionHub: edit_attributionhub}


@define
class Life:
    """A vendor whose sessions are begun, ordered, installed, left and deleted as days pass.

    ``now`` is the moment that has come; edits and deletions happen to sessions that are at most
    ``settled`` old.
    """

    fake: Fake
    chance: Random
    settled: timedelta
    now: datetime = BEGIN
    events: int = field(default=0)

    def pass_day(self, *, begun: int, edited: int, deleted: int) -> None:
        """Let a day pass, with so many new, changed and vanished sessions."""
        listing = self.fake.listing
        for _ in range(begun):
            moment = self.now + DAY * self.chance.random() * 0.99
            listing.insert(moment.replace(microsecond=0))  # as fine as the vendor writes it
        self.now += DAY
        recent = [
            row
            for row in listing.snapshot(self.now - self.settled, self.now)
            if row.time < self.now
        ]
        for row in self.chance.sample(recent, edited):
            listing.edit(row.uid, EDITS[type(self.fake)](row, self.chance))
        for row in self.chance.sample(recent, deleted):
            listing.delete(row.uid)
        self.events += begun + edited + deleted

    async def sync(
        self, client: Client[...], to: str, *, lookback: timedelta, revisit: float = 0.0
    ) -> Report:
        """Sync at this moment of the vendor's life."""
        provider, query = client.provider, Query(BEGIN - 60 * DAY)
        return await pull_into(
            open_target(to),
            Source(provider, query, client.fetch, Meter()),
            Options(),
            plan=make_plan(provider, query, now=self.now, kind="sync"),
            concurrency=client.concurrency,
            choose=to_sync(provider, lookback=lookback, revisit=revisit),
            now=lambda: self.now,
        )


def client_of(fake: Fake) -> Client[Any]:
    """Return a client of a fake that runs."""
    if isinstance(fake, FakeHum):
        return Client(Hum(fake.token, base_url=fake.base_url))
    return Client(AttributionHub(fake.key, base_url=fake.base_url))
