"""The loggers say what happens: in words, and as facts under keys that do not change."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys

import msgspec
import pytest
from attrs import evolve

from asyncsessions import Client, Hum, Retry
from asyncsessions.testing import run_virtual
from tests.engine.memory_store import Disk, MemoryStore, go
from tests.engine.test_watching import once
from tests.engine.vendor import WHOLE, Vendor, failing, rows, swapped

OURS = "asyncsessions"


def facts_of(record):
    plain = logging.makeLogRecord({}).__dict__
    left_out = {*plain, "message", "asctime"}
    return {key: value for key, value in record.__dict__.items() if key not in left_out}


def logged(vendor, work, **client):
    async def run():
        async with vendor.client(**client) as opened:
            return await work(opened)

    return run_virtual(run())


async def collect(client):
    return await client.sessions(**WHOLE).collect()


def test_at_info_a_pull_and_its_waits_are_told(caplog):
    caplog.set_level(logging.INFO, OURS)
    vendor = Vendor(rows(130))
    vendor.answer = once(2, failing(503))
    logged(vendor, collect, retry=Retry(backoff_s=0.1))
    began, waited, ended = caplog.records
    assert [record.name for record in caplog.records] == [
        "asyncsessions.engine",
        "asyncsessions.transport",
        "asyncsessions.engine",
    ]
    assert began.getMessage() == "hum: pull begins"
    pull = facts_of(began)["pull"]
    same = {"pull": pull, "operation": "pull", "provider": "hum"}
    assert facts_of(began) == {**same, "event": "pull_started"}
    assert waited.getMessage().startswith("hum: repeating a request in 0.")
    facts = facts_of(waited)
    assert 0 <= facts.pop("wait_s") <= 0.1
    assert facts == {**same, "event": "wait", "page": 2, "attempt": 1, "error": "ServerError"}
    assert "hum: pull: complete: 130 rows in 4 requests (1 retries)" in ended.getMessage()
    facts = facts_of(ended)
    assert facts.pop("duration_s") >= 0
    figures = {"rows": 130, "requests": 4, "retries": 1, "complete": True, "error": None}
    assert facts == {**same, "event": "pull_ended", **figures}


def test_at_debug_attempts_and_pages_are_told_too(caplog):
    caplog.set_level(logging.DEBUG, OURS)
    logged(Vendor(rows(60)), collect)
    attempt = next(record for record in caplog.records if record.event == "attempt")
    assert attempt.levelno == logging.DEBUG
    assert "hum: GET https://api-sandbox.letshum.com/" in attempt.getMessage()
    assert "attempt 1: 200 in 0." in attempt.getMessage()
    facts = facts_of(attempt)
    assert facts.pop("duration_s") >= 0
    assert facts.pop("waited_s") >= 0
    assert facts.pop("pull") > 0
    assert facts == {
        "event": "attempt",
        "operation": "pull",
        "provider": "hum",
        "page": 1,
        "attempt": 1,
        "status": 200,
        "error": None,
        "requests": 1,
    }
    pages = [record for record in caplog.records if record.event == "page"]
    assert [(page.page, page.rows, page.total) for page in pages] == [(1, 50, 60), (2, 10, 60)]


@pytest.mark.parametrize("quiet", ["asyncsessions.engine", "asyncsessions.transport"])
def test_each_logger_can_be_silenced_alone(caplog, quiet, request):
    caplog.set_level(logging.DEBUG, OURS)
    logging.getLogger(quiet).setLevel(logging.ERROR)
    request.addfinalizer(lambda: logging.getLogger(quiet).setLevel(logging.NOTSET))
    logged(Vendor(rows(60)), collect)
    assert caplog.records
    assert quiet not in {record.name for record in caplog.records}


def test_a_count_tells_no_figures_of_a_pull(caplog):
    caplog.set_level(logging.INFO, OURS)
    logged(Vendor(rows(60)), lambda client: client.sessions(**WHOLE).count())
    assert caplog.messages[-1].startswith("hum: count: done in ")
    assert "rows" not in facts_of(caplog.records[-1])


def test_how_a_pull_ends_is_told_by_the_class_of_its_error(caplog):
    caplog.set_level(logging.INFO, OURS)
    vendor = Vendor(rows(60))
    vendor.latency_s = lambda _: 9.0

    async def cancelled(client):
        task = asyncio.ensure_future(collect(client))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])

    logged(vendor, cancelled)
    assert "hum: pull: CancelledError: 0 rows" in caplog.messages[-1]
    logged(Vendor(rows(60)), lambda client: client.sessions(**WHOLE).first(1))
    assert "hum: pull: not complete: 1 rows" in caplog.messages[-1]


def test_what_is_not_proven_is_a_warning_with_its_ranges(caplog):
    async def work(client):
        return await client.sessions(**WHOLE).with_options(on_incomplete="warn").collect()

    found, _ = logged(Vendor(swapped(rows(70))), work)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("asyncsessions.engine", logging.WARNING)
    unproven = [[start.isoformat(), end.isoformat()] for start, end in found.report.unproven]
    facts = facts_of(record)
    assert facts == {"event": "incomplete", "provider": "hum", "unproven": unproven}


def surprising():
    """A vendor that sends a field that nobody documented, and a word of its own."""
    vendor = Vendor(rows(60))

    def answer(page):
        honest = vendor.honest(page)
        body = msgspec.json.decode(honest.body)
        body |= {"request_status": "warning", "message": "slow today"}
        body["data"][0]["mood"] = "good"
        return evolve(honest, body=msgspec.json.encode(body))

    vendor.answer = answer
    return vendor


def test_a_surprise_is_a_warning_once_a_pull_without_the_vendors_words(caplog):
    logged(surprising(), collect)
    go(surprising(), MemoryStore(Disk()))
    (record,) = caplog.records  # `go` is below the front door, which says it
    assert (record.levelno, record.event) == (logging.WARNING, "surprise")
    assert record.getMessage() == (
        "hum: fields that are not documented: data.mood; warnings: 1, see the report"
    )
    assert (record.unknown_fields, record.warnings) == (["data.mood"], 1)


def test_a_surprise_in_a_pull_into_a_file_is_told_too(caplog, tmp_path):
    logged(surprising(), lambda client: client.sessions(**WHOLE).pull(tmp_path / "x.jsonl"))
    assert [record.event for record in caplog.records] == ["surprise"]


@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_undocumented_fields_are_looked_for_in_one_answer_a_window(consistency, tmp_path):
    looks = []

    class Looking(Hum):
        def unknown_fields(self, response):
            looks.append(len(response.body))
            return super().unknown_fields(response)

    def pulled(pull):
        looks.clear()

        async def work():
            provider = Looking("invented", environment="sandbox")
            async with Client(provider, transport=Vendor(rows(400))) as client:
                query = client.sessions(**WHOLE).with_options(consistency=consistency)
                await pull(query)

        run_virtual(work())
        return looks

    assert len(pulled(lambda query: query.collect())) == 1
    assert len(pulled(lambda query: query.pull(tmp_path / "x.jsonl"))) == 1


def test_whoever_does_not_listen_is_told_nothing_and_pays_nothing(caplog):
    caplog.set_level(logging.WARNING, OURS)

    async def work(client):
        return client.watch("pull")

    assert logged(Vendor(rows(1)), work)[0] is None
    logged(Vendor(rows(60)), collect)
    assert caplog.records == []


def test_a_program_that_has_set_up_no_logging_sees_nothing():
    code = (
        "import logging, asyncsessions.client; logging.getLogger('asyncsessions.engine').error(5)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == b""
