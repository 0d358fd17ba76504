"""Dated price lists: billing-rules.md §2; nothing is guessed, nothing is binary."""

from datetime import date
from decimal import Decimal

import pytest

from builders.billing import CARRIER, VIRTUAL
from privatenumber.billing.tariff.money import plain, to_fen
from privatenumber.billing.tariff.prices import PriceBook, PriceListError
from privatenumber.billing.tariff.reading import read_price_book

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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "JSON list"),
        ("[1]", "price list 1: an object"),
        ("nonsense", "not JSON"),
        ('[{"valid_from": "September"}]', "price list 1: valid_from"),
        ('[{"valid_from": "2026-09-01"}, {"valid_from": "2026-09-01"}]', "same valid_from"),
        ('[{"valid_from": "2026-09-01", "cal": {}}]', "price list 1: unknown cal"),
        ('[{"valid_from": "2026-09-01", "call": {"virtuel": 1}}]', "call is an object with virtual"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": "-1"}}]', "call.virtual"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": "Infinity"}}]', "call.virtual"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": NaN}}]', "call.virtual"),
        ('[{"valid_from": "2026-09-01", "call": {"virtual": true}}]', "call.virtual"),
        ('[{"valid_from": "2026-09-01", "rent": {"virtual": null}}]', "rent needs a price"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(PriceListError, match=says):
        read_price_book(text)


def test_a_call_price_below_that_of_the_smallest_package_is_warned_of() -> None:
    """billing-rules.md §2, plausibility: p > 0.048."""
    book = read_price_book('[{"valid_from": "2026-09-01", "call": {"virtual": "0.047", "carrier": "0.048"}}]')
    (warning,) = book.warnings()
    assert "call.virtual 0.047" in warning
    assert not PriceBook().warnings()


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
