"""Months, versions, keys and places in lists: what routes about bills have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from privatenumber import http_request
from privatenumber.http_fields import cursor_of, place_of
from privatenumber.http_request import InvalidFields, Request, UnreadableBody
from privatenumber.store.version_pages import LinePlace
from privatenumber.store.versions import Version

_MONTH: Final = re.compile(r"20\d{2}-(?:0[1-9]|1[0-2])", re.ASCII)
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")
_AMOUNT: Final = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,2})?", re.ASCII)
PLACE: Final = re.compile(r"([0-9]{1,6}):([0-9]{1,6}):([0-9]{1,7}):([0-9a-f]{12})", re.ASCII)


def month_of(given: Mapping[str, Any], name: str = "month") -> str:
    """Return a Beijing month. Raises InvalidFields."""
    month = given.get(name)
    if not isinstance(month, str) or not _MONTH.fullmatch(month):
        raise InvalidFields((name, "must be a Beijing month such as 2026-09"))
    return month


def months_between(since: str, until: str) -> list[str]:
    """The months from one to another, both included; none when the first is the later one."""
    first, last = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (since, until))
    return [f"{month // 12}-{month % 12 + 1:02d}" for month in range(first, last + 1)]


def number_of(given: Mapping[str, str], name: str) -> int | None:
    """Return the number of a version, None when none is named. Raises InvalidFields."""
    text = given.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise InvalidFields((name, "must be the number of a version, from 1 on"))
    return int(text)


def idempotency_key(request: Request) -> str:
    """Return the key under which a request is the same again. Raises InvalidFields."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidFields(("Idempotency-Key", "must be 1 to 255 printable ASCII characters"))
    return key or request.id


def read_exact(request: Request, *, limit: int) -> Mapping[str, Any]:
    """A body whose numbers are decimals: money is never binary floating point. Raises UnreadableBody."""
    http_request.read_object(request, limit=limit)
    data = request.body(accepted=("application/json",), limit=limit)
    try:
        found: dict[str, Any] = json.loads(data, parse_float=Decimal, parse_int=Decimal)
    except ArithmeticError:
        raise UnreadableBody from None
    return found


def amount_of(body: Mapping[str, Any], name: str) -> Decimal | None:
    """Return an amount in whole fen, a text because a JSON number may not be exact. Raises InvalidFields."""
    text = body.get(name)
    if text is None:
        return None
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise InvalidFields((name, 'must be an amount in whole fen as a text, such as "0.30"'))
    return Decimal(text)


def text_of(body: Mapping[str, Any], name: str, form: re.Pattern[str], rule: str) -> str:
    """Return a text of a form. Raises InvalidFields."""
    text = body.get(name)
    if not isinstance(text, str) or not form.fullmatch(text):
        raise InvalidFields((name, rule))
    return text


def line_place(query: Mapping[str, str]) -> tuple[int, LinePlace] | None:
    """The version and the place in its lines that a cursor names. Raises InvalidFields."""
    found = place_of(http_request.read_cursor(query), PLACE)
    return place_in_lines(found) if found else None


def place_in_lines(found: re.Match[str]) -> tuple[int, LinePlace]:
    """The version and the place that a text of the form `PLACE` names."""
    return int(found[1]), LinePlace(int(found[2]), int(found[3]), found[4])


def line_cursor(version: Version, place: LinePlace | None) -> str | None:
    """A place in the lines of a version as a cursor."""
    if place is None:
        return None
    return cursor_of(f"{version.number}:{place.page}:{place.line}:{place.content}")
