"""Sessions in a file, durably: stopped at any moment, the same command goes on.

Against the fakes, with only the extra that the file takes installed::

    python -m asyncsessions.testing -- python examples/into_file.py sessions.parquet

A name that ends in ``.duckdb`` takes the extra ``duckdb``, ``.parquet`` the extra ``parquet``;
``.jsonl`` and ``.csv`` take none.
"""

from __future__ import annotations

import sys

from asyncsessions import ConfigurationError, Hum
from asyncsessions.blocking import Client


def main(target: str) -> None:
    """Pull a quarter into the file, and say how that ended."""
    with Client(Hum.from_env()) as client:
        report = client.sessions(start="2026-01-01", end="2026-03-31").pull(target)
    print(f"{report.rows} sessions, {report.requests} requests: {report.outcome}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("say into which file, such as sessions.parquet")
    try:
        main(sys.argv[1])
    except ConfigurationError as error:
        sys.exit(str(error))
