"""What versions of a binding announce; users.md U-S13."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from privatenumber.privacy import SealBroken
from privatenumber.store.announcements import Announcement
from privatenumber.webhooks.bindings_told import announced

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
A, B = "+8613800000001", "+8613900000002"


def item(version: int = 1, state: str = "ACTIVE", **changes: Any) -> dict[str, Any]:
    """A stored binding, as the stream shows it."""
    return {
        "pk": "BINDING#b1",
        "sk": "BINDING",
        "binding_id": "b1",
        "version": version,
        "state": state,
        "application": "ride",
        "order": "order-1",
        "mode": "AXB",
        "x": "+8617010000001",
        "area": "0755",
        "a_token": "token-a",
        "b_token": "token-b",
        "ends_at": "2026-03-01T10:00:00.000Z",
        "created_at": "2026-03-01T08:00:00.000Z",
        "updated_at": "2026-03-01T08:30:00.000Z",
        "terms": {"direction": 0, "max_minutes": 0, "ends_at": "2026-03-01T10:00:00.000Z"},
        "sealed": b"sealed",
        "by": "arn:aws-cn:iam::1:user/x",
        **changes,
    }


def unseal(sealed: bytes, context: str) -> bytes:
    assert (sealed, context) == (b"sealed", "binding#b1")
    return json.dumps({"a": A, "b": B, "user_reference": "private"}).encode()


def told(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[Announcement]:
    return announced(before, after, at=AT, unseal=unseal)


@pytest.mark.parametrize(
    ("before", "state", "type_"),
    [
        (None, "REQUESTED", "binding.requested"),
        (None, "ACTIVE", "binding.active"),
        ("REQUESTED", "ACTIVE", "binding.active"),
        ("REQUESTED", "FAILED", "binding.failed"),
        ("ACTIVE", "RELEASING", "binding.releasing"),
        ("RELEASING", "CLOSED", "binding.released"),
        ("ACTIVE", "CLOSED", "binding.released"),
    ],
)
def test_a_state_is_told_once_it_is_reached(before: str | None, state: str, type_: str) -> None:
    (one,) = told(item(1, before) if before else None, item(2, state))
    assert (one.type, one.about, one.application) == (type_, "binding#b1", "ride")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"a_token": "other"}, "a"),
        ({"b_token": "other"}, "b"),
        ({"ends_at": "2026-03-01T11:00:00.000Z"}, "ends_at"),
        ({"terms": {"direction": 1, "max_minutes": 0}}, "direction"),
        ({"callee_token": "somebody"}, "callee"),
        ({"partners": [{"id": "p1", "token": "t", "state": "held"}]}, "partners"),
    ],
)
def test_a_change_of_what_was_agreed_is_told_by_its_name(change: dict[str, Any], name: str) -> None:
    (one,) = told(item(1), item(2, **change))
    assert (one.type, one.data["changed"]) == ("binding.changed", [name])


def test_a_move_to_another_x_says_where_from() -> None:
    (one,) = told(item(1), item(2, x="+8617010000002"))
    assert (one.type, one.data["from_x"], one.data["x"]) == (
        "binding.moved",
        "+8617010000001",
        "+8617010000002",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"version": 1},
        {"attempts": 3},
        {"active_at": "2026-03-01T09:00:00.000Z"},
        {"pending": {"ends_at": "2026-03-01T11:00:00.000Z"}},
        {"due_at": "2026-03-01T11:00:00.000Z#b1"},
    ],
)
def test_a_version_that_only_moves_our_affairs_on_says_nothing(change: dict[str, Any]) -> None:
    assert told(item(1), item(**{"version": 2, **change})) == []


@pytest.mark.parametrize("key", [("X#+8617010000001", "NUMBER"), ("AUDIT#BINDING#b1", "000000000001")])
def test_other_items_say_nothing(key: tuple[str, str]) -> None:
    assert told(None, {**item(), "pk": key[0], "sk": key[1]}) == []


def test_the_id_is_that_of_the_version_whoever_notices_it() -> None:
    """U-N14: the same record again announces the same."""
    first, again = (told(item(1, "REQUESTED"), item(2))[0] for _ in range(2))
    assert first == again
    assert first.id == "b1-2-active"


def test_people_are_told_by_role_beside_the_data_and_never_in_it() -> None:
    (one,) = told(None, item())
    assert one.numbers == {"a": A, "b": B}
    text = json.dumps(dict(one.data))
    assert not any(secret in text for secret in (A, B, "token-a", "token-b", "private", "arn:"))


def test_a_binding_whose_people_were_forgotten_is_told_without_them() -> None:
    def forgotten(sealed: bytes, context: str) -> bytes:
        raise SealBroken("gone")

    (one,) = announced(None, item(), at=AT, unseal=forgotten)
    assert one.numbers == {}


def test_what_happened_when_is_the_time_of_the_version() -> None:
    (one,) = told(None, item())
    assert one.at == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
