"""Seeded numbers: the same seed gives the same rows, whatever order they are asked for in."""

from __future__ import annotations

from array import array
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["even_places", "scramble", "seeded_instants"]

_MASK = (1 << 64) - 1


def scramble(seed: int, number: int) -> int:
    """Return 64 well mixed bits of a seed and a number (the finaliser of SplitMix64)."""
    mixed = (seed * 0xD1342543DE82EF95 + (number + 1) * 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)


def seeded_instants(
    count: int,
    *,
    first: int,
    last: int,
    step: int,
    seed: int,
    on_one_instant: int = 0,
    twins: Sequence[int] = (),
) -> array[int]:
    """Return ascending instants between `first` and `last`, both included, in microseconds.

    Args:
        count: how many.
        first: earliest possible instant.
        last: latest possible instant.
        step: all instants are multiples of this many microseconds.
        seed: decides them.
        on_one_instant: so many neighbours in the middle share one instant.
        twins: positions whose row takes the instant of the row before.

    Raises:
        ValueError: there is no multiple of `step` between the bounds.

    """
    low, high = -(-first // step), last // step
    if low > high:
        msg = "the time span holds no timestamp"
        raise ValueError(msg)
    width = high - low + 1
    draw = Random(seed).random
    instants = array("q", sorted((low + int(draw() * width)) * step for _ in range(count)))
    shared = min(on_one_instant, count)
    if shared:
        begin = (count - shared) // 2
        instants[begin : begin + shared] = array("q", [instants[begin + shared // 2]] * shared)
    for position in twins:
        instants[position] = instants[position - 1]
    return instants


def even_places(count: int, pairs: int, page_size: int, *, newest_first: bool) -> list[int]:
    """Return the second positions of `pairs` separate neighbours, spread evenly.

    Every other pair is moved across the nearest page edge, where its distance to the next pair
    allows it.

    Raises:
        ValueError: there are fewer than four positions a pair.

    """
    if pairs * 4 > count:
        msg = f"{pairs} pairs of twins need at least {pairs * 4} rows"
        raise ValueError(msg)
    chosen: list[int] = []
    for pair in range(pairs):
        place = pair * count // pairs + 1
        if pair % 2 == 0:
            rank = count - place if newest_first else place
            edge = max(1, round(rank / page_size)) * page_size
            across = count - edge if newest_first else edge
            if 1 <= across < count and abs(across - place) <= count // pairs - 2:
                place = across
        chosen.append(place)
    return chosen
