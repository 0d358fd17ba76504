"""The console's small files against our own figures: statistics ↔ I5, quota ↔ I7 (billing-rules.md §9.3).

Neither moves money: the bill does. They tell which day lacks records, and whether packages are counted alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from privatenumber.billing.rating.packages import Quotas
from privatenumber.billing.reconciliation.console_files import ImportedQuota, ImportedStatistics
from privatenumber.billing.reconciliation.differences import Difference, Kind
from privatenumber.billing.reconciliation.money import BillCheck
from privatenumber.billing.tariff.prices import Item
from privatenumber.privacy import scrub

_NAMES: Final[Mapping[str, str]] = {
    "attempts": "calls",
    "connected": "connected calls",
    "duration_s": "talk seconds",
    "sms_sends": "SMS",
    "sms_success": "SMS sent",
    "sms_parts": "SMS parts",
}


@dataclass(frozen=True, slots=True)
class DaySums:
    """What one application has on one Beijing day; also what records make the platform's sums differ by."""

    attempts: int = 0
    connected: int = 0
    duration_s: int = 0
    sms_sends: int = 0
    sms_success: int = 0
    sms_parts: int = 0

    def __add__(self, other: DaySums) -> DaySums:
        return DaySums(*(getattr(self, name) + getattr(other, name) for name in _NAMES))


Days: TypeAlias = Mapping[tuple[str, date], DaySums]
"""By application and Beijing date."""


def check_statistics(
    rows: Iterable[ImportedStatistics],
    own: Days,
    found: Sequence[Days],
    applications: Mapping[str, str],
    month: tuple[date, date],
) -> list[Difference]:
    """Compare the sums of each row. `found`: readings of what single records explain, the likeliest first.

    `applications`: ours by the platform's app key; `month`: its first and last day. Rows of a city or an
    enterprise, and those of other months, are left out.
    """
    differences = []
    for row in rows:
        if row.divided or row.first < month[0] or row.last > month[1]:
            continue
        application = applications.get(row.app_key or "")
        if application is None and row.app_key is not None:
            continue
        ours = _sum(own, application, row)
        gaps = [_gaps(row, ours + _sum(each, application, row)) for each in (*found, {})]
        if all(gaps):
            differences.append(_statistics_diff(row, application, gaps[0]))
    return differences


def check_quota(
    rows: Iterable[ImportedQuota], ledger: Quotas, check: BillCheck, *, at: datetime
) -> list[Difference]:
    """Compare what is left of every order at a moment, the end of the month.

    What the bill has told already is no second cause: units that packages pay on it beyond our records, and
    a purchase that we do not know of. Rows of another moment are left out.
    """
    told = [row for row in rows if row.as_of is None or row.as_of == at]
    known = {quota.order.number: quota for quota in ledger.quotas}
    purchase = any(found.kind is Kind.PACKAGE_DIFF for found in check.differences)
    differences = [_unknown_order(row) for row in told if row.order not in known and not purchase]
    left = dict(check.packages)
    for row in sorted(told, key=lambda row: row.order):
        quota = known.get(row.order)
        if quota is None:
            continue
        for item, theirs, ours in (
            (Item.CALL, row.minutes_left, quota.left.minutes),
            (Item.SMS, row.parts_left, quota.left.parts),
        ):
            gap = Decimal(0) if theirs is None else Decimal(theirs - ours)
            explained = _within(-gap, left.get(item, Decimal(0)))
            left[item] = left.get(item, Decimal(0)) - explained
            if gap + explained:
                differences.append(_quota_diff(row, item, theirs or 0, ours, gap + explained))
    return differences


def _sum(days: Days, application: str | None, row: ImportedStatistics) -> DaySums:
    """The sums of a row's days, of one application or of all."""
    span = (row.first + timedelta(days=n) for n in range((row.last - row.first).days + 1))
    within = set(span)
    found = (sums for (app, day), sums in days.items() if day in within and application in (None, app))
    return sum(found, DaySums())


def _gaps(row: ImportedStatistics, ours: DaySums) -> dict[str, int]:
    """What a row counts more than we do, by name; what it does not tell is left out."""
    told = {name: getattr(row, name) for name in _NAMES}
    return {
        name: value - getattr(ours, name)
        for name, value in told.items()
        if value is not None and value != getattr(ours, name)
    }


def _statistics_diff(row: ImportedStatistics, application: str | None, gaps: Mapping[str, int]) -> Difference:
    days = f"{row.first}" if row.first == row.last else f"{row.first} to {row.last}"
    counted = ", ".join(f"{value:+d} {_NAMES[name]}" for name, value in gaps.items())
    first = next(iter(gaps.values()))
    return Difference(
        kind=Kind.STATISTICS_DIFF,
        cause=f"the console's statistics of {days} count {counted} beside our records",
        action="import the detail export of these days: it names the records",
        amount=Decimal(0),
        quantity=Decimal(first),
        application=application,
        evidence={"import_line": row.line, "first": f"{row.first}", "last": f"{row.last}", **gaps},
    )


def _unknown_order(row: ImportedQuota) -> Difference:
    return Difference(
        kind=Kind.QUOTA_DIFF,
        cause=f"the console has a package of order {scrub(row.order)}, which we do not know of",
        action="register the purchase with its time; the month is rated anew",
        amount=Decimal(0),
        evidence={"import_line": row.line, "order": scrub(row.order)},
    )


def _quota_diff(row: ImportedQuota, item: Item, theirs: int, ours: int, gap: Decimal) -> Difference:
    units = "minutes" if item is Item.CALL else "SMS parts"
    return Difference(
        kind=Kind.QUOTA_DIFF,
        cause=f"package {row.order}: the console has {theirs} {units} left, our ledger {ours}",
        action="compare the detail export with our records from the day of purchase on",
        amount=Decimal(0),
        quantity=gap,
        item=item,
        evidence={"import_line": row.line, "order": row.order, "item": item.value},
    )


def _within(gap: Decimal, most: Decimal) -> Decimal:
    """As much of a gap as something of the same sign can explain."""
    if gap * most <= 0:
        return Decimal(0)
    return min(gap, most) if gap > 0 else max(gap, most)
