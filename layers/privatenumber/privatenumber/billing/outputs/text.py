"""Statements and reconciliations as plain text that a finance person can read, from their JSON documents."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

Document: TypeAlias = Mapping[str, Any]

_WIDTH: Final = 100
_UNASSIGNED: Final = "unassigned"
_MOST_ROWS: Final = 40


def render_statement(statement: Document) -> str:
    """A statement: per application, X and order minutes, calls, rent and total; then the components."""
    head = f"STATEMENT {statement['month']}   {statement['state']}   version {statement['version']}"
    calls = statement["calls"]
    parts = [
        [head, f"{statement['currency']}, Beijing time   inputs {statement['hash'][:12]}", ""],
        _view("Application", statement["by_application"], lambda row: row["application"]),
        _view("X number", statement.get("by_x", ()), lambda row: row["x"] or "unknown"),
        _view("Order", statement.get("by_order", ()), lambda row: row["order"] or _UNASSIGNED),
        _components(statement),
        [
            f"Calls: {calls['attempts']} attempts, {calls['connected']} answered, {_talk(calls)}",
            f"Rent for {statement['month']}, whenever deducted: {statement['rent_of_cost_month']}",
            *_remarks(statement),
        ],
    ]
    return "\n".join(line.rstrip() for part in parts for line in part) + "\n"


def render_reconciliation(document: Document) -> str:
    """A reconciliation: our figures beside the platform's, then every difference with cause and proposal."""
    calls = document["calls"]
    lines = [
        f"RECONCILIATION {document['month']}   {document['result']}   version {document['version']}",
        f"calls: {calls['recorded']} CDRs, {calls['exported']} rows in the detail export, "
        f"{calls['matched']} matched; {document['hang_ups']} hang-up events",
        "",
        *_table(
            ("Bill", "ours", "CNY", "explained", "CNY", "platform", "CNY", "left"),
            [_bill_row(row) for row in document["bill"]],
        ),
        "",
        *_wrapped(headline(document), "  "),
    ]
    single = document["difference_count"] == 1
    for number, found in enumerate(document["differences"][:_MOST_ROWS], start=1):
        lines += [] if single else _wrapped(f"{number}. {found['cause']}", "   ", first="  ")
        proposal = f"{found['kind']}, {_money(found['amount'])}; proposed: {found['action']}"
        lines += _wrapped(proposal, "   ", first="  " if single else "     ")
    left_out = document["difference_count"] - _MOST_ROWS
    if left_out > 0:
        lines.append(f"  and {left_out} more")
    lines += [
        f"  not compared: {each['item']} {each['amount']} CNY (bill line {each['bill_line']})"
        for each in document["not_compared"]
    ]
    lines += [f"  accepted as rounding: {each['amount']} CNY" for each in document["accepted"]]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def headline(document: Document) -> str:
    """The result in one line, e.g. ``reconciliation: 0 differences``; a single difference is named."""
    found = document["differences"]
    number = document["difference_count"]
    count = f"reconciliation: {number} difference{'' if number == 1 else 's'}"
    if document["result"] == "incomplete":
        count += " (incomplete)"
    return f"{count}: {found[0]['cause']}" if number == 1 else count


def _wrapped(text: str, indent: str, first: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent=first + indent)


def _view(title: str, rows: Sequence[Document], name: Any) -> list[str]:
    if not rows:
        return []
    cells = [
        (
            str(name(row)),
            str(row["attempts"]),
            str(row["connected"]),
            str(row["minutes"]),
            _call_amount(row),
            row["rent"],
            row["total"],
        )
        for row in rows[:_MOST_ROWS]
    ]
    more = [f"and {len(rows) - _MOST_ROWS} more"] if len(rows) > _MOST_ROWS else []
    return [
        *_table((title, "calls", "answered", "minutes", "call CNY", "rent CNY", "total"), cells),
        *more,
        "",
    ]


def _components(statement: Document) -> list[str]:
    cells = [
        (f"{part['item']}, {part['number_type']} numbers", _quantity(part), part["rounded"])
        for part in statement["components"]
    ]
    return [*_table(("Component", "quantity", "CNY"), [*cells, ("TOTAL", "", statement["total"])]), ""]


def _quantity(part: Document) -> str:
    unit = "minute" if part["item"] == "call" else "month"
    count = f"{part['quantity']} {unit}{'' if part['quantity'] == 1 else 's'}"
    return f"{count}, {part['unpriced']} unpriced" if part["unpriced"] else count


def _remarks(statement: Document) -> list[str]:
    remarks = []
    if statement["unpriced_minutes"]:
        remarks.append(
            f"{statement['unpriced_minutes']} minutes have no configured call price and are not in the total."
        )
    if statement.get("late"):
        late = statement["late"]
        remarks.append(
            f"What became known after the close changes {late['minutes']} minutes, {late['amount']} CNY."
        )
    if statement.get("rows_left_out"):
        remarks.append(f"{statement['rows_left_out']} rows per X and order are kept in the table.")
    return remarks


def _talk(calls: Document) -> str:
    loss = Decimal(calls["minutes"]) - Decimal(calls["talk_seconds"]) / 60
    return f"{calls['minutes']} minutes for {calls['talk_seconds']} s of talk (rounding up: {loss:.1f} min)"


def _call_amount(row: Document) -> str:
    if not row["unpriced_minutes"]:
        return str(row["amount"])
    return "unpriced" if row["unpriced_minutes"] == row["minutes"] else f"{row['amount']} + unpriced"


def _bill_row(row: Document) -> tuple[str, ...]:
    name = f"{row['item']}, {row['number_type']}" if row["number_type"] else row["item"]
    ours, bill, left = row["ours"], row["bill"], row["unexplained"]
    amount = "unpriced" if ours["unpriced"] else ours["amount"]
    return (
        name,
        ours["quantity"],
        amount,
        row["explained"]["quantity"],
        row["explained"]["amount"],
        bill["quantity"] or "",
        bill["amount"],
        left["amount"] or "?",
    )


def _money(amount: str) -> str:
    return amount if amount == "unpriced" else f"{amount} CNY"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns: the first one left, the others right, a rule under the titles."""
    widths = [max(len(row[at]) for row in [titles, *rows]) for at in range(len(titles))]
    lines = [_aligned(titles, widths), "-" * (sum(widths) + 2 * (len(widths) - 1))]
    return lines + [_aligned(row, widths) for row in rows]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    return "  ".join([first, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))])
