"""What docs/telemetry.md lists is what there is: events, keys, spans, metrics; the example runs."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from asyncsessions import AttributionHub, Client, QuotaExceededError, Retry
from asyncsessions.integrations.otel import Telemetry
from asyncsessions.testing import FakeAttributionHub, Faults
from tests.engine.test_logs import facts_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "telemetry.md").read_text(encoding="utf-8")
MARCH = {"start": "2026-03-02", "end": "2026-03-31"}


def table(first_header):
    """Return the rows of the table whose first column has this title, as lists of cells."""
    lines = PAGE.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {first_header} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return found
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def names_in(cell):
    return set(re.findall(r"`([^`]+)`", cell))


@pytest.fixture
async def everything(caplog):
    """Return the records, spans and metrics of a pull in which everything happens."""
    caplog.set_level(logging.DEBUG, "asyncsessions")
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry = Telemetry(tracer_provider=tracers, meter_provider=meters)
    fake = FakeAttributionHub(rows=200, quota=5, faults=Faults(first=1, kinds=["503"]))
    async with fake:
        provider = AttributionHub(fake.key, base_url=fake.base_url)
        options = {"retry": Retry(backoff_s=0.01), "requests_per_second": 100}
        async with Client(provider, observers=[telemetry], **options) as client:
            await client.sessions(**MARCH).collect()
            with pytest.raises(QuotaExceededError):
                await client.sessions(**MARCH).collect()
    data = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    yield caplog.records, exporter.get_finished_spans(), data
    tracers.shutdown()
    meters.shutdown()


def test_each_key_of_a_record_is_listed_with_its_level_and_logger(everything):
    listed = {
        names_in(event).pop(): (level, names_in(logger).pop(), names_in(keys))
        for event, level, logger, keys in table("`event`")
    }
    records = [record for record in everything[0] if record.name.startswith("asyncsessions.")]
    assert {record.event for record in records} == set(listed) - {"incomplete", "surprise"}
    for record in records:
        level, logger, keys = listed[record.event]
        assert (record.levelname, record.name) == (level, logger)
        assert set(facts_of(record)) - {"event"} == keys


def test_each_attribute_of_a_span_is_listed(everything):
    attributes = {}
    for names, _, cell in table("span"):
        for name in names_in(names):
            attributes[name] = names_in(cell) | {"error.type"}
    seen = {}
    for span in everything[1]:
        seen.setdefault(span.name, set()).update(span.attributes)
    assert seen.keys() == {"asyncsessions.pull", "asyncsessions.request", "POST"}
    for name, keys in seen.items():
        assert keys == attributes[name]


def test_each_metric_is_listed_with_its_unit_and_attributes(everything):
    listed = {
        names_in(name).pop(): (unit, names_in(cell.partition(": `retry`")[0]))
        for name, _, unit, cell in table("metric")
    }
    assert {metric.name for metric in everything[2]} == set(listed)
    for metric in everything[2]:
        unit, names = listed[metric.name]
        assert metric.unit == unit
        seen = {key for point in metric.data.data_points for key in point.attributes}
        assert seen == names


def test_the_example_shows_the_spans_of_a_pull_that_stumbles():
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "telemetry.py")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("asyncsessions.pull")
    assert sum(line.startswith("    POST") for line in lines) == 7
    assert lines[-1] == "6 of 6 requests of the quota are used up"
