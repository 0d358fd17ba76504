"""The watch: what should have come and has not, becomes a case of the worklist; what comes late ends it.

Each step may be repeated and may crash anywhere: a case is opened before the row is let go, a look that was
missed for hours is made up for by the next, which goes by the age of what it finds. The facts are believed
and not the row that was computed of them: it is computed anew first, for whoever follows the facts may have
given one up. What cannot be looked at is counted, stays due, and costs the others nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final, Protocol

from privatenumber.calls.completeness import (
    CONSOLE,
    Missing,
    Patience,
    export_until,
    first_look,
    is_exported,
    last_sign,
    missing_of_call,
    missing_of_message,
    next_look,
    to_remind,
)
from privatenumber.calls.watch_cases import OPENED, Told, case_of, reached, silence_of
from privatenumber.store import messages
from privatenumber.store.calls import Call, read_call
from privatenumber.store.fact_readings import FactReadings
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.messages import read_message
from privatenumber.store.orders import OrderRef
from privatenumber.store.push_times import KINDS, PushTimes
from privatenumber.store.watched import WatchedRow, WatchedRows, read_watched
from privatenumber.store.worklist import (
    Case,
    CaseKind,
    CaseState,
    CaseTaken,
    WorklistStore,
    read_case,
)

MOST: Final = 2000
"""Rows and cases that one run looks at, of each."""

_WEEK: Final = 7
_USUALLY: Final = 5
"""On so many days of a week something must have come at that time of day, so that silence is odd."""

_SAME: Final = timedelta(seconds=2)

_LOG: Final = logging.getLogger("privatenumber.calls")

OrderOf = Callable[[str, str], OrderRef | None]


class Keep(Protocol):
    """Brings the row of a call or SMS up to date by its facts, and tells outside what is new of it."""

    def __call__(self, row: Mapping[str, Any], now: datetime) -> bool:
        """Say whether the row changed."""
        ...


@dataclass(slots=True)
class Run:
    """What one run did. ``lag_s``: how long the oldest had been due; ``ages_s``: how long nothing has come.

    ``finished`` is False when the time was over before everything was looked at; ``failed`` counts what could
    not be.
    """

    looked: int = 0
    failed: int = 0
    counts: Counter[Told] = field(default_factory=Counter)
    lag_s: float = 0.0
    ages_s: dict[str, float] = field(default_factory=dict)
    finished: bool = True


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at what waits.

    ``order_of`` finds the binding that a subscriptionId names, as it is now. ``keep`` is the chronicle's.
    """

    rows: WatchedRows
    worklist: WorklistStore
    facts: FactReadings
    times: PushTimes
    order_of: OrderOf
    keep: Keep
    patience: Patience = field(default_factory=Patience)

    def run(self, applications: Iterable[str], *, now: datetime, left: Callable[[], float]) -> Run:
        """Look at the silence of these applications, then at everything that is due at ``now``.

        When pushes stop at volume there are more rows than one run looks at: why comes before what.
        """
        run = Run()
        steps = chain(self._silences(run, applications, now), self._rows(run, now), self._cases(run, now))
        for _ in steps:
            if left() <= 0:
                run.finished = False
                break
        return run

    def _rows(self, run: Run, now: datetime) -> Iterator[None]:
        for item in self.rows.due(until=now, limit=MOST):
            run.looked += 1
            with _guarded(run, "row"):
                row = read_watched(item)
                run.lag_s = max(run.lag_s, (now - row.due_at).total_seconds())
                self._look(run, row, now)
            yield

    def _look(self, run: Run, row: WatchedRow, now: datetime) -> None:
        if self._renewed(run, row.item, now):
            again = self.rows.again(row.key)
            if again is None:
                return  # complete by now
            row = again
        waiting = []
        for missing in self._missing(row.item):
            level = self.patience.level(missing.kind, now - missing.since)
            if level is None:
                waiting.append(first_look(missing, self.patience))
            else:
                self._open(run, case_of(row, missing, level, now), now)
                if missing.kind is CaseKind.BINDING_UNKNOWN and now < missing.since + CONSOLE:
                    # One case for all its calls; each is given its order once that is known.
                    waiting.append(next_look(missing.kind, missing.since, now, self.patience))
        # A call that goes on is looked at again now and then: it may last for hours.
        self.rows.look_again(row, min(waiting) if waiting else None)

    def _renewed(self, run: Run, item: Mapping[str, Any], now: datetime) -> bool:
        """Whether a row was behind its facts; when that cannot be said, the row is believed."""
        with _guarded(run, "facts"):
            return self.keep(item, now)
        return False

    def _missing(self, item: Mapping[str, object]) -> list[Missing]:
        if item["kind"] == messages.KIND:
            return missing_of_message(read_message(item).says)
        call = read_call(item).says
        return [missing for missing in missing_of_call(call) if not self._found(call, missing.kind)]

    def _found(self, call: Call, kind: CaseKind) -> bool:
        """Whether what the row of a call lacks is there all the same."""
        if kind is CaseKind.BINDING_UNKNOWN:
            # The call may have been faster than the platform's answer to the bind.
            return bool(call.subscription_id and self.order_of(call.application, call.subscription_id))
        if self._record_beside(call):
            return True
        return kind is CaseKind.CDR_MISSING and self._record_without_session(call)

    def _record_beside(self, call: Call) -> bool:
        """A CDR of the call that its row ignores: one whose icid was another call's before (§9.2)."""
        return any(isinstance(fact, CdrFact) for fact in self.facts.call(call.application, call.call))

    def _record_without_session(self, call: Call) -> bool:
        """A CDR that names no session stands alone: the same end and a same person tell it, else the X."""
        end = call.ended_at or last_sign(call)
        people = {call.caller, call.callee} - {None}
        return any(
            cdr.session is None
            and (people & {cdr.caller, cdr.callee} if people else call.x is not None and call.x == cdr.x)
            for cdr in self.facts.cdrs_between(call.application, end - _SAME, end + _SAME)
        )

    def _open(self, run: Run, case: Case, now: datetime) -> None:
        case = replace(case, next_at=next_look(case.kind, case.since, now, self.patience))
        if self.worklist.add(case):
            run.counts[OPENED[case.kind]] += 1
            run.counts.update(reached(case))

    def _cases(self, run: Run, now: datetime) -> Iterator[None]:
        for row in self.worklist.due(until=now, limit=MOST):
            run.looked += 1
            with _guarded(run, "case"):
                case = read_case(row)
                if case.next_at:
                    run.lag_s = max(run.lag_s, (now - case.next_at).total_seconds())
                self._again(run, case, now)
            yield

    def _again(self, run: Run, case: Case, now: datetime) -> None:
        """Look at an open case: it ends, grows worse, or goes on."""
        told: list[Told] = []
        came = self._came(run, case, now)
        if came:
            told.append(Told.RESOLVED)
            changed = replace(case, state=CaseState.RESOLVED, resolution=came, next_at=None)
        elif now >= export_until(case):
            told += [Told.EXPIRED] * is_exported(case.kind)
            changed = replace(case, state=CaseState.EXPIRED, next_at=None)
        else:
            level = self.patience.level(case.kind, now - case.since) or case.level
            due = to_remind(case, now)
            next_at = next_look(case.kind, case.since, now, self.patience)
            changed = replace(case, level=level, reminded=case.reminded or due, next_at=next_at)
            told += [Told.EXPORT_DUE] * due
            told += reached(changed) if level is not case.level else []
        if case.kind is CaseKind.PUSHES_SILENT:
            changed = replace(changed, last=now)
        try:
            self.worklist.replace(
                replace(changed, changed_at=now, version=case.version + 1), seen=case.version
            )
        except CaseTaken:
            return  # dismissed meanwhile, or looked at by another run
        run.counts.update(told)

    def _came(self, run: Run, case: Case, now: datetime) -> str | None:
        """In a word how a case ended by itself; None while it has not."""
        if case.kind is CaseKind.PUSHES_SILENT:
            latest = self.times.latest(case.what or "", case.application, now)
            return "came" if latest and latest > case.since else None
        if case.kind is CaseKind.BINDING_UNKNOWN:
            # Of all its calls, so it does not end with the first of them.
            return "known" if self.order_of(case.application, case.what or "") else None
        item = self.rows.row(case.about) if case.about else None
        if case.about and item and self._renewed(run, item, now):
            item = self.rows.row(case.about)
        if item is None:
            return "forgotten"
        return None if any(missing.kind is case.kind for missing in self._missing(item)) else "came"

    def _silences(self, run: Run, applications: Iterable[str], now: datetime) -> Iterator[None]:
        for application in applications:
            with _guarded(run, "silence"):
                self._silence(run, application, now)
            yield

    def _silence(self, run: Run, application: str, now: datetime) -> None:
        latest = {kind: self.times.latest(kind, application, now) for kind in KINDS}
        known = [moment for moment in latest.values() if moment]
        last = max(known, default=self.times.since(now))
        run.ages_s[application] = max(0.0, (now - last).total_seconds())
        for kind, moment in latest.items():
            if moment and self._is_odd(application, kind, moment, now):
                self._open(run, silence_of(application, kind, moment, now), now)

    def _is_odd(self, application: str, kind: str, last: datetime, now: datetime) -> bool:
        """Whether on most days of the last week something came while nothing comes now."""
        quiet = self.patience.quiet
        if not quiet or now - last < quiet:
            return False
        if self.worklist.get(application, silence_of(application, kind, last, now).id):
            return False  # known already; what comes ends it
        silent = 0
        for day in (timedelta(days=day) for day in range(1, _WEEK + 1)):
            silent += not self.times.any_between(kind, application, last - day, now - day)
            if silent > _WEEK - _USUALLY:
                return False
        return True


@contextmanager
def _guarded(run: Run, what: str) -> Iterator[None]:
    """Go on behind what cannot be looked at."""
    try:
        yield
    except Exception as problem:
        run.failed += 1
        _LOG.error("not looked at", extra={"what": what, "cause": type(problem).__name__})
