"""Our statement against the platform's own books, to the fen; the reconciliation explains the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from emulator.books import rounded
from emulator.exports import export
from emulator.platform import Emulator
from emulator.smsrecord import Sms
from privatenumber.privacy import Keyring, token
from privatenumber.store.fact_rows import sms_key
from storm.judges.verdict import Verdict
from storm.platform import OURS
from storm.tables import Key

Row = Mapping[str, Any]
Run = Callable[[Mapping[str, Any]], Any]


def judge_bills(emulator: Emulator, rows: Mapping[Key, Row], keyring: Keyring, run: Run) -> Verdict:
    """Each month: what we state is what the CDRs and SMS notices that arrived really cost."""
    verdict = Verdict("bills", "each month's statement equals the truth of what arrived, to the fen")
    for month in emulator.books.months():
        document = run({"action": "statement", "month": month})
        if not isinstance(document, Mapping) or document.get("kind") != "statement":
            verdict.broken(f"{month}: no statement: {document}")
            continue
        truth, stated = _truth(emulator, rows, keyring, month), _stated(document)
        for name, value in truth.items():
            verdict.judged += 1
            if stated[name] != value:
                verdict.broken(f"{month}: {name} is {stated[name]}, in truth {value}")
        verdict.figures[month] = f"{truth['attempts']} calls, {truth['total']} CNY with rent {truth['rent']}"
    return verdict


def arrived_cdrs(rows: Mapping[Key, Row]) -> frozenset[str]:
    """The CDRs that are here, by icid."""
    return frozenset(row["icid"] for row in rows.values() if row.get("kind") == "cdr" and row.get("icid"))


def _truth(emulator: Emulator, rows: Mapping[Key, Row], keyring: Keyring, month: str) -> dict[str, Decimal]:
    """What of the platform's own books has a fact here; each sum is rounded once (billing-rules.md §2)."""
    books, arrived = emulator.books, arrived_cdrs(rows)
    calls = [one for one in books.calls_of(month) if one.call.icid in arrived]
    texts = [one for one in books.sms_of(month) if _notice(one.sms, keyring) in rows]
    rent = books.totals(month).rent
    spent = rounded(sum((one.amount for one in calls), Decimal(0)))
    spent += rounded(sum((one.amount for one in texts), Decimal(0)))
    return {
        "attempts": Decimal(len(calls)),
        "connected": Decimal(sum(one.call.answered_at is not None for one in calls)),
        "talk_seconds": Decimal(sum(one.call.talk_seconds for one in calls)),
        "minutes": Decimal(sum(one.minutes for one in calls)),
        "rent": rent,
        "total": spent + rent,
    }


def _notice(sms: Sms, keyring: Keyring) -> Key:
    return sms_key(OURS[sms.app_key], token(keyring, sms.id, purpose="sms")), "Notify"


def _stated(document: Mapping[str, Any]) -> dict[str, Decimal]:
    calls = {
        name: Decimal(str(document["calls"][name]))
        for name in ("attempts", "connected", "talk_seconds", "minutes")
    }
    return {**calls, **{name: Decimal(str(document[name])) for name in ("rent", "total")}}


def judge_reconciliation(
    emulator: Emulator, rows: Mapping[Key, Row], files: dict[str, bytes], run: Run
) -> Verdict:
    """Each month's reconciliation names the calls whose CDR never came, no others, and explains the bill."""
    verdict = Verdict(
        "reconciliation",
        "reconciliation names every missing CDR, nothing else, and leaves nothing unexplained",
    )
    arrived = arrived_cdrs(rows)
    for month in emulator.books.months():
        event: dict[str, str] = {"action": "reconcile", "month": month}
        for name in ("calls", "bill"):
            files[f"{month}-{name}.csv"] = export(name, emulator.books, emulator.world, month)
            event[name] = f"{month}-{name}.csv"
        document = run(event)
        if not isinstance(document, Mapping) or document.get("kind") != "reconciliation":
            verdict.broken(f"{month}: no reconciliation: {document}")
            continue
        missing = [one for one in emulator.books.calls_of(month) if one.call.icid not in arrived]
        found = [one for one in document["differences"] if one["kind"] == "missing_push"]
        verdict.judged += 1 + len(missing)
        verdict.figures[month] = f"{document['difference_count']} differences, {len(missing)} CDRs missing"
        if len(found) != len(missing):
            verdict.broken(f"{month}: {len(found)} missing CDRs named, in truth {len(missing)}")
        for row in document["bill"]:
            if Decimal(row["unexplained"]["amount"]) != 0:
                verdict.broken(f"{month}: {row['unexplained']['amount']} CNY of {row['item']} unexplained")
    return verdict
