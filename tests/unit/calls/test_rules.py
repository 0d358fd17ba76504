"""Limits and the black list, as pure decisions: users.md U-S09; notifications.md §9."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.call_rules import MemoryFacts
from privatenumber.call_policy import CallPolicy, Limit, Within
from privatenumber.calls import rules
from privatenumber.calls.call_so_far import CallSoFar, call_so_far
from privatenumber.calls.rules import Broken, Parties
from privatenumber.store.barred import Bar, BarScope, Direction, ScopeKind
from privatenumber.times import iso

NOW = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)
PARTIES = Parties("demo", "anna", "bert", "x-token", "sub-1", "binding-1", "order-1", "+8617010000002")
LIMITS = CallPolicy(calls_per_minute=2, calls_per_hour=3).call_limits


def ago(*seconds: float) -> list[datetime]:
    return [NOW - timedelta(seconds=number) for number in seconds]


def bar(direction: Direction, kind: ScopeKind, **changes: Any) -> Bar:
    fields: dict[str, Any] = {
        "application": "demo",
        "person": "anna",
        "direction": direction,
        "scope": BarScope(kind, "" if kind is ScopeKind.APPLICATION else "there"),
        "reason": "complaint",
        "at": NOW,
        "by": "support",
        "sealed": b"",
    }
    return Bar(**{**fields, **changes})


class TestFrequency:
    @pytest.mark.parametrize(
        ("before", "broken"),
        [
            ([], None),
            ([5], None),
            ([5, 59.999], "calls_per_minute"),
            ([5, 60], None),
            ([5, 61, 3599], "calls_per_hour"),
            ([5, 61, 3600], None),
            ([1, 2, 3], "calls_per_minute"),
        ],
    )
    def test_one_more_breaks_the_shortest_limit_that_is_used_up(
        self, before: Sequence[float], broken: str | None
    ) -> None:
        found = rules.too_often(LIMITS, Within.APPLICATION, NOW, ago(*before))
        assert (found and found.rule) == broken

    def test_what_is_broken_says_by_how_many_in_which_time_and_where(self) -> None:
        found = rules.too_often(LIMITS, Within.X, NOW, ago(1, 2, 3))
        assert found == Broken("calls_per_minute", "x", limit=2, counted=3, seconds=60)
        assert found.evidence() == {
            "rule": "calls_per_minute",
            "within": "x",
            "limit": 2,
            "counted": 3,
            "seconds": 60,
        }

    def test_no_more_is_looked_at_than_the_limits_need(self) -> None:
        since, most = rules.looks_back(LIMITS, NOW)
        assert (since, most) == (NOW - timedelta(seconds=3600) + timedelta(milliseconds=1), 3)

    @given(
        seconds=st.lists(st.floats(0.001, 90_000, allow_nan=False), max_size=12),
        most=st.integers(1, 5),
        window=st.sampled_from([60, 3600, 86_400]),
    )
    def test_what_is_read_at_most_decides_like_everything(
        self, seconds: list[float], most: int, window: int
    ) -> None:
        """The query is bounded by the limit; that must not change any decision."""
        limits = (Limit("calls", most, window),)
        everything = sorted(ago(*seconds), reverse=True)
        since, at_most = rules.looks_back(limits, NOW)
        read = [moment for moment in everything if moment >= since][:at_most]
        found = [rules.too_often(limits, Within.APPLICATION, NOW, each) for each in (read, everything)]
        assert bool(found[0]) is bool(found[1])

    @pytest.mark.parametrize(
        ("within", "x", "subject"),
        [
            (Within.APPLICATION, None, "calls#anna"),
            (Within.APPLICATION, "x-token", "calls#anna"),
            (Within.X, "x-token", "calls#anna#x#x-token"),
            (Within.X, None, None),
        ],
    )
    def test_a_person_is_counted_where_the_policy_says(
        self, within: Within, x: str | None, subject: str | None
    ) -> None:
        policy = CallPolicy(calls_per_day=1, frequency_within=within)
        assert rules.frequency_subject("calls", policy, "anna", x) == subject


class TestAnswers:
    POLICY = CallPolicy(answers_per_day=2)

    def test_a_day_is_that_of_beijing(self) -> None:
        """16:00 UTC begins the next day there."""
        midnight = datetime(2026, 9, 2, 16, 0, tzinfo=UTC)
        before = [midnight - timedelta(seconds=1), midnight - timedelta(minutes=1)]
        at_the_end = rules.answered_too_often(self.POLICY, midnight - timedelta(milliseconds=1), before)
        assert at_the_end == Broken("answers_per_day", "application", limit=2, counted=2)
        assert rules.answered_too_often(self.POLICY, midnight, before) is None

    def test_two_people_are_one_pair_whoever_calls(self) -> None:
        back = Parties("demo", "bert", "anna", "x-token")
        assert rules.answers_subject(self.POLICY, PARTIES) == rules.answers_subject(self.POLICY, back)

    @pytest.mark.parametrize(
        ("within", "subject"),
        [
            (Within.APPLICATION, "answers#anna+bert"),
            (Within.X, "answers#anna+bert#x#x-token"),
            (Within.BINDING, "answers#anna+bert#binding#sub-1"),
        ],
    )
    def test_a_pair_is_counted_where_the_policy_says(self, within: Within, subject: str) -> None:
        policy = CallPolicy(answers_per_day=1, answers_within=within)
        assert rules.answers_subject(policy, PARTIES) == subject

    @pytest.mark.parametrize("parties", [Parties("demo", "anna", None, "x"), Parties("demo", None, "b", "x")])
    def test_one_person_alone_is_no_pair(self, parties: Parties) -> None:
        assert rules.answers_subject(self.POLICY, parties) is None

    def test_no_limit_is_never_broken(self) -> None:
        assert rules.answered_too_often(CallPolicy(), NOW, ago(*range(1, 50))) is None


class TestBlackList:
    def test_every_place_of_both_is_looked_at(self) -> None:
        found = {key["sk"] for key in rules.bar_keys(PARTIES)}
        places = ("*", "X#+8617010000002", "BINDING#binding-1", "ORDER#order-1")
        assert found == {f"{person}#{place}" for person in ("anna#caller", "bert#callee") for place in places}

    def test_what_is_not_known_is_not_looked_at(self) -> None:
        assert [key["sk"] for key in rules.bar_keys(Parties("demo", "anna", None, None))] == ["anna#caller#*"]

    def test_the_caller_comes_before_the_callee_and_the_widest_first(self) -> None:
        bars = [
            bar(Direction.CALLEE, ScopeKind.APPLICATION),
            bar(Direction.CALLER, ScopeKind.ORDER),
            bar(Direction.CALLER, ScopeKind.X),
        ]
        assert rules.barred(bars, NOW) == Broken("barred_caller", "x")

    @pytest.mark.parametrize(("seconds", "holds"), [(1, True), (0, False), (-1, False), (None, True)])
    def test_an_entry_holds_until_its_moment(self, seconds: int | None, holds: bool) -> None:
        """The table forgets it days later."""
        until = None if seconds is None else NOW + timedelta(seconds=seconds)
        found = rules.barred([bar(Direction.CALLER, ScopeKind.APPLICATION, until=until)], NOW)
        assert (found is not None) is holds


def row(sk: str, kind: str, second: int = 0, **more: Any) -> dict[str, Any]:
    at = iso(NOW + timedelta(seconds=second))
    always = {"pk": "CALL#demo#call", "application": "demo", "digest": "digest", "sealed": b"", "at": at}
    return {**always, "sk": sk, "kind": kind, "received_at": at, **more}


def event(name: str, second: int, sk: str = "", **more: Any) -> dict[str, Any]:
    return row(f"EVENT#{name}{sk}", "event", second, event=name, **more)


def act(name: str) -> dict[str, Any]:
    return row("RULE#answers_per_day", "rule", act=name, rule="answers_per_day")


def so_far(rows: Sequence[dict[str, Any]]) -> CallSoFar:
    """What these rows say, stored in this order."""
    facts = MemoryFacts()
    facts.put(*rows)
    return call_so_far(facts.call("demo", "call"))


ROWS = [
    event("callin", 0, caller="anna", called="x-token", subscription_id="sub-1"),
    event("callout", 1, caller="x-token", called="bert", subscription_id="sub-1"),
    event("alerting", 2, caller="x-token", called="bert", subscription_id="sub-1"),
    event("answer", 3, caller="x-token", called="bert", subscription_id="sub-1"),
    event("answer", 9, "#VARIANT#1", caller="x-token", called="carl", flags=["variant"]),
    event("disconnect", 5, caller="x-token", called="bert", state_code=0),
    act("missed"),
]


class TestCallSoFar:
    @given(st.permutations(ROWS))
    def test_it_depends_on_what_is_known_and_not_on_its_order(self, rows: list[dict[str, Any]]) -> None:
        found = so_far(rows)
        assert (found.caller, found.callee, found.x, found.subscription_id) == (
            "anna", "bert", "x-token", "sub-1",
        )  # fmt: skip
        assert (found.came_at, found.answered_at) == (NOW, NOW + timedelta(seconds=3))
        assert (found.over, found.stopped) == (True, False)

    @pytest.mark.parametrize("name", ["stopped", "already_ended"])
    def test_what_was_ended_is_not_ended_again(self, name: str) -> None:
        assert so_far([*ROWS, act(name)]).stopped

    def test_a_cdr_ends_a_call_as_well(self) -> None:
        assert so_far([ROWS[0], row("CDR#1", "cdr")]).over
        assert not so_far(ROWS[:5]).over

    def test_in_x_mode_the_decision_names_the_binding(self) -> None:
        says: dict[str, Any] = {"about": "call", "operation": "connect", "reason": "relation"}
        named: dict[str, Any] = {"binding_id": "b", "order": "o", "x": "+8617010000006"}
        found = so_far([row("DECISION", "decision", **says, **named)])
        assert (found.binding_id, found.order, found.x_number) == ("b", "o", "+8617010000006")

    def test_a_moment_that_is_not_told_is_that_of_receipt(self) -> None:
        untimed = {name: value for name, value in ROWS[0].items() if name != "at"}
        assert so_far([untimed]).came_at == NOW
