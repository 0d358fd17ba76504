"""Hang-up events against CDRs: a call has both (billing-rules.md §9.3, I1 ↔ I3; notifications.md §8.3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from privatenumber.billing.bill_check import Explained
from privatenumber.billing.call_checks import Account, Found, explain
from privatenumber.billing.differences import Difference, Kind, hidden, told
from privatenumber.billing.exports_in import ImportedCall
from privatenumber.billing.lines import CallLine
from privatenumber.billing.matching import END_TOLERANCE_S, Tokens
from privatenumber.billing.prices import NumberType
from privatenumber.billing.rating import billed_minutes, call_price, price_of
from privatenumber.store.fact_rows import EventFact
from privatenumber.times import beijing_day

LATE_WINDOW: Final = timedelta(minutes=660)
"""How long the platform may take to deliver a push (`backend.push.late_window_min`)."""

AnswerOf: TypeAlias = Callable[[EventFact], datetime | None]
"""When the call of a hang-up event was answered, by its other events."""


def ends_of_rows(
    rows: Iterable[ImportedCall], ends: Sequence[EventFact], tokens: Tokens
) -> dict[int, EventFact]:
    """The hang-up event of each row, by the row's line: same X and caller, ends within two seconds."""
    by_called: dict[str, list[EventFact]] = {}
    for end in ends:
        if end.called is not None and end.at is not None:
            by_called.setdefault(end.called, []).append(end)
    found: dict[int, EventFact] = {}
    taken: set[tuple[str, str]] = set()
    for row in rows:
        candidates = () if row.x.masked else by_called.get(tokens(row.x.text, "number"), ())
        fitting = [end for end in candidates if end.key not in taken and _same_call(row, end, tokens)]
        if fitting:
            found[row.line] = min(fitting, key=lambda end: (_apart(row, end), end.key))
            taken.add(found[row.line].key)
    return found


def ends_without_cdr(
    ends: Iterable[EventFact], account: Account, *, as_of: datetime, tokens: Tokens, answer_of: AnswerOf
) -> Found:
    """Hang-ups of which no CDR came within the late window; minutes and amount by the call's own events."""
    numbers = {tokens(x, "number"): x for x in account.inventory}
    differences = []
    explained: dict[NumberType, Explained] = {}
    for end in ends:
        at = end.at or end.received_at
        if as_of < at + LATE_WINDOW:
            continue
        x = numbers.get(end.called or "")
        kind = account.inventory.get(x or "", NumberType.VIRTUAL)
        answered = answer_of(end)
        minutes = billed_minutes(max(int((at - answered).total_seconds()), 0)) if answered else 0
        amount = price_of(minutes, call_price(account.prices, beijing_day(at), kind))
        explained[kind] = explained.get(kind, Explained()) + explain(minutes, amount)
        differences.append(
            Difference(
                kind=Kind.EVENT_WITHOUT_CDR,
                cause=f"missing CDR: by its events {told(x, at, minutes, amount)}, "
                "but no CDR came within 11 hours and the detail export does not list it",
                action="request the detail export (kept 31 days after the call) and import it",
                quantity=Decimal(minutes),
                amount=amount,
                application=end.application,
                x=hidden(x),
                at=at,
                evidence={"event": "/".join(end.key)},
            )
        )
    return Found(tuple(differences), explained)


def cdrs_without_event(
    lines: Iterable[CallLine], sessions: Collection[str], *, as_of: datetime
) -> list[Difference]:
    """CDRs whose hang-up event never came, for applications that do get events; no effect on money."""
    return [
        Difference(
            kind=Kind.CDR_WITHOUT_EVENT,
            cause=f"{told(line.x, line.at)} has a CDR but no hang-up event",
            action="none: the CDR decides; check the status address if it happens often",
            amount=Decimal(0),
            application=line.application,
            x=hidden(line.x),
            at=line.at,
            evidence={"fact": line.fact},
        )
        for line in lines
        if line.session is not None and line.session not in sessions and as_of >= line.at + LATE_WINDOW
    ]


def _same_call(row: ImportedCall, end: EventFact, tokens: Tokens) -> bool:
    if _apart(row, end) > END_TOLERANCE_S:
        return False
    if end.caller is None or row.caller.masked:
        return True
    return tokens(row.caller.text, "number") == end.caller


def _apart(row: ImportedCall, end: EventFact) -> float:
    return abs((row.ended_at - (end.at or end.received_at)).total_seconds())
