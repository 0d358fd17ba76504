"""From the request to the answer: notifications.md §2.3-§2.5, §9; U-D11, U-D12, U-A11, U-A12, U-D08."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders.bills import facts, icids, rows
from builders.dynamodb import Table, moto_client, new_table
from builders.ingestion import ingestion, unseal
from builders.pushes import (
    APP_KEY,
    CALLBACK_TOKEN,
    SESSION,
    SIGNED_AT,
    STRANGER,
    A,
    B,
    application,
    cdr_entry,
    event_body,
    fee_body,
    many_cdrs,
    number_status_body,
    signed_headers,
    sms_body,
    stranger_cdr,
    wire,
)
from builders.quarantined import quarantine_of
from builders.requests_made import log_requests
from privatenumber.calls.guard import Arrival, DoorPolicy
from privatenumber.calls.quarantine import open_envelope
from privatenumber.calls.report import Report
from privatenumber.deadline import Deadline
from privatenumber.settings import Application, NonceCheck, PushSignature
from privatenumber.store.facts import FactStore, StoreUnavailable
from privatenumber.store.quarantined import QuarantinedPush

DAY = date(2026, 9, 2)
OTHER = application(id="other", app_key="otherAppKey", secrets=("otherSecret",), callback_token="o" * 20)


@dataclass
class Configured:
    """The configured applications; `added` appear with the next reading."""

    current: dict[str, Application] = field(default_factory=lambda: {"demo": application(), "other": OTHER})
    added: dict[str, Application] = field(default_factory=dict)
    readings: int = 0

    def __call__(self, *, refresh: bool = False, until: Deadline | None = None) -> Mapping[str, Application]:
        if refresh and self.added:
            self.current, self.added = {**self.current, **self.added}, {}
        self.readings += refresh
        return self.current


class Receiver:
    """The ingestion of the application of the examples, and what it left in the table."""

    def __init__(self, table: Table, policy: DoorPolicy) -> None:
        self.table = table
        self.applications = Configured()
        self.store = FactStore(table.client, table.name, sleep=lambda _: None)
        self.ingestion = ingestion(table, self.applications, policy=policy)

    def push(
        self,
        body: Mapping[str, Any] | bytes,
        *,
        route: str = "status",
        headers: Mapping[str, str] | None = None,
        at: datetime = SIGNED_AT,
        **changes: Any,
    ) -> Report:
        """Deliver a push, signed unless it is told otherwise."""
        fields: dict[str, Any] = {
            "method": "POST",
            "application": "demo",
            "secret": CALLBACK_TOKEN,
            "route": route,
            "source": "203.0.113.10",
            "headers": signed_headers(at) if headers is None else headers,
            "body": wire(body),
            "received_at": at,
        }
        return self.ingestion.receive(Arrival(**{**fields, **changes}))

    def rows(self) -> list[dict[str, Any]]:
        return rows(self.table)

    def quarantine(self, day: date = DAY) -> list[QuarantinedPush]:
        return quarantine_of(self.table, day)


@pytest.fixture
def bills() -> Iterator[Table]:
    with moto_client() as client:
        yield new_table(client, "BillsTable")


@pytest.fixture
def receiver(bills: Table) -> Receiver:
    return Receiver(bills, DoorPolicy())


class TestStored:
    def test_an_event_is_stored_with_one_write_and_answered_200(self, receiver: Receiver) -> None:
        """Issue: stored in one idempotent write request, then 200."""
        log = log_requests(receiver.table.client)
        report = receiver.push(event_body("answer"))
        assert (report.status, report.kind, report.stored) == (200, "event", 1)
        assert log.operations == ["PutItem"]

    def test_a_push_of_fifty_cdrs_is_stored_with_at_most_two_writes(self, receiver: Receiver) -> None:
        """C-052, U-P14."""
        receiver.push(fee_body(*many_cdrs(5)), route="fee")
        log = log_requests(receiver.table.client)
        report = receiver.push(fee_body(*many_cdrs(50)), route="fee")
        assert (report.status, report.stored, report.duplicates) == (200, 45, 5)
        assert log.operations == ["TransactWriteItems", "TransactWriteItems"]

    def test_the_same_cdr_seven_times_is_one_fact(self, receiver: Receiver) -> None:
        """U-D10: the documented six repetitions, hours apart; U-P10."""
        reports = [
            receiver.push(fee_body(), route="fee", at=SIGNED_AT + timedelta(minutes=minutes))
            for minutes in (0, 1, 4, 9, 106, 203, 300)
        ]
        assert {report.status for report in reports} == {200}
        assert [report.stored for report in reports] == [1, 0, 0, 0, 0, 0, 0]
        assert len(receiver.rows()) == 1

    def test_number_states_are_stored(self, receiver: Receiver) -> None:
        """C-097."""
        assert receiver.push(number_status_body()).stored == 2

    def test_an_unknown_event_type_is_kept_and_answered_200(self, receiver: Receiver) -> None:
        """notifications.md §2.5."""
        report = receiver.push({"eventType": "queued", "statusInfo": {"sessionId": SESSION}})
        assert (report.status, report.stored, report.notes) == (200, 1, ("unknown_event_type",))

    def test_a_push_of_another_kind_is_dispatched_by_its_body(self, receiver: Receiver) -> None:
        """C-050, `backend.push.accept_wrong_route`."""
        report = receiver.push(fee_body(), route="status")
        assert (report.status, report.kind, report.stored, report.notes) == (200, "cdr", 1, ("wrong_route",))
        assert receiver.push(event_body("answer"), route="fee").notes == ("wrong_route",)
        assert receiver.push(number_status_body()).notes == ()

    def test_a_contradiction_is_kept_and_answered_200(self, receiver: Receiver) -> None:
        """notifications.md §9.2, record_conflict."""
        receiver.push(fee_body(), route="fee")
        report = receiver.push(fee_body(cdr_entry(callEndTime="2026-09-02 02:00:00")), route="fee")
        assert (report.status, report.conflicts) == (200, 1)

    def test_a_call_of_a_stranger_is_stored_as_orphan_and_nothing_else_happens(
        self, receiver: Receiver
    ) -> None:
        """U-D08, U-P12, notifications.md §9.3: 8014, empty subscriptionId."""
        log = log_requests(receiver.table.client)
        stranger: dict[str, Any] = {"caller": STRANGER, "subscriptionId": "", "stateCode": 8014}
        receiver.push(event_body("disconnect", **stranger))
        receiver.push(fee_body(stranger_cdr()), route="fee")
        assert [row["flags"] for row in receiver.rows()] == [["orphan"], ["orphan"]]
        assert log.operations[:2] == ["PutItem", "TransactWriteItems"]

    def test_nothing_of_a_person_stands_in_the_table_in_clear(self, receiver: Receiver) -> None:
        """U-N16, design.md §6: losing the table alone tells nobody a number."""
        receiver.push(event_body("answer"))
        receiver.push(fee_body(cdr_entry(), stranger_cdr()), route="fee")
        receiver.push(event_body("callin"), headers={})
        receiver.push(b"broken " + wire(event_body("callin")))
        table = repr(receiver.rows())
        for secret in (A, B, STRANGER, A[1:], A[3:], SESSION, "1200_", "order-1001"):
            assert secret not in table


class TestApplications:
    def test_a_cdr_of_another_configured_application_is_stored_as_its_own(self, receiver: Receiver) -> None:
        """notifications.md §2.4."""
        report = receiver.push(fee_body(cdr_entry(appKey="otherAppKey")), route="fee")
        (row,) = receiver.rows()
        assert (report.stored, report.notes) == (1, ("foreign_app_key",))
        assert row["application"] == "other"
        assert row["pk"].startswith("CALL#other#")
        assert row["flags"] == ["foreign_app_key"]

    def test_a_cdr_of_an_unknown_application_is_quarantined_and_the_rest_stored(
        self, receiver: Receiver
    ) -> None:
        """notifications.md §2.4."""
        odd = cdr_entry(icid="odd", appKey="nobodysAppKey")
        report = receiver.push(fee_body(cdr_entry(), odd), route="fee")
        (entry,) = receiver.quarantine()
        assert (report.status, report.stored, report.unparsable) == (200, 1, 1)
        assert entry.reason == "unreadable: unknown appKey"
        assert wire(fee_body(odd)) == open_envelope(unseal, "demo", entry.sealed).body

    def test_a_secret_that_was_just_changed_opens_the_door(self, receiver: Receiver) -> None:
        """auth.md §12: nobody waits for a cache to expire."""
        receiver.applications.added = {"demo": application(secrets=("newSecret",))}
        assert receiver.push(event_body("answer"), headers=signed_headers(secret="newSecret")).status == 200

    def test_an_application_that_was_just_added_is_known(self, receiver: Receiver) -> None:
        receiver.applications.added = {"new": application(id="new")}
        assert receiver.push(event_body("answer"), application="new").status == 200


class TestUnreadable:
    @pytest.mark.parametrize(
        ("body", "reason"), [(b"not json", "json"), (b"{}", "root"), (b"", "json"), (b"\xff\xff", "encoding")]
    )
    def test_what_is_no_push_gets_400_and_is_kept(self, receiver: Receiver, body: bytes, reason: str) -> None:
        """notifications.md §2.5: raw to quarantine, 400."""
        report = receiver.push(body)
        (entry,) = receiver.quarantine()
        assert (report.status, report.unparsable, report.reason) == (400, 1, reason)
        assert entry.reason == f"unparsable: {reason}"
        assert open_envelope(unseal, "demo", entry.sealed).body == body

    def test_one_bad_entry_is_kept_apart_and_the_other_49_stored(self, receiver: Receiver) -> None:
        """Issue: a poisoned field in one CDR of a batch of 50 does not lose the other 49."""
        entries = many_cdrs(50)
        entries[20]["callEndTime"] = "yesterday"
        log = log_requests(receiver.table.client)
        report = receiver.push(fee_body(*entries), route="fee")
        (bad,) = receiver.quarantine()
        assert (report.status, report.stored, report.unparsable) == (200, 49, 1)
        assert log.operations[:1] == ["TransactWriteItems"]
        assert open_envelope(unseal, "demo", bad.sealed).body == wire(fee_body(entries[20]))
        assert bad.reason == "unreadable: field callEndTime"

    def test_an_entry_nested_too_deep_to_write_costs_no_other(self, receiver: Receiver) -> None:
        deep = '{"icid":"deep","x":' + "[" * 900 + "]" * 900 + "}"
        body = b'{"eventType":"fee","feeLst":[' + wire(cdr_entry()) + b"," + deep.encode() + b"]}"
        report = receiver.push(body, route="fee")
        assert report.status == 200
        assert report.stored + report.unparsable == 2

    def test_an_unreadable_event_is_kept_whole_and_answered_200(self, receiver: Receiver) -> None:
        body = event_body("answer", timestamp="noon")
        report = receiver.push(body)
        (entry,) = receiver.quarantine()
        assert (report.status, report.stored, report.unparsable) == (200, 0, 1)
        assert open_envelope(unseal, "demo", entry.sealed).body == wire(body)

    def test_a_repaired_push_can_be_replayed_from_its_envelope(self, receiver: Receiver) -> None:
        """notifications.md §2.3."""
        refused = receiver.push(event_body("answer"), headers=signed_headers(secret="tomorrowsSecret"))
        (entry,) = receiver.quarantine()
        envelope = open_envelope(unseal, "demo", entry.sealed)
        receiver.applications.current = {"demo": application(secrets=("tomorrowsSecret",))}
        replayed = receiver.push(envelope.body, route=envelope.route, headers=envelope.headers, at=SIGNED_AT)
        assert (refused.status, replayed.status, replayed.stored) == (401, 200, 1)


class TestRefused:
    def test_a_wrong_digest_is_401_nothing_processed_and_kept(self, receiver: Receiver) -> None:
        """U-D11."""
        report = receiver.push(event_body("answer"), headers=signed_headers(secret="wrong"))
        (entry,) = receiver.quarantine()
        assert (report.status, report.reason, report.stored) == (401, "digest", 0)
        assert (entry.reason, entry.route, len(receiver.rows())) == ("refused: digest", "status", 1)

    def test_a_refused_push_that_comes_again_updates_its_entry(self, receiver: Receiver) -> None:
        """notifications.md §2.3."""
        for minutes in (0, 1, 4):
            moment = SIGNED_AT + timedelta(minutes=minutes)
            receiver.push(event_body("answer"), headers=signed_headers(moment, secret="wrong"), at=moment)
        (entry,) = receiver.quarantine()
        assert entry.deliveries == 3

    @pytest.mark.parametrize(
        ("changes", "status"),
        [({"secret": "wrong"}, 404), ({"application": "nobody"}, 404), ({"method": "GET"}, 405)],
    )
    def test_a_stranger_leaves_nothing_behind(
        self, receiver: Receiver, changes: dict[str, Any], status: int
    ) -> None:
        assert receiver.push(event_body("answer"), **changes).status == status
        assert receiver.rows() == []

    def test_optional_processes_an_unverified_push_and_marks_its_facts(self, bills: Table) -> None:
        """auth.md §6."""
        receiver = Receiver(bills, DoorPolicy(signature=PushSignature.OPTIONAL))
        report = receiver.push(event_body("answer"), headers={})
        assert (report.status, report.stored, report.notes) == (200, 1, ("unverified",))
        assert receiver.rows()[0]["flags"] == ["unverified"]


class TestNonces:
    def test_a_reused_nonce_is_logged_by_default(self, receiver: Receiver) -> None:
        """auth.md §6 step 7."""
        headers = signed_headers(nonce="n1")
        assert receiver.push(event_body("answer"), headers=headers).notes == ()
        assert receiver.push(event_body("answer"), headers=headers).notes == ()
        second = receiver.push(event_body("disconnect"), headers=headers)
        assert (second.status, second.stored, second.notes) == (200, 1, ("nonce_reused",))

    def test_enforce_refuses_another_body_and_takes_the_same_one(self, bills: Table) -> None:
        """auth.md §6 step 7, in every process."""
        policy = DoorPolicy(nonce_check=NonceCheck.ENFORCE)
        headers = signed_headers(nonce="n1")
        here, there = Receiver(bills, policy), Receiver(bills, policy)
        assert here.push(event_body("answer"), headers=headers).stored == 1
        assert there.push(event_body("answer"), headers=headers).duplicates == 1
        refused = there.push(event_body("disconnect"), headers=headers)
        assert (refused.status, refused.reason) == (401, "nonce")
        assert [entry.reason for entry in here.quarantine()] == ["refused: nonce"]

    def test_optional_and_enforce_store_it_marked(self, bills: Table) -> None:
        policy = DoorPolicy(nonce_check=NonceCheck.ENFORCE, signature=PushSignature.OPTIONAL)
        receiver = Receiver(bills, policy)
        headers = signed_headers(nonce="n1")
        receiver.push(event_body("answer"), headers=headers)
        assert receiver.push(event_body("disconnect"), headers=headers).notes == ("unverified",)


class TestUnavailable:
    def test_a_failing_table_is_never_a_200(self, bills: Table) -> None:
        """U-D12: whatever comes, the answer waits for the store."""
        receiver = Receiver(Table(bills.client, "no-such-table"), DoorPolicy())
        for body, headers in (
            (event_body("answer"), None),
            (fee_body(*many_cdrs(50)), None),
            (b"broken", None),
            (event_body("answer"), {}),
        ):
            with pytest.raises(StoreUnavailable):
                receiver.push(body, headers=headers)

    def test_a_crash_between_two_requests_is_completed_by_the_repetition(self, receiver: Receiver) -> None:
        """Half of a long message was stored, then the process died: no 200, the platform repeats."""
        entries = many_cdrs(60)
        receiver.push(fee_body(*entries[:33]), route="fee")
        report = receiver.push(fee_body(*entries), route="fee")
        assert (report.stored, report.duplicates) == (27, 33)


def _pushes_of_a_day() -> list[dict[str, Any]]:
    events = [
        event_body(name, second=n)
        for n, name in enumerate(("callin", "callout", "alerting", "answer", "disconnect"))
    ]
    digits = [event_body("collectInfo", second=n, digitInfo=str(n)) for n in (7, 8)]
    cdrs = many_cdrs(6)
    batches = [fee_body(*cdrs[:4]), fee_body(*cdrs[2:]), fee_body(cdrs[0]), fee_body(stranger_cdr())]
    return [*events, *digits, *batches, sms_body()]


def _split(entries: list[dict[str, Any]], cuts: list[int]) -> list[dict[str, Any]]:
    """The same records in other batches."""
    edges = [0, *sorted(cut % (len(entries) + 1) for cut in cuts), len(entries)]
    return [fee_body(*entries[a:b]) for a, b in pairwise(edges) if a < b]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    order=st.lists(st.sampled_from(range(len(_pushes_of_a_day()))), max_size=20),
    cuts=st.lists(st.integers(0, 6), max_size=4),
    seed=st.integers(0, 1_000_000),
)
def test_what_is_stored_depends_on_the_facts_alone(
    bills: Table, order: list[int], cuts: list[int], seed: int
) -> None:
    """notifications.md §9.1, U-A12: any order, any repetition, batches split anyhow, up to ten hours late."""
    pushes = _pushes_of_a_day()
    expected = Receiver(new_table(bills.client, "BillsTable"), DoorPolicy())
    for body in pushes:
        expected.push(body)
    delivered = [*pushes, *(pushes[number] for number in order), *_split(many_cdrs(6), cuts)]
    chance = random.Random(seed)
    chance.shuffle(delivered)
    receiver = Receiver(new_table(bills.client, "BillsTable"), DoorPolicy())
    for body in delivered:
        receiver.push(body, at=SIGNED_AT + timedelta(minutes=chance.randrange(600)))
    assert facts(receiver.table) == facts(expected.table)
    assert icids(receiver.table) == icids(expected.table)


def test_the_app_key_of_the_examples_is_the_configured_one() -> None:
    assert application().app_key == APP_KEY
