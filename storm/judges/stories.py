"""The row of a call tells what happened, in whatever order, how often and how late its facts came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from emulator.callrecord import Call
from emulator.platform import Emulator
from privatenumber.privacy import Keyring, token
from privatenumber.store.fact_rows import call_key, key_part
from privatenumber.times import iso
from storm.judges.verdict import Verdict
from storm.platform import OURS
from storm.tables import Key

Row = Mapping[str, Any]

_STAGES: Final[Mapping[str, str]] = {
    "callin": "arrived",
    "collectInfo": "collecting",
    "callout": "calling",
    "alerting": "ringing",
    "answer": "answered",
    "disconnect": "ended",
}
"""How far a call has come by each event, the last one of them counts (notifications.md §9.1)."""

_MOMENTS: Final[Mapping[str, str]] = {
    "callout": "called_out_at",
    "alerting": "alerting_at",
    "answer": "answered_at",
    "disconnect": "ended_at",
}


def judge_stories(emulator: Emulator, rows: Mapping[Key, Row], keyring: Keyring) -> Verdict:
    """Each call of which anything is here has a row, which says as much as can be known and nothing else.

    With its CDR everything is known; without it what its events tell.
    """
    verdict = Verdict(
        "stories", "the row of each call tells how far it came, when, and how long it was, as far as was told"
    )
    by_call: dict[str, set[str]] = {}
    for pk, sk in rows:
        by_call.setdefault(pk, set()).add(sk)
    settled = 0
    for call in emulator.calls.calls.values():
        pk = call_key(OURS[call.app_key], token(keyring, call.session_id, purpose="session"))
        facts, row = by_call.get(pk, set()), rows.get((pk, "CALL"))
        if not any(fact.startswith(("CDR#", "EVENT#")) or fact == "DECISION" for fact in facts):
            if row is not None:
                verdict.broken(f"{call.icid}: a row, and nothing is here of it", at=call.call_in_at)
            continue
        verdict.judged += 1
        settled += f"CDR#{key_part(call.icid)}" in facts
        _judge(verdict, call, row, facts)
    verdict.figures = {"with their CDR": str(settled), "without": str(verdict.judged - settled)}
    return verdict


def _judge(verdict: Verdict, call: Call, row: Row | None, facts: set[str]) -> None:
    told = sorted(facts)
    if row is None:
        verdict.broken(f"{call.icid}: no row, though something is here of it", told, call.ended_at)
        return
    for name, wanted in _wanted(call, facts).items():
        found = row.get(name)
        shown = found if found is None or name != "talk_seconds" else int(found)
        if shown != wanted:
            verdict.broken(
                f"{call.icid}: the row says {name} {shown}, in truth {wanted}", told, call.ended_at
            )


def _wanted(call: Call, facts: set[str]) -> dict[str, str | int | None]:
    """What the row has to say, None: nothing."""
    events = {fact.split("#")[1] for fact in facts if fact.startswith("EVENT#")}
    record = f"CDR#{key_part(call.icid)}" in facts
    truth = {"callout": call.started_at, "alerting": call.alerting_at}
    truth |= {"answer": call.answered_at, "disconnect": call.ended_at}
    known = {event: truth[event] if record or event in events else None for event in _MOMENTS}
    reached = [stage for event, stage in _STAGES.items() if event in events]
    talked = known["answer"] is not None and known["disconnect"] is not None
    began: dict[str, str | int | None] = {"started_at": iso(call.call_in_at)} if record else {}
    return {
        "state": "settled" if record else (reached or ["arrived"])[-1],
        "talk_seconds": call.talk_seconds if talked else None,
        **{name: _moment(known[event]) for event, name in _MOMENTS.items()},
        **began,
    }


def _moment(at: datetime | None) -> str | None:
    return iso(at) if at else None
