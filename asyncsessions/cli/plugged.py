"""Commands for providers of other packages, made from what these declare of themselves."""

from __future__ import annotations

import inspect
import logging
import os
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import click
from attrs import frozen

from asyncsessions.cli import options, serve_options
from asyncsessions.cli.diagnostics import listen
from asyncsessions.cli.exits import USAGE
from asyncsessions.cli.process import leave, say
from asyncsessions.cli.texts import STATUS_TEXT, TARGETS
from asyncsessions.cli.vendors import (
    Question,
    Vendor,
    origin_of_secret,
    secret_in,
    time_range,
)
from asyncsessions.errors import ConfigurationError, SessionsError
from asyncsessions.plugins import Plugin, installed
from asyncsessions.providers.base import Provider
from asyncsessions.providers.command_line import Argument, CommandLine

__all__ = ["command_of", "other_vendor"]

THEIRS = "their_"  # before the names of their arguments, which may be those of ours
DOING = {
    "pull": "Pull from",
    "sync": "Sync from",
    "estimate": "Estimate a pull from",
    "serve": "Serve the sessions of",
}
GROUPS = {
    "pull": (options.pulling, options.spending, options.loudness),
    "sync": (options.syncing, options.spending, options.loudness),
    "estimate": (options.spending, options.estimating, options.loudness),
    "serve": (serve_options.listening, serve_options.answering, options.loudness),
}
log = logging.getLogger("asyncsessions.plugins")


@frozen
class Declared:
    """A provider's class with what it declares; ``plugin`` says where it comes from."""

    plugin: Plugin
    provider: type[Provider[...]]
    command_line: CommandLine

    @property
    def title(self) -> str:
        """The vendor's name in help texts."""
        return self.command_line.title or self.plugin.name


def command_of(verb: str, plugin: Plugin) -> click.Command:
    """Return the subcommand of a provider; of one that cannot be used, one that says why."""
    try:
        declared = _declared(plugin)
    except ConfigurationError as error:
        return _unusable(plugin, error.message)

    def call(**given: Any) -> None:
        leave(lambda: _work(verb)(_vendor(declared), given))

    command = click.Command(
        plugin.name,
        params=_params(verb, declared),
        callback=call,
        help=f"{DOING[verb]} {declared.title} ({plugin.origin}).",
        short_help=f"{DOING[verb]} {declared.title}.",
        epilog=f"{TARGETS}\n\n{STATUS_TEXT}" if verb == "pull" else STATUS_TEXT,
    )
    for param in command.params:
        if isinstance(param, click.Option) and param.name == "lookback":
            param.help = f"Read again what is younger than this: 12h, 30d. {_lookback(declared)}"
    return command


def other_vendor(name: str) -> Vendor:
    """Return a vendor of another package; raises :class:`ConfigurationError`."""
    return _vendor(_declared(installed()[name]))


def _unusable(plugin: Plugin, why: str) -> click.Command:
    def call(*, verbose: int, quiet: bool) -> None:
        listen(verbose=verbose, quiet=quiet)
        with suppress(ConfigurationError):
            plugin.load()  # once more, since only now the log tells -v where it fails
        say(f"error: {why}")
        leave(lambda: USAGE)

    return click.Command(
        plugin.name,
        params=_made(options.loudness),
        callback=call,
        help=f"Cannot be used: {why}",
        short_help="(cannot be used: ask for it to see why)",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )


def _work(verb: str) -> Callable[[Vendor, dict[str, Any]], int]:
    from asyncsessions.cli.estimating import estimate
    from asyncsessions.cli.pulling import pull
    from asyncsessions.cli.serving import serve
    from asyncsessions.cli.syncing import sync

    return {"pull": pull, "sync": sync, "estimate": estimate, "serve": serve}[verb]


def _vendor(declared: Declared) -> Vendor:
    return Vendor(declared.plugin.name, partial(_ask, declared))


# --- what is declared -------------------------------------------------------------------------


def _declared(plugin: Plugin) -> Declared:
    """Load a provider and check what it says of itself; raises :class:`ConfigurationError`."""
    provider = plugin.load()
    command_line = getattr(provider, "command_line", None)
    if isinstance(command_line, CommandLine):
        problem = _problem(provider, command_line)
    else:
        problem = "has no command_line: it can be used from Python only"
    if problem is not None:
        raise ConfigurationError(f"the provider {plugin.name} of {plugin.origin} {problem}")
    assert isinstance(command_line, CommandLine)
    return Declared(plugin, provider, command_line)


def _problem(provider: type[Provider[...]], command_line: CommandLine) -> str | None:
    taken = _taken()
    for argument in command_line.arguments:
        if argument.flag in taken:
            return f"declares {argument.flag}, which is an option of every provider"
        if options.SECRET_NAMES.fullmatch(argument.flag):
            return f"declares {argument.flag}, but credentials are no arguments: use secret="
    takers: tuple[tuple[str, Any, tuple[Argument, ...]], ...] = (
        ("constructor", provider, command_line.settings),
        ("query", provider.query, command_line.filters),
    )
    for what, taker, arguments in takers:
        names = inspect.signature(taker).parameters.values()
        takes_any = any(each.kind is each.VAR_KEYWORD for each in names)
        known = {each.name for each in names if each.kind is not each.POSITIONAL_ONLY}
        for argument in arguments:
            if argument.name not in known and not takes_any:
                return f"declares {argument.name}, which its {what} does not take"
    return None


def _taken() -> set[str]:
    """Return the options that some verb has for every provider."""
    groups = {options.times, *(group for groups in GROUPS.values() for group in groups)}
    theirs = (opt for group in groups for param in _made(group) for opt in param.opts)
    return {"--token-file", "--help", *theirs}


def _lookback(declared: Declared) -> str:
    known = getattr(declared.provider, "lookback", None)
    if not isinstance(known, timedelta):
        return "[default: as the provider says]"
    days = known / timedelta(days=1)
    return f"[default: {days:g}d]"


# --- options ----------------------------------------------------------------------------------


def _params(verb: str, declared: Declared) -> list[click.Parameter]:
    """Return the options of a command: the range, the provider's own, and those of the verb."""
    command_line = declared.command_line
    own: list[click.Parameter] = [_option(each, "setting") for each in command_line.settings]
    if command_line.secret is not None:
        own.append(
            click.Option(
                ["--token-file"],
                metavar="FILE",
                help="File with the credentials, - for standard input. "
                f"[default: env {command_line.secret}]",
            )
        )
    if verb != "serve":  # there each caller asks for its own
        own += [_option(each, "filter") for each in command_line.filters]
    times = [] if verb in {"sync", "serve"} else _made(options.times)
    return [*times, *own, *(param for group in GROUPS[verb] for param in _made(group))]


def _made(group: Callable[[Any], Any]) -> list[click.Parameter]:
    """Return the options of a group, made anew."""
    return list(click.command()(group(lambda: None)).params)


def _option(argument: Argument, kind: str) -> click.Option:
    variable = f" [env: {argument.variable}]" if argument.variable else ""
    name = f"{THEIRS}{kind}_{argument.name}"
    if argument.is_flag:
        return click.Option([argument.flag, name], is_flag=True, help=argument.help)
    return click.Option(
        [argument.flag, name],
        type=click.Choice(argument.choices) if argument.choices else click.STRING,
        metavar=None if argument.choices else argument.name.rpartition("_")[2].upper(),
        multiple=argument.is_repeatable,
        help=argument.help + variable,
    )


# --- the question -----------------------------------------------------------------------------


def _ask(
    declared: Declared,
    *,
    start: str | None,
    end: str | None,
    last: timedelta | None,
    token_file: str | None = None,
    base_url: str | None = None,
    **given: Any,
) -> Question:
    """Return the question to a provider of another package.

    ``base_url`` comes from ``verify``, which has an option for it whatever the provider declares.
    Raises :class:`ConfigurationError` and ``click.UsageError``.
    """
    command_line, name = declared.command_line, declared.plugin.name
    if base_url is not None:
        if all(each.name != "base_url" for each in command_line.settings):
            raise click.UsageError(f"{name} has no --base-url")
        given[f"{THEIRS}setting_base_url"] = base_url
    filters = time_range(start, end, last) | _values(command_line.filters, "filter", given)
    settings = _values(command_line.settings, "setting", given)
    secret: tuple[str, ...] = ()
    whence = f"the settings of {name}"
    if command_line.secret is not None:
        secret = (secret_in(token_file, command_line.secret),)
        whence = origin_of_secret(token_file, command_line.secret)
    elif token_file is not None:
        raise click.UsageError(f"{name} has no credentials, so no --token-file")
    provider = _constructed(declared, secret, settings)
    origin = f"the provider {name} ({declared.plugin.origin})"
    return Question(provider, whence, filters, origin=origin)


def _values(arguments: tuple[Argument, ...], kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return what was given, in the options or else in the environment."""
    values: dict[str, Any] = {}
    for argument in arguments:
        value = given.get(f"{THEIRS}{kind}_{argument.name}")
        if value is None and argument.variable:
            value = os.environ.get(argument.variable) or None
            if value is not None and argument.choices and value not in argument.choices:
                raise ConfigurationError(
                    f"{argument.variable} must be {' or '.join(argument.choices)}"
                )
        if value is not None and value != () and value is not False:
            values[argument.name] = value
    return values


def _constructed(
    declared: Declared, secret: tuple[str, ...], settings: dict[str, Any]
) -> Provider[...]:
    make: Any = declared.provider
    _refuse_missing(declared, secret, settings)
    try:
        made: Provider[...] = make(*secret, **settings)
    except SessionsError:
        raise
    except Exception as error:  # noqa: BLE001 - others' code
        # Its text may hold the credentials, so only the place is told.
        log.info("%s: %s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
        raise ConfigurationError(
            f"the provider {declared.plugin.name} ({declared.plugin.origin}) failed with "
            f"{type(error).__name__}: run it with -v for the place, and please report it there"
        ) from None
    return made


def _refuse_missing(declared: Declared, secret: tuple[str, ...], settings: dict[str, Any]) -> None:
    """Raise ``click.UsageError`` for a setting without a default that was not given."""
    bound = inspect.signature(declared.provider).bind_partial(*secret, **settings)
    for name, parameter in bound.signature.parameters.items():
        if parameter.default is not parameter.empty or name in bound.arguments:
            continue
        for argument in declared.command_line.settings:
            if argument.name == name:
                also = f" or set {argument.variable}" if argument.variable else ""
                raise click.UsageError(f"give {argument.flag}{also}")
