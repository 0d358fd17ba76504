"""What billing does every hour and for a month: rate, state.

Each run may be repeated at any time: it reads facts, computes, and adds a version where something changed.
Its answer is a JSON document without any person's number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from privatenumber.billing.closing.booking import booked_in, difference, settled
from privatenumber.billing.closing.components import total_of
from privatenumber.billing.closing.days import ClosedDay
from privatenumber.billing.closing.lines import Line
from privatenumber.billing.closing.months import MonthUse, merge_month
from privatenumber.billing.closing.package_rows import (
    UnitPrices,
    month_bounds,
    unit_prices_in,
    used_before,
    used_in,
)
from privatenumber.billing.closing.presented import present
from privatenumber.billing.closing.statement import Statement, build_statement, closes_at, days_of, rent_line
from privatenumber.billing.ledger import Ledger, together
from privatenumber.billing.rating.packages import Use, quotas_of
from privatenumber.billing.rating.rent import (
    first_day,
    last_day,
    month_before,
    month_text,
    rents_deducted,
    rents_of_cost_month,
)
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.month_looks import Look
from privatenumber.store.versions import Version, canonical, content_hash, settle
from privatenumber.times import beijing_day, day_bounds, iso

_RUNNING_KEPT: Final = timedelta(days=40)
_UNUSED: Final = Use()


class BillingRequestError(ValueError):
    """The run was asked for something it cannot do; the message says what."""


@dataclass(frozen=True, slots=True)
class StatedMonth:
    """A month's statement: as it is stored, and as the facts are now (a closed month never changes).

    ``late`` is what later facts would change in a closed month and its corrections; ``None`` when nothing.
    Where they only change whose the costs are, or what was used of packages, its amounts are 0.
    """

    version: Version
    fresh: Statement
    late: dict[str, Any] | None = None


def rate(ledger: Ledger, *, as_of: datetime) -> dict[str, Any]:
    """Running totals of today and yesterday (Beijing): kept for people to look at, never billed.

    They are at list price: what packages pay is known when the month is stated.
    """
    today = beijing_day(as_of)
    days = [today - timedelta(days=1), today]
    work = [(application, day) for application in sorted(ledger.applications) for day in days]
    rated = list(together(lambda item: ledger.closer.rate(*item), work))

    def keep(number: int) -> dict[str, Any]:
        (application, day), (close, seen) = work[number], rated[number]
        totals = {
            **close.document(),
            "kind": "running",
            "closed_version": seen.number if seen else None,
            "changed_since_close": seen is not None and not seen.says(close.hash()),
        }
        ledger.closes.put_running(
            application, day, totals, as_of=as_of, expires_at=day_bounds(day)[1] + _RUNNING_KEPT
        )
        return totals

    running = list(together(keep, range(len(work))))
    return {"kind": "rate", "as_of": iso(as_of), "days": running, "warnings": list(ledger.prices.warnings())}


def statement(ledger: Ledger, month: str, *, as_of: datetime) -> dict[str, Any]:
    """The statement of a month: open and recomputed at any time, from the 3rd of the next month on closed.

    A closed month stays as it is; ``late`` then says what facts that came later would change.
    """
    stated = state_month(ledger, month, as_of=as_of)[0]
    shown = present(stated.version.document, ledger.statements.lines(stated.version))
    return {**shown, **described(stated.version), "late": stated.late}


def state_month(
    ledger: Ledger, month: str, *, as_of: datetime, stored: bool = False
) -> tuple[StatedMonth, list[ClosedDay]]:
    """Close every day of a month that has begun and store the month's statement if it says something new.

    `stored` takes the days as they are closed, without looking at their facts. Raises BillingRequestError
    for a month that has not begun, VersionTaken under lasting contention.
    """
    if first_day(month) > beijing_day(as_of):
        raise BillingRequestError(f"statement: {month} has not begun in Beijing")

    last = ledger.looks.last(month)

    def attempt() -> tuple[StatedMonth, list[ClosedDay]]:
        # Read first: whoever adds a version after this makes ours fail instead of being covered by it.
        seen = ledger.statements.latest(month)
        fresh, closes = fresh_statement(ledger, month, as_of=as_of, stored=stored)
        if seen is not None and seen.document["state"] == "closed":
            return StatedMonth(seen, fresh, _late(ledger, seen, fresh)), closes
        version = ledger.statements.add(month, fresh.document(), fresh.lines(), seen=seen, made_at=as_of)
        return StatedMonth(version, fresh), closes

    stated, closes = settle(attempt)
    if stated.version.document["state"] == "closed":
        note_look(ledger, month, last, late=stated.late is not None, as_of=as_of)
    return stated, closes


def note_look(ledger: Ledger, month: str, last: Look, *, late: bool, as_of: datetime) -> None:
    """Note with what a closed month was looked at, and whether something of it waits to be booked.

    `last` is the last look at it, read before its facts.
    """
    ledger.looks.note(month, terms_of(ledger, month), late=late, at=as_of, last=last)


def terms_of(ledger: Ledger, month: str) -> str:
    """The hash of all that decides a month beside its facts: prices, packages, rents, how they are spread."""
    start, end = month_bounds(month)
    prices, first, last = ledger.prices, first_day(month), last_day(month)
    rents = {
        *rents_deducted(ledger.holdings, month, prices, until=end),
        *rents_of_cost_month(ledger.holdings, month, prices),
    }
    terms = {
        "prices": [each.document() for each in prices.between(first, last)],
        "usage_time": prices.usage_time.value,
        "package_choice": prices.package_choice.value,
        "packages": [
            order.document()
            for order in sorted(ledger.packages, key=lambda order: order.number)
            if order.bought_at < end and order.expires_at > start
        ],
        "spread": ledger.options.document(),
    }
    return content_hash(terms, sorted(map(rent_line, rents), key=canonical))


def fresh_statement(
    ledger: Ledger, month: str, *, as_of: datetime, stored: bool = False, keep: bool = True
) -> tuple[Statement, list[ClosedDay]]:
    """A month as its facts stand now, after its days were closed; the month itself is not stored.

    `stored` takes the days as they are closed; without `keep` none of them is closed anew, whatever prices it
    was rated with, and nothing is written. Raises MonthTooLarge.
    """
    # The platform's clock may be ahead of ours, so tomorrow may have begun there.
    days = days_of(month, beijing_day(as_of) + timedelta(days=1))
    # First, since it may take a month before this one, and memory holds only one.
    carried = carried_into(ledger, month, as_of, keep=keep)
    if stored:
        closes = ledger.stored_days(days, now=as_of if keep else None)
    else:
        closes = ledger.close_days(days, now=as_of)
    built = build_statement(
        month,
        closes,
        _merged(ledger, closes, carried.used),
        ledger.rules_with(ledger.prices),
        unit_prices=carried.unit_prices,
        rents=rents_deducted(ledger.holdings, month, ledger.prices, until=as_of),
        cost_month_rents=rents_of_cost_month(ledger.holdings, month, ledger.prices),
        corrections=booked_in(ledger, month),
    )
    # A month whose minutes have no price has no final amount either: it waits for the price list.
    closed = as_of >= closes_at(month, ledger.close_day) and not built.totals.calls.unpriced_minutes
    return replace(built, closed=closed), closes


@dataclass(frozen=True, slots=True)
class Carried:
    """What a month is told of packages, by order number: what was used of them, what their units weigh."""

    used: Mapping[str, Use]
    unit_prices: Mapping[str, UnitPrices]


def carried_into(ledger: Ledger, month: str, as_of: datetime, *, keep: bool = True) -> Carried:
    """What earlier months used of the packages; what these or the closed month itself weighed them by.

    Without `keep` nothing is written.
    """
    own = unit_prices_in(_packages_said(ledger, month) or ())
    start, _ = month_bounds(month)
    if not any(order.effective_at < start < order.expires_at for order in ledger.packages):
        return Carried({}, own)
    previous = month_before(month)
    rows = _packages_said(ledger, previous)
    if rows is None:
        # Not stored: of a month that nobody asked for, not every day need be closed.
        open_month, _ = fresh_statement(ledger, previous, as_of=as_of, stored=True, keep=keep)
        rows = [row.document() for row in open_month.packages]
    return Carried(used_in(rows), {**unit_prices_in(rows), **own})


def is_built_otherwise(ledger: Ledger, month: str, following: str) -> bool:
    """Whether a closed month was told that packages were used otherwise than the one before it says now."""
    said, built = (_packages_said(ledger, each) or () for each in (month, following))
    start, _ = month_bounds(following)
    alive = {order.number for order in ledger.packages if order.effective_at < start < order.expires_at}
    used, before = used_in(said), used_before(built)
    return any(used.get(number, _UNUSED) != before.get(number, _UNUSED) for number in {*alive, *before})


def _packages_said(ledger: Ledger, month: str) -> Sequence[Mapping[str, Any]] | None:
    """The packages of a closed month, by its last correction or its statement; None of an open one."""
    version = ledger.corrections.latest(month) or ledger.statements.latest(month)
    if version is None or version.document.get("state") == "open":
        return None
    rows: Sequence[Mapping[str, Any]] = version.document["packages"]
    return rows


def described(version: Version) -> dict[str, Any]:
    """Version, hash and time of a stored document, as answers carry them."""
    return {"version": version.number, "hash": version.hash, "made_at": iso(version.made_at)}


def last_month(as_of: datetime) -> str:
    """The month before the one of a moment, Beijing time."""
    return month_before(month_text(beijing_day(as_of)))


def lines_by_day(ledger: Ledger, closes: Iterable[ClosedDay], day: date) -> Iterable[Line]:
    """The rated records of a day, of all applications."""
    return (line for each in closes if each.close.day == day for line in ledger.closer.lines_of(each.close))


def _merged(ledger: Ledger, closes: Sequence[ClosedDay], used: Mapping[str, Use]) -> MonthUse:
    quotas = quotas_of(ledger.packages, ledger.prices.package_choice, used)
    cells = (cell for closed in closes for cell in closed.close.cells)
    return merge_month(cells, quotas, lambda day: lines_by_day(ledger, closes, day))


def _late(ledger: Ledger, closed: Version, fresh: Statement) -> dict[str, Any] | None:
    found = difference(ledger, closed, settled(ledger, closed), fresh)
    if found is None:
        return None
    changed = found.deducted
    minutes = sum(each.quantity + each.package_quantity for each in changed if each.item == Item.CALL.value)
    told = {"minutes": minutes, "amount": plain(total_of(changed))}
    return told if changed else {**told, "cost_amount": plain(total_of(found.cost))}
