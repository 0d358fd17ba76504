"""The answers to questions as the platform wants them (notifications.md §4.5, §6.5; x.md §2, §4).

Objects, never one-element arrays; ``recordFlag`` a string, ``maxDuration`` an integer; no empty members.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from privatenumber.calls.routing import Role, Ruling

MAX_USER_DATA: Final = 256

Answer = Mapping[str, Any]


def close(tone: str | None) -> Answer:
    """End the call, with the application's tone if it has one."""
    return {"operation": "close", **({"closeInfo": {"closeHintTone": tone}} if tone else {})}


def connect(ruling: Ruling, x: str, close_tone: str | None) -> Answer:
    """Connect whom the ruling names, and show X; without a callee the call ends."""
    relation, callee = ruling.relation, ruling.callee
    if relation is None or callee is None:
        return close(close_tone)
    info = {
        "calleeNum": callee.number,
        "displayCalleeNum": x,
        "maxDuration": relation.max_minutes or None,
        # Like `preVoice` of a binding: one tone for A's calls, one for those who call A (ax.md §2).
        "waitVoice": relation.caller_tone if ruling.role is Role.A else relation.callee_tone,
        "recordFlag": "true" if relation.record_hint_tone else None,
        "recordHintTone": relation.record_hint_tone,
        "lastMinVoice": relation.last_minute_tone if relation.max_minutes else None,
        "userData": user_data(ruling.reference),
    }
    return {"operation": "connect", "connectInfo": _present(info)}


def discard() -> Answer:
    """Drop the SMS."""
    return {"actions": [{"operation": "DiscardMessage"}]}


def forward(ruling: Ruling, calling: str | None, *, with_user_data: bool) -> Answer:
    """Forward the SMS to whom the ruling names; without a callee it is dropped.

    ``calling`` is repeated as it came. ``userData`` is known in AX only.
    """
    if ruling.callee is None:
        return discard()
    action = {
        "operation": "vNumberRoute",
        "message": _present({"called": ruling.callee.number, "calling": calling}),
        "userData": user_data(ruling.reference) if with_user_data else None,
    }
    return {"actions": [_present(action)]}


def operation(answer: Answer) -> str:
    """The one word of an answer."""
    found = answer["operation"] if "operation" in answer else answer["actions"][0]["operation"]
    return str(found)


def user_data(reference: str | None) -> str | None:
    """A reference the platform can carry; Chinese text would keep the call from being connected (x.md §2)."""
    good = (
        reference
        and len(reference) <= MAX_USER_DATA
        and reference.isascii()
        and reference.isprintable()
        and not {"{", "}"} & set(reference)
    )
    return reference if good else None


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
