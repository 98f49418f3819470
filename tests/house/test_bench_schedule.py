"""The engine's own schedule is measured against a bound that nothing beats."""

from __future__ import annotations

from benchmarks import schedule


def test_no_reader_beats_the_ideal_and_waits_take_no_real_time() -> None:
    found = schedule.shares(3, rounds=2)
    assert set(found) == {"pages()", "unordered", "items"}
    for each in found.values():
        assert len(each) == 2
        assert all(0.2 < share < 1 for share in each)


def test_what_is_computed_delays_what_comes_after_it(monkeypatch) -> None:
    monkeypatch.setattr(schedule, "STEPS", 5)
    monkeypatch.setattr(schedule, "IDEAL_S", 6 * schedule.LATENCY_S)
    quick = max(schedule.shares(3, rounds=2)["pages()"])
    monkeypatch.setattr(schedule, "RECEIVING_S", 0.01)
    assert max(schedule.shares(3, rounds=2)["pages()"]) < 0.9 * quick
