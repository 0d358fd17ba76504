"""Dated price lists (billing-rules.md §2): what a number, a minute and an SMS part cost, and from when.

Prices are data. The setting is a JSON list; what an entry leaves out keeps its published value. The price of
a minute has none: it was never published, so without a configured price a call's amount is *unpriced*.

    [{"valid_from": "2026-09-01",
      "call": {"virtual": "0.10", "carrier": "0.10"},
      "sms": {"virtual": "0.28", "carrier": "0.27"},
      "rent": {"virtual": "5", "carrier": "15"}}]

Amounts are CNY, written as text or as JSON numbers; ``null`` means "no price".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final

from privatenumber.store.numbers import NumberType

FEN: Final = Decimal("0.01")

#: The smallest package is advertised as cheaper than list price: 500 minutes + 50 SMS of 0.28 > 38 CNY.
PLAUSIBLE_CALL_PRICE: Final = Decimal("0.048")

_MOST_DECIMALS: Final = 6


class Item(StrEnum):
    """What can be charged."""

    RENT = "rent"
    CALL = "call"
    SMS = "sms"


class PriceListError(ValueError):
    """The configured price lists cannot be used; the message names the place and what is expected there."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """Unit prices in CNY from a Beijing date on, inclusive: per number and month, minute, SMS part."""

    valid_from: date
    rent: Mapping[NumberType, Decimal]
    call: Mapping[NumberType, Decimal | None]
    sms: Mapping[NumberType, Decimal]

    def document(self) -> dict[str, Any]:
        """The list as a JSON document; the published one is valid from ever."""
        return {
            "valid_from": None if self.valid_from == date.min else self.valid_from.isoformat(),
            **{
                item.value: {kind.value: plain(getattr(self, item.value)[kind]) for kind in NumberType}
                for item in Item
            },
        }


PUBLISHED: Final = PriceList(
    valid_from=date.min,
    rent={NumberType.VIRTUAL: Decimal(5), NumberType.CARRIER: Decimal(15)},
    call={NumberType.VIRTUAL: None, NumberType.CARRIER: None},
    sms={NumberType.VIRTUAL: Decimal("0.28"), NumberType.CARRIER: Decimal("0.27")},
)
"""The values the provider published; valid until a configured list takes over."""


class PriceBook:
    """All price lists, by date. Raises PriceListError when two lists begin on one day."""

    def __init__(self, lists: Iterable[PriceList] = ()) -> None:
        self._lists = sorted((PUBLISHED, *lists), key=lambda prices: prices.valid_from)
        days = [prices.valid_from for prices in self._lists]
        if len(set(days)) != len(days):
            raise PriceListError("price lists: two lists have the same valid_from")

    def at(self, day: date) -> PriceList:
        """The list in force on a Beijing date."""
        return next(prices for prices in reversed(self._lists) if prices.valid_from <= day)

    def between(self, first: date, last: date) -> tuple[PriceList, ...]:
        """Every list that is in force on some day from `first` to `last`, both included, oldest first."""
        begins = self.at(first).valid_from
        return tuple(prices for prices in self._lists if begins <= prices.valid_from <= last)

    def warnings(self) -> tuple[str, ...]:
        """What looks wrong in the lists although it can be used."""
        return tuple(
            f"price list of {prices.valid_from}: call.{kind} {price} is below {PLAUSIBLE_CALL_PRICE}, "
            "what the smallest package costs per minute"
            for prices in self._lists
            for kind, price in prices.call.items()
            if price is not None and price < PLAUSIBLE_CALL_PRICE
        )


def read_price_book(text: str) -> PriceBook:
    """Read the configured price lists; an empty text leaves the published list alone.

    Raises PriceListError.
    """
    if not text.strip():
        return PriceBook()
    try:
        entries = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except json.JSONDecodeError:
        raise PriceListError("price lists: not JSON") from None
    if not isinstance(entries, list):
        raise PriceListError("price lists: a JSON list of price lists is expected")
    return PriceBook([_price_list(entry, f"price list {at}") for at, entry in enumerate(entries, start=1)])


def to_fen(amount: Decimal) -> Decimal:
    """An exact sum as money: 0.01 CNY, half up. For sums only, never for a record (billing-rules.md §2)."""
    return amount.quantize(FEN, rounding=ROUND_HALF_UP)


def plain(amount: Decimal | None) -> str | None:
    """An exact amount as text: no exponent, no needless zeros, at least two decimals; ``None`` stays."""
    if amount is None:
        return None
    text = f"{amount.normalize():f}"
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"


def _price_list(entry: Any, where: str) -> PriceList:
    if not isinstance(entry, dict):
        raise PriceListError(f"{where}: an object is expected")
    unknown = set(entry) - {"valid_from", *Item}
    if unknown:
        # A misspelt name would silently bill at another price.
        raise PriceListError(f"{where}: unknown {', '.join(sorted(unknown))}")
    return PriceList(
        valid_from=_day(entry.get("valid_from"), where),
        rent=_known(entry, Item.RENT, where, PUBLISHED.rent),
        call=_prices(entry, Item.CALL, where, PUBLISHED.call),
        sms=_known(entry, Item.SMS, where, PUBLISHED.sms),
    )


def _known(
    entry: Mapping[str, Any], item: Item, where: str, otherwise: Mapping[NumberType, Decimal]
) -> dict[NumberType, Decimal]:
    found = _prices(entry, item, where, otherwise)
    prices = {kind: price for kind, price in found.items() if price is not None}
    if len(prices) != len(found):
        raise PriceListError(f"{where}: {item} needs a price, null is for call prices only")
    return prices


def _prices(
    entry: Mapping[str, Any], item: Item, where: str, otherwise: Mapping[NumberType, Decimal | None]
) -> dict[NumberType, Decimal | None]:
    given = entry.get(item, {})
    if not isinstance(given, dict) or set(given) - set(NumberType):
        raise PriceListError(f"{where}: {item} is an object with virtual and carrier")
    return {
        kind: _price(given[kind], f"{where}: {item}.{kind}") if kind in given else otherwise[kind]
        for kind in NumberType
    }


def _price(value: Any, where: str) -> Decimal | None:
    if value is None:
        return None
    try:
        price = Decimal(value) if isinstance(value, str | Decimal) else Decimal("NaN")
    except InvalidOperation:
        price = Decimal("NaN")
    exponent = price.as_tuple().exponent
    if not isinstance(exponent, int) or price < 0 or -exponent > _MOST_DECIMALS:
        raise PriceListError(
            f"{where}: an amount in CNY such as 0.10 is expected, at most {_MOST_DECIMALS} decimals"
        )
    return price


def _day(value: Any, where: str) -> date:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise PriceListError(f"{where}: valid_from is a date such as 2026-09-01") from None
    if day == date.min:
        raise PriceListError(f"{where}: valid_from is before everything")
    return day
