"""Hang-up events against CDRs: a call has both (billing-rules.md §9.3, I1 ↔ I3; notifications.md §8.3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from privatenumber.billing.rating.calls import billed_minutes
from privatenumber.billing.reconciliation.account import Account
from privatenumber.billing.reconciliation.call_tables import Tokens
from privatenumber.billing.reconciliation.differences import Difference, Kind, hidden, told
from privatenumber.billing.reconciliation.gathering import Gathering
from privatenumber.billing.reconciliation.tables import CALLS, Span
from privatenumber.billing.reconciliation.workbench import Workbench, clock, moment
from privatenumber.billing.tariff.prices import Item
from privatenumber.privacy import PSEUDONYM
from privatenumber.store.fact_rows import EventFact
from privatenumber.store.numbers import NumberType
from privatenumber.times import beijing_day

LATE_WINDOW: Final = timedelta(minutes=660)
"""How long the platform may take to deliver a push (`backend.push.late_window_min`)."""

#: ``ends``: every hang-up; ``ended``: calls of which no CDR came; ``row_ends``: which of them is a row's.
END_TABLES: Final = """
CREATE TABLE ends (app TEXT, session TEXT, at INTEGER, address TEXT, caller TEXT, called TEXT);
CREATE TABLE ended (
  n INTEGER PRIMARY KEY, app TEXT, at INTEGER, address TEXT, x TEXT, caller TEXT, talk INTEGER,
  minutes INTEGER);
CREATE TABLE row_ends (row INTEGER PRIMARY KEY, end INTEGER UNIQUE);
"""

EventsOf: TypeAlias = Callable[[Sequence[str]], Iterable[tuple[str, Sequence[EventFact]]]]
"""All events of the calls that hang-ups at these addresses have ended, with the address, in any order."""

_WITHOUT_CDR: Final = """
SELECT address FROM ends e WHERE at >= ? AND at < ? AND session IS NOT NULL AND address > ?
AND NOT EXISTS (SELECT 1 FROM lines WHERE session = e.session) ORDER BY address LIMIT ?
"""

_OF_ROWS: Final = f"""
INSERT OR IGNORE INTO row_ends
SELECT r.n, e.n FROM left_rows r CROSS JOIN ended e
  ON e.at BETWEEN r.ended - {CALLS.near} AND r.ended + {CALLS.near}
WHERE NOT EXISTS (SELECT 1 FROM pairs WHERE row = r.n) AND EXISTS (SELECT 1 FROM row_names WHERE n = r.n)
AND (instr(r.x, '*') OR e.x IS NULL OR e.x LIKE '{PSEUDONYM}%' OR e.x = r.x_name)
AND (instr(r.caller, '*') OR e.caller IS NULL OR e.caller LIKE '{PSEUDONYM}%' OR e.caller = r.caller)
ORDER BY abs(r.ended - e.at), r.ended, e.address, r.n
"""

_OVERDUE: Final = """
SELECT app, at, address, x, talk, minutes FROM ended e
WHERE at <= ? AND NOT EXISTS (SELECT 1 FROM row_ends WHERE end = e.n) ORDER BY at, address
"""

_SILENT: Final = """
SELECT fact, app, coalesce(plain_x, x), at, ended FROM lines l
WHERE inside AND session IS NOT NULL AND ended <= ?
AND app IN (SELECT DISTINCT app FROM ends WHERE at >= ? AND at < ?)
AND NOT EXISTS (SELECT 1 FROM ends WHERE session = l.session) ORDER BY at, fact
"""

_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call of which the hang-up is known, put together from all its events. ``x``, ``caller``: tokens."""

    ended_at: datetime
    answered_at: datetime | None
    x: str | None
    caller: str | None


def put_ends(bench: Workbench, ends: Iterable[EventFact]) -> None:
    """Lay out the hang-ups of the month, and those of the days around it."""
    bench.insert(
        "ends",
        (
            (
                end.application,
                end.session,
                clock(end.at or end.received_at),
                "/".join(end.key),
                end.caller,
                end.called,
            )
            for end in ends
        ),
    )
    bench.do("CREATE INDEX ends_session ON ends (session)")
    bench.do("CREATE INDEX ends_address ON ends (address)")


def ended_call(events: Iterable[EventFact], own: Collection[str]) -> EndedCall | None:
    """The call that a hang-up ended; ``None`` without one. `own` holds the tokens of the account's numbers.

    Only the first event names caller and X; the later ones name the second leg, X and the callee
    (notifications.md §4.3).
    """
    known = {event.event: event for event in events}
    end = known.get("disconnect")
    if end is None:
        return None
    arrived = known.get("callin", end)
    answer = known.get("answer")
    x, caller = arrived.called, arrived.caller
    if x not in own and caller in own:
        x, caller = caller, None
    return EndedCall(end.at or end.received_at, answer.at if answer else None, x, caller)


def find_ended(bench: Workbench, span: Span, account: Account, tokens: Tokens, events_of: EventsOf) -> None:
    """Put together the calls of the month whose hang-up came and whose CDR did not; find their rows."""
    own = {tokens(x, "number") for x in account.inventory}
    for addresses in bench.pages(_WITHOUT_CDR, span.since, span.until, size=_AT_ONCE):
        ended = sorted(_rows(events_of(addresses), own, account))
        bench.insert("ended", ((None, *row) for row in ended))
    bench.do("CREATE INDEX ended_at ON ended (at)")
    bench.do(_OF_ROWS)


def _rows(
    calls: Iterable[tuple[str, Sequence[EventFact]]], own: Collection[str], account: Account
) -> Iterator[tuple[str, int, str, str | None, str | None, int, int]]:
    for address, events in calls:
        call, talk, minutes = ended_call(events, own), 0, 0
        if call is None:
            continue
        if call.answered_at is not None:
            talk = max(int((call.ended_at - call.answered_at).total_seconds()), 0)
            minutes = billed_minutes(talk, account.prices.at(beijing_day(call.ended_at)))
        yield events[0].application, clock(call.ended_at), address, call.x, call.caller, talk, minutes


def ends_without_cdr(bench: Workbench, account: Account, tokens: Tokens, *, as_of: datetime) -> Gathering:
    """Ended calls of which no CDR came within the late window and that no row tells of."""
    numbers = {tokens(x, "number"): x for x in account.inventory}
    found = Gathering()
    for app, at, address, x_token, talk, minutes in bench.ask(_OVERDUE, clock(as_of - LATE_WINDOW)):
        x = numbers.get(x_token or "")
        kind = account.inventory.get(x or "", NumberType.VIRTUAL)
        amount = account.price_of_minutes(moment(at), kind, minutes)
        found.explain((Item.CALL, kind), account.explained(Item.CALL, kind, moment(at), minutes, amount))
        found.add(
            Difference(
                kind=Kind.EVENT_WITHOUT_CDR,
                cause=f"missing CDR: by its events {told(x, moment(at), minutes, amount)}, "
                "but no CDR came within 11 hours and the detail export does not list it",
                action="request the detail export (kept 31 days after the call) and import it",
                quantity=Decimal(minutes),
                amount=amount,
                application=app,
                x=hidden(x),
                at=moment(at),
                item=Item.CALL,
                number_type=kind,
                evidence={"event": address, "talk_seconds": talk},
            )
        )
    return found


def cdrs_without_event(bench: Workbench, span: Span, *, as_of: datetime) -> Gathering:
    """CDRs whose hang-up event never came, for applications that do get events; no effect on money."""
    found = Gathering()
    overdue = clock(as_of - LATE_WINDOW)
    for fact, app, x, at, ended in bench.ask(_SILENT, overdue, span.since, span.until):
        found.add(
            Difference(
                kind=Kind.CDR_WITHOUT_EVENT,
                cause=f"{told(x, moment(ended))} has a CDR but no hang-up event",
                action="none: the CDR decides; check the status address if it happens often",
                amount=Decimal(0),
                application=app,
                x=hidden(x),
                at=moment(at),
                evidence={"fact": fact},
            )
        )
    return found
