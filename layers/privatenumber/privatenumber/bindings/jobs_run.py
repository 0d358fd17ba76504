"""A worker on a lane: its pending items one after the other, each claimed before and counted after.

One worker at a time has a lane, and few have lanes at all, so a job leaves room for single requests. While
the platform takes no requests the lane waits, and none of its items fails for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from privatenumber.bindings.engine import Engine, told
from privatenumber.bindings.errors import Busy
from privatenumber.bindings.jobs_model import JobState, Task, Unreadable, open_task
from privatenumber.bindings.jobs_outcomes import INTERNAL, NOT_SETTLED, Done, Failed, Outcome, Wait
from privatenumber.bindings.jobs_step import do
from privatenumber.deadline import Deadline
from privatenumber.privacy import SealBroken
from privatenumber.store.job_rows import CANCELLED, DONE, FAILED, ItemRow, JobRow
from privatenumber.store.jobs import ROWS_PER_WRITE, JobStore, Overtaken

ITEM_S: Final = 15.0
"""Most time that one item gets; without it no further one is begun."""

RESERVE_S: Final = 2.0
"""Kept for writing down what came of the last item."""

LOOK_EVERY: Final = 10
"""Items between two looks at whether the job has been cancelled."""

MAX_ATTEMPTS: Final = 5
"""Executions without an end after which an item is given up: it kills its workers."""

PATIENCE: Final = timedelta(days=6)
"""So long an item may go on without coming to an end, less than its Idempotency-Key is remembered."""

_FIRST_WAIT_S: Final = 15
_LONGEST_WAIT_S: Final = 900
_PAUSE_S: Final = 60
_CLAIM_MARGIN_S: Final = 30

Act = Callable[[Engine, Task, Deadline], Outcome]
"""Carries an item out as far as it goes now."""

_LOG: Final = logging.getLogger("privatenumber.bindings")


@dataclass(frozen=True, slots=True)
class Worked:
    """What a worker leaves: when the lane goes on, None when it has no pending item any more."""

    next_at: datetime | None


class LaneWorker:
    """Works on the items of one lane."""

    def __init__(
        self,
        engine: Engine,
        store: JobStore,
        job: JobRow,
        *,
        act: Act = do,
    ) -> None:
        self._engine = engine
        self._store = store
        self._job = job
        self._act = act
        self._looked = 0
        self.unknown_key: SealBroken | None = None
        """Somebody seals under a key that is not on the keyring: it is to be read again."""

    def work(self, lane: int, deadline: Deadline) -> Worked:
        """Work until the lane is empty, waits or the time is over. Raises Busy."""
        unstarted: list[ItemRow] = []
        next_at: datetime | None = None
        for row in self._store.pending(self._job.id, lane):
            if not row.begun and self._cancelled():
                unstarted.append(row)
                continue
            now = self._engine.clock()
            if row.not_before and row.not_before > now:
                next_at = min(next_at or row.not_before, row.not_before)
                continue
            if deadline.remaining() < ITEM_S + RESERVE_S:
                next_at = now
                break
            again = self._item(row, deadline)
            if again.at:
                next_at = min(next_at or again.at, again.at)
            if again.all_wait:
                break
        self._cancel(unstarted)
        return Worked(next_at)

    def _cancelled(self) -> bool:
        """Whether the job has been cancelled, as far as a look at it now and then tells."""
        self._looked += 1
        if self._job.state == JobState.RUNNING and self._looked % LOOK_EVERY == 0:
            self._job = self._store.job(self._job.id) or self._job
        return self._job.state == JobState.CANCELLING

    def _item(self, row: ItemRow, deadline: Deadline) -> _Again:
        """Do one item; says when it is looked at again."""
        try:
            if row.attempts >= MAX_ATTEMPTS:
                return self._end(row, FAILED, Failed(INTERNAL))
            claimed = self._claim(row)
            return self._settle(claimed, self._outcome(claimed, deadline), begun=row.begun)
        except Overtaken:
            return _Again(self._engine.clock() + timedelta(seconds=_FIRST_WAIT_S))

    def _claim(self, row: ItemRow) -> ItemRow:
        """Note that an execution begins, before it can have an effect. Raises Overtaken, Busy."""
        now = self._engine.clock()
        claimed = replace(
            row,
            version=row.version + 1,
            begun=True,
            attempts=row.attempts + 1,
            since=row.since or now,
            not_before=now + timedelta(seconds=ITEM_S + _CLAIM_MARGIN_S),
        )
        with told():
            self._store.keep(claimed, seen=row.version)
        return claimed

    def _outcome(self, row: ItemRow, deadline: Deadline) -> Outcome | None:
        """Carry the item out; None when it ended in a way that nobody foresaw."""
        limit = Deadline.after(min(ITEM_S, max(0.0, deadline.remaining() - RESERVE_S)))
        try:
            return self._act(self._engine, open_task(self._engine.keyring, self._job, row), limit)
        except Unreadable:
            return Failed("invalid-fields", {"field": "items", "detail": "an item must be a JSON object"})
        except SealBroken as broken:
            if broken.key_id is None or broken.key_id in self._engine.keyring.data_keys:
                _LOG.error("item cannot be opened", extra={"job": row.job_id, "item": row.n})
                return None
            self.unknown_key = broken
            return Wait()
        except Exception:
            _LOG.exception("item failed", extra={"job": row.job_id, "item": row.n})
            return None

    def _settle(self, row: ItemRow, outcome: Outcome | None, *, begun: bool) -> _Again:
        """Write what came of an execution; ``begun``: an earlier one may have had an effect.

        Raises Overtaken, Busy.
        """
        if isinstance(outcome, Done):
            return self._end(row, DONE, outcome)
        if isinstance(outcome, Failed):
            return self._end(row, FAILED, outcome)
        if outcome is None:
            return self._later(row, Wait(), attempts=row.attempts, begun=True)
        if not outcome.paused and row.since and row.since + PATIENCE <= self._engine.clock():
            return self._end(row, FAILED, Failed(NOT_SETTLED))
        return self._later(row, outcome, attempts=0, begun=begun or not outcome.paused)

    def _later(self, row: ItemRow, wait: Wait, *, attempts: int, begun: bool) -> _Again:
        now = self._engine.clock()
        if wait.paused:
            until = wait.until or now + timedelta(seconds=_PAUSE_S)
        else:
            delay = min(_FIRST_WAIT_S * 2 ** min(row.waits, 8), _LONGEST_WAIT_S)
            until = now + timedelta(seconds=delay)
        made = wait.made or row.made
        waiting = replace(
            row,
            version=row.version + 1,
            # What was only held up by a pause has had no effect, and can be cancelled.
            begun=begun or made is not None,
            attempts=attempts,
            waits=row.waits if wait.paused else row.waits + 1,
            since=row.since if begun or made else None,
            not_before=until,
            made=made,
        )
        with told():
            self._store.keep(waiting, seen=row.version)
        return _Again(until, all_wait=wait.paused)

    def _end(self, row: ItemRow, state: str, outcome: Done | Failed) -> _Again:
        ended = replace(
            row,
            state=state,
            version=row.version + 1,
            not_before=None,
            finished_at=self._engine.clock(),
            result=outcome.result if isinstance(outcome, Done) else None,
            problem=outcome.problem if isinstance(outcome, Failed) else None,
        )
        with told():
            self._store.finish([(ended, row.version)])
        self._engine.count("JobItemsDone" if state == DONE else "JobItemsFailed", 1)
        return _Again(None)

    def _cancel(self, rows: list[ItemRow]) -> None:
        """End items that nobody has begun; raises Busy."""
        now = self._engine.clock()
        for start in range(0, len(rows), ROWS_PER_WRITE):
            part = rows[start : start + ROWS_PER_WRITE]
            ended = [
                (replace(row, state=CANCELLED, version=row.version + 1, finished_at=now), row.version)
                for row in part
            ]
            try:
                with told():
                    self._store.finish(ended)
            except Overtaken:
                raise Busy from None


@dataclass(frozen=True, slots=True)
class _Again:
    """When an item is looked at again (None: never), and whether all others wait for the same."""

    at: datetime | None
    all_wait: bool = False
