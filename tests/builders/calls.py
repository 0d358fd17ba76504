"""Facts of a call or an SMS as the table hands them out, without a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from builders.keyrings import KEYRING
from builders.pushes import SESSION, SIGNED_AT, wire
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.platform.pushes import parse_push
from privatenumber.privacy import token
from privatenumber.settings import Mode
from privatenumber.store.call_facts import CallFacts, SmsFacts
from privatenumber.store.decisions import Decision
from privatenumber.store.fact_rows import NewFact, read_cdr, read_event
from privatenumber.store.orders import OrderRef
from privatenumber.store.recordings import RecordingRow
from privatenumber.store.sms_rows import read_sms

ORDER = OrderRef("order-1001", "binding-1", "+8617010000002", "0755")
CALL = token(KEYRING, SESSION, purpose="session")


def new_facts(
    *bodies: Mapping[str, Any], mode: Mode = Mode.AXB, at: datetime = SIGNED_AT, application: str = "demo"
) -> list[NewFact]:
    """The facts that pushes state."""
    reception = Reception(application, at, KEYRING, mode=mode)
    return [fact_of(entry, reception) for body in bodies for entry in parse_push(wire(body)).entries]


def call_facts(
    facts: Iterable[NewFact],
    *,
    decision: Decision | None = None,
    recordings: tuple[RecordingRow, ...] = (),
    contradictions: int = 0,
) -> CallFacts:
    """The facts of one call, in the order given; the first of each key counts."""
    rows = _first_of_each_key(facts)
    return CallFacts(
        "demo",
        CALL,
        events=tuple(read_event(row) for row in rows if row["kind"] == "event"),
        cdrs=tuple(read_cdr(row) for row in rows if row["kind"] == "cdr"),
        decision=decision,
        recordings=recordings,
        contradictions=contradictions,
        mode=next((row["mode"] for row in rows if "mode" in row), None),
    )


def sms_facts(facts: Iterable[NewFact], *, decision: Decision | None = None) -> SmsFacts:
    """The facts of one SMS, in the order given; the first of each key counts."""
    rows = _first_of_each_key(facts)
    return SmsFacts(
        "demo",
        str(rows[0]["sms"]) if rows else "sms",
        notices=tuple(read_sms(row) for row in rows),
        decision=decision,
        mode=next((row["mode"] for row in rows if "mode" in row), None),
    )


def _first_of_each_key(facts: Iterable[NewFact]) -> list[dict[str, Any]]:
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    for fact in facts:
        kept.setdefault((fact.pk, fact.sk), {"pk": fact.pk, "sk": fact.sk, **fact.item})
    return list(kept.values())
