"""Small files that are replaced in one step."""

from __future__ import annotations

import os
import stat

import pytest

from asyncsessions.sinks.replacing import replace_file, sync_directory
from tests.invented_sessions import permissive


@pytest.fixture
def path(tmp_path):
    return tmp_path / "it.json"


def test_the_content_is_replaced_and_private(path):
    with permissive():
        for content in b"old", b"new", b"":
            replace_file(path, content)
            assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("step", ["os.open", "os.fsync", "os.replace"])
@pytest.mark.parametrize("failure", [OSError(28, "full"), KeyboardInterrupt()])
def test_a_failing_write_leaves_the_old_content_and_nothing_else(path, monkeypatch, step, failure):
    def fail(*_, **__):
        raise failure

    replace_file(path, b"old")
    with monkeypatch.context() as patch, pytest.raises(type(failure)):
        patch.setattr(step, fail)
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_what_a_process_that_died_has_left_is_written_over(path):
    path.with_name("it.json.new").write_text("torn" * 100)
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_the_content_is_on_disk_before_it_has_the_name(path, monkeypatch):
    steps, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: steps.append("sync") or fsync(fd))
    monkeypatch.setattr(os, "replace", lambda *names: steps.append("name") or replace(*names))
    replace_file(path, b"new")
    assert steps == ["sync", "name", "sync"]


def test_a_directory_that_cannot_be_synced_is_no_failure(path):
    sync_directory(path / "nowhere")
