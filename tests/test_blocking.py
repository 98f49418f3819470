"""The blocking door behaves like the asynchronous one, also inside a running loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from asyncsessions import ConfigurationError, Hum, NotFoundError, SessionsError
from asyncsessions.blocking import Client
from asyncsessions.core.columns import to_table
from asyncsessions.testing import FakeHum

WHOLE = {"start": "2026-01-01", "end": "2026-03-31"}


@pytest.fixture(scope="module")
def hum() -> Iterator[FakeHum]:
    with FakeHum(rows=430, seed=2).in_thread() as fake:
        yield fake


@pytest.fixture
def client(hum: FakeHum) -> Iterator[Client[...]]:
    with Client(Hum(hum.token, base_url=hum.base_url), concurrency=4) as opened:
        yield opened


def test_items_pages_and_lists_are_the_same_sessions(client: Client[...]) -> None:
    sessions = client.sessions(**WHOLE)
    everything = sessions.collect()
    assert len(everything) == sessions.count() == 430
    assert list(sessions) == everything
    assert [session for page in sessions.pages() for session in page] == everything
    assert sessions.first(3) == everything[:3]
    assert everything.report.complete
    assert sessions.estimate().requests == 9


def test_a_stream_can_be_left_and_taken_up_and_tells_its_report(client: Client[...]) -> None:
    with client.sessions(**WHOLE).with_options(max_requests=20).stream() as stream:
        seen = []
        for session in stream:
            seen.append(session)
            if len(seen) == 75:
                break
        for page in stream.pages():
            seen += page
        assert len({session.id for session in seen}) == len(seen) == 430
        assert stream.report.complete


def test_batches_tables_and_frames_are_the_same_sessions(client: Client[...]) -> None:
    sessions = client.sessions(**WHOLE)
    expected = to_table(sessions.collect())
    with sessions.batches(100) as batches:
        assert batches.schema.equals(expected.schema)
        table = pa.RecordBatchReader.from_batches(batches.schema, batches).read_all()
        assert batches.report.complete
    assert table.equals(expected)
    assert sessions.to_arrow().equals(expected)
    assert sessions.to_polars()["id"].to_list() == expected["id"].to_pylist()
    frame = sessions.to_pandas()
    assert frame["id"].to_list() == expected["id"].to_pylist()
    assert frame.attrs["asyncsessions.report"]["complete"] is True


def test_windows_are_the_same_sessions(client: Client[...]) -> None:
    sessions = client.sessions(**WHOLE)
    with sessions.windows(7) as stream:
        found = list(stream)
        assert next(stream, None) is None
        assert stream.report.complete
    assert len(found) == 13
    whole = pa.concat_tables([window.table for window in found])
    assert whole.equals(to_table(sessions.collect()))


def test_whoever_has_other_things_to_look_after_asks_whether_a_window_is_there() -> None:
    with FakeHum(rows=430, latency_s=0.2).in_thread() as slow:
        provider = Hum(slow.token, base_url=slow.base_url)
        with Client(provider) as client, client.sessions(**WHOLE).windows(365) as stream:
            assert not stream.is_ready()
            assert not stream.is_ready(0.01)
            assert stream.is_ready(30.0)
            assert stream.is_ready()
            assert next(stream).table.num_rows == 430
            assert stream.is_ready(30.0)  # the end has come
            assert next(stream, None) is None
            assert len(slow.requests) == 9


def test_a_window_that_nobody_waits_for_any_more_is_not_read_on(hum: FakeHum) -> None:
    with FakeHum(rows=5_000, latency_s=0.2).in_thread() as slow:
        with Client(Hum(slow.token, base_url=slow.base_url), concurrency=2) as client:
            with client.sessions(**WHOLE).windows(365) as stream:
                assert not stream.is_ready(0.3)
            with pytest.raises(ConfigurationError):
                next(stream)
        assert len(slow.requests) < 10


def test_batches_that_are_left_early_stop_the_requests(hum: FakeHum, client: Client[...]) -> None:
    before = len(hum.requests)
    with client.sessions(**WHOLE).batches(1) as batches:
        assert next(batches).num_rows > 0
    assert len(hum.requests) - before <= 1 + 4
    with pytest.raises(ConfigurationError, match="closed before its end"):
        next(batches)
    client.close()
    batches.close()


@pytest.mark.parametrize(
    ("ask", "gone", "extra"),
    [
        ("batches", "pyarrow", "arrow"),
        ("to_arrow", "pyarrow", "arrow"),
        ("to_polars", "polars", "polars"),
        ("to_polars", "pyarrow", "polars"),
        ("to_pandas", "pandas", "pandas"),
        ("to_pandas", "pyarrow", "pandas"),
    ],
)
def test_a_missing_extra_is_told_before_a_request_is_paid_for(
    ask: str, gone: str, extra: str, hum: FakeHum, client: Client[...], monkeypatch
) -> None:
    before = len(hum.requests)
    monkeypatch.setitem(sys.modules, gone, None)
    with pytest.raises(ConfigurationError) as caught:
        getattr(client.sessions(**WHOLE), ask)()
    assert str(caught.value).endswith(f' pip install "asyncsessions[{extra}]"')
    assert len(hum.requests) == before


def test_it_works_inside_a_running_loop(client: Client[...]) -> None:
    async def count() -> int:
        return sum(1 for _ in client.sessions(**WHOLE))

    assert asyncio.run(count()) == 430


def test_breaking_off_stops_the_requests(hum: FakeHum, client: Client[...]) -> None:
    before = len(hum.requests)
    for _ in client.sessions(**WHOLE):
        break
    assert len(hum.requests) - before <= 1 + 4


def test_single_sessions_and_ping_work(client: Client[...]) -> None:
    client.ping()
    session = client.sessions(**WHOLE).first()[0]
    assert client.session(session.id).id == session.id
    with pytest.raises(NotFoundError):
        client.session("unknown")


def test_errors_come_through_and_the_thread_ends(hum: FakeHum) -> None:
    with Client(Hum("wrong", base_url=hum.base_url)) as client:
        assert "wrong" not in repr(client)
        with pytest.raises(SessionsError) as caught:
            client.sessions(**WHOLE).collect()
    assert caught.value.status == 401
    assert "asyncsessions" not in {thread.name for thread in threading.enumerate()}


def test_a_client_that_was_never_used_starts_no_thread(hum: FakeHum) -> None:
    with Client(Hum(hum.token, base_url=hum.base_url)):
        assert "asyncsessions" not in {thread.name for thread in threading.enumerate()}


def test_it_is_closed_inside_a_running_loop_too(hum: FakeHum) -> None:
    async def count() -> int:
        with Client(Hum(hum.token, base_url=hum.base_url)) as client:
            client.sessions(**WHOLE).first(3)
            for _ in client.sessions(**WHOLE):
                break
            return len(client.sessions(**WHOLE).collect())

    assert asyncio.run(count()) == 430


def test_closing_ends_what_other_threads_wait_for() -> None:
    with FakeHum(rows=60, latency_s=30).in_thread() as slow:
        client = Client(Hum(slow.token, base_url=slow.base_url))
        outcomes: list[object] = []

        def wait() -> None:
            try:
                outcomes.append(client.sessions(**WHOLE).count())
            except SessionsError as error:
                outcomes.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        while not slow.requests:
            threading.Event().wait(0.01)
        client.close()
        thread.join(10)
        assert not thread.is_alive()
    assert isinstance(outcomes[0], SessionsError)


def test_a_closed_client_says_so_and_its_iterators_end_with_it(hum: FakeHum) -> None:
    client = Client(Hum(hum.token, base_url=hum.base_url))
    sessions = client.sessions(**WHOLE)
    iterator = iter(sessions)
    next(iterator)
    client.close()
    client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        sessions.count()
    with pytest.raises(ConfigurationError, match="closed"):
        client.ping()
    del iterator


INTERRUPTED = """
import _thread, signal, sys
from asyncsessions import Hum
from asyncsessions.blocking import Client

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored below `nohup … &`
seen = []

def note(report):
    seen.append(report)
    if len(seen) == 3:
        _thread.interrupt_main()

with Client(Hum(sys.argv[2], base_url=sys.argv[1]), concurrency=4) as client:
    query = client.sessions(start="2026-01-01", end="2026-03-31").with_options(on_progress=note)
    try:
        query.pull(sys.argv[3])
    except KeyboardInterrupt:
        print(seen[-1].pages)
"""


def test_an_interrupt_awaits_what_was_paid_for(tmp_path):
    with FakeHum(rows=2_000, latency_s=0.1).in_thread() as fake:
        target = str(tmp_path / "x.jsonl")
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED, fake.base_url, fake.token, target],
            capture_output=True,
            check=False,
            text=True,
            timeout=30,
        )
        assert "Traceback" not in done.stderr
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) == len(fake.requests)
        assert all(request.status == 200 for request in fake.requests)
