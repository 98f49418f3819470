"""The command line: the library's verbs for the shell, with progress, summaries and exit statuses.

Everything is imported on use, so that ``asyncsessions --help`` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]

NEEDED = ("click", "rich")
USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; ``None`` takes the arguments of the process."""
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in NEEDED):
        print('The command line needs an extra: pip install "asyncsessions[cli]"', file=sys.stderr)
        return USAGE
    from asyncsessions.cli.process import run_process

    return run_process(argv)
