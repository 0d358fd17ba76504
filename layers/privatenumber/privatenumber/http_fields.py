"""Who asks, why, of what and from where on: what the routes of several functions have in common."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from typing import Any, Final

from privatenumber.http_request import InvalidFields, Request
from privatenumber.numbers_in_text import holds_number, safe_actor

_WHY: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EARLIEST, _LATEST = 2000, 2100
NOT_A_CURSOR: Final = ("cursor", "is not one that a list has answered")


def read_actor(request: Request) -> str:
    """Return who asks; a session that is named by a phone number shows none."""
    return safe_actor(request.actor)


def read_why(body: Mapping[str, Any], *, required: bool) -> str | None:
    """Return `why` of a body. Raises InvalidFields."""
    why = body.get("why")
    if why is None and not required:
        return None
    if not isinstance(why, str) or not _WHY.fullmatch(why) or holds_number(why):
        raise InvalidFields(("why", "must have 1 to 200 printable characters and no phone number"))
    return why


def only(body: Mapping[str, Any], *names: str) -> None:
    """Refuse a body with other fields. Raises InvalidFields."""
    if any(name not in names for name in body):
        raise InvalidFields(("body", f"may have the fields {', '.join(names)} only"))


def one_of(given: Mapping[str, Any], name: str, allowed: Iterable[str], default: str) -> str:
    """Return one of the allowed words. Raises InvalidFields."""
    value, words = given.get(name, default), tuple(map(str, allowed))
    if value not in words:
        raise InvalidFields((name, f"must be one of {', '.join(words)}"))
    return str(value)


def day_of(given: Mapping[str, Any], name: str) -> date:
    """Return a Beijing day. Raises InvalidFields."""
    text = str(given.get(name))
    day = None
    with suppress(ValueError):
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    if day is None or not _EARLIEST <= day.year <= _LATEST:
        raise InvalidFields((name, "must be a Beijing day such as 2026-09-02"))
    return day


def cursor_of(place: str | None) -> str | None:
    """A place in a list as a cursor; it may stand in a path."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=") if place else None


def place_of(cursor: str | None, form: re.Pattern[str], *, name: str = "cursor") -> re.Match[str] | None:
    """The place that a cursor names. Raises InvalidFields."""
    if cursor is None:
        return None
    try:
        whole = cursor + "=" * (-len(cursor) % 4)
        found = form.fullmatch(base64.urlsafe_b64decode(whole).decode("ascii"))
    except (binascii.Error, ValueError):
        found = None
    if found is None:
        raise InvalidFields((name, NOT_A_CURSOR[1]))
    return found
