"""Books what decisions of disputes are worth: each adjustment once, as a correction of the month it is about.

A decision is written down at once; its month may still be open then, so the daily run books what is left. A
credit is the platform's and no cost of ours: nothing is booked of it.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.closing.booking import months_before
from privatenumber.billing.closing.corrections import Adjustment as Agreed
from privatenumber.billing.closing.corrections import adjust
from privatenumber.billing.closing.runs import BillingRequestError
from privatenumber.billing.ledger import Ledger
from privatenumber.billing.reconciliation.agreed import AgreedAmount
from privatenumber.store.disputes import Adjustment, AdjustmentKind, DisputeStore
from privatenumber.times import beijing_month

_REFERENCE: Final = re.compile(r"dispute (?P<dispute>\S+) move [0-9]+", re.ASCII)
_BY: Final = "billing"

_log = logging.getLogger(__name__)


def book_decisions(ledger: Ledger, disputes: DisputeStore, *, as_of: datetime) -> list[dict[str, Any]]:
    """Book the adjustments of closed months that are not booked yet; what was booked, as JSON."""
    month = beijing_month(as_of)
    rows = [each for looked_at in (month, *months_before(month)) for each in disputes.adjustments(looked_at)]
    never = {(each.dispute, each.number) for each in rows if each.kind is AdjustmentKind.NOT_BOOKED}
    pending = [
        each
        for each in rows
        if each.kind is AdjustmentKind.ADJUSTMENT and (each.dispute, each.number) not in never
    ]
    booked = list[dict[str, Any]]()
    for of_month in sorted({each.of_month for each in pending}):
        statement = ledger.statements.latest(of_month)
        if statement is None or statement.document["state"] != "closed":
            continue
        known = {version.document.get("reference") for version in ledger.corrections.versions(of_month)}
        booked += [
            _booked(ledger, disputes, each, as_of)
            for each in pending
            if each.of_month == of_month and reference_of(each) not in known
        ]
    return booked


def _booked(
    ledger: Ledger, disputes: DisputeStore, adjustment: Adjustment, as_of: datetime
) -> dict[str, Any]:
    agreed = Agreed(adjustment.amount, reference_of(adjustment), _why(adjustment))
    try:
        return adjust(ledger, adjustment.of_month, agreed, as_of=as_of)
    except BillingRequestError as error:
        # Its month is history and stays so: told once, and the others need not wait.
        disputes.note_not_booked(adjustment, at=as_of, by=_BY)
        told = {"month": adjustment.of_month, "reference": agreed.reference, "detail": str(error)}
        _log.error("adjustment refused", extra=told)
        return {"kind": "refused", **told}


def agreed_amounts(ledger: Ledger, month: str) -> list[AgreedAmount]:
    """What is booked of each dispute about a month, in all."""
    booked: dict[str, Decimal] = defaultdict(Decimal)
    for version in ledger.corrections.versions(month):
        named = _REFERENCE.fullmatch(version.document.get("reference") or "")
        if named:
            booked[named["dispute"]] += Decimal(version.document["amount"])
    known = [(ledger.disputes.get(identity), amount) for identity, amount in booked.items() if amount]
    return [AgreedAmount(dispute, amount) for dispute, amount in known if dispute]


def reference_of(adjustment: Adjustment) -> str:
    """What names an adjustment in the correction that books it: its dispute and the move."""
    return f"dispute {adjustment.dispute} move {adjustment.number}"


def _why(adjustment: Adjustment) -> str:
    if adjustment.reverses:
        return f"the dispute is open again: move {adjustment.reverses} is taken back"
    return "the platform has not accepted it"
