"""The AXYB models: the documented requests and rows (axyb.md §2 to §4)."""

import pytest
from pydantic import ValidationError

from privatenumber.platform.axyb import AxybBindAx, AxybBindYb, AxybBound, AxybRows
from privatenumber.platform.fields import violations

A, B, X, Y = "+8613800138001", "+8613800138002", "+8617010000004", "+8617010000005"
ID = "3f2b8c10-6a4d-4e57-9b21-000000000004"


def test_the_ax_bind_is_the_documented_request() -> None:
    """C-006, axyb.md §2.1, example."""
    bind = AxybBindAx(
        a=A,
        area_code="0755",
        area_match_mode="1",
        duration=7200,
        yb_duration=3600,
        record_flag=True,
        record_hint_tone="recordHintTone.wav",
        pre_voice_x="x_hint_tone1.wav",
        user_data="order-4001",
    )
    assert bind.to_wire() == {
        "origNum": A,
        "areaCode": "0755",
        "areaMatchMode": "1",
        "callDirection": 0,
        "duration": 7200,
        "ybDuration": 3600,
        "recordFlag": "true",
        "recordHintTone": "recordHintTone.wav",
        "preVoiceX": "x_hint_tone1.wav",
        "userData": "order-4001",
    }


def test_the_yb_bind_is_the_documented_request() -> None:
    """axyb.md §2.2, example: what is not set is the AX's."""
    bind = AxybBindYb(subscription_id=ID, b=B, area_code="0755", pre_voice_y="y_hint_tone1.wav")
    assert bind.to_wire() == {
        "origNum": B,
        "subscriptionId": ID,
        "areaCode": "0755",
        "preVoiceY": "y_hint_tone1.wav",
    }


def test_an_ax_lives_two_hours_unless_told() -> None:
    """axyb.md §2.1: sent, so that the platform's default does not matter."""
    wire = AxybBindAx(a=A, area_code="010").to_wire()
    assert (wire["duration"], wire["ybDuration"]) == (7200, 0)


@pytest.mark.parametrize("seconds", [0, 60, 7_776_000])
def test_a_life_is_never_ending_or_at_least_a_minute(seconds: int) -> None:
    """numbers.md §4."""
    assert AxybBindAx(a=A, area_code="010", duration=seconds, yb_duration=seconds).duration == seconds
    assert AxybBindYb(subscription_id=ID, b=B, yb_duration=seconds).yb_duration == seconds


def test_recording_needs_an_announcement_and_a_match_mode_a_city() -> None:
    """axb.md §6.3, axyb.md §2.2."""
    with pytest.raises(ValidationError) as refused:
        AxybBindAx(a=A, area_code="010", record_flag=True)
    assert violations(refused.value) == {"": "record_flag needs record_hint_tone"}
    with pytest.raises(ValidationError) as refused:
        AxybBindYb(subscription_id=ID, b=B, area_match_mode="1")
    assert violations(refused.value) == {"": "area_match_mode needs area_code"}


def test_an_ax_without_a_city_is_refused_by_field() -> None:
    """axyb.md §2.2 check 1: there is no default area."""
    with pytest.raises(ValidationError) as refused:
        AxybBindAx.model_validate({"origNum": A})
    assert list(violations(refused.value)) == ["area_code"]


def test_an_answer_names_the_allocated_number() -> None:
    """C-013."""
    bound = AxybBound.model_validate({"resultcode": "0", "subscriptionId": ID, "relationNumber": X})
    assert (bound.subscription_id, bound.number) == (ID, X)


@pytest.mark.parametrize("answer", [{"subscriptionId": ID}, {"subscriptionId": "", "relationNumber": X}])
def test_an_answer_without_number_or_id_is_unreadable(answer: dict[str, str]) -> None:
    """A success that names neither leaves the outcome unknown."""
    with pytest.raises(ValidationError):
        AxybBound.model_validate(answer)


def test_durations_of_rows_come_as_text() -> None:
    """axyb.md §4, example; an AX without YB has neither y nor b."""
    relation = {
        "bindId": "7c1e0a52-94f3-4b8e-8d10-000000000041",
        "numA": A,
        "numX": X,
        "recordFlag": "true",
        "subscribeTime": "2026-09-02 09:29:00",
        "callDirection": 0,
        "duration": "7200",
        "ybDuration": "3600",
    }
    rows = AxybRows.model_validate({"xyRelationNumList": [{**relation, "numY": Y, "numB": B}, relation]}).rows
    assert [(row.duration, row.yb_duration, row.y, row.b) for row in rows] == [
        (7200, 3600, Y, B),
        (7200, 3600, None, None),
    ]


def test_models_do_not_show_people() -> None:
    """numbers.md §6."""
    shown = [
        repr(AxybBindAx(a=A, area_code="010", user_data="order-4001")),
        repr(AxybBindYb(subscription_id=ID, b=B, user_data="order-4001")),
    ]
    assert not [text for text in shown if A in text or B in text or "order-4001" in text]
