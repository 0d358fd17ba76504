"""Tables and line items as CSV (billing-rules.md §9.2 layouts, §9.4 exports)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from builders.statements import C1, V1, compared_month, found, share, worked_month
from privatenumber.billing.outputs import CannotRender
from privatenumber.billing.outputs.csv_files import calls_csv, sms_csv
from privatenumber.billing.outputs.formats import Format, render, tables_of
from privatenumber.billing.reconciliation.exports_in import read_bill

OF_BOTH: dict[str, Any] = {"application": "ax", "digest": "d", "mode": "AX", "flags": []}
CALL = OF_BOTH | {
    "item": "call", "fact": "CALL#ax#s/CDR#i", "at": "2026-09-02T01:01:35.000Z", "icid": "icid-1", "x": V1,
    "session": "token", "caller": "token-of-a-person", "subscription_id": "sub-1", "number_type": "virtual",
    "order": "order-1", "side": "a", "connected": True, "talk_seconds": 95, "minutes": 2,
    "unit_price": "0.10", "amount": "0.20", "flags": ["derived_duration"],
}  # fmt: skip
SMS = OF_BOTH | {
    "item": "sms", "fact": "SMS#ax#s/Notify", "at": "2026-09-01T16:00:00.000Z", "sms": "token", "x": C1,
    "sender": "token-of-a-person", "number_type": "carrier", "sent": True, "parts": 2,
    "unit_price": "0.27", "amount": "0.54",
}  # fmt: skip


def read(pieces: Iterable[bytes]) -> list[dict[str, str]]:
    """The rows of a file; it begins with a byte order mark, without which Excel shows no Chinese."""
    data = b"".join(pieces)
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def table(document: dict[str, Any], name: str | None = None) -> list[dict[str, str]]:
    return read(render(document, Format.CSV, table=name)[1])


def test_the_bill_is_in_the_layout_in_which_bills_are_imported() -> None:
    """billing-rules.md §9.2, bill.csv: what we export, our own import reads, to the fen."""
    _, pieces = render(worked_month(), Format.CSV)
    charges = read_bill(b"".join(pieces)).rows
    assert sum(charge.amount for charge in charges) == Decimal("114.00")
    assert [(c.item, c.number_type and c.number_type.value, c.amount) for c in charges[:2]] == [
        ("call", "carrier", Decimal("0.30")),
        ("call", "virtual", Decimal("10.20")),
    ]
    assert charges[1].package_quantity == 336


def test_every_view_is_a_file_and_adds_up_to_the_costs_of_the_month() -> None:
    """billing-rules.md §8.3: the sums of all views are equal."""
    names = tables_of(worked_month())
    assert names[0] == "bill"
    for view in ("application", "mode", "x", "order"):
        assert view in names
        assert sum(Decimal(row["total"]) for row in table(worked_month(), view)) == Decimal("119.00"), view


def test_rows_of_use_are_a_file_with_what_packages_pay() -> None:
    rows = table(worked_month(), "usage")
    first = {
        name: rows[0][name]
        for name in ("x", "order", "city", "units", "package_units", "unit_price", "amount")
    }
    assert first == {
        "x": f"'{V1}",
        "order": "order-1",
        "city": "上海",
        "units": "116",
        "package_units": "15",
        "unit_price": "0.10",
        "amount": "10.10",
    }


def test_differences_are_the_file_of_a_reconciliation() -> None:
    document = compared_month(found(), found("late", "-0.30"))
    rows = table(document)
    assert [(row["kind"], row["amount"], row["state"]) for row in rows] == [
        ("missing_push", "0.20", "open"),
        ("late", "-0.30", "open"),
    ]


def test_a_difference_comes_with_its_evidence() -> None:
    """Issue: "each difference has a cause, an amount, evidence": the line of the file, the record."""
    proof = {"import_line": 7, "icid": "icid-1", "item": "call"}
    document = compared_month(found(quantity="2", evidence=proof), found(evidence={}))
    first, second = table(document, "differences")
    assert (first["quantity"], json.loads(first["evidence"])) == ("2", proof)
    assert (second["quantity"], second["evidence"]) == ("", "{}")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1"])
def test_no_text_becomes_a_formula(name: str) -> None:
    """billing-rules.md §9.2, spreadsheet injection: exports prefix such cells; amounts stay numbers."""
    rows = table(worked_month(lines=[share("order", name, "-1.00")]), "order")
    assert (rows[0]["order"], rows[0]["call"]) == (f"'{name}", "-1.00")


def test_text_with_separators_and_quotes_comes_back_as_it_was() -> None:
    name = 'a,b;"c"\nd\u4e2d\u6587'
    assert table(worked_month(lines=[share("order", name)]), "order")[0]["order"] == name


def test_a_call_is_a_row_of_the_calls_layout_with_its_amount() -> None:
    """billing-rules.md §9.2, calls.csv; times are Beijing times, the call's people are not in it."""
    (row,) = read(calls_csv([CALL]))
    assert (row["record_id"], row["binding_id"], row["x_number"]) == ("icid-1", "sub-1", f"'{V1}")
    assert (row["answer_time"], row["end_time"]) == ("2026-09-02 09:00:00", "2026-09-02 09:01:35")
    assert (row["duration_s"], row["billed_minutes"], row["amount"]) == ("95", "2", "0.20")
    assert (row["caller"], row["callee"], row["flags"]) == ("", "", "derived_duration")
    assert "token" not in str(row)


def test_a_call_that_nobody_answered_has_no_answer_time() -> None:
    (row,) = read(calls_csv([{**CALL, "connected": False, "talk_seconds": 0, "minutes": 0}]))
    assert (row["answer_time"], row["end_time"]) == ("", "2026-09-02 09:01:35")


def test_a_text_is_a_row_of_the_sms_layout_with_its_amount() -> None:
    """billing-rules.md §9.2, sms.csv."""
    (row,) = read(sms_csv([SMS]))
    assert (row["time"], row["parts"], row["amount"]) == ("2026-09-02 00:00:00", "2", "0.54")
    assert "token" not in str(row)


def test_a_file_is_made_as_it_is_read() -> None:
    """A month of a million calls needs no more memory than one of some thousands."""
    asked = 0

    def lines() -> Iterator[dict[str, Any]]:
        nonlocal asked
        while True:
            asked += 1
            yield CALL

    pieces = calls_csv(lines())
    header, first = next(pieces), next(pieces)
    assert header.count(b"\r\n") == 1
    assert asked == first.count(b"\r\n") == 1000


def test_only_a_csv_file_is_one_table() -> None:
    with pytest.raises(CannotRender, match="only csv is one table"):
        render(worked_month(), Format.XLSX, table="x")
    with pytest.raises(CannotRender, match="there are bill, application, mode"):
        render(worked_month(), Format.CSV, table="nothing")


def test_a_call_that_claims_to_be_longer_than_the_calendar_is_a_row_all_the_same() -> None:
    (row,) = read(calls_csv([CALL | {"talk_seconds": 10**15}]))
    assert (row["answer_time"], row["end_time"]) == ("", "2026-09-02 09:01:35")
