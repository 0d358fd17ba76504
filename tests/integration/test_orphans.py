"""Calls of people without a binding, from the row to what is told: users.md U-S10, U-N11."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from builders.bills import rows
from builders.call_rules import Watch
from builders.dynamodb import moto_client, new_table
from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.pushes import QUESTION_X, SIGNED_AT, STRANGER, A, B, X, event_body, fee_body, stranger_cdr
from builders.relations import put_relation, relation
from builders.streams import stream_event
from integration.test_questions import Exchange
from privatenumber.bindings.model import Reason, State
from privatenumber.call_policy import NO_RULES, CallPolicy, OrphanCalls
from privatenumber.calls.orphans import Orphans
from privatenumber.privacy import token
from privatenumber.settings import Application, Mode
from privatenumber.store.announcements import Announcement
from privatenumber.store.contacts import Contact, ContactStore
from privatenumber.store.last_relations import LastRelations
from privatenumber.store.queue import Reopening
from privatenumber.store.stream import inserted

NOTIFY = CallPolicy(orphan_calls=OrphanCalls.NOTIFY)
ENDED = event_body("disconnect", caller=STRANGER, called=X, subscriptionId=None, stateCode=8014, second=4)


@dataclass
class Desk:
    """Applications, tables, and what is told of rows."""

    exchange: Exchange
    policy: CallPolicy = NOTIFY
    reads: list[str] = field(default_factory=list)
    reopenings: list[Reopening] = field(default_factory=list)

    def applications(self) -> dict[str, Application]:
        self.reads.append("applications")
        return {name: replace(each, rules=self.policy) for name, each in self.exchange.applications().items()}

    def told(self, *found: Mapping[str, Any]) -> list[Announcement]:
        bindings = self.exchange.bindings
        orphans = Orphans(
            LastRelations(bindings.client, bindings.name),
            applications=self.applications,
            unseal=unseal,
            clock=lambda: SIGNED_AT,
        )
        looked = [orphans.look(record.row) for record in inserted(stream_event(found))]
        self.reopenings += [each.reopening for each in looked if each and each.reopening]
        return [each.announcement for each in looked if each]

    def stored(self, *bodies: Mapping[str, Any]) -> list[dict[str, Any]]:
        watch = Watch(self.exchange.bills, self.exchange.bindings, NO_RULES, Mode.AXB)
        return watch.store(*bodies)

    def bound(self, binding_id: str = "binding-1", **changes: Any) -> None:
        """A relation of A on the X of the calls that is over since an hour."""
        ended: dict[str, Any] = {
            "mode": Mode.AX,
            "application": "demo",
            "x": X,
            "state": State.CLOSED,
            "due_at": None,
            "updated_at": SIGNED_AT - timedelta(hours=1),
        }
        put_relation(self.exchange.bindings, relation(binding_id, **{**ended, **changes}), places=())


@pytest.fixture
def desk() -> Iterator[Desk]:
    with moto_client() as client:
        yield Desk(Exchange(new_table(client, "BillsTable"), new_table(client)))


def test_event_and_cdr_of_one_call_tell_the_same_once(desk: Desk) -> None:
    """Whichever comes first, late or twice: one id."""
    desk.bound(a=STRANGER)
    session = ENDED["statusInfo"]["sessionId"]
    found = desk.stored(ENDED, fee_body(stranger_cdr(sessionId=session)))
    for order in itertools.permutations(found):
        told = desk.told(*order, *order)
        assert {(each.id, each.about) for each in told} == {(told[0].id, told[0].about)}
        assert {each.data["order"] for each in told} == {"order-of-binding-1"}
    assert told[0].numbers == {"caller": STRANGER}


@pytest.mark.parametrize(
    "stood",
    [
        {"a": STRANGER},
        {"partners": (STRANGER,)},
        {"partners": (B, STRANGER)},
        {"callee": STRANGER},
    ],
    ids=["as A", "as B", "as another partner", "as the callee of a moment"],
)
def test_the_caller_is_found_whatever_he_was(desk: Desk, stood: dict[str, Any]) -> None:
    desk.bound(**stood)
    (told,) = desk.told(*desk.stored(ENDED))
    assert (told.data["binding_id"], told.data["ended_seconds_before"]) == ("binding-1", 3604)


def test_a_stranger_who_was_in_touch_is_found_by_his_contact(desk: Desk) -> None:
    desk.bound(subscription_id="sub-9")
    contact = Contact(
        "demo", token(KEYRING, STRANGER), X, token(KEYRING, A), SIGNED_AT, b"", subscription_id="sub-9"
    )
    ContactStore(desk.exchange.bindings.client, desk.exchange.bindings.name).remember(contact)
    (told,) = desk.told(*desk.stored(ENDED))
    assert told.data["binding_id"] == "binding-1"


def test_in_x_mode_our_decision_tells(desk: Desk) -> None:
    """x.md §5: an unknown caller; the platform's cause stands there for a bad answer of ours."""
    desk.bound(mode=Mode.X, application="demo-x", x=QUESTION_X, partners=(STRANGER,))
    assert desk.exchange.call(STRANGER)["operation"] == "close"
    (told,) = desk.told(*rows(desk.exchange.bills))
    assert (told.application, told.data["binding_id"], "code" in told.data) == ("demo-x", "binding-1", False)


@pytest.mark.parametrize(
    ("policy", "changes"),
    [
        (NO_RULES, {}),
        (replace(NOTIFY, orphan_hours=1), {"updated_at": SIGNED_AT - timedelta(hours=1)}),
        (NOTIFY, {"a": B}),
        (NOTIFY, {"x": QUESTION_X}),
    ],
    ids=["left alone", "too long ago", "somebody else's", "on another X"],
)
def test_nothing_is_told_of_what_is_left_alone_or_unknown(
    desk: Desk, policy: CallPolicy, changes: dict[str, Any]
) -> None:
    desk.policy = policy
    desk.bound(**{"a": STRANGER, **changes})
    assert desk.told(*desk.stored(ENDED)) == []


def test_one_whose_time_was_over_a_moment_ago_is_bound_again(desk: Desk) -> None:
    desk.policy = CallPolicy(orphan_calls=OrphanCalls.REOPEN)
    desk.bound(a=STRANGER, reason=Reason.EXPIRED)
    (told,) = desk.told(*desk.stored(ENDED))
    assert told.data["reopening"] is True
    assert [(each.binding_id, each.seconds) for each in desk.reopenings] == [("binding-1", 1800)]


def test_a_call_of_a_binding_costs_nothing(desk: Desk) -> None:
    assert desk.told(*desk.stored(event_body("callin"), event_body("disconnect"))) == []
    assert desk.reads == []
