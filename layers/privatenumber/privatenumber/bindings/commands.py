"""Reading what a business system asks for: every rule that needs neither table nor platform.

Errors name the field and the rule, never the value: it may be a person's number.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import unquote

from privatenumber.bindings.choose import Wish
from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.model import MIN_LIFE_S, PLATFORM_MAX_DURATION_S, Party, Terms, pair_hash
from privatenumber.bindings.records import party
from privatenumber.phone import InvalidNumber, NumberKind, kind, national, normalise
from privatenumber.privacy import Keyring, token
from privatenumber.settings import Mode

MAX_CALL_MINUTES: Final = 1440
MAX_USER_REFERENCE: Final = 256
_ORDER: Final = re.compile(r"[\x21-\x7e]{1,64}")
_TONE: Final = re.compile(r"[0-9A-Za-z\-_.@]{1,128}")
_AREA: Final = re.compile(r"0\d{2,3}", re.ASCII)
_REFERENCE: Final = re.compile(r"[\x20-\x7e]+")
_SOMEBODYS_NUMBER: Final = re.compile(
    r"(?:\+|%2B|(?<!\d)00)86\d{8,}|(?<![0-9A-Za-z])(?:86)?1[3-9]\d{9}(?![0-9A-Za-z])",
    re.ASCII | re.IGNORECASE,
)
"""Standing alone, because a random hexadecimal id holds such a run of digits now and then."""

_GROUPED_NUMBER: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:(?:00)?86)?1[3-9]\d([ ._/:-])\d{4}\1\d{4}(?![0-9A-Za-z])", re.ASCII
)
"""A mobile number as people group it; no group of a UUID has three digits."""


@dataclass(frozen=True, slots=True)
class BindCommand:
    """What a business system asks for. Exactly one of ``ends_at`` (aware UTC) and ``ttl_seconds`` is given.

    ``a``, ``b`` and ``x`` in any form that numbers.md §1.3 accepts. ``record_hint_tone`` set = calls are
    recorded (axb.md §6.3). ``area`` is the city of X, ``fallback_any_area`` admits others when it has none.
    """

    application: str
    order: str
    a: str = field(repr=False)
    b: str = field(repr=False)
    mode: Mode = Mode.AXB
    area: str | None = None
    x: str | None = None
    ends_at: datetime | None = None
    ttl_seconds: int | None = None
    direction: int = 0
    max_minutes: int = 0
    record_hint_tone: str | None = None
    user_reference: str | None = field(default=None, repr=False)
    idempotency_key: str | None = None
    fallback_any_area: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A command whose rules hold: numbers in global form, the end as a moment, content and key as tokens."""

    application: str
    order: str
    mode: Mode
    terms: Terms
    wish: Wish
    record_hint_tone: str | None
    user_reference: str | None = field(repr=False)
    idempotency: str | None
    content_hash: str

    @property
    def pair(self) -> str:
        """Name of the pair of the two parties."""
        return pair_hash(self.terms.a, self.terms.b)


def read_command(command: BindCommand, *, now: datetime, keyring: Keyring) -> Wanted:
    """Check a command; raises InvalidRequest."""
    if command.mode is not Mode.AXB:
        raise InvalidRequest("mode", "must be AXB")
    a, b = read_party(command.a, "a", keyring), read_party(command.b, "b", keyring)
    x = _number(command.x, "x") if command.x else None
    if x and kind(x) is not NumberKind.MOBILE:
        raise InvalidRequest("x", "must be an X number")
    if command.area is not None and not _AREA.fullmatch(command.area):
        raise InvalidRequest("area", "must be a city code with its leading zero, like 0755 or 010")
    if command.record_hint_tone is not None and not _TONE.fullmatch(command.record_hint_tone):
        raise InvalidRequest("record_hint_tone", "must be a file name of letters, digits, - _ . or @")
    terms = Terms(a, b, _end(command, now), command.direction, command.max_minutes)
    check_terms(terms, x)
    _check_order(command.order, a, b)
    _check_reference(command.user_reference, a, b)
    key = command.idempotency_key
    return Wanted(
        application=command.application,
        order=command.order,
        mode=command.mode,
        terms=terms,
        wish=Wish(command.application, command.area, command.fallback_any_area, x),
        record_hint_tone=command.record_hint_tone,
        user_reference=command.user_reference,
        idempotency=token(keyring, key, purpose="idempotency") if key else None,
        content_hash=_content_hash(command, a, b, x, keyring),
    )


def read_party(text: str, field: str, keyring: Keyring) -> Party:
    """Read a person's number in any form of numbers.md §1.3; raises InvalidRequest."""
    return party(keyring, _number(text, field))


def check_terms(terms: Terms, x: str | None) -> None:
    """Check what a bind and a change have in common; raises InvalidRequest."""
    if terms.a.number == terms.b.number:
        raise InvalidRequest("b", "must be another number than a")
    for name, who in (("a", terms.a), ("b", terms.b)):
        if who.number == x:
            raise InvalidRequest(name, "must not be the X number itself")
    if terms.direction not in (0, 1, 2):
        raise InvalidRequest("direction", "must be 0 (both), 1 (only A calls) or 2 (only B calls)")
    if not 0 <= terms.max_minutes <= MAX_CALL_MINUTES:
        raise InvalidRequest("max_minutes", f"must be 0 (no limit) to {MAX_CALL_MINUTES}")


def check_end(ends_at: datetime, now: datetime, field: str = "ends_at") -> None:
    """Check that an end is neither too near nor too far; raises InvalidRequest."""
    if ends_at.tzinfo is None:
        raise InvalidRequest(field, "must have a time zone")
    if ends_at < now + timedelta(seconds=MIN_LIFE_S):
        raise InvalidRequest(field, f"must lie at least {MIN_LIFE_S} seconds ahead")
    if ends_at > now + timedelta(seconds=PLATFORM_MAX_DURATION_S):
        raise InvalidRequest(field, "must lie at most 90 days ahead")


def _end(command: BindCommand, now: datetime) -> datetime:
    if (command.ends_at is None) == (command.ttl_seconds is None):
        raise InvalidRequest("ends_at", "give either ends_at or ttl_seconds")
    if command.ends_at is not None:
        check_end(command.ends_at, now)
        return command.ends_at
    seconds = command.ttl_seconds or 0
    if not MIN_LIFE_S <= seconds <= PLATFORM_MAX_DURATION_S:
        raise InvalidRequest("ttl_seconds", f"must be {MIN_LIFE_S} to {PLATFORM_MAX_DURATION_S} (90 days)")
    return now + timedelta(seconds=seconds)


def _number(text: str, field: str) -> str:
    try:
        return normalise(text, field=field)
    except InvalidNumber as error:
        raise InvalidRequest(field, error.rule) from None


def _check_order(order: str, a: Party, b: Party) -> None:
    if not _ORDER.fullmatch(order) or "#" in order:
        raise InvalidRequest("order", "must be 1 to 64 printable ASCII characters without blanks and #")
    if contains_number(order, a, b):
        raise InvalidRequest("order", "must not contain a phone number: order ids are keys and stay in bills")


def _check_reference(reference: str | None, a: Party, b: Party) -> None:
    if reference is None:
        return
    if len(reference) > MAX_USER_REFERENCE or not _REFERENCE.fullmatch(reference):
        raise InvalidRequest(
            "user_reference", f"must be 1 to {MAX_USER_REFERENCE} printable ASCII characters"
        )
    if any(sign in reference for sign in "{}^"):
        raise InvalidRequest("user_reference", "must not contain { } or ^: the platform refuses them")
    if contains_number(reference, a, b):
        raise InvalidRequest("user_reference", "must not contain a phone number: it travels in call records")


def contains_number(text: str, *parties: Party) -> bool:
    """Tell whether a text carries a phone number: the parties' in any spelling, others standing alone."""
    text = unquote(text)
    bare = re.sub(r"[^0-9A-Za-z]", "", text)
    own = (form for who in parties for form in (who.number[3:], national(who.number)))
    somebodys = _SOMEBODYS_NUMBER.search(text) or _GROUPED_NUMBER.search(text)
    return bool(somebodys) or any(form in bare for form in own)


def _content_hash(command: BindCommand, a: Party, b: Party, x: str | None, keyring: Keyring) -> str:
    """Token of everything asked for except the Idempotency-Key: equal for a repetition, tells no number."""
    content = [
        command.application,
        command.order,
        command.mode.value,
        a.number,
        b.number,
        command.area,
        x,
        command.ends_at.timestamp() if command.ends_at else None,
        command.ttl_seconds,
        command.direction,
        command.max_minutes,
        command.record_hint_tone,
        command.user_reference,
        command.fallback_any_area,
    ]
    return token(keyring, json.dumps(content), purpose="content")
