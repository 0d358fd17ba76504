"""A reconciliation as a report: our figures beside the platform's, each difference with its proposal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from privatenumber.billing.outputs.report import Document, Figure, Report, Section
from privatenumber.billing.outputs.tables import Cell, Column, Row, Table, amount, beijing_text, summed
from privatenumber.billing.outputs.texts import Language, Words

_COMPARED: Final = ("ours", "explained", "bill")
_MATCHED: Final = ("recorded", "exported", "matched")
_BILL: Final = (
    Column("item", codes="item"),
    Column("number_type", codes="number_type"),
    *(
        Column(f"{whose}_{what}", cell)
        for whose in _COMPARED
        for what, cell in (("quantity", Cell.COUNT), ("amount", Cell.MONEY))
    ),
    Column("unexplained", Cell.MONEY, empty="unknown_amount"),
)
_DIFFERENCE: Final = (
    Column("kind", codes="kind"),
    Column("amount", Cell.MONEY, empty="unpriced"),
    Column("cause", Cell.PROSE),
    Column("action", Cell.PROSE),
    Column("application", spare=True),
    Column("x", spare=True),
    Column("at", Cell.MOMENT, spare=True),
    Column("state", codes="difference"),
)
_EVIDENCE: Final = (Column("quantity", Cell.COUNT), Column("evidence"))
_NOT_COMPARED: Final = (
    Column("item", codes="item"),
    Column("amount", Cell.MONEY),
    Column("bill_line", Cell.COUNT),
)
_REASON: Final = (
    Column("item", codes="item"),
    Column("number_type", codes="number_type"),
    Column("why", codes="unpaid"),
    Column("quantity", Cell.COUNT),
    Column("amount", Cell.MONEY),
)
_BAD_ROW: Final = (
    Column("file", codes="file"),
    Column("import_line", Cell.COUNT),
    Column("reason", Cell.PROSE),
)


def reconciliation_report(document: Document, words: Words) -> Report:
    """The report of a reconciliation, from its JSON document."""
    differences = difference_table(document, words)
    return Report(
        kind="reconciliation",
        month=document["month"],
        facts=_facts(document, words),
        figures=(
            Figure("differences", f"{document['difference_count']:,}", bool(document["difference_count"])),
            _difference_amount(document, differences, words),
            _residual(document, words),
            Figure("billed_total", f"{Decimal(document['billed_total']):,.2f}"),
        ),
        sections=tuple(sections(document, words)),
        remarks=tuple(_remarks(document, words)),
    )


def headline(document: Document, words: Words | None = None) -> str:
    """The result in one line, e.g. ``reconciliation: 0 differences``; a single difference is named."""
    words = words or Words()
    found, number = document["differences"], document["difference_count"]
    count = words.say("headline", count=number)
    if document["result"] == "incomplete":
        count += words["headline.incomplete"]
    return f"{count}: {cause_of(found[0], words)}" if number == 1 else count


def tables(document: Document) -> tuple[Table, ...]:
    """Every table of a reconciliation, the differences first."""
    bill, differences = bill_table(document), evidence_table(document)
    found = differences, bill, _package_reasons(document), _not_compared(document), _bad_rows(document)
    return tuple(table for table in found if table.rows or table.name in ("differences", "bill"))


def cause_of(found: Document, words: Words) -> str:
    """Why a difference is there: as it was found, which is in English, or what its kind means."""
    is_english = words.language is Language.EN
    return str(found["cause"]) if is_english else words.code("meaning", found["kind"])


def proposal_of(found: Document, words: Words) -> str:
    """What to do about a difference, in the same way."""
    is_english = words.language is Language.EN
    return str(found["action"]) if is_english else words.code("proposal", found["kind"])


def difference_table(document: Document, words: Words) -> Table:
    """Every difference: kind, amount, cause, proposal and where."""
    rows: list[Row] = [
        (
            found["kind"],
            amount(found["amount"]),
            cause_of(found, words),
            proposal_of(found, words),
            *(found.get(name) for name in ("application", "x", "at", "state")),
        )
        for found in document["differences"]
    ]
    return Table("differences", _DIFFERENCE, rows)


def evidence_table(document: Document) -> Table:
    """The same for programs, with what proves each of them, as JSON."""
    differences = difference_table(document, Words())
    rows: list[Row] = [
        (
            *row,
            amount(found.get("quantity")),
            json.dumps(found.get("evidence", {}), ensure_ascii=False, sort_keys=True),
        )
        for row, found in zip(differences.rows, document["differences"], strict=True)
    ]
    return Table(differences.name, (*_DIFFERENCE, *_EVIDENCE), rows)


def bill_table(document: Document) -> Table:
    """The bill's items: what we have, what the differences explain, what the platform has, what is left."""
    rows: list[Row] = [
        (
            row["item"],
            row.get("number_type"),
            *(cell for whose in _COMPARED for cell in _pair(row[whose])),
            amount(row["unexplained"]["amount"]),
        )
        for row in document["bill"]
    ]
    return Table("bill", _BILL, rows)


def _difference_amount(document: Document, differences: Table, words: Words) -> Figure:
    """The sum of what has an amount; nobody knows it where an answer has no room for all of them."""
    known = f"{summed(row[1] for row in differences.rows):,.2f}"
    return Figure("difference_amount", words["unknown_amount"] if unlisted(document) > 0 else known)


def _residual(document: Document, words: Words) -> Figure:
    """What no cause explains: shown also when it is nothing."""
    left = amount((document["residual"] or {}).get("total"))
    return Figure("unexplained", words["unknown_amount"] if left is None else f"{left:,.2f}", left != 0)


def _pair(of: Document) -> tuple[Decimal | None, Decimal | None]:
    return amount(of.get("quantity")), None if of.get("unpriced") else amount(of.get("amount"))


def _facts(document: Document, words: Words) -> tuple[tuple[str, str], ...]:
    facts = {
        "month": document["month"],
        "result": words.code("result", document["result"]),
        "version": str(document.get("version", "")),
        "made_at": beijing_text(document.get("made_at")),
        "currency": document["currency"],
        "statement": document.get("statement", "")[:12],
        "hash": document.get("hash", "")[:12],
    }
    return tuple((words[f"fact.{name}"], text) for name, text in facts.items() if text)


def sections(document: Document, words: Words) -> Iterator[Section]:
    """The comparison with the bill, then the list of differences, then what was left out of both."""
    yield Section(bill_table(document), (headline(document, words), words["remark.bill"]))
    differences = difference_table(document, words)
    if differences.rows:
        yield Section(differences)
    left = unlisted(document)
    if left > 0:
        yield Section(Table("more_differences", (Column("left_out", Cell.COUNT),), [(left,)]))
    more = (_package_reasons(document), _not_compared(document), _bad_rows(document))
    yield from (Section(table) for table in more if table.rows)


def unlisted(document: Document) -> int:
    """Differences that an answer has no room for; a listed one may stand for many of its kind."""
    told = sum(found.get("evidence", {}).get("count", 1) for found in document["differences"])
    return int(document["difference_count"] - told)


def _package_reasons(document: Document) -> Table:
    rows: list[Row] = [
        (*(each[name] for name in ("item", "number_type", "reason", "quantity")), amount(each["amount"]))
        for each in document["package_reasons"]
    ]
    return Table("package_reasons", _REASON, rows)


def _not_compared(document: Document) -> Table:
    rows: list[Row] = [
        (each["item"], amount(each["amount"]), each["bill_line"]) for each in document["not_compared"]
    ]
    return Table("not_compared", _NOT_COMPARED, rows)


def _bad_rows(document: Document) -> Table:
    rows: list[Row] = [(each["file"], each["import_line"], each["reason"]) for each in document["bad_rows"]]
    return Table("bad_rows", _BAD_ROW, rows)


def _remarks(document: Document, words: Words) -> Iterator[str]:
    for kind in ("calls", "sms"):
        counts = document.get(kind, {})
        if any(counts.get(name) for name in _MATCHED):
            yield words.say(f"remark.matched_{kind}", **{name: counts[name] for name in _MATCHED})
    if "hang_ups" in document:
        yield words.say("remark.hang_ups", count=document["hang_ups"])
    for name in document["missing_files"]:
        yield words.say("remark.missing_file", file=words.code("file", name))
    for each in document["accepted"]:
        yield words.say(f"accepted.{each['kind']}", amount=each["amount"])
