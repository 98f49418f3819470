"""The verbs, each with a subcommand for each vendor.

Those of providers from other packages are added by :class:`ProviderGroup`.
"""

from __future__ import annotations

from typing import Any

import click

from asyncsessions.cli import options, serve_options, tenant_options
from asyncsessions.cli.groups import ProviderGroup, is_for_tenants, provider_name
from asyncsessions.cli.process import leave
from asyncsessions.cli.texts import STATUS_TEXT, TARGETS

__all__ = ["cli"]

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
ALSO_ALONE: dict[str, Any] = {"invoke_without_command": True, "no_args_is_help": True}
"""Of a verb that does the same for all tenants of a file, without a subcommand."""
EXAMPLES = """\b
Examples:
  asyncsessions demo
  asyncsessions estimate hum --environment sandbox --last 30d
  asyncsessions pull hum --environment sandbox --last 2w --to sessions.duckdb
  asyncsessions pull attributionhub --base-url https://... --last 30d | head

Credentials come from HUM_API_TOKEN and ATTRIBUTIONHUB_API_KEY, or from --token-file."""
PULL_HUM = """\b
Examples:
  asyncsessions pull hum --environment sandbox --start 2026-01-01 \\
      --end 2026-03-31 --to sessions.duckdb
  asyncsessions pull hum --environment production --last 1d --limit 5
"""
PULL_ATTRIBUTIONHUB = """\b
Examples:
  asyncsessions pull attributionhub --last 30d --campaign summer_sale --to sessions.csv
  asyncsessions pull attributionhub --last 90d --max-requests 500 --to sessions.duckdb
"""
TENANTS = """\b
Examples:
  asyncsessions pull hum --environment sandbox --last 2w --to sessions.duckdb
  asyncsessions pull --tenants tenants.toml --start 2026-01-01 --end 2026-03-31 \\
      --to sessions.duckdb
"""
SYNC_HUM = """\b
Examples:
  asyncsessions sync hum --environment sandbox --start 2026-01-01 --to sessions.duckdb
  asyncsessions sync hum --environment sandbox --to sessions.duckdb --lookback 60d
"""
SYNC_ATTRIBUTIONHUB = """\b
Examples:
  asyncsessions sync attributionhub --to sessions/ --lookback 3d
  asyncsessions sync attributionhub --to sessions/ --lookback 30d --revisit 0.5
"""
SERVE_HUM = """\b
Examples:
  asyncsessions serve hum --environment sandbox
  asyncsessions serve hum --environment production --host 0.0.0.0 \\
      --api-key-file key.txt --redact
"""
SERVE_ATTRIBUTIONHUB = """\b
Examples:
  asyncsessions serve attributionhub --base-url https://... --port 8080
  asyncsessions serve attributionhub --max-requests 200 --deadline 60
"""


class Root(click.Group):
    """The root refuses credentials among the arguments before anything can repeat them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, after that look."""
        options.refuse_secrets(args)
        return super().parse_args(ctx, args)


@click.group(cls=Root, context_settings=SETTINGS, epilog=f"{EXAMPLES}\n\n{STATUS_TEXT}")
@click.version_option(package_name="asyncsessions", message="%(prog)s %(version)s")
def cli() -> None:
    """Pull session analytics from Hum and AttributionHub: complete, or it says so."""


@cli.group(cls=ProviderGroup, **ALSO_ALONE, epilog=f"{TENANTS}\n\n{STATUS_TEXT}")
@tenant_options.pulling
@click.pass_context
def pull(context: click.Context, /, **given: Any) -> None:
    """Write all sessions of a range to a file or to standard output, of one vendor or of tenants."""
    if not is_for_tenants(context, given):
        return
    from asyncsessions.cli import tenants

    leave(lambda: tenants.pull(given))


@pull.command("hum", epilog=f"{TARGETS}\n\n{PULL_HUM}\n{STATUS_TEXT}")
@options.times
@options.hum
@options.pulling
@options.spending
@options.loudness
def pull_hum(**given: Any) -> None:
    """Pull from Hum."""
    from asyncsessions.cli import pulling, vendors

    leave(lambda: pulling.pull(vendors.HUM, given))


@pull.command("attributionhub", epilog=f"{TARGETS}\n\n{PULL_ATTRIBUTIONHUB}\n{STATUS_TEXT}")
@options.times
@options.attributionhub
@options.pulling
@options.spending
@options.loudness
def pull_attributionhub(**given: Any) -> None:
    """Pull from AttributionHub; its requests count against a monthly quota."""
    from asyncsessions.cli import pulling, vendors

    leave(lambda: pulling.pull(vendors.ATTRIBUTIONHUB, given))


@cli.group(cls=ProviderGroup, **ALSO_ALONE, epilog=STATUS_TEXT)
@tenant_options.syncing
@click.pass_context
def sync(context: click.Context, /, **given: Any) -> None:
    """Bring a DuckDB file or a dataset up to now: what is new, has changed or has vanished."""
    if not is_for_tenants(context, given):
        return
    from asyncsessions.cli import tenants

    leave(lambda: tenants.sync(given))


@sync.command("hum", epilog=f"{SYNC_HUM}\n{STATUS_TEXT}")
@options.hum
@options.syncing
@options.spending
@options.loudness
def sync_hum(**given: Any) -> None:
    """Sync from Hum."""
    from asyncsessions.cli import syncing, vendors

    leave(lambda: syncing.sync(vendors.HUM, given))


@sync.command("attributionhub", epilog=f"{SYNC_ATTRIBUTIONHUB}\n{STATUS_TEXT}")
@options.attributionhub
@options.syncing
@options.spending
@options.loudness
def sync_attributionhub(**given: Any) -> None:
    """Sync from AttributionHub; its requests count against a monthly quota."""
    from asyncsessions.cli import syncing, vendors

    leave(lambda: syncing.sync(vendors.ATTRIBUTIONHUB, given))


@cli.group(cls=ProviderGroup)
def estimate() -> None:
    """Tell how many rows there are and how many requests a pull takes.

    Costs one request a window: Hum one in all, AttributionHub one for every 30 days.
    """


@estimate.command("hum", epilog=STATUS_TEXT)
@options.times
@options.hum
@options.spending
@options.estimating
@options.loudness
def estimate_hum(**given: Any) -> None:
    """Estimate a pull from Hum."""
    from asyncsessions.cli import estimating, vendors

    leave(lambda: estimating.estimate(vendors.HUM, given))


@estimate.command("attributionhub", epilog=STATUS_TEXT)
@options.times
@options.attributionhub
@options.spending
@options.estimating
@options.loudness
def estimate_attributionhub(**given: Any) -> None:
    """Estimate a pull from AttributionHub."""
    from asyncsessions.cli import estimating, vendors

    leave(lambda: estimating.estimate(vendors.ATTRIBUTIONHUB, given))


@cli.group(cls=ProviderGroup)
def serve() -> None:
    """Answer with sessions over HTTP, as a stream or in sum, with a start page that draws them.

    Without an API key only this machine is answered.
    """


@serve.command("hum", epilog=f"{SERVE_HUM}\n{STATUS_TEXT}")
@options.hum_address
@serve_options.listening
@serve_options.answering
@options.loudness
def serve_hum(**given: Any) -> None:
    """Serve the sessions of Hum."""
    from asyncsessions.cli import serving, vendors

    leave(lambda: serving.serve(vendors.HUM, given))


@serve.command("attributionhub", epilog=f"{SERVE_ATTRIBUTIONHUB}\n{STATUS_TEXT}")
@options.attributionhub_address
@serve_options.listening
@serve_options.answering
@options.loudness
def serve_attributionhub(**given: Any) -> None:
    """Serve the sessions of AttributionHub; its requests count against a monthly quota."""
    from asyncsessions.cli import serving, vendors

    leave(lambda: serving.serve(vendors.ATTRIBUTIONHUB, given))


@cli.command(epilog=STATUS_TEXT)
@click.argument("target")
@click.option(
    "--against",
    type=provider_name,
    metavar="[hum|attributionhub|...]",
    help="Ask this vendor as well how many sessions it has now: a request a window.",
)
@click.option(
    "--tenant",
    metavar="NAME",
    help="With --against: whose sessions, where the target has tenants; asked with the credentials "
    "of this one.",
)
@options.address
@options.spending
@options.loudness
def verify(**given: Any) -> None:
    """Count the rows of a target anew and compare their digests; asks nobody.

    Needs no account, unless --against a vendor.
    """
    from asyncsessions.cli import verifying

    leave(lambda: verifying.verify(given))


@cli.command(epilog=STATUS_TEXT)
@click.argument("target")
@click.option("--json", is_flag=True, help="Print a JSON object instead of a page.")
def report(target: str, *, json: bool) -> None:
    """Show what a target holds: windows, rows, requests by month, sessions by day, campaigns."""
    from asyncsessions.cli import stored

    leave(lambda: stored.show(target, is_json=json))


@cli.command()
@click.option(
    "--to",
    metavar="FILE",
    default=None,
    help="Where the rows go, .duckdb or .jsonl. [default: asyncsessions-demo.duckdb]",
)
def demo(to: str | None) -> None:
    """Pull from two fake vendors on this machine.

    Needs no account and no network, and takes about ten seconds.
    """
    from asyncsessions.cli.demo import run_demo

    leave(lambda: run_demo(to))
