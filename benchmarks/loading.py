"""dlt pipelines into DuckDB, with our source and with dlt's own: ``make bench-dlt``.

    python -m benchmarks.loading [--rounds 5] [--pages 600] [--latency 0.05] [--concurrency 20]

The same server, table and destination, and rounds that take turns, as in :mod:`benchmarks.sinks`, of
which this is a group more.  What is said of time is the whole of ``pipeline.run``: extract, normalize
and load.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

from benchmarks.machine import warn_if_busy
from benchmarks.measuring import server
from benchmarks.sinks import Contender, Setting, described, measure, show
from benchmarks.storing import store

__all__ = ["CONTENDERS", "TARGET"]

TARGET = 8.0
"""So many times as long rest_api shall take at least."""
CONTENDERS = (
    Contender("dlt into duckdb", "asyncsessions sessions_source", "load_dlt", "ours"),
    Contender("dlt into duckdb", "dlt rest_api, as Parquet", "load_dlt", "rest_api_parquet"),
    Contender("dlt into duckdb", "dlt rest_api, as it comes", "load_dlt", "rest_api_defaults"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=20)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds")
    parser.add_argument("--only", default="", help="only ours, and those whose name holds this")
    parser.add_argument("--write", type=Path, default=None)
    args = parser.parse_args()
    warn_if_busy()
    setting = Setting(args.pages, args.rounds, args.concurrency, args.latency)
    chosen = [CONTENDERS[0], *(each for each in CONTENDERS[1:] if args.only in each.name)]
    with server() as address:
        children = measure(chosen, address, setting)
    if not children or children[0].contender != CONTENDERS[0]:
        sys.exit(f"{CONTENDERS[0].name} itself could not be measured")
    rows = described({each.contender: each.rounds for each in children}, setting)
    for row, child in zip(rows, children, strict=True):
        row["wall_s"] = statistics.median(each["wall"] for each in child.rounds)
    show(rows)
    for row in rows[1:]:
        verdict = "as it should" if row["wall_to_ours"] >= TARGET else f"less than {TARGET:g} times"
        print(
            f"{row['name']}: {row['wall_s']:.1f} s, {row['wall_to_ours']:.1f} times ours: {verdict}"
        )
    if args.write is not None:
        names = ("pages", "rounds", "concurrency", "latency")
        store(args.write, {name: getattr(args, name) for name in names}, rows)


if __name__ == "__main__":
    main()
