"""What both fakes share: latency, limits, the log of requests, and how a server lives and ends."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
import urllib.request

import aiohttp
import pytest

from asyncsessions.testing import Drift, FakeAttributionHub, FakeHum
from tests.testing.raw_client import asking_hub, asking_hum


async def test_it_listens_on_loopback_only_and_on_a_free_port():
    async with FakeHum(rows=1) as one, FakeHum(rows=1) as two:
        assert one.base_url.startswith("http://127.0.0.1:")
        assert one.base_url != two.base_url


def test_a_server_that_was_not_started_has_no_address():
    with pytest.raises(RuntimeError, match="not started"):
        _ = FakeHum(rows=1).base_url


async def test_a_port_can_be_chosen_and_a_taken_one_is_an_error():
    async with FakeHum(rows=1) as first:
        port = int(first.base_url.rsplit(":", 1)[1])
        with pytest.raises(OSError, match="in use"):
            async with FakeHum(rows=1, port=port):
                pass
        with pytest.raises(OSError, match="in use"), FakeHum(rows=1, port=port).in_thread():
            pass


async def test_a_stopped_server_can_go_on_at_the_same_port():
    fake = FakeHum(rows=1)
    async with asking_hum(fake) as side:
        await side.get()
        fake.port = int(fake.base_url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match=r"Connect call failed|refused"):
        await asyncio.open_connection("127.0.0.1", fake.port)
    async with asking_hum(fake) as side:
        await side.get()
    assert [seen.status for seen in fake.requests] == [200, 200]


async def test_answers_take_the_latency_without_holding_each_other_up():
    async with asking_hum(FakeHum(rows=60, latency_s=0.1)) as side:
        began_s = time.perf_counter()
        await asyncio.gather(*(side.get() for _ in range(50)))
        took_s = time.perf_counter() - began_s
        assert 0.1 <= took_s < 1.5
        assert side.server.max_in_flight == max(side.server.in_flight_samples)
        assert side.server.max_in_flight > 20
        assert side.server.in_flight == 0


async def test_latencies_can_be_drawn_from_a_range():
    async with asking_hum(FakeHum(rows=60, latency_s=(0.01, 0.06))) as side:
        await asyncio.gather(*(side.get() for _ in range(12)))
        took = [(seen.answered_s or 0) - seen.at_s for seen in side.server.requests]
    assert min(took) >= 0.01
    assert max(took) - min(took) > 0.01


async def test_requests_one_after_the_other_are_never_in_flight_together():
    async with asking_hum(FakeHum(rows=60)) as side:
        for _ in range(5):
            await side.get()
        assert side.server.in_flight_samples == [1, 1, 1, 1, 1]
        assert side.server.max_in_flight == 1


@pytest.mark.parametrize(("read_point", "expected"), [(0.0, 3), (1.0, 2)])
async def test_rows_are_read_on_arrival_or_just_before_the_answer(read_point, expected):
    fake = FakeHum(rows=3, latency_s=0.2, read_point=read_point)
    async with asking_hum(fake) as side:
        asking = asyncio.create_task(side.get())
        await asyncio.sleep(0.1)
        fake.listing.delete(0)
        assert len((await asking).json["data"]) == expected


async def test_answers_overtake_each_other_when_the_moment_of_reading_is_random():
    fake = FakeHum(rows=0, latency_s=0.05, read_point=None, drift=Drift(insert_now_every=1))
    async with asking_hum(fake) as side:
        got = await asyncio.gather(*(side.get() for _ in range(20)))
    assert sorted(len(one.json["data"]) for one in got) == list(range(20))
    by_answer = sorted(fake.requests, key=lambda seen: seen.answered_s or 0)
    assert [seen.rows for seen in by_answer] != sorted(seen.rows for seen in by_answer)


async def test_every_request_is_noted_with_what_it_asked_for_and_what_became_of_it():
    async with asking_hub(FakeAttributionHub(rows=60)) as side:
        await side.post(page=2, campaign="brand", start_date="2026-03-05")
        await side.post(key="wrong")
        one, two = side.server.requests
    assert (one.method, one.path, one.page, one.status) == ("POST", "/api/v1/sessions", 2, 200)
    assert one.start is not None
    assert one.start.isoformat() == "2026-03-05T00:00:00+00:00"
    assert one.end is None
    assert one.filters == {"campaign": "brand"}
    assert (one.detail, two.detail, two.status) == ("page", "credentials", 403)
    assert one.answered_s is not None
    assert 0 <= one.at_s <= one.answered_s <= two.at_s
    assert "wrong" not in repr(two)
    assert (one.request_body, one.answer_body) == (None, None)


async def test_a_request_in_flight_is_noted_already():
    async with asking_hum(FakeHum(rows=60, latency_s=0.1)) as side:
        asking = asyncio.create_task(side.get(page=2))
        await asyncio.sleep(0.05)
        seen = side.server.requests[0]
        assert (seen.page, seen.status, seen.answered_s) == (2, None, None)
        await asking
        assert side.server.requests[0].status == 200


async def test_bodies_are_kept_when_asked_for():
    async with asking_hub(FakeAttributionHub(rows=60, record_bodies=True)) as side:
        got = await side.post(page=2)
        seen = side.server.requests[0]
    assert seen.request_body == b'{"page": 2}'
    assert seen.answer_body == got.body


async def test_above_the_rate_requests_are_refused_until_time_passes():
    fake = FakeHum(rows=1, rate_per_s=4, burst=3, retry_after="Wed, 21 Oct 2099 07:28:00 GMT")
    async with asking_hum(fake) as side:
        got = [await side.get() for _ in range(5)]
        assert [one.status for one in got] == [200, 200, 200, 429, 429]
        assert got[-1].headers["Retry-After"] == "Wed, 21 Oct 2099 07:28:00 GMT"
        assert got[-1].json["request_status"] == "error"
        await asyncio.sleep(0.3)
        assert (await side.get()).status == 200
        assert side.server.requests[4].detail == "rate"


async def test_a_rate_limit_of_attributionhub_does_not_look_like_its_quota():
    async with asking_hub(FakeAttributionHub(rows=1, rate_per_s=0.1)) as side:
        await side.post()
        got = await side.post()
    assert got.status == 429
    assert set(got.json) == {"error"}
    assert "Retry-After" not in got.headers


async def test_above_the_highest_concurrency_requests_are_refused():
    async with asking_hum(FakeHum(rows=1, latency_s=0.1, max_concurrency=3)) as side:
        got = await asyncio.gather(*(side.get() for _ in range(8)))
        assert sorted(one.status for one in got) == [200] * 3 + [503] * 5
        assert (await side.get()).status == 200


async def test_every_request_is_redirected_when_that_is_switched_on():
    async with asking_hum(FakeHum(rows=1, redirect_to="http://127.0.0.1:9/x")) as side:
        got = await side.get(token="wrong")
    assert (got.status, got.headers["Location"]) == (302, "http://127.0.0.1:9/x")


async def test_a_reused_connection_is_closed_without_an_answer():
    async with asking_hub(FakeAttributionHub(rows=1, hidden_close=True)) as side:
        assert (await side.post()).status == 200
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await side.post()
        assert (await side.post()).status == 200
        assert [seen.status for seen in side.server.requests] == [200, None, 200]
        assert side.server.requests[1].detail == "hidden close"


async def test_aiohttp_sends_a_get_again_in_silence_when_its_connection_was_closed():
    async with asking_hum(FakeHum(rows=1, hidden_close=True)) as side:
        assert [(await side.get()).status for _ in range(4)] == [200] * 4
        assert len(side.server.requests) == 7


@pytest.mark.parametrize("latency_s", [0.0, 30.0])
async def test_stopping_is_quick_and_clean_with_requests_in_flight(latency_s, caplog):
    async with aiohttp.ClientSession() as http:
        fake = FakeHum(rows=60, latency_s=latency_s)
        async with fake:
            headers = {"Authorization": f"Bearer {fake.token}"}
            url = fake.base_url + "/analytics/sessions"
            asking = [asyncio.create_task(http.get(url, headers=headers)) for _ in range(5)]
            await asyncio.sleep(0.05)
            began_s = time.perf_counter()
        assert time.perf_counter() - began_s < 2.0
        await fake.stop_serving()
        got = await asyncio.gather(*asking, return_exceptions=True)
        for answer in got:
            if isinstance(answer, aiohttp.ClientResponse):
                answer.close()
        assert all(isinstance(one, aiohttp.ClientError) for one in got) is (latency_s > 0)
        assert fake.in_flight == 0
    del got, asking
    gc.collect()
    assert caplog.records == []


async def test_a_client_that_goes_away_leaves_nothing_behind(caplog):
    async with asking_hum(FakeHum(rows=60, latency_s=0.1)) as side:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(side.get(), 0.02)
        await asyncio.sleep(0.2)
        assert side.server.in_flight == 0
        assert len(side.server.requests) == 3
    assert caplog.records == []


def test_in_a_thread_it_serves_code_that_blocks_and_stops_by_itself():
    before = threading.active_count()
    with FakeHum(rows=60).in_thread() as hum:
        request = urllib.request.Request(
            hum.base_url + "/ping", headers={"Authorization": f"Bearer {hum.token}"}
        )
        with urllib.request.urlopen(request, timeout=5) as got:
            assert got.status == 200
        assert [seen.path for seen in hum.requests] == ["/ping"]
    assert threading.active_count() == before
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(hum.base_url, timeout=1)


def test_a_thread_with_requests_in_flight_stops_at_once():
    with FakeHum(rows=60, latency_s=30.0).in_thread() as hum:
        request = urllib.request.Request(
            hum.base_url + "/ping", headers={"Authorization": f"Bearer {hum.token}"}
        )
        failed = []

        def ask():
            try:
                urllib.request.urlopen(request, timeout=20)
            except OSError as error:
                failed.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        while not hum.requests:
            time.sleep(0.005)
        began_s = time.perf_counter()
    assert time.perf_counter() - began_s < 3.0
    asking.join(5)
    assert len(failed) == 1


def test_in_development_mode_a_whole_life_says_nothing_on_stderr():
    program = """
import asyncio, aiohttp
from asyncsessions.testing import FakeHum, Faults

async def main():
    async with FakeHum(rows=100, latency_s=5, faults=Faults(first=8)) as hum:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {hum.token}"}) as http:
            async def ask():
                try:
                    async with http.get(hum.base_url + "/analytics/sessions") as got:
                        await got.read()
                except aiohttp.ClientError:
                    pass
            asking = [asyncio.create_task(ask()) for _ in range(8)]
            await asyncio.sleep(0.1)
            await hum.stop_serving()
            await asyncio.gather(*asking)

asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_numbers_out_of_range_are_refused():
    for wrong in ({"page_size": 0}, {"overstate_pages": 0}, {"burst": 0}, {"rate_per_s": 0}):
        with pytest.raises(ValueError, match=r"\d"):
            FakeHum(rows=1, **wrong)


def test_a_secret_is_not_shown_by_repr():
    assert "hush" not in repr(FakeHum(rows=1, token="hush"))
    assert "hush" not in repr(FakeAttributionHub(rows=1, key="hush"))
