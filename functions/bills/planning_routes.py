"""Routes of planning: what the last daily plan says, and complaints that people enter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from privatenumber import http_request
from privatenumber.billing.bill_rooms import BillRooms
from privatenumber.http_api import Response, answer
from privatenumber.http_fields import day_of, one_of, only, read_actor
from privatenumber.http_request import InvalidFields, Request
from privatenumber.numbers_in_text import holds_number
from privatenumber.phone import normalise
from privatenumber.store.complaints import Complaint, ComplaintKind
from privatenumber.times import beijing_day, beijing_month, iso

from .asking import month_of, text_of
from .problems import PlanUnknown
from .routes import Route

PLANS: Final = ("rents", "returns", "packages", "spend", "complaints")
_BODY_LIMIT: Final = 2048
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", re.ASCII)


def read_plan(rooms: BillRooms, request: Request) -> Response:
    """GET /planning/{plan}: this month's, or another one's, as the last daily run has made it."""
    plan = one_of(request.path, "plan", PLANS, "")
    month = month_of(request.query) if "month" in request.query else beijing_month(request.at)
    version = rooms.plans.latest(month)
    if version is None:
        raise PlanUnknown
    # What makes plans is not loaded to read one, but for this.
    from privatenumber.billing.planning.run import present_plan

    shown = present_plan(version.document, rooms.plans.lines(version))
    about = {"month": month, "version": version.number, "made_at": iso(version.made_at)}
    return answer(200, {**about, "plan": plan, "says": shown[plan], "warnings": shown["warnings"]})


def enter_complaint(rooms: BillRooms, request: Request) -> Response:
    """POST /complaints: a complaint about an X under an id of the caller's; the same again is no other."""
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    only(body, "id", "application", "x", "day", "kind")
    day = day_of(body, "day") if "day" in body else beijing_day(request.at)
    if day > beijing_day(request.at):
        raise InvalidFields(("day", "must not lie ahead"))
    complaint = Complaint(
        id=_id(body),
        application=_application(rooms, body.get("application")),
        x=_own_x(rooms, body.get("x")),
        day=day,
        kind=ComplaintKind(one_of(body, "kind", tuple(ComplaintKind), ComplaintKind.OTHER)),
        by=read_actor(request),
        entered_at=request.at,
    )
    kept = rooms.complaints.record_complaint(complaint)
    new = kept.entered_at == complaint.entered_at
    headers = {} if new else {"idempotent-replay": "true"}
    return answer(201 if new else 200, complaint_view(kept), headers)


def complaint_view(complaint: Complaint) -> dict[str, Any]:
    """Show a complaint."""
    return {
        "id": complaint.id,
        "application": complaint.application,
        "x": complaint.x,
        "day": complaint.day.isoformat(),
        "kind": complaint.kind.value,
        "by": complaint.by,
        "entered_at": iso(complaint.entered_at),
    }


def _id(body: Mapping[str, Any]) -> str:
    """The id of a notice; it is a key and shown, so nobody's phone number. Raises InvalidFields."""
    identity = text_of(body, "id", _ID, "must be 1 to 64 letters, digits and - _ . :")
    if holds_number(identity):
        raise InvalidFields(("id", "must hold no phone number"))
    return identity


def _application(rooms: BillRooms, application: object) -> str:
    load = rooms.applications.load
    # It may have been added a moment ago.
    if isinstance(application, str) and (application in load() or application in load(refresh=True)):
        return application
    raise InvalidFields(("application", "is not configured"))


def _own_x(rooms: BillRooms, x: object) -> str:
    """A number of ours: whoever complained must not be entered in its place. Raises InvalidFields."""
    number = normalise(x, field="x") if isinstance(x, str) else None
    if number is None or not rooms.own_numbers.holds(number):
        raise InvalidFields(("x", "is not one of our private numbers"))
    return number


ROUTES: Final[Mapping[str, Route]] = {
    "GET /planning/{plan}": read_plan,
    "POST /complaints": enter_complaint,
}
