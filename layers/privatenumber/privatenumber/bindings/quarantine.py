"""Numbers that connect too few calls are taken out of the pool, looked at again, and given back.

A number that carriers or phones take for a nuisance rings nobody any more, and the platform says nothing of
it: its calls fail one by one, while those of other numbers connect. New bindings on it would be lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from privatenumber.codes.causes import teardown
from privatenumber.settings import Application
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.facts import FactStore
from privatenumber.store.number_quarantine import NumberQuarantine
from privatenumber.store.numbers import NumberState, NumberStore, XNumber
from privatenumber.times import Clock, utc_now

WINDOW: Final = timedelta(hours=12)
"""Calls that ended within are looked at."""

NORMAL: Final = 3
"""The other numbers connect normally when their rate is so many times the threshold."""

MOST_SHARE: Final = 0.2
"""One look never takes more than this part of the active numbers out, and at least one."""

_OURS: Final = frozenset({"caller", "binding", "tenant"})
"""Groups of causes (cause-codes.md §3) that tell nothing of X: caller left, nobody bound, our fault."""

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A call that had a chance to be connected."""

    x: str
    ended_at: datetime
    connected: bool


@dataclass(frozen=True, slots=True)
class Failing:
    """The last ``of`` calls of a number, of which so many connected."""

    connected: int
    of: int


class Move(StrEnum):
    """What became of a number; the value is the name of its metric."""

    BEGUN = "NumbersQuarantined"
    PROLONGED = "NumbersStillQuarantined"
    ENDED = "NumbersReturned"
    POSTPONED = "NumbersNotQuarantined"
    """It fails, but too many numbers of the application would be out at a time: look at the platform."""


def calls_of(facts: Iterable[CdrFact]) -> Iterator[Call]:
    """The calls that say something of their X: connected, or failed for a reason that may lie in X."""
    for fact in facts:
        if fact.x is None or fact.ended_at is None:
            continue
        connected = fact.answered_at is not None
        if connected or teardown(fact.teardown).group not in _OURS:
            yield Call(fact.x, fact.ended_at, connected)


def failing(
    calls: Iterable[Call], *, last: int, percent: int, judged: Mapping[str, datetime] | None = None
) -> dict[str, Failing]:
    """The numbers whose `last` calls connected less than ``percent`` in a hundred, while others connect.

    A number needs so many calls to be judged, and those before its moment in ``judged`` do not count again.
    The others' rate is that of all other numbers' calls together: there must be as many, and it must be three
    times the threshold. When nobody connects it is not the number.
    """
    by_x: dict[str, list[Call]] = defaultdict(list)
    everything = connected = 0
    for call in calls:
        everything, connected = everything + 1, connected + call.connected
        by_x[call.x].append(call)
    found: dict[str, Failing] = {}
    for x, its in by_x.items():
        fresh = [call for call in its if judged is None or x not in judged or call.ended_at > judged[x]]
        newest = sorted(fresh, key=lambda call: call.ended_at)[-last:]
        good = sum(call.connected for call in newest)
        if len(newest) < last or good * 100 >= percent * last:
            continue
        others = everything - len(its)
        others_connected = connected - sum(call.connected for call in its)
        if others >= last and others_connected * 100 >= NORMAL * percent * others:
            found[x] = Failing(good, len(newest))
    return found


class QuarantineLoop:
    """Looks at the numbers of one application after another."""

    def __init__(
        self, numbers: NumberStore, quarantine: NumberQuarantine, facts: FactStore, clock: Clock = utc_now
    ) -> None:
        self._numbers = numbers
        self._quarantine = quarantine
        self._facts = facts
        self._clock = clock

    def run(self, application: Application) -> list[tuple[str, Move]]:
        """Begin, prolong and end quarantines; a repetition finds nothing left to do.

        Costs 0.22 read units per CDR of the last twelve hours, 4.5 per 200 numbers, and one for each number
        that fails or is in quarantine.
        """
        now = self._clock()
        active, waiting = self._count(application.id)
        calls: list[Call] = []
        if application.connect_percent:
            calls = list(calls_of(self._facts.cdrs_between(application.id, now - WINDOW, now)))
        # Whoever fails by his calls since he was judged fails by all of them: only those are read.
        known = self._numbers.get_many([*waiting, *self._failing(application, calls)])
        known = {x: number for x, number in known.items() if number.application == application.id}
        judged = {x: number.judged_at for x, number in known.items() if number.judged_at}
        bad = self._failing(application, calls, judged)
        until = now + timedelta(hours=application.probe_hours)
        return [
            *self._begin([known[x] for x in sorted(bad) if x in known], bad, now, until, active),
            *self._look_again(known.values(), bad, now, until),
        ]

    def _failing(
        self, application: Application, calls: Iterable[Call], judged: Mapping[str, datetime] | None = None
    ) -> dict[str, Failing]:
        return failing(
            calls, last=application.connect_calls, percent=application.connect_percent, judged=judged
        )

    def _count(self, application: str) -> tuple[int, list[str]]:
        """How many numbers are active, and which are in quarantine."""
        active, waiting = 0, list[str]()
        after: str | None = None
        while True:
            page = self._numbers.page(application, limit=_PAGE, after=after)
            active += sum(number.state is NumberState.ACTIVE for number in page.numbers)
            waiting += (one.x for one in page.numbers if one.state is NumberState.QUARANTINED)
            if page.next_rank is None:
                return active, waiting
            after = page.next_rank

    def _begin(
        self,
        suspects: Iterable[XNumber],
        bad: Mapping[str, Failing],
        now: datetime,
        until: datetime,
        active: int,
    ) -> Iterator[tuple[str, Move]]:
        left = max(1, int(active * MOST_SHARE))
        for number in suspects:
            if number.state is not NumberState.ACTIVE:
                continue
            if left == 0:
                yield number.x, Move.POSTPONED
            elif self._quarantine.begin(number, at=now, until=until, why=_told(bad[number.x])):
                left -= 1
                yield number.x, Move.BEGUN

    def _look_again(
        self, numbers: Iterable[XNumber], bad: Mapping[str, Failing], now: datetime, until: datetime
    ) -> Iterator[tuple[str, Move]]:
        for number in numbers:
            ends = number.quarantined_until
            if number.state is not NumberState.QUARANTINED or ends is None or ends > now:
                continue
            if number.x in bad:
                why = _told(bad[number.x])
                if self._quarantine.prolong(number, at=now, until=until, why=why):
                    yield number.x, Move.PROLONGED
            elif self._quarantine.end(number, why="nothing was held against it since"):
                yield number.x, Move.ENDED


def _told(found: Failing) -> str:
    return f"connected {found.connected} of its last {found.of} calls"
