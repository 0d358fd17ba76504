"""When something is late, lost or to be exported: notifications.md §8.3, C-146, C-150."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.calls import CALL, ORDER, call_facts, new_facts, sms_facts
from builders.pushes import SIGNED_AT, cdr_entry, event_body, fee_body, sms_body
from privatenumber.calls.completeness import (
    CONSOLE,
    LATE,
    OFTEN,
    REMINDER,
    SELDOM,
    Patience,
    last_sign,
    missing_of_call,
    missing_of_message,
    next_look,
)
from privatenumber.calls.timeline import call_of, message_of
from privatenumber.store.calls import Call
from privatenumber.store.watched import FIRST_LOOK, watched
from privatenumber.store.worklist import CaseKind, Level

PATIENCE = Patience()
KINDS = st.sampled_from(list(CaseKind))
AGES = st.timedeltas(timedelta(), timedelta(days=40))


def call(*bodies: dict[str, Any], known: bool = True) -> Call:
    return call_of(call_facts(new_facts(*bodies)), ORDER if known else None)


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        (call(event_body("callin")), [CaseKind.CALL_UNENDED]),
        (call(event_body("callin"), event_body("answer")), [CaseKind.CALL_UNENDED]),
        (call(event_body("disconnect")), [CaseKind.CDR_MISSING]),
        (call(fee_body()), []),
        (call(fee_body(), event_body("disconnect")), []),
        (call(fee_body(), event_body("callin")), []),
        (call(fee_body(), known=False), [CaseKind.BINDING_UNKNOWN]),
        (call(event_body("disconnect"), known=False), [CaseKind.CDR_MISSING, CaseKind.BINDING_UNKNOWN]),
        (call(fee_body(cdr_entry(subscriptionId=None)), known=False), []),
    ],
)
def test_what_is_missing_follows_from_what_is_known(found: Call, kinds: list[CaseKind]) -> None:
    assert [missing.kind for missing in missing_of_call(found)] == kinds
    assert found.awaits_more is bool(kinds)


def test_a_text_waits_for_its_result_and_for_nothing_else() -> None:
    """C-150."""
    asked, told = sms_facts(new_facts(sms_body("Block"))), sms_facts(new_facts(sms_body()))
    assert [missing.kind for missing in missing_of_message(message_of(asked))] == [CaseKind.NOTICE_MISSING]
    assert missing_of_message(message_of(told)) == []


def test_an_end_without_a_time_counts_from_the_last_sign() -> None:
    found = call(event_body("answer", second=8), event_body("disconnect", timestamp=None))
    (missing,) = missing_of_call(found)
    assert missing.since == last_sign(found) == SIGNED_AT + timedelta(seconds=8)


@pytest.mark.parametrize(
    ("minutes", "level"),
    [
        (14, None),
        (15, Level.WARNING),
        (329, Level.WARNING),
        (330, Level.ALARM),
        (660, Level.LOST),
        (99_999, Level.LOST),
    ],
)
def test_a_cdr_is_late_probably_lost_and_lost(minutes: int, level: Level | None) -> None:
    """15, 330 and 660 minutes."""
    assert PATIENCE.level(CaseKind.CDR_MISSING, timedelta(minutes=minutes)) is level


@given(kind=KINDS, age=AGES)
def test_the_next_look_lies_ahead_and_passes_no_step(kind: CaseKind, age: timedelta) -> None:
    """Whatever is to be told is told when it is reached, however old a case is."""
    now = SIGNED_AT + age
    following = next_look(kind, SIGNED_AT, now, PATIENCE)
    steps = [*PATIENCE.ladder(kind).values(), REMINDER, CONSOLE]
    assert now < following <= now + SELDOM
    assert not [step for step in steps if now < SIGNED_AT + step < following]


@given(kind=KINDS)
def test_a_case_costs_few_looks_in_its_life(kind: CaseKind) -> None:
    now, looks = SIGNED_AT, 0
    while now < SIGNED_AT + CONSOLE:
        now, looks = next_look(kind, SIGNED_AT, now, PATIENCE), looks + 1
    assert looks <= (CONSOLE / OFTEN + 10 if kind is CaseKind.PUSHES_SILENT else 80)


@given(kind=KINDS, ages=st.tuples(AGES, AGES))
def test_it_never_gets_better_by_waiting(kind: CaseKind, ages: tuple[timedelta, timedelta]) -> None:
    ranks = [None, *Level]
    earlier, later = (ranks.index(PATIENCE.level(kind, age)) for age in sorted(ages))
    assert earlier <= later


def test_everything_is_told_before_the_console_forgets() -> None:
    longest = max(max(PATIENCE.ladder(kind).values()) for kind in CaseKind)
    assert longest <= LATE < REMINDER < CONSOLE


def test_a_row_waits_only_while_something_has_to_come() -> None:
    moment = datetime.fromisoformat("2026-09-02T01:00:00+00:00")
    assert watched(CALL, moment, awaited=False) == {}
    marks = watched(CALL, moment, awaited=True)
    assert marks["due_key"].startswith("WATCHED#")
    assert datetime.fromisoformat(marks["due_at"]) == moment + FIRST_LOOK
