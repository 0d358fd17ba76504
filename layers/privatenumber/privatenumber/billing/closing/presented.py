"""A stored statement as people and programs get it: sums, views, and the lines behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.closing.cells import sort_key
from privatenumber.billing.closing.components import CORRECTION
from privatenumber.billing.closing.usage_rows import is_call
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item

Line = Mapping[str, Any]

#: Rows of a kind in one answer, which Lambda limits to 6 MB; a larger statement keeps them in the table.
MAX_ROWS_SHOWN: Final = 2000

_COUNTS: Final = ("attempts", "connected", "talk_seconds", "minutes", "package_minutes", "unpriced_minutes")
_TEXTS: Final = ("messages", "parts", "package_parts")
_ACCOUNTS: Final = (Item.PACKAGE.value, CORRECTION)


def present(head: Mapping[str, Any], lines: Iterable[Line]) -> dict[str, Any]:
    """A statement's head with its rows. ``by_…`` are by deduction: the sums of each are the exact total.

    ``shares`` are by cost month: the sums of each of their views are ``cost_total``. ``correction_shares``
    are what the corrections that it books move: of each, the sums of every view are its ``cost_amount``.
    """
    of_kind: defaultdict[str, list[Line]] = defaultdict(list)
    for line in lines:
        of_kind[line["line"]].append(line)
    usage, rents = of_kind["usage"], of_kind["rent"]
    shown: dict[str, Any] = {
        **head,
        "by_application": _view(head, usage, rents, ("application",)),
        "rents": rents[:MAX_ROWS_SHOWN],
        "closes": of_kind["close"],
        "shares": _shares(of_kind["share"]),
        "correction_shares": _shares(of_kind["correction"]),
    }
    if max(len(usage), len(rents)) > MAX_ROWS_SHOWN:
        return {**shown, "rows_left_out": len(usage) + max(len(rents) - MAX_ROWS_SHOWN, 0)}
    return {
        **shown,
        "by_x": _view(head, usage, rents, ("application", "x")),
        "by_order": _view(head, usage, rents, ("application", "order")),
        "rows": usage,
    }


def _shares(lines: Iterable[Line]) -> dict[str, list[dict[str, Any]]]:
    """The shares by view; a view too large for an answer is left to the table."""
    views: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        views[line["view"]].append({name: line[name] for name in line if name not in ("line", "view")})
    return {view: found for view, found in views.items() if len(found) <= MAX_ROWS_SHOWN}


def _view(
    head: Mapping[str, Any], usage: Iterable[Line], rents: Iterable[Line], by: tuple[str, ...]
) -> list[dict[str, Any]]:
    """The month summed up by some members of its lines; what the account pays as a whole is nobody's."""
    rows: defaultdict[tuple[str | None, ...], _Row] = defaultdict(_Row)
    for line in usage:
        rows[tuple(line[name] for name in by)].add_usage(line)
    for line in rents:
        rows[tuple(line.get(name) for name in by)].rent += Decimal(line["amount"])
    for component in head["components"]:
        if component["item"] in _ACCOUNTS:
            rows[(None,) * len(by)].package += Decimal(component["amount"])
    keys = sorted(rows, key=sort_key)
    return [{**dict(zip(by, key, strict=True)), **rows[key].document()} for key in keys]


class _Row:
    def __init__(self) -> None:
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.call = self.sms = self.rent = self.package = Decimal(0)

    def add_usage(self, line: Line) -> None:
        """Count a row of calls or texts."""
        counts, amount = self.counts, Decimal(line["amount"])
        if not is_call(line):
            counts["messages"] += line["count"]
            counts["parts"] += line["units"]
            counts["package_parts"] += line["package_units"]
            self.sms += amount
            return
        counts["attempts"] += line["count"]
        counts["connected"] += line["successes"]
        counts["talk_seconds"] += line["talk_seconds"]
        counts["minutes"] += line["units"]
        counts["package_minutes"] += line["package_units"]
        counts["unpriced_minutes"] += line["unpriced"]
        self.call += amount

    def document(self) -> dict[str, Any]:
        """The sums as JSON; ``amount`` is that of the calls."""
        return {
            **{name: self.counts[name] for name in (*_COUNTS, *_TEXTS)},
            "amount": plain(self.call),
            "sms": plain(self.sms),
            "rent": plain(self.rent),
            "package": plain(self.package),
            "total": plain(self.call + self.sms + self.rent + self.package),
        }
