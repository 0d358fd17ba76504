"""The demo's acts on the deployed stack: every claim holds, and what a newcomer reads is what happened."""

from __future__ import annotations

import re

from builders.played import Played, play_demo
from local.stack import Stack

CLAIMS = 14


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


def test_the_statement_says_minutes_rent_and_total(played: Played) -> None:
    """Issue, act 5: "minutes per application, X and order; rent; total": 95 s are two minutes of 0.10 CNY."""
    statement = played.said[played.said.index("STATEMENT") : played.said.index("RECONCILIATION")]
    assert re.search(r"ride-hailing +3 +1 +2 +0\.20 +15\.00 +15\.20", statement)
    assert len(re.findall(r"\+861701000000\d ", statement)) == 3
    assert re.search(r"order-1001 +2 +1 +2 +0\.20", statement)
    assert re.search(r"rent, virtual numbers +3 months +15\.00", statement)
    assert re.search(r"TOTAL +15\.20", statement)


def test_the_month_is_reconciled_and_a_withheld_cdr_is_named(played: Played) -> None:
    """U-N04, issue, act 5: "`reconciliation: 0 differences`", then "`1 difference: missing CDR …`, named"."""
    reports = played.said.split("RECONCILIATION")[1:]
    assert len(reports) == 2
    assert "reconciliation: 0 differences" in reports[0]
    assert re.search(r"reconciliation: 1 difference: missing CDR\b", reports[1])
    assert "2 min, 0.20 CNY; its hang-up event did arrive" in " ".join(reports[1].split())


def test_a_claim_that_does_not_hold_ends_the_demo_with_an_error(stack: Stack) -> None:
    """A demo that cannot fail shows nothing."""
    failed = play_demo(stack, play=lambda stack, say: say.check(False, "pigs fly"))
    assert failed.exit_code == 1
    assert "The demo stopped: pigs fly" in failed.said
    assert "claims checked" not in failed.said
