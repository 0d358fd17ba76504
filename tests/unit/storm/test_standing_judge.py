"""The judge of every moment sees what the platform holds, makes or ends against our books."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from builders.fake_bindings import binding_of
from emulator.platform import Emulator
from privatenumber.settings import Mode
from storm.judges.standing import Life, States, StateWatch, judge_standing, strands
from storm.judges.troubles import lost_binds
from storm.judges.verdict import Verdict
from storm.plan import Fault
from storm.platform import Door
from storm.tables import Written
from storm.upheavals import Console

BEGAN = datetime(2026, 9, 14, 8, tzinfo=UTC)
ENDED = BEGAN + timedelta(hours=2)
MINUTE = timedelta(minutes=1)
LIFE = Life("s1", "AXB", "+8617002000001", frozenset({"anna", "ben"}), BEGAN, BEGAN, ENDED, "unbound")
WHOLE: States = (
    (BEGAN, "REQUESTED"),
    (BEGAN, "ACTIVE"),
    (ENDED, "RELEASING"),
    (ENDED, "CLOSED"),
)


def judged(
    *lives: Life, states: States = WHOLE, unheard: tuple[datetime, ...] = (), **upheavals: dict[str, datetime]
) -> Verdict:
    console = Console(cast("Emulator", None), cast("Door", None), **cast("Any", upheavals))
    bindings = [binding_of(Mode.AXB, id="b1", subscription_id="s1")]
    return judge_standing(Verdict("places", "says"), lives, bindings, {"b1": states}, console, unheard)


def unknown(mode: str = "AXYB", number: int = 1, **changes: Any) -> Life:
    return replace(LIFE, id=f"unknown-{number}", mode=mode, x=f"x{number}", **changes)


def test_a_binding_that_is_released_and_then_closed_is_in_order() -> None:
    assert judged(LIFE).holds


def test_what_is_closed_with_us_and_lives_at_the_platform_is_a_breach_though_it_ends_later() -> None:
    assert not judged(replace(LIFE, ends=None, why=None)).holds
    assert not judged(replace(LIFE, ends=ENDED + MINUTE, why="expired")).holds


def test_what_is_unbound_while_nobody_releases_it_is_a_breach() -> None:
    at = BEGAN + MINUTE
    assert not judged(replace(LIFE, ends=at)).holds
    assert judged(replace(LIFE, ends=at), lost={"s1": at}).holds
    assert not judged(replace(LIFE, ends=at), lost={"s1": at + MINUTE}).holds


def test_what_is_bound_when_nobody_asked_for_it_is_a_breach() -> None:
    assert not judged(replace(LIFE, begins=BEGAN - MINUTE)).holds
    assert not judged(replace(LIFE, begins=BEGAN + MINUTE)).holds


def test_a_late_bind_with_a_row_of_its_own_was_no_request_of_this_row() -> None:
    stray = ((ENDED, "RELEASING"), (ENDED, "CLOSED"))
    assert judged(LIFE, states=stray).holds


def test_what_the_platform_bound_and_no_row_names_is_a_breach_unless_its_console_made_it() -> None:
    assert not judged(unknown("AXB")).holds
    assert judged(unknown("AXB"), foreign={"unknown-1": BEGAN}).holds


def test_an_axyb_that_no_row_names_has_a_fault_of_its_own_at_its_moment() -> None:
    assert judged(unknown(), unheard=(BEGAN,)).holds
    assert not judged(unknown(), unheard=(BEGAN + MINUTE,)).holds
    assert not judged(unknown("AX"), unheard=(BEGAN,)).holds
    assert not judged(unknown(), unknown(number=2), unheard=(BEGAN,)).holds
    assert judged(unknown(), unknown(number=2), unheard=(BEGAN, BEGAN)).holds


def test_two_that_put_one_person_on_one_x_at_a_time_are_a_breach() -> None:
    other = replace(LIFE, id="foreign-0", people=frozenset({"anna", "carl"}))
    foreign = {"foreign-0": BEGAN}
    assert not judged(
        LIFE, replace(other, begins=ENDED - MINUTE, since=ENDED - MINUTE), foreign=foreign
    ).holds
    assert judged(LIFE, replace(other, begins=ENDED, since=ENDED), foreign=foreign).holds


def test_strands_are_what_nobody_names() -> None:
    console = Console(cast("Emulator", None), cast("Door", None), foreign={"foreign-0": BEGAN})
    bindings = [binding_of(Mode.AXB, subscription_id="s1")]
    lives = [LIFE, replace(LIFE, id="foreign-0"), unknown()]
    assert [one.id for one in strands(lives, bindings, console)] == ["unknown-1"]


@pytest.mark.parametrize(
    ("kind", "params", "function", "loses"),
    [
        ("platform.timeout_after_success", {"api": "axyb.ax_bind"}, "BindingsFunction", True),
        ("platform.timeout_before", {"api": "axyb.ax_bind"}, "BindingsFunction", False),
        ("platform.timeout_after_success", {"api": "axyb.yb_bind"}, "BindingsFunction", False),
        ("function.crash", {"function": "BindingsFunction"}, "BindingsFunction", True),
        ("function.crash", {"function": "BillingFunction"}, "BillingFunction", False),
        ("table.outage", {}, "JobsWorkerFunction", True),
        ("table.outage", {}, "WatchFunction", False),
    ],
)
def test_only_faults_that_keep_the_answer_from_being_written_down_lose_a_bind(
    kind: str, params: dict[str, Any], function: str, *, loses: bool
) -> None:
    assert bool(list(lost_binds(Fault("f1", kind, 0.0, params=params), [(BEGAN, function)]))) is loses


def test_states_are_kept_moment_by_moment() -> None:
    watch = StateWatch(lambda: BEGAN)
    for state in ("REQUESTED", "REQUESTED", "ACTIVE"):
        row = {"binding_id": "b1", "state": state}
        watch.hear(Written("BindingsTable", ("BINDING#b1", "BINDING"), None, row, {}))
    assert watch.then == {"b1": [(BEGAN, "REQUESTED"), (BEGAN, "ACTIVE")]}
