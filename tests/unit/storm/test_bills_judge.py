"""The judge of bills sees a fen, a minute or a call in the wrong place, whatever the month comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from emulator.callscript import CallScript
from emulator.inventory import PushUrls
from emulator.platform import Emulator
from emulator.world import AxbBinding
from storm.judges.bills import Charged, charged, judge_statement, stated_sums
from storm.judges.verdict import Verdict
from storm.orders import person
from storm.platform import app_key, furnish, settings, x_numbers

START = datetime(2026, 9, 14, tzinfo=UTC)
X = x_numbers("AXB")[0]
ORDERS = {"one": "order-1"}
USED = {"attempts": 1, "connected": 1, "talk_seconds": 61, "minutes": 2, "amount": "0.1274"}
NOTHING = {**dict.fromkeys(USED, 0), "messages": 0, "parts": 0, "sms": 0, "rent": 0}
CALL = {"item": "call", "quantity": 2, "package_quantity": 0, "rounded": "0.13"}
RENT = {"item": "rent", "quantity": 1, "package_quantity": 0, "rounded": "5.00"}
BOOKED = {"item": "correction", "quantity": 1, "package_quantity": 0, "rounded": "4.33"}
STATEMENT: Mapping[str, Any] = {
    "month": "2026-09",
    "state": "open",
    "made_at": "2026-10-03T16:10:00.000Z",
    "calls": {"attempts": 1, "connected": 1, "talk_seconds": 61, "minutes": 2},
    "sms": {"messages": 0},
    "total": "9.46",
    "components": [CALL, RENT, BOOKED],
    "by_application": [{"application": "storm-axb", **NOTHING, **USED, "rent": "5.00"}],
    "by_x": [{"application": "storm-axb", "x": X, **NOTHING, **USED, "rent": "5.00"}],
    "by_order": [
        {"application": "storm-axb", "order": "order-1", **NOTHING, **USED},
        {"application": "storm-axb", "order": None, **NOTHING, "rent": "5.00"},
    ],
}


@pytest.fixture(scope="module")
def truth() -> Charged:
    """One call of 61 seconds of one order, and the rent of its X."""
    emulator = Emulator(settings(1), start=START)
    furnish(emulator)
    for application in list(emulator.world.applications.values()):
        emulator.world.put_application(replace(application, urls=PushUrls()))
    emulator.world.add_axb(AxbBinding("one", app_key("AXB"), X, person(1), person(2), START))
    emulator.calls.place(CallScript(caller=person(1), called=X, outcome="answered", talk_s=61))
    asyncio.run(emulator.scheduler.advance(600))
    (call,) = emulator.calls.calls.values()
    everything = charged(emulator, "2026-09", {call.icid: START})
    return replace(everything, rents=[("storm-axb", X, Decimal("5.00"))])


def nothing(event: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"changed": False}


def judged(
    truth: Charged, document: Mapping[str, Any], run: Callable[[Mapping[str, Any]], Any] = nothing
) -> Verdict:
    verdict = Verdict("bills", "")
    judge_statement(verdict, "2026-09", document, truth, ORDERS, run)
    return verdict


@pytest.mark.parametrize("state", ["open", "closed"])
def test_a_statement_of_the_truth_is_in_order(truth: Charged, state: str) -> None:
    assert judged(truth, {**STATEMENT, "state": state}).holds


@pytest.mark.parametrize("name", ["attempts", "connected", "talk_seconds", "minutes"])
def test_a_call_too_many_is_a_breach(truth: Charged, name: str) -> None:
    assert not judged(truth, {**STATEMENT, "calls": {**STATEMENT["calls"], name: 62}}).holds


def test_an_sms_too_many_is_a_breach(truth: Charged) -> None:
    assert not judged(truth, {**STATEMENT, "sms": {"messages": 1}}).holds


@pytest.mark.parametrize(
    "component",
    [{**CALL, "rounded": "0.12"}, {**CALL, "quantity": 3}, {**CALL, "item": "sms"}],
    ids=["fen", "minute", "item"],
)
def test_a_component_that_is_wrong_is_a_breach(truth: Charged, component: Mapping[str, Any]) -> None:
    assert not judged(truth, {**STATEMENT, "components": [component, RENT]}).holds


@pytest.mark.parametrize("group", ["by_application", "by_x", "by_order"])
@pytest.mark.parametrize("name", [*USED, "messages", "parts", "sms", "rent"])
def test_a_line_of_a_group_that_is_wrong_is_a_breach(truth: Charged, group: str, name: str) -> None:
    first, *rest = STATEMENT[group]
    wrong = {**first, name: Decimal(str(first[name])) + 1}
    assert not judged(truth, {**STATEMENT, group: [wrong, *rest]}).holds


@pytest.mark.parametrize(
    ("group", "key"), [("by_application", "application"), ("by_x", "x"), ("by_order", "order")]
)
def test_what_is_booked_on_another_key_is_a_breach(truth: Charged, group: str, key: str) -> None:
    first, *rest = STATEMENT[group]
    assert not judged(truth, {**STATEMENT, group: [{**first, key: "another"}, *rest]}).holds


def answers(correction: Mapping[str, Any]) -> Any:
    """A billing function that has nothing else to say."""

    def run(event: Mapping[str, Any]) -> Mapping[str, Any]:
        assert event == {"action": "correct", "month": "2026-09"}
        return correction

    return run


@pytest.mark.parametrize("state", ["open", "closed"])
def test_corrections_of_other_months_are_none_of_a_months_own(state: str) -> None:
    stated = stated_sums({**STATEMENT, "state": state}, answers({"changed": False}))
    assert (stated["total"], stated["rent"], stated["attempts"]) == (Decimal("5.13"), Decimal(5), Decimal(1))


def test_a_closed_month_is_what_its_correction_says() -> None:
    after = [CALL, CALL, RENT]
    stated = stated_sums({**STATEMENT, "state": "closed"}, answers({"changed": True, "after": after}))
    assert (stated["total"], stated["charged minutes"]) == (Decimal("5.26"), Decimal(4))
    assert stated["rent"] == Decimal(5)
    assert "attempts" not in stated


def test_minutes_of_a_corrected_month_are_held_to_the_truth(truth: Charged) -> None:
    closed = {**STATEMENT, "state": "closed", "components": []}
    assert judged(truth, closed, answers({"changed": True, "after": [CALL, RENT]})).holds
    more = {**CALL, "quantity": 3}
    assert not judged(truth, closed, answers({"changed": True, "after": [more, RENT]})).holds


class TestAfterTheClose:
    """A call that came after the close and costs nothing is not counted; one that costs is corrected."""

    CLOSED: Mapping[str, Any] = {**STATEMENT, "state": "closed"}

    def with_another(self, truth: Charged, at: datetime | None, minutes: int = 0) -> Charged:
        (one,) = truth.calls
        call = replace(one.call, icid="another", answered_at=None)
        came = {**truth.came, **({"another": at} if at else {})}
        return replace(truth, calls=[one, replace(one, call=call, minutes=minutes)], came=came)

    def test_one_that_costs_nothing_is_not_counted(self, truth: Charged) -> None:
        assert judged(self.with_another(truth, None), self.CLOSED).holds
        assert judged(self.with_another(truth, datetime(2026, 10, 4, tzinfo=UTC)), self.CLOSED).holds

    def test_one_that_came_before_is(self, truth: Charged) -> None:
        assert not judged(self.with_another(truth, START), self.CLOSED).holds

    def test_in_an_open_month_it_is(self, truth: Charged) -> None:
        assert not judged(self.with_another(truth, None), STATEMENT).holds

    def test_one_that_costs_has_to_be_corrected(self, truth: Charged) -> None:
        assert not judged(self.with_another(truth, None, minutes=1), self.CLOSED).holds
