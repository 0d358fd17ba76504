"""What the emulated platform pushes, taken in by the real ingestion: C-004, C-049 to C-053, C-095, C-097."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from builders.bills import facts, rows
from builders.dynamodb import Table, moto_client, new_table
from builders.emulated import APP_KEY, SECRET, STRANGER, SUBSCRIPTION, A, B, Platform, X, demo_application
from builders.ingestion import ingestion
from builders.keyrings import KEYRING
from builders.pushes import CALLBACK_TOKEN, application
from builders.quarantined import quarantine_of
from emulator.deliveries import DeliveryState
from emulator.numstatus import push_number_status
from emulator.world import NumberStatus, PushUrls
from privatenumber.calls.guard import Arrival
from privatenumber.calls.report import Report
from privatenumber.deadline import Deadline
from privatenumber.privacy import token
from privatenumber.settings import Application
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.facts import FactStore, StoreUnavailable

pytestmark = pytest.mark.anyio

ADDRESS = f"https://receiver.example.com/callbacks/demo/{CALLBACK_TOKEN}"
URLS = PushUrls(status=f"{ADDRESS}/status", fee=f"{ADDRESS}/fee")
DAY = date(2026, 9, 2)


class Scene:
    """An emulated platform whose pushes are taken in by our ingestion, on the platform's clock."""

    def __init__(self, table: Table, **settings: Any) -> None:
        self.table = table
        self.down = False
        self.reports: list[Report] = []
        self.store = FactStore(table.client, table.name, sleep=lambda _: None)
        self.ingestion = ingestion(table, self._applications)
        ours = demo_application(urls=URLS, push_num_status=True)
        self.platform = Platform(application=ours, **settings)
        self.platform.receiver.answer = self._answer

    def cdrs(self) -> list[CdrFact]:
        return list(self.store.cdrs_of_day("demo", DAY))

    def statuses(self) -> list[int]:
        return [report.status for report in self.reports]

    async def settle(self) -> None:
        """Let every repetition of every push happen."""
        await self.platform.clock.advance(timedelta(hours=12).total_seconds())

    def _applications(
        self, *, refresh: bool = False, until: Deadline | None = None
    ) -> dict[str, Application]:
        return {"demo": application(app_key=APP_KEY, secrets=(SECRET,))}

    def _answer(self, request: httpx.Request) -> httpx.Response:
        _, _, app, secret, route = request.url.path.split("/")
        arrival = Arrival(
            request.method,
            app,
            secret,
            route,
            "203.0.113.1",
            request.headers,
            request.content,
            self.platform.clock.now(),
        )
        try:
            if self.down:
                raise StoreUnavailable("down")
            self.reports.append(self.ingestion.receive(arrival))
        except StoreUnavailable:
            return httpx.Response(503)
        return httpx.Response(self.reports[-1].status)


@pytest.fixture
def bills() -> Iterator[Table]:
    with moto_client() as client:
        yield new_table(client, "BillsTable")


@pytest.fixture
def scene(bills: Table) -> Scene:
    return Scene(bills)


async def test_an_answered_call_leaves_five_events_and_a_cdr_that_tells_the_truth(scene: Scene) -> None:
    """C-004, C-056: joined by session, bound by subscriptionId, times as they happened."""
    scene.platform.bind()
    call = await scene.platform.call(talk_s=95)
    await scene.settle()
    (cdr,) = scene.cdrs()
    session = token(KEYRING, call.session_id, purpose="session")
    assert set(scene.statuses()) == {200}
    assert len(list(scene.store.call("demo", session))) == 6
    assert (cdr.session, cdr.subscription_id, cdr.x, cdr.direction) == (session, SUBSCRIPTION, X, 1)
    assert (cdr.caller, cdr.callee) == (token(KEYRING, A), token(KEYRING, B))
    assert (cdr.answered_at, cdr.ended_at) == (call.answered_at, call.ended_at)
    assert cdr.flags == ()


async def test_a_call_of_a_stranger_is_an_orphan(scene: Scene) -> None:
    """C-027, U-D08: empty subscriptionId, cause 8014."""
    scene.platform.bind()
    await scene.platform.call(STRANGER)
    await scene.settle()
    (cdr,) = scene.cdrs()
    assert (cdr.subscription_id, cdr.teardown, cdr.direction, cdr.answered_at) == (None, 8014, 2, None)
    assert cdr.flags == ("orphan",)


async def test_an_hour_without_store_loses_nothing(scene: Scene) -> None:
    """C-053, U-D12: 503 makes the platform push again."""
    scene.platform.bind()
    scene.down = True
    await scene.platform.call(talk_s=30)
    await scene.platform.clock.advance(3600)
    assert rows(scene.table) == []
    scene.down = False
    await scene.settle()
    assert len(rows(scene.table)) == 6
    assert {delivery.state for delivery in scene.platform.deliveries()} == {DeliveryState.DELIVERED}


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("duplicate", {"copies": 3}),
        ("delay", {"hold_s": 20_000}),
        ("reorder", {"window_s": 3000}),
        ("wsse", {"attempts": 7}),
        ("repeat_nonce", {"attempts": 7}),
    ],
)
async def test_faults_of_delivery_change_nothing_of_the_facts(
    bills: Table, kind: str, params: dict[str, Any]
) -> None:
    """notifications.md §9.1, U-A12."""
    calm, stormy = Scene(new_table(bills.client, "BillsTable")), Scene(bills)
    stormy.platform.fault(kind, times=None, **params)
    for scene in (calm, stormy):
        scene.platform.bind()
        await scene.platform.call(talk_s=30)
        await scene.settle()
    assert set(stormy.statuses()) == {200}
    assert facts(stormy.table) == facts(calm.table)


@pytest.mark.parametrize("kind", ["bad_signature", "old_created"])
async def test_a_push_that_cannot_be_verified_is_kept_and_its_repetition_stored(
    scene: Scene, kind: str
) -> None:
    """U-D11, auth.md §6: 401 makes an honest platform push again."""
    scene.platform.bind()
    scene.platform.fault(kind, times=1, match={"event": "answer"})
    await scene.platform.call(talk_s=30)
    await scene.settle()
    (entry,) = quarantine_of(scene.table, DAY)
    assert sorted(scene.statuses()) == [200] * 6 + [401]
    assert entry.reason == {"bad_signature": "refused: digest", "old_created": "refused: created"}[kind]
    assert len([row for row in rows(scene.table) if row["kind"] in {"event", "cdr"}]) == 6


async def test_a_push_that_repeats_its_first_header_for_hours_is_accepted(bills: Table) -> None:
    """auth.md §6: Created may be twelve hours old."""
    scene = Scene(bills, push={"resign": False, "retry_base": "successive"})
    scene.platform.bind()
    scene.down = True
    await scene.platform.call(talk_s=30)
    await scene.platform.clock.advance(timedelta(hours=6).total_seconds())
    scene.down = False
    await scene.settle()
    assert set(scene.statuses()) == {200}
    assert len(rows(scene.table)) == 6


async def test_calls_that_end_together_come_in_one_push_and_are_stored_each(scene: Scene) -> None:
    """C-052, U-P14: answered and unanswered in one message (U-D18)."""
    scene.platform.bind()
    scene.platform.start_call(A, talk_s=30, ring_after_s=1, answer_after_s=1)
    for number in range(12):
        scene.platform.start_call(f"+86138001380{number + 10}")
    await scene.settle()
    assert len(scene.cdrs()) == 13
    assert max(report.stored for report in scene.reports if report.kind == "cdr") > 1


async def test_sessions_that_hold_numbers_stay_sealed(bills: Table) -> None:
    """notifications.md §4.7, design.md §6."""
    scene = Scene(bills, session_id_style="with_numbers")
    scene.platform.bind()
    call = await scene.platform.call(talk_s=30)
    await scene.settle()
    assert A[1:] in call.session_id
    assert A[1:] not in repr(rows(scene.table))
    assert A[3:] not in repr(scene.reports)


async def test_number_states_are_stored_from_the_status_address(scene: Scene) -> None:
    """C-050, C-097: without an address of their own they come to the call-status address."""
    number = scene.platform.number("+8617010000009", status=NumberStatus.SUSPENDED)
    push_number_status(scene.platform.world, scene.platform.pusher, [number])
    await scene.settle()
    (row,) = rows(scene.table)
    assert (row["x"], row["status"]) == ("+8617010000009", "9")
    assert scene.reports[0].notes == ()


async def test_optional_fields_that_come_empty_are_absent(bills: Table) -> None:
    """notifications.md §11, §2.8."""
    calm = Scene(new_table(bills.client, "BillsTable"))
    scene = Scene(bills, push={"empty_optional": "empty"})
    for each in (calm, scene):
        each.platform.bind()
        await each.platform.call(STRANGER)
        await each.settle()
    assert facts(scene.table) == facts(calm.table)
