"""The demo's acts on the deployed stack: every claim holds, and what a newcomer reads is what happened."""

from __future__ import annotations

import re

from builders.played import Played, play_demo
from local.stack import Stack

CLAIMS = 19


def test_every_claim_of_the_demo_holds(played: Played) -> None:
    """Issue: "What a newcomer sees when this is done", acts 1 to 5, "exit 0"."""
    assert played.exit_code == 0, played.said
    assert played.said.count("✓") == CLAIMS
    assert f"{CLAIMS} claims checked" in played.said


def test_the_orders_are_bound_as_told(played: Played) -> None:
    """Issue, act 1: "201, X shown", "the same request again", "a different X"."""
    answers = re.findall(r"POST /bindings (order-\d+): .* → +(\d+) X (\+\d+)", played.said)
    first, again, second, third = answers
    assert first[1:] == ("201", first[2])
    assert again == ("order-1001", "200", first[2])
    assert second[:2] == ("order-1002", "201")
    assert second[2] != first[2]
    assert third[0] == "order-1003"


def test_the_statement_says_what_was_deducted_and_whose_the_cost_is(played: Played) -> None:
    """Issue: "a statement a finance person can read": 95 s are two minutes of 0.10 CNY, a text is 0.28."""
    statement = played.said[played.said.index("STATEMENT") : played.said.index("RECONCILIATION")]
    assert re.search(r"calls +virtual +2 +0\.20", statement)
    assert re.search(r"SMS +virtual +1 +0\.28", statement)
    assert re.search(r"rent +virtual +3 +15\.00", statement)
    assert re.search(r"packages +1 +38\.00", statement)
    deducted, cost = re.findall(r"Total +([\d.]+)\n", statement)[:2]
    assert (deducted, cost) == ("53.48", "15.48")
    assert re.search(r"ride-hailing +2 +1 +0\.20 +0\.28 +15\.00 +15\.48", statement)
    assert len(re.findall(r"\+861701000000\d ", statement)) >= 3
    assert re.search(r"order-1001 +2 +1 +0\.20 +0\.28", statement)


def test_the_statement_is_handed_out_in_every_format(played: Played, stack: Stack) -> None:
    """Issue: "CSV, XLSX and a printable HTML/PDF", FOCUS; made by the deployed function, with its layer."""
    bills = stack.folder / "bills"
    begins = {
        "statement.html": b"<!doctype html>",
        "statement.zh.html": b"<!doctype html>",
        "statement.xlsx": b"PK",
        "statement.pdf": b"%PDF",
        "statement.focus.csv": b"AvailabilityZone,BilledCost",
    }
    assert {path.name: path.read_bytes()[: len(begins[path.name])] for path in bills.iterdir()} == begins
    assert '<html lang="zh">' in (bills / "statement.zh.html").read_text()
    assert "53.48" in (bills / "statement.html").read_text()
    assert f"the statement: {bills / 'statement.html'}" in played.said


def test_the_month_is_reconciled_and_a_withheld_cdr_is_named(played: Played) -> None:
    """U-N04, issue, act 5: "`reconciliation: 0 differences`", then "`1 difference: missing CDR …`, named"."""
    reports = played.said.split("RECONCILIATION")[1:]
    assert len(reports) == 2
    assert "reconciliation: 0 differences" in reports[0]
    assert all("Unexplained, CNY: 0.00" in report for report in reports)
    assert re.search(r"reconciliation: 1 difference: missing CDR\b", reports[1])
    assert "2 min, 0.20 CNY" in " ".join(reports[1].split())


def test_a_claim_that_does_not_hold_ends_the_demo_with_an_error(stack: Stack) -> None:
    """A demo that cannot fail shows nothing."""
    failed = play_demo(stack, play=lambda stack, say: say.check(False, "pigs fly"))
    assert failed.exit_code == 1
    assert "The demo stopped: pigs fly" in failed.said
    assert "claims checked" not in failed.said
