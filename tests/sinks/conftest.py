"""What the tests of targets share: a process that dies at any step."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest

STEPS = ("open", "replace", "fsync", "unlink", "mkdir", "rmdir", "write", "ftruncate")


class DeathError(BaseException):
    """The process is gone; nothing that it had wanted to tidy up happens any more."""


@pytest.fixture
def mortal(monkeypatch):
    """Return a function that does something until its n-th step on the disk; was it survived?"""

    def live(lives, action):
        left, descriptors = [lives], set()

        def mortal_step(name, step):
            def take(*args, **more):
                left[0] -= 1
                if left[0] < 0:
                    raise DeathError(name)
                result = step(*args, **more)
                if name == "open":
                    descriptors.add(result)
                return result

            return take

        def close(fd):
            descriptors.discard(fd)
            real_close(fd)

        real_close = os.close
        with monkeypatch.context() as patch:
            for name in STEPS:
                patch.setattr(os, name, mortal_step(name, getattr(os, name)))
            patch.setattr(os, "close", close)
            try:
                action()
            except DeathError:
                survived = False
            else:
                survived = True
        for fd in descriptors:  # what the system closes, and unlocks, for the dead
            with suppress(OSError):
                real_close(fd)
        return survived

    return live
