"""What is asked for: body and Idempotency-Key of `POST /erasures`, the id of `GET /erasures/{erasure}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from privatenumber.erasure.model import ErasureNotFound
from privatenumber.erasure.model import Request as Wanted
from privatenumber.erasure.service import MOST_NUMBERS, subject_of
from privatenumber.http_request import InvalidFields, Request, read_object
from privatenumber.numbers_in_text import safe_actor
from privatenumber.phone import InvalidNumber, normalise

BODY_LIMIT: Final = 16 * 1024
_FIELDS: Final = (*("application", "numbers", "order", "older_than_days", "reason", "dry_run", "lift_bars"),)
_KEY: Final = re.compile(r"[ -~]{1,255}", re.ASCII)
_ID: Final = re.compile(r"e[a-z2-7]{26}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_ORDER: Final = re.compile(r"[!-~]{1,128}", re.ASCII)
_LONGEST_REASON: Final = 256
_OLDEST_DAYS: Final = 3650


def read_request(request: Request) -> Wanted:
    """Read the body. Raises InvalidFields, UnreadableBody, WrongMediaType, BodyTooLarge, InvalidRequest."""
    body = read_object(request, limit=BODY_LIMIT)
    if any(name not in _FIELDS for name in body):
        raise InvalidFields(("body", f"may have the fields {', '.join(_FIELDS)} only"))
    numbers, order = _numbers(body), _matching(body, "order", _ORDER)
    days = _days(body)
    return Wanted(
        subject=subject_of(numbers, order, days),
        by=safe_actor(request.actor),
        reason=_reason(body),
        application=_matching(body, "application", _NAME),
        numbers=numbers or frozenset(),
        order=order,
        older_than_days=days,
        dry_run=_flag(body, "dry_run"),
        lift_bars=_flag(body, "lift_bars"),
    )


def read_key(request: Request) -> str:
    """Return the Idempotency-Key, which a request must have: its answer may get lost."""
    key = request.headers.get("idempotency-key", "")
    if not _KEY.fullmatch(key):
        raise InvalidFields(("Idempotency-Key", "is required, 1 to 255 printable ASCII characters"))
    return key


def read_id(request: Request) -> str:
    """Return the id of an erasure. Raises ErasureNotFound for what cannot be one."""
    identity = request.path.get("erasure", "")
    if not _ID.fullmatch(identity):
        raise ErasureNotFound
    return identity


def _numbers(body: Mapping[str, Any]) -> frozenset[str] | None:
    given = body.get("numbers")
    if given is None:
        return None
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_NUMBERS:
        raise InvalidFields(("numbers", f"must be a list of 1 to {MOST_NUMBERS} phone numbers"))
    try:
        return frozenset(normalise(str(number), field="numbers", service=True) for number in given)
    except InvalidNumber as broken:
        raise InvalidFields((broken.field, broken.rule)) from None


def _matching(body: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str | None:
    value = body.get(name)
    if value is not None and (not isinstance(value, str) or not form.fullmatch(value)):
        raise InvalidFields((name, "has characters or a form that the field does not allow"))
    return value


def _days(body: Mapping[str, Any]) -> int | None:
    value = body.get("older_than_days")
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _OLDEST_DAYS:
        raise InvalidFields(("older_than_days", f"must be a whole number of days up to {_OLDEST_DAYS}"))
    return value


def _reason(body: Mapping[str, Any]) -> str:
    value = body.get("reason")
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= _LONGEST_REASON:
        raise InvalidFields(("reason", f"is required, at most {_LONGEST_REASON} characters"))
    return value.strip()


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise InvalidFields((name, "must be true or false"))
    return value
