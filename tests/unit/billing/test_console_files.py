"""The console's small files: statistics (I5), quota left (I7), number table (I8); §9.1 to §9.3."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import APP, APP_KEY, EXAMPLE_PRICES, utc
from builders.money import CALLS, CARRIER, CARRIER_CALLS, VIRTUAL, line, used
from privatenumber.billing.rating.packages import Use, quotas_of
from privatenumber.billing.rating.rent import Holding
from privatenumber.billing.reconciliation.console_checks import DaySums, check_quota, check_statistics
from privatenumber.billing.reconciliation.console_files import read_numbers, read_quota, read_statistics
from privatenumber.billing.reconciliation.differences import Difference, Kind
from privatenumber.billing.reconciliation.money import BillCheck
from privatenumber.billing.reconciliation.number_check import Inventory, NumberCheck, check_numbers
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import Item
from privatenumber.csv_table import FileRefused

V1, V2, C1 = "+8617010000001", "+8617010000002", "+8613800138901"
SECOND, THIRD = date(2026, 9, 2), date(2026, 9, 3)
SEPTEMBER = (date(2026, 9, 1), date(2026, 9, 30))
END = utc("2026-09-30 16:00:00")


def csv_of(header: str, *rows: str) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


# reading


def test_statistics_are_read_with_the_headers_of_the_console() -> None:
    data = csv_of("开始日期,结束日期,APP_Key,呼叫次数,接通次数", f"2026/9/2,2026/9/2,{APP_KEY},3,1").decode()
    (row,) = read_statistics(data.encode("gb18030")).rows
    assert (row.first, row.last, row.attempts, row.connected, row.sms_parts) == (SECOND, SECOND, 3, 1, None)


def test_the_row_with_the_sums_of_statistics_is_no_day() -> None:
    """The file has two rows: one bad row in it would refuse it."""
    read = read_statistics(
        csv_of(COUNTS, f"2026-09-02,2026-09-02,{APP_KEY},,3,2,130,1,1,2", "合计,,,,3,2,130,1,1,2")
    )
    assert ([row.first for row in read.rows], read.bad) == ([SECOND], 0)


def test_a_spreadsheet_adds_midnight_to_a_date() -> None:
    (row,) = read_numbers(csv_of("x_number,number_type,issued_on", f"{V1},虚号,2026-09-15 00:00:00")).rows
    assert (row.issued_on, row.number_type) == (date(2026, 9, 15), VIRTUAL)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"{V1},virtual,2026-13-01", "issued_on: not a date"),
        ("170****0001,virtual,", "x_number: digits are hidden"),
        (f"{V1},landline,", "number_type: none of virtual, carrier"),
    ],
)
def test_a_bad_row_of_the_number_table_is_refused_by_its_rule(row: str, reason: str) -> None:
    with pytest.raises(FileRefused, match=reason):
        read_numbers(csv_of("x_number,number_type,issued_on", row))


def test_the_quota_is_read_with_the_moment_it_was_taken_at() -> None:
    header = "order_number,minutes_left,parts_left,as_of"
    (row,) = read_quota(csv_of(header, "CS1,120,50,2026-10-01 00:00:00")).rows
    assert (row.order, row.minutes_left, row.parts_left, row.as_of) == ("CS1", 120, 50, END)


# statistics

OWN = {(APP, SECOND): DaySums(3, 2, 130, 1, 1, 2), (APP, THIRD): DaySums(1, 1, 60)}
COUNTS = "period_start,period_end,app_key,city,attempts,connected,duration_s,sms_sends,sms_success,sms_parts"


def statistics(*rows: str, found: Any = None) -> list[Difference]:
    told = [found] if found else []
    return check_statistics(read_statistics(csv_of(COUNTS, *rows)).rows, OWN, told, {APP_KEY: APP}, SEPTEMBER)


def test_equal_statistics_have_no_difference() -> None:
    assert statistics(f"2026-09-02,2026-09-02,{APP_KEY},,3,2,130,1,1,2") == []


def test_a_day_that_counts_more_calls_is_named() -> None:
    (found,) = statistics(f"2026-09-02,2026-09-02,{APP_KEY},,4,3,190,1,1,2")
    assert (found.kind, found.amount, found.application) == (Kind.STATISTICS_DIFF, Decimal(0), APP)
    assert "2026-09-02 count +1 calls, +1 connected calls, +60 talk seconds beside our records" in found.cause
    assert found.evidence["attempts"] == 1


def test_what_single_records_explain_is_no_second_difference() -> None:
    row = f"2026-09-02,2026-09-02,{APP_KEY},,4,3,190,1,1,2"
    assert statistics(row, found={(APP, SECOND): DaySums(1, 1, 60)}) == []


def test_statistics_that_lack_the_record_too_are_no_difference() -> None:
    row = f"2026-09-02,2026-09-02,{APP_KEY},,3,2,130,1,1,2"
    assert statistics(row, found={(APP, SECOND): DaySums(1, 1, 60)}) == []


def test_a_row_may_cover_several_days_or_all_applications() -> None:
    assert statistics("2026-09-01,2026-09-30,,,4,3,190,1,1,2") == []
    assert len(statistics("2026-09-01,2026-09-30,,,5,3,190,1,1,2")) == 1


@pytest.mark.parametrize(
    "row",
    [
        f"2026-09-02,2026-09-02,{APP_KEY},Shenzhen,9,9,9,9,9,9",
        f"2026-08-31,2026-09-02,{APP_KEY},,9,9,9,9,9,9",
        "2026-09-02,2026-09-02,anotherKey,,9,9,9,9,9,9",
    ],
    ids=["a city", "another month", "another application"],
)
def test_rows_of_something_else_are_left_out(row: str) -> None:
    assert statistics(row) == []


# quota

ORDERS = [PackageOrder(f"CS{n}", utc("2026-09-01 02:03:00"), 500, 50, Decimal(38)) for n in (1, 2)]
LEDGER = quotas_of(ORDERS, used={"CS1": Use(380, 50)})


def quota(*rows: str, check: BillCheck | None = None) -> list[Difference]:
    read = read_quota(csv_of("order_number,minutes_left,parts_left,as_of", *rows)).rows
    return check_quota(read, LEDGER, check or BillCheck(), at=END)


def test_an_equal_quota_has_no_difference() -> None:
    assert quota("CS1,120,0,2026-10-01 00:00:00", "CS2,500,50,") == []


def test_another_quota_is_named_with_both_figures() -> None:
    (found,) = quota("CS1,100,0,")
    assert (found.kind, found.quantity, found.amount) == (Kind.QUOTA_DIFF, Decimal(-20), Decimal(0))
    assert found.cause == "package CS1: the console has 100 minutes left, our ledger 120"


def test_units_that_the_bill_has_told_already_are_no_second_cause() -> None:
    """20 minutes more from packages on the bill, 20 less in the console."""
    told = BillCheck(packages={Item.CALL: Decimal(20)})
    assert quota("CS1,100,0,", check=told) == []
    (found,) = quota("CS1,90,0,", check=told)
    assert found.quantity == Decimal(-10)


def test_an_order_that_we_do_not_know_is_named_unless_the_bill_names_its_purchase() -> None:
    (found,) = quota("CS9,500,50,")
    assert "order CS9, which we do not know of" in found.cause
    purchase = Difference(Kind.PACKAGE_DIFF, "a package", "register it", Decimal(38))
    assert quota("CS9,500,50,", check=BillCheck(differences=(purchase,))) == []


def test_a_quota_of_another_moment_is_left_out() -> None:
    assert quota("CS1,3,3,2026-10-04 09:00:00") == []


# number table

HOLDINGS = [
    Holding(V1, APP, VIRTUAL),
    Holding(V2, APP, VIRTUAL, issued_on=date(2026, 9, 15)),
    Holding(C1, APP, CARRIER),
]
ROWS = (f"{V1},virtual,{APP_KEY},,", f"{V2},virtual,{APP_KEY},2026-09-15,", f"{C1},carrier,{APP_KEY},,")
SUMS = {CALLS: used(CALLS, 10), CARRIER_CALLS: used(CARRIER_CALLS, 4)}
RENTS = [line("rent", VIRTUAL, 2, 5), line("rent", CARRIER, 1, 15)]


def numbers(*rows: str, holdings: Any = HOLDINGS, charges: Any = RENTS) -> NumberCheck:
    read = read_numbers(csv_of("x_number,number_type,app_key,issued_on,unsubscribed_on", *rows)).rows
    inventory = Inventory(holdings, EXAMPLE_PRICES, "2026-09", utc("2026-10-03 00:00:00"), {APP_KEY: APP})
    usage = {C1: {Item.CALL: used(CARRIER_CALLS, 4)}}
    return check_numbers(read, inventory, SUMS, lambda x: usage.get(x, {}), charges)


def test_an_equal_table_changes_nothing() -> None:
    found = numbers(*ROWS)
    assert (found.differences, found.sums, len(found.rents)) == ((), SUMS, 3)


def test_a_number_that_the_inventory_lacks_explains_its_rent() -> None:
    found = numbers(*ROWS, holdings=HOLDINGS[:2])
    (difference,) = found.differences
    assert (difference.kind, difference.amount, difference.x) == (
        Kind.NUMBER_UNKNOWN, Decimal(15), "+86138****8901",
    )  # fmt: skip
    assert len(found.rents) == 3


def test_a_number_that_the_console_lacks_explains_the_missing_rent() -> None:
    found = numbers(*ROWS[:2], charges=RENTS[:1])
    (difference,) = found.differences
    assert (difference.kind, difference.amount) == (Kind.NUMBER_STATE, Decimal(-15))
    assert len(found.rents) == 2


def test_other_days_matter_only_when_they_change_the_rent() -> None:
    """Issued on 30 September: the rent comes on 1 October (billing-rules.md §6)."""
    late = (ROWS[0], f"{V2},virtual,{APP_KEY},2026-09-30,", ROWS[2])
    (difference,) = numbers(*late, charges=[line("rent", VIRTUAL, 1, 5), RENTS[1]]).differences
    assert (difference.kind, difference.amount) == (Kind.NUMBER_STATE, Decimal(-5))
    same = (ROWS[0], f"{V2},virtual,{APP_KEY},2026-09-16,", ROWS[2])
    assert numbers(*same).differences == ()


def test_another_type_moves_usage_and_rent_to_it() -> None:
    swapped = (*ROWS[:2], f"{C1},virtual,{APP_KEY},,")
    found = numbers(*swapped, charges=[line("rent", VIRTUAL, 3, 5)])
    (difference,) = found.differences
    assert (difference.kind, difference.amount) == (Kind.NUMBER_TYPE, Decimal(-10))
    assert (found.sums[CALLS].units, found.sums[CARRIER_CALLS].units) == (14, 0)
    assert found.sums[CALLS].amount == Decimal("1.40")


def test_a_table_that_the_bill_does_not_follow_moves_no_money() -> None:
    """The console says virtual, the rent charged is a carrier number's: told, and worth nothing."""
    swapped = (*ROWS[:2], f"{C1},virtual,{APP_KEY},,")
    found = numbers(*swapped)
    (difference,) = found.differences
    assert (difference.kind, difference.amount) == (Kind.NUMBER_TYPE, Decimal(0))
    assert (found.sums, found.rents[-1].amount) == (SUMS, Decimal(5))


def test_a_bill_without_types_follows_whose_number_of_rents_it_has() -> None:
    """The console lacks C1: three rents on a bill that tells no type are ours, two are the table's."""
    ours = numbers(*ROWS[:2], charges=[line("rent", None, 3, 5, amount=Decimal(25))])
    theirs = numbers(*ROWS[:2], charges=[line("rent", None, 2, 5)])
    assert [found.amount for found in (*ours.differences, *theirs.differences)] == [Decimal(0), Decimal(-15)]
    assert (len(ours.rents), len(theirs.rents)) == (3, 2)


def test_a_bill_without_rents_tells_nothing_and_the_table_holds() -> None:
    found = numbers(*ROWS, holdings=HOLDINGS[:2], charges=[])
    assert ([each.amount for each in found.differences], len(found.rents)) == ([Decimal(15)], 3)


def test_a_table_without_days_leaves_ours() -> None:
    returned = [replace(HOLDINGS[1], unsubscribed_on=date(2026, 9, 20), returned=True)]
    assert (
        numbers(f"{V2},virtual,,,", holdings=returned, charges=[line("rent", VIRTUAL, 1, 5)]).differences
        == ()
    )
