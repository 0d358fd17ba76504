"""What an SMS costs: billing-rules.md §4, sms-results.csv; C-061, C-098, C-102."""

from decimal import Decimal

import pytest

from builders.billing import C1, CARRIER, EXAMPLE_PRICES, INVENTORY, V2, VIRTUAL, utc
from builders.example import sms
from privatenumber.billing.rating.calls import Flag
from privatenumber.billing.rating.sms import rate_sms, sms_usage_time
from privatenumber.billing.tariff.reading import price_book_of
from privatenumber.sms_parts import TextSize

WHOLE, IN_PART = 0, 9


def test_all_parts_of_what_was_sent_are_charged() -> None:
    charge = rate_sms(sms(WHOLE, split_num=3), EXAMPLE_PRICES, INVENTORY)
    assert (charge.sent, charge.parts, charge.unit_price, charge.amount) == (
        True, 3, Decimal("0.28"), Decimal("0.84"),
    )  # fmt: skip
    assert charge.flags == ()


def test_of_a_text_that_was_sent_in_part_the_parts_that_were_sent() -> None:
    """Whatever its text would have needed."""
    charge = rate_sms(sms(IN_PART, split_num=2, parts_forwarded=3), EXAMPLE_PRICES, INVENTORY)
    assert (charge.sent, charge.parts, charge.amount, charge.flags) == (True, 2, Decimal("0.56"), ())


@pytest.mark.parametrize("result", sorted(set(range(14)) - {WHOLE, IN_PART}))
def test_every_other_documented_result_costs_nothing(result: int) -> None:
    charge = rate_sms(sms(result, split_num=1, parts_forwarded=1), EXAMPLE_PRICES, INVENTORY)
    assert (charge.sent, charge.parts, charge.amount, charge.flags) == (False, 0, Decimal(0), ())


@pytest.mark.parametrize("result", [None, 14, -1])
def test_a_result_that_nobody_knows_costs_nothing_and_is_flagged(result: int | None) -> None:
    charge = rate_sms(sms(result, split_num=1), EXAMPLE_PRICES, INVENTORY)
    assert (charge.sent, charge.parts, charge.flags) == (False, 0, (Flag.RESULT_UNKNOWN,))


def test_the_platforms_number_of_parts_decides_and_a_difference_is_told() -> None:
    """C-061: both countings are kept; charged is `splitNum`."""
    charge = rate_sms(sms(WHOLE, split_num=2, parts_received=2, parts_forwarded=1), EXAMPLE_PRICES, INVENTORY)
    assert (charge.parts, charge.parts_received, charge.parts_forwarded) == (2, 2, 1)
    assert charge.flags == (Flag.PARTS_DIFF,)


def test_a_longer_text_at_x_is_no_difference() -> None:
    """`@B` counts in what A sends, not in what is forwarded (billing-rules.md §4)."""
    charge = rate_sms(sms(WHOLE, split_num=1, parts_received=2, parts_forwarded=1), EXAMPLE_PRICES, INVENTORY)
    assert (charge.parts, charge.flags) == (1, ())


@pytest.mark.parametrize("split_num", [None, 0])
def test_without_the_platforms_number_the_forwarded_text_is_counted(split_num: int | None) -> None:
    """Nothing can have been sent whole in no parts."""
    charge = rate_sms(
        sms(WHOLE, split_num=split_num, parts_received=1, parts_forwarded=2), EXAMPLE_PRICES, INVENTORY
    )
    assert (charge.parts, charge.flags) == (2, (Flag.PARTS_COMPUTED,))


def test_without_number_and_text_it_is_one_part() -> None:
    charge = rate_sms(sms(WHOLE, split_num=None), EXAMPLE_PRICES, INVENTORY)
    assert (charge.parts, charge.amount, charge.flags) == (1, Decimal("0.28"), (Flag.PARTS_UNKNOWN,))


@pytest.mark.parametrize("split_num", [None, 0, -3])
def test_how_much_of_a_text_was_sent_is_not_guessed(split_num: int | None) -> None:
    """Of a text that went out in part only the platform knows how many."""
    charge = rate_sms(sms(IN_PART, split_num=split_num, parts_forwarded=3), EXAMPLE_PRICES, INVENTORY)
    assert (charge.sent, charge.parts, charge.flags) == (True, 0, (Flag.PARTS_UNKNOWN,))


def test_a_part_that_is_more_than_the_whole_is_told() -> None:
    charge = rate_sms(sms(IN_PART, split_num=4, parts_forwarded=3), EXAMPLE_PRICES, INVENTORY)
    assert (charge.parts, charge.flags) == (4, (Flag.PARTS_DIFF,))


@pytest.mark.parametrize("result", [WHOLE, IN_PART])
@pytest.mark.parametrize(
    ("split_num", "flags"), [(255, ()), (256, (Flag.MANY_PARTS,)), (10**9, (Flag.MANY_PARTS,))]
)
def test_more_parts_than_a_text_can_have_are_charged_and_flagged(
    result: int, split_num: int, flags: tuple[Flag, ...]
) -> None:
    """As a very long call: the platform decides, people are told."""
    charge = rate_sms(sms(result, split_num=split_num), EXAMPLE_PRICES, INVENTORY)
    assert (charge.parts, charge.flags) == (split_num, flags)


def test_a_carrier_number_has_its_own_price() -> None:
    charge = rate_sms(sms(WHOLE, x=C1), EXAMPLE_PRICES, INVENTORY)
    assert (charge.x, charge.number_type, charge.unit_price) == (C1, CARRIER, Decimal("0.27"))


@pytest.mark.parametrize("x", [V2, None])
def test_a_number_outside_the_inventory_is_rated_as_virtual_and_flagged(x: str | None) -> None:
    charge = rate_sms(sms(WHOLE, x=x), EXAMPLE_PRICES, {})
    assert (charge.x, charge.number_type, charge.flags) == (x, VIRTUAL, (Flag.NUMBER_NOT_IN_INVENTORY,))


def test_the_price_is_that_of_the_beijing_day_of_its_time() -> None:
    """billing-rules.md §3.3; U-D24."""
    book = price_book_of([{"valid_from": "2026-10-01", "sms": {"virtual": "0.30"}}])
    before = rate_sms(sms(WHOLE, at=utc("2026-09-30 15:59:59")), book, INVENTORY)
    after = rate_sms(sms(WHOLE, at=utc("2026-09-30 16:00:00")), book, INVENTORY)
    assert (before.unit_price, after.unit_price) == (Decimal("0.28"), Decimal("0.30"))


def test_without_a_time_it_belongs_to_the_moment_it_came() -> None:
    assert sms_usage_time(sms(WHOLE, at=None, received_at=utc("2026-09-02 02:00:05"))) == utc(
        "2026-09-02 02:00:05"
    )


def test_a_row_without_sizes_keeps_the_parts_that_were_counted_when_it_came() -> None:
    book = price_book_of([{"valid_from": "2026-01-01", "sms_limits": {"other": {"single": 60, "part": 57}}}])
    old = sms(WHOLE, split_num=None, parts_received=1, parts_forwarded=1)
    new = sms(WHOLE, split_num=None, parts_forwarded=1, size_forwarded=TextSize(70, english=False))
    assert (rate_sms(old, book, INVENTORY).parts, rate_sms(new, book, INVENTORY).parts) == (1, 2)


def test_a_time_ahead_of_us_is_none_and_is_flagged() -> None:
    """As with calls (billing-rules.md §3.3): no month ahead is billed, what was sent is charged."""
    came = utc("2026-09-02 02:00:05")
    told = sms(WHOLE, split_num=1, at=utc("2027-09-02 02:00:00"), received_at=came)
    assert sms_usage_time(told) == came
    charge = rate_sms(told, EXAMPLE_PRICES, INVENTORY)
    assert (charge.parts, charge.flags) == (1, (Flag.BAD_TIMES,))
    near = sms(WHOLE, split_num=1, at=utc("2026-09-02 10:00:00"), received_at=came)
    assert (sms_usage_time(near), rate_sms(near, EXAMPLE_PRICES, INVENTORY).flags) == (near.at, ())
