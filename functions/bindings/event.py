"""An HTTP API event (payload format 2.0) as this function reads it: bytes, lower-case headers, a deadline."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from privatenumber.deadline import Deadline, LambdaContext

_RESERVE_S: Final = 2.0  # for the writes and the answer after the last platform call
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
