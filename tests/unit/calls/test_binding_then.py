"""A binding as it was at a moment: the present, with later versions taken back (C-136)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from builders.keyrings import KEYRING
from builders.pushes import SIGNED_AT, A, B, X
from builders.relations import relation
from privatenumber.bindings.audit import entry_of
from privatenumber.bindings.model import Binding, Callee, Reason, State
from privatenumber.bindings.records import party, to_record
from privatenumber.calls.diagnosis.binding_then import BindingThen, Part, binding_then
from privatenumber.privacy import token
from privatenumber.settings import Mode
from privatenumber.store.audit import Entry
from privatenumber.store.binding_keys import binding_item

STRANGER = "+8613800138003"


def at(minutes: float) -> datetime:
    return SIGNED_AT + timedelta(minutes=minutes)


def item_of(binding: Binding, **author: Any) -> dict[str, Any]:
    return binding_item(to_record(binding, KEYRING, **author))


def lived() -> list[Binding]:
    """Asked for at 0, bound at 1, may only be called by A from 5 on, released at 10, gone at 11."""
    asked = relation(
        partners=(B,), version=1, state=State.REQUESTED, created_at=at(0), updated_at=at(0), ends_at=at(60)
    )
    bound = replace(asked, version=2, state=State.ACTIVE, updated_at=at(1), subscription_id="id")
    turned = replace(bound, version=3, updated_at=at(5), terms=replace(bound.terms, direction=1))
    leaving = replace(turned, version=4, state=State.RELEASING, updated_at=at(10), reason=Reason.DELETED)
    return [
        asked,
        bound,
        turned,
        leaving,
        replace(leaving, version=5, state=State.CLOSED, due_at=None, updated_at=at(11)),
    ]


def audit_of(versions: list[Binding]) -> list[Entry]:
    """The entries that the stream makes of these versions."""
    items = [item_of(one, by=f"author of {one.version}", why="because") for one in versions]
    pairs = [(None, items[0]), *pairwise(items)]
    entries = (entry_of(before, after, at=SIGNED_AT) for before, after in pairs)
    return [entry for entry in entries if entry]


def then(versions: list[Binding], moment: datetime, person: str = A, **changes: Any) -> BindingThen:
    entries = audit_of(versions) if changes.pop("audited", True) else ()
    return binding_then(item_of(versions[-1]), entries, moment, person=token(KEYRING, person))


@pytest.mark.parametrize(
    ("minutes", "state", "direction"),
    [
        (-1, None, 0),
        (0.5, "REQUESTED", 0),
        (3, "ACTIVE", 0),
        (7, "ACTIVE", 1),
        (10.5, "RELEASING", 1),
        (30, "CLOSED", 1),
    ],
)
def test_state_and_terms_are_those_of_the_moment(minutes: float, state: str | None, direction: int) -> None:
    was = then(lived(), at(minutes))
    assert (was.state, was.direction) == (state, direction)
    assert was.live is (state == "ACTIVE")
    assert was.state_now == "CLOSED"


def test_the_order_of_entries_does_not_matter() -> None:
    versions = lived()
    entries = audit_of(versions)
    moments = [at(minutes) for minutes in (-1, 3, 7, 30)]
    for moment in moments:
        shuffled = binding_then(item_of(versions[-1]), entries[::-1], moment, person=None)
        assert shuffled == binding_then(item_of(versions[-1]), entries, moment, person=None)


def test_when_it_came_into_force_and_left_it_is_told_at_any_moment() -> None:
    for minutes in (-1, 3, 30):
        was = then(lived(), at(minutes))
        assert (was.bound_at, was.over_at) == (at(1), at(10))
        assert (was.reason, was.by, was.why) == ("deleted", "author of 4", "because")


def test_without_an_audit_the_row_itself_is_believed() -> None:
    """The audit is a moment behind, and forgotten after its days."""
    closed = lived()
    assert then(closed, at(30), audited=False).over_at == at(11)
    assert then(closed, at(3), audited=False).live
    assert then(closed[:2], at(3), audited=False).bound_at == at(0)
    assert then(closed[:1], at(3), audited=False).bound_at is None


@pytest.mark.parametrize(("person", "part"), [(A, Part.A), (B, Part.OTHER), (STRANGER, None)])
def test_the_caller_is_known_by_his_part(person: str, part: Part | None) -> None:
    assert then(lived(), at(3), person).part is part


def test_whoever_calls_an_open_binding_stands_in_it() -> None:
    """X mode, one to many."""
    opened = [replace(one, anyone=True) for one in lived()]
    assert then(opened, at(3), STRANGER).part is Part.ANYONE


def test_people_who_changed_before_the_moment_are_told_of() -> None:
    """The audit says that they changed, not who they were."""
    asked, bound, *_ = lived()
    swapped = replace(
        bound, version=3, updated_at=at(5), terms=replace(bound.terms, a=party(KEYRING, STRANGER))
    )
    versions = [asked, bound, swapped]
    assert then(versions, at(6)).people_changed_at == at(5)
    assert then(versions, at(4)).people_changed_at is None


def test_a_partner_who_left_is_told_of_and_one_who_came_is_not() -> None:
    """AXYB and X mode: people come and go while the binding lives."""
    asked, bound, *_ = lived()
    left = replace(bound, version=3, updated_at=at(5), partners=())
    back = replace(left, version=4, updated_at=at(6), partners=bound.partners)
    assert then([asked, bound, left], at(7)).people_changed_at == at(5)
    assert then([asked, bound, left, back], at(7)).people_changed_at == at(5)
    assert then([asked, bound], at(7)).people_changed_at is None


class TestCallee:
    """ax.md §6: the temporary callee at the moment of A's call (C-140)."""

    @staticmethod
    def versions(*minutes: float) -> list[Binding]:
        found = [replace(one, mode=Mode.AX, partners=()) for one in lived()[:2]]
        for minute in minutes:
            callee = Callee(party(KEYRING, B), at(minute + 1))
            found.append(replace(found[-1], version=len(found) + 1, updated_at=at(minute), callee=callee))
        return found

    def test_it_is_that_of_the_moment_while_nobody_replaced_it(self) -> None:
        was = then(self.versions(5), at(8))
        assert (was.callee_set_at, was.callee_until, was.callee_set_later) == (at(5), at(6), None)

    def test_one_that_was_replaced_since_is_not_known_any_more(self) -> None:
        was = then(self.versions(5, 20), at(8))
        assert (was.callee_set_at, was.callee_until, was.callee_set_later) == (at(5), None, at(20))

    def test_one_that_came_later_was_not_there(self) -> None:
        was = then(self.versions(20), at(8))
        assert (was.callee_set_at, was.callee_until, was.callee_set_later) == (None, None, at(20))


def test_every_number_of_a_binding_counts() -> None:
    """AXYB: A dials the Y of each B."""
    asked, bound, *_ = lived()
    (held,) = bound.partners
    paired = [replace(one, partners=(replace(held, y=X),)) for one in (asked, bound)]
    assert then(paired, at(3)).numbers == {bound.x, X}


class TestLapsed:
    """X mode: our own answer refuses from the end of the time on, whatever the state (`routing`)."""

    def late(self, mode: Mode = Mode.X, **last: Any) -> list[Binding]:
        """Its time is over at 10; it is let go of at 12, gone at 13, as it is after every expiry."""
        asked, bound, *_ = (replace(one, mode=mode) for one in lived())
        bound = replace(bound, terms=replace(bound.terms, ends_at=at(10)))
        leaving = replace(
            bound, version=3, state=State.RELEASING, updated_at=at(12), **{"reason": Reason.EXPIRED, **last}
        )
        return [asked, bound, leaving, replace(leaving, version=4, state=State.CLOSED, updated_at=at(13))]

    def test_a_binding_whose_time_is_over_is_not_in_force_though_nobody_let_it_go(self) -> None:
        was = then(self.late(), at(11))
        assert (was.state, was.live, was.over_at, was.reason) == ("ACTIVE", False, at(10), "expired")

    def test_it_was_in_force_until_then(self) -> None:
        was = then(self.late(), at(9))
        assert (was.live, was.over_at, was.reason) == (True, at(10), "expired")

    def test_whoever_let_it_go_afterwards_did_not_end_it(self) -> None:
        was = then(self.late(reason=Reason.DELETED), at(30))
        assert (was.live, was.over_at, was.reason, was.by) == (False, at(10), "expired", None)

    def test_where_the_platform_ends_it_the_state_counts(self) -> None:
        """Elsewhere the platform knows the binding until it is told."""
        was = then(self.late(mode=Mode.AXB), at(11))
        assert (was.live, was.over_at) == (True, at(12))

    def test_a_living_binding_has_no_end_yet(self) -> None:
        was = then(self.late()[:2], at(9))
        assert (was.live, was.over_at) == (True, None)

    def test_time_that_was_given_later_does_not_count_before(self) -> None:
        """Extended at 11, a minute after its time was over."""
        asked, bound, *_ = self.late()
        longer = replace(bound, version=3, updated_at=at(11), terms=replace(bound.terms, ends_at=at(60)))
        assert not then([asked, bound, longer], at(10.5)).live
        assert then([asked, bound, longer], at(11.5)).live


@pytest.mark.parametrize(
    ("read", "minutes", "rewound"),
    [(5, 3, True), (2, 3, False), (2, 10.5, True), (0, 3, False), (0, 12, True)],
)
def test_it_is_told_whether_the_audit_that_was_read_reaches_back(
    read: int, minutes: float, rewound: bool
) -> None:
    """Of a binding with many later versions only the newest are read."""
    versions = lived()
    newest = audit_of(versions)[len(versions) - read :]
    assert binding_then(item_of(versions[-1]), newest, at(minutes), person=None).rewound is rewound
