"""The tables on reading in docs/performance.md, from the stored figures; see ``tools.generate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.contending import DEFAULT, FLOOR, OURS
from benchmarks.storing import Content, rows_of, stored
from benchmarks.writing import NOT_YET, X, dated, table

__all__ = [
    "apart_table",
    "claim",
    "contenders_table",
    "hub_table",
    "latency_table",
    "machine_line",
    "micro_table",
    "rates_table",
    "ratios_table",
    "scale_table",
    "schedule_table",
    "server_line",
    "slow_table",
    "variants_table",
]

Row = Mapping[str, Any]
SLOW_S = 0.05
NAMES = {"hum": "Hum", "attributionhub": "AttributionHub"}
TO = "\u2013"
SHOWN = (
    *("asyncsessions pages(), unordered", "asyncsessions pages(), strict proof"),
    *("asyncsessions items", "asyncsessions collect()"),
)


def _span(spread: Sequence[float]) -> str:
    return f"{spread[0]:.2f}{TO}{spread[1]:.2f}"


def _of(content: Content | None, group: str, vendor: str = "hum") -> dict[str, Row]:
    return {row["name"]: row for row in rows_of(content, group) if row["vendor"] == vendor}


def machine_line() -> str:
    """Return on what, with what and when it was measured."""
    content = stored("reading")
    if content is None:
        return NOT_YET
    on = content["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in on["versions"].items())
    return (
        f"Measured on {on['date']}: {on['processor']}, {on['cores']} cores, {on['system']}, "
        f"{on['python']}; {versions}.\n"
    )


def claim() -> str:
    """Return the sentence of the README: what a record costs, next to other ways."""
    content = stored("reading")
    found, paired = _of(content, "contenders"), _of(content, "paired")
    peers = {
        "a hand-written loop of aiohttp and cattrs into the same records": (
            "aiohttp + cattrs, same record"
        ),
        "httpx with pydantic": "httpx + pydantic pager",
        "dlt's `RESTClient`": "dlt RESTClient (dicts)",
        "a Stainless-made SDK": "Stainless runtime (openai)",
    }
    has_both = OURS in paired and OURS in _of(content, "paired", "attributionhub")
    if not has_both or not all(name in found for name in peers.values()):
        return NOT_YET
    times = [f"{found[name]['cpu_to_ours']:.1f} ({said})" for said, name in peers.items()]
    ratio = paired[OURS]["cpu_to_floor"]
    hub = _of(content, "paired", "attributionhub")[OURS]["cpu_to_floor"]
    return (
        f"In order, proven complete and as a frozen record, a session of Hum costs {ratio:.2f} times "
        f"the CPU time of fetching its bytes alone with a tuned aiohttp (of AttributionHub "
        f"{hub:.2f}).  Other ways take this many times as much as ours: {', '.join(times)}.\n"
    )


def server_line() -> str:
    """Return how fast the page server is."""
    rows = rows_of(stored("reading"), "server")
    if not rows:
        return NOT_YET
    row = rows[0]
    return (
        f"It serves {row['pages_per_s']:,.0f} pages a second to a hand-made client, "
        f"{row['times_floor']:.1f} times as many as the tuned aiohttp takes from it, "
        f"which keeps it busy {row['busy_share']:.0%} of the time.\n"
    )


def contenders_table() -> str:
    """Return everything there is, for Hum."""
    return _contenders("hum")


def hub_table() -> str:
    """Return the same for AttributionHub."""
    return _contenders("attributionhub")


def _contenders(vendor: str) -> str:
    content = stored("reading")
    memory = _of(content, "memory", vendor)
    lines: list[list[str]] = []
    for name, row in _of(content, "contenders", vendor).items():
        peak = [f"{memory[name]['peak_mb']:.0f}"] if name in memory else [""]
        lines.append(
            [
                *(name, f"{row['records_per_s']:,.0f}", f"{row['cpu_us']:.1f}"),
                *(f"{row['cpu_to_floor']:.2f}", f"{row['cpu_to_ours']:.2f}"),
                f"{row['wall_to_ours']:.2f}",
                *(peak if memory else []),
            ]
        )
    head = ["", "records/s", "CPU, µs a record", f"CPU, {X} bytes only", f"CPU, {X} `pages()`"]
    return table([*head, f"time, {X} `pages()`", *(["peak, MB"] if memory else [])], lines)


def ratios_table() -> str:
    """Return our ways against the floors, with the spread of the rounds."""
    content = stored("reading")
    lines: list[list[str]] = []
    for vendor, said in NAMES.items():
        for name, row in _of(content, "paired", vendor).items():
            if name in {FLOOR, DEFAULT}:
                continue
            default = f"{row['cpu_to_default']:.2f}" if "cpu_to_default" in row else ""
            lines.append(
                [
                    *(said, name, f"{row['cpu_to_floor']:.2f}", _span(row["cpu_to_floor_spread"])),
                    *(default, str(row["rounds"])),
                ]
            )
    head = [
        "vendor",
        "",
        f"CPU, {X} tuned bytes",
        "half of the rounds",
        f"{X} plain bytes",
        "rounds",
    ]
    return table(head, lines)


def apart_table() -> str:
    """Return our ways and the floors, each in a process of its own."""
    lines = [
        [
            *(row["name"], f"{row['cpu_us']:.1f}", f"{row['cpu_to_floor']:.2f}"),
            *(_span(row["cpu_to_floor_spread"]), f"{row['cpu_to_default']:.2f}"),
            *(f"{row['faults_a_page']:.1f}", str(row["rounds"])),
        ]
        for row in rows_of(stored("apart"), "apart")
    ]
    head = ["", "CPU, µs a record", f"CPU, {X} tuned bytes", "half of the rounds"]
    return table([*head, f"{X} plain bytes", "page faults a page", "rounds"], lines)


def variants_table() -> str:
    """Return the same reading under other conditions."""
    content = stored("variants")
    lines = [
        [
            *(row["name"], f"{row['cpu_us']:.1f}", f"{row['cpu_to_usual']:.2f}"),
            *(_span(row["cpu_to_usual_spread"]), str(row["rounds"])),
        ]
        for row in rows_of(content, "variants")
    ]
    head = ["", "CPU, µs a record", f"{X} without", "half of the rounds", "rounds"]
    return dated(content, table(head, lines))


def rates_table() -> str:
    """Return records a second over latencies and concurrencies, of the floor and ours."""
    rows = rows_of(stored("reading"), "grid")
    latencies = sorted({row["latency_s"] for row in rows})
    rates = {(row["name"], row["latency_s"], row["concurrency"]): row for row in rows}
    lines: list[list[str]] = []
    for lanes in sorted({row["concurrency"] for row in rows}):
        cells = [
            f"{rates[name, latency_s, lanes]['records_per_s']:,.0f}"
            for latency_s in latencies
            for name in (FLOOR, OURS)
        ]
        lines.append([str(lanes), *cells])
    head = [
        f"{latency_s * 1000:g} ms, {what}"
        for latency_s in latencies
        for what in ("bytes only", "`pages()`")
    ]
    return table(["requests at a time", *head], lines)


def slow_table() -> str:
    """Return which share of the ideal schedule is reached at 50 ms."""
    rows = [row for row in rows_of(stored("reading"), "grid") if row["latency_s"] == SLOW_S]
    found = {(row["name"], row["concurrency"]): row for row in rows}
    lines: list[list[str]] = []
    for lanes in sorted({row["concurrency"] for row in rows}):
        shares = [found[name, lanes]["share_of_ideal"] for name in (FLOOR, OURS, *SHOWN)]
        ours = found[OURS, lanes]
        lines.append(
            [
                *(str(lanes), str(ours["pages"])),
                *(f"{share:.3f}" for share in shares),
                f"{ours['share_of_even']:.3f}",
            ]
        )
    head = ["requests at a time", "pages", "bytes only", "`pages()`", "unordered", "strict"]
    return table([*head, "items", "`collect()`", "`pages()` of pages/C"], lines)


def schedule_table() -> str:
    """Return which share of the ideal schedule the engine reaches where nothing else delays it."""
    rows = rows_of(stored("schedule"), "schedule")
    names = [*dict.fromkeys(row["name"] for row in rows)]
    found = {(row["name"], row["concurrency"]): row["share"] for row in rows}
    lines = [
        [str(lanes), *(f"{found[name, lanes]:.3f}" for name in names)]
        for lanes in sorted({row["concurrency"] for row in rows})
    ]
    shown = [f"`{name}`" if name.endswith("()") else name for name in names]
    return table(["requests at a time", *shown], lines)


def latency_table() -> str:
    """Return what else there is at 50 ms."""
    lines = [
        [
            *(name, str(row["concurrency"]), f"{row['records_per_s']:,.0f}"),
            *(f"{row['wall_to_ours']:.2f}", f"{row['share_of_ideal']:.2f}"),
        ]
        for name, row in _of(stored("reading"), "latency").items()
    ]
    head = ["", "requests at a time", "records/s", f"time, {X} `pages()`"]
    return table([*head, "share of the ideal for so many at a time"], lines)


def micro_table() -> str:
    """Return the parts on their own."""
    lines = [
        [
            *(row["name"], f"{row['cpu_us_a_page']:.1f}", f"{row['to_reference']:.3f}"),
            _span(row["to_reference_spread"]),
        ]
        for row in rows_of(stored("micro"), "micro")
    ]
    return table(["", "CPU, µs a page", f"{X} reference", "half of the rounds"], lines)


def scale_table() -> str:
    """Return what a row costs as lists grow."""
    lines = [
        [
            *(f"{row['rows']:,}", f"{row['requests']:,}", f"{row['wall_s']:,.2f}"),
            *(f"{row['cpu_us']:.2f}", f"{row['wall_us']:.2f}", f"{row['before_mb']:.0f}"),
            *(f"{row[f'peak_mb_{share}']:.0f}" for share in ("tenth", "half", "end")),
        ]
        for row in rows_of(stored("scale"), "scale")
    ]
    head = ["rows", "requests", "seconds", "CPU, µs a row", "time, µs a row", "MB before"]
    return table([*head, "MB by a tenth", "by half", "at the end"], lines)
