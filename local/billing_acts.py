"""The demo's last acts: close, state, reconcile, hand out; then the same with one CDR withheld."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from local.narrate import Narrator
from local.stack import Stack
from privatenumber.billing.outputs.formats import Format
from privatenumber.billing.outputs.text import render_reconciliation, render_statement
from privatenumber.times import beijing_month, day_bounds, from_iso, iso

Call = dict[str, Any]
Document = dict[str, Any]

PACKAGE_MINUTES = 500
FILES = (
    (Format.HTML, "en"),
    (Format.HTML, "zh"),
    (Format.XLSX, "en"),
    (Format.PDF, "en"),
    (Format.FOCUS, "en"),
)
"""What finance is handed: pages, a workbook, a PDF, a data set of costs."""

_ENDINGS = {Format.FOCUS: "focus.csv"}
_NEARLY_AN_HOUR = 57
_PLAYED_FOR = timedelta(minutes=75)
"""Of the platform's time: the first order's hour, the way to the full hour, the calls before and after."""


def platforms_start(now: datetime) -> datetime:
    """When the platform's clock begins, so that the demo is played within one month by Beijing's calendar.

    That is now, or the next month if this one ends before the demo does: calls, a text and a package would
    stand in two statements otherwise.
    """
    month = beijing_month(now + _PLAYED_FOR)
    if month == beijing_month(now):
        return now
    return day_bounds(date.fromisoformat(f"{month}-01"))[0] + timedelta(minutes=1)


def close_and_reconcile(stack: Stack, say: Narrator, first: Call, place_call: Callable[[], object]) -> None:
    """Bill the month, compare it with the platform's own books; then once more with a call that is not known.

    `first` is a call of the month; `place_call` places one more in it.
    """
    month = beijing_month(from_iso(first["ended_at"]))
    say.act(5, "the bill, and what the platform says")
    _buy_package(stack, say)
    statement = _statement(stack, say, month)
    say.block(render_statement(statement))
    clean = _reconcile(stack, say, month)
    say.block(render_reconciliation(clean))
    say.check(not clean["differences"], "reconciliation: 0 differences")
    say.check(
        clean["residual"]["total"] == "0.00",
        "nothing is left unexplained: ours and theirs are one to the fen",
    )
    page = _hand_out(stack, say, month)
    say.check("<h2>Cost by application</h2>" in page, f"the statement is a page to print: {_page(stack)}")

    say.act(6, "one CDR never arrives")
    fault = {"where": "push", "kind": "lose", "match": {"kind": "fee"}, "times": 1}
    stack.platform.send("POST", "faults", fault)
    place_call()
    say.line("phones", "A calls the X of order-1002, 61 s of talk; the platform loses the CDR's push")
    _statement(stack, say, month)
    found = _reconcile(stack, say, month)
    say.block(render_reconciliation(found))
    say.check(
        len(found["differences"]) == 1, "reconciliation: 1 difference, and it is named: the missing CDR"
    )
    say.check("<h2>Differences</h2>" in _hand_out(stack, say, month), "the statement's page lists it")
    say.show(_page(stack))


def _buy_package(stack: Stack, say: Narrator) -> None:
    """Buy a package of the platform and enter the purchase; it counts from the next full hour on."""
    now = datetime.fromisoformat(stack.platform.get("clock")["now"])
    if now.minute >= _NEARLY_AN_HOUR:
        # The last call of this demo costs money only as long as the package is not effective yet.
        stack.platform.send("POST", "clock/advance", {"seconds": (60 - now.minute) * 60})
    answer = stack.platform.send("POST", "accounts/default/packages", {"minutes": PACKAGE_MINUTES})
    bought = answer["packages"][-1]
    purchase = {name: bought[name] for name in ("number", "minutes", "parts", "price")}
    purchase["bought_at"] = iso(datetime.fromisoformat(bought["bought_at"]))
    entered = stack.api.request("POST", "/packages", body=purchase)
    content = f"{bought['minutes']} minutes + {bought['parts']} SMS parts for {bought['price']} CNY"
    say.line("finance", f"buys {content}, POST /packages  →  {entered.status_code}")
    say.check(entered.status_code == 201, "the purchase is in the ledger, effective at the next full hour")


def _run(stack: Stack, event: Document) -> Document:
    """Invoke the billing function, at the platform's time: that of a demo runs ahead of the machine's."""
    now = stack.platform.get("clock")["now"]
    document: Document = stack.aws.invoke(
        stack.outputs["BillingFunctionName"], {**event, "scheduled_time": now}
    )
    return document


def _statement(stack: Stack, say: Narrator, month: str) -> Document:
    _run(stack, {"action": "close"})
    statement = _run(stack, {"action": "statement", "month": month})
    say.line("billing", f"day closed, statement of {month} computed")
    return statement


def _hand_out(stack: Stack, say: Narrator, month: str) -> str:
    """Fetch the statement's files as somebody in finance would; its page."""
    folder, names = stack.folder / "bills", []
    folder.mkdir(exist_ok=True)
    for form, language in FILES:
        answer = stack.api.request(
            "GET", f"/statements/{month}", query={"format": form, "language": language}
        )
        link = answer.raise_for_status().json()["url"]
        name = f"statement{'' if language == 'en' else f'.{language}'}.{_ENDINGS.get(form, form)}"
        (folder / name).write_bytes(httpx.get(link, timeout=30).raise_for_status().content)
        names.append(name)
    say.line("finance", f"GET /statements/{month}?format=…  →  {', '.join(names)}")
    return _page(stack).read_text(encoding="utf-8")


def _page(stack: Stack) -> Path:
    return stack.folder / "bills" / "statement.html"


def _reconcile(stack: Stack, say: Narrator, month: str) -> Document:
    bucket, keys = stack.aws.client("s3"), {}
    for name in ("calls", "sms", "bill", "quota"):
        export = stack.platform.get(f"exports/{name}.csv", month=month)
        keys[name] = f"imports/{month}/{name}.csv"
        bucket.put_object(Bucket=stack.outputs["ExchangeBucket"], Key=keys[name], Body=export.encode())
    say.line("operator", f"uploads the platform's detail exports, bill and quota of {month}")
    return _run(stack, {"action": "reconcile", "month": month, **keys})
