"""Sessions to and from plain data: nested dicts, JSON, flat rows.

One cattrs converter stands behind all of it.  Nested data is JSON's own: times are ISO 8601 texts
ending in ``Z``, ``duration`` is a number of seconds under the name ``duration_s``, and ``raw`` is
the text of the record's own JSON, left out unless it was kept.  A flat row has the names of
:data:`asyncsessions.core.columns.COLUMNS` and keeps its times as ``datetime``.

Reading is strict (``"12"`` is no number, ``1`` is no flag), takes times in any zone, and ignores
names that it does not know.  What was written reads back equal; a duration beyond a hundred years
is as exact as a float.

To extend it, make a converter of your own and register hooks on it; hooks for the types inside a
session (``datetime``, ``timedelta``, ``bytes``, ``Address``, …) take effect as well::

    from datetime import datetime

    from asyncsessions.core.convert import make_converter

    mine = make_converter()
    mine.register_unstructure_hook(datetime, datetime.timestamp)
    plain = mine.unstructure(session)  # times are seconds since 1970
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import msgspec
from attrs import has, resolve_types
from cattrs import Converter, transform_error
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from asyncsessions.core.columns import COLUMNS
from asyncsessions.core.records import (
    Address,
    CartStep,
    Conversion,
    Exit,
    Order,
    Session,
    SessionDetail,
)

__all__ = [
    "converter",
    "from_dict",
    "from_json",
    "from_row",
    "instant_text",
    "make_converter",
    "to_dict",
    "to_json",
    "to_row",
]

S = TypeVar("S", bound=Session)
V = TypeVar("V")

DURATION = override(rename="duration_s")
RAW = override(omit_if_default=True)


def make_converter() -> Converter:
    """Return a new converter that knows the records; register hooks of your own on it."""
    made = Converter(unstruct_collection_overrides={tuple: list})
    made.register_unstructure_hook(datetime, instant_text)
    made.register_structure_hook(datetime, _read_instant)
    made.register_unstructure_hook(timedelta, timedelta.total_seconds)
    made.register_structure_hook(timedelta, _read_duration)
    made.register_unstructure_hook(bytes, _raw_text)
    made.register_structure_hook(bytes, _read_raw)
    made.register_structure_hook(str, _exactly(str, "a text"))
    made.register_structure_hook(int, _exactly(int, "a whole number"))
    made.register_structure_hook(bool, _exactly(bool, "true or false"))

    # Factories, because they are asked again after each further hook that somebody registers.
    def unstructure_session(cls: type[Session]) -> Callable[[Session], dict[str, Any]]:
        return make_dict_unstructure_fn(cls, made, duration=DURATION, raw=RAW)

    def structure_record(cls: type[Any]) -> Callable[[Any, Any], Any]:
        if _is_session(cls):
            return _checked(make_dict_structure_fn(cls, made, duration=DURATION))
        return _checked(make_dict_structure_fn(cls, made))

    made.register_unstructure_hook_factory(_is_session, unstructure_session)
    made.register_structure_hook_factory(has, structure_record)
    return made


def _is_session(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, Session)


def _checked(structure: Callable[[Mapping[str, Any], Any], V]) -> Callable[[Any, Any], V]:
    def read(value: Any, cls: Any) -> V:
        if not isinstance(value, Mapping):
            raise TypeError("must be an object with names and values")
        return structure(cast("Mapping[str, Any]", value), cls)

    return read


def _exactly(kind: type[V], what: str) -> Callable[[Any, Any], V]:
    def read(value: Any, _: Any) -> V:
        # type() and not isinstance(): True is no whole number.
        if type(value) is not kind:
            raise TypeError(f"must be {what}")
        return value

    return read


def instant_text(moment: datetime) -> str:
    """Return a time as ISO 8601 in UTC, ending in ``Z``; microseconds only where there are any."""
    if moment.tzinfo is UTC:
        return moment.isoformat()[: -len("+00:00")] + "Z"
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _read_instant(value: Any, _: Any) -> datetime:
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValueError("must be a time with its zone, as in 2026-01-31T12:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        problem = ValueError("must lie in the years 1 to 9999 of UTC")
    raise problem


def _read_duration(value: Any, _: Any) -> timedelta:
    if type(value) not in {int, float}:
        raise TypeError("must be a number of seconds")
    try:
        return timedelta(seconds=value)
    except (OverflowError, ValueError):
        problem = ValueError("must be a number of seconds that a timedelta can hold")
    raise problem


def _raw_text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _read_raw(value: Any, _: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError("must be the text of a JSON record")
    return value.encode()


for _record in (Address, CartStep, Conversion, Exit, Order, Session, SessionDetail):
    resolve_types(_record)

converter = make_converter()
"""What the functions below use; extend a :func:`make_converter` of your own, not this one."""


def to_dict(session: Session) -> dict[str, Any]:
    """Return a session as nested plain data, fit for JSON; ``None`` stays ``None``."""
    plain: dict[str, Any] = converter.unstructure(session)
    return plain


def from_dict(data: Mapping[str, Any], cls: type[S] = Session) -> S:  # type: ignore[assignment]
    """Return the session of :func:`to_dict`; ``cls=SessionDetail`` for one with its cart.

    Raises ``ValueError`` with one sentence naming each place that is wrong, and no value.
    """
    try:
        return converter.structure(data, cls)
    except Exception as error:  # noqa: BLE001  # hooks raise what they like
        problems = transform_error(error, path="$", format_exception=_problem)
    raise ValueError(f"not a session: {'; '.join(map(_sentence, problems))}")


def _problem(error: BaseException, _: Any) -> str:
    return "is missing" if isinstance(error, KeyError) else str(error)


def _sentence(problem: str) -> str:
    what, _, where = problem.rpartition(" @ ")
    return f"{'$.duration_s' if where == '$.duration' else where} {what}"


def to_json(session: Session) -> bytes:
    """Return a session as one line of JSON, without a line end."""
    return msgspec.json.encode(to_dict(session))


def from_json(data: bytes | str, cls: type[S] = Session) -> S:  # type: ignore[assignment]
    """Return the session of :func:`to_json`.

    Raises ``ValueError`` as :func:`from_dict` does, and for what is not JSON.
    """
    try:
        plain = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        plain = None
        problem = ValueError("not a session: this is not JSON")
    else:
        return from_dict(plain, cls)
    raise problem


def to_row(session: Session) -> dict[str, Any]:
    """Return a session as a flat row; times are aware ``datetime`` in UTC."""
    return {column.name: column.of(session) for column in COLUMNS}


def from_row(row: Mapping[str, Any]) -> Session:
    """Return the session of :func:`to_row`; times may be texts too.

    A part whose columns are all ``None`` or absent becomes ``None``.  Raises ``ValueError`` as
    :func:`from_dict` does.
    """
    if not isinstance(row, Mapping):
        raise ValueError("not a session: a row maps names to values")  # noqa: TRY004  # as below
    plain: dict[str, Any] = {}
    for column in COLUMNS:
        value = row.get(column.name)
        if column.part is None:
            plain[column.name] = value
        elif value is not None:
            plain.setdefault(column.part, {})[column.attribute] = value
    return from_dict(plain)
