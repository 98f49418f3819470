import json
import sys
from datetime import timedelta

import click
import pytest

from asyncsessions.cli import main
from asyncsessions.cli.options import duration, moment
from asyncsessions.testing import FakeAttributionHub, FakeHum
from tests.cli.shell import run_here as invoke

URL = "http://127.0.0.1:9"
HUM = ["pull", "hum", "--base-url", URL]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_a_duration_is_a_number_with_a_unit(text, expected):
    assert expected == duration(text)


@pytest.mark.parametrize("text", ["30", "d", "0d", "-3d", "1.5h", "3 d", "30D", "999999999w", ""])
def test_anything_else_is_no_duration(text):
    with pytest.raises(click.BadParameter, match="is no duration"):
        duration(text)


@pytest.mark.parametrize(
    "text", ["2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31T12:00+02:00", "2026-01-31 12:00Z"]
)
def test_a_moment_is_a_date_or_a_time_with_its_zone(text):
    assert text == moment(text)


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "31.1.2026", "", "2026-13-01T00:00Z"])
def test_anything_else_is_no_moment(text):
    with pytest.raises(click.BadParameter, match="is no time"):
        moment(text)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(click.BadParameter, match="has no time zone"):
        moment("2026-01-31T12:00:00")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ([*HUM], "say from when"),
        ([*HUM, "--last", "3d", "--end", "2026-01-01"], "--last counts back from now"),
        (
            [*HUM, "--start", "2026-02-01", "--end", "2026-01-01"],
            "--start 2026-02-01 is later than --end 2026-01-01",
        ),
        ([*HUM, "--last", "3d", "--token-file", ""], "--token-file is empty"),
        (["pull", "hum", "--last", "3d"], "say which Hum"),
        ([*HUM, "--environment", "sandbox", "--last", "3d"], "not both"),
        ([*HUM, "--last", "3d", "--token-id", "seven"], "--token-id must be UUIDs"),
        ([*HUM, "--last", "3d", "--to", "x.xlsx"], "is no target"),
        ([*HUM, "--last", "3d", "--to", "x.jsonl", "--limit", "5"], "--limit is for a look"),
        ([*HUM, "--last", "3d", "--report", "-"], "cannot both be standard output"),
        ([*HUM, "--last", "3d", "--to", "x.jsonl", "--report", "./x.jsonl"], "the same file"),
        ([*HUM, "--last", "3d", "--report", "/no/such/folder/x"], "cannot be written"),
        ([*HUM, "--last", "3d", "--concurrency", "0"], "concurrency"),
        ([*HUM, "--last", "3d", "--rps", "0"], "rps"),
        ([*HUM, "--last", "3d", "--rps", "nan"], "--rps must be more than 0"),
        ([*HUM, "--last", "3d", "--deadline", "nan"], "--deadline must be"),
        (["pull", "hum", "--base-url", "http://example.com", "--last", "3d"], "is plain http"),
        (["pull", "hum", "--base-url", "https://a:b@example.com", "--last", "3d"], "password"),
        (["pull", "attributionhub", "--last", "3d"], "the vendor publishes no address"),
        (["estimate", "hum", "--base-url", URL], "say from when"),
        (["estimate", "hum", "--base-url", URL, "--start", "2999-01-01"], "in the future"),
        (["pull", "nobody"], "nobody"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(args, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke(*args)
    assert (result.status, result.out) == (2, "")
    assert sentence in result.err
    assert "Traceback" not in result.err


def test_a_vendor_has_only_its_own_filters():
    assert "No such option" in invoke(*HUM, "--last", "3d", "--campaign", "x").err
    hub = ["pull", "attributionhub", "--base-url", URL, "--last", "3d"]
    assert "No such option" in invoke(*hub, "--with-clicks").err


@pytest.mark.parametrize(
    "given",
    [
        ["--token", "canary-7"],
        ["--token=canary-7"],
        ["--key", "canary-7"],
        ["--api-key=canary-7"],
        ["--API_KEY", "canary-7"],
        ["--password", "canary-7"],
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2, 4])
def test_credentials_among_the_arguments_are_refused_and_not_repeated(given, place):
    args = [*HUM]
    args[place:place] = given
    result = invoke(*args)
    assert result.status == 2
    assert "arguments are seen by everyone" in result.err
    assert "canary-7" not in result.out + result.err


def test_what_follows_two_dashes_is_no_option():
    assert "unexpected extra argument" in invoke(*HUM, "--", "--token").err


def test_a_secret_given_as_the_name_of_its_file_is_not_repeated():
    result = invoke(*HUM, "--last", "3d", "--token-file", "canary-7")
    assert result.status == 2
    assert "the file given by --token-file cannot be read" in result.err
    assert "canary-7" not in result.out + result.err


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe\x00", b"a b", b"x" * 4097])
def test_a_token_file_without_a_token_is_refused(content, tmp_path):
    file = tmp_path / "token"
    file.write_bytes(content)
    result = invoke(*HUM, "--last", "3d", "--token-file", file)
    assert (result.status, "the file given by --token-file" in result.err) == (2, True)
    assert "HUM_API_TOKEN" not in result.err


def test_a_refused_token_of_a_file_is_looked_for_in_the_file(tmp_path):
    file = tmp_path / "token"
    file.write_text("wrong")
    with FakeHum(rows=3).in_thread() as hum:
        args = ["pull", "hum", "--base-url", hum.base_url, "--last", "3d", "--token-file", file]
        result = invoke(*args)
    assert result.status == 3
    assert "next: check the file given by --token-file and" in result.err
    assert "HUM_API_TOKEN" not in result.err


def test_two_addresses_of_hum_in_the_environment_are_refused():
    result = invoke("pull", "hum", "--last", "3d", HUM_ENVIRONMENT="sandbox", HUM_BASE_URL=URL)
    assert result.status == 2
    assert "HUM_ENVIRONMENT and HUM_BASE_URL are both set" in result.err


def test_an_option_decides_between_two_addresses_in_the_environment():
    with FakeHum(rows=3).in_thread() as hum:
        address = ["--base-url", hum.base_url, "--start", "2026-01-01"]
        both = {"HUM_ENVIRONMENT": "sandbox", "HUM_BASE_URL": URL}
        assert invoke("estimate", "hum", *address, **both).status == 0


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["pull", "estimate"])
def test_very_many_windows_need_a_bound(verb):
    with FakeAttributionHub(rows=4).in_thread() as hub:
        args = [verb, "attributionhub", "--base-url", hub.base_url, "--start", "0001-01-01"]
        refused = invoke(*args, "--end", "2026-01-01")
        assert (refused.status, refused.out, hub.requests) == (2, "", [])
        bounded = invoke(*args, "--end", "2026-01-01", "--max-requests", "3", "-q")
    assert "24,6" in refused.err
    assert "give --max-requests N" in refused.err
    assert bounded.status == 4
    assert 1 <= len(hub.requests) <= 3


def test_the_help_says_what_strict_is_good_for():
    text = " ".join(invoke("pull", "hum", "--help").out.split())
    assert "strict is not deceived by changes that cancel" in text


def test_without_credentials_the_variable_is_named():
    result = invoke(*HUM, "--last", "3d", HUM_API_TOKEN="")
    assert result.status == 2
    assert "no credentials: set HUM_API_TOKEN, or give --token-file FILE" in result.err


def test_a_token_can_come_from_a_file(tmp_path):
    file = tmp_path / "token"
    with FakeHum(rows=3).in_thread() as hum:
        file.write_text(f"{hum.token}\n")
        address = ["--base-url", hum.base_url, "--start", "2026-01-01"]
        result = invoke("pull", "hum", *address, "--token-file", file, HUM_API_TOKEN="")
    assert (result.status, len(result.out.splitlines())) == (0, 3)


def test_addresses_can_come_from_the_environment():
    with FakeHum(rows=3).in_thread() as hum, FakeAttributionHub(rows=4).in_thread() as hub:
        env = {"HUM_BASE_URL": hum.base_url, "ATTRIBUTIONHUB_BASE_URL": hub.base_url}
        first = invoke("estimate", "hum", "--start", "2026-01-01", "--json", **env)
        times = ["--start", "2026-03-02", "--end", "2026-03-31"]
        second = invoke("estimate", "attributionhub", *times, "--json", **env)
    assert json.loads(first.out) == {"requests": 1, "rows": 3, "windows": 1, "spent": 1}
    assert json.loads(second.out) == {"requests": 1, "rows": 4, "windows": 1, "spent": 1}


def test_filters_are_sent_by_the_vendors_names():
    names = ["source", "medium", "campaign", "content", "term", "landing_page"]
    options = [text for name in names for text in (f"--{name.replace('_', '-')}", f"my {name}")]
    with FakeAttributionHub(rows=4, record_bodies=True).in_thread() as hub:
        times = ["--start", "2026-03-02", "--end", "2026-03-31"]
        address = ["--base-url", hub.base_url]
        assert invoke("pull", "attributionhub", *address, *times, *options).status == 0
    (seen,) = hub.requests
    sent = json.loads(seen.request_body)
    assert {name: f"my {name}" for name in names} == {name: sent[name] for name in names}


def test_the_token_ids_of_hum_may_be_repeated():
    with FakeHum(rows=300).in_thread() as hum:
        start = ["--base-url", hum.base_url, "--start", "2026-01-01", "--json"]
        ids = [text for token in hum.token_ids for text in ("--token-id", token)]
        one = json.loads(invoke("estimate", "hum", *start, *ids[:2]).out)["rows"]
        two = json.loads(invoke("estimate", "hum", *start, *ids[:4]).out)["rows"]
        clicks = json.loads(invoke("estimate", "hum", *start, "--with-clicks").out)["rows"]
    assert 0 < one < two < 300
    assert 0 < clicks < 300


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["pull"],
        ["pull", "hum"],
        ["pull", "attributionhub"],
        ["estimate"],
        ["estimate", "hum"],
        ["estimate", "attributionhub"],
        ["demo"],
    ],
)
def test_every_command_has_help_whose_options_all_say_something(command):
    result = invoke(*command, "--help")
    assert result.status == 0
    described = result.out.partition("Options:")[2].partition("\n\n")[0]
    for line, following in zip(
        described.splitlines(), [*described.splitlines()[1:], ""], strict=True
    ):
        if line.strip().startswith("-"):
            assert "  " in line.strip() or following.startswith(" " * 20), line


def test_help_names_every_exit_status_and_every_target():
    text = invoke("pull", "hum", "--help").out
    for word in ["0  complete", "130  interrupted", ".jsonl", ".csv", ".duckdb"]:
        assert word in text


def test_the_verbs_are_listed():
    text = invoke("--help").out
    commands = text.partition("Commands:")[2].partition("\n\n")[0].split("\n  ")[1:]
    assert [line.split()[0] for line in commands if line[0] != " "] == [
        "demo",
        "estimate",
        "pull",
        "report",
        "serve",
        "sync",
        "verify",
    ]


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_one_sentence_names_it(missing, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["--help"]) == 2
    assert 'pip install "asyncsessions[cli]"' in capsys.readouterr().err
