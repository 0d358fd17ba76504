"""The bodies of answers: notifications.md §4.5, §6.5; x.md §2, §4."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.pushes import QUESTION_X, A, B
from privatenumber.calls.answers import close, connect, discard, forward, operation, user_data
from privatenumber.calls.routing import Person, Reason, Role, Ruling
from unit.calls.test_routing import person, relation


def ruling(role: Role = Role.PARTNER, callee: Person | None = None, **changes: Any) -> Ruling:
    reference = changes.pop("reference", None)
    return Ruling(Reason.RELATION, role, relation(**changes), callee or person(A), reference)


def test_a_bare_relation_connects_and_shows_x() -> None:
    """No empty members."""
    assert connect(ruling(), QUESTION_X, None) == {
        "operation": "connect",
        "connectInfo": {"calleeNum": A, "displayCalleeNum": QUESTION_X},
    }


def test_everything_a_relation_may_say_is_said_in_the_documented_types() -> None:
    """x.md §2: recordFlag a string, maxDuration an integer in minutes."""
    full = ruling(
        max_minutes=60,
        record_hint_tone="recordHintTone.wav",
        callee_tone="waitVoice.wav",
        caller_tone="other.wav",
        last_minute_tone="lastMinVoice.wav",
        reference="ticket-77",
    )
    assert connect(full, QUESTION_X, None) == {
        "operation": "connect",
        "connectInfo": {
            "calleeNum": A,
            "displayCalleeNum": QUESTION_X,
            "maxDuration": 60,
            "waitVoice": "waitVoice.wav",
            "recordFlag": "true",
            "recordHintTone": "recordHintTone.wav",
            "lastMinVoice": "lastMinVoice.wav",
            "userData": "ticket-77",
        },
    }


def test_a_hears_the_tone_of_his_own_calls() -> None:
    """Like preVoice of a binding (ax.md §2)."""
    both: dict[str, Any] = {"caller_tone": "mine.wav", "callee_tone": "theirs.wav"}
    info = connect(ruling(Role.A, person(B), **both), QUESTION_X, None)["connectInfo"]
    assert info["waitVoice"] == "mine.wav"
    assert connect(ruling(Role.ANYONE, **both), QUESTION_X, None)["connectInfo"]["waitVoice"] == "theirs.wav"


def test_the_last_minute_needs_an_end() -> None:
    """x.md §2: effective when maxDuration is not 0."""
    assert "lastMinVoice" not in connect(ruling(last_minute_tone="last.wav"), QUESTION_X, None)["connectInfo"]


@pytest.mark.parametrize(
    ("tone", "answer"),
    [
        (None, {"operation": "close"}),
        ("close.wav", {"operation": "close", "closeInfo": {"closeHintTone": "close.wav"}}),
    ],
)
def test_without_a_callee_the_call_ends(tone: str | None, answer: dict[str, Any]) -> None:
    assert close(tone) == answer
    assert connect(Ruling(Reason.NO_RELATION), QUESTION_X, tone) == answer
    assert operation(answer) == "close"


def test_an_sms_is_forwarded_to_one_and_from_the_sender_as_he_was_written() -> None:
    """notifications.md §6.5: an array of one; calling must equal that of the question."""
    answer = forward(ruling(), "13800138002", with_user_data=False)
    assert answer == {
        "actions": [{"operation": "vNumberRoute", "message": {"called": A, "calling": "13800138002"}}]
    }
    assert operation(answer) == "vNumberRoute"


def test_only_ax_carries_user_data_with_an_sms() -> None:
    """notifications.md §6.5."""
    named = ruling(reference="ticket-77")
    assert forward(named, B, with_user_data=True)["actions"][0]["userData"] == "ticket-77"
    assert "userData" not in forward(named, B, with_user_data=False)["actions"][0]


def test_an_sms_to_nobody_is_discarded() -> None:
    assert forward(Ruling(Reason.NO_RELATION), B, with_user_data=True) == discard()
    assert discard() == {"actions": [{"operation": "DiscardMessage"}]}


@pytest.mark.parametrize("reference", [None, "", "订单-1", "{}", "a}b", "a\nb", "x" * 257])
def test_a_reference_the_platform_cannot_carry_stays_here(reference: str | None) -> None:
    """x.md §2: Chinese text would keep the call from being connected."""
    assert user_data(reference) is None


@given(st.text())
def test_user_data_is_plain_text_or_nothing(reference: str) -> None:
    said = user_data(reference)
    assert said is None or (said == reference and json.dumps(said) and said.isascii() and "{" not in said)
