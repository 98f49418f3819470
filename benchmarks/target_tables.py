"""The tables on files, databases and starting, from the stored figures; see ``tools.generate``."""

from __future__ import annotations

from benchmarks.storing import results_of, rows_of, stored
from benchmarks.writing import NOT_YET, X, dated, table

__all__ = [
    "durable_table",
    "loading_claim",
    "loading_table",
    "sinks_airbyte_table",
    "sinks_figure",
    "sinks_latency_table",
    "sinks_table",
    "startup_claim",
    "tenants",
]

PEAKS = ("peak_mb_at_10%", "peak_mb_at_50%", "peak_mb_at_100%")


def tenants() -> str:
    """Return what two hundred tenants in one pull took, beside the bound of it."""
    content = stored("tenants")
    results = results_of(content)
    lines = [
        [
            str(row["target"]),
            *(f"{row[name]:,}" for name in ("tenants", "complete", "rows", "requests")),
            *(f"{row[name]:.1f}" for name in ("wall_s", "bound_s")),
            f"{row['ratio']:.2f}",
            f"{row['memory_mb']:.0f}",
        ]
        for row in results
    ]
    head = ["target", "tenants", "complete", "rows", "requests", "seconds", "at least, s"]
    return dated(content, table([*head, f"{X} that", "peak, MB"], lines))


def sinks_figure() -> str:
    """Return the picture of the sinks, if they were measured."""
    if stored("sinks") is None:
        return NOT_YET
    source = "images/performance-sinks"
    return (
        "<picture>\n"
        f'  <source media="(prefers-color-scheme: dark)" srcset="{source}-dark.svg">\n'
        '  <img alt="Bars: CPU time a record on its way into Arrow, Parquet, DuckDB, JSON lines '
        f'and CSV, by contender." src="{source}-light.svg">\n'
        "</picture>\n"
    )


def sinks_table() -> str:
    """Return what a record costs on its way into a target."""
    return _sinks("sinks")


def sinks_latency_table() -> str:
    """Return the same where answers take long."""
    return _sinks("sinks_latency")


def sinks_airbyte_table() -> str:
    """Return the same with a connector of Airbyte's, which runs from an environment of its own."""
    return _sinks("sinks_airbyte")


def startup_claim() -> str:
    """Return the sentence on importing and on the help of the command line."""
    content = stored("startup")
    if content is None:
        return NOT_YET
    rows = {row["name"]: row for row in content["results"]}
    # Less than nothing: the noise of starting a process.
    importing = max(0.0, rows["import asyncsessions"]["extra_ms"])
    shown = rows["asyncsessions --help"]["wall_ms"]
    return (
        f"`import asyncsessions` takes {importing:.0f} ms on top of the bare interpreter, since it "
        f"loads nothing until a name is used; `asyncsessions --help` takes {shown:.0f} ms "
        f"altogether, without asyncio, attrs or aiohttp (`make bench-startup`).\n"
    )


def durable_table() -> str:
    """Return what a row costs, and the peak of the memory, as targets grow."""
    content = stored("durable")
    results = results_of(content)
    lines = [
        [
            *(f"`{row['name']}`", f"{row['rows']:,}", f"{row['requests']:,}"),
            *(f"{row['wall_s']:.2f}", f"{row['cpu_us']:.1f}"),
            f"{row['more_us']:.1f}" if "more_us" in row else "",
            *(f"{row[name]:.0f}" if name in row else "" for name in PEAKS),
        ]
        for row in results
    ]
    head = ["target", "rows", "requests", "seconds", "CPU, µs a row", "µs for each more"]
    return dated(content, table([*head, "MB by a tenth", "by half", "at the end"], lines))


def loading_claim() -> str:
    """Return how much longer dlt's own source takes."""
    content = stored("dlt")
    if content is None:
        return NOT_YET
    setting, (_, *others) = content["setting"], content["results"]
    quickest = min(row["wall_to_ours"] for row in others)
    rows, latency_ms = setting["pages"] * 50, setting["latency"] * 1000
    return (
        f"{rows:,} rows into DuckDB, from a vendor that takes {latency_ms:g} ms to answer: "
        f"dlt's own `rest_api` source takes {quickest:.0f} times as long, at least.\n"
    )


def loading_table() -> str:
    """Return what a dlt pipeline takes, with our source and with dlt's own."""
    content = stored("dlt")
    results = results_of(content)
    lines = [
        [
            *(row["name"], f"{row['wall_s']:.1f}", f"{row['wall_to_ours']:.1f}"),
            *(f"{row['cpu_to_ours']:.1f}", f"{row['peak_mb']:.0f}"),
        ]
        for row in results
    ]
    head = ["", "seconds", f"time, {X} ours", f"CPU, {X} ours", "peak, MB"]
    return dated(content, table(head, lines))


def _sinks(name: str) -> str:
    content = stored(name)
    results = results_of(content)
    groups: list[str] = list(dict.fromkeys(row["group"] for row in results))
    lines = [
        [
            *(group, row["name"], f"{row['records_per_s']:,.0f}", f"{row['cpu_us']:.1f}"),
            *(f"{row['cpu_to_floor']:.2f}", f"{row['cpu_to_ours']:.2f}"),
            *(f"{row['wall_to_ours']:.2f}", f"{row['peak_mb']:.0f}"),
        ]
        for group in groups
        for row in rows_of(content, group)
    ]
    head = ["target", "", "records/s", "CPU, µs a record", f"CPU, {X} bytes only", f"CPU, {X} ours"]
    return dated(content, table([*head, f"time, {X} ours", "peak, MB"], lines))
