"""Packages: when they hold, what they pay and in which order. billing-rules.md §5; C-074, C-107, C-108."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.billing import CARRIER, VIRTUAL, utc
from privatenumber.billing.rating.packages import (
    Deduction,
    Paid,
    Quotas,
    Unpaid,
    Usage,
    Use,
    deduct,
    quotas_of,
)
from privatenumber.billing.tariff.packages import (
    Package,
    PackageChoice,
    PackageError,
    PackageOrder,
    order_of,
    read_order,
)
from privatenumber.billing.tariff.prices import PUBLISHED, Item
from privatenumber.store.numbers import NumberType
from privatenumber.times import BEIJING

BOUGHT = utc("2026-09-01 02:03:00")
IN_FORCE = utc("2026-09-02 00:00:00")


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def bought(
    number: str = "order-1", at: datetime = BOUGHT, minutes: int = 500, parts: int = 50
) -> PackageOrder:
    return PackageOrder(number, at, minutes, parts, Decimal(38))


def taken(
    quotas: Quotas, item: Item, units: int, at: datetime = IN_FORCE, kind: NumberType = VIRTUAL
) -> dict[str, int]:
    deductions, _ = quotas.take(item, kind, at, units)
    return {deduction.package: deduction.units for deduction in deductions}


class TestWhenItHolds:
    @pytest.mark.parametrize(
        ("purchase", "effective", "expires"),
        [
            ("2026-09-01T10:03:00", "2026-09-01T11:00:00", "2027-09-01T11:00:00"),
            ("2026-09-01T10:00:00", "2026-09-01T11:00:00", "2027-09-01T11:00:00"),
            ("2026-09-01T10:59:59.999", "2026-09-01T11:00:00", "2027-09-01T11:00:00"),
            ("2026-12-31T23:30:00", "2027-01-01T00:00:00", "2028-01-01T00:00:00"),
            ("2028-02-29T10:03:00", "2028-02-29T11:00:00", "2029-02-28T11:00:00"),
            ("2028-02-28T23:00:00", "2028-02-29T00:00:00", "2029-02-28T00:00:00"),
            ("2027-02-28T10:03:00", "2027-02-28T11:00:00", "2028-02-28T11:00:00"),
            ("2027-02-28T23:59:59", "2027-03-01T00:00:00", "2028-03-01T00:00:00"),
        ],
    )
    def test_it_holds_from_the_next_full_hour_for_12_months(
        self, purchase: str, effective: str, expires: str
    ) -> None:
        """Beijing time; a purchase on the hour waits for the next one; 29 February gives the 28th."""
        order = bought(at=beijing(purchase))
        assert (order.effective_at, order.expires_at) == (beijing(effective), beijing(expires))

    def test_the_first_moment_belongs_to_it_and_the_last_one_does_not(self) -> None:
        order, moment = bought(), timedelta(milliseconds=1)
        assert not order.valid_at(order.effective_at - moment)
        assert order.valid_at(order.effective_at)
        assert order.valid_at(order.expires_at - moment)
        assert not order.valid_at(order.expires_at)

    def test_the_zone_in_which_a_purchase_is_told_does_not_matter(self) -> None:
        """Half-hour zones too: the hours are those of Beijing."""
        india = timezone(timedelta(hours=5, minutes=30))
        order = bought(at=BOUGHT.astimezone(india))
        assert order.effective_at == beijing("2026-09-01T11:00:00")


DOCUMENT: Mapping[str, object] = {
    "number": "CS2026.1-7",
    "bought_at": "2026-09-01T10:03:00+08:00",
    "minutes": 500,
    "parts": 50,
    "price": "38",
}


class TestDocument:
    def test_a_purchase_is_read_in_utc(self) -> None:
        order = read_order(DOCUMENT)
        assert order == PackageOrder("CS2026.1-7", BOUGHT, 500, 50, Decimal(38))
        assert order.document() == {
            **DOCUMENT,
            "bought_at": "2026-09-01T02:03:00.000Z",
            "price": "38.00",
        }

    @settings(deadline=None)
    @given(
        at=st.timedeltas(timedelta(0), timedelta(days=5_000)).map(lambda since: BOUGHT + since),
        minutes=st.integers(1, 10**6),
        parts=st.integers(0, 10**6),
    )
    def test_it_is_read_back_from_its_document(self, at: datetime, minutes: int, parts: int) -> None:
        given_ = {**DOCUMENT, "bought_at": at.isoformat(), "minutes": minutes, "parts": parts}
        order = read_order(given_)
        assert read_order(json.loads(json.dumps(order.document()))) == order

    def test_several_packages_of_one_order_start_and_end_together(self) -> None:
        small, medium, *_ = PUBLISHED.packages
        order = order_of("order-1", BOUGHT, [small, small, medium])
        assert (order.minutes, order.parts, order.price) == (6_000, 250, Decimal(356))

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"number": ""}, "package order: number: 1 to 64 letters"),
            ({"number": 7}, "package order: number: 1 to 64 letters"),
            ({"number": "a b"}, "package order: number: 1 to 64 letters"),
            ({"number": "x" * 65}, "package order: number: 1 to 64 letters"),
            ({"bought_at": "2026-09-01T10:03:00"}, "package order: bought_at: a time with its zone"),
            ({"bought_at": "1026-09-01T10:03:00Z"}, "package order: bought_at: a time with its zone"),
            ({"bought_at": "9999-12-31T23:59:59Z"}, "package order: bought_at: a time with its zone"),
            ({"bought_at": None}, "package order: bought_at: a time with its zone"),
            ({"bought_at": "2026-W36-1T10:03:00Z"}, "package order: bought_at: a time with its zone"),
            ({"bought_at": "２０２６-09-01T10:03:00Z"}, "package order: bought_at: a time with its zone"),
            ({"bought_at": "20260901T100300Z"}, "package order: bought_at: a time with its zone"),
            ({"price": "3_8"}, "package order: price: an amount in CNY"),
            ({"minutes": -1}, "package order: minutes: a whole number from 0"),
            ({"minutes": 0, "parts": 0}, "package order: minutes, parts: at least one"),
            ({"price": None}, "package order: price: an amount in CNY"),
            ({"price": 38.0}, "package order: price: an amount in CNY"),
            ({"prise": 1}, "package order: unknown prise"),
        ],
    )
    def test_a_purchase_that_makes_no_sense_is_refused_by_field(
        self, change: dict[str, object], says: str
    ) -> None:
        with pytest.raises(PackageError, match=re.escape(says)):
            read_order({**DOCUMENT, **change})

    def test_a_package_without_parts_is_one(self) -> None:
        assert order_of("order-1", BOUGHT, [Package(100, 0, Decimal(9))]).parts == 0


class TestWhatItPays:
    def test_minutes_of_both_number_types_share_one_quota(self) -> None:
        quotas = quotas_of([bought(minutes=10)])
        _, quotas = quotas.take(Item.CALL, VIRTUAL, IN_FORCE, 4)
        deductions, quotas = quotas.take(Item.CALL, CARRIER, IN_FORCE, 4)
        assert deductions == (Deduction("order-1", 4),)
        assert quotas.quotas[0].left == Use(minutes=2, parts=50)

    def test_sms_of_virtual_numbers_only(self) -> None:
        quotas = quotas_of([bought()])
        assert taken(quotas, Item.SMS, 3) == {"order-1": 3}
        assert taken(quotas, Item.SMS, 3, kind=CARRIER) == {}

    def test_rent_and_packages_never(self) -> None:
        quotas = quotas_of([bought()])
        assert taken(quotas, Item.RENT, 1) == taken(quotas, Item.PACKAGE, 1) == {}

    def test_one_record_is_split_at_the_end_of_the_quota(self) -> None:
        quotas = quotas_of([bought(minutes=2)])
        deductions, left = quotas.take(Item.CALL, VIRTUAL, IN_FORCE, 5)
        assert deductions == (Deduction("order-1", 2),)
        assert left.available(Item.CALL, VIRTUAL, IN_FORCE) == 0

    def test_one_record_may_use_several_packages(self) -> None:
        first, second = (
            bought("order-1", minutes=2),
            bought("order-2", BOUGHT + timedelta(hours=1), minutes=9),
        )
        assert taken(quotas_of([second, first]), Item.CALL, 5) == {"order-1": 2, "order-2": 3}

    def test_nothing_is_taken_of_nothing(self) -> None:
        quotas = quotas_of([bought()])
        assert quotas.take(Item.CALL, VIRTUAL, IN_FORCE, 0) == ((), quotas)

    def test_what_was_used_before_is_gone(self) -> None:
        quotas = quotas_of([bought()], used={"order-1": Use(minutes=498, parts=50)})
        assert taken(quotas, Item.CALL, 5) == {"order-1": 2}
        assert taken(quotas, Item.SMS, 5) == {}

    def test_taking_leaves_the_quotas_as_they_were(self) -> None:
        quotas = quotas_of([bought()])
        quotas.take(Item.CALL, VIRTUAL, IN_FORCE, 5)
        assert quotas == quotas_of([bought()])


class TestWhichComesFirst:
    """billing-rules.md §5: earliest expiry, then earliest effective instant, then order number."""

    EARLY, LATE = bought("order-9", BOUGHT), bought("order-1", BOUGHT + timedelta(hours=3))

    def test_the_one_that_expires_first(self) -> None:
        assert taken(quotas_of([self.LATE, self.EARLY]), Item.CALL, 5) == {"order-9": 5}

    def test_of_two_that_expire_together_the_one_that_began_first(self) -> None:
        """28 and 29 February of a leap year both end on 28 February."""
        leap, before = bought("a", beijing("2028-02-29T10:30")), bought("b", beijing("2028-02-28T10:30"))
        assert leap.expires_at == before.expires_at
        quotas = quotas_of([leap, before])
        assert taken(quotas, Item.CALL, 5, at=beijing("2028-03-01T00:00")) == {"b": 5}

    def test_of_two_of_one_hour_the_smaller_number(self) -> None:
        quotas = quotas_of([bought("order-2"), bought("order-1")])
        assert taken(quotas, Item.CALL, 5) == {"order-1": 5}

    def test_the_setting_turns_it_round_but_for_the_number(self) -> None:
        same = bought("order-2", self.LATE.bought_at)
        quotas = quotas_of([self.EARLY, same, self.LATE], PackageChoice.LATEST_EXPIRY)
        assert [quota.order.number for quota in quotas.quotas] == ["order-1", "order-2", "order-9"]

    def test_one_that_does_not_hold_yet_is_passed_over(self) -> None:
        at = self.EARLY.effective_at
        assert taken(quotas_of([self.LATE], PackageChoice.LATEST_EXPIRY), Item.CALL, 5, at=at) == {}
        assert taken(
            quotas_of([self.LATE, self.EARLY], PackageChoice.LATEST_EXPIRY), Item.CALL, 5, at=at
        ) == {"order-9": 5}


class TestWhyItDoesNotPay:
    """billing-rules.md §5: these five reasons explain pay-per-use although a package exists; C-107."""

    def why(
        self, item: Item = Item.CALL, kind: NumberType = VIRTUAL, at: datetime = IN_FORCE, **used: int
    ) -> Unpaid | None:
        return quotas_of([bought()], used={"order-1": Use(**used)}).reason(item, kind, at)

    def test_rent(self) -> None:
        assert self.why(Item.RENT) is Unpaid.RENT

    def test_sms_of_a_carrier_number(self) -> None:
        assert self.why(Item.SMS, CARRIER) is Unpaid.CARRIER_SMS

    def test_exhausted(self) -> None:
        assert self.why(minutes=500) is Unpaid.EXHAUSTED
        assert self.why(Item.SMS, parts=50) is Unpaid.EXHAUSTED

    def test_expired(self) -> None:
        assert self.why(at=bought().expires_at) is Unpaid.EXPIRED

    def test_not_yet_effective(self) -> None:
        assert self.why(at=bought().effective_at - timedelta(seconds=1)) is Unpaid.NOT_YET_EFFECTIVE

    def test_none_while_it_pays(self) -> None:
        assert self.why() is None

    def test_none_without_a_package(self) -> None:
        assert quotas_of([]).reason(Item.RENT, VIRTUAL, IN_FORCE) is None

    def test_between_two_packages_the_first_one_has_expired(self) -> None:
        quotas = quotas_of([bought("a"), bought("b", beijing("2027-12-01T10:00"))])
        assert quotas.reason(Item.CALL, VIRTUAL, beijing("2027-10-01T00:00")) is Unpaid.EXPIRED

    def test_the_rest_of_a_split_record_has_its_reason(self) -> None:
        (paid,), _ = deduct([Usage(IN_FORCE, "K12", Item.CALL, CARRIER, 5)], quotas_of([bought(minutes=2)]))
        assert (paid.package_units, paid.list_units, paid.reason) == (2, 3, Unpaid.EXHAUSTED)

    def test_a_record_that_is_paid_has_none(self) -> None:
        (paid,), _ = deduct([Usage(IN_FORCE, "K11", Item.CALL, CARRIER, 4)], quotas_of([bought()]))
        assert (paid.list_units, paid.reason) == (0, None)


# ---- whatever was used, whatever was bought

START = utc("2026-09-01 00:00:00")
moments = st.integers(0, 30 * 24 * 3600).map(lambda second: START + timedelta(seconds=second))
usages = st.lists(
    st.tuples(
        st.one_of(moments, st.sampled_from([START, START + timedelta(days=1)])),
        st.sampled_from([Item.CALL, Item.SMS]),
        st.sampled_from(NumberType),
        st.integers(0, 70),
    ),
    max_size=40,
).map(lambda rows: [Usage(row[0], f"record-{at}", *row[1:]) for at, row in enumerate(rows)])
orders = st.lists(
    st.tuples(
        st.integers(-400 * 24, 20 * 24).map(lambda hour: START + timedelta(hours=hour)),
        st.integers(0, 300),
        st.integers(0, 300),
    ),
    max_size=4,
).map(lambda rows: [bought(f"order-{at}", *row) for at, row in enumerate(rows)])
choices = st.sampled_from(PackageChoice)


@settings(deadline=None)
@given(usages, orders, choices, st.randoms(use_true_random=False))
def test_the_order_in_which_usages_come_does_not_matter(
    used: list[Usage], packages: list[PackageOrder], choice: PackageChoice, chance: random.Random
) -> None:
    shuffled, other = list(used), list(packages)
    chance.shuffle(shuffled)
    chance.shuffle(other)
    assert deduct(used, quotas_of(packages, choice)) == deduct(shuffled, quotas_of(other, choice))


@settings(deadline=None)
@given(usages, orders, choices, st.integers(0, 40))
def test_a_month_in_two_runs_is_a_month_in_one(
    used: list[Usage], packages: list[PackageOrder], choice: PackageChoice, cut: int
) -> None:
    """The second run goes on with what the first one left, whether in memory or by what was used."""
    ordered = sorted(used, key=lambda usage: (usage.at, usage.record))
    whole, left = deduct(ordered, quotas_of(packages, choice))
    first, between = deduct(ordered[:cut], quotas_of(packages, choice))
    before = {quota.order.number: quota.used for quota in between.quotas}
    second, end = deduct(ordered[cut:], quotas_of(packages, choice, used=before))
    assert ((*first, *second), end) == (whole, left)


@settings(deadline=None)
@given(usages, orders, choices)
def test_what_is_paid_is_used_and_what_is_used_is_paid_once(
    used: list[Usage], packages: list[PackageOrder], choice: PackageChoice
) -> None:
    """Every unit from a valid package or at list price, with a reason; no package pays more than it has."""
    known = {order.number: order for order in packages}
    paid, left = deduct(used, quotas_of(packages, choice))
    for one in paid:
        assert one.package_units + one.list_units == one.usage.units
        assert (one.reason is not None) == bool(packages and one.list_units)
        assert all(known[each.package].valid_at(one.usage.at) for each in one.deductions)
    for quota in left.quotas:
        assert quota.used == Use(
            *(units_of(paid, quota.order.number, item) for item in (Item.CALL, Item.SMS))
        )
        assert quota.left.minutes >= 0
        assert quota.left.parts >= 0


@settings(deadline=None)
@given(usages, st.integers(0, 300), st.integers(0, 300))
def test_one_package_pays_the_smaller_of_quota_and_use(used: list[Usage], minutes: int, parts: int) -> None:
    whole = [bought("order-1", START - timedelta(days=1), minutes, parts)]
    paid, _ = deduct(used, quotas_of(whole))
    calls = sum(usage.units for usage in used if usage.item is Item.CALL)
    messages = sum(usage.units for usage in used if usage.item is Item.SMS and usage.number_type is VIRTUAL)
    assert units_of(paid, "order-1", Item.CALL) == min(minutes, calls)
    assert units_of(paid, "order-1", Item.SMS) == min(parts, messages)


@settings(deadline=None)
@given(usages, orders, choices)
def test_splitting_a_record_does_not_change_what_is_paid(
    used: list[Usage], packages: list[PackageOrder], choice: PackageChoice
) -> None:
    """A record of 70 minutes is paid like 70 records of one at its moment."""
    single = [
        Usage(usage.at, f"{usage.record}/{unit:02d}", usage.item, usage.number_type, 1)
        for usage in used
        for unit in range(usage.units)
    ]
    assert deduct(used, quotas_of(packages, choice))[1] == deduct(single, quotas_of(packages, choice))[1]


def units_of(paid: tuple[Paid, ...], number: str, item: Item) -> int:
    return sum(
        each.units
        for one in paid
        if one.usage.item is item
        for each in one.deductions
        if each.package == number
    )
