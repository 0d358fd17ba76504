"""Drift repair as others use it: start a run, move the open ones on, read what they found."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from privatenumber.bindings.drift_decision import Decision, DifferenceNotFound, decide
from privatenumber.bindings.drift_model import Run, RunState
from privatenumber.bindings.drift_run import ACTOR, STEP_S, DriftWalk
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.references import check_why
from privatenumber.deadline import Deadline
from privatenumber.store.drift import DifferencePage, DriftStore, Item, StaleRun
from privatenumber.times import BEIJING

DAILY_HOUR: Final = 3
"""Hour of the Beijing day from which its run is made: when few bindings come and go."""

_OPEN_AMONG: Final = 10


class RunNotFound(Exception):
    """No run of the application has this id."""

    def __init__(self) -> None:
        super().__init__("no drift run of this application has this id")


@dataclass(frozen=True, slots=True)
class Report:
    """A run and one page of the differences that it found."""

    run: Run
    differences: DifferencePage


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick did. ``oldest_s``: how long ago the latest finished run of any application began."""

    runs: int
    open: int
    oldest_s: float


class DriftService:
    """Runs of drift repair, one at a time in each application."""

    def __init__(self, engine: Engine, store: DriftStore) -> None:
        self._engine = engine
        self._store = store

    def start(self, application: str, *, actor: str, repair: bool) -> Run:
        """Start a run, or return the one that is open; raises InvalidRequest for an unknown application."""
        self._engine.platforms(application)
        running = self._open(application)
        if running:
            return running
        now = self._engine.clock()
        return self._create(
            application, f"r{now:%Y-%m-%dt%H%M%S}{secrets.token_hex(4)}", actor, repair=repair
        )

    def runs(self, application: str, *, limit: int) -> tuple[Run, ...]:
        """The latest runs of an application, newest first."""
        return tuple(map(Run.from_item, self._store.runs(application, limit=limit)))

    def report(self, application: str, run: str, *, limit: int, after: str | None = None) -> Report:
        """A run with its differences; raises RunNotFound."""
        item = self._store.run(application, run)
        if item is None:
            raise RunNotFound
        found = self._store.differences(application, run, limit=limit, after=after)
        return Report(Run.from_item(item), found)

    def decide(
        self, application: str, run: str, difference: str, decision: Decision, *, deadline: Deadline
    ) -> Item:
        """Settle a listed difference by hand, in the engine's name and for its reason; see `decide`.

        Raises also DifferenceNotFound, and InvalidRequest without a reason.
        """
        check_why(self._engine.why)
        if not self._engine.why:
            raise InvalidRequest("why", "is required: a decision about a difference is written down")
        item = self._store.difference(application, run, difference)
        if item is None:
            raise DifferenceNotFound
        return decide(self._engine, self._store, run, item, decision, deadline)

    def tick(self, applications: Iterable[str], *, left: Callable[[], float]) -> Ticked:
        """Make the runs of the day, and move open ones on while time is left; the rest goes on later.

        Invocations may overlap and die: a run that somebody is at is left to him until his lease is over.
        """
        walk = DriftWalk(self._engine, self._store, left)
        moved = still_open = 0
        oldest = 0.0
        for application in applications:
            self._make_daily(application)
            run = self._open(application)
            if run and run.due_at <= self._engine.clock() and left() >= STEP_S:
                moved += 1
                run = self._advance(walk, run)
            still_open += run is not None and run.state is not RunState.DONE
            oldest = max(oldest, self._age_s(application))
        return Ticked(moved, still_open, oldest)

    def _advance(self, walk: DriftWalk, run: Run) -> Run:
        try:
            return walk.advance(run)
        except StaleRun:
            # Another invocation is at it.
            return run

    def _make_daily(self, application: str) -> None:
        local = self._engine.clock().astimezone(BEIJING)
        if local.hour < DAILY_HOUR or self._open(application):
            return
        name = f"r{local.date().isoformat()}"
        if self._store.run(application, name) is None:
            self._create(application, name, ACTOR, repair=True)

    def _create(self, application: str, name: str, actor: str, *, repair: bool) -> Run:
        now = self._engine.clock()
        run = Run(application, name, RunState.COMPARING, repair, actor, now, now)
        try:
            self._store.put_run(application, name, run.to_item(), seen=None)
        except StaleRun:
            # Another invocation has just made it.
            item = self._store.run(application, name)
            if item is None:
                raise
            return Run.from_item(item)
        return Run.from_item({**run.to_item(), "run_id": name, "version": 1})

    def _open(self, application: str) -> Run | None:
        runs = self.runs(application, limit=_OPEN_AMONG)
        return next((run for run in runs if run.state is not RunState.DONE), None)

    def _age_s(self, application: str) -> float:
        """Seconds since the latest finished run began; since the first one of all while none is finished."""
        runs = self.runs(application, limit=_OPEN_AMONG)
        finished = [run.started_at for run in runs if run.state is RunState.DONE]
        began: list[datetime] = finished or [run.started_at for run in runs]
        if not began:
            return 0.0
        reference = max(finished) if finished else min(began)
        return max(self._engine.clock() - reference, timedelta()).total_seconds()
