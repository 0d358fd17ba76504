"""Routes of disputes: open one from a difference, move it, look at what proves it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

from privatenumber import http_request
from privatenumber.billing.bill_rooms import BillRooms
from privatenumber.billing.disputes.desk import NoSuchDispute, Order
from privatenumber.billing.disputes.evidence import LINK_S
from privatenumber.billing.disputes.states import Act, accepted_amount
from privatenumber.billing.tariff.money import plain
from privatenumber.http_api import Response, answer
from privatenumber.http_fields import cursor_of, one_of, only, place_of, read_actor, read_why
from privatenumber.http_request import InvalidFields, Request
from privatenumber.store.disputes import Adjustment, Dispute, DisputeState, Entry
from privatenumber.times import iso

from .asking import amount_of, text_of
from .routes import Route

_LIMIT: Final = 50
_BODY_LIMIT: Final = 4096
_ID: Final = re.compile(r"\d{4}-\d{2}-[0-9a-f]{24}(?:-[0-9]{1,6})?", re.ASCII)
_DIFFERENCE: Final = re.compile(r"[0-9a-f]{24}(?:-[0-9]{1,6})?", re.ASCII)
_RUN: Final = re.compile(r"\d{4}-\d{2}~[a-z2-7]{26}", re.ASCII)
_PLACE: Final = re.compile(r"[0-9TZ:.-]{24}#[0-9a-f-]{1,64}", re.ASCII)
_DECISIONS: Final[Mapping[str, Act]] = {
    "accepted": Act.ACCEPT,
    "partly_accepted": Act.ACCEPT_PARTLY,
    "rejected": Act.REJECT,
}


def open_dispute(rooms: BillRooms, request: Request) -> Response:
    """POST /disputes: 201; 200 with the same one when the difference is disputed already."""
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    only(body, "reconciliation", "difference", "why")
    run = text_of(body, "reconciliation", _RUN, "must be the id of a reconciliation")
    difference = text_of(body, "difference", _DIFFERENCE, "must be the id of one of its differences")
    why = read_why(body, required=False)
    found = rooms.findings.find(run, difference)
    dispute, new = rooms.desk.open(found, by=read_actor(request), why=why, now=request.at)
    headers = {"location": f"/disputes/{dispute.id}"} | ({} if new else {"idempotent-replay": "true"})
    return answer(201 if new else 200, dispute_view(dispute), headers)


def list_disputes(rooms: BillRooms, request: Request) -> Response:
    """GET /disputes: open ones unless another state is asked for, the newest first."""
    query = request.query
    state = DisputeState(one_of(query, "state", tuple(DisputeState), DisputeState.OPEN))
    before = place_of(http_request.read_cursor(query), _PLACE)
    limit = http_request.read_limit(query, _LIMIT)
    page = rooms.disputes.page(state, before=before[0] if before else None, limit=limit)
    disputes = [dispute_view(dispute) for dispute in page.disputes]
    return answer(200, {"disputes": disputes, "next_cursor": cursor_of(page.cursor)})


def read_dispute(rooms: BillRooms, request: Request) -> Response:
    """GET /disputes/{dispute}: with all its moves, and the money that they book."""
    dispute = rooms.desk.get(_identity(request))
    entries = rooms.disputes.entries(dispute.id)
    booked = rooms.desk.booked(dispute, entries)
    return answer(
        200,
        {
            **dispute_view(dispute),
            "moves": [entry_view(entry) for entry in entries],
            "adjustments": [adjustment_view(each) for each in booked],
        },
    )


def submit(rooms: BillRooms, request: Request) -> Response:
    """POST /disputes/{dispute}/submit: the evidence as it is now goes with it."""
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    only(body, "why", "version")
    dispute = rooms.desk.get(_identity(request))
    bundle = rooms.evidence.bundle(dispute, rooms.runs.get(dispute.run))
    return _done(rooms, request, body, Act.SUBMIT, evidence=bundle.hash)


def decide(rooms: BillRooms, request: Request) -> Response:
    """POST /disputes/{dispute}/decide: what the platform says; a part of the amount needs that amount."""
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    only(body, "decision", "accepted", "why", "version")
    decision = body.get("decision")
    if not isinstance(decision, str) or decision not in _DECISIONS:
        raise InvalidFields(("decision", f"must be one of {', '.join(_DECISIONS)}"))
    act, accepted = _DECISIONS[decision], amount_of(body, "accepted")
    if accepted is not None and act is not Act.ACCEPT_PARTLY:
        raise InvalidFields(("accepted", "goes with partly_accepted only"))
    accepted_amount(act, rooms.desk.get(_identity(request)).amount, accepted)
    return _done(rooms, request, body, act, accepted=accepted)


def move(act: Act, rooms: BillRooms, request: Request) -> Response:
    """POST /disputes/{dispute}/withdraw and /reopen."""
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    only(body, "why", "version")
    return _done(rooms, request, body, act)


def read_evidence(rooms: BillRooms, request: Request) -> Response:
    """GET /disputes/{dispute}/evidence: as JSON, and as a ZIP file behind a link for five minutes."""
    dispute = rooms.desk.get(_identity(request))
    bundle = rooms.evidence.bundle(dispute, rooms.runs.get(dispute.run))
    return answer(
        200,
        {
            "hash": bundle.hash,
            "submitted": dispute.evidence,
            "evidence": bundle.document,
            "url": bundle.url,
            "url_until": iso(request.at + timedelta(seconds=LINK_S)),
        },
    )


def dispute_view(dispute: Dispute) -> dict[str, Any]:
    """Show a dispute."""
    return {
        "id": dispute.id,
        "month": dispute.month,
        "reconciliation": dispute.run,
        "difference": dispute.difference,
        "kind": dispute.kind,
        "application": dispute.application,
        "x": dispute.x,
        "amount": plain(dispute.amount),
        "accepted": plain(dispute.accepted),
        "state": dispute.state.value,
        "evidence": dispute.evidence,
        "opened_at": iso(dispute.opened_at),
        "opened_by": dispute.opened_by,
        "changed_at": iso(dispute.changed_at),
        "version": dispute.version,
    }


def entry_view(entry: Entry) -> dict[str, Any]:
    """Show one move."""
    return {
        "number": entry.number,
        "at": iso(entry.at),
        "by": entry.by,
        "act": entry.act,
        "from": entry.came and entry.came.value,
        "to": entry.went.value,
        "why": entry.why,
        "accepted": plain(entry.accepted),
    }


def adjustment_view(adjustment: Adjustment) -> dict[str, Any]:
    """Show money that a decision books."""
    return {
        "month": adjustment.month,
        "number": adjustment.number,
        "kind": adjustment.kind.value,
        "amount": plain(adjustment.amount),
        "at": iso(adjustment.at),
        "by": adjustment.by,
        "reverses": adjustment.reverses,
    }


def _done(rooms: BillRooms, request: Request, body: Mapping[str, Any], act: Act, **more: Any) -> Response:
    seen = body.get("version")
    if seen is not None and (not isinstance(seen, int) or isinstance(seen, bool) or seen < 1):
        raise InvalidFields(("version", "must be the version of the dispute that was looked at"))
    order = Order(act, read_actor(request), read_why(body, required=False), seen=seen, **more)
    dispute, moved = rooms.desk.act(_identity(request), order, now=request.at)
    return answer(200, dispute_view(dispute), {} if moved else {"idempotent-replay": "true"})


def _identity(request: Request) -> str:
    identity = request.path.get("dispute", "")
    if not _ID.fullmatch(identity):
        raise NoSuchDispute
    return identity


def _moving(act: Act) -> Callable[[BillRooms, Request], Response]:
    return partial(move, act)


ROUTES: Final[Mapping[str, Route]] = {
    "POST /disputes": open_dispute,
    "GET /disputes": list_disputes,
    "GET /disputes/{dispute}": read_dispute,
    "POST /disputes/{dispute}/submit": submit,
    "POST /disputes/{dispute}/decide": decide,
    "POST /disputes/{dispute}/withdraw": _moving(Act.WITHDRAW),
    "POST /disputes/{dispute}/reopen": _moving(Act.REOPEN),
    "GET /disputes/{dispute}/evidence": read_evidence,
}
