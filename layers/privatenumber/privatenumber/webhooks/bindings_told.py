"""What a written binding says that others may want to know: of each version, what became different by it.

Made of what the table's stream shows: the item before and after. A version that only moves our own affairs on
(a claim, a repeated request, a call that was noted) says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from privatenumber.privacy import SealBroken
from privatenumber.store import binding_private as words
from privatenumber.store.announcement_types import AnnouncementType
from privatenumber.store.announcements import Announcement
from privatenumber.times import from_iso

Unseal = Callable[[bytes, str], bytes]

_OF_STATE: Final[Mapping[str, AnnouncementType]] = {
    "REQUESTED": AnnouncementType.BINDING_REQUESTED,
    "ACTIVE": AnnouncementType.BINDING_ACTIVE,
    "RELEASING": AnnouncementType.BINDING_RELEASING,
    "CLOSED": AnnouncementType.BINDING_RELEASED,
    "FAILED": AnnouncementType.BINDING_FAILED,
}
_SHOWN: Final = (
    *("binding_id", "state", "order", "mode", "x", "area", "extension", "ends_at", "subscription_id"),
    *("callee_until", "reason", "failure_code", "created_at"),
)
_NUMBERS: Final = (words.A, words.B, words.CALLEE)
_TERMS: Final[Mapping[str, str]] = {
    "a_token": "a",
    "b_token": "b",
    "callee_token": "callee",
    "callee_until": "callee_until",
    "ends_at": "ends_at",
    "idle_s": "idle_s",
    "extension": "extension",
}
"""Attributes whose change is told, by the name that it is told under."""


def announced(
    before: Mapping[str, Any] | None, after: Mapping[str, Any], *, at: datetime, unseal: Unseal
) -> list[Announcement]:
    """What a written item announces: nothing, unless it is a binding and another version than before.

    ``at`` counts where the item tells no time.
    """
    if (after.get("sk"), str(after.get("pk", "")).partition("#")[0]) != ("BINDING", "BINDING"):
        return []
    if before is not None and before.get("version") == after["version"]:
        return []
    happened = list(_types(before, after))
    numbers = _people(after, unseal) if happened else {}
    return [
        Announcement(
            application=str(after["application"]),
            about=f"binding#{after['binding_id']}",
            type=type_.value,
            id=f"{after['binding_id']}-{int(after['version'])}-{type_.value.partition('.')[2]}",
            at=from_iso(after["updated_at"]) if "updated_at" in after else at,
            data=_data(after) | more,
            numbers=numbers,
        )
        for type_, more in happened
    ]


def _types(
    before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> Iterator[tuple[AnnouncementType, dict[str, Any]]]:
    state = str(after["state"])
    if before is None or before.get("state") != state:
        yield _OF_STATE[state], {}
        return
    if state != "ACTIVE":
        return
    if before.get("x") and before["x"] != after.get("x"):
        yield AnnouncementType.BINDING_MOVED, {"from_x": before["x"]}
    changed = sorted(_changed(before, after))
    if changed:
        yield AnnouncementType.BINDING_CHANGED, {"changed": changed}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name, told in _TERMS.items():
        if before.get(name) != after.get(name):
            yield told
    for name in ("direction", "max_minutes"):
        if before.get("terms", {}).get(name) != after.get("terms", {}).get(name):
            yield name
    if _partners(before) != _partners(after):
        yield "partners"


def _partners(item: Mapping[str, Any]) -> dict[str, str]:
    return {str(partner["id"]): str(partner["state"]) for partner in item.get("partners", ())}


def _data(item: Mapping[str, Any]) -> dict[str, Any]:
    """The binding as it is told; attributes that hold people's numbers or tokens are none of these."""
    shown = {name: item[name] for name in _SHOWN if item.get(name)}
    terms = item.get("terms", {})
    shown |= {name: int(terms[name]) for name in ("direction", "max_minutes") if terms.get(name) is not None}
    if item.get("partners"):
        shown["partners"] = [
            {name: partner[name] for name in ("id", "state", "y") if partner.get(name)}
            for partner in item["partners"]
        ]
    return shown | {"version": int(item["version"])}


def _people(item: Mapping[str, Any], unseal: Unseal) -> dict[str, str]:
    """The numbers of a binding by role; of one whose people were forgotten there are none."""
    if "sealed" not in item:
        return {}
    try:
        opened = unseal(bytes(item["sealed"]), words.binding_context(str(item["binding_id"])))
    except SealBroken:
        return {}
    private = json.loads(opened)
    numbers = {role: private[role] for role in _NUMBERS if private.get(role)}
    partners: Mapping[str, str] = private.get(words.PARTNERS) or {}
    return numbers | {f"partner {name}": number for name, number in partners.items()}
