"""A Bills table whose rows of calls and SMS are kept from its facts, in whatever order they are followed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from builders.bills import rows
from builders.calls import CALL, ORDER
from builders.dynamodb import Table
from builders.ingestion import ingestion, unseal
from builders.keyrings import KEYRING
from builders.pushes import CALLBACK_TOKEN, SIGNED_AT, application, signed_headers, wire
from privatenumber.calls.chronicle import Chronicle
from privatenumber.calls.guard import Arrival
from privatenumber.deadline import Deadline
from privatenumber.settings import Application
from privatenumber.store.announcements import Announcement
from privatenumber.store.call_facts import FactReader
from privatenumber.store.calls import Call, CallRow, read_call
from privatenumber.store.fact_rows import call_key
from privatenumber.store.items import decode, encode
from privatenumber.store.messages import Message, read_message
from privatenumber.store.orders import OrderRef
from privatenumber.store.recordings import RecordingRow, RecordingStore, recording_sk
from privatenumber.store.transactions import Action, Writer

_LONG: Final = 2_000_000_000
FACTS: Final = frozenset({"event", "cdr", "sms", "decision", "number_state", "recording"})


@dataclass
class Announced:
    """What was told, and the writes that stand for it."""

    table: Table
    all: list[Announcement] = field(default_factory=list)

    def __call__(self, announcements: Sequence[Announcement]) -> list[Action]:
        """Note announcements in the transaction of their row, as the outbox does."""
        self.all += announcements
        return [self._action(each) for each in announcements]

    @property
    def types(self) -> list[str]:
        """The types, in order."""
        return [each.type for each in self.all]

    def written(self) -> list[str]:
        """Types that stand in the table: what was told for good."""
        found = rows(self.table)
        return sorted(row["type"] for row in found if row["pk"].startswith("TOLD#"))

    def _action(self, announcement: Announcement) -> Action:
        item = {"pk": f"TOLD#{announcement.id}", "sk": announcement.id, "type": announcement.type}
        put = {"TableName": self.table.name, "Item": encode({**item, "kind": "told"})}
        return Action("told", {"Put": put})


@dataclass
class Chronicled:
    """The table, how pushes reach it and how its rows are kept."""

    bills: Table
    order_of: Callable[[str, str], OrderRef | None] = lambda application, subscription_id: ORDER

    def receive(self, body: Mapping[str, Any], *, at: datetime = SIGNED_AT) -> int:
        """Let a push in; answers its status."""
        arrival = Arrival(
            "POST", "demo", CALLBACK_TOKEN, "status", "192.0.2.1", signed_headers(at), wire(body), at
        )
        return ingestion(self.bills, _applications).receive(arrival).status

    def chronicle(self, **changes: Any) -> Chronicle:
        """What keeps the rows, on the table; ``changes`` replace what it is made of."""
        made: dict[str, Any] = {
            "reader": FactReader(self.bills.client, self.bills.name),
            "writer": Writer(self.bills.client, sleep=lambda _: None),
            "table": self.bills.name,
            "order_of": self.order_of,
            "ours": lambda x: True,
            "unseal": unseal,
            "keyring": lambda: KEYRING,
        }
        return Chronicle(**{**made, **changes})

    def told(self) -> Announced:
        """Something that notes what is told."""
        return Announced(self.bills)

    def stored(self) -> list[dict[str, Any]]:
        """The rows of facts, as a stream would hand them out once each."""
        return [row for row in rows(self.bills) if row.get("kind") in FACTS]

    def follow(self, found: Iterable[Mapping[str, Any]], tells: Announced | None = None) -> None:
        """Follow rows in this order."""
        chronicle = self.chronicle()
        for row in found:
            chronicle.keep(row, tells or self.told())

    def record(self, state: str) -> None:
        """Bring the recording of the one call to a state."""
        store = RecordingStore(self.bills.client, self.bills.name)
        key = (call_key("demo", CALL), recording_sk("object"))
        known = store.get(key)
        if known is None:
            store.add(RecordingRow(key, "demo", state, "file.wav", SIGNED_AT, _LONG))
        else:
            store.replace(replace(known, state=state, version=known.version + 1), seen=known.version)

    def call_row(self) -> CallRow:
        """The row of the one call."""
        (row,) = (row for row in rows(self.bills) if row.get("kind") == "call")
        return read_call(row)

    def calls(self) -> list[Call]:
        """All calls, in key order."""
        return [read_call(row).says for row in rows(self.bills) if row.get("kind") == "call"]

    def messages(self) -> list[Message]:
        """All SMS, in key order."""
        return [read_message(row).says for row in rows(self.bills) if row.get("kind") == "message"]

    def item(self, pk: str, sk: str) -> dict[str, Any]:
        """One row."""
        return decode(
            self.bills.client.get_item(TableName=self.bills.name, Key=encode({"pk": pk, "sk": sk}))["Item"]
        )


def _applications(*, refresh: bool = False, until: Deadline | None = None) -> Mapping[str, Application]:
    return {"demo": application()}
