"""The black list as support keeps it: users.md U-S09."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders.dynamodb import Table, moto_client, new_table
from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.pushes import SIGNED_AT, STRANGER, A, B, X, application
from privatenumber.call_policy import CallPolicy
from privatenumber.calls.black_list import BarRequest, BlackList, InvalidEntry, Listed
from privatenumber.phone import InvalidNumber
from privatenumber.store.barred import BarredStore, Direction, ScopeKind

ARN = "arn:aws-cn:sts::123456789012:assumed-role/support/13800138009"


@dataclass
class Desk:
    """The list of an application, on a table."""

    table: Table
    now: datetime = SIGNED_AT
    switched_on: bool = True

    @property
    def list(self) -> BlackList:
        store = BarredStore(self.table.client, self.table.name)
        return BlackList(
            store,
            applications=lambda: {"demo": application(rules=CallPolicy(black_list=self.switched_on))},
            keyring=lambda: KEYRING,
            unseal=unseal,
            clock=lambda: self.now,
        )

    def enter(self, number: str = STRANGER, **changes: Any) -> Listed:
        fields: dict[str, Any] = {
            "application": "demo",
            "number": number,
            "direction": Direction.CALLER,
            "scope": ScopeKind.APPLICATION,
            "value": "",
            "reason": "complaint 77",
            "until": None,
        }
        return self.list.enter(BarRequest(**{**fields, **changes}), ARN)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with moto_client() as client:
        yield Desk(new_table(client))


def test_an_entry_is_listed_masked_with_who_made_it_why_and_until_when(desk: Desk) -> None:
    until = SIGNED_AT + timedelta(days=7)
    made = desk.enter("138 0013 8003", until=until)
    (found,) = desk.list.of_person("demo", STRANGER)
    assert found == made
    assert (found.number, found.bar.reason, found.bar.until, found.in_force) == (
        "+86138****8003", "complaint 77", until, True,
    )  # fmt: skip
    assert found.bar.by == ARN.replace("13800138009", "***")
    item = str(desk.table.client.scan(TableName=desk.table.name)["Items"])
    assert "13800138003" not in item
    assert "13800138009" not in item


def test_an_entry_that_is_over_is_listed_as_such_until_it_is_forgotten(desk: Desk) -> None:
    desk.enter(until=SIGNED_AT + timedelta(seconds=1))
    desk.now += timedelta(seconds=1)
    assert [each.in_force for each in desk.list.of_person("demo", STRANGER)] == [False]


def test_where_the_list_is_not_switched_on_no_entry_is_said_to_be_in_force(desk: Desk) -> None:
    """A call of its person goes through: that must not come as a surprise."""
    desk.switched_on = False
    made = desk.enter()
    assert (made.switched_on, made.in_force) == (False, False)
    assert desk.list.of_person("demo", STRANGER) == (made,)
    assert desk.list.page("demo", None, 10) == ((made,), None)
    desk.switched_on = True
    (found,) = desk.list.of_person("demo", STRANGER)
    assert (found.switched_on, found.in_force) == (True, True)


def test_the_last_word_on_somebody_counts_and_other_places_are_apart(desk: Desk) -> None:
    first, again = desk.enter(), desk.enter(reason="complaint 78")
    other = desk.enter(scope=ScopeKind.ORDER, value="order-1")
    assert first.key == again.key != other.key
    assert {each.bar.reason for each in desk.list.of_person("demo", STRANGER)} == {
        "complaint 78", "complaint 77",
    }  # fmt: skip


def test_an_entry_is_removed_by_its_id_and_again(desk: Desk) -> None:
    kept, gone = desk.enter(A), desk.enter(B)
    for _ in range(2):
        desk.list.remove("demo", gone.key)
    assert desk.list.page("demo", None, 10) == ((kept,), None)


def test_pages_hold_each_entry_once(desk: Desk) -> None:
    made = {desk.enter(f"+861380013{number:04}").key for number in range(9)}
    found, after, pages = list[str](), None, 0
    while pages == 0 or after:
        entries, after = desk.list.page("demo", after, 2)
        found += [each.key for each in entries]
        pages += 1
    assert (sorted(found), pages) == (sorted(made), 5)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"application": "another"}, "application"),
        ({"reason": ""}, "reason"),
        ({"reason": "called from 13800138003"}, "reason"),
        ({"reason": "called from 138-0013-8003"}, "reason"),
        ({"until": SIGNED_AT}, "until"),
        ({"value": X}, "value"),
        ({"scope": ScopeKind.BINDING}, "value"),
        ({"scope": ScopeKind.ORDER, "value": "a#b"}, "value"),
        ({"scope": ScopeKind.ORDER, "value": "+8613800138003"}, "value"),
        ({"scope": ScopeKind.BINDING, "value": "13800138003"}, "value"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    untouched: Any = None
    with pytest.raises(InvalidEntry) as refused:
        Desk(Table(untouched, "")).enter(**changes)
    assert refused.value.field == field
    assert "138" not in str(refused.value)


@pytest.mark.parametrize("changes", [{"number": "12345"}, {"scope": ScopeKind.X, "value": "x"}])
def test_what_is_no_number_is_refused(changes: dict[str, Any]) -> None:
    untouched: Any = None
    with pytest.raises(InvalidNumber):
        Desk(Table(untouched, "")).enter(**changes)
