"""The same rows into Arrow, Parquet, DuckDB, JSON lines and CSV, side by side: ``make bench-sinks``.

    python -m benchmarks.sinks [--group parquet] [--only dlt] [--rounds 5] [--latency 0.05]

Each contender runs in a process of its own, so that none pays for what another has imported; the
processes of one target take turns, round by round.  In each round a contender also fetches the bytes
alone, before and after, and the figures are medians of the ratios within a round: to the bytes alone
of the same process, and to asyncsessions in the same round.  CPU time is that of all threads.
Starting up, importing and a first small pull are not counted.  How many rows a target holds is
checked each time.

Ours does more than the others: it proves that no row is missing, keeps a ledger, and can be stopped at
any moment.  Airbyte's connectors need other versions of libraries than the rest, so theirs runs from an
environment of its own, which ``make bench-airbyte`` makes; it is only measured if it is asked for.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from attrs import frozen

from benchmarks.measuring import quartiles, ratio, ratios, server
from benchmarks.storing import store

__all__ = ["CONTENDERS", "Contender", "described"]

PAGE = 50
US = 1e6
LONGEST_S = 300.0
"""A round that takes longer is given up."""
AIRBYTE = ".venvs/airbyte/bin/python"


@frozen
class Contender:
    """A way to fill a target, by an interpreter; the first of its group is ours."""

    group: str
    name: str
    module: str
    function: str
    vendor: str = "hum"
    python: str = sys.executable


CONTENDERS = (
    Contender("arrow", "asyncsessions to_arrow()", "sink_ours", "arrow"),
    Contender("arrow", "asyncsessions to_table()", "sink_ours", "arrow_of_sessions"),
    Contender("arrow", "polars, to_arrow()", "sink_polars", "arrow"),
    Contender("arrow", "aiohttp + pyarrow", "sink_script", "arrow"),
    Contender("parquet", "asyncsessions .parquet", "sink_ours", "parquet"),
    Contender("parquet", "asyncsessions dataset/", "sink_ours", "dataset"),
    Contender("parquet", "polars, write_parquet()", "sink_polars", "parquet"),
    Contender("parquet", "aiohttp + pyarrow", "sink_script", "parquet"),
    Contender("parquet", "pandas, to_parquet()", "sink_pandas", "parquet"),
    Contender("parquet", "dlt rest_api", "sink_dlt", "parquet"),
    Contender("duckdb", "asyncsessions .duckdb", "sink_ours", "duckdb"),
    Contender("duckdb", "aiohttp + pyarrow + duckdb", "sink_script", "duckdb"),
    Contender("duckdb", "aiohttp + duckdb's read_json", "sink_read_json", "duckdb"),
    Contender("duckdb", "dlt, own resource of Arrow", "sink_dlt", "duckdb_arrow"),
    Contender("duckdb", "dlt rest_api, ranges by hand", "sink_dlt", "duckdb_ranges"),
    Contender("duckdb", "dlt rest_api", "sink_dlt", "duckdb"),
    Contender("duckdb", "Airbyte, slices of time", "sink_airbyte", "duckdb", python=AIRBYTE),
    Contender("jsonl", "asyncsessions .jsonl", "sink_ours", "jsonl"),
    Contender("jsonl", "polars, write_ndjson()", "sink_polars", "jsonl"),
    Contender("jsonl", "aiohttp + json", "sink_script", "jsonl"),
    Contender("csv", "asyncsessions .csv", "sink_ours", "csv"),
    Contender("csv", "polars, write_csv()", "sink_polars", "csv"),
    Contender("csv", "aiohttp + csv", "sink_script", "csv"),
    Contender("csv", "pandas, to_csv()", "sink_pandas", "csv"),
    *(
        Contender(
            f"{kind}, AttributionHub",
            f"asyncsessions .{kind}",
            "sink_ours",
            f"hub_{kind}",
            vendor="attributionhub",
        )
        for kind in ("parquet", "duckdb")
    ),
)


@frozen
class Setting:
    """What all contenders are given."""

    pages: int
    rounds: int
    concurrency: int
    latency: float


class Child:
    """The process of a contender."""

    def __init__(self, contender: Contender, address: str, setting: Setting) -> None:
        self.rounds = list[dict[str, float]]()
        self.contender = contender
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - close() does
        pages, concurrency, latency = setting.pages, setting.concurrency, setting.latency
        self._process = subprocess.Popen(
            [
                *(contender.python, "-m", "benchmarks.sinks_child"),
                *(contender.module, contender.function, contender.vendor, address),
                *(str(pages), str(concurrency), str(latency)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=_without_dev_mode(),
        )

    def is_ready(self) -> bool:
        """Wait until it is warm; otherwise say why it is left out."""
        return self._is_fine(self._answer())

    def run(self, rows: int) -> bool:
        """Run a round with so many rows; otherwise say why it is left out from now on."""
        assert self._process.stdin is not None
        with tempfile.TemporaryDirectory() as folder:
            try:
                print(folder, file=self._process.stdin, flush=True)
            except BrokenPipeError:
                return self._is_fine(None)
            found = self._answer()
            held = rows if found is None else rows_of(found.pop("target"))
        if held != rows:
            return self._leave_out(f"it has {held:,} rows instead of {rows:,}")
        if found is not None:
            self.rounds.append(found)
        return self._is_fine(found)

    def close(self) -> None:
        """End the process."""
        try:
            self._process.communicate("", timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._said.close()

    def _answer(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        timer = threading.Timer(LONGEST_S, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        answer: dict[str, Any] | None = json.loads(line) if line else None
        return answer

    def _is_fine(self, answer: Mapping[str, Any] | None) -> bool:
        if answer is None:
            self._said.seek(0)
            lines = self._said.read().strip().splitlines() or ["it took too long"]
            return self._leave_out(f"it failed: {lines[-1]}")
        if missing := answer.get("missing"):
            return self._leave_out(f"{missing} is not installed")
        return True

    def _leave_out(self, reason: str) -> bool:
        print(f"left out: {self.contender.name} ({reason})", flush=True)
        return False


def _without_dev_mode() -> dict[str, str]:
    # Python's development mode is slower, and says more than what went wrong.
    return {name: value for name, value in os.environ.items() if name != "PYTHONDEVMODE"}


def rows_of(target: str | int) -> int:
    """Return how many rows a target holds: a path, or itself the number of rows in memory."""
    if isinstance(target, int):
        return target
    path = Path(target)
    if path.suffix in {".jsonl", ".csv"}:
        return len(path.read_bytes().splitlines()) - (path.suffix == ".csv")
    if path.suffix != ".duckdb":
        files = f"{path}/**/*.parquet" if path.is_dir() else str(path)
        return _count(duckdb.connect(), f"read_parquet('{files}')")
    with duckdb.connect(path, read_only=True) as connection:
        tables = (
            "SELECT schema_name FROM duckdb_tables() "
            "WHERE table_name = 'sessions' AND NOT schema_name LIKE '%_staging'"
        )
        return _count(connection, f'"{_one(connection, tables)}".sessions')


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(_one(connection, f"SELECT count(*) FROM {table}"))  # noqa: S608 - ours


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    found = connection.execute(sql).fetchone()
    assert found is not None
    return found[0]


def measure(contenders: Sequence[Contender], address: str, setting: Setting) -> list[Child]:
    """Let the contenders of one group take turns, and return those that came through."""
    children = list[Child]()
    try:
        for contender in contenders:
            children.append(Child(contender, address, setting))
            if not children[-1].is_ready():
                children.pop().close()
        for _ in range(setting.rounds):
            for child in list(children):
                if not child.run(setting.pages * PAGE):
                    children.remove(child)
                    child.close()
    finally:
        for child in children:
            child.close()
    return children


def described(
    figures: Mapping[Contender, Sequence[Mapping[str, float]]], setting: Setting
) -> list[dict[str, Any]]:
    """Return a row for each contender of a group; the first is what the others are compared with."""
    ours = next(iter(figures.values()))
    rows: list[dict[str, Any]] = []
    for contender, rounds in figures.items():
        row: dict[str, Any] = {
            "name": contender.name,
            "group": contender.group,
            "vendor": contender.vendor,
            "records_per_s": setting.pages * PAGE / statistics.median(_of(rounds, "wall")),
        }
        for what in ("cpu", "wall"):
            mine, floor, first = _of(rounds, what), _of(rounds, f"floor_{what}"), _of(ours, what)
            each = [seconds / setting.pages / PAGE * US for seconds in mine]
            row |= {
                f"{what}_us": statistics.median(each),
                f"{what}_us_spread": quartiles(each),
                f"floor_{what}_us": statistics.median(floor) / setting.pages / PAGE * US,
                f"{what}_to_floor": ratio(mine, floor),
                f"{what}_to_floor_spread": quartiles(ratios(mine, floor)),
                f"{what}_to_ours": ratio(mine, first),
            }
        # Later rounds keep what earlier ones have left behind: the peak is the first one's.
        row |= {name: rounds[0][name] for name in ("imports_mb", "peak_mb")}
        rows.append({**row, "rounds": len(rounds)})
    return rows


def _of(rounds: Sequence[Mapping[str, float]], what: str) -> list[float]:
    return [each[what] for each in rounds]


def _is_wanted(contender: Contender, only: str) -> bool:
    return only in contender.name and (bool(only) or contender.python == sys.executable)


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the rows of a group."""
    print(
        f"\n{rows[0]['group'] + ', us a record':<36}{'wall':>8} {'CPU':>7} {'x floor':>8} "
        f"{'half of them':>13} {'CPU x ours':>10} {'wall x ours':>11} {'peak MB':>8}"
    )
    for row in rows:
        low, high = row["cpu_to_floor_spread"]
        print(
            f"{row['name']:<36}{row['wall_us']:>8.1f} {row['cpu_us']:>7.1f} "
            f"{row['cpu_to_floor']:>8.2f} {f'{low:.2f}-{high:.2f}':>13} {row['cpu_to_ours']:>10.2f} "
            f"{row['wall_to_ours']:>11.2f} {row['peak_mb']:>8.0f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--group", default="", help="only the groups whose name begins so")
    parser.add_argument("--only", default="", help="only ours, and those whose name holds this")
    parser.add_argument("--write", type=Path, default=None)
    args = parser.parse_args()
    setting = Setting(args.pages, args.rounds, args.concurrency, args.latency)
    chosen = [each for each in CONTENDERS if each.group.startswith(args.group)]
    if not any(args.only in each.name for each in chosen):
        parser.error(f"no group that begins with {args.group!r} has a {args.only!r}")
    results: list[dict[str, Any]] = []
    with server() as address:
        for group in dict.fromkeys(each.group for each in chosen):
            members = [each for each in chosen if each.group == group]
            wanted = [each for each in members[1:] if _is_wanted(each, args.only)]
            if args.only and not wanted:
                continue
            children = measure([members[0], *wanted], address, setting)
            if not children or children[0].contender != members[0]:
                sys.exit(f"{members[0].name} itself could not be measured")
            rows = described({each.contender: each.rounds for each in children}, setting)
            show(rows)
            results += rows
    if args.write is not None:
        names = ("pages", "rounds", "concurrency", "latency")
        store(args.write, {name: getattr(args, name) for name in names}, results)


if __name__ == "__main__":
    main()
