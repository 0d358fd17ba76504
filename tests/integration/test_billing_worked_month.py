"""September 2026 of billing-rules.md §8.2 and §8.3, from pushes to the statement (C-109, U-P24)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from builders.billing import utc
from builders.books import Books, account_books
from builders.example import CALLS, LAST_CALL, MESSAGES, NUMBERS, PACKAGE, V4, Told
from builders.pushes import cdr_entry, fee_body, sms_body
from privatenumber.billing.closing.runs import state_month
from privatenumber.billing.closing.tracing import records_of_row
from privatenumber.billing.ledger import Ledger
from privatenumber.settings import Mode
from privatenumber.store.inventory import Inventory
from privatenumber.store.numbers import NumberState, NumberStore, XNumber
from privatenumber.store.versions import Version
from privatenumber.times import beijing_day, iso, platform_time

MODES = {"ax": Mode.AX, "axb": Mode.AXB}
CLOSING = utc("2026-10-03 04:00:00")
#: `direction` of a call without binding.
ABNORMAL = 2


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    with account_books() as opened:
        store = NumberStore(opened.dynamodb, opened.bindings.name)
        for holding in NUMBERS.values():
            state = NumberState.RETIRED if holding.returned else NumberState.ACTIVE
            store.put(
                XNumber(
                    holding.x,
                    holding.application,
                    "0755",
                    holding.number_type,
                    state=NumberState.SUSPENDED if holding.x == V4 else state,
                    issued_on=holding.issued_on,
                    unsubscribed_on=holding.unsubscribed_on,
                ),
                seen=None,
            )
        for call in (*CALLS, LAST_CALL):
            for _ in range(2 if call.id == "K06" else 1):
                _push_call(opened, call)
        for texts in MESSAGES:
            for number in range(texts.count):
                at = texts.since + number * texts.every
                body = sms_body(
                    smsIdentifier=f"{texts.id}-{number}",
                    virtualNumber=texts.x,
                    timeStamp=iso(at),
                    sendResult=texts.result,
                    parts=str(texts.split),
                    direction="0",
                )
                opened.push(body, at=at, application=texts.application, mode=MODES[texts.application])
        yield opened


def _push_call(books: Books, call: Told) -> None:
    answered, ended = (f"2026-{text}" if text else None for text in (call.answered, call.ended))
    assert ended is not None
    entry = cdr_entry(
        icid=call.id,
        sessionId=f"session-{call.id}",
        bindNum=call.x,
        calleeNum=call.x,
        fwdDisplayNum=call.x if answered else None,
        fwdAnswerTime=answered,
        callEndTime=platform_time(utc(ended)),
        direction=1 if answered else ABNORMAL,
        subscriptionId=f"sub-{call.application}",
    )
    at = utc(ended) + timedelta(seconds=2)
    books.push(fee_body(entry), at=at, application=call.application, mode=MODES[call.application])


@pytest.fixture(scope="module")
def ledger(books: Books) -> Ledger:
    inventory = Inventory(books.dynamodb, books.bindings.name)
    return replace(
        books.ledger(packages=[PACKAGE]),
        applications={application: f"key-of-{application}" for application in MODES},
        numbers=[number for application in MODES for number in inventory.numbers(application)],
    )


@pytest.fixture(scope="module")
def september(ledger: Ledger) -> Version:
    """The closed statement; only days with records are closed, the others would say nothing."""
    facts = [fact for texts in MESSAGES for fact in texts.facts()]
    days = {(fact.application, beijing_day(fact.at)) for fact in facts if fact.at}
    days |= {(call.application, beijing_day(utc(f"2026-{call.ended}"))) for call in CALLS}
    for application, day in sorted(days):
        ledger.closer.close(application, day, now=CLOSING)
    return state_month(ledger, "2026-09", as_of=CLOSING, stored=True)[0].version


def test_it_comes_to_the_fen(september: Version) -> None:
    told = september.document
    assert (told["state"], told["total"], told["cost_total"]) == ("closed", "114.00", "119.00")
    assert (told["rent"], told["rent_of_cost_month"]) == ("60.00", "65.00")
    assert (told["calls"]["minutes"], told["calls"]["package_minutes"]) == (605, 500)
    assert (told["calls"]["talk_seconds"], told["calls"]["amount"]) == (35_970, "10.50")
    assert (told["sms"]["parts"], told["sms"]["package_parts"], told["sms"]["amount"]) == (70, 50, "5.50")


def test_each_application_bears_its_own(ledger: Ledger, september: Version) -> None:
    shares = [line for line in ledger.statements.lines(september) if line["line"] == "share"]
    assert {each["key"]: each["total"] for each in shares if each["view"] == "application"} == {
        "ax": "65.09",
        "axb": "53.91",
    }
    views = {each["view"] for each in shares}
    sums = {
        view: sum(Decimal(each["total"]) for each in shares if each["view"] == view) for view in sorted(views)
    }
    assert set(sums.values()) == {Decimal(119)}
    assert {"mode", "x", "city", "side", "day"} <= views


def test_a_call_that_was_pushed_twice_is_one(ledger: Ledger, september: Version) -> None:
    """billing-rules.md §8.2, "K06 again"."""
    rows = [line for line in ledger.statements.lines(september) if line["line"] == "usage"]
    icids = [
        str(record.line.document().get("icid"))
        for row in rows
        if row["item"] == "call"
        for record in records_of_row(ledger, september, row)
    ]
    assert sorted(icids) == [call.id for call in CALLS]


def test_the_call_over_midnight_is_octobers(ledger: Ledger, september: Version) -> None:
    """K16: answered in September, ended at 00:01 on 1 October, Beijing (U-D24)."""
    ledger.close_days([date(2026, 10, 1)], now=CLOSING)
    october = state_month(ledger, "2026-10", as_of=CLOSING, stored=True)[0].version.document
    assert (october["calls"]["minutes"], october["calls"]["amount"], october["rent"]) == (3, "0.30", "60.00")
    (row,) = october["packages"]
    assert (row["minutes"]["used_before"], row["minutes"]["used"]) == (500, 0)
    assert september.document["calls"]["attempts"] == len(CALLS)
