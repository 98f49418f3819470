"""How fast to send and how often to repeat: arithmetic over times that the caller brings along.

**Rate.**  A 429 says that requests come too fast.  What just worked is known: the successes of
the last second.  The rate becomes 0.95 of that, later 0.95 of itself, and every success raises it
a little, the more the longer none was refused, so that the pace hangs just below the limit and
soon finds a higher one.  Two refusals with next to no success in between mean that what worked was
saved up by the vendor (a token bucket): then the rate falls further.  A handful of successes says
little about what is allowed: then the rate rises fast.  Requests that were under way when the rate
was cut may be refused as well; those echoes say nothing new.  If nothing succeeded lately, or since
the last cut (a vendor that counts by the calendar second), it is shut: one request probes after
``Retry-After``, all others wait for what it brings.  A rate that nobody waits for does not grow:
it proves nothing.

**Concurrency.**  A 503 says that too much is going on at once: of the requests that were under way
together, each one refused was one too many; but as many as succeeded within the last latency were
worked on at once (Little's law), and are not too many.  After a while of calm the number grows again, by one
a round trip while it is fully used.  Latency sets a limit of its own, see :mod:`core.knee`; the
lower one holds.

**Retries** draw on one budget, so that an outage costs a handful of requests, however many pages
were under way (as in the AWS SDKs' standard retry mode, with smaller numbers).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import exp2, inf
from typing import Any

from attrs import Attribute, define, field, frozen

from asyncsessions.core.knee import Knee
from asyncsessions.errors import ConfigurationError

__all__ = ["Pace", "Retry", "RetryBudget"]

WINDOW_S = 1.0
LONGEST_WINDOW_S = 5.0
GOOD_SAMPLE = 10  # successes
SHORTEST_SAMPLE_S = 0.05
CUT = 0.95
DEEP_CUT = 0.85
FEW = 3  # successes
HOPE = 1.6  # times what works: a rate above that was never used
GROWTH = 0.05  # requests a second for each success: 5 % a second at any rate
SMALLEST_STEP = 1 / 800  # of the rate, for slow vendors: a refusal among five requests is too often
LARGEST_STEP = 0.1  # of the rate
DOUBLING_S = 0.25
DOUBLING_REQUESTS = 20
HEAD_START = 6  # doublings
HOLD_S = 0.5
SHORTEST_PROBE_S = 0.2
LONGEST_PROBE_S = 20.0
PROBE_GROWTH = 3  # eight probes span more than a minute, the coarsest limit that is usual
LATE_S = 0.005
SLOWEST = 0.2  # requests a second: below that a probe every five seconds is as good


def _at_least(bound: int) -> Callable[[Any, Attribute[Any], Any], None]:
    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not bound <= value < inf:
            raise ConfigurationError(
                f"Retry: {attribute.name} must be a number of at least {bound}"
            )

    return check


@frozen(kw_only=True)
class Retry:
    """How often a request is repeated, and how long we wait in between.

    ``attempts`` counts the first one too.  The wait before attempt n+1 is drawn evenly from 0 to
    ``min(max_backoff_s, backoff_s * 2**(n-1))`` seconds (full jitter); ``Retry-After`` is honoured
    on top of that, and ends the retries if it is longer than ``max_retry_after_s``.  ``budget``
    tokens are shared by all requests of a client: a retry takes one, a success gives ``refill``
    back.  Raises :class:`ConfigurationError` for values that cannot be.
    """

    attempts: int = field(default=8, validator=_at_least(1))
    backoff_s: float = field(default=0.25, validator=_at_least(0))
    max_backoff_s: float = field(default=10.0, validator=_at_least(0))
    max_retry_after_s: float = field(default=120.0, validator=_at_least(0))
    budget: float = field(default=10.0, validator=_at_least(0))
    refill: float = field(default=0.5, validator=_at_least(0))

    def wait_s(self, failures: int, *, retry_after_s: float | None, chance: float) -> float:
        """Return the seconds to wait after so many failures; ``chance`` is drawn from [0, 1)."""
        ceiling = min(self.max_backoff_s, self.backoff_s * 2.0 ** min(failures - 1, 60))
        return (retry_after_s or 0.0) + chance * ceiling


@define
class RetryBudget:
    """The retries that a client may still make."""

    policy: Retry
    tokens: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tokens = self.policy.budget

    def take(self) -> bool:
        """Pay for a retry; false if there is not enough left."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def success(self) -> None:
        """A request succeeded, repeated or not."""
        self.tokens = min(self.policy.budget, self.tokens + self.policy.refill)


class Pace:
    """The pace of one client.  All times are seconds of one steady clock.

    ``concurrency`` is the most requests in flight, ``requests_per_second`` the highest rate;
    ``None`` = no limit but the vendor's.
    """

    def __init__(self, concurrency: int, requests_per_second: float | None = None) -> None:
        self.concurrency = concurrency
        self.highest_rate = requests_per_second
        self.rate: float | None = requests_per_second
        self._successes: deque[float] = deque()
        self._tidy_at = GOOD_SAMPLE
        self._first_sent: float | None = None
        self._next_send = 0.0
        self._waited_for = -inf
        self._rate_cut_at = -inf
        self._calm_since = 0.0
        self._since_cut = 0
        self._head_start = 0
        self._probe_at: float | None = None
        self._probe_wait_s = SHORTEST_PROBE_S
        self._probe_sent_at = 0.0
        self._probing = False
        self._limit = float(concurrency)
        self._overload_cut_at = -inf
        self._crowd = concurrency
        self._worked_at_once = 0
        self._latency_s = 0.0
        self._knee = Knee(concurrency)

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        if self._probing:
            return 1
        limit, for_latency = int(self._limit), self._knee.limit
        return min(for_latency, limit)

    def wait_s(self, now: float) -> float:
        """Return how long the next request has to wait, in seconds; 0 = it may go.

        To be asked for a request that could go otherwise: whoever is told to wait uses the rate.
        """
        if self.rate is None:
            return 0.0
        wait_s = (self._next_send if self._probe_at is None else self._probe_at) - now
        if wait_s <= 0:
            return 0.0
        self._waited_for = now + wait_s
        return wait_s

    def sent(self, now: float) -> None:
        """A request was sent."""
        if self._first_sent is None:
            self._first_sent = now
        if self._probe_at is not None:
            self._probe_at, self._probing, self._probe_sent_at = None, True, now
        if self.rate is not None:
            if now > self._waited_for + WINDOW_S:
                self._calm_since = now  # what is not tried is not calm
            # A timer that fired late is made up for, but not where the caller set the rate.
            earliest = now if self.highest_rate is not None else now - LATE_S
            self._next_send = max(earliest, self._next_send) + 1.0 / self.rate

    def succeeded(self, now: float, *, in_flight: int, sent_at: float | None = None) -> None:
        """An answer arrived; ``in_flight`` counts it as well.

        ``sent_at`` is when it was let go; ``None`` = unknown: nothing is learned of the latency.
        """
        if sent_at is not None:
            self._latency_s = now - sent_at
            self._knee.answered(now, sent_at=sent_at, in_flight=in_flight)
        successes = self._successes
        successes.append(now)
        if len(successes) >= self._tidy_at:
            self._forget(now)
            self._tidy_at = 2 * len(successes) + GOOD_SAMPLE
        if self._rate_cut_at > -inf:
            self._since_cut += 1
            self._probing = False
            self._probe_wait_s = SHORTEST_PROBE_S
            if now <= self._waited_for + WINDOW_S:
                self._speed_up(now)
        limit = self._limit
        is_full = limit < self.concurrency and in_flight >= int(limit)
        if is_full and now >= self._overload_cut_at + HOLD_S:
            self._limit = min(float(self.concurrency), limit + 1.0 / limit)

    def failed(self) -> None:
        """An answer failed in a way that says nothing about the pace."""
        self._probing = False

    def refused(self, now: float, *, sent_at: float, retry_after_s: float | None) -> bool:
        """A 429 arrived; false if it is the echo of a refusal that was acted upon already."""
        was_probe = self._probing and sent_at >= self._probe_sent_at
        if sent_at <= self._rate_cut_at and not was_probe:
            return False
        self._probing = False
        self._forget(now)
        if self._successes and self._successes[-1] > self._rate_cut_at:
            self._slow_down(now)
        else:
            if not was_probe:
                self.rate = self._allowed((self.rate or self.concurrency) / 2)
                self._head_start = HEAD_START
            probe_at = now + max(retry_after_s or 0.0, self._probe_wait_s)
            self._probe_at = max(probe_at, self._next_send)
            self._probe_wait_s = min(PROBE_GROWTH * self._probe_wait_s, LONGEST_PROBE_S)
        self._rate_cut_at = self._calm_since = now
        self._since_cut = 0
        assert self.rate is not None
        self._next_send = now + 1.0 / self.rate
        return True

    def overloaded(self, now: float, *, sent_at: float) -> bool:
        """A 503 arrived; false if it came of the same crowd as an earlier one.

        Where nothing succeeded lately there is an outage and no crowd: then it is always true.
        """
        self._probing = False
        is_news = sent_at > self._overload_cut_at
        if is_news:
            self._overload_cut_at = now
            self._crowd = min(int(self._limit), self._knee.limit)
            worked = sum(at > now - self._latency_s for at in self._successes)
            self._worked_at_once = min(worked, self._crowd - 1)
        self._crowd -= 1
        self._limit = max(1.0, min(self._limit, max(self._crowd, self._worked_at_once)))
        self._forget(now)
        return is_news or not self._successes or self._successes[-1] <= now - WINDOW_S

    # ------------------------------------------------------------------ the rate

    def _slow_down(self, now: float) -> None:
        """Set the rate below what worked, which may be little because we asked for little."""
        worked = self._worked(now)
        if self.rate is None:
            slower = CUT * worked
        else:
            # Refused again so soon: what worked was saved up by the vendor, and is gone now.
            is_soon = self._since_cut < FEW
            slower = (DEEP_CUT if is_soon else CUT) * min(self.rate, HOPE * worked)
        self.rate = self._allowed(slower)
        self._head_start = HEAD_START if len(self._successes) < GOOD_SAMPLE else 0

    def _allowed(self, rate: float) -> float:
        """Return the rate, but not slower than is of use, and never above the caller's own."""
        highest = self.highest_rate
        return max(SLOWEST, rate) if highest is None else min(max(SLOWEST, rate), highest)

    def _worked(self, now: float) -> float:
        """Return the successes a second, of the whole window or of the last few if that is more."""
        kept = self._successes
        window_s = max(min(WINDOW_S, now - (self._first_sent or 0.0)), now - kept[0])
        lately_s = now - kept[-min(GOOD_SAMPLE, len(kept))]
        lately = min(GOOD_SAMPLE, len(kept)) / max(lately_s, SHORTEST_SAMPLE_S)
        whole = len(kept) / max(window_s, SHORTEST_SAMPLE_S)
        return max(whole, lately) if len(kept) >= GOOD_SAMPLE else whole

    def _speed_up(self, now: float) -> None:
        """Raise the rate after a success: the more, the longer none was refused."""
        assert self.rate is not None
        doubling_s = max(DOUBLING_S, DOUBLING_REQUESTS / self.rate)
        doublings = min(self._head_start + (now - self._calm_since) / doubling_s, 60.0)
        step = min(GROWTH, SMALLEST_STEP * self.rate) * exp2(doublings)
        self.rate = self._allowed(self.rate + min(step, LARGEST_STEP * self.rate))

    def _forget(self, now: float) -> None:
        """Keep the successes of the window, or a good sample of the last moments if that is more."""
        kept = self._successes
        while kept and kept[0] <= now - WINDOW_S:
            if len(kept) <= GOOD_SAMPLE and kept[0] > now - LONGEST_WINDOW_S:
                return
            kept.popleft()
