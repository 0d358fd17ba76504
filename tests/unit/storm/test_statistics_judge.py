"""The judge of statistics sees a call that is counted twice, or not, or as another one than it was."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

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
from storm.judges.statistics import judge_statistics
from storm.judges.verdict import Verdict
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
