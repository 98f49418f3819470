"""The spool of a window: whatever happened is read back, whatever happened to the file."""

from __future__ import annotations

import os
import stat
from itertools import pairwise

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.answer import Ask
from asyncsessions.core.journal import Answered, Asked, Setting, Withdrawn
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window
from asyncsessions.errors import SinkError
from asyncsessions.sinks import spool as module
from asyncsessions.sinks.spool import Spool, holds_page
from tests.invented_sessions import INSTANTS, MADE_AT, Disk, a_plan, an_ask, permissive

SETTING = Setting(50, "strict")
WINDOW = a_plan().windows[0]
NUMBERS = st.integers(0, 2**40)
MICROS = st.integers(-(2**55), 2**55)
ASKS = st.builds(
    Ask,
    st.builds(Window, st.builds(Span, MICROS, MICROS), INSTANTS, INSTANTS),
    NUMBERS,
    NUMBERS,
    NUMBERS,
)
EVENTS = (
    st.builds(Asked, ASKS, NUMBERS)
    | st.builds(Withdrawn, ASKS)
    | st.builds(Answered, ASKS, st.binary(max_size=200), INSTANTS)
)
STORIES = st.lists(EVENTS, max_size=6)
SAMPLE = [
    Asked(an_ask(WINDOW), 4),
    Asked(an_ask(WINDOW, 2, serial=1, place=7), 4),
    Answered(an_ask(WINDOW), b'{"sessions": []}', MADE_AT),
    Withdrawn(an_ask(WINDOW, 2, serial=1, place=7)),
    Answered(an_ask(WINDOW, 3), b"", MADE_AT),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "it.spool"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("spools")


def written(path, events, setting=SETTING):
    """Write a spool anew and return how long it was after its opening and after each event."""
    path.unlink(missing_ok=True)
    spool = Spool(path, setting)
    sizes = [path.stat().st_size]
    for event in events:
        spool.add(event)
        sizes.append(path.stat().st_size)
    spool.close()
    return sizes


def read(path, setting=SETTING, *, add=()):
    """Return a spool's story, after which further events are added."""
    spool = Spool(path, setting)
    try:
        for event in add:
            spool.add(event)
        return spool.story()
    finally:
        spool.close()


@given(STORIES, STORIES)
def test_whatever_happened_is_read_back_and_gone_on_with(folder, before, after):
    path = folder / "law.spool"
    written(path, before)
    assert read(path, add=after) == before
    assert read(path) == before + after


@given(STORIES, STORIES, st.data())
def test_wherever_it_is_cut_whole_events_come_back_and_it_goes_on(folder, events, after, data):
    path = folder / "cut.spool"
    sizes = written(path, events)
    cut = data.draw(st.integers(0, sizes[-1]))
    os.truncate(path, cut)
    kept = events[: max(0, sum(size <= cut for size in sizes) - 1)]
    assert read(path, add=after) == kept
    assert read(path) == kept + after


def test_cut_at_any_byte_a_beginning_of_the_story_comes_back(path):
    sizes = written(path, SAMPLE)
    content = path.read_bytes()
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        kept = SAMPLE[: max(0, sum(size <= cut for size in sizes) - 1)]
        assert read(path, add=SAMPLE[:1]) == kept
        assert read(path) == [*kept, SAMPLE[0]]


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_a_flipped_byte_ends_the_story_before_it(path, flip):
    sizes = written(path, SAMPLE)
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :])
        assert read(path) == SAMPLE[: max(0, sum(size <= at for size in sizes) - 1)]


@given(st.binary(max_size=300))
def test_a_file_that_is_no_spool_is_an_empty_one(folder, content):
    path = folder / "any.spool"
    path.write_bytes(content)
    assert read(path, add=SAMPLE) == []
    assert read(path) == SAMPLE


@pytest.mark.parametrize(
    "other",
    [
        evolve(SETTING, page_size=51),
        evolve(SETTING, consistency="fast"),
        evolve(SETTING, raw=True),
    ],
)
def test_a_window_that_is_read_otherwise_has_no_story_yet(path, other):
    written(path, SAMPLE)
    assert read(path, other, add=SAMPLE[:2]) == []
    assert read(path, other) == SAMPLE[:2]
    assert read(path) == []


def test_a_spool_of_another_version_begins_anew(path, monkeypatch):
    written(path, SAMPLE)
    monkeypatch.setattr(module, "VERSION", module.VERSION + 1)
    assert read(path, add=SAMPLE[:1]) == []
    assert read(path) == SAMPLE[:1]


@pytest.mark.parametrize(
    "strange",
    [
        {"kind": "dreamt"},
        {"asked": (2**62, 2**62)},
        {"kind": "answered", "at": -(2**62)},
    ],
)
def test_a_frame_that_makes_no_sense_ends_the_story(path, strange):
    spool = Spool(path, SETTING)
    spool.add(SAMPLE[0])
    fields = {
        name: getattr(module._head(SAMPLE[0]), name) for name in module.Head.__struct_fields__
    }
    spool._write(module._frame(module.encode(module.Head(**fields | strange)), b""))
    spool._write(module._frame(b"\xc1", b""))
    spool.add(SAMPLE[1])
    spool.close()
    assert read(path) == SAMPLE[:1]


def test_a_story_is_told_once(path):
    written(path, SAMPLE)
    spool = Spool(path, SETTING)
    assert spool.story() == SAMPLE
    assert spool.story() == []
    spool.close()


def test_an_event_for_which_there_is_no_room_leaves_the_others_readable(path, monkeypatch):
    spool = Spool(path, SETTING)
    for event in SAMPLE:
        for room in 0, 5, 30:
            with monkeypatch.context() as patch, pytest.raises(SinkError) as caught:
                patch.setattr(os, "write", Disk(room).write)
                spool.add(event)
            assert str(caught.value) == f"{path} cannot be written: No space left on device"
        spool.add(event)
    spool.close()
    assert read(path) == SAMPLE


def test_of_events_for_which_there_is_no_room_none_is_added(path, monkeypatch):
    spool = Spool(path, SETTING)
    spool.add(*SAMPLE[:2])
    for room in 0, 40, 100:
        with monkeypatch.context() as patch, pytest.raises(SinkError):
            patch.setattr(os, "write", Disk(room).write)
            spool.add(*SAMPLE[2:])
    spool.add(*SAMPLE[2:])
    spool.close()
    assert read(path) == SAMPLE


def test_a_spool_that_cannot_even_begin_holds_no_file_open(path, monkeypatch):
    closed, real = [], os.close
    with monkeypatch.context() as patch, pytest.raises(SinkError):
        patch.setattr(os, "write", Disk(3).write)
        patch.setattr(os, "close", lambda fd: closed.append(real(fd)))
        Spool(path, SETTING)
    assert len(closed) == 1
    assert read(path, add=SAMPLE) == []
    assert read(path) == SAMPLE


def test_frames_that_are_written_in_pieces_are_whole(path, monkeypatch):
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, data[:3]))
        sizes = written(path, SAMPLE)
    assert all(a < b for a, b in pairwise(sizes))
    assert read(path) == SAMPLE


def test_a_page_is_an_answer_and_not_what_was_only_asked(path):
    assert not holds_page(path)
    written(path, SAMPLE[:2])
    assert not holds_page(path)
    written(path, SAMPLE[:3])
    assert holds_page(path)
    os.truncate(path, path.stat().st_size - 1)
    assert not holds_page(path)
    path.write_bytes(b"no spool")
    assert not holds_page(path)


def test_the_spool_is_its_owners_alone_and_can_be_removed(path):
    with permissive():
        spool = Spool(path, SETTING)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    spool.close()
    spool.close()
    assert path.exists()
    Spool(path, SETTING).close(remove=True)
    assert not path.exists()
