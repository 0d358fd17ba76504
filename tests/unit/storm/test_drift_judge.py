"""The judge of drift sees what was not repaired, not told, or still differs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from builders.fake_bindings import binding_of
from privatenumber.bindings.model import Reason, State
from privatenumber.settings import Mode
from storm.judges.drift import judge_drift
from storm.judges.verdict import Verdict

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
) -> Verdict:
    lost = binding_of(Mode.AXB, subscription_id="lost", state=state, reason=Reason.LOST)
    return judge_drift([lost], ["lost"], ["foreign-0"], ended, found, left, stranded)


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
