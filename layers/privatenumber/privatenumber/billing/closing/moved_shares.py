"""What a correction moves: by how much the shares of a closed month are not what was said of them (§8.3).

What was said is what is stored: the shares of the statement and those of all corrections since. A correction
says the differences, so statement and corrections always add up to the shares of the month as it is now, and
the differences of every view to what the correction costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from heapq import merge
from itertools import groupby, repeat
from typing import Any, Final

from privatenumber.billing.closing.allocation import ACCOUNT, Share
from privatenumber.billing.closing.costs import View
from privatenumber.billing.tariff.money import plain

_SUMS: Final = ("minutes", "parts", "call", "sms", "rent", "package")
"""What of a share is computed from records: an agreed amount is not."""

_ORDER: Final = {view.value: at for at, view in enumerate(View)}


def moved_shares(
    now: Iterable[Share], said: Iterable[Iterable[Mapping[str, Any]]]
) -> Iterator[dict[str, Any]]:
    """What each key of a view bears more now than by the share lines of several documents; less is negative.

    All of them come by view and key, and only those of one key are in memory.
    """
    shares = (share.document() for share in now)
    signed = [zip(repeat(1), shares), *(zip(repeat(-1), lines) for lines in said)]
    for (_, view, key), group in groupby(merge(*signed, key=_place), key=_place):
        sums = [Decimal(0)] * len(_SUMS)
        for sign, line in group:
            for at, name in enumerate(_SUMS):
                sums[at] += sign * Decimal(line[name])
        minutes, parts, *amounts = sums
        if any(sums):
            yield Share(View(view), key, int(minutes), int(parts), *amounts).document()


def _place(signed: tuple[int, Mapping[str, Any]]) -> tuple[int, str, str]:
    line = signed[1]
    return _ORDER[line["view"]], line["view"], line["key"]


def agreed_shares(amount: Decimal) -> Iterator[dict[str, Any]]:
    """An agreed amount, in every view: it is the account's, and no call's or number's."""
    for view in View:
        nothing = Share(view, ACCOUNT, 0, 0, *[Decimal(0)] * 4).document()
        yield {**nothing, "agreed": plain(amount), "total": plain(amount)}
