"""The judge of drift sees what was not repaired, not told, or still differs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders.fake_bindings import binding_of
from privatenumber.bindings.model import Reason, State
from privatenumber.settings import Mode
from storm.judges.drift import DriftWatch, Told, judge_drift
from storm.judges.verdict import Verdict
from storm.tables import Written

NOW = datetime(2026, 9, 14, 8, tzinfo=UTC)
FOREIGN = {"subscription_id": "foreign-0", "kind": "platform_only", "x": "+8617002000001", "state": "listed"}
ENDED = {"foreign-0": (NOW, "unbound")}


def judged(
    *,
    state: State = State.CLOSED,
    found: Any = (FOREIGN,),
    ended: Any = ENDED,
    left: Any = (),
    stranded: Any = (),
    was_stranded: Any = (),
    then: Any = (),
) -> Verdict:
    lost = binding_of(Mode.AXB, subscription_id="lost", state=state, reason=Reason.LOST)
    on = {**dict.fromkeys(was_stranded, False), **dict.fromkeys(stranded, True)}
    return judge_drift([lost], ["lost"], ["foreign-0"], ended, Told(found, left, then), on)


def test_what_was_repaired_and_told_is_in_order() -> None:
    assert judged().holds


def test_a_lost_binding_that_lives_on_here_is_a_breach() -> None:
    assert not judged(state=State.ACTIVE).holds


def test_a_foreign_binding_that_nobody_told_of_or_ended_is_a_breach() -> None:
    assert not judged(found=()).holds
    assert not judged(ended={}).holds


def test_what_a_last_run_finds_is_a_breach() -> None:
    assert not judged(left=(FOREIGN,)).holds
    assert not judged(left=(FOREIGN,), stranded=(FOREIGN["x"],)).holds


def test_what_nobody_can_name_is_excused_once_where_an_axyb_lives_whose_answer_was_lost() -> None:
    nameless = {**FOREIGN, "subscription_id": None}
    assert not judged(left=(nameless,)).holds
    assert not judged(left=(nameless,), stranded=("+8617004000001",)).holds
    assert judged(left=(nameless,), stranded=(FOREIGN["x"],)).holds
    assert not judged(left=(nameless, nameless), stranded=(FOREIGN["x"],)).holds
    assert not judged(left=({**nameless, "kind": "ours_only"},), stranded=(FOREIGN["x"],)).holds


OURS_ONLY = {**FOREIGN, "kind": "ours_only", "subscription_id": "lost"}
NAMELESS = {"kind": "platform_only", "x": FOREIGN["x"], "state": "listed"}
LATER = NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    "invented",
    [
        OURS_ONLY,
        {**FOREIGN, "subscription_id": "ours"},
        {**FOREIGN, "kind": "different"},
        NAMELESS,
    ],
    ids=["lives at the platform", "is one of ours", "does not differ", "nobody is there"],
)
def test_a_difference_that_there_never_was_is_a_breach(invented: Mapping[str, Any]) -> None:
    """A false one makes people end what is in order."""
    assert not judged(then=[(NOW, invented)]).holds
    for state in ("suspected", "gone"):
        assert judged(then=[(NOW, {**invented, "state": state})]).holds


def test_what_is_told_before_it_was_so_is_a_breach() -> None:
    lost = {**ENDED, "lost": (LATER, "unbound")}
    assert not judged(then=[(NOW, OURS_ONLY)], ended=lost).holds
    assert judged(then=[(LATER, OURS_ONLY)], ended=lost).holds


def test_a_binding_of_the_console_and_one_whose_answer_was_lost_are_told_rightly() -> None:
    assert judged(then=[(NOW, FOREIGN), (NOW, NAMELESS)], was_stranded=(FOREIGN["x"],)).holds


def test_the_moments_at_which_differences_are_listed_are_kept() -> None:
    watch = DriftWatch(lambda: NOW)
    for state in ("suspected", "listed", "ignored"):
        row = {"state": state}
        watch.hear(Written("BindingsTable", ("DRIFT#app#run", "DIFFERENCE#1"), None, row, {}))
    watch.hear(Written("BindingsTable", ("BINDING#1", "BINDING"), None, {"state": "listed"}, {}))
    assert watch.listed() == [NOW]
