"""Our statement against the platform's own books, to the fen; the reconciliation explains the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from emulator.books import rounded
from emulator.exports import export
from emulator.platform import Emulator
from storm.judges.verdict import Verdict
from storm.tables import Key

Row = Mapping[str, Any]
Run = Callable[[Mapping[str, Any]], Any]


def judge_bills(emulator: Emulator, rows: Mapping[Key, Row], run: Run) -> Verdict:
    """Each month: what we state is what the CDRs that arrived really cost."""
    verdict = Verdict("bills", "each month's statement equals the truth of what arrived, to the fen")
    arrived = {row["icid"] for row in rows.values() if row.get("kind") == "cdr" and row.get("icid")}
    for month in emulator.books.months():
        document = run({"action": "statement", "month": month})
        if not isinstance(document, Mapping) or document.get("kind") != "statement":
            verdict.broken(f"{month}: no statement: {document}")
            continue
        charges = [one for one in emulator.books.calls_of(month) if one.call.icid in arrived]
        truth = {
            "attempts": Decimal(len(charges)),
            "connected": Decimal(sum(one.call.answered_at is not None for one in charges)),
            "talk_seconds": Decimal(sum(one.call.talk_seconds for one in charges)),
            "minutes": Decimal(sum(one.minutes for one in charges)),
            "amount": rounded(sum((one.amount for one in charges), Decimal(0))),
            "rent": emulator.books.totals(month).rent,
        }
        stated = _stated(document)
        for name, value in truth.items():
            verdict.judged += 1
            if stated[name] != value:
                verdict.broken(f"{month}: {name} is {stated[name]}, in truth {value}")
        verdict.figures[month] = f"{len(charges)} calls, {truth['amount']} and rent {truth['rent']} CNY"
    return verdict


def _stated(document: Mapping[str, Any]) -> dict[str, Decimal]:
    calls = document["calls"]
    names = ("attempts", "connected", "talk_seconds", "minutes", "amount")
    return {**{name: Decimal(str(calls[name])) for name in names}, "rent": Decimal(document["rent"])}


def judge_reconciliation(
    emulator: Emulator, rows: Mapping[Key, Row], files: dict[str, bytes], run: Run
) -> Verdict:
    """Each month's reconciliation names the calls whose CDR never came, no others, and explains the bill."""
    verdict = Verdict(
        "reconciliation",
        "reconciliation names every missing CDR, nothing else, and leaves nothing unexplained",
    )
    arrived = {row["icid"] for row in rows.values() if row.get("kind") == "cdr" and row.get("icid")}
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
