"""Which relation an orphan call is about, and what is told of it: users.md U-S10, U-N11."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatenumber.call_policy import CallPolicy, OrphanCalls
from privatenumber.calls.orphans import (
    OrphanCall,
    announcement,
    last_relation,
    may_be_orphan,
    reopening,
)
from privatenumber.store.announcements import Announcement
from privatenumber.store.last_relations import PastRelation
from privatenumber.store.queue import Reopening

NOW = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)
X = "+8617010000002"
ORPHAN = OrphanCall("demo", "call-token", "anna", "+8613800138001", X, NOW, NOW, 8014)
POLICY = CallPolicy(orphan_calls=OrphanCalls.NOTIFY, orphan_hours=2)


def past(binding_id: str = "one", hours_ago: float = 1, **changes: Any) -> PastRelation:
    fields: dict[str, Any] = {
        "binding_id": binding_id,
        "order": f"order-of-{binding_id}",
        "mode": "AXB",
        "application": "demo",
        "state": "CLOSED",
        "numbers": frozenset({X}),
        "people": frozenset({"anna", "bert"}),
        "bound": frozenset({"anna", "bert"}),
        "changed_at": NOW - timedelta(hours=hours_ago),
        "reason": "expired",
    }
    return PastRelation(**{**fields, **changes})


class TestLastRelation:
    @pytest.mark.parametrize(
        ("candidates", "found"),
        [
            ([], None),
            ([past()], "one"),
            ([past(hours_ago=2)], "one"),
            ([past(hours_ago=2.001)], None),
            ([past(), past("two", 0.5)], "two"),
            ([past(), past("two", 90, state="ACTIVE")], "two"),
            ([past(people=frozenset({"bert"}))], None),
            ([past(people=frozenset({"bert"}), contact=True)], "one"),
            ([past(numbers=frozenset({"+8617010000009"}))], None),
            ([past(numbers=frozenset({"+8617010000009", X}))], "one"),
            ([past(application="another")], None),
            ([past(state="FAILED")], None),
            ([past(state="RELEASING", hours_ago=9)], "one"),
        ],
    )
    def test_the_last_on_that_x_counts(self, candidates: list[PastRelation], found: str | None) -> None:
        relation = last_relation(candidates, ORPHAN, POLICY)
        assert (relation and relation.binding_id) == found

    @given(st.permutations([past("one"), past("two", 0.5), past("three", 0.2, numbers=frozenset())]))
    def test_the_order_of_reading_does_not_matter(self, candidates: list[PastRelation]) -> None:
        relation = last_relation(candidates, ORPHAN, POLICY)
        assert relation is not None
        assert relation.binding_id == "two"


class TestAnnouncement:
    def test_it_says_order_and_binding_and_how_long_that_was_over(self) -> None:
        told = announcement(ORPHAN, past())
        assert (told.type, told.about, told.at) == ("call.orphan", "call#call-token", NOW)
        assert told.data == {
            "call": "call-token",
            "x": X,
            "order": "order-of-one",
            "binding_id": "one",
            "mode": "AXB",
            "binding_state": "CLOSED",
            "reopening": False,
            "code": 8014,
            "ended_at": "2026-09-02T00:00:00.000Z",
            "ended_seconds_before": 3600,
            "ended_because": "expired",
        }
        assert told.numbers == {"caller": "+8613800138001"}

    def test_a_binding_that_stands_by_our_books_is_told_with_its_state(self) -> None:
        """The platform did not connect what we take for bound: drift, or a bind that came a moment late."""
        told = announcement(ORPHAN, past(state="ACTIVE"))
        assert told.data["binding_state"] == "ACTIVE"
        assert not {"ended_at", "ended_seconds_before", "ended_because"} & set(told.data)

    def test_a_call_is_one_occurrence_whoever_tells_of_it(self) -> None:
        cdr = replace(ORPHAN, code=7104)
        assert announcement(cdr, past()).id == announcement(ORPHAN, past()).id

    def test_neither_data_nor_its_printed_form_shows_the_caller(self) -> None:
        told: Announcement = announcement(ORPHAN, past())
        assert "13800138001" not in repr(told) + repr(ORPHAN)


class TestReopening:
    AGAIN = CallPolicy(orphan_calls=OrphanCalls.REOPEN, reopen_within_minutes=60, reopen_minutes=20)

    @pytest.mark.parametrize(
        ("changes", "age_s", "reopens"),
        [
            ({}, 0, True),
            ({}, 60, True),
            ({}, 61, False),
            ({"reason": "idle"}, 0, True),
            ({"reason": "deleted"}, 0, False),
            ({"reason": "moved"}, 0, False),
            ({"reason": None}, 0, False),
            ({"hours_ago": 1.01}, 0, False),
            ({"state": "ACTIVE"}, 0, False),
            ({"state": "RELEASING"}, 0, False),
            ({"ours": False}, 0, False),
            ({"bound": frozenset({"bert"}), "contact": True}, 0, False),
            ({"bound": frozenset({"bert"})}, 0, False),
        ],
    )
    def test_what_ended_by_itself_within_the_grace_is_bound_again_for_its_own_people(
        self, changes: dict[str, Any], age_s: float, reopens: bool
    ) -> None:
        """notifications.md §9.1: an old record leads to no action."""
        found = reopening(ORPHAN, past(**changes), self.AGAIN, NOW + timedelta(seconds=age_s))
        assert (found is not None) is reopens

    @pytest.mark.parametrize(
        ("ahead_s", "received_ago_s", "reopens"),
        [(60, 0, True), (61, 0, False), (8 * 3600, 0, False), (0, 60, True), (0, 61, False)],
    )
    def test_a_moment_to_come_and_one_that_was_told_long_ago_are_not_young(
        self, ahead_s: int, received_ago_s: int, reopens: bool
    ) -> None:
        """notifications.md §2.2: the platform's clock may be hours ahead."""
        orphan = replace(
            ORPHAN,
            at=NOW + timedelta(seconds=ahead_s),
            received_at=NOW - timedelta(seconds=received_ago_s),
        )
        assert (reopening(orphan, past(hours_ago=0.9), self.AGAIN, NOW) is not None) is reopens

    def test_the_order_names_call_and_binding_and_how_long_it_is_worth_doing(self) -> None:
        found = reopening(ORPHAN, past(), self.AGAIN, NOW)
        assert found == Reopening("one", "call-token", 1200, "2026-09-02T01:10:00.000Z")
        assert found is not None
        assert Reopening.from_body(found.to_body()) == found

    def test_who_is_only_to_be_told_has_nothing_bound(self) -> None:
        assert reopening(ORPHAN, past(), POLICY, NOW) is None
        assert announcement(ORPHAN, past(), reopening=True).data["reopening"] is True


ENDED = {"kind": "event", "event": "disconnect", "state_code": 8014}


@pytest.mark.parametrize(
    ("row", "orphan"),
    [
        (ENDED, True),
        (ENDED | {"state_code": 8018}, True),
        (ENDED | {"state_code": 8030}, True),
        (ENDED | {"state_code": 0}, False),
        (ENDED | {"state_code": 8022}, False),
        (ENDED | {"subscription_id": "sub-1"}, False),
        (ENDED | {"flags": ["variant"]}, False),
        (ENDED | {"event": "callin"}, False),
        ({"kind": "event", "event": "disconnect"}, False),
        ({"kind": "cdr", "teardown": 7104}, True),
        ({"kind": "cdr", "teardown": 8014, "subscription_id": "sub-1"}, False),
        ({"kind": "decision", "about": "call", "reason": "no_relation"}, True),
        ({"kind": "decision", "about": "sms", "reason": "no_relation"}, False),
        ({"kind": "decision", "about": "call", "reason": "undecided"}, False),
        ({"kind": "sms", "send_result": 2}, False),
    ],
)
def test_a_call_without_binding_is_told_by_its_cause_or_our_decision(
    row: dict[str, Any], orphan: bool
) -> None:
    """cause-codes.md §4: no binding in AXB, AX, AXYB; x.md §5: unknown caller."""
    assert may_be_orphan(row) is orphan
