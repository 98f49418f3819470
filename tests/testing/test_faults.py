"""Answers that go wrong: which, how, and that it really happens on the socket."""

from __future__ import annotations

import errno
import json
import time

import aiohttp
import pytest

from asyncsessions.testing import Drift, FakeAttributionHub, FakeHum, Faults
from asyncsessions.testing.faults import FaultPlan
from tests.testing.raw_client import asking_hub, asking_hum


def only(kind, **more):
    return FakeHum(rows=120, faults=Faults(rate=1.0, kinds=(kind,), **more))


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_has_its_status(status):
    async with asking_hum(only(str(status))) as side:
        assert [(await side.get()).status for _ in range(5)] == [status] * 5
        assert {seen.detail for seen in side.server.requests} == {f"fault {status}"}


async def test_server_errors_come_with_json_and_with_web_pages():
    async with asking_hum(only("503")) as side:
        types = {(await side.get()).headers["Content-Type"].split(";")[0] for _ in range(20)}
    assert types == {"application/json", "text/html"}


async def test_a_fault_429_is_a_rate_limit_that_may_be_retried_at_once():
    fake = FakeAttributionHub(rows=1, faults=Faults(rate=1.0, kinds=("429",)))
    async with asking_hub(fake) as side:
        got = await side.post()
    assert (got.status, got.headers["Retry-After"]) == (429, "0")
    assert "limit" not in got.json
    assert "monthly" not in got.body.decode()


async def test_a_reset_reaches_the_client_as_a_reset_connection():
    async with asking_hum(only("reset")) as side:
        with pytest.raises(aiohttp.ClientOSError) as caught:
            await side.get()
        assert caught.value.errno == errno.ECONNRESET
        # aiohttp sends a GET once more in silence, also after the reset of a fresh connection.
        assert {seen.status for seen in side.server.requests} == {None}


async def test_a_truncated_answer_ends_before_its_length():
    async with asking_hum(only("truncated")) as side:
        with pytest.raises(aiohttp.ClientPayloadError):
            await side.get()
        assert side.server.requests[0].status == 200


async def test_cut_json_is_a_complete_answer_that_cannot_be_decoded():
    async with asking_hum(only("cut_json")) as side:
        got = await side.get()
    assert got.status == 200
    assert int(got.headers["Content-Length"]) == len(got.body) > 1_000
    with pytest.raises(json.JSONDecodeError):
        got.json  # noqa: B018


async def test_html_with_status_200_is_no_json():
    async with asking_hum(only("html")) as side:
        got = await side.get()
    assert (got.status, got.headers["Content-Type"]) == (200, "text/html")
    assert got.body.startswith(b"<html>")


async def test_an_empty_answer_has_no_body():
    async with asking_hum(only("empty")) as side:
        got = await side.get()
    assert (got.status, got.body) == (200, b"")


async def test_a_slow_answer_is_right_but_late():
    async with asking_hum(only("slow", slow_s=0.1)) as side:
        began_s = time.perf_counter()
        got = await side.get()
        assert 0.1 <= time.perf_counter() - began_s < 0.45
        assert len(got.json["data"]) == 50
        assert side.server.requests[0].detail == "fault slow"


async def test_exactly_the_first_requests_fail():
    fake = FakeHum(rows=1, faults=Faults(first=3, kinds=("500", "502")))
    async with asking_hum(fake) as side:
        assert [(await side.get()).status for _ in range(6)] == [500, 502, 500, 200, 200, 200]


async def test_only_the_chosen_pages_fail_and_are_counted():
    fake = FakeHum(rows=500, faults=Faults(first=1, kinds=("500",), only_pages=[3]))
    async with asking_hum(fake) as side:
        pages = [1, 2, 3, 3, 4, 3]
        assert [(await side.get(page=page)).status for page in pages] == [
            200, 200, 500, 200, 200, 200,
        ]  # fmt: skip
        assert (await side.get("/ping")).status == 200


async def test_about_the_given_share_of_the_requests_fails():
    async with asking_hum(FakeHum(rows=1, faults=Faults(rate=0.3, kinds=("500",)))) as side:
        failed = [(await side.get()).status for _ in range(200)].count(500)
    assert 40 <= failed <= 80


def test_the_seed_decides_which_requests_fail_and_how():
    def drawn(seed):
        plan = FaultPlan(Faults(rate=0.5, seed=seed))
        return [plan.next(1) for _ in range(60)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert len(set(drawn(1))) > 8


async def test_spoilt_answers_do_not_let_the_list_drift():
    fake = FakeHum(
        rows=200, faults=Faults(first=4, kinds=("cut_json", "500")), drift=Drift(delete_every=1)
    )
    async with asking_hum(fake) as side:
        for _ in range(4):
            await side.get()
        assert side.server.listing.changes == []
        await side.get()
        assert len(side.server.listing.changes) == 1


async def test_requests_without_credentials_are_not_spoilt():
    async with asking_hum(only("500")) as side:
        assert (await side.get(token="wrong")).status == 401


def test_impossible_faults_are_refused():
    with pytest.raises(ValueError, match="flood"):
        Faults(kinds=("flood",))
    with pytest.raises(ValueError, match="rate"):
        Faults(rate=1.5)
