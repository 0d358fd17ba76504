"""One row per call: what all facts of the call together say, for lists, counts and those who are told.

Key: partition of the call's facts, ``CALL``. The indexes (`call_search`) hold keys only, so a change of the
row touches them only when the call belongs somewhere else than was known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from privatenumber.store.call_search import Kind, places
from privatenumber.store.derived import Derived, read_derived, write_derived
from privatenumber.store.fact_rows import call_key
from privatenumber.store.transactions import Action
from privatenumber.store.watched import watched

KIND: Final = "call"
ROW: Final = "CALL"
_MOMENTS: Final = frozenset(
    {"started_at", "received_at", "called_out_at", "alerting_at", "answered_at", "ended_at"}
)


class CallState(StrEnum):
    """How far a call has come; it never goes back (notifications.md §9.1)."""

    ARRIVED = "arrived"
    """The platform has it (`callin`)."""
    COLLECTING = "collecting"
    """The caller types an extension."""
    CALLING = "calling"
    """The second leg has started (`callout`)."""
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"
    """Hung up; its CDR has not come yet."""
    SETTLED = "settled"
    """Its CDR is here."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as its facts tell it. Times are aware UTC.

    ``call`` is the token of its session (``hash<digest>`` without one), ``caller`` and ``callee`` are tokens
    of real people, ``x`` is the number that was dialled and ``display_x`` the one the callee saw.
    ``started_at`` is the earliest moment known, of receipt if the platform names none; ``received_at`` is
    when we first heard of it, by our clock. ``talk_seconds`` is None unless somebody answered and the end is
    known. ``cause`` codes are the platform's: ``state_code`` of the hang-up event, ``teardown``, ``q850`` and
    ``sip`` of the CDR. ``operation``, ``reason`` and ``caller_role`` are our answer to the platform's
    question. ``icids`` are those of all its CDRs, the one that counts first. ``settled_after_ms`` is how long
    after the end the CDR came.
    """

    application: str
    call: str
    state: CallState
    started_at: datetime
    received_at: datetime | None = None
    mode: str | None = None
    called_out_at: datetime | None = None
    alerting_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    talk_seconds: int | None = None
    x: str | None = field(default=None, repr=False)
    display_x: str | None = field(default=None, repr=False)
    direction: int | None = None
    caller: str | None = None
    callee: str | None = None
    subscription_id: str | None = None
    binding_id: str | None = None
    order: str | None = None
    area: str | None = None
    state_code: int | None = None
    teardown: int | None = None
    q850: int | None = None
    sip: int | None = None
    released_by: int | None = None
    operation: str | None = None
    reason: str | None = None
    caller_role: str | None = None
    icids: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    recorded: bool = False
    recording: str | None = None
    settled_after_ms: int | None = None
    flags: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in (CallState.ENDED, CallState.SETTLED)

    @property
    def awaits_more(self) -> bool:
        """Whether its CDR has still to come, or the binding that it names is none of ours."""
        return self.state is not CallState.SETTLED or bool(self.subscription_id and not self.binding_id)

    @property
    def connected(self) -> bool:
        """Whether somebody answered (notifications.md §10.3)."""
        said = self.state is not CallState.SETTLED and "answer" in self.events
        return said or self.answered_at is not None


CallRow = Derived[Call]


def sealed_context(application: str, call: str) -> str:
    """What the sealed numbers of a call row are bound to."""
    return f"call#{application}#{call}"


def call_row_key(application: str, call: str) -> dict[str, str]:
    """Key of the row of a call."""
    return {"pk": call_key(application, call), "sk": ROW}


def write_call(table: str, row: CallRow, *, seen: int | None) -> Action:
    """Put a row in the place of the version ``seen``, or of none."""
    call = row.says
    found = places(
        Kind.CALL,
        call.application,
        call.call,
        call.started_at,
        binding_id=call.binding_id,
        order=call.order,
        x=call.x,
        caller=call.caller,
        callee=call.callee,
    )
    found |= watched(call.call, call.started_at, awaited=call.awaits_more)
    key = call_row_key(call.application, call.call)
    return write_derived(table, key, KIND, row, places=found, seen=seen)


def read_call(item: Mapping[str, Any]) -> CallRow:
    """A row of a call from a decoded item."""
    return read_derived(Call, item, moments=_MOMENTS, state=CallState(item["state"]))
