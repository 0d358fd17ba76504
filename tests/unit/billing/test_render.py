"""What people read on a terminal or in a mail: aligned text from the JSON documents."""

from __future__ import annotations

import re
from typing import Any

from builders.statements import compared, compared_month, found, share, worked_month
from privatenumber.billing.outputs.reconciliation_report import headline
from privatenumber.billing.outputs.text import render_reconciliation, render_statement
from privatenumber.billing.outputs.texts import Language


def small() -> dict[str, Any]:
    """A month without packages and texts, in one application."""
    month = worked_month(
        packages=[], price_lists=[], lines=[share("application", "ax", "10.40", "0.00", "35.00")]
    )
    month["components"], month["cost_components"] = month["components"][:2], []
    month["sms"] = {**month["sms"], "messages": 0}
    return month


def test_a_statement_reads_like_a_bill() -> None:
    """billing-rules.md §8.2."""
    text = render_statement(worked_month())
    assert (
        text[: text.index("Cost by mode")]
        == """\
STATEMENT 2026-09
State closed   Version 1   Computed at 2026-10-03 12:00   Currency CNY   Inputs (hash) 0123456789ab

What was deducted
Component  Number type  At list price  From packages     CNY
────────────────────────────────────────────────────────────
calls      carrier                  3            164    0.30
calls      virtual                102            336   10.20
SMS        carrier                 10              0    2.70
SMS        virtual                 10             50    2.80
rent       carrier                  2              0   30.00
rent       virtual                  6              0   30.00
packages                            1              0   38.00
────────────────────────────────────────────────────────────
Total                                                 114.00

What the month cost
Component  Number type  At list price  From packages     CNY
────────────────────────────────────────────────────────────
calls      carrier                  3            164    0.30
calls      virtual                102            336   10.20
SMS        carrier                 10              0    2.70
SMS        virtual                 10             50    2.80
rent       carrier                  2              0   30.00
rent       virtual                  7              0   35.00
packages                            1              0   38.00
────────────────────────────────────────────────────────────
Total                                                 119.00

Cost by application
Application  Minutes  Parts  Calls   SMS   Rent  Packages   Total
─────────────────────────────────────────────────────────────────
ax               264     53  10.40  3.54  35.00     16.15   65.09
axb              341     17   0.10  1.96  30.00     21.85   53.91
─────────────────────────────────────────────────────────────────
Total            605     70  10.50  5.50  65.00     38.00  119.00

"""
    )


def test_a_statement_ends_with_what_its_figures_mean() -> None:
    assert render_statement(worked_month()).endswith(
        "Calls: 15 attempts, 13 answered, 605 minutes for 35970 s of talk (rounding up: 5.5 min)\n"
        "SMS messages: 62, sent: 59, parts billed: 70 (as received 71, as forwarded 70)\n"
        "Rent for 2026-09, whenever deducted: 65.00\n"
    )


def test_columns_and_views_that_say_nothing_are_left_out() -> None:
    text = render_statement(small())
    assert "Application  Minutes  Calls   Rent  Total\n" in text
    assert "Packages" not in text
    assert "SMS" not in text


def test_a_presented_statement_reads_as_the_stored_one() -> None:
    """An answer has views and rows under names of their own."""
    stored = worked_month()
    lines = stored.pop("lines")
    shares: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if line["line"] == "share":
            shares.setdefault(line["view"], []).append(
                {n: v for n, v in line.items() if n not in ("line", "view")}
            )
    kinds = {"rows": "usage", "rents": "rent", "closes": "close"}
    rows = {name: [line for line in lines if line["line"] == kind] for name, kind in kinds.items()}
    assert render_statement({**stored, **rows, "shares": shares}) == render_statement(worked_month())


def test_a_statement_is_told_in_chinese_too() -> None:
    text = render_statement(worked_month(), Language.ZH)
    assert text.startswith("账单 2026-09\n状态 已关账")
    # A Chinese character takes two columns.
    assert "号码月租费  虚号               6         0   30.00\n" in text
    assert "\n无归属    100         0   0.00  0.00  65.00   5.94   70.94\n" in text


def test_a_statement_says_what_has_no_price() -> None:
    text = render_statement(worked_month(unpriced_minutes=2))
    assert "2 minutes have no configured call price and are not in the total." in text


def test_a_closed_statement_says_what_came_later() -> None:
    text = render_statement(worked_month(late={"minutes": 3, "amount": "0.30"}))
    assert "What became known after the close changes 3 minutes, 0.30 CNY." in text


def test_a_statement_names_the_corrections_booked_in_it() -> None:
    booked = {"month": "2026-08", "number": 2, "amount": "-0.30", "reasons": ["late_facts"], "hash": "ff"}
    text = render_statement(worked_month(corrections=[booked]))
    assert "Corrections of earlier months\nNumber  Of month  Reasons       CNY\n" in text
    assert "2       2026-08   late facts  -0.30\n" in text


def test_a_large_statement_says_where_its_rows_are() -> None:
    many = [share("x", f"+86170{n:08d}", "0.10") for n in range(45)]
    text = render_statement(worked_month(lines=many, rows_left_out=7000))
    assert "and 5 more rows, in the workbook and the CSV file" in text
    assert "7000 rows per X and order are kept in the table." in text


def test_a_clean_reconciliation_says_so() -> None:
    document = compared_month(bill=[compared("rent", None, "5.00", "0.00", "5.00")])
    assert headline(document) == "reconciliation: 0 differences"
    assert (
        render_reconciliation(document)
        == """\
RECONCILIATION 2026-09
Result matched   Version 2   Computed at 2026-10-03 12:00   Currency CNY   Statement compared
  0123456789ab   Inputs (hash) feedfacefeed

Calls: 1 CDRs, 2 rows in the detail export, 1 matched
1 hang-up event

Our figures and the platform's bill
Component  Number type  ours   CNY  explained   CNY  platform   CNY  left
─────────────────────────────────────────────────────────────────────────
rent                       2  5.00          2  0.00         4  5.00  0.00

reconciliation: 0 differences

Sum of differences, CNY: 0.00
Unexplained, CNY: 0.00
Billed by the platform, CNY: 5.40
"""
    )


def test_a_difference_is_told_with_cause_amount_and_proposal() -> None:
    """billing-rules.md §9.3."""
    document = compared_month(found())
    assert headline(document).startswith("reconciliation: 1 difference: missing CDR")
    _, _, told = render_reconciliation(document).partition("reconciliation:")
    assert (
        told
        == """\
 1 difference: missing CDR: the platform's detail export lists a call on X
  +86170****0002, 2 min, 0.20 CNY
  CDR or SMS missing (missing_push), 0.20 CNY; proposed: wait for its push; if none comes, accept
     the row and keep the file

Sum of differences, CNY: 0.20
Unexplained, CNY: 0.00
Billed by the platform, CNY: 5.40
"""
    )


def test_several_differences_are_numbered() -> None:
    text = render_reconciliation(compared_month(found(), found("price_diff", "unpriced")))
    assert "reconciliation: 2 differences" in text
    assert "\n  1. missing CDR" in text
    assert "\n  2. missing CDR" in text
    assert "price (price_diff), unpriced;" in " ".join(text.split())


def test_what_cannot_be_compared_makes_the_headline_incomplete() -> None:
    other = {"item": "other", "number_type": None, "amount": "2.80", "bill_line": 4}
    document = compared_month(result="incomplete", not_compared=[other])
    assert headline(document) == "reconciliation: 0 differences (incomplete)"
    assert "Not compared\nComponent" in render_reconciliation(document)


def test_a_reconciliation_says_why_packages_did_not_pay_and_which_files_were_missing() -> None:
    """billing-rules.md §5: exactly these reasons explain pay-per-use charges despite a package."""
    reason = {
        "item": "sms",
        "number_type": "carrier",
        "reason": "carrier_sms",
        "quantity": 10,
        "amount": "2.70",
    }
    text = render_reconciliation(compared_month(package_reasons=[reason], missing_files=["stats"]))
    assert "Charged despite a package\n" in text
    assert re.search(r"SMS +carrier +SMS of a carrier number +10 +2\.70\n", text)
    assert "Not compared, there was no file: statistics" in text


def test_a_difference_that_stands_for_many_counts_as_many() -> None:
    group = found(cause="70 more of this kind", evidence={"count": 70})
    text = render_reconciliation(compared_month(found(), group, difference_count=75))
    assert "reconciliation: 75 differences" in text
    assert "More differences, not listed here\nNumber\n──────\n     4\n" in text
