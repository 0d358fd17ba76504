"""What a package costs in all months of its life together (billing-rules.md §8.3, decision 81)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from builders.billing import utc
from privatenumber.billing.closing.package_rows import UnitPrices, package_rows, unit_prices_in
from privatenumber.billing.rating.packages import Use, quotas_of
from privatenumber.billing.rating.rent import month_text, next_month
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.billing.tariff.reading import price_book_of
from privatenumber.settings import PackageAllocation

MONTHS: Final = 13
MINUTES: Final = 500
PARTS: Final = 50


def months() -> list[str]:
    """Those in which a package of September 2026 has anything to do."""
    found = [date(2026, 9, 1)]
    while len(found) < MONTHS:
        found.append(next_month(found[-1]))
    return [month_text(first) for first in found]


def books() -> st.SearchStrategy[PriceBook]:
    """A price book that somebody stores between two months; it reaches back to the purchase."""
    price = st.integers(1, 99).map(lambda fen: f"0.{fen:02d}")
    return st.builds(
        lambda call, text: price_book_of(
            [
                {
                    "valid_from": "2026-01-01",
                    "call": {"virtual": call, "carrier": "0.1"},
                    "sms": {"virtual": text, "carrier": "0.1"},
                }
            ]
        ),
        st.none() | price,
        price,
    )


def life() -> st.SearchStrategy[list[tuple[int, int, PriceBook]]]:
    """Of each month the minutes and parts that are used, and the book in force when it is stated."""
    one = st.tuples(st.integers(0, MINUTES // MONTHS), st.integers(0, PARTS // MONTHS), books())
    return st.lists(one, min_size=MONTHS, max_size=MONTHS)


@given(life=life(), price=st.integers(1, 9999))
def test_all_months_bear_its_price_to_the_fen_whatever_books_are_stored_meanwhile(
    life: list[tuple[int, int, PriceBook]], price: int
) -> None:
    order = PackageOrder("P", utc("2026-09-01 02:03:00"), MINUTES, PARTS, Decimal(price).scaleb(-2))
    used, known, borne = Use(), dict[str, UnitPrices](), Decimal(0)
    for month, (minutes, parts, book) in zip(months(), life, strict=True):
        then, used = used, Use(used.minutes + minutes, used.parts + parts)
        before, after = (quotas_of([order], used={"P": use}) for use in (then, used))
        (row,) = package_rows(month, before, after, book, PackageAllocation.PER_UNIT, known)
        known = unit_prices_in([row.document()])
        borne += row.cost
    assert borne == order.price
