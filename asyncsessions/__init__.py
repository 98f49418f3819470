"""Session analytics of Hum and AttributionHub as one record, complete and exactly once.

Every public name is loaded on first use, so that importing the package loads neither aiohttp nor
anything else that takes time.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # by this name the checkers know it; importing `typing` would take longest
if TYPE_CHECKING:
    from asyncsessions.client import Client
    from asyncsessions.core.events import (
        AttemptEnded,
        AttemptStarted,
        Event,
        Observer,
        PageReceived,
        PullEnded,
        PullStarted,
        RequestEnded,
        RequestStarted,
        Waiting,
    )
    from asyncsessions.core.options import Options
    from asyncsessions.core.pace import Retry
    from asyncsessions.core.parts import Part, Parts
    from asyncsessions.core.records import (
        Address,
        CartStep,
        Conversion,
        Exit,
        Order,
        Session,
        SessionDetail,
    )
    from asyncsessions.core.report import Report
    from asyncsessions.engine.batches import BatchStream
    from asyncsessions.engine.items import SessionStream
    from asyncsessions.engine.merge import MergedStream
    from asyncsessions.engine.probe import Estimate
    from asyncsessions.engine.proven import WindowStream, WindowTable
    from asyncsessions.errors import (
        AuthenticationError,
        BudgetExceededError,
        ConfigurationError,
        IncompleteError,
        InvalidQueryError,
        NotFoundError,
        PermissionDeniedError,
        QuotaExceededError,
        RateLimitError,
        ServerError,
        SessionsError,
        SinkError,
        TransportError,
        UnexpectedResponseError,
    )
    from asyncsessions.providers.attributionhub import AttributionHub
    from asyncsessions.providers.hum import Hum
    from asyncsessions.query import SessionList, Sessions, merge
    from asyncsessions.sinks.dataset_files import change_files, dataset_files

__all__ = [
    "Address",
    "AttemptEnded",
    "AttemptStarted",
    "AttributionHub",
    "AuthenticationError",
    "BatchStream",
    "BudgetExceededError",
    "CartStep",
    "Client",
    "ConfigurationError",
    "Conversion",
    "Estimate",
    "Event",
    "Exit",
    "Hum",
    "IncompleteError",
    "InvalidQueryError",
    "MergedStream",
    "NotFoundError",
    "Observer",
    "Options",
    "Order",
    "PageReceived",
    "Part",
    "Parts",
    "PermissionDeniedError",
    "PullEnded",
    "PullStarted",
    "QuotaExceededError",
    "RateLimitError",
    "Report",
    "RequestEnded",
    "RequestStarted",
    "Retry",
    "ServerError",
    "Session",
    "SessionDetail",
    "SessionList",
    "SessionStream",
    "Sessions",
    "SessionsError",
    "SinkError",
    "TransportError",
    "UnexpectedResponseError",
    "Waiting",
    "WindowStream",
    "WindowTable",
    "change_files",
    "dataset_files",
    "merge",
]

_HOMES = {
    "client": ("Client",),
    "core.events": (
        "AttemptEnded",
        "AttemptStarted",
        "Event",
        "Observer",
        "PageReceived",
        "PullEnded",
        "PullStarted",
        "RequestEnded",
        "RequestStarted",
        "Waiting",
    ),
    "core.options": ("Options",),
    "core.pace": ("Retry",),
    "core.parts": ("Part", "Parts"),
    "core.records": (
        "Address",
        "CartStep",
        "Conversion",
        "Exit",
        "Order",
        "Session",
        "SessionDetail",
    ),
    "core.report": ("Report",),
    "engine.batches": ("BatchStream",),
    "engine.items": ("SessionStream",),
    "engine.merge": ("MergedStream",),
    "engine.probe": ("Estimate",),
    "engine.proven": ("WindowStream", "WindowTable"),
    "providers.attributionhub": ("AttributionHub",),
    "providers.hum": ("Hum",),
    "query": ("SessionList", "Sessions", "merge"),
    "sinks.dataset_files": ("change_files", "dataset_files"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
