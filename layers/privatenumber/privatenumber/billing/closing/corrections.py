"""Corrections of closed months (billing-rules.md §9.4): recomputed in full, the difference booked now.

A closed month is never edited. A correction says by how much the month as it is now differs from its
statement and the corrections before, why, and by which records; its amount stands in the statement of the
month in which it was made. It is 0.00 when only whose the costs are has changed, or what was used of
packages, of which later months are told. The same facts again make none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import chain
from typing import Any, Final

from privatenumber.billing.closing.booking import (
    Settled,
    booked_month,
    changed_inputs,
    difference,
    months_before,
    said_shares,
    settled,
)
from privatenumber.billing.closing.changed_records import Record, changed_records, changes_in
from privatenumber.billing.closing.components import Component, total_of
from privatenumber.billing.closing.moved_shares import agreed_shares, moved_shares
from privatenumber.billing.closing.runs import BillingRequestError, described, fresh_statement, note_look
from privatenumber.billing.closing.statement import Statement
from privatenumber.billing.ledger import Ledger
from privatenumber.billing.rating.rent import month_text
from privatenumber.billing.tariff.money import plain, to_fen
from privatenumber.store.versions import Version, settle
from privatenumber.times import beijing_day

ADJUSTMENT = "adjustment"
"""The item of an amount that was agreed, not computed."""


class Reason(StrEnum):
    """Why a closed month is not what it was."""

    LATE_FACTS = "late_facts"
    """Records that came after the close."""
    IMPORTED_RECORDS = "imported_records"
    """Records that were read from the platform's files after the close, because their push never came."""
    PRICE_LIST = "price_list"
    PACKAGE = "package"
    """Packages were entered or withdrawn, or an earlier month used more of them."""
    RENT = "rent"
    """The inventory says otherwise when a number was issued, returned or of which type it is."""
    SETTINGS = "settings"
    """Rents or packages are spread otherwise, or the records belong to somebody else."""
    ADJUSTMENT = "adjustment"


_OF_INPUTS: Final = {
    "prices": Reason.PRICE_LIST,
    "rules": Reason.PRICE_LIST,
    "packages": Reason.PACKAGE,
    "rents": Reason.RENT,
    "settings": Reason.SETTINGS,
}


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An amount agreed with the platform. ``reference`` names what it comes from and is booked once."""

    amount: Decimal
    reference: str
    why: str


def correct(
    ledger: Ledger, month: str, *, as_of: datetime, stored: bool = False, why: str | None = None
) -> dict[str, Any]:
    """Book what has changed in a closed month; ``changed`` is False when nothing has.

    `stored` takes the days as they are closed. Raises BillingRequestError for a month that is not closed,
    VersionTaken under lasting contention.
    """

    last = ledger.looks.last(month)

    def attempt() -> tuple[Version | None, bool]:
        closed = _closed(ledger, month)
        before = settled(ledger, closed, days=True)
        fresh, closes = fresh_statement(ledger, month, as_of=as_of, stored=stored)
        found = difference(ledger, closed, before, fresh)
        if found is None:
            return before.correction, False
        # Read twice: for the reasons, which stand before them, and as lines. Memory holds their addresses.
        reasons = _reasons(before, fresh, changed_records(ledger, before, closes))
        document = {
            **_head(ledger, month, before, closed, as_of),
            **_sums(found.deducted, found.cost),
            "reasons": reasons,
            "why": why,
            "after": [each.document() for each in fresh.components],
            "cost_after": [each.document() for each in fresh.cost_components],
            "packages": [row.document() for row in fresh.packages],
            "inputs": fresh.inputs(),
            "unpriced_minutes": fresh.totals.calls.unpriced_minutes,
        }
        changed = changed_records(ledger, before, closes)
        moved = moved_shares(fresh.shares(), said_shares(ledger, closed))
        return _add(ledger, document, chain(fresh.close_lines(), changed, moved), before, as_of), True

    version, changed = settle(attempt)
    note_look(ledger, month, last, late=False, as_of=as_of)
    return _answer(month, version, changed)


def adjust(ledger: Ledger, month: str, adjustment: Adjustment, *, as_of: datetime) -> dict[str, Any]:
    """Book an agreed amount for a closed month, once for each reference. Raises BillingRequestError."""

    def attempt() -> tuple[Version | None, bool]:
        closed = _closed(ledger, month)
        before = settled(ledger, closed, days=True)
        known = ledger.corrections.versions(month)
        same = [each for each in known if each.document.get("reference") == adjustment.reference]
        if same:
            return same[0], False
        agreed = Component(ADJUSTMENT, None, 1, amount=to_fen(adjustment.amount))
        told = (before.correction or closed).document
        document = {
            **_head(ledger, month, before, closed, as_of),
            **_sums((agreed,), (agreed,)),
            "reasons": [Reason.ADJUSTMENT.value],
            "why": adjustment.why,
            "reference": adjustment.reference,
            "after": [each.document() for each in before.deducted],
            "cost_after": [each.document() for each in before.cost],
            "packages": told["packages"],
            "inputs": dict(before.inputs),
            "unpriced_minutes": told["unpriced_minutes"],
        }
        closes = [
            {"line": "close", "application": application, "day": day, "hash": content}
            for (application, day), content in sorted(before.days.items())
        ]
        return _add(ledger, document, chain(closes, agreed_shares(agreed.amount)), before, as_of), True

    version, changed = settle(attempt)
    return _answer(month, version, changed)


def _closed(ledger: Ledger, month: str) -> Version:
    version = ledger.statements.latest(month)
    if version is None or version.document["state"] != "closed":
        raise BillingRequestError(f"correct: {month} is not closed; its statement is computed anew")
    return version


def _head(ledger: Ledger, month: str, before: Settled, closed: Version, as_of: datetime) -> dict[str, Any]:
    booked = booked_month(ledger, month_text(beijing_day(as_of)))
    if month not in months_before(booked):
        raise BillingRequestError(f"correct: no statement of {booked} shows a correction of {month}")
    return {
        "kind": "correction",
        "month": month,
        "number": before.correction.number + 1 if before.correction else 1,
        "booked_in": booked,
        "currency": "CNY",
        "statement": {"version": closed.number, "hash": closed.hash},
    }


def _sums(deducted: Sequence[Component], cost: Sequence[Component]) -> dict[str, Any]:
    return {
        "difference": [each.document() for each in deducted],
        "amount": plain(total_of(deducted)),
        "cost_difference": [each.document() for each in cost],
        "cost_amount": plain(total_of(cost)),
    }


def _reasons(before: Settled, fresh: Statement, changed: Iterable[Record]) -> list[str]:
    differs = changed_inputs(before, fresh)
    found = list(dict.fromkeys(reason for name, reason in _OF_INPUTS.items() if name in differs))
    records = changes_in(changed)
    if records.imported:
        found.insert(0, Reason.IMPORTED_RECORDS)
    if records.pushed or (records.any and not found):
        found.insert(0, Reason.LATE_FACTS)
    # Every record is what it was, and whose it is has changed.
    found = found or [Reason.SETTINGS]
    return [reason.value for reason in found]


def _add(
    ledger: Ledger,
    document: Mapping[str, Any],
    lines: Iterable[Mapping[str, Any]],
    before: Settled,
    as_of: datetime,
) -> Version:
    told = {name: value for name, value in document.items() if value is not None}
    return ledger.corrections.add(told["month"], told, lines, seen=before.correction, made_at=as_of)


def _answer(month: str, version: Version | None, changed: bool) -> dict[str, Any]:
    told = {**version.document, **described(version)} if version else {}
    return {**told, "kind": "correction", "month": month, "changed": changed}
