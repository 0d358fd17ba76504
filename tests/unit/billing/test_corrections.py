"""Sums of a month against what was said of it: what a correction books (billing-rules.md §9.4)."""

import hashlib
from dataclasses import replace
from decimal import Decimal

from builders.billing import EXAMPLE_PRICES, cdr
from builders.closing import stated
from privatenumber.billing.closing.booking import Settled, changed_inputs
from privatenumber.billing.closing.components import Component, differences, read_component, total_of
from privatenumber.billing.closing.statement import Statement
from privatenumber.billing.tariff.packages import PackageChoice
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.store.versions import canonical


def call(quantity: int, amount: str, packaged: int = 0) -> Component:
    return Component("call", "virtual", quantity, packaged, amount=Decimal(amount))


RENT = Component("rent", "virtual", 2, amount=Decimal(10))


def test_equal_sums_differ_in_nothing() -> None:
    assert differences([call(3, "0.30"), RENT], [RENT, call(3, "0.30")]) == ()


def test_a_difference_is_what_is_more_now() -> None:
    assert differences([call(5, "0.50")], [call(3, "0.30")]) == (call(2, "0.20"),)


def test_what_is_gone_is_a_credit() -> None:
    assert differences([], [call(3, "0.30", packaged=2)]) == (call(-3, "-0.30", packaged=-2),)


def test_what_is_new_is_all_of_it() -> None:
    assert differences([call(3, "0.30"), RENT], [call(3, "0.30")]) == (RENT,)


def test_units_that_move_into_a_package_are_a_difference_too() -> None:
    (found,) = differences([call(0, "0", packaged=3)], [call(3, "0.30")])
    assert (found.quantity, found.package_quantity, found.amount) == (-3, 3, Decimal("-0.30"))


def test_both_sides_are_rounded_as_they_were_booked() -> None:
    """0.0335 × 3 = 0.1005 → 0.10; × 5 = 0.1675 → 0.17: what is booked is 0.07, and both add up."""
    then, now = call(3, "0.1005"), call(5, "0.1675")
    (found,) = differences([now], [then])
    assert found.amount == Decimal("0.07")
    assert total_of([then]) + total_of([found]) == total_of([now])


def test_a_component_is_read_as_it_was_written() -> None:
    for component in (call(3, "0.30", packaged=1), Component("package", None, 1, amount=Decimal(38))):
        assert read_component(component.document()) == component


FACTS = [cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35")]


def september(prices: PriceBook = EXAMPLE_PRICES) -> Statement:
    return stated(FACTS, prices=prices)


def said(*without: str) -> Settled:
    """What was said of September, perhaps before some inputs had a name."""
    inputs = {name: value for name, value in september().inputs().items() if name not in without}
    return Settled((), (), {}, inputs, {}, None)


def test_an_input_that_had_no_name_when_a_month_was_closed_has_not_changed() -> None:
    """`all` is over more names since: else shares were read at each look, and prices a reason."""
    old = said("rules")
    assert changed_inputs(replace(old, inputs={**old.inputs, "all": "older"}), september()) == set()


def test_rules_of_counting_are_an_input_beside_the_price_lists() -> None:
    latest = replace(EXAMPLE_PRICES, package_choice=PackageChoice.LATEST_EXPIRY)
    assert changed_inputs(said(), september(latest)) == {"rules"}


def test_the_hash_of_prices_is_that_of_the_lists_alone() -> None:
    """By it every closed month is known again."""
    lists = [each.document() for each in EXAMPLE_PRICES.lists]
    assert september().inputs()["prices"] == hashlib.sha256(canonical(lists)).hexdigest()
