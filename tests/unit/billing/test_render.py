"""What people read: aligned text from the JSON documents."""

from datetime import UTC, datetime
from typing import Any

from builders.billing import (
    EXAMPLE_PRICES,
    NO_CALL_PRICE,
    V2,
    VIRTUAL,
    bill_file,
    calls_file,
    cdr,
    closes,
    export_row,
    tokens,
    utc,
)
from privatenumber.billing.closing.statement import build_statement, present
from privatenumber.billing.outputs.text import headline, render_reconciliation, render_statement
from privatenumber.billing.rating.rent import Holding, rents_deducted
from privatenumber.billing.reconciliation.call_checks import Account
from privatenumber.billing.reconciliation.compare import Files, Recorded, Resolver, reconcile
from privatenumber.billing.reconciliation.compare import present as present_reconciliation
from privatenumber.billing.tariff.prices import PriceBook

FACTS = [
    cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35", icid="a"),
    cdr(None, "2026-09-02 02:00:00", icid="b"),
    cdr(None, "2026-09-02 03:00:00", icid="c", subscription_id=None),
]
STORED = {"version": 1, "hash": "0123456789abcdef", "made_at": "2026-09-05T00:00:00.000Z"}
RENTS = rents_deducted(
    [Holding(V2, "demo", VIRTUAL)], "2026-09", EXAMPLE_PRICES, until=datetime(2026, 9, 30, tzinfo=UTC)
)


def statement(prices: PriceBook = EXAMPLE_PRICES) -> dict[str, Any]:
    built = build_statement(
        "2026-09", closes(FACTS, prices=prices), RENTS, cost_month_rents=RENTS, prices=prices, closed=False
    )
    return {**present(built.document(), built.lines()), **STORED, "late": None}


def reconciliation(*rows: str, bill: str) -> dict[str, Any]:
    lines = [line for day in closes(FACTS[:1]) for line in day.close.lines]
    recorded = Recorded("2026-09", "hash", lines, RENTS, (), frozenset(), frozenset())
    resolver = Resolver(tokens, lambda _: None, lambda _: (), utc("2026-09-05 00:00:00"))
    files = Files(calls_file(*rows), bill_file(bill, "2026-09,rent,virtual,,1,5,0,5.00"))
    result = reconcile(recorded, files, Account(EXAMPLE_PRICES, {V2: VIRTUAL}, {}), resolver)
    return {**present_reconciliation(result.document(), result.lines()), **STORED, "id": "2026-09/1"}


ROW = export_row("2026-09-02 09:00:00", "2026-09-02 09:01:35", icid="a")
MISSING = export_row("2026-09-03 09:00:00", "2026-09-03 09:01:01", icid="lost")


def test_a_statement_reads_like_a_bill() -> None:
    assert (
        render_statement(statement())
        == """\
STATEMENT 2026-09   open   version 1
CNY, Beijing time   inputs 0123456789ab

Application  calls  answered  minutes  call CNY  rent CNY  total
----------------------------------------------------------------
demo             3         1        2      0.20      5.00   5.20

X number        calls  answered  minutes  call CNY  rent CNY  total
-------------------------------------------------------------------
+8617010000002      3         1        2      0.20      5.00   5.20

Order       calls  answered  minutes  call CNY  rent CNY  total
---------------------------------------------------------------
order-1001      2         1        2      0.20      0.00   0.20
unassigned      1         0        0      0.00      5.00   5.00

Component               quantity   CNY
--------------------------------------
call, virtual numbers  2 minutes  0.20
rent, virtual numbers    1 month  5.00
TOTAL                             5.20

Calls: 3 attempts, 1 answered, 2 minutes for 95 s of talk (rounding up: 0.4 min)
Rent for 2026-09, whenever deducted: 5.00
"""
    )


def test_a_statement_says_what_has_no_price() -> None:
    text = render_statement(statement(NO_CALL_PRICE))
    assert "2 minutes have no configured call price and are not in the total." in text
    assert "2 minutes, 2 unpriced" in text


def test_a_closed_statement_says_what_came_later() -> None:
    late = {**statement(), "state": "closed", "late": {"minutes": 3, "amount": "0.30"}}
    assert "What became known after the close changes 3 minutes, 0.30 CNY." in render_statement(late)


def test_a_large_statement_says_where_its_rows_are() -> None:
    large = {name: value for name, value in statement().items() if name not in ("by_x", "by_order", "rows")}
    assert "7000 rows per X and order are kept in the table." in render_statement(
        {**large, "rows_left_out": 7000}
    )


def test_a_clean_reconciliation_says_so() -> None:
    document = reconciliation(ROW, bill="2026-09,call,virtual,,2,0.10,0,0.20")
    assert headline(document) == "reconciliation: 0 differences"
    assert (
        render_reconciliation(document)
        == """\
RECONCILIATION 2026-09   matched   version 1
calls: 1 CDRs, 1 rows in the detail export, 1 matched; 0 hang-up events

Bill           ours   CNY  explained   CNY  platform   CNY  left
----------------------------------------------------------------
call, virtual     2  0.20          0  0.00         2  0.20  0.00
rent              1  5.00          0  0.00         1  5.00  0.00

reconciliation: 0 differences
"""
    )


def test_a_difference_is_told_with_cause_amount_and_proposal() -> None:
    document = reconciliation(ROW, MISSING, bill="2026-09,call,virtual,,4,0.10,0,0.40")
    text = render_reconciliation(document)
    assert headline(document).startswith("reconciliation: 1 difference: missing CDR")
    assert (
        text.partition("reconciliation:")[2]
        == """\
 1 difference: missing CDR: the platform's detail export lists a call on X
  +86170****0002 that ended 2026-09-03 09:01:01, 2 min, 0.20 CNY; no event of it arrived either
  missing_push, 0.20 CNY; proposed: wait for its push (up to 11 hours); if none comes, accept the
     row and keep the file
"""
    )
    assert V2 not in text


def test_several_differences_are_numbered() -> None:
    other = MISSING.replace("lost", "other").replace("09:0", "10:0")
    document = reconciliation(ROW, MISSING, other, bill="2026-09,call,virtual,,6,0.10,0,0.60")
    text = render_reconciliation(document)
    assert headline(document) == "reconciliation: 2 differences"
    assert "\n  1. missing CDR" in text
    assert "\n  2. missing CDR" in text


def test_what_cannot_be_compared_makes_the_headline_incomplete() -> None:
    document = reconciliation(ROW, bill="2026-09,call,virtual,,2,0.10,0,0.20")
    sms = {"item": "sms", "number_type": None, "amount": "2.80", "bill_line": 4}
    document = {**document, "result": "incomplete", "not_compared": [sms]}
    assert headline(document) == "reconciliation: 0 differences (incomplete)"
    assert "not compared: sms 2.80 CNY (bill line 4)" in render_reconciliation(document)
