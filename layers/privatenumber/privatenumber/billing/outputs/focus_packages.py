"""What each use from a package costs effectively: together, the package's part of the month.

A unit is worth its part of the price in proportion to its list value (billing-rules.md §8.3). Rounding to six
decimals is carried on from row to row: the sum is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from privatenumber.billing.outputs.focus_row import month_period
from privatenumber.billing.outputs.report import Document, lines_of
from privatenumber.times import from_iso

_SCALE: Final = 10**6
_ITEMS: Final = (("call", "minutes"), ("sms", "parts"))


@dataclass(frozen=True, slots=True)
class PackageShare:
    """Units of a package and what they cost. ``line`` is the use; without one nobody used them.

    ``price`` is the list price of a unit.
    """

    package: str
    name: str
    item: str
    units: int
    price: Decimal
    cost: Decimal
    line: Document | None = None


def package_shares(document: Document) -> Iterator[PackageShare]:
    """The shares of every package in a statement."""
    for package in document["packages"]:
        uses = [
            (line, units)
            for line in lines_of(document, "usage")
            if (units := line["packaged"].get(package["number"]))
        ]
        yield from _shares(package, uses, document)


def _shares(
    package: Document, uses: Sequence[tuple[Document, int]], document: Document
) -> Iterator[PackageShare]:
    listed, weight = _list_prices(document), _weights(package)
    cost = Fraction(package["cost"])
    left = [(item, package[unit]["left"]) for item, unit in _ITEMS if package[unit]["left"]]
    is_over = from_iso(package["expires_at"]) <= month_period(document["month"]).end
    lost = _lost(package, weight) if is_over else Fraction(0)
    # Rounding may leave less than the loss, and a package that is borne at once leaves nothing for its end.
    unused = min(lost, cost) if uses else cost
    name = f"{package['minutes']['total']} minutes + {package['parts']['total']} SMS parts"
    weights = [units * weight[line["item"]] for line, units in uses]
    for (line, units), part in zip(uses, _split(cost - unused, weights), strict=True):
        price = Decimal(line["unit_price"] or 0)
        yield PackageShare(package["number"], name, line["item"], units, price, part, line)
    if unused:
        weights = [units * weight[item] for item, units in left]
        for (item, units), part in zip(left, _split(unused, weights), strict=True):
            yield PackageShare(package["number"], name, item, units, listed[item], part)


def _lost(package: Document, weight: dict[str, Fraction]) -> Fraction:
    """What is worth the units that are left."""
    total = sum(package[unit]["total"] * weight[item] for item, unit in _ITEMS)
    left = sum(package[unit]["left"] * weight[item] for item, unit in _ITEMS)
    return Fraction(package["price"]) * left / total if total else Fraction(0)


def _weights(package: Document) -> dict[str, Fraction]:
    """By what a package's units are weighed, as in its costs: without prices its minutes, else its parts."""
    prices = package["unit_prices"]
    weights = {"call": Fraction(prices["minute"] or 0), "sms": Fraction(prices["part"])}
    if prices["minute"] and any(weights[item] * package[unit]["total"] for item, unit in _ITEMS):
        return weights
    return {"call": Fraction(1), "sms": Fraction(0 if package["minutes"]["total"] else 1)}


def _list_prices(document: Document) -> dict[str, Decimal]:
    """Prices of virtual numbers."""
    prices = document["price_lists"][-1]
    return {item: Decimal(prices[item]["virtual"] or 0) for item, _ in _ITEMS}


def _split(whole: Fraction, weights: Sequence[Fraction]) -> Iterator[Decimal]:
    """A sum in proportion to weights, each part with six decimals."""
    total, so_far, told = sum(weights), Fraction(0), Decimal(0)
    for weight in weights:
        so_far += weight
        upto = Decimal(round(whole * so_far / total * _SCALE)) / _SCALE if total else Decimal(0)
        yield upto - told
        told = upto
