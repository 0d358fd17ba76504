"""Cost and usage of a statement by the FinOps FOCUS specification 1.0, as CSV.

BilledCost adds up to what was deducted in the month, corrections of closed months among it; EffectiveCost to
what the month cost and to what those corrections change of the cost of theirs, which need not be what they
charge. A package is a usage commitment: bought by a Purchase that costs nothing by itself, used by rows that
are billed nothing and bear their part of its price. Rents are recurring purchases; one that is deducted in
another month than its own is billed there and effective here. An empty cell is null; the file is for
programs, so no cell is changed for spreadsheets, and none can begin as a formula does.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from privatenumber.billing.outputs import CannotRender
from privatenumber.billing.outputs.focus_packages import PackageShare, package_shares
from privatenumber.billing.outputs.focus_row import (
    ACCOUNT,
    COLUMNS,
    SERVICE,
    Charge,
    Commitment,
    Period,
    between,
    days_period,
    month_period,
)
from privatenumber.billing.outputs.report import Document, lines_of
from privatenumber.billing.tariff.money import plain

_AT_ONCE: Final = 500
_NOTHING: Final = Decimal(0)
_UNITS: Final = {"call": "Minutes", "sms": "Parts"}
_NAMES: Final = {"call": "Call minutes", "sms": "SMS parts"}
_TAGS: Final = ("mode", "city", "enterprise", "order", "binding", "side")


class NotPriced(CannotRender):
    """A data set needs the price of everything that was used; the message says what has none."""


def focus(document: Document, account: str = ACCOUNT) -> Iterator[bytes]:
    """The file, some rows at a time. Raises CannotRender, NotPriced before the first of them."""
    if "lines" not in document and document.get("rows_left_out"):
        raise CannotRender("the rows of use are not all in the answer")
    _check_prices(document)
    return _file(document, account)


def _check_prices(document: Document) -> None:
    """A row of use must have a price at which it is listed, also when a package pays it; none is made up."""
    if document["unpriced_minutes"]:
        raise NotPriced(f"{document['unpriced_minutes']} minutes have no configured call price")
    if any(line["units"] and line["unit_price"] is None for line in lines_of(document, "usage")):
        raise NotPriced("minutes that packages paid have no configured call price")
    if document["packages"] and document["price_lists"][-1]["call"]["virtual"] is None:
        raise NotPriced(
            "units of packages are worth something by list prices, and no call price is configured"
        )


def charges(document: Document) -> Iterator[Charge]:
    """Every charge of a statement: use, packages, rents, corrections, and what rounding makes of them."""
    billed = effective = _NOTHING
    for charge in _exact_charges(document):
        billed, effective = billed + charge.billed, effective + charge.effective
        yield charge
    rounding = Decimal(document["total"]) - billed
    corrected = sum((Decimal(share["total"]) for share in _moved(document)), _NOTHING)
    cost_rounding = Decimal(document["cost_total"]) + corrected - effective
    if rounding or cost_rounding:
        yield Charge(
            category="Adjustment",
            description="Components of the month rounded to 0.01 CNY",
            frequency="One-Time",
            period=month_period(document["month"]),
            billed=rounding,
            effective=cost_rounding,
        )


def _file(document: Document, account: str) -> Iterator[bytes]:
    billing = month_period(document["month"])
    rows = (charge.row(billing, account) for charge in charges(document))
    yield _lines([COLUMNS])
    while some := list(islice(rows, _AT_ONCE)):
        yield _lines([row[name] for name in COLUMNS] for row in some)


def _lines(rows: Iterable[Iterable[str | None]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _exact_charges(document: Document) -> Iterator[Charge]:
    for line in lines_of(document, "usage"):
        yield from _listed(line)
    for share in package_shares(document):
        yield _packaged(share, document)
    for package in document["packages"]:
        if _booked(package["bought_at"], document):
            yield _purchase(package)
    yield from _rents(document)
    yield from _corrections(document)


def _listed(line: Document) -> Iterator[Charge]:
    """What packages leave of a use."""
    units = line["charged_units"]
    if not units:
        return
    price = Decimal(line["unit_price"])
    yield _use(line, units, price, billed=units * price, effective=units * price)


def _packaged(share: PackageShare, document: Document) -> Charge:
    """What a package pays of a use, or what nobody used of it until it ended."""
    commitment = Commitment(share.package, share.name, "Used" if share.line else "Unused")
    if share.line is not None:
        return _use(
            share.line, share.units, share.price, billed=_NOTHING, effective=share.cost, of=commitment
        )
    return Charge(
        category="Usage",
        description=f"{SERVICE}: {_NAMES[share.item]} of package {share.name} that nobody used",
        frequency="Usage-Based",
        period=month_period(document["month"]),
        billed=_NOTHING,
        effective=share.cost,
        listed=share.units * share.price,
        quantity=Decimal(share.units),
        unit=_UNITS[share.item],
        unit_price=share.price,
        sku=f"{share.item}.virtual",
        resource=share.package,
        resource_type="Package",
        commitment=commitment,
        consumed=True,
    )


def _use(
    line: Document,
    units: int,
    price: Decimal,
    *,
    billed: Decimal,
    effective: Decimal,
    of: Commitment | None = None,
) -> Charge:
    item, kind = line["item"], line["number_type"]
    paid = f"from package {of.name}" if of else f"at {plain(price)} CNY"
    return Charge(
        category="Usage",
        description=f"{SERVICE}: {_NAMES[item]} of a {kind} number, {paid}",
        frequency="Usage-Based",
        period=days_period(line["days"]),
        billed=billed,
        effective=effective,
        listed=units * price,
        quantity=Decimal(units),
        unit=_UNITS[item],
        unit_price=price,
        sku=f"{item}.{kind}",
        resource=_resource(line["x"]),
        resource_type="Private number",
        application=line["application"],
        commitment=of,
        consumed=True,
        tags={name: line[name] for name in _TAGS if line[name] is not None},
    )


def _purchase(package: dict[str, Any]) -> Charge:
    price = Decimal(package["price"])
    name = f"{package['minutes']['total']} minutes + {package['parts']['total']} SMS parts"
    return Charge(
        category="Purchase",
        description=f"{SERVICE}: package {name}",
        frequency="One-Time",
        period=between(package["effective_at"], package["expires_at"]),
        billed=price,
        effective=_NOTHING,
        quantity=Decimal(1),
        unit="Packages",
        unit_price=price,
        sku=f"package.{package['minutes']['total']}-{package['parts']['total']}",
        resource=package["number"],
        resource_type="Package",
        commitment=Commitment(package["number"], name),
    )


def _rents(document: Document) -> Iterator[Charge]:
    """Rents deducted in the month; then those of the month that are deducted in another one."""
    month = document["month"]
    effective: dict[str, Decimal] = {}
    for line in lines_of(document, "rent"):
        paid = Decimal(line["amount"])
        own = paid if line["cost_month"] == month else _NOTHING
        effective[line["x"]] = effective.get(line["x"], _NOTHING) + own
        yield _rent(line["x"], line["cost_month"], billed=paid, effective=own, line=line)
    for share in lines_of(document, "share"):
        if share["view"] == "x" and (rest := Decimal(share["rent"]) - effective.get(share["key"], _NOTHING)):
            yield _rent(share["key"], month, billed=_NOTHING, effective=rest)


def _rent(x: str, month: str, *, billed: Decimal, effective: Decimal, line: Document | None = None) -> Charge:
    """A rent; without its line it is deducted in another month, where it will be told in full."""
    kind = line["number_type"] if line else "any"
    return Charge(
        category="Purchase",
        description=f"{SERVICE}: rent of a number for {month}",
        frequency="Recurring",
        period=month_period(month),
        billed=billed,
        effective=effective,
        quantity=Decimal(1 if line else 0),
        unit="Number-Months",
        unit_price=billed if line else effective,
        listed=billed,
        sku=f"rent.{kind}",
        resource=_resource(x),
        resource_type="Private number",
        application=line["application"] if line else None,
    )


def _corrections(document: Document) -> Iterator[Charge]:
    """Corrections of closed months that are booked in this one: what is charged, and whose cost changes."""
    shares = _moved(document)
    for each in document["corrections"]:
        if charged := Decimal(each["amount"]):
            yield _correction(each, billed=charged, effective=_NOTHING)
        for share in shares:
            if (share["month"], share["number"]) == (each["month"], each["number"]):
                cost = Decimal(share["total"])
                yield _correction(each, billed=_NOTHING, effective=cost, application=_owner(share["key"]))


def _moved(document: Document) -> list[Document]:
    """By how much corrections change the costs of applications."""
    return [share for share in lines_of(document, "correction") if share["view"] == "application"]


def _correction(
    correction: Document, *, billed: Decimal, effective: Decimal, application: str | None = None
) -> Charge:
    return Charge(
        category="Adjustment",
        description=f"{SERVICE}: correction {correction['number']} of {correction['month']}",
        frequency="One-Time",
        period=month_period(correction["month"]),
        billed=billed,
        effective=effective,
        application=application,
        is_correction=True,
    )


def _owner(key: str) -> str | None:
    """An application; none for what is the account's or nobody's."""
    return None if key.startswith("#") else key


def _booked(moment: str, document: Document) -> bool:
    month: Period = month_period(document["month"])
    at = between(moment, moment).start
    return month.start <= at < month.end


def _resource(x: str | None) -> str | None:
    """An X number as an identifier: without the plus, which a spreadsheet takes for a formula."""
    return f"number/{x.lstrip('+')}" if x else None
