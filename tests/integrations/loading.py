"""Real dlt pipelines against the fakes, and what they leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
from attrs import frozen

from asyncsessions import AttributionHub, Hum
from asyncsessions.blocking import Client
from asyncsessions.core.columns import csv_header
from asyncsessions.core.digest import digest
from asyncsessions.integrations.dlt import sessions_source
from asyncsessions.testing import FakeAttributionHub, FakeHum

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.replace(hour=0, minute=0, second=0)
LAST_TEN_DAYS = {"start": TODAY - 10 * DAY, "end": TODAY - timedelta(seconds=1)}
"""Where the fakes' rows lie, so that a lookback is about them."""
START = TODAY - 30 * DAY
FAKES = {"hum": FakeHum, "attributionhub": FakeAttributionHub}
Fake = FakeHum | FakeAttributionHub


@contextmanager
def fake_of(vendor: str, **switches: Any) -> Iterator[Fake]:
    """Run a fake with rows of the last ten days."""
    with FAKES[vendor](**{**LAST_TEN_DAYS, **switches}).in_thread() as fake:
        yield fake


def provider_of(fake: Fake):
    if isinstance(fake, FakeHum):
        return Hum(fake.token, base_url=fake.base_url)
    return AttributionHub(fake.key, base_url=fake.base_url)


def source_of(fake: Fake, **options: Any):
    """Return a source of one fake, with everything given by hand."""
    key = fake.token if isinstance(fake, FakeHum) else fake.key
    vendor = "hum" if isinstance(fake, FakeHum) else "attributionhub"
    given = {"start": START, "api_key": key, "base_url": fake.base_url}
    return sessions_source(vendor, **{**given, **options})


def truth(fake: Fake, start: Any = START, end: Any = None, **filters: Any) -> str:
    """Return the digest of what the vendor has now, as our own pull reads it."""
    with Client(provider_of(fake)) as client:
        return digest(client.sessions(start=start, end=end, **filters).to_arrow())


@frozen
class Target:
    """Where a pipeline loads to, and how its rows are read."""

    folder: Path
    destination: Callable[[Path], Any]
    relation: str
    options: dict[str, Any]

    def pipeline(self) -> Any:
        return dlt.pipeline(
            "loading",
            pipelines_dir=str(self.folder / "pipelines"),
            destination=self.destination(self.folder),
            dataset_name="vendor",
        )

    def load(self, source: Any, **options: Any) -> Any:
        info = self.pipeline().run(source, **{**self.options, **options})
        info.raise_on_failed_jobs()
        return info

    def rows(self, table: str = "hum_sessions") -> pa.Table:
        """Return the rows of a table that count, with all of their columns."""
        with duckdb.connect(str(self.folder / "target.duckdb")) as connection:
            connection.sql("SET TimeZone = 'UTC'")
            found = connection.sql(self.relation.format(folder=self.folder, table=table))
            return found.to_arrow_table()

    def sessions(self, table: str = "hum_sessions") -> pa.Table:
        return self.rows(table).select(csv_header())

    def digest(self, table: str = "hum_sessions") -> str:
        return digest(self.sessions(table))

    def state(self, resource: str = "hum_sessions") -> dict[str, Any]:
        sources = self.pipeline().state.get("sources", {})
        found = sources.get("asyncsessions", {}).get("resources", {}).get(resource, {})
        return dict(found)


def into_duckdb(folder: Path) -> Target:
    return Target(
        folder,
        lambda place: dlt.destinations.duckdb(str(place / "target.duckdb")),
        "FROM vendor.{table}",
        {},
    )


NEWEST_READINGS = """
    FROM read_parquet('{folder}/lake/vendor/{table}/*.parquet')
    QUALIFY read_at = max(read_at) OVER (PARTITION BY provider, started_on)
    """


def into_parquet(folder: Path) -> Target:
    return Target(
        folder,
        lambda place: dlt.destinations.filesystem(bucket_url=(place / "lake").as_uri()),
        f"SELECT * FROM ({NEWEST_READINGS}) WHERE NOT is_empty_day",
        {"loader_file_format": "parquet"},
    )


TARGETS = {"duckdb": into_duckdb, "parquet": into_parquet}
