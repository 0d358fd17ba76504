"""Reconciliation of a month: events ↔ CDRs ↔ the platform's detail export and bill (billing-rules.md §9).

Pure: what was recorded and what was imported in, differences out. Each difference is reported once, where its
cause is known: the call that is missing, not the minutes and the money that are therefore missing too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.closing.lines import CallLine
from privatenumber.billing.rating.rent import Rent, first_day, last_day
from privatenumber.billing.reconciliation.bill_check import (
    BillCheck,
    CallExplanations,
    CallSums,
    check_calls,
    check_other,
    learned_price,
)
from privatenumber.billing.reconciliation.call_checks import (
    Account,
    Found,
    conflicts,
    duration_differences,
    missing_cdrs,
    missing_rows,
    unknown_numbers,
    unpriced,
)
from privatenumber.billing.reconciliation.differences import Difference, Kind, Result, money
from privatenumber.billing.reconciliation.event_checks import (
    EventsOf,
    calls_of_rows,
    cdrs_without_event,
    ended_call,
    ends_without_cdr,
)
from privatenumber.billing.reconciliation.exports_in import Imported, ImportedCall, ImportedCharge
from privatenumber.billing.reconciliation.matching import CallerOf, Matching, Tokens, match_calls
from privatenumber.billing.reconciliation.rent_check import check_rents
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.store.fact_rows import EventFact
from privatenumber.store.numbers import NumberType
from privatenumber.times import beijing_month

#: Differences in one answer, which Lambda limits to 6 MB; the table keeps all.
MAX_SHOWN: Final = 2000


@dataclass(frozen=True, slots=True)
class Recorded:
    """What we have of a month.

    ``ends`` are its hang-up events. ``ends_nearby`` and ``sessions_nearby`` hold the sessions of all events
    and CDRs, those of the day before and after included: a call and its event may straddle midnight.
    """

    month: str
    statement: str
    """Hash of the statement compared."""
    lines: Sequence[CallLine]
    rents: Sequence[Rent]
    ends: Sequence[EventFact]
    ends_nearby: frozenset[str]
    sessions_nearby: frozenset[str]
    late: Mapping[str, Any] | None = None
    """What facts that came after the month was closed would change: ``minutes`` and ``amount``."""


@dataclass(frozen=True, slots=True)
class Files:
    """The platform's own figures."""

    calls: Imported[ImportedCall]
    bill: Imported[ImportedCharge]


@dataclass(frozen=True, slots=True)
class Resolver:
    """How tokens, sealed callers and a call's events are found out; ``as_of`` decides what is overdue."""

    tokens: Tokens
    caller_of: CallerOf
    events_of: EventsOf
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A finished comparison: its head as JSON, and its differences in a stable order."""

    result: Result
    head: Mapping[str, Any]
    differences: tuple[Difference, ...]
    bad_rows: tuple[Mapping[str, Any], ...] = field(default=())

    def document(self) -> dict[str, Any]:
        """The head as JSON."""
        return {**self.head, "result": self.result.value, "difference_count": len(self.differences)}

    def lines(self) -> list[dict[str, Any]]:
        """Differences and rejected rows as JSON."""
        return [*(found.document() for found in self.differences), *map(dict, self.bad_rows)]


def reconcile(recorded: Recorded, files: Files, account: Account, resolver: Resolver) -> Reconciliation:
    """Compare a month. The same inputs in any order give the same result, byte for byte."""
    charges = [charge for charge in files.bill.rows if charge.period == recorded.month]
    rated = [line for line in recorded.lines if line.rated]
    matching = _matched(recorded, files, rated, resolver)
    calls, explanations = _compare_calls(recorded, files, matching, account, resolver)
    own = _own_sums(rated, account.prices, recorded.month)
    checked = check_calls(charges, own, explanations) + check_rents(charges, recorded.rents)
    checked += check_other(charges)
    differences = [
        *calls,
        *conflicts(recorded.lines),
        *unknown_numbers(rated),
        *unpriced(rated, learned_price(charges)),
        *_late(recorded.late),
        *checked.differences,
    ]
    ordered = tuple(sorted(differences, key=lambda found: found.sort_key))
    return Reconciliation(
        result=_result(ordered, checked),
        head=_head(recorded, files, matching, checked, charges),
        differences=ordered,
        bad_rows=tuple(_bad_rows(files)),
    )


def present(head: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A stored reconciliation as people and programs get it; ``difference_count`` counts all differences."""
    return {
        **head,
        "differences": [line for line in lines if line["line"] == "difference"][:MAX_SHOWN],
        "bad_rows": [line for line in lines if line["line"] == "bad_row"][:MAX_SHOWN],
    }


def _matched(recorded: Recorded, files: Files, rated: Sequence[CallLine], resolver: Resolver) -> Matching:
    found = match_calls(files.calls.rows, rated, tokens=resolver.tokens, caller_of=resolver.caller_of)
    # An export may cover more than the month: only what found no CDR is sorted out by its own time.
    rows = tuple(row for row in found.rows if beijing_month(row.ended_at) == recorded.month)
    return Matching(found.pairs, rows, found.lines)


def _compare_calls(
    recorded: Recorded, files: Files, matching: Matching, account: Account, resolver: Resolver
) -> tuple[list[Difference], Mapping[NumberType, CallExplanations]]:
    own = {resolver.tokens(x, "number") for x in account.inventory}
    ended_calls = [
        ended_call(end, resolver.events_of(end), own)
        for end in recorded.ends
        if end.session is not None and end.session not in recorded.sessions_nearby
    ]
    of_rows = calls_of_rows(matching.rows, ended_calls, resolver.tokens)
    told = {call.end.key for call in of_rows.values()}
    missing = missing_cdrs(matching.rows, {line: call.end for line, call in of_rows.items()}, account)
    lengths = any(row.answered_at or row.duration_s or row.billed_minutes for row in files.calls.rows)
    diffs = duration_differences(matching.pairs, account) if lengths else Found()
    ended = ends_without_cdr(
        [call for call in ended_calls if call.end.key not in told],
        account,
        as_of=resolver.as_of,
        tokens=resolver.tokens,
    )
    unlisted = missing_rows(matching.lines)
    with_events = {end.application for end in recorded.ends}
    lines = [line for line in recorded.lines if line.rated and line.application in with_events]
    silent = cdrs_without_event(lines, recorded.ends_nearby, as_of=resolver.as_of)
    explanations: dict[NumberType, CallExplanations] = defaultdict(CallExplanations)
    for kind, explained in [*missing.explained.items(), *diffs.explained.items()]:
        explanations[kind] += CallExplanations(rows=explained)
    for kind, explained in ended.explained.items():
        explanations[kind] += CallExplanations(ended=explained)
    for kind, explained in unlisted.explained.items():
        explanations[kind] += CallExplanations(unlisted=explained)
    found = (missing, diffs, ended, unlisted)
    return [*(each for part in found for each in part.differences), *silent], explanations


def _own_sums(lines: Sequence[CallLine], prices: PriceBook, month: str) -> dict[NumberType, CallSums]:
    lists = prices.between(first_day(month), last_day(month))
    hours: dict[NumberType, set[datetime]] = defaultdict(set)
    sums: dict[NumberType, CallSums] = {}
    for kind in NumberType:
        in_force = frozenset(price for each in lists if (price := each.call[kind]) is not None)
        sums[kind] = CallSums(unit_prices=in_force)
    for line in lines:
        if line.minutes:
            hours[line.number_type].add(line.at.replace(minute=0, second=0, microsecond=0))
        sums[line.number_type] += CallSums(
            minutes=line.minutes,
            amount=line.amount or Decimal(0),
            unpriced=line.minutes if line.amount is None else 0,
        )
    return {kind: own + CallSums(charged_hours=len(hours[kind])) for kind, own in sums.items()}


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


def _result(differences: Sequence[Difference], checked: BillCheck) -> Result:
    if checked.not_compared or any(found.amount is None for found in differences):
        return Result.INCOMPLETE
    return Result.DIFFERENCES if differences else Result.MATCHED


def _head(
    recorded: Recorded,
    files: Files,
    matching: Matching,
    checked: BillCheck,
    charges: Sequence[ImportedCharge],
) -> dict[str, Any]:
    return {
        "kind": "reconciliation",
        "month": recorded.month,
        "statement": recorded.statement,
        "currency": "CNY",
        "files": {"calls": _file(files.calls), "bill": _file(files.bill)},
        "calls": {
            "recorded": sum(line.rated for line in recorded.lines),
            "exported": len(matching.pairs) + len(matching.rows),
            "matched": len(matching.pairs),
            "outside_month": len(files.calls.rows) - len(matching.pairs) - len(matching.rows),
        },
        "hang_ups": len(recorded.ends),
        "bill": list(checked.table),
        "billed_total": plain(sum((charge.amount for charge in charges), Decimal(0))),
        "bill_outside_month": len(files.bill.rows) - len(charges),
        "accepted": list(checked.accepted),
        "not_compared": list(checked.not_compared),
    }


def _file(imported: Imported[Any]) -> dict[str, Any]:
    return {
        "sha256": imported.sha256,
        "encoding": imported.encoding,
        "separator": imported.separator,
        "rows": len(imported.rows),
        "repeated_rows": imported.repeated,
        "bad_rows": len(imported.bad_rows),
    }


def _bad_rows(files: Files) -> list[Mapping[str, Any]]:
    return [
        {"line": "bad_row", "file": name, "import_line": bad.line, "reason": bad.reason}
        for name, imported in (("calls", files.calls), ("bill", files.bill))
        for bad in imported.bad_rows
    ]
