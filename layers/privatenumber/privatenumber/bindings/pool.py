"""How full an application's pool is: by city, by state, by X, and for the people who stand on many X.

Every number is read by rank, which is a hash of X: where a pool is too large to read each counter, those read
first are a fair sample, and the answer says that it is one. Nothing here grows with the number of bindings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.model import State
from privatenumber.bindings.refusals import numbers_needed
from privatenumber.bindings.rules import capacity
from privatenumber.deadline import Deadline
from privatenumber.settings import Application, Mode
from privatenumber.store.binding_keys import ANYONE, X_INDEX
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.bindings import BindingStore
from privatenumber.store.numbers import NumberState, NumberStore, XNumber
from privatenumber.store.refusals import RefusedCount
from privatenumber.times import Clock, beijing_day, iso, utc_now

MOST_COUNTED: Final = 5000
"""So many counters are read; of a larger pool they are a sample."""

REFUSAL_DAYS: Final = 7
BUSIEST: Final = 10
_PAGE: Final = 200
_PER_READ: Final = 100
_SAMPLED_X: Final = 40
_BINDINGS_PER_X: Final = 25
_SAMPLED_PEOPLE: Final = 200
_RESERVE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """On how many X people stand at the same time, X they left lately and must not come back to included.

    ``people`` counts persons by their number of X; ``most`` the X of the busiest of them by city. `sampled`:
    not everybody was looked at. Then a person counts 1/n of the times he would be met: whoever stands on n
    numbers is met n times as easily.
    """

    people: Mapping[int, float]
    most: int
    most_by_area: Mapping[str, int]
    sampled: bool


@dataclass(frozen=True, slots=True)
class Use:
    """Numbers of a city, or all of them.

    Attributes
    ----------
    states : how many numbers are in each state
    with_room : active numbers that take another binding
    bindings : that stand on the numbers, whatever their state; an estimate where the pool was sampled
    bound : those of them that stand on active numbers
    places : bindings that the active numbers carry at most
    most_of_a_person : active or other X of this city on which the busiest person stands
    """

    states: Mapping[NumberState, int]
    with_room: int
    bindings: int
    places: int
    bound: int
    most_of_a_person: int

    @property
    def active(self) -> int:
        """Numbers that take bindings, as far as their state goes."""
        return self.states.get(NumberState.ACTIVE, 0)

    @property
    def percent(self) -> float:
        """How much of the pool is used up: of its places, or for the person who stands on most of it.

        A person stands on an X once (axb.md §1), so a pool of eight X is used up for a driver with eight
        orders, although nearly all its 40,000 places are free. Without an active number it is 100.
        """
        if not self.active:
            return 100.0
        places = self.bound / self.places if self.places else 1.0
        return round(100 * min(1.0, max(places, self.most_of_a_person / self.active)), 1)

    @property
    def left(self) -> int:
        """X that still take a binding of the busiest person."""
        return max(0, self.with_room - self.most_of_a_person)


@dataclass(frozen=True, slots=True)
class PoolReport:
    """The pool of one application at one moment; ``sampled``: counters of some numbers stand for all."""

    application: str
    mode: Mode
    at: datetime
    total: Use
    cities: Mapping[str, Use]
    busiest: tuple[XNumber, ...]
    crowd: Crowd
    sampled: bool
    refusals: tuple[RefusedCount, ...]
    """Of the last seven Beijing days, summed by city and reason."""
    needed: Mapping[str | None, int]
    """X that are missing by city (None: any city would have done), by today's and yesterday's refusals."""


class PoolInsight:
    """Looks at pools; `applications` gives the configured ones by id."""

    def __init__(
        self,
        numbers: NumberStore,
        bindings: BindingStore,
        search: BindingSearch,
        applications: Callable[[], Mapping[str, Application]],
        clock: Clock = utc_now,
    ) -> None:
        self._numbers = numbers
        self._bindings = bindings
        self._search = search
        self._applications = applications
        self._clock = clock

    def report(self, application_id: str, *, deadline: Deadline) -> PoolReport:
        """Look at one pool; raises InvalidRequest for an application that is not configured.

        Costs 4.5 read units per 200 numbers, one for each of at most `MOST_COUNTED` counters, and at most
        about 1,500 for the sample of people. Whatever the deadline leaves no time for becomes a sample.
        """
        application = self._applications().get(application_id)
        if application is None:
            raise InvalidRequest("application", "is not configured")
        numbers = list(self._walk(application.id))
        counted = self._counted(numbers, deadline)
        crowd = self._crowd(
            application.id, list(counted.values()), deadline, complete=len(counted) == len(numbers)
        )
        most = capacity(application.mode, application.axe_digits)
        areas = sorted({number.area_code for number in numbers})
        by_area = {
            area: _use(
                [n for n in numbers if n.area_code == area], counted, most, crowd.most_by_area.get(area, 0)
            )
            for area in areas
        }
        refusals = self._refusals(application.id)
        return PoolReport(
            application=application.id,
            mode=application.mode,
            at=self._clock(),
            total=_use(numbers, counted, most, crowd.most),
            cities=by_area,
            busiest=tuple(sorted(counted.values(), key=lambda one: (-one.pairs, one.rank))[:BUSIEST]),
            crowd=crowd,
            sampled=len(counted) < len(numbers),
            refusals=_summed(refusals),
            needed=_needed(refusals[:2], most),
        )

    def _walk(self, application: str) -> Iterator[XNumber]:
        """Every number of the application but returned ones, without its counter."""
        after: str | None = None
        while True:
            page = self._numbers.page(application, limit=_PAGE, after=after)
            yield from (number for number in page.numbers if number.state is not NumberState.RETIRED)
            if page.next_rank is None:
                return
            after = page.next_rank

    def _counted(self, numbers: Sequence[XNumber], deadline: Deadline) -> dict[str, XNumber]:
        """The first numbers by rank with their counters, as many as may be read."""
        found: dict[str, XNumber] = {}
        for start in range(0, min(len(numbers), MOST_COUNTED), _PER_READ):
            if start and deadline.remaining() < _RESERVE_S * 2:
                break
            found |= self._numbers.get_many([number.x for number in numbers[start : start + _PER_READ]])
        return found

    def _crowd(
        self, application: str, counted: Sequence[XNumber], deadline: Deadline, *, complete: bool
    ) -> Crowd:
        """Meet people through the bindings of some numbers, and look where else they stand."""
        occupied = [number for number in counted if number.pairs]
        complete = complete and len(occupied) <= _SAMPLED_X
        tokens: dict[str, None] = {}
        for number in occupied[:_SAMPLED_X]:
            if deadline.remaining() < _RESERVE_S * 2:
                complete = False
                break
            rows = self._search.newest(X_INDEX, "x_key", number.x, limit=_BINDINGS_PER_X, before=None)
            found = self._bindings.get_many([row.binding_id for row in rows]).values()
            living = [item for item in found if not State(str(item["state"])).final]
            complete = complete and (len(rows) < _BINDINGS_PER_X or len(living) == number.pairs)
            tokens.update(dict.fromkeys(token for item in living for token in people_of(item)))
        where: list[frozenset[str]] = []
        now = iso(self._clock())
        for token in islice(tokens, _SAMPLED_PEOPLE):
            if deadline.remaining() < _RESERVE_S:
                break
            where.append(self._bindings.places_of(application, token, now=now))
        sampled = not complete or len(where) < len(tokens)
        areas = {number.x: number.area_code for number in counted}
        return crowd_of(where, areas, sampled=sampled)

    def _refusals(self, application: str) -> list[list[RefusedCount]]:
        """The counts of today and of the days before, each day's apart."""
        today = beijing_day(self._clock())
        days = [today - timedelta(days=back) for back in range(REFUSAL_DAYS)]
        return [self._numbers.refusals.of_day(application, day) for day in days]


def crowd_of(where: Iterable[frozenset[str]], areas: Mapping[str, str], *, sampled: bool) -> Crowd:
    """Count people by the number of X they stand on; ``areas`` are the cities of X, as far as known."""
    people: dict[int, float] = {}
    most_by_area: dict[str, int] = {}
    for numbers in where:
        if not numbers:
            continue
        size = len(numbers)
        people[size] = people.get(size, 0.0) + (1 / size if sampled else 1.0)
        for area, held in Counter(areas[x] for x in numbers if x in areas).items():
            most_by_area[area] = max(most_by_area.get(area, 0), held)
    return Crowd(dict(sorted(people.items())), max(people, default=0), most_by_area, sampled)


def people_of(item: Mapping[str, Any]) -> Iterator[str]:
    """Tokens of the people who stand on the X of a binding's item."""
    yield str(item["a_token"])
    if item.get("b_token"):
        yield str(item["b_token"])
    if item["mode"] != Mode.AXYB.value:
        yield from (str(one["token"]) for one in item.get("partners", ()) if one["token"] != ANYONE)


def _use(numbers: Sequence[XNumber], counted: Mapping[str, XNumber], most: int, most_of_a_person: int) -> Use:
    active = [number for number in numbers if number.state is NumberState.ACTIVE]
    return Use(
        states=Counter(number.state for number in numbers),
        with_room=sum(number.has_room for number in active),
        bindings=_estimated(numbers, counted),
        places=len(active) * most,
        bound=_estimated(active, counted),
        most_of_a_person=most_of_a_person,
    )


def _estimated(numbers: Sequence[XNumber], counted: Mapping[str, XNumber]) -> int:
    """Bindings on some numbers; those whose counter was not read count as the others do on the average."""
    known = [counted[number.x].pairs for number in numbers if number.x in counted]
    return round(sum(known) * len(numbers) / len(known)) if known else 0


def _summed(days: Iterable[Sequence[RefusedCount]]) -> tuple[RefusedCount, ...]:
    """The counts of some days by city and reason; ``most`` is that of the worst day."""
    sums: dict[tuple[str, str], RefusedCount] = {}
    for count in (count for day in days for count in day):
        key = (count.area or "", count.reason)
        before = sums.get(key, RefusedCount(count.area, count.reason, 0, 0))
        sums[key] = replace(
            before,
            attempts=before.attempts + count.attempts,
            orders=before.orders + count.orders,
            most=max(before.most, count.most),
        )
    return tuple(sums[key] for key in sorted(sums))


def _needed(days: Iterable[Sequence[RefusedCount]], most: int) -> dict[str | None, int]:
    needed: dict[str | None, int] = {}
    for day in days:
        for area in {count.area for count in day}:
            number = numbers_needed((count for count in day if count.area == area), most)
            if number:
                needed[area] = max(needed.get(area, 0), number)
    return needed
