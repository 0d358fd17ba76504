"""Bulk jobs as others use them: create, look at, cancel; and a worker's run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from privatenumber.bindings.engine import Engine, told
from privatenumber.bindings.errors import Busy
from privatenumber.bindings.jobs_commands import read_job
from privatenumber.bindings.jobs_model import NUDGE, ItemState, JobCommand, JobNotFound, JobState, Kind
from privatenumber.bindings.jobs_planning import CannotPlan, Files, admit, give_up, plan, source_of
from privatenumber.bindings.jobs_report import ItemPage, Progress, page_of_items, progress
from privatenumber.bindings.jobs_run import Act, LaneWorker
from privatenumber.bindings.jobs_sources import Listed
from privatenumber.bindings.jobs_step import do
from privatenumber.bindings.jobs_sweep import JobWork, Queue
from privatenumber.deadline import Deadline
from privatenumber.store.files import FileMissing
from privatenumber.store.job_rows import JobRow, LaneRow
from privatenumber.store.jobs import JobStore, LaneLeft, LaneTaken, Overtaken

LEASE: Final = timedelta(seconds=120)
"""How long a worker may have a lane; longer than any worker lives."""

_LONGEST_DELAY_S: Final = 900
_WALK_DELAY_S: Final = 5
"""What was bound a moment ago is not in the indexes yet: a walk waits for it."""

_WALKS: Final = (Kind.RELEASE_PERSON, Kind.REPLACE_PERSON, Kind.DRAIN_NUMBER)
_ROUNDS: Final = 5


def _no_files(key: str) -> bytes:
    raise FileMissing("no exchange bucket here")


class JobService:
    """Bulk jobs over one engine. Every operation that writes also raises `Busy`; it may be repeated."""

    def __init__(
        self, engine: Engine, store: JobStore, queue: Queue, files: Files = _no_files, *, act: Act = do
    ) -> None:
        self._engine = engine
        self._store = store
        self._queue = queue
        self._files = files
        self._act = act

    def create(self, command: JobCommand, *, deadline: Deadline) -> tuple[Progress, bool]:
        """Write a job down and let it begin; says whether this request made it, or the same one before.

        A repetition goes on where an earlier request was cut off. Raises InvalidRequest, IdempotencyMismatch.
        """
        job, new = admit(self._store, read_job(self._engine, command))
        if job.state == JobState.PLANNING and command.items is not None:
            job = plan(self._engine, self._store, job, Listed(command.items), deadline)
            if job.state == JobState.PLANNING:
                raise Busy
            self._send_lanes(job)
        elif job.state == JobState.PLANNING and new:
            delay_s = _WALK_DELAY_S if Kind(job.kind) in _WALKS or "created_before" in job.params else 0
            self._queue.send([JobWork(job.id)], delay_s=delay_s)
        return self._progress(job), new

    def get(self, job_id: str) -> Progress:
        """A job and how far it has come; raises JobNotFound."""
        return self._progress(self._load(job_id))

    def items(self, job_id: str, *, state: ItemState | None, limit: int, start: int) -> ItemPage:
        """Items of a job in their order, from a number on; raises JobNotFound."""
        return page_of_items(self._store, self._load(job_id), state=state, limit=limit, start=start)

    def cancel(self, job_id: str) -> Progress:
        """End what has not begun; what has begun goes on to its end. Raises JobNotFound."""
        for _ in range(_ROUNDS):
            job = self._load(job_id)
            if job.state not in (JobState.PLANNING, JobState.RUNNING):
                return self._progress(job)
            planning = job.state == JobState.PLANNING
            after = replace(
                job,
                state=(JobState.CANCELLED if planning else JobState.CANCELLING).value,
                version=job.version + 1,
                finished_at=self._engine.clock() if planning else None,
                total=0 if planning else job.total,
                due_at=None,
            )
            try:
                with told():
                    self._store.replace(after, seen=job.version)
            except Overtaken:
                continue
            self._send_lanes(after)
            return self._progress(after)
        raise Busy

    def run(self, work: JobWork, *, deadline: Deadline) -> bool:
        """Do what a message asks for; False: another worker is at it, the message may come again.

        Raises JobNotFound, SealBroken, and whatever is no outcome of a single item.
        """
        job = self._load(work.job_id)
        if work.lane is None:
            self._plan(job, deadline)
            return True
        now = self._engine.clock()
        try:
            lane = self._store.take(job.id, work.lane, ticket=work.ticket, now=now, until=now + LEASE)
        except LaneLeft:
            return True
        except LaneTaken:
            return False
        self._work(job, lane, deadline)
        return True

    def _plan(self, job: JobRow, deadline: Deadline) -> None:
        if job.state != JobState.PLANNING or job.due_at is None:
            # Planned already, or its items come with its request.
            self._send_lanes(job)
            return
        try:
            source = source_of(self._engine, job, self._files)
            job = plan(self._engine, self._store, job, source, deadline)
        except CannotPlan as error:
            job = give_up(self._engine, self._store, job, str(error))
        if job.state == JobState.PLANNING:
            self._queue.send([JobWork(job.id)])
        else:
            self._send_lanes(job)

    def _work(self, job: JobRow, lane: LaneRow, deadline: Deadline) -> None:
        worker = LaneWorker(self._engine, self._store, job, act=self._act)
        worked = worker.work(lane.lane, deadline)
        now = self._engine.clock()
        if worked.next_at is None:
            self._conclude(job.id)
            self._store.give_back(lane, due_at=None)
            return
        delay_s = min(max(0, int((worked.next_at - now).total_seconds())), _LONGEST_DELAY_S)
        due_at = now + timedelta(seconds=delay_s) + NUDGE
        if self._store.give_back(lane, due_at=due_at):
            self._queue.send([JobWork(job.id, lane.lane, lane.ticket + 1)], delay_s=delay_s)
        if worker.unknown_key:
            raise worker.unknown_key

    def _conclude(self, job_id: str) -> None:
        """Write the end of a job whose last item has ended; raises Busy."""
        for _ in range(_ROUNDS):
            job = self._load(job_id)
            reached = self._progress(job)
            if JobState(job.state).final or not reached.state.final:
                return
            after = replace(
                job,
                state=reached.state.value,
                version=job.version + 1,
                finished_at=self._engine.clock(),
            )
            try:
                with told():
                    self._store.replace(after, seen=job.version)
            except Overtaken:
                continue
            return
        raise Busy

    def _send_lanes(self, job: JobRow) -> None:
        """Let workers take the lanes that have something to do; a message too many does no harm."""
        if JobState(job.state).final:
            return
        open_lanes = [lane for lane in self._store.lanes(job) if lane.due_at]
        self._queue.send(JobWork(job.id, lane.lane, lane.ticket) for lane in open_lanes)

    def _load(self, job_id: str) -> JobRow:
        job = self._store.job(job_id)
        if job is None:
            raise JobNotFound
        return job

    def _progress(self, job: JobRow) -> Progress:
        lanes = self._store.lanes(job) if job.started_at else ()
        number = self._engine.numbers.get(job.params["x"]) if "x" in job.params else None
        pairs_left = number.pairs if number else None
        return progress(job, lanes, self._engine.clock(), pairs_left=pairs_left)
