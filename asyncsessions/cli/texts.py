"""Texts that stand below the help of several commands."""

from __future__ import annotations

from asyncsessions.cli.exits import STATUSES
from asyncsessions.sinks import SINKS

__all__ = ["STATUS_TEXT", "TARGETS"]

STATUS_TEXT = "\b\nExit status:\n" + "\n".join(
    f"  {status:>3}  {meaning}" for status, meaning in STATUSES.items()
)
TARGETS = "\b\nTargets:\n" + "\n".join(
    f"  {ending:>8}  {kind.description}" for ending, kind in SINKS.items()
)
