"""Keeps the row of each call and SMS equal to what its facts say, and tells what is new about it.

Called for every new fact, from the table's stream: at least once and in any order. The row is computed from
all facts that stand in the table, so whoever comes last has seen everything; its version keeps two apart.
What is told outside is written in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from privatenumber.calls import announce
from privatenumber.calls.own_x import Ours, with_own_x
from privatenumber.calls.people import Numbers, numbers_of_call, numbers_of_message
from privatenumber.calls.reception import NO_OTHER_TIME
from privatenumber.calls.relations import Unseal
from privatenumber.calls.timeline import (
    call_of,
    message_of,
    remembered,
    sms_subscription_of,
    subscription_of,
)
from privatenumber.privacy import Keyring, seal
from privatenumber.settings import Kept
from privatenumber.store import calls, messages
from privatenumber.store.announcements import Announcement
from privatenumber.store.call_facts import FactReader
from privatenumber.store.calls import Call, CallRow
from privatenumber.store.derived import Derived
from privatenumber.store.fact_rows import NO_SESSION
from privatenumber.store.messages import Message, MessageRow
from privatenumber.store.orders import OrderRef
from privatenumber.store.transactions import Action, Refused, Writer

_ATTEMPTS: Final = 5
_CALL, _SMS = "CALL#", "SMS#"
T = TypeVar("T", Call, Message)


class StillChanging(Exception):
    """Others went on writing the same row; the same fact again finds it as they left it."""


class Tells(Protocol):
    """Makes the writes that let announcements be known, to stand in the transaction of what they tell."""

    def __call__(self, announcements: list[Announcement]) -> list[Action]:
        """Return the writes; none of them may have a condition that a repetition breaks."""
        ...


def tells_nobody(announcements: list[Announcement]) -> list[Action]:
    """Nobody wants to know."""
    return []


@dataclass(frozen=True, slots=True)
class Chronicle:
    """Keeps the rows.

    ``order_of`` finds the binding that a subscriptionId names, as it is now. ``ours`` says whether a number
    stands in the inventory. ``table`` is the Bills table.
    """

    reader: FactReader
    writer: Writer
    table: str
    order_of: Callable[[str, str], OrderRef | None]
    ours: Ours
    unseal: Unseal
    keyring: Callable[[], Keyring]
    kept: Kept = NO_OTHER_TIME

    def keep(self, row: Mapping[str, Any], tells: Tells = tells_nobody) -> bool:
        """Bring the row of the call or SMS that a fact belongs to up to date; says whether it changed.

        Raises StillChanging, SealBroken.
        """
        application, pk = row["application"], str(row["pk"])
        kept = self._call if pk.startswith(_CALL) else self._message if pk.startswith(_SMS) else None
        if kept is None:
            return False
        identity = pk.split("#", 2)[2]
        for _ in range(_ATTEMPTS):
            try:
                return kept(application, identity, tells)
            except Refused:
                continue
        raise StillChanging

    def _call(self, application: str, call: str, tells: Tells) -> bool:
        facts = self.reader.call(application, call)
        if not facts or (call.startswith(NO_SESSION) and not facts.cdrs):
            return False  # events that name no session may be of one call: nothing says which
        known = facts.row
        order = self._order(application, subscription_of(facts), known)
        says = with_own_x(call_of(facts, order), order, self.ours)
        if known and known.says == says:
            return False
        numbers = numbers_of_call(facts, says, self.unseal)
        version = known.version + 1 if known else 1
        told = known.told if known else ()
        new = announce.of_call(known.says if known else None, says, told, numbers, version=version)
        context = calls.sealed_context(application, call)
        row = self._row(says, version, told, new, numbers, context, facts.last_at)
        self._write(calls.write_call(self.table, row, seen=known.version if known else None), tells(new))
        return True

    def _message(self, application: str, message: str, tells: Tells) -> bool:
        facts = self.reader.sms(application, message)
        if not facts:
            return False
        known = facts.row
        order = self._order(application, sms_subscription_of(facts), known)
        says = with_own_x(message_of(facts, order), order, self.ours)
        if known and known.says == says:
            return False
        numbers = numbers_of_message(facts, says, self.unseal)
        told = known.told if known else ()
        new = announce.of_message(says, told, numbers)
        context = messages.sealed_context(application, message)
        version = known.version + 1 if known else 1
        row = self._row(says, version, told, new, numbers, context, facts.last_at)
        self._write(
            messages.write_message(self.table, row, seen=known.version if known else None), tells(new)
        )
        return True

    def _order(
        self, application: str, subscription_id: str | None, known: CallRow | MessageRow | None
    ) -> OrderRef | None:
        """The binding that is named; once found it stays with the row, also when it is forgotten."""
        if subscription_id is None:
            return None
        found = self.order_of(application, subscription_id)
        if found or known is None or known.says.subscription_id != subscription_id:
            return found
        return remembered(known.says)

    def _write(self, row: Action, told: Sequence[Action]) -> None:
        """Write a row with what it tells; alone it costs half of what a transaction would."""
        if told:
            self.writer.transact([row, *told])
        else:
            self.writer.put(row.name, **row.request["Put"])

    def _row(
        self,
        says: T,
        version: int,
        told: tuple[str, ...],
        new: list[Announcement],
        numbers: Numbers,
        context: str,
        last: datetime,
    ) -> Derived[T]:
        kept = self.kept.calls if isinstance(says, Call) else self.kept.texts
        sealed = seal(self.keyring(), json.dumps(numbers).encode(), context=context) if numbers else None
        return Derived(
            says,
            version=version,
            expires_at=int((last + kept).timestamp()),
            told=tuple(dict.fromkeys((*told, *(each.type for each in new)))),
            sealed=sealed,
        )
