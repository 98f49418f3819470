"""A durable pull that dies, or is stopped, is gone on with: every row once, hardly a page twice."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from attrs import evolve
from msgspec.structs import replace

from asyncsessions import (
    AuthenticationError,
    BudgetExceededError,
    QuotaExceededError,
    Report,
    SinkError,
    UnexpectedResponseError,
)
from asyncsessions.core.http import Response
from asyncsessions.core.journal import Answered, Asked
from asyncsessions.core.windows import to_micros
from tests.engine.memory_store import BEGUN, Disk, MemoryStore, die, go
from tests.engine.vendor import HubVendor, Vendor, failing, rows

PAUSE = timedelta(minutes=6)


def gone_on_with(vendor, disk, **how):
    """Run a go that lives; return its report and how many requests it sent."""
    sent = len(vendor.pages)
    report = go(vendor, MemoryStore(disk), **how)
    return report, len(vendor.pages) - sent


def deaths(make, **how):
    """Yield, for each call at which a go can die, the vendor and what is left on disk."""
    at = 1
    while True:
        for late in (False, True):
            vendor, disk = make(), Disk()
            if not die(vendor, disk, at, late=late, **how):
                return
            yield vendor, disk
        at += 1


# ---------------------------------------------------------------------- deaths


@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_after_a_death_at_any_call_the_next_go_brings_every_row_once(consistency):
    how = {"consistency": consistency}
    calm = Vendor(rows(190))
    go(calm, MemoryStore(Disk()), **how)
    tried = 0
    for vendor, disk in deaths(lambda: Vendor(rows(190)), **how):
        report, sent = gone_on_with(vendor, disk, **how)
        assert sorted(disk.ids) == sorted(vendor.ids)
        assert (report.complete, report.rows, report.total) == (True, 190, 190)
        assert len(vendor.pages) <= len(calm.pages) + 3
        assert disk.ledger >= len(vendor.pages)
        assert (report.requests, report.requests_before) == (sent, disk.ledger - sent)
        assert disk.stories == {}
        tried += 1
    assert tried > 30


@pytest.mark.parametrize("k", [7, 9, 12, 20])
def test_goes_that_die_one_after_the_other_each_pay_only_for_what_was_under_way(k):
    vendor, disk = Vendor(rows(600)), Disk()
    died = 0
    while die(vendor, disk, k):
        died += 1
        assert died < 100
    assert sorted(disk.ids) == sorted(vendor.ids)
    assert len(vendor.pages) <= 12 + 3 * died
    assert disk.ledger >= len(vendor.pages)


def hub():
    """Return a vendor of four windows, with twins in the midst of pages and at their edges."""
    listing = rows(500, apart_s=4 * 3600.0)
    for place in (20, 21, 49, 99, 100, 180):
        listing[place + 1] = listing[place]
    return HubVendor(listing)


@pytest.mark.slow
def test_a_vendor_without_ids_is_gone_on_with_in_every_window():
    calm, whole = hub(), Disk()
    go(calm, MemoryStore(whole))
    assert len(whole.windows) == 3
    assert len(set(whole.ids)) == len(whole.ids) == 500
    for vendor, disk in deaths(hub):
        report, _ = gone_on_with(vendor, disk)
        assert sorted(disk.ids) == sorted(whole.ids)
        assert (report.complete, report.windows) == (True, 3)
        assert len(vendor.pages) <= len(calm.pages) + 3
        assert [w.owned for w in disk.windows] == [w.owned for w in whole.windows]


def test_a_finished_run_asks_for_nothing():
    vendor, disk = Vendor(rows(120)), Disk()
    go(vendor, MemoryStore(disk))
    report, sent = gone_on_with(vendor, disk)
    assert sent == 0
    assert (report.complete, report.rows, report.rows_before, report.requests) == (
        True,
        120,
        120,
        0,
    )
    assert report.outcome.startswith("finished: complete already, so nothing was asked")
    assert report.unproven == ()


def test_an_empty_range_is_complete_at_the_first_go():
    vendor, disk = Vendor([]), Disk()
    report, sent = gone_on_with(vendor, disk)
    assert (report.complete, report.rows, sent, len(disk.windows)) == (True, 0, 1, 1)


# ---------------------------------------------------------------------- changes between the goes


def change(vendor):
    """Insert, delete and edit rows; return the ids of those that are not as they were."""
    listing = vendor.listing
    gone = [listing.pop(place)["id"] for place in (130, 70, 3)]
    edited = {**listing[40], "order_number": "late"}
    listing[40] = edited
    for number, place in enumerate((0, 60, 150)):
        moment = datetime.fromisoformat(listing[place]["created_at"]) - timedelta(seconds=30)
        listing.append({"id": f"{number:08x}-1111-4000-8000-000000000000"})
        listing[-1]["created_at"] = moment.isoformat()
    listing.sort(key=lambda row: row["created_at"], reverse=True)
    return {*gone, edited["id"]}


@pytest.mark.parametrize("later", [timedelta(seconds=1), PAUSE])
@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_rows_that_stood_throughout_come_once_though_others_changed_between_the_goes(
    consistency, later
):
    how = {"consistency": consistency}
    for vendor, disk in deaths(lambda: Vendor(rows(190)), **how):
        stood = set(vendor.ids)
        stood -= change(vendor)
        # Three came and three went: only the pause tells that totals may not be compared.
        if later < PAUSE and consistency == "count":
            vendor.listing.append(
                {"id": f"{9:08x}-2222-4000-8000-000000000000", "created_at": "2026-03-01T00:00:00Z"}
            )
        report, _ = gone_on_with(vendor, disk, begun=BEGUN + later, **how)
        found = Counter(disk.ids)
        assert report.complete
        assert max(found.values()) == 1
        assert stood <= set(found)


def test_changes_that_cancel_in_a_pause_are_found_by_every_later_go():
    """The second go dies as well, and the third one follows it at once."""
    for k in range(10, 40):
        vendor, disk = Vendor(rows(400)), Disk()
        if not die(vendor, disk, k, concurrency=1):
            break
        vendor.listing.pop(2)
        vendor.listing.append({**rows(401)[-1], "id": f"{5:08x}-3333-4000-8000-000000000000"})
        die(vendor, disk, 12, concurrency=1, begun=BEGUN + PAUSE)
        report, _ = gone_on_with(
            vendor, disk, concurrency=1, begun=BEGUN + PAUSE + timedelta(seconds=9)
        )
        assert report.complete
        assert set(vendor.ids) - set(disk.ids) <= {vendor.ids[-1]}
        assert max(Counter(disk.ids).values()) == 1
    assert k > 25


# ---------------------------------------------------------------------- large windows


@pytest.fixture
def small_commits(monkeypatch):
    """Cut at more than 16 pages instead of 400."""
    monkeypatch.setattr("asyncsessions.core.slices.COMMIT_PAGES", 8)


def large():
    """Return a vendor of 20 pages, spread over the whole range."""
    return Vendor(rows(951, apart_s=8000.0))


@pytest.mark.usefixtures("small_commits")
def test_a_list_of_many_pages_is_cut_into_windows_that_are_committed_one_by_one():
    vendor, disk = large(), Disk()
    report, sent = gone_on_with(vendor, disk, concurrency=8)
    assert report.complete
    assert report.windows == report.windows_read == len(disk.windows) == 3
    assert report.rows == len(disk.ids) == 951
    assert sorted(disk.ids) == sorted(vendor.ids)
    assert sent <= 20 + 1 + 2
    spans = [w.owned for w in disk.windows]
    assert [newer.lo for newer in spans[:-1]] == [older.hi for older in spans[1:]]
    assert [w.owned for w in (read.window for read in disk.commits)] == spans


@pytest.mark.usefixtures("small_commits")
@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_a_list_that_began_lately_is_cut_where_its_rows_are(consistency):
    vendor, disk = Vendor(rows(1_600, apart_s=60.0)), Disk()  # a day and some of ninety
    report, sent = gone_on_with(vendor, disk, concurrency=8, consistency=consistency)
    assert report.complete
    assert sorted(disk.ids) == sorted(vendor.ids)
    assert [w.rows for w in disk.windows if not w.rows] == [0]
    assert sent <= (32 + 1 + 4 + 2) * (1 if consistency == "count" else 1.25)


@pytest.mark.slow
@pytest.mark.usefixtures("small_commits")
def test_a_window_that_was_cut_is_not_probed_again_after_a_death():
    for vendor, disk in deaths(large, concurrency=8):
        whole = vendor.ranges[0] if vendor.ranges else None
        is_cut = disk.answers or disk.windows or (disk.planned and len(disk.planned) > 1)
        report, _ = gone_on_with(vendor, disk, concurrency=8)
        assert report.complete
        assert sorted(disk.ids) == sorted(vendor.ids)
        assert vendor.ranges.count(whole) == (1 if is_cut else 2 if whole else 0)
        assert len(vendor.pages) <= 20 + 1 + 2 + 8


def most_open(vendor, **how):
    """Pull, and return how many windows had a story at the same time, at most."""
    opened, most = set(), 0

    class Watching(MemoryStore):
        def note(self, window, setting, *events):
            nonlocal most
            opened.add(window)
            most = max(most, len(opened))
            super().note(window, setting, *events)

        def forget(self, window):
            opened.discard(window)
            super().forget(window)

    go(vendor, Watching(Disk()), **how)
    assert opened == set()
    return most


@pytest.mark.parametrize("consistency", ["count", "strict"])
@pytest.mark.parametrize(("apart_s", "concurrency"), [(4 * 3600.0, 2), (900.0, 8)])
def test_at_most_two_large_windows_are_open(apart_s, concurrency, consistency):
    vendor = HubVendor(rows(int(83 * 86_400 / apart_s), apart_s=apart_s))
    assert most_open(vendor, concurrency=concurrency, consistency=consistency) == 2


YEARS = {"start": "2021-01-01", "end": "2026-03-31"}


def test_of_small_windows_more_are_open_with_each_that_was_heard_of():
    vendor = HubVendor(rows(10, apart_s=4 * 3600.0))
    assert most_open(vendor, concurrency=8, bounds=YEARS) == 8
    assert vendor.samples[:4] == [1, 1, 2, 3]
    assert vendor.most_in_flight == 8
    vendor = HubVendor(rows(10, apart_s=4 * 3600.0))
    assert most_open(vendor, concurrency=40, bounds=YEARS) == vendor.most_in_flight == 16
    assert len(vendor.pages) == 64


def test_large_windows_wait_for_each_other_whatever_came_before():
    """A year of quiet, and before it windows of 18 pages: no more than two wait in memory."""
    vendor = HubVendor(rows(10, apart_s=4 * 3600.0))
    for row in rows(3600, apart_s=3000.0):
        at = datetime.fromisoformat(row["created_at"]) - timedelta(days=365)
        vendor.listing.append({**row, "created_at": at.isoformat()})
    begun, most = set(), 0

    class Watching(MemoryStore):
        def note(self, window, setting, *events):
            nonlocal most
            super().note(window, setting, *events)
            if any(event.ask.page > 1 for event in events if isinstance(event, Answered)):
                begun.add(window)
                most = max(most, len(begun))

        def forget(self, window):
            begun.discard(window)
            super().forget(window)

    report = go(vendor, Watching(Disk()), concurrency=8, bounds=YEARS)
    assert (report.complete, report.rows) == (True, 3610)
    assert most == 2


def test_while_requests_wait_for_their_turn_no_more_windows_are_begun():
    """The longer page 1 waits for the other pages, the less it proves."""
    vendor = HubVendor(rows(64 * 120, apart_s=6 * 3600.0))
    paced = {"requests_per_second": 0.5}
    assert most_open(vendor, concurrency=16, bounds=YEARS, client=paced) <= 4
    assert len(vendor.pages) == 192  # and none is worthless when the others come


@pytest.mark.slow
@pytest.mark.parametrize(("apart_h", "pages"), [(720, 64), (6, 192), (4, 256), (2, 511)])
@pytest.mark.parametrize("concurrency", [4, 16])
def test_requests_are_kept_under_way_however_small_the_windows_are(apart_h, pages, concurrency):
    """Five years in 64 windows of one page to eight, each page asked for once."""
    vendor = HubVendor(rows(64 * 720 // apart_h, apart_s=3600.0 * apart_h))
    report = go(vendor, MemoryStore(Disk()), concurrency=concurrency, bounds=YEARS)
    assert report.complete
    assert report.pages == len(vendor.pages) == pages
    rounds = 1 + (pages - 1) / concurrency
    assert report.elapsed_s <= 0.05 * (1.25 * rounds + 1)


def test_page_1_of_the_next_window_is_here_when_it_is_needed():
    """173 pages of three windows, 16 at a time, take no longer than those of one."""
    vendor, disk = HubVendor(rows(9_000, apart_s=900.0)), Disk()
    report = go(vendor, MemoryStore(disk), concurrency=16)
    assert report.complete
    assert (report.windows, report.pages) == (3, 173)
    assert report.elapsed_s == pytest.approx(0.05 * (1 + 11))


# ---------------------------------------------------------------------- the story


def another_course(story):
    """Return a story that this walk would not live: it begins with page 2."""
    first = story[0].ask
    return [Asked(replace(first, page=2), 3), *story]


def an_answer_to_nothing(story):
    return [event for event in story if isinstance(event, Answered)]


def an_unreadable_answer(story):
    return [
        evolve(event, body=b"[]") if isinstance(event, Answered) and event.ask.page == 2 else event
        for event in story
    ]


def test_what_was_asked_is_written_down_with_the_next_answer_in_one_step():
    steps = []

    class Noting(MemoryStore):
        def note(self, window, setting, *events):
            steps.append(events)
            super().note(window, setting, *events)

    go(Vendor(rows(300)), Noting(Disk()), concurrency=3)
    assert len(steps) == 6
    assert all(isinstance(last, Answered) for *_, last in steps)
    assert [event.ask.page for step in steps for event in step[:-1]] == [1, 2, 3, 4, 5, 6]
    for number, step in enumerate(steps):
        told = {e.ask for before in steps[: number + 1] for e in before if isinstance(e, Asked)}
        assert step[-1].ask in told


@pytest.mark.parametrize("tampered", [another_course, an_answer_to_nothing, an_unreadable_answer])
def test_a_story_that_this_walk_would_not_live_is_forgotten_and_the_window_read_anew(tampered):
    vendor, disk = Vendor(rows(300)), Disk()
    assert die(vendor, disk, 20)
    assert len(disk.answers) > 2
    disk.stories = {key: tampered(story) for key, story in disk.stories.items()}
    vendor.pages.clear()
    report, sent = gone_on_with(vendor, disk)
    assert report.complete
    assert sorted(disk.ids) == sorted(vendor.ids)
    assert sent == 6


@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_another_concurrency_goes_on_with_what_was_paid_for(consistency):
    vendor, disk = Vendor(rows(300)), Disk()
    assert die(vendor, disk, 20, consistency=consistency)
    paid = len(disk.answers)
    assert paid > 2
    report, sent = gone_on_with(vendor, disk, concurrency=2, consistency=consistency)
    assert report.complete
    assert sorted(disk.ids) == sorted(vendor.ids)
    assert sent <= 8 - paid


ALIKE = [(2, 1), (2, 3), (2, 4), (2, 7), (3, 2), (3, 5), (3, 7), (4, 6), (4, 7), (5, 7)]
"""Of each pair the first page comes with the rows of the other."""


@pytest.mark.parametrize("gap", [timedelta(minutes=1), timedelta(hours=1)])
@pytest.mark.parametrize(("page", "other"), ALIKE)
def test_after_two_pages_that_are_alike_the_next_go_believes_neither(page, other, gap):
    """Which of the two is the wrong one does not show, so what came with them is not kept."""
    vendor, disk = Vendor(rows(330)), Disk()
    vendor.answer = lambda asked: repeated(vendor, other, under=page) if asked == page else None
    error = refused(vendor, disk, concurrency=1)
    assert (error.provider, error.page) == ("hum", max(page, other))
    vendor.answer = lambda _: None
    report = go(vendor, MemoryStore(disk), concurrency=1, begun=BEGUN + gap)
    assert report.complete
    assert sorted(disk.ids) == sorted(vendor.ids)
    assert report.requests == 7


def refused(vendor, disk, **how):
    """Let a go fail because two pages are alike, and return what it raised."""
    with pytest.raises(UnexpectedResponseError, match="hold the same rows") as caught:
        go(vendor, MemoryStore(disk), **how)
    return caught.value


def repeated(vendor, page, *, under):
    """Return a page under another number."""
    body = vendor.honest(page).body.replace(b'"page":%d' % page, b'"page":%d' % under)
    return Response(status=200, body=body)


@pytest.mark.slow
def test_requests_beyond_the_end_of_the_list_are_withdrawn_and_replayed_as_such():
    for vendor, disk in deaths(overstated, concurrency=8):
        report, _ = gone_on_with(vendor, disk, concurrency=8)
        assert report.complete
        assert sorted(disk.ids) == sorted(vendor.ids)


def overstated():
    """Return a vendor that announces many pages, and answers slowly for those that are empty."""
    vendor = Vendor(rows(60), total=10_000)
    vendor.latency_s = lambda page: 0.05 if page <= 3 else 100.0
    return vendor


def test_a_list_in_another_order_is_committed_in_the_vendors_order():
    vendor, disk = Vendor(rows(300)[::-1]), Disk()
    report = go(vendor, MemoryStore(disk))
    assert (report.complete, report.ordered) == (True, False)
    assert disk.ids == vendor.ids


# ---------------------------------------------------------------------- errors in the middle


def full():
    raise SinkError("the disk is full")


def test_a_commit_that_fails_is_told_and_the_next_go_commits_without_a_request():
    vendor, disk = Vendor(rows(190)), Disk()
    store = MemoryStore(disk, at={"commit": full})
    with pytest.raises(SinkError, match="the disk is full") as caught:
        go(vendor, store)
    assert store.calls[-1] == "leave"
    assert caught.value.__notes__ == ["left"]
    report = caught.value.report
    assert (report.complete, report.rows, report.outcome) == (False, 0, "left")
    assert report.unproven == ((report.start, last_of(report)),)
    report, sent = gone_on_with(vendor, disk)
    assert (report.complete, report.rows, sent) == (True, 190, 0)
    assert len(disk.ids) == 190


def last_of(report: Report):
    """Return the last instant of a range whose end does not belong to it."""
    return report.end - timedelta(microseconds=1)


def test_windows_that_wait_to_be_committed_are_committed_by_the_next_go_in_turn():
    vendor, disk = hub(), Disk()
    with pytest.raises(SinkError):
        go(vendor, MemoryStore(disk, at={"commit": full}), concurrency=8)
    sent = len(vendor.pages)
    report, more = gone_on_with(vendor, disk, concurrency=8)
    assert report.complete
    assert sent + more == len(hub_pages())


def hub_pages():
    calm = hub()
    go(calm, MemoryStore(Disk()), concurrency=8)
    return calm.pages


@pytest.mark.parametrize(
    "name", ["note asked", "note answered", "story", "plan", "planned", "forget"]
)
def test_a_journal_that_cannot_be_used_stops_the_pull(name):
    vendor, disk = Vendor(rows(300)), Disk()
    store = MemoryStore(disk, at={name: full})
    with pytest.raises(SinkError, match="the disk is full") as caught:
        go(vendor, store)
    assert store.calls[-1] == "leave"
    assert caught.value.__notes__ == ["left"]
    assert len(vendor.pages) <= 6
    report, _ = gone_on_with(vendor, disk)
    assert report.complete
    assert sorted(disk.ids) == sorted(vendor.ids)


def test_all_answers_that_have_come_are_written_down_although_one_of_them_could_not_be():
    vendor, disk = Vendor(rows(300)), Disk()
    noted = 0

    def once_full():
        nonlocal noted
        noted += 1
        if noted == 2:
            full()

    with pytest.raises(SinkError):
        go(vendor, MemoryStore(disk, at={"note answered": once_full}), concurrency=5)
    assert sorted(event.ask.page for event in disk.answers) == [1, 3, 4, 5, 6]
    _, sent = gone_on_with(vendor, disk, concurrency=5)
    assert sent == 1


def test_a_ledger_that_cannot_be_written_sends_nothing():
    vendor, disk = Vendor(rows(300)), Disk()
    with pytest.raises(SinkError):
        go(vendor, MemoryStore(disk, at={"spend": full}))
    assert vendor.pages == []


def test_when_the_quota_is_used_up_what_is_under_way_is_kept_and_only_the_rest_is_asked_for_later():
    vendor, disk = HubVendor(rows(300, apart_s=60.0)), Disk()
    vendor.latency_s = lambda page: 1.0 if page in {2, 4} else 0.05
    quota = Response(
        status=429,
        body=b'{"error": "API monthly limit exceeded.", "limit": 9, "used": 9}',
    )
    vendor.answer = lambda page: quota if page == 3 else None
    with pytest.raises(QuotaExceededError) as caught:
        go(vendor, MemoryStore(disk), concurrency=4)
    assert caught.value.__notes__ == ["left"]
    assert sorted(event.ask.page for event in disk.answers) == [1, 2, 4]
    assert [window.rows for window in disk.windows] == [0]  # the next one, asked with page 2
    vendor.answer = lambda _: None
    vendor.pages.clear()
    report, _ = gone_on_with(vendor, disk)
    assert sorted(vendor.pages[:4]) == [1, 3, 5, 6]
    assert vendor.pages.count(1) == report.windows - 2 == 1
    assert report.complete


def test_a_wrong_key_costs_one_request():
    vendor, disk = Vendor(rows(300)), Disk()
    vendor.answer = lambda _: failing(401)
    with pytest.raises(AuthenticationError):
        go(vendor, MemoryStore(disk), concurrency=8)
    assert vendor.pages == [1]


@pytest.mark.parametrize("allowed", [1, 4, 11])
def test_what_earlier_goes_sent_counts_against_max_requests_which_is_never_exceeded(allowed):
    vendor, disk = Vendor(rows(600)), Disk()
    with pytest.raises(BudgetExceededError, match=f"max_requests={allowed} is used up") as caught:
        go(vendor, MemoryStore(disk), max_requests=allowed)
    assert len(vendor.pages) == disk.ledger == allowed
    assert caught.value.report.requests == allowed
    with pytest.raises(BudgetExceededError, match=f"{allowed} of them in earlier goes"):
        go(vendor, MemoryStore(disk), max_requests=allowed)
    assert len(vendor.pages) == allowed
    report, sent = gone_on_with(vendor, disk, max_requests=12)
    assert (report.complete, sent) == (True, 12 - allowed)


def test_a_deadline_ends_a_go_and_the_next_one_goes_on():
    vendor, disk = Vendor(rows(600)), Disk()
    vendor.latency_s = lambda _: 1.0
    with pytest.raises(BudgetExceededError, match=r"deadline_s=2\.5"):
        go(vendor, MemoryStore(disk), deadline_s=2.5)
    assert len(disk.answers) == 7  # what was under way has come
    report, sent = gone_on_with(vendor, disk)
    assert (report.complete, sent) == (True, 5)


def test_every_row_that_is_committed_lies_in_its_window():
    vendor, disk = hub(), Disk()
    go(vendor, MemoryStore(disk))
    for read in disk.commits:
        window = read.window
        assert all(window.owned.holds(to_micros(row.started_at)) for row in read.rows)
