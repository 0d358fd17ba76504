"""What a business system may ask for: the rules that need neither table nor platform."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.bindings import ASKED, demo_application
from builders.keyrings import KEYRING
from privatenumber.bindings.command_reading import read_command
from privatenumber.bindings.commands import BindCommand, Wanted
from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.records import party
from privatenumber.bindings.references import contains_number
from privatenumber.settings import Mode

NOW = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)
A, B, X = "+8613800138001", "+8613800138002", "+8617010000001"
RIDE = demo_application("https://platform.example")


def read(of: Mode = Mode.AXB, **changes: Any) -> Wanted:
    """Read a bind of A for an hour, as an application of a mode asks for it."""
    fields: dict[str, Any] = {
        "application": "ride",
        "order": "order-1001",
        "a": A,
        "ttl_seconds": 3600,
        **ASKED[of],
        **changes,
    }
    application = replace(RIDE, mode=of)
    return read_command(BindCommand(**fields), application=application, now=NOW, keyring=KEYRING)


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
        "139*1234*5678",
        "13912-345678",
        "0755-86543210",
        "075586543210",
    ],
)
def test_an_order_or_reference_with_a_phone_number_is_refused(text: str) -> None:
    """design.md §6: orders are keys and stay in bills, references travel in call records."""
    for field in ("order", "user_reference"):
        with pytest.raises(InvalidRequest) as refused:
            read(Mode.AXB, **{field: text})
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
    b = read(b="0755-20000001").terms.b
    assert b
    assert b.number == "+8675520000001"


class TestSameContent:
    def test_the_same_numbers_in_other_spelling_are_the_same(self) -> None:
        assert read(a="138 0013 8001").content_hash == read().content_hash

    def test_a_later_repetition_with_a_ttl_is_the_same(self) -> None:
        """The end moves with the clock, the wish does not."""
        command = BindCommand("ride", "order-1", A, B, ttl_seconds=600)
        first = read_command(command, application=RIDE, now=NOW, keyring=KEYRING)
        again = read_command(command, application=RIDE, now=NOW + timedelta(minutes=1), keyring=KEYRING)
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


class TestModes:
    @pytest.mark.parametrize("mode", list(Mode))
    def test_a_bind_needs_no_more_than_its_mode_does(self, mode: Mode) -> None:
        wanted = read(mode)
        assert (wanted.mode, wanted.terms.a.number) == (mode, A)
        assert (wanted.terms.b is not None) is (mode is Mode.AXB)
        assert (wanted.partner is not None) is (mode in (Mode.AXYB, Mode.X))

    @pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.AXB])
    def test_the_mode_is_the_applications_for_life(self, mode: Mode) -> None:
        """C-030: the platform answers 1010040 to every other mode."""
        assert read(mode, mode=mode).mode is mode
        with pytest.raises(InvalidRequest, match=f"mode: must be {mode}.*1010040"):
            read(mode, mode=Mode.AXB)

    @pytest.mark.parametrize(
        ("mode", "field", "value"),
        [
            (Mode.AX, "b", B),
            (Mode.AX, "anyone", True),
            (Mode.AX, "extension", "0007"),
            (Mode.AX, "callback_tone", "back.wav"),
            (Mode.AXB, "anyone", True),
            (Mode.AXB, "extension", "0007"),
            (Mode.AXE, "b", B),
            (Mode.AXE, "direction", 1),
            (Mode.AXE, "max_minutes", 5),
            (Mode.AXE, "last_minute_tone", "last.wav"),
            (Mode.AXE, "sms", False),
            (Mode.AXYB, "x", X),
            (Mode.AXYB, "max_minutes", 5),
            (Mode.AXYB, "sms", False),
            (Mode.X, "sms", False),
            (Mode.X, "callback_number", B),
        ],
    )
    def test_what_a_mode_does_not_know_is_refused_and_not_left_out(
        self, mode: Mode, field: str, value: object
    ) -> None:
        """numbers.md §4, "not available" of each mode page."""
        with pytest.raises(InvalidRequest, match=f"{field}: does not exist in mode {mode}"):
            read(mode, **{field: value})

    @pytest.mark.parametrize(
        ("mode", "field", "without"),
        [(Mode.AXB, "b", {"b": None}), (Mode.AXYB, "area", {"area": None}), (Mode.X, "b", {"b": None})],
    )
    def test_what_a_mode_needs_is_named(self, mode: Mode, field: str, without: dict[str, Any]) -> None:
        with pytest.raises(InvalidRequest, match=f"{field}: is required in mode {mode}"):
            read(mode, **without)

    def test_in_x_mode_anyone_may_stand_for_b(self) -> None:
        assert read(Mode.X, b=None, anyone=True).anyone

    def test_in_axyb_b_may_come_later(self) -> None:
        """axyb.md §1: the first call of a B to X allocates a Y, too."""
        assert read(Mode.AXYB, b=None).partner is None

    @pytest.mark.parametrize("extension", ["", "1", "00007", "0000", "00a7", "\u0661\u0661\u0661\u0661"])
    def test_an_extension_has_the_applications_digits_and_is_not_zero(self, extension: str) -> None:
        """axe.md §1.1."""
        with pytest.raises(InvalidRequest, match="extension: must be 4 digits"):
            read(Mode.AXE, extension=extension)

    def test_leading_zeros_of_an_extension_count(self) -> None:
        """axe.md §1.1."""
        assert read(Mode.AXE, extension="0007").extension == "0007"

    def test_a_call_back_is_a_number_or_a_tone(self) -> None:
        """axe.md §2: exclusive in bind."""
        with pytest.raises(InvalidRequest, match="callback_tone"):
            read(Mode.AXE, callback_number=B, callback_tone="back.wav")

    @pytest.mark.parametrize(
        ("mode", "days"), [(Mode.AX, 1825), (Mode.AXB, 90), (Mode.AXE, 30), (Mode.AXYB, 90), (Mode.X, 1825)]
    )
    def test_a_life_is_as_long_as_the_mode_can_keep_it(self, mode: Mode, days: int) -> None:
        """numbers.md §4: what the platform cannot end later than we do would live for ever."""
        assert read(mode, ttl_seconds=days * 86_400).terms.ends_at == NOW + timedelta(days=days)
        with pytest.raises(InvalidRequest, match=f"{days} days"):
            read(mode, ttl_seconds=days * 86_400 + 1)

    def test_equal_requests_have_equal_content_however_they_are_written(self) -> None:
        spelled = read(Mode.AXE, a="138-0013-8001", callback_number="138 0013 8002")
        assert spelled.content_hash == read(Mode.AXE, mode=Mode.AXE, callback_number=B).content_hash
        assert spelled.content_hash != read(Mode.AXE).content_hash
