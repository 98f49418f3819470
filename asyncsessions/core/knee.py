"""How many requests in flight are enough: arithmetic over latencies that the caller brings along.

A server that works on K requests at a time answers no more of them a second when it is sent more:
those wait in its queue, and all take longer (Little's law: in flight = answers a second times
latency).  That knee is looked for by trial.  When answers take twice as long as the quickest, the
number in flight is cut to where the queue would be empty, but at most by half.  If it was a queue,
the answers come sooner, and the lower number stays.  If not, the server is slow for reasons of its
own: the number is put back, and what is usual is learnt anew.  So a constant latency, noise or a
slower network cost no more than a moment at a lower number, and that less and less often.  A queue
of less than ``SHORTEST_S`` hurts nobody, and may be one of our own: it is left alone.

The quickest answers may have waited too, where many requests went out from the start.  Therefore a
somewhat lower number is tried now and then, less and less often, without any suspicion.

The number grows by a quarter each round while nothing waits.  While something does, an eighth more
is a trial as well: it stays if the latency does not follow.  Only a number that is fully used grows,
since a limit that nobody touches proves nothing.
"""

from __future__ import annotations

from math import inf

__all__ = ["Knee"]

SHORTEST_S = 0.05
TOO_LONG = 2.0  # times the quickest
NO_QUEUE = 1.25  # times the quickest
DRAINED = 0.8  # of what the quickest latency has room for, so that the queue is empty for once
DEEPEST_CUT = 0.5
GENTLE_CUT = 0.75
FOLLOWED, STAYED = 0.7, 0.4  # of the way that a queue would have gone
LEARNING = 0.25  # of the way down to a quicker answer, which may have been luck
FEWEST = 16  # answers
PATIENCE, LONGEST_PATIENCE = 2, 32  # rounds: a few may have met a hiccup
FIRST_LOOK, LAST_LOOK = 16, 1024  # rounds until a lower number is tried without a suspicion
GROWTH, CAREFUL_GROWTH = 1.25, 1.125
REST = 2  # rounds between careful growths


class Knee:
    """The limit that latencies set to the requests in flight.  Times are seconds of one clock.

    A *round* is as many answers as may be in flight, and at least ``FEWEST``.  ``most`` is where
    the limit begins and what it never exceeds.
    """

    def __init__(self, most: int) -> None:
        self.limit = most
        self._most = most
        self._quickest_s = inf
        self._latencies: list[float] = []
        self._in_flight = 0  # the sum over the answers of this round
        self._answers = max(FEWEST, most)
        self._changed_at = -inf
        self._left_out = 0  # answers that are still to be left out
        self._rest = 0
        self._suspicions = 0
        self._patience = PATIENCE
        self._next_look = self._looks_every = FIRST_LOOK
        self._trial: tuple[int, int, float] | None = None  # from, to, the latency before

    def answered(self, now: float, *, sent_at: float, in_flight: int) -> None:
        """A request succeeded; ``in_flight`` counts it as well."""
        if self._left_out:
            if sent_at > self._changed_at:  # else it met another number in flight
                self._left_out -= 1
            return
        latencies = self._latencies
        latencies.append(now - sent_at)
        self._in_flight += in_flight
        if len(latencies) >= self._answers:
            self._end_round(now)
        elif self._quickest_s == inf:
            self._quickest_s = now - sent_at

    def _end_round(self, now: float) -> None:
        in_flight = self._in_flight / self._answers
        latency_s = _middle(self._latencies)
        self._begin_round()
        if self._trial is not None:
            self._conclude(now, latency_s, *self._trial)
            return
        if latency_s < self._quickest_s:
            self._quickest_s -= LEARNING * (self._quickest_s - latency_s)
        if 2 * in_flight < self.limit:
            self._suspicions = 0  # what takes long then is no crowd of ours
        else:
            self._look(now, latency_s)
        if in_flight > self.limit - 1 and self._trial is None and not self._suspicions:
            self._grow(now, latency_s)

    def _look(self, now: float, latency_s: float) -> None:
        """Try a lower number where the latency is suspicious, or where it is time to."""
        if self._is_long(latency_s):
            self._suspicions += 1
            if self._suspicions > self._patience:
                self._try(now, latency_s, self._drained(latency_s))
            return
        self._suspicions = 0
        if latency_s > TOO_LONG * SHORTEST_S:
            self._next_look -= 1
            if self._next_look < 0:
                self._try(now, latency_s, int(GENTLE_CUT * self.limit))

    def _is_long(self, latency_s: float) -> bool:
        return latency_s > TOO_LONG * self._usual_s

    @property
    def _usual_s(self) -> float:
        return max(self._quickest_s, SHORTEST_S)

    def _drained(self, latency_s: float) -> int:
        """Return how many a server without a queue has in flight."""
        share = DRAINED * self._usual_s / latency_s
        return int(self.limit * min(max(share, DEEPEST_CUT), GENTLE_CUT))

    def _try(self, now: float, latency_s: float, number: int) -> None:
        """Set another number, to see whether the latency follows."""
        if not number:  # a request that is alone waits for none of ours
            self._quickest_s, self._suspicions = latency_s, 0
            return
        self._trial = self.limit, number, latency_s
        self._change(now, number)

    def _conclude(self, now: float, latency_s: float, old: int, new: int, before_s: float) -> None:
        """Keep the lower number if the latency followed, else the higher one."""
        self._trial, self._suspicions = None, 0
        way = (latency_s - before_s) / (before_s * new / old - before_s)
        if new > old:
            self._rest = REST
            if way >= FOLLOWED:
                self._change(now, old)
        elif way >= FOLLOWED:
            self._quickest_s = min(self._quickest_s, latency_s)
            self._patience = max(PATIENCE, self._patience // 2)
            if self._is_long(latency_s):
                self._try(now, latency_s, self._drained(latency_s))
        else:
            if way <= STAYED:
                self._quickest_s = latency_s
            self._patience = min(2 * self._patience, LONGEST_PATIENCE)
            self._looks_every = min(2 * self._looks_every, LAST_LOOK)
            self._next_look = self._looks_every
            self._change(now, old)

    def _grow(self, now: float, latency_s: float) -> None:
        if self.limit == self._most:
            return
        if latency_s <= NO_QUEUE * self._quickest_s:
            more = max(self.limit + 1, int(GROWTH * self.limit))
            self._change(now, min(self._most, more))
        elif self._rest:
            self._rest -= 1
        else:
            more = max(self.limit + 1, int(CAREFUL_GROWTH * self.limit))
            self._try(now, latency_s, min(self._most, more))

    def _change(self, now: float, limit: int) -> None:
        """Set the number, and leave out a round: of those sent together the quick come first."""
        self.limit = self._left_out = limit
        self._changed_at = now
        self._begin_round()

    def _begin_round(self) -> None:
        self._latencies.clear()
        self._in_flight = 0
        self._answers = max(FEWEST, self.limit)


def _middle(latencies: list[float]) -> float:
    """Return the mean of the middle half: unlike the median it is smooth, and hiccups are out."""
    quarter = len(latencies) // 4
    middle = sorted(latencies)[quarter : len(latencies) - quarter]
    return sum(middle) / len(middle)
