"""Hang-up events against CDRs: a call has both (billing-rules.md §9.3, I1 ↔ I3; notifications.md §8.3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from privatenumber.billing.closing.lines import CallLine
from privatenumber.billing.rating.calls import billed_minutes, call_price, price_of
from privatenumber.billing.reconciliation.bill_check import Explained
from privatenumber.billing.reconciliation.call_checks import Account, Found, explain
from privatenumber.billing.reconciliation.differences import Difference, Kind, hidden, told
from privatenumber.billing.reconciliation.exports_in import ImportedCall
from privatenumber.billing.reconciliation.matching import END_TOLERANCE_S, Tokens
from privatenumber.privacy import is_pseudonym
from privatenumber.store.fact_rows import EventFact
from privatenumber.store.numbers import NumberType
from privatenumber.times import beijing_day

LATE_WINDOW: Final = timedelta(minutes=660)
"""How long the platform may take to deliver a push (`backend.push.late_window_min`)."""


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call of which the hang-up is known, put together from all its events. ``x``, ``caller``: tokens."""

    end: EventFact
    ended_at: datetime
    answered_at: datetime | None
    x: str | None
    caller: str | None

    @property
    def minutes(self) -> int:
        """Billed minutes by its events; 0 when no answer is known."""
        if self.answered_at is None:
            return 0
        return billed_minutes(max(int((self.ended_at - self.answered_at).total_seconds()), 0))


EventsOf: TypeAlias = Callable[[EventFact], Iterable[EventFact]]
"""All events of the call that a hang-up ended."""


def ended_call(end: EventFact, events: Iterable[EventFact], own: Collection[str]) -> EndedCall:
    """The call that a hang-up ended. `own` holds the tokens of the account's numbers.

    Only the first event names caller and X; the later ones name the second leg, X and the callee
    (notifications.md §4.3).
    """
    known = {event.event: event for event in events}
    arrived = known.get("callin", end)
    answer = known.get("answer")
    x, caller = arrived.called, arrived.caller
    if x not in own and caller in own:
        x, caller = caller, None
    return EndedCall(
        end=end,
        ended_at=end.at or end.received_at,
        answered_at=answer.at if answer else None,
        x=x,
        caller=caller,
    )


def calls_of_rows(
    rows: Iterable[ImportedCall], calls: Sequence[EndedCall], tokens: Tokens
) -> dict[int, EndedCall]:
    """The ended call of each row, by the row's line: same X and caller, ends within two seconds."""
    at_second: dict[int, list[EndedCall]] = defaultdict(list)
    for call in calls:
        at_second[int(call.ended_at.timestamp())].append(call)
    found: dict[int, EndedCall] = {}
    taken: set[tuple[str, str]] = set()
    for row in rows:
        second = int(row.ended_at.timestamp())
        near = range(second - END_TOLERANCE_S, second + END_TOLERANCE_S + 1)
        fitting = [
            call
            for moment in near
            for call in at_second.get(moment, ())
            if call.end.key not in taken and _same_call(row, call, tokens)
        ]
        if fitting:
            found[row.line] = min(fitting, key=lambda call: (_apart(row, call), call.end.key))
            taken.add(found[row.line].end.key)
    return found


def ends_without_cdr(
    calls: Iterable[EndedCall], account: Account, *, as_of: datetime, tokens: Tokens
) -> Found:
    """Ended calls of which no CDR came within the late window; minutes and amount by their events."""
    numbers = {tokens(x, "number"): x for x in account.inventory}
    differences = []
    explained: dict[NumberType, Explained] = defaultdict(Explained)
    for call in calls:
        if as_of < call.ended_at + LATE_WINDOW:
            continue
        x = numbers.get(call.x or "")
        kind = account.inventory.get(x or "", NumberType.VIRTUAL)
        price = call_price(account.prices, beijing_day(call.ended_at), kind)
        amount = price_of(call.minutes, price)
        explained[kind] += explain(call.minutes, amount)
        differences.append(
            Difference(
                kind=Kind.EVENT_WITHOUT_CDR,
                cause=f"missing CDR: by its events {told(x, call.ended_at, call.minutes, amount)}, "
                "but no CDR came within 11 hours and the detail export does not list it",
                action="request the detail export (kept 31 days after the call) and import it",
                quantity=Decimal(call.minutes),
                amount=amount,
                application=call.end.application,
                x=hidden(x),
                at=call.ended_at,
                evidence={"event": "/".join(call.end.key)},
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


def _same_call(row: ImportedCall, call: EndedCall, tokens: Tokens) -> bool:
    """Whether nothing that both sides know speaks against it."""
    return all(
        number.masked or known is None or is_pseudonym(known) or tokens(number.text, "number") == known
        for number, known in ((row.x, call.x), (row.caller, call.caller))
    )


def _apart(row: ImportedCall, call: EndedCall) -> float:
    return abs((row.ended_at - call.ended_at).total_seconds())
