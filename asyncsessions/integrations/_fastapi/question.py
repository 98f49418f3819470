"""A vendor's filters as query parameters, derived from the signature of its ``query`` method."""

import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from fastapi import Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, create_model

from asyncsessions.core.windows import resolve_range, split
from asyncsessions.errors import InvalidQueryError
from asyncsessions.integrations._fastapi.upstream import Upstream
from asyncsessions.query import OptionChanges, Sessions

__all__ = ["make_question"]

MANY_WINDOWS = 100
PLAIN = {bool, int, float, str, NoneType}
EXAMPLES = ["2026-01-31", "2026-01-31T12:00:00Z"]
MEANINGS = {
    "start": "First date or time, included; a date begins at 00:00 UTC.",
    "end": "Last date or time, included; a date ends at 24:00 UTC. Default: now.",
    "limit": "Only so many sessions, the newest.",
}


def make_question(
    upstream: Upstream[...], options: OptionChanges, *, with_limit: bool = False
) -> Callable[..., Sessions]:
    """Return a dependency that makes a query of the request's parameters.

    A parameter that the vendor does not have is refused, because without the filter that was
    meant everything would be bought and answered.  So is a range of more than a hundred windows,
    each of which takes a request at least, unless ``options`` bound the requests.
    """
    parameters = _parameters(upstream)
    if with_limit:
        parameters["limit"] = (int | None, Field(None, ge=1, description=MEANINGS["limit"]))
    model = create_model(
        f"{type(upstream.provider).__name__}Filters",
        __config__=ConfigDict(extra="forbid"),
        **parameters,
    )

    def ask(filters: BaseModel, request: Request, client: Any) -> Sessions:
        _refuse_repetitions(request, model)
        given = {name: getattr(filters, name) for name in filters.model_fields_set}
        limit = given.pop("limit", None)
        query: Sessions = client.sessions(**given)
        if options.get("max_requests") is None:
            _refuse_many_windows(query, upstream)
        return query.with_options(**options).with_options(limit=limit)

    ask.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            _keyword("filters", Annotated[model, Query()]),
            _keyword("request", Request),
            _keyword("client", Annotated[Any, Depends(upstream)]),
        ]
    )
    return ask


def _keyword(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)


def _parameters(upstream: Upstream[...]) -> dict[str, Any]:
    """Return the vendor's filters as the fields of a pydantic model."""
    query = upstream.provider.query
    try:
        hints = get_type_hints(query)
    except NameError:  # names that only type checkers import
        hints = {}
    return {
        name: (_kind(hints.get(name, _hint(parameter.default))), _field(name, parameter.default))
        for name, parameter in inspect.signature(query).parameters.items()
        if parameter.kind not in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}
    }


def _hint(default: Any) -> Any:
    """Return what a parameter without an annotation seems to take."""
    if isinstance(default, bool):
        return bool
    if isinstance(default, list | tuple):
        return list[str]
    return str if default is inspect.Parameter.empty else str | None


def _kind(hint: Any) -> Any:
    """Return what pydantic shall read; all but plain values is text for the vendor's own checks."""
    members = set(get_args(hint)) if get_origin(hint) in {Union, UnionType} else {hint}
    for member in members:
        if (get_origin(member) or member) in {list, tuple, Sequence}:
            element = _kind((*get_args(member), str)[0])
            return list[element]  # type: ignore[valid-type] # made at run time
    if all(member in PLAIN or get_origin(member) is Literal for member in members):
        return hint
    return str | None if NoneType in members else str


def _field(name: str, default: Any) -> Any:
    more: dict[str, Any] = {"description": MEANINGS.get(name)}
    if name in {"start", "end"}:
        more |= {"json_schema_extra": {"format": "date or date-time"}, "examples": EXAMPLES}
    if default is inspect.Parameter.empty:
        return Field(**more)
    return Field(default=[] if default == () else default, **more)


def _refuse_repetitions(request: Request, model: type[BaseModel]) -> None:
    """Raise the 422 for a parameter that is there twice and takes one value.

    Of several values FastAPI takes the last: the answer to that is not what was asked for.
    """
    seen = Counter(name for name, _ in request.query_params.multi_items())
    repeated = [
        {"loc": ("query", name), "msg": "Takes one value, and was given several"}
        for name, field in model.model_fields.items()
        if seen[name] > 1 and get_origin(field.annotation) is not list
    ]
    if repeated:
        raise RequestValidationError(repeated)


def _refuse_many_windows(query: Sessions, upstream: Upstream[...]) -> None:
    asked = query.query
    pinned = resolve_range(asked.start, asked.end, now=datetime.now(UTC))
    windows = len(split(pinned, upstream.provider.longest_window))
    if windows > MANY_WINDOWS:
        raise InvalidQueryError(
            f"the range makes {windows:,} windows, each of which takes a request: begin later"
        )
