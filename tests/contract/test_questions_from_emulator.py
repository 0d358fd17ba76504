"""What the emulated platform asks, answered by the real ingestion: C-007, C-059, C-062.

The emulator is strict here, and it is the other half: an answer it does not take ends the call with 8014.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from builders.bills import rows
from builders.dynamodb import Table, moto_client, new_table
from builders.emulated import APP_KEY, LANDLINE, SECRET, STRANGER, A, B, D, X
from builders.emulated_modes import ModePlatform
from builders.ingestion import ingestion
from builders.keyrings import KEYRING
from builders.pushes import ASKING, CALLBACK_TOKEN, application
from builders.relations import change_relation, put_relation, relation
from builders.streams import stream_event
from emulator.world import PushUrls
from integration.test_follow import Desk
from privatenumber.bindings.model import Binding, State
from privatenumber.calls.guard import Arrival
from privatenumber.calls.report import Report
from privatenumber.deadline import Deadline
from privatenumber.privacy import token
from privatenumber.settings import Application, Mode, SmsDefault
from privatenumber.store.decisions import Decision, read_decision
from privatenumber.store.facts import FactStore
from privatenumber.store.sms_rows import SmsFact
from privatenumber.store.stream import inserted

pytestmark = pytest.mark.anyio

ADDRESS = f"https://receiver.example.com/callbacks/demo/{CALLBACK_TOKEN}"
URLS = PushUrls(
    status=f"{ADDRESS}/status",
    fee=f"{ADDRESS}/fee",
    sms_notify=f"{ADDRESS}/sms",
    sms_control=f"{ADDRESS}/sms",
)
DAY = date(2026, 9, 2)


class Scene:
    """An emulated platform that asks, our ingestion that answers, and what follows the facts."""

    def __init__(self, bills: Table, bindings: Table, mode: str = "X", **settings: Any) -> None:
        self.bills, self.bindings, self.mode = bills, bindings, Mode(mode)
        self.reports: list[Report] = []
        self.settings = settings
        self.store = FactStore(bills.client, bills.name)
        self.ingestion = ingestion(bills, self._applications, bindings=bindings)
        self.desk = Desk(bindings)
        self.platform = ModePlatform(mode, application={"urls": URLS}, strictness="strict")
        self.platform.receiver.answer = self._answer

    def relate(self, binding_id: str = "binding-1", **changes: Any) -> Binding:
        """Let A stand on X as our bindings have it."""
        ends_at = self.platform.clock.now() + timedelta(hours=6)
        made = relation(binding_id, **{"mode": self.mode, "x": X, "ends_at": ends_at, **changes})
        put_relation(self.bindings, made)
        return made

    def follow(self) -> None:
        """Let everything follow that was stored since the last time."""
        for record in inserted(stream_event(rows(self.bills))):
            self.desk.follower().follow(record.row)

    def decisions(self) -> list[Decision]:
        return [read_decision(row) for row in rows(self.bills) if row["sk"] == "DECISION"]

    def sms(self) -> list[SmsFact]:
        return list(self.store.sms_of_day(ASKING[self.mode.value][0], DAY))

    async def settle(self) -> None:
        await self.platform.clock.advance(timedelta(hours=12).total_seconds())

    def _applications(
        self, *, refresh: bool = False, until: Deadline | None = None
    ) -> dict[str, Application]:
        name, _ = ASKING[self.mode.value]
        ours = application(id=name, app_key=APP_KEY, secrets=(SECRET,), mode=self.mode, **self.settings)
        return {name: ours}

    def _answer(self, request: httpx.Request) -> httpx.Response:
        _, _, _, secret, route = request.url.path.split("/")
        report = self.ingestion.receive(
            Arrival(
                request.method,
                ASKING[self.mode.value][0],
                secret,
                route,
                "203.0.113.1",
                request.headers,
                request.content,
                self.platform.clock.now(),
            )
        )
        self.reports.append(report)
        return httpx.Response(report.status, json=report.answer) if report.answer else httpx.Response(200)


@pytest.fixture
def tables() -> Iterator[tuple[Table, Table]]:
    with moto_client() as client:
        yield new_table(client, "BillsTable"), new_table(client)


@pytest.fixture
def scene(tables: tuple[Table, Table]) -> Scene:
    return Scene(*tables, close_tone="closeHintTone.wav")


class TestCalls:
    async def test_a_pair_talks_in_both_directions(self, scene: Scene) -> None:
        """x.md §3: callee, shown number, user data and limit are those of the relation."""
        scene.relate(partners=(B,), max_minutes=1, user_reference="ticket-77", record_hint_tone="record.wav")
        for caller, callee in ((B, A), (A, B)):
            call = await scene.platform.call(caller, talk_s=600)
            entry = scene.platform.cdr(call)
            assert (entry["callerNum"], entry["fwdDstNum"], entry["fwdDisplayNum"]) == (caller, callee, X)
            assert (entry["direction"], entry["userData"], call.talk_seconds) == (0, "ticket-77", 60)
        assert {report.status for report in scene.reports} == {200}

    async def test_a_stranger_hears_the_tone_and_the_call_ends(self, scene: Scene) -> None:
        """x.md §2: close is 8017."""
        scene.relate(partners=(B,))
        call = await scene.platform.call(STRANGER)
        assert scene.platform.receiver.event_types() == ["callin", "disconnect"]
        assert scene.platform.cdr(call)["ulFailReason"] == 8017
        assert {tone.name for tone in call.prompts} == {"closeHintTone.wav"}

    async def test_a_landline_partner_is_called(self, scene: Scene) -> None:
        """x.md §1: landlines may be callees."""
        scene.relate(partners=(LANDLINE,))
        call = await scene.platform.call(A)
        assert scene.platform.cdr(call)["fwdDstNum"] == LANDLINE

    async def test_a_released_relation_ends_with_the_next_call(self, scene: Scene) -> None:
        """x.md §5."""
        made = scene.relate(partners=(B,))
        connected = await scene.platform.call(B)
        change_relation(scene.bindings, made, state=State.RELEASING)
        refused = await scene.platform.call(B)
        assert scene.platform.cdr(connected)["ulFailReason"] == 0
        assert scene.platform.cdr(refused)["ulFailReason"] == 8017

    async def test_a_calls_back_whoever_called_last(self, scene: Scene) -> None:
        """One to many: the contact memory follows the stored decisions."""
        scene.relate(anyone=True)
        for caller in (B, STRANGER):
            await scene.platform.call(caller)
            await scene.platform.clock.advance(60)
        scene.follow()
        call = await scene.platform.call(A)
        assert scene.platform.cdr(call)["fwdDstNum"] == STRANGER

    async def test_several_a_share_one_x_and_partners_reach_their_own(self, scene: Scene) -> None:
        """Extension-like: who calls decides."""
        scene.relate("one", a=A, partners=(B,))
        scene.relate("two", a=D, partners=(STRANGER,))
        reached = {}
        for caller in (B, STRANGER, A, D):
            call = await scene.platform.call(caller)
            reached[caller] = scene.platform.cdr(call)["fwdDstNum"]
        assert reached == {B: A, STRANGER: D, A: B, D: STRANGER}

    async def test_the_decision_names_the_roles_of_the_cdr(self, scene: Scene) -> None:
        """notifications.md §10.1: roles from the own decision log by sessionId."""
        scene.relate(partners=(B,))
        call = await scene.platform.call(B)
        await scene.settle()
        (cdr,) = scene.store.cdrs_of_day("demo-x", DAY)
        (decision,) = scene.decisions()
        assert decision.key[0] == cdr.key[0]
        assert cdr.session == token(KEYRING, call.session_id, purpose="session")
        assert (decision.caller_role, decision.binding_id) == ("partner", "binding-1")
        assert (cdr.caller, cdr.callee) == (decision.caller, decision.callee)
        assert cdr.flags == ()


class TestSms:
    async def test_x_mode_forwards_between_the_two(self, scene: Scene) -> None:
        """x.md §4; sendResult 0."""
        scene.relate(partners=(B,))
        for sender, receiver in ((B, A), (A, B)):
            sms = await scene.platform.sms(sender, text="中" * 71)
            assert (sms.receiver, sms.result) == (receiver, 0)
        await scene.settle()
        assert [(row.send_result, row.split_num, row.parts_forwarded) for row in scene.sms()] == [
            (0, 2, 2)
        ] * 2

    async def test_x_mode_drops_what_a_stranger_writes(self, scene: Scene) -> None:
        """sendResult 6: discarded on the instruction of the customer."""
        scene.relate(partners=(B,))
        assert (await scene.platform.sms(STRANGER)).result == 6

    async def test_ax_goes_to_the_last_counterpart_if_the_application_says_so(
        self, tables: tuple[Table, Table]
    ) -> None:
        scene = Scene(*tables, mode="AX", sms_default=SmsDefault.FORWARD)
        scene.relate(subscription_id=scene.platform.bind_ax().subscription_id)
        await scene.platform.call(B)
        await scene.platform.clock.advance(60)
        scene.follow()
        sms = await scene.platform.sms(A, text="On my way")
        assert (sms.receiver, sms.result, sms.forwarded) == (B, 0, "On my way")

    async def test_ax_says_what_became_of_the_text(self, tables: tuple[Table, Table]) -> None:
        """C-059, C-156: with @number, without, and from somebody else; our count is the platform's."""
        scene = Scene(*tables, mode="AX")
        scene.platform.bind_ax()
        scene.relate()
        await scene.platform.sms(A, text="中" * 59 + "@13800138002")
        await scene.platform.sms(A, text="中" * 59 + "＠13800138002")
        await scene.platform.sms(B, text="中" * 54)
        await scene.settle()
        told = sorted(scene.sms(), key=lambda row: str(row.at))
        assert [(row.at_number, row.send_result, row.direction) for row in told] == [
            ("valid", 0, 1),
            ("malformed", 6, 1),
            (None, 0, 0),
        ]
        assert [(row.parts_received, row.parts_forwarded, row.split_num) for row in told] == [
            (2, 1, 1),
            (2, 2, 0),
            (1, 2, 2),
        ]
