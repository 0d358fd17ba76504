"""Routes of bulk jobs: create, look at, list the items, cancel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from privatenumber import http_request
from privatenumber.bindings.bootstrap import Rooms
from privatenumber.bindings.jobs_model import JobNotFound
from privatenumber.bindings.jobs_report import Progress
from privatenumber.http_api import Response, answer
from privatenumber.http_request import InvalidFields, Request
from privatenumber.store.job_rows import ItemRow
from privatenumber.times import iso

from . import queries
from .job_requests import read_item_state, read_job
from .paths import Route

_ID: Final = re.compile(r"j[a-z2-7]{1,64}", re.ASCII)
_CURSOR: Final = re.compile(r"[0-9]{1,6}", re.ASCII)


def create_job(rooms: Rooms, request: Request) -> Response:
    """POST /jobs: 202, also for the same request again."""
    author = queries.read_author(request)
    command = read_job(request, queries.read_idempotency_key(request), author)
    found, new = rooms.jobs.create(command, deadline=request.deadline)
    headers = {"location": f"/jobs/{found.job.id}"} | ({} if new else {"idempotent-replay": "true"})
    return answer(202, job_view(found), headers)


def read_job_progress(rooms: Rooms, request: Request) -> Response:
    """GET /jobs/{job}."""
    return answer(200, job_view(rooms.jobs.get(_job_id(request))))


def list_items(rooms: Rooms, request: Request) -> Response:
    """GET /jobs/{job}/items?state=."""
    page = rooms.jobs.items(
        _job_id(request),
        state=read_item_state(request),
        limit=http_request.read_limit(request.query, 100),
        start=_start(request),
    )
    cursor = None if page.next_n is None else str(page.next_n)
    return answer(200, {"items": [item_view(row) for row in page.items], "next_cursor": cursor})


def cancel_job(rooms: Rooms, request: Request) -> Response:
    """POST /jobs/{job}/cancel: 202 while items that had begun go on."""
    found = rooms.jobs.cancel(_job_id(request))
    return answer(200 if found.state.final else 202, job_view(found))


def job_view(found: Progress) -> dict[str, Any]:
    """Show a job and how far it has come."""
    job = found.job
    return {
        "id": job.id,
        "kind": job.kind,
        "application": job.application,
        "state": found.state.value,
        "problem": job.problem,
        "total": job.total,
        "counts": found.counts,
        "per_second": None if found.per_second is None else round(found.per_second, 3),
        "ends_at": _text(found.ends_at),
        "x": job.params.get("x"),
        "pairs_left": found.pairs_left,
        "created_by": job.created_by,
        "why": job.reason,
        "created_at": iso(job.created_at),
        "started_at": _text(job.started_at),
        "finished_at": _text(job.finished_at),
    }


def item_view(row: ItemRow) -> dict[str, Any]:
    """Show what became of an item; nothing of what was asked for comes out again."""
    return {
        "n": row.n,
        "state": row.state,
        "problem": row.problem,
        "result": row.result,
        "next_attempt_at": _text(row.not_before),
        "finished_at": _text(row.finished_at),
    }


def _job_id(request: Request) -> str:
    identity = request.path.get("job", "")
    if not _ID.fullmatch(identity):
        raise JobNotFound
    return identity


def _start(request: Request) -> int:
    cursor = http_request.read_cursor(request.query) or "0"
    if not _CURSOR.fullmatch(cursor):
        raise InvalidFields(("cursor", "is not one that a list has answered"))
    return int(cursor)


def _text(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


ROUTES: Final[Mapping[str, Route]] = {
    "POST /jobs": create_job,
    "GET /jobs/{job}": read_job_progress,
    "GET /jobs/{job}/items": list_items,
    "POST /jobs/{job}/cancel": cancel_job,
}
