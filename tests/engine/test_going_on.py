"""While the consumer waits, the task of an answer goes on with the next request itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise

import msgspec
import pytest
from attrs import evolve

from asyncsessions import (
    AuthenticationError,
    Client,
    Hum,
    IncompleteError,
    Retry,
    UnexpectedResponseError,
)
from asyncsessions.core.http import Response
from asyncsessions.testing import run_virtual
from tests.engine.memory_store import Disk, MemoryStore
from tests.engine.memory_store import go as durably
from tests.engine.vendor import WHOLE, Vendor, failing, rows, swapped


class Mistaken(Hum):
    """Forgets the zone of the times of page 3."""

    def read_page(self, response, *, page, raw=False):
        answer = super().read_page(response, page=page, raw=raw)
        if page != 3:
            return answer
        return evolve(answer, times=[time.replace(tzinfo=None) for time in answer.times])


@pytest.mark.parametrize("on_incomplete", ["raise", "warn"])
def test_a_mistake_of_a_provider_is_raised_after_the_rows_before_it(on_incomplete):
    vendor, seen = Vendor(rows(400)), []

    async def pull():
        mistaken = Mistaken("invented", environment="sandbox")
        retry = Retry(attempts=1)
        async with Client(mistaken, transport=vendor, retry=retry, concurrency=4) as client:
            query = client.sessions(**WHOLE).with_options(on_incomplete=on_incomplete)
            with pytest.raises(TypeError, match="naive"):
                async for session in query:
                    seen.append(session.id)

    run_virtual(pull())
    assert seen == vendor.ids[: len(seen)]
    assert 0 < len(seen) <= 100
    assert len(vendor.pages) <= 8


@pytest.mark.parametrize("concurrency", [2, 8])
@pytest.mark.parametrize("count", [1000, 1500])
def test_disorder_that_shows_while_ranges_are_under_way_is_told_and_awaited(count, concurrency):
    vendor, seen = Vendor(swapped(rows(count))), Counter()

    async def pull():
        async with vendor.client(concurrency=concurrency) as client:
            query = client.sessions(**WHOLE).with_options(consistency="strict")
            with pytest.raises(IncompleteError, match="not in time order"):
                async for session in query:
                    seen[session.id] += 1

    run_virtual(pull())
    assert set(seen) <= set(vendor.ids)
    assert set(seen.values()) == {1}
    disk = Disk()
    with pytest.raises(IncompleteError, match="not in time order"):
        durably(vendor, MemoryStore(disk), concurrency=concurrency, consistency="strict")


@pytest.mark.parametrize("concurrency", [8, 32])
def test_a_transport_that_never_waits_leaves_the_loop_its_turns(concurrency):
    vendor = Vendor(rows(5000))
    pages = {page: vendor.honest(page) for page in range(1, 101)}
    turns = []

    async def send(request, *, timeout_s):
        page = dict(request.params)["page"]
        vendor.pages.append(int(page))
        return pages[int(page)]

    async def beat():
        while True:
            turns.append(len(vendor.pages))
            await asyncio.sleep(0)

    async def pull():
        vendor.send = send
        beating = asyncio.create_task(beat())
        async with vendor.client(concurrency=concurrency) as client:
            assert len(await client.sessions(**WHOLE).collect()) == 5000
        beating.cancel()

    run_virtual(pull())
    assert max(b - a for a, b in pairwise(turns)) <= 2 * concurrency


@pytest.mark.parametrize("concurrency", [2, 8])
def test_who_wants_only_the_first_page_pays_for_no_other(concurrency):
    vendor = Vendor(rows(5000))

    async def pull():
        async with (
            vendor.client(concurrency=concurrency) as client,
            client.sessions(**WHOLE) as stream,
        ):
            async for _ in stream:
                break
        await asyncio.sleep(60)

    run_virtual(pull())
    assert vendor.pages == [1]


def test_a_stream_that_was_closed_from_elsewhere_asks_for_nothing_more():
    vendor = Vendor(rows(3000))
    honest = vendor.send

    async def stubborn(request, *, timeout_s):
        try:
            return await honest(request, timeout_s=timeout_s)
        except asyncio.CancelledError:
            return vendor.honest(int(dict(request.params)["page"]))

    async def pull():
        vendor.send = stubborn
        async with vendor.client(concurrency=4) as client:
            stream = client.sessions(**WHOLE).stream()

            async def consume():
                async for _ in stream:
                    pass

            consumer = asyncio.create_task(consume())
            await asyncio.sleep(0.33)
            await stream.aclose()
            sent = len(vendor.pages)
            await asyncio.gather(consumer, return_exceptions=True)
            await asyncio.sleep(3)
            assert len(vendor.pages) == sent

    run_virtual(pull())


@pytest.mark.parametrize("concurrency", [1, 2, 4])
@pytest.mark.parametrize("after", [5, 8, 17])
def test_one_change_costs_few_requests_however_many_pages_wait_to_be_taken(concurrency, after):
    vendor, came = Vendor(rows(1000, apart_s=1.0)), []

    def change(page):
        came.append(page)
        if len(came) == after:
            del vendor.listing[100]

    async def pull():
        async with vendor.client(concurrency=concurrency) as client:
            return {session.id async for session in client.sessions(**WHOLE)}

    vendor.answer = change
    found, _ = run_virtual(pull)
    assert set(vendor.ids) <= found
    assert len(vendor.pages) <= 25  # of 20 pages


@pytest.mark.parametrize("call", [3, 5, 9])
def test_whoever_ends_a_pull_by_being_told_of_it_pays_for_no_more(call):
    vendor, told = Vendor(rows(2000)), []

    class EnoughError(Exception):
        pass

    def on_progress(report):
        told.append(report.pages)
        if len(told) == call:
            raise EnoughError

    async def pull():
        async with vendor.client(concurrency=4) as client:
            with pytest.raises(EnoughError):
                await client.sessions(**WHOLE).with_options(on_progress=on_progress).collect()

    run_virtual(pull())
    assert told == [*range(1, call + 1)]
    assert len(vendor.pages) <= call + 4


class Timed(Vendor):
    """Reads and answers pages of the whole list at set times, others after 0.1 and 0.2 s."""

    def __init__(self, listing, times):
        super().__init__(listing)
        self.times = times

    async def send(self, request, *, timeout_s):
        params, loop = dict(request.params), asyncio.get_running_loop()
        page, asked = int(params["page"]), (params["start_date"], params["end_date"])
        self.pages.append(page)
        self.ranges.append(asked)
        now = loop.time()
        read_at, comes_at = now + 0.1, now + 0.2
        if asked == self.ranges[0]:
            read_at, comes_at = self.times.get(page, (read_at, comes_at))
        await asyncio.sleep(read_at - now)
        answer = self.honest(page, *asked)
        await asyncio.sleep(comes_at - loop.time())
        return answer


@pytest.mark.parametrize("apart_s", [1e-10, 0.01])
def test_a_total_that_was_told_in_between_counts_though_answers_come_together(apart_s):
    """Pages 4 and 5 come together, and 7 is asked for in between; 3 is cut from another list."""
    times = {1: (0.5, 1.0), 2: (1.2, 2.0), 3: (3.5, 3.6), 4: (2.7, 3.0), 5: (2.4, 3.0 + apart_s)}
    times |= {6: (2.4, 5.0), 7: (3.2, 3.3), 8: (3.55, 3.65), 9: (3.56, 3.66)}
    vendor = Timed(rows(2000), times)
    newer = {"id": f"{2**32 - 1:x}-0000-4000-8000-000000000000"}
    newer["created_at"] = "2026-03-31T13:00:00+00:00"

    async def pull():
        loop = asyncio.get_running_loop()
        loop.call_at(2.5, vendor.listing.pop)
        loop.call_at(3.1, vendor.listing.insert, 0, newer)
        loop.call_at(3.4, vendor.listing.pop)
        async with vendor.client(concurrency=4) as client:
            return await client.sessions(**WHOLE).collect()

    stood = set(vendor.ids[:-2])
    found, _ = run_virtual(pull())
    assert stood <= {session.id for session in found}
    assert found.report.complete
    assert found.report.tag_changes >= 2


def repeated(vendor, page, *, of):
    """Return the answer to a page with the rows of another."""
    body = msgspec.json.decode(vendor.honest(of, *vendor.ranges[0]).body)
    body["meta"]["page"] = page
    return Response(status=200, body=msgspec.json.encode(body))


@pytest.mark.parametrize(
    ("slow", "concurrency", "page", "of"), [(9, 8, 11, 10), (9, 2, 11, 10), (2, 64, 6, 1)]
)
@pytest.mark.parametrize("ordered", [True, False])
def test_a_page_that_comes_under_two_numbers_ends_the_pull_at_its_place(
    slow, concurrency, page, of, *, ordered
):
    vendor, seen = Vendor(rows(500), total=550 if page == 11 else None), []
    vendor.latency_s = lambda number: 0.5 if number == slow else 0.05
    vendor.answer = lambda number: repeated(vendor, page, of=of) if number == page else None

    async def pull():
        async with vendor.client(concurrency=concurrency) as client:
            with pytest.raises(UnexpectedResponseError, match="the page number is ignored"):
                async for session in client.sessions(**WHOLE).with_options(ordered=ordered):
                    seen.append(session.id)

    run_virtual(pull())
    assert len(seen) == len(set(seen))
    if ordered:
        assert seen == vendor.ids[: 50 * (page - 1)]


@pytest.mark.parametrize("apart_s", [1.0, 0.04, 0.001])
@pytest.mark.parametrize("ordered", [True, False])
def test_a_straggler_is_not_run_ahead_of_however_dense_the_list(apart_s, *, ordered):
    """Whole pages share an instant with their neighbours, and wait in the seams."""
    listing = rows(50 * 400, apart_s=1.0)
    seconds = [row["created_at"] for row in listing]
    for number, row in enumerate(listing):
        row["created_at"] = seconds[int(number * apart_s)]
    vendor = Vendor(listing)
    vendor.latency_s = lambda page: 1e6 if page == 2 else 0.01

    async def pull():
        async with vendor.client(concurrency=2, timeout_s=1e9) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1000):
                    await client.sessions(**WHOLE).with_options(ordered=ordered).collect()

    run_virtual(pull())
    assert len(vendor.pages) <= 2 * 16 + 2


@pytest.mark.parametrize("concurrency", [8, 24])
@pytest.mark.parametrize("wrong", [3, 9, 14])
def test_after_an_error_was_read_nothing_is_sent(concurrency, wrong):
    vendor, sent = Vendor(rows(5000)), []

    def answer(page):
        sent.append(len(vendor.pages))
        return failing(401) if len(sent) == wrong else None

    async def pull():
        vendor.answer = answer
        async with vendor.client(concurrency=concurrency) as client:
            with pytest.raises(AuthenticationError):
                await client.sessions(**WHOLE).with_options(ordered=False).collect()

    run_virtual(pull())
    assert len(vendor.pages) == sent[wrong - 1]
