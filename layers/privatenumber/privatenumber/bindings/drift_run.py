"""A drift run: walks an application's X numbers, and some minutes later settles what it found there.

Every step is bounded and its cursor is stored, so a run goes on where it stopped, in another invocation and
after a crash; what is done again changes nothing. A difference counts only when it is still there after every
request that was on its way has arrived.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from privatenumber.bindings.backoff import PAUSES, pause_end
from privatenumber.bindings.drift import Difference, Kind, compare
from privatenumber.bindings.drift_model import (
    GONE,
    LISTED,
    REPAIRED,
    REPAIRING,
    SUSPECTED,
    Run,
    RunState,
    difference_of,
    shown,
)
from privatenumber.bindings.drift_reading import read_both
from privatenumber.bindings.drift_repair import Action, Outcome, Plan, UnderWay, carry_out, plan
from privatenumber.bindings.engine import IN_FLIGHT_MARGIN_S, Engine
from privatenumber.deadline import Deadline
from privatenumber.platform.errors import PlatformError
from privatenumber.settings import Mode
from privatenumber.store.drift import DriftStore, Item, StaleRun
from privatenumber.times import iso

ACTOR: Final = "system:drift"
SETTLE_S: Final = 30 + IN_FLIGHT_MARGIN_S
"""A difference is looked at again this much later: longer than a request and its delay can take."""

LEASE_S: Final = 330
"""Longer than an invocation: then another one goes on with the run."""

STEP_S: Final = 20.0
"""Most time of one look at an X or a difference, its requests included."""

MOST_REPAIRS: Final = 500
"""Repairs of one run. More of them are no drift but something that people should see first."""

_NUMBERS_PER_STEP: Final = 20
_DIFFERENCES_PER_STEP: Final = 20
_STUMBLES: Final = 3
_LATER: Final = timedelta(seconds=60)


class _Stop(Exception):
    """The slice ends here; the run goes on at ``due_at``."""

    def __init__(self, due_at: datetime, *, stumbled: bool = False) -> None:
        super().__init__("stop")
        self.due_at = due_at
        self.stumbled = stumbled


class DriftWalk:
    """Moves runs on. ``left`` tells the seconds that the invocation still has for it."""

    def __init__(self, engine: Engine, store: DriftStore, left: Callable[[], float]) -> None:
        self._engine = engine.acting(ACTOR)
        self._store = store
        self._left = left

    def advance(self, run: Run) -> Run:
        """Do what can be done of a due run in the time that is left; raises StaleRun for another's run."""
        now = self._engine.clock()
        if run.state is RunState.DONE or run.due_at > now:
            return run
        claimed = self._save(run, due_at=now + timedelta(seconds=LEASE_S))
        if self._engine.platforms(run.application).application.mode is Mode.X:
            # The platform stores nothing that could differ.
            return self._finished(claimed)
        goes_on = True
        while goes_on:
            claimed, goes_on = self._step(claimed)
        return claimed

    def _step(self, run: Run) -> tuple[Run, bool]:
        return self._compare(run) if run.state is RunState.COMPARING else self._repair(run)

    def _compare(self, run: Run) -> tuple[Run, bool]:
        """Look at the next numbers; what differs on them is suspected."""
        page = self._engine.numbers.page(run.application, limit=_NUMBERS_PER_STEP, after=run.cursor)
        for number in page.numbers:
            if self._left() < STEP_S:
                return self._save(run, due_at=self._engine.clock()), False
            try:
                living, found = self._on(run, number.x)
            except _Stop as stop:
                return self._stopped(run, stop), False
            for difference in found:
                self._suspect(run, difference)
            run = replace(
                run,
                cursor=number.rank,
                numbers=run.numbers + 1,
                bindings=run.bindings + living,
                lost=run.lost + sum(one.kind is Kind.OURS_ONLY for one in found),
                stumbles=0,
            )
        if page.next_rank is not None:
            return self._save(run, cursor=page.next_rank), True
        due_at = self._engine.clock() + timedelta(seconds=SETTLE_S)
        return self._save(run, state=RunState.REPAIRING, cursor=None, due_at=due_at), False

    def _on(self, run: Run, x: str) -> tuple[int, list[Difference]]:
        """How many of our bindings live on an X, and what differs there."""
        deadline = self._deadline()
        try:
            sides = read_both(self._engine, run.application, x, deadline)
        except PlatformError as error:
            if self._given_up(run, error):
                return 0, [Difference(Kind.UNREAD, x)]
            raise self._stop(error) from error
        return len(sides.ours), list(compare(sides.ours, sides.held, self._engine.clock()))

    def _suspect(self, run: Run, difference: Difference) -> None:
        fields = {
            **shown(difference),
            "application": run.application,
            "state": SUSPECTED,
            "expires_at": run.expires_at,
        }
        try:
            self._store.put_difference(run.application, run.id, difference.id, fields, seen=None)
        except StaleRun:
            # Found again: a slice that was cut off did not store its cursor.
            return

    def _repair(self, run: Run) -> tuple[Run, bool]:
        """Look at the next suspected differences again, and do what may be done."""
        page = self._store.differences(run.application, run.id, limit=_DIFFERENCES_PER_STEP, after=run.cursor)
        for item in page.items:
            if self._left() < STEP_S:
                return self._save(run, due_at=self._engine.clock()), False
            try:
                kind, state, repaired = self._resolve(run, item)
            except _Stop as stop:
                return self._stopped(run, stop), False
            counts = {**run.counts, f"{kind}.{state}": run.counts.get(f"{kind}.{state}", 0) + 1}
            run = replace(
                run,
                cursor=item["difference_id"],
                counts=counts,
                stumbles=0,
                repaired=run.repaired + repaired,
            )
        if page.cursor is not None:
            return self._save(run), True
        return self._finished(run), False

    def _resolve(self, run: Run, item: Item) -> tuple[str, str, bool]:
        """Bring a difference to a final state; its kind, that state, and whether it was repaired."""
        if item["state"] not in (SUSPECTED, REPAIRING):
            return item["kind"], item["state"], item["state"] == REPAIRED
        deadline = self._deadline()
        try:
            planned = plan(self._engine, run.application, difference_of(item), deadline)
            if planned is None:
                # What was begun before a crash has come to its end.
                return self._closed(run, item, REPAIRED if item["state"] == REPAIRING else GONE)
            if not self._may(run, planned.action):
                return self._closed(run, item, LISTED, planned)
            begun = self._note(run, item, REPAIRING, planned)
            outcome = carry_out(self._engine, planned, deadline)
        except UnderWay:
            if item["state"] == SUSPECTED:
                return self._closed(run, item, GONE)
            if run.stumbles + 1 >= _STUMBLES:
                return self._closed(run, item, LISTED)
            # A repair that was cut off stands in the binding as a change: the worker ends it first.
            raise _Stop(self._engine.clock() + _LATER, stumbled=True) from None
        except PlatformError as error:
            if self._given_up(run, error):
                return self._closed(run, item, LISTED)
            raise self._stop(error) from error
        return self._closed(run, begun, _STATES[outcome], planned)

    def _may(self, run: Run, action: Action) -> bool:
        """Tell whether a run may do this by itself."""
        allowed = run.repair and run.repaired < MOST_REPAIRS
        return allowed and action is not Action.DECIDE and not (action is Action.CLOSE and run.wholesale)

    def _closed(self, run: Run, item: Item, state: str, planned: Plan | None = None) -> tuple[str, str, bool]:
        noted = self._note(run, item, state, planned)
        self._engine.count(_METRICS[state], 1)
        return noted["kind"], state, state == REPAIRED

    def _note(self, run: Run, item: Item, state: str, planned: Plan | None) -> Item:
        seen = int(item["version"])
        found = shown(planned.difference) | {"action": planned.action.value} if planned else {}
        fields = {**item, **found, "state": state, "settled_at": iso(self._engine.clock())}
        self._store.put_difference(run.application, run.id, item["difference_id"], fields, seen=seen)
        return {**fields, "version": seen + 1}

    def _finished(self, run: Run) -> Run:
        return self._save(run, state=RunState.DONE, cursor=None, finished_at=self._engine.clock())

    def _given_up(self, run: Run, error: PlatformError) -> bool:
        """A pause is waited for; anything else is tried some times, and then the run goes on without it."""
        return not isinstance(error, PAUSES) and run.stumbles + 1 >= _STUMBLES

    def _stop(self, error: PlatformError) -> _Stop:
        now = self._engine.clock()
        until = pause_end(now, error) or now + _LATER
        return _Stop(max(until, now), stumbled=not isinstance(error, PAUSES))

    def _stopped(self, run: Run, stop: _Stop) -> Run:
        return self._save(run, due_at=stop.due_at, stumbles=run.stumbles + stop.stumbled)

    def _deadline(self) -> Deadline:
        return Deadline.after(min(STEP_S, max(self._left(), 0.0)))

    def _save(self, run: Run, **changes: Any) -> Run:
        after = replace(run, **changes)
        self._store.put_run(run.application, run.id, after.to_item(), seen=run.version or None)
        return replace(after, version=run.version + 1)


_STATES: Final = {Outcome.DONE: REPAIRED, Outcome.OVERTAKEN: GONE, Outcome.UNKNOWN: LISTED}
_METRICS: Final = {REPAIRED: "DriftRepaired", LISTED: "DriftListed", GONE: "DriftGone"}
