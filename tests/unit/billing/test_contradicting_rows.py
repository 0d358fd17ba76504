"""Rows that an id or nothing ties to a record of ours and that say something else (billing-rules.md §9.3)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from builders import compared
from builders.billing import (
    APP_KEY,
    C1,
    EXAMPLE_PRICES,
    INVENTORY,
    V1,
    V2,
    VIRTUAL,
    A,
    B,
    cdr,
    tokens,
    utc,
)
from builders.closing import rated
from builders.exported import CALLS_HEADER, calls_export, export_row, sms_export, sms_row
from privatenumber.billing.closing.lines import UNKNOWN, Line, SmsLine
from privatenumber.billing.reconciliation.account import Account
from privatenumber.billing.reconciliation.layouts import CALLS, mapped
from privatenumber.billing.reconciliation.missing_rows import Wanted
from privatenumber.billing.reconciliation.records import (
    ComparedRecords,
    DetailFiles,
    Recorded,
    Resolver,
    compare_records,
)
from privatenumber.billing.tariff.prices import Item
from privatenumber.privacy import mask

FACTS = [
    *compared.FACTS[:2],
    cdr("2026-09-04 01:00:00", "2026-09-04 01:03:01", icid="icid-c", session="s-c"),
]
ANSWERED, ENDED = "2026-09-02 09:00:08", "2026-09-02 09:01:10"
ROWS = [
    export_row(ANSWERED, ENDED, icid="icid-a"),
    export_row("2026-09-03 09:00:00", "2026-09-03 09:03:01", icid="icid-b"),
    export_row("2026-09-04 09:00:00", "2026-09-04 09:03:01", icid="icid-c"),
]
LENGTHLESS = "record_id,app_key,x_number,caller,end_time"


def compare(files: DetailFiles, lines: Sequence[Line] | None = None, **how: Any) -> ComparedRecords:
    resolver = Resolver(tokens, lambda facts: {}, lambda addresses: [], compared.AFTER)
    account = Account(EXAMPLE_PRICES, INVENTORY, {APP_KEY: "demo", "other-key": "other"})
    recorded = Recorded("2026-09", rated(FACTS) if lines is None else lines)
    return compare_records(recorded, files, account, resolver, **how)


def calls(*rows: str, header: str = CALLS_HEADER) -> DetailFiles:
    return DetailFiles(calls=[calls_export(*rows, header=header)])


def kinds(result: ComparedRecords) -> list[str]:
    return sorted(found.kind.value for found in result.differences)


@pytest.mark.parametrize(
    ("row", "differs"),
    [
        (export_row(ANSWERED, ENDED, icid="icid-a", x=V1), ["x_number"]),
        (export_row(ANSWERED, ENDED, icid="icid-a", x="170****0009"), ["x_number"]),
        (export_row(ANSWERED, ENDED, icid="icid-a", x=B), ["x_number"]),
        (export_row(ANSWERED, ENDED, icid="icid-a", caller=B), ["caller"]),
        (export_row(ANSWERED, ENDED, icid="icid-a").replace(APP_KEY, "other-key"), ["app_key"]),
        (export_row("2026-09-03 09:00:08", "2026-09-03 09:01:10", icid="icid-a"), ["end_time"]),
        (export_row(ANSWERED, ENDED, icid="icid-a", x=V1, caller=B), ["x_number", "caller"]),
    ],
    ids=["x", "masked x", "a person as x", "caller", "application", "a day later", "two"],
)
def test_a_row_with_our_id_that_says_something_else_is_told(row: str, differs: list[str]) -> None:
    (found,) = compare(calls(row, *ROWS[1:])).differences
    assert (found.kind, found.amount) == ("record_conflict", Decimal(0))
    assert found.evidence["differs"] == differs
    assert (found.evidence["item"], found.evidence["import_line"]) == ("call", 2)
    assert A.removeprefix("+86") not in str(found.document())
    assert B.removeprefix("+86") not in str(found.document())


def test_a_number_of_another_type_is_told_with_both_types() -> None:
    (found,) = compare(calls(export_row(ANSWERED, ENDED, icid="icid-a", x=C1), *ROWS[1:])).differences
    assert (found.evidence["number_type"], found.evidence["row_number_type"]) == ("virtual", "carrier")


AXYB = cdr("2026-09-02 01:00:08", "2026-09-02 01:01:10", icid="icid-a", session="s-a", x=V1, display_x=C1)
"""Dialled on V1, shown as C1, which is charged (billing-rules.md §3.1)."""


@pytest.mark.parametrize("icid", ["icid-a", "s-a", ""])
@pytest.mark.parametrize("x", [V1, "170****0001"])
def test_an_export_names_the_number_that_was_dialled(x: str, icid: str) -> None:
    """notifications.md §5.2, bindNum in AXYB; whoever knows its binding or not."""
    row = export_row(ANSWERED, ENDED, icid=icid, x=x)
    result = compare(calls(row), rated([AXYB], attribution=lambda fact, x: UNKNOWN))
    assert (result.differences, result.counts["calls"]["matched"]) == ([], 1)


@pytest.mark.parametrize("x", [C1, V2, "138****8901", B])
def test_one_that_was_not_dialled_is_told_in_axyb_too(x: str) -> None:
    row = export_row(ANSWERED, ENDED, icid="icid-a", x=x)
    (found,) = compare(calls(row), rated([AXYB], attribution=lambda fact, x: UNKNOWN)).differences
    assert (found.kind, found.evidence["differs"]) == ("record_conflict", ["x_number"])


def test_a_call_that_the_export_lacks_is_named_as_dialled_and_priced_as_charged() -> None:
    (found,) = compare(calls(*ROWS[1:]), rated([AXYB, *FACTS[1:]])).differences
    assert (found.kind, found.x, found.number_type) == ("missing_console", mask(V1), "carrier")


@pytest.mark.parametrize(
    "cells", [{"caller": "138****8009"}, {"caller": "+85261234567"}, {"x": "170****0002"}]
)
def test_what_cannot_be_compared_contradicts_nothing(cells: Any) -> None:
    """Hidden digits, and numbers from abroad, which are written in many ways."""
    assert compare(calls(export_row(ANSWERED, ENDED, icid="icid-a", **cells), *ROWS[1:])).differences == []


def test_a_mapping_that_takes_callers_for_private_numbers_matches_nothing() -> None:
    layout = mapped(CALLS, {"columns": {"x_number": ["caller"]}})
    result = compare(DetailFiles(calls=[calls_export(*ROWS, layout=layout)]))
    assert kinds(result) == ["record_conflict"] * 3


def test_who_talks_longer_in_a_row_ends_later_too() -> None:
    row = export_row(ANSWERED, "2026-09-02 09:09:10", icid="icid-a")
    assert kinds(compare(calls(row, *ROWS[1:]))) == ["minutes_diff"]


def sms_line(**changes: Any) -> SmsLine:
    fields = {
        "fact": "SMS#demo#m-1/Notify", "application": "demo", "digest": "m-1",
        "at": utc("2026-09-02 01:00:00"),
        "sms": tokens("m-1", "sms"), "subscription_id": None, "sender": tokens(A, "number"), "x": V2,
        "number_type": VIRTUAL, "mode": None, "city": None, "enterprise": None, "order": None,
        "binding": None, "side": None, "sent": True, "parts": 1, "parts_received": 1, "parts_forwarded": 1,
        "unit_price": Decimal("0.28"), "amount": Decimal("0.28"), "flags": (),
    }  # fmt: skip
    return SmsLine(**{**fields, **changes})


@pytest.mark.parametrize(
    ("row", "differs"),
    [
        (sms_row("2026-09-02 09:00:00", 1, sms_id="m-1"), None),
        (sms_row("2026-09-02 09:00:00", 1, sms_id="m-1", x=V1), ["x_number"]),
        (sms_row("2026-09-02 09:00:00", 1, sms_id="m-1", sender=B), ["sender"]),
        (sms_row("2026-09-02 09:01:01", 1, sms_id="m-1"), ["time"]),
    ],
)
def test_so_is_an_sms(row: str, differs: list[str] | None) -> None:
    result = compare(DetailFiles(sms=[sms_export(row)]), [sms_line()])
    assert [found.evidence.get("differs") for found in result.differences] == ([differs] if differs else [])


def test_an_export_without_any_length_prices_nothing_and_contradicts_nothing() -> None:
    """What is matched says nothing of lengths; what is missing cannot be priced."""
    rows = [
        f"icid-a,{APP_KEY},{V2},{A},{ENDED}",
        f"icid-b,{APP_KEY},{V2},{A},2026-09-03 09:03:01",
        f"icid-c,{APP_KEY},{V2},{A},2026-09-04 09:03:01",
        f"icid-d,{APP_KEY},{V2},{A},2026-09-05 09:03:01",
    ]
    (found,) = (result := compare(calls(*rows, header=LENGTHLESS))).differences
    assert (found.kind, found.amount, found.quantity) == ("missing_push", None, None)
    assert "tells no length" in found.cause
    assert (Item.CALL, VIRTUAL) not in result.explanations


def test_minutes_alone_say_nothing_of_seconds() -> None:
    rows = [
        f"icid-a,{APP_KEY},{V2},{A},{ENDED},2",
        f"icid-b,{APP_KEY},{V2},{A},2026-09-03 09:03:01,5",
        f"icid-c,{APP_KEY},{V2},{A},2026-09-04 09:03:01,4",
    ]
    (found,) = compare(calls(*rows, header=f"{LENGTHLESS},billed_minutes")).differences
    assert (found.kind, found.quantity) == ("minutes_diff", Decimal(1))
    assert "seconds" not in found.evidence


def test_a_missing_row_says_what_its_import_would_charge() -> None:
    """Its minutes are what the bill charges; an import is rated by its length."""
    row = export_row("2026-09-05 09:00:00", "2026-09-05 09:01:02", icid="icid-d", billed_minutes="9")
    (found,) = compare(calls(*ROWS, row)).differences
    assert (found.quantity, found.evidence["import_minutes"]) == (Decimal(9), 2)


def test_files_without_ids_are_the_same_rows_when_one_follows_another_clock() -> None:
    """Clocks are set right before repeats are set apart."""
    beijing = [row.replace(f"icid-{name},", ",", 1) for row, name in zip(ROWS, "abc", strict=True)]
    lost = export_row("2026-09-05 09:00:00", "2026-09-05 09:01:00")
    in_utc = [row.replace(" 09:0", " 01:0") for row in (*beijing, lost)]
    files = DetailFiles(calls=[calls_export(*beijing, lost), calls_export(*in_utc)])
    result = compare(files)
    assert kinds(result) == ["missing_push", "time_zone"]
    assert result.counts["calls"]["merged"] == 4


def test_a_row_of_the_second_file_is_named_by_its_part() -> None:
    lost = export_row("2026-09-05 09:00:00", "2026-09-05 09:01:00", icid="icid-d")
    (found,) = compare(DetailFiles(calls=[calls_export(*ROWS), calls_export(lost)])).differences
    assert (found.evidence["import_line"], found.evidence["part"]) == (2, 2)


def test_each_of_equal_rows_without_id_is_a_call_of_its_own() -> None:
    lost = export_row("2026-09-05 09:00:00", "2026-09-05 09:01:00")
    result = compare(calls(*ROWS, lost, lost), wanted=Wanted(9))
    assert kinds(result) == ["missing_push", "missing_push"]
    assert [(row.line, row.nth) for row in result.missing["calls"]] == [(5, 1), (6, 2)]
