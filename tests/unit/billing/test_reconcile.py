"""A whole month against all files: result, head and what is kept (billing-rules.md §9.3, U-N04).

Single records: test_compared_records.py; single causes: test_planted_causes.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from builders.billing import (
    APP_KEY,
    EXAMPLE_PRICES,
    INVENTORY,
    NO_CALL_PRICE,
    V1,
    V2,
    VIRTUAL,
    tokens,
)
from builders.closing import parts, rated, usage
from builders.compared import AFTER, FACTS, ROWS
from builders.exported import bill_file, calls_export, export_row
from privatenumber.billing.rating.rent import Holding, rents_deducted
from privatenumber.billing.reconciliation.account import Account
from privatenumber.billing.reconciliation.compare import Files, Month, Reconciliation, reconcile
from privatenumber.billing.reconciliation.console_files import read_numbers, read_quota, read_statistics
from privatenumber.billing.reconciliation.month_check import OurMonth
from privatenumber.billing.reconciliation.records import Resolver
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.store.fact_rows import CdrFact

HOLDINGS = [Holding(V1, "demo", VIRTUAL), Holding(V2, "demo", VIRTUAL)]
CALL_LINE, RENT_LINE = "2026-09,call,virtual,,6,0.10,0,0.60", "2026-09,rent,virtual,,2,5,0,10.00"


def compare(
    facts: Sequence[CdrFact] = tuple(FACTS),
    rows: Sequence[str] = tuple(ROWS),
    bill: Sequence[str] = (CALL_LINE, RENT_LINE),
    *,
    prices: PriceBook = EXAMPLE_PRICES,
    files: Files | None = None,
    late: Any = None,
) -> Reconciliation:
    closed = parts(facts, prices=prices)
    ours = OurMonth(
        month="2026-09",
        usage=usage(closed),
        rents=rents_deducted(HOLDINGS, "2026-09", prices, until=AFTER),
        holdings=HOLDINGS,
        prices=prices,
        applications={APP_KEY: "demo"},
        lines_of=lambda day: [line for part in closed if part.part.day == day for line in part.lines],
        until=AFTER,
    )
    month = Month(ours, "hash", rated(facts, prices=prices), late=late)
    resolver = Resolver(tokens, lambda facts: {}, lambda addresses: (), AFTER)
    account = Account(prices, INVENTORY, {APP_KEY: "demo"})
    given = files or Files(calls=[calls_export(*rows)], bill=bill_file(*bill))
    return reconcile(month, given, account, resolver)


def kinds(found: Reconciliation) -> list[str]:
    return [each.kind.value for each in found.differences]


def test_a_clean_month_matches_and_nothing_is_unexplained() -> None:
    found = compare()
    assert (found.result, found.differences) == ("matched", ())
    assert found.document()["difference_count"] == 0
    assert found.head["residual"]["total"] == "0.00"
    assert (found.head["billed_total"], found.head["missing_files"]) == ("10.60", [])


def test_a_missing_cdr_is_one_difference_although_minutes_and_money_are_missing_too() -> None:
    found = compare([FACTS[0], FACTS[2]])
    assert (kinds(found), found.result) == (["missing_push"], "differences")
    assert found.head["residual"]["total"] == "0.00"


def test_without_a_call_price_the_run_is_incomplete_and_shows_what_the_bill_implies() -> None:
    found = compare(prices=NO_CALL_PRICE)
    (told,) = found.differences
    assert (told.kind, told.amount, told.evidence) == ("unpriced", None, {"learned_price": "0.10"})
    assert found.result == "incomplete"
    assert told.document()["amount"] == "unpriced"


def test_without_a_call_price_a_missing_cdr_is_still_named() -> None:
    found = compare([FACTS[0], FACTS[2]], prices=NO_CALL_PRICE)
    assert kinds(found) == ["missing_push", "unpriced"]
    assert "4 min, unpriced" in found.differences[0].cause


def test_facts_after_the_close_of_the_month_are_named() -> None:
    (told,) = compare(late={"minutes": 4, "amount": "0.40"}).differences
    assert (told.kind, str(told.amount)) == ("late", "0.40")


def test_without_a_bill_records_are_compared_and_the_run_is_incomplete() -> None:
    found = compare([FACTS[0], FACTS[2]], files=Files(calls=[calls_export(*ROWS)]))
    assert (kinds(found), found.result) == (["missing_push"], "incomplete")
    assert found.head["missing_files"] == ["bill"]


def test_without_a_bill_days_are_compared_and_what_needs_one_is_named() -> None:
    """Nobody is to take a quota or a number table for compared that was not."""
    day = "period_start,period_end,attempts\n2026-09-03,2026-09-03,5\n"
    files = Files(
        calls=[calls_export(*ROWS)],
        statistics=read_statistics(day.encode()),
        quota=read_quota(b"order_number,minutes_left\nCS9,5\n"),
        numbers=read_numbers(f"x_number,number_type\n{V1},carrier\n".encode()),
    )
    found = compare(files=files)
    assert (kinds(found), found.result) == (["statistics_diff"], "incomplete")
    assert [each["item"] for each in found.head["not_compared"]] == ["quota", "numbers"]


def test_without_an_export_the_bill_is_compared_and_the_run_is_incomplete() -> None:
    found = compare(files=Files(bill=bill_file(CALL_LINE, RENT_LINE)))
    assert (kinds(found), found.result, found.head["missing_files"]) == ([], "incomplete", ["calls"])


def test_lines_of_other_months_are_left_alone() -> None:
    found = compare(bill=[CALL_LINE, RENT_LINE, "2026-10,call,virtual,,1,0.10,0,0.10"])
    assert (found.differences, found.head["bill_outside_month"]) == ((), 1)


def test_files_are_described_and_bad_rows_listed() -> None:
    rows = [
        *ROWS,
        *(export_row("", "2026-08-02 09:00:00", icid=f"old-{n}") for n in range(40)),
        "?,,,,,,,,,,,",
    ]
    found = compare(rows=rows)
    assert found.bad_rows == (
        {"line": "bad_row", "file": "calls", "import_line": 45, "reason": "x_number: missing"},
    )
    told = found.head["files"]["calls"]
    assert (told["rows"], told["bad_rows"], told["encoding"], told["separator"]) == (43, 1, "utf-8", ",")


def test_two_files_of_one_kind_are_described_together() -> None:
    files = Files(
        calls=[calls_export(*ROWS[:2]), calls_export(*ROWS[1:])], bill=bill_file(CALL_LINE, RENT_LINE)
    )
    found = compare(files=files)
    assert (found.result, found.head["files"]["calls"]["rows"]) == ("matched", 4)
    assert len(found.head["files"]["calls"]["others"]) == 1


def test_the_result_does_not_depend_on_any_order() -> None:
    def told(facts: Iterable[CdrFact]) -> Any:
        found = compare([*facts])
        return found.document(), found.lines()

    assert told(FACTS[:2]) == told(FACTS[1::-1])
