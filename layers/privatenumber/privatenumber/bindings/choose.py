"""Choosing X: a number of the application on which neither party stands.

The cost does not grow with the pool: the walk starts at a random rank and ends at the first numbers that fit,
after a bounded number of pages at the latest. The transaction that takes the places checks everything again.
"""

from __future__ import annotations

import random as chance
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from typing import Final

from privatenumber.bindings.errors import InvalidRequest, PoolEmpty, PoolReason
from privatenumber.bindings.rules import AXB_PAIRS
from privatenumber.store.numbers import NumberState, NumberStore, XNumber

ENOUGH: Final = 20
"""Chance decides among so many candidates, so that a pool of few numbers is used evenly."""

MAX_PAGES: Final = 6


@dataclass(frozen=True, slots=True)
class Wish:
    """Which X would do: one of the application, of a city if possible or in any case, or exactly this one.

    ``capacity`` is how many bindings an X may carry.
    """

    application: str
    area: str | None = None
    any_area: bool = False
    x: str | None = None
    capacity: int = AXB_PAIRS


def choose(numbers: NumberStore, wish: Wish, *, taken: Collection[str], random: chance.Random) -> XNumber:
    """Choose an X that is not ``taken``.

    Raises PoolEmpty with the reason, InvalidRequest for a named X that the application does not have.
    """
    if wish.x is not None:
        return _named(numbers, wish, taken)
    areas = [wish.area, None] if wish.area and wish.any_area else [wish.area]
    crowded = False
    for area in areas:
        candidates, usable = _candidates(numbers, wish, area, taken, random)
        if candidates:
            return random.choice(candidates)
        crowded = crowded or usable
    raise PoolEmpty(PoolReason.CONFLICT if crowded else _why(numbers, wish.application, areas[-1]))


def _named(numbers: NumberStore, wish: Wish, taken: Collection[str]) -> XNumber:
    number = numbers.get(wish.x or "")
    if number is None or number.application != wish.application:
        raise InvalidRequest("x", "is not an X number of this application")
    if number.state is not NumberState.ACTIVE:
        raise PoolEmpty(PoolReason.SUSPENDED)
    if number.pairs >= wish.capacity:
        raise PoolEmpty(PoolReason.FULL)
    if number.x in taken:
        raise PoolEmpty(PoolReason.CONFLICT)
    return number


def _candidates(
    numbers: NumberStore, wish: Wish, area: str | None, taken: Collection[str], random: chance.Random
) -> tuple[list[XNumber], bool]:
    """Return numbers that fit, and whether there were usable ones at all."""
    start = f"{random.getrandbits(32):08x}"
    walk = numbers.ring(wish.application, area_code=area, start=start, below_pairs=wish.capacity)
    found: list[XNumber] = []
    usable = False
    for page in islice(walk, MAX_PAGES):
        usable = usable or bool(page)
        found += [number for number in page if number.x not in taken]
        if len(found) >= ENOUGH:
            break
    return found, usable


def _why(numbers: NumberStore, application: str, area: str | None) -> PoolReason:
    if not numbers.page(application, limit=1).numbers:
        return PoolReason.EMPTY
    if area and not numbers.page(application, area_code=area, limit=1).numbers:
        return PoolReason.CITY
    if not numbers.page(application, area_code=area, state=NumberState.ACTIVE, limit=1).numbers:
        return PoolReason.SUSPENDED
    return PoolReason.FULL


def choose_extension(taken: Collection[str], digits: int, random: chance.Random) -> str | None:
    """Choose free digits of an X, leading zeros included; None when all are taken (axe.md §1.1)."""
    most = 10**digits - 1
    if len(taken) >= most:
        return None
    while True:
        extension = f"{random.randint(1, most):0{digits}d}"
        if extension not in taken:
            return extension
