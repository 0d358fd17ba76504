"""The AXB models: wire names, local refusals, tolerant reading (axb.md §2 to §5, numbers.md §7)."""

from typing import Any

import pytest
from pydantic import ValidationError

from privatenumber.platform.axb import AxbBind, AxbBound, AxbModify, AxbPage, AxbPreVoice, AxbRow, violations

A, B, X = "+8613800138001", "+8613800138002", "+8617010000002"


def test_a_full_bind_is_the_documented_request() -> None:
    """axb.md §2, example; booleans are strings, integers numbers (numbers.md §7.2)."""
    bind = AxbBind(
        a=A,
        b=B,
        x=X,
        duration=7200,
        record_flag=True,
        record_hint_tone="recordHintTone.wav",
        max_duration=60,
        last_min_voice="lastMinVoice.wav",
        private_sms=True,
        pre_voice=AxbPreVoice(caller_hint_tone="callerHintTone.wav", callee_hint_tone="calleeHintTone.wav"),
        user_data="order-1001",
    )
    assert bind.to_wire() == {
        "callerNum": A,
        "relationNum": X,
        "calleeNum": B,
        "callDirection": 0,
        "duration": 7200,
        "recordFlag": "true",
        "recordHintTone": "recordHintTone.wav",
        "maxDuration": 60,
        "lastMinVoice": "lastMinVoice.wav",
        "privateSms": "true",
        "preVoice": {"callerHintTone": "callerHintTone.wav", "calleeHintTone": "calleeHintTone.wav"},
        "userData": "order-1001",
    }


def test_models_do_not_show_people() -> None:
    """numbers.md §6: neither parties nor userData; X is masked by the log."""
    row = AxbRow(subscription_id="s", x=X, a=A, b=B, user_data="order-1001")
    for model in (
        AxbBind(a=A, b=B, x=X, user_data="order-1001"),
        AxbModify(subscription_id="s", a=A, b=B),
        row,
    ):
        assert not [text for text in (A, B, "order-1001") if text in repr(model)]


def test_a_landline_may_be_a_party() -> None:
    """C-045, axb.md §1."""
    assert AxbBind(a=A, b="+8675520000001", x=X).b == "+8675520000001"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("a", "13800138001"),
        ("a", "+864001001380"),
        ("b", "+8695500"),
        ("x", "+8675520000001"),
        ("direction", 3),
        ("duration", -1),
        ("duration", 7_776_001),
        ("max_duration", 1441),
        ("record_hint_tone", "with space.wav"),
        ("last_min_voice", "path/tone.wav"),
        ("user_data", '{"order":1}'),
        ("user_data", "a^b"),
        ("user_data", "订单"),
        ("user_data", "x" * 257),
        ("user_data", ""),
        ("area_code", "755"),
        ("area_match_mode", "2"),
    ],
)
def test_a_bad_value_is_refused_here_by_field_and_without_showing_it(field: str, value: Any) -> None:
    """numbers.md §7.4, U-D19, C-024, C-025, C-029."""
    values: dict[str, Any] = {"a": A, "b": B, "x": X, field: value}
    with pytest.raises(ValidationError) as refused:
        AxbBind(**values)
    broken = violations(refused.value)
    wire = AxbBind.model_fields[field].alias
    assert set(broken) <= {field, wire}
    assert broken
    shown = str(refused.value) + str(broken)
    assert not value or str(value) not in shown or len(str(value)) < 5


@pytest.mark.parametrize(
    "values", [{"a": A, "b": A, "x": X}, {"a": A, "b": X, "x": X}, {"a": X, "b": B, "x": X}]
)
def test_three_different_numbers_make_a_binding(values: dict[str, Any]) -> None:
    """axb.md §2 check 1."""
    with pytest.raises(ValidationError, match="three different"):
        AxbBind(**values)


def test_recording_needs_an_announcement() -> None:
    """axb.md §6.3: carriers intercept recorded calls without one."""
    with pytest.raises(ValidationError, match="record_hint_tone"):
        AxbBind(a=A, b=B, x=X, record_flag=True)
    with pytest.raises(ValidationError, match="record_hint_tone"):
        AxbModify(subscription_id="s", record_flag=True)
    assert AxbModify(subscription_id="s", record_flag=True, announced=True).to_wire() == {
        "subscriptionId": "s",
        "recordFlag": "true",
    }


def test_a_modification_sends_only_what_changes() -> None:
    """axb.md §4: absent means unchanged; 0 is a value."""
    assert AxbModify(subscription_id="s", direction=0, private_sms=False).to_wire() == {
        "subscriptionId": "s",
        "callDirection": 0,
        "privateSms": "false",
    }


@pytest.mark.parametrize("values", [{"subscription_id": ""}, {"subscription_id": "s", "a": A, "b": A}])
def test_a_modification_needs_an_id_and_two_parties(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AxbModify(**values)


def test_a_bind_answer_is_read_with_unknown_members() -> None:
    answer = AxbBound.model_validate(
        {"resultcode": "0", "subscriptionId": "s", "relationNum": X, "duration": "7200", "new": 1}
    )
    assert (answer.subscription_id, answer.duration, answer.max_duration) == ("s", 7200, 0)


def test_a_row_is_read_as_the_platform_writes_it() -> None:
    """axb.md §5: strings for Booleans, optional members absent."""
    page = AxbPage.model_validate(
        {
            "totalCount": 1,
            "pageIndex": 1,
            "pageSize": 50,
            "relationNumList": [
                {
                    "subscriptionId": "s",
                    "relationNum": X,
                    "callerNum": A,
                    "calleeNum": B,
                    "callDirection": 1,
                    "duration": 0,
                    "maxDuration": 0,
                    "recordFlag": "true",
                    "privateSms": "false",
                    "preVoice": {"callerHintTone": "any name"},
                    "subscribeTime": "2026-09-02 08:59:30",
                }
            ],
        }
    )
    [row] = page.rows
    assert isinstance(row, AxbRow)
    assert (row.direction, row.record_flag, row.private_sms, row.user_data) == (1, True, False, None)
