"""Sums in whole fen that lose nothing: the largest-remainder method (billing-rules.md §8.3)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import floor
from typing import Final, TypeVar

_Exact = TypeVar("_Exact", int, Decimal, Fraction)

_FEN_OF_A_YUAN: Final = 100
_HALF: Final = Fraction(1, 2)


def in_fen(amount: Decimal) -> Fraction:
    """An exact amount in CNY as fen."""
    return Fraction(amount) * _FEN_OF_A_YUAN


@lru_cache(maxsize=10_000)
def in_yuan(fen: int) -> Decimal:
    """Whole fen as CNY with two decimals."""
    return Decimal(fen).scaleb(-2)


def half_up(fen: Fraction) -> int:
    """Whole fen, half up, as a component is rounded (billing-rules.md §2). For amounts from 0 on."""
    return floor(fen + _HALF)


def largest_remainder(exact: Mapping[str, _Exact], total: int, unit: int = 1) -> dict[str, int]:
    """Whole fen for every key, `total` in sum, each less than one fen beside its exact amount or exactly one.

    Amounts are exact, in fen or `unit` parts of one, from 0 on. Whole fen go to everybody first, those that
    are left to the largest remainders; of equal ones to the larger amount, then to the first key. A key that
    has nothing is given nothing. `total` has to be within one fen of the exact sum, as that of two rounded
    numbers is; raises ValueError when it cannot be reached.
    """
    whole = {key: int(amount // unit) for key, amount in exact.items()}
    left = total - sum(whole.values())
    if not left:
        return whole
    owed = sorted((-(amount % unit), -amount, key) for key, amount in exact.items() if amount)
    if not 0 <= left <= len(owed):
        raise ValueError(f"{total} fen are not what {len(exact)} amounts come to")
    for _, _, key in owed[:left]:
        whole[key] += 1
    return whole
