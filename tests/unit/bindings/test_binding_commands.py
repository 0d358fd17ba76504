"""What a business system may ask for: the rules that need neither table nor platform."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.keyrings import KEYRING
from privatenumber.bindings.commands import BindCommand, Wanted, contains_number, read_command
from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.records import party
from privatenumber.settings import Mode

NOW = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)
A, B, X = "+8613800138001", "+8613800138002", "+8617010000001"


def read(**changes: Any) -> Wanted:
    fields: dict[str, Any] = {
        "application": "ride",
        "order": "order-1001",
        "a": A,
        "b": B,
        "ttl_seconds": 3600,
        **changes,
    }
    return read_command(BindCommand(**fields), now=NOW, keyring=KEYRING)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("a", {"a": "12345"}),
        ("a", {"a": "+85212345678"}),
        ("b", {"b": "95500"}),
        ("b", {"b": "400-100-1380"}),
        ("b", {"b": "138 0013 8001"}),
        ("a", {"x": A}),
        ("x", {"x": "0755-20000001"}),
        ("area", {"area": "755"}),
        ("direction", {"direction": 3}),
        ("max_minutes", {"max_minutes": 1441}),
        ("max_minutes", {"max_minutes": -1}),
        ("record_hint_tone", {"record_hint_tone": "tone file.wav"}),
        ("ttl_seconds", {"ttl_seconds": 59}),
        ("ttl_seconds", {"ttl_seconds": 7_776_001}),
        ("ends_at", {"ttl_seconds": None}),
        ("ends_at", {"ends_at": NOW + timedelta(hours=1)}),
        ("ends_at", {"ttl_seconds": None, "ends_at": NOW + timedelta(seconds=59)}),
        ("ends_at", {"ttl_seconds": None, "ends_at": NOW + timedelta(days=91)}),
        ("ends_at", {"ttl_seconds": None, "ends_at": datetime(2026, 9, 3)}),  # noqa: DTZ001 - the refused case
        ("mode", {"mode": Mode.AX}),
        ("order", {"order": ""}),
        ("order", {"order": "two words"}),
        ("order", {"order": "a#b"}),
        ("order", {"order": "x" * 65}),
        ("user_reference", {"user_reference": "x" * 257}),
        ("user_reference", {"user_reference": '{"json": 1}'}),
        ("user_reference", {"user_reference": "单号"}),
    ],
)
def test_a_broken_rule_names_its_field_and_no_value(field: str, changes: dict[str, Any]) -> None:
    """axb.md §2, numbers.md §1.3 and §7.4."""
    with pytest.raises(InvalidRequest) as refused:
        read(**changes)
    assert refused.value.field == field
    assert A[3:] not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "13800138001",
        "ride13800138001",
        "+8613800138009",
        "138-0013-8002",
        "order-13912345678",
        "008613912345678",
        "138.0013.8001",
        "138_0013/8001",
        "1:3:8:0:0:1:3:8:0:0:1",
        "%31%33800138001",
        "%2B86-139-1234-5678",
        "139.1234.5678",
        "0086139-1234-5678",
    ],
)
def test_an_order_or_reference_with_a_phone_number_is_refused(text: str) -> None:
    """design.md §6: orders are keys and stay in bills, references travel in call records."""
    for field in ("order", "user_reference"):
        with pytest.raises(InvalidRequest) as refused:
            read(**{field: text})
        assert refused.value.field == field
        assert "phone number" in refused.value.rule


@pytest.mark.parametrize(
    "text", ["order-1001", "20260902123456789012", "170901234567", "RX-2026-09-02/17", "1-3801-0013"]
)
def test_ordinary_order_ids_are_welcome(text: str) -> None:
    assert read(order=text).order == text


@given(st.uuids())
def test_a_random_id_is_welcome(value: uuid.UUID) -> None:
    for text in (str(value), value.hex):
        assert not contains_number(text, party(KEYRING, A), party(KEYRING, B))


def test_a_landline_may_be_bound() -> None:
    """axb.md §1: it can be called."""
    assert read(b="0755-20000001").terms.b.number == "+8675520000001"


class TestSameContent:
    def test_the_same_numbers_in_other_spelling_are_the_same(self) -> None:
        assert read(a="138 0013 8001").content_hash == read().content_hash

    def test_a_later_repetition_with_a_ttl_is_the_same(self) -> None:
        """The end moves with the clock, the wish does not."""
        command = BindCommand("ride", "order-1", A, B, ttl_seconds=600)
        first = read_command(command, now=NOW, keyring=KEYRING)
        again = read_command(command, now=NOW + timedelta(minutes=1), keyring=KEYRING)
        assert first.content_hash == again.content_hash

    def test_the_key_is_no_content(self) -> None:
        assert read(idempotency_key="one").content_hash == read().content_hash

    @pytest.mark.parametrize(
        "changes",
        [
            {"b": "+8613800138003"},
            {"a": B, "b": A},
            {"direction": 1},
            {"max_minutes": 5},
            {"ttl_seconds": 600},
            {"area": "0755"},
            {"x": X},
            {"user_reference": "other"},
            {"record_hint_tone": "hint.wav"},
            {"fallback_any_area": True},
            {"order": "order-2"},
        ],
    )
    def test_any_other_wish_is_another_content(self, changes: dict[str, Any]) -> None:
        assert read(**changes).content_hash != read().content_hash

    def test_content_and_key_are_tokens(self) -> None:
        """Neither can be guessed back to a number."""
        wanted = read(idempotency_key=A)
        assert wanted.idempotency
        assert A[3:] not in wanted.idempotency + wanted.content_hash
        assert len(wanted.idempotency) == len(wanted.content_hash) == 26
