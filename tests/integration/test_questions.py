"""Questions of the platform, from the push to the answer and its row: notifications.md §4.5, §6.5; x.md."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from builders.bills import rows
from builders.direct_dynamodb import events_of
from builders.dynamodb import Table, local_client, moto_client, new_table
from builders.ingestion import ingestion, switchboard, unseal
from builders.keyrings import KEYRING
from builders.pushes import (
    ASKING,
    CALLBACK_TOKEN,
    QUESTION_X,
    SESSION,
    SIGNED_AT,
    STRANGER,
    A,
    B,
    application,
    applications_secret,
    asking,
    callin_body,
    event_body,
    signed_headers,
    sms_body,
    wire,
)
from builders.relations import change_relation, partner, put_relation, relation, remember
from builders.requests_made import RequestLog, log_requests
from privatenumber.bindings.model import PartnerState, State
from privatenumber.calls.guard import Arrival, DoorPolicy
from privatenumber.calls.report import Report
from privatenumber.deadline import Deadline
from privatenumber.privacy import Keyring, token
from privatenumber.settings import Application, Mode, NonceCheck, PushSignature, SmsDefault
from privatenumber.store.decisions import NewDecision, decision_context, read_decision
from privatenumber.store.facts import FactStore, StoreUnavailable
from privatenumber.store.relations import RelationStore
from privatenumber.store.secrets import MAX_AGE_S, ApplicationsSecret

C = "+8613800138004"
CLOSE = {"operation": "close", "closeInfo": {"closeHintTone": "close.wav"}}
DISCARD = {"actions": [{"operation": "DiscardMessage"}]}


def connect(callee: str, **more: Any) -> dict[str, Any]:
    return {
        "operation": "connect",
        "connectInfo": {"calleeNum": callee, "displayCalleeNum": QUESTION_X, **more},
    }


def route(called: str, calling: str, **more: Any) -> dict[str, Any]:
    message = {"called": called, "calling": calling}
    return {"actions": [{"operation": "vNumberRoute", "message": message, **more}]}


@dataclass
class Exchange:
    """One environment of the function, its tables, and a caller who asks."""

    bills: Table
    bindings: Table
    settings: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 30

    def applications(
        self, *, refresh: bool = False, until: Deadline | None = None
    ) -> Mapping[str, Application]:
        known = {"demo": application()}
        for mode, (name, key) in ASKING.items():
            own: dict[str, Any] = {"close_tone": "close.wav", **self.settings}
            known[name] = application(id=name, app_key=key, mode=Mode(mode), **own)
        return known

    def push(
        self, body: Mapping[str, Any] | bytes, *, mode: str = "X", at: datetime = SIGNED_AT, **changes: Any
    ) -> Report:
        name, key = ASKING.get(mode, ("demo", application().app_key))
        fields: dict[str, Any] = {
            "method": "POST",
            "application": name,
            "secret": CALLBACK_TOKEN,
            "route": "status",
            "source": "203.0.113.10",
            "headers": signed_headers(at, app_key=key),
            "body": wire(body),
            "received_at": at,
        }
        parts = {"applications": self.applications, **self.parts}
        environment = ingestion(self.bills, bindings=self.bindings, seconds=self.seconds, **parts)
        return environment.receive(Arrival(**{**fields, **changes}))

    def call(self, caller: str, **changes: Any) -> Any:
        return self.push(callin_body(caller), **changes).answer

    def write(self, sender: str, *, mode: str = "X", **event: Any) -> Any:
        body = sms_body("Block", app_key=ASKING[mode][1], calling=sender, virtualNumber=QUESTION_X, **event)
        return self.push(body, mode=mode, route="sms").answer

    def kept(self) -> list[dict[str, Any]]:
        """What was stored, beside the nonces that were used."""
        return [row for row in rows(self.bills) if row["sk"] != "NONCE"]

    def decisions(self) -> list[dict[str, Any]]:
        return [row for row in rows(self.bills) if row["sk"] == "DECISION"]


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with moto_client() as client:
        yield Exchange(new_table(client, "BillsTable"), new_table(client))


@pytest.fixture
def on_amazons_engine(dynamodb_local: str) -> Exchange:
    client = local_client(dynamodb_local)
    return Exchange(new_table(client, "BillsTable"), new_table(client))


class TestCalls:
    def test_a_partner_reaches_a_and_a_his_partner(self, exchange: Exchange) -> None:
        """C-007: one pair on an X number."""
        put_relation(exchange.bindings, relation(partners=(B,), max_minutes=30, user_reference="ticket-77"))
        more: dict[str, Any] = {"maxDuration": 30, "userData": "ticket-77"}
        assert exchange.call(B) == connect(A, **more)
        assert exchange.push(callin_body(A, session="another")).answer == connect(B, **more)

    def test_a_stranger_hears_the_applications_tone(self, exchange: Exchange) -> None:
        """x.md §5: unknown caller, never a default callee."""
        put_relation(exchange.bindings, relation(partners=(B,)))
        assert exchange.call(STRANGER) == CLOSE

    def test_anyone_reaches_a_where_anyone_may_and_a_calls_back(self, exchange: Exchange) -> None:
        """One to many: A's own call goes to the last who called."""
        put_relation(exchange.bindings, relation(anyone=True))
        assert exchange.call(STRANGER) == connect(A)
        remember(exchange.bindings, A, STRANGER, SIGNED_AT - timedelta(hours=1))
        assert exchange.push(callin_body(A, session="another")).answer == connect(STRANGER)

    def test_several_a_share_an_x_and_the_caller_decides(self, exchange: Exchange) -> None:
        """Extension-like: who calls replaces the digits."""
        put_relation(exchange.bindings, relation("one", a=A, partners=(B,)))
        put_relation(exchange.bindings, relation("two", a=C, partners=(STRANGER,)))
        assert exchange.call(B) == connect(A)
        assert exchange.push(callin_body(STRANGER, session="another")).answer == connect(C)

    @pytest.mark.parametrize(
        "change", [{"state": State.RELEASING}, {"x": "+8617010000007"}, {"partners": ()}]
    )
    def test_a_place_that_outlived_its_binding_connects_nobody(
        self, exchange: Exchange, change: dict[str, Any]
    ) -> None:
        found = relation(partners=(B,))
        put_relation(exchange.bindings, found)
        change_relation(exchange.bindings, found, **change)
        assert exchange.call(B) == CLOSE

    @pytest.mark.parametrize("state", [PartnerState.WANTED, PartnerState.LEAVING])
    def test_a_partner_counts_while_he_is_held(self, exchange: Exchange, state: PartnerState) -> None:
        found = relation(partners=(B,))
        put_relation(exchange.bindings, found)
        change_relation(exchange.bindings, found, partners=(partner(B, state),))
        assert exchange.call(B) == CLOSE

    def test_a_place_ahead_of_its_binding_connects_nobody(self, exchange: Exchange) -> None:
        found = relation(partners=(B,))
        put_relation(exchange.bindings, found)
        exchange.bindings.client.delete_item(
            TableName=exchange.bindings.name,
            Key={"pk": {"S": "BINDING#binding-1"}, "sk": {"S": "BINDING"}},
        )
        assert exchange.call(B) == CLOSE

    def test_an_expired_relation_ends_with_the_next_question(self, exchange: Exchange) -> None:
        """x.md §5."""
        put_relation(exchange.bindings, relation(partners=(B,), ends_at=SIGNED_AT + timedelta(seconds=1)))
        assert exchange.call(B) == connect(A)
        late = exchange.push(callin_body(B, session="later"), at=SIGNED_AT + timedelta(seconds=1))
        assert late.answer == CLOSE

    def test_a_question_that_leaves_out_its_word_is_answered_in_x_mode(self, exchange: Exchange) -> None:
        """Fields are optional for the receiver (notifications.md §2.8)."""
        put_relation(exchange.bindings, relation(partners=(B,)))
        assert exchange.push(callin_body(B, notifyMode=None)).answer == connect(A)

    def test_other_events_are_told_and_not_asked(self, exchange: Exchange) -> None:
        assert exchange.push(callin_body(B, notifyMode="Notify")).answer is None
        told = {"eventType": "callout", "statusInfo": callin_body(B)["statusInfo"]}
        assert exchange.push(told).answer is None
        assert exchange.push(event_body("callin"), mode="AXB").answer is None

    @pytest.mark.parametrize("mode", ["AXB", "AX"])
    def test_a_mode_that_is_never_asked_connects_nobody(self, exchange: Exchange, mode: str) -> None:
        report = exchange.push(callin_body(B), mode=mode)
        assert (report.status, report.answer and report.answer["operation"]) == (200, "close")
        assert report.decided == "mode"

    @pytest.mark.parametrize(
        "info", [{"caller": None}, {"called": None}, {"called": "nonsense"}, {"caller": "", "called": ""}]
    )
    def test_a_question_without_caller_or_x_connects_nobody(
        self, exchange: Exchange, info: dict[str, Any]
    ) -> None:
        put_relation(exchange.bindings, relation(anyone=True))
        report = exchange.push(callin_body(**{"caller": B, **info}))
        assert (report.answer, report.decided, report.stored) == (CLOSE, "unreadable", 1)

    def test_an_unreadable_question_is_answered_and_kept(self, exchange: Exchange) -> None:
        report = exchange.push(callin_body(B, timestamp="noon"))
        assert (report.status, report.answer, report.undecided) == (200, CLOSE, "unreadable")
        assert [row["kind"] for row in exchange.kept()] == ["quarantine"]


class TestSms:
    def test_x_mode_forwards_like_a_call(self, exchange: Exchange) -> None:
        """x.md §4; C-059, C-062."""
        put_relation(exchange.bindings, relation(partners=(B,), user_reference="ticket-77"))
        assert exchange.write(B) == route(A, B)
        assert exchange.write(A, smsIdentifier="sms-2") == route(B, A)
        assert exchange.write(STRANGER, smsIdentifier="sms-3") == DISCARD

    def test_the_sender_is_repeated_as_he_was_written(self, exchange: Exchange) -> None:
        """notifications.md §6.5: must equal calling of the request."""
        put_relation(exchange.bindings, relation(partners=(B,)))
        assert exchange.write(B.removeprefix("+86")) == route(A, B.removeprefix("+86"))

    def test_ax_discards_what_names_no_receiver(self, exchange: Exchange) -> None:
        put_relation(exchange.bindings, relation(mode=Mode.AX))
        remember(exchange.bindings, A, B, SIGNED_AT, mode=Mode.AX)
        assert exchange.write(A, mode="AX") == DISCARD

    def test_ax_forwards_to_the_last_counterpart_if_the_application_says_so(self, exchange: Exchange) -> None:
        exchange.settings = {"sms_default": SmsDefault.FORWARD, "contact_hours": 2}
        put_relation(exchange.bindings, relation(mode=Mode.AX))
        remember(exchange.bindings, A, B, SIGNED_AT - timedelta(hours=1), mode=Mode.AX)
        assert exchange.write(A, mode="AX") == route(B, A)
        remember(exchange.bindings, C, B, SIGNED_AT, mode=Mode.AX)
        assert exchange.write(C, mode="AX", smsIdentifier="sms-2") == DISCARD

    def test_ax_forwards_to_the_callee_our_api_set_and_says_its_reference(self, exchange: Exchange) -> None:
        exchange.settings = {"sms_default": SmsDefault.FORWARD}
        put_relation(exchange.bindings, relation(mode=Mode.AX, callee=C, callee_reference="call-1"))
        assert exchange.write(A, mode="AX") == route(C, A, userData="call-1")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("the code is 4711 @1380013800", "malformed_receiver"),
            ("the code is 4711 ＠13800138009", "malformed_receiver"),
            ("the code is 4711 13800138009", "malformed_receiver"),
            ("the code is 4711 @13800138009 ok", "malformed_receiver"),
            (None, "no_text"),
        ],
    )
    def test_ax_forwards_nothing_that_was_meant_for_somebody_else(
        self, exchange: Exchange, text: str | None, reason: str
    ) -> None:
        """notifications.md §6.1: the question comes for a mistyped receiver as well as for none."""
        exchange.settings = {"sms_default": SmsDefault.FORWARD}
        put_relation(exchange.bindings, relation(mode=Mode.AX))
        remember(exchange.bindings, A, B, SIGNED_AT, mode=Mode.AX)
        assert exchange.write(A, mode="AX", smsContent=text) == DISCARD
        assert [row["reason"] for row in exchange.decisions()] == [reason]

    def test_a_contact_that_is_too_old_is_none(self, exchange: Exchange) -> None:
        exchange.settings = {"sms_default": SmsDefault.FORWARD, "contact_hours": 2}
        put_relation(exchange.bindings, relation(mode=Mode.AX))
        remember(exchange.bindings, A, B, SIGNED_AT - timedelta(hours=2), mode=Mode.AX)
        assert exchange.write(A, mode="AX") == DISCARD

    def test_the_signature_of_one_application_asks_nothing_of_another(self, exchange: Exchange) -> None:
        """notifications.md §2.4: stored under its own appKey; the answer is for who signs as that one."""
        put_relation(exchange.bindings, relation(partners=(B,)))
        body = sms_body("Block", app_key=ASKING["X"][1], calling=B, virtualNumber=QUESTION_X)
        report = exchange.push(body, mode="AX", route="sms")
        assert (report.answer, report.decided, report.notes) == (
            DISCARD,
            "foreign_app_key",
            ("foreign_app_key",),
        )
        assert [(row["application"], row["kind"]) for row in exchange.kept()] == [("demo-x", "sms")]
        # Nor does it spoil the answer to the one whose question it is, or learn what he was told.
        assert exchange.push(body, mode="X", route="sms").answer == route(A, B)
        assert exchange.push(body, mode="AX", route="sms").answer == DISCARD

    def test_an_sms_of_nobodys_application_is_discarded_and_kept(self, exchange: Exchange) -> None:
        report = exchange.push(sms_body("Block", app_key="nobodys"), route="sms")
        assert (report.answer, report.undecided, report.unparsable) == (DISCARD, "unreadable", 1)


class TestStored:
    def test_the_decision_stands_beside_its_call_with_the_roles(self, exchange: Exchange) -> None:
        """x.md §5: the only source of the roles of a call (notifications.md §10.1)."""
        put_relation(exchange.bindings, relation(partners=(B,)))
        answer = exchange.call(B)
        (row,) = exchange.decisions()
        decision = read_decision(row)
        assert decision.key == (f"CALL#demo-x#{token(KEYRING, SESSION, purpose='session')}", "DECISION")
        assert (decision.about, decision.operation, decision.reason) == ("call", "connect", "relation")
        assert (decision.caller_role, decision.binding_id, decision.order) == (
            "partner",
            "binding-1",
            "order-of-binding-1",
        )
        assert (decision.caller, decision.callee) == (token(KEYRING, B), token(KEYRING, A))
        assert (decision.application, decision.x, decision.at) == ("demo-x", QUESTION_X, SIGNED_AT)
        assert json.loads(unseal(decision.sealed, decision_context("demo-x")))["answer"] == answer

    def test_what_was_dialled_stands_in_clear_only_where_a_relation_proves_it_an_x(
        self, exchange: Exchange
    ) -> None:
        """A malformed question may have a person's number there."""
        exchange.push(callin_body(B, x=STRANGER))
        exchange.push(sms_body("Block", app_key=ASKING["X"][1], calling=B, virtualNumber=B), route="sms")
        assert len(exchange.decisions()) == 2
        assert not [row for row in exchange.decisions() if "x" in row]
        assert not [row for row in rows(exchange.bills) if STRANGER[3:] in repr(row) or B[3:] in repr(row)]

    def test_the_question_is_stored_with_it(self, exchange: Exchange) -> None:
        report = exchange.push(callin_body(B))
        assert (report.stored, [row["kind"] for row in exchange.kept()]) == (1, ["decision", "event"])

    def test_nothing_of_a_person_stands_in_the_table_in_clear(self, exchange: Exchange) -> None:
        """design.md §6."""
        put_relation(exchange.bindings, relation(partners=(B,), user_reference="ticket-77"))
        reports = [exchange.push(callin_body(B)), exchange.push(callin_body(STRANGER, session="s-2"))]
        exchange.write(A)
        shown = repr(rows(exchange.bills)) + repr(reports)
        for secret in (A[3:], B[3:], STRANGER[3:], SESSION, "ticket-77", "at the gate"):
            assert secret not in shown

    def test_the_same_question_gets_the_first_answer_whatever_has_changed(self, exchange: Exchange) -> None:
        """notifications.md §4.5: a known sessionId gets the stored reply."""
        found = relation(partners=(B,))
        put_relation(exchange.bindings, found)
        first = exchange.call(B)
        change_relation(exchange.bindings, found, state=State.CLOSED, due_at=None)
        again = exchange.push(callin_body(B))
        assert (again.answer, again.duplicates, again.decided) == (first, 1, "relation")
        assert exchange.push(callin_body(B, session="another")).answer == CLOSE

    def test_the_same_sms_gets_the_first_answer(self, exchange: Exchange) -> None:
        """notifications.md §6.5: a known smsIdentifier."""
        assert exchange.write(B) == DISCARD
        put_relation(exchange.bindings, relation(partners=(B,)))
        assert exchange.write(B) == DISCARD
        assert exchange.write(B, smsIdentifier="sms-2") == route(A, B)

    def test_the_same_session_with_another_content_gets_the_first_answer_too(
        self, exchange: Exchange
    ) -> None:
        """notifications.md §9.2: the variant is kept beside the first."""
        put_relation(exchange.bindings, relation(partners=(B,)))
        exchange.call(B)
        other = exchange.push(callin_body(B, timestamp="2026-09-02 01:00:01"))
        assert (other.answer, other.conflicts, other.notes) == (connect(A), 1, ())

    @pytest.mark.parametrize(
        "other",
        [
            {"caller": STRANGER},
            {"caller": "anonymous"},
            {"caller": ""},
            {"x": "+8617010000009"},
            {"x": "nonsense"},
        ],
    )
    def test_nobody_gets_the_answer_to_somebody_elses_question(
        self, exchange: Exchange, other: dict[str, str]
    ) -> None:
        """A sessionId does not say who asks: the same one with another caller or X is closed."""
        put_relation(exchange.bindings, relation(partners=(B,)))
        assert exchange.call(B) == connect(A)
        report = exchange.push(callin_body(**{"caller": B, **other}))
        assert (report.answer, report.decided, report.notes) == (
            CLOSE,
            "other_question",
            ("question_differs",),
        )
        assert len(exchange.decisions()) == 1
        assert exchange.call(B) == connect(A)

    def test_nobody_gets_the_answer_to_somebody_elses_sms(self, exchange: Exchange) -> None:
        put_relation(exchange.bindings, relation(partners=(B,)))
        assert exchange.write(B) == route(A, B)
        assert exchange.write(STRANGER) == DISCARD
        assert exchange.write(B) == route(A, B)

    def test_who_is_faster_under_the_same_session_does_not_answer_for_the_other(
        self, exchange: Exchange
    ) -> None:
        """The other's decision appears between our read and our write."""
        put_relation(exchange.bindings, relation(partners=(B,)))

        def overtake() -> None:
            if not exchange.decisions():
                Exchange(exchange.bills, exchange.bindings).call(B)

        client: Any = Troubled(exchange.bills.client, "transact_write_items", overtake)
        exchange.parts = {"hurried": FactStore(client, exchange.bills.name, sleep=lambda _: None)}
        report = exchange.push(callin_body(STRANGER))
        assert (report.answer, report.notes) == (CLOSE, ("question_differs",))

    def test_a_question_without_session_is_known_by_its_content(self, exchange: Exchange) -> None:
        put_relation(exchange.bindings, relation(partners=(B,)))
        for _ in range(2):
            assert exchange.push(callin_body(B, session="")).answer == connect(A)
        assert len(exchange.decisions()) == 1

    def test_a_question_costs_two_reads_and_one_write(self, exchange: Exchange) -> None:
        put_relation(exchange.bindings, relation(partners=(B,)))
        log = log_requests(exchange.bills.client)
        exchange.call(B)
        assert log.operations == ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]
        log.clear()
        exchange.call(STRANGER)
        assert log.operations[0] == "BatchGetItem"


@dataclass
class Clock:
    """Seconds that pass only when a request takes them."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Troubled:
    """A client whose named operation fails or takes long; others go through."""

    def __init__(self, client: Any, operation: str, trouble: Callable[[], None], *, after: int = 0) -> None:
        self._client = client
        self._operation = operation
        self._trouble = trouble
        self._after = after
        self.log: RequestLog = log_requests(client)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name != self._operation:
            return found

        def troubled(**request: Any) -> Any:
            self._after -= 1
            if self._after < 0:
                self._trouble()
            return found(**request)

        return troubled


def _fail() -> None:
    raise OSError("the machine is on fire")


def _refuse() -> None:
    raise EndpointConnectionError(endpoint_url="https://dynamodb.example.com")


STEPS = [
    pytest.param("batch_get_item", 0, id="places"),
    pytest.param("batch_get_item", 1, id="binding"),
    pytest.param("transact_write_items", 0, id="write"),
]


class TestTrouble:
    def trouble(
        self, exchange: Exchange, operation: str, after: int, what: Callable[[], None], **more: Any
    ) -> None:
        client: Any = Troubled(exchange.bills.client, operation, what, after=after)
        tables = (exchange.bindings.name, exchange.bills.name)
        exchange.parts = {
            "switchboard": switchboard(client, *tables, seconds=exchange.seconds),
            "hurried": FactStore(client, exchange.bills.name, sleep=lambda _: None),
            **more,
        }

    @pytest.mark.parametrize(("operation", "after"), STEPS)
    @pytest.mark.parametrize(("what", "word"), [(_refuse, "store"), (_fail, "error")])
    def test_a_step_that_fails_closes_the_call(
        self, exchange: Exchange, operation: str, after: int, what: Callable[[], None], word: str
    ) -> None:
        """x.md §2: without a decision `close` with the tone, never a guessed callee, never a 503."""
        put_relation(exchange.bindings, relation(partners=(B,)))
        self.trouble(exchange, operation, after, what)
        report = exchange.push(callin_body(B))
        assert (report.status, report.answer, report.undecided) == (200, CLOSE, word)

    @pytest.mark.parametrize(("operation", "after"), STEPS)
    def test_a_step_that_hangs_closes_the_call_in_time(
        self, exchange: Exchange, operation: str, after: int
    ) -> None:
        """The budget is shared: what the reads take too long, the write still gets its share."""
        put_relation(exchange.bindings, relation(partners=(B,)))
        release = threading.Event()
        exchange.seconds = 0.4
        self.trouble(exchange, operation, after, lambda: (release.wait(), None)[1])
        began = time.monotonic()
        try:
            report = exchange.push(callin_body(B))
        finally:
            release.set()
        assert (report.status, report.answer, report.undecided) == (200, CLOSE, "time")
        assert time.monotonic() - began < 4

    def test_what_could_not_be_read_in_time_is_still_stored_with_its_answer(self, exchange: Exchange) -> None:
        put_relation(exchange.bindings, relation(partners=(B,)))
        self.trouble(exchange, "batch_get_item", 0, _refuse)
        report = exchange.push(callin_body(B))
        (decision,) = exchange.decisions()
        assert (report.stored, decision["operation"], decision["reason"]) == (1, "close", "undecided")
        exchange.parts = {}
        assert exchange.call(B) == CLOSE

    def test_an_answer_that_was_not_stored_is_not_given(self, exchange: Exchange) -> None:
        """x.md §5: the decision log is the only source of the roles, so there is no connect without a row."""
        put_relation(exchange.bindings, relation(partners=(B,)))
        self.trouble(exchange, "transact_write_items", 0, _refuse)
        assert exchange.call(B) == CLOSE
        assert rows(exchange.bills) == []

    def test_an_sms_that_cannot_be_decided_is_discarded(self, exchange: Exchange) -> None:
        put_relation(exchange.bindings, relation(partners=(B,)))
        self.trouble(exchange, "batch_get_item", 0, _refuse)
        assert exchange.write(B) == DISCARD

    def test_keys_that_cannot_be_had_close_the_call(self, exchange: Exchange) -> None:
        def no_keys() -> Keyring:
            raise ConnectionError

        exchange.parts = {"keyring": no_keys}
        report = exchange.push(callin_body(B))
        assert (report.status, report.answer, report.undecided) == (200, CLOSE, "error")

    def test_no_request_begins_after_the_time_is_over(self, exchange: Exchange) -> None:
        """Work that was given up must not write an answer that was never given."""
        clock = Clock()
        deadline = Deadline.after(2, clock)

        def slowly() -> None:
            clock.now += 1.5

        client: Any = Troubled(exchange.bills.client, "batch_get_item", slowly)
        relations = RelationStore(client, exchange.bindings.name, exchange.bills.name)
        relations.relations(["one"], deadline.remaining)
        relations.relations(["one"], deadline.remaining)
        with pytest.raises(StoreUnavailable, match="out of time"):
            relations.relations(["one"], deadline.remaining)
        store = FactStore(exchange.bills.client, exchange.bills.name)
        with pytest.raises(StoreUnavailable, match="out of time"):
            store.put_facts((), decision=NewDecision("CALL#x", {"kind": "decision"}), left=deadline.remaining)
        assert rows(exchange.bills) == []

    def test_keys_that_stay_unprocessed_are_no_answer(self, exchange: Exchange) -> None:
        """BatchGetItem may withhold keys; a relation that was withheld is not the same as none."""

        class Withholding:
            def batch_get_item(self, **request: Any) -> dict[str, Any]:
                return {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}

        client: Any = Withholding()
        tables = (exchange.bindings.name, exchange.bills.name)
        exchange.parts = {"switchboard": switchboard(client, *tables)}
        report = exchange.push(callin_body(B))
        assert (report.answer, report.undecided) == (CLOSE, "store")


class SlowSecrets:
    """Secrets Manager, that does not answer while it is told to hang; ``asked`` counts what it was asked."""

    def __init__(self) -> None:
        self.hangs = 0
        self.released = threading.Event()
        self.asked = 0

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803
        self.asked += 1
        if self.hangs:
            self.hangs -= 1
            self.released.wait(30)
        return {"SecretString": applications_secret(asking("X"), asking("AX"))}


class TestCredentials:
    """The time of a question covers the look for whose it is (x.md §2)."""

    @pytest.fixture
    def secrets(self, exchange: Exchange) -> Iterator[SlowSecrets]:
        secrets = SlowSecrets()
        self.age = 0.0
        client: Any = secrets
        exchange.parts = {
            "applications": ApplicationsSecret(client, "applications", monotonic=lambda: self.age).load
        }
        exchange.seconds = 0.4
        yield secrets
        secrets.released.set()

    def test_a_first_question_is_closed_in_time_when_nobody_is_known_yet(
        self, exchange: Exchange, secrets: SlowSecrets
    ) -> None:
        """Whose tone to play is not known either."""
        secrets.hangs = 1
        began = time.monotonic()
        report = exchange.push(callin_body(B))
        assert (report.status, report.answer) == (200, {"operation": "close"})
        assert (report.undecided, report.application) == ("credentials", None)
        assert time.monotonic() - began < 4

    def test_a_first_sms_is_discarded_in_time(self, exchange: Exchange, secrets: SlowSecrets) -> None:
        secrets.hangs = 1
        assert exchange.write(B) == DISCARD

    def test_credentials_that_fail_at_once_close_the_call_too(self, exchange: Exchange) -> None:
        def down(**_: Any) -> Mapping[str, Application]:
            raise EndpointConnectionError(endpoint_url="https://secrets.example.com")

        exchange.parts = {"applications": down}
        assert exchange.call(B) == {"operation": "close"}
        with pytest.raises(EndpointConnectionError):
            exchange.push(event_body("callout"))

    def test_the_old_copy_decides_when_the_new_one_is_late(
        self, exchange: Exchange, secrets: SlowSecrets
    ) -> None:
        put_relation(exchange.bindings, relation(partners=(B,)))
        exchange.seconds = 4
        assert exchange.call(STRANGER)["operation"] == "close"
        self.age += MAX_AGE_S
        secrets.hangs = 1
        report = exchange.push(callin_body(B, session="another"))
        assert (report.answer, report.undecided) == (connect(A), None)
        assert secrets.asked == 2

    def test_a_stranger_is_refused_in_time_though_he_asks_for_a_new_copy(
        self, exchange: Exchange, secrets: SlowSecrets
    ) -> None:
        exchange.seconds = 4
        exchange.call(STRANGER)
        self.age += MAX_AGE_S - 1
        secrets.hangs = 1
        report = exchange.push(callin_body(B), secret="not the path")
        assert (report.status, report.answer, secrets.asked) == (404, None, 2)

    def test_what_only_tells_waits_for_the_credentials_and_is_stored(
        self, exchange: Exchange, secrets: SlowSecrets
    ) -> None:
        """Even when its text has the word of a question in it; only its own answer is in no hurry."""
        secrets.hangs = 1
        told = sms_body(app_key=ASKING["X"][1], virtualNumber=QUESTION_X, smsContent="Block")
        assert exchange.push(told, route="sms").stored == 1
        assert secrets.asked == 2


class TestDoor:
    def test_a_question_with_a_wrong_signature_is_refused_and_kept(self, exchange: Exchange) -> None:
        """notifications.md §2.3: it ends the call (8014)."""
        put_relation(exchange.bindings, relation(partners=(B,)))
        report = exchange.push(callin_body(B), headers=signed_headers(app_key=ASKING["X"][1], secret="wrong"))
        assert (report.status, report.answer) == (401, None)
        assert [row["kind"] for row in rows(exchange.bills)] == ["quarantine"]

    @pytest.mark.parametrize("setting", [NonceCheck.OFF, NonceCheck.LOG])
    def test_a_signature_that_was_seen_answers_no_other_question(
        self, exchange: Exchange, setting: NonceCheck
    ) -> None:
        """auth.md §3: it does not cover the body, so in no setting may it ask twice."""
        exchange.parts = {"policy": DoorPolicy(nonce_check=setting)}
        put_relation(exchange.bindings, relation(partners=(B,)))
        headers = signed_headers(app_key=ASKING["X"][1], nonce="n1")
        assert exchange.push(callin_body(STRANGER), headers=headers).answer == CLOSE
        report = exchange.push(callin_body(B, session="another"), headers=headers)
        assert (report.status, report.answer, report.decided) == (200, CLOSE, "nonce")
        assert report.notes == ("nonce_reused",)
        kept = sorted(row["kind"] for row in exchange.kept())
        assert kept == ["decision", "event", "quarantine"]

    def test_the_same_question_under_the_same_signature_is_a_repetition(self, exchange: Exchange) -> None:
        put_relation(exchange.bindings, relation(partners=(B,)))
        headers = signed_headers(app_key=ASKING["X"][1], nonce="n1")
        for _ in range(3):
            report = exchange.push(callin_body(B), headers=headers)
            assert (report.answer, report.decided, report.notes) == (connect(A), "relation", ())

    def test_a_replayed_question_is_answered_though_it_cannot_be_kept(self, exchange: Exchange) -> None:
        headers = signed_headers(app_key=ASKING["X"][1], nonce="n1")
        exchange.push(callin_body(STRANGER), headers=headers)
        client: Any = Troubled(exchange.bills.client, "update_item", _refuse)
        exchange.parts = {"hurried": FactStore(client, exchange.bills.name, sleep=lambda _: None)}
        report = exchange.push(callin_body(B, session="another"), headers=headers)
        assert (report.status, report.answer, report.notes) == (200, CLOSE, ("nonce_reused",))

    def test_a_replayed_question_is_not_answered_though_signatures_are_optional(
        self, exchange: Exchange
    ) -> None:
        policy = DoorPolicy(nonce_check=NonceCheck.ENFORCE, signature=PushSignature.OPTIONAL)
        exchange.parts = {"policy": policy}
        put_relation(exchange.bindings, relation(partners=(B,)))
        headers = signed_headers(app_key=ASKING["X"][1], nonce="n1")
        exchange.push(callin_body(STRANGER), headers=headers)
        assert exchange.push(callin_body(B, session="another"), headers=headers).answer == CLOSE

    def test_a_nonce_used_before_by_another_question_is_refused(self, exchange: Exchange) -> None:
        """auth.md §6 step 7."""
        exchange.parts = {"policy": DoorPolicy(nonce_check=NonceCheck.ENFORCE)}
        headers = signed_headers(app_key=ASKING["X"][1], nonce="n1")
        assert exchange.push(callin_body(B), headers=headers).status == 200
        assert exchange.push(callin_body(B), headers=headers).status == 200
        report = exchange.push(callin_body(B, session="another"), headers=headers)
        assert (report.status, report.answer, report.reason) == (401, None, "nonce")


@pytest.mark.dynamodb_local
class TestOnAmazonsEngine:
    def test_the_same_question_at_once_gets_one_answer(self, on_amazons_engine: Exchange) -> None:
        """notifications.md §4.5: whoever loses reads what the winner wrote, whatever he would have said."""
        exchange = on_amazons_engine
        for round_ in range(6):
            barrier = threading.Barrier(8)

            def ask(
                number: int, barrier: threading.Barrier = barrier, session: str = f"s-{round_}"
            ) -> Report:
                barrier.wait(10)
                # Each would say another tone: the answers they compute contradict each other.
                one = Exchange(exchange.bills, exchange.bindings, {"close_tone": f"tone-{number}.wav"})
                return one.push(callin_body(STRANGER, session=session))

            with ThreadPoolExecutor(8) as threads:
                reports = list(threads.map(ask, range(8)))
            answers = {json.dumps(report.answer) for report in reports}
            assert len(answers) == 1
            assert {report.undecided for report in reports} == {None}
            assert sum(report.stored for report in reports) == 1
        assert len(exchange.decisions()) == 6

    def test_a_push_that_only_tells_is_one_write_request(self, on_amazons_engine: Exchange) -> None:
        """Design goal: an event or an SMS is one write request, with its index at most two units."""
        exchange = on_amazons_engine
        log = log_requests(exchange.bills.client)
        consumed: list[float] = []

        def note(parsed: Mapping[str, Any], **_: Any) -> None:
            consumed.append(parsed["ConsumedCapacity"]["CapacityUnits"])

        def ask(params: dict[str, Any], **_: Any) -> None:
            params["ReturnConsumedCapacity"] = "TOTAL"

        events = events_of(exchange.bills.client)
        events.register("provide-client-params.dynamodb.PutItem", ask)
        events.register("after-call.dynamodb.PutItem", note)
        told = {"eventType": "callout", "statusInfo": callin_body(B)["statusInfo"]}
        sms = sms_body(app_key=ASKING["X"][1], virtualNumber=QUESTION_X)
        exchange.push(told)
        exchange.push(sms, route="sms")
        assert log.operations == ["PutItem", "PutItem"]
        # An SMS of a usual length is over 1 KB with its sealed raw, and stands in the day index.
        assert consumed[0] <= 2
        assert consumed[1] <= 4

    def test_relations_of_the_real_engine_decide(self, on_amazons_engine: Exchange) -> None:
        exchange = on_amazons_engine
        put_relation(exchange.bindings, relation(partners=(B,)))
        assert exchange.call(B) == connect(A)
        assert exchange.write(A) == route(B, A)
        assert exchange.push(callin_body(STRANGER, session="another")).answer == CLOSE
