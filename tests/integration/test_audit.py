"""The audit over the table's own stream: one row per version, whatever is repeated, late or cut off."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from builders.bindings import Desk, in_doubt, open_desk, token_of, within
from builders.dynamodb import Table, local_client, new_table
from builders.emulator import X1, A, B, RunningEmulator
from builders.streams import records_of
from functions.audit import app
from integration.test_binding_histories import PEOPLE, Histories
from privatenumber.bindings.audit import in_words
from privatenumber.bindings.errors import BindingError
from privatenumber.bindings.numbers import NumberChange, NumberInventory
from privatenumber.bindings.service import BindingService
from privatenumber.settings import Mode
from privatenumber.store.audit import AuditReader, AuditStore, Entry, Kind
from privatenumber.store.authors import PUSH, SWEEP, SYSTEM, Author
from privatenumber.store.milestones import Milestone, MilestoneReader, Step
from privatenumber.store.number_states import NumberStates
from privatenumber.store.numbers import NumberState
from privatenumber.times import beijing_day

pytestmark = pytest.mark.dynamodb_local

DISPATCH = "arn:aws-cn:iam::123456789012:user/dispatch"
C = "+8613800138003"


def audited(table: Table, records: list[dict[str, Any]]) -> list[str]:
    """Let the function work through records; the sequence numbers that come again."""
    app.store.cache_clear()
    kept = AuditStore(table.client, table.name, days=400)
    before, app.store = app.store, lambda: kept  # type: ignore[assignment]
    try:
        answer = app.handler({"Records": records}, None)
    finally:
        app.store = before
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def history(table: Table, kind: Kind, subject: str) -> list[Entry]:
    """All entries of a subject, oldest first, read page by page."""
    reader, found, before = AuditReader(table.client, table.name), list[Entry](), None
    while True:
        page = reader.page(kind, subject, limit=3, before=before)
        found += page.entries
        if page.next_before is None:
            return found[::-1]
        before = page.next_before


def rows(table: Table) -> list[dict[str, Any]]:
    """Every row of the audit as it is stored."""
    found: list[dict[str, Any]] = []
    for page in table.client.get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True):
        found += [dict(item) for item in page["Items"] if item["pk"]["S"].startswith("AUDIT#")]
    return found


@pytest.fixture
def desk(dynamodb_local: str, emulator: RunningEmulator) -> Desk:
    """On Amazon's own engine: moto's stream shows an updated item as it was before."""
    return open_desk(new_table(local_client(dynamodb_local), streamed=True), emulator)


def acting(desk: Desk, by: str, why: str | None = None) -> BindingService:
    return BindingService(desk.engine.acting(by, why))


def lived(desk: Desk) -> str:
    """A binding made, changed, left to the sweep: its id."""
    binding = desk.bind()
    acting(desk, DISPATCH, "driver swapped").change(binding.id, b=C, max_minutes=5, deadline=within())
    desk.advance(3600)
    for row in desk.bindings():
        acting(desk, SWEEP).step(row.id, as_of=desk.clock(), deadline=within())
    return binding.id


def test_a_history_tells_who_did_what_and_why(desk: Desk) -> None:
    """operations.md §16: from the request to the end, oldest first."""
    binding_id = lived(desk)
    assert audited(desk.table, records_of(desk.table)) == []
    told = history(desk.table, Kind.BINDING, binding_id)
    assert [entry.version for entry in told] == list(range(1, len(told) + 1))
    assert [entry.state for entry in told] == [
        "REQUESTED",
        "ACTIVE",
        "ACTIVE",
        "ACTIVE",
        "RELEASING",
        "CLOSED",
    ]
    assert [(entry.by, entry.why) for entry in told] == [
        *[(SYSTEM, None)] * 2,
        *[(DISPATCH, "driver swapped")] * 2,
        *[(SWEEP, None)] * 2,
    ]
    words = [{in_words(change) for change in entry.changes} for entry in told]
    assert "state REQUESTED -> ACTIVE" in words[1]
    assert {"b changed", "max_minutes 0 -> 5", "pending changed"} <= words[3]
    assert {"state ACTIVE -> RELEASING", "reason (none) -> expired"} <= words[4]


def test_the_steps_of_a_life_are_found_by_day_once_each(desk: Desk) -> None:
    """operations.md §14: bound and released, and by whom, however often the stream comes."""
    began = desk.clock()
    lived(desk)
    for _ in range(2):
        audited(desk.table, records_of(desk.table))
    days = {beijing_day(began), beijing_day(desk.clock())}
    steps = [
        found
        for day in days
        for found in MilestoneReader(desk.table.client, desk.table.name).of_day("ride", day)
    ]
    assert sorted((found.step, found.by, found.reason) for found in steps) == [
        (Step.BOUND, SYSTEM, None),
        (Step.CLOSED, SWEEP, "expired"),
        (Step.RELEASED, SWEEP, "expired"),
    ]
    (binding,) = desk.bindings()
    assert {(found.x, found.area, found.mode) for found in steps} == {(binding.x, "0755", "AXB")}


def test_a_number_tells_who_took_it_where(desk: Desk) -> None:
    """People by the API, the platform by its push."""
    inventory = NumberInventory(desk.engine.numbers, dict, Author(DISPATCH, "complaints"))
    inventory.put(X1, NumberChange(state=NumberState.LOCKED))
    inventory.put(X1, NumberChange(state=NumberState.ACTIVE))
    NumberStates(desk.table.client, desk.table.name).apply(
        X1, application="ride", state=NumberState.SUSPENDED, status_at="2026-09-02T01:00:00.000Z#d1"
    )
    desk.bind()
    audited(desk.table, records_of(desk.table))
    told = history(desk.table, Kind.NUMBER, X1)
    assert [(one.version, one.state, one.by, one.why) for one in told] == [
        (1, "active", SYSTEM, None),
        (2, "locked", DISPATCH, "complaints"),
        (3, "active", DISPATCH, "complaints"),
        (4, "suspended", PUSH, None),
    ]
    assert [change.field for change in told[1].changes] == ["state"]


def test_repetitions_another_order_and_crashes_change_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that was cut off comes again; so do records that were written already, in any order."""
    lived(desk)
    records = records_of(desk.table)
    audited(desk.table, records)
    once = sorted(rows(desk.table), key=str)
    for row in once:
        desk.table.client.delete_item(TableName=desk.table.name, Key={k: row[k] for k in ("pk", "sk")})
    chance, add = random.Random(7), AuditStore.add

    def dies_often(store: AuditStore, entry: Entry, milestone: Milestone | None) -> Any:
        if chance.random() < 0.3:
            raise ConnectionError("the table does not answer")
        kept = add(store, entry, milestone)
        if chance.random() < 0.2:
            raise ConnectionError("it answered, and nobody heard")
        return kept

    monkeypatch.setattr(AuditStore, "add", dies_often)
    waiting = chance.sample(records, len(records)) + chance.sample(records, len(records) // 2)
    for _ in range(500):
        if not waiting:
            break
        batch = waiting[:7]
        again = audited(desk.table, batch)
        place = next((n for n, r in enumerate(batch) if r["dynamodb"]["SequenceNumber"] in again), len(batch))
        waiting = waiting[place:]
    assert not waiting
    assert sorted(rows(desk.table), key=str) == once


def test_its_own_rows_come_by_the_stream_and_end_there(desk: Desk) -> None:
    lived(desk)
    audited(desk.table, records_of(desk.table))
    everything = records_of(desk.table)
    assert any(r["dynamodb"]["Keys"]["pk"]["S"].startswith("AUDIT#") for r in everything)
    before = rows(desk.table)
    audited(desk.table, everything)
    assert len(records_of(desk.table)) == len(everything)
    assert rows(desk.table) == before


def test_another_row_under_the_same_version_does_not_replace_the_first(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Append-only: what was written first stays, and somebody is told."""
    desk.bind()
    records = records_of(desk.table)
    audited(desk.table, records)
    before = rows(desk.table)
    for record in records:
        image = record["dynamodb"]["NewImage"]
        if "by" in image:
            image["by"] = {"S": "somebody else"}
    capsys.readouterr()
    assert audited(desk.table, records) == []
    assert rows(desk.table) == before
    assert '"AuditConflicts"' in capsys.readouterr().out


def test_a_row_holds_nobody_and_is_forgotten_in_time(desk: Desk) -> None:
    """Privacy: neither a number in any spelling nor the token that stands for it."""
    lived(desk)
    in_doubt(desk, "status", api="axb.bind", http_status=403, code="1012102")
    with pytest.raises(BindingError):
        desk.bind("order-2", x=X1)
    audited(desk.table, records_of(desk.table))
    kept = rows(desk.table)
    text = json.dumps(kept)
    for person in (A, B, C):
        assert person[3:] not in text
        assert token_of(person) not in text
    closed = next(row for row in kept if row["state"]["S"] == "CLOSED")
    moment = int(desk.clock().timestamp())
    assert moment + 399 * 86_400 < int(closed["expires_at"]["N"]) <= moment + 400 * 86_400


def test_what_makes_no_version_leaves_no_row(desk: Desk) -> None:
    """Each bind counts on its X; a counter is no deed."""
    desk.bind()
    records = records_of(desk.table)
    counted = [r for r in records if r["eventName"] == "MODIFY" and "NUMBER" in str(r["dynamodb"]["Keys"])]
    assert counted
    audited(desk.table, counted)
    assert rows(desk.table) == []


class AuditedHistories(Histories):
    """The same random histories; afterwards the stream is followed and compared with the table."""

    streamed = True

    def teardown(self) -> None:
        if self.desk:
            self.emulator.admin.clear_faults()
            self.emulator.admin.arrears(frozen=False)
            self.desk.settle()
            table = self.desk.table
            assert audited(table, records_of(table)) == []
            for binding in self.desk.bindings():
                told = history(table, Kind.BINDING, binding.id)
                assert [entry.version for entry in told] == list(range(1, binding.version + 1))
                assert told[-1].state == binding.state.value
                assert {entry.by for entry in told} == {SYSTEM}
            text = json.dumps(rows(table))
            assert not [person for person in PEOPLE if person[3:] in text or token_of(person) in text]
        super().teardown()


@pytest.mark.parametrize("mode", sorted(Mode))
def test_after_any_history_every_version_has_one_row(
    dynamodb_local: str, emulator: RunningEmulator, mode: Mode
) -> None:
    """Every path that writes a binding, in every mode, with crashes and faults in between."""
    client = local_client(dynamodb_local)
    factory: Any = lambda: AuditedHistories(client, emulator, mode)  # noqa: E731
    run_state_machine_as_test(
        factory,
        settings=settings(
            max_examples=8,
            stateful_step_count=15,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
