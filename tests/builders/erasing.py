"""Erasures on two tables and a bucket that is a dictionary: somebody is planted everywhere and looked for.

What is planted is written by the stores and rooms that write it when it is deployed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, cast

from builders.bills import every_row, rows
from builders.bindings import TestClock
from builders.books import Books
from builders.calls import CALL
from builders.chronicled import Chronicled
from builders.dynamodb import Table, moto_client, new_table
from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.pushes import (
    APP_KEY,
    SIGNED_AT,
    STRANGER,
    SUBSCRIPTION,
    A,
    B,
    X,
    cdr_entry,
    event_body,
    fee_body,
    sms_body,
    wire,
)
from privatenumber.billing.closing.lines import Belonging
from privatenumber.billing.closing.parts import Part, PartFacts, close_part
from privatenumber.billing.closing.parts import Terms as RatingTerms
from privatenumber.billing.reconciliation.cells import ImportedNumber
from privatenumber.billing.reconciliation.exports_in import ImportedCall, ImportedSms
from privatenumber.billing.reconciliation.importing import import_rows
from privatenumber.billing.reconciliation.rows_to_import import Importing, RowToImport
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.bindings.jobs_model import seal_item, seal_people
from privatenumber.bindings.model import Binding, Partner, PartnerState, State, Terms
from privatenumber.bindings.records import party, to_record
from privatenumber.calls.quarantine import Envelope, entry_for
from privatenumber.erasure.model import Request
from privatenumber.erasure.orders import OrderBindings
from privatenumber.erasure.rounds import Ran, Rounds, sealed_context
from privatenumber.erasure.service import Erasures, Told, subject_of
from privatenumber.erasure.walk import Walk
from privatenumber.privacy import SealBroken, open_sealed, seal, token
from privatenumber.settings import Mode
from privatenumber.store import calls, messages
from privatenumber.store.announcements import Announcement
from privatenumber.store.barred import Bar, BarredStore, BarScope, Direction, ScopeKind, barred_context
from privatenumber.store.binding_keys import binding_item, pair_memory_key, pair_name, place_key
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.bindings import BindingStore
from privatenumber.store.call_counts import CallCounts, Counted
from privatenumber.store.closes import CloseStore
from privatenumber.store.contacts import Contact, ContactStore, contact_context
from privatenumber.store.decisions import decision_context
from privatenumber.store.erasing import Eraser
from privatenumber.store.erasure_rounds import RoundStore
from privatenumber.store.erasures import ErasureStore
from privatenumber.store.fact_rows import SHARDS
from privatenumber.store.facts import FactStore
from privatenumber.store.items import encode
from privatenumber.store.job_rows import DONE, ItemRow, JobRow, item_item, job_item
from privatenumber.store.numbers import NumberStore, NumberType
from privatenumber.store.recordings import RecordingRow, RecordingStore, recording_sk
from privatenumber.store.refusals import Refusal, RefusalStore
from privatenumber.store.versions import Version, VersionStore
from privatenumber.store.webhook_events import Noted, event_update, position_of, seal_context

APP = "demo"
ORDER = "order-1001"
LATER = SIGNED_AT + timedelta(days=1)
"""When erasures are asked for: after everything that was planted."""

TOKENS = {number: token(KEYRING, number) for number in (A, B, STRANGER)}
FILE = "demo/2026-09-02/icid/object.wav"


def binding(binding_id: str = "binding-1", *, a: str = A, b: str | None = B, **changes: Any) -> Binding:
    """A binding of the order that has ended."""
    fields: dict[str, Any] = {
        "id": binding_id,
        "application": APP,
        "order": ORDER,
        "mode": Mode.AXB,
        "state": State.CLOSED,
        "version": 4,
        "x": X,
        "area": "0755",
        "terms": Terms(party(KEYRING, a), party(KEYRING, b) if b else None, SIGNED_AT, 0, 0),
        "created_at": SIGNED_AT - timedelta(hours=2),
        "updated_at": SIGNED_AT,
        "content_hash": token(KEYRING, "content", purpose="content"),
        "subscription_id": SUBSCRIPTION,
        "due_at": None,
        "user_reference": f"for {a}",
    }
    return Binding(**{**fields, **changes})


@dataclass(frozen=True)
class Snapshot:
    """What two tables and a bucket hold: to plant it once is enough for many tests."""

    bindings: tuple[Mapping[str, Any], ...]
    bills: tuple[Mapping[str, Any], ...]
    files: Mapping[str, bytes]


@dataclass
class Desk:
    """Two tables, the recordings, a clock, and what erases."""

    bindings: Table
    bills: Table
    clock: TestClock = field(default_factory=lambda: TestClock(LATER))
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def client(self) -> Any:
        """The client of both tables."""
        return self.bills.client

    @property
    def chronicled(self) -> Chronicled:
        """Pushes and the rows that follow them."""
        return Chronicled(self.bills)

    @property
    def store(self) -> ErasureStore:
        """The erasures."""
        return ErasureStore(self.client, self.bindings.name)

    @property
    def orders(self) -> OrderBindings:
        """Bindings by order and person."""
        return OrderBindings(
            BindingSearch(self.client, self.bindings.name), BindingStore(self.client, self.bindings.name)
        )

    @property
    def versions(self) -> VersionStore:
        """Closes."""
        return VersionStore(self.client, self.bills.name)

    def erasures(self) -> Erasures:
        """Takes requests."""
        return Erasures(
            store=self.store,
            orders=self.orders,
            numbers=NumberStore(self.client, self.bindings.name),
            applications=lambda: [APP],
            keyring=lambda: KEYRING,
            clock=self.clock,
        )

    def rounds(self, client: Any = None) -> Rounds:
        """Works on them; `client` may fail."""
        client = client or self.client
        walk = Walk(
            eraser=Eraser(client, self.bindings.name),
            versions=VersionStore(client, self.bills.name),
            bindings=self.bindings.name,
            bills=self.bills.name,
            unseal=unseal,
            seal=lambda value, context: seal(KEYRING, value, context=context),
            token_of=lambda number: token(KEYRING, number),
            remove_file=lambda key: self.files.pop(key, None),
            clock=self.clock,
        )
        return Rounds(
            store=ErasureStore(client, self.bindings.name),
            progress=RoundStore(client, self.bindings.name),
            walk=walk,
            orders=self.orders,
            keyring=lambda: KEYRING,
            unseal=unseal,
            clock=self.clock,
            count=lambda name, value: None,
        )

    def ask(self, key: str = "key-1", **changes: Any) -> Told:
        """Ask for the erasure of A, unless told otherwise."""
        fields: dict[str, Any] = {"by": "arn:aws:iam::1:user/ann", "reason": "asked to be forgotten"}
        if not {"order", "older_than_days", "numbers"} & changes.keys():
            fields["numbers"] = frozenset({A})
        given = {**fields, **changes}
        fields["subject"] = subject_of(given.get("numbers"), given.get("order"), given.get("older_than_days"))
        told, _ = self.erasures().request(Request(**{**fields, **changes}), key)
        return told

    def run(self, rounds: Rounds | None = None) -> Ran:
        """Work to the end of the round."""
        return (rounds or self.rounds()).run(lambda: 60.0)

    def erase(self, key: str = "key-1", **changes: Any) -> Told:
        """Ask, and work until it is done: twice, a day apart."""
        told = self.ask(key, **changes)
        self.run()
        self.clock.now += timedelta(days=1)
        self.run()
        return self.erasures().get(told.row.id)

    def put(self, table: Table, *items: Mapping[str, Any]) -> None:
        """Write items as they are."""
        for item in items:
            self.client.put_item(TableName=table.name, Item=encode(item))

    def snapshot(self) -> Snapshot:
        """Everything that stands in both tables and in the bucket."""
        return Snapshot(tuple(rows(self.bindings)), tuple(every_row(self.bills)), dict(self.files))

    def restore(self, found: Snapshot) -> Desk:
        """Put everything back, into empty tables."""
        for table, items in ((self.bindings, found.bindings), (self.bills, found.bills)):
            for start in range(0, len(items), 25):
                puts: Any = [{"PutRequest": {"Item": encode(item)}} for item in items[start : start + 25]]
                self.client.batch_write_item(RequestItems={table.name: puts})
        self.files |= found.files
        return self

    def items(self) -> list[dict[str, Any]]:
        """Every row of both tables but those of erasures."""
        found = [*rows(self.bindings), *rows(self.bills)]
        return [row for row in found if not row["pk"].startswith("ERASURE")]

    def kinds(self) -> set[str]:
        """First words of the keys that stand in both tables."""
        return {row["pk"].partition("#")[0] for row in self.items()}

    def traces(self, number: str) -> list[str]:
        """Where somebody still is: keys of rows that hold his token, or open to his number; his files."""
        core = number.removeprefix("+86")
        found = [f"{row['pk']} {row['sk']}" for row in self.items() if _holds(row, TOKENS[number], core)]
        return found + [name for name in self.files if core.encode() in self.files[name]]


def new_desk() -> Iterator[Desk]:
    """A desk on moto."""
    with moto_client() as client:
        yield Desk(new_table(client), new_table(client, "BillsTable"))


def plant(desk: Desk) -> None:
    """Put A, and B beside him, into every kind of row that can hold a person."""
    plant_calls(desk)
    plant_bindings(desk)
    plant_lists(desk)
    plant_close(desk)


def plant_calls(desk: Desk) -> None:
    """A call with events, CDR, a contradicting CDR, decision and recording; an SMS; both with their rows."""
    chronicled = desk.chronicled
    for name in ("callin", "callout", "alerting", "answer", "disconnect"):
        assert chronicled.receive(event_body(name)) == 200
    assert chronicled.receive(fee_body()) == 200
    assert chronicled.receive(fee_body(cdr_entry(fwdDstNum=STRANGER))) == 200
    assert chronicled.receive(sms_body(smsContent=f"call me at {A}")) == 200
    answer = json.dumps({"answer": {"callee": B}, "caller": A, "callee": B}).encode()
    decision = {
        "kind": "decision", "application": APP, "about": "call", "operation": "connect", "reason": "partner",
        "at": "2026-09-02T01:00:00.000Z", "x": X, "caller": TOKENS[A], "callee": TOKENS[B],
        "binding_id": "binding-1", "order": ORDER,
        "sealed": seal(KEYRING, answer, context=decision_context(APP)),
    }  # fmt: skip
    desk.put(desk.bills, {"pk": f"CALL#{APP}#{CALL}", "sk": "DECISION", **decision})
    key = (f"CALL#{APP}#{CALL}", recording_sk("object"))
    where = seal(KEYRING, f"record of {A}".encode(), context="\0".join(key))
    recording = RecordingRow(
        key, APP, "archived", FILE, SIGNED_AT, 2_000_000_000, sealed=where, archived_at=SIGNED_AT, size=3
    )
    RecordingStore(desk.client, desk.bills.name).add(recording)
    desk.files[FILE] = f"voice of {A}".encode()
    chronicled.follow(chronicled.stored())
    CallCounts(desk.client, desk.bills.name).note(Counted(APP, f"calls#{TOKENS[A]}", SIGNED_AT, CALL))


def plant_bindings(desk: Desk) -> None:
    """Ended bindings as A, as B and as a later partner, with what they leave behind."""
    partners = (
        Partner("p1", party(KEYRING, B), None, PartnerState.HELD, founding=True),
        Partner("p2", party(KEYRING, A), None, PartnerState.HELD),
    )
    ended = [
        binding(),
        binding("binding-2", a=B, b=A, order="order-2", subscription_id="sub-2"),
        binding("binding-3", a=STRANGER, b=None, order="order-3", mode=Mode.X, partners=partners,
                subscription_id=None),
    ]  # fmt: skip
    desk.put(desk.bindings, *(binding_item(to_record(each, KEYRING)) for each in ended))
    cooling = {"cool_until": "2026-09-09T01:00:00.000Z", "left_by": "binding-1", "expires_at": 2_000_000_000}
    desk.put(
        desk.bindings,
        {**place_key(APP, TOKENS[A], X), **cooling},
        {**pair_memory_key(APP, pair_name([TOKENS[A], TOKENS[B]])), "x": X, "expires_at": 2_000_000_000},
    )
    for person, other in ((A, B), (B, A)):
        name = TOKENS[person]
        number = json.dumps({"number": other}).encode()
        sealed = seal(KEYRING, number, context=contact_context(APP, name, X))
        contact = Contact(APP, name, X, TOKENS[other], SIGNED_AT, sealed, "binding-1")
        assert ContactStore(desk.client, desk.bindings.name).remember(contact)
    refused = Refusal(APP, date(2026, 9, 2), "0755", "person_limit", "request", (TOKENS[A],))
    RefusalStore(desk.client, desk.bindings.name).note(refused)


def plant_lists(desk: Desk) -> None:
    """The black list, an item of a job, a quarantined push and the log of what webhooks were told."""
    sealed = seal(KEYRING, A.encode(), context=barred_context(APP, TOKENS[A]))
    scope = BarScope(ScopeKind.APPLICATION)
    bar = Bar(APP, TOKENS[A], Direction.CALLER, scope, "spam", SIGNED_AT, "arn", sealed)
    BarredStore(desk.client, desk.bindings.name).put(bar)
    item = ItemRow("job1", 0, DONE, 2, 2_000_000_000, seal_item(KEYRING, "job1", 0, '{"a": "138 0013 8001"}'))
    job = JobRow(
        "job1", "release_person", APP, "finished", 3, SIGNED_AT, "arn", "hash", 2_000_000_000,
        sealed=seal_people(KEYRING, "job1", {"number": party(KEYRING, A)}),
    )  # fmt: skip
    desk.put(desk.bindings, item_item(item), job_item(job))
    entry = entry_for(
        Envelope("status", {}, wire(event_body())),
        application=APP, reason="refused: signature", keyring=KEYRING, received_at=SIGNED_AT,
    )  # fmt: skip
    FactStore(desk.client, desk.bills.name).put_facts((), quarantined=[entry])
    told = Announcement(
        APP, f"call#{CALL}", "call.ended", "event-1", SIGNED_AT, {"order": ORDER, "caller": "+86138****8001"},
        {"caller": A},
    )  # fmt: skip
    position = position_of(Noted(SIGNED_AT), 0, "event-1")
    desk.client.update_item(**event_update(desk.bills.name, told, position, lambda: KEYRING))


def plant_imports(desk: Desk) -> None:
    """A call and an SMS out of the console's files, whose pushes never came."""
    x, caller, callee = (ImportedNumber(number) for number in (X, A, B))
    begun, ended = SIGNED_AT - timedelta(days=2), SIGNED_AT - timedelta(days=2, minutes=-1)
    call = ImportedCall(2, "9" * 32, None, APP_KEY, x, caller, callee, begun, ended, begun, 60, 1, None)
    text = ImportedSms(2, "sms-of-a-file", APP_KEY, x, caller, callee, begun, 1, None)
    books = Books(desk.client, cast(Any, None), desk.bills, desk.bindings, "exchange")
    importing = Importing("ann", SIGNED_AT, "sha256", timedelta(days=400))
    done = import_rows(books.ledger(), [RowToImport(call), RowToImport(text)], importing)
    assert done.counts["imported"] == 2, done.left_out


def plant_close(desk: Desk, *, made_at: datetime = SIGNED_AT) -> None:
    """The close of the day, from its facts."""
    facts, day = FactStore(desk.client, desk.bills.name), date(2026, 9, 2)
    terms = RatingTerms(PriceBook(), {X: NumberType.VIRTUAL}, lambda fact, x: Belonging("AXB", order=ORDER))
    store = CloseStore(desk.client, desk.bills.name)
    for shard in range(SHARDS):
        found = PartFacts(
            facts.cdrs_of_day(APP, day, [shard]),
            facts.variants_of_day(APP, day, [shard]),
            facts.sms_of_day(APP, day, [shard]),
        )
        close = close_part(Part(APP, day, shard), found, terms)
        seen, lines = store.latest(APP, day, shard), [line.document() for line in close.lines]
        if lines:
            store.add(APP, day, close.document(), lines, seen=seen, made_at=made_at, shard=shard)


def closed_parts(desk: Desk) -> list[Version]:
    """The latest closes of all parts of that day."""
    store, day = CloseStore(desk.client, desk.bills.name), date(2026, 9, 2)
    return [found for shard in range(SHARDS) if (found := store.latest(APP, day, shard))]


def _holds(row: Mapping[str, Any], name: str, core: str) -> bool:
    text = repr({key: value for key, value in row.items() if not isinstance(value, bytes)})
    if "lines" in row and isinstance(row["lines"], bytes):
        text += zlib.decompress(row["lines"]).decode()
    return name in text or core in text or core in _opened(row).replace(" ", "")


def _opened(row: Mapping[str, Any]) -> str:
    """What is sealed in a row, whatever it is sealed for."""
    if not row.get("sealed"):
        return ""
    for context in _contexts(row):
        try:
            return open_sealed(KEYRING, bytes(row["sealed"]), context=context).decode("utf-8", "replace")
        except SealBroken:
            continue
    raise AssertionError(f"nobody knows how to open {row['pk']} {row['sk']}")


def _contexts(row: Mapping[str, Any]) -> Iterator[str]:
    parts = row["pk"].split("#")
    made: list[Callable[[], str]] = [
        lambda: str(row["application"]),
        lambda: parts[1],
        lambda: f"binding#{row['binding_id']}",
        lambda: contact_context(row["application"], row["person"], row["x"]),
        lambda: decision_context(row["application"]),
        lambda: "\0".join((row["pk"], row["sk"])),
        lambda: calls.sealed_context(row["application"], parts[2]),
        lambda: messages.sealed_context(row["application"], parts[2]),
        lambda: barred_context(row["application"], row["person"]),
        lambda: f"job#{parts[1]}#{row['n']}",
        lambda: f"job#{parts[1]}",
        lambda: seal_context(row["application"], row["event"]),
        lambda: sealed_context(parts[1]),
    ]
    for each in made:
        try:
            yield each()
        except (KeyError, IndexError):
            continue


def late_cdr() -> dict[str, Any]:
    """Another record of the planted call, which comes after its erasure."""
    return fee_body(cdr_entry(icid="c0a8f3d1b7e24c6590ab12cd34ef5678.3997785600.9.7", recordFlag=0))
