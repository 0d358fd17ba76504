"""Choosing X: a number of the application with room, on which none of these people stands.

The cost does not grow with the pool, nor with how full it is: the walk reads numbers with room only, starts
at a random rank and ends at the first that fit, after a bounded number of pages at the latest. The
transaction that takes the places checks everything again.
"""

from __future__ import annotations

import random as chance
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from privatenumber.bindings.errors import InvalidRequest, PoolEmpty, PoolReason
from privatenumber.bindings.model import Spread
from privatenumber.bindings.rules import AXB_PAIRS
from privatenumber.phone_areas import AREA_PROVINCES
from privatenumber.store.numbers import NumberState, NumberStore, XNumber

ENOUGH: Final = 20
"""Chance decides among so many candidates, so that a pool of few numbers is used evenly."""

MAX_PAGES: Final = 6
MAX_CITIES: Final = 5
"""Fallback cities of one request, `PROVINCE` and `ANY` included."""

PROVINCE: Final = "province"
ANY: Final = "any"

_COMPARED: Final = 5
"""Of so many candidates the least loaded is taken: nearly as even as comparing all, at a bounded cost."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which X would do: exactly ``x``, or one of the city ``area``, else of the fallback ``cities`` in turn.

    A fallback is a city code, `PROVINCE` (the other cities of the province of ``area``) or `ANY`. Without an
    ``area`` every city does. ``prefer`` is taken before all others if it has room. ``capacity`` is how many
    bindings an X may carry.
    """

    application: str
    area: str | None = None
    cities: tuple[str, ...] = ()
    x: str | None = None
    capacity: int = AXB_PAIRS
    prefer: str | None = None
    spread: Spread = Spread.RANDOM

    def turns(self) -> Iterator[str | None]:
        """City codes in the order in which they are asked for; None stands for every city."""
        if self.area is None:
            yield None
            return
        yield self.area
        for city in self.cities:
            if city == PROVINCE:
                yield from _neighbours(self.area)
            else:
                yield None if city == ANY else city


def choose(numbers: NumberStore, wish: Wish, *, taken: Collection[str], random: chance.Random) -> XNumber:
    """Choose an X that is not ``taken``.

    Raises PoolEmpty with the reason, InvalidRequest for a named X that the application does not have.
    """
    if wish.x is not None:
        return _named(numbers, wish, taken)
    if wish.prefer and wish.prefer not in taken:
        preferred = numbers.get(wish.prefer)
        if preferred and _fits(preferred, wish):
            return preferred
    crowded = False
    for area in wish.turns():
        candidates, usable = _candidates(numbers, wish, area, taken, random)
        crowded = crowded or usable
        number = _best(numbers, wish, candidates, random)
        if number:
            return number
    raise PoolEmpty(PoolReason.CONFLICT if crowded else _why(numbers, wish))


def choose_extension(taken: Collection[str], digits: int, random: chance.Random) -> str | None:
    """Choose free digits of an X, leading zeros included; None when all are taken (axe.md §1.1)."""
    most = 10**digits - 1
    if len(taken) >= most:
        return None
    while True:
        extension = f"{random.randint(1, most):0{digits}d}"
        if extension not in taken:
            return extension


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
) -> tuple[list[str], bool]:
    """Return numbers that fit by the index, and whether there were usable ones at all."""
    start = f"{random.getrandbits(32):08x}"
    found: list[str] = []
    usable = False
    for page in islice(numbers.room.walk(wish.application, area_code=area, start=start), MAX_PAGES):
        usable = usable or bool(page)
        found += [candidate.x for candidate in page if candidate.x not in taken]
        if len(found) >= ENOUGH:
            break
    return found, usable


def _best(numbers: NumberStore, wish: Wish, candidates: list[str], random: chance.Random) -> XNumber | None:
    """Take one of the candidates; each is read again, because the index is a moment behind."""
    random.shuffle(candidates)
    if wish.spread is Spread.LEAST_LOADED:
        compared = numbers.get_many(candidates[:_COMPARED]).values()
        fitting = [number for number in compared if _fits(number, wish)]
        return min(fitting, key=lambda number: number.pairs, default=None)
    for x in candidates[:_COMPARED]:
        number = numbers.get(x)
        if number and _fits(number, wish):
            return number
    return None


def _fits(number: XNumber, wish: Wish) -> bool:
    mine = number.application == wish.application and number.state is NumberState.ACTIVE
    return mine and number.pairs < wish.capacity


def _neighbours(area: str) -> Iterator[str]:
    province = AREA_PROVINCES.get(area)
    return (code for code, its in AREA_PROVINCES.items() if its == province and code != area)


def _why(numbers: NumberStore, wish: Wish) -> PoolReason:
    """Why nobody had room, seen from the last city that was asked for."""
    *_, area = wish.turns()
    if not numbers.page(wish.application, limit=1).numbers:
        return PoolReason.EMPTY
    if area and not numbers.page(wish.application, area_code=area, limit=1).numbers:
        return PoolReason.CITY
    if not numbers.page(wish.application, area_code=area, state=NumberState.ACTIVE, limit=1).numbers:
        return PoolReason.SUSPENDED
    return PoolReason.FULL
