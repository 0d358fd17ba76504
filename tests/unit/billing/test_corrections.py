"""Sums of a month against what was said of it: what a correction books (billing-rules.md §9.4)."""

from decimal import Decimal

from privatenumber.billing.closing.components import Component, differences, read_component, total_of


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
