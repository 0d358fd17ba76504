"""Which version of a binding is a step of its life, and whose (operations.md §14)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from privatenumber.bindings.milestones import milestone_of
from privatenumber.store.milestones import Step, step_attributes

AT = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
DISPATCH = "arn:aws-cn:iam::123456789012:user/dispatch"
SWEEP = "system:sweep"


def item(state: str, by: str = DISPATCH, **more: Any) -> dict[str, Any]:
    """A binding as the stream shows it."""
    return {
        "sk": "BINDING",
        "state": state,
        "by": by,
        "application": "ride",
        "binding_id": "b1",
        "x": "+8617010000001",
        "area": "0755",
        "mode": "AXB",
        **more,
    }


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        ("REQUESTED", "ACTIVE", Step.BOUND),
        ("ACTIVE", "RELEASING", Step.RELEASED),
        ("REQUESTED", "RELEASING", Step.DISCARDED),
        (None, "RELEASING", Step.DISCARDED),
        ("RELEASING", "CLOSED", Step.CLOSED),
        ("REQUESTED", "FAILED", Step.FAILED),
    ],
)
def test_each_arrow_to_another_state_is_a_step(before: str | None, after: str, step: Step) -> None:
    """design.md §4; what was bound and thrown away at once is bound and released at the platform."""
    found = milestone_of(item(before) if before else None, item(after), at=AT)
    assert found
    assert found.step is step


@pytest.mark.parametrize("state", ["REQUESTED", "ACTIVE", "RELEASING", "CLOSED"])
def test_a_version_in_the_same_state_is_none(state: str) -> None:
    assert milestone_of(item(state), item(state), at=AT) is None


def test_a_request_alone_is_none() -> None:
    assert milestone_of(None, item("REQUESTED"), at=AT) is None


def test_a_number_makes_none() -> None:
    assert milestone_of(None, {"sk": "NUMBER", "state": "active"}, at=AT) is None


def test_a_release_is_by_whoever_began_it() -> None:
    found = milestone_of(item("ACTIVE"), item("RELEASING", SWEEP, reason="expired"), at=AT)
    assert found
    assert (found.by, found.reason) == (SWEEP, "expired")


def test_a_release_after_a_grace_is_by_whoever_asked_for_it() -> None:
    """The sweep only does what a person has wanted."""
    found = milestone_of(item("ACTIVE", reason="deleted"), item("RELEASING", SWEEP, reason="deleted"), at=AT)
    assert found
    assert found.by == DISPATCH


def test_a_failure_tells_the_code_of_the_platform() -> None:
    found = milestone_of(item("REQUESTED"), item("FAILED", failure_code="1012102"), at=AT)
    assert found
    assert found.reason == "1012102"


def test_a_step_stands_under_the_beijing_day_on_which_it_was_made() -> None:
    """16:30 UTC is the next day there."""
    found = milestone_of(item("REQUESTED"), item("ACTIVE"), at=AT)
    assert found
    kept = step_attributes(found)
    assert kept["step_key"].rpartition("#")[0] == "ride#2026-03-02"
    assert kept["step_at"] == "2026-03-01T16:30:00.000Z#b1"
