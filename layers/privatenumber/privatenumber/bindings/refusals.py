"""What a request that got no X tells of the pool: it is counted, and answered with how many X are missing."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from datetime import timedelta

from privatenumber.bindings.commands import Wanted
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.errors import Needed, PoolEmpty, PoolReason
from privatenumber.store.refusals import Refusal, RefusedCount
from privatenumber.times import beijing_day


def numbers_needed(counts: Iterable[RefusedCount], capacity: int) -> int:
    """How many more X of a city would have served everybody of a day's `counts`.

    Two things are scarce, and one new X relieves both:

    - **places**: the orders refused because nothing had room need ``orders / capacity`` numbers;
    - **people**: a person stands on an X once (axb.md §1), so whoever was refused ``most`` orders because
      he stood everywhere needs as many X. As many are enough for everybody where people are of two kinds
      that are never both A and B, as drivers and passengers are: the refused orders are the edges of a
      bipartite graph, an X takes a set of edges without a common end, and such a graph falls into as many of
      those sets as its busiest node has edges (König). Among people of one kind it may be one more (Vizing).

    The greater of the two counts. It assumes that all refused orders of the day were to live at the same
    time, so it is rather too many than too few. No number helps a person at his limit (`person_limit`).
    """
    places = people = 0
    for count in counts:
        if count.reason == PoolReason.CONFLICT:
            people = max(people, count.most, 1)
        elif count.reason != PoolReason.PERSON_LIMIT:
            places += count.orders
    return max(math.ceil(places / capacity), people)


def explained(engine: Engine, wanted: Wanted, empty: PoolEmpty) -> PoolEmpty:
    """Count a refusal and add to it what would help, by the counts of its city of today and yesterday.

    Not counted: a named X, which says nothing of the pool.
    """
    if wanted.wish.x is not None:
        return empty
    today = beijing_day(engine.clock())
    refusals, area = engine.numbers.refusals, wanted.wish.area
    refusals.note(
        Refusal(
            application=wanted.application,
            day=today,
            area=area,
            reason=empty.reason.value,
            request=hashlib.sha256(f"{wanted.order}\0{wanted.pair}".encode()).hexdigest()[:32],
            crowded=tuple(who.token for who in wanted.people) if empty.reason is PoolReason.CONFLICT else (),
        )
    )
    helps = int(empty.reason is not PoolReason.PERSON_LIMIT)
    pressure = max(
        numbers_needed(refusals.of_area(wanted.application, area, [day]), wanted.wish.capacity)
        for day in (today, today - timedelta(days=1))
    )
    needed = Needed(helps, max(pressure, helps))
    return PoolEmpty(empty.reason, empty.retry_after_s, needed=needed, application=wanted.application)
