"""Tenants: whose sessions are pulled, each with an address, a key and limits of its own.

A file of tenants is TOML; reading it is the caller's affair, what it says is checked here::

    [defaults]                         # for all tenants that say nothing else
    concurrency = 4

    [[tenants]]
    name = "acme"
    provider = "hum"
    environment = "production"         # or base_url = "https://…"
    key_env = "ACME_HUM_TOKEN"         # the environment variable that holds the key, never the key
    filters = { with_clicks = true }   # by the vendor's names

Every mistake is a :class:`ConfigurationError` of one sentence, which repeats no value that might be
a key.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from math import inf
from typing import Any, cast, get_args

from attrs import field, fields, frozen

from asyncsessions.core.http import base_url
from asyncsessions.core.walk import Consistency
from asyncsessions.errors import ConfigurationError

__all__ = ["Tenant", "checked_name", "parse_tenants", "refuse_doubles", "suggestion"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # it names files
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
LONGEST_VARIABLE = 64
KEY = re.compile(r"[A-Z0-9]{20,}")  # in capitals, as some vendors make them
SECRET = re.compile(
    r"(.*_)?(key|token|secret|password|passwd|bearer|authorization|credentials?)", re.IGNORECASE
)
NO_LIST = "tenants must be a list of tables: write [[tenants]]"
TOP = ("defaults", "tenants")


def checked_name(name: str) -> str:
    """Return the name of a tenant; raises :class:`ConfigurationError` if it can be none."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigurationError(
            "the name of a tenant has 1 to 64 letters, digits, dots, dashes and underscores, "
            "and begins with a letter or a digit"
        )
    return name


@frozen(kw_only=True)
class Tenant:
    """One tenant: a provider, where it is, who may ask, for what, and how much of it.

    ``name`` is unique in a file: letters, digits, ``.``, ``_`` and ``-``.  ``provider`` is any
    provider's name, also one of another package.  ``key_env`` names the environment variable that
    holds the key; ``None`` for a provider without credentials.  ``base_url`` or ``environment`` say
    where the vendor is, ``settings`` are other arguments of a provider of another package.
    ``filters`` are the vendor's own, by the names that they have in Python.

    ``concurrency`` bounds the requests in flight, ``requests_per_second`` their rate,
    ``max_requests`` their number, those of all goes together, ``deadline_s`` the seconds of one go;
    ``None`` = no bound.  Raises :class:`ConfigurationError` for values that cannot be.
    """

    name: str
    provider: str
    key_env: str | None = None
    base_url: str | None = field(default=None, repr=False)
    environment: str | None = None
    settings: Mapping[str, Any] = field(factory=dict[str, Any], repr=False)
    filters: Mapping[str, Any] = field(factory=dict[str, Any], repr=False)
    concurrency: int = 8
    requests_per_second: float | None = None
    max_requests: int | None = None
    deadline_s: float | None = None
    consistency: Consistency = "count"

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be."""
        checked_name(self.name)
        if problem := self._problem():
            raise ConfigurationError(f"tenant {self.name}: {problem}")
        if self.base_url is not None:
            # Checked here too, so that one wrong address stops a file before anything is asked.
            base_url(self.base_url, path="", what=f"tenant {self.name}: base_url")

    def _problem(self) -> str | None:
        if not isinstance(self.provider, str) or not self.provider:
            return "provider must be the name of one, such as hum"
        for name in ("base_url", "environment"):
            if not isinstance(getattr(self, name), str | None) or getattr(self, name) == "":
                return f"{name} must be a text that is not empty, or left out"
        if self.base_url is not None and self.environment is not None:
            return "give base_url or environment, not both"
        for name in ("settings", "filters"):
            if not isinstance(getattr(self, name), Mapping):
                return f"{name} must be a table, such as {{ with_clicks = true }}"
        if secret := next(filter(SECRET.fullmatch, self.settings), None):
            return (
                f"settings hold {secret}: a file is no place for a key, name a variable (key_env)"
            )
        return self._problem_of_key() or self._problem_of_limits()

    def _problem_of_key(self) -> str | None:
        variable = self.key_env
        if variable is None:
            return None
        is_name = isinstance(variable, str) and VARIABLE.fullmatch(variable)
        if not is_name or len(variable) > LONGEST_VARIABLE or KEY.fullmatch(variable):
            return (
                "key_env is not the name of an environment variable, such as ACME_HUM_TOKEN; if it "
                "is the key itself, take it out of the file and replace it"
            )
        return None

    def _problem_of_limits(self) -> str | None:
        if not _is_whole(self.concurrency):
            return "concurrency must be a whole number of at least 1"
        if self.max_requests is not None and not _is_whole(self.max_requests):
            return "max_requests must be a whole number of at least 1, or left out"
        for name in ("requests_per_second", "deadline_s"):
            value = getattr(self, name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (is_number and 0 < value < inf):
                return f"{name} must be a number of more than 0, or left out"
        if self.consistency not in get_args(Consistency):
            return f"consistency must be {' or '.join(map(repr, get_args(Consistency)))}"
        return None


FIELDS = tuple(each.name for each in fields(Tenant))
PLACES = ("base_url", "environment")
OWN = ("name", "key_env", "settings", "filters")
DEFAULTS = tuple(name for name in FIELDS if name not in OWN)
"""What may stand in ``[defaults]``."""


def parse_tenants(data: Mapping[str, Any], *, keyless: Collection[str] = ()) -> list[Tenant]:
    """Return the tenants of a file that was read already, in its order.

    ``keyless`` are the names of providers that take no credentials.  Raises
    :class:`ConfigurationError` for the first mistake.
    """
    _refuse_unknown(data, TOP, where="a file of tenants")
    defaults = _table(data.get("defaults", {}), "defaults must be a table: write [defaults]")
    _refuse_unknown(defaults, DEFAULTS, where="[defaults]")
    found: Any = data.get("tenants", [])
    if not isinstance(found, list):
        raise ConfigurationError(NO_LIST)
    listed = cast("Sequence[Any]", found)
    if not listed:
        raise ConfigurationError(
            "the file has no tenants: write [[tenants]] with name and provider"
        )
    tenants = [
        _tenant(_table(each, NO_LIST), defaults, number=number, keyless=keyless)
        for number, each in enumerate(listed, 1)
    ]
    refuse_doubles(tenants)
    return tenants


def _table(value: Any, problem: str) -> Mapping[str, Any]:
    """Return a table of the file; raises :class:`ConfigurationError` for anything else."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(problem)
    return cast("Mapping[str, Any]", value)


def _tenant(
    table: Mapping[str, Any],
    defaults: Mapping[str, Any],
    *,
    number: int,
    keyless: Collection[str],
) -> Tenant:
    where = f"tenant number {number}"
    if isinstance(name := table.get("name"), str) and NAME.fullmatch(name):
        where = f"tenant {name}"
    _refuse_unknown(table, FIELDS, where=where)
    given: dict[str, Any] = {**defaults, **table}
    if any(place in table for place in PLACES):  # an address of its own replaces the other kind too
        given = {**{k: v for k, v in defaults.items() if k not in PLACES}, **table}
    for needed in ("name", "provider"):
        if needed not in given:
            raise ConfigurationError(f"{where}: {needed} is missing")
    if "key_env" not in given and given["provider"] not in keyless:
        raise ConfigurationError(
            f"{where}: key_env is missing, the name of the environment variable that holds its key"
        )
    return Tenant(**given)


def _refuse_unknown(table: Mapping[str, Any], known: Sequence[str], *, where: str) -> None:
    for key in table:
        if key in known:
            continue
        if "key_env" in known and SECRET.fullmatch(key):
            raise ConfigurationError(
                f"{where}: {key} is no setting, and a file is no place for a key: name the "
                "environment variable that holds it (key_env), and replace a key that stood here"
            )
        raise ConfigurationError(f"{where}: there is no {key!r}{suggestion(key, known)}")


def suggestion(word: str, known: Collection[str]) -> str:
    """Return which of the known words may have been meant, to follow on one that is not known."""
    close = get_close_matches(word, list(known), n=1)
    return f": did you mean {close[0]}?" if close else f", only {', '.join(known)}"


def refuse_doubles(tenants: Iterable[Tenant]) -> None:
    """Raise :class:`ConfigurationError` if two tenants cannot be told apart."""
    seen: dict[str, str] = {}
    for tenant in tenants:
        same = seen.get(tenant.name.casefold())
        if same == tenant.name:
            raise ConfigurationError(f"there are two tenants of the name {same}")
        if same is not None:  # they would share files where case does not count
            raise ConfigurationError(
                f"the tenants {same} and {tenant.name} have names that differ in case only"
            )
        seen[tenant.name.casefold()] = tenant.name


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
