"""Tables and line items as CSV: the product's own layouts plus amounts (billing-rules.md §9.2, §9.4).

UTF-8 with a byte order mark, cells guarded against becoming formulas, columns named as our imports read them
in whatever language people ask for. Files are made row by row: a month of a million calls needs no more
memory than one of ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from privatenumber.billing.outputs.report import Document
from privatenumber.billing.outputs.statement_tables import component_table
from privatenumber.billing.outputs.tables import Row, Table, Value, amount
from privatenumber.csv_rows import BYTE_ORDER_MARK, rendered
from privatenumber.times import BEIJING, from_iso

_AT_ONCE: Final = 1000

BILL: Final = (
    "period",
    "item",
    "number_type",
    "quantity",
    "unit_price",
    "package_quantity",
    "amount",
    "currency",
)
CALLS: Final = (
    *("record_id", "binding_id", "app_key", "x_number", "caller", "callee", "call_in_time", "answer_time"),
    *("end_time", "duration_s", "billed_minutes", "result"),
    *("application", "order", "mode", "side", "unit_price", "amount", "flags"),
)
SMS: Final = (
    *("sms_id", "app_key", "x_number", "sender", "receiver", "time", "parts", "result"),
    *("application", "order", "mode", "side", "unit_price", "amount", "flags"),
)


def csv_file(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """A file, some rows at a time."""
    left = iter(rows)
    yield (BYTE_ORDER_MARK + rendered([header])).encode()
    while some := list(islice(left, _AT_ONCE)):
        yield rendered(some).encode()


def table_csv(table: Table) -> Iterator[bytes]:
    """A table as a file: exact values, codes as they are, no row of sums."""
    return csv_file([column.name for column in table.columns], table.rows)


def bill_csv(document: Document) -> Iterator[bytes]:
    """What was deducted, in the layout in which the platform's own bill is imported."""
    table = component_table(document, "components", "total")
    month, currency = document["month"], document["currency"]
    rows = [
        (month, item, kind, quantity, _unit_price(document, row), packaged, total, currency)
        for row in table.rows
        for item, kind, quantity, packaged, _, total in [row]
    ]
    return csv_file(BILL, rows)


def calls_csv(lines: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Rated calls as they are kept in day closes. They hold no person's number: those columns stay empty."""
    return csv_file(CALLS, map(_call, lines))


def sms_csv(lines: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Rated texts as they are kept in day closes."""
    return csv_file(SMS, map(_sms, lines))


def _unit_price(document: Document, row: Row) -> Value:
    """The list price of a component when one list was in force all month."""
    lists = document["price_lists"]
    if len(lists) != 1 or row[0] not in lists[0] or row[1] is None:
        return row[5] if row[2] == 1 else None
    return amount(lists[0][row[0]][row[1]])


def _call(line: Mapping[str, Any]) -> tuple[Value, ...]:
    answered = _beijing(line["at"], line["talk_seconds"]) if line["connected"] else None
    return (
        *(line.get("icid"), line.get("subscription_id"), None, line.get("x"), None, None, None, answered),
        *(_beijing(line["at"]), line["talk_seconds"], line["minutes"], None),
        *_own(line),
    )


def _sms(line: Mapping[str, Any]) -> tuple[Value, ...]:
    return (None, None, line.get("x"), None, None, _beijing(line["at"]), line["parts"], None, *_own(line))


def _own(line: Mapping[str, Any]) -> tuple[Value, ...]:
    known = (line.get(name) for name in ("application", "order", "mode", "side"))
    return (*known, amount(line.get("unit_price")), amount(line.get("amount")), " ".join(line["flags"]))


def _beijing(moment: str, seconds_before: int = 0) -> str | None:
    """A moment in Beijing; none where a record claims to be longer than the calendar."""
    try:
        shown = from_iso(moment).astimezone(BEIJING) - timedelta(seconds=seconds_before)
    except OverflowError:
        return None
    return f"{shown:%Y-%m-%d %H:%M:%S}"
