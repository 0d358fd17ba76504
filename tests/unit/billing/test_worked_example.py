"""September 2026 of billing-rules.md §8.2: its rents and its calls, without the package (issue 6) and SMS."""

from datetime import date
from decimal import Decimal

import pytest

from builders.billing import (
    C1,
    CARRIER,
    EXAMPLE_PRICES,
    V1,
    V2,
    V3,
    VIRTUAL,
    cdr,
    closes,
    utc,
)
from privatenumber.billing.closing.days import close_day
from privatenumber.billing.closing.statement import build_statement
from privatenumber.billing.rating.rent import Holding, rents_deducted, rents_of_cost_month
from privatenumber.store.fact_rows import CdrFact

V4, V5, V6, V7, V8 = (f"+861701000000{n}" for n in range(4, 9))
C2 = "+8613800138902"

NUMBERS = {
    V1: Holding(V1, "ax", VIRTUAL),
    V2: Holding(V2, "axb", VIRTUAL),
    V3: Holding(V3, "axb", VIRTUAL, unsubscribed_on=date(2026, 9, 25), returned=True),
    V4: Holding(V4, "axb", VIRTUAL),
    V5: Holding(V5, "ax", VIRTUAL, issued_on=date(2026, 9, 15)),
    V6: Holding(V6, "ax", VIRTUAL, issued_on=date(2026, 9, 30)),
    V7: Holding(V7, "ax", VIRTUAL, unsubscribed_on=date(2026, 8, 24), returned=True),
    V8: Holding(V8, "ax", VIRTUAL, unsubscribed_on=date(2026, 8, 26), returned=True),
    C1: Holding(C1, "ax", CARRIER),
    C2: Holding(C2, "axb", CARRIER, unsubscribed_on=date(2026, 9, 26), returned=True),
}
INVENTORY = {x: holding.number_type for x, holding in NUMBERS.items()}

# id, application, X, answer and end in UTC, end in Beijing, seconds, minutes
CALLS = [
    ("K01", "ax", V1, "2026-09-01 02:20:00", "2026-09-01 02:21:00", "09-01 10:21:00", 60, 1),
    ("K02", "ax", V1, "2026-09-01 02:50:00", "2026-09-01 02:59:59", "09-01 10:59:59", 599, 10),
    ("K03", "ax", V1, "2026-09-01 02:55:00", "2026-09-01 03:05:30", "09-01 11:05:30", 630, 11),
    ("K04", "ax", V1, None, "2026-09-01 04:00:45", "09-01 12:00:45", 0, 0),
    ("K05", "ax", C1, "2026-09-02 01:00:00", "2026-09-02 01:00:01", "09-02 09:00:01", 1, 1),
    ("K06", "ax", C1, "2026-09-03 04:00:00", "2026-09-03 05:00:01", "09-03 13:00:01", 3601, 61),
    ("K07", "axb", V2, "2026-09-05 06:00:00", "2026-09-05 07:59:59", "09-05 15:59:59", 7199, 120),
    ("K08", "axb", V2, "2026-09-08 06:00:00", "2026-09-08 08:00:00", "09-08 16:00:00", 7200, 120),
    ("K09", "axb", C2, "2026-09-10 02:00:00", "2026-09-10 03:40:00", "09-10 11:40:00", 6000, 100),
    ("K10", "ax", V5, "2026-09-16 03:00:00", "2026-09-16 04:20:30", "09-16 12:20:30", 4830, 81),
    ("K11", "ax", V1, "2026-09-18 05:00:00", "2026-09-18 05:03:10", "09-18 13:03:10", 190, 4),
    ("K12", "ax", C1, "2026-09-20 05:00:00", "2026-09-20 05:04:20", "09-20 13:04:20", 260, 5),
    ("K13", "ax", V1, "2026-09-22 05:00:00", "2026-09-22 06:30:00", "09-22 14:30:00", 5400, 90),
    ("K14", "axb", V2, None, "2026-09-24 01:50:04", "09-24 09:50:04", 0, 0),
    ("K15", "axb", V2, "2026-09-25 05:00:00", "2026-09-25 05:00:00", "09-25 13:00:00", 0, 1),
    ("K16", "axb", V2, "2026-09-30 15:58:00", "2026-09-30 16:01:00", "10-01 00:01:00", 180, 3),
]


def fact(call: tuple[str, str, str, str | None, str, str, int, int]) -> CdrFact:
    name, app, x, answered, ended, *_ = call
    return cdr(answered, ended, icid=name, application=app, x=x, display_x=x if answered else None)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[0])
def test_each_call_has_its_minutes_on_its_beijing_day(
    call: tuple[str, str, str, str | None, str, str, int, int],
) -> None:
    (closed,) = closes([fact(call)], inventory=INVENTORY)
    (line,) = closed.close.lines
    assert (line.talk_seconds, line.minutes) == call[6:]
    assert f"{closed.close.day:%m-%d}" == call[5][:5]
    assert line.amount == call[7] * Decimal("0.10")


def test_september_has_605_minutes_of_599_and_a_half() -> None:
    days = [closed for closed in closes(map(fact, CALLS), inventory=INVENTORY) if closed.close.day.month == 9]
    assert sum(closed.close.totals.talk_seconds for closed in days) == 35_970
    assert sum(closed.close.totals.minutes for closed in days) == 605


def test_the_last_call_belongs_to_october() -> None:
    """K16 was answered in September and ended 00:01 on 1 October, Beijing."""
    days = [
        closed for closed in closes(map(fact, CALLS), inventory=INVENTORY) if closed.close.day.month == 10
    ]
    assert [line.icid for closed in days for line in closed.close.lines] == ["K16"]
    assert days[0].close.totals.minutes == 3


def test_a_cdr_pushed_twice_is_charged_once() -> None:
    """K06 again: the same icid."""
    first = fact(CALLS[5])
    again = cdr("2026-09-03 04:00:00", "2026-09-03 05:00:01", icid="K06", session="other", x=C1)
    close = close_day(
        "ax",
        date(2026, 9, 3),
        [first, again],
        attribution=lambda _: (None, None),
        prices=EXAMPLE_PRICES,
        inventory=INVENTORY,
    )
    assert close.totals.minutes == 61


RENT = {  # number -> deducted on 1 September, later in September, on 1 October
    V1: (5, 0, 5), V2: (5, 0, 5), V3: (5, 0, 0), V4: (5, 0, 5), V5: (0, 5, 5), V6: (0, 0, 10), V7: (0, 0, 0),
    V8: (5, 0, 0), C1: (15, 0, 15), C2: (15, 0, 15),
}  # fmt: skip


@pytest.mark.parametrize("x", RENT, ids=["V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "C1", "C2"])
def test_each_number_pays_its_rents(x: str) -> None:
    def paid(month: str, *, first: bool) -> Decimal:
        found = rents_deducted([NUMBERS[x]], month, EXAMPLE_PRICES, until=utc("2026-12-01 00:00:00"))
        return sum((rent.amount for rent in found if (rent.deducted_on.day == 1) is first), Decimal(0))

    found = (paid("2026-09", first=True), paid("2026-09", first=False), paid("2026-10", first=True))
    assert found == tuple(map(Decimal, RENT[x]))


def test_the_rents_of_september_are_60_by_deduction_and_65_by_cost_month() -> None:
    held = NUMBERS.values()
    september = rents_deducted(held, "2026-09", EXAMPLE_PRICES, until=utc("2026-12-01 00:00:00"))
    october = rents_deducted(held, "2026-10", EXAMPLE_PRICES, until=utc("2026-12-01 00:00:00"))
    assert sum(rent.amount for rent in september) == Decimal(60)
    assert sum(rent.amount for rent in october) == Decimal(60)
    assert sum(rent.amount for rent in october if rent.cost_month == "2026-09") == Decimal(5)
    assert sum(rent.amount for rent in rents_of_cost_month(held, "2026-09", EXAMPLE_PRICES)) == Decimal(65)


def test_rent_by_application_is_that_of_the_allocation() -> None:
    """billing-rules.md §8.3: 35.00 for ax and 30.00 for axb, by cost month."""
    rents = rents_of_cost_month(NUMBERS.values(), "2026-09", EXAMPLE_PRICES)
    by_application = {
        app: sum(rent.amount for rent in rents if rent.application == app) for app in ("ax", "axb")
    }
    assert by_application == {"ax": Decimal(35), "axb": Decimal(30)}


def test_the_statement_of_september_without_a_package() -> None:
    """605 minutes at list price; the package's 500 are taken off in issue 6."""
    days = [closed for closed in closes(map(fact, CALLS), inventory=INVENTORY) if closed.close.day.month == 9]
    held = NUMBERS.values()
    document = build_statement(
        "2026-09",
        days,
        rents_deducted(held, "2026-09", EXAMPLE_PRICES, until=utc("2026-10-03 04:00:00")),
        cost_month_rents=rents_of_cost_month(held, "2026-09", EXAMPLE_PRICES),
        prices=EXAMPLE_PRICES,
        closed=True,
    ).document()
    assert [
        (part["item"], part["number_type"], part["quantity"], part["rounded"])
        for part in document["components"]
    ] == [
        ("call", "carrier", 167, "16.70"),
        ("call", "virtual", 438, "43.80"),
        ("rent", "carrier", 2, "30.00"),
        ("rent", "virtual", 6, "30.00"),
    ]
    assert (document["total"], document["rent_of_cost_month"]) == ("120.50", "65.00")
