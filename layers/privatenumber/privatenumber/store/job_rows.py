"""What the rows of a bulk job look like in the Bindings table, and their keys, spelled here only.

Job: ``JOB#<id>`` / ``JOB``. Lane: ``JOB#<id>#<lane>`` / ``LANE``. Item: partition of its lane,
``ITEM#<number>``. Index ``due``: ``due_key`` = ``JOBS``, ``due_at`` = moment; what somebody has to look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from privatenumber.times import from_iso, iso

LANES: Final = 8
"""Partitions that the items of a job are dealt out over, and most workers that one job has."""

DUE_KEY: Final = "JOBS"
PENDING: Final = "pending"
DONE: Final = "done"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
STATES: Final = (PENDING, DONE, FAILED, CANCELLED)
"""States of an item, and names of a lane's counters; all but the first are final."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job. `version` grows with every write.

    ``params`` hold what is asked of all items, ``sealed`` the persons' numbers among it. ``cursor`` is how
    far the planning has come; ``problem`` why it could not be planned.
    """

    id: str
    kind: str
    application: str
    state: str
    version: int
    created_at: datetime
    created_by: str
    content_hash: str
    expires_at: int
    params: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    sealed: bytes | None = field(default=None, repr=False)
    total: int = 0
    cursor: str | None = None
    problem: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LaneRow:
    """A lane with its counters. Only the message with its ``ticket`` leads on; a worker has a lease on it."""

    job_id: str
    lane: int
    counts: Mapping[str, int]
    expires_at: int
    ticket: int = 1
    lease_until: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item; `version` grows with every write.

    ``begun``: it may have had an effect already. ``attempts`` count executions that nobody wrote the end of;
    until ``not_before`` it waits, ``since`` its first execution. ``made`` is the binding it has made.
    """

    job_id: str
    n: int
    state: str
    version: int
    expires_at: int
    sealed: bytes = field(repr=False)
    begun: bool = False
    attempts: int = 0
    waits: int = 0
    since: datetime | None = None
    not_before: datetime | None = None
    made: str | None = None
    problem: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DueJob:
    """A row of the index `due`: a job to be planned, or a lane that nobody has."""

    pk: str
    sk: str
    due_at: datetime

    @property
    def job_id(self) -> str:
        """The job it belongs to."""
        return self.pk.split("#")[1]

    @property
    def lane(self) -> int | None:
        """The lane; None for the job itself."""
        return int(self.pk.split("#")[2]) if self.sk == "LANE" else None


def job_key(job_id: str) -> dict[str, str]:
    """Key of a job."""
    return {"pk": f"JOB#{job_id}", "sk": "JOB"}


def lane_key(job_id: str, lane: int) -> dict[str, str]:
    """Key of a lane's row."""
    return {"pk": f"JOB#{job_id}#{lane}", "sk": "LANE"}


def item_key(job_id: str, n: int) -> dict[str, str]:
    """Key of an item, numbered from 0."""
    return {"pk": f"JOB#{job_id}#{lane_of(n)}", "sk": f"ITEM#{n:06d}"}


def lane_of(n: int) -> int:
    """The lane of an item."""
    return n % LANES


def job_item(job: JobRow) -> dict[str, Any]:
    """The whole item of a job."""
    return {
        **job_key(job.id),
        "kind": job.kind,
        "application": job.application,
        "state": job.state,
        "version": job.version,
        "created_at": iso(job.created_at),
        "created_by": job.created_by,
        "content_hash": job.content_hash,
        "expires_at": job.expires_at,
        "params": dict(job.params),
        "reason": job.reason,
        "sealed": job.sealed,
        "total": job.total,
        "cursor": job.cursor,
        "problem": job.problem,
        "started_at": _text(job.started_at),
        "finished_at": _text(job.finished_at),
        **_due(job.due_at),
    }


def read_job(item: Mapping[str, Any]) -> JobRow:
    """Read a job."""
    return JobRow(
        id=str(item["pk"]).removeprefix("JOB#"),
        kind=item["kind"],
        application=item["application"],
        state=item["state"],
        version=int(item["version"]),
        created_at=from_iso(item["created_at"]),
        created_by=item["created_by"],
        content_hash=item["content_hash"],
        expires_at=int(item["expires_at"]),
        params=item["params"],
        reason=item.get("reason"),
        sealed=item.get("sealed"),
        total=int(item["total"]),
        cursor=item.get("cursor"),
        problem=item.get("problem"),
        started_at=_moment(item, "started_at"),
        finished_at=_moment(item, "finished_at"),
        due_at=_moment(item, "due_at"),
    )


def lane_item(lane: LaneRow) -> dict[str, Any]:
    """The whole item of a lane."""
    return {
        **lane_key(lane.job_id, lane.lane),
        **{state: lane.counts.get(state, 0) for state in STATES},
        "expires_at": lane.expires_at,
        "ticket": lane.ticket,
        "lease_until": _text(lane.lease_until),
        **_due(lane.due_at),
    }


def read_lane(item: Mapping[str, Any]) -> LaneRow:
    """Read a lane."""
    _, job_id, lane = str(item["pk"]).split("#")
    return LaneRow(
        job_id=job_id,
        lane=int(lane),
        counts={state: int(item[state]) for state in STATES},
        expires_at=int(item["expires_at"]),
        ticket=int(item["ticket"]),
        lease_until=_moment(item, "lease_until"),
        due_at=_moment(item, "due_at"),
    )


def item_item(row: ItemRow) -> dict[str, Any]:
    """The whole item of a job's item."""
    return {
        **item_key(row.job_id, row.n),
        "n": row.n,
        "state": row.state,
        "version": row.version,
        "expires_at": row.expires_at,
        "sealed": row.sealed,
        "begun": row.begun or None,
        "attempts": row.attempts or None,
        "waits": row.waits or None,
        "since": _text(row.since),
        "not_before": _text(row.not_before),
        "made": row.made,
        "problem": row.problem,
        "result": row.result,
        "finished_at": _text(row.finished_at),
    }


def read_item(item: Mapping[str, Any]) -> ItemRow:
    """Read a job's item."""
    return ItemRow(
        job_id=str(item["pk"]).split("#")[1],
        n=int(item["n"]),
        state=item["state"],
        version=int(item["version"]),
        expires_at=int(item["expires_at"]),
        sealed=bytes(item["sealed"]),
        begun=item.get("begun", False),
        attempts=int(item.get("attempts", 0)),
        waits=int(item.get("waits", 0)),
        since=_moment(item, "since"),
        not_before=_moment(item, "not_before"),
        made=item.get("made"),
        problem=item.get("problem"),
        result=item.get("result"),
        finished_at=_moment(item, "finished_at"),
    )


def _due(moment: datetime | None) -> dict[str, Any]:
    return {"due_key": DUE_KEY, "due_at": iso(moment)} if moment else {}


def _text(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _moment(item: Mapping[str, Any], name: str) -> datetime | None:
    text = item.get(name)
    return from_iso(text) if text else None
