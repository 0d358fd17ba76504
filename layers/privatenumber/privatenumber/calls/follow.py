"""What follows a stored fact: number states reach the pool, contacts and calls of bindings are remembered.

Each step may be repeated and come in any order: newer states and contacts stay, older ones change nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from privatenumber.calls.own_x import Ours
from privatenumber.calls.relations import Unseal
from privatenumber.calls.stored import entry_of_row
from privatenumber.platform.pushes import Cdr, EventType, SmsNotice
from privatenumber.privacy import Keyring, seal, token
from privatenumber.settings import Mode
from privatenumber.store.activity import Activity
from privatenumber.store.contacts import Contact, ContactStore, contact_context
from privatenumber.store.decisions import decision_context
from privatenumber.store.number_states import Effect, NumberStates
from privatenumber.store.numbers import NumberState
from privatenumber.times import from_iso

#: Late window of a push (notifications.md §8.3): two states within it make a number flap (§7).
FLAPPING: Final = timedelta(minutes=660)
STATES: Final[Mapping[str, NumberState]] = {
    "5": NumberState.ACTIVE,
    "9": NumberState.SUSPENDED,
    "10": NumberState.UNAVAILABLE,
    "11": NumberState.FROZEN,
}
#: Results of an SMS that reached its receiver, at least in part (sms-results.csv).
_SENT: Final = frozenset({0, 9})
#: The second leg starts, the call ends: both name the binding in every mode that has one (§4.2).
_ACTIVE: Final = frozenset({EventType.CALLOUT.value, EventType.DISCONNECT.value})


class Outcome(StrEnum):
    """What became of a row; the value is the name of its metric."""

    NUMBER_MOVED = "NumberStatesApplied"
    NUMBER_FLAPPING = "NumberStatesFlapping"
    NUMBER_UNKNOWN = "NumberStatesUnknown"
    CONTACT = "ContactsRemembered"
    POSTPONED = "IdleEndsPostponed"


class Follower:
    """Does what follows a row.

    Parameters
    ----------
    states, contacts, activity
        The pool, the contact memory, and the bindings that end when nobody calls.
    ours : Callable
        Whether a number stands in the inventory.
    unseal : Callable
        Opens a sealed value of a context (`KeyringStore.unseal`).
    keyring : Callable
        The deployment's keys.
    """

    def __init__(
        self,
        states: NumberStates,
        contacts: ContactStore,
        activity: Activity,
        *,
        ours: Ours,
        unseal: Unseal,
        keyring: Callable[[], Keyring],
    ) -> None:
        self._ours = ours
        self._states = states
        self._contacts = contacts
        self._activity = activity
        self._unseal = unseal
        self._keyring = keyring

    def follow(self, row: Mapping[str, Any]) -> tuple[Outcome, ...]:
        """Do what follows a new row of the Bills table; rows of other rooms are passed over."""
        if "variant" in row.get("flags", ()):
            return ()  # it contradicts a record that came first and counts
        match row.get("kind"):
            case "number_state":
                return self._number(row)
            case "decision":
                return tuple(self._decided(row))
            case "event" if row.get("event") in _ACTIVE:
                return tuple(self._called(row))
            case "sms":
                return (*self._written(row), *self._in_touch(row))
            case "cdr":
                return (*self._called(row), *self._in_touch(row))
            case _:
                return ()

    def _number(self, row: Mapping[str, Any]) -> tuple[Outcome, ...]:
        state = STATES.get(row.get("status", ""))
        if state is None:
            return ()
        applied = self._states.apply(
            row["x"], application=row["application"], state=state, status_at=row["sk"]
        )
        if applied.effect is Effect.UNKNOWN:
            return (Outcome.NUMBER_UNKNOWN,)
        if applied.effect is not Effect.MOVED:
            return ()
        flapping = applied.since and from_iso(row["received_at"]) - applied.since < FLAPPING
        return (Outcome.NUMBER_MOVED, Outcome.NUMBER_FLAPPING) if flapping else (Outcome.NUMBER_MOVED,)

    def _decided(self, row: Mapping[str, Any]) -> Iterator[Outcome]:
        """A decision that connected two people: our relation knows both (x.md §5)."""
        if "callee" not in row or "x" not in row:
            return
        private = json.loads(self._unseal(bytes(row["sealed"]), decision_context(row["application"])))
        yield from self._remember(row, private["caller"], private["callee"], from_iso(row["at"]))
        if "binding_id" in row and self._activity.of_binding(row["binding_id"], row["at"]):
            yield Outcome.POSTPONED

    def _called(self, row: Mapping[str, Any]) -> Iterator[Outcome]:
        """A call of a binding began or ended, or its CDR came, and with it the time that nobody calls."""
        if row.get("subscription_id"):
            yield from self._used(row, row["subscription_id"])

    def _written(self, row: Mapping[str, Any]) -> Iterator[Outcome]:
        """A text that went over a binding keeps it alive like a call; what was discarded does not."""
        subscription_id, sent = row.get("subscription_id"), row.get("send_result") in _SENT
        if subscription_id and sent:
            yield from self._used(row, subscription_id)

    def _used(self, row: Mapping[str, Any], subscription_id: str) -> Iterator[Outcome]:
        """Nothing happened after it was told, whatever the platform's clock says (notifications.md §2.2)."""
        named, received = row.get("ended_at") or row.get("at"), row["received_at"]
        at = min(named, received) if named else received
        if self._activity.of_call(row["application"], subscription_id, at):
            yield Outcome.POSTPONED

    def _in_touch(self, row: Mapping[str, Any]) -> Iterator[Outcome]:
        """A call or SMS of AX that went to somebody: only the record names both (notifications.md §4.3)."""
        if row.get("mode") != Mode.AX.value:
            return
        entry = entry_of_row(row, self._unseal)
        if isinstance(entry, Cdr):
            people, at = (entry.caller, entry.callee), entry.call_in_at or entry.ended_at
        elif isinstance(entry, SmsNotice) and entry.send_result in _SENT and not entry.asks:
            people, at = (entry.calling, entry.called), entry.timestamp
        else:
            return
        caller, callee = people
        if caller and callee and "x" in row and self._ours(row["x"]):
            yield from self._remember(row, caller, callee, at or from_iso(row["received_at"]))

    def _remember(self, row: Mapping[str, Any], caller: str, callee: str, at: datetime) -> Iterator[Outcome]:
        keyring, application, x = self._keyring(), row["application"], row["x"]
        for person, other in ((caller, callee), (callee, caller)):
            name = token(keyring, person)
            sealed = seal(
                keyring,
                json.dumps({"number": other}).encode(),
                context=contact_context(application, name, x),
            )
            contact = Contact(
                application,
                name,
                x,
                token(keyring, other),
                at,
                sealed,
                binding_id=row.get("binding_id"),
                subscription_id=row.get("subscription_id"),
            )
            if self._contacts.remember(contact):
                yield Outcome.CONTACT
