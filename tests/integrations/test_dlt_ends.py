"""How a load ends otherwise: refused, killed, taken up again; and what nobody gets to see."""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("dlt")

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed

from asyncsessions import AttemptEnded, AuthenticationError, BudgetExceededError, Retry
from asyncsessions.integrations.dlt import sessions_source
from asyncsessions.testing import Faults
from tests.integrations.loading import DAY, START, TARGETS, TODAY, fake_of, source_of, truth

pytestmark = [pytest.mark.usefixtures("_alone_with_dlt"), pytest.mark.slow]


@pytest.fixture
def store(tmp_path):
    return TARGETS["duckdb"](tmp_path)


def root_of(error):
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def ours(before):
    return [each for each in threading.enumerate() if each not in before]


def test_a_wrong_key_is_one_sentence_and_one_request(store):
    with fake_of("hum", rows=600) as fake:
        with pytest.raises(Exception, match="the vendor refused the credentials") as caught:
            store.load(source_of(fake, api_key="not-the-key"))
        assert len(fake.requests) == 1
    error = root_of(caught.value)
    assert isinstance(error, AuthenticationError)
    assert "check the token or key [hum, page 1, GET " in str(error)
    assert "not-the-key" not in str(caught.value)


def test_a_vendor_that_refuses_stops_the_others_and_leaves_no_thread(store, monkeypatch):
    before = threading.enumerate()
    with (
        fake_of("hum", rows=5_000, latency_s=0.2) as hum,
        fake_of("attributionhub", latency_s=0.3) as hub,
    ):
        threads = threading.enumerate()
        for name, fake in (("HUM", hum), ("ATTRIBUTIONHUB", hub)):
            where = f"SOURCES__ASYNCSESSIONS__{name}__"
            monkeypatch.setenv(f"{where}API_KEY", hum.token if fake is hum else "not-the-key")
            monkeypatch.setenv(f"{where}BASE_URL", fake.base_url)
        with pytest.raises(Exception, match="the vendor denied permission: check the key"):
            store.load(sessions_source(["hum", "attributionhub"], start=START))
        assert ours(threads) == []
        assert 0 < len(hum.requests) < 40
        assert store.pipeline().state.get("sources", {}) == {}
    assert ours(before) == []


def test_a_missing_key_is_named_where_dlt_looks_for_it(monkeypatch):
    with pytest.raises(Exception, match="SOURCES__ASYNCSESSIONS__HUM__API_KEY"):
        sessions_source("hum", start=START, environment="sandbox")


def test_settings_are_taken_from_the_configuration_of_dlt(tmp_path, store):
    folder = tmp_path / "home" / ".dlt"
    folder.mkdir()
    with fake_of("hum", rows=600, latency_s=0.02) as fake:
        (folder / "secrets.toml").write_text(
            f'[sources.asyncsessions.hum]\napi_key = "{fake.token}"\n'
        )
        (folder / "config.toml").write_text(
            "[sources.asyncsessions.hum]\n"
            f'base_url = "{fake.base_url}"\nconcurrency = 2\nmax_requests = 5\n'
        )
        from dlt.common.configuration.container import Container
        from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

        Container()[PluggableRunContext].reload(str(folder.parent))
        with pytest.raises(Exception, match="max_requests") as caught:
            store.load(sessions_source("hum", start=START))
        assert isinstance(root_of(caught.value), BudgetExceededError)
        assert fake.max_in_flight == 2
        assert len(fake.requests) == 5
        store.load(sessions_source("hum", start=START, max_requests=50))
        assert store.digest() == truth(fake)


def test_a_bound_holds_for_all_that_a_load_reads(store):
    with fake_of("hum", rows=600) as fake:
        store.load(source_of(fake, start=TODAY - DAY))
        before = len(fake.requests)
        with pytest.raises(Exception, match="max_requests"):
            store.load(source_of(fake, start=TODAY - 9 * DAY, lookback=0 * DAY, max_requests=6))
        assert len(fake.requests) == before + 6
        with pytest.raises(Exception, match="deadline_s"):
            store.load(source_of(fake, deadline_s=0))


def test_what_can_pass_is_repeated_and_observers_see_it(store):
    events = []
    with fake_of("hum", rows=120, faults=Faults(first=2, kinds=["503", "reset"])) as fake:
        store.load(source_of(fake, observers=[events.append], retry=Retry(backoff_s=0.01)))
        assert store.digest() == truth(fake)
    failed = [each.error for each in events if isinstance(each, AttemptEnded) and each.error]
    assert len(failed) == 2


def test_the_key_is_in_no_file_no_log_and_no_text(store, tmp_path, caplog, monkeypatch):
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "DEBUG")
    logging.getLogger("dlt").propagate = True
    caplog.set_level(logging.DEBUG)
    with fake_of("hum", rows=120) as fake:
        monkeypatch.setenv("SOURCES__ASYNCSESSIONS__HUM__API_KEY", fake.token)
        for options in ({}, {"api_key": None}):
            source = source_of(fake, **options)
            info = store.load(source)
            shown = [repr(source), str(source), str(info), str(store.pipeline().last_trace)]
            assert not any(fake.token in text for text in shown)
        found = [
            path
            for path in tmp_path.rglob("*")
            if path.is_file() and fake.token.encode() in path.read_bytes()
        ]
        assert found == []
        assert fake.token not in caplog.text
        assert fake.token not in str(store.pipeline().state)
        assert fake.token not in store.pipeline().default_schema.to_pretty_yaml()


@pytest.mark.timeout(180)
def test_a_pipeline_can_be_attached_to_and_looked_at_on_the_command_line(store):
    with fake_of("hum", rows=120) as fake:
        store.load(source_of(fake))
    places = str(store.folder / "pipelines")
    attached = dlt.attach(
        "loading", pipelines_dir=places, destination=store.destination(store.folder)
    )
    assert "hum_sessions" in attached.default_schema.tables
    assert attached.state["sources"]["asyncsessions"]["resources"]["hum_sessions"]
    with attached.sql_client() as client:
        assert client.execute_sql("SELECT count(*) FROM hum_sessions") == [(120,)]
    attached.deactivate()
    done = subprocess.run(
        [sys.executable, "-m", "dlt", "pipeline", "--pipelines-dir", places, "loading", "info"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONDEVMODE": ""},
    )
    assert (done.returncode, "hum_sessions" in done.stdout) == (0, True), done.stdout + done.stderr


PROGRAM = """
import sys
from pathlib import Path
from tests.integrations.loading import DAY, START, TARGETS
from asyncsessions.integrations.dlt import sessions_source
kind, folder = sys.argv[1:]
TARGETS[kind](Path(folder)).load(sessions_source("hum", start=START, days=2, lookback=20 * DAY))
"""


def begin(kind, folder, fake):
    """Start a load in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, kind, str(folder)],
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONDEVMODE": "",
            "SOURCES__ASYNCSESSIONS__HUM__API_KEY": fake.token,
            "SOURCES__ASYNCSESSIONS__HUM__BASE_URL": fake.base_url,
        },
    )


def killed(process, fake, *, after_requests, after_s):
    """Kill a load so many seconds after so many requests; return whether it was alive."""
    wanted = len(fake.requests) + after_requests
    deadline = time.monotonic() + 30.0
    while len(fake.requests) < wanted and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return process.returncode == -signal.SIGKILL


@pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning")  # dlt's
@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        ("duckdb", 2),
        pytest.param("parquet", 2, marks=pytest.mark.nightly),
        pytest.param("duckdb", 30, marks=[pytest.mark.nightly, pytest.mark.timeout(900)]),
        pytest.param("parquet", 30, marks=[pytest.mark.nightly, pytest.mark.timeout(900)]),
    ],
)
def test_loads_that_are_killed_at_any_moment_leave_nothing_missing_and_nothing_doubled(
    kind, kills, tmp_path
):
    chance, target, deaths = random.Random(7), TARGETS[kind](tmp_path), 0
    with fake_of("hum", rows=600, latency_s=0.02) as fake:
        target.load(source_of(fake))
        for number in range(kills):
            listing = fake.listing
            listing.insert(TODAY - 3 * DAY)
            listing.edit(chance.choice(list(standing(listing))), {"furthest_step": number})
            listing.delete(chance.choice(list(standing(listing))))
            process = begin(kind, tmp_path, fake)
            # In turn while it is read, and while it is brought to the target.
            late = number % 2
            deaths += killed(
                process,
                fake,
                after_requests=20 if late else chance.randrange(1, 20),
                after_s=chance.uniform(0.0, 0.8) if late else 0.0,
            )
            # What a killed load had read is brought by the next one; the one behind it reads anew.
            for _ in range(2):
                take_up(target, fake)
            assert target.digest() == truth(fake)
    assert deaths > kills / 4
    rows = target.sessions()
    assert len(set(rows["id"].to_pylist())) == rows.num_rows


def take_up(target, fake):
    """Load again; where dlt died while it moved a package, from what the target says."""
    again = {"days": 2, "lookback": 20 * DAY}
    try:
        target.load(source_of(fake, **again))
    except PipelineStepFailed as error:
        if not isinstance(error.exception, OSError):
            raise
        target.pipeline().drop()
        target.load(source_of(fake, **again))


def standing(listing):
    """Return the rows that are there."""
    return (uid for uid in listing.all_uids_ever if uid in listing)
