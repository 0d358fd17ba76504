"""Whatever order calls are told in, the same is counted (users.md U-S09; notifications.md §9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import create_autospec

from hypothesis import given
from hypothesis import strategies as st

from builders.call_rules import Platform
from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.pushes import SIGNED_AT, SUBSCRIPTION, A, B, application, event_body, wire
from privatenumber.call_policy import CallPolicy, Within
from privatenumber.calls import rules
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.calls.rules_counting import Counting
from privatenumber.calls.rules_followed import MAX_AGE, RulesFollowed
from privatenumber.platform.pushes import parse_push
from privatenumber.privacy import token
from privatenumber.store.barred import BarredStore
from privatenumber.store.call_counts import CallCounts, Counted
from privatenumber.store.call_rules import Act, CallRules

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


@dataclass
class MemoryCalls(CallRules):
    """Rows of calls in memory."""

    kept: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def rows(self, call: str) -> list[dict[str, Any]]:
        return [row for (pk, _), row in sorted(self.kept.items()) if pk == call]

    def note(
        self, call: str, application: str, act: Act, evidence: Mapping[str, Any], *, at: datetime
    ) -> bool:
        key = (call, f"RULE#{evidence['rule']}")
        news = key not in self.kept
        self.kept.setdefault(key, {"kind": "rule", "act": act.value, **evidence})
        return news


def rows_of_calls(calls: int) -> list[dict[str, Any]]:
    """The rows of answered calls between A and B, a minute apart."""
    reception = Reception("demo", SIGNED_AT, KEYRING)
    made = []
    for number in range(calls):
        for second, name in enumerate(("callin", "callout", "answer", "disconnect")):
            stamp = (SIGNED_AT + timedelta(minutes=number, seconds=second)).strftime("%Y-%m-%d %H:%M:%S")
            body = event_body(name, sessionId=f"session-{number}", timestamp=stamp)
            (entry,) = parse_push(wire(body)).entries
            fact = fact_of(entry, reception)
            made.append({"pk": fact.pk, "sk": fact.sk, **fact.item})
    return made


def told(order: list[dict[str, Any]], policy: CallPolicy) -> set[tuple[str, str]]:
    """What is counted when rows are stored and followed in this order, each with what was stored by then."""
    counts, calls = MemoryCounts(), MemoryCalls()
    own = replace(application(), rules=policy)
    following = RulesFollowed(
        calls,
        Counting(counts),
        create_autospec(BarredStore),
        orders=lambda application, subscription_id: None,
        applications=lambda: {own.id: own},
        stop=Platform(),
        unseal=unseal,
        clock=lambda: SIGNED_AT + MAX_AGE * 100,
    )
    for row in order:
        calls.kept[row["pk"], row["sk"]] = row
        following.follow(row)
    return counts.rows


ROWS = rows_of_calls(3)
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
    assert {pk for pk, _ in told(ROWS[:4], policy)} == {f"COUNT#demo#{PAIR}#binding#{SUBSCRIPTION}"}


def _session(number: int) -> str:
    return token(KEYRING, f"session-{number}", purpose="session")
