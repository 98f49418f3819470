"""The ledger of requests: never less than what was sent."""

from __future__ import annotations

import errno
import os
import stat
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.errors import SinkError
from asyncsessions.sinks.ledger import Ledger, read_ledger
from tests.invented_sessions import DAY, Disk, permissive

LAST_DAY = datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC)


class Calendar:
    """A clock that stands."""

    def __init__(self, moment=LAST_DAY):
        self.moment = moment

    def __call__(self):
        return self.moment


@pytest.fixture
def path(tmp_path):
    return tmp_path / "it.ledger"


def test_a_request_is_a_line_that_is_there_at_once(path):
    ledger = Ledger(path, now=Calendar())
    ledger.enter("5f1c")
    assert path.read_bytes() == b"2026-11-30T23:59:59Z 5f1c 1\n"
    ledger.close()


def test_the_wall_clock_is_the_clock(path):
    ledger = Ledger(path)
    ledger.enter("a")
    ledger.close()
    moment = datetime.fromisoformat(path.read_text().split()[0])
    assert timedelta(0) <= datetime.now(UTC) - moment < DAY


def test_requests_are_counted_by_run_and_month_over_all_goes(path):
    calendar = Calendar()
    for run, count in ("a", 2), ("b", 1), ("a", 3):
        ledger = Ledger(path, now=calendar)
        for _ in range(count):
            ledger.enter(run)
        ledger.close()
        calendar.moment += DAY
    assert read_ledger(path) == {"a": {"2026-11": 2, "2026-12": 3}, "b": {"2026-12": 1}}


def test_requests_count_as_soon_as_they_are_entered(path):
    ledger = Ledger(path, now=Calendar())
    assert ledger.months() == {}
    ledger.enter("a")
    assert ledger.months() == {"a": {"2026-11": 1}} == read_ledger(path)
    ledger.close()


def test_lines_that_were_summed_up_count_as_what_they_say(path):
    path.write_text("2026-11-01T00:00:00Z a 250\n2026-11-02T00:00:00Z a 1\n")
    assert read_ledger(path) == {"a": {"2026-11": 251}}


@given(cut=st.integers(0, 84))
def test_a_torn_line_counts_as_a_request_and_harms_no_other(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("torn") / "it.ledger"
    whole = b"2026-11-30T23:59:59Z a 1\n" * 3
    path.write_bytes(whole[:cut])
    ledger = Ledger(path, now=Calendar())
    ledger.enter("b")
    months = ledger.months()
    ledger.close()
    total = sum(count for counts in months.values() for count in counts.values())
    assert total == -(-min(cut, len(whole)) // 25) + 1
    assert months["b"] == {"2026-11": 1}
    assert months.get("a", {"2026-11": 0})["2026-11"] >= min(cut, len(whole)) // 25


@given(st.binary())
def test_whatever_is_in_the_file_it_can_be_counted_and_gone_on_with(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "it.ledger"
    path.write_bytes(content)
    ledger = Ledger(path, now=Calendar())
    ledger.enter("b")
    assert ledger.months()["b"]["2026-11"] >= 1
    ledger.close()


def test_a_line_for_which_there_is_no_room_leaves_nothing_of_it(path, monkeypatch):
    ledger = Ledger(path, now=Calendar())
    ledger.enter("a")
    for room in 0, 5, 22:
        with monkeypatch.context() as patch, pytest.raises(SinkError) as caught:
            patch.setattr(os, "write", Disk(room).write)
            ledger.enter("a")
        assert str(caught.value) == f"{path} cannot be written: No space left on device"
    ledger.enter("a")
    assert path.read_bytes() == b"2026-11-30T23:59:59Z a 1\n" * 2
    ledger.close()


def test_a_line_that_is_written_in_pieces_is_whole(path, monkeypatch):
    real = os.write
    ledger = Ledger(path, now=Calendar())
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, data[:4]))
        ledger.enter("a")
    ledger.close()
    assert path.read_bytes() == b"2026-11-30T23:59:59Z a 1\n"


def test_an_empty_ledger_goes_with_its_closing_and_another_when_it_is_told_to(path):
    ledger = Ledger(path)
    ledger.close()
    assert not path.exists()
    for remove in False, True:
        ledger = Ledger(path)
        ledger.enter("a")
        ledger.close(remove=remove)
        ledger.close(remove=True)  # a second time does nothing
        assert path.exists() is not remove


def test_the_lines_of_runs_that_are_kept_stay_when_the_others_go(path):
    for run in "a", "b", "a", "c":
        ledger = Ledger(path, now=Calendar())
        ledger.enter(run)
        ledger.close()
    ledger = Ledger(path)
    ledger.close(remove=True, kept={"a", "c"})
    assert read_ledger(path) == {"a": {"2026-11": 2}, "c": {"2026-11": 1}}
    Ledger(path).close(remove=True, kept={"b"})
    assert not path.exists()


def test_the_ledger_is_its_owners_alone(path):
    with permissive():
        ledger = Ledger(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    ledger.close()


def test_a_ledger_that_cannot_be_opened_is_one_sentence(path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SinkError) as caught:
        Ledger(path)
    assert str(caught.value) == f"{path} cannot be written: Permission denied"
