"""A statement as a FOCUS 1.0 data set (FinOps Open Cost and Usage Specification)."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from builders.example import PACKAGE as PACKAGE_OF_EXAMPLE
from builders.focus_rules import SPECIFICATION, Row, broken_rules
from builders.statements import (
    LINES,
    PACKAGE,
    V1,
    V6,
    component,
    package,
    rent,
    share,
    usage,
    worked_month,
)
from builders.worked import worked_statement
from privatenumber.billing.outputs import CannotRender
from privatenumber.billing.outputs.focus import NotPriced, focus
from privatenumber.billing.outputs.focus_row import COLUMNS
from privatenumber.billing.rating.packages import Use


def data_set(document: dict[str, Any]) -> list[Row]:
    """The rows; an empty cell is null."""
    text = b"".join(focus(document)).decode()
    return [{name: cell or None for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]


def total(rows: list[Row], column: str) -> Decimal:
    return sum((Decimal(row[column] or "NaN") for row in rows), Decimal(0))


def only(rows: list[Row], **cells: str | None) -> list[Row]:
    return [row for row in rows if all(row[name] == text for name, text in cells.items())]


ROWS = data_set(worked_month())


def test_the_worked_month_keeps_every_rule_of_the_specification() -> None:
    assert broken_rules(COLUMNS, ROWS) == []


def test_billed_is_what_was_deducted_and_effective_is_what_the_month_cost() -> None:
    """billing-rules.md §8.2: 114.00 by deduction, 119.00 by cost month."""
    assert total(ROWS, "BilledCost") == Decimal("114.00")
    assert total(ROWS, "EffectiveCost") == Decimal("119.00")


@pytest.mark.parametrize("month", ["2026-09", "2026-10"])
def test_a_statement_as_it_is_made_is_a_data_set(month: str) -> None:
    """billing-rules.md §8.2, and the month after it, in which two rents of one number are deducted."""
    made = worked_statement(month, {PACKAGE_OF_EXAMPLE.number: Use(500, 50)} if month == "2026-10" else None)
    document = {**made.document(), "lines": list(made.lines())}
    rows = data_set(document)
    assert broken_rules(COLUMNS, rows) == []
    assert total(rows, "BilledCost") == Decimal(document["total"])
    assert total(rows, "EffectiveCost") == Decimal(document["cost_total"])


def test_effective_costs_by_sub_account_are_the_allocation() -> None:
    """billing-rules.md §8.3: ax 65.09, axb 53.91; the rent that is deducted later names no application."""
    known = {app: total(only(ROWS, SubAccountId=app), "EffectiveCost") for app in ("ax", "axb")}
    assert known == {"ax": Decimal("60.09"), "axb": Decimal("53.91")}
    (later,) = only(ROWS, ResourceId=f"number/{V6[1:]}")
    assert (later["BilledCost"], later["EffectiveCost"]) == ("0", "5")


def test_a_package_is_bought_once_and_used_by_rows_that_are_billed_nothing() -> None:
    """billing-rules.md §8.3: a minute is worth 0.059375, an SMS part 0.16625."""
    (bought,) = only(ROWS, CommitmentDiscountId=PACKAGE, ChargeCategory="Purchase")
    assert (bought["BilledCost"], bought["EffectiveCost"], bought["ChargeFrequency"]) == (
        "38",
        "0",
        "One-Time",
    )
    assert (bought["ChargePeriodStart"], bought["ChargePeriodEnd"]) == (
        "2026-09-01T03:00:00Z",
        "2027-09-01T03:00:00Z",
    )
    used = only(ROWS, CommitmentDiscountStatus="Used")
    assert {row["BilledCost"] for row in used} == {"0"}
    assert total(used, "EffectiveCost") == Decimal(38)
    minutes, parts = only(used, ConsumedUnit="Minutes"), only(used, ConsumedUnit="Parts")
    assert total(minutes, "EffectiveCost") == 500 * Decimal("0.059375")
    assert total(parts, "EffectiveCost") == 50 * Decimal("0.16625")


def test_what_nobody_used_of_a_package_is_told_in_the_month_of_its_end() -> None:
    """billing-rules.md §5: unused quota is lost; §8.3: the rest is booked on expiry."""
    left = package(
        bought_at="2025-09-01T02:03:00.000Z",
        effective_at="2025-09-01T03:00:00.000Z",
        expires_at="2026-09-01T03:00:00.000Z",
        minutes={"total": 500, "used_before": 300, "used": 100, "left": 100},
        parts={"total": 50, "used_before": 0, "used": 0, "left": 50},
        # Of 38.00, 300 minutes were borne before: 17.81.
        cost="20.19",
    )
    rows = data_set(only_package(left, usage("ax", V1, "call", 100, 100), cost="20.19"))
    assert broken_rules(COLUMNS, rows) == []
    unused = only(rows, CommitmentDiscountStatus="Unused")
    assert [(row["ConsumedQuantity"], row["ConsumedUnit"]) for row in unused] == [
        ("100", "Minutes"),
        ("50", "Parts"),
    ]
    assert total(rows, "EffectiveCost") == Decimal("20.19")
    assert total(unused, "EffectiveCost") == Decimal("14.25")


def test_a_package_that_ends_as_the_month_does_is_over() -> None:
    """What is left of it is a loss of this month, not a rounding: midnight of Beijing belongs to both."""
    ending = package(
        bought_at="2025-09-30T15:00:00.000Z",
        effective_at="2025-09-30T16:00:00.000Z",
        expires_at="2026-09-30T16:00:00.000Z",
        minutes={"total": 500, "used_before": 0, "used": 100, "left": 400},
        parts={"total": 0, "used_before": 0, "used": 0, "left": 0},
    )
    rows = data_set(only_package(ending, usage("ax", V1, "call", 100, 100), cost="38.00"))
    told = [(row["CommitmentDiscountStatus"], row["EffectiveCost"]) for row in rows]
    assert told == [("Used", "7.6"), ("Unused", "30.4")]


def test_a_package_that_was_borne_at_once_bears_nothing_at_its_end() -> None:
    """docs/billing.md, `PackageAllocation=none`: one line of the account, in the month of the purchase."""
    ending = package(
        bought_at="2025-09-01T02:03:00.000Z",
        effective_at="2025-09-01T03:00:00.000Z",
        expires_at="2026-09-01T03:00:00.000Z",
        minutes={"total": 500, "used_before": 0, "used": 100, "left": 400},
        parts={"total": 0, "used_before": 0, "used": 0, "left": 0},
        cost="0.00",
    )
    rows = data_set(only_package(ending, usage("ax", V1, "call", 100, 100), cost="0.00"))
    assert [(row["CommitmentDiscountStatus"], row["EffectiveCost"]) for row in rows] == [("Used", "0")]


def test_units_of_a_package_are_weighed_as_its_costs_are_whatever_the_list_says_now() -> None:
    """Decision 81: without a price of minutes they bear all of the package, also after one was entered."""
    old = package(
        unit_prices={"minute": None, "part": "0.28"},
        minutes={"total": 500, "used_before": 0, "used": 100, "left": 400},
        parts={"total": 50, "used_before": 0, "used": 10, "left": 40},
        cost="7.60",
    )
    uses = [usage("ax", V1, "call", 100, 100), usage("ax", V1, "sms", 10, 10)]
    rows = only(
        data_set(only_package(old, *uses, cost="7.60", billed="38.00")), CommitmentDiscountStatus="Used"
    )
    assert [(row["ConsumedUnit"], Decimal(str(row["EffectiveCost"]))) for row in rows] == [
        ("Minutes", Decimal("7.60")),
        ("Parts", Decimal(0)),
    ]


def test_a_package_of_which_little_is_used_bears_only_that() -> None:
    part = package(
        minutes={"total": 500, "used_before": 0, "used": 7, "left": 493},
        parts={"total": 50, "used_before": 0, "used": 0, "left": 50},
        cost="0.42",
    )
    rows = data_set(
        only_package(
            part, usage("ax", V1, "call", 4, 4), usage("axb", V1, "call", 3, 3), cost="0.42", billed="38.00"
        )
    )
    assert broken_rules(COLUMNS, rows) == []
    assert total(rows, "EffectiveCost") == Decimal("0.42")
    assert [row["EffectiveCost"] for row in only(rows, CommitmentDiscountStatus="Used")] == ["0.24", "0.18"]


def test_a_rent_of_another_month_is_billed_here_and_effective_there() -> None:
    """billing-rules.md §6: a number issued on the last day pays on the 1st."""
    late = rent(V6, "ax", cost_month="2026-08", reason="issued_on_last_day")
    rows = data_set(
        worked_month(
            lines=[late],
            packages=[],
            components=[component("rent", "virtual", 1, "5.00")],
            total="5.00",
            cost_total="0.00",
        )
    )
    assert broken_rules(COLUMNS, rows) == []
    (row,) = rows
    assert (row["BilledCost"], row["EffectiveCost"], row["ChargePeriodStart"]) == (
        "5",
        "0",
        "2026-07-31T16:00:00Z",
    )


def test_all_columns_of_the_specification_are_there_in_their_order() -> None:
    assert list(COLUMNS) == sorted(SPECIFICATION)


def test_a_correction_is_billed_once_and_costs_whom_it_concerns() -> None:
    """EffectiveCost has what prepaid purchases cover: ten late minutes of a package charge nothing."""
    booked = {"month": "2026-08", "number": 2, "amount": "-0.30", "reasons": ["late"], "hash": "ff"}
    moved = {"line": "correction", "month": "2026-08", "number": 2}
    lines = [
        *LINES,
        {**share("application", "ax", "-0.30", minutes=-3), **moved},
        {**share("application", "axb", "0.00", "0.00", "0.00", "0.59", minutes=10), **moved},
        {**share("application", "#account", "7.00"), **moved},
        {**share("x", V1, "-0.30", minutes=-3), **moved},
    ]
    rows = data_set(worked_month(corrections=[booked], total="113.70", lines=lines))
    assert broken_rules(COLUMNS, rows) == []
    found = only(rows, ChargeClass="Correction")
    assert [(row["SubAccountId"], row["BilledCost"], row["EffectiveCost"]) for row in found] == [
        (None, "-0.3", "0"),
        ("ax", "0", "-0.3"),
        ("axb", "0", "0.59"),
        (None, "0", "7"),
    ]
    assert {(row["ChargeCategory"], row["ChargePeriodStart"]) for row in found} == {
        ("Adjustment", "2026-07-31T16:00:00Z")
    }
    assert total(rows, "BilledCost") == Decimal("113.70")
    assert total(rows, "EffectiveCost") == Decimal("119.00") + Decimal("7.29")
    assert not only(rows, ChargeCategory="Adjustment", ChargeClass=None)


def test_a_correction_that_charges_nothing_has_no_row_that_bills() -> None:
    booked = {"month": "2026-08", "number": 1, "amount": "0.00", "reasons": ["late"], "hash": "ff"}
    moved = {"line": "correction", "month": "2026-08", "number": 1}
    lines = [*LINES, {**share("application", "ax", "0.00", "0.00", "0.00", "0.06"), **moved}]
    rows = data_set(worked_month(corrections=[booked], lines=lines))
    (row,) = only(rows, ChargeClass="Correction")
    assert (row["BilledCost"], row["EffectiveCost"]) == ("0", "0.06")


def test_what_rounding_of_components_makes_is_a_row_of_its_own() -> None:
    """billing-rules.md §2: only sums per component are rounded, half up."""
    fine = usage("ax", V1, "call", 1, unit_price="0.125", amount="0.125")
    rows = data_set(worked_month(lines=[fine], packages=[], total="0.13", cost_total="0.13"))
    assert broken_rules(COLUMNS, rows) == []
    (rounding,) = only(rows, ChargeCategory="Adjustment")
    assert (rounding["BilledCost"], rounding["EffectiveCost"]) == ("0.005", "0.005")


def test_calls_that_cost_nothing_are_no_charges() -> None:
    rows = data_set(worked_month(lines=[usage("ax", V1, "call", 0)], packages=[], total="0", cost_total="0"))
    assert rows == []


def test_without_a_call_price_there_is_no_data_set() -> None:
    """A row of usage must have a price; none is made up (billing-rules.md §2)."""
    with pytest.raises(NotPriced, match="7 minutes have no configured call price"):
        focus(worked_month(unpriced_minutes=7))
    with pytest.raises(NotPriced, match="minutes that packages paid"):
        focus(worked_month(lines=[usage("ax", V1, "call", 4, 4, unit_price=None)]))


def test_an_answer_that_leaves_rows_out_gives_no_data_set() -> None:
    presented = {name: value for name, value in worked_month().items() if name != "lines"}
    with pytest.raises(CannotRender, match="not all in the answer"):
        focus({**presented, "shares": {}, "rows_left_out": 7000})


def test_no_cell_begins_as_a_formula_does() -> None:
    """billing-rules.md §9.2: X numbers stand without their plus; a minus is that of a number."""
    assert not [cell for row in ROWS for cell in row.values() if cell and cell[0] in "=+@\t\r"]


def test_the_validator_finds_what_is_wrong() -> None:
    """A validator that finds nothing proves nothing."""
    good = next(iter(only(ROWS, CommitmentDiscountStatus="Used")))
    for name, cell, rule in (
        ("BilledCost", None, "BilledCost is null"),
        ("BilledCost", "0.10", "BilledCost of what a commitment covers is not 0"),
        ("ListCost", "7", "ListCost is not price by quantity"),
        ("ServiceCategory", "Telephony", "ServiceCategory is Telephony"),
        ("PricingQuantity", "+15", "PricingQuantity is no number"),
        ("PricingCategory", "Standard", "PricingCategory with CommitmentDiscountId is Committed"),
        ("ChargePeriodStart", "2026-09-01 00:00:00", "ChargePeriodStart is no moment"),
        ("ConsumedUnit", None, "ConsumedUnit is null"),
        ("ResourceType", None, "ResourceType goes with ResourceId"),
        ("Tags", '{"order": ["a"]}', "Tags is no object of plain values"),
        ("ChargeClass", "Correction", "Correction is of a previous billing period"),
    ):
        assert f"row 1: {rule}" in broken_rules(COLUMNS, [{**good, name: cell}]), name
    assert "no column BilledCost" in broken_rules(COLUMNS[2:], [])


def only_package(
    row: dict[str, Any], *lines: dict[str, Any], cost: str, billed: str = "0.00"
) -> dict[str, Any]:
    """A month in which nothing happened but the use of one package."""
    return worked_month(packages=[row], lines=list(lines), total=billed, cost_total=cost)
