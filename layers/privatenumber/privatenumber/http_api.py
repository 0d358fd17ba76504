"""What answers of the HTTP API have in common (payload format 2.0), and what several routes are asked.

The functions behind it import nothing of each other, so what they must not say in two ways is said here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from privatenumber.privacy import scrub

TYPE_PREFIX: Final = "urn:private-number:problem:"
SESSION_RULE: Final = "must have 1 to 256 printable characters, none of them a blank"
_LONGEST_SESSION: Final = 256

Response = dict[str, Any]


class Kind(NamedTuple):
    """What all problems of one type have in common."""

    status: int
    title: str
    remedy: str


def answer(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Build an answer with a JSON body; nothing here may be kept by caches."""
    return _response(status, "application/json", _written(body), headers or {})


def answer_file(body: str, *, media_type: str, name: str) -> Response:
    """Build an answer that browsers keep as a file of this name."""
    return _response(200, media_type, body, {"content-disposition": f'attachment; filename="{name}"'})


def answer_problem(
    name: str,
    kind: Kind,
    *,
    detail: str,
    request_id: str,
    remedy: str | None = None,
    retry_after_s: int | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """Write a problem document (RFC 9457); a `remedy` of `None` is the usual one of its kind."""
    document = {
        "type": TYPE_PREFIX + name,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "remedy": remedy or kind.remedy,
        "request_id": request_id,
        **(more or {}),
    }
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return _response(kind.status, "application/problem+json", scrub(_written(document)), headers)


def is_session_id(text: str) -> bool:
    """Whether a text may be the platform's `sessionId` of a call (recording-and-call-stop.md §3)."""
    return 0 < len(text) <= _LONGEST_SESSION and text.isprintable() and " " not in text


def _written(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _response(status: int, media_type: str, body: str, headers: Mapping[str, str]) -> Response:
    about = {"content-type": media_type, "cache-control": "no-store", **headers}
    return {"statusCode": status, "headers": about, "body": body}
