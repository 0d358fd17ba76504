"""How many X a pool needs: past bindings replayed against pools of growing size.

Pure and deterministic from a seed. A replay keeps the two rules by which a real pool refuses: a person stands
on an X at most once (axb.md §1), and an X carries so many bindings (numbers.md §4). As in `choose`, chance
takes one of the numbers that would do. A refused binding takes no place and does not come back.
"""

from __future__ import annotations

import heapq
import math
import random as chance
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

REPLAYS: Final = 3
"""A size is enough when none of so many replays refuses more than allowed."""

_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Past:
    """A binding that was: from when to when its people stood on an X of a city. ``people`` are tokens."""

    area: str
    starts_at: datetime
    ends_at: datetime
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """Numbers of one city.

    Attributes
    ----------
    bindings : that were replayed, grown ones included
    at_a_time : most of them that lived at the same time
    busiest : most bindings that one person had at the same time
    least : fewer numbers would have refused somebody, whatever chance had chosen
    numbers : the smallest pool whose replays refused no more than was allowed
    most : with so many numbers nobody is refused, whatever chance chooses
    """

    bindings: int
    at_a_time: int
    busiest: int
    least: int
    numbers: int
    most: int


def forecast(
    history: Iterable[Past], *, capacity: int, refusals: float = 0.0, growth: float = 1.0, seed: int = 0
) -> dict[str, Forecast]:
    """Say for each city how many X it needs so that at most a share ``refusals`` of its binds is refused.

    ``growth`` is how many times as many bindings there will be; see `grown`.
    """
    by_area: dict[str, list[Past]] = {}
    for past in history:
        if past.ends_at > past.starts_at and past.people:
            by_area.setdefault(past.area, []).append(past)
    return {
        area: _of_city(grown(its, growth, seed), capacity, refusals, seed)
        for area, its in sorted(by_area.items())
    }


def grown(history: Sequence[Past], growth: float, seed: int = 0) -> list[Past]:
    """As many bindings as ``growth`` says: the same first people with further others opposite.

    Each binding is repeated at a moment within its own life, so that peaks grow. That is the harder way to
    grow: new people on both sides would crowd nobody. With less than 1 some bindings are left out.
    """
    random = chance.Random(f"{seed}:grown")  # noqa: S311 - a simulation
    found: list[Past] = []
    for past in sorted(history, key=_order):
        share = random.random()
        shift = (past.ends_at - past.starts_at) * random.random()
        copies = range(math.floor(growth) + (share < growth - math.floor(growth)))
        found += (past if copy == 0 else _repeated(past, copy, shift / copy) for copy in copies)
    return found


def _repeated(past: Past, copy: int, shift: timedelta) -> Past:
    first, *others = past.people
    people = (first, *(f"{other}+{copy}" for other in others))
    return replace(past, starts_at=past.starts_at + shift, ends_at=past.ends_at + shift, people=people)


def _of_city(history: Sequence[Past], capacity: int, refusals: float, seed: int) -> Forecast:
    ordered = sorted(history, key=_order)
    found = _bounds(ordered, capacity)
    allowed = math.floor(refusals * len(ordered))
    for numbers in range(1 if allowed else found.least, found.most):
        if all(
            _is_enough(ordered, numbers, capacity, allowed, chance.Random(f"{seed}:{numbers}:{replay}"))  # noqa: S311
            for replay in range(REPLAYS)
        ):
            return replace(found, numbers=numbers)
    return found


def _bounds(ordered: Sequence[Past], capacity: int) -> Forecast:
    """What holds whatever chance chooses; ``numbers`` is the upper bound here.

    A binding finds every X taken at worst where each one carries somebody else of its people, or is full.
    """
    bindings_of: Counter[str] = Counter()
    at_a_time = busiest = most = total = 0
    for past, ended in _lives(ordered):
        for gone in ended:
            bindings_of.subtract(set(ordered[gone].people))
        total -= len(ended)
        people = set(past.people)
        most = max(most, sum(bindings_of[who] for who in people) + total // capacity + 1)
        bindings_of.update(people)
        total += 1
        at_a_time = max(at_a_time, total)
        busiest = max(busiest, *(bindings_of[who] for who in people))
    least = max(busiest, math.ceil(at_a_time / capacity))
    return Forecast(len(ordered), at_a_time, busiest, least, most, most)


def _is_enough(
    ordered: Sequence[Past], numbers: int, capacity: int, allowed: int, random: chance.Random
) -> bool:
    """Replay a history against so many numbers, as long as it refuses no more than allowed."""
    load = [0] * numbers
    stands: dict[str, set[int]] = {}
    chosen: list[int | None] = []
    refused = 0
    for past, ended in _lives(ordered):
        for gone in ended:
            left = chosen[gone]
            if left is not None:
                load[left] -= 1
                for who in ordered[gone].people:
                    stands[who].discard(left)
        taken = set[int]().union(*(stands.get(who, ()) for who in past.people))
        x = _chosen(load, taken, capacity, random)
        chosen.append(x)
        if x is None:
            refused += 1
            if refused > allowed:
                return False
            continue
        load[x] += 1
        for who in past.people:
            stands.setdefault(who, set()).add(x)
    return True


def _chosen(load: Sequence[int], taken: set[int], capacity: int, random: chance.Random) -> int | None:
    for _ in range(_TRIES):
        x = random.randrange(len(load))
        if x not in taken and load[x] < capacity:
            return x
    free = [x for x, carries in enumerate(load) if carries < capacity and x not in taken]
    return random.choice(free) if free else None


def _lives(ordered: Sequence[Past]) -> Iterator[tuple[Past, list[int]]]:
    """Each binding as it begins, with the places in the order of those that ended before."""
    living: list[tuple[datetime, int]] = []
    for n, past in enumerate(ordered):
        ended = []
        while living and living[0][0] <= past.starts_at:
            ended.append(heapq.heappop(living)[1])
        yield past, ended
        heapq.heappush(living, (past.ends_at, n))


def _order(past: Past) -> tuple[datetime, datetime, tuple[str, ...]]:
    return past.starts_at, past.ends_at, past.people
