"""The AX models: the documented requests and the rules over several members (ax.md §2 to §6)."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from privatenumber.platform.ax import AxBind, AxCallee, AxModify, AxPreVoice, AxRows
from privatenumber.platform.fields import violations

A, OTHER, X = "+8613800138001", "+8613800138003", "+8617010000001"
ID = "3f2b8c10-6a4d-4e57-9b21-000000000001"


def broken_rule(model: type[AxBind] | type[AxModify] | type[AxCallee], **values: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        model(**values)
    [rule] = violations(refused.value).values()
    return rule


def test_a_full_bind_is_the_documented_request() -> None:
    """C-001, ax.md §2, example."""
    bind = AxBind(
        a=A,
        x=X,
        record_flag=True,
        record_hint_tone="recordHintTone.wav",
        private_sms=True,
        pre_voice=AxPreVoice(caller_hint_tone="callerHintTone.wav", callee_hint_tone="calleeHintTone.wav"),
        max_duration=60,
        last_min_voice="lastMinVoice.wav",
        user_data="order-2001",
        turned_on=True,
        direction=0,
    )
    assert bind.to_wire() == {
        "origNum": A,
        "privateNum": X,
        "recordFlag": "true",
        "recordHintTone": "recordHintTone.wav",
        "calleeNumDisplay": "0",
        "privateSms": "true",
        "preVoice": {"callerHintTone": "callerHintTone.wav", "calleeHintTone": "calleeHintTone.wav"},
        "maxDuration": 60,
        "lastMinVoice": "lastMinVoice.wav",
        "userData": "order-2001",
        "turnFlag": "on",
        "callDirection": 0,
    }


def test_a_city_is_accompanied_by_the_number_type() -> None:
    """C-014, ax.md §2: privateNumType is fixed and must accompany areaCode."""
    wire = AxBind(a=A, area_code="0755", area_match_mode="1").to_wire()
    assert (wire["areaCode"], wire["areaMatchMode"], wire["privateNumType"]) == (
        "0755",
        "1",
        "mobile-virtual",
    )
    assert "privateNumType" not in AxBind(a=A, x=X).to_wire()


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({}, "x or area_code is needed"),
        ({"x": X, "area_match_mode": "1"}, "area_match_mode needs area_code"),
        ({"a": X, "x": X}, "a and x must be different numbers"),
        ({"x": X, "record_flag": True}, "record_flag needs record_hint_tone"),
    ],
)
def test_members_of_a_bind_fit_together(values: dict[str, Any], rule: str) -> None:
    """C-015, C-029, ax.md §2 check 1, axb.md §6.3."""
    assert broken_rule(AxBind, **({"a": A} | values)) == rule


def test_a_bind_never_shows_the_real_caller() -> None:
    """ax.md §2: calleeNumDisplay 1 ends every call to A with 8024."""
    assert AxBind(a=A, x=X).to_wire()["calleeNumDisplay"] == "0"


def test_a_modification_sends_only_what_changes_and_a_new_a() -> None:
    """C-019, ax.md §4, example."""
    assert AxModify(subscription_id=ID, a="+8613800138004", max_duration=30).to_wire() == {
        "subscriptionId": ID,
        "origNum": "+8613800138004",
        "maxDuration": 30,
    }
    assert AxModify(subscription_id=ID, turned_on=False, private_sms=False, direction=0).to_wire() == {
        "subscriptionId": ID,
        "turnFlag": "off",
        "privateSms": "false",
        "callDirection": 0,
    }


def test_recording_is_switched_on_with_an_announcement_only() -> None:
    """axb.md §6.3."""
    assert broken_rule(AxModify, subscription_id=ID, record_flag=True).startswith("record_flag needs")
    assert AxModify(subscription_id=ID, record_flag=True, announced=True).to_wire()["recordFlag"] == "true"


def test_a_temporary_callee_is_the_documented_request_and_lives_a_minute_unless_told() -> None:
    """C-023, ax.md §6, example."""
    assert AxCallee(subscription_id=ID, callee=OTHER, user_data="order-2001-call-1").to_wire() == {
        "subscriptionId": ID,
        "calleeNum": OTHER,
        "duration": 60,
        "userData": "order-2001-call-1",
    }


@pytest.mark.parametrize("number", ["+8675520000001", "+864001001380", "+868001001380", "+8695500"])
def test_a_temporary_callee_may_be_a_service_number(number: str) -> None:
    """numbers.md §1: landline, 400, 800 or 95 number, in global form."""
    assert AxCallee(subscription_id=ID, callee=number).to_wire()["calleeNum"] == number


@pytest.mark.parametrize("seconds", [1, 259_200])
def test_a_temporary_callee_lives_up_to_three_days(seconds: int) -> None:
    """C-023."""
    assert AxCallee(subscription_id=ID, callee=OTHER, duration=seconds).duration == seconds


def test_models_do_not_show_people() -> None:
    """numbers.md §6."""
    shown = [
        repr(AxBind(a=A, x=X, user_data="order-2001")),
        repr(AxModify(subscription_id=ID, a=A, user_data="order-2001")),
        repr(AxCallee(subscription_id=ID, callee=OTHER, user_data="order-2001")),
    ]
    assert not [text for text in shown if A in text or OTHER in text or "order-2001" in text]


def test_a_query_is_read_as_documented() -> None:
    """C-017, ax.md §5, example."""
    answer = {
        "resultcode": "0",
        "resultdesc": "Success",
        "privateNumList": [
            {
                "origNum": A,
                "privateNum": X,
                "privateNumType": "mobile-virtual",
                "subscriptionId": ID,
                "subscribeTime": "2026-09-02 08:58:00",
                "calleeNumDisplay": "0",
                "recordFlag": "true",
                "recordHintTone": "recordHintTone.wav",
                "privateSms": "true",
                "preVoice": {"callerHintTone": "callerHintTone.wav"},
                "lastMinVoice": "lastMinVoice.wav",
                "maxDuration": 60,
                "turnFlag": "on",
                "callDirection": 0,
                "userData": "order-2001",
            }
        ],
    }
    read = AxRows.model_validate(answer)
    [row] = read.rows
    assert (row.subscription_id, row.a, row.x, row.turned_on, row.record_flag) == (ID, A, X, True, True)
    assert json.loads(json.dumps(read.to_wire())) == answer
