"""Which options each vendor has, and how its provider is made of them."""

from __future__ import annotations

import os
import re
from importlib import import_module
from typing import Any

from asyncsessions.core.http import Secret
from asyncsessions.errors import ConfigurationError
from asyncsessions.plugins import find_provider
from asyncsessions.providers.base import Provider
from asyncsessions.providers.command_line import Argument, CommandLine

__all__ = ["declared", "make_provider", "secret_of"]

BASE_URL = Argument("base_url", help="The address of the API.")
OURS = {
    "hum": CommandLine(
        secret="HUM_API_TOKEN",  # noqa: S106 - a name
        settings=(Argument("environment", help="sandbox or production."), BASE_URL),
        filters=(
            Argument("token_ids", help="Sessions of these API tokens only.", is_repeatable=True),
            Argument("with_clicks", help="Sessions with clicks only.", is_flag=True),
        ),
    ),
    "attributionhub": CommandLine(
        secret="ATTRIBUTIONHUB_API_KEY",  # noqa: S106 - a name
        settings=(BASE_URL,),
        filters=tuple(
            Argument(name, help=f"Sessions of this {name} only.")
            for name in ("source", "medium", "campaign", "content", "term", "landing_page")
        ),
    ),
}
FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
VARIABLE = re.compile(r"[A-Za-z_]\w*")


def declared(name: str) -> CommandLine:
    """Return what a provider says of its arguments.

    Raises :class:`ConfigurationError` for a provider that does not exist or says nothing.
    """
    if name in OURS:
        return OURS[name]
    command_line = getattr(find_provider(name), "command_line", None)
    if not isinstance(command_line, CommandLine):
        raise ConfigurationError(
            f"the provider {name} has no command_line, which the Spark source takes its options from"
        )
    return command_line


def make_provider(name: str, secret: Secret | None, settings: dict[str, Any]) -> Provider[...]:
    """Return the provider; ``None`` = it takes no secret.

    Raises :class:`ConfigurationError` for settings that cannot be.
    """
    make: Any = find_provider(name)  # what a constructor takes is the provider's own affair
    if name == "attributionhub":
        settings = {"base_url": "", **settings}  # it says itself that an address is missing
    provider: Provider[...] = make(**settings) if secret is None else make(secret, **settings)
    return provider


def secret_of(
    variable: str | None, *, token_env: str | None, token_provider: str | None
) -> Secret | None:
    """Return the credentials, read here and now; ``variable`` is the vendor's own, if it has any.

    No error shows what was given: it may be a token in the wrong place.  Raises
    :class:`ConfigurationError`.
    """
    if token_provider is not None:
        return _called(token_provider)
    if variable is None and token_env is None:
        return None
    secret = Secret(os.environ.get(token_env or variable or "", ""))
    if not secret:
        what = "the variable that token_env names" if token_env else variable
        raise ConfigurationError(
            f"no credentials: set {what} in the environment of the driver and of every executor, "
            "or name a function by token_provider"
        )
    return secret


def check_token_options(token_env: str | None, token_provider: str | None) -> None:
    """Refuse what names no variable and no function; raises :class:`ConfigurationError`."""
    if token_env is not None and token_provider is not None:
        raise ConfigurationError("give token_env or token_provider, not both")
    if token_env is not None and not VARIABLE.fullmatch(token_env):
        raise ConfigurationError(
            "token_env must be the name of an environment variable, like MY_TOKEN, never a token"
        )
    if token_provider is not None and not FUNCTION.fullmatch(token_provider):
        raise ConfigurationError(
            "token_provider must be the path of a function, like my_package.secrets:hum_token"
        )


def _called(path: str) -> Secret:
    """Return what the function at ``package.module:function`` returns."""
    module, _, name = path.partition(":")
    problem, secret = "returned no text", None
    try:
        secret = getattr(import_module(module), name)()
    except Exception as error:  # noqa: BLE001 - anybody's code; its text may hold the secret
        problem = f"failed with {type(error).__name__}"
    secret = Secret(secret) if isinstance(secret, str) and secret else None
    if secret is None:
        raise ConfigurationError(f"the function that token_provider names {problem}")
    return secret
