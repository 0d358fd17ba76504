"""Cases as the watch opens them, of a call, an SMS or silence, and what each counts as. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from privatenumber.calls.completeness import CONSOLE, MARGIN, Missing, last_sign
from privatenumber.store import calls
from privatenumber.store.calls import Call, read_call
from privatenumber.store.messages import Message, read_message
from privatenumber.store.watched import WatchedRow
from privatenumber.store.worklist import Case, CaseKind, Level

_KEPT: Final = timedelta(days=90)


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


OPENED: Final[Mapping[CaseKind, Told]] = {
    CaseKind.CDR_MISSING: Told.LATE,
    CaseKind.CALL_UNENDED: Told.UNENDED,
    CaseKind.NOTICE_MISSING: Told.UNNOTIFIED,
    CaseKind.BINDING_UNKNOWN: Told.UNKNOWN,
    CaseKind.PUSHES_SILENT: Told.SILENT,
}


def case_of(row: WatchedRow, missing: Missing, level: Level, now: datetime) -> Case:
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


def silence_of(application: str, kind: str, last: datetime, now: datetime) -> Case:
    """The case of an application whose pushes of one kind stopped after ``last``."""
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


def reached(case: Case) -> list[Told]:
    """What reaching the level of a case says, beyond that it exists."""
    if case.level is Level.LOST:
        return [Told.LOST]
    return [Told.PROBABLY_LOST] if case.level is Level.ALARM and case.kind is CaseKind.CDR_MISSING else []
