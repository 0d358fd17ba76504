"""Sums in whole fen that lose nothing: the largest-remainder method (billing-rules.md §8.3)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Final

_FEN_OF_A_YUAN: Final = 100
_HALF: Final = Fraction(1, 2)


def in_fen(amount: Decimal) -> Fraction:
    """An exact amount in CNY as fen."""
    return Fraction(amount) * _FEN_OF_A_YUAN


def in_yuan(fen: int) -> Decimal:
    """Whole fen as CNY with two decimals."""
    return Decimal(fen).scaleb(-2)


def half_up(fen: Fraction) -> int:
    """Whole fen, half up, as a component is rounded (billing-rules.md §2). For amounts from 0 on."""
    return floor(fen + _HALF)


def largest_remainder(exact: Mapping[str, Fraction], total: int) -> dict[str, int]:
    """Whole fen for every key, `total` in sum, each less than one fen beside its exact amount or exactly one.

    Whole fen go to everybody first, those that are left to the largest remainders; of equal ones to the
    larger amount, then to the first key. A key that has nothing is given nothing. `total` has to be within
    one fen of the exact sum, as that of two rounded numbers is; raises ValueError when it cannot be reached.
    """
    whole = {key: floor(amount) for key, amount in exact.items()}
    left = total - sum(whole.values())
    owed = sorted(
        (key for key, amount in exact.items() if amount),
        key=lambda key: (whole[key] - exact[key], -exact[key], key),
    )
    if not 0 <= left <= len(owed):
        raise ValueError(f"{total} fen are not what {len(exact)} amounts come to")
    for key in owed[:left]:
        whole[key] += 1
    return whole
