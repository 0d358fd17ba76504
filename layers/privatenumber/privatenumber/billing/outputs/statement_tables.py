"""The tables of a statement, from its JSON document and the lines behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from privatenumber.billing.outputs.report import Document, lines_of
from privatenumber.billing.outputs.tables import Cell, Column, Row, Table, amount, summed

#: The views of costs, in the order of a statement.
VIEWS: Final = (
    "application",
    "mode",
    "x",
    "number_type",
    "city",
    "enterprise",
    "order",
    "binding",
    "side",
    "day",
)

_CODED: Final = {"item": "item", "mode": "mode", "number_type": "number_type", "side": "side"}

_COMPONENT: Final = (
    Column("item", codes="item"),
    Column("number_type", codes="number_type"),
    Column("quantity", Cell.COUNT),
    Column("package_quantity", Cell.COUNT, spare=True),
    Column("unpriced", Cell.COUNT, spare=True),
    Column("amount", Cell.MONEY),
)
_SHARE: Final = (
    Column("minutes", Cell.COUNT),
    Column("parts", Cell.COUNT, spare=True),
    Column("call", Cell.MONEY),
    Column("sms", Cell.MONEY, spare=True),
    Column("rent", Cell.MONEY),
    Column("package", Cell.MONEY, spare=True),
    Column("total", Cell.MONEY),
)
_PACKAGE: Final = (
    Column("number"),
    Column("bought_at", Cell.MOMENT),
    Column("effective_at", Cell.MOMENT),
    Column("expires_at", Cell.MOMENT),
    Column("price", Cell.MONEY),
    *(
        Column(f"{unit}_{part}", Cell.COUNT)
        for unit in ("minutes", "parts")
        for part in ("total", "used", "left")
    ),
    Column("cost", Cell.MONEY),
)
_RENT: Final = (
    Column("x"),
    Column("application"),
    Column("number_type", codes="number_type"),
    Column("cost_month"),
    Column("deducted_on"),
    Column("reason", codes="reason"),
    Column("amount", Cell.MONEY),
)
_OWNER: Final = (
    *("application", "item", "x", "number_type", "mode", "city", "enterprise", "order", "binding", "side"),
)
_COUNTED: Final = (
    *("count", "successes", "talk_seconds", "units", "package_units", "charged_units", "unpriced"),
    *("parts_received", "parts_forwarded"),
)
_USED: Final = (*_OWNER, *_COUNTED)
_USAGE: Final = (
    *(Column(name, codes=_CODED.get(name)) for name in _OWNER),
    *(Column(name, Cell.COUNT) for name in _COUNTED),
    Column("unit_price", Cell.PRICE),
    Column("amount", Cell.PRICE),
)
_CLOSE: Final = (Column("application"), Column("day"), Column("records", Cell.COUNT), Column("hash"))
_PRICED: Final = ("call", "sms", "rent")
_KINDS: Final = ("virtual", "carrier")
_PRICES: Final = (
    Column("valid_from", empty="always"),
    *(Column(f"{item}_{kind}", Cell.PRICE, empty="no_price") for item in _PRICED for kind in _KINDS),
)
_CORRECTION: Final = (
    Column("correction"),
    Column("of_month"),
    Column("reasons", Cell.CODES, codes="correction"),
    Column("amount", Cell.MONEY),
)
_CORRECTED: Final = (
    Column("of_month"),
    Column("correction", Cell.COUNT),
    Column("application", codes="owner"),
    *_SHARE,
)
_MOVED: Final = (
    Column("of_month"),
    Column("correction", Cell.COUNT),
    Column("view", codes="column"),
    Column("key", codes="owner"),
    *_SHARE,
)


def tables(document: Document) -> Iterator[Table]:
    """Every table behind the bill that says something, views first."""
    yield from (table for view in VIEWS if (table := share_table(document, view)).rows)
    made = (
        *(package_table, correction_table, moved_table, rent_table, price_table, usage_table),
        close_table,
    )
    yield from (table for make in made if (table := make(document)).rows)


def detail_tables(document: Document) -> Iterator[Table]:
    """What a page has no room for."""
    made = (
        moved_table(document),
        share_table(document, "binding"),
        usage_table(document),
        close_table(document),
    )
    yield from (table for table in made if table.rows)


def component_table(document: Document, name: str, total: str) -> Table:
    """The components of the bill or of the month's cost, as the platform's bill has them."""
    parts = document[name]
    rows: list[Row] = [
        (
            part["item"],
            part["number_type"],
            part["quantity"],
            part["package_quantity"],
            part["unpriced"],
            amount(part["rounded"]),
        )
        for part in parts
    ]
    return Table(name, _COMPONENT, rows, (*(5 * (None,)), amount(document[total])))


def share_table(document: Document, view: str) -> Table:
    """A view of the month's costs: who bears how much. The sums of all views are equal."""
    rows = [_borne(line) for line in lines_of(document, "share") if line["view"] == view]
    columns = (Column(view, codes=_CODED.get(view, "owner")), *_SHARE)
    sums = [summed(row[at] for row in rows) for at in range(1, len(columns))]
    return Table(view, columns, rows, (None, int(sums[0]), int(sums[1]), *sums[2:]))


def package_table(document: Document) -> Table:
    """The ledger of packages: what was bought, used and is left, and what the month bears of it."""
    rows: list[Row] = [
        (
            each["number"],
            *(each[name] for name in ("bought_at", "effective_at", "expires_at")),
            amount(each["price"]),
            *(each[unit][part] for unit in ("minutes", "parts") for part in ("total", "used", "left")),
            amount(each["cost"]),
        )
        for each in document["packages"]
    ]
    return Table("packages", _PACKAGE, rows)


def rent_table(document: Document) -> Table:
    """Every rent that the platform deducted in the month."""
    rows: list[Row] = [
        (
            *(
                line[name]
                for name in ("x", "application", "number_type", "cost_month", "deducted_on", "reason")
            ),
            amount(line["amount"]),
        )
        for line in lines_of(document, "rent")
    ]
    return Table("rents", _RENT, rows, (*(6 * (None,)), summed(row[-1] for row in rows)))


def correction_table(document: Document) -> Table:
    """Corrections of closed months that are booked in this one."""
    rows: list[Row] = [
        (each["number"], each["month"], " ".join(each["reasons"]), amount(each["amount"]))
        for each in document["corrections"]
    ]
    return Table("corrections", _CORRECTION, rows)


def corrected_table(document: Document) -> Table:
    """Which applications bear the corrections."""
    rows: list[Row] = [
        (line["month"], line["number"], *_borne(line))
        for line in lines_of(document, "correction")
        if line["view"] == "application"
    ]
    return Table("correction_owners", _CORRECTED, rows)


def moved_table(document: Document) -> Table:
    """Whose the corrections are: what each of them moves in every view, beside the month's own costs."""
    rows: list[Row] = [
        (line["month"], line["number"], line["view"], *_borne(line))
        for line in lines_of(document, "correction")
    ]
    return Table("correction_shares", _MOVED, rows)


def _borne(line: Document) -> Row:
    """Who bears how much, by a share."""
    amounts = (amount(line[name]) for name in ("call", "sms", "rent", "package", "total"))
    return line["key"], line["minutes"], line["parts"], *amounts


def usage_table(document: Document) -> Table:
    """What was used, as finely as the statement keeps it, what packages pay of it and what is left to pay."""
    rows: list[Row] = [
        (
            *(line[name] for name in _USED),
            amount(line["unit_price"]),
            amount(line["amount"]),
        )
        for line in lines_of(document, "usage")
    ]
    return Table("usage", _USAGE, rows)


def close_table(document: Document) -> Table:
    """The closed days that the statement was made of: their hashes lead to every record."""
    rows: list[Row] = [
        tuple(line[name] for name in ("application", "day", "records", "hash"))
        for line in lines_of(document, "close")
    ]
    return Table("closes", _CLOSE, rows)


def price_table(document: Document) -> Table:
    """The price lists in force on some day of the month."""
    rows: list[Row] = [
        (each["valid_from"], *(amount(each[item][kind]) for item in _PRICED for kind in _KINDS))
        for each in document["price_lists"]
    ]
    return Table("price_lists", _PRICES, rows)
