"""The judge of statistics sees a call that is counted twice, or not, or as another one than it was."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from builders.fake_bindings import binding_of
from builders.keyrings import KEYRING
from emulator.callscript import CallScript
from emulator.inventory import PushUrls
from emulator.platform import Emulator
from emulator.world import AxbBinding
from privatenumber.bindings.model import State
from privatenumber.privacy import token
from privatenumber.settings import Mode
from privatenumber.store.fact_rows import call_key, key_part
from storm.judges.statistics import judge_days, judge_statistics
from storm.judges.verdict import Verdict
from storm.operators import CountedDay
from storm.orders import person
from storm.platform import OURS, app_key, application_id, furnish, settings, x_numbers

START = datetime(2026, 9, 14, tzinfo=UTC)
LINE = {
    "attempts": 1,
    "connected": 1,
    "duration_s": 10,
    "records": 1,
    "sms_sends": 0,
    "binds": 1,
    "closed": 1,
}


def judged(*facts: str, **changes: int) -> Verdict:
    """One call of ten seconds, of which these facts came, and a binding that is over."""
    emulator = Emulator(settings(1), start=START)
    furnish(emulator)
    for application in list(emulator.world.applications.values()):
        emulator.world.put_application(replace(application, urls=PushUrls()))
    x = x_numbers("AXB")[0]
    emulator.world.add_axb(AxbBinding("one", app_key("AXB"), x, person(1), person(2), START))
    emulator.calls.place(CallScript(caller=person(1), called=x, outcome="answered", talk_s=10))
    asyncio.run(emulator.scheduler.advance(600))
    (call,) = emulator.calls.calls.values()
    pk = call_key(OURS[call.app_key], token(KEYRING, call.session_id, purpose="session"))
    rows = {(pk, fact if fact != "CDR" else f"CDR#{key_part(call.icid)}"): {"sk": fact} for fact in facts}
    binding = binding_of(Mode.AXB, application=application_id("AXB"), state=State.CLOSED)
    return judge_statistics(emulator, rows, KEYRING, [binding], {application_id("AXB"): {**LINE, **changes}})


def test_what_was_told_and_counted_is_in_order() -> None:
    assert judged("CDR", "EVENT#answer").holds


def test_a_call_that_is_counted_twice_or_longer_than_it_was_is_a_breach() -> None:
    assert not judged("CDR", attempts=2).holds
    assert not judged("CDR", duration_s=11).holds


def test_a_call_of_which_nothing_came_must_not_be_counted() -> None:
    assert not judged().holds
    assert judged(attempts=0, connected=0, duration_s=0, records=0).holds


def test_without_its_cdr_an_answered_call_may_be_told_as_long_as_its_events_say() -> None:
    assert judged("EVENT#answer", records=0).holds
    assert judged("EVENT#answer", records=0, duration_s=0).holds
    assert not judged("EVENT#answer", records=0, connected=0).holds


def test_a_binding_that_is_not_counted_is_a_breach() -> None:
    assert not judged("CDR", binds=0).holds


DAY = date(2026, 9, 14)
CALL = ("CALL#storm-ax#one", "CALL")


def days(
    first: int, again: int, *, as_of: str | None = "2026-09-15T00:00:00.000Z", rows: Any = None
) -> Verdict:
    """A day whose daily run counted so many calls, and the count after it so many."""
    verdict = Verdict("statistics", "", judged=1)
    one = CountedDay(
        "storm-ax", DAY, as_of, {"attempts": first, "final": False}, {"attempts": again, "final": True}
    )
    today = CountedDay("storm-ax", date(2026, 9, 17), None, {}, {})
    judge_days(verdict, [one, today], {"BillsTable": {}, "BindingsTable": {}, **(rows or {})})
    return verdict


def came(at: str, kind: str = "cdr") -> dict[str, Any]:
    """A call of the day whose last fact came then."""
    told = {"kind": kind, "received_at": at} if kind != "decision" else {"kind": kind, "at": at}
    row = {"kind": "call", "application": "storm-ax", "started_at": "2026-09-14T08:00:00.000Z"}
    return {"BillsTable": {CALL: row, (CALL[0], "FACT"): told}}


def stepped(at: str) -> dict[str, Any]:
    row = {"application": "storm-ax", "step_at": f"{at}#b1"}
    return {"BindingsTable": {("AUDIT#BINDING#b1", "000000000001"): row}}


EARLY, LATE = "2026-09-14T09:00:00.000Z", "2026-09-15T02:00:00.000Z"


def test_what_a_daily_run_made_of_a_day_is_what_it_is_counted_again() -> None:
    assert days(3, 3).holds
    assert not days(2, 3).holds
    assert not days(4, 3).holds


def test_what_was_there_before_the_run_is_no_excuse() -> None:
    assert not days(2, 3, rows=came(EARLY)).holds


def test_what_came_after_the_run_changes_its_day_and_no_other() -> None:
    for kind in ("event", "cdr", "sms", "decision"):
        assert days(2, 3, rows=came(LATE, kind)).holds
    late = came(LATE)
    late["BillsTable"][CALL]["started_at"] = "2026-09-13T08:00:00.000Z"
    assert not days(2, 3, rows=late).holds
    late["BillsTable"][CALL] |= {"started_at": EARLY, "application": "storm-x"}
    assert not days(2, 3, rows=late).holds


def test_a_binding_that_ended_after_the_run_changes_the_day_of_its_end() -> None:
    assert not days(2, 3, rows=stepped(EARLY)).holds
    assert not days(2, 3, rows=stepped(LATE)).holds
    assert days(2, 3, as_of="2026-09-14T08:00:00.000Z", rows=stepped(EARLY)).holds


def test_a_day_that_no_run_ever_counted_is_a_breach() -> None:
    assert not days(0, 3, as_of=None).holds
