"""An HTTP API event (payload format 2.0) as functions read it: bytes, lower-case headers, a deadline."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote

from privatenumber.deadline import Deadline, LambdaContext
from privatenumber.times import day_bounds

PAGE_LIMIT: Final = 100

_RESERVE_S: Final = 2.0  # for the writes and the answer after the last platform call
_CURSOR: Final = re.compile(r"[A-Za-z0-9_=-]{1,1024}")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EARLIEST, _LATEST = 2000, 2100
_API_LIMIT_S: Final = 28.0  # an HTTP API gives up at 30 s, whatever time-out the function has


class InvalidFields(Exception):
    """Fields that break a rule: pairs of (field, rule), neither with a value in it."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__("invalid fields")
        self.errors = errors


class UnreadableBody(Exception):
    """The body is not what its headers say."""


class WrongMediaType(Exception):
    """`Content-Type` is not one of those the route takes."""

    def __init__(self, accepted: tuple[str, ...]) -> None:
        super().__init__("wrong media type")
        self.accepted = accepted


class BodyTooLarge(Exception):
    """The body is longer than the route's limit in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__("body too large")
        self.limit = limit


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One request. It has no `repr`, and no part of it but route, id and actor goes to a log."""

    route: str
    id: str
    at: datetime
    actor: str | None
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw_body: str
    encoded: bool
    deadline: Deadline

    def body(self, *, accepted: tuple[str, ...], limit: int) -> bytes:
        """Return the body's bytes; a missing `Content-Type` is taken for the first of the `accepted` ones.

        Raises WrongMediaType, BodyTooLarge (`limit` in bytes), UnreadableBody.
        """
        media_type = self.headers.get("content-type", accepted[0]).partition(";")[0].strip().lower()
        if media_type not in accepted:
            raise WrongMediaType(accepted)
        # A long text is refused before work is spent on it: characters and Base64 never exceed the bytes.
        if len(self.raw_body) > limit * 4 // 3 + 4:
            raise BodyTooLarge(limit)
        try:
            data = base64.b64decode(self.raw_body, validate=True) if self.encoded else self.raw_body.encode()
        except (binascii.Error, ValueError):
            raise UnreadableBody from None
        if len(data) > limit:
            raise BodyTooLarge(limit)
        return data


def read_event(event: Mapping[str, Any], context: LambdaContext, now: datetime) -> Request:
    """Make a Request of an event that came `now`; lenient, because API Gateway has checked the form."""
    about = event.get("requestContext") or {}
    authorizer = about.get("authorizer") or {}
    left = context.get_remaining_time_in_millis() / 1000
    return Request(
        route=event.get("routeKey") or "",
        id=about.get("requestId") or context.aws_request_id,
        at=now,
        actor=(authorizer.get("iam") or {}).get("userArn"),
        path={name: unquote(value) for name, value in (event.get("pathParameters") or {}).items()},
        query=dict(event.get("queryStringParameters") or {}),
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        raw_body=event.get("body") or "",
        encoded=bool(event.get("isBase64Encoded")),
        deadline=Deadline.after(max(0.0, min(left, _API_LIMIT_S) - _RESERVE_S)),
    )


def read_application(query: Mapping[str, str]) -> str:
    """Return `application` of a query that needs one."""
    application = read_default_application(query)
    if application is None:
        raise InvalidFields(("application", "is required"))
    return application


def read_default_application(query: Mapping[str, str]) -> str | None:
    """Return `application` of a query that can do without."""
    application = query.get("application")
    if application is not None and not _NAME.fullmatch(application):
        raise InvalidFields(("application", "has characters or a form that the field does not allow"))
    return application


def read_limit(query: Mapping[str, str], default: int) -> int:
    """Return `limit` of a list."""
    text = query.get("limit", str(default))
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= PAGE_LIMIT:
        raise InvalidFields(("limit", f"must be a whole number from 1 to {PAGE_LIMIT}"))
    return int(text)


def read_cursor(query: Mapping[str, str]) -> str | None:
    """Return `cursor` of a list."""
    cursor = query.get("cursor")
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise InvalidFields(("cursor", "is not one that a list has answered"))
    return cursor


def read_flag(query: Mapping[str, str], name: str) -> bool:
    """Return a Boolean of a query; absent means false."""
    text = query.get(name, "false")
    if text not in ("true", "false"):
        raise InvalidFields((name, "must be true or false"))
    return text == "true"


def read_moment(query: Mapping[str, str], name: str, *, end: bool = False) -> datetime | None:
    """Return a time of a query: RFC 3339 with a zone, or a Beijing calendar day.

    A day stands for its first moment, with ``end`` for its last.
    """
    text = query.get(name)
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            first, after = day_bounds(date.fromisoformat(text))
            moment = after - timedelta(milliseconds=1) if end else first
        else:
            moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None or not _EARLIEST <= moment.year <= _LATEST:
        raise InvalidFields((name, "must be a time such as 2026-09-02T09:00:00+08:00, or a Beijing day"))
    return moment.astimezone(UTC)


def read_object(request: Request, *, limit: int) -> Mapping[str, Any]:
    """Return a body that is one JSON object. Raises UnreadableBody, WrongMediaType, BodyTooLarge."""
    try:
        found = json.loads(request.body(accepted=("application/json",), limit=limit))
        # Half a surrogate pair is no text: nothing could store or answer it.
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise UnreadableBody from None
    if not isinstance(found, dict):
        raise UnreadableBody
    return found
