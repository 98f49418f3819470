"""What completeness costs: requests a page in a model of a concurrent pull, per kind of drift."""

from __future__ import annotations

import pytest

from tests.core.concurrent_model import keeps, main, pull, pulls
from tests.core.cost_cells import CELLS, PAGES, Cell

pytestmark = pytest.mark.slow
PROMISED = [pytest.param(cell, id=cell.title) for cell in CELLS if cell.most is not None]
SEEDS = range(2)
NIGHTLY_SEEDS = range(PAGES)  # so many that a single change comes after every answer once


def broken(cell, seeds):
    """Return the pulls that were not exact or cost too much."""
    return [found for found in pulls(cell, seeds) if not keeps(cell, found[2])]


@pytest.mark.parametrize("cell", PROMISED)
def test_every_row_comes_once_and_at_the_price_promised(cell):
    assert not broken(cell, SEEDS)


@pytest.mark.nightly
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("cell", PROMISED)
def test_every_row_comes_once_and_at_the_price_promised_for_many_seeds(cell):
    assert not broken(cell, NIGHTLY_SEEDS)


@pytest.mark.parametrize("order", ["newest_first", "oldest_first", "shuffled"])
def test_count_takes_as_many_requests_as_there_are_pages_where_nothing_moves(order):
    assert pull(Cell(name="still", order=order), 0).requests == PAGES


def test_the_model_tells_a_loss_from_an_exact_pull():
    """Page numbers alone lose rows under drift: what the other tests prove is no matter of course."""
    dense = next(cell for cell in CELLS if cell.name == "dense +4 -5 for ever")
    trusting = pull(Cell(name="trusting", consistency="off", drift=dense.drift), 0)
    assert trusting.missing > 0
    assert not trusting.is_exact


def test_the_table_has_a_line_for_each_cell(capsys):
    assert main(["one delete", "--seeds", "1", "--worst"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[0] for line in lines[1:2]] == ["one delete [count]"]
    assert "worst: seed 0" in lines[2]
