"""Whatever order calls are told in, the same is counted (users.md U-S09; notifications.md §9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import create_autospec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.call_rules import ENOUGH, MemoryFacts, Platform
from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.pushes import (
    SIGNED_AT,
    STRANGER,
    SUBSCRIPTION,
    A,
    B,
    X,
    application,
    event_body,
    sms_body,
    wire,
)
from privatenumber.call_policy import CallPolicy, Within
from privatenumber.calls import rules
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.calls.rules_counting import Counting
from privatenumber.calls.rules_followed import MAX_AGE, RulesFollowed, Stop
from privatenumber.platform.pushes import parse_push
from privatenumber.privacy import token
from privatenumber.store.barred import BarredStore
from privatenumber.store.call_counts import CallCounts, Counted
from privatenumber.store.call_rules import Act, CallRules
from privatenumber.times import iso

PAIR = "answers#" + "+".join(sorted(token(KEYRING, number) for number in (A, B)))


@dataclass
class MemoryCounts(CallCounts):
    """Counts in memory, by the rules of the table: a key is there once, a query is bounded."""

    rows: set[tuple[str, str]] = field(default_factory=set)

    def note(self, counted: Counted) -> None:
        key = counted.key
        self.rows.add((key["pk"], key["sk"]))

    def before(
        self, counted: Counted, *, since: datetime, most: int, left: Callable[[], float] | None = None
    ) -> tuple[datetime, ...]:
        own = counted.key
        found = sorted((sk for pk, sk in self.rows if pk == own["pk"] and sk < own["sk"]), reverse=True)
        moments = (datetime.fromisoformat(sk.partition("#")[0]) for sk in found)
        return tuple(moment for moment in moments if moment >= since)[:most]


class MemoryCalls(CallRules):
    """Acts in memory, by the rule of the table: an act gives way to a stronger one."""

    def __init__(self, facts: MemoryFacts) -> None:
        self._facts = facts

    def note(
        self, call: str, application: str, act: Act, evidence: Mapping[str, Any], *, at: datetime
    ) -> bool:
        key = (call, f"RULE#{evidence['rule']}")
        known = self._facts.kept.get(key)
        if known and Act(known["act"]) not in act.weaker:
            return False
        named = {"pk": call, "sk": key[1], "kind": "rule", "act": act.value, "at": iso(at)}
        self._facts.put({**named, **evidence})
        return True


def rows_of_call(number: int, apart_s: int, changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of the events of one answered call of A to B."""
    reception, made = Reception("demo", SIGNED_AT, KEYRING), []
    for second, name in enumerate(("callin", "callout", "answer", "disconnect")):
        at = SIGNED_AT + timedelta(seconds=number * apart_s + second)
        told = {"timestamp": at.strftime("%Y-%m-%d %H:%M:%S"), "sessionId": f"session-{number}", **changes}
        (entry,) = parse_push(wire(event_body(name, **told))).entries
        fact = fact_of(entry, reception)
        made.append({"pk": fact.pk, "sk": fact.sk, **fact.item})
    return made


def rows_of_calls(calls: int, apart_s: int = 60) -> list[dict[str, Any]]:
    """The rows of answered calls between A and B."""
    return [row for number in range(calls) for row in rows_of_call(number, apart_s, {})]


def variant(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row that contradicts one which came first (notifications.md §9.2)."""
    return {**row, "sk": f"{row['sk']}#VARIANT#{row['digest']}", "flags": ["variant"]}


def contradicting(calls: int, seconds_ago: int) -> list[dict[str, Any]]:
    """Events of the same calls with another time and other people, told after the first."""
    stamp = (SIGNED_AT - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%d %H:%M:%S")
    changes = {"timestamp": stamp, "caller": STRANGER, "called": X}
    return [variant(row) for number in range(calls) for row in rows_of_call(number, 60, changes)]


@dataclass
class Following:
    """Rules that follow rows in memory, and a platform that is asked to end calls."""

    policy: CallPolicy
    now: datetime = SIGNED_AT + MAX_AGE * 100
    counts: MemoryCounts = field(default_factory=MemoryCounts)
    platform: Platform = field(default_factory=Platform)
    facts: MemoryFacts = field(default_factory=MemoryFacts)

    def follow(self, rows: Iterable[Mapping[str, Any]]) -> Following:
        """Store and follow rows in this order, each with what was stored by then."""
        own = replace(application(), rules=self.policy)
        rules = RulesFollowed(
            self.facts,
            MemoryCalls(self.facts),
            Counting(self.counts),
            create_autospec(BarredStore),
            orders=lambda application, subscription_id: None,
            applications=lambda: {own.id: own},
            stop=self.platform,
            unseal=unseal,
            clock=lambda: self.now,
        )
        for row in rows:
            self.facts.put(row)
            rules.follow(row, ENOUGH)
        return self

    def acts(self) -> dict[str, str]:
        """What was done, by the token of the call."""
        found = self.facts.kept.values()
        return {row["pk"].split("#")[2]: row["act"] for row in found if row["kind"] == "rule"}


def told(order: Iterable[Mapping[str, Any]], policy: CallPolicy) -> set[tuple[str, str]]:
    """What is counted when rows are stored and followed in this order."""
    return Following(policy).follow(order).counts.rows


ROWS = [*rows_of_calls(3), *contradicting(3, 30)]
POLICY = CallPolicy(answers_per_day=1, calls_per_hour=1, calls_per_day=2)
IN_ORDER = told(ROWS, POLICY)


@given(st.lists(st.sampled_from(range(len(ROWS))), max_size=30), st.permutations(range(len(ROWS))))
def test_any_order_and_any_repetition_count_the_same(again: list[int], order: list[int]) -> None:
    """Each fact arrives at least once: those before, in any order with repetitions, then all in any order."""
    assert told([ROWS[number] for number in (*again, *order)], POLICY) == IN_ORDER


def test_three_answered_calls_are_three_calls_and_three_answers() -> None:
    subjects = sorted(pk.removeprefix("COUNT#demo#") for pk, _ in IN_ORDER)
    assert subjects == [PAIR] * 3 + [f"calls#{token(KEYRING, A)}"] * 3


@given(st.permutations(range(len(ROWS))))
def test_how_many_came_before_a_call_does_not_depend_on_the_order(order: list[int]) -> None:
    counts = MemoryCounts()
    counts.rows = told([ROWS[number] for number in order], POLICY)
    answers = [
        Counted("demo", PAIR, SIGNED_AT + timedelta(minutes=n, seconds=2), _session(n)) for n in range(3)
    ]
    before = [counts.before(each, since=rules.day_of(SIGNED_AT), most=10) for each in answers]
    assert [len(each) for each in before] == [0, 1, 2]


def test_a_binding_is_named_as_the_facts_of_the_call_name_it() -> None:
    """Not as it is found: an index that lags behind must not change what is counted."""
    policy = CallPolicy(answers_per_day=1, answers_within=Within.BINDING)
    assert {pk for pk, _ in told(rows_of_calls(1), policy)} == {f"COUNT#demo#{PAIR}#binding#{SUBSCRIPTION}"}


RUNNING = [row for row in rows_of_calls(3, apart_s=9) if row["event"] != "disconnect"]
YOUNG = SIGNED_AT + timedelta(seconds=30)
ONE_TOO_MANY = {"session-1", "session-2"}
LATE = SIGNED_AT + timedelta(seconds=90)
CONTRADICTING = [
    row | {"received_at": iso(LATE)} for row in contradicting(3, -90) if row["event"] != "disconnect"
]
COUNTED = told(RUNNING, POLICY)


@settings(max_examples=25)
@given(st.lists(st.sampled_from(range(len(RUNNING))), max_size=20), st.permutations(range(len(RUNNING))))
def test_calls_that_break_a_rule_are_ended_once_in_whatever_order_they_are_told(
    again: list[int], order: list[int]
) -> None:
    """None of the others is ever ended, and when all is known none of those goes on."""
    following = Following(POLICY, YOUNG).follow(RUNNING[number] for number in (*again, *order))
    assert set(following.platform.sessions) <= ONE_TOO_MANY
    following.follow(RUNNING[number] for number in order)
    assert sorted(following.platform.sessions) == sorted(ONE_TOO_MANY)
    assert following.acts() == {_session(number): "stopped" for number in (1, 2)}


@settings(max_examples=25)
@given(st.permutations(range(len(RUNNING))))
def test_a_platform_that_refuses_at_first_is_asked_again_in_whatever_order(order: list[int]) -> None:
    following = Following(POLICY, YOUNG)
    following.platform.answer = Stop(Act.FAILED, "1010040")
    following.follow(RUNNING[number] for number in order)
    assert set(following.acts().values()) <= {"stop_failed"}
    following.platform.answer = Stop(Act.STOPPED)
    following.follow(RUNNING[number] for number in order)
    assert following.acts() == {_session(number): "stopped" for number in (1, 2)}


@settings(max_examples=25)
@given(st.permutations(range(len(RUNNING))))
def test_a_contradicting_event_ends_no_call(order: list[int]) -> None:
    """notifications.md §9.2: what came first counts; it is too old to end anything."""
    late = Following(POLICY, LATE)
    late.follow(RUNNING[number] for number in order)
    late.follow(CONTRADICTING)
    assert late.platform.sessions == []
    assert late.counts.rows == COUNTED


@pytest.mark.parametrize(("ahead_s", "ended"), [(59, ["session-1"]), (61, []), (8 * 3600, [])])
def test_an_event_of_a_moment_to_come_ends_no_call(ahead_s: int, ended: list[str]) -> None:
    """notifications.md §2.2: the platform's clock may be hours ahead."""
    first, second = (rows_of_call(number, 1, {}) for number in (0, 1))
    now = datetime.fromisoformat(second[1]["at"]) - timedelta(seconds=ahead_s)
    following = Following(CallPolicy(answers_per_day=1), now)
    following.follow([*first, *second[:2]])
    assert following.platform.sessions == ended


def test_what_was_told_long_ago_ends_no_call_whatever_it_says() -> None:
    rows = [row | {"received_at": iso(YOUNG - MAX_AGE * 2)} for row in RUNNING]
    assert Following(POLICY, YOUNG).follow(rows).platform.sessions == []


def test_a_text_that_contradicts_another_is_not_counted() -> None:
    policy = CallPolicy(sms_per_day=1)
    (entry,) = parse_push(wire(sms_body("Block"))).entries
    fact = fact_of(entry, Reception("demo", SIGNED_AT, KEYRING))
    row = {"pk": fact.pk, "sk": fact.sk, **fact.item}
    other = variant({**row, "at": iso(SIGNED_AT - timedelta(minutes=1))})
    assert len(told([row], policy)) == 1
    assert told([row, other, other, row], policy) == told([row], policy)


def _session(number: int) -> str:
    return token(KEYRING, f"session-{number}", purpose="session")
