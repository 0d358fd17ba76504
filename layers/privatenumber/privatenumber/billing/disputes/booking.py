"""Books what decisions of disputes are worth: each adjustment once, as a correction of the month it is about.

A decision is written down at once; its month may still be open then, so the daily run books what is left. A
credit is the platform's and no cost of ours: nothing is booked of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from privatenumber.billing.closing.corrections import Adjustment as Agreed
from privatenumber.billing.closing.corrections import adjust
from privatenumber.billing.closing.runs import BillingRequestError
from privatenumber.billing.ledger import Ledger
from privatenumber.billing.rating.rent import months_back
from privatenumber.billing.reconciliation.agreed import AgreedAmount
from privatenumber.store.disputes import Adjustment, AdjustmentKind, DisputeStore
from privatenumber.times import beijing_month

_REFERENCE: Final = re.compile(r"dispute (?P<dispute>\S+) move [0-9]+", re.ASCII)
_MONTHS: Final = 6
"""So many months back decisions are looked at: a month is closed on the 3rd of the next one."""


def book_decisions(ledger: Ledger, disputes: DisputeStore, *, as_of: datetime) -> list[dict[str, Any]]:
    """Book the adjustments of closed months that are not booked yet; what was booked, as JSON."""
    pending = [
        each
        for month in _months(beijing_month(as_of))
        for each in disputes.adjustments(month)
        if each.kind is AdjustmentKind.ADJUSTMENT
    ]
    booked = []
    for of_month in sorted({each.of_month for each in pending}):
        statement = ledger.statements.latest(of_month)
        if statement is None or statement.document["state"] != "closed":
            continue
        known = {version.document.get("reference") for version in ledger.corrections.versions(of_month)}
        for each in pending:
            if each.of_month == of_month and reference_of(each) not in known:
                agreed = Agreed(each.amount, reference_of(each), _why(each))
                booked.append(_booked(ledger, of_month, agreed, as_of))
    return booked


def _booked(ledger: Ledger, month: str, agreed: Agreed, as_of: datetime) -> dict[str, Any]:
    try:
        return adjust(ledger, month, agreed, as_of=as_of)
    except BillingRequestError as error:
        # Of one month that is history the others need not wait.
        return {"kind": "refused", "month": month, "reference": agreed.reference, "detail": str(error)}


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


def _months(month: str) -> list[str]:
    return [month, *islice(months_back(month), _MONTHS - 1)]
