"""What a vendor allows: requests a second, and how long an answer takes."""

from __future__ import annotations

from random import Random

import attrs

__all__ = ["Latency", "TokenBucket"]


@attrs.define(eq=False)
class TokenBucket:
    """Allows `burst` requests at once and `rate_per_s` more every second.

    Args:
        rate_per_s: refill; None means that everything is allowed.
        burst: the most that can be saved up.

    Raises:
        ValueError: rate or burst is not positive.

    """

    rate_per_s: float | None = attrs.field(
        validator=attrs.validators.optional(attrs.validators.gt(0))
    )
    burst: int = attrs.field(validator=attrs.validators.ge(1))
    _tokens: float = attrs.field(init=False, default=0.0)
    _at_s: float | None = attrs.field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        """Start with a full bucket."""
        self._tokens = float(self.burst)

    def take(self, now_s: float) -> bool:
        """Tell whether one more request is allowed at this moment, and count it if so."""
        if self.rate_per_s is None:
            return True
        if self._at_s is not None:
            gained = (now_s - self._at_s) * self.rate_per_s
            self._tokens = min(float(self.burst), self._tokens + gained)
        self._at_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@attrs.define(eq=False)
class Latency:
    """Draws how long an answer takes.

    Args:
        latency_s: seconds, or the least and the most of an even distribution.
        seed: decides the draws.

    """

    latency_s: float | tuple[float, float]
    seed: int
    _chance: Random = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Seed the draws."""
        self._chance = Random(self.seed)

    def draw(self) -> float:
        """Return the seconds that the next answer takes."""
        if isinstance(self.latency_s, tuple):
            return self._chance.uniform(*self.latency_s)
        return self.latency_s

    def share(self, wanted: float | None) -> float:
        """Return `wanted`, or a random number from 0 to 1 when it is None."""
        return self._chance.random() if wanted is None else wanted
