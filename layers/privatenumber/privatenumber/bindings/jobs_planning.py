"""Planning a job: what was asked is checked and written down, then its items, piece by piece.

Each piece is written together with how far the planning has come, so whoever goes on after a crash leaves
nothing out and writes nothing twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from privatenumber.bindings.draining import drain
from privatenumber.bindings.engine import Engine, told
from privatenumber.bindings.errors import IdempotencyMismatch
from privatenumber.bindings.jobs_model import (
    MAX_ITEM_BYTES,
    MAX_ITEMS,
    NUDGE,
    JobState,
    Kind,
    open_people,
    seal_item,
)
from privatenumber.bindings.jobs_sources import (
    Batch,
    Listed,
    MadeBefore,
    OfPerson,
    OnX,
    Source,
    SourceChanged,
)
from privatenumber.deadline import Deadline
from privatenumber.privacy import token
from privatenumber.store.files import FileMissing, FileTooLarge
from privatenumber.store.job_rows import LANES, PENDING, ItemRow, JobRow, LaneRow, lane_of
from privatenumber.store.jobs import JobStore, Overtaken
from privatenumber.times import from_iso

_END: Final = "end"
_LEAST_S: Final = 1.0
_PERSONS: Final = (Kind.RELEASE_PERSON, Kind.REPLACE_PERSON)

Files = Callable[[str], bytes]
"""Reads a file of the exchange bucket; raises FileMissing, FileTooLarge."""


class CannotPlan(Exception):
    """The items of the job cannot be found; the text says why, without anything of a file's content."""


def admit(store: JobStore, job: JobRow) -> tuple[JobRow, bool]:
    """Write a new job, or find the one that the same request made; raises IdempotencyMismatch."""
    with told():
        known = store.add(job)
    if known is None:
        return job, True
    if known.content_hash != job.content_hash:
        raise IdempotencyMismatch
    return known, False


def plan(engine: Engine, store: JobStore, job: JobRow, source: Source, deadline: Deadline) -> JobRow:
    """Write items until there are no more, and start the job, or until the time is over.

    Raises CannotPlan, Busy.
    """
    while job.state == JobState.PLANNING and deadline.remaining() > _LEAST_S:
        try:
            if job.cursor == _END:
                job = _started(engine, store, job)
            else:
                job = _appended(engine, store, job, source.after(job.cursor))
        except SourceChanged:
            raise CannotPlan("the file has changed while it was read") from None
        except Overtaken:
            job = store.job(job.id) or job
    return job


def give_up(engine: Engine, store: JobStore, job: JobRow, why: str) -> JobRow:
    """Note that a job cannot be planned."""
    after = replace(
        job,
        state=JobState.FAILED.value,
        version=job.version + 1,
        problem=why,
        total=0,
        finished_at=engine.clock(),
        due_at=None,
    )
    with told():
        try:
            store.replace(after, seen=job.version)
        except Overtaken:
            return store.job(job.id) or job
    return after


def source_of(engine: Engine, job: JobRow, files: Files) -> Source:
    """Where the items of a job come from that are not in its request; a number to be drained is so first.

    Raises CannotPlan, Busy.
    """
    kind, params = Kind(job.kind), job.params
    if kind in _PERSONS:
        return OfPerson(engine, job.application, open_people(engine.keyring, job)["number"])
    if kind is Kind.DRAIN_NUMBER:
        _drain(engine, job)
        return OnX(engine, job.application, params["x"])
    if "created_before" in params:
        return MadeBefore(engine, job.application, from_iso(params["created_before"]))
    return _listed(engine, job, files)


def _appended(engine: Engine, store: JobStore, job: JobRow, batch: Batch) -> JobRow:
    """Write some items; raises Overtaken, Busy, CannotPlan."""
    total = job.total + len(batch.items)
    if total > MAX_ITEMS:
        raise CannotPlan(f"more than {MAX_ITEMS} items")
    rows = [
        ItemRow(job.id, n, PENDING, 1, job.expires_at, seal_item(engine.keyring, job.id, n, text))
        for n, text in enumerate(batch.items, job.total)
    ]
    due_at = job.due_at and engine.clock() + NUDGE
    cursor = _END if batch.cursor is None else batch.cursor
    after = replace(job, version=job.version + 1, total=total, cursor=cursor, due_at=due_at)
    with told():
        store.append(after, rows, seen=job.version)
    return after


def _started(engine: Engine, store: JobStore, job: JobRow) -> JobRow:
    """Open the lanes; a job without items is finished at once. Raises Overtaken, Busy."""
    now = engine.clock()
    state = JobState.RUNNING if job.total else JobState.FINISHED
    after = replace(
        job,
        state=state.value,
        version=job.version + 1,
        started_at=now,
        finished_at=None if job.total else now,
        due_at=None,
    )
    lanes = [
        LaneRow(job.id, lane, {PENDING: _in_lane(lane, job.total)}, job.expires_at, due_at=now + NUDGE)
        for lane in range(min(LANES, job.total))
    ]
    with told():
        store.start(after, lanes, seen=job.version)
    return after


def _in_lane(lane: int, total: int) -> int:
    """How many of the items 0 to total - 1 belong to a lane."""
    return len(range(lane_of(lane), total, LANES))


def _drain(engine: Engine, job: JobRow) -> None:
    """Let the number take no new bindings; raises CannotPlan, Busy."""
    if not drain(engine.acting(f"job:{job.id}", job.reason), job.params["x"], job.application):
        raise CannotPlan("the number does not belong to the application any more")


def _listed(engine: Engine, job: JobRow, files: Files) -> Listed:
    """The lines of a job's file that are not blank, under a mark that another content would not have."""
    try:
        content = files(job.params["file"])
    except FileMissing:
        raise CannotPlan("the exchange bucket has no such file") from None
    except FileTooLarge as error:
        raise CannotPlan(f"the file has {error}") from None
    try:
        lines = [line for line in content.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise CannotPlan("the file is not UTF-8") from None
    if len(lines) > MAX_ITEMS:
        raise CannotPlan(f"more than {MAX_ITEMS} items")
    for n, line in enumerate(lines, 1):
        if len(line.encode()) > MAX_ITEM_BYTES:
            raise CannotPlan(f"item {n} has more than {MAX_ITEM_BYTES} bytes")
    return Listed(lines, token(engine.keyring, hashlib.sha256(content).hexdigest(), purpose="job file"))
