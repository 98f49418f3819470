"""A vendor's filters as query parameters, derived from the signature of its ``query`` method."""

import inspect
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field, create_model

from asyncsessions.core.windows import resolve_range, split
from asyncsessions.errors import InvalidQueryError
from asyncsessions.integrations._fastapi.upstream import Upstream
from asyncsessions.query import OptionChanges, Sessions

__all__ = ["make_question"]

MANY_WINDOWS = 100
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

    def ask(filters: BaseModel, client: Any) -> Sessions:
        given = {name: getattr(filters, name) for name in filters.model_fields_set}
        limit = given.pop("limit", None)
        query: Sessions = client.sessions(**given)
        if options.get("max_requests") is None:
            _refuse_many_windows(query, upstream)
        return query.with_options(**options).with_options(limit=limit)

    ask.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            _keyword("filters", Annotated[model, Query()]),
            _keyword("client", Annotated[Any, Depends(upstream)]),
        ]
    )
    return ask


def _keyword(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)


def _parameters(upstream: Upstream[...]) -> dict[str, Any]:
    """Return the vendor's filters as the fields of a pydantic model."""
    query = upstream.provider.query
    hints = get_type_hints(query)
    return {
        name: (_kind(hints[name]), _field(name, parameter.default))
        for name, parameter in inspect.signature(query).parameters.items()
    }


def _kind(hint: Any) -> Any:
    """Return what arrives as text: moments are left to the vendor's own checks."""
    members = {hint, *get_args(hint)}
    if bool in members:
        return bool
    if get_origin(hint) in {list, tuple, Sequence}:
        return list[str]
    return str | None if type(None) in members else str


def _field(name: str, default: Any) -> Any:
    more: dict[str, Any] = {"description": MEANINGS.get(name)}
    if name in {"start", "end"}:
        more |= {"json_schema_extra": {"format": "date or date-time"}, "examples": EXAMPLES}
    if default is inspect.Parameter.empty:
        return Field(**more)
    return Field(default=[] if default == () else default, **more)


def _refuse_many_windows(query: Sessions, upstream: Upstream[...]) -> None:
    asked = query.query
    pinned = resolve_range(asked.start, asked.end, now=datetime.now(UTC))
    windows = len(split(pinned, upstream.provider.longest_window))
    if windows > MANY_WINDOWS:
        raise InvalidQueryError(
            f"the range makes {windows:,} windows, each of which takes a request: begin later"
        )
