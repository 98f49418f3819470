"""Answers that go wrong, decided by seed and number of the request."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Literal, get_args

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FaultKind", "FaultPlan", "Faults"]

FaultKind = Literal[
    "500", "502", "503", "429", "reset", "truncated", "cut_json", "html", "slow", "empty"
]

_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


def _known(_: object, __: object, kinds: Sequence[str]) -> None:
    unknown = [kind for kind in kinds if kind not in _KINDS]
    if unknown or not kinds:
        msg = f"fault kinds are {', '.join(_KINDS)}; not {', '.join(unknown) or 'none'}"
        raise ValueError(msg)


@attrs.frozen(kw_only=True)
class Faults:
    """Which share of the answers fails, and how.

    Args:
        rate: share of the requests, 0 to 1; not looked at when `first` is given.
        kinds: what happens. `500`, `502`, `503`: that status, with a JSON or an HTML body. `429`:
            a rate limit that is not a quota, with `Retry-After: 0`. `reset`: the connection is
            reset before the answer. `truncated`: the connection closes in the middle of the body.
            `cut_json`: a complete 200 whose JSON stops in the middle. `html`: 200 with a web page.
            `slow`: the right answer, `slow_s` later. `empty`: 200 without a body.
        seed: decides which requests fail and how.
        first: exactly the first so many requests fail, the kinds taking turns; None means `rate`.
        only_pages: only requests for these page numbers can fail, and only they are counted by
            `first`; None means every request that carries valid credentials.
        slow_s: how much later a slow answer comes, in seconds.

    Raises:
        ValueError: the rate is outside 0 to 1, or a kind is unknown.

    """

    rate: float = attrs.field(
        default=0.2, validator=[attrs.validators.ge(0), attrs.validators.le(1)]
    )
    kinds: Sequence[FaultKind] = attrs.field(default=_KINDS, validator=_known)
    seed: int = 0
    first: int | None = None
    only_pages: Sequence[int] | None = None
    slow_s: float = 0.5


@attrs.define(eq=False)
class FaultPlan:
    """Hands out the fault of one request after the other."""

    faults: Faults | None
    _candidates: int = attrs.field(init=False, default=0)

    def next(self, page: int | None) -> FaultKind | None:
        """Return how the next request fails, None when it does not.

        Args:
            page: the page it asks for; None when it does not ask for one.

        """
        faults = self.faults
        if faults is None:
            return None
        if faults.only_pages is not None and page not in faults.only_pages:
            return None
        self._candidates += 1
        if faults.first is not None:
            if self._candidates > faults.first:
                return None
            return faults.kinds[(self._candidates - 1) % len(faults.kinds)]
        chance = Random(f"{faults.seed}:{self._candidates}")
        return chance.choice(list(faults.kinds)) if chance.random() < faults.rate else None
