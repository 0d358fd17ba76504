"""The console's exports: a reconciliation names what never came, and the import makes good for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from decimal import Decimal
from typing import Any

from emulator.exportcolumns import ExportName
from emulator.exports import export
from emulator.platform import Emulator
from privatenumber.privacy import Keyring
from privatenumber.times import iso
from storm.judges.bills import (
    Orders,
    Row,
    Run,
    arrived_cdrs,
    charged,
    judge_statement,
    notice_of,
    pushed,
)
from storm.judges.verdict import Verdict
from storm.platform import OURS
from storm.tables import Key

Missing = Counter[tuple[str, str]]
"""Calls by their icid; SMS, which a difference does not name, by application and second."""


def judge_reconciliation(
    emulator: Emulator, rows: Mapping[Key, Row], keyring: Keyring, files: dict[str, bytes], run: Run
) -> Verdict:
    """Each month's reconciliation names the calls and SMS whose push never came, no others."""
    says = (
        "reconciliation names every call and SMS that never came, nothing else, and explains the whole bill"
    )
    verdict = Verdict("reconciliation", says)
    for month in emulator.books.months():
        document = run({"action": "reconcile", "month": month, **_exported(emulator, month, files)})
        if not isinstance(document, Mapping) or document.get("kind") != "reconciliation":
            verdict.broken(f"{month}: no reconciliation: {document}")
            continue
        missing = _missing(emulator, month, rows, keyring)
        verdict.judged += 1 + missing.total()
        texts = sum(kind != "call" for kind, _ in missing.elements())
        told = f"{missing.total() - texts} CDRs and {texts} SMS missing"
        verdict.figures[month] = f"{document['difference_count']} differences, {told}"
        judge_differences(verdict, month, document, missing, silent_cdrs(rows))
    return verdict


def silent_cdrs(rows: Mapping[Key, Row]) -> frozenset[str]:
    """The addresses of CDRs that came and whose call told of no hang-up: its event was lost."""
    ended = {pk for pk, sk in rows if sk.startswith("EVENT#disconnect")}
    return frozenset(
        f"{pk}/{sk}" for (pk, sk), row in rows.items() if row.get("kind") == "cdr" and pk not in ended
    )


def judge_differences(
    verdict: Verdict, month: str, document: Mapping[str, Any], missing: Missing, silent: Set[str]
) -> None:
    """One reconciliation against what is missing; CDRs without a hang-up may be named, they cost nothing."""
    named = _named(verdict, month, document, silent)
    for what, count in (missing - named).items():
        verdict.broken(f"{month}: {' '.join(what)} never came and is not named ({count})")
    for what, count in (named - missing).items():
        verdict.broken(f"{month}: {' '.join(what)} is named and is not missing ({count})")
    shown = len(document["differences"])
    if document["difference_count"] != shown:
        verdict.broken(f"{month}: {document['difference_count']} differences counted, {shown} named")
    for row in document["bill"]:
        for name, value in row["unexplained"].items():
            if Decimal(value) != 0:
                verdict.broken(f"{month}: {value} {name} of {row['item']} unexplained")


def _named(verdict: Verdict, month: str, document: Mapping[str, Any], silent: Set[str]) -> Missing:
    """What is named as missing; any other difference but of a silent CDR is a breach."""
    named: Missing = Counter()
    for one in document["differences"]:
        if one["kind"] == "cdr_without_event" and one["evidence"]["fact"] in silent:
            continue
        if one["kind"] != "missing_push":
            verdict.broken(f"{month}: {one['kind']} is named, and nothing but pushes is missing")
        elif one["evidence"].get("item") == "sms":
            named[one["application"], one["at"]] += 1
        else:
            named["call", one["evidence"]["record_id"]] += 1
    return named


def _missing(emulator: Emulator, month: str, rows: Mapping[Key, Row], keyring: Keyring) -> Missing:
    cdrs = arrived_cdrs(rows)
    everything = charged(emulator, month, {})
    missing: Missing = Counter(
        ("call", one.call.icid) for one in everything.calls if one.call.icid not in cdrs
    )
    missing.update(
        (OURS[one.sms.app_key], iso(one.finished_at.replace(microsecond=0)))
        for one in everything.texts
        if notice_of(one, keyring) not in rows
    )
    return missing


def judge_import(
    emulator: Emulator,
    rows: Mapping[Key, Row],
    keyring: Keyring,
    orders: Orders,
    files: dict[str, bytes],
    run: Run,
) -> Verdict:
    """Once the console's exports are imported each month's statement is what everything really cost."""
    says = "with the exports of what never came imported, each statement equals the whole truth, in all parts"
    verdict = Verdict("import", says)
    came = pushed(emulator, rows, keyring)
    for month in emulator.books.months():
        event = {"action": "import", "month": month, **_exported(emulator, month, files)}
        imported = run({name: value for name, value in event.items() if name != "bill"})
        stated = run({"action": "statement", "month": month})
        if not isinstance(imported, Mapping) or not isinstance(stated, Mapping):
            verdict.broken(f"{month}: {imported} and {stated}")
            continue
        counts = {name: imported[name]["imported"] for name in ("calls", "sms")}
        for name in ("calls", "sms"):
            for row in imported[name]["rows"]:
                verdict.broken(f"{month}: a row of {name} was left out: {row}")
        truth = charged(emulator, month, came)
        judge_statement(verdict, month, stated, truth, orders, run)
        told = f"{counts['calls']} calls and {counts['sms']} SMS imported"
        verdict.figures[month] = f"{told}, {truth.sums()['total']} CNY"
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
