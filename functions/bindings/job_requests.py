"""Body of `POST /jobs`: one JSON object, or JSON lines: that object first, then the items."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from pydantic import Field

from privatenumber.bindings.jobs_model import ItemState, JobCommand, Kind
from privatenumber.bindings.model import Reason
from privatenumber.bindings.release import LONGEST_GRACE_S
from privatenumber.bindings.waiting import LONGEST_WAIT_S
from privatenumber.http_request import InvalidFields, Request, UnreadableBody
from privatenumber.store.authors import Author

from .requests import Name, PhoneText, RequestBody, Time, read_json

JOB_TYPES: Final = ("application/json", "application/x-ndjson")
JOB_LIMIT: Final = 6_000_000
"""Bytes; what a function can be handed over in one request ends not far above."""

_ENDS: Final = (Reason.DELETED, Reason.EXPIRED)


class JobBody(RequestBody):
    """What is asked of all items; which field exists in which kind is checked by the domain."""

    kind: Kind
    application: Name
    items: list[dict[str, Any]] | None = None
    file: Annotated[str, Field(max_length=256)] | None = None
    created_before: Time | None = None
    number: PhoneText | None = None
    replacement: PhoneText | None = None
    x: PhoneText | None = None
    move: bool = False
    release_reason: Reason = Reason.DELETED
    grace_seconds: Annotated[int, Field(ge=0, le=LONGEST_GRACE_S)] = 0
    wait_seconds: Annotated[int, Field(ge=0, le=LONGEST_WAIT_S)] | None = None


def read_job(request: Request, key: str | None, author: Author) -> JobCommand:
    """Read what is to be done, in whose name. Raises what `Request.body` raises, and InvalidFields."""
    if key is None:
        raise InvalidFields(("Idempotency-Key", "is required: a job that is sent twice must be one job"))
    data = request.body(accepted=JOB_TYPES, limit=JOB_LIMIT)
    lines: list[str] | None = None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == JOB_TYPES[1]:
        data, lines = _split(data)
    body = read_json(data, JobBody)
    if body.release_reason not in _ENDS:
        raise InvalidFields(("release_reason", f"must be one of {', '.join(_ENDS)}"))
    if body.items is not None:
        if lines:
            raise InvalidFields(("items", "must not be given together with lines"))
        lines = [json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in body.items]
    fields = body.model_dump(exclude={"items"})
    items = tuple(lines) if lines is not None else None
    return JobCommand(**fields, items=items, idempotency_key=key, created_by=author.by, reason=author.why)


def read_item_state(request: Request) -> ItemState | None:
    """Return `state` of a list of items."""
    state = request.query.get("state")
    if state is not None and state not in tuple(ItemState):
        raise InvalidFields(("state", f"must be one of {', '.join(ItemState)}"))
    return ItemState(state) if state else None


def _split(data: bytes) -> tuple[bytes, list[str] | None]:
    """The first line, and the others that are not blank (None: there is no other)."""
    try:
        head, *lines = data.decode().splitlines()
    except (UnicodeDecodeError, ValueError):
        raise UnreadableBody from None
    return head.encode(), [line for line in lines if line.strip()] or None
