"""Texts of business systems that stay with a binding: order ids and references. They must hold no number."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.model import Party
from privatenumber.phone import national

MAX_USER_REFERENCE: Final = 256
MAX_WHY: Final = 200
MAX_ACTOR: Final = 256
_ORDER: Final = re.compile(r"[\x21-\x7e]{1,64}")
_WHY: Final = re.compile(rf"[\x20-\x7e]{{1,{MAX_WHY}}}")
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


def check_order(order: str, *people: Party) -> None:
    """Check an order id; raises InvalidRequest."""
    if not _ORDER.fullmatch(order) or "#" in order:
        raise InvalidRequest("order", "must be 1 to 64 printable ASCII characters without blanks and #")
    if contains_number(order, *people):
        raise InvalidRequest("order", "must not contain a phone number: order ids are keys and stay in bills")


def check_reference(reference: str | None, *people: Party) -> None:
    """Check a text that travels in events and call records as `userData`; raises InvalidRequest."""
    if reference is None:
        return
    if len(reference) > MAX_USER_REFERENCE or not _REFERENCE.fullmatch(reference):
        raise InvalidRequest(
            "user_reference", f"must be 1 to {MAX_USER_REFERENCE} printable ASCII characters"
        )
    if any(sign in reference for sign in "{}^"):
        raise InvalidRequest("user_reference", "must not contain { } or ^: the platform refuses them")
    if contains_number(reference, *people):
        raise InvalidRequest("user_reference", "must not contain a phone number: it travels in call records")


def check_why(why: str | None) -> None:
    """Check a person's reason for what he asks, which stays in the audit; raises InvalidRequest."""
    if why is None:
        return
    if not _WHY.fullmatch(why):
        raise InvalidRequest("why", f"must be 1 to {MAX_WHY} printable ASCII characters")
    if contains_number(why):
        raise InvalidRequest("why", "must not contain a phone number: it stays in the audit")


def safe_actor(arn: str | None) -> str:
    """An IAM identity as the audit may keep it: who names his session by a phone number stays without it."""
    if not arn:
        return "unknown"
    kept = "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in arn[:MAX_ACTOR])
    head, slash, session = kept.rpartition("/")
    if contains_number(session) or contains_number(kept):
        return f"{head}{slash}***" if slash and not contains_number(head) else "***"
    return kept


def contains_number(text: str, *people: Party) -> bool:
    """Tell whether a text carries a phone number: these people's in any spelling, others standing alone."""
    text = unquote(text)
    bare = re.sub(r"[^0-9A-Za-z]", "", text)
    own = (form for who in people for form in (who.number[3:], national(who.number)))
    somebodys = _SOMEBODYS_NUMBER.search(text) or _GROUPED_NUMBER.search(text)
    return bool(somebodys) or any(form in bare for form in own)
