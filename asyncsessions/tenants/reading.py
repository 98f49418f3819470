"""Reading a file of tenants, and making the provider of each."""

from __future__ import annotations

import inspect
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from asyncsessions.core.http import Secret
from asyncsessions.core.tenants import Tenant, parse_tenants, suggestion
from asyncsessions.core.windows import EPOCH
from asyncsessions.errors import ConfigurationError, InvalidQueryError
from asyncsessions.plugins import OURS, find_provider, installed, provider_names
from asyncsessions.providers.base import Provider
from asyncsessions.providers.command_line import CommandLine

__all__ = ["check_tenant", "make_provider", "read_tenants"]

LARGEST_FILE = 8 << 20
PLACES = ("base_url", "environment")
BOUNDS = {"start", "end"}
NO_KEY = "checked-without"


def read_tenants(path: str | Path) -> list[Tenant]:
    """Return the tenants of a TOML file, in its order; see :class:`Tenant` and docs/tenants.md.

    No environment variable is read yet.  Raises :class:`ConfigurationError` naming the first
    mistake: the file, a tenant, a provider that there is not, a filter that it does not have.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ConfigurationError(f"{path} is no file of tenants: it is larger than 8 MB")
        data = tomllib.loads(content.decode())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not TOML: it is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from None
    except RecursionError:
        raise ConfigurationError(f"{path} is no file of tenants: it nests too deeply") from None
    try:
        tenants = parse_tenants(data, keyless=_keyless(data))
        for tenant in tenants:
            check_tenant(tenant)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error.message}") from None
    return tenants


def make_provider(tenant: Tenant, environ: Mapping[str, str] | None = None) -> Provider[...]:
    """Return the provider of a tenant, with its key from the environment (``None`` = os.environ).

    Raises :class:`ConfigurationError` naming the variable that is not set, and what making the
    provider raises.
    """
    given: dict[str, Any] = dict(tenant.settings)
    given |= {name: value for name in PLACES if (value := getattr(tenant, name)) is not None}
    credentials: tuple[Secret, ...] = ()
    if tenant.key_env is not None:
        credentials = (
            Secret((os.environ if environ is None else environ).get(tenant.key_env, "")),
        )
        if not credentials[0]:
            raise ConfigurationError(f"no credentials: {tenant.key_env} is not set")
    make: Any = find_provider(tenant.provider)
    made: Provider[...] = make(*credentials, **given)
    return made


def check_tenant(tenant: Tenant) -> None:
    """Refuse a provider that there is not, and what it does not take, without its key.

    Raises :class:`ConfigurationError`.
    """
    try:
        if tenant.provider not in (known := provider_names()):
            told = suggestion(tenant.provider, known)
            raise ConfigurationError(f"there is no provider {tenant.provider!r}{told}")
        provider: Any = find_provider(tenant.provider)
        places = {name: place for name in PLACES if (place := getattr(tenant, name)) is not None}
        _check_names(provider, {**tenant.settings, **places}, what=f"{tenant.provider} takes")
        for bound in BOUNDS & set(tenant.filters):
            raise ConfigurationError(f"{bound} is the same for all tenants, and no filter")
        _check_names(provider.query, tenant.filters, what=f"{tenant.provider} has")
        if tenant.provider in OURS:  # others may do anything with a key that is none
            provider(NO_KEY, **tenant.settings, **places).query(start=EPOCH, **tenant.filters)
    except (ConfigurationError, InvalidQueryError) as error:
        raise ConfigurationError(f"tenant {tenant.name}: {error.message}") from None


def _check_names(taker: Any, given: Mapping[str, Any], *, what: str) -> None:
    """Raise :class:`ConfigurationError` for keywords that are not taken, or are missing."""
    parameters = inspect.signature(taker).parameters.values()
    keywords = [
        each
        for each in parameters
        if each.kind is each.KEYWORD_ONLY or each.default is not each.empty
    ]
    for each in keywords:
        if each.default is each.empty and each.name not in {*given, *BOUNDS}:
            raise ConfigurationError(f"{each.name} is missing")
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return
    known = [each.name for each in keywords if each.name not in BOUNDS]
    for name in given:
        if name not in known:
            raise ConfigurationError(f"{what} no {name!r}{suggestion(name, known)}")


def _keyless(data: Mapping[str, Any]) -> set[str]:
    """Return which of the providers in a file take no credentials, as far as they say so."""
    return {name for name in _named(data) if name in installed() and not _takes_key(name)}


def _named(data: Mapping[str, Any]) -> set[str]:
    listed: Any = data.get("tenants")
    tables: list[Any] = [data.get("defaults")]
    tables += listed if isinstance(listed, list) else []
    found = [cast("Mapping[str, Any]", each) for each in tables if isinstance(each, Mapping)]
    names = (table.get("provider") for table in found)
    return {name for name in names if isinstance(name, str)}


def _takes_key(name: str) -> bool:
    declared = getattr(find_provider(name), "command_line", None)
    return not isinstance(declared, CommandLine) or declared.secret is not None
