"""What should have come of a call or an SMS by now and has not (notifications.md §8.3). Pure.

Nothing is late before four of the platform's attempts are over, and all of it is told long before the last:
what is missing then can still be had, from the next attempt or from the console's details (31 days).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from privatenumber.store.calls import Call, CallState
from privatenumber.store.messages import Message, MessageState
from privatenumber.store.worklist import Case, CaseKind, CaseState, Level

#: Longest time by which a push may be late, by either reading of the schedule (notifications.md §8.3).
LATE: Final = timedelta(minutes=660)
#: The console keeps a call for so long, and reminds nobody (operations.md §13, notifications.md §8.3).
CONSOLE: Final = timedelta(days=31)
REMINDER: Final = timedelta(days=25)
#: A case is looked at again after a quarter of its age, within these bounds.
OFTEN, SELDOM = timedelta(minutes=10), timedelta(hours=24)
#: Of calls that are to be exported, so much before and after.
MARGIN: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long something is waited for.

    ``cdr`` and ``notice`` until it is late, ``cdr_lost`` until it is probably lost (§8.3); ``call`` until a
    call that nobody ended is told; ``quiet`` until silence is looked into, zero never.
    """

    cdr: timedelta = timedelta(minutes=15)
    cdr_lost: timedelta = timedelta(minutes=330)
    notice: timedelta = timedelta(minutes=15)
    call: timedelta = timedelta(minutes=240)
    quiet: timedelta = timedelta(minutes=30)

    def ladder(self, kind: CaseKind) -> Mapping[Level, timedelta]:
        """When which level is reached, in the order of both."""
        ladders: Mapping[CaseKind, Mapping[Level, timedelta]] = {
            CaseKind.CDR_MISSING: {Level.WARNING: self.cdr, Level.ALARM: self.cdr_lost, Level.LOST: LATE},
            CaseKind.CALL_UNENDED: {Level.WARNING: self.call, Level.LOST: LATE},
            CaseKind.NOTICE_MISSING: {Level.WARNING: self.notice, Level.LOST: LATE},
            CaseKind.BINDING_UNKNOWN: {Level.WARNING: self.cdr},
            CaseKind.PUSHES_SILENT: {Level.ALARM: timedelta()},
        }
        return ladders[kind]

    def level(self, kind: CaseKind, waited: timedelta) -> Level | None:
        """How bad it is after waiting so long; None: not yet."""
        reached = [level for level, after in self.ladder(kind).items() if waited >= after]
        return reached[-1] if reached else None


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that has not come, and since when it could have."""

    kind: CaseKind
    since: datetime


def missing_of_call(call: Call) -> list[Missing]:
    """What is missing of a call; a binding that is named and not known may be known by now."""
    missing = []
    if call.state is CallState.ENDED:
        missing.append(Missing(CaseKind.CDR_MISSING, call.ended_at or last_sign(call)))
    elif call.state is not CallState.SETTLED:
        missing.append(Missing(CaseKind.CALL_UNENDED, last_sign(call)))
    if call.subscription_id and not call.binding_id:
        missing.append(Missing(CaseKind.BINDING_UNKNOWN, call.started_at))
    return missing


def missing_of_message(message: Message) -> list[Missing]:
    """What is missing of an SMS (C-150)."""
    if message.state is MessageState.ASKED:
        return [Missing(CaseKind.NOTICE_MISSING, message.at)]
    return []


def last_sign(call: Call) -> datetime:
    """The latest moment that is known of a call."""
    known = (call.started_at, call.called_out_at, call.alerting_at, call.answered_at, call.ended_at)
    return max(moment for moment in known if moment)


def next_look(kind: CaseKind, since: datetime, now: datetime, patience: Patience) -> datetime:
    """When a case is looked at again: soon at first, and at each step of its ladder."""
    steps = [*patience.ladder(kind).values(), REMINDER, CONSOLE]
    pause = OFTEN if kind is CaseKind.PUSHES_SILENT else min(max((now - since) / 4, OFTEN), SELDOM)
    return min([now + pause, *(since + step for step in steps if since + step > now)])


def first_look(missing: Missing, patience: Patience) -> datetime:
    """When it begins to be a case."""
    return missing.since + min(patience.ladder(missing.kind).values())


def is_exported(kind: CaseKind) -> bool:
    """Whether the console's details help."""
    return kind is not CaseKind.BINDING_UNKNOWN


def export_until(case: Case) -> datetime:
    """When the console forgets what a case needs."""
    return case.first + CONSOLE


def to_remind(case: Case, now: datetime) -> bool:
    """Whether it is time to say once more that the console will forget it."""
    open_still = case.state is CaseState.OPEN and is_exported(case.kind)
    return open_still and not case.reminded and now >= case.first + REMINDER
