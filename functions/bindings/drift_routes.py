"""Routes of drift repair, and of the release of everything on a number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from privatenumber import http_request
from privatenumber.bindings.bootstrap import Rooms
from privatenumber.bindings.drift import Difference
from privatenumber.bindings.drift_decision import DifferenceNotFound
from privatenumber.bindings.drift_model import Run
from privatenumber.bindings.drift_service import RunNotFound
from privatenumber.bindings.whole_x import Preview, Started
from privatenumber.http_api import Response, answer
from privatenumber.http_request import InvalidFields, Request
from privatenumber.store.drift import Item
from privatenumber.times import iso

from . import queries
from .drift_requests import DecisionBody, DriftBody, ReleaseAllBody
from .paths import Route
from .requests import read_body

_RUN: Final = re.compile(r"r[a-z0-9-]{1,64}", re.ASCII)
_DIFFERENCE: Final = re.compile(r"d[0-9a-f]{16}", re.ASCII)


def list_runs(rooms: Rooms, request: Request) -> Response:
    """GET /drift?application=: the latest runs, newest first."""
    application = http_request.read_application(request.query)
    runs = rooms.drift.runs(application, limit=http_request.read_limit(request.query, 10))
    return answer(200, {"runs": [run_view(run) for run in runs]})


def start_run(rooms: Rooms, request: Request) -> Response:
    """POST /drift: 202 with the run, or with the one that is open already."""
    body = read_body(request, DriftBody)
    author = queries.read_author(request)
    run = rooms.drift.start(body.application, actor=author.by, repair=body.repair)
    return answer(202, run_view(run), {"location": f"/drift/{run.id}?application={run.application}"})


def read_run(rooms: Rooms, request: Request) -> Response:
    """GET /drift/{run}?application=: the run and one page of what it found."""
    run = request.path.get("run", "")
    if not _RUN.fullmatch(run):
        raise RunNotFound
    cursor = http_request.read_cursor(request.query)
    if cursor is not None and not _DIFFERENCE.fullmatch(cursor):
        raise InvalidFields(("cursor", "is not one that a list has answered"))
    report = rooms.drift.report(
        http_request.read_application(request.query),
        run,
        limit=http_request.read_limit(request.query, 100),
        after=cursor,
    )
    found = [found_view(item) for item in report.differences.items]
    view = {**run_view(report.run), "differences": found, "next_cursor": report.differences.cursor}
    return answer(200, view)


def decide(rooms: Rooms, request: Request) -> Response:
    """POST /drift/{run}/{difference}: what shall become of a listed difference; `why` is required."""
    run, difference = request.path.get("run", ""), request.path.get("difference", "")
    if not _RUN.fullmatch(run) or not _DIFFERENCE.fullmatch(difference):
        raise DifferenceNotFound
    body = read_body(request, DecisionBody)
    settled = rooms.drift_of(queries.read_author(request)).decide(
        body.application, run, difference, body.decision, deadline=request.deadline
    )
    return answer(200, found_view(settled))


def release_all(rooms: Rooms, request: Request) -> Response:
    """POST /numbers/{x}/release-all: a preview; with its confirmation and `why`, 202 and the job."""
    body = read_body(request, ReleaseAllBody)
    whole = rooms.whole_x_of(queries.read_author(request))
    x = request.path.get("x", "")
    if body.confirmation is None:
        return answer(200, preview_view(whole.preview(x, deadline=request.deadline)))
    started = whole.confirm(x, body.confirmation, deadline=request.deadline)
    return answer(202, started_view(started), {"location": f"/jobs/{started.job.job.id}"})


def run_view(run: Run) -> dict[str, Any]:
    """Show a run; `counts` by kind and state of the differences that are settled."""
    return {
        "id": run.id,
        "application": run.application,
        "state": run.state.value,
        "repair": run.repair,
        "by": run.actor,
        "numbers": run.numbers,
        "counts": dict(run.counts),
        "started_at": iso(run.started_at),
        "finished_at": run.finished_at and iso(run.finished_at),
    }


def found_view(item: Item) -> dict[str, Any]:
    """Show a difference as the run stored it: people masked."""
    return {
        "id": item["difference_id"],
        "kind": item["kind"],
        "state": item["state"],
        "action": item.get("action"),
        "x": item["x"],
        "subscription_id": item.get("subscription_id"),
        "binding_id": item.get("binding_id"),
        "fields": list(item.get("fields", ())),
        "a": item.get("a"),
        "b": item.get("b"),
        "by": item.get("by"),
        "why": item.get("why"),
    }


def preview_view(preview: Preview) -> dict[str, Any]:
    """Show what a release would end, and what it would leave at the platform."""
    return {
        "x": preview.x,
        "application": preview.application,
        "bindings": preview.ours,
        "at_platform": preview.platform,
        "beyond": [beyond_view(one) for one in preview.beyond],
        "confirmation": preview.confirmation,
        "valid_until": iso(preview.valid_until),
    }


def beyond_view(difference: Difference) -> dict[str, Any]:
    """Show what only the platform knows."""
    return {"subscription_id": difference.subscription_id, "a": difference.a, "b": difference.b}


def started_view(started: Started) -> dict[str, Any]:
    """Show a release that was confirmed: who, when, why, how many, and the id of the job that does it."""
    release = started.release
    return {
        "x": release.x,
        "application": release.application,
        "bindings": len(release.binding_ids),
        "at_platform": release.platform,
        "by": release.by,
        "why": release.why,
        "at": iso(release.at),
        "job": started.job.job.id,
    }


ROUTES: Final[Mapping[str, Route]] = {
    "GET /drift": list_runs,
    "POST /drift": start_run,
    "GET /drift/{run}": read_run,
    "POST /drift/{run}/{difference}": decide,
    "POST /numbers/{x}/release-all": release_all,
}
