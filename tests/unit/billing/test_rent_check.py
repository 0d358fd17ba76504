"""Rents on the bill against the calendar: count, type, price (billing-rules.md §6, §9.3; C-105)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import C1, EXAMPLE_PRICES, V1, V2, utc
from builders.money import CARRIER, VIRTUAL, line
from privatenumber.billing.rating.rent import Holding, Rent, rents_deducted
from privatenumber.billing.reconciliation.exports_in import ImportedNumber
from privatenumber.billing.reconciliation.rent_check import check_rents

HOLDINGS = [Holding(V1, "demo", VIRTUAL), Holding(V2, "demo", VIRTUAL), Holding(C1, "demo", CARRIER)]
RENTS = rents_deducted(HOLDINGS, "2026-09", EXAMPLE_PRICES, until=utc("2026-10-03 00:00:00"))
VIRTUALS, CARRIERS = line("rent", VIRTUAL, 2, 5), line("rent", CARRIER, 1, 15)


def told(*lines: Any) -> list[tuple[str, Decimal | None]]:
    found = check_rents(lines, RENTS)
    assert all(row["unexplained"]["amount"] == "0.00" for row in found.table)
    billed = sum(each.amount for each in lines)
    assert sum(each.amount or 0 for each in found.differences) == billed - 25
    return sorted((each.kind.value, each.amount) for each in found.differences)


def test_the_rents_of_the_calendar_are_no_difference() -> None:
    assert told(VIRTUALS, CARRIERS) == []


def test_a_bill_without_types_is_compared_as_a_whole() -> None:
    assert told(line("rent", None, 3, 5, amount=Decimal(25))) == []


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([line("rent", VIRTUAL, 1, 5), CARRIERS], [("rent_missing", Decimal(-5))]),
        ([line("rent", VIRTUAL, 4, 5), CARRIERS], [("rent_unexpected", Decimal(10))]),
        ([VIRTUALS], [("rent_missing", Decimal(-15))]),
        ([line("rent", VIRTUAL, 2, 6), CARRIERS], [("price_diff", Decimal(2))]),
        (
            [line("rent", VIRTUAL, 1, 6), CARRIERS],
            [("price_diff", Decimal(1)), ("rent_missing", Decimal(-5))],
        ),
        ([line("rent", VIRTUAL, 3, 5)], [("number_type", Decimal(-10))]),
    ],
    ids=["missing", "unexpected", "a type missing", "price", "missing and price", "type"],
)
def test_each_cause_is_told_with_its_amount(lines: Any, found: Any) -> None:
    assert told(*lines) == found


def test_a_difference_names_ten_numbers_and_counts_them_all() -> None:
    holdings = [Holding(f"+86170000000{n:02d}", "demo", VIRTUAL) for n in range(12)]
    rents = rents_deducted(holdings, "2026-09", EXAMPLE_PRICES, until=utc("2026-10-03 00:00:00"))
    (found,) = check_rents([line("rent", VIRTUAL, 11, 5)], rents).differences
    assert (len(found.evidence["expected"]), found.evidence["expected_count"]) == (10, 12)


def test_rents_are_looked_through_as_often_for_many_numbers_as_for_few() -> None:
    """A bill may name thousands of X."""

    class Counted(tuple[Rent, ...]):
        looks = 0

        def __iter__(self) -> Iterator[Rent]:
            self.looks += 1
            return super().__iter__()

    def looks(numbers: int) -> int:
        holdings = [Holding(f"+8617000000{n:03d}", "demo", VIRTUAL) for n in range(numbers)]
        rents = Counted(rents_deducted(holdings, "2026-09", EXAMPLE_PRICES, until=utc("2026-10-03 00:00:00")))
        lines = [line("rent", VIRTUAL, 1, 5, x=ImportedNumber(holding.x)) for holding in holdings]
        assert check_rents(lines, rents).differences == ()
        return rents.looks

    assert looks(300) == looks(2)


def test_a_bill_that_names_its_numbers_is_compared_number_by_number() -> None:
    named = [line("rent", VIRTUAL, 1, 5, x=ImportedNumber(x)) for x in (V1, C1)]
    assert told(*named) == [("price_diff", Decimal(-10)), ("rent_missing", Decimal(-5))]
    (missing,) = [each for each in check_rents(named, RENTS).differences if each.kind == "rent_missing"]
    assert "expected 1 (a number in any state but returned pays on the 1st)" in missing.cause
