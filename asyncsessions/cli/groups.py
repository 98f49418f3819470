"""The groups of subcommands that other packages may add a provider to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

__all__ = ["ProviderGroup", "is_for_tenants", "provider_name"]

OURS = ("hum", "attributionhub")


class ProviderGroup(click.Group):
    """A verb with a subcommand for each provider.

    Ours are there from the start.  Those of other packages are looked for only where another name
    is asked for, or all of them, as in help.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all providers."""
        from asyncsessions.plugins import installed

        return sorted({*super().list_commands(ctx), *installed()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the subcommand of a provider, ``None`` if there is none of that name."""
        if (ours := super().get_command(ctx, cmd_name)) is not None:
            return ours
        from asyncsessions.plugins import installed

        plugin = installed().get(cmd_name)
        if plugin is None:
            return None
        from asyncsessions.cli.plugged import command_of

        return command_of(self.name or "", plugin)


def is_for_tenants(context: click.Context, given: Mapping[str, Any]) -> bool:
    """Whether the verb was called for tenants, not for a provider; raises ``click.UsageError``."""
    command = context.invoked_subcommand
    if command is None:
        if given["tenants"] is None:
            raise click.UsageError(
                "say which provider, or --tenants FILE for all tenants of a file"
            )
        return True
    for param in context.command.params:
        if context.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE:
            if param.name == "tenants":
                raise click.UsageError(f"--tenants names the providers: leave {command} out")
            raise click.UsageError(f"write {param.opts[-1]} behind {command}")
    return False


def provider_name(text: str) -> str:
    """Check the name of a provider, of ours or of another package."""
    if text in OURS:
        return text
    from asyncsessions.plugins import provider_names

    names = provider_names()
    if text not in names:
        raise click.BadParameter(f"{text!r} is not one of {', '.join(names)}")
    return text
