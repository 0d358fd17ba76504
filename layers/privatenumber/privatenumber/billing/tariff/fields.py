"""Reading the members of a tariff document: each error names the field and the rule it breaks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

_MOST_DECIMALS: Final = 6
_MOST_MONEY: Final = Decimal(10) ** 9
#: Python reads more: digits of any script, blanks, underscores, weeks. A typing error would be a price.
_AMOUNT: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2999
_Choice = TypeVar("_Choice", bound=StrEnum)


class TariffError(ValueError):
    """A price list or a package cannot be used. ``field`` says where, ``rule`` what is expected there."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


def within(where: str, name: str) -> str:
    """The field of a member, such as ``price list 1: call.virtual``."""
    return f"{where}.{name}" if ": " in where else f"{where}: {name}"


def members(value: object, field: str, known: Iterable[str]) -> Mapping[str, object]:
    """A JSON object with no other names than these: a misspelt one would silently bill at another price."""
    if not isinstance(value, Mapping):
        raise TariffError(field, "an object is expected")
    unknown = {str(name) for name in value} - set(known)
    if unknown:
        raise TariffError(field, f"unknown {', '.join(sorted(unknown))}")
    return value


def entries(value: object, field: str) -> Sequence[object]:
    """A JSON list."""
    if not isinstance(value, list | tuple):
        raise TariffError(field, "a list is expected")
    return value


def money(value: object, field: str) -> Decimal:
    """An amount in CNY, as text or as an exact JSON number."""
    amount = _decimal(value)
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or not 0 <= amount < _MOST_MONEY or -exponent > _MOST_DECIMALS:
        raise TariffError(
            field, f"an amount in CNY such as 0.10 is expected, at most {_MOST_DECIMALS} decimals"
        )
    return amount


def whole(value: object, field: str, *, least: int, most: int) -> int:
    """A whole number within bounds."""
    number = Decimal("NaN") if isinstance(value, str) else _decimal(value)
    if not number.is_finite() or number != number.to_integral_value() or not least <= number <= most:
        raise TariffError(field, f"a whole number from {least} to {most} is expected")
    return int(number)


def day(value: object, field: str) -> date:
    """A date ``yyyy-MM-dd``, later than the first one there is."""
    try:
        found = date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
    except ValueError:
        found = None
    if found is None:
        raise TariffError(field, "a date such as 2026-09-01 is expected")
    if found == date.min:
        raise TariffError(field, "a date before everything is none")
    return found


def moment(value: object, field: str) -> datetime:
    """A moment with its zone, in UTC."""
    try:
        written = isinstance(value, str) and _MOMENT.fullmatch(value)
        utc = datetime.fromisoformat(str(value)).astimezone(UTC) if written else None
    except (ValueError, OverflowError):
        utc = None
    if utc is None or not _FIRST_YEAR <= utc.year <= _LAST_YEAR:
        raise TariffError(field, "a time with its zone such as 2026-09-01T10:03:00+08:00 is expected")
    # Stored moments have milliseconds: what is read back has to be what was given.
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def choice(value: object, field: str, of: type[_Choice]) -> _Choice:
    """One of some words."""
    try:
        return of(str(value))
    except ValueError:
        raise TariffError(field, f"one of {', '.join(of)} is expected") from None


def _decimal(value: object) -> Decimal:
    if isinstance(value, str):
        return Decimal(value if _AMOUNT.fullmatch(value) else "NaN")
    # A binary float is not what was written; a truth value is no number.
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return Decimal("NaN")
    return Decimal(value)
