"""The stream delivers each page once, in order, as fast as the vendor allows."""

from __future__ import annotations

import asyncio
import heapq
import random

import pytest

from asyncsessions import InvalidQueryError, SessionsError
from asyncsessions.core.report import Report
from asyncsessions.engine.lane import Lane
from asyncsessions.testing import run_virtual
from tests.engine.vendor import WHOLE, Vendor, failing, rows, swapped


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 100, 2337])
@pytest.mark.parametrize("ordered", [True, False])
def test_every_row_comes_once_with_the_fewest_requests(count: int, *, ordered: bool) -> None:
    vendor = Vendor(rows(count))

    async def pull() -> Report:
        async with vendor.client(concurrency=6) as client:
            found = await client.sessions(**WHOLE).with_options(ordered=ordered).collect()
        ids = [session.id for session in found]
        assert vendor.ids == (ids if ordered else sorted(ids))
        return found.report

    report, _ = run_virtual(pull())
    assert report.complete
    assert report.requests == len(vendor.pages) == max(1, -(-count // 50))
    assert sorted(vendor.pages) == list(range(1, len(vendor.pages) + 1))
    assert (report.rows, report.total, report.clipped, report.unproven) == (count, count, 0, ())


def test_the_concurrency_is_used_and_never_exceeded() -> None:
    vendor = Vendor(rows(2337))
    chance = random.Random(1)
    vendor.latency_s = lambda _: chance.uniform(0.04, 0.06)

    async def pull() -> None:
        async with vendor.client(concurrency=6) as client:
            await client.sessions(**WHOLE).collect()

    run_virtual(pull())
    assert vendor.most_in_flight == 6
    assert sum(sample >= 4 for sample in vendor.samples) > len(vendor.samples) / 2


@pytest.mark.slow
@pytest.mark.parametrize("ordered", [True, False])
def test_the_schedule_is_close_to_ideal(*, ordered: bool) -> None:
    vendor = Vendor(rows(15_000, apart_s=5.0))
    chance = random.Random(7)
    latencies = {page: chance.uniform(0.05, 0.07) for page in range(1, 301)}
    for page in chance.sample(range(2, 301), 15):
        latencies[page] = 0.4  # stragglers
    vendor.latency_s = latencies.__getitem__

    async def pull() -> None:
        async with vendor.client(concurrency=10) as client:
            await client.sessions(**WHOLE).with_options(ordered=ordered).collect()

    _, elapsed_s = run_virtual(pull())
    assert elapsed_s <= 1.15 * ideal_s(latencies, 10)


def ideal_s(latencies: dict[int, float], width: int) -> float:
    """Return when page 1 and then all others in turn are done, ``width`` at a time."""
    free_at = [latencies[1]] * width
    for page in range(2, len(latencies) + 1):
        heapq.heappushpop(free_at, free_at[0] + latencies[page])
    return max(free_at)


def test_a_slow_consumer_is_not_run_ahead_of() -> None:
    vendor = Vendor(rows(5_000))

    async def pull() -> int:
        async with vendor.client(concurrency=4) as client:
            async for _ in client.sessions(**WHOLE).pages():
                await asyncio.sleep(10)
                return len(vendor.pages)
        return 0

    asked, _ = run_virtual(pull())
    assert asked <= 1 + 4


def test_one_at_a_time_is_on_its_way_while_the_consumer_works() -> None:
    vendor = Vendor(rows(1_000))
    vendor.latency_s = lambda _: 1.0
    ahead: list[int] = []

    async def pull() -> None:
        async with vendor.client(concurrency=1) as client:
            async for _ in client.sessions(**WHOLE).pages():
                ahead.append(len(vendor.pages) - len(ahead) - 1)
                await asyncio.sleep(1.0)

    _, elapsed_s = run_virtual(pull())
    assert elapsed_s <= 1 + 20 + 2
    assert vendor.most_in_flight == 1
    assert max(ahead) <= 2


def test_a_straggler_is_not_run_ahead_of_without_bound() -> None:
    vendor = Vendor(rows(50 * 400, apart_s=1.0))
    vendor.latency_s = lambda page: 1e6 if page == 2 else 0.01

    async def pull() -> None:
        async with vendor.client(concurrency=2, timeout_s=1e9) as client:
            async with asyncio.timeout(1000):
                await client.sessions(**WHOLE).collect()

    with pytest.raises(TimeoutError):
        run_virtual(pull())
    assert len(vendor.pages) <= 2 * 16 + 4  # rows on page edges are not counted


@pytest.mark.parametrize("concurrency", [1, 2, 8])
def test_as_many_sessions_are_in_memory_as_the_readme_says_and_no_more(concurrency: int) -> None:
    vendor = Vendor(rows(50 * 30 * max(4, concurrency), apart_s=1.0))
    vendor.latency_s = lambda page: 100.0 if page == 2 else 0.01
    delivered, most = 0, 0

    def answered(_: int) -> None:
        nonlocal most
        read = len(vendor.pages) - vendor.in_flight
        most = max(most, 50 * read - delivered)

    vendor.answer = answered

    async def pull() -> None:
        nonlocal delivered
        async with vendor.client(concurrency=concurrency, timeout_s=1e9) as client:
            async for page in client.sessions(**WHOLE).pages():
                delivered += len(page)

    run_virtual(pull())
    assert delivered == len(vendor.listing)
    assert most <= (17 * concurrency + 2) * 50
    assert concurrency == 1 or most >= 16 * concurrency * 50  # so it is no idle promise


@pytest.mark.parametrize("page", [1, 2, 7, 20])
def test_an_error_comes_after_the_rows_before_it(page: int) -> None:
    vendor = Vendor(rows(1000))
    vendor.answer = lambda number: failing() if number == page else None
    seen: list[str] = []

    async def pull() -> SessionsError:
        async with vendor.client(concurrency=5) as client:
            with pytest.raises(InvalidQueryError) as caught:
                async for session in client.sessions(**WHOLE):
                    seen.append(session.id)
            task = asyncio.current_task()
            assert task is not None
            assert task.cancelling() == 0
        return caught.value

    error, _ = run_virtual(pull())
    assert error.page == page
    assert seen == vendor.ids[: 50 * (page - 1)]
    assert error.report is not None
    assert not error.report.complete
    assert error.report.unproven
    assert error.report.rows == len(seen)


def test_of_two_failing_pages_the_first_is_raised() -> None:
    vendor = Vendor(rows(1000))
    vendor.latency_s = lambda page: 0.5 if page == 3 else 0.05
    vendor.answer = lambda page: failing() if page in {3, 5} else None

    async def pull() -> SessionsError:
        async with vendor.client(concurrency=8) as client:
            with pytest.raises(InvalidQueryError) as caught:
                await client.sessions(**WHOLE).collect()
        return caught.value

    error, _ = run_virtual(pull())
    assert error.page == 3


def test_unordered_delivers_what_arrived_before_it_raises() -> None:
    vendor = Vendor(rows(400))
    vendor.answer = lambda page: failing() if page == 2 else None
    seen: list[str] = []

    async def pull() -> None:
        async with vendor.client(concurrency=8) as client:
            with pytest.raises(InvalidQueryError):
                async for page in client.sessions(**WHOLE).with_options(ordered=False).pages():
                    seen.extend(session.id for session in page)

    run_virtual(pull())
    assert sorted(seen) == sorted(vendor.ids[:50] + vendor.ids[100:])


def test_a_billion_claimed_pages_end_with_the_first_empty_one() -> None:
    vendor = Vendor(rows(500), total=50_000_000_000)

    async def pull() -> Report:
        seen = []
        async with vendor.client() as client, client.sessions(**WHOLE) as stream:
            async for session in stream:
                seen.append(session.id)
        assert seen == vendor.ids
        return stream.report

    report, _ = run_virtual(pull())
    # Page 1, those under way then, and one for each that came at the same moment as the end.
    assert len(vendor.pages) <= 1 + 3 * 16
    assert report.complete
    assert report.warnings == ("the vendor announced 50000000000 rows, and 500 are there",)


def test_incomplete_can_be_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    vendor = Vendor(swapped(rows(70)))

    async def pull() -> Report:
        async with vendor.client() as client:
            query = client.sessions(**WHOLE).with_options(on_incomplete="warn")
            found = await query.collect()
        assert sorted(session.id for session in found) == sorted(vendor.ids)
        return found.report

    report, _ = run_virtual(pull())
    assert not report.complete
    assert "not proven complete" in caplog.text


def test_a_query_runs_as_often_as_one_likes_also_at_once() -> None:
    vendor = Vendor(rows(300))

    async def pull() -> None:
        async with vendor.client() as client:
            query = client.sessions(**WHOLE)
            first, second = await asyncio.gather(query.collect(), query.collect())
            async with query as one, query as other:
                assert one is not other
                interleaved = [session.id async for session in one]
                assert interleaved == [session.id async for session in other]
            third = await query.collect()
        assert first == second == third
        assert [session.id for session in first] == interleaved == vendor.ids
        assert first.report.requests == third.report.requests == 6

    run_virtual(pull())


def test_a_broken_off_loop_can_be_taken_up() -> None:
    vendor = Vendor(rows(230))

    async def pull() -> list[str]:
        seen = []
        async with vendor.client() as client, client.sessions(**WHOLE) as stream:
            async for session in stream:
                seen.append(session.id)
                if len(seen) == 70:
                    break
            async for page in stream.pages():
                seen += [session.id for session in page]
                if len(seen) > 150:
                    break
            seen += [session.id async for session in stream]
            assert stream.report.complete
        return seen

    seen, _ = run_virtual(pull())
    assert seen == vendor.ids


@pytest.mark.parametrize(
    ("limit", "requests"), [(0, 0), (1, 1), (10, 1), (50, 1), (51, 2), (120, 3), (999, 6)]
)
def test_a_limit_costs_no_more_requests_than_it_needs(limit: int, requests: int) -> None:
    vendor = Vendor(rows(300))

    async def pull() -> Report:
        async with vendor.client() as client:
            found = await client.sessions(**WHOLE).first(limit)
        assert [session.id for session in found] == vendor.ids[:limit]
        return found.report

    report, _ = run_virtual(pull())
    assert len(vendor.pages) == requests
    assert report.unproven == ()
    assert report.complete == (limit > 300)


def test_two_consumers_of_one_stream_are_refused() -> None:
    vendor = Vendor(rows(300))

    async def pull() -> None:
        async with vendor.client() as client:
            pages = client.sessions(**WHOLE).pages()
            first = asyncio.ensure_future(anext(pages))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="two tasks"):
                await anext(pages)
            assert await first

    run_virtual(pull())


def test_a_stream_that_ended_stays_ended() -> None:
    vendor = Vendor(rows(3))

    async def pull() -> None:
        async with vendor.client() as client:
            pages = client.sessions(**WHOLE).pages()
            assert [len(page) async for page in pages] == [3]
            assert [page async for page in pages] == []

    run_virtual(pull())


def test_progress_is_reported_after_each_answer() -> None:
    vendor = Vendor(rows(300))
    reports: list[Report] = []

    async def pull() -> None:
        async with vendor.client() as client:
            await client.sessions(**WHOLE).with_options(on_progress=reports.append).collect()

    run_virtual(pull())
    assert [report.pages for report in reports] == [1, 2, 3, 4, 5, 6]
    assert {report.total for report in reports} == {300}


def test_a_list_in_no_order_is_read_by_position() -> None:
    vendor = Vendor(rows(700))
    random.Random(3).shuffle(vendor.listing)

    async def pull() -> Report:
        async with vendor.client() as client:
            found = await client.sessions(**WHOLE).collect()
        assert [session.id for session in found] == vendor.ids
        return found.report

    report, _ = run_virtual(pull())
    assert report.complete
    assert not report.ordered
    assert report.requests == 14


def test_a_stream_can_be_opened_and_closed_by_hand() -> None:
    vendor = Vendor(rows(230))

    async def pull() -> None:
        async with vendor.client() as client:
            stream = client.sessions(**WHOLE).stream()
            assert (await anext(aiter(stream))).id == vendor.ids[0]
            await stream.aclose()
            assert stream.report.rows == 49  # the rows that were handed over with the first
            async with client.sessions(**WHOLE).stream() as other:
                pages = [page async for page in other.pages()]
            assert sum(map(len, pages)) == 230
            assert other.report.elapsed_s > 0

    run_virtual(pull())


def test_a_programming_error_comes_out_as_it_is() -> None:
    vendor = Vendor(rows(230))

    def stumble(page: int) -> None:
        if page == 3:
            raise KeyError(page)

    vendor.answer = stumble
    seen: list[str] = []

    async def pull() -> None:
        async with vendor.client() as client:
            with pytest.raises(KeyError):
                async for session in client.sessions(**WHOLE):
                    seen.append(session.id)

    run_virtual(pull())
    assert seen == vendor.ids[:100]


def test_what_is_no_exception_reaches_who_waits_for_the_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stop(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Stop

    async def pull() -> None:
        vendor = Vendor(rows(230))
        async with vendor.client() as client:
            pages = client.sessions(**WHOLE).pages()
            await anext(pages)
            monkeypatch.setattr(Lane, "answer", stop)
            with pytest.raises(Stop):
                await anext(pages)

    run_virtual(pull())
