"""Reconciliation of a month: events ↔ CDRs ↔ the platform's detail exports and bill (billing-rules.md §9).

Pure: what was recorded and what was imported in, differences out. Each difference is reported once, where its
cause is known: the call that is missing, not the minutes and the money that are therefore missing too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.closing.lines import Line
from privatenumber.billing.reconciliation.account import Account
from privatenumber.billing.reconciliation.agreed import AgreedAmount, not_borne_out
from privatenumber.billing.reconciliation.console_files import ImportedQuota, ImportedStatistics, ImportedX
from privatenumber.billing.reconciliation.differences import Difference, Kind, Result, money
from privatenumber.billing.reconciliation.export_files import BadRow, Export
from privatenumber.billing.reconciliation.exports_in import (
    Imported,
    ImportedCall,
    ImportedCharge,
    ImportedSms,
)
from privatenumber.billing.reconciliation.month_check import (
    Console,
    MonthCheck,
    OurMonth,
    check_month,
    compare_days,
)
from privatenumber.billing.reconciliation.records import (
    ComparedRecords,
    DetailFiles,
    Recorded,
    Resolver,
    compare_records,
)
from privatenumber.billing.reconciliation.usage_check import learned_price
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.fact_rows import EventFact

#: Differences in one answer, which Lambda limits to 6 MB; the table keeps all.
MAX_SHOWN: Final = 2000

#: Without these the figures prove nothing.
_NEEDED: Final = ("calls", "bill")
#: What they tell otherwise is known only once the bill has told what packages paid and which rents there are.
_WITH_BILL: Final = ("quota", "numbers")


@dataclass(frozen=True, slots=True)
class Month:
    """A month of ours. ``lines`` and ``ends`` are read once (`records.Recorded`).

    ``statement`` is the hash of the statement compared. ``late``: what facts that came after the month was
    closed would change, its ``minutes`` and ``amount``. ``agreed``: what decisions of disputes have booked.
    """

    ours: OurMonth
    statement: str
    lines: Iterable[Line]
    ends: Iterable[EventFact] = ()
    late: Mapping[str, Any] | None = None
    agreed: Sequence[AgreedAmount] = ()


@dataclass(frozen=True, slots=True)
class Files:
    """The platform's own figures; what was not given is not compared."""

    calls: Sequence[Export[ImportedCall]] = ()
    sms: Sequence[Export[ImportedSms]] = ()
    bill: Imported[ImportedCharge] | None = None
    statistics: Imported[ImportedStatistics] | None = None
    quota: Imported[ImportedQuota] | None = None
    numbers: Imported[ImportedX] | None = None

    def named(self) -> dict[str, Sequence[Export[Any] | Imported[Any]]]:
        """What was given, by the name of its layout."""
        single = {"bill": self.bill, "stats": self.statistics, "quota": self.quota, "numbers": self.numbers}
        given: dict[str, Sequence[Export[Any] | Imported[Any]]] = {"calls": self.calls, "sms": self.sms}
        given |= {name: [file] for name, file in single.items() if file is not None}
        return {name: files for name, files in given.items() if files}


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A finished comparison: its head as JSON, and its differences in a stable order."""

    result: Result
    head: Mapping[str, Any]
    differences: tuple[Difference, ...]
    bad_rows: tuple[Mapping[str, Any], ...] = field(default=())
    count: int = 0
    """Of differences, those that are told as sums included."""

    def document(self) -> dict[str, Any]:
        """The head as JSON."""
        return {**self.head, "result": self.result.value, "difference_count": self.count}

    def lines(self) -> list[dict[str, Any]]:
        """Differences and rejected rows as JSON."""
        return [*(found.document() for found in self.differences), *map(dict, self.bad_rows)]


def reconcile(month: Month, files: Files, account: Account, resolver: Resolver) -> Reconciliation:
    """Compare a month. The same inputs in any order give the same result, byte for byte.

    Raises FileRefused.
    """
    ours, look = month.ours, month.ours.look()
    recorded = Recorded(ours.month, look.watch(month.lines), month.ends)
    records = compare_records(recorded, DetailFiles(files.calls, files.sms), account, resolver)
    charges = [charge for charge in files.bill.rows if charge.period == ours.month] if files.bill else []
    checked = None
    differences = records.differences
    if files.bill is not None:
        console = Console(charges, *map(_rows, (files.statistics, files.quota, files.numbers)))
        checked = check_month(ours, console, differences, records.explanations, look)
        differences = [*checked.differences]
    else:
        differences = [*differences, *compare_days(ours, _rows(files.statistics), differences)]
    added = len(differences) - len(records.differences)
    more = [*_unpriced(ours, charges), *_late(month.late)]
    more += not_borne_out(month.agreed, differences, files.named())
    ordered = tuple(sorted([*differences, *more], key=lambda found: found.sort_key))
    missing = [name for name in _NEEDED if name not in files.named()]
    return Reconciliation(
        result=_result(ordered, checked, missing),
        head=_head(month, files, records, checked, charges, missing),
        differences=ordered,
        bad_rows=tuple(_bad_rows(files)),
        count=records.count + added + len(more),
    )


def present(head: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A stored reconciliation as people and programs get it; ``difference_count`` counts all differences."""
    return {
        **head,
        "differences": [line for line in lines if line["line"] == "difference"][:MAX_SHOWN],
        "bad_rows": [line for line in lines if line["line"] == "bad_row"][:MAX_SHOWN],
    }


def _rows(file: Imported[Any] | None) -> Sequence[Any]:
    return () if file is None else file.rows


def _unpriced(ours: OurMonth, charges: Sequence[ImportedCharge]) -> list[Difference]:
    """One difference for all minutes without a price; the platform's own price is shown, never taken."""
    minutes = sum(cell.unpriced for cell in ours.usage.cells if cell.item is Item.CALL)
    if not minutes:
        return []
    learned = learned_price(charges)
    hint = f"; the imported bill implies {learned} CNY per minute" if learned else ""
    return [
        Difference(
            kind=Kind.UNPRICED,
            cause=f"{minutes} call minutes have no configured price{hint}",
            action="configure the call price of your contract (PRICE_LIST) and run again",
            quantity=Decimal(minutes),
            amount=None,
            item=Item.CALL,
            evidence={"learned_price": learned},
        )
    ]


def _late(late: Mapping[str, Any] | None) -> list[Difference]:
    if not late:
        return []
    amount = Decimal(late["amount"])
    return [
        Difference(
            kind=Kind.LATE,
            cause=f"what became known after the month was closed changes it by {late['minutes']} minutes, "
            f"{money(amount)}",
            action="correction run: book the difference in the current month",
            quantity=Decimal(late["minutes"]),
            amount=amount,
        )
    ]


def _result(differences: Sequence[Difference], checked: MonthCheck | None, missing: Sequence[str]) -> Result:
    not_compared = missing or checked is None or checked.check.not_compared
    if not_compared or any(found.amount is None for found in differences):
        return Result.INCOMPLETE
    return Result.DIFFERENCES if differences else Result.MATCHED


def _head(
    month: Month,
    files: Files,
    records: ComparedRecords,
    checked: MonthCheck | None,
    charges: Sequence[ImportedCharge],
    missing: Sequence[str],
) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "bill": [],
        "residual": None,
        "accepted": [],
        "not_compared": [
            {"item": name, "number_type": None, "amount": None, "bill_line": None}
            for name in _WITH_BILL
            if name in files.named()
        ],
        "package_reasons": [],
    }
    return {
        "kind": "reconciliation",
        "month": month.ours.month,
        "statement": month.statement,
        "currency": "CNY",
        "files": {name: _described(given) for name, given in files.named().items()},
        "missing_files": list(missing),
        **records.counts,
        "billed_total": plain(sum((charge.amount for charge in charges), Decimal(0))),
        "bill_outside_month": len(files.bill.rows) - len(charges) if files.bill else 0,
        **(checked.document() if checked else nothing),
    }


def _described(files: Sequence[Export[Any] | Imported[Any]]) -> dict[str, Any]:
    """How files of one kind were read; of several, the counts of all."""
    first = files[0]
    return {
        "sha256": first.sha256,
        **({"others": [file.sha256 for file in files[1:]]} if len(files) > 1 else {}),
        "encoding": first.encoding,
        "separator": first.separator,
        "rows": sum(file.good for file in files),
        "bad_rows": sum(file.bad for file in files),
    }


def _bad_rows(files: Files) -> list[Mapping[str, Any]]:
    bad: list[tuple[str, int, BadRow]] = [
        (name, number, row)
        for name, given in files.named().items()
        for number, file in enumerate(given)
        for row in file.bad_rows
    ]
    return [
        {
            "line": "bad_row",
            "file": name,
            **({"part": number + 1} if number else {}),
            "import_line": row.line,
            "reason": row.reason,
        }
        for name, number, row in bad
    ]
