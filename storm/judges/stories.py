"""The row of a call tells what happened, in whatever order, how often and how late its facts came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.callrecord import Call
from emulator.platform import Emulator
from privatenumber.privacy import Keyring, token
from privatenumber.store.fact_rows import call_key
from storm.judges.verdict import Verdict
from storm.platform import OURS
from storm.tables import Key


def judge_stories(emulator: Emulator, rows: Mapping[Key, Mapping[str, Any]], keyring: Keyring) -> Verdict:
    """Each call whose CDR is here is settled, with the length that it really had."""
    verdict = Verdict(
        "stories", "the row of each call tells its end and length as they were, whatever came when"
    )
    by_call: dict[str, list[str]] = {}
    for pk, sk in rows:
        by_call.setdefault(pk, []).append(sk)
    for call in emulator.calls.calls.values():
        pk = call_key(OURS[call.app_key], token(keyring, call.session_id, purpose="session"))
        facts = sorted(by_call.get(pk, ()))
        if any(fact.startswith("CDR#") for fact in facts):
            verdict.judged += 1
            _judge(verdict, call, rows.get((pk, "CALL")), facts)
    return verdict


def _judge(verdict: Verdict, call: Call, row: Mapping[str, Any] | None, facts: list[str]) -> None:
    if row is None:
        verdict.broken(f"{call.icid}: no row, though its CDR is here", facts, call.ended_at)
        return
    if row["state"] != "settled":
        verdict.broken(f"{call.icid}: the row says {row['state']}, its CDR is here", facts, call.ended_at)
    length = int(row["talk_seconds"]) if "talk_seconds" in row else 0
    if length != call.talk_seconds:
        verdict.broken(
            f"{call.icid}: the row says {length} s of talk, in truth {call.talk_seconds} s",
            facts,
            call.ended_at,
        )
