"""The verb serve as a shell runs it, with curl as its reader."""

import re
import shutil
import signal
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from attrs import fields

from asyncsessions.cli.serving import ServeOptions
from asyncsessions.testing import FakeAttributionHub, FakeHum
from tests.cli.shell import run_here, started
from tests.integrations.serving import KEY, records_of

pytestmark = pytest.mark.slow
QUERY = "start=2026-01-01&end=2026-03-31"
CUT = 18  # curl's status for a body that ended too early
SETTINGS = dict.fromkeys(each.name for each in fields(ServeOptions) if each.name != "host")


@contextmanager
def served(vendor, fake, *args, **changes):
    """Run the verb and return its process and address."""
    command = ("serve", vendor, "--base-url", fake.base_url, "--port", "0", *args)
    with started(*command, PYTHONDEVMODE="", **changes) as process:
        said, found = "", None
        while not found:
            line = process.stderr.readline()
            said += line
            assert line, said  # it has ended
            found = re.search(r"^serving .* at (http://127\.0\.0\.1:\d+)/", line)
        yield process, found[1]


def curl(url, *args):
    program = shutil.which("curl")
    assert program, "curl is not installed"
    return subprocess.run(
        [program, "--silent", "--max-time", "30", *args, url],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def hum():
    with FakeHum(rows=1000).in_thread() as fake:
        yield fake


@pytest.fixture(scope="module")
def local(hum):
    with served("hum", hum) as (process, url):
        yield process, url


def test_curl_gets_every_session_and_the_ending(local):
    done = curl(f"{local[1]}/sessions?{QUERY}")
    sessions, ending = records_of(done.stdout)
    assert (done.returncode, len(sessions), ending["complete"]) == (0, 1000, True)


def test_curl_can_fail_on_an_honest_status(local):
    assert curl(f"{local[1]}/sessions?start=soon", "--fail").returncode == 22


def test_without_a_key_only_this_machines_own_programs_are_answered(local, hum):
    before = len(hum.requests)
    port = local[1].rpartition(":")[2]
    for header in (
        f"Host: evil.example:{port}",
        "Host: 127.0.0.1.evil.example",
        "Host: ",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ):
        done = curl(f"{local[1]}/sessions?{QUERY}", "-H", header, "-w", "%{http_code}")
        assert done.stdout.endswith("403"), header
    assert len(hum.requests) == before
    for header in ("Sec-Fetch-Site: same-origin", f"Host: localhost:{port}", f"Host: [::1]:{port}"):
        assert curl(f"{local[1]}/sessions/count?{QUERY}", "-f", "-H", header).returncode == 0
    assert curl(f"{local[1]}/", "-f", "-H", "Sec-Fetch-Site: cross-site").returncode == 0


def highest_kb(process):
    """Return the most memory that a process has had so far."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        pytest.skip("this system has no /proc")
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])


def test_memory_stays_flat_however_long_the_stream():
    with FakeHum(rows=10_000).in_thread() as large, served("hum", large) as (process, url):
        curl(f"{url}/sessions?start=2026-03-25&end=2026-03-31")
        before = highest_kb(process)
        done = curl(f"{url}/sessions?{QUERY}")
        grown = highest_kb(process) - before
    assert done.stdout.count("\n") == 10_001
    assert grown < 8_000  # the sessions themselves are more than that
    assert len(done.stdout) > 4_000_000


def test_a_killed_server_cuts_the_stream_and_the_reader_knows():
    with (
        FakeHum(rows=3000, latency_s=0.05).in_thread() as fake,
        served("hum", fake, "--concurrency", "1") as (process, url),
    ):
        reader = subprocess.Popen(
            [shutil.which("curl"), "--silent", "--no-buffer", f"{url}/sessions?{QUERY}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        with reader:
            first = reader.stdout.readline()
            process.kill()
            rest = reader.stdout.read()
    sessions, ending = records_of(first + rest.rpartition("\n")[0])
    assert 0 < len(sessions) < 3000
    assert ending is None
    assert reader.returncode == CUT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_cleanly(hum, number):
    with served("hum", hum) as (process, url):
        assert curl(f"{url}/healthz").stdout == '{"status":"ok","provider":"hum"}'
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "stopped\n")


def test_with_a_key_nobody_is_answered_without_it(tmp_path):
    key_file = tmp_path / "key.txt"
    key_file.write_text(KEY + "\n")
    with (
        FakeAttributionHub(rows=60).in_thread() as fake,
        served("attributionhub", fake, "--api-key-file", key_file, "--redact", "-v") as (
            process,
            url,
        ),
    ):
        query = "start=2026-03-02&end=2026-03-31"
        assert httpx.get(f"{url}/sessions?{query}").json()["reason"] == "api_key_missing"
        wrong = httpx.get(f"{url}/sessions?{query}", headers={"X-API-Key": "wrong"})
        assert wrong.json()["reason"] == "api_key_refused"
        assert fake.requests == []
        done = curl(f"{url}/sessions?{query}", "-H", f"X-API-Key: {KEY}", "-H", "Host: any.example")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    sessions, ending = records_of(done.stdout)
    assert (len(sessions), ending["complete"]) == (60, True)
    assert KEY not in err
    assert fake.key not in err


def test_no_log_says_who_has_asked_for_what(hum):
    with served("hum", hum, "-vv") as (process, url):
        assert curl(f"{url}/sessions/a-session-id").returncode == 0
        assert curl(f"{url}/sessions?{QUERY}&token_ids=a-persons-token").returncode == 0
        assert curl(f"{url}/sessions/count?{QUERY}").returncode == 0
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert "asyncsessions.engine: hum: estimate: done" in err
    for personal in ("a-session-id", "a-persons-token", "127.0.0.1:"):
        assert personal not in err.replace(hum.base_url, "the vendor")


def test_a_host_that_others_can_reach_is_refused_without_a_key(hum):
    before = len(hum.requests)
    for host in ("0.0.0.0", "::", "192.0.2.7", "example.com", ""):
        done = run_here("serve", "hum", "--base-url", hum.base_url, "--host", host)
        assert done.status == 2
        assert "can be reached from other machines" in done.err
        assert "ASYNCSESSIONS_API_KEY" in done.err
    assert len(hum.requests) == before


def test_a_host_that_others_can_reach_is_allowed_with_a_key(monkeypatch):
    monkeypatch.delenv("ASYNCSESSIONS_API_KEY", raising=False)
    for host in ("127.0.0.1", "localhost", "::1"):
        assert ServeOptions(**SETTINGS, host=host).api_key() is None
    monkeypatch.setenv("ASYNCSESSIONS_API_KEY", KEY)
    for host in ("0.0.0.0", "::", "127.0.0.1"):
        assert ServeOptions(**SETTINGS, host=host).api_key() == KEY


@pytest.mark.parametrize(
    ("args", "changes", "words"),
    [
        ((), {"ASYNCSESSIONS_API_KEY": "short"}, "at least 16 characters"),
        (("--api-key-file", "/nowhere/key"), {}, "the file given by --api-key-file cannot be read"),
        (("--api-key", "x"), {}, "there is no --api-key"),
        ((), {"HUM_API_TOKEN": ""}, "no credentials: set HUM_API_TOKEN"),
        (("--host", "::1", "--port", "70000"), {}, "--port"),
    ],
)
def test_what_cannot_be_served_is_refused_in_a_sentence(hum, args, changes, words):
    done = run_here("serve", "hum", "--base-url", hum.base_url, "--port", "0", *args, **changes)
    assert done.status == 2
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_port_that_is_taken_is_told_in_a_sentence(hum):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_here("serve", "hum", "--base-url", hum.base_url, "--port", port)
    assert done.status == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in done.err


def test_without_the_extra_the_verb_names_it(monkeypatch):
    monkeypatch.setattr("asyncsessions.cli.serving.find_spec", lambda name: None)
    done = run_here("serve", "hum", "--base-url", "http://127.0.0.1:9")
    assert done.status == 2
    assert 'pip install "asyncsessions[cli,fastapi]"' in done.err
