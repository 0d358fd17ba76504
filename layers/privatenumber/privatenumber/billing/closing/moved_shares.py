"""What a correction moves: by how much the shares of a closed month are not what was said of them (§8.3).

What was said is what is stored: the shares of the statement and those of all corrections since. A correction
says the differences, so statement and corrections always add up to the shares of the month as it is now, and
the differences of every view to what the correction costs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.closing.allocation import ACCOUNT, Share
from privatenumber.billing.closing.costs import View
from privatenumber.billing.tariff.money import plain

_SUMS: Final = ("minutes", "parts", "call", "sms", "rent", "package")
"""What of a share is computed from records: an agreed amount is not."""


def moved_shares(now: Iterable[Share], said: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What each key of a view bears more now than by the share lines before; less is negative."""
    sums: defaultdict[tuple[View, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * len(_SUMS))
    for line in said:
        found = sums[View(line["view"]), line["key"]]
        for at, name in enumerate(_SUMS):
            found[at] -= Decimal(line[name])
    for share in now:
        found = sums[share.view, share.key]
        for at, name in enumerate(_SUMS):
            found[at] += getattr(share, name)
    order = {view: at for at, view in enumerate(View)}
    for view, key in sorted(sums, key=lambda place: (order[place[0]], place[1])):
        minutes, parts, *amounts = sums[view, key]
        if minutes or parts or any(amounts):
            yield Share(view, key, int(minutes), int(parts), *amounts).document()


def agreed_shares(amount: Decimal) -> Iterator[dict[str, Any]]:
    """An agreed amount, in every view: it is the account's, and no call's or number's."""
    for view in View:
        nothing = Share(view, ACCOUNT, 0, 0, *[Decimal(0)] * 4).document()
        yield {**nothing, "agreed": plain(amount), "total": plain(amount)}
