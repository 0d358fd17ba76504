"""An emulated platform whose pushes our ingestion stores, our bindings beside it, and what is said of both.

Bindings are written version by version, each with its entry of the audit, as the stream makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from builders.bills import rows
from builders.dynamodb import new_table
from builders.emulated import APP_KEY, SECRET, SUBSCRIPTION, A, X
from builders.emulated_modes import IDS, ModePlatform
from builders.ingestion import ingestion, unseal
from builders.keyrings import KEYRING
from builders.pushes import CALLBACK_TOKEN, application
from emulator.callrecord import Call
from emulator.smsrecord import Sms
from emulator.world import Mode as EmulatedMode
from emulator.world import PushUrls
from privatenumber.bindings.audit import entry_of
from privatenumber.bindings.model import Binding, Callee, Partner, PartnerState, Reason, State, Terms
from privatenumber.bindings.records import party, to_record
from privatenumber.calls.chronicle import Chronicle
from privatenumber.calls.diagnosis.explaining import explain, explain_sms
from privatenumber.calls.diagnosis.model import Diagnosis
from privatenumber.calls.guard import Arrival
from privatenumber.deadline import Deadline
from privatenumber.privacy import token
from privatenumber.settings import Application, Mode
from privatenumber.store.audit import AuditStore
from privatenumber.store.binding_keys import binding_item, place_key
from privatenumber.store.call_facts import FactReader
from privatenumber.store.evidence import EvidenceStore
from privatenumber.store.items import decode, encode
from privatenumber.store.orders import OrderStore
from privatenumber.store.transactions import Writer

DEMO: Final = "demo"
_ADDRESS: Final = f"https://receiver.example.com/callbacks/{DEMO}/{CALLBACK_TOKEN}"
_URLS: Final = PushUrls(
    status=f"{_ADDRESS}/status",
    fee=f"{_ADDRESS}/fee",
    num_status=f"{_ADDRESS}/number",
    sms_notify=f"{_ADDRESS}/sms",
    sms_control=f"{_ADDRESS}/sms",
)
_FACTS: Final = frozenset({"event", "cdr", "decision"})


class Explained:
    """One application of a mode on both sides.

    ``application`` are settings of ours, ``emulated`` those of the platform's application, ``settings`` those
    of the emulator. While ``silent`` our receiver answers 500 and stores nothing.
    """

    def __init__(
        self,
        client: Any,
        mode: Mode | str = Mode.AXB,
        *,
        emulated: Mapping[str, Any] | None = None,
        application: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.mode = Mode(mode)
        self.bills, self.bindings = new_table(client, "BillsTable"), new_table(client)
        self.ours = self._application(application or {})
        self.silent = False
        self.platform = ModePlatform(
            self.mode.value, application={"urls": _URLS, **(emulated or {})}, **settings
        )
        self.platform.receiver.answer = self._answer
        self._ingestion = ingestion(self.bills, self._applications, bindings=self.bindings)
        self._audit = AuditStore(client, self.bindings.name, days=400)

    @property
    def now(self) -> datetime:
        return self.platform.clock.now()

    # Our bindings

    def bound(
        self,
        binding_id: str = "binding-1",
        *,
        a: str = A,
        b: str | None = None,
        x: str = X,
        ys: Mapping[str, str] | None = None,
        direction: int = 0,
        max_minutes: int = 0,
        asked_at: datetime | None = None,
        confirmed: bool = True,
        lives: timedelta = timedelta(hours=6),
        **changes: Any,
    ) -> Binding:
        """Write a binding of A, with B (AXB) or partners by number with their Y (AXYB, X mode)."""
        at = asked_at or self.now - timedelta(minutes=10)
        partners = tuple(
            Partner(f"partner-{number[-4:]}", party(KEYRING, number), y or None, PartnerState.HELD)
            for number, y in (ys or {}).items()
        )
        terms = Terms(party(KEYRING, a), party(KEYRING, b) if b else None, at + lives, direction, max_minutes)
        fields: dict[str, Any] = {
            "id": binding_id,
            "application": DEMO,
            "order": f"order-of-{binding_id}",
            "mode": self.mode,
            "state": State.REQUESTED,
            "version": 1,
            "x": x,
            "area": "0755",
            "terms": terms,
            "created_at": at,
            "updated_at": at,
            "content_hash": "content",
            "due_at": at + timedelta(minutes=1),
            "partners": partners,
            **changes,
        }
        asked = Binding(**fields)
        self.write(asked)
        if not confirmed:
            return asked
        named = None if self.mode is Mode.X else changes.get("subscription_id", self.subscription())
        return self.becomes(asked, at + timedelta(seconds=1), state=State.ACTIVE, subscription_id=named)

    def becomes(
        self, binding: Binding, at: datetime, *, by: str = "system", why: str | None = None, **changes: Any
    ) -> Binding:
        """Write the next version of a binding."""
        after = replace(binding, version=binding.version + 1, updated_at=at, **changes)
        self.write(after, by=by, why=why)
        return after

    def ends(
        self,
        binding: Binding,
        at: datetime,
        reason: Reason = Reason.EXPIRED,
        *,
        by: str = "system",
        why: str | None = None,
    ) -> Binding:
        """Release a binding, here only: the platform's book is the test's."""
        leaving = self.becomes(binding, at, state=State.RELEASING, reason=reason, by=by, why=why)
        return self.becomes(leaving, at + timedelta(seconds=1), state=State.CLOSED, due_at=None)

    def with_callee(self, binding: Binding, number: str, at: datetime, seconds: int = 60) -> Binding:
        """Set the temporary callee of a binding."""
        callee = Callee(party(KEYRING, number), at + timedelta(seconds=seconds))
        return self.becomes(binding, at, callee=callee)

    def write(self, binding: Binding, *, by: str = "system", why: str | None = None) -> None:
        """Put a version into the table, the places of its people, and its entry of the audit."""
        client, table = self.bindings.client, self.bindings.name
        item = binding_item(to_record(binding, KEYRING, by=by, why=why))
        key = {"pk": item["pk"], "sk": item["sk"]}
        before = client.get_item(TableName=table, Key=encode(key)).get("Item")
        client.put_item(TableName=table, Item=encode(item))
        if binding.state is State.ACTIVE:
            for person in binding.places:
                place = {**place_key(DEMO, person, binding.x), "binding_id": binding.id}
                client.put_item(TableName=table, Item=encode(place))
        entry = entry_of(decode(before) if before else None, item, at=binding.updated_at)
        if entry:
            self._audit.add(entry)

    def subscription(self) -> str:
        """The id that the emulated platform gives the first binding of X."""
        return SUBSCRIPTION if self.mode is Mode.AXB else IDS[EmulatedMode(self.mode.value)]

    # What happens

    async def call(self, caller: str = A, called: str = X, **script: Any) -> Call:
        """Place a call, let it end and every push be repeated as long as the platform does."""
        return await self.platform.call(caller, called, **script)

    async def settle(self, hours: float = 12) -> None:
        """Let time pass."""
        await self.platform.clock.advance(timedelta(hours=hours).total_seconds())

    # What is said of it

    def of(self, call: Call) -> tuple[Diagnosis, ...]:
        """The diagnosis of a call."""
        if len(self.platform.engine.calls) > 1:
            self._keep_rows()
        session = token(KEYRING, call.session_id, purpose="session")
        return explain(self._evidence(), unseal, self.ours, session, clock=lambda: self.now)

    def of_sms(self, sms: Sms) -> tuple[Diagnosis, ...]:
        """The diagnosis of a text."""
        message = token(KEYRING, sms.id, purpose="sms")
        return explain_sms(self._evidence(), self.ours, message, clock=lambda: self.now)

    def _evidence(self) -> EvidenceStore:
        return EvidenceStore(self.bills.client, self.bindings.name, self.bills.name)

    def _keep_rows(self) -> None:
        """Let the rows of calls follow their facts, as the stream does."""
        chronicle = Chronicle(
            FactReader(self.bills.client, self.bills.name),
            Writer(self.bills.client, sleep=lambda _: None),
            self.bills.name,
            order_of=OrderStore(self.bindings.client, self.bindings.name).find,
            ours=lambda x: True,
            unseal=unseal,
            keyring=lambda: KEYRING,
        )
        # One fact of each call is enough: its row is computed from all of them.
        calls = {row["pk"]: row for row in rows(self.bills) if row.get("kind") in _FACTS}
        for fact in calls.values():
            chronicle.keep(fact)

    def _application(self, changes: Mapping[str, Any]) -> Application:
        return application(id=DEMO, app_key=APP_KEY, secrets=(SECRET,), mode=self.mode, **changes)

    def _applications(
        self, *, refresh: bool = False, until: Deadline | None = None
    ) -> dict[str, Application]:
        return {DEMO: self.ours}

    def _answer(self, request: httpx.Request) -> httpx.Response:
        _, _, app, secret, route = request.url.path.split("/")
        arrival = Arrival(
            request.method, app, secret, route, "203.0.113.1", request.headers, request.content, self.now
        )
        if self.silent:
            return httpx.Response(500)
        report = self._ingestion.receive(arrival)
        return httpx.Response(report.status, json=report.answer) if report.answer else httpx.Response(200)
