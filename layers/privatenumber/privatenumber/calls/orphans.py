"""Calls of somebody who stands on no binding: with whom he stood on that X last (users.md U-S10, U-N11).

The platform tells of such a call by its cause and without a binding, in X mode our own decision does. It
never changes a binding (notifications.md §9.3): the business is told, and what ended by itself a moment ago
may be bound anew for a while.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from privatenumber.call_policy import CallPolicy, OrphanCalls
from privatenumber.calls.relations import Unseal
from privatenumber.calls.routing import Reason
from privatenumber.calls.rules_followed import is_young
from privatenumber.calls.stored import entry_of_row
from privatenumber.phone import is_global
from privatenumber.platform.pushes import CallEvent, Cdr, EventType
from privatenumber.settings import Application, Mode
from privatenumber.store.announcement_types import AnnouncementType
from privatenumber.store.announcements import Announcement
from privatenumber.store.decisions import decision_context
from privatenumber.store.last_relations import LastRelations, PastRelation
from privatenumber.store.queue import Reopening
from privatenumber.times import Clock, from_iso, iso

#: No binding for this caller: AXB, AX (event and CDR), AXYB (cause-codes.md §4).
CAUSES: Final = frozenset({8014, 8018, 7104, 8030})
_FAILED: Final = "FAILED"
_CLOSED: Final = "CLOSED"
#: Reasons for which nobody decided: the time was over, or nobody called.
ENDED_BY_ITSELF: Final = frozenset({"expired", "idle"})
#: A caller who was refused tries again within minutes; a message that waited longer is too late.
WAITING: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class OrphanCall:
    """A call that no binding connected; ``call`` and ``caller`` are tokens, ``number`` is the caller's.

    ``at`` is by the platform's clock, ``received_at`` by ours.
    """

    application: str
    call: str
    caller: str
    number: str = field(repr=False)
    x: str
    at: datetime
    received_at: datetime
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What an orphan call leads to."""

    announcement: Announcement
    reopening: Reopening | None = None


class Orphans:
    """Finds what orphan calls lead to, by the policy of their application."""

    def __init__(
        self,
        relations: LastRelations,
        *,
        applications: Callable[[], Mapping[str, Application]],
        unseal: Unseal,
        clock: Clock,
    ) -> None:
        self._relations = relations
        self._applications = applications
        self._unseal = unseal
        self._clock = clock

    def look(self, row: Mapping[str, Any]) -> Found | None:
        """What a new row of the Bills table leads to: for one call the same, whichever row tells of it."""
        if not may_be_orphan(row):
            return None
        application = self._applications().get(row["application"])
        if application is None or application.rules.orphan_calls is OrphanCalls.LEAVE:
            return None
        # The platform's cause stands for a bad answer of ours in X mode; there the decision tells.
        if (row["kind"] == "decision") is not (application.mode is Mode.X):
            return None
        orphan = self._orphan(row)
        if orphan is None:
            return None
        candidates = self._relations.candidates(application.id, orphan.caller, orphan.x)
        last = last_relation(candidates, orphan, application.rules)
        if last is None:
            return None
        wanted = reopening(orphan, last, application.rules, self._clock())
        return Found(announcement(orphan, last, reopening=wanted is not None), wanted)

    def _orphan(self, row: Mapping[str, Any]) -> OrphanCall | None:
        """The call with the caller's number and X, from what is sealed; None where it does not say both."""
        call = row.get("session")
        number, x, at = self._asked(row) if row["kind"] == "decision" else self._recorded(row)
        if not call or not number or not x or not is_global(x) or "caller" not in row:
            return None
        code = row.get("state_code", row.get("teardown"))
        return OrphanCall(
            row["application"],
            call,
            row["caller"],
            number,
            x,
            at,
            received_at=from_iso(row["received_at"]) if "received_at" in row else at,
            code=None if code is None else int(code),
        )

    def _asked(self, row: Mapping[str, Any]) -> tuple[str | None, str | None, datetime]:
        private = json.loads(self._unseal(bytes(row["sealed"]), decision_context(row["application"])))
        return private.get("caller"), private.get("x"), from_iso(row["at"])

    def _recorded(self, row: Mapping[str, Any]) -> tuple[str | None, str | None, datetime]:
        entry = entry_of_row(row, self._unseal)
        received = from_iso(row["received_at"])
        if isinstance(entry, Cdr):
            return entry.caller, entry.x, entry.call_in_at or entry.ended_at or received
        if isinstance(entry, CallEvent):
            return entry.caller, entry.called, entry.timestamp or received
        raise TypeError(f"a {row['kind']} row holds a {type(entry).__name__}")


def may_be_orphan(row: Mapping[str, Any]) -> bool:
    """Whether a row says that somebody stood on no binding, in whatever mode."""
    if "variant" in row.get("flags", ()):
        return False
    match row.get("kind"):
        case "event" if row["event"] == EventType.DISCONNECT.value:
            code = row.get("state_code")
        case "cdr":
            code = row.get("teardown")
        case "decision":
            return bool(row["about"] == "call" and row["reason"] == Reason.NO_RELATION.value)
        case _:
            return False
    return code is not None and int(code) in CAUSES and not row.get("subscription_id")


def last_relation(
    candidates: Iterable[PastRelation], orphan: OrphanCall, policy: CallPolicy
) -> PastRelation | None:
    """The relation the caller had on this X last: one that stands before one that is over, the newest first.

    One that never came about is none, and one that ended before the time the policy looks back tells nothing.
    """
    oldest = orphan.at - timedelta(hours=policy.orphan_hours)
    found = [
        each
        for each in candidates
        if each.application == orphan.application
        and orphan.x in each.numbers
        and (orphan.caller in each.people or each.contact)
        and each.state != _FAILED
        and (each.state != _CLOSED or each.changed_at >= oldest)
    ]
    return max(found, key=lambda each: (each.state != _CLOSED, each.changed_at), default=None)


def reopening(orphan: OrphanCall, last: PastRelation, policy: CallPolicy, now: datetime) -> Reopening | None:
    """The order to bind the people of a relation again, or None.

    Only what ended by itself and within the grace, and only while its record is young: a call of hours ago
    waits for nobody (notifications.md §9.1). Whoever was merely in touch under it, or the callee of a moment,
    has no place in it.
    """
    grace = timedelta(minutes=policy.reopen_within_minutes)
    fits = (
        policy.orphan_calls is OrphanCalls.REOPEN
        and last.state == _CLOSED
        and last.reason in ENDED_BY_ITSELF
        and last.ours
        and orphan.caller in last.bound
        and orphan.at - last.changed_at <= grace
        and is_young(now, orphan.at, orphan.received_at)
    )
    if not fits:
        return None
    until = iso(orphan.at + WAITING)
    return Reopening(last.binding_id, orphan.call, policy.reopen_minutes * 60, until)


def announcement(orphan: OrphanCall, last: PastRelation, *, reopening: bool = False) -> Announcement:
    """What is told of an orphan call: order and binding, and how long before the call that was over.

    A binding that is not over by our books, although it did not connect, is told with its state.
    ``reopening``: its people are to be bound again.
    """
    about = f"call#{orphan.call}"
    data: dict[str, Any] = {
        "call": orphan.call,
        "x": orphan.x,
        "order": last.order,
        "binding_id": last.binding_id,
        "mode": last.mode,
        "binding_state": last.state,
        "reopening": reopening,
    }
    if orphan.code is not None:
        data["code"] = orphan.code
    if last.state == _CLOSED:
        before = max(timedelta(), orphan.at - last.changed_at)
        data |= {"ended_at": iso(last.changed_at), "ended_seconds_before": int(before.total_seconds())}
        if last.reason:
            data["ended_because"] = last.reason
    identity = hashlib.sha256(f"{about}\0{AnnouncementType.CALL_ORPHAN}".encode()).hexdigest()[:32]
    return Announcement(
        orphan.application,
        about,
        AnnouncementType.CALL_ORPHAN,
        identity,
        orphan.at,
        data,
        {"caller": orphan.number},
    )
