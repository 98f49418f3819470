"""The page server of the benchmarks: both vendors' lists, of any length, cut to any range."""

from datetime import timedelta
from urllib.request import urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions import AttributionHub, Client, Hum
from asyncsessions.core.http import Response
from benchmarks.listing import END, PAGE, attributionhub, hum, span_of
from benchmarks.measuring import server

PAGES = 90  # more than are made beforehand
HUM, HUB = hum(), attributionhub()


def _read(vendor, page, span=(0, PAGES * PAGE)):
    listing = HUM if vendor == "hum" else HUB
    if vendor == "hum":
        provider = Hum("invented", environment="sandbox")
    else:
        provider = AttributionHub("invented", base_url="https://example.com")
    body = b"".join(listing.body(page, span))
    return provider.read_page(Response(status=200, body=body), page=page)


@pytest.mark.parametrize("vendor", ["hum", "attributionhub"])
def test_a_list_is_full_pages_newest_first_of_rows_that_all_differ(vendor):
    answers = [_read(vendor, page) for page in range(1, PAGES + 1)]
    assert {len(answer.rows) for answer in answers} == {PAGE}
    assert {answer.total for answer in answers} == {PAGES * PAGE}
    times = [time for answer in answers for time in answer.times]
    assert times == sorted(set(times), reverse=True)
    assert times[0] == END - timedelta(seconds=1)
    assert len({row.id for answer in answers for row in answer.rows}) == PAGES * PAGE


@given(
    st.integers(min_value=0, max_value=90 * 60),
    st.integers(min_value=0, max_value=3 * 60),
    st.integers(min_value=1, max_value=5),
)
def test_a_range_holds_exactly_the_rows_of_its_seconds_whatever_the_page(age_s, length_s, page):
    end = END - timedelta(seconds=age_s)
    start = end - timedelta(seconds=length_s)
    span = span_of(start.isoformat().replace("+", "%2B"), end.isoformat(), PAGES)
    answer = _read("hum", page, span)
    ages = [at for at in range(1, PAGES * 60 + 1) if (at - 1) % 60 < PAGE]
    expected = [END - timedelta(seconds=at) for at in ages if age_s <= at <= age_s + length_s]
    assert answer.total == len(expected)
    assert list(answer.times) == expected[(page - 1) * PAGE : page * PAGE]


@pytest.fixture(scope="module")
def address():
    with server() as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("consistency", ["count", "strict"])
async def test_a_pull_of_either_vendor_is_complete_with_every_kind_of_proof(address, consistency):
    path = f"{address}/30/0"
    for provider in (Hum("invented", base_url=path), AttributionHub("invented", base_url=path)):
        async with Client(provider) as client:
            query = client.sessions(start="2026-03-05", end="2026-03-30")
            rows = await query.with_options(consistency=consistency).collect()
        assert len(rows) == 30 * PAGE
        assert rows.report.complete


@pytest.mark.slow
def test_an_answer_takes_as_long_as_the_path_says_and_the_server_tells_how_busy_it_was(address):
    with urlopen(f"{address}/3/0.2/analytics/sessions?page=3", timeout=10) as answer:
        assert answer.status == 200
        assert len(answer.read()) > 10_000
    with urlopen(f"{address}/busy", timeout=10) as answer:
        assert float(answer.read()) > 0
