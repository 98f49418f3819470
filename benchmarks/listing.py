"""A vendor's list of any length for the page server: rows made beforehand, cut to any range of time.

A page of fifty rows is a minute long, a row a second, newest first from the last second of the
range on; so where a row stands is arithmetic, and no list is kept.  What a row says besides its time
and its id comes from the shipped fakes and repeats after some thousand rows.  An answer costs the
server one join of byte strings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import unquote

import msgspec
from attrs import field, frozen

from asyncsessions.testing import Row, Switches, attributionhub_reader, hum_reader

__all__ = ["END", "PAGE", "Listing", "attributionhub", "hum"]

PAGE = 50
PATTERNS = 40
"""So many pages are made beforehand; the list repeats what they say."""
END = datetime(2026, 3, 31, tzinfo=UTC)
SPAN = timedelta(days=29)
KEPT = 2_000  # pages that are kept once they were asked for: about 40 MB


@frozen
class Listing:
    """A list without an end: ``rows`` are (before, after) what differs from page to page.

    ``joint`` writes that: of a page, counted from 0, its id and the minute it covers.
    ``envelope`` writes what stands around the rows: of page, pages and count.
    """

    rows: Sequence[tuple[bytes, bytes]]
    joint: Callable[[int], bytes]
    envelope: Callable[[int, int, int], tuple[bytes, bytes]]
    _kept: dict[int, bytes] = field(factory=dict[int, bytes], init=False, repr=False, eq=False)

    def body(self, page: int, span: tuple[int, int]) -> tuple[bytes, bytes, bytes]:
        """Return the answer, in parts, for a page (from 1) of the rows from one place to another."""
        first, after = span
        count = max(0, after - first)
        pages = -(-count // PAGE)
        before, behind = self.envelope(page, pages, count)
        begin = first + (page - 1) * PAGE
        end = min(begin + PAGE, after)
        if begin % PAGE or end - begin != PAGE:
            middle = b",".join(self._row(place) for place in range(begin, end))
        else:
            middle = self._whole(begin // PAGE)
        return before, middle, behind

    def _whole(self, number: int) -> bytes:
        """Return the rows of a whole page, counted from 0; those of the first pages are kept."""
        if (kept := self._kept.get(number)) is not None:
            return kept
        at = number % PATTERNS * PAGE
        rows = self.rows[at : at + PAGE]
        joint = self.joint(number)
        made = b",".join([before + joint + after for before, after in rows])
        if number < KEPT:
            self._kept[number] = made
        return made

    def _row(self, place: int) -> bytes:
        before, after = self.rows[place % len(self.rows)]
        return before + self.joint(place // PAGE) + after


@lru_cache(maxsize=4096)
def span_of(start: str, end: str, pages: int) -> tuple[int, int]:
    """Return from which place up to which the rows of a closed range stand, in a list so long."""
    first = 0 if not end else _place(_age_s(end))
    after = pages * PAGE if not start else _place(_age_s(start) + 1)
    return first, max(first, min(after, pages * PAGE))


def _age_s(moment: str) -> int:
    """Return how long before the end of the list a moment is; its newest row is a second old."""
    return (END - datetime.fromisoformat(unquote(moment))) // timedelta(seconds=1)


def _place(age_s: int) -> int:
    """Return how many rows are younger."""
    minutes, seconds = divmod(max(age_s, 1) - 1, 60)
    return minutes * PAGE + min(seconds, PAGE)


@lru_cache(maxsize=KEPT)
def _minute(page: int) -> bytes:
    return (END - timedelta(minutes=page + 1)).isoformat()[:17].encode()


@lru_cache(maxsize=KEPT)
def _hum_joint(page: int) -> bytes:
    return b'%012x","created_at":"%s' % (page, _minute(page))


def _split(row: Row, index: int, time: str, *, keep: int) -> tuple[bytes, bytes]:
    """Cut a row's JSON around what differs; ``keep`` is how much of what precedes it stays."""
    sent = msgspec.json.encode(row.data)
    stamp = f'"{time}":"'.encode()
    at = sent.index(stamp) + len(stamp)
    second = f"{59 - index % PAGE:02d}Z".encode()
    return sent[:keep], second + sent[sent.index(b'"', at) :]


def hum() -> Listing:
    """Return Hum's list."""
    rows = hum_reader(Switches(rows=PATTERNS * PAGE, start=END - SPAN, end=END)).listing
    id_kept = len(b'{"id":"00a20708-da7c-4d9b-8c67-')

    def envelope(page: int, pages: int, count: int) -> tuple[bytes, bytes]:
        meta = f'],"meta":{{"responded_at":"2026-03-12T15:00:00Z","page":{page},"pages":{pages},"count":{count}}}}}'
        return b'{"message":"Analytics sessions","request_status":"ok","data":[', meta.encode()

    return Listing(
        [_split(row, at, "created_at", keep=id_kept) for at, row in enumerate(_rows(rows.page))],
        _hum_joint,
        envelope,
    )


def attributionhub() -> Listing:
    """Return AttributionHub's list."""
    switches = Switches(rows=PATTERNS * PAGE, start=END - SPAN, end=END)
    rows = attributionhub_reader(switches).listing
    kept = len(b'{"timestamp":"')

    def envelope(page: int, pages: int, count: int) -> tuple[bytes, bytes]:
        said = f'],"pagination":{{"current_page":{page},"total_pages":{pages},"total_records":{count}}}}}'
        return b'{"records":[', said.encode()

    return Listing(
        [_split(row, at, "timestamp", keep=kept) for at, row in enumerate(_rows(rows.page))],
        _minute,
        envelope,
    )


def _rows(read: Callable[[int], tuple[list[Row], int]]) -> list[Row]:
    return [row for page in range(1, PATTERNS + 1) for row in read(page)[0]]
