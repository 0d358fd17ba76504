"""The watch: what should have come and has not, becomes a case of the worklist; what comes late ends it.

Each step may be repeated and may crash anywhere: a case is opened before the row is let go, a look that was
missed for hours is made up for by the next, which goes by the age of what it finds.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Final

from privatenumber.calls.completeness import (
    CONSOLE,
    MARGIN,
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
from privatenumber.store import calls, messages
from privatenumber.store.calls import Call, read_call
from privatenumber.store.facts import FactStore
from privatenumber.store.messages import Message, read_message
from privatenumber.store.orders import OrderRef
from privatenumber.store.push_times import KINDS, PushTimes
from privatenumber.store.watched import WatchedRow, WatchedRows
from privatenumber.store.worklist import (
    Case,
    CaseKind,
    CaseState,
    CaseTaken,
    Level,
    WorklistStore,
)

MOST: Final = 2000
"""Rows and cases that one run looks at, of each."""

_KEPT: Final = timedelta(days=90)
_WEEK: Final = 7
_USUALLY: Final = 5
"""On so many days of a week something must have come at that time of day, so that silence is odd."""

_SAME: Final = timedelta(seconds=2)

OrderOf = Callable[[str, str], OrderRef | None]


class Told(StrEnum):
    """What a run found; the value is the name of its metric."""

    LATE = "CdrsLate"
    PROBABLY_LOST = "CdrsProbablyLost"
    LOST = "FactsLost"
    UNENDED = "CallsUnended"
    UNNOTIFIED = "SmsUnnotified"
    UNKNOWN = "BindingsUnknown"
    SILENT = "PushesSilent"
    RESOLVED = "CasesResolved"
    EXPORT_DUE = "ExportsDue"
    EXPIRED = "ExportsMissed"


_OPENED: Final[Mapping[CaseKind, Told]] = {
    CaseKind.CDR_MISSING: Told.LATE,
    CaseKind.CALL_UNENDED: Told.UNENDED,
    CaseKind.NOTICE_MISSING: Told.UNNOTIFIED,
    CaseKind.BINDING_UNKNOWN: Told.UNKNOWN,
    CaseKind.PUSHES_SILENT: Told.SILENT,
}


@dataclass(slots=True)
class Run:
    """What one run did. ``lag_s``: how long the oldest had been due; ``ages_s``: how long nothing has come.

    ``finished`` is False when the time was over before everything was looked at.
    """

    looked: int = 0
    counts: Counter[Told] = field(default_factory=Counter)
    lag_s: float = 0.0
    ages_s: dict[str, float] = field(default_factory=dict)
    finished: bool = True


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at what waits.

    ``order_of`` finds the binding that a subscriptionId names, as it is now.
    """

    rows: WatchedRows
    worklist: WorklistStore
    facts: FactStore
    times: PushTimes
    order_of: OrderOf
    patience: Patience = field(default_factory=Patience)

    def run(self, applications: Iterable[str], *, now: datetime, left: Callable[[], float]) -> Run:
        """Look at everything that is due at ``now``, and at the silence of these applications."""
        run = Run()
        steps = chain(self._rows(run, now), self._cases(run, now), self._silences(run, applications, now))
        for _ in steps:
            if left() <= 0:
                run.finished = False
                break
        return run

    def _rows(self, run: Run, now: datetime) -> Iterator[None]:
        for row in self.rows.due(until=now, limit=MOST):
            run.looked += 1
            run.lag_s = max(run.lag_s, (now - row.due_at).total_seconds())
            self._look(run, row, now)
            yield

    def _look(self, run: Run, row: WatchedRow, now: datetime) -> None:
        waiting = []
        for missing in self._missing(row.item):
            level = self.patience.level(missing.kind, now - missing.since)
            if level is None:
                waiting.append(first_look(missing, self.patience))
            else:
                self._open(run, _case_of(row, missing, level, now), now)
        # A call that goes on is looked at again now and then: it may last for hours.
        self.rows.look_again(row, min(waiting) if waiting else None)

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
        return kind is CaseKind.CDR_MISSING and self._record_without_session(call)

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
            run.counts[_OPENED[case.kind]] += 1
            run.counts.update(_reached(case))

    def _cases(self, run: Run, now: datetime) -> Iterator[None]:
        for case in self.worklist.due(until=now, limit=MOST):
            run.looked += 1
            if case.next_at:
                run.lag_s = max(run.lag_s, (now - case.next_at).total_seconds())
            self._again(run, case, now)
            yield

    def _again(self, run: Run, case: Case, now: datetime) -> None:
        """Look at an open case: it ends, grows worse, or goes on."""
        told: list[Told] = []
        came = self._came(case, now)
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
            told += _reached(changed) if level is not case.level else []
        if case.kind is CaseKind.PUSHES_SILENT:
            changed = replace(changed, last=now)
        try:
            self.worklist.replace(
                replace(changed, changed_at=now, version=case.version + 1), seen=case.version
            )
        except CaseTaken:
            return  # dismissed meanwhile, or looked at by another run
        run.counts.update(told)

    def _came(self, case: Case, now: datetime) -> str | None:
        """In a word how a case ended by itself; None while it has not."""
        if case.kind is CaseKind.PUSHES_SILENT:
            latest = self.times.latest(case.what or "", case.application, now)
            return "came" if latest and latest > case.since else None
        item = self.rows.row(case.about) if case.about else None
        if item is None:
            return "forgotten"
        if case.kind is CaseKind.BINDING_UNKNOWN:
            return "known" if self.order_of(case.application, case.what or "") else None
        return None if any(missing.kind is case.kind for missing in self._missing(item)) else "came"

    def _silences(self, run: Run, applications: Iterable[str], now: datetime) -> Iterator[None]:
        for application in applications:
            latest = {kind: self.times.latest(kind, application, now) for kind in KINDS}
            known = [moment for moment in latest.values() if moment]
            last = max(known, default=self.times.since(now))
            run.ages_s[application] = max(0.0, (now - last).total_seconds())
            for kind, moment in latest.items():
                if moment and self._is_odd(application, kind, moment, now):
                    self._open(run, _silence(application, kind, moment, now), now)
            yield

    def _is_odd(self, application: str, kind: str, last: datetime, now: datetime) -> bool:
        """Whether on most days of the last week something came while nothing comes now."""
        quiet = self.patience.quiet
        if not quiet or now - last < quiet:
            return False
        if self.worklist.get(application, _silence(application, kind, last, now).id):
            return False  # known already; what comes ends it
        silent = 0
        for day in (timedelta(days=day) for day in range(1, _WEEK + 1)):
            silent += not self.times.any_between(kind, application, last - day, now - day)
            if silent > _WEEK - _USUALLY:
                return False
        return True


def _case_of(row: WatchedRow, missing: Missing, level: Level, now: datetime) -> Case:
    """The case of a call or an SMS; all calls of an unknown binding are one."""
    says: Call | Message
    if row.item["kind"] == calls.KIND:
        call = read_call(row.item).says
        says, first, last, subject = call, call.started_at, last_sign(call), call.call
    else:
        message = read_message(row.item).says
        says, first, last, subject = message, message.at, message.at, message.message
    what = None
    if missing.kind is CaseKind.BINDING_UNKNOWN:
        what = says.subscription_id or ""
        subject = _name_of(what)
    return Case(
        application=says.application,
        kind=missing.kind,
        subject=subject,
        level=level,
        since=missing.since,
        opened_at=now,
        changed_at=now,
        first=first - MARGIN,
        last=last + MARGIN,
        expires_at=_expiry(now),
        about=row.key,
        what=what,
        x=says.x,
    )


def _silence(application: str, kind: str, last: datetime, now: datetime) -> Case:
    return Case(
        application=application,
        kind=CaseKind.PUSHES_SILENT,
        subject=_name_of(f"{kind}#{last.isoformat()}"),
        level=Level.ALARM,
        since=last,
        opened_at=now,
        changed_at=now,
        first=last - MARGIN,
        last=now,
        expires_at=_expiry(now),
        what=kind,
    )


def _name_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:26]


def _expiry(now: datetime) -> int:
    return int((now + CONSOLE + _KEPT).timestamp())


def _reached(case: Case) -> list[Told]:
    """What reaching the level of a case says, beyond that it exists."""
    if case.level is Level.LOST:
        return [Told.LOST]
    return [Told.PROBABLY_LOST] if case.level is Level.ALARM and case.kind is CaseKind.CDR_MISSING else []
