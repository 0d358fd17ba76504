"""What people decide about a listed difference: repair it after all, unbind a stranger, leave it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from privatenumber.bindings.drift_model import GONE, IGNORED, LISTED, REPAIRED, REPAIRING, difference_of
from privatenumber.bindings.drift_repair import Action, Outcome, UnderWay, carry_out, plan
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.errors import Busy, InvalidRequest, StateConflict
from privatenumber.deadline import Deadline
from privatenumber.platform.errors import NotFound, NotOwned
from privatenumber.store.drift import DriftStore, Item, StaleRun
from privatenumber.times import iso

_OPEN: Final = (LISTED, REPAIRING)


class Decision(StrEnum):
    """What shall be done."""

    REPAIR = "repair"
    """What its `action` says."""
    UNBIND = "unbind"
    """End what only the platform knows."""
    IGNORE = "ignore"


class DifferenceNotFound(Exception):
    """The run has no difference of this id."""

    def __init__(self) -> None:
        super().__init__("the run has no difference of this id")


def decide(
    engine: Engine, store: DriftStore, run: str, item: Item, decision: Decision, deadline: Deadline
) -> Item:
    """Carry a decision out on a fresh look at both sides, and write down whose it was.

    The same decision may be repeated after it was cut off. Raises StateConflict for a difference that is
    settled or under way, InvalidRequest for a decision that does not fit, Busy, PlatformError.
    """
    if item["state"] not in _OPEN:
        raise StateConflict(item["state"], "it is settled")
    if decision is Decision.IGNORE:
        return _note(engine, store, run, item, IGNORED)
    application = item["application"]
    try:
        planned = plan(engine, application, difference_of(item), deadline)
    except UnderWay:
        raise StateConflict(item["state"], "something is under way with its binding", 60) from None
    if planned is None:
        return _note(engine, store, run, item, REPAIRED if item["state"] == REPAIRING else GONE)
    stranger = planned.action is Action.DECIDE and planned.difference.binding_id is None
    if decision is Decision.UNBIND:
        subscription_id = planned.difference.subscription_id
        if not stranger or subscription_id is None:
            raise InvalidRequest("decision", "unbind is for what only the platform knows, by its id")
        begun = _note(engine, store, run, item, REPAIRING)
        _unbind(engine, application, subscription_id, deadline)
        return _note(engine, store, run, begun, REPAIRED)
    if planned.action is Action.DECIDE:
        raise InvalidRequest("decision", "nobody can repair this without knowing more: unbind or ignore it")
    begun = _note(engine, store, run, item, REPAIRING)
    outcome = carry_out(engine, planned, deadline)
    states = {Outcome.DONE: REPAIRED, Outcome.OVERTAKEN: GONE, Outcome.UNKNOWN: LISTED}
    return _note(engine, store, run, begun, states[outcome])


def _unbind(engine: Engine, application: str, subscription_id: str, deadline: Deadline) -> None:
    try:
        engine.platforms(application).unbind_standing(subscription_id, deadline=deadline)
    except (NotFound, NotOwned):
        # Gone is what was wanted (result-codes.md §5).
        return


def _note(engine: Engine, store: DriftStore, run: str, item: Item, state: str) -> Item:
    seen = int(item["version"])
    fields: dict[str, Any] = {
        **item,
        "state": state,
        "by": engine.actor,
        "why": engine.why,
        "settled_at": iso(engine.clock()),
    }
    try:
        store.put_difference(item["application"], run, item["difference_id"], fields, seen=seen)
    except StaleRun:
        raise Busy from None
    return {**fields, "version": seen + 1}
