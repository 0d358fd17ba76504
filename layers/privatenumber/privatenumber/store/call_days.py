"""All rows of calls or SMS of a stretch of time, oldest first, of any number and in little memory."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, TypeAlias, TypeVar

from privatenumber.store.call_search import DAY_SHARDS, CallSearch, Kind, Place
from privatenumber.times import beijing_day, iso

Row: TypeAlias = tuple[Place, dict[str, Any]]
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

_ROWS_PER_READ: Final = 100
_READS_AHEAD: Final = 6


def rows_between(
    search: CallSearch,
    kind: Kind,
    application: str,
    since: datetime,
    until: datetime,
    *,
    after: Place | None = None,
) -> Generator[Row, None, None]:
    """Rows that began from ``since`` on and before ``until``, behind the place ``after`` if there is one.

    A row that went away meanwhile is missing; one that meanwhile belongs to another moment comes as it is
    now, under the place where it was found.
    """
    found = _places(search, kind, application, since, until, after)
    batches = iter(lambda: list(islice(found, _ROWS_PER_READ)), [])

    def read(batch: list[Place]) -> list[Row]:
        rows = {(row["pk"], row["sk"]): row for row in search.rows(batch)}
        return [(place, rows[place.pk, place.sk]) for place in batch if (place.pk, place.sk) in rows]

    for rows in _ahead(read, batches):
        yield from rows


def _places(
    search: CallSearch, kind: Kind, application: str, since: datetime, until: datetime, after: Place | None
) -> Iterator[Place]:
    first = max(iso(since), after.moment if after else "")
    day, last = beijing_day(datetime.fromisoformat(first.partition("#")[0])), beijing_day(until)
    end = iso(until)
    while day <= last:
        shards = [search.of_day(kind, application, day, shard, since=first) for shard in range(DAY_SHARDS)]
        for place in heapq.merge(*shards):
            if place.moment >= end:
                return
            if after is None or place > after:
                yield place
        day += timedelta(days=1)


def _ahead(do: Callable[[_Item], _Answer], items: Iterable[_Item]) -> Iterator[_Answer]:
    """Do something for all items, a few of them ahead of whoever takes the answers, in order."""
    under_way: deque[Future[_Answer]] = deque()
    with ThreadPoolExecutor(max_workers=_READS_AHEAD) as pool:
        try:
            for item in items:
                under_way.append(pool.submit(do, item))
                if len(under_way) > _READS_AHEAD:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
