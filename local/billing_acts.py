"""The demo's last act: close, print the statement, reconcile; then the same with one CDR withheld."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.narrate import Narrator
from local.stack import Stack
from privatenumber.billing.outputs.text import render_reconciliation, render_statement
from privatenumber.times import beijing_month, from_iso

Call = dict[str, Any]


def close_and_reconcile(stack: Stack, say: Narrator, first: Call, place_call: Callable[[], Call]) -> None:
    """Bill the month of the first call, compare it with the platform's own books; then that of a last call.

    The two are one month, unless the demo is played over the end of one.
    """
    month = _month(first)
    say.act(5, "the bill, and what the platform says")
    statement = _statement(stack, say, month)
    say.block(render_statement(statement))
    clean = _reconcile(stack, say, month)
    say.block(render_reconciliation(clean))
    say.check(not clean["differences"], "reconciliation: 0 differences")

    say.act(6, "one CDR never arrives")
    fault = {"where": "push", "kind": "lose", "match": {"kind": "fee"}, "times": 1}
    stack.platform.send("POST", "faults", fault)
    month = _month(place_call())
    say.line("phones", "A calls the X of order-1002, 61 s of talk; the platform loses the CDR's push")
    _statement(stack, say, month)
    found = _reconcile(stack, say, month)
    say.block(render_reconciliation(found))
    differences = found["differences"]
    say.check(len(differences) == 1, "reconciliation: 1 difference, and it is named: the missing CDR")


def _month(call: Call) -> str:
    return beijing_month(from_iso(call["ended_at"]))


def _run(stack: Stack, event: dict[str, Any]) -> dict[str, Any]:
    """Invoke the billing function, at the platform's time: that of a demo runs ahead of the machine's."""
    now = stack.platform.get("clock")["now"]
    document: dict[str, Any] = stack.aws.invoke(
        stack.outputs["BillingFunctionName"], {**event, "scheduled_time": now}
    )
    return document


def _statement(stack: Stack, say: Narrator, month: str) -> dict[str, Any]:
    _run(stack, {"action": "close"})
    statement = _run(stack, {"action": "statement", "month": month})
    say.line("billing", f"day closed, statement of {month} computed")
    return statement


def _reconcile(stack: Stack, say: Narrator, month: str) -> dict[str, Any]:
    bucket, keys = stack.aws.client("s3"), {}
    for name in ("calls", "bill"):
        export = stack.platform.get(f"exports/{name}.csv", month=month)
        keys[name] = f"imports/{month}/{name}.csv"
        bucket.put_object(Bucket=stack.outputs["ExchangeBucket"], Key=keys[name], Body=export.encode())
    say.line("operator", f"uploads the platform's detail export and bill of {month}")
    return _run(stack, {"action": "reconcile", "month": month, **keys})
