"""A pull that stumbles, watched: each span with its duration, as OpenTelemetry's SDK sees it.

A fake of AttributionHub on this machine fails now and then, and its quota ends before the pull does.
In a program of yours the exporter would be OTLP's instead of one in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from asyncsessions import AttributionHub, Client, QuotaExceededError, Retry
from asyncsessions.integrations.otel import Telemetry
from asyncsessions.testing import FakeAttributionHub, Faults


async def pull(telemetry: Telemetry) -> str:
    faults = Faults(first=2, kinds=["503", "reset"])
    async with FakeAttributionHub(rows=400, quota=6, latency_s=0.02, faults=faults) as fake:
        provider = AttributionHub(fake.key, base_url=fake.base_url)
        retry = Retry(backoff_s=0.05)
        async with Client(provider, retry=retry, concurrency=2, observers=[telemetry]) as client:
            try:
                await client.sessions(start="2026-03-02", end="2026-03-31").collect()
            except QuotaExceededError as error:
                return f"{error.used} of {error.limit} requests of the quota are used up"
    return "complete"


def show(spans: Sequence[ReadableSpan], parent: int | None = None, depth: int = 0) -> None:
    below = [span for span in spans if (span.parent and span.parent.span_id) == parent]
    for span in sorted(below, key=lambda span: span.start_time or 0):
        took_ms = ((span.end_time or 0) - (span.start_time or 0)) / 1e6
        said = span.attributes or {}
        outcome = said.get("error.type") or said.get("http.response.status_code") or ""
        page = said.get("asyncsessions.page", "")
        print(f"{'  ' * depth + span.name:<28}{page:>4}{took_ms:>9.1f} ms  {outcome}")
        assert span.context is not None
        show(spans, span.context.span_id, depth + 1)


async def main() -> None:
    exporter, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    outcome = await pull(Telemetry(tracer_provider=tracers))
    show(exporter.get_finished_spans())
    print(outcome)


if __name__ == "__main__":
    asyncio.run(main())
