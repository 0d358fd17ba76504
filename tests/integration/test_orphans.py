"""Calls of people without a binding, from the row to what is told: users.md U-S10, U-N11."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest

from builders.bills import rows
from builders.call_rules import Watch
from builders.crashes import Killed
from builders.dynamodb import moto_client, new_table
from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.pushes import QUESTION_X, SIGNED_AT, STRANGER, A, B, X, event_body, fee_body, stranger_cdr
from builders.relations import put_relation, relation
from builders.streams import stream_event
from builders.webhooks import outbox_of, webhook
from integration.test_questions import Exchange
from privatenumber.bindings.model import Reason, State
from privatenumber.call_policy import NO_RULES, CallPolicy, OrphanCalls
from privatenumber.calls.orphans import Orphans, may_be_orphan
from privatenumber.calls.orphans_told import OrphanOutcome, OrphansTold
from privatenumber.calls.telling import Telling
from privatenumber.privacy import token
from privatenumber.settings import Application, Mode
from privatenumber.store.announcements import Announcement
from privatenumber.store.authors import ERASURE
from privatenumber.store.binding_keys import binding_key
from privatenumber.store.contacts import Contact, ContactStore
from privatenumber.store.items import encode
from privatenumber.store.last_relations import LastRelations
from privatenumber.store.queue import Reopening, Sent, WorkQueue
from privatenumber.store.stream import inserted
from privatenumber.store.transactions import Writer
from privatenumber.store.webhook_events import Noted
from privatenumber.store.webhook_outbox import write
from privatenumber.store.webhooks import WebhookStore, webhook_id
from privatenumber.times import platform_time

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

    def orphans(self) -> Orphans:
        bindings = self.exchange.bindings
        return Orphans(
            LastRelations(bindings.client, bindings.name),
            applications=self.applications,
            unseal=unseal,
            clock=lambda: SIGNED_AT,
        )

    def told(self, *found: Mapping[str, Any]) -> list[Announcement]:
        orphans = self.orphans()
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


@dataclass
class Worker:
    """The queue to the worker of bindings: keeps what it is sent, or fails."""

    sent: list[Reopening] = field(default_factory=list)
    refuses: bool = False
    down: bool = False

    def send(self, work: Iterable[Reopening]) -> Sent:
        found = list(work)
        if self.down:
            raise Killed
        if not self.refuses:
            self.sent += found
        return Sent(0 if self.refuses else len(found), len(found) if self.refuses else 0)


@dataclass
class Telephone:
    """Follows records of orphan calls to their end, for an application with a webhook."""

    desk: Desk
    worker: Worker = field(default_factory=Worker)

    def __post_init__(self) -> None:
        bills = self.desk.exchange.bills
        WebhookStore(bills.client, bills.name).add(
            webhook("1", id=webhook_id("demo", "1"), application="demo")
        )
        self.desk.policy = CallPolicy(orphan_calls=OrphanCalls.REOPEN)
        self.desk.bound(a=STRANGER, reason=Reason.EXPIRED)

    def follow(self, row: Mapping[str, Any], sequence: str) -> list[OrphanOutcome]:
        bills = self.desk.exchange.bills
        found = self.desk.orphans().look(row)
        assert found is not None
        telling = Telling(outbox_of(bills), partial(write, bills.client), Noted(SIGNED_AT, sequence))
        told = OrphansTold(Writer(bills.client), bills.name, cast(WorkQueue, self.worker))
        return told.tell(row, found, telling)

    def log(self) -> list[Mapping[str, Any]]:
        """What was announced."""
        found = [row for row in rows(self.desk.exchange.bills) if row.get("kind") == "announcement"]
        return [json.loads(row["data"]) for row in found]


class TestTelling:
    @pytest.fixture
    def records(self, desk: Desk) -> list[dict[str, Any]]:
        """The hang-up event and the CDR of one call."""
        call = {"sessionId": ENDED["statusInfo"]["sessionId"], "callInTime": platform_time(SIGNED_AT)}
        return desk.stored(ENDED, fee_body(stranger_cdr(**call)))

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_a_call_is_told_once_although_it_was_bound_again_before_its_other_record_came(
        self, desk: Desk, records: list[dict[str, Any]], order: tuple[int, int]
    ) -> None:
        """A replay of the log would otherwise tell two things under one id."""
        line = Telephone(desk)
        first, second = (records[number] for number in order)
        assert line.follow(first, "1") == [OrphanOutcome.TOLD, OrphanOutcome.REOPENED]
        desk.bound("binding-2", a=STRANGER, state=State.ACTIVE)
        assert line.follow(second, "2") == []
        assert [told["reopening"] for told in line.log()] == [True]
        assert len(line.worker.sent) == 1

    def test_who_crashes_before_the_message_sends_it_when_the_record_comes_again(
        self, desk: Desk, records: list[dict[str, Any]]
    ) -> None:
        line = Telephone(desk)
        line.worker.down = True
        with pytest.raises(Killed):
            line.follow(records[0], "1")
        line.worker.down = False
        assert line.follow(records[1], "2") == []
        assert line.follow(records[0], "1") == [OrphanOutcome.REOPENED]
        assert [(one.binding_id, one.seconds) for one in line.worker.sent] == [("binding-1", 1800)]
        assert len(line.log()) == 1

    def test_a_queue_that_refuses_brings_the_record_again(
        self, desk: Desk, records: list[dict[str, Any]]
    ) -> None:
        line = Telephone(desk, Worker(refuses=True))
        with pytest.raises(RuntimeError):
            line.follow(records[0], "1")
        line.worker.refuses = False
        assert line.follow(records[0], "1") == [OrphanOutcome.REOPENED]

    def test_the_mark_names_nobody_and_is_followed_by_nothing(
        self, desk: Desk, records: list[dict[str, Any]]
    ) -> None:
        Telephone(desk).follow(records[0], "1")
        (mark,) = (row for row in rows(desk.exchange.bills) if row.get("kind") == "orphan")
        assert (mark["pk"], mark["sk"], mark["told_by"]) == (records[0]["pk"], "ORPHAN", records[0]["sk"])
        assert not any(secret in repr(mark) for secret in (STRANGER[3:], ENDED["statusInfo"]["sessionId"]))
        assert not may_be_orphan(mark)


def test_a_binding_from_which_somebody_was_erased_did_not_end_then(desk: Desk) -> None:
    """The erasure wrote it last; when it ended is not in it any more."""
    desk.bound(a=STRANGER, partners=(B,))
    desk.exchange.bindings.client.update_item(
        TableName=desk.exchange.bindings.name,
        Key=encode(binding_key("binding-1")),
        UpdateExpression="SET #by = :by",
        ExpressionAttributeNames={"#by": "by"},
        ExpressionAttributeValues=encode({":by": f"{ERASURE}e1"}),
    )
    assert desk.told(*desk.stored(ENDED)) == []


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
