"""Price lists out of JSON (billing-rules.md §2); what an entry leaves out keeps its published value.

    [{"valid_from": "2026-09-01",
      "call": {"virtual": "0.10", "carrier": "0.10"},
      "sms": {"virtual": "0.28", "carrier": "0.27"},
      "rent": {"virtual": "5", "carrier": "15"},
      "packages": [{"minutes": 500, "parts": 50, "price": "38"}],
      "minute_seconds": 60, "zero_second_minutes": 1, "legs": {"AXYB": 1},
      "sms_limits": {"english": {"single": 160, "part": 154}, "other": {"single": 70, "part": 67}}}]

With the rules that hold for all lists it is an object: ``{"usage_time": "end", "package_order": "expiry",
"lists": [...]}``. Amounts are CNY, written as text or as JSON numbers; ``null`` means "no price".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from privatenumber.billing.tariff.fields import (
    TariffError,
    choice,
    day,
    entries,
    members,
    money,
    whole,
    within,
)
from privatenumber.billing.tariff.packages import PackageChoice, read_packages
from privatenumber.billing.tariff.prices import (
    PUBLISHED,
    Item,
    PriceBook,
    PriceList,
    PriceListError,
    UsageTime,
)
from privatenumber.settings import Mode
from privatenumber.sms_parts import DOCUMENTED, Limits, SmsLimits
from privatenumber.store.numbers import NumberType

_MEMBERS: Final = (
    *("valid_from", "rent", "call", "sms", "packages"),
    *("minute_seconds", "zero_second_minutes", "legs", "sms_limits"),
)


def read_price_book(text: str) -> PriceBook:
    """Read the configured price lists; an empty text leaves the published list alone.

    Raises PriceListError.
    """
    if not text.strip():
        return PriceBook()
    try:
        value = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except (json.JSONDecodeError, RecursionError):
        raise PriceListError("price lists", "not JSON") from None
    return price_book_of(value)


def price_book_of(value: object) -> PriceBook:
    """A book from decoded JSON, as a list of lists or in its long form. Raises PriceListError."""
    try:
        if not isinstance(value, Mapping):
            return PriceBook(_lists(value))
        given = members(value, "price lists", ("usage_time", "package_order", "lists"))
        return PriceBook(
            _lists(given.get("lists", [])),
            choice(given.get("usage_time", UsageTime.END), "price lists: usage_time", UsageTime),
            choice(
                given.get("package_order", PackageChoice.EXPIRY), "price lists: package_order", PackageChoice
            ),
        )
    except TariffError as broken:
        raise PriceListError(broken.field, broken.rule) from None


def _lists(value: object) -> list[PriceList]:
    given = entries(value, "price lists")
    return [_price_list(entry, f"price list {at}") for at, entry in enumerate(given, start=1)]


def _price_list(entry: object, where: str) -> PriceList:
    given = members(entry, where, _MEMBERS)
    return PriceList(
        valid_from=day(given.get("valid_from"), within(where, "valid_from")),
        rent=_known(given, Item.RENT, where, PUBLISHED.rent),
        call=_prices(given, Item.CALL, where, PUBLISHED.call),
        sms=_known(given, Item.SMS, where, PUBLISHED.sms),
        packages=(
            read_packages(given["packages"], within(where, "packages"))
            if "packages" in given
            else PUBLISHED.packages
        ),
        minute_seconds=_whole(given, "minute_seconds", where, PUBLISHED.minute_seconds, least=1, most=3600),
        zero_second_minutes=_whole(
            given, "zero_second_minutes", where, PUBLISHED.zero_second_minutes, least=0, most=1
        ),
        legs=_legs(given.get("legs", {}), within(where, "legs")),
        sms_limits=_sms_limits(given.get("sms_limits", {}), within(where, "sms_limits")),
    )


def _known(
    given: Mapping[str, object], item: Item, where: str, otherwise: Mapping[NumberType, Decimal]
) -> dict[NumberType, Decimal]:
    found = _prices(given, item, where, otherwise)
    prices = {kind: price for kind, price in found.items() if price is not None}
    if len(prices) != len(found):
        raise TariffError(within(where, item), "needs a price, null is for call prices only")
    return prices


def _prices(
    given: Mapping[str, object], item: Item, where: str, otherwise: Mapping[NumberType, Decimal | None]
) -> dict[NumberType, Decimal | None]:
    prices = members(given.get(item, {}), within(where, item), NumberType)
    return {
        kind: _price(prices[kind], within(within(where, item), kind)) if kind in prices else otherwise[kind]
        for kind in NumberType
    }


def _price(value: object, where: str) -> Decimal | None:
    return None if value is None else money(value, where)


def _whole(
    given: Mapping[str, object], name: str, where: str, otherwise: int, *, least: int, most: int
) -> int:
    return whole(given.get(name, otherwise), within(where, name), least=least, most=most)


def _legs(value: object, where: str) -> dict[Mode, int]:
    given = members(value, where, Mode)
    return {mode: _whole(given, mode, where, PUBLISHED.legs[mode], least=0, most=9) for mode in Mode}


def _sms_limits(value: object, where: str) -> SmsLimits:
    given = members(value, where, ("english", "other"))
    return SmsLimits(
        english=_limits(given.get("english", {}), within(where, "english"), DOCUMENTED.english),
        other=_limits(given.get("other", {}), within(where, "other"), DOCUMENTED.other),
    )


def _limits(value: object, where: str, otherwise: Limits) -> Limits:
    given = members(value, where, ("single", "part"))
    single = _whole(given, "single", where, otherwise.single, least=1, most=10_000)
    return Limits(single, _whole(given, "part", where, otherwise.part, least=1, most=single))
