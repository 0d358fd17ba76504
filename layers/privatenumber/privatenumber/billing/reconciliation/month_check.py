"""All money of a month against the platform's bill and small files, once its records are compared.

Pure. In: our month and its sums, the rows of the files, what the comparison of single records found. Out:
every difference with its cause, the table that people read, why packages paid no more, and the residual.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from privatenumber.billing.closing.months import LinesOf, MonthUse
from privatenumber.billing.rating.rent import Holding, Rent, first_day, last_day
from privatenumber.billing.reconciliation.bill_check import check_bill, residual
from privatenumber.billing.reconciliation.console_checks import check_quota, check_statistics
from privatenumber.billing.reconciliation.console_files import (
    ImportedQuota,
    ImportedStatistics,
    ImportedX,
)
from privatenumber.billing.reconciliation.differences import Difference, Kind
from privatenumber.billing.reconciliation.edges import marker_edge
from privatenumber.billing.reconciliation.exports_in import ImportedCharge
from privatenumber.billing.reconciliation.money import PART_OF, USED, BillCheck, Component, Explanations
from privatenumber.billing.reconciliation.number_check import Inventory, NumberCheck, check_numbers
from privatenumber.billing.reconciliation.package_check import (
    Reasons,
    covers,
    reasons_of,
)
from privatenumber.billing.reconciliation.settlement import settled_records
from privatenumber.billing.reconciliation.sums import Look, day_sums, days_told, sums_of, usage_by_x
from privatenumber.billing.reconciliation.usage_groups import Own
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import Item, PriceBook, UsageTime
from privatenumber.settings import TOLERANCE_LINE
from privatenumber.store.numbers import NumberType
from privatenumber.times import day_bounds


@dataclass(frozen=True, slots=True)
class OurMonth:
    """What we have. ``rents`` are those deducted in it up to ``until``; ``lines_of`` opens a day.

    ``applications``: ours by the platform's app key. ``tolerance_line``: what a line of the bill may be off.
    """

    month: str
    usage: MonthUse
    rents: Sequence[Rent]
    holdings: Sequence[Holding]
    prices: PriceBook
    applications: Mapping[str, str]
    lines_of: LinesOf
    until: datetime
    tolerance_line: Decimal = TOLERANCE_LINE

    @property
    def days(self) -> tuple[date, date]:
        """Its first and last day."""
        return first_day(self.month), last_day(self.month)

    @property
    def end(self) -> datetime:
        """The moment when it is over."""
        return day_bounds(self.days[1])[1]

    @property
    def bought(self) -> tuple[PackageOrder, ...]:
        """The packages bought in it."""
        begin = day_bounds(self.days[0])[0]
        orders = (quota.order for quota in self.usage.before.quotas)
        return tuple(order for order in orders if begin <= order.bought_at < self.end)

    def covers(self, item: Item, number_type: NumberType, at: datetime) -> bool:
        """Whether a package was valid for a use of this moment."""
        return covers(self.usage.before, item, number_type, at)

    def look(self) -> Look:
        """What is to watch its lines."""
        return Look(self.month, self.covers, self.prices.usage_time is UsageTime.END)


@dataclass(frozen=True, slots=True)
class Console:
    """Rows of the bill (I6) of the month, and of the small files that came with it (I5, I7, I8)."""

    bill: Sequence[ImportedCharge]
    statistics: Sequence[ImportedStatistics] = ()
    quota: Sequence[ImportedQuota] = ()
    numbers: Sequence[ImportedX] = ()


@dataclass(frozen=True, slots=True)
class MonthCheck:
    """Everything that differs, those of the single records included, and what a head shows of the money."""

    differences: tuple[Difference, ...]
    check: BillCheck
    reasons: Reasons = field(default_factory=Reasons)

    def document(self) -> dict[str, Any]:
        """The money as JSON, for the head of a reconciliation."""
        return {
            "bill": list(self.check.table),
            "residual": residual(self.check),
            "accepted": list(self.check.accepted),
            "not_compared": list(self.check.not_compared),
            "package_reasons": self.reasons.document(),
        }


def check_month(
    ours: OurMonth,
    console: Console,
    records: Sequence[Difference],
    explanations: Mapping[Component, Explanations],
    look: Look,
) -> MonthCheck:
    """Compare a month. `records`: the differences of single records; `look` has watched all lines."""
    cells = ours.usage.cells
    sums = sums_of(cells, ours.prices, ours.days, look)
    numbers = _numbers(ours, console, sums)
    reasons = reasons_of(ours.usage, ours.lines_of, ours.rents)
    own = Own(
        sums=sums,
        explanations=explanations,
        edges=(*look.edges, *marker_edge(sums)),
        packages={item: reasons.sums(ours.usage.after, item) for item in USED},
        bought=ours.bought,
        tolerance_line=ours.tolerance_line,
    )
    check = check_bill(console.bill, own, numbers)
    single = [found for found in records if not _told_twice(found, numbers.differences)]
    statistics = compare_days(ours, console.statistics, single)
    quota = check_quota(console.quota, ours.usage.after, check, at=ours.end)
    return MonthCheck(
        differences=(
            *settled_records(single, check, ours.covers),
            *check.differences,
            *statistics,
            *quota,
        ),
        check=check,
        reasons=reasons,
    )


def _numbers(ours: OurMonth, console: Console, sums: Mapping[Component, Any]) -> NumberCheck:
    if not console.numbers:
        return NumberCheck(rents=tuple(ours.rents), sums=sums)
    used = usage_by_x(ours.usage.cells)
    inventory = Inventory(ours.holdings, ours.prices, ours.month, ours.until, ours.applications)
    return check_numbers(console.numbers, inventory, sums, lambda x: used.get(x, {}), console.bill)


def compare_days(
    ours: OurMonth, statistics: Sequence[ImportedStatistics], single: Sequence[Difference]
) -> list[Difference]:
    """The console's days; not when records that differ are told as sums: those belong to no single day.

    They need no bill, as they move no money.
    """
    if any(found.kind in PART_OF and "count" in found.evidence for found in single):
        return []
    own, told = day_sums(ours.usage.cells), days_told(single)
    return check_statistics(statistics, own, [told], ours.applications, ours.days)


def _told_twice(found: Difference, numbers: Iterable[Difference]) -> bool:
    """A number with calls that is not in our inventory, when the number table has told it already."""
    return found.kind is Kind.NUMBER_UNKNOWN and any(
        other.kind is Kind.NUMBER_UNKNOWN and other.x == found.x for other in numbers
    )
