"""What the billing function does every hour, every day and for a month: rate, close, state.

Each run may be repeated at any time: it reads facts, computes, and adds a version where something changed.
Its answer is a JSON document without any person's number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.closing.days import ClosedDay
from privatenumber.billing.closing.statement import Statement, build_statement, closes_at, days_of, present
from privatenumber.billing.ledger import Ledger, together
from privatenumber.billing.rating.rent import first_day, month_text, rents_deducted, rents_of_cost_month
from privatenumber.billing.tariff.money import plain
from privatenumber.store.versions import Version, settle
from privatenumber.times import beijing_day, day_bounds, iso

_RUNNING_KEPT: Final = timedelta(days=40)
_LATE_DAYS: Final = 2
"""Days that the daily run closes: a CDR may come 11 hours late, also for the day before yesterday."""


class BillingRequestError(ValueError):
    """The run was asked for something it cannot do; the message says what."""


@dataclass(frozen=True, slots=True)
class StatedMonth:
    """A month's statement: as it is stored, and as the facts are now (a closed month never changes)."""

    version: Version
    fresh: Statement

    @property
    def late(self) -> dict[str, Any] | None:
        """What later facts would change in a closed month; ``None`` when nothing."""
        now, then = self.fresh.document(), self.version.document
        if then["state"] != "closed" or now == then:
            return None
        return {
            "minutes": now["calls"]["minutes"] - then["calls"]["minutes"],
            "amount": plain(Decimal(now["exact_total"]) - Decimal(then["exact_total"])),
        }


def rate(ledger: Ledger, *, as_of: datetime) -> dict[str, Any]:
    """Running totals of today and yesterday (Beijing): kept for people to look at, never billed."""
    today = beijing_day(as_of)
    days = [today - timedelta(days=1), today]
    work = [(application, day) for application in sorted(ledger.applications) for day in days]

    def run(item: tuple[str, date]) -> dict[str, Any]:
        application, day = item
        close, seen = ledger.closer.rate(application, day)
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

    running = list(together(run, work))
    return {"kind": "rate", "as_of": iso(as_of), "days": running, "warnings": list(ledger.prices.warnings())}


def close(ledger: Ledger, day: date | None = None, *, as_of: datetime) -> dict[str, Any]:
    """Close a Beijing day; without one, yesterday and the day before, and last month once it is due (§9.4).

    A day that is not over may be closed too: what happens later makes the next version. Raises
    BillingRequestError for a day that has not begun.
    """
    today = beijing_day(as_of)
    if day is not None and day > today:
        raise BillingRequestError(f"close: {day} has not begun in Beijing")
    days = [day] if day else [today - timedelta(days=back) for back in range(_LATE_DAYS, 0, -1)]
    document: dict[str, Any] = {
        "kind": "close",
        "as_of": iso(as_of),
        "days": [_closed(closed, as_of) for closed in ledger.close_days(days, now=as_of)],
    }
    month = month_text(first_day(month_text(today)) - timedelta(days=1))
    if day is None and _is_due(ledger, month, as_of):
        document["month_closed"] = statement(ledger, month, as_of=as_of)["month"]
    return document


def statement(ledger: Ledger, month: str, *, as_of: datetime) -> dict[str, Any]:
    """The statement of a month: open and recomputed at any time, from the 3rd of the next month on closed.

    A closed month stays as it is; ``late`` then says what facts that came later would change.
    """
    stated = state_month(ledger, month, as_of=as_of)[0]
    shown = present(stated.version.document, ledger.statements.lines(stated.version))
    return {**shown, **described(stated.version), "late": stated.late}


def state_month(ledger: Ledger, month: str, *, as_of: datetime) -> tuple[StatedMonth, list[ClosedDay]]:
    """Close every day of a month that has begun and store the month's statement if it says something new.

    Raises BillingRequestError for a month that has not begun, VersionTaken under lasting contention.
    """
    if first_day(month) > beijing_day(as_of):
        raise BillingRequestError(f"statement: {month} has not begun in Beijing")

    def attempt() -> tuple[StatedMonth, list[ClosedDay]]:
        # Read first: whoever adds a version after this makes ours fail instead of being covered by it.
        seen = ledger.statements.latest(month)
        # The platform's clock may be ahead of ours, so tomorrow may have begun there.
        days = days_of(month, beijing_day(as_of) + timedelta(days=1))
        closes = ledger.close_days(days, now=as_of)
        fresh = _fresh(ledger, month, closes, as_of)
        if seen is not None and seen.document["state"] == "closed":
            return StatedMonth(seen, fresh), closes
        version = ledger.statements.add(month, fresh.document(), fresh.lines(), seen=seen, made_at=as_of)
        return StatedMonth(version, fresh), closes

    return settle(attempt)


def described(version: Version) -> dict[str, Any]:
    """Version, hash and time of a stored document, as answers carry them."""
    return {"version": version.number, "hash": version.hash, "made_at": iso(version.made_at)}


def _fresh(ledger: Ledger, month: str, closes: Iterable[ClosedDay], as_of: datetime) -> Statement:
    built = build_statement(
        month,
        closes,
        rents_deducted(ledger.holdings, month, ledger.prices, until=as_of),
        cost_month_rents=rents_of_cost_month(ledger.holdings, month, ledger.prices),
        prices=ledger.prices,
    )
    # A month whose minutes have no price has no final amount either: it waits for the price list.
    return replace(built, closed=as_of >= closes_at(month) and not built.calls.unpriced_minutes)


def _closed(closed: ClosedDay, as_of: datetime) -> dict[str, Any]:
    over = as_of >= day_bounds(closed.close.day)[1]
    return {**closed.close.document(), **described(closed.version), "day_over": over}


def _is_due(ledger: Ledger, month: str, as_of: datetime) -> bool:
    """Whether a month may be closed now, is not closed yet, and was ever looked at."""
    if as_of < closes_at(month):
        return False
    seen = ledger.statements.latest(month)
    if seen is not None:
        return bool(seen.document["state"] != "closed")
    days = days_of(month, date.max)
    heads = together(lambda item: ledger.closes.latest(*item), _each(ledger.applications, days))
    return any(head is not None and head.lines for head in heads)


def _each(applications: Mapping[str, str], days: Iterable[date]) -> list[tuple[str, date]]:
    return [(application, day) for application in applications for day in days]
