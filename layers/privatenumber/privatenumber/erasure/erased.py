"""A row after the erasure of people: what of it stays, and whether it stays at all. Pure but for sealing.

What bills are made of stays: times, X, minutes, causes, ids, the order. What tells a person goes: tokens
become pseudonyms, so that one person of a bill stays one; all that is sealed goes, texts of SMS with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

from privatenumber.erasure import kinds
from privatenumber.erasure.anonymous import KEYS, named_in, without
from privatenumber.erasure.match import People, Unseal, line_numbers, line_people
from privatenumber.erasure.model import Target
from privatenumber.privacy import SealBroken
from privatenumber.store import binding_private as words
from privatenumber.store.authors import ERASURE
from privatenumber.store.binding_keys import ANYONE
from privatenumber.times import iso

Item = Mapping[str, Any]
Seal = Callable[[bytes, str], bytes]

NOBODY: Final = "erased"
"""Stands in a binding where a number stood."""

NO_FILE: Final = "no_file"
ERASED: Final = "erased"
"""State and reason of a recording whose file is gone (`recordings.model`)."""

_EMPTY: Final = b""
"""Stands where something was sealed that readers of the row expect."""

_MASKED: Final = "**"
_X: Final = ("x", "display_x", "of_x")
_REFERENCES: Final = (words.USER_REFERENCE, words.CALLEE_REFERENCE)


def erased(
    item: Item, people: People, target: Target, *, unseal: Unseal, seal: Seal, now: datetime
) -> Item | None:
    """The row as it is to be; None when it is to go. Equal to the row when nothing is left to do."""
    kind = kinds.kind_of(item)
    keys = {name: item[name] for name in KEYS}
    about = {"about": item.get("about")}
    if kind in (kinds.PLACE, kinds.CONTACT) or named_in(keys, people):
        return None
    if named_in(keys | about, target.numbers):
        return None  # what a number of nobody's inventory did, and what was told of it
    bare = {name: value for name, value in item.items() if name not in KEYS}
    after = _without_clear(without(bare, people, target.pseudonym), target.numbers)
    if kind in kinds.FACTS or kind == kinds.JOB_ITEM:
        after["sealed"] = _EMPTY
    elif kind == kinds.BINDING:
        after |= _binding(item, unseal, seal)
    else:
        after.pop("sealed", None)
    if kind == kinds.RECORDING:
        after = _recording(after)
    if kind in kinds.DERIVED and "recording" in after:
        after["recording"] = NO_FILE
    if kind == kinds.ANNOUNCEMENT:
        after["data"] = json.dumps(_unmasked(json.loads(after["data"])), ensure_ascii=False)
    if after == bare:
        return item
    return {**{name: item[name] for name in KEYS}, **after, **_marks(item, kind, target, now)}


def redacted(line: Item, target: Target, *, application: str | None) -> dict[str, Any]:
    """A line of a bill as it is to be; equal to the line when nobody in it is meant."""
    people = line_people(line, target, application=application)
    named: dict[str, Any] = without(line, people, target.pseudonym)
    clear = line_numbers(line, target, application=application)
    told: dict[str, Any] = without(named, clear, lambda _: NOBODY)
    return told


def _marks(item: Item, kind: str, target: Target, now: datetime) -> dict[str, Any]:
    """Who did it; and a new version, so that whoever has read the row before cannot write it back."""
    marks: dict[str, Any] = {}
    if kind in kinds.FACTS or kind == kinds.RECORDING:
        marks["erased"] = target.erasure
    if "version" in item and (kind in kinds.DERIVED or kind in (kinds.RECORDING, kinds.BINDING)):
        marks["version"] = int(item["version"]) + 1
    if kind == kinds.BINDING:
        marks |= {
            "by": f"{ERASURE}{target.erasure}",
            "updated_at": iso(now),
            "content_hash": target.pseudonym(str(item["content_hash"])),
        }
    return marks


def _binding(item: Item, unseal: Unseal, seal: Seal) -> dict[str, Any]:
    """Sealed anew, with nobody's number: who reads ended bindings finds everything else as it was."""
    context = words.binding_context(item["binding_id"])
    try:
        private = json.loads(unseal(bytes(item["sealed"]), context))
    except SealBroken:
        return {"sealed": _EMPTY}
    told = {name: value for name, value in private.items() if name not in _REFERENCES}
    hidden = {
        name: dict.fromkeys(value, NOBODY) if isinstance(value, dict) else NOBODY
        for name, value in told.items()
    }
    if hidden == private:
        return {"sealed": item["sealed"]}
    return {"sealed": seal(json.dumps(hidden).encode(), context)}


def _without_clear(row: dict[str, Any], numbers: Collection[str]) -> dict[str, Any]:
    """A row without numbers that a push has written where an X belongs; as X they are nobody's."""
    kept = {name: value for name, value in row.items() if name not in _X or not named_in(value, numbers)}
    told: dict[str, Any] = without(kept, numbers, lambda _: NOBODY)
    return told


def _recording(after: dict[str, Any]) -> dict[str, Any]:
    gone = ("due_key", "due_at", "bytes", "sha256", "archived_at", "detail")
    kept = {name: value for name, value in after.items() if name not in gone}
    return {**kept, "state": NO_FILE, "reason": ERASED}


def _unmasked(value: Any) -> Any:
    """What was told outside without its masked numbers, which still say half of one."""
    if isinstance(value, str):
        return NOBODY if _MASKED in value else value
    if isinstance(value, dict):
        return {name: _unmasked(member) for name, member in value.items()}
    return [_unmasked(member) for member in value] if isinstance(value, list) else value


def pair_partners(item: Item) -> frozenset[str]:
    """The two people of a binding whose last X is remembered under a name made of their tokens."""
    return frozenset(item[name] for name in ("a_token", "b_token") if item.get(name) not in (None, ANYONE))
