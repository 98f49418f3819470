"""Files that one pull at a time has open."""

from __future__ import annotations

import os
import stat

import pytest

from asyncsessions.errors import SinkError
from asyncsessions.sinks import locks
from asyncsessions.sinks.locks import open_alone
from tests.invented_sessions import permissive


@pytest.fixture
def path(tmp_path):
    return tmp_path / "it.lock"


def test_a_file_is_open_once_and_free_when_it_is_closed(path):
    fd = open_alone(path, target=path)
    with pytest.raises(SinkError) as caught:
        open_alone(path, target=path.with_name("out.csv"))
    out = path.with_name("out.csv")
    assert str(caught.value) == f"{out} is being written by another pull"
    os.close(fd)
    os.close(open_alone(path, target=path))


def test_a_refused_file_is_not_held_open(path, monkeypatch):
    fd = open_alone(path, target=path)
    closed, real = [], os.close
    with monkeypatch.context() as patch, pytest.raises(SinkError):
        patch.setattr(os, "close", lambda fd: closed.append(real(fd)))
        open_alone(path, target=path)
    assert len(closed) == 1
    os.close(fd)


@pytest.mark.parametrize("how", ["moved", "removed", "replaced"])
def test_a_file_that_went_away_before_it_was_locked_is_made_again(path, monkeypatch, how):
    lock, gone = locks._lock, []

    def locking(fd, target):
        if not gone:
            gone.append(os.fstat(fd).st_ino)
            path.rename(path.with_name("elsewhere"))
            if how == "removed":
                path.with_name("elsewhere").unlink()
            if how == "replaced":
                path.write_text("another")
        lock(fd, target)

    monkeypatch.setattr(locks, "_lock", locking)
    fd = open_alone(path, target=path)
    assert os.path.samestat(os.fstat(fd), path.stat())
    os.close(fd)


def test_a_file_that_was_there_is_kept_and_made_private(path):
    path.write_text("content")
    path.chmod(0o644)
    with permissive():
        os.close(open_alone(path, target=path))
    assert path.read_text() == "content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_not_followed(path):
    path.symlink_to(path.with_name("precious"))
    with pytest.raises(OSError, match=r"it\.lock"):
        open_alone(path, target=path)
    assert not path.with_name("precious").exists()
