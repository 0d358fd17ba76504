"""Our statement against the platform's own books, to the fen; the reconciliation explains the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from emulator.books import rounded
from emulator.exportcolumns import ExportName
from emulator.exports import export
from emulator.platform import Emulator
from emulator.smsrecord import Sms
from privatenumber.billing.closing.components import CORRECTION
from privatenumber.privacy import Keyring, token
from privatenumber.store.fact_rows import sms_key
from storm.judges.verdict import Verdict
from storm.platform import OURS
from storm.tables import Key

_CALLS: Final = ("attempts", "connected", "talk_seconds", "minutes")

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
        truth, stated = _truth(emulator, rows, keyring, month), _stated(document, run)
        for name, value in stated.items():
            verdict.judged += 1
            if value != truth[name]:
                verdict.broken(f"{month}: {name} is {value}, in truth {truth[name]}")
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


def _stated(document: Mapping[str, Any], run: Run) -> dict[str, Decimal]:
    """What a month comes to by itself: of a closed one, once what came later is booked as a correction."""
    correction = {}
    if document["state"] == "closed":
        correction = run({"action": "correct", "month": document["month"]})
    components = correction["after"] if "after" in correction else document["components"]
    total = sum(Decimal(each["rounded"]) for each in components if each["item"] != CORRECTION)
    if "after" in correction:
        return {"total": Decimal(total)}
    calls = {name: Decimal(str(document["calls"][name])) for name in _CALLS}
    return {**calls, "rent": Decimal(str(document["rent"])), "total": Decimal(total)}


def judge_reconciliation(
    emulator: Emulator, rows: Mapping[Key, Row], keyring: Keyring, files: dict[str, bytes], run: Run
) -> Verdict:
    """Each month's reconciliation names the calls and SMS whose push never came, no others."""
    says = (
        "reconciliation names every call and SMS that never came, nothing else, and explains the whole bill"
    )
    verdict = Verdict("reconciliation", says)
    for month in emulator.books.months():
        event = {"action": "reconcile", "month": month, **_exported(emulator, month, files)}
        document = run(event)
        if not isinstance(document, Mapping) or document.get("kind") != "reconciliation":
            verdict.broken(f"{month}: no reconciliation: {document}")
            continue
        arrived = arrived_cdrs(rows)
        calls = sum(one.call.icid not in arrived for one in emulator.books.calls_of(month))
        texts = sum(_notice(one.sms, keyring) not in rows for one in emulator.books.sms_of(month))
        named = sum(one["kind"] == "missing_push" for one in document["differences"])
        verdict.judged += 1 + calls + texts
        told = f"{calls} CDRs and {texts} SMS missing"
        verdict.figures[month] = f"{document['difference_count']} differences, {told}"
        if named != calls + texts:
            verdict.broken(f"{month}: {named} missing pushes named, in truth {told}", _shown(document))
        for row in document["bill"]:
            if Decimal(row["unexplained"]["amount"]) != 0:
                verdict.broken(f"{month}: {row['unexplained']['amount']} CNY of {row['item']} unexplained")
    return verdict


def judge_import(emulator: Emulator, files: dict[str, bytes], run: Run) -> Verdict:
    """Once the console's exports are imported each month's statement is what everything really cost."""
    says = "with the exports of what never came imported, each statement equals the whole truth to the fen"
    verdict = Verdict("import", says)
    for month in emulator.books.months():
        event = {"action": "import", "month": month, **_exported(emulator, month, files)}
        imported = run({name: value for name, value in event.items() if name != "bill"})
        stated = run({"action": "statement", "month": month})
        truth = emulator.books.totals(month)
        verdict.judged += 1
        if not isinstance(imported, Mapping) or not isinstance(stated, Mapping):
            verdict.broken(f"{month}: {imported} and {stated}")
            continue
        counts = {name: imported[name]["imported"] for name in ("calls", "sms")}
        verdict.figures[month] = (
            f"{counts['calls']} calls and {counts['sms']} SMS imported, {truth.total} CNY"
        )
        total = _stated(stated, run)["total"]
        if total != truth.total:
            left_out = [str(row) for name in ("calls", "sms") for row in imported[name]["rows"]]
            verdict.broken(f"{month}: {total} stated, in truth {truth.total}", left_out)
    _judge_sum(emulator, run, verdict)
    return verdict


def _judge_sum(emulator: Emulator, run: Run, verdict: Verdict) -> None:
    """All statements together book everything once, whatever month a correction is booked in."""
    months = emulator.books.months()
    stated = [run({"action": "statement", "month": month}) for month in months]
    booked = sum(Decimal(str(each["total"])) for each in stated)
    truth = sum(emulator.books.totals(month).total for month in months)
    verdict.judged += 1
    if booked != truth:
        verdict.broken(f"all months together: {booked} stated, in truth {truth}")


def _exported(emulator: Emulator, month: str, files: dict[str, bytes]) -> dict[str, str]:
    """Put the files that the console would give into the bucket; their keys by layout."""
    names: tuple[ExportName, ...] = ("calls", "sms", "bill")
    for name in names:
        files[f"{month}-{name}.csv"] = export(name, emulator.books, emulator.world, month)
    return {name: f"{month}-{name}.csv" for name in names}


def _shown(document: Mapping[str, Any]) -> list[str]:
    return [f"{one['kind']} {one.get('item', '')} {one.get('x', '')}" for one in document["differences"]]
