"""The options of a verb that is called for all tenants of a file."""

from __future__ import annotations

import click

from asyncsessions.cli import options

__all__ = ["pulling", "syncing"]

tenants = click.option(
    "--tenants",
    metavar="FILE",
    help="TOML file of tenants, each with a provider, an address and the variable that holds its "
    "key; all of them, into one target.",
)
at_once = click.option(
    "--tenants-at-once",
    type=click.IntRange(min=1),
    metavar="N",
    help="Most tenants at the same time. [default: as many as connections and memory allow]",
)
report = click.option(
    "--report",
    metavar="FILE",
    help="Write what was done for each tenant as JSON, also after a failure; - for standard output.",
)
target = click.option(
    "--to",
    metavar="TARGET",
    help="With --tenants: where the rows go, a .duckdb file or the directory of a dataset.",
)
pulling = options.group(
    tenants,
    options.times,
    target,
    click.option("--fresh", is_flag=True, help="Start over, with all tenants."),
    at_once,
    report,
    options.loudness,
)
syncing = options.group(
    tenants,
    target,
    options.start_of_sync,
    options.looking_back,
    at_once,
    report,
    options.loudness,
)
