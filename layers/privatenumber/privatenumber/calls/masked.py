"""A push for people's eyes: its shape and its codes, but nobody's number, session or text."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

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
        return {"bytes": len(body), "begins": _masked_text(text)[:_BEGINNING]}


def _masked(value: Any, name: str, depth: int) -> Any:
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {_masked_text(key): _masked(member, key, depth + 1) for key, member in value.items()}
    if isinstance(value, list):
        return [_masked(member, name, depth + 1) for member in value]
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
    closed_up = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    shown = mask(closed_up)
    return text if shown == closed_up else shown


def _is_time(text: str) -> bool:
    try:
        parse_time(text)
    except ValueError:
        return False
    return True
