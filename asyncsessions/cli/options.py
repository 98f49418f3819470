"""The options, in groups that commands put on, and the types of their values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import click

from asyncsessions.errors import InvalidQueryError

__all__ = [
    "address",
    "attributionhub",
    "attributionhub_address",
    "estimating",
    "group",
    "hum",
    "hum_address",
    "looking_back",
    "loudness",
    "pulling",
    "refuse_secrets",
    "spending",
    "start_of_sync",
    "syncing",
    "times",
]

F = TypeVar("F", bound=Callable[..., Any])

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
SECRET_NAMES = re.compile(
    r"--?(api[-_]?)?(token|key|secret|password|bearer|api|auth|authorization)", re.IGNORECASE
)


def moment(text: str) -> str:
    """Check a date, or a time with its zone, in ISO 8601; it is handed on as it is."""
    from asyncsessions.core.windows import checked

    try:
        date.fromisoformat(text)
    except ValueError:
        pass
    else:
        return text
    try:
        is_naive = datetime.fromisoformat(text).utcoffset() is None
        if not is_naive:
            checked(text, what="the time")
    except (ValueError, InvalidQueryError):
        raise click.BadParameter(
            f"{text!r} is no time: write 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from None
    if is_naive:
        raise click.BadParameter(f"{text!r} has no time zone: append Z for UTC, or +02:00")
    return text


def duration(text: str) -> timedelta:
    """Read ``30d``, ``12h``, ``90m`` or ``2w``."""
    found = re.fullmatch(r"([0-9]{1,9})([mhdw])", text.strip())
    try:
        back = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else timedelta()
    except OverflowError:
        back = timedelta()
    if not back:
        raise click.BadParameter(f"{text!r} is no duration: write 90m, 12h, 30d or 2w")
    return back


def refuse_secrets(args: list[str]) -> None:
    """Refuse credentials among the arguments without repeating them; raises ``UsageError``."""
    for arg in args:
        if arg == "--":
            return
        name = arg.partition("=")[0]
        if SECRET_NAMES.fullmatch(name):
            raise click.UsageError(
                f"there is no {name}: arguments are seen by everyone on this machine and stay in "
                "the shell's history. Set HUM_API_TOKEN or ATTRIBUTIONHUB_API_KEY, or give "
                "--token-file FILE; and replace the credentials that you have just typed"
            )


def group(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Return a decorator that puts these options on a command."""

    def put_on(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return put_on


HUM_ADDRESS = (
    click.option(
        "--environment",
        type=click.Choice(["sandbox", "production"]),
        help="Which Hum to ask; there is no default. [env: HUM_ENVIRONMENT]",
    ),
    click.option(
        "--base-url",
        metavar="URL",
        help="Another address instead; plain http only to this machine. [env: HUM_BASE_URL]",
    ),
    click.option(
        "--token-file",
        metavar="FILE",
        help="File with the API token, - for standard input. [default: env HUM_API_TOKEN]",
    ),
)
hum = group(
    *HUM_ADDRESS,
    click.option(
        "--token-id",
        "token_ids",
        metavar="UUID",
        multiple=True,
        help="Only sessions of this token; may be repeated.",
    ),
    click.option("--with-clicks", is_flag=True, help="Only sessions with clicks."),
)

ATTRIBUTIONHUB_ADDRESS = (
    click.option(
        "--base-url",
        metavar="URL",
        help="Address of the API; plain http only to this machine. [env: ATTRIBUTIONHUB_BASE_URL]",
    ),
    click.option(
        "--token-file",
        metavar="FILE",
        help="File with the API key, - for standard input. [default: env ATTRIBUTIONHUB_API_KEY]",
    ),
)

hum_address = group(*HUM_ADDRESS)
attributionhub_address = group(*ATTRIBUTIONHUB_ADDRESS)

address = group(
    click.option(
        "--environment",
        type=click.Choice(["sandbox", "production"]),
        help="With --against hum: which. [env: HUM_ENVIRONMENT]",
    ),
    click.option(
        "--base-url",
        metavar="URL",
        help="With --against: another address. [env: HUM_BASE_URL, ATTRIBUTIONHUB_BASE_URL]",
    ),
    click.option(
        "--token-file",
        metavar="FILE",
        help="With --against: file with the credentials, - for standard input. [default: env "
        "HUM_API_TOKEN, ATTRIBUTIONHUB_API_KEY]",
    ),
)

attributionhub = group(
    *ATTRIBUTIONHUB_ADDRESS,
    click.option("--source", help="Only this source, matched exactly."),
    click.option("--medium", help="Only this medium, matched exactly."),
    click.option("--campaign", help="Only this campaign, matched exactly."),
    click.option("--content", help="Only this content, matched exactly."),
    click.option("--term", help="Only this term, matched exactly."),
    click.option("--landing-page", help="Only this landing page, matched exactly."),
)

times = group(
    click.option(
        "--start",
        type=moment,
        metavar="WHEN",
        help="First date or time; a date begins at 00:00 UTC.",
    ),
    click.option(
        "--end",
        type=moment,
        metavar="WHEN",
        help="Last date or time, included; a date ends at 24:00 UTC. [default: now]",
    ),
    click.option(
        "--last",
        type=duration,
        metavar="DURATION",
        help="Back from now instead: 90m, 12h, 30d or 2w.",
    ),
)


def limits(*, concurrency: str, rps: str, max_requests: str, deadline: str) -> Callable[[F], F]:
    """Return the options that bound what is sent; each is given the text of its help."""
    return group(
        click.option(
            "--concurrency",
            type=click.IntRange(min=1),
            metavar="N",
            default=8,
            show_default=True,
            help=concurrency,
        ),
        click.option("--rps", metavar="N", type=click.FloatRange(min=0, min_open=True), help=rps),
        click.option("--max-requests", type=click.IntRange(min=1), metavar="N", help=max_requests),
        click.option(
            "--deadline",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help=deadline,
        ),
    )


spending = limits(
    concurrency="Most requests in flight.",
    rps="Most requests a second. [default: what the vendor allows]",
    max_requests="Most requests in all, retries included; of a pull that is gone on with, those of "
    "all goes together. [default: no bound]",
    deadline="Longest time in all, in seconds. [default: no bound]",
)

consistency = click.option(
    "--consistency",
    type=click.Choice(["count", "strict", "off"]),
    default="count",
    show_default=True,
    help="What proves that nothing is missing: equal totals, overlap in time, or nothing. "
    "strict is not deceived by changes that cancel, for about a tenth more requests.",
)
report = click.option(
    "--report",
    metavar="FILE",
    help="Write what was done as JSON, also after a failure; - for standard output.",
)

pulling = group(
    click.option(
        "--to",
        metavar="TARGET",
        default="-",
        show_default=True,
        help="Where the rows go: a file by its ending (see below), or - for JSON lines on "
        "standard output.",
    ),
    click.option("--fresh", is_flag=True, help="Start over where the target holds rows already."),
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="N",
        help="Only so many rows, the newest, for a look on standard output. [default: all]",
    ),
    consistency,
    report,
)

start_of_sync = click.option(
    "--start",
    type=moment,
    metavar="WHEN",
    help="First date or time; needed the first time. [default: as the target was begun]",
)
looking_back = group(
    click.option(
        "--lookback",
        type=duration,
        metavar="DURATION",
        help="Read again what is younger than this: 12h, 30d, 8w. "
        "[default: 60d for hum, 7d for attributionhub]",
    ),
    click.option(
        "--revisit",
        type=click.FloatRange(min=0),
        metavar="RATIO",
        default=0.0,
        show_default=True,
        help="Read again only what has grown older by this share of its age since it was read: "
        "0 = all of the lookback each time, 0.25 = what was 20 days old after 5 more.",
    ),
)

syncing = group(
    click.option(
        "--to",
        metavar="TARGET",
        required=True,
        help="What is brought up to date: a .duckdb file, or the directory of a dataset.",
    ),
    start_of_sync,
    looking_back,
    consistency,
    report,
)

estimating = group(
    click.option(
        "--to",
        metavar="TARGET",
        help="Keep the answers for the pull into this target, which does not ask for them again.",
    ),
    click.option("--json", is_flag=True, help="Print a JSON object instead of a sentence."),
)

loudness = group(
    click.option(
        "-v", "--verbose", count=True, help="Tell more on standard error; -vv tells everything."
    ),
    click.option("-q", "--quiet", is_flag=True, help="Tell errors only."),
)
