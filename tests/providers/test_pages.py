"""The decisions P: which pages are asked for, and what they prove."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from asyncsessions import UnexpectedResponseError
from tests.providers.answers import PROVIDERS, ahub_page, answered, hum_page, page_with
from tests.providers.scripted import RANGE, Listed, asked_of, collected, made, pulled

vendors = pytest.mark.parametrize("vendor", ["hum", "attributionhub"])


def pages_of(requests):
    return sorted(int(asked_of(request)["page"]) for request in requests)


@vendors
@pytest.mark.parametrize(("rows", "pages"), [(0, 1), (1, 1), (49, 1), (50, 1), (51, 2), (237, 5)])
def test_as_many_requests_as_there_are_pages(vendor, rows, pages):
    """P1: one for each fifty rows, one for none."""
    found, requests = collected(vendor, Listed(vendor, made(vendor, rows)))
    assert len({session.id for session in found}) == len(found) == rows
    assert pages_of(requests) == list(range(1, pages + 1))
    assert found.report.complete


@vendors
@pytest.mark.parametrize("claimed", [1, 4, 300])
def test_the_claimed_number_of_pages_does_not_count(vendor, claimed):
    """P2: the total of rows decides, since the sample's 300 pages of 3000 rows cannot be."""
    listed = Listed(vendor, made(vendor, 120))
    listed.claimed_pages = claimed
    found, requests = collected(vendor, listed)
    assert (len(found), pages_of(requests)) == (120, [1, 2, 3])


def test_the_documented_sample_would_take_sixty_requests():
    """P2: 3000 rows of 50; by its own number of pages it would take 300."""
    listed = Listed("attributionhub", made("attributionhub", 3000))
    listed.claimed_pages = 300
    found, requests = collected("attributionhub", listed)
    assert (len(found), len(requests)) == (3000, 60)


@vendors
def test_a_first_page_with_fewer_rows_tells_the_size_of_all(vendor):
    """P3: fewer than fifty and fewer than the total can only be a smaller page."""
    found, requests = collected(vendor, Listed(vendor, made(vendor, 45), size=10))
    assert (len(found), pages_of(requests)) == (45, [1, 2, 3, 4, 5])
    assert found.report.complete


@vendors
def test_an_overstated_total_ends_with_the_first_empty_page_and_is_said(vendor):
    """P4: once a page came empty none is asked for beyond; the rest is looked for by time."""
    listed = Listed(vendor, made(vendor, 120))
    listed.claimed_total = 1_000_000
    found, requests = collected(vendor, listed)
    # Eight are under way, and pages 2 and 3 each set another going before page 4 came empty.
    assert max(pages_of(requests)) <= 1 + 8 + 2
    assert len(requests) <= 50
    assert len({session.id for session in found}) == len(found) == 120
    assert found.report.complete
    assert "announced 1000000 rows" in found.report.warnings[-1]


@vendors
def test_rows_beyond_an_understated_total_are_read_all_the_same(vendor):
    """P4: rows that are there are read, whatever the total says."""
    listed = Listed(vendor, made(vendor, 120))
    listed.claimed_total = 70
    found, requests = collected(vendor, listed)
    assert len(requests) <= 14
    assert len({session.id for session in found}) == len(found) == 120
    assert found.report.complete


@vendors
def test_an_answer_for_another_page_is_an_error(vendor):
    """P5: a server that ignores or clamps the page number would be read for ever."""
    meta = {"page": 2, "pages": 9, "count": 450}
    pagination = {"current_page": 2, "total_pages": 9, "total_records": 450}
    wrong = answered(hum_page(meta=meta) if vendor == "hum" else ahub_page(pagination=pagination))
    with pytest.raises(UnexpectedResponseError, match="asked for page 1, got page 2") as caught:
        PROVIDERS[vendor].read_page(wrong, page=1)
    assert caught.value.path == ("$.meta.page" if vendor == "hum" else "$.pagination.current_page")


@vendors
def test_the_same_rows_under_two_numbers_are_an_error(vendor):
    """P5: the number is echoed but ignored."""
    listed = Listed(vendor, made(vendor, 200))

    def stuck(request):
        first = made(vendor, 50)
        page = int(asked_of(request)["page"])
        if vendor == "hum":
            return answered(hum_page(*first, meta={"page": page, "pages": 4, "count": 200}))
        pagination = {"current_page": page, "total_pages": 4, "total_records": 200}
        return answered(ahub_page(*first, pagination=pagination))

    error, requests = collected(vendor, stuck)
    assert isinstance(error, UnexpectedResponseError)
    assert "the page number is ignored" in str(error)
    assert len(requests) <= 4
    assert len(collected(vendor, listed)[0]) == 200


@vendors
@pytest.mark.parametrize("path", ["page", "count"])
@pytest.mark.parametrize("value", [None, -1, "1", 1.5, True, 2**70])
def test_a_page_number_and_a_total_are_whole_numbers(vendor, path, value):
    """P5: anything else names its path."""
    if vendor == "attributionhub":
        path = {"page": "current_page", "count": "total_records"}[path]
        sent = {"current_page": 1, "total_records": 1, path: value}
        response, where = page_with(vendor, pagination=sent), f"$.pagination.{path}"
    else:
        response, where = (
            page_with(vendor, meta={"page": 1, "count": 1, path: value}),
            f"$.meta.{path}",
        )
    with pytest.raises(UnexpectedResponseError) as caught:
        PROVIDERS[vendor].read_page(response, page=1)
    assert caught.value.path == where


@vendors
def test_the_end_is_fixed_when_the_pull_begins(vendor):
    """P6: the same for every page, and not in the future, so that new rows shift nothing."""
    before = datetime.now(UTC)
    where = (
        {"start": "2025-03-10", "end": "9999-12-31"} if vendor == "hum" else {"start": "2025-03-10"}
    )
    _, requests = collected(vendor, Listed(vendor, made(vendor, 120)), where=where)
    latest = max(asked_of(request)["end_date"] for request in requests)
    assert abs((datetime.fromisoformat(latest) - before).total_seconds()) < 60
    assert len({asked_of(r)["end_date"] for r in requests if asked_of(r)["page"] in {2, "2"}}) == 1


@vendors
@pytest.mark.parametrize("change", ["insert", "delete"])
def test_a_list_that_moves_while_it_is_read_is_read_again_where_it_moved(vendor, change):
    """P6: a total that changed between two pages makes the rows between them a gap."""
    listed = Listed(vendor, made(vendor, 130))
    rows = list(listed.rows)

    def moving(request):
        answer = listed(request)
        listed.rows = rows[1:] if change == "delete" else [rows[0] | {"id": "new"}, *rows]
        return answer

    found, requests = collected(vendor, moving)
    assert {session.started_at for session in found} >= {
        datetime.fromisoformat(row["created_at" if vendor == "hum" else "timestamp"])
        for row in rows
    }
    assert len({session.id for session in found}) == len(found)
    assert found.report.complete
    assert found.report.tag_changes == 1
    assert len(requests) > 3


@vendors
@pytest.mark.parametrize("order", ["oldest first", "shuffled"])
def test_no_order_of_the_rows_is_taken_for_granted(vendor, order):
    """P7: they are delivered as they come, completely, and the report says so."""
    rows = made(vendor, 130)
    mixed = rows[::-1] if order == "oldest first" else [rows[i * 37 % 130] for i in range(130)]
    found, requests = collected(vendor, Listed(vendor, mixed))
    key = "created_at" if vendor == "hum" else "timestamp"
    assert [s.started_at for s in found] == [datetime.fromisoformat(row[key]) for row in mixed]
    assert len({session.id for session in found}) == 130
    assert (found.report.complete, found.report.ordered, len(requests)) == (True, False, 3)


@vendors
@pytest.mark.parametrize("concurrency", [1, 4])
def test_nothing_is_asked_after_the_consumer_left(vendor, concurrency):
    """P8: reading is lazy; with one request at a time only the first page is paid for."""

    async def work(client):
        query = client.sessions(**RANGE)
        asked = []
        async with query as stream:
            async for _ in stream:
                asked.append(stream.report.requests)
                break
        await asyncio.sleep(60)
        return stream.report.requests

    spent, requests = pulled(
        vendor, Listed(vendor, made(vendor, 1000)), work, concurrency=concurrency
    )
    assert len(requests) == spent <= 2 * concurrency
    assert concurrency > 1 or spent == 1


@vendors
def test_nothing_is_asked_before_somebody_iterates(vendor):
    """P8: a question alone costs nothing."""

    async def work(client):
        client.sessions(**RANGE).stream()

    _, requests = pulled(vendor, Listed(vendor, made(vendor, 10)), work)
    assert requests == []
