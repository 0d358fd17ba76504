"""Limits and the black list at questions and in running calls: users.md U-S09; recording-and-call-stop.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from builders.call_rules import Watch, bar
from builders.direct_dynamodb import events_of
from builders.dynamodb import moto_client, new_table
from builders.ingestion import switchboard
from builders.keyrings import KEYRING
from builders.pushes import QUESTION_X, SESSION, SIGNED_AT, STRANGER, A, B, X, callin_body, event_body
from builders.relations import put_relation, relation
from integration.test_questions import CLOSE, DISCARD, Exchange, connect, route
from privatenumber.call_policy import CallPolicy, Within
from privatenumber.calls.rules_followed import RuleOutcome, Stop
from privatenumber.privacy import token
from privatenumber.settings import Mode
from privatenumber.store.barred import BarredStore, BarScope, Direction, ScopeKind, position
from privatenumber.store.call_counts import CallCounts, Counted
from privatenumber.store.call_rules import Act


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with moto_client() as client:
        made = Exchange(new_table(client, "BillsTable"), new_table(client))
        put_relation(made.bindings, relation(partners=(B,)))
        yield made


@pytest.fixture
def watch() -> Iterator[Watch]:
    with moto_client() as client:
        yield Watch(new_table(client, "BillsTable"), new_table(client), CallPolicy(answers_per_day=1))


def enter(exchange: Exchange, number: str, **changes: Any) -> None:
    exchange.settings = {"rules": CallPolicy(black_list=True)}
    store = BarredStore(exchange.bindings.client, exchange.bindings.name)
    store.put(bar(number, application="demo-x", **changes))


class TestBlackListAtQuestions:
    @pytest.mark.parametrize(
        ("number", "direction"), [(B, Direction.CALLER), (A, Direction.CALLEE)], ids=["caller", "callee"]
    )
    def test_who_is_barred_is_not_connected_and_the_decision_says_why(
        self, exchange: Exchange, number: str, direction: Direction
    ) -> None:
        store = BarredStore(exchange.bindings.client, exchange.bindings.name)
        for kind, where in (
            (ScopeKind.APPLICATION, ""),
            (ScopeKind.X, QUESTION_X),
            (ScopeKind.BINDING, "binding-1"),
            (ScopeKind.ORDER, "order-of-binding-1"),
        ):
            enter(exchange, number, direction=direction, scope=BarScope(kind, where))
            assert exchange.push(callin_body(B, session=kind.value)).answer == CLOSE
            broken = {"rule": f"barred_{direction.value}", "within": kind.value}
            (row,) = [row for row in exchange.decisions() if row["broken"] == broken]
            assert (row["reason"], row["binding_id"], "callee" in row) == ("rule", "binding-1", False)
            for entry in store.of_person("demo-x", _token(number)):
                store.remove("demo-x", position(entry)[1])
        assert exchange.push(callin_body(B, session="later")).answer == connect(A)

    def test_an_entry_concerns_nobody_else_and_nothing_else(self, exchange: Exchange) -> None:
        enter(exchange, B, direction=Direction.CALLEE)
        enter(exchange, STRANGER)
        enter(exchange, B, scope=BarScope(ScopeKind.X, X))
        enter(exchange, B, scope=BarScope(ScopeKind.ORDER, "another"))
        enter(exchange, B, until=SIGNED_AT)
        assert exchange.call(B) == connect(A)

    def test_a_text_of_somebody_barred_is_discarded(self, exchange: Exchange) -> None:
        assert exchange.write(B) == route(A, B)
        enter(exchange, B)
        assert exchange.write(B, smsIdentifier="sms-2") == DISCARD

    def test_the_list_is_looked_at_only_where_it_is_on(self, exchange: Exchange) -> None:
        enter(exchange, B)
        exchange.settings = {}
        assert exchange.call(B) == connect(A)

    def test_a_question_that_was_answered_is_answered_the_same(self, exchange: Exchange) -> None:
        """x.md §2: repeated question, stored answer."""
        assert exchange.call(B) == connect(A)
        enter(exchange, B)
        assert exchange.call(B) == connect(A)


def policy(exchange: Exchange, **limits: Any) -> Watch:
    """Rules for the application that is asked, and what follows its facts."""
    exchange.settings = {"rules": CallPolicy(**limits)}
    return Watch(exchange.bills, exchange.bindings, CallPolicy(**limits), Mode.X)


def counted(exchange: Exchange, subject: str, *seconds_ago: float) -> None:
    """Calls or texts that were counted before."""
    store = CallCounts(exchange.bills.client, exchange.bills.name)
    for number, ago in enumerate(seconds_ago):
        store.note(Counted("demo-x", subject, SIGNED_AT - timedelta(seconds=ago), f"earlier-{number}"))


class TestLimitsAtQuestions:
    def test_who_calls_too_often_is_not_connected(self, exchange: Exchange) -> None:
        policy(exchange, calls_per_hour=2)
        counted(exchange, f"calls#{_token(B)}", 10)
        assert exchange.call(B) == connect(A)
        counted(exchange, f"calls#{_token(B)}", 10, 3599)
        report = exchange.push(callin_body(B, session="another"))
        assert (report.answer, report.decided, report.notes) == (CLOSE, "rule", ("rule_calls_per_hour",))
        broken = next(row["broken"] for row in exchange.decisions() if "broken" in row)
        assert broken == {
            "rule": "calls_per_hour", "within": "application", "limit": 2, "counted": 2, "seconds": 3600,
        }  # fmt: skip

    def test_a_text_is_counted_apart_from_calls_and_by_x(self, exchange: Exchange) -> None:
        policy(exchange, sms_per_day=1, frequency_within=Within.X)
        counted(exchange, f"calls#{_token(B)}#x#{QUESTION_X}", 1)
        counted(exchange, f"sms#{_token(B)}#x#{X}", 1)
        assert exchange.write(B) == route(A, B)
        counted(exchange, f"sms#{_token(B)}#x#{QUESTION_X}", 1)
        assert exchange.write(B, smsIdentifier="sms-2") == DISCARD

    def test_a_pair_that_spoke_as_often_as_it_may_is_not_connected_again(self, exchange: Exchange) -> None:
        """Whoever of the two calls."""
        policy(exchange, answers_per_day=1)
        pair = "+".join(sorted((_token(A), _token(B))))
        counted(exchange, f"answers#{pair}", 600)
        assert exchange.call(B) == CLOSE
        assert exchange.push(callin_body(A, session="back")).answer == CLOSE

    def test_a_limit_that_cannot_be_read_lets_the_call_through_and_says_so(self, exchange: Exchange) -> None:
        """A limit saves cost; a table that is slow for a moment must not end everybody's business."""
        policy(exchange, answers_per_day=1)
        exchange.parts = {"switchboard": self._without(exchange, "query")}
        report = exchange.push(callin_body(B))
        assert (report.answer, report.notes) == (connect(A), ("limits_unread",))
        assert [row["limits_unread"] for row in exchange.decisions()] == [True]

    def test_a_list_that_cannot_be_read_lets_nobody_through(self, exchange: Exchange) -> None:
        policy(exchange, black_list=True)
        exchange.parts = {"switchboard": self._without(exchange, "batch_get_item", after=2)}
        report = exchange.push(callin_body(B))
        assert (report.answer, report.undecided) == (CLOSE, "store")

    def test_a_question_costs_three_reads_and_two_counts_at_most(self, exchange: Exchange) -> None:
        policy(exchange, answers_per_day=3, calls_per_day=9, black_list=True)
        log: list[str] = []
        events_of(exchange.bills.client).register(
            "before-call.dynamodb.*", lambda model, **_: log.append(model.name)
        )
        assert exchange.call(B) == connect(A)
        assert log == ["BatchGetItem"] * 3 + ["Query"] * 2 + ["TransactWriteItems"]

    def _without(self, exchange: Exchange, operation: str, after: int = 0) -> Any:
        class Broken:
            calls = 0

            def __getattr__(self, name: str) -> Any:
                if name == operation:
                    Broken.calls += 1
                    if Broken.calls > after:
                        raise EndpointConnectionError(endpoint_url="https://dynamodb.example.com")
                return getattr(exchange.bills.client, name)

        return switchboard(Broken(), exchange.bindings.name, exchange.bills.name)


def _token(number: str) -> str:
    return token(KEYRING, number)


def answered_before(watch: Watch, minutes: int = 10) -> None:
    """An answered call of A and B, earlier that day."""
    at = SIGNED_AT - timedelta(minutes=minutes)
    stamp = at.strftime("%Y-%m-%d %H:%M:%S")
    watch.push(event_body("callin", sessionId="earlier", timestamp=stamp))
    watch.push(event_body("answer", sessionId="earlier", timestamp=stamp))
    watch.now = SIGNED_AT


class TestWhileACallRuns:
    def test_one_more_answered_call_than_a_pair_may_have_is_ended(self, watch: Watch) -> None:
        answered_before(watch)
        assert watch.push(event_body("callin")) == []
        assert watch.push(event_body("callout", second=1)) == [RuleOutcome.STOPPED]
        assert watch.platform.sessions == [SESSION]
        (row,) = watch.acts()
        assert (row["sk"], row["act"], row["event"]) == ("RULE#answers_per_day", "stopped", "callout")
        assert (row["limit"], row["counted"], row["within"]) == (1, 1, "application")

    def test_a_call_is_ended_once_whatever_comes_after_and_again(self, watch: Watch) -> None:
        answered_before(watch)
        rows = [row for name in ("callin", "callout", "alerting") for row in watch.store(event_body(name))]
        outcomes = watch.follow(*rows, *rows, *reversed(rows))
        assert (outcomes, watch.platform.sessions) == ([RuleOutcome.STOPPED], [SESSION])

    def test_the_first_calls_of_a_day_go_on(self, watch: Watch) -> None:
        watch.policy = CallPolicy(answers_per_day=2)
        answered_before(watch)
        for second, name in enumerate(("callin", "callout", "alerting", "answer")):
            assert watch.push(event_body(name, second=second)) == []
        assert watch.platform.sessions == []

    def test_a_call_that_is_followed_late_is_not_ended_and_that_is_written_down(self, watch: Watch) -> None:
        """notifications.md §9.1: backend.event.action_max_age_s."""
        answered_before(watch)
        watch.push(event_body("callin"))
        assert watch.push(event_body("callout"), age_s=60.5) == [RuleOutcome.MISSED]
        assert [(row["act"], row["code"]) for row in watch.acts()] == [("missed", "late")]
        assert watch.push(event_body("alerting", second=3), age_s=60) == [RuleOutcome.STOPPED]
        assert [row["act"] for row in watch.acts()] == ["stopped"]

    def test_a_call_that_is_over_is_not_ended(self, watch: Watch) -> None:
        answered_before(watch)
        watch.store(event_body("callin"), event_body("disconnect", second=4))
        assert watch.push(event_body("callout")) == [RuleOutcome.MISSED]
        assert (watch.platform.sessions, watch.acts()[0]["code"]) == ([], "ended")

    def test_a_platform_that_refuses_is_asked_again_by_the_next_event(self, watch: Watch) -> None:
        answered_before(watch)
        watch.push(event_body("callin"))
        watch.platform.answer = Stop(Act.FAILED, "1010040")
        assert watch.push(event_body("callout", second=1)) == [RuleOutcome.FAILED]
        assert [(row["act"], row["code"]) for row in watch.acts()] == [("stop_failed", "1010040")]
        watch.platform.answer = Stop(Act.STOPPED)
        assert watch.push(event_body("alerting", second=2)) == [RuleOutcome.STOPPED]
        assert [row["act"] for row in watch.acts()] == ["stopped"]
        assert len(watch.platform.sessions) == 2

    def test_a_crash_after_the_platform_was_asked_leaves_no_gap(self, watch: Watch) -> None:
        """The row comes again; the platform says that the call has ended."""
        answered_before(watch)
        watch.store(event_body("callin"))
        rows = watch.store(event_body("callout"))
        watch.platform.answer = Stop(Act.ALREADY_ENDED)
        assert watch.follow(*rows) == [RuleOutcome.MISSED]
        assert watch.follow(*rows) == []
        assert [row["act"] for row in watch.acts()] == ["already_ended"]

    def test_who_calls_too_often_is_stopped_on_arrival(self, watch: Watch) -> None:
        watch.policy = CallPolicy(calls_per_minute=1)
        assert watch.push(event_body("callin", sessionId="first")) == []
        assert watch.push(event_body("callin", second=59)) == [RuleOutcome.STOPPED]
        assert watch.push(event_body("callin", sessionId="third", timestamp="2026-09-02 01:02:00")) == []

    @pytest.mark.parametrize(
        ("number", "direction", "event"),
        [(A, Direction.CALLER, "callin"), (B, Direction.CALLEE, "callout")],
    )
    def test_who_is_barred_is_stopped_as_soon_as_he_is_named(
        self, watch: Watch, number: str, direction: Direction, event: str
    ) -> None:
        watch.policy = CallPolicy(black_list=True)
        put_relation(
            watch.bindings,
            relation(
                "binding-9",
                mode=Mode.AX,
                application="demo",
                x=X,
                subscription_id=_SUBSCRIPTION,
                order="o-9",
            ),
        )
        store = BarredStore(watch.bindings.client, watch.bindings.name)
        store.put(bar(number, direction=direction, scope=BarScope(ScopeKind.ORDER, "o-9")))
        done = {name: watch.push(event_body(name)) for name in ("callin", "callout")}
        assert [name for name, outcomes in done.items() if outcomes] == [event]

    def test_in_x_mode_the_question_is_not_ended_but_its_call_is(self, watch: Watch) -> None:
        """recording-and-call-stop.md §3: possible only after connect was answered."""
        watch.mode, watch.policy = Mode.X, CallPolicy(calls_per_minute=1)
        watch.push(event_body("callin", sessionId="first"))
        assert watch.push(event_body("callin", second=1)) == []
        assert watch.push(event_body("callout", second=2)) == [RuleOutcome.STOPPED]

    def test_without_rules_nothing_is_read_or_counted(self, watch: Watch) -> None:
        watch.policy = CallPolicy()
        rows = watch.store(event_body("callin"), event_body("answer"))
        untouchable: Any = _Untouchable()
        watch.bills = replace(watch.bills, client=untouchable)
        assert watch.follow(*rows) == []

    def test_the_evidence_names_nobody(self, watch: Watch) -> None:
        answered_before(watch)
        watch.push(event_body("callin"))
        watch.push(event_body("callout", second=1))
        text = str(watch.acts()) + str(watch.counted())
        assert not any(secret in text for secret in (A[3:], B[3:], SESSION))


_SUBSCRIPTION = event_body("callin")["statusInfo"]["subscriptionId"]


class _Untouchable:
    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")
