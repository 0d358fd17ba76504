"""A push for people's eyes: its shape and its codes, but nobody's number, session or text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from privatenumber.numbers_in_text import closed_up, holds_number, unescaped
from privatenumber.privacy import mask
from privatenumber.times import parse_time

#: What people wrote or typed, and what business systems wrote about them.
_UNSHOWN: Final = frozenset({"smscontent", "userdata", "digitinfo"})
_TIMES: Final = ("time", "timestamp")
_BEGINNING: Final = 40
_DEEPEST: Final = 20


def masked_body(body: bytes) -> Any:
    """What a body says, masked; of what is no JSON its length and its beginning."""
    text = body.decode("utf-8", "replace")
    try:
        return _masked(json.loads(text), "", 0)
    except (ValueError, RecursionError):
        return {"bytes": len(body), "begins": _masked_text(unescaped(text))[:_BEGINNING]}


def _masked(value: Any, name: str, depth: int) -> Any:
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {_masked_text(key): _masked(member, key, depth + 1) for key, member in value.items()}
    if isinstance(value, list):
        members = [_masked(member, name, depth + 1) for member in value]
        return f"({len(members)} members)" if _holds_parts(members) else members
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    if name.lower() in _UNSHOWN:
        return f"({len(text)} characters)"
    if name.lower().endswith(_TIMES) and _is_time(text):
        return text
    shown = _masked_text(text)
    return value if shown == text else shown


def _masked_text(text: str) -> str:
    """Digits count as a number however they are grouped and in whatever width they are typed."""
    text = text.encode("utf-8", "replace").decode()  # half a surrogate pair can be read but not answered
    digits = closed_up(text)
    shown = mask(digits)
    return text if shown == digits else shown


def _holds_parts(members: list[Any]) -> bool:
    """Whether a number is written with its groups as members of a list."""
    scalars = [str(member) for member in members if isinstance(member, str | int)]
    return len(scalars) == len(members) and holds_number(" ".join(scalars))


def _is_time(text: str) -> bool:
    try:
        parse_time(text)
    except ValueError:
        return False
    return True
