"""The AXE models: the documented requests and the rules over several members (axe.md §1 to §5)."""

from typing import Any

import pytest
from pydantic import ValidationError

from privatenumber.platform.axe import AxeBind, AxeBound, AxeModify, AxeRow
from privatenumber.platform.fields import violations

A, BACK, X = "+8613800138001", "+8613800138009", "+8617010000003"
ID = "3f2b8c10-6a4d-4e57-9b21-000000000003"


def broken_rule(model: type[AxeBind] | type[AxeModify], **values: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        model(**values)
    [rule] = violations(refused.value).values()
    return rule


def test_a_full_bind_is_the_documented_request() -> None:
    """C-005, axe.md §2, example: times in minutes, display of X."""
    bind = AxeBind(
        a=A,
        x=X,
        extension="0007",
        record_flag=True,
        record_hint_tone="recordHintTone.wav",
        callback_tone="callbackTone.wav",
        life_minutes=1440,
        callback_life_minutes=720,
        user_data="order-3001",
    )
    assert bind.to_wire() == {
        "virtualNum": X,
        "bindNum": A,
        "extendNum": "0007",
        "displayNumMode": "0",
        "recordFlag": "true",
        "recordHintTone": "recordHintTone.wav",
        "callbackTone": "callbackTone.wav",
        "timeUnit": "1",
        "bindExpiredTime": 1440,
        "callbackExpiredTime": 720,
        "userData": "order-3001",
    }


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({}, "x or area_code is needed"),
        ({"x": X, "area_match_mode": "0"}, "area_match_mode needs area_code"),
        ({"a": X, "x": X}, "a and x must be different numbers"),
        (
            {"x": X, "callback_number": BACK, "callback_tone": "tone.wav"},
            "callback_number and callback_tone exclude each other",
        ),
        ({"x": X, "record_flag": True}, "record_flag needs record_hint_tone"),
        (
            {"x": X, "life_minutes": 60, "callback_life_minutes": 61},
            "callback_life_minutes must not exceed life_minutes",
        ),
    ],
)
def test_members_of_a_bind_fit_together(values: dict[str, Any], rule: str) -> None:
    """C-029, axe.md §2 check 1."""
    assert broken_rule(AxeBind, **({"a": A} | values)) == rule


@pytest.mark.parametrize(
    ("life", "callback_life"), [(0, 43_200), (0, 0), (60, 60), (60, 0), (43_200, 43_200)]
)
def test_a_binding_that_never_ends_outlives_every_call_back_record(life: int, callback_life: int) -> None:
    """axe.md §2: 0 counts as infinite; 0 for the record is as long as the binding."""
    wire = AxeBind(a=A, x=X, life_minutes=life, callback_life_minutes=callback_life).to_wire()
    assert (wire["bindExpiredTime"], wire["callbackExpiredTime"]) == (life, callback_life)


@pytest.mark.parametrize("extension", ["1", "01", "001", "0001", "9999"])
def test_leading_zeros_of_an_extension_are_kept(extension: str) -> None:
    """axe.md §1.1."""
    assert AxeBind(a=A, x=X, extension=extension).to_wire()["extendNum"] == extension


def test_a_modification_is_the_documented_request() -> None:
    """axe.md §4, example."""
    assert AxeModify(subscription_id=ID, callback_number=BACK, life_minutes=2880).to_wire() == {
        "subscriptionId": ID,
        "callbackNum": BACK,
        "timeUnit": "1",
        "bindExpiredTime": 2880,
    }


@pytest.mark.parametrize("values", [{"life_minutes": 0}, {"callback_life_minutes": 0}])
def test_a_time_never_travels_without_its_unit(values: dict[str, Any]) -> None:
    """axe.md §4: absent, the unit would be the one last set; 0 is a time too."""
    assert AxeModify(subscription_id=ID, **values).to_wire()["timeUnit"] == "1"


def test_without_a_time_no_unit_is_sent() -> None:
    assert AxeModify(subscription_id=ID, callback_tone="").to_wire() == {
        "subscriptionId": ID,
        "callbackTone": "",
    }


def test_an_empty_text_clears_a_call_back_and_nothing_else() -> None:
    """axe.md §4, numbers.md §7.1: the single place where "" is a value."""
    wire = AxeModify(subscription_id=ID, callback_number="", callback_tone="tone.wav").to_wire()
    assert (wire["callbackNum"], wire["callbackTone"]) == ("", "tone.wav")
    assert "file name" in broken_rule(AxeModify, subscription_id=ID, record_hint_tone="")


def test_a_bad_call_back_is_one_broken_rule() -> None:
    assert broken_rule(AxeModify, subscription_id=ID, callback_number="13800138001").startswith(
        "must be a mobile"
    )


def test_a_modification_may_not_let_records_outlive_the_binding() -> None:
    """axe.md §4 check 1."""
    assert "must not exceed" in broken_rule(
        AxeModify, subscription_id=ID, life_minutes=10, callback_life_minutes=11
    )


def test_recording_is_switched_on_with_an_announcement_only() -> None:
    """axb.md §6.3."""
    assert broken_rule(AxeModify, subscription_id=ID, record_flag=True).startswith("record_flag needs")
    assert AxeModify(subscription_id=ID, record_flag=True, announced=True).to_wire()["recordFlag"] == "true"


def test_a_bind_answer_keeps_the_zeros_of_its_extension() -> None:
    """axe.md §2, example."""
    bound = AxeBound.model_validate(
        {
            "resultcode": "0",
            "subscriptionId": ID,
            "virtualNum": X,
            "extendNum": "0007",
            "bindExpiredTime": "1440",
            "callbackExpiredTime": 720,
            "userData": "order-3001",
        }
    )
    assert (bound.extension, bound.life_minutes, bound.callback_life_minutes) == ("0007", 1440, 720)


def test_a_query_is_read_in_the_unit_it_names() -> None:
    """axe.md §5: unit and life may be those of the bind."""
    row = AxeRow.model_validate(
        {
            "subscriptionId": ID,
            "virtualNum": X,
            "extendNum": "0007",
            "bindNum": A,
            "displayNumMode": "0",
            "recordFlag": "false",
            "timeUnit": 0,
            "bindExpiredTime": 24,
            "callbackExpiredTime": 12,
        }
    )
    assert (row.time_unit, row.life, row.callback_life, row.record_flag) == ("0", 24, 12, False)
    assert row.callback_number is row.callback_tone is row.user_data is None


def test_models_do_not_show_people() -> None:
    """numbers.md §6."""
    shown = [
        repr(AxeBind(a=A, x=X, callback_number=BACK, user_data="order-3001")),
        repr(AxeModify(subscription_id=ID, callback_number=BACK)),
    ]
    assert not [text for text in shown if A in text or BACK in text or "order-3001" in text]
