"""A close shared by many workers: parts, then their days, then the month, each step a message.

A part, a day and a statement are versions with the hash of what they say, and who takes the last part of a
day or the last day of a run sends the next message. So a message that comes twice changes nothing, one that
comes too early is dropped, and one that is lost is sent again by the sweep, which asks the run's rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from privatenumber.billing.closing.daily import MonthsRefused, due_days, due_months, settle_month
from privatenumber.billing.closing.parts import Part
from privatenumber.billing.closing.statement import days_of
from privatenumber.billing.ledger import Ledger
from privatenumber.billing.rating.rent import month_text
from privatenumber.store.close_runs import CloseRun, CloseRuns, DayOf
from privatenumber.store.fact_rows import SHARDS
from privatenumber.times import Clock, beijing_day, utc_now

LOST_AFTER: Final = timedelta(minutes=30)
"""A message that has not come by then is sent again; longer than a worker takes for what it was given."""

_NAMED: Final = 12


@dataclass(frozen=True, slots=True)
class CloseWork:
    """One message: a part, without a shard a day, without a day the month of a run."""

    run: str
    day: DayOf | None = None
    shard: int | None = None

    def to_body(self) -> str:
        """Render the message body."""
        body: dict[str, Any] = {"run": self.run}
        if self.day is not None:
            body |= {"application": self.day.application, "day": self.day.day.isoformat()}
        return json.dumps(body if self.shard is None else {**body, "shard": self.shard})

    @classmethod
    def from_body(cls, body: str) -> CloseWork:
        """Read a message body; raises ValueError when it is not one of ours."""
        try:
            told = json.loads(body)
            day = None
            if "day" in told:
                day = DayOf(str(told["application"]), date.fromisoformat(told["day"]))
            shard = told.get("shard")
            if shard is not None and shard not in range(SHARDS):
                raise ValueError("no such shard")
            return cls(str(told["run"]), day, shard)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("not a close message") from error


Send = Callable[[Iterable[CloseWork]], object]


@dataclass(frozen=True, slots=True)
class FanOut:
    """Begins runs, does their work, and sends again what was lost. ``send`` hands messages to the queue."""

    runs: CloseRuns
    send: Send
    clock: Clock = utc_now

    def begin(self, run: CloseRun) -> CloseRun:
        """Begin a run, or go on with the one of this name."""
        started = self.runs.start(run)
        self.send(self._left(started))
        return started

    def work(self, books: Callable[[], Ledger], work: CloseWork) -> int:
        """Do what a message says, if it is still to be done, and send what follows; corrections booked.

        Books are opened only for that: most messages that come twice find nothing to do. Raises MonthsRefused
        when that ends a run without one of its months.
        """
        run = self.runs.get(work.run)
        if run is None:
            return 0
        if work.day is None:
            return self._month(books, run)
        if work.shard is None:
            self._day(books, run, work.day)
        else:
            self._part(books, run, work.day, work.shard)
        return 0

    def sweep(self, *, now: datetime) -> int:
        """Send again what is left of runs that are not over for long; how many messages."""
        lost = [run for run in self.runs.under_way() if now - run.last_moved(now) >= LOST_AFTER]
        work = [each for run in lost for each in self._left(run)]
        self.send(work)
        return len(work)

    def _part(self, books: Callable[[], Ledger], run: CloseRun, day: DayOf, shard: int) -> None:
        left = self.runs.open_shards(run, day)
        last = not left
        if shard in left:
            books().closer.close_part(Part(day.application, day.day, shard), now=run.as_of)
            last = self.runs.take_shard(run, day, shard)
        if last:
            self.send([CloseWork(run.id, day)])

    def _day(self, books: Callable[[], Ledger], run: CloseRun, day: DayOf) -> None:
        if not run.whole_days and self.runs.open_shards(run, day):
            return
        last = not run.open
        if day in run.open:
            ledger = books()
            for shard in range(SHARDS) if run.whole_days else ():
                # One after the other: memory holds the records of a part, and not of a day.
                ledger.closer.close_part(Part(day.application, day.day, shard), now=run.as_of)
            # Of a part without records nothing is kept, so nobody knows what it was rated with but the run.
            close = ledger.closer.merge if run.book == ledger.book else ledger.closer.close
            close(day.application, day.day, now=run.as_of)
            last = self.runs.take_day(run, day, now=self.clock())
        if last:
            self.send([CloseWork(run.id)])

    def _month(self, books: Callable[[], Ledger], run: CloseRun) -> int:
        if run.open:
            return 0
        try:
            booked = 0
            if run.month is not None:
                booked = settle_month(books(), run.month, as_of=run.as_of, stored=True)
        except MonthsRefused:
            # It will be too large the next time as well: nothing is sent again.
            self.runs.finish(run)
            raise
        self.runs.finish(run)
        return booked

    def _left(self, run: CloseRun) -> list[CloseWork]:
        """What is to be done now for a run to go on."""
        work: list[CloseWork] = []
        for day in sorted(run.open, key=lambda day: day.key):
            shards = () if run.whole_days else sorted(self.runs.open_shards(run, day))
            work += [CloseWork(run.id, day, shard) for shard in shards] or [CloseWork(run.id, day)]
        return work or [CloseWork(run.id)]


def due_runs(ledger: Ledger, *, as_of: datetime, now: datetime) -> list[CloseRun]:
    """The runs of a day: of yesterday and the day before, and of each month that is due.

    Their names are those of what they do and of the price book: a schedule that rings twice begins them once.
    """
    daily = due_days(as_of)
    runs = [_run(ledger, "daily", month_text(daily[-1]), daily, as_of, now)]
    for due in due_months(ledger, as_of):
        kind, days = "recheck" if due.again else "month", days_of(due.month, date.max)
        run = _run(ledger, kind, due.month, days, as_of, now)
        # Nobody waits for what is looked at again, and most of its parts say what they said: an eighth of the
        # messages.
        runs.append(replace(run, whole_days=due.again))
    return runs


def run_of(ledger: Ledger, month: str, *, as_of: datetime, now: datetime) -> CloseRun:
    """All days of a month that have begun, and its statement or correction, on request."""
    days = days_of(month, beijing_day(as_of))
    return _run(ledger, "month", month, days, as_of, now)


def _run(
    ledger: Ledger, kind: str, month: str, days: Iterable[date], as_of: datetime, now: datetime
) -> CloseRun:
    # Of a day whose facts may be forgotten in part nothing may be computed anew.
    kept = [day for day in days if not ledger.is_forgotten(day, now=as_of)]
    return CloseRun(
        id=f"{kind}-{month}-{beijing_day(as_of).isoformat()}-{ledger.book[:_NAMED]}",
        as_of=as_of,
        month=month,
        open=frozenset(DayOf(application, day) for application in ledger.applications for day in kept),
        started_at=now,
        book=ledger.book,
    )
