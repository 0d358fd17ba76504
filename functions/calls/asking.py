"""Who asks, why, and from where on: what lists and changes of cases and entries have in common."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from privatenumber.http_request import InvalidFields, Request
from privatenumber.privacy import scrub

_WHY: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_LONGEST: Final = 256
NOT_A_CURSOR: Final = ("cursor", "is not one that a list has answered")


def read_actor(request: Request) -> str:
    """Return who asks; a session that is named by a phone number shows none."""
    return scrub(request.actor or "unknown")[:_LONGEST]


def read_why(body: Mapping[str, Any], *, required: bool) -> str | None:
    """Return `why` of a body. Raises InvalidFields."""
    why = body.get("why")
    if why is None and not required:
        return None
    if not isinstance(why, str) or not _WHY.fullmatch(why) or scrub(why) != why:
        raise InvalidFields(("why", "must have 1 to 200 printable characters and no phone number"))
    return why


def only(body: Mapping[str, Any], *names: str) -> None:
    """Refuse a body with other fields. Raises InvalidFields."""
    if any(name not in names for name in body):
        raise InvalidFields(("body", f"may have the fields {', '.join(names)} only"))


def cursor_of(place: str | None) -> str | None:
    """A place in a list as a cursor."""
    return base64.urlsafe_b64encode(place.encode()).decode() if place else None


def place_of(cursor: str | None, form: re.Pattern[str]) -> re.Match[str] | None:
    """The place that a cursor names. Raises InvalidFields."""
    if cursor is None:
        return None
    try:
        found = form.fullmatch(base64.urlsafe_b64decode(cursor).decode("ascii"))
    except (binascii.Error, ValueError):
        found = None
    if found is None:
        raise InvalidFields(NOT_A_CURSOR)
    return found
