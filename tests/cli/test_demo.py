"""The demo: what a person sees who has just arrived."""

import os
import re
import sys
import time
from datetime import date

import duckdb
import pytest

from asyncsessions.cli.demo_data import DAYS, attributionhub_rows, hum_rows
from asyncsessions.cli.progress import Lines, Silence
from asyncsessions.cli.render import Page
from asyncsessions.core.report import Report
from tests.cli.shell import run

FIRST = date(2026, 3, 2)


def demo(folder, *args, **changes):
    moved = f"import os; os.chdir({str(folder)!r}); "
    code = moved + "import sys; from asyncsessions.cli import main; sys.exit(main())"
    return run("demo", *args, program=(sys.executable, "-c", code), **changes)


@pytest.mark.slow
def test_the_demo_brings_both_vendors_home_within_seconds_and_again(tmp_path):
    for _ in "ab":
        began = time.monotonic()
        done = demo(tmp_path)
        assert time.monotonic() - began < 30
        assert done.status == 0, done.err
        with duckdb.connect(str(tmp_path / "asyncsessions-demo.duckdb")) as connection:
            counted = connection.execute(
                "SELECT provider, count(*), count(DISTINCT id) FROM sessions GROUP BY 1 ORDER BY 1"
            ).fetchall()
        assert counted == [("attributionhub", 11_000, 11_000), ("hum", 9_000, 9_000)]
    assert re.search(r"^hum +9,000 +\d+ +\d+ +[\d.]+ s +[\d,]+ +yes", done.out, re.MULTILINE)
    for word in ["Sessions per day", "Top campaigns", "summer_sale", "█", "Pull your own"]:
        assert word in done.out
    assert "Traceback" not in done.err
    assert "\x1b" not in done.out + done.err


@pytest.mark.slow
def test_without_duckdb_the_demo_writes_lines_and_says_so_in_ascii_where_it_must(tmp_path):
    missing = "import sys; sys.modules['duckdb'] = None; sys.modules['pyarrow'] = None; "
    code = f"{missing}import os; os.chdir({str(tmp_path)!r}); "
    code += "from asyncsessions.cli import main; sys.exit(main())"
    done = run("demo", program=(sys.executable, "-c", code), PYTHONIOENCODING="ascii")
    assert done.status == 0, done.err
    assert 'pip install "asyncsessions[duckdb]"' in done.err
    names = sorted(path.name for path in tmp_path.iterdir())
    files = ["asyncsessions-demo-attributionhub.jsonl", "asyncsessions-demo-hum.jsonl"]
    assert names == sorted([*files, *(f"{file}.pull" for file in files)])
    assert "summer_sale" in done.out
    assert "####" in done.out
    assert (done.out + done.err).isascii()


def test_the_demo_does_not_start_over_on_a_file_that_is_not_its_own(tmp_path):
    (tmp_path / "mine.duckdb").write_text("precious")
    done = demo(tmp_path, "--to", "mine.duckdb")
    assert (done.status, done.out) == (2, "")
    assert "mine.duckdb exists already" in done.err
    assert (tmp_path / "mine.duckdb").read_text() == "precious"


def test_the_demo_writes_no_other_kind_of_file(tmp_path):
    done = demo(tmp_path, "--to", "x.csv")
    assert (done.status, list(tmp_path.iterdir())) == (2, [])
    assert "the demo writes a .duckdb file" in done.err


def test_a_target_of_the_demo_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "asyncsessions-demo.duckdb").mkdir()
    done = demo(tmp_path)
    assert (done.status, done.out) == (2, "")
    assert "error: " in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("make", [hum_rows, attributionhub_rows])
def test_the_demos_rows_are_the_same_each_time_and_lie_on_its_days(make):
    rows = make(500, FIRST)
    assert rows == make(500, FIRST)
    key = "created_at" if make is hum_rows else "timestamp"
    days = {str(row[key])[:10] for row in rows}
    assert min(days) >= "2026-03-02"
    assert max(days) <= "2026-04-30"
    assert DAYS - 5 < len(days) <= DAYS


def test_a_plot_is_as_wide_as_its_counts_and_as_high_as_asked():
    page = Page()
    lines = page.plot([0, 1, 5, 10], height=2)
    assert [len(line) for line in lines] == [4, 4]
    full = "#" if page.is_ascii else "█"
    assert lines[0][3] == lines[1][3] == full
    assert (lines[0][0], lines[1][0]) == (" ", " ")
    assert lines[1][1] != " "


def test_a_plot_of_nothing_is_empty():
    assert Page().plot([0, 0], height=1) == ["  "]


def test_lines_are_written_for_what_has_come_further(capsys):
    lines = Lines()
    bar = lines.add("hum", page_size=50)
    lines.tick()
    bar.update(Report(provider="hum", windows=1, windows_read=1, pages=2, rows=100, total=500))
    lines.tick()
    lines.tick()
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "hum: waiting for the first answer"
    assert told[1].startswith("hum: page 2 of about 10, 100 rows in ")
    assert len(told) == 2


def test_a_page_leaves_it_to_the_process_that_nobody_reads():
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(BrokenPipeError), os.fdopen(write, "w", buffering=1) as gone:
        Page(gone).text("a line")


def test_silence_is_silent(capsys):
    with Silence() as display:
        display.add("hum", page_size=50).update(Report(provider="hum"))
        display.tick()
    assert capsys.readouterr() == ("", "")
