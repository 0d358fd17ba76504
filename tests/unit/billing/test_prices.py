"""Dated price lists: billing-rules.md §2; nothing is guessed, nothing is binary."""

import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs

from builders.billing import CARRIER, VIRTUAL
from builders.events import ROOT
from privatenumber.billing.tariff.money import plain, to_fen
from privatenumber.billing.tariff.packages import Package, PackageChoice
from privatenumber.billing.tariff.prices import PriceBook, PriceList, PriceListError, UsageTime
from privatenumber.billing.tariff.reading import price_book_of, read_price_book
from privatenumber.settings import Mode
from privatenumber.sms_parts import DOCUMENTED, Limits, SmsLimits

SEPTEMBER = date(2026, 9, 1)


def test_without_a_setting_the_published_prices_hold_and_calls_have_none() -> None:
    prices = read_price_book("").at(SEPTEMBER)
    assert prices.rent == {VIRTUAL: Decimal(5), CARRIER: Decimal(15)}
    assert prices.sms == {VIRTUAL: Decimal("0.28"), CARRIER: Decimal("0.27")}
    assert prices.call == {VIRTUAL: None, CARRIER: None}


def test_a_list_holds_from_its_first_day_on() -> None:
    book = read_price_book(
        '[{"valid_from": "2026-09-01", "call": {"virtual": "0.10"}},'
        ' {"valid_from": "2026-10-01", "call": {"virtual": 0.12, "carrier": "0.11"}}]'
    )
    assert book.at(date(2026, 8, 31)).call[VIRTUAL] is None
    assert book.at(SEPTEMBER).call[VIRTUAL] == Decimal("0.10")
    assert book.at(date(2026, 9, 30)).call[VIRTUAL] == Decimal("0.10")
    assert book.at(date(2026, 10, 1)).call == {VIRTUAL: Decimal("0.12"), CARRIER: Decimal("0.11")}


def test_what_a_list_leaves_out_keeps_its_published_value() -> None:
    prices = read_price_book('[{"valid_from": "2026-09-01", "call": {"virtual": "0.10"}}]').at(SEPTEMBER)
    assert prices.rent[CARRIER] == Decimal(15)
    assert prices.call[CARRIER] is None


def test_a_json_number_is_taken_exactly() -> None:
    prices = read_price_book('[{"valid_from": "2026-09-01", "call": {"virtual": 0.1}}]').at(SEPTEMBER)
    assert prices.call[VIRTUAL] == Decimal("0.1")


def test_without_a_setting_the_documented_rules_hold() -> None:
    """billing-rules.md §3.1, §3.2, §4.1, §5: one leg, 60 seconds, 0 seconds cost a minute, the catalogue."""
    book = read_price_book("")
    prices = book.at(SEPTEMBER)
    assert (book.usage_time, book.package_choice) == (UsageTime.END, PackageChoice.EXPIRY)
    assert (prices.minute_seconds, prices.zero_second_minutes) == (60, 1)
    assert prices.legs == dict.fromkeys(Mode, 1)
    assert prices.sms_limits == DOCUMENTED == SmsLimits(Limits(160, 154), Limits(70, 67))
    assert [(each.minutes, each.parts, each.price) for each in prices.packages] == [
        (500, 50, Decimal(38)),
        (5_000, 150, Decimal(280)),
        (50_000, 1_000, Decimal(2_500)),
        (500_000, 10_000, Decimal(22_500)),
    ]


def test_every_counting_rule_can_be_configured() -> None:
    entry = {
        "valid_from": "2026-09-01",
        "minute_seconds": 30,
        "zero_second_minutes": 0,
        "legs": {"AXYB": 2},
        "sms_limits": {"english": {"part": 153}, "other": {"single": 60, "part": 57}},
        "packages": [{"minutes": 100, "price": "9.90"}],
    }
    prices = price_book_of([entry]).at(SEPTEMBER)
    assert (prices.minute_seconds, prices.zero_second_minutes) == (30, 0)
    assert prices.legs == {**dict.fromkeys(Mode, 1), Mode.AXYB: 2}
    assert prices.sms_limits == SmsLimits(Limits(160, 153), Limits(60, 57))
    assert prices.packages == (Package(100, 0, Decimal("9.90")),)


def test_rules_of_the_whole_book_make_it_an_object() -> None:
    """They cannot be of a list: which one is in force depends on them (billing-rules.md §3.3, §5)."""
    book = read_price_book(
        '{"usage_time": "answer", "package_order": "latest_expiry", "lists": [{"valid_from": "2026-09-01"}]}'
    )
    assert (book.usage_time, book.package_choice) == (UsageTime.ANSWER, PackageChoice.LATEST_EXPIRY)
    assert [prices.valid_from for prices in book.lists] == [SEPTEMBER]


@pytest.mark.parametrize(
    ("entry", "other"),
    [
        ({"rent": {"virtual": "6"}}, False),
        ({"packages": [{"minutes": 100, "price": "9.90"}]}, False),
        ({"call": {"virtual": "0.10"}}, True),
        ({"sms": {"carrier": "0.30"}}, True),
        ({"minute_seconds": 30}, True),
        ({"zero_second_minutes": 0}, True),
        ({"legs": {"AXYB": 2}}, True),
        ({"sms_limits": {"english": {"part": 153}}}, True),
    ],
)
def test_only_what_decides_a_line_makes_other_rules_of_a_day(entry: dict[str, Any], *, other: bool) -> None:
    """By them a stored day is rated anew: a new rent, or a list that says the same, gives it no version."""
    book = price_book_of([{"valid_from": "2026-09-01", **entry}])
    assert (book.rules_of(SEPTEMBER) != PriceBook().rules_of(SEPTEMBER)) is other


def test_the_rule_of_usage_time_is_one_of_every_day() -> None:
    assert PriceBook(usage_time=UsageTime.ANSWER).rules_of(SEPTEMBER) != PriceBook().rules_of(SEPTEMBER)


amounts = st.decimals(0, 1000, places=4, allow_nan=False, allow_infinity=False)
price_lists = st.builds(
    PriceList,
    valid_from=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    rent=st.fixed_dictionaries({VIRTUAL: amounts, CARRIER: amounts}),
    call=st.fixed_dictionaries({VIRTUAL: st.none() | amounts, CARRIER: st.none() | amounts}),
    sms=st.fixed_dictionaries({VIRTUAL: amounts, CARRIER: amounts}),
    packages=st.lists(
        st.builds(Package, st.integers(1, 10**6), st.integers(0, 10**6), amounts), max_size=3
    ).map(tuple),
    minute_seconds=st.integers(1, 3600),
    zero_second_minutes=st.integers(0, 1),
    legs=st.fixed_dictionaries({mode: st.integers(0, 9) for mode in Mode}),
    sms_limits=st.builds(
        SmsLimits, *[st.builds(Limits, single=st.integers(150, 200), part=st.integers(1, 150))] * 2
    ),
)


@settings(deadline=None)
@given(
    lists=st.lists(price_lists, max_size=3, unique_by=lambda prices: prices.valid_from),
    usage=st.sampled_from(UsageTime),
    choice=st.sampled_from(PackageChoice),
)
def test_a_book_is_read_back_from_its_document(
    lists: list[PriceList], usage: UsageTime, choice: PackageChoice
) -> None:
    book = PriceBook(lists, usage, choice)
    assert price_book_of(json.loads(json.dumps(book.document()))) == book
    assert price_book_of(book.document()).document() == book.document()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense", "price lists: not JSON"),
        ("1", "price lists: a list is expected"),
        ('{"list": []}', "price lists: unknown list"),
        ('{"usage_time": "begin"}', "price lists: usage_time: one of end, answer is expected"),
        ('{"package_order": 1}', "price lists: package_order: one of expiry, latest_expiry is expected"),
        ("[1]", "price list 1: an object is expected"),
        ('[{"valid_from": "September"}]', "price list 1: valid_from: a date such as"),
        ('[{"valid_from": 20260901}]', "price list 1: valid_from: a date such as"),
        ('[{"valid_from": null}]', "price list 1: valid_from: a date such as"),
        ('[{"valid_from": "2026-W36-1"}]', "price list 1: valid_from: a date such as"),
        ('[{"valid_from": "20260901"}]', "price list 1: valid_from: a date such as"),
        ('[{"valid_from": "0001-01-01"}]', "price list 1: valid_from: a date before everything"),
        ('[{"valid_from": "2026-09-01"}, {"valid_from": "2026-09-01"}]', "same valid_from"),
        ('[{"valid_from": "2026-09-01", "cal": {}}]', "price list 1: unknown cal"),
        ('[{"valid_from": "2026-09-01", "call": []}]', "call: an object is expected"),
        ('[{"valid_from": "2026-09-01", "call": {"virtuel": 1}}]', "call: unknown virtuel"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": "-1"}}]', "call.virtual: an amount in CNY"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": "Infinity"}}]', "call.virtual: an amount"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": "1_0"}}]', "call.virtual: an amount"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": "１0"}}]', "call.virtual: an amount"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": " 0.10"}}]', "call.virtual: an amount"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": "0.10\\n"}}]', "call.virtual: an amount"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": "1e-1"}}]', "call.virtual: an amount"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": NaN}}]', "call.virtual: an amount"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": true}}]', "call.virtual: an amount"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": "0.1000001"}}]', "at most 6 decimals"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": 1e999999}}]', "call.virtual: an amount"),
        ('[{"valid_from": "2026-09-01", "rent": {"virtual": null}}]', "rent: needs a price"),
        ('[{"valid_from": "2026-09-01", "minute_seconds": 0}]', "minute_seconds: a whole number from 1"),
        ('[{"valid_from": "2026-09-01", "minute_seconds": "60"}]', "minute_seconds: a whole number"),
        ('[{"valid_from": "2026-09-01", "zero_second_minutes": 2}]', "zero_second_minutes: a whole"),
        ('[{"valid_from": "2026-09-01", "zero_second_minutes": true}]', "zero_second_minutes: a whole"),
        ('[{"valid_from": "2026-09-01", "legs": {"AXC": 1}}]', "legs: unknown AXC"),
        ('[{"valid_from": "2026-09-01", "legs": {"AX": 1.5}}]', "legs.AX: a whole number from 0 to 9"),
        (
            '[{"valid_from": "2026-09-01", "sms_limits": {"other": {"part": 71}}}]',
            "sms_limits.other.part: a whole",
        ),
        ('[{"valid_from": "2026-09-01", "packages": {}}]', "packages: a list is expected"),
        (
            '[{"valid_from": "2026-09-01", "packages": [{"minutes": 1, "price": 1}, {"minutes": 1}]}]',
            "price list 1: packages 2.price: an amount in CNY",
        ),
        (
            '[{"valid_from": "2026-09-01", "packages": [{"price": 1}]}]',
            "packages 1.minutes, parts: at least",
        ),
    ],
)
def test_a_list_that_makes_no_sense_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(PriceListError, match=re.escape(says)):
        read_price_book(text)


def test_an_error_says_the_field_and_the_rule_apart() -> None:
    with pytest.raises(PriceListError) as refused:
        read_price_book('[{"valid_from": "2026-09-01", "sms": {"carrier": 1.5e-7}}]')
    assert refused.value.field == "price list 1: sms.carrier"
    assert refused.value.rule == "an amount in CNY such as 0.10 is expected, at most 6 decimals"


def test_a_binary_number_is_refused() -> None:
    """Whoever decodes JSON into floats has lost what was written: money is never binary."""
    with pytest.raises(PriceListError, match="an amount in CNY"):
        price_book_of([{"valid_from": "2026-09-01", "sms": {"carrier": 0.1}}])


def test_a_call_price_below_that_of_the_smallest_package_is_warned_of() -> None:
    """billing-rules.md §2, plausibility: p > 0.048."""
    book = read_price_book('[{"valid_from": "2026-09-01", "call": {"virtual": "0.047", "carrier": "0.048"}}]')
    (warning,) = book.warnings()
    assert "call.virtual 0.047" in warning
    assert not PriceBook().warnings()


def test_the_plausible_price_follows_from_the_catalogue_in_the_list() -> None:
    """(60 - 100 × 0.30) ÷ 500 = 0.06."""
    entry = {
        "valid_from": "2026-09-01",
        "call": {"virtual": "0.059", "carrier": "0.06"},
        "sms": {"virtual": "0.30"},
        "packages": [{"minutes": 500, "parts": 100, "price": "60"}],
    }
    (warning,) = price_book_of([entry]).warnings()
    assert "call.virtual 0.059 is below 0.06" in warning
    assert not price_book_of([{**entry, "packages": []}]).warnings()


def test_the_lists_of_a_month_are_those_in_force_on_any_of_its_days() -> None:
    book = read_price_book('[{"valid_from": "2026-09-16"}, {"valid_from": "2026-10-01"}]')
    found = book.between(SEPTEMBER, date(2026, 9, 30))
    assert [prices.valid_from for prices in found] == [date.min, date(2026, 9, 16)]


@pytest.mark.parametrize(
    ("exact", "fen"), [("0.004999", "0.00"), ("0.005", "0.01"), ("1.005", "1.01"), ("2.675", "2.68")]
)
def test_sums_are_rounded_half_up(exact: str, fen: str) -> None:
    assert to_fen(Decimal(exact)) == Decimal(fen)


@pytest.mark.parametrize(
    ("amount", "text"), [("0", "0.00"), ("100", "100.00"), ("1E+3", "1000.00"), ("0.0593750", "0.059375")]
)
def test_an_exact_amount_is_written_without_exponent_and_needless_zeros(amount: str, text: str) -> None:
    assert plain(Decimal(amount)) == text


_SAID: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
_DESCRIBED = Draft202012Validator(
    {"$ref": "#/components/schemas/PriceList", "components": _SAID["components"]},
    format_checker=Draft202012Validator.FORMAT_CHECKER,
)


@pytest.mark.parametrize(
    ("members", "good"),
    [
        ({}, True),
        ({"call": {"virtual": None}, "sms": {"carrier": "0.27"}, "rent": {"virtual": 5}}, True),
        ({"sms": {"carrier": None}}, False),
        ({"rent": {"virtual": "-1"}}, False),
        ({"call": {"virtual": "1_0"}}, False),
        ({"call": {"virtual": "１０"}}, False),
        ({"call": {"virtual": "0.1234567"}}, False),
        ({"call": {"other": "0.10"}}, False),
        ({"packages": [{"minutes": 500, "parts": 50, "price": "38"}]}, True),
        ({"packages": [{"minutes": 500, "cost": "38"}]}, False),
        ({"minute_seconds": 3600, "zero_second_minutes": 0, "legs": {"AXYB": 2}}, True),
        ({"minute_seconds": 0}, False),
        ({"minute_seconds": 3601}, False),
        ({"zero_second_minutes": 2}, False),
        ({"legs": {"AXYB": 10}}, False),
        ({"sms_limits": {"english": {"single": 160, "part": 154}, "other": {}}}, True),
        ({"sms_limits": {"chinese": {}}}, False),
        ({"sms_limits": {"other": {"part": 0}}}, False),
        ({"valid_from": "2026-9-1"}, False),
        ({"surcharge": "1"}, False),
    ],
)
def test_the_document_of_the_api_says_what_a_price_list_may_hold(members: dict[str, Any], good: bool) -> None:
    """What the one accepts the other does; what the one refuses the other refuses."""
    entry = {"valid_from": "2026-09-01", **members}
    assert _DESCRIBED.is_valid(entry) is good
    if good:
        assert price_book_of([entry]).lists
    else:
        with pytest.raises(PriceListError):
            price_book_of([entry])
