"""A month's statement as a report: what was deducted, what the month cost, whose that is, what is left."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from privatenumber.billing.outputs import reconciliation_report
from privatenumber.billing.outputs.report import Bar, Chart, Document, Figure, Report, Section
from privatenumber.billing.outputs.statement_tables import (
    component_table,
    corrected_table,
    correction_table,
    package_table,
    price_table,
    rent_table,
    share_table,
)
from privatenumber.billing.outputs.tables import Table, beijing_text
from privatenumber.billing.outputs.texts import Words

_VIEWS: Final = ("application", "mode", "x", "number_type", "city", "enterprise", "order", "side", "day")
"""Views for people: bindings are in the workbook and the CSV files."""

_CHARTED: Final = ("application", "day")
_MOST_BARS: Final = 31
_CALLS: Final = ("attempts", "connected", "minutes", "talk_seconds")
_SMS: Final = ("messages", "sent", "parts", "parts_received", "parts_forwarded")


def statement_report(document: Document, words: Words) -> Report:
    """The report of a statement: its head and the lines behind it."""
    return Report(
        kind="statement",
        month=document["month"],
        facts=_facts(document, words),
        figures=_figures(document),
        sections=tuple(_sections(document, words)),
        remarks=tuple(_remarks(document, words)),
    )


def _facts(document: Document, words: Words) -> tuple[tuple[str, str], ...]:
    facts = {
        "month": document["month"],
        "state": words.code("state", document["state"]),
        "version": str(document.get("version", "")),
        "made_at": beijing_text(document.get("made_at")),
        "currency": document["currency"],
        "hash": document.get("hash", "")[:12],
    }
    return tuple((words[f"fact.{name}"], text) for name, text in facts.items() if text)


def _figures(document: Document) -> tuple[Figure, ...]:
    calls, sms = document["calls"], document["sms"]
    return (
        Figure("total", f"{Decimal(document['total']):,.2f}"),
        Figure("cost_total", f"{Decimal(document['cost_total']):,.2f}"),
        Figure("calls_connected", f"{calls['connected']:,} / {calls['attempts']:,}"),
        Figure("minutes", f"{calls['minutes']:,}"),
        Figure("parts", f"{sms['parts']:,}"),
    )


def _sections(document: Document, words: Words) -> Iterator[Section]:
    bill = component_table(document, "components", "total")
    remarks = ("components", "corrections") if document["corrections"] else ("components",)
    yield Section(bill, tuple(words[f"remark.{name}"] for name in remarks), _component_chart(bill, words))
    cost = component_table(document, "cost_components", "cost_total")
    if cost.rows:
        yield Section(cost, (words["remark.cost_components"],))
    for view in _VIEWS:
        table = share_table(document, view)
        # A view in which everything has one key tells nothing that another has not told.
        if table.rows and (len(table.rows) > 1 or view == "application"):
            yield Section(table, chart=_share_chart(table, words) if view in _CHARTED else None)
    for make in (package_table, correction_table, corrected_table, rent_table, price_table):
        if (table := make(document)).rows:
            yield Section(table)
    if "reconciliation" in document:
        yield from reconciliation_report.sections(document["reconciliation"], words)


def _component_chart(table: Table, words: Words) -> Chart:
    bars = [
        Bar(" · ".join(text for text in table.shown(row, words)[:2] if text), row[-1])
        for row in table.rows
        if isinstance(row[-1], Decimal)
    ]
    return Chart("cost_by_component", tuple(bars))


def _share_chart(table: Table, words: Words) -> Chart | None:
    rows = [(table.shown(row, words)[0], row[-1]) for row in table.rows]
    bars = [Bar(label, total) for label, total in rows if isinstance(total, Decimal)]
    if table.name == "application":
        bars.sort(key=lambda bar: -bar.amount)
    return Chart(f"cost_by_{table.name}", tuple(bars[:_MOST_BARS])) if len(bars) > 1 else None


def _remarks(document: Document, words: Words) -> Iterator[str]:
    calls, sms = document["calls"], document["sms"]
    loss = Decimal(calls["minutes"]) - Decimal(calls["talk_seconds"]) / 60
    yield words.say("remark.calls", loss=f"{loss:.1f}", **{name: calls[name] for name in _CALLS})
    if sms["messages"]:
        yield words.say("remark.sms", **{name: sms[name] for name in _SMS})
    yield words.say("remark.rent", month=document["month"], amount=document["rent_of_cost_month"])
    if document["unpriced_minutes"]:
        yield words.say("remark.unpriced", count=document["unpriced_minutes"])
    if late := document.get("late"):
        yield words.say("remark.late", minutes=late["minutes"], amount=late["amount"])
    if left_out := document.get("rows_left_out"):
        yield words.say("remark.left_out", count=left_out)
