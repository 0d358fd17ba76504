"""Pushes that arrive at once, on Amazon's own engine: at least once becomes exactly once (U-A12, U-D10)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from builders.bills import facts, icids, rows
from builders.dynamodb import Table, local_client, new_table
from builders.ingestion import ingestion
from builders.pushes import (
    CALLBACK_TOKEN,
    SIGNED_AT,
    application,
    cdr_entry,
    event_body,
    fee_body,
    many_cdrs,
    signed_headers,
    stranger_cdr,
    wire,
)
from privatenumber.calls.guard import Arrival, DoorPolicy
from privatenumber.calls.report import Report
from privatenumber.deadline import Deadline
from privatenumber.settings import Application, NonceCheck

pytestmark = pytest.mark.dynamodb_local

Push = Mapping[str, Any]
THREADS = 16


@pytest.fixture
def bills(dynamodb_local: str) -> Table:
    return new_table(local_client(dynamodb_local), "BillsTable")


def _applications(*, refresh: bool = False, until: Deadline | None = None) -> Mapping[str, Application]:
    return {"demo": application()}


def _receive(
    table: Table, policy: DoorPolicy | None = None, nonce: str | None = None
) -> Callable[[Push], Report]:
    """One environment of the function: its own memory, the common table."""
    environment = ingestion(table, _applications, policy=policy)

    def receive(body: Push) -> Report:
        headers = signed_headers(nonce=nonce)
        return environment.receive(
            Arrival("POST", "demo", CALLBACK_TOKEN, "status", "192.0.2.1", headers, wire(body), SIGNED_AT)
        )

    return receive


def _pushes() -> list[Push]:
    events = [event_body(name) for name in ("callin", "callout", "alerting", "answer", "disconnect")]
    cdrs = many_cdrs(20)
    # The same records in batches that overlap and are split differently.
    batches = [fee_body(*cdrs), fee_body(*cdrs[:8]), fee_body(*cdrs[4:14]), fee_body(*reversed(cdrs))]
    return [*events, *batches, fee_body(stranger_cdr())]


def test_any_interleaving_stores_each_fact_once(bills: Table, dynamodb_local: str) -> None:
    """Issue 2: any order, duplicates seven times, concurrently."""
    expected = new_table(local_client(dynamodb_local), "BillsTable")
    for body in _pushes():
        _receive(expected)(body)
    deliveries = _pushes() * 7
    random.Random(1).shuffle(deliveries)
    with ThreadPoolExecutor(THREADS) as threads:
        reports = list(threads.map(_receive(bills), deliveries))
    assert {report.status for report in reports} == {200}
    assert sum(report.stored for report in reports) == len(facts(expected))
    assert facts(bills) == facts(expected)


def test_contradicting_records_at_once_leave_one_first_and_every_other_as_variant(bills: Table) -> None:
    """notifications.md §9.2: nothing is overwritten, whoever comes first."""
    versions = [fee_body(cdr_entry(sipStatusCode=code)) for code in range(400, 400 + THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        reports = list(threads.map(_receive(bills), versions * 3))
    kept = rows(bills)
    assert {report.status for report in reports} == {200}
    assert sum(report.stored for report in reports) == 1
    assert sorted(int(row["sip"]) for row in kept) == list(range(400, 400 + THREADS))
    assert sum("#VARIANT#" in row["sk"] for row in kept) == THREADS - 1


def test_one_icid_under_many_sessions_at_once_is_one_record_and_every_other_a_variant(bills: Table) -> None:
    """notifications.md §9.2: the key of a CDR is application and icid; nothing is counted twice."""
    versions = [fee_body(cdr_entry(sessionId=f"session-{number}")) for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        reports = list(threads.map(_receive(bills), versions * 2))
    kept = [row for row in rows(bills) if "#VARIANT#" not in row["sk"]]
    assert {report.status for report in reports} == {200}
    assert sum(report.stored for report in reports) == len(kept) == 1
    assert len(rows(bills)) == THREADS
    assert set(icids(bills).values()) == {(kept[0]["pk"], kept[0]["sk"])}


def test_a_nonce_used_by_many_bodies_at_once_lets_one_through(bills: Table) -> None:
    """auth.md §6 step 7, `enforce`: several environments, one table."""
    policy = DoorPolicy(nonce_check=NonceCheck.ENFORCE)
    bodies = [event_body("answer", sessionId=f"session-{number}") for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        reports = list(threads.map(lambda body: _receive(bills, policy, "n1")(body), bodies))
    assert sorted(report.status for report in reports) == [200] + [401] * (THREADS - 1)
    assert sum(row["pk"].startswith("CALL#") for row in rows(bills)) == 1
