"""The options of a read, checked: a wrong one is refused with one sentence, and none is a secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import inf
from typing import Any, TypeVar

from attrs import field, frozen

from asyncsessions.blocking import Client, Sessions
from asyncsessions.core.http import Secret
from asyncsessions.core.options import Options
from asyncsessions.core.parts import PART_ROWS
from asyncsessions.errors import ConfigurationError
from asyncsessions.integrations._spark.shares import Limits
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
)
"""The options that every provider has; its settings and filters come on top."""


@frozen(kw_only=True)
class Settings:
    """What is read, from whom, and how; see :data:`GENERAL`."""

    provider: str
    settings: Mapping[str, Any]
    question: Mapping[str, Any] = field(repr=False)
    limits: Limits
    options: Options
    timeout_s: float
    rows_per_partition: int
    variable: str | None
    token_env: str | None
    token_provider: str | None = field(repr=False)

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Settings:
        """Check options as Spark hands them over.

        Raises :class:`ConfigurationError` and :class:`InvalidQueryError`.
        """
        values = {name.lower(): value for name, value in given.items()}
        name = values.get("provider")
        if not name:
            raise ConfigurationError('say which vendor: .option("provider", "hum")')
        command_line = declared(name)
        own = {each.name: each for each in command_line.arguments}
        for option in sorted(values):
            _refuse_unknown(option, name, (*GENERAL, *own), command_line.secret)
        if "start" not in values:
            raise ConfigurationError('say from when: .option("start", "2026-01-31")')
        token_env, token_provider = values.get("token_env"), values.get("token_provider")
        check_token_options(token_env, token_provider)
        whole, number = _reader(int, values), _reader(float, values)
        settings = cls(
            provider=name,
            settings=_values(command_line.settings, values),
            question={
                "start": values["start"],
                "end": values.get("end"),
                **_values(command_line.filters, values),
            },
            limits=Limits(
                max_concurrency=whole("max_concurrency", 8),
                requests_per_second=number("requests_per_second", None),
                max_requests=whole("max_requests", None),
                tasks_at_once=whole("tasks_at_once", None),
            ),
            options=Options(
                ordered=False,
                consistency=values.get("consistency", "count"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - checked by Options
                on_incomplete=values.get("on_incomplete", "raise"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - the same
                deadline_s=number("deadline_s", None),
            ),
            timeout_s=number("timeout_s", 30.0),
            rows_per_partition=whole("rows_per_partition", PART_ROWS),
            variable=command_line.secret,
            token_env=token_env,
            token_provider=token_provider,
        )
        settings._check()
        return settings

    def _check(self) -> None:
        """Refuse what the provider refuses, before anything is asked."""
        unchecked = UNCHECKED if self.variable else None
        make_provider(self.provider, unchecked, dict(self.settings)).query(**self.question)

    def secret(self) -> Secret | None:
        """Return the credentials, from where this process runs; raises :class:`ConfigurationError`."""
        return secret_of(
            self.variable, token_env=self.token_env, token_provider=self.token_provider
        )

    def client(
        self,
        secret: Secret | None,
        *,
        concurrency: int | None = None,
        requests_per_second: float | None = None,
    ) -> Client[...]:
        """Return a client, by default with the limits of the whole read."""
        limits = self.limits
        return Client(
            make_provider(self.provider, secret, dict(self.settings)),
            concurrency=concurrency or limits.max_concurrency,
            requests_per_second=requests_per_second or limits.requests_per_second,
            timeout_s=self.timeout_s,
        )

    def ask(self, client: Client[...], *, max_requests: int | None = None) -> Sessions:
        """Return the question; ``max_requests`` bounds this run alone."""
        options = self.options
        return client.sessions(**self.question).with_options(
            ordered=options.ordered,
            consistency=options.consistency,
            on_incomplete=options.on_incomplete,
            deadline_s=options.deadline_s,
            max_requests=max_requests,
        )


def _refuse_unknown(option: str, provider: str, known: tuple[str, ...], secret: str | None) -> None:
    if option in known:
        return
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
        if text.lower() not in {"true", "false"}:
            raise ConfigurationError(f"{argument.name} must be true or false")
        return text.lower() == "true"
    if argument.is_repeatable:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if argument.choices and text not in argument.choices:
        raise ConfigurationError(f"{argument.name} must be {' or '.join(argument.choices)}")
    return text
