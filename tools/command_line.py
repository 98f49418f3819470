"""The reference of the command line, written from the commands themselves; see `tools.generate`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from inspect import cleandoc

import click  # noqa: TID253 - a tool, started for this

from asyncsessions.cli.commands import cli
from asyncsessions.cli.exits import STATUSES
from asyncsessions.sinks import SINKS

PROGRAM = "asyncsessions"
VARIABLE = re.compile(r"\b(?:HUM|ATTRIBUTIONHUB|ASYNCSESSIONS)_[A-Z_]+\b")


def commands(
    command: click.Command = cli, path: tuple[str, ...] = (PROGRAM,)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield each command of ours with the words that call it; those of other packages are theirs."""
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            yield from commands(inner, (*path, name))


def reference() -> str:
    """Return a section for each command."""
    return "\n".join(_section(path, command) for path, command in commands())


def statuses() -> str:
    """Return the table of exit statuses."""
    return _table(("status", "meaning"), [(str(status), said) for status, said in STATUSES.items()])


def targets() -> str:
    """Return the table of targets."""
    return _table(
        ("a path that ends in", "is"),
        [(f"`{ending}`", kind.description) for ending, kind in SINKS.items()],
    )


def variables() -> list[str]:
    """Return the environment variables that the options name."""
    return sorted({name for _, each in commands() for name in VARIABLE.findall(_texts(each))})


def _texts(command: click.Command) -> str:
    return " ".join(option.help or "" for option in _options(command))


def _options(command: click.Command) -> list[click.Option]:
    return [each for each in command.params if isinstance(each, click.Option)]


def _section(path: tuple[str, ...], command: click.Command) -> str:
    told = cleandoc(command.help or "")
    called = " ".join((*path, *_usage(command)))
    parts = [f"### `{' '.join(path)}`", told, f"```text\n{called}\n```"]
    if options := _options(command):
        rows = [(_names(each), _said(each)) for each in options]
        parts.append(_table(("option", "meaning"), rows).rstrip())
    return "\n\n".join(parts) + "\n"


def _usage(command: click.Command) -> list[str]:
    words = ["[OPTIONS]"] if command.params else []
    words += [
        each.human_readable_name.upper()
        for each in command.params
        if isinstance(each, click.Argument)
    ]
    return [*words, "COMMAND …"] if isinstance(command, click.Group) else words


def _names(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(option.opts, key=len))
    if option.is_flag or option.count:
        return names
    if isinstance(option.type, click.Choice):
        return f"{names} " + " or ".join(f"`{choice}`" for choice in option.type.choices)
    return f"{names} {option.metavar or ''}".rstrip().replace("|", "\\|")


def _said(option: click.Option) -> str:
    said = (option.help or "").replace("|", "\\|")
    if option.show_default and option.default is not None and "[default" not in said:
        said += f" [default: {option.default}]"
    return said


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
