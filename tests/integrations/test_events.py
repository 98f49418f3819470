import json
import socket
import time

import pytest
from fastapi import Depends, FastAPI

from asyncsessions import Retry
from asyncsessions.integrations.fastapi import EventsAnswer, Upstream, lifespan, sessions_router
from asyncsessions.testing import FakeHum
from tests.integrations.serving import (
    ALL,
    await_truth,
    client_of,
    hum_upstream,
    running,
    vendor_process,
)

pytestmark = pytest.mark.slow


def events_of(text):
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        if fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def app_of(upstream):
    app = FastAPI()
    app.include_router(sessions_router(upstream, redact=True))
    return app


def pulling_app(upstream, to):
    app = FastAPI(lifespan=lifespan(upstream))

    @app.post("/pull")
    async def pull(client=Depends(upstream)):  # noqa: B008 - FastAPI's way
        return EventsAnswer(
            client.sessions(**ALL), lambda sessions: sessions.pull(to), every_s=0.05
        )

    return app


def test_progress_is_told_and_the_end_is_the_summary():
    with (
        FakeHum(rows=1000, latency_s=0.1).in_thread() as fake,
        running(app_of(hum_upstream(fake, concurrency=2))) as url,
        client_of(url) as http,
    ):
        answer = http.get("/sessions/events", params=ALL)
        summary = http.get("/sessions/summary", params=ALL).json()
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = events_of(answer.text)
    assert [number for number, _, _ in events] == list(range(1, len(events) + 1))
    assert {name for _, name, _ in events[:-1]} == {"progress"}
    pages = [data["pages"] for _, name, data in events[:-1]]
    assert pages == sorted(pages)
    assert len(pages) >= 3  # of a second
    assert {data["total"] for _, _, data in events[:-1]} == {1000}
    end = events[-1]
    assert end[1] == "end"
    assert {**end[2], "as_of": None} == {**summary, "as_of": None}


def test_a_pull_into_a_file_is_followed_to_its_report(tmp_path):
    target = tmp_path / "sessions.jsonl"
    with (
        FakeHum(rows=1000, latency_s=0.03).in_thread() as fake,
        running(pulling_app(hum_upstream(fake), target)) as url,
        client_of(url) as http,
    ):
        events = events_of(http.post("/pull").text)
    assert events[-1][1] == "end"
    assert (events[-1][2]["complete"], events[-1][2]["rows"]) == (True, 1000)
    assert target.read_bytes().count(b"\n") == 1000


def test_a_vendor_that_is_killed_is_told_as_a_problem(tmp_path):
    with vendor_process(0.05) as (vendor, provider):
        upstream = Upstream(provider, concurrency=1, retry=Retry(attempts=1))
        with (
            running(pulling_app(upstream, tmp_path / "s.jsonl")) as url,
            client_of(url) as http,
            http.stream("POST", "/pull") as answer,
        ):
            pieces = answer.iter_text()
            text = next(pieces)
            vendor.kill()
            text += "".join(pieces)
    assert answer.status_code == 200
    _, name, problem = events_of(text)[-1]
    assert (name, problem["reason"]) == ("failed", "upstream_unreachable")


def test_a_reader_that_leaves_stops_the_pull_and_the_next_one_goes_on_with_it(tmp_path):
    target = tmp_path / "sessions.jsonl"
    with FakeHum(rows=1000, latency_s=0.08).in_thread() as fake:
        upstream = hum_upstream(fake, concurrency=1)
        with running(pulling_app(upstream, target)) as url, client_of(url) as http:
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as reader:
                reader.sendall(
                    b"POST /pull HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
                )
                await_truth(lambda: len(fake.requests) >= 6)
            seen = len(fake.requests)
            time.sleep(0.3)
            assert len(fake.requests) <= seen + 1
            events = events_of(http.post("/pull").text)
    assert events[-1][2]["complete"] is True
    assert target.read_bytes().count(b"\n") == 1000
    assert len(fake.requests) <= 20 + 2  # those in flight when it stopped are asked again


def test_a_browser_that_connects_again_on_its_own_is_told_to_stay_away():
    with (
        FakeHum(rows=100).in_thread() as fake,
        running(app_of(hum_upstream(fake))) as url,
        client_of(url) as http,
    ):
        answer = http.get("/sessions/events", params=ALL, headers={"Last-Event-ID": "7"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert fake.requests == []


def test_a_users_own_progress_callback_is_still_called(tmp_path):
    seen = []
    with FakeHum(rows=200).in_thread() as fake:
        upstream = hum_upstream(fake)
        app = FastAPI(lifespan=lifespan(upstream))

        @app.get("/pull")
        async def pull(client=Depends(upstream)):  # noqa: B008 - FastAPI's way
            query = client.sessions(**ALL).with_options(on_progress=seen.append)
            return EventsAnswer(query, lambda sessions: sessions.pull(tmp_path / "s.jsonl"))

        with running(app) as url, client_of(url) as http:
            assert events_of(http.get("/pull").text)[-1][1] == "end"
    assert seen[-1].pages == 4


def test_a_vendor_that_is_slow_is_bridged_by_signs_of_life(monkeypatch):
    monkeypatch.setattr("asyncsessions.integrations._fastapi.events.KEEP_ALIVE_S", 0.1)
    with (
        FakeHum(rows=100, latency_s=0.5).in_thread() as fake,
        running(app_of(hum_upstream(fake))) as url,
        client_of(url) as http,
    ):
        text = http.get("/sessions/events", params=ALL).text
    first, *others = text.split("\n\n")
    assert "event: progress" in first
    assert ": still at it" in others
    assert events_of(text)[-1][1] == "end"
