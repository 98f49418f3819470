"""The options of a read, checked: a wrong one is refused with one sentence, and none is a secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import inf
from typing import Any, NoReturn, TypeVar

from attrs import evolve, field, frozen

from asyncsessions.core.http import Secret
from asyncsessions.core.options import Options
from asyncsessions.core.parts import PART_ROWS
from asyncsessions.core.tenants import Tenant
from asyncsessions.core.windows import check_order
from asyncsessions.errors import ConfigurationError
from asyncsessions.integrations._spark.shares import Limits, Share
from asyncsessions.integrations._spark.vendors import (
    check_token_options,
    declared,
    make_provider,
    secret_of,
)
from asyncsessions.providers.command_line import Argument

__all__ = ["Settings"]

T = TypeVar("T")

UNCHECKED = Secret("unchecked")
"""Stands in for the credentials while everything else is checked; it is never sent."""
MANY = 1_000_000
"""Instead of a limit over all tenants, of which each has its own."""
LOOKS_SECRET = re.compile(r"token|key|secret|passw|credential|auth|bearer")
GENERAL = (
    "provider",
    "start",
    "end",
    "max_concurrency",
    "requests_per_second",
    "max_requests",
    "deadline_s",
    "timeout_s",
    "consistency",
    "on_incomplete",
    "rows_per_partition",
    "tasks_at_once",
    "token_env",
    "token_provider",
    "with_reports",
)
"""The options that every provider has; its settings and filters come on top."""
OF_TENANTS = (
    "tenants",
    "start",
    "end",
    "timeout_s",
    "on_incomplete",
    "on_tenant_error",
    "rows_per_partition",
    "tasks_at_once",
    "with_reports",
)
"""The options of a read of many tenants; the file of tenants has everything else."""


@frozen(kw_only=True)
class Settings:
    """What is read, from whom, and how; see :data:`GENERAL` and :data:`OF_TENANTS`.

    ``tenants`` is a file of them, which replaces the provider; ``None`` = a single vendor.
    """

    provider: str = ""
    settings: Mapping[str, Any] = field(factory=dict[str, Any])
    question: Mapping[str, Any] = field(repr=False)
    limits: Limits
    options: Options
    timeout_s: float
    rows_per_partition: int
    variable: str | None = None
    token_env: str | None = None
    token_provider: str | None = field(default=None, repr=False)
    tenants: str | None = None
    skips_tenants: bool = False
    with_reports: bool = False

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Settings:
        """Check options as Spark hands them over.

        Raises :class:`ConfigurationError` and :class:`InvalidQueryError`.
        """
        values = {name.lower(): value for name, value in given.items()}
        if "tenants" in values:
            return cls._of_tenants(values)
        name = values.get("provider")
        if not name:
            raise ConfigurationError('say which vendor: .option("provider", "hum")')
        command_line = declared(name)
        own = {each.name: each for each in command_line.arguments}
        _refuse_unknown(values, name, (*GENERAL, *own), command_line.secret)
        token_env, token_provider = values.get("token_env"), values.get("token_provider")
        check_token_options(token_env, token_provider)
        whole, number = _reader(int, values), _reader(float, values)
        settings = cls(
            provider=name,
            settings=_values(command_line.settings, values),
            question=_range(values) | _values(command_line.filters, values),
            limits=Limits(
                max_concurrency=whole("max_concurrency", 8),
                requests_per_second=number("requests_per_second", None),
                max_requests=whole("max_requests", None),
                tasks_at_once=whole("tasks_at_once", None),
            ),
            options=_options(
                values, consistency=values.get("consistency", "count"), on_incomplete="raise"
            ),
            variable=command_line.secret,
            token_env=token_env,
            token_provider=token_provider,
            **_common(values),
        )
        settings._check()
        return settings

    @classmethod
    def _of_tenants(cls, values: Mapping[str, str]) -> Settings:
        _refuse_unknown(values, "a file of tenants", OF_TENANTS, None)
        handling = values.get("on_tenant_error", "fail")
        if handling not in {"fail", "skip"}:
            raise ConfigurationError("on_tenant_error must be 'fail' or 'skip'")
        settings = cls(
            question=_range(values),
            limits=Limits(
                max_concurrency=MANY, tasks_at_once=_reader(int, values)("tasks_at_once", None)
            ),
            options=_options(values, consistency="count", on_incomplete="raise"),
            tenants=values["tenants"],
            skips_tenants=handling == "skip",
            **_common(values),
        )
        if settings.skips_tenants and not settings.with_reports:
            raise ConfigurationError(
                "on_tenant_error=skip needs with_reports=true: nobody would learn who was skipped"
            )
        check_order(settings.question["start"], settings.question["end"])
        return settings

    def of_tenant(self, tenant: Tenant) -> Settings:
        """Return what is read of one tenant; it is checked already."""
        places = {"base_url": tenant.base_url, "environment": tenant.environment}
        at_once = self.limits.tasks_at_once
        return evolve(
            self,
            provider=tenant.provider,
            settings=dict(tenant.settings) | {k: v for k, v in places.items() if v is not None},
            question=dict(self.question) | dict(tenant.filters),
            limits=Limits(
                max_concurrency=tenant.concurrency,
                requests_per_second=tenant.requests_per_second,
                max_requests=tenant.max_requests,
                tasks_at_once=at_once if at_once and at_once <= tenant.concurrency else None,
            ),
            options=evolve(
                self.options, consistency=tenant.consistency, deadline_s=tenant.deadline_s
            ),
            variable=tenant.key_env,
        )

    def _check(self) -> None:
        """Refuse what the provider refuses, before anything is asked."""
        unchecked = UNCHECKED if self.variable else None
        make_provider(self.provider, unchecked, dict(self.settings)).query(**self.question)

    def secret(self) -> Secret | None:
        """Return the credentials, from where this process runs; raises :class:`ConfigurationError`."""
        return secret_of(
            self.variable, token_env=self.token_env, token_provider=self.token_provider
        )

    def connection(self, share: Share | None = None) -> dict[str, Any]:
        """Return the arguments of a client, with the limits of a share, ``None`` = of the whole.

        Raises :class:`ConfigurationError`, also for credentials that are not there.
        """
        limits = share or Share(
            concurrency=self.limits.max_concurrency,
            requests_per_second=self.limits.requests_per_second,
        )
        return {
            "provider": make_provider(self.provider, self.secret(), dict(self.settings)),
            "concurrency": limits.concurrency,
            "requests_per_second": limits.requests_per_second,
            "timeout_s": self.timeout_s,
        }

    def how(self, max_requests: int | None) -> dict[str, Any]:
        """Return the options of one run, which ``max_requests`` bounds."""
        options = self.options
        return {
            "ordered": options.ordered,
            "consistency": options.consistency,
            "on_incomplete": options.on_incomplete,
            "deadline_s": options.deadline_s,
            "max_requests": max_requests,
        }


def _range(values: Mapping[str, str]) -> dict[str, Any]:
    if "start" not in values:
        raise ConfigurationError('say from when: .option("start", "2026-01-31")')
    return {"start": values["start"], "end": values.get("end")}


def _common(values: Mapping[str, str]) -> dict[str, Any]:
    """Return what a read of one vendor and one of many tenants have in common."""
    return {
        "timeout_s": _reader(float, values)("timeout_s", 30.0),
        "rows_per_partition": _reader(int, values)("rows_per_partition", PART_ROWS),
        "with_reports": _flag("with_reports", values.get("with_reports", "false")),
    }


def _options(values: Mapping[str, str], *, consistency: str, on_incomplete: str) -> Options:
    given: dict[str, Any] = {  # Options checks them
        "consistency": consistency,
        "on_incomplete": values.get("on_incomplete", on_incomplete),
        "deadline_s": _reader(float, values)("deadline_s", None),
    }
    return Options(ordered=False, **given)


def _refuse_unknown(
    values: Mapping[str, str], provider: str, known: tuple[str, ...], secret: str | None
) -> None:
    for option in sorted(values):
        if option not in known:
            _refuse(option, provider, known, secret)


def _refuse(option: str, provider: str, known: tuple[str, ...], secret: str | None) -> NoReturn:
    if LOOKS_SECRET.search(option):
        where = f"set {secret}" if secret else "set a variable"
        raise ConfigurationError(
            f"{option} looks like a credential, and options are kept in plans and tables: {where} "
            "in the environment of driver and executors, or see token_env and token_provider"
        )
    raise ConfigurationError(
        f"there is no option {option} for {provider}: there are {', '.join(sorted(known))}"
    )


def _reader(kind: type[T], values: Mapping[str, str]) -> Callable[[str, Any], Any]:
    """Return what reads an option as a number above 0, or takes its default."""
    noun = "whole number" if kind is int else "number"

    def read(name: str, default: Any) -> Any:
        if name not in values:
            return default
        try:
            number = int(values[name]) if kind is int else float(values[name])
        except ValueError:
            number = 0
        if not 0 < number < inf:
            raise ConfigurationError(f"{name} must be a {noun}, more than 0")
        return number

    return read


def _values(arguments: tuple[Argument, ...], values: Mapping[str, str]) -> dict[str, Any]:
    """Return the values that were given for a provider's arguments, as it wants them."""
    return {each.name: _value(each, values[each.name]) for each in arguments if each.name in values}


def _value(argument: Argument, text: str) -> Any:
    if argument.is_flag:
        return _flag(argument.name, text)
    if argument.is_repeatable:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if argument.choices and text not in argument.choices:
        raise ConfigurationError(f"{argument.name} must be {' or '.join(argument.choices)}")
    return text


def _flag(name: str, text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ConfigurationError(f"{name} must be true or false")
    return text.lower() == "true"
