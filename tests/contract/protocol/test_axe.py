"""AXE: what bind, unbind, modify and query answer and do (axe.md §1-§5; C-005)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from builders.contract import INVALID, LEFT_OUT, OK, UNKNOWN_ID, A, B, C, D, Subject
from builders.contract_account import Control

pytestmark = pytest.mark.contract("bindings", mode="AXE")

GONE = (403, "1016001")
TAKEN = (403, "1020167")
COMPLETE: dict[str, Any] = {
    "displayNumMode": "0",
    "recordFlag": "true",
    "recordHintTone": "recordHintTone.wav",
    "callbackTone": "callbackTone.wav",
    "timeUnit": "1",
    "bindExpiredTime": 1440,
    "callbackExpiredTime": 720,
    "userData": "order-3001",
}


# Bind


def test_bind_answers_the_effective_values(axe: Subject) -> None:
    """axe.md §2, example: `userData` repeated, `timeUnit` and `bindNum` not (decision 116)."""
    answer = axe.bind(**COMPLETE)
    assert list(answer.json) == [
        "resultcode",
        "resultdesc",
        "subscriptionId",
        "virtualNum",
        "extendNum",
        "bindExpiredTime",
        "callbackExpiredTime",
        "userData",
    ]
    shown = {name: value for name, value in answer.json.items() if name != "subscriptionId"}
    assert shown == {
        "resultcode": "0",
        "resultdesc": "Success",
        "virtualNum": axe.x,
        "extendNum": "0007",
        "bindExpiredTime": 1440,
        "callbackExpiredTime": 720,
        "userData": "order-3001",
    }


def test_bind_answers_both_times_also_when_not_sent(axe: Subject) -> None:
    answer = axe.bind()
    assert (answer.json["bindExpiredTime"], answer.json["callbackExpiredTime"]) == (0, 0)
    assert "userData" not in answer.json


@pytest.mark.parametrize("wanted", [LEFT_OUT, "", None])
def test_bind_allocates_an_extension(axe: Subject, wanted: Any) -> None:
    """axe.md §1.1: a string of digits, zero alone never."""
    extension = axe.bind(extendNum=wanted).json["extendNum"]
    assert re.fullmatch(r"\d{4}", extension)
    assert extension != "0000"


def test_leading_zeros_of_an_extension_count(axe: Subject) -> None:
    """axe.md §1.1."""
    axe.bound(extendNum="0070")
    assert axe.bind(bindNum=B, extendNum="0700").outcome == OK
    assert axe.query(virtualNum=axe.x, extendNum="0070").json["bindNum"] == A


def test_bind_chooses_an_x_by_area(axe: Subject) -> None:
    """C-013, C-014."""
    answer = axe.call("axe.bind", bindNum=A, areaCode=axe.area, extendNum="0007")
    assert answer.outcome == OK
    assert answer.json["virtualNum"] in axe.numbers


def test_a_named_x_wins_over_the_area(axe: Subject) -> None:
    assert axe.bind(areaCode="0999").json["virtualNum"] == axe.x


@pytest.mark.parametrize(
    ("match", "outcome"), [("0", (403, "1012008")), ("1", OK), (LEFT_OUT, (403, "1012008"))]
)
def test_only_non_strict_match_leaves_the_city(axe: Subject, match: Any, outcome: tuple[int, str]) -> None:
    assert axe.call("axe.bind", bindNum=A, areaCode="0999", areaMatchMode=match).outcome == outcome


def test_the_choice_skips_numbers_that_carry_a_or_the_extension(axe: Subject) -> None:
    """axe.md §2, last paragraph: only an X on which the wanted E is free counts as available."""
    axe.bound()
    axe.bound(bindNum=B, virtualNum=axe.numbers[1])
    chosen = axe.call("axe.bind", bindNum=A, areaCode=axe.area, extendNum="0007").json["virtualNum"]
    assert chosen in axe.numbers[2:]


@pytest.mark.parametrize("wanted", ["0007", "0008", LEFT_OUT])
def test_an_a_stands_on_an_x_once(axe: Subject, wanted: Any) -> None:
    """axe.md §2 row 5: with whatever extension, a repetition included."""
    axe.bound()
    answer = axe.bind(extendNum=wanted)
    assert answer.outcome == (403, "1012010")
    assert answer.json["resultdesc"] == "The extend number has been bound."


def test_an_extension_is_taken_once(axe: Subject) -> None:
    axe.bound()
    answer = axe.bind(bindNum=B)
    assert answer.outcome == TAKEN
    assert answer.json["resultdesc"] == "No idle extend Number."


def test_the_same_a_may_stand_on_another_x(axe: Subject) -> None:
    axe.bound()
    assert axe.bind(virtualNum=axe.numbers[1]).outcome == OK


@pytest.mark.parametrize(("digits", "last"), [(1, 9), (2, 99)])
def test_an_x_is_full_when_every_extension_is_taken(
    control: Control, axe: Subject, digits: int, last: int
) -> None:
    """axe.md §1.1: 9 and 99 for one and two digits."""
    control.application(axe, axe_digits=digits)
    users = [f"+86139001{number:05d}" for number in range(last + 1)]
    outcomes = [axe.bind(bindNum=user, extendNum=LEFT_OUT).outcome for user in users]
    assert outcomes == [OK] * last + [TAKEN]
    assert axe.call("axe.bind", bindNum=A, areaCode=axe.area).json["virtualNum"] != axe.x


@pytest.mark.parametrize(("digits", "good", "bad"), [(1, "7", "07"), (2, "07", "7"), (3, "007", "0007")])
def test_the_digit_count_is_the_applications(
    control: Control, axe: Subject, digits: int, good: str, bad: str
) -> None:
    """Decision 112."""
    control.application(axe, axe_digits=digits)
    assert axe.bind(extendNum=bad).outcome == INVALID
    assert axe.bind(extendNum="0" * digits).outcome == INVALID
    assert axe.bind(extendNum=good).outcome == OK


def test_extensions_are_allocated_in_order_when_set(control: Control, axe: Subject) -> None:
    """Decision 113."""
    control.settings(axe={"allocation": "sequential"})
    users = (A, B, C)
    assert [axe.bind(bindNum=user, extendNum=LEFT_OUT).json["extendNum"] for user in users] == [
        "0001",
        "0002",
        "0003",
    ]


def test_tone_and_number_of_a_call_back_exclude_each_other_in_bind(axe: Subject) -> None:
    """axe.md §2."""
    answer = axe.bind(callbackTone="tone.wav", callbackNum=B)
    assert answer.outcome == INVALID
    assert answer.json["resultdesc"] == "Invalid request.callbackTone and callbackNum are exclusive."
    assert axe.bind(callbackTone="tone.wav", callbackNum="").outcome == OK


@pytest.mark.parametrize(
    ("life", "callback", "outcome"), [(1, 1, OK), (1, 2, INVALID), (0, 720, OK), (LEFT_OUT, 720, OK)]
)
def test_a_call_back_record_lives_no_longer_than_the_binding(
    axe: Subject, life: Any, callback: int, outcome: tuple[int, str]
) -> None:
    """axe.md §2: `bindExpiredTime` 0 counts as infinite."""
    assert axe.bind(bindExpiredTime=life, callbackExpiredTime=callback).outcome == outcome


# Life


@pytest.mark.parametrize(("unit", "seconds"), [("0", 3600), ("1", 60), (LEFT_OUT, 3600)])
def test_a_binding_ends_at_the_exact_second(control: Control, axe: Subject, unit: Any, seconds: int) -> None:
    """Decision 158. The extension and the party are free at once."""
    bound = axe.bound(timeUnit=unit, bindExpiredTime=1)
    control.advance(seconds - 1)
    assert axe.alive(bound)
    control.advance(1)
    assert axe.query(subscriptionId=bound).outcome == GONE
    assert axe.modify(bound, recordFlag="false").outcome == GONE
    assert axe.unbind(virtualNum=axe.x, extendNum="0007").outcome == GONE
    assert axe.bind().outcome == OK


def test_without_a_life_a_binding_lives_for_ever(control: Control, axe: Subject) -> None:
    """Decision 107."""
    bound = axe.bound()
    control.advance(400 * 86_400)
    assert axe.alive(bound)


def test_the_old_default_of_a_week_can_be_chosen(control: Control, axe: Subject) -> None:
    """Decision 107."""
    control.settings(axe={"default_bind_expired_hours": 168})
    assert axe.bind().json["bindExpiredTime"] == 168
    assert axe.bind(bindNum=B, extendNum="0008", timeUnit="1").json["bindExpiredTime"] == 168 * 60


# Unbind


def test_unbind_answers_the_envelope_alone(axe: Subject) -> None:
    bound = axe.bound()
    assert axe.unbind(subscriptionId=bound).json == {"resultcode": "0", "resultdesc": "Success"}
    assert not axe.alive(bound)


def test_unbind_by_x_and_extension_together(axe: Subject) -> None:
    kept = axe.bound(bindNum=B, extendNum="0008")
    bound = axe.bound()
    assert axe.unbind(virtualNum=axe.x, extendNum="0007", subscriptionId="").outcome == OK
    assert (axe.alive(bound), axe.alive(kept)) == (False, True)


@pytest.mark.parametrize(
    "beside", [{"virtualNum": "", "extendNum": ""}, {"virtualNum": "1", "extendNum": "9999"}]
)
def test_unbind_the_id_decides_alone(axe: Subject, beside: dict[str, str]) -> None:
    assert axe.unbind(subscriptionId=axe.bound(), **beside).outcome == OK


def test_unbind_an_unknown_id_beside_a_taken_place_removes_nothing(axe: Subject) -> None:
    bound = axe.bound()
    assert axe.unbind(subscriptionId=UNKNOWN_ID, virtualNum=axe.x, extendNum="0007").outcome == GONE
    assert axe.alive(bound)


@pytest.mark.parametrize("half", ["virtualNum", "extendNum"])
@pytest.mark.parametrize("operation", ["unbind", "query"])
def test_there_is_nothing_for_a_whole_x(axe: Subject, operation: str, half: str) -> None:
    """C-020; axe.md §3: no unbind of a whole X, §5: no listing."""
    bound = axe.bound()
    values = {"virtualNum": axe.x, "extendNum": "0007"}
    assert axe.call(f"axe.{operation}", {half: values[half]}).outcome == INVALID
    assert axe.call(f"axe.{operation}", values, **{half: ""}).outcome == INVALID
    assert axe.alive(bound)


def test_unbind_gone_already_and_free_at_once(axe: Subject) -> None:
    bound = axe.bound()
    assert [axe.unbind(subscriptionId=bound).outcome for _ in range(2)] == [OK, GONE]
    assert axe.bind(bindNum=B).outcome == OK


# Modify


def test_modify_changes_what_is_given_and_keeps_the_rest(axe: Subject) -> None:
    """axe.md §4."""
    bound = axe.bound(**COMPLETE)
    before = axe.row(bound)
    answer = axe.modify(bound, recordFlag="false", recordHintTone="other.wav", displayNumMode="1")
    assert answer.json == {"resultcode": "0", "resultdesc": "Success"}
    changed = {"recordFlag": "false", "recordHintTone": "other.wav", "displayNumMode": "1"}
    assert axe.row(bound) == {**before, **changed}


def test_modify_by_x_and_extension_and_the_id_wins(axe: Subject) -> None:
    first, second = axe.bound(), axe.bound(bindNum=B, extendNum="0008")
    place = {"virtualNum": axe.x, "extendNum": "0008"}
    assert axe.call("axe.modify", place, callbackNum=C).outcome == OK
    assert axe.call("axe.modify", place, subscriptionId=first, callbackNum=D).outcome == OK
    assert (axe.row(first)["callbackNum"], axe.row(second)["callbackNum"]) == (D, C)


PAIR = ("callbackTone", "callbackNum")


@pytest.mark.parametrize("before", [{}, {"callbackTone": "old.wav"}, {"callbackNum": B}])
@pytest.mark.parametrize(
    ("given", "after"),
    [
        ({"callbackTone": "new.wav", "callbackNum": C}, {"callbackNum": C}),
        ({"callbackTone": "new.wav"}, {"callbackTone": "new.wav"}),
        ({"callbackTone": "new.wav", "callbackNum": ""}, {"callbackTone": "new.wav"}),
        ({"callbackNum": C}, {"callbackNum": C}),
        ({"callbackTone": "", "callbackNum": C}, {"callbackNum": C}),
        ({"callbackTone": "", "callbackNum": ""}, {}),
    ],
)
def test_modify_the_call_back_pair(
    axe: Subject, before: dict[str, str], given: dict[str, str], after: dict[str, str]
) -> None:
    """axe.md §4: a number wins, one clears the other, an empty text clears."""
    bound = axe.bound(**before)
    assert axe.modify(bound, **given).outcome == OK
    row = axe.row(bound)
    assert {name: row[name] for name in PAIR if name in row} == after


@pytest.mark.parametrize("cleared", PAIR)
@pytest.mark.parametrize("before", [{"callbackTone": "old.wav"}, {"callbackNum": B}])
def test_modify_an_empty_text_clears_only_its_own(axe: Subject, before: dict[str, str], cleared: str) -> None:
    bound = axe.bound(**before)
    axe.modify(bound, **{cleared: ""})
    row = axe.row(bound)
    left = {name: value for name, value in before.items() if name != cleared}
    assert {name: row[name] for name in PAIR if name in row} == left


@pytest.mark.parametrize("absent", [{}, {"callbackTone": None, "callbackNum": None}], ids=["absent", "null"])
def test_modify_without_the_pair_leaves_it(axe: Subject, absent: dict[str, None]) -> None:
    """numbers.md §7.1: only the empty text clears."""
    bound = axe.bound(callbackNum=B)
    assert axe.modify(bound, recordFlag="false", **absent).outcome == OK
    assert axe.row(bound)["callbackNum"] == B


def test_modify_starts_the_new_life_at_the_modification(control: Control, axe: Subject) -> None:
    """Decision 118."""
    bound = axe.bound(timeUnit="1", bindExpiredTime=10)
    control.advance(9 * 60)
    axe.modify(bound, timeUnit="1", bindExpiredTime=10)
    control.advance(10 * 60 - 1)
    assert axe.alive(bound)
    control.advance(1)
    assert not axe.alive(bound)


def test_modify_without_a_life_lets_the_rest_run_on(control: Control, axe: Subject) -> None:
    bound = axe.bound(timeUnit="1", bindExpiredTime=10)
    control.advance(9 * 60)
    axe.modify(bound, recordFlag="false", timeUnit="0")
    control.advance(60)
    assert not axe.alive(bound)


@pytest.mark.parametrize(("unit", "seconds"), [(LEFT_OUT, 5 * 60), ("0", 5 * 3600)])
def test_modify_counts_in_the_unit_last_set(control: Control, axe: Subject, unit: Any, seconds: int) -> None:
    """axe.md §4: `timeUnit` absent = unit last set."""
    bound = axe.bound(timeUnit="1", bindExpiredTime=10)
    axe.modify(bound, timeUnit=unit, bindExpiredTime=5)
    control.advance(seconds - 1)
    assert axe.alive(bound)
    control.advance(1)
    assert not axe.alive(bound)


def test_modify_zero_means_for_ever(control: Control, axe: Subject) -> None:
    bound = axe.bound(timeUnit="1", bindExpiredTime=10)
    axe.modify(bound, bindExpiredTime=0)
    control.advance(10**7)
    assert axe.alive(bound)


@pytest.mark.parametrize("given", [{"callbackExpiredTime": 11}, {"bindExpiredTime": 4}])
def test_modify_times_must_not_contradict(axe: Subject, given: dict[str, int]) -> None:
    bound = axe.bound(timeUnit="1", bindExpiredTime=10, callbackExpiredTime=5)
    assert axe.modify(bound, timeUnit="1", **given).outcome == INVALID
    assert axe.modify(bound, timeUnit="1", bindExpiredTime=4, callbackExpiredTime=4).outcome == OK


def test_modify_ignores_user_data_and_what_cannot_be_changed(axe: Subject) -> None:
    """Decision 119."""
    bound = axe.bound(userData="keep")
    before = axe.row(bound)
    assert axe.modify(bound, userData="other", bindNum=B, areaCode="010").outcome == OK
    assert axe.row(bound) == before


# Query


def test_query_shows_a_binding_completely(axe: Subject) -> None:
    """The example of axe.md §5: a flat object."""
    bound = axe.bound(**COMPLETE)
    answer = axe.query(subscriptionId=bound)
    expected = {
        "resultcode": "0",
        "resultdesc": "Success",
        "subscriptionId": bound,
        "virtualNum": axe.x,
        "extendNum": "0007",
        "bindNum": A,
        **COMPLETE,
    }
    assert answer.json == expected
    assert list(answer.json)[:2] == ["resultcode", "resultdesc"]


def test_query_leaves_out_what_was_never_set(axe: Subject) -> None:
    """Decision 53; axe.md §5: the others always."""
    row = axe.row(axe.bound())
    assert row == {
        "resultcode": "0",
        "resultdesc": "Success",
        "subscriptionId": row["subscriptionId"],
        "virtualNum": axe.x,
        "extendNum": "0007",
        "bindNum": A,
        "displayNumMode": "0",
        "recordFlag": "false",
        "timeUnit": "0",
        "bindExpiredTime": 0,
        "callbackExpiredTime": 0,
    }


def test_query_by_x_and_extension_and_the_id_wins(axe: Subject) -> None:
    first, second = axe.bound(), axe.bound(bindNum=B, extendNum="0008")
    place = {"virtualNum": axe.x, "extendNum": "0008"}
    assert axe.query(**place).json["subscriptionId"] == second
    assert axe.query(**place, subscriptionId="").json["subscriptionId"] == second
    assert axe.query(**place, subscriptionId=first).json["subscriptionId"] == first
    assert axe.query(**place, subscriptionId=UNKNOWN_ID).outcome == GONE


def test_query_returns_unit_and_life_of_the_bind_even_after_a_modification(axe: Subject) -> None:
    """Decision 121; the call-back life is the present one."""
    bound = axe.bound(timeUnit="1", bindExpiredTime=1440, callbackExpiredTime=720)
    axe.modify(bound, timeUnit="0", bindExpiredTime=2, callbackExpiredTime=1)
    row = axe.row(bound)
    assert (row["timeUnit"], row["bindExpiredTime"], row["callbackExpiredTime"]) == ("1", 1440, 1)


def test_query_returns_a_modified_life_that_the_bind_did_not_carry(axe: Subject) -> None:
    bound = axe.bound()
    axe.modify(bound, timeUnit="1", bindExpiredTime=30)
    row = axe.row(bound)
    assert (row["timeUnit"], row["bindExpiredTime"]) == ("1", 30)


def test_query_can_return_the_present_values(control: Control, axe: Subject) -> None:
    """Decision 121."""
    control.settings(axe={"query_returns_bind_values": False})
    bound = axe.bound(timeUnit="1", bindExpiredTime=1440)
    axe.modify(bound, bindExpiredTime=2)
    assert axe.row(bound)["bindExpiredTime"] == 2
