"""OpenTelemetry: spans and metrics of every pull, by the conventions for HTTP clients.

::

    from asyncsessions import Client, Hum
    from asyncsessions.integrations.otel import Telemetry

    Client(Hum.from_env(environment="sandbox"), observers=[Telemetry()])

A pull is a span, each of its requests is one below, and each attempt of a request is a span of kind
``CLIENT`` below that: what the conventions describe is what goes over the wire, so a request that
is repeated is several of theirs.  Nothing is sent to the vendor (no ``traceparent``), and no span
or metric holds a secret, a filter's value, an id, a row, or a text of the vendor's.

Conventions: https://opentelemetry.io/docs/specs/semconv/http/http-spans/ and …/http-metrics/, read
as of version 1.44.0.  All that is used of them is stable, but ``http.client.active_requests``.
"""

from __future__ import annotations

import time
from contextvars import Token
from importlib.metadata import version
from typing import TypeAlias

from attrs import define, field, frozen

from asyncsessions.core.events import (
    AttemptEnded,
    AttemptStarted,
    Event,
    PageReceived,
    PullEnded,
    PullStarted,
    RequestEnded,
    RequestStarted,
    Waiting,
)

try:
    from opentelemetry import context, metrics, trace
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, StatusCode
except ImportError:
    raise ImportError(
        'OpenTelemetry needs the extra "otel": pip install "asyncsessions[otel]"'
    ) from None

__all__ = ["Telemetry"]

SCOPE = "asyncsessions"
SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
DURATION_BUCKETS_S = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
"""As the conventions advise for ``http.client.request.duration``."""
CLIENT_ERROR = 400
SHORTEST_WAIT_S = 0.001  # below, a request had its turn at once

Attributes: TypeAlias = dict[str, str | int | float | bool]


class Telemetry:
    """Makes spans and metrics of events; give it to a client as one of its ``observers``.

    ``None`` takes the providers that are set globally.  One may serve any number of clients.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        release = version(SCOPE)
        self._spans = _Spans(
            trace.get_tracer(SCOPE, release, tracer_provider, schema_url=SCHEMA_URL)
        )
        self._metrics = _Metrics(
            metrics.get_meter(SCOPE, release, meter_provider, schema_url=SCHEMA_URL)
        )

    def __call__(self, event: Event) -> None:
        """Take an event."""
        match event:
            case AttemptStarted():
                self._spans.begin_attempt(event)
                self._metrics.sent(event)
            case AttemptEnded():
                self._metrics.answered(event)  # while the span is current: it is the exemplar
                self._spans.end_attempt(event)
            case RequestStarted():
                self._spans.begin_request(event)
            case RequestEnded():
                self._spans.end_request(event)
            case PageReceived():
                self._metrics.page(event)
            case Waiting():
                self._spans.wait(event)
                self._metrics.wait(event)
            case PullStarted():
                self._spans.begin_pull(event)
            case PullEnded():
                self._spans.end_pull(event)
                self._metrics.pull_ended(event)


# ---------------------------------------------------------------------- attributes


def _of_pull(pull: PullStarted) -> Attributes:
    return {
        "asyncsessions.provider": pull.provider,
        "asyncsessions.operation": pull.operation,
    }


def _of_request(request: RequestStarted) -> Attributes:
    return {
        "http.request.method": request.method,
        "server.address": request.server_address,
        "server.port": request.server_port,
    }


def _of_outcome(event: AttemptEnded) -> Attributes:
    found: Attributes = {}
    if event.status is not None:
        found["http.response.status_code"] = event.status
    if event.error is not None:
        is_status = event.status is not None and event.status >= CLIENT_ERROR
        found["error.type"] = str(event.status) if is_status else event.error
    return found


# ---------------------------------------------------------------------- spans


@define
class _Open:
    """A span that has begun, below another one or not.

    It ends as much later as the event says that it took, but not before what was below it: the
    clocks of events and spans are two.
    """

    span: Span
    began_ns: int
    above: _Open | None
    ended_below_ns: int = 0
    waited_s: float = 0.0
    token: Token[Context] | None = None

    def end(self, duration_s: float, attributes: Attributes, error: str | None) -> None:
        self.span.set_attributes(attributes)
        if error is not None:
            self.span.set_attribute("error.type", error)
            self.span.set_status(StatusCode.ERROR)
        ended_ns = max(self.began_ns + round(duration_s * 1e9), self.ended_below_ns)
        if self.above is not None:
            self.above.ended_below_ns = max(ended_ns, self.above.ended_below_ns)
        self.span.end(ended_ns)


@frozen
class _Spans:
    tracer: trace.Tracer
    _open: dict[object, _Open] = field(factory=dict[object, _Open])

    def _begin(
        self,
        key: object,
        parent: object,
        name: str,
        attributes: Attributes,
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> _Open:
        # Named, not taken from the context: pages are asked for from tasks, while the consumer may
        # be inside of any other span.
        above = self._open.get(parent)
        where = None if above is None else trace.set_span_in_context(above.span)
        began_ns = time.time_ns()
        span = self.tracer.start_span(
            name, where, kind=kind, attributes=attributes, start_time=began_ns
        )
        self._open[key] = begun = _Open(span, began_ns, above)
        return begun

    def begin_pull(self, event: PullStarted) -> None:
        self._begin(event, None, f"asyncsessions.{event.operation}", _of_pull(event))

    def begin_request(self, event: RequestStarted) -> None:
        attributes = _of_pull(event.pull)
        if event.page is not None:
            attributes["asyncsessions.page"] = event.page
        self._begin(event, event.pull, "asyncsessions.request", attributes)

    def begin_attempt(self, event: AttemptStarted) -> None:
        request = event.request
        attributes = _of_request(request) | {"url.full": request.url}
        if event.number > 1:
            attributes["http.request.resend_count"] = event.number - 1
        attributes["asyncsessions.waited_s"] = event.waited_s
        begun = self._begin(event, request, request.method, attributes, SpanKind.CLIENT)
        # What else is traced or logged meanwhile belongs to it, like the connection of your own
        # session.  It ends in the same task, as `detach` needs it.
        begun.token = context.attach(trace.set_span_in_context(begun.span))

    def end_attempt(self, event: AttemptEnded) -> None:
        begun = self._open.pop(event.attempt)
        assert begun.token is not None
        context.detach(begun.token)
        attributes = _of_outcome(event)
        error = attributes.pop("error.type", None)
        begun.end(event.duration_s, attributes, None if error is None else str(error))

    def wait(self, event: Waiting) -> None:
        self._open[event.request].waited_s += event.wait_s

    def end_request(self, event: RequestEnded) -> None:
        begun = self._open.pop(event.request)
        attributes: Attributes = {
            "asyncsessions.attempts": event.attempts,
            "asyncsessions.waited_s": begun.waited_s,
        }
        begun.end(event.duration_s, attributes, event.error)

    def end_pull(self, event: PullEnded) -> None:
        attributes: Attributes = {}
        if (report := event.report) is not None:
            names = ("rows", "pages", "requests", "retries", "waited_s", "late", "complete")
            attributes = {f"asyncsessions.{name}": getattr(report, name) for name in names}
        self._open.pop(event.pull).end(event.duration_s, attributes, event.error)


# ---------------------------------------------------------------------- metrics


class _Metrics:
    def __init__(self, meter: metrics.Meter) -> None:
        self._durations = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=DURATION_BUCKETS_S,
        )
        self._active = meter.create_up_down_counter(
            "http.client.active_requests",
            unit="{request}",
            description="Number of active HTTP requests.",
        )
        self._retries = meter.create_counter(
            "asyncsessions.retries",
            unit="{request}",
            description="Requests that repeated another, by what was wrong with that.",
        )
        self._rows = meter.create_counter(
            "asyncsessions.rows",
            unit="{row}",
            description="Rows in the vendor's answers; what was asked for again counts again.",
        )
        self._waits = meter.create_histogram(
            "asyncsessions.wait.duration",
            unit="s",
            description="Time in which a request waited: to be repeated, or for its turn.",
            explicit_bucket_boundaries_advisory=DURATION_BUCKETS_S,
        )
        self._pulls = meter.create_histogram(
            "asyncsessions.pull.duration", unit="s", description="Duration of pulls."
        )
        self._used = meter.create_gauge(
            "asyncsessions.quota.used",
            unit="{request}",
            description="Requests of the vendor's quota that are used up, as it said last.",
        )
        self._limit = meter.create_gauge(
            "asyncsessions.quota.limit",
            unit="{request}",
            description="The vendor's quota of requests, as it said last.",
        )

    def sent(self, event: AttemptStarted) -> None:
        provider = {"asyncsessions.provider": event.request.pull.provider}
        self._active.add(1, _of_request(event.request))
        if event.repeats is not None:
            self._retries.add(1, provider | {"error.type": event.repeats})
        if event.waited_s >= SHORTEST_WAIT_S:
            self._waits.record(event.waited_s, provider | {"asyncsessions.wait.reason": "pace"})

    def answered(self, event: AttemptEnded) -> None:
        provider: Attributes = {"asyncsessions.provider": event.provider}
        attributes = _of_request(event.attempt.request)
        self._active.add(-1, attributes)
        self._durations.record(event.duration_s, attributes | _of_outcome(event) | provider)
        if event.quota_used is not None:
            self._used.set(event.quota_used, provider)
        if event.quota_limit is not None:
            self._limit.set(event.quota_limit, provider)

    def wait(self, event: Waiting) -> None:
        provider = {"asyncsessions.provider": event.request.pull.provider}
        self._waits.record(event.wait_s, provider | {"asyncsessions.wait.reason": "retry"})

    def page(self, event: PageReceived) -> None:
        self._rows.add(event.rows, {"asyncsessions.provider": event.provider})

    def pull_ended(self, event: PullEnded) -> None:
        attributes = _of_pull(event.pull)
        if event.report is not None:
            attributes["asyncsessions.complete"] = event.report.complete
        if event.error is not None:
            attributes["error.type"] = event.error
        self._pulls.record(event.duration_s, attributes)
