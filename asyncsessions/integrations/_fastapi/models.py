"""Records as pydantic and OpenAPI see them, derived from the attrs classes, which stay what they are."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import NoneType
from typing import Annotated, Any, get_args, get_type_hints

from attrs import NOTHING, fields, has
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    create_model,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from asyncsessions.core.convert import from_dict, to_dict
from asyncsessions.core.records import Session, SessionDetail

__all__ = ["End", "SessionDetailModel", "SessionModel", "Summary"]

LEFT_OUT = {"raw"}
_MIRRORS: dict[type[Any], type[BaseModel]] = {}


def _mirror(cls: type[Any]) -> type[BaseModel]:
    """Return a pydantic model with the fields that a record has as JSON."""
    if cls not in _MIRRORS:
        hints = get_type_hints(cls)
        members: dict[str, Any] = {}
        for each in fields(cls):
            hint = hints[each.name]
            name = "duration_s" if timedelta in get_args(hint) else each.name
            if each.name not in LEFT_OUT:
                default = ... if each.default is NOTHING else each.default
                members[name] = (_as_json(hint), Field(default))
        # Only the first sentences: the rest is about the Python class.
        said = " ".join((cls.__doc__ or "").partition("\n\n")[0].split()).replace("``", "`")
        # What is written has every field, what is read may lack some.
        config = ConfigDict(json_schema_serialization_defaults_required=True)
        _MIRRORS[cls] = create_model(cls.__name__, __config__=config, __doc__=said, **members)
    return _MIRRORS[cls]


def _as_json(hint: Any) -> Any:
    if hint is timedelta:
        return float
    if isinstance(hint, type) and has(hint):
        return _mirror(hint)
    members = get_args(hint)
    if Ellipsis in members:  # tuple[X, ...]
        return list[_as_json(members[0])]  # type: ignore[misc] # made at run time
    if NoneType in members:
        (member,) = (each for each in members if each is not NoneType)
        return _as_json(member) | None
    return hint


class _Record:
    """Annotates a record, so that pydantic reads, writes and describes it."""

    def __init__(self, cls: type[Session]) -> None:
        self._cls = cls

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Take a record as it is, and one that comes as JSON by way of its mirror."""

        def read(found: BaseModel) -> Session:
            return from_dict(found.model_dump(mode="json"), self._cls)

        plain = core_schema.no_info_after_validator_function(read, handler(_mirror(self._cls)))
        record = core_schema.is_instance_schema(self._cls)
        return core_schema.json_or_python_schema(
            json_schema=plain,
            python_schema=core_schema.union_schema([record, plain]),
            serialization=core_schema.plain_serializer_function_ser_schema(to_dict),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the mirror, under the record's own name."""
        mirror = _mirror(self._cls).__pydantic_core_schema__
        # Only what is inside of another schema becomes a component that is referred to.
        return handler(core_schema.no_info_after_validator_function(dict, mirror))


SessionModel = Annotated[Session, _Record(Session)]
"""A :class:`Session` for the signatures of endpoints: a session to the type checkers and at run
time, and a schema with all of its fields to pydantic, ``/docs`` and ``/openapi.json``."""

SessionDetailModel = Annotated[SessionDetail, _Record(SessionDetail)]
"""The same for a :class:`SessionDetail`."""


class Ending(BaseModel):
    """How a pull ended: `complete`, or the `reason` why it is not proven to be.

    `unproven` are the ranges in question, `as_of` the span of time in which the sessions were
    read, `requests` what that took.
    """

    complete: bool
    reason: str | None
    detail: str | None = None
    retry_after_s: float | None = None
    unproven: list[tuple[datetime, datetime]]
    as_of: tuple[datetime, datetime] | None
    requests: int


class End(Ending):
    """The last line of a stream, without which it was cut; `count` is the lines before it."""

    end: bool = Field(alias="_end")
    count: int


class Count(BaseModel):
    """How many sessions there are now, and how many requests reading them would take."""

    count: int
    requests: int
    windows: int


class Day(BaseModel):
    """The sessions that began on a day (UTC), and how many of them converted."""

    day: str
    sessions: int
    converted: int


class Step(BaseModel):
    """How many sessions came at least as far as a step."""

    step: int
    sessions: int


class Group(BaseModel):
    """The sessions with one campaign or source (`null` = without), and how many converted."""

    name: str | None
    sessions: int
    converted: int


class Summary(Ending):
    """Sessions counted; who converted has an order or a conversion."""

    provider: str
    sessions: int
    converted: int
    days: list[Day]
    steps: list[Step]
    campaigns: list[Group]
    sources: list[Group]


class Health(BaseModel):
    """Whether the app can ask its vendor; nothing is asked to find out."""

    status: str
    provider: str
