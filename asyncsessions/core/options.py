"""What holds for one pull."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, Literal, get_args

from attrs import Attribute, field, frozen

from asyncsessions.core.events import AttemptEnded, PageReceived
from asyncsessions.core.report import Report
from asyncsessions.core.walk import Consistency
from asyncsessions.errors import ConfigurationError

__all__ = ["OnIncomplete", "Options", "is_plain_function"]

OnIncomplete = Literal["raise", "warn"]


def _one_of(literal: Any) -> Callable[[Any, Attribute[Any], Any], None]:
    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        if value not in get_args(literal):
            allowed = " or ".join(map(repr, get_args(literal)))
            raise ConfigurationError(f"{attribute.name} must be {allowed}")

    return check


def _not_negative(*kinds: type) -> Callable[[Any, Attribute[Any], Any], None]:
    noun = "number" if float in kinds else "whole number"

    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        if value is not None and not (is_number and value >= 0):
            raise ConfigurationError(f"{attribute.name} must be a {noun} of at least 0, or None")

    return check


def _is_a(kind: type) -> Callable[[Any, Attribute[Any], Any], None]:
    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        if not isinstance(value, kind):
            raise ConfigurationError(f"{attribute.name} must be True or False")

    return check


def is_plain_function(value: object) -> bool:
    """Whether it can be called, and its result need not be awaited."""
    return callable(value) and not iscoroutinefunction(value)


def _callable(_: Any, attribute: Attribute[Any], value: Any) -> None:
    if value is not None and not is_plain_function(value):
        raise ConfigurationError(
            f"{attribute.name} must be a function of one argument, not async, or None"
        )


@frozen(kw_only=True)
class Options:
    """The options of one pull.

    ``ordered``: deliver in the vendor's order, else as answers arrive.  ``consistency``: what is
    trusted to prove completeness.  ``on_incomplete``: raise :class:`IncompleteError` after the
    last row, or log a warning.  ``max_requests`` bounds all requests, retries included;
    ``deadline_s`` the whole pull in seconds; ``limit`` the rows.  ``None`` = no bound.  ``raw``
    keeps each record's own JSON.  ``on_progress`` is called with the report after each answer,
    ``on_page`` with each page that came, ``on_attempt`` after each request that was sent, whatever
    came of it.  A callback that raises ends the pull with its own exception.
    """

    ordered: bool = field(default=True, validator=_is_a(bool))
    consistency: Consistency = field(default="count", validator=_one_of(Consistency))
    on_incomplete: OnIncomplete = field(default="raise", validator=_one_of(OnIncomplete))
    max_requests: int | None = field(default=None, validator=_not_negative(int))
    deadline_s: float | None = field(default=None, validator=_not_negative(int, float))
    limit: int | None = field(default=None, validator=_not_negative(int))
    raw: bool = field(default=False, validator=_is_a(bool))
    on_progress: Callable[[Report], None] | None = field(
        default=None, eq=False, validator=_callable
    )
    on_page: Callable[[PageReceived], None] | None = field(
        default=None, eq=False, validator=_callable
    )
    on_attempt: Callable[[AttemptEnded], None] | None = field(
        default=None, eq=False, validator=_callable
    )
