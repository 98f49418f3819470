"""Providers of other packages in the shell."""

import json
import re
import signal

import httpx
import pytest

from asyncsessions.testing import HUM_TOKEN, FakeHum
from tests.cli.shell import HUM_RANGE, run, run_here, started
from tests.plugin_package import TINY, forgotten, install

HERE = {"TINY_TOKEN": HUM_TOKEN}
URL = "http://127.0.0.1:9"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    with forgotten(folder):
        yield folder


@pytest.fixture
def tiny(site):
    """An installed provider that is well."""
    install(site, "tiny-sessions", "tiny_module", TINY, tiny="Tiny")


def changed(site, before, after):
    code = TINY.replace(before, after)
    assert code != TINY
    install(site, "tiny-sessions", "tiny_module", code, tiny="Tiny")


def test_a_provider_of_another_package_pulls_syncs_and_is_verified(site, tmp_path):
    install(site, "tiny-sessions", "tiny_module", TINY, tiny="Tiny")
    target = str(tmp_path / "x.duckdb")
    with FakeHum(rows=120).in_thread() as fake:
        settings = {**HERE, "TINY_BASE_URL": fake.base_url, "PYTHONPATH": str(site)}
        pulled = run("pull", "tiny", *HUM_RANGE, "--to", target, **settings)
        assert (pulled.status, pulled.out) == (0, "")
        assert pulled.err.startswith("tiny: 120 rows in 3 requests")
        synced = run_here("sync", "tiny", "--to", target, **settings)
        assert synced.status == 0, synced.err
        verified = run_here("verify", target, "--against", "tiny", **settings)
        where = ("--base-url", fake.base_url)
        settings.pop("TINY_BASE_URL")
        again = run_here("verify", target, "--against", "tiny", *where, **settings)
    assert verified.status == again.status == 0, verified.err
    assert "the vendor lists 120 rows, as stored" in verified.out
    shown = json.loads(run_here("report", target, "--json").out)
    assert "tiny" in json.dumps(shown)


def test_a_provider_of_another_package_is_served(site):
    install(site, "tiny-sessions", "tiny_module", TINY, tiny="Tiny")
    with FakeHum(rows=120).in_thread() as fake:
        settings = {**HERE, "TINY_BASE_URL": fake.base_url, "PYTHONPATH": str(site)}
        with started("serve", "tiny", "--port", "0", "--redact", **settings) as process:
            said = process.stderr.readline()
            url = re.search(r"serving tiny at (http://127\.0\.0\.1:\d+)/", said)[1]
            params = {"start": "2026-01-01", "end": "2026-03-31", "with_clicks": "true"}
            lines = httpx.get(f"{url}/sessions", params=params).text.splitlines()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
    assert process.returncode == 0
    assert {json.loads(line)["provider"] for line in lines[:-1]} == {"tiny"}
    assert json.loads(lines[-1])["complete"] is True
    assert fake.requests[-1].filters == {"with_clicks": True}
    assert all(json.loads(line)["address"] is None for line in lines[:-1])


def test_serving_names_it_takes_its_settings_and_no_filters(tiny):
    assert "Serve the sessions of Tiny Inc." in run_here("serve", "--help").out
    shown = " ".join(run_here("serve", "tiny", "--help").out.split())
    assert "--region [eu|us]" in shown
    assert "--api-key-file" in shown
    assert "--with-clicks" not in shown
    assert "--start" not in shown
    done = run_here("serve", "tiny", **HERE)
    assert (done.status, done.err) == (2, "error: give --base-url or set TINY_BASE_URL\n")


def test_its_filters_are_options_and_reach_the_vendor(tiny):
    with FakeHum(rows=120).in_thread() as fake:
        where = ("--base-url", fake.base_url)
        token_ids = [part for each in fake.token_ids[:2] for part in ("--token-id", each)]
        args = ("pull", "tiny", *HUM_RANGE, *where, *token_ids, "--with-clicks")
        done = run_here(*args, **HERE)
        (seen,) = {tuple(sorted(each.filters.items())) for each in fake.requests}
        estimated = run_here("estimate", "tiny", *HUM_RANGE, *where, "--json", **HERE)
    assert done.status == 0, done.err
    assert dict(seen) == {"token_ids": fake.token_ids[:2], "with_clicks": True}
    assert {json.loads(line)["provider"] for line in done.out.splitlines()} == {"tiny"}
    assert json.loads(estimated.out)["rows"] == 120


def test_help_names_it_its_package_and_its_options(tiny):
    listed = run_here("pull", "--help").out
    assert "tiny            Pull from Tiny Inc." in listed
    assert "Pull from Hum." in listed
    shown = " ".join(run_here("pull", "tiny", "--help").out.split())
    assert "Pull from Tiny Inc. (tiny-sessions 1.0)." in shown
    assert "--token-id" in shown
    assert "--region [eu|us] Where. [env: TINY_REGION]" in shown
    assert "[default: env TINY_TOKEN]" in shown
    assert "Exit status:" in shown
    assert "[default: 3d]" in " ".join(run_here("sync", "tiny", "--help").out.split())


def test_a_lookback_that_only_the_object_knows_is_not_shown(site):
    changed(site, "timedelta(days=3)", "property(lambda self: timedelta(days=3))")
    shown = " ".join(run_here("sync", "tiny", "--help").out.split())
    assert "[default: as the provider says]" in shown


@pytest.mark.parametrize(
    ("args", "variables", "sentence"),
    [
        ((), {}, "give --base-url or set TINY_BASE_URL"),
        (("--base-url", URL), {"TINY_TOKEN": ""}, "no credentials: set TINY_TOKEN"),
        (("--base-url", "ftp://x"), {}, "must look like https://host"),
        (("--base-url", URL), {"TINY_REGION": "mars"}, "TINY_REGION must be eu or us"),
        (("--base-url", URL, "--region", "mars"), {}, "'mars' is not one of"),
        (("--base-url", URL, "--token-id", "seven"), {}, "--token-id must be UUIDs"),
    ],
)
def test_what_is_wrong_or_missing_is_one_sentence_and_wrong_usage(tiny, args, variables, sentence):
    done = run_here("pull", "tiny", "--last", "3d", *args, **{**HERE, **variables})
    assert (done.status, done.out) == (2, "")
    assert sentence in done.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("command_line = ", "other = ", "has no command_line: it can be used from Python only"),
        ('option="--token-id"', 'option="--to"', "declares --to, which is an option of every"),
        ('option="--token-id"', 'option="--token"', "declares --token, but credentials are no"),
        ('"token_ids", option', '"tokens", option', "declares tokens, which its query does not"),
        ('"region", choices', '"zone", choices', "declares zone, which its constructor does not"),
        ("from asyncsessions import Hum", "import nowhere_at_all", "cannot be loaded"),
    ],
)
def test_a_provider_that_declares_nonsense_says_so_when_it_is_asked_for(
    site, before, after, sentence
):
    changed(site, before, after)
    done = run_here("pull", "tiny", "--last", "3d", "--whatever", "x", **HERE)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: the provider tiny of tiny-sessions 1.0 ")
    assert sentence in done.err
    assert len(done.err.splitlines()) == 1


def test_a_broken_provider_is_marked_in_help_and_harms_no_other(site):
    changed(site, "from asyncsessions import Hum", "raise SystemExit(7)")
    listed = run_here("pull", "--help")
    assert listed.status == 0
    assert "(cannot be used: ask for it to see why)" in listed.out
    with FakeHum(rows=3).in_thread() as fake:
        done = run_here("pull", "hum", *HUM_RANGE, "--base-url", fake.base_url)
    assert (done.status, len(done.out.splitlines())) == (0, 3)


def test_where_a_provider_fails_to_load_is_told_to_who_asks_for_it(site):
    changed(site, "from asyncsessions import Hum", "import nowhere_at_all")
    quiet, told = (run_here("pull", "tiny", *more) for more in ((), ("-v",)))
    assert quiet.status == told.status == 2
    assert "Traceback" not in quiet.err
    assert "tiny_module.py" in told.err
    assert told.err.splitlines()[-1] == quiet.err.splitlines()[-1]


def test_a_mistake_in_its_constructor_is_told_without_the_credentials(site):
    changed(site, "self.region = region", "raise KeyError(token)")
    done = run_here("pull", "tiny", "--last", "3d", "--base-url", URL, "-v", **HERE)
    assert done.status == 2
    assert "the provider tiny (tiny-sessions 1.0) failed with KeyError" in done.err
    assert "in __init__" in done.err
    assert HUM_TOKEN not in done.err


def test_a_mistake_while_it_reads_is_not_laid_at_our_door_alone(site):
    changed(site, "answer = self._hum", "answer = page.what or self._hum")
    with FakeHum(rows=3).in_thread() as fake:
        done = run_here("pull", "tiny", *HUM_RANGE, "--base-url", fake.base_url, **HERE)
    assert done.status == 1
    assert "a mistake of asyncsessions or of the provider tiny (tiny-sessions 1.0)" in done.err


def test_a_provider_without_credentials_has_no_option_for_them(site):
    changed(site, 'secret="TINY_TOKEN"', "secret=None")
    assert "--token-file" not in run_here("pull", "tiny", "--help").out


def test_verify_refuses_what_such_a_provider_does_not_have(site):
    changed(site, '"base_url", variable="TINY_BASE_URL"', '"region_url"')
    done = run_here("verify", "nothing.duckdb", "--against", "tinny")
    assert done.status == 2
    assert "'tinny' is not one of attributionhub, hum, tiny" in done.err
