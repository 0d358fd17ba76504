"""The judge of stories sees a row that says too much, too little, or another moment than it was."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from builders.keyrings import KEYRING
from emulator.callrecord import Call
from emulator.callscript import CallScript
from emulator.inventory import PushUrls
from emulator.platform import Emulator
from emulator.world import AxbBinding
from privatenumber.privacy import token
from privatenumber.store.fact_rows import call_key, key_part
from privatenumber.times import iso
from storm.judges.stories import judge_stories
from storm.judges.verdict import Verdict
from storm.orders import person
from storm.platform import OURS, app_key, furnish, settings, x_numbers

START = datetime(2026, 9, 14, tzinfo=UTC)
EVENTS = ("callin", "callout", "alerting", "answer", "disconnect")
LATER = "2026-09-14T09:09:09.000Z"


class Bench:
    """A call of ten seconds, or one that nobody answered, and the row of it as it was."""

    def __init__(self, outcome: Literal["answered", "no_answer"] = "answered") -> None:
        self.emulator = Emulator(settings(1), start=START)
        furnish(self.emulator)
        for application in list(self.emulator.world.applications.values()):
            self.emulator.world.put_application(replace(application, urls=PushUrls()))
        x = x_numbers("AXB")[0]
        self.emulator.world.add_axb(AxbBinding("one", app_key("AXB"), x, person(1), person(2), START))
        script = CallScript(caller=person(1), called=x, outcome=outcome, talk_s=10)
        self.emulator.calls.place(script)
        asyncio.run(self.emulator.scheduler.advance(600))
        (self.call,) = self.emulator.calls.calls.values()
        self.cdr = f"CDR#{key_part(self.call.icid)}"

    def row(self, **changes: Any) -> dict[str, Any]:
        told = _told(self.call) | changes
        return {name: value for name, value in told.items() if value is not None}

    def judged(self, row: dict[str, Any] | None, *facts: str) -> Verdict:
        pk = call_key(OURS[self.call.app_key], token(KEYRING, self.call.session_id, purpose="session"))
        rows: dict[tuple[str, str], dict[str, Any]] = {(pk, fact): {} for fact in facts}
        if row is not None:
            rows[pk, "CALL"] = row
        return judge_stories(self.emulator, rows, KEYRING)


def _told(call: Call) -> dict[str, Any]:
    def at(moment: datetime | None) -> str | None:
        return iso(moment) if moment else None

    return {
        "state": "settled",
        "started_at": at(call.call_in_at),
        "called_out_at": at(call.started_at),
        "alerting_at": at(call.alerting_at),
        "answered_at": at(call.answered_at),
        "ended_at": at(call.ended_at),
        "talk_seconds": call.talk_seconds if call.answered_at else None,
    }


@pytest.fixture(scope="module")
def answered() -> Bench:
    return Bench()


@pytest.fixture(scope="module")
def unanswered() -> Bench:
    return Bench("no_answer")


def test_a_settled_call_as_it_was_is_in_order(answered: Bench, unanswered: Bench) -> None:
    assert answered.judged(answered.row(), answered.cdr).holds
    assert unanswered.judged(unanswered.row(), unanswered.cdr, "EVENT#callin").holds


@pytest.mark.parametrize("name", ["started_at", "called_out_at", "alerting_at", "answered_at", "ended_at"])
@pytest.mark.parametrize("told", [None, LATER])
def test_another_moment_or_none_is_a_breach(answered: Bench, name: str, told: str | None) -> None:
    assert not answered.judged(answered.row(**{name: told}), answered.cdr).holds


@pytest.mark.parametrize("change", [{"state": "ended"}, {"talk_seconds": 11}, {"talk_seconds": None}])
def test_another_state_or_length_is_a_breach(answered: Bench, change: dict[str, Any]) -> None:
    assert not answered.judged(answered.row(**change), answered.cdr).holds


@pytest.mark.parametrize("change", [{"answered_at": LATER}, {"talk_seconds": 0}])
def test_a_call_that_nobody_answered_has_no_talk(unanswered: Bench, change: dict[str, Any]) -> None:
    assert not unanswered.judged(unanswered.row(**change), unanswered.cdr).holds


@pytest.mark.parametrize(
    ("events", "state", "lacks"),
    [
        (EVENTS, "ended", ()),
        (EVENTS[:4], "answered", ("ended_at", "talk_seconds")),
        (EVENTS[:1], "arrived", ("called_out_at", "alerting_at", "answered_at", "ended_at", "talk_seconds")),
        (("callin", "disconnect"), "ended", ("called_out_at", "alerting_at", "answered_at", "talk_seconds")),
    ],
)
def test_without_its_record_a_call_is_what_its_events_tell(
    answered: Bench, events: tuple[str, ...], state: str, lacks: tuple[str, ...]
) -> None:
    facts = [f"EVENT#{event}" for event in events]
    row = answered.row(state=state, **dict.fromkeys(lacks))
    assert answered.judged(row, *facts).holds
    assert not answered.judged({**row, "state": "settled"}, *facts).holds
    for name in lacks:
        assert not answered.judged(row | {name: answered.row()[name]}, *facts).holds


def test_a_call_of_which_something_came_has_a_row(answered: Bench) -> None:
    assert not answered.judged(None, answered.cdr).holds
    assert not answered.judged(None, "EVENT#callin").holds
    assert not answered.judged(None, "DECISION").holds


def test_a_row_without_any_fact_is_made_up(answered: Bench) -> None:
    assert answered.judged(answered.row()).breaches
    assert not answered.judged(None).breaches
