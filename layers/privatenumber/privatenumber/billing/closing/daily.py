"""What a day brings: its close, months that are due, and closed months that are not what they were.

One rule for both who do it: workers that share it (`fan_out`), and one run that does all of it (`close`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from privatenumber.billing.closing.booking import months_before
from privatenumber.billing.closing.corrections import correct
from privatenumber.billing.closing.days import ClosedDay
from privatenumber.billing.closing.runs import (
    BillingRequestError,
    described,
    is_built_otherwise,
    state_month,
    terms_of,
)
from privatenumber.billing.closing.statement import closes_at, days_of
from privatenumber.billing.ledger import Ledger, MonthTooLarge, together
from privatenumber.billing.rating.rent import month_before, month_text
from privatenumber.store.month_looks import NEVER, Look, LookStore
from privatenumber.store.statements import MonthStore
from privatenumber.store.versions import Version
from privatenumber.times import beijing_day, day_bounds, iso

LATE_DAYS: Final = 2
"""Days that the daily run closes: a CDR may come 11 hours late, also for the day before yesterday."""

LATE_AFTER: Final = timedelta(days=1)
"""What was seen to be late is booked by then: the run that sees it books it, else the one of the next day."""

_MONDAY: Final = 0


class MonthsRefused(Exception):
    """Months that memory does not hold, with why; ``booked`` is how many of the others were corrected."""

    def __init__(self, details: Mapping[str, str], booked: int) -> None:
        super().__init__("; ".join(f"{month}: {detail}" for month, detail in details.items()))
        self.details = details
        self.booked = booked


@dataclass(frozen=True, slots=True)
class DueMonth:
    """A month to be closed, or a closed one to be looked at again."""

    month: str
    again: bool


def close(ledger: Ledger, day: date | None = None, *, as_of: datetime) -> dict[str, Any]:
    """Close a Beijing day; without one, yesterday and the day before, and do the months that are due (§9.4).

    A day that is not over may be closed too: what happens later makes the next version. Raises
    BillingRequestError for a day that has not begun.
    """
    today = beijing_day(as_of)
    if day is not None and day > today:
        raise BillingRequestError(f"close: {day} has not begun in Beijing")
    days = [day] if day else due_days(as_of)
    document: dict[str, Any] = {
        "kind": "close",
        "as_of": iso(as_of),
        "days": [_closed(closed, as_of) for closed in ledger.close_days(days, now=as_of)],
    }
    if day is not None:
        return document
    due, booked, details = [each.month for each in due_months(ledger, as_of)], 0, dict[str, str]()
    for month in due:
        try:
            booked += settle_month(ledger, month, as_of=as_of)
        except MonthsRefused as error:
            # The other months need not wait for more memory.
            booked += error.booked
            details |= error.details
    return {
        **document,
        "months": [month for month in due if month not in details],
        "corrections": booked,
        "refused": [{"month": month, "detail": detail} for month, detail in details.items()],
    }


def due_days(as_of: datetime) -> list[date]:
    """The days that the daily run closes, oldest first."""
    today = beijing_day(as_of)
    return [today - timedelta(days=back) for back in range(LATE_DAYS, 0, -1)]


def due_months(ledger: Ledger, as_of: datetime) -> Iterator[DueMonth]:
    """The months to be closed, from the first one on that was stated or has records. Of the closed ones those
    of which something waits to be booked, that prices, packages or numbers have changed since, or that the
    month before was told otherwise of; weekly all of them, for late facts. Oldest first.
    """
    is_monday = beijing_day(as_of).weekday() == _MONDAY
    looks, months = ledger.looks.all(), _correctable(as_of)
    stated = dict(zip(months, together(ledger.statements.latest, months), strict=True))
    first = _first_of_account(ledger, [month for month in months if stated[month] or month in looks], as_of)
    closed_before: str | None = None
    for month in months:
        seen = stated[month]
        if seen is not None and _says_closed(seen):
            is_built = closed_before is None or not is_built_otherwise(ledger, closed_before, month)
            if is_monday or not is_built or _has_changed(ledger, month, looks.get(month)):
                yield DueMonth(month, again=True)
            closed_before = month
            continue
        closed_before = None
        if month >= first and as_of >= closes_at(month, ledger.close_day):
            yield DueMonth(month, again=False)


def _first_of_account(ledger: Ledger, known: Sequence[str], as_of: datetime) -> str:
    """The first month that there is something of: one that is known, or one before it with closed days.

    That one was never stated, and nobody has noted that it has records.
    """
    first = known[0] if known else month_text(beijing_day(as_of))
    while (earlier := month_before(first)) in _correctable(as_of) and _has_days(ledger, earlier):
        first = earlier
    return first


def _has_days(ledger: Ledger, month: str) -> bool:
    heads = together(lambda day: ledger.closes.latest(*day), ledger.each(days_of(month, date.max)))
    return any(head is not None and head.lines for head in heads)


def settle_month(ledger: Ledger, month: str, *, as_of: datetime, stored: bool = False) -> int:
    """State a month and, once it is corrected, the closed ones that build on it; how many changed.

    `stored` takes the days of the month as they are closed. Raises MonthsRefused once the others are done.
    """
    booked, details = 0, dict[str, str]()
    for each in _chain(ledger, month, as_of):
        try:
            booked += _settled(ledger, each, as_of, stored or each != month)
        except MonthTooLarge as error:
            details[each] = str(error)
    if details:
        raise MonthsRefused(details, booked)
    return booked


def _chain(ledger: Ledger, month: str, as_of: datetime) -> Iterator[str]:
    """A month, then those after it that are to be stated once it is; each is asked for after the one before.

    Asked of what is stored: a worker that died on the way is followed by one that goes on.
    """
    yield month
    looks = ledger.looks.all()
    for following in (one for one in _correctable(as_of) if one > month):
        if not _is_closed(ledger, following):
            return
        if is_built_otherwise(ledger, month, following) or looks.get(following, NEVER).late_since:
            yield following
        month = following


def late_months(looks: LookStore, *, now: datetime) -> int:
    """Closed months of which something waits to be booked for longer than it may, and still can be."""
    found = looks.all()
    since = (found.get(month, NEVER).late_since for month in _correctable(now))
    return sum(at is not None and now - at >= LATE_AFTER for at in since)


def unpriced_minutes(statements: MonthStore, *, as_of: datetime) -> int:
    """Minutes that no package pays and no price covers, of the months that wait for a price to be closed."""
    stated = map(statements.latest, [*_correctable(as_of), month_text(beijing_day(as_of))])
    return sum(each.document["unpriced_minutes"] for each in stated if each and not _says_closed(each))


def _settled(ledger: Ledger, month: str, as_of: datetime, stored: bool) -> int:
    late = state_month(ledger, month, as_of=as_of, stored=stored)[0].late
    return int(correct(ledger, month, as_of=as_of, stored=True)["changed"]) if late else 0


def _has_changed(ledger: Ledger, month: str, look: Look | None) -> bool:
    return look is None or look.late_since is not None or look.terms != terms_of(ledger, month)


def _is_closed(ledger: Ledger, month: str) -> bool:
    seen = ledger.statements.latest(month)
    return seen is not None and _says_closed(seen)


def _says_closed(statement: Version) -> bool:
    return bool(statement.document["state"] == "closed")


def _correctable(as_of: datetime) -> list[str]:
    """The months that may still be closed or corrected, oldest first: the next ones build on them."""
    return list(months_before(month_text(beijing_day(as_of))))[::-1]


def _closed(closed: ClosedDay, as_of: datetime) -> dict[str, Any]:
    over = as_of >= day_bounds(closed.close.day)[1]
    return {**closed.close.document(), **described(closed.version), "day_over": over}
