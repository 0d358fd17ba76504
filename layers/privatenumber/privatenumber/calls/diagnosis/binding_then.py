"""A binding as it was at a moment: what the table holds now, with every later version taken back.

The audit says what each version changed (`store.audit`), so walking it backwards from now leads to any
moment. Of people it says only that they changed: who stood there before is not known any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from privatenumber.store.audit import Change, Entry
from privatenumber.store.binding_private import ACTIVE
from privatenumber.times import from_iso

REQUESTED: Final = "REQUESTED"
RELEASING: Final = "RELEASING"
CLOSED: Final = "CLOSED"
FAILED: Final = "FAILED"
_OVER: Final = frozenset({RELEASING, CLOSED})
LEAVING: Final = "leaving"
"""State of a partner who is about to go."""
_PARTNER: Final = "partner "
_X: Final = "X"
_EXPIRED: Final = "expired"


class Part(StrEnum):
    """What somebody is in a binding."""

    A = "a"
    OTHER = "other"
    ANYONE = "anyone"
    """X mode: the binding is for whoever calls."""


@dataclass(frozen=True, slots=True)
class BindingThen:
    """A binding at the moment of a call or text; times are aware UTC.

    ``state`` is None when it did not exist yet. ``part`` is what the caller is in it now, ``numbers`` all
    private numbers it uses (AXYB: its Y too). ``bound_at`` and ``over_at`` are when it came into force and
    when it left it, at whatever time; ``reason``, ``by`` and ``why`` belong to its end. ``callee_until`` is
    what was set at the moment, `None` also when that was replaced since. ``versions`` counts the audit's
    entries that were read; unless it is ``rewound`` they do not reach back to the moment.
    """

    id: str
    order: str
    mode: str
    x: str = field(repr=False)
    numbers: frozenset[str] = field(repr=False)
    state: str | None
    state_now: str
    part: Part | None
    created_at: datetime
    bound_at: datetime | None
    over_at: datetime | None
    ends_at: datetime
    direction: int
    max_minutes: int
    reason: str | None = None
    failure_code: str | None = None
    by: str | None = None
    why: str | None = None
    extension: str | None = field(default=None, repr=False)
    subscription_id: str | None = None
    people_changed_at: datetime | None = None
    callee_until: datetime | None = None
    callee_set_at: datetime | None = None
    callee_set_later: datetime | None = None
    sms: bool = True
    records: bool = False
    versions: int = 0
    rewound: bool = True
    lapsed: bool = False
    """X mode: its time was over, whatever its state: there our own answer ends it to the second."""

    @property
    def live(self) -> bool:
        """Whether it was in force."""
        return self.state == ACTIVE and not self.lapsed

    @property
    def source(self) -> str:
        """What evidence of it names."""
        return f"binding {self.id}"


def binding_then(
    item: Mapping[str, Any], entries: Sequence[Entry], at: datetime, *, person: str | None
) -> BindingThen:
    """What a decoded binding was at a moment; ``entries`` are its audit, ``person`` the caller's token."""
    newest_first = sorted(entries, key=lambda entry: -entry.version)
    fields, created_at = _taken_back(item, newest_first, at), from_iso(item["created_at"])
    end = _end(item, newest_first)
    lapsed_at = _lapsed_at(item, from_iso(fields["ends_at"]), end.at, at)
    if lapsed_at:
        end = _End(lapsed_at, _EXPIRED)
    callee = [entry.at for entry in newest_first if _changes(entry, "callee")]
    after, until = [moment for moment in callee if moment > at], item.get("callee_until")
    partners = item.get("partners", ())
    return BindingThen(
        id=item["binding_id"],
        order=item["order"],
        mode=item["mode"],
        x=fields["x"] or item["x"],
        numbers=frozenset({fields["x"] or item["x"], *(one["y"] for one in partners if "y" in one)}),
        state=fields["state"] if created_at <= at else None,
        state_now=item["state"],
        part=_part(item, person),
        created_at=created_at,
        bound_at=_bound_at(item, newest_first),
        over_at=end.at,
        ends_at=from_iso(fields["ends_at"]),
        direction=int(fields["direction"]),
        max_minutes=int(fields["max_minutes"]),
        reason=end.reason,
        failure_code=item.get("failure_code"),
        by=end.by,
        why=end.why,
        extension=item.get("extension"),
        subscription_id=item.get("subscription_id"),
        people_changed_at=_people_changed(newest_first, at, item["mode"]),
        callee_until=from_iso(until) if until and not after else None,
        callee_set_at=max((moment for moment in callee if moment <= at), default=None),
        callee_set_later=min(after, default=None),
        sms=bool(item.get("sms", True)),
        records=bool(item.get("record_hint_tone")),
        versions=len(entries),
        rewound=_reaches(item, newest_first, at),
        lapsed=lapsed_at is not None and lapsed_at <= at,
    )


@dataclass(frozen=True, slots=True)
class _End:
    at: datetime | None
    reason: str | None = None
    by: str | None = None
    why: str | None = None


def _end(item: Mapping[str, Any], newest_first: Sequence[Entry]) -> _End:
    """When it left, and by whom: by its audit, else by the row as it was written last."""
    reason = item.get("reason")
    ending = _entry_into(newest_first, _OVER)
    if ending:
        return _End(ending.at, reason, ending.by, ending.why)
    written = _written_last(item, _OVER)
    return _End(written, reason, item.get("by"), item.get("why")) if written else _End(None, reason)


def _lapsed_at(
    item: Mapping[str, Any], ends_at: datetime, over_at: datetime | None, at: datetime
) -> datetime | None:
    """X mode: when its time was over before it was let go; ``ends_at`` is that of the moment."""
    if item["mode"] != _X:
        return None
    if ends_at <= at:
        return ends_at if over_at is None or ends_at < over_at else None
    last = from_iso(item["terms"]["ends_at"])  # its time may have been changed after the moment
    return last if over_at and last < over_at else None


def _reaches(item: Mapping[str, Any], newest_first: Sequence[Entry], at: datetime) -> bool:
    """Whether every version after the moment was read, and could be taken back."""
    if from_iso(item["updated_at"]) <= at or from_iso(item["created_at"]) > at:
        return True
    return any(entry.at <= at or entry.version == 1 for entry in newest_first[-1:])


def _taken_back(item: Mapping[str, Any], newest_first: Sequence[Entry], at: datetime) -> dict[str, Any]:
    """The fields of the moment: those of now, with the changes of every later version undone."""
    fields: dict[str, Any] = {"state": item["state"], "x": item["x"], **item["terms"]}
    for entry in newest_first:
        if entry.at <= at:
            break
        for change in entry.changes:
            if change.field not in fields:
                continue
            if change.old is None and change.field != "state":
                continue  # the first version: what is not known stays as it is
            fields[change.field] = change.old
    if not newest_first and item["state"] in _OVER and from_iso(item["updated_at"]) > at:
        fields["state"] = ACTIVE
    return fields


def _bound_at(item: Mapping[str, Any], newest_first: Sequence[Entry]) -> datetime | None:
    """When it came into force; without its audit, when it was asked for."""
    confirmed = [entry for entry in newest_first if entry.state == ACTIVE and _changes(entry, "state")]
    if confirmed:
        return confirmed[-1].at
    if item["state"] in (REQUESTED, FAILED):
        return None
    return from_iso(item["created_at"])


def _entry_into(newest_first: Sequence[Entry], states: frozenset[str]) -> Entry | None:
    """The first version in one of these states."""
    found = [entry for entry in newest_first if entry.state in states]
    return found[-1] if found else None


def _written_last(item: Mapping[str, Any], states: frozenset[str]) -> datetime | None:
    return from_iso(item["updated_at"]) if item["state"] in states else None


def _changes(entry: Entry, name: str) -> bool:
    return any(change.field == name for change in entry.changes)


def _people_changed(newest_first: Sequence[Entry], at: datetime, mode: str) -> datetime | None:
    """When a version, and not the first, last put others in the place of people or let one go.

    Where people are partners, ``b`` is only the first of them, for the index.
    """
    replaced = frozenset({"a", "b"}) if mode == "AXB" else frozenset({"a"})
    for entry in newest_first:
        first = any(change.field == "state" and change.old is None for change in entry.changes)
        gone = any(change.field in replaced or _lets_go(change) for change in entry.changes)
        if entry.at <= at and gone and not first:
            return entry.at
    return None


def _lets_go(change: Change) -> bool:
    return change.field.startswith(_PARTNER) and change.new in (None, LEAVING)


def _part(item: Mapping[str, Any], person: str | None) -> Part | None:
    if person is None:
        return None
    if person == item["a_token"]:
        return Part.A
    others = {item.get("b_token"), *(partner["token"] for partner in item.get("partners", ()))}
    if person in others:
        return Part.OTHER
    return Part.ANYONE if item.get("anyone") else None
