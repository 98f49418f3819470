"""Books in a JSON file: read back as written, or refused in one sentence."""

from __future__ import annotations

import json
import os
import stat
from datetime import timedelta, timezone

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.books import Run
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import TimeRange
from asyncsessions.errors import SinkError
from asyncsessions.sinks.books_file import (
    FileStream,
    PlacedWindow,
    from_plain,
    read_books,
    to_plain,
    write_books,
)
from tests.invented_sessions import INSTANTS, MADE_AT, a_run, permissive

COUNTS = st.integers(0, 2**53)
MICROS = st.integers(-(2**55), 2**55)
RUNS = st.builds(
    Run,
    id=st.text(),
    kind=st.sampled_from(["pull", "sync"]),
    asked=st.text(),
    pinned=st.builds(TimeRange, INSTANTS, INSTANTS, st.booleans()),
    begun_at=INSTANTS,
    ended_at=st.none() | INSTANTS,
    requests=st.dictionaries(st.text(), COUNTS, max_size=3),
)
WINDOWS = st.builds(
    PlacedWindow,
    owned=st.builds(Span, MICROS, MICROS),
    rows=COUNTS,
    complete=st.booleans(),
    digest=st.text(),
    as_of=st.tuples(INSTANTS, INSTANTS),
    committed_at=INSTANTS,
    run=st.text(),
    file=st.text(),
    offset=COUNTS,
    length=COUNTS,
)
STREAMS = st.builds(
    FileStream,
    provider=st.text(),
    filters=st.lists(st.tuples(st.text(), st.text()), max_size=2).map(tuple),
    runs=st.lists(RUNS, max_size=2).map(tuple),
    windows=st.lists(WINDOWS, max_size=3).map(tuple),
)
STREAM = FileStream(provider="hum", filters=(("campaign", "ä"),), runs=(a_run(),))
WINDOW = PlacedWindow(
    owned=Span(10, 20),
    rows=3,
    complete=True,
    digest="d",
    as_of=(MADE_AT, MADE_AT),
    committed_at=MADE_AT,
    run="run-1",
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "books.json"


@given(st.lists(STREAMS, max_size=2))
def test_books_are_read_back_as_they_were_written(tmp_path_factory, streams):
    path = tmp_path_factory.mktemp("law") / "books.json"
    write_books(path, streams, target=path)
    assert read_books(path) == streams


@given(st.one_of(RUNS, WINDOWS, STREAMS))
def test_plain_data_is_plain_json_and_gives_the_same_value(value):
    assert from_plain(json.loads(json.dumps(to_plain(value))), type(value)) == value


def test_a_time_of_another_zone_is_the_same_instant(path):
    moment = MADE_AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    write_books(path, [evolve(STREAM, runs=(a_run(begun_at=moment),))], target=path)
    assert read_books(path)[0].runs[0].begun_at == MADE_AT


def test_no_file_is_no_books(path):
    assert read_books(path) is None


def damaged(**changes):
    return json.dumps({"version": 1, "streams": [to_plain(STREAM) | changes]}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"version": 1}',
        b'{"version": 1, "streams": [{}]}',
        b"[" * 100_000,
        damaged(runs=[{}]),
        damaged(runs=[to_plain(a_run()) | {"begun_at": "yesterday"}]),
        damaged(runs=[to_plain(a_run()) | {"kind": "push"}]),
        damaged(windows=[to_plain(WINDOW) | {"owned": [1]}]),
        damaged(windows=[to_plain(WINDOW) | {"more": 1}]),
        damaged(more=1),
    ],
)
def test_a_damaged_file_is_one_sentence_and_stays(path, content):
    path.write_bytes(content)
    with pytest.raises(SinkError) as caught:
        read_books(path)
    assert str(caught.value) == f"{path} cannot be read: it is not what was written there"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert path.read_bytes() == content


def test_books_cut_anywhere_are_never_half_read(path):
    write_books(path, [STREAM.with_windows([WINDOW])], target=path)
    content = path.read_bytes()
    for cut in range(len(content)):
        path.write_bytes(content[:cut])
        with pytest.raises(SinkError):
            read_books(path)


def test_another_version_is_named(path):
    path.write_text('{"version": 3, "other": []}')
    with pytest.raises(SinkError) as caught:
        read_books(path)
    assert str(caught.value) == f"{path} cannot be read: it was written by another version (3)"


def test_books_that_cannot_be_opened_are_one_sentence(path):
    path.mkdir()
    with pytest.raises(SinkError) as caught:
        read_books(path)
    assert str(caught.value) == f"{path} cannot be read: Is a directory"


def test_a_failing_write_names_the_target_and_leaves_the_old_books(path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    write_books(path, [STREAM], target=path)
    with monkeypatch.context() as patch, pytest.raises(SinkError) as caught:
        patch.setattr(os, "fsync", full)
        write_books(path, [], target=path.with_name("out.csv"))
    out = path.with_name("out.csv")
    assert str(caught.value) == f"{out} cannot be written: No space left on device"
    assert read_books(path) == [STREAM]
    assert list(path.parent.iterdir()) == [path]


def test_books_are_their_owners_alone(path):
    with permissive():
        write_books(path, [STREAM], target=path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_run_becomes_the_newest_and_windows_are_held_newest_first():
    older, newer = a_run(id="older"), a_run(id="newer")
    stream = STREAM.with_run(older).with_run(newer)
    assert [run.id for run in stream.runs] == ["newer", "older", "run-1"]
    ended = evolve(older, ended_at=MADE_AT)
    assert stream.with_run(ended).runs[0] is ended
    assert len(stream.with_run(ended).runs) == 3
    later = evolve(WINDOW, owned=Span(20, 30))
    assert stream.with_windows([WINDOW, later]).windows == (later, WINDOW)


def test_a_stream_says_the_same_in_the_words_of_all_targets():
    stream = STREAM.with_windows([WINDOW]).stream
    assert (stream.provider, stream.filters) == ("hum", (("campaign", "ä"),))
    assert (stream.rows, stream.watermark) == (3, 20)
