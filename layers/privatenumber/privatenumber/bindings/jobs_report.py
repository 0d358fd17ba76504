"""How far a job has come, and what became of its items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from privatenumber.bindings.jobs_model import ItemState, JobState
from privatenumber.store.job_rows import STATES, ItemRow, JobRow, LaneRow
from privatenumber.store.jobs import JobStore

_LOOKED_AT: Final = 1000
"""Items that one page looks at, however rare its state is."""

_PER_READ: Final = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """A job with its counters, which always add up to its items; ``pairs_left`` counts bindings on its X.

    ``per_second`` and ``ends_at`` are guesses from what has been done since it started.
    """

    job: JobRow
    state: JobState
    counts: dict[str, int]
    per_second: float | None = None
    ends_at: datetime | None = None
    pairs_left: int | None = None


@dataclass(frozen=True, slots=True)
class ItemPage:
    """Some items in their order, and where the next page begins (None: that were all)."""

    items: tuple[ItemRow, ...]
    next_n: int | None


def progress(
    job: JobRow, lanes: Iterable[LaneRow], now: datetime, *, pairs_left: int | None = None
) -> Progress:
    """Count a job's items; before it has started none is counted but as pending."""
    counts = dict.fromkeys(STATES, 0)
    lanes = tuple(lanes)
    for lane in lanes:
        for state, number in lane.counts.items():
            counts[state] += number
    if not lanes:
        counts[ItemState.PENDING] = job.total
    ended = sum(counts.values()) - counts[ItemState.PENDING]
    state = _state(job, counts)
    per_second = _rate(job, ended, now)
    ends_at = None
    if per_second and not state.final:
        ends_at = now + timedelta(seconds=counts[ItemState.PENDING] / per_second)
    return Progress(job, state, counts, per_second, ends_at, pairs_left)


def page_of_items(
    store: JobStore, job: JobRow, *, state: ItemState | None, limit: int, start: int
) -> ItemPage:
    """Items from a number on, all or those in a state; a page may hold fewer although more follow."""
    found: list[ItemRow] = []
    end = min(job.total, start + _LOOKED_AT)
    for first in range(start, end, _PER_READ):
        rows = store.items(job.id, range(first, min(first + _PER_READ, end)))
        found += [row for row in rows if state is None or row.state == state]
        if len(found) > limit:
            return ItemPage(tuple(found[:limit]), found[limit].n)
    return ItemPage(tuple(found), end if end < job.total else None)


def _state(job: JobRow, counts: dict[str, int]) -> JobState:
    """A job whose last item has ended is at its end, also before that was written down."""
    state = JobState(job.state)
    if counts[ItemState.PENDING] or state not in (JobState.RUNNING, JobState.CANCELLING):
        return state
    return JobState.FINISHED if state is JobState.RUNNING else JobState.CANCELLED


def _rate(job: JobRow, ended: int, now: datetime) -> float | None:
    if job.started_at is None or not ended:
        return None
    took = ((job.finished_at or now) - job.started_at).total_seconds()
    return ended / took if took > 0 else None
