"""What a pool carried lately, read from the numbers' bindings, and what it would need to carry it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.forecast import Forecast, Past, forecast
from privatenumber.bindings.model import State
from privatenumber.bindings.pool import people_of
from privatenumber.bindings.rules import capacity
from privatenumber.deadline import Deadline
from privatenumber.settings import Application
from privatenumber.store.binding_keys import ANYONE, X_INDEX
from privatenumber.store.binding_search import BindingSearch, Position
from privatenumber.store.bindings import BindingStore
from privatenumber.store.numbers import NumberState, NumberStore, XNumber
from privatenumber.times import Clock, from_iso, iso, utc_now

MOST_BINDINGS: Final = 10_000
"""So many bindings are read and replayed; of more, those of the first numbers by rank."""

_PAGE: Final = 100
_NUMBERS_PER_PAGE: Final = 200
_REPLAY_S: Final = 8.0
"""Kept for the replay."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Forecasts by city, beside the active numbers that each has now.

    ``complete``: every binding of the time was read. Else the forecasts are too low: numbers that were not
    read carried bindings of the same people.
    """

    application: str
    days: int
    bindings: int
    complete: bool
    active: Mapping[str, int]
    cities: Mapping[str, Forecast]


class PoolHistory:
    """Reads the past of pools; `applications` gives the configured ones by id."""

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

    def outlook(
        self, application_id: str, *, days: int, refusals: float, growth: float, deadline: Deadline
    ) -> Outlook:
        """Say how many X the bindings of the last days would have needed, ``growth`` times as many of them.

        Bindings that began earlier are not seen. Costs half a read unit per 1 KB of binding, and half a unit
        per 100 bindings and number. Raises InvalidRequest for an application that is not configured.
        """
        application = self._applications().get(application_id)
        if application is None:
            raise InvalidRequest("application", "is not configured")
        since = iso(self._clock() - timedelta(days=days))
        active: Counter[str] = Counter()
        history: list[Past] = []
        complete = True
        for number in self._walk(application.id):
            active[number.area_code] += number.state is NumberState.ACTIVE
            if len(history) >= MOST_BINDINGS or deadline.remaining() < _REPLAY_S:
                complete = False
                continue
            history += self._of(number, since)
        most = capacity(application.mode, application.axe_digits)
        told = forecast(history, capacity=most, refusals=refusals, growth=growth)
        return Outlook(application.id, days, len(history), complete, active, told)

    def _walk(self, application: str) -> Iterator[XNumber]:
        after: str | None = None
        while True:
            page = self._numbers.page(application, limit=_NUMBERS_PER_PAGE, after=after)
            yield from page.numbers
            if page.next_rank is None:
                return
            after = page.next_rank

    def _of(self, number: XNumber, since: str) -> Iterator[Past]:
        """The bindings that began on a number since a moment, newest first."""
        last: Position | None = None
        while True:
            rows = self._search.newest(X_INDEX, "x_key", number.x, limit=_PAGE, before=last)
            fresh = [row for row in rows if row.created_at >= since]
            for item in self._bindings.get_many([row.binding_id for row in fresh]).values():
                past = past_of(item)
                if past:
                    yield past
            if len(rows) < _PAGE or len(fresh) < len(rows):
                return
            last = rows[-1]


def past_of(item: Mapping[str, Any]) -> Past | None:
    """A binding as a replay sees it; None for one that never stood. A living one ends when it is to end."""
    state = State(str(item["state"]))
    if state is State.FAILED:
        return None
    ends = item["updated_at"] if state.final else item["ends_at"]
    everybody = (ANYONE,) if item.get("anyone") else ()
    people = (*people_of(item), *everybody)
    return Past(str(item["area"]), from_iso(str(item["created_at"])), from_iso(str(ends)), people)
