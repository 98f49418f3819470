"""OpenTelemetry's own SDK sees every pull, request and attempt, over real sockets, and no secret."""

from __future__ import annotations

import asyncio
import builtins
import importlib
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv.attributes import error_attributes as error_names
from opentelemetry.semconv.attributes import http_attributes as http_names
from opentelemetry.semconv.attributes import server_attributes as server_names
from opentelemetry.semconv.attributes import url_attributes as url_names
from opentelemetry.semconv.metrics import http_metrics
from opentelemetry.trace import SpanKind, StatusCode

from asyncsessions import (
    AttributionHub,
    Client,
    Hum,
    PermissionDeniedError,
    QuotaExceededError,
    Retry,
    ServerError,
)
from asyncsessions.blocking import Client as BlockingClient
from asyncsessions.integrations.otel import DURATION_BUCKETS_S, Telemetry
from asyncsessions.testing import FakeAttributionHub, FakeHum, Faults

WHOLE = {"start": "2026-01-01", "end": "2026-03-31"}
MARCH = {"start": "2026-03-02", "end": "2026-03-31"}
QUICK = Retry(backoff_s=0.01)
SECRET = "canary-secret-0123456789abcdef"
NETWORK = {
    http_names.HTTP_REQUEST_METHOD,
    server_names.SERVER_ADDRESS,
    server_names.SERVER_PORT,
    url_names.URL_FULL,
    http_names.HTTP_RESPONSE_STATUS_CODE,
}


class Seen:
    """A telemetry with an SDK behind it that keeps everything in memory."""

    def __init__(self):
        self.started = []
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracers.add_span_processor(self)
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])
        self.telemetry = Telemetry(tracer_provider=self.tracers, meter_provider=self.meters)

    # ---- of a span processor: to count the spans that begin

    def on_start(self, span, parent_context=None):
        self.started.append(span)

    def on_end(self, span): ...

    def _on_ending(self, span): ...

    def shutdown(self): ...

    def force_flush(self, timeout_millis=0):
        return True

    # ---- what was exported

    @property
    def spans(self):
        return self.exporter.get_finished_spans()

    def named(self, name):
        return [span for span in self.spans if span.name == name]

    @property
    def pull(self):
        (pull,) = [span for span in self.spans if span.parent is None]
        return pull

    @property
    def attempts(self):
        return [span for span in self.spans if span.kind is SpanKind.CLIENT]

    def metrics(self):
        """Return the data points of each metric by its name."""
        data = self.reader.get_metrics_data()
        return {
            metric.name: (metric, list(metric.data.data_points))
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def sums(self, name):
        return sums(self.metrics(), name)

    def texts(self):
        """Return everything that would leave the process, as text."""
        spans = [span.to_json() for span in self.spans]
        return [*spans, self.reader_text()]

    def reader_text(self):
        data = self.reader.get_metrics_data()
        return "" if data is None else data.to_json()


def sums(metrics, name):
    """Return the value of a counter or gauge, or the count of a histogram, by attributes."""
    return {
        tuple(sorted(p.attributes.items())): p.value if hasattr(p, "value") else p.count
        for p in metrics[name][1]
    }


@pytest.fixture
def seen():
    found = Seen()
    yield found
    ended = {span.context.span_id for span in found.spans}
    assert {span.context.span_id for span in found.started} == ended, "a span was not ended"
    found.tracers.shutdown()
    found.meters.shutdown()


@asynccontextmanager
async def hum(seen, fake, **options):
    options = {"retry": QUICK, "observers": [seen.telemetry], **options}
    async with fake, Client(Hum(fake.token, base_url=fake.base_url), **options) as client:
        yield client


def children(seen, parent):
    return [s for s in seen.spans if s.parent and s.parent.span_id == parent.context.span_id]


# ------------------------------------------------------------------ spans


async def test_a_pull_is_a_span_with_a_span_a_request_with_a_span_an_attempt(seen):
    faults = Faults(first=1, kinds=["503"], only_pages=[2])
    async with hum(seen, FakeHum(rows=130, faults=faults)) as client:
        found = await client.sessions(**WHOLE).collect()
    pull = seen.pull
    assert (pull.name, pull.kind) == ("asyncsessions.pull", SpanKind.INTERNAL)
    assert pull.status.status_code is StatusCode.UNSET
    assert pull.attributes["asyncsessions.rows"] == 130 == len(found)
    assert pull.attributes["asyncsessions.requests"] == 4
    assert pull.attributes["asyncsessions.retries"] == 1
    assert pull.attributes["asyncsessions.complete"] is True
    requests = children(seen, pull)
    assert {span.name for span in requests} == {"asyncsessions.request"}
    assert {span.kind for span in requests} == {SpanKind.INTERNAL}
    tries = {span.attributes["asyncsessions.page"]: children(seen, span) for span in requests}
    assert {page: len(attempts) for page, attempts in tries.items()} == {1: 1, 2: 2, 3: 1}
    assert sum(map(len, tries.values())) == len(seen.attempts)
    first, second = sorted(tries[2], key=lambda span: span.start_time)
    assert first.attributes[http_names.HTTP_RESPONSE_STATUS_CODE] == 503
    assert first.attributes[error_names.ERROR_TYPE] == "503"
    assert (first.status.status_code, first.status.description) == (StatusCode.ERROR, None)
    assert http_names.HTTP_REQUEST_RESEND_COUNT not in first.attributes
    assert second.attributes[http_names.HTTP_REQUEST_RESEND_COUNT] == 1
    assert error_names.ERROR_TYPE not in second.attributes
    assert second.start_time >= first.end_time
    (repeated,) = [span for span in requests if span.attributes["asyncsessions.page"] == 2]
    assert repeated.attributes["asyncsessions.attempts"] == 2
    assert 0 < repeated.attributes["asyncsessions.waited_s"] <= 0.01
    assert repeated.start_time <= first.start_time <= second.end_time <= repeated.end_time


async def test_an_attempt_says_what_the_conventions_ask_for(seen):
    async with hum(seen, FakeHum(rows=10)) as client:
        await client.sessions(**WHOLE).count()
        port = int(client.provider.base_url.rpartition(":")[2])
    (attempt,) = seen.attempts
    assert attempt.name == "GET"
    assert set(attempt.attributes) == NETWORK | {"asyncsessions.waited_s"}
    assert attempt.attributes[http_names.HTTP_REQUEST_METHOD] == "GET"
    assert attempt.attributes[server_names.SERVER_ADDRESS] == "127.0.0.1"
    assert attempt.attributes[server_names.SERVER_PORT] == port
    assert attempt.attributes[http_names.HTTP_RESPONSE_STATUS_CODE] == 200
    assert attempt.attributes[url_names.URL_FULL] == (
        f"http://127.0.0.1:{port}/analytics/sessions?page=1"
        "&start_date=2026-01-01T00:00:00Z&end_date=2026-04-01T00:00:00Z"
    )
    assert attempt.status.status_code is StatusCode.UNSET
    assert attempt.instrumentation_scope.name == "asyncsessions"
    assert attempt.instrumentation_scope.schema_url.startswith("https://opentelemetry.io/schemas/")
    assert seen.pull.name == "asyncsessions.count"


@pytest.mark.parametrize(
    ("fault", "error_type", "status"),
    [
        ("reset", "TransportError", None),
        ("truncated", "TransportError", None),
        ("html", "UnexpectedResponseError", 200),
        ("500", "500", 500),
        ("429", "429", 429),
    ],
)
async def test_what_goes_wrong_is_told_by_status_or_by_class(seen, fault, error_type, status):
    faults = Faults(first=1, kinds=[fault])
    async with hum(seen, FakeHum(rows=10, faults=faults)) as client:
        await client.sessions(**WHOLE).collect()
    failed, passed = seen.attempts
    assert failed.attributes[error_names.ERROR_TYPE] == error_type
    assert failed.attributes.get(http_names.HTTP_RESPONSE_STATUS_CODE) == status
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.events == ()
    assert passed.attributes[http_names.HTTP_REQUEST_RESEND_COUNT] == 1
    assert seen.pull.status.status_code is StatusCode.UNSET


async def test_a_pull_that_fails_says_so_at_every_level(seen):
    faults = Faults(rate=1, kinds=["500"])
    async with hum(seen, FakeHum(rows=10, faults=faults), retry=Retry(attempts=2)) as client:
        with pytest.raises(ServerError):
            await client.sessions(**WHOLE).collect()
    (request,) = seen.named("asyncsessions.request")
    for span in (seen.pull, request):
        assert span.attributes[error_names.ERROR_TYPE] == "ServerError"
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert seen.pull.attributes["asyncsessions.complete"] is False


async def test_the_pull_belongs_to_the_span_in_which_it_began_whatever_comes_later(seen):
    tracer = seen.tracers.get_tracer("mine")
    async with hum(seen, FakeHum(rows=130)) as client:
        with tracer.start_as_current_span("job") as job:
            stream = client.sessions(**WHOLE).pages()
            await anext(stream)
        with tracer.start_as_current_span("later"):
            async for _ in stream:
                pass
    (pull,) = seen.named("asyncsessions.pull")
    assert pull.parent.span_id == job.context.span_id
    assert len(children(seen, pull)) == 3
    assert {span.context.trace_id for span in seen.attempts} == {job.context.trace_id}
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_two_pulls_at_once_keep_their_spans_apart(seen):
    async with hum(seen, FakeHum(rows=230, latency_s=0.01)) as client:
        queries = [client.sessions(**WHOLE).collect(), client.sessions(start="2026-03-15").count()]
        await asyncio.gather(*queries)
    pull, count = seen.named("asyncsessions.pull"), seen.named("asyncsessions.count")
    assert [len(children(seen, span)) for span in (*pull, *count)] == [5, 1]


async def test_what_your_own_session_traces_lies_below_the_attempt(seen):
    tracer, inside = seen.tracers.get_tracer("mine"), []

    async def on_request_start(session, context, params):
        inside.append(tracer.start_span("connection"))
        inside[-1].end()

    tracing = aiohttp.TraceConfig()
    tracing.on_request_start.append(on_request_start)
    http = aiohttp.ClientSession(trace_configs=[tracing])
    async with http, hum(seen, FakeHum(rows=60), http=http) as client:
        await client.sessions(**WHOLE).collect()
    attempts = {span.context.span_id for span in seen.attempts}
    assert {span.parent.span_id for span in inside} == attempts
    assert len(inside) == 2


async def test_nothing_of_a_trace_is_sent_to_the_vendor(seen):
    heads = []

    async def note(session, context, params):
        heads.append(dict(params.headers))

    tracing = aiohttp.TraceConfig()
    tracing.on_request_start.append(note)
    http = aiohttp.ClientSession(trace_configs=[tracing])
    async with http, hum(seen, FakeHum(rows=1), http=http) as client:
        await client.sessions(**WHOLE).count()
    assert heads
    assert not {name.lower() for head in heads for name in head} & {"traceparent", "tracestate"}


# ------------------------------------------------------------------ ends


async def test_a_break_ends_every_span(seen):
    async with hum(seen, FakeHum(rows=2_000, latency_s=0.02)) as client:
        async for _ in client.sessions(**WHOLE):
            break
    assert seen.pull.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("times", [1, 4])
async def test_cancellations_end_every_span_as_errors(seen, times):
    async with hum(seen, FakeHum(rows=2_000, latency_s=0.3), concurrency=4) as client:
        task = asyncio.ensure_future(client.sessions(**WHOLE).collect())
        while len(seen.started) < 7:  # noqa: ASYNC110 - the spans have no event to wait for
            await asyncio.sleep(0.01)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        under_way = [span for span in seen.attempts if error_names.ERROR_TYPE in span.attributes]
        assert under_way
        for span in (*under_way, seen.pull):
            assert span.attributes[error_names.ERROR_TYPE] == "CancelledError"
            assert span.status.status_code is StatusCode.ERROR
        assert set(seen.sums("http.client.active_requests").values()) == {0}


async def test_a_timeout_of_an_attempt_is_told(seen):
    fake = FakeHum(rows=10, faults=Faults(first=1, kinds=["slow"], slow_s=5))
    async with hum(seen, fake, timeout_s=0.2) as client:
        await client.sessions(**WHOLE).collect()
    late, _ = seen.attempts
    assert late.attributes[error_names.ERROR_TYPE] == "TransportError"
    assert 0.2 <= (late.end_time - late.start_time) / 1e9 < 2


async def test_a_client_that_closes_ends_the_spans_of_what_runs(seen):
    async with hum(seen, FakeHum(rows=2_000, latency_s=0.2)) as client:
        stream = client.sessions(**WHOLE).pages()
        await anext(stream)
    assert seen.pull.name == "asyncsessions.pull"


def test_it_is_the_same_from_plain_code(seen):
    with FakeHum(rows=130).in_thread() as fake:
        provider = Hum(fake.token, base_url=fake.base_url)
        with BlockingClient(provider, observers=[seen.telemetry]) as client:
            assert len(client.sessions(**WHOLE).collect()) == 130
            client.ping()
    (pull,) = seen.named("asyncsessions.pull")
    assert len(children(seen, pull)) == 3
    assert len(seen.named("asyncsessions.ping")) == 1


async def test_a_durable_pull_and_a_sync_are_spans_too(seen, tmp_path):
    async with hum(seen, FakeHum(rows=130)) as client:
        await client.sessions(start="2026-01-01").pull(tmp_path / "x.duckdb")
        await client.sessions(start="2026-01-01").sync(tmp_path / "x.duckdb")
    (pull,), (sync,) = seen.named("asyncsessions.pull"), seen.named("asyncsessions.sync")
    for span in (pull, sync):
        assert span.attributes["asyncsessions.complete"] is True
        assert span.attributes["asyncsessions.requests"] == len(children(seen, span)) > 0


async def test_no_span_ends_before_one_below_it_whatever_the_two_clocks_say(seen, monkeypatch):
    # Each span begins 10 ms later than the one before, by the clock of spans alone.
    moments = iter(range(time.time_ns(), 2**63, 10_000_000))
    monkeypatch.setattr(time, "time_ns", lambda: next(moments))
    async with hum(seen, FakeHum(rows=130)) as client:
        await client.sessions(**WHOLE).collect()
    requests = children(seen, seen.pull)
    attempts = [(request, below) for request in requests for below in children(seen, request)]
    assert len(attempts) == 3
    for above, below in [*((seen.pull, request) for request in requests), *attempts]:
        assert above.start_time <= below.start_time <= below.end_time <= above.end_time


# ------------------------------------------------------------------ metrics


@pytest.mark.slow
async def test_the_metrics_count_what_the_report_counts(seen):
    faults = Faults(first=3, kinds=["503", "reset", "429"])
    async with hum(seen, FakeHum(rows=530, faults=faults)) as client:
        report = (await client.sessions(**WHOLE).collect()).report
    assert report.complete
    metric, points = seen.metrics()["http.client.request.duration"]
    assert metric.unit == "s"
    assert metric.name == http_metrics.HTTP_CLIENT_REQUEST_DURATION
    assert sum(point.count for point in points) == report.requests == 14
    assert all(point.explicit_bounds == DURATION_BUCKETS_S for point in points)
    by_outcome = {point.attributes.get(error_names.ERROR_TYPE): point.count for point in points}
    assert by_outcome == {None: 11, "503": 1, "TransportError": 1, "429": 1}
    spans = sum(span.end_time - span.start_time for span in seen.attempts) / 1e9
    assert sum(point.sum for point in points) == pytest.approx(spans)
    assert sum(seen.sums("asyncsessions.retries").values()) == report.retries == 3
    assert sum(seen.sums("asyncsessions.rows").values()) == report.rows == 530
    assert set(seen.sums("http.client.active_requests").values()) == {0}
    waits = seen.metrics()["asyncsessions.wait.duration"][1]
    (backoff,) = [p for p in waits if p.attributes["asyncsessions.wait.reason"] == "retry"]
    assert backoff.count == 3
    assert backoff.sum == pytest.approx(report.waited_s)
    assert seen.sums("asyncsessions.pull.duration") == {
        (
            ("asyncsessions.complete", True),
            ("asyncsessions.operation", "pull"),
            ("asyncsessions.provider", "hum"),
        ): 1
    }


async def test_requests_in_flight_are_seen_while_they_are(seen):
    most = []

    def look(attempt):
        most.append(max(seen.sums("http.client.active_requests").values()))

    async with hum(seen, FakeHum(rows=530, latency_s=0.05), concurrency=4) as client:
        await client.sessions(**WHOLE).with_options(on_attempt=look).collect()
    assert max(most) == 3  # beside the one that has just been answered


async def test_a_limit_of_requests_a_second_is_seen_as_waits_for_the_pace(seen):
    async with hum(seen, FakeHum(rows=530), requests_per_second=40) as client:
        await client.sessions(**WHOLE).collect()
    waits = seen.metrics()["asyncsessions.wait.duration"][1]
    (pace,) = [p for p in waits if p.attributes["asyncsessions.wait.reason"] == "pace"]
    assert pace.count >= 5
    assert max(span.attributes["asyncsessions.waited_s"] for span in seen.attempts) > 0.02


async def test_the_vendors_quota_is_seen_when_it_says_so(seen):
    async with FakeAttributionHub(rows=400, quota=3) as fake:
        provider = AttributionHub(fake.key, base_url=fake.base_url)
        async with Client(provider, observers=[seen.telemetry], concurrency=1) as client:
            with pytest.raises(QuotaExceededError):
                await client.sessions(**MARCH).collect()
    key = (("asyncsessions.provider", "attributionhub"),)
    metrics = seen.metrics()
    quota = [sums(metrics, f"asyncsessions.quota.{name}") for name in ("used", "limit")]
    assert quota == [{key: 3}, {key: 3}]
    assert seen.pull.attributes[error_names.ERROR_TYPE] == "QuotaExceededError"
    assert [span.name for span in seen.attempts] == 4 * ["POST"]
    assert seen.attempts[-1].attributes[error_names.ERROR_TYPE] == "429"


# ------------------------------------------------------------------ nothing that is private


async def test_no_secret_no_id_and_no_persons_data_is_in_any_span_or_metric(seen):
    person, street = "canary.person@example.com", "42 Canary Street"
    row = {
        "id": "5f0c3a52-1a0e-4c27-9f0f-0123456789ab",
        "created_at": "2026-03-20T12:00:00Z",
        "address": {"street1": street, "city": "Canaryville"},
    }
    token_id = "5f0c3a52-1a0e-4c27-9f0f-00000000beef"
    async with hum(seen, FakeHum(rows=[row], token=SECRET)) as client:
        await client.sessions(**WHOLE).collect()
        with pytest.raises(PermissionDeniedError):
            await client.sessions(**WHOLE, token_ids=[token_id]).collect()
        await client.session(row["id"])
    async with FakeAttributionHub(rows=30, key=SECRET, quota=1, domain=person) as fake:
        provider = AttributionHub(fake.key, base_url=fake.base_url)
        async with Client(provider, observers=[seen.telemetry]) as client:
            query = client.sessions(**MARCH, campaign="canary-campaign")
            await query.collect()
            with pytest.raises(QuotaExceededError):
                await query.collect()
    texts = seen.texts()
    assert len(texts) > 10
    for canary in (SECRET, person, street, "Canaryville", row["id"], token_id, "canary-campaign"):
        assert not [text for text in texts if canary in text], canary
    assert any(text.count("/analytics/sessions/REDACTED") for text in texts)


# ------------------------------------------------------------------ around it


def test_without_the_extra_importing_says_in_one_sentence_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "asyncsessions.integrations.otel")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError) as caught:
        importlib.import_module("asyncsessions.integrations.otel")
    assert str(caught.value) == (
        'OpenTelemetry needs the extra "otel": pip install "asyncsessions[otel]"'
    )
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_nothing_loads_opentelemetry_but_its_integration():
    code = (
        "import asyncsessions.client, asyncsessions.transport.retry, sys;"
        "print([name for name in sys.modules if 'opentelemetry' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_without_an_sdk_it_does_nothing_and_does_no_harm():
    async with FakeHum(rows=60) as fake:
        provider = Hum(fake.token, base_url=fake.base_url)
        async with Client(provider, observers=[Telemetry()]) as client:
            assert len(await client.sessions(**WHOLE).collect()) == 60
