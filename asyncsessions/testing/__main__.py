"""Run a command against both fake vendors: ``python -m asyncsessions.testing -- COMMAND …``.

The command finds the addresses and the invented keys in the environment, in the variables that
the package reads; the servers stop with it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from asyncsessions.testing.attributionhub import FakeAttributionHub
from asyncsessions.testing.hum import FakeHum
from asyncsessions.testing.tenants import FakeTenants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOT_FOUND = 127
TENANTS = 3
"""So many of each vendor has the file of ``--tenants``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Start both fakes, run the command, and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m asyncsessions.testing",
        description="Run a command against both fake vendors on this machine.",
    )
    parser.add_argument("--rows", type=int, default=2337, help="sessions of each vendor (2337)")
    parser.add_argument("--seed", type=int, default=1, help="decides the invented data (1)")
    parser.add_argument(
        "--latency", type=float, default=0.02, help="seconds an answer takes (0.02)"
    )
    parser.add_argument(
        "--tenants",
        metavar="FILE",
        help="write a file of three tenants of each vendor, each with a server and a key of its own",
    )
    parser.add_argument("command", nargs="+", help="the command and its arguments, after --")
    chosen = parser.parse_args(arguments)
    switches = {"rows": chosen.rows, "seed": chosen.seed, "latency_s": chosen.latency}
    if chosen.tenants is not None:
        del switches["seed"]  # each tenant has its own
        with FakeTenants.of_each(TENANTS, **switches).in_thread() as tenants:
            tenants.write(Path(chosen.tenants))
            return _run(parser, chosen.command, {**os.environ, **tenants.environment})
    with (
        FakeHum(**switches).in_thread() as hum,
        FakeAttributionHub(**switches).in_thread() as hub,
    ):
        environment = {
            **os.environ,
            "HUM_API_TOKEN": hum.token,
            "HUM_BASE_URL": hum.base_url,
            "ATTRIBUTIONHUB_API_KEY": hub.key,
            "ATTRIBUTIONHUB_BASE_URL": hub.base_url,
        }
        environment.pop("HUM_ENVIRONMENT", None)
        return _run(parser, chosen.command, environment)


def _run(
    parser: argparse.ArgumentParser, command: Sequence[str], environment: Mapping[str, str]
) -> int:
    try:
        done = subprocess.run(command, env=environment, check=False)  # noqa: S603 - the user's
    except OSError as error:
        parser.exit(NOT_FOUND, f"cannot run {command[0]}: {error.strerror}\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
