"""What a call costs: billing-rules.md §3, notifications.md §10; C-103, C-104, C-151, C-157."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.billing import (
    C1,
    CARRIER,
    EXAMPLE_PRICES,
    INVENTORY,
    NO_CALL_PRICE,
    V1,
    V2,
    VIRTUAL,
    cdr,
    utc,
)
from privatenumber.billing.rating.calls import (
    Flag,
    Leg,
    billed_minutes,
    rate_call,
    record_days,
    usage_time,
)
from privatenumber.billing.tariff.prices import PriceBook, UsageTime
from privatenumber.billing.tariff.reading import price_book_of, read_price_book
from privatenumber.settings import Mode
from privatenumber.store.fact_rows import CdrFact
from privatenumber.times import beijing_day

ANSWER = "2026-09-02 01:00:00"
MINUTES = [
    (0, 1), (1, 1), (59, 1), (60, 1), (61, 2), (119, 2), (120, 2), (121, 3), (3599, 60), (3600, 60),
    (3601, 61),
]  # fmt: skip


def after(seconds: int) -> str:
    return str((utc(ANSWER) + timedelta(seconds=seconds)).replace(tzinfo=None))


@pytest.mark.parametrize(("seconds", "minutes"), MINUTES)
def test_each_started_minute_counts(seconds: int, minutes: int) -> None:
    """The table of billing-rules.md §3.2."""
    assert billed_minutes(seconds) == minutes
    charge = rate_call(cdr(ANSWER, after(seconds)), EXAMPLE_PRICES, INVENTORY)
    assert (charge.talk_seconds, charge.minutes) == (seconds, minutes)
    assert charge.amount == minutes * Decimal("0.10")


def test_the_second_leg_is_charged() -> None:
    assert rate_call(cdr(ANSWER, after(62)), EXAMPLE_PRICES, INVENTORY).leg is Leg.X_TO_CALLEE


def test_an_unanswered_call_costs_nothing_and_is_not_connected() -> None:
    charge = rate_call(cdr(None, ANSWER), EXAMPLE_PRICES, INVENTORY)
    assert (charge.connected, charge.minutes, charge.amount, charge.leg) == (False, 0, Decimal(0), None)


def test_a_cause_does_not_make_a_call_free() -> None:
    """8010 ends a connected call: notifications.md §10.3."""
    assert rate_call(cdr(ANSWER, after(30), teardown=8010), EXAMPLE_PRICES, INVENTORY).minutes == 1


def test_fractions_of_a_second_cost_no_minute() -> None:
    fact = cdr(ANSWER, None, ended_at=utc(ANSWER) + timedelta(seconds=60, milliseconds=400))
    assert rate_call(fact, EXAMPLE_PRICES, INVENTORY).minutes == 1


def test_without_a_price_minutes_are_counted_and_unpriced() -> None:
    charge = rate_call(cdr(ANSWER, after(62)), NO_CALL_PRICE, INVENTORY)
    assert (charge.minutes, charge.unit_price, charge.amount) == (2, None, None)


def test_without_a_price_an_unanswered_call_still_costs_nothing() -> None:
    assert rate_call(cdr(None, ANSWER), NO_CALL_PRICE, INVENTORY).amount == Decimal(0)


def test_a_call_that_ends_before_its_answer_is_not_rated() -> None:
    charge = rate_call(cdr(ANSWER, after(-1)), EXAMPLE_PRICES, INVENTORY)
    assert (charge.minutes, charge.flags) == (0, (Flag.BAD_TIMES,))


def test_a_call_that_ends_ahead_of_its_receipt_is_not_rated_and_stays_in_its_month() -> None:
    """A record exists only when its call is over; clocks may be half a day apart."""
    received = utc(ANSWER) + timedelta(minutes=5)
    fact = cdr(ANSWER, "2199-12-31 23:59:59", received_at=received)
    charge = rate_call(fact, EXAMPLE_PRICES, INVENTORY)
    assert (charge.minutes, charge.flags) == (0, (Flag.BAD_TIMES,))
    assert usage_time(fact) == received


def test_more_than_a_day_is_rated_and_flagged() -> None:
    charge = rate_call(cdr(ANSWER, after(86_401)), EXAMPLE_PRICES, INVENTORY)
    assert (charge.minutes, charge.flags) == (1441, (Flag.VERY_LONG,))
    assert rate_call(cdr(ANSWER, after(86_400)), EXAMPLE_PRICES, INVENTORY).flags == ()


@pytest.mark.parametrize(
    ("answered", "ended", "seconds"), [(ANSWER, None, 61), (None, ANSWER, 61)], ids=["no end", "no answer"]
)
def test_the_platforms_own_length_stands_in_for_one_missing_time(
    answered: str | None, ended: str | None, seconds: int
) -> None:
    fact = cdr(answered, ended, call_seconds=seconds, failed_at=None)
    charge = rate_call(fact, EXAMPLE_PRICES, INVENTORY)
    assert (charge.connected, charge.minutes, charge.flags) == (True, 2, (Flag.DERIVED_DURATION,))


def test_an_unconnected_call_with_a_length_stays_free() -> None:
    """Every unconnected call carries failTime; its length is ringing."""
    assert rate_call(cdr(None, ANSWER, call_seconds=40), EXAMPLE_PRICES, INVENTORY).minutes == 0


def test_an_answered_call_of_unknown_length_is_not_rated() -> None:
    charge = rate_call(cdr(ANSWER, None), EXAMPLE_PRICES, INVENTORY)
    assert (charge.minutes, charge.flags) == (0, (Flag.BAD_TIMES,))


def test_the_number_shown_to_the_callee_decides_the_price() -> None:
    """billing-rules.md §3.1: of fwdDisplayNum when it is a number of the account, else of bindNum."""
    charge = rate_call(cdr(ANSWER, after(60), x=V1, display_x=C1), EXAMPLE_PRICES, INVENTORY)
    assert (charge.x, charge.number_type) == (C1, CARRIER)


def test_a_foreign_display_leaves_the_dialled_number() -> None:
    fact = cdr(ANSWER, after(60), x=C1, display_x="+8613900139000")
    assert rate_call(fact, EXAMPLE_PRICES, INVENTORY).x == C1


def test_a_number_outside_the_inventory_is_rated_as_virtual_and_flagged() -> None:
    charge = rate_call(cdr(ANSWER, after(60)), EXAMPLE_PRICES, {})
    assert (charge.x, charge.number_type, charge.flags) == (V2, VIRTUAL, (Flag.NUMBER_NOT_IN_INVENTORY,))


def test_the_price_is_that_of_the_beijing_day_on_which_the_call_ended() -> None:
    """U-D24: 15:59:59 UTC is still 30 September in Beijing, 16:00:00 UTC is 1 October."""
    book = read_price_book(
        '[{"valid_from": "2026-09-01", "call": {"virtual": "0.10"}},'
        ' {"valid_from": "2026-10-01", "call": {"virtual": "0.20"}}]'
    )
    before = rate_call(cdr("2026-09-30 15:50:00", "2026-09-30 15:59:59"), book, INVENTORY)
    at = rate_call(cdr("2026-09-30 15:50:00", "2026-09-30 16:00:00"), book, INVENTORY)
    assert (before.unit_price, at.unit_price) == (Decimal("0.10"), Decimal("0.20"))


def test_a_record_without_end_belongs_to_the_moment_it_came() -> None:
    assert usage_time(cdr(ANSWER, None, received_at=utc(after(90)))) == utc(after(90))


def counted(**rules: object) -> PriceBook:
    return price_book_of(
        [{"valid_from": "2026-01-01", "call": {"virtual": "0.10", "carrier": "0.10"}, **rules}]
    )


def test_an_answered_call_of_no_second_may_be_free() -> None:
    """`backend.billing.zero_second_minutes`; a call of one second is not touched by it."""
    free = counted(zero_second_minutes=0)
    charge = rate_call(cdr(ANSWER, ANSWER), free, INVENTORY)
    assert (charge.connected, charge.minutes, charge.amount, charge.leg) == (True, 0, Decimal(0), None)
    assert rate_call(cdr(ANSWER, after(1)), free, INVENTORY).minutes == 1


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 1), (1, 1), (6, 1), (7, 2), (60, 10), (61, 11)])
def test_the_rounding_step_is_of_the_price_list(seconds: int, minutes: int) -> None:
    charge = rate_call(cdr(ANSWER, after(seconds)), counted(minute_seconds=6), INVENTORY)
    assert (charge.minutes, charge.amount) == (minutes, minutes * Decimal("0.10"))


def test_another_factor_of_legs_holds_for_its_mode_only() -> None:
    """billing-rules.md §3.1: one leg per call, `backend.billing.legs.<mode>` allows another factor."""
    fact, two = cdr(ANSWER, after(62)), counted(legs={"AXYB": 2})
    assert rate_call(fact, two, INVENTORY, Mode.AXYB).minutes == 4
    assert rate_call(fact, two, INVENTORY, Mode.AXB).minutes == 2
    assert rate_call(fact, two, INVENTORY).minutes == 2


class TestUsageTimeByAnswer:
    """`backend.billing.usage_time` = `answer` (billing-rules.md §3.3)."""

    def test_a_call_belongs_to_the_moment_of_its_answer(self) -> None:
        fact = cdr("2026-09-30 15:58:00", "2026-09-30 16:01:00")
        assert usage_time(fact, UsageTime.ANSWER) == utc("2026-09-30 15:58:00")
        assert usage_time(fact, UsageTime.END) == usage_time(fact) == utc("2026-09-30 16:01:00")

    def test_its_price_is_that_of_the_answer(self) -> None:
        lists = [{"valid_from": "2026-10-01", "call": {"virtual": "0.20"}}]
        fact = cdr("2026-09-30 15:58:00", "2026-09-30 16:01:00")
        by_answer = price_book_of({"usage_time": "answer", "lists": lists})
        assert rate_call(fact, by_answer, INVENTORY).unit_price is None
        assert rate_call(fact, price_book_of(lists), INVENTORY).unit_price == Decimal("0.20")

    def test_an_unanswered_call_belongs_to_its_end(self) -> None:
        assert usage_time(cdr(None, ANSWER), UsageTime.ANSWER) == utc(ANSWER)

    @pytest.mark.parametrize("seconds", [-1, 86_401])
    def test_an_answer_that_cannot_be_is_none(self, seconds: int) -> None:
        """Behind the end, or more than the 24 hours that a call can last before it."""
        assert usage_time(cdr(ANSWER, after(seconds)), UsageTime.ANSWER) == utc(after(seconds))

    @settings(deadline=None)
    @given(st.none() | st.integers(-200_000, 200_000), st.integers(0, 86_400))
    def test_a_day_of_usage_is_found_under_the_days_of_its_records(
        self, talk: int | None, second: int
    ) -> None:
        """Records stand under the day of their end: two days hold all calls that were answered on one."""
        end = utc("2026-09-30 00:00:00") + timedelta(seconds=second)
        fact = ended(end, talk)
        for rule in UsageTime:
            assert beijing_day(end) in record_days(beijing_day(usage_time(fact, rule)), rule)


def ended(at: datetime, talk: int | None) -> CdrFact:
    answered = None if talk is None else at - timedelta(seconds=talk)
    return cdr(
        None, None, answered_at=answered, ended_at=at, failed_at=None if answered else at, received_at=at
    )


def test_records_stand_under_the_day_of_their_end() -> None:
    day = date(2026, 9, 30)
    assert record_days(day, UsageTime.END) == (day,)
    assert record_days(day, UsageTime.ANSWER) == (day, date(2026, 10, 1))


@settings(deadline=None)
@given(st.lists(st.integers(-10, 90_000), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_each_record_is_rated_alone(seconds: list[int], chance: random.Random) -> None:
    """What a call costs follows from its own record: not from others, not from their order."""
    facts = [cdr(ANSWER, after(length), icid=f"icid-{at}") for at, length in enumerate(seconds)]
    alone = {fact.icid: rate_call(fact, EXAMPLE_PRICES, INVENTORY) for fact in facts}
    chance.shuffle(facts)
    assert {fact.icid: rate_call(fact, EXAMPLE_PRICES, INVENTORY) for fact in facts} == alone


@settings(deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 3600))
def test_a_started_minute_counts_and_no_more(seconds: int, step: int) -> None:
    minutes = billed_minutes(seconds, counted(minute_seconds=step).at(date(2026, 9, 2)))
    assert minutes * step >= seconds
    assert (minutes - 1) * step < max(seconds, 1)
