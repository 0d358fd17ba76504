"""Which step of its life a written version is, out of the item before and after (`model.ARROWS`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from privatenumber.bindings.audit import UNKNOWN
from privatenumber.bindings.model import State
from privatenumber.store.milestones import Milestone, Step

_STEPS: Final[Mapping[str, Step]] = {
    State.ACTIVE: Step.BOUND,
    State.CLOSED: Step.CLOSED,
    State.FAILED: Step.FAILED,
}


def milestone_of(
    before: Mapping[str, Any] | None, after: Mapping[str, Any], *, at: datetime
) -> Milestone | None:
    """The step that a version of a binding makes; None when its state is the one before."""
    was, state = (before or {}).get("state"), after["state"]
    if after.get("sk") != "BINDING" or was == state or state == State.REQUESTED:
        return None
    step = _STEPS.get(state) or (Step.RELEASED if was == State.ACTIVE else Step.DISCARDED)
    return Milestone(
        application=str(after["application"]),
        binding_id=str(after["binding_id"]),
        step=step,
        at=at,
        by=_released_by(before or {}, after) if step is Step.RELEASED else str(after.get("by", UNKNOWN)),
        x=after.get("x") or None,
        area=after.get("area") or None,
        mode=after.get("mode"),
        reason=(after.get("failure_code") if step is Step.FAILED else None) or after.get("reason"),
    )


def _released_by(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Who wanted the end: of a release that waited for its grace, whoever asked for it before."""
    asked_before = before if before.get("reason") else after
    return str(asked_before.get("by", UNKNOWN))
