"""The generated parts of docs/completeness.md: its figures, and the program that it shows."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from attrs import evolve, frozen

from asyncsessions.testing import Drift, Order
from tools.simulation import Course, Reader, Vendor, one_by_one, ours, side_by_side

ROWS = 4_000
PAGES = 80
SEEDS = range(10)
PROGRAM = Path(__file__).parents[1] / "examples" / "drift.py"
MIDDLE = PAGES // 2


@frozen
class Scenario:
    """What happens while the list is read."""

    drift: Drift | None = None
    order: Order = "newest_first"


SCENARIOS = {
    "nothing moves": Scenario(),
    "one row appears late": Scenario(Drift(insert_backdated_every=MIDDLE, until_answer=MIDDLE)),
    "one row vanishes": Scenario(Drift(delete_every=MIDDLE, until_answer=MIDDLE)),
    "a row appears every 4 answers, another vanishes every 5": Scenario(
        Drift(insert_backdated_every=4, delete_every=5)
    ),
    "every third total is counted before a change, its rows are read after": Scenario(
        Drift(torn_total_every=3)
    ),
    "a row appears and another vanishes after every answer": Scenario(
        Drift(insert_backdated_every=1, delete_every=1)
    ),
    "nothing moves, but the rows are in no order": Scenario(order="shuffled"),
    "the rows are in no order, and one vanishes": Scenario(
        Drift(delete_every=MIDDLE, until_answer=MIDDLE), "shuffled"
    ),
}
READERS: dict[str, Reader] = {
    "`gather` + dedupe": side_by_side,
    "serial + dedupe": one_by_one,
    '`"off"`': ours("off"),
    '`"count"`': ours("count"),
    '`"strict"`': ours("strict"),
}


@cache
def courses(scenario: str, reader: str) -> tuple[Course, ...]:
    """Return what a reader makes of a scenario, once for each seed."""
    found = SCENARIOS[scenario]
    return tuple(
        READERS[reader](
            Vendor(
                ROWS,
                None if found.drift is None else evolve(found.drift, seed=seed),
                found.order,
                seed,
            )
        )
        for seed in SEEDS
    )


def losses_table() -> str:
    """Return how many of the rows that stood throughout each reader loses, and what it says."""
    return _table(_loss, tuple(READERS))


def costs_table() -> str:
    """Return how many requests a page each level takes."""
    return _table(_cost, tuple(READERS)[2:])


def _loss(runs: tuple[Course, ...]) -> str:
    lost = sum(run.lost for run in runs)
    doubled = sum(run.doubled for run in runs)
    said = sum(run.says_complete is False for run in runs)
    parts = [f"{lost:,} lost" if lost else "none lost"]
    parts += [f"{doubled:,} doubled"] * bool(doubled)
    parts += [f"`incomplete` {said} times"] * bool(said)
    return ", ".join(parts)


def _cost(runs: tuple[Course, ...]) -> str:
    least, most = (end(run.requests for run in runs) / PAGES for end in (min, max))
    return f"{most:.2f}" if f"{least:.2f}" == f"{most:.2f}" else f"{least:.2f} to {most:.2f}"


def _table(cell: Callable[[tuple[Course, ...]], str], readers: tuple[str, ...]) -> str:
    rows = [["while the list is read", *readers], ["---", *(["---:"] * len(readers))]]
    rows += [
        [scenario, *(cell(courses(scenario, reader)) for reader in readers)]
        for scenario in SCENARIOS
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def program() -> str:
    """Return the example as a block of Python."""
    return f"```python\n{PROGRAM.read_text(encoding='utf-8')}```\n"
