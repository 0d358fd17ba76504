"""The worked examples of billing-rules.md §8.1 and §8.2, rated record by record: prices, package, rents.

What becomes of them in closes, statement and allocation is tested with those.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

import pytest

from builders.billing import CARRIER, EXAMPLE_PRICES, VIRTUAL, utc
from builders.example import CALLS, INVENTORY, LAST_CALL, MESSAGES, NUMBERS, PACKAGE, Texts, Told
from privatenumber.billing.rating.calls import rate_call, usage_time
from privatenumber.billing.rating.packages import Paid, Quotas, Unpaid, Usage, Use, deduct, quotas_of
from privatenumber.billing.rating.rent import Holding, rents_deducted, rents_of_cost_month
from privatenumber.billing.rating.sms import rate_sms, sms_usage_time
from privatenumber.billing.tariff.money import to_fen
from privatenumber.billing.tariff.prices import Item
from privatenumber.times import BEIJING, beijing_month

AFTER = utc("2026-12-01 00:00:00")
ALL_CALLS = (*CALLS, LAST_CALL)


def usage_of_call(call: Told) -> Usage:
    fact = call.fact()
    charge = rate_call(fact, EXAMPLE_PRICES, INVENTORY)
    return Usage(usage_time(fact), call.id, Item.CALL, charge.number_type, charge.minutes)


def usages_of(texts: Texts) -> list[Usage]:
    found = []
    for fact in texts.facts():
        charge = rate_sms(fact, EXAMPLE_PRICES, INVENTORY)
        found.append(Usage(sms_usage_time(fact), fact.sms or "", Item.SMS, charge.number_type, charge.parts))
    return found


def september() -> list[Usage]:
    return [*map(usage_of_call, CALLS), *(usage for texts in MESSAGES for usage in usages_of(texts))]


def amount(paid: Iterable[Paid]) -> Decimal:
    prices = EXAMPLE_PRICES.at(PACKAGE.effective_at.date())
    units = {Item.CALL: prices.call, Item.SMS: prices.sms}
    prices_of = ((one, units[one.usage.item][one.usage.number_type]) for one in paid)
    return sum((one.list_units * price for one, price in prices_of if price is not None), Decimal(0))


class TestCalls:
    @pytest.mark.parametrize("call", ALL_CALLS, ids=lambda call: call.id)
    def test_each_call_has_its_seconds_minutes_and_beijing_time(self, call: Told) -> None:
        fact = call.fact()
        charge = rate_call(fact, EXAMPLE_PRICES, INVENTORY)
        assert (charge.talk_seconds, charge.minutes) == (call.seconds, call.minutes)
        assert charge.amount == call.minutes * Decimal("0.10")
        assert charge.connected is (call.answered is not None)
        assert f"{usage_time(fact).astimezone(BEIJING):%m-%d %H:%M:%S}" == call.end

    @pytest.mark.parametrize("last", range(len(CALLS)), ids=[call.id for call in CALLS])
    def test_each_call_takes_its_minutes_from_the_package(self, last: int) -> None:
        """The columns "from package", "at list price", amount and quota left, up to each line."""
        call = CALLS[last]
        paid, quotas = deduct(map(usage_of_call, CALLS[: last + 1]), quotas_of([PACKAGE]))
        assert (paid[-1].package_units, paid[-1].list_units) == (call.from_package, call.at_list_price)
        assert amount(paid[-1:]) == Decimal(call.amount)
        assert quotas.quotas[0].left.minutes == (500 if call.left is None else call.left)

    def test_what_is_not_paid_has_its_reason(self) -> None:
        paid, _ = deduct(map(usage_of_call, CALLS), quotas_of([PACKAGE]))
        reasons = {one.usage.record: one.reason for one in paid if one.reason}
        assert reasons == {
            **dict.fromkeys(("K01", "K02"), Unpaid.NOT_YET_EFFECTIVE),
            **dict.fromkeys(("K12", "K13", "K15"), Unpaid.EXHAUSTED),
        }

    def test_september_has_605_minutes_of_599_and_a_half(self) -> None:
        """500 from the package, 105 at list price; the rounding loss is 5.5 minutes."""
        charges = [rate_call(call.fact(), EXAMPLE_PRICES, INVENTORY) for call in CALLS]
        paid, quotas = deduct(map(usage_of_call, CALLS), quotas_of([PACKAGE]))
        seconds, minutes = sum(each.talk_seconds for each in charges), sum(each.minutes for each in charges)
        assert (seconds, minutes, minutes - Decimal(seconds) / 60) == (35_970, 605, Decimal("5.5"))
        assert sum(one.package_units for one in paid) == 500
        assert (sum(one.list_units for one in paid), amount(paid)) == (105, Decimal("10.50"))
        assert quotas.quotas[0].left.minutes == 0

    def test_the_last_call_belongs_to_october(self) -> None:
        """K16 was answered in September and ended 00:01 on 1 October, Beijing."""
        assert {beijing_month(usage_time(call.fact())) for call in CALLS} == {"2026-09"}
        assert beijing_month(usage_time(LAST_CALL.fact())) == "2026-10"

    def test_minutes_of_each_application(self) -> None:
        """billing-rules.md §8.3: 160 package minutes of ax and 340 of axb, 104 and 1 at list price."""
        paid, _ = deduct(map(usage_of_call, CALLS), quotas_of([PACKAGE]))
        owner = {call.id: call.application for call in CALLS}
        units = {
            app: tuple(
                sum(getattr(one, name) for one in paid if owner[one.usage.record] == app)
                for name in ("package_units", "list_units")
            )
            for app in ("ax", "axb")
        }
        assert units == {"ax": (160, 104), "axb": (340, 1)}


class TestMessages:
    @pytest.mark.parametrize("texts", MESSAGES, ids=lambda texts: texts.id)
    def test_each_message_has_its_parts_and_price(self, texts: Texts) -> None:
        charges = [rate_sms(fact, EXAMPLE_PRICES, INVENTORY) for fact in texts.facts()]
        assert sum(charge.parts for charge in charges) == texts.parts
        assert {charge.unit_price for charge in charges} == {Decimal(texts.unit)}
        assert all(charge.sent is (texts.result in {0, 9}) for charge in charges)

    @pytest.mark.parametrize("last", range(len(MESSAGES)), ids=[texts.id for texts in MESSAGES])
    def test_each_message_takes_its_parts_from_the_package(self, last: int) -> None:
        texts = MESSAGES[last]
        before = [usage for each in MESSAGES[: last + 1] for usage in usages_of(each)]
        paid, quotas = deduct(before, quotas_of([PACKAGE]))
        own = [one for one in paid if one.usage.record.startswith(texts.id)]
        assert sum(one.package_units for one in own) == texts.from_package
        assert sum(one.list_units for one in own) == texts.at_list_price
        assert amount(own) == Decimal(texts.amount)
        assert quotas.quotas[0].left.parts == (50 if texts.left is None else texts.left)

    def test_what_is_not_paid_has_its_reason(self) -> None:
        paid, _ = deduct([usage for texts in MESSAGES for usage in usages_of(texts)], quotas_of([PACKAGE]))
        reasons = {(one.usage.record[:2], one.reason) for one in paid if one.reason}
        assert reasons == {
            ("M1", Unpaid.NOT_YET_EFFECTIVE),
            ("M3", Unpaid.EXHAUSTED),
            ("M4", Unpaid.EXHAUSTED),
            ("M7", Unpaid.CARRIER_SMS),
        }

    def test_september_has_70_parts_of_62_messages(self) -> None:
        paid, quotas = deduct(
            [usage for texts in MESSAGES for usage in usages_of(texts)], quotas_of([PACKAGE])
        )
        assert (len(paid), sum(one.usage.units for one in paid)) == (62, 70)
        assert sum(one.package_units for one in paid) == 50
        virtual = [one for one in paid if one.usage.number_type is VIRTUAL]
        carrier = [one for one in paid if one.usage.number_type is CARRIER]
        assert (sum(one.list_units for one in virtual), amount(virtual)) == (10, Decimal("2.80"))
        assert (sum(one.list_units for one in carrier), amount(carrier)) == (10, Decimal("2.70"))
        assert quotas.quotas[0].left.parts == 0


RENT = {  # deducted on 1 September, later in September, on 1 October
    "V1": (5, 0, 5), "V2": (5, 0, 5), "V3": (5, 0, 0), "V4": (5, 0, 5), "V5": (0, 5, 5), "V6": (0, 0, 10),
    "V7": (0, 0, 0), "V8": (5, 0, 0), "C1": (15, 0, 15), "C2": (15, 0, 15),
}  # fmt: skip
HELD = dict(zip(RENT, NUMBERS.values(), strict=True))


class TestRents:
    @pytest.mark.parametrize("name", RENT)
    def test_each_number_pays_its_rents(self, name: str) -> None:
        def paid(month: str, *, first: bool) -> Decimal:
            found = rents_deducted([HELD[name]], month, EXAMPLE_PRICES, until=AFTER)
            return sum((rent.amount for rent in found if (rent.deducted_on.day == 1) is first), Decimal(0))

        found = (paid("2026-09", first=True), paid("2026-09", first=False), paid("2026-10", first=True))
        assert found == tuple(map(Decimal, RENT[name]))

    def test_the_rents_of_september_are_60_by_deduction_and_65_by_cost_month(self) -> None:
        held = NUMBERS.values()
        deducted = rents_deducted(held, "2026-09", EXAMPLE_PRICES, until=AFTER)
        october = rents_deducted(held, "2026-10", EXAMPLE_PRICES, until=AFTER)
        assert sum(rent.amount for rent in deducted) == Decimal(60)
        assert sum(rent.amount for rent in october) == Decimal(60)
        assert sum(rent.amount for rent in october if rent.cost_month == "2026-09") == Decimal(5)
        assert sum(rent.amount for rent in rents_of_cost_month(held, "2026-09", EXAMPLE_PRICES)) == Decimal(
            65
        )

    def test_rent_by_application_is_that_of_the_allocation(self) -> None:
        """billing-rules.md §8.3: 35.00 for ax and 30.00 for axb, by cost month."""
        rents = rents_of_cost_month(NUMBERS.values(), "2026-09", EXAMPLE_PRICES)
        by_application = {
            app: sum(rent.amount for rent in rents if rent.application == app) for app in ("ax", "axb")
        }
        assert by_application == {"ax": Decimal(35), "axb": Decimal(30)}


class TestTheMonth:
    def test_by_deduction_it_is_114_and_by_cost_month_119(self) -> None:
        """billing-rules.md §8.2: rent, calls, SMS and the package itself."""
        paid, _ = deduct(september(), quotas_of([PACKAGE]))
        calls = to_fen(amount(one for one in paid if one.usage.item is Item.CALL))
        messages = to_fen(amount(one for one in paid if one.usage.item is Item.SMS))
        assert (calls, messages, PACKAGE.price) == (Decimal("10.50"), Decimal("5.50"), Decimal(38))
        held, beyond = NUMBERS.values(), calls + messages + PACKAGE.price
        deducted = sum(rent.amount for rent in rents_deducted(held, "2026-09", EXAMPLE_PRICES, until=AFTER))
        of_september = sum(rent.amount for rent in rents_of_cost_month(held, "2026-09", EXAMPLE_PRICES))
        assert (beyond + deducted, beyond + of_september) == (Decimal("114.00"), Decimal("119.00"))

    def test_calls_and_messages_do_not_touch_each_others_quota(self) -> None:
        together, quotas = deduct(september(), quotas_of([PACKAGE]))
        calls, _ = deduct(map(usage_of_call, CALLS), quotas_of([PACKAGE]))
        assert {one for one in together if one.usage.item is Item.CALL} == set(calls)
        assert quotas.quotas[0].used == Use(minutes=500, parts=50)

    def test_the_order_of_arrival_does_not_matter(self) -> None:
        shuffled = september()
        random.Random(7).shuffle(shuffled)
        assert deduct(shuffled, quotas_of([PACKAGE])) == deduct(september(), quotas_of([PACKAGE]))

    def test_october_goes_on_with_what_september_left(self) -> None:
        """Nothing: K16 is at list price because the quota is exhausted, until somebody buys another one."""
        _, quotas = deduct(september(), quotas_of([PACKAGE]))
        (paid,), _ = deduct([usage_of_call(LAST_CALL)], quotas)
        assert (paid.list_units, paid.reason) == (3, Unpaid.EXHAUSTED)


class TestTheProvidersExample:
    """billing-rules.md §8.1: 600 minutes and 100 SMS, a package of 500 and 50, 10 and 5 numbers."""

    def month(self, minutes: int, parts: int) -> tuple[Decimal, Decimal, Decimal]:
        start = PACKAGE.effective_at + timedelta(days=1)
        used = [
            *(Usage(start, f"call-{n:03d}", Item.CALL, VIRTUAL, 1) for n in range(minutes)),
            *(Usage(start, f"sms-{n:03d}", Item.SMS, VIRTUAL, 1) for n in range(parts)),
        ]
        paid, _ = deduct(used, quotas_of([PACKAGE]))
        kinds = [VIRTUAL] * 10 + [CARRIER] * 5
        held = [Holding(f"+86170{at:08d}", "ax", kind) for at, kind in enumerate(kinds)]
        rent = sum(each.amount for each in rents_deducted(held, "2026-09", EXAMPLE_PRICES, until=AFTER))
        calls = amount(one for one in paid if one.usage.item is Item.CALL)
        return Decimal(rent), amount(one for one in paid if one.usage.item is Item.SMS), calls

    def test_the_month_is_149_without_the_package_price(self) -> None:
        rent, messages, calls = self.month(600, 100)
        assert (rent, messages, calls) == (Decimal(125), Decimal(14), 100 * Decimal("0.10"))
        assert rent + messages + calls == Decimal(149)

    def test_within_the_package_only_the_rent_is_left(self) -> None:
        assert self.month(500, 50) == (Decimal(125), Decimal(0), Decimal(0))


def test_the_package_ends_in_a_year_at_11_in_beijing() -> None:
    assert PACKAGE.effective_at == utc("2026-09-01 03:00:00")
    assert PACKAGE.expires_at.astimezone(BEIJING).isoformat() == "2027-09-01T11:00:00+08:00"


def test_without_a_package_everything_is_at_list_price_and_needs_no_reason() -> None:
    paid, quotas = deduct(september(), quotas_of([]))
    assert quotas == Quotas()
    assert {(one.package_units, one.reason) for one in paid} == {(0, None)}
