"""What each pool needs, forecast once a day and kept for whoever plans which X to return (users.md U-N20)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from privatenumber.bindings.pool_history import PoolHistory
from privatenumber.deadline import Deadline
from privatenumber.store.pool_needs import PoolNeed, PoolNeeds
from privatenumber.times import Clock, utc_now

DAYS: Final = 30
GROWTH: Final = 1.2
"""A pool that would only just have done is not enough: a fifth more bindings are to find an X too."""

_RENEWED_AFTER: Final = timedelta(hours=20)
_LEAST_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class NeedKeeper:
    """Renews the forecasts of pools that are a day old."""

    history: PoolHistory
    needs: PoolNeeds
    clock: Clock = utc_now

    def renew(self, application: str, *, deadline: Deadline) -> bool:
        """Forecast a pool unless that was done today; False when it was, or when there is no time for it."""
        now = self.clock()
        known = self.needs.get_many([application]).get(application)
        if known is not None and now - known.as_of < _RENEWED_AFTER:
            return False
        if deadline.remaining() < _LEAST_S:
            return False
        told = self.history.outlook(application, days=DAYS, refusals=0.0, growth=GROWTH, deadline=deadline)
        numbers = {area: city.numbers for area, city in told.cities.items()}
        self.needs.put(PoolNeed(application, now, DAYS, told.complete, numbers))
        return True
