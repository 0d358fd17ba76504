"""What the rows of a call or text say that has to be known before anything around it can be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from privatenumber.calls.diagnosis.case import RuleMet
from privatenumber.calls.relations import Unseal
from privatenumber.calls.stored import entry_of
from privatenumber.platform.push_models import CallEvent, EventType
from privatenumber.privacy import SealBroken
from privatenumber.store.call_rules import KIND as RULE
from privatenumber.store.decisions import Decision, read_decision
from privatenumber.store.fact_rows import CdrFact, EventFact, read_cdr, read_event
from privatenumber.store.sms_rows import SmsFact
from privatenumber.times import from_iso

#: An event that claims to be from the future carries another zone's time.
_FUTURE: Final = timedelta(hours=1)
_NOTIFY: Final = "notify"

Row = Mapping[str, Any]


def moment_of(cdrs: Sequence[CdrFact], events: Sequence[EventFact], decision: Decision | None) -> datetime:
    """When the call came: by the CDR, else by the earliest event whose time may be true."""
    said = [cdr.call_in_at or cdr.ended_at or cdr.received_at for cdr in cdrs]
    if said:
        return min(said)
    if events:
        return min(_true_time(event) for event in events)
    if decision is None:
        raise ValueError("neither record nor answer")
    return decision.at


def _true_time(event: EventFact) -> datetime:
    if event.at is None or event.at - event.received_at > _FUTURE:
        return event.received_at
    return event.at


def caller_of(cdrs: Sequence[CdrFact], events: Sequence[EventFact], decision: Decision | None) -> str | None:
    """The token of the real caller: events name it in the first leg only (notifications.md §4.3)."""
    said = [cdr.caller for cdr in cdrs]
    said += [event.caller for event in events if event.event == EventType.CALLIN]
    if not any(event.event == EventType.CALLOUT for event in events):
        said += [event.caller for event in events if event.event == EventType.DISCONNECT]
    said += [decision.caller] if decision else []
    return next((caller for caller in said if caller), None)


def subscription_of(cdrs: Sequence[CdrFact], events: Sequence[EventFact]) -> str | None:
    """The platform's id of the binding, as any record names it."""
    said = [cdr.subscription_id for cdr in cdrs] + [event.subscription_id for event in events]
    return next((named for named in said if named), None)


def typed_in(events: Sequence[EventFact], unseal: Unseal) -> tuple[str, ...]:
    """What was typed at each attempt; nothing where a record does not open any more."""
    entries = [opened(event, unseal) for event in events if event.event == EventType.COLLECT_INFO]
    return tuple(entry.digits or "" for entry in entries if entry is not None)


def opened(event: EventFact, unseal: Unseal) -> CallEvent | None:
    """An event as it was pushed; `None` where it does not open any more, or nothing is left of it."""
    if not event.sealed:
        return None
    try:
        entry = entry_of(event, unseal)
    except SealBroken:
        return None
    return entry if isinstance(entry, CallEvent) else None


def first_of_each(rows: Iterable[Row]) -> list[Row]:
    """Rows without those that contradict an earlier one of their key."""
    return [row for row in rows if not is_variant(row)]


def is_variant(row: Row) -> bool:
    """Whether a row contradicts an earlier one of its key (notifications.md §9.2)."""
    return "variant" in row.get("flags", ())


def is_result(notice: SmsFact) -> bool:
    """Whether a notice tells what became of a text; else it asks about it."""
    return (notice.notify_mode or "").lower() == _NOTIFY


def fact_in(row: Row) -> CdrFact | EventFact:
    """The record in a row of a call."""
    return read_cdr(row) if row["kind"] == "cdr" else read_event(row)


def decision_in(rows: Iterable[Row]) -> Decision | None:
    """Our answer to the platform, where it asked."""
    return next((read_decision(row) for row in rows if row["kind"] == "decision"), None)


def rules_in(rows: Iterable[Row]) -> Iterable[RuleMet]:
    """Rules that were broken: beside the facts, and in our own answer."""
    for row in rows:
        broken = row if row["kind"] == RULE else row.get("broken")
        if not broken or "rule" not in broken:
            continue
        limit, counted = broken.get("limit"), broken.get("counted")
        yield RuleMet(
            rule=broken["rule"],
            act=broken.get("act"),
            limit=None if limit is None else int(limit),
            counted=None if counted is None else int(counted),
            within=broken.get("within"),
            at=from_iso(row["at"]),
        )
