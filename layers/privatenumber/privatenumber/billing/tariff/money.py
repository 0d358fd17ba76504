"""Amounts in CNY: exact Decimals, rounded only as sums (billing-rules.md §2)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final, overload

FEN: Final = Decimal("0.01")


def to_fen(amount: Decimal) -> Decimal:
    """An exact sum as money: 0.01 CNY, half up. For sums only, never for a record (billing-rules.md §2)."""
    return amount.quantize(FEN, rounding=ROUND_HALF_UP)


@overload
def plain(amount: Decimal) -> str: ...
@overload
def plain(amount: None) -> None: ...
@overload
def plain(amount: Decimal | None) -> str | None: ...
def plain(amount: Decimal | None) -> str | None:
    """An exact amount as text: no exponent, no needless zeros, at least two decimals; ``None`` stays."""
    if amount is None:
        return None
    text = f"{amount.normalize():f}"
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"
