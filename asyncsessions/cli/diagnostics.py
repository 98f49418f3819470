"""Where log records go: standard error, as many as were asked for."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

__all__ = ["listen"]

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LEVELS = (
    (logging.CRITICAL, logging.WARNING),
    (logging.WARNING, logging.INFO),
    (logging.DEBUG, logging.DEBUG),
)
"""How much of others and of ours is shown, by the number of ``-v``."""


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to the standard error of the moment, which progress bars stand in for."""

    def emit(self, record: logging.LogRecord) -> None:
        if sys.stderr is not None:
            self.stream = sys.stderr
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Let it go: that nobody listens is no reason to fail."""


def listen(*, verbose: int, quiet: bool) -> None:
    """Show our warnings; with ``verbose`` 1 what we do, with 2 everything, also of others."""
    handler = _StandardError(sys.stderr)
    handler.setFormatter(logging.Formatter(FORMAT))
    handler.addFilter(_is_news)
    root = logging.getLogger()
    for known in [known for known in root.handlers if isinstance(known, _StandardError)]:
        root.removeHandler(known)
    root.addHandler(handler)
    others, ours = LEVELS[min(verbose, 2)]
    root.setLevel(others)
    logging.getLogger("asyncsessions").setLevel(logging.ERROR if quiet else ours)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether the summary does not say the same anyway."""
    return getattr(record, "event", None) not in {"incomplete", "surprise"}
