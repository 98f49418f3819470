"""Who contends: every way to read pages that is measured, by name."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from attrs import frozen

from benchmarks.measuring import Run

__all__ = [
    "CONTENDERS",
    "DEFAULT",
    "FLOOR",
    "GRID",
    "HUB",
    "HUNDRED",
    "OURS",
    "PAGE",
    "PEERS",
    "RAW",
    "TRANSPORT",
    "Contender",
    "Read",
    "fit",
    "loaded",
]

Read = Callable[[str, int, int], Coroutine[Any, Any, int]]
PAGE = 50


@frozen
class Contender:
    """A way to read pages; ``share`` of the pages is enough to time a slow one.

    ``lanes``: how many requests it keeps open, ``None`` = as many as it is told.
    """

    name: str
    module: str
    function: str = "run"
    share: float = 1.0
    vendor: str = "hum"
    lanes: int | None = None

    def load(self) -> Read:
        """Return it; raises ``ImportError`` where a library is missing."""
        module = import_module(f"benchmarks.contenders.{self.module}")
        read: Read = getattr(module, self.function)
        return read

    def bound(self, read: Read, address: str, pages: int, concurrency: int) -> Run:
        """Return what reads the list at an address once; its units are pages."""
        return partial(self._checked, read, address, pages, concurrency)

    async def _checked(self, read: Read, address: str, pages: int, concurrency: int) -> int:
        found = await read(address, pages, concurrency)
        assert found in {pages, pages * PAGE}, f"{self.name} has read {found} of {pages} pages"
        return pages


FLOOR, DEFAULT = "bytes only, tuned aiohttp", "bytes only, aiohttp as it comes"
OURS, TRANSPORT = "asyncsessions pages()", "bytes only, our transport"
GRID = (
    Contender(FLOOR, "floor_tuned"),
    Contender(DEFAULT, "floor_default"),
    Contender(TRANSPORT, "our_transport"),
    Contender(OURS, "ours", "pages"),
    Contender("asyncsessions pages(), unordered", "ours", "pages_unordered"),
    Contender("asyncsessions pages(), no proof", "ours", "pages_without_proof"),
    Contender("asyncsessions pages(), strict proof", "ours", "pages_strict"),
    Contender("asyncsessions items", "ours", "items"),
    Contender("asyncsessions collect()", "ours", "collected"),
)
HUB = (
    Contender(FLOOR, "floor_tuned", "attributionhub", vendor="attributionhub"),
    Contender(DEFAULT, "floor_default", "attributionhub", vendor="attributionhub"),
    Contender(OURS, "ours", "hub_pages", vendor="attributionhub"),
    Contender("asyncsessions items", "ours", "hub_items", vendor="attributionhub"),
    Contender("aiohttp + cattrs, gather", "cattrs_hub", "gathered", vendor="attributionhub"),
    Contender(
        "aiohttp + cattrs, sequential",
        "cattrs_hub",
        "sequential",
        0.5,
        lanes=1,
        vendor="attributionhub",
    ),
)
PEERS = (
    Contender("aiohttp + cattrs, gather", "cattrs_loop", "gathered", lanes=100),
    Contender("aiohttp + cattrs, sequential", "cattrs_loop", "sequential", 0.5, lanes=1),
    Contender("aiohttp + cattrs, gather, same record", "cattrs_session", "gathered", lanes=100),
    Contender("aiohttp + cattrs, same record", "cattrs_session", "sequential", 0.5, lanes=1),
    Contender("requests + cattrs, threads", "threads", share=0.25),
    Contender("httpx + pydantic pager", "httpx_pydantic", share=0.25, lanes=1),
    Contender("dlt RESTClient (dicts)", "dlt_rest", share=0.15, lanes=1),
    Contender("Stainless runtime (openai)", "stainless", share=0.1, lanes=1),
)
RAW = Contender("bytes only, hand-made protocol", "raw_protocol")
HUNDRED = Contender("asyncsessions pages(), 100 at a time", "ours", "pages_hundred", lanes=100)
PEER_MODULES = frozenset(peer.module for peer in PEERS)
CONTENDERS = (*GRID, *PEERS, *HUB)


def loaded(contenders: Iterable[Contender], part: str = "") -> dict[Contender, Read]:
    """Return those that can be run and whose names hold a part; the floors are always there."""
    found: dict[Contender, Read] = {}
    for contender in contenders:
        if part not in contender.name and contender.name != FLOOR:
            continue
        try:
            found[contender] = contender.load()
        except ImportError as missing:
            print(f"left out: {contender.name} ({missing.name} is not installed)")
    return found


async def fit(contenders: Mapping[Contender, Read], address: str) -> dict[Contender, Read]:
    """Return those that can read a short list; what fails is named and left out, but not ours.

    A library that was changed since shall not cost a run of ten minutes.
    """
    found: dict[Contender, Read] = {}
    for contender, read in contenders.items():
        try:
            await contender.bound(read, f"{address}/2/0", 2, 2)()
        except Exception as error:
            if contender.module not in PEER_MODULES:
                raise
            print(f"left out: {contender.name} (it failed: {type(error).__name__}: {error})")
        else:
            found[contender] = read
    return found
