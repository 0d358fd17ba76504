"""Texts of business systems that stay with a binding: order ids and references. They must hold no number."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.model import Party
from privatenumber.numbers_in_text import holds_number, plain
from privatenumber.phone import national

MAX_USER_REFERENCE: Final = 256
MAX_WHY: Final = 200
_ORDER: Final = re.compile(r"[\x21-\x7e]{1,64}")
_WHY: Final = re.compile(rf"[\x20-\x7e]{{1,{MAX_WHY}}}")
_REFERENCE: Final = re.compile(r"[\x20-\x7e]+")


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


def contains_number(text: str, *people: Party) -> bool:
    """Tell whether a text carries a phone number: anybody's, these people's also inside other digits."""
    bare = re.sub(r"[^0-9A-Za-z]", "", plain(unquote(text)))
    own = (form for who in people for form in (who.number[3:], national(who.number)))
    return holds_number(text) or any(form in bare for form in own)
