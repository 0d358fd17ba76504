"""What a reconciliation can find: kinds, and one difference with its cause, amount, evidence and proposal.

Names: billing-rules.md §9.3. X numbers appear masked, people not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item
from privatenumber.privacy import mask
from privatenumber.store.numbers import NumberType
from privatenumber.times import BEIJING, iso


class Kind(StrEnum):
    """Kinds of difference (billing-rules.md §9.3)."""

    MISSING_PUSH = "missing_push"
    MISSING_CONSOLE = "missing_console"
    EVENT_WITHOUT_CDR = "event_without_cdr"
    CDR_WITHOUT_EVENT = "cdr_without_event"
    DUPLICATE = "duplicate"
    RECORD_CONFLICT = "record_conflict"
    LATE = "late"
    DURATION_DIFF = "duration_diff"
    MINUTES_DIFF = "minutes_diff"
    PARTS_DIFF = "parts_diff"
    NUMBER_UNKNOWN = "number_unknown"
    NUMBER_TYPE = "number_type"
    """The platform charges an X as of the other type; §9.3 has no word for it, nor for the next ones."""
    NUMBER_STATE = "number_state"
    """Issue, state or unsubscription of an X differ so that it pays other rents."""
    PERIOD_EDGE = "period_edge"
    """Records over the end of a month count in the other month."""
    TIME_ZONE = "time_zone"
    """The platform's file or month follows another clock."""
    RENT_MISSING = "rent_missing"
    RENT_UNEXPECTED = "rent_unexpected"
    PACKAGE_REASON = "package_reason"
    PACKAGE_NOT_APPLIED = "package_not_applied"
    """Charged although a package was valid and had quota left: none of the five reasons holds (§5)."""
    PACKAGE_DIFF = "package_diff"
    """A purchase of a package that only one side has, or units from none we know."""
    QUOTA_DIFF = "quota_diff"
    """The console has another quota left than our ledger."""
    STATISTICS_DIFF = "statistics_diff"
    """The console's statistics count other calls or SMS than we have; no effect on money by itself."""
    PRICE_DIFF = "price_diff"
    DISCOUNT = "discount"
    """The bill takes something off what it charges."""
    STALE_ADJUSTMENT = "stale_adjustment"
    """An agreed amount is booked, and its difference is found no more."""
    ROUNDING = "rounding"
    UNPRICED = "unpriced"


class Result(StrEnum):
    """How a reconciliation ended."""

    MATCHED = "matched"
    DIFFERENCES = "differences"
    INCOMPLETE = "incomplete"
    """Something could not be compared, so the figures prove nothing, whatever else was found."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. ``amount``: CNY that the platform has and we have not; ``None`` = nobody can price it.

    ``quantity`` counts minutes or rents the same way. ``x`` is masked. ``state`` is where a dispute begins.
    """

    kind: Kind
    cause: str
    action: str
    amount: Decimal | None
    quantity: Decimal | None = None
    application: str | None = None
    x: str | None = None
    at: datetime | None = None
    item: Item | None = None
    """What ``quantity`` counts units of."""
    number_type: NumberType | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The difference as JSON; an amount nobody can price is ``"unpriced"``."""
        values = {
            "line": "difference",
            "kind": self.kind.value,
            "cause": self.cause,
            "action": self.action,
            "amount": plain(self.amount) or "unpriced",
            "quantity": None if self.quantity is None else _count(self.quantity),
            "application": self.application,
            "x": self.x,
            "at": iso(self.at) if self.at else None,
            "evidence": dict(self.evidence),
            "state": "open",
        }
        return {name: value for name, value in values.items() if value is not None}

    @property
    def sort_key(self) -> tuple[str, str, str, str]:
        """Order of differences in a result."""
        return (
            self.kind.value,
            iso(self.at) if self.at else "",
            self.x or "",
            repr(sorted(self.evidence.items())),
        )


def money(amount: Decimal | None) -> str:
    """An amount in a sentence."""
    return "unpriced" if amount is None else f"{plain(amount)} CNY"


def told(x: str | None, ended_at: datetime, minutes: int | None = None, amount: Decimal | None = None) -> str:
    """A call in a sentence: X masked, end in Beijing time, and with `minutes` also what they cost."""
    call = f"a call on X {hidden(x)} that ended {ended_at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
    return call if minutes is None else f"{call}, {minutes} min, {money(amount)}"


def told_sms(x: str | None, at: datetime) -> str:
    """An SMS in a sentence: X masked, its time in Beijing."""
    return f"an SMS over X {hidden(x)} of {at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"


def hidden(x: str | None) -> str:
    """A private number as people see it."""
    return mask(x) if x else "unknown"


def place(file: int, line: int) -> dict[str, int]:
    """Where a row stands, as evidence: its line, and the number of its file unless that is the first."""
    return {"import_line": line, **({"part": file + 1} if file else {})}


def _count(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"
