"""Reading a vendor's JSON: what all providers do alike, with errors that say where.

Answers are decoded straight into typed classes (``msgspec.Struct``).  Whatever is wrong with one
becomes an :class:`UnexpectedResponseError`: nothing that a vendor sends may raise anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, cast

import msgspec

from asyncsessions.core.http import Response
from asyncsessions.core.masking import masked
from asyncsessions.errors import SessionsError, UnexpectedResponseError

__all__ = [
    "Count",
    "Whole",
    "maybe_utc",
    "raw_records",
    "reading",
    "undocumented",
    "utc",
]

T = TypeVar("T")
W = TypeVar("W")

BOM = b"\xef\xbb\xbf"
MOST_NAMES = 100
FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

# More than 64 bits fit into no column of any target.
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def utc(moment: datetime) -> datetime:
    """Return an aware UTC datetime; a vendor's time without a zone is UTC, as documented."""
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def maybe_utc(moment: datetime | None) -> datetime | None:
    """Return the same for a time that the vendor may leave out."""
    return None if moment is None else utc(moment)


def reading(
    response: Response,
    decode: Callable[[bytes], W],
    convert: Callable[[W], T | SessionsError],
) -> T | SessionsError:
    """Return what ``convert`` makes of the decoded body, or the error *as a value*.

    It is raised by the caller, whose frame holds nothing of the body: tracebacks can show local
    variables.  JSON that is cut or none at all is transient, JSON of another shape is not.
    """
    body = response.body.removeprefix(BOM)
    wire: object = None
    try:
        decoded = wire = decode(body)
        return convert(decoded)
    except OverflowError:
        problem = "a time that is not in the calendar"
        return UnexpectedResponseError(problem, path=_path_of_unreal_time(wire))
    except FAULTS as fault:
        return _unreadable(body, fault)


def _unreadable(body: bytes, fault: Exception) -> UnexpectedResponseError:
    if isinstance(fault, RecursionError):
        return UnexpectedResponseError("the answer is nested too deeply", path="$")
    if isinstance(fault, msgspec.ValidationError) and _is_whole_json(body):
        message, _, path = str(fault).partition(" - at `")
        return UnexpectedResponseError(message, path=path.rstrip("`") or "$")
    return UnexpectedResponseError(
        f"the answer of {len(body)} bytes is not whole JSON", transient=True
    )


def _is_whole_json(body: bytes) -> bool:
    try:
        body.decode()
        msgspec.json.decode(body, type=msgspec.Raw)
    except RecursionError:
        return True  # as far as anybody can tell; a repetition would not make it flatter
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _path_of_unreal_time(wire: object) -> str:
    return next((path for path, moment in _times(wire, "$") if not _is_real(moment)), "$")


def _is_real(moment: datetime) -> bool:
    try:
        utc(moment)
    except OverflowError:
        return False
    return True


def _times(wire: object, path: str) -> Iterator[tuple[str, datetime]]:
    if isinstance(wire, datetime):
        yield path, wire
    for step, part in _parts(wire):
        yield from _times(part, path + step)


def _parts(wire: object) -> list[tuple[str, object]]:
    if isinstance(wire, msgspec.Struct):
        sent = wire.__struct_encode_fields__
        names = zip(sent, wire.__struct_fields__, strict=True)
        return [(f".{name}", getattr(wire, attribute)) for name, attribute in names]
    if isinstance(wire, list):
        return [(f"[{index}]", part) for index, part in enumerate(cast("list[object]", wire))]
    return []


def raw_records(response: Response, key: str) -> list[bytes]:
    """Return each record's own JSON, byte for byte; ``key`` is where the list of them is."""
    records = decode_list(decode_object(response.body.removeprefix(BOM))[key])
    # Copied: a view would keep the whole answer in memory.
    return [bytes(record) for record in records]


def undocumented(response: Response, known: Mapping[str, Any]) -> Sequence[str]:
    """Return the dotted names in an answer that ``known`` does not have, sorted, 100 at most.

    ``known`` maps a key to the mapping of its own keys, or to ``None`` for a plain value.  An
    answer that cannot be read has no names.
    """
    try:
        value = msgspec.json.decode(response.body.removeprefix(BOM))
        return sorted(_unknown_keys(value, known, ""))[:MOST_NAMES]
    except FAULTS:
        return ()


def _unknown_keys(value: object, known: Mapping[str, Any], prefix: str) -> set[str]:
    found: set[str] = set()
    if isinstance(value, list):
        for item in cast("list[object]", value):
            found |= _unknown_keys(item, known, prefix)
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            if key not in known:
                found.add(prefix + masked(key, ()))
            elif known[key] is not None:
                found |= _unknown_keys(inner, known[key], f"{prefix}{key}.")
    return found
