"""The judge of webhooks sees what was not told, told in another order, or told of others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from builders.fake_bindings import binding_of
from privatenumber.bindings.model import Binding, State
from privatenumber.settings import Mode
from storm.judges.told import judge_told
from storm.judges.verdict import Verdict
from storm.platform import application_id
from storm.receiver import Told

NOW = datetime(2026, 9, 14, 8, tzinfo=UTC)
WHOLE = ("binding.requested", "binding.active", "binding.releasing", "binding.released")
CDR = {("CALL#storm-axb#one", "CDR#1"): {"kind": "cdr", "application": application_id("AXB"), "icid": "1"}}


def made(state: State = State.CLOSED, mode: Mode = Mode.AXB) -> Binding:
    return binding_of(mode, id="one", order="order-1", state=state)


def judged(
    bindings: list[Binding],
    *kinds: str,
    rows: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
    subject: str = "binding#one",
) -> Verdict:
    taken = [Told(NOW, f"event-{number}", kind, subject) for number, kind in enumerate(kinds)]
    return judge_told(bindings, rows or {}, taken, planned=True)


def test_a_binding_whose_whole_life_was_told_is_in_order() -> None:
    assert judged([made()], *WHOLE).holds
    assert judged([made(State.ACTIVE)], *WHOLE[:2]).holds
    assert judged([made(State.FAILED)], "binding.requested", "binding.failed").holds


@pytest.mark.parametrize("left_out", ["binding.requested", "binding.releasing", "binding.released"])
def test_a_step_that_nobody_was_told_of_is_a_breach(left_out: str) -> None:
    assert not judged([made()], *(kind for kind in WHOLE if kind != left_out)).holds


def test_steps_in_another_order_are_a_breach() -> None:
    assert not judged([made()], "binding.requested", "binding.active", "binding.released", WHOLE[2]).holds


def test_telling_of_a_binding_of_another_application_is_a_breach() -> None:
    assert judged([made(mode=Mode.AX)], "binding.requested").breaches


def test_a_cdr_that_nobody_was_told_of_is_a_breach() -> None:
    assert not judged([], rows=CDR).holds
    assert judged([], "call.recorded", rows=CDR, subject="call#one").holds


def test_nothing_told_is_no_failure_when_no_order_is_of_the_application_that_asked() -> None:
    assert judge_told([made(mode=Mode.AX)], {}, [], planned=False).state == "not judged"
    assert judge_told([made(mode=Mode.AX)], {}, [], planned=True).state == "BROKEN"
