"""AXYB: the two steps of a bind, unbind, query, and the key in the query (axyb.md §1-§4; C-006)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from builders.contract import AXYB_PATH, INVALID, LEFT_OUT, OK, UNKNOWN_ID, A, B, C, D, Subject
from builders.contract_account import Account, Control

pytestmark = pytest.mark.contract("bindings", mode="AXYB")

GONE = (403, "1016001")
NONE_LEFT = (403, "1012008")
BIND_MEMBERS = ["resultcode", "resultdesc", "subscriptionId", "relationNumber"]


def number(axyb: Subject, answer: Any) -> str:
    """The allocated X or Y of an answer."""
    assert answer.outcome == OK, answer.text
    allocated: str = answer.json["relationNumber"]
    assert allocated in axyb.numbers
    return allocated


# The key in the query


@pytest.mark.parametrize("api", ["axyb.bind", "axyb.bind_yb", "axyb.unbind", "axyb.query"])
@pytest.mark.parametrize(
    ("key", "outcome"),
    [
        (LEFT_OUT, INVALID),
        ("", INVALID),
        ("someoneElse", (403, "1010003")),
        ("a" * 129, INVALID),
    ],
    ids=["missing", "empty", "different", "too long"],
)
def test_every_request_names_the_application_in_its_query(
    subject: Subject, api: str, key: Any, outcome: tuple[int, str]
) -> None:
    """Decision 129; auth.md §4 step 24."""
    values = subject.valid(api)
    assert subject.call(api, values, app_key=key).outcome == outcome
    assert subject.call(api, values).outcome == OK


def test_the_key_of_an_unbind_is_shorter(axyb: Subject) -> None:
    """axyb.md §1: String(1-32) in unbind, String(1-128) elsewhere."""
    assert axyb.call("axyb.unbind", app_key="a" * 33, subscriptionId=UNKNOWN_ID).outcome == INVALID
    assert axyb.call("axyb.query", app_key="a" * 33, subscriptionId=UNKNOWN_ID).code == "1010003"


def test_the_key_in_the_body_does_not_count(axyb: Subject) -> None:
    body = {"app_key": axyb.app_key, "origNum": A, "areaCode": axyb.area}
    assert axyb.send("POST", AXYB_PATH, body=body).outcome == INVALID


def test_the_key_is_checked_before_the_parameters(axyb: Subject) -> None:
    assert axyb.call("axyb.bind", app_key="someoneElse", origNum="abc").code == "1010003"


# Bind: AX, then YB


def test_both_steps_answer_exactly_the_same_members(axyb: Subject) -> None:
    """axyb.md §2, example; decision 132: the id of the AX in both."""
    first = axyb.bind(
        areaMatchMode="1",
        callDirection=0,
        duration=7200,
        ybDuration=3600,
        recordFlag="true",
        recordHintTone="recordHintTone.wav",
        preVoiceX="x_hint_tone1.wav",
        userData="order-4001",
    )
    bound = first.json["subscriptionId"]
    second = axyb.yb(bound, areaCode=axyb.area, preVoiceY="y_hint_tone1.wav")
    assert [list(first.json), list(second.json)] == [BIND_MEMBERS, BIND_MEMBERS]
    assert second.json["subscriptionId"] == bound
    assert number(axyb, first) != number(axyb, second)


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_id_makes_it_an_ax_bind(axyb: Subject, empty: Any) -> None:
    """axyb.md §2.2: the presence of a non-empty `subscriptionId` makes it a YB bind."""
    first = axyb.bound()
    second = axyb.bound(subscriptionId=empty)
    assert first != second


def test_a_second_ax_of_the_same_a_gets_another_x(axyb: Subject) -> None:
    answers = [axyb.bind() for _ in range(2)]
    assert len({number(axyb, answer) for answer in answers}) == 2


def test_an_a_holds_five_x_at_most(control: Control, axyb: Subject) -> None:
    control.admin.numbers("+8617010002803", app_key=axyb.app_key)
    assert [axyb.bind().outcome for _ in range(6)] == [OK] * 5 + [(403, "1011003")]
    assert axyb.bind(origNum=D).outcome == OK


def test_a_b_has_one_relation_under_an_ax(axyb: Subject) -> None:
    """Decision 138; under another AX the same B gets one as well."""
    first, second = axyb.bound(), axyb.bound(origNum=D)
    assert [axyb.yb(first).outcome, axyb.yb(first).outcome] == [OK, (403, "1016002")]
    assert axyb.yb(second).outcome == OK


def test_an_automatic_relation_counts_as_well(control: Control, axyb: Subject) -> None:
    """axyb.md §1, §2 row 4."""
    answer = axyb.bind()
    control.call(B, answer.json["relationNumber"], wait=True)
    assert axyb.yb(answer.json["subscriptionId"]).outcome == (403, "1016002")
    assert axyb.row(answer.json["subscriptionId"])["numB"] == B


def test_a_is_not_b(axyb: Subject) -> None:
    assert axyb.yb(axyb.bound(), A).outcome == INVALID


def test_several_b_of_an_a_have_different_y(axyb: Subject) -> None:
    """C-044; decision 137: A dials only Y, so one Y serves one B of an A, across all AX of that A."""
    first, second = axyb.bound(), axyb.bound()
    chosen = [
        number(axyb, axyb.yb(first)),
        number(axyb, axyb.yb(first, C)),
        number(axyb, axyb.yb(second, D)),
    ]
    assert len(set(chosen)) == 3
    assert not set(chosen) & {row["numX"] for row in axyb.rows(subscriptionId=first)}


def test_one_y_serves_several_a(control: Control, axyb: Subject) -> None:
    """C-044; axyb.md §1: A1-X1-Y1-B1 with A2-X2-Y1-B2."""
    control.settings(numbers={"pick": "ordered"})
    first, second = axyb.bound(), axyb.bound(origNum=D)
    assert number(axyb, axyb.yb(first)) == number(axyb, axyb.yb(second, C))


def test_a_number_in_use_as_y_never_becomes_x_and_the_other_way_round(
    control: Control, axyb: Subject
) -> None:
    """Decision 137."""
    bound = axyb.bound()
    y = number(axyb, axyb.yb(bound))
    x = axyb.row(bound)["numX"]
    others: list[str] = []
    while (answer := axyb.bind(origNum=f"+861390013900{len(others)}")).outcome == OK:
        others.append(answer.json["relationNumber"])
    assert answer.outcome == NONE_LEFT
    assert sorted(others) == sorted(set(axyb.numbers) - {x, y})


def test_no_y_is_left(control: Control, axyb: Subject) -> None:
    """axyb.md §2 row 7: every other number serves as X."""
    bound = axyb.bound()
    for last in range(len(axyb.numbers) - 1):
        axyb.bound(origNum=f"+861390013900{last}")
    assert axyb.yb(bound).outcome == NONE_LEFT


def test_a_y_carries_so_many_relations(control: Control, axyb: Subject) -> None:
    control.settings(limits={"axyb_relations_per_y": 1}, numbers={"pick": "ordered"})
    chosen = [number(axyb, axyb.yb(axyb.bound(origNum=a), B)) for a in (A, C)]
    assert len(set(chosen)) == 2


def test_the_number_of_b_can_be_limited(control: Control, axyb: Subject) -> None:
    """Decision 135: no limit unless set."""
    control.settings(axyb={"max_yb_per_ax": 1})
    bound = axyb.bound()
    assert [axyb.yb(bound, b).outcome for b in (B, C)] == [OK, NONE_LEFT]


@pytest.mark.parametrize(("match", "outcome"), [("0", NONE_LEFT), ("1", OK), (LEFT_OUT, NONE_LEFT)])
def test_only_non_strict_match_leaves_the_city(axyb: Subject, match: Any, outcome: tuple[int, str]) -> None:
    """C-014."""
    assert axyb.bind(areaCode="0999", areaMatchMode=match).outcome == outcome
    assert axyb.yb(axyb.bound(), areaCode="0999", areaMatchMode=match).outcome == outcome


def test_without_an_area_y_comes_from_the_area_of_x_first(control: Control, axyb: Subject) -> None:
    """Decision 134."""
    control.admin.numbers("+8617010002804", app_key=axyb.app_key, area_code="010")
    bound = axyb.bound(areaCode="010")
    assert number(axyb, axyb.yb(bound)) in axyb.numbers
    control.admin.numbers("+8617010002805", app_key=axyb.app_key, area_code="010")
    assert axyb.yb(bound, C).json["relationNumber"] == "+8617010002805"


def test_members_of_an_ax_are_ignored_in_a_yb_request(axyb: Subject) -> None:
    bound = axyb.bound()
    assert axyb.yb(bound, callDirection=9, duration=1, recordFlag="x", preVoiceX="no good").outcome == OK


@pytest.mark.parametrize("state", ["9", "10", "11"])
def test_a_number_that_takes_no_bindings_is_never_chosen(control: Control, axyb: Subject, state: str) -> None:
    """result-codes.md §6, last row."""
    for x in axyb.numbers:
        control.state(x, state, "3" if state == "10" else None)
    assert axyb.bind().outcome == NONE_LEFT


# Life


def test_an_ax_lives_two_hours_unless_told_otherwise(control: Control, axyb: Subject) -> None:
    """Decision 130."""
    bound = axyb.bound()
    control.advance(7199)
    assert axyb.alive(bound)
    control.advance(1)
    assert axyb.query(subscriptionId=bound).outcome == GONE


def test_an_ax_of_zero_seconds_never_ends(control: Control, axyb: Subject) -> None:
    bound = axyb.bound(duration=0)
    control.advance(400 * 86_400)
    assert axyb.alive(bound)


def test_an_ax_ends_with_all_its_yb(control: Control, axyb: Subject) -> None:
    """axyb.md §1: expiry of the AX takes the YB along, and their numbers are free again."""
    bound = axyb.bound(duration=60)
    axyb.yb(bound)
    control.advance(60)
    assert axyb.query(subscriptionId=bound).outcome == GONE
    assert len(
        {number(axyb, axyb.bind(origNum=f"+861390013900{n}")) for n in range(len(axyb.numbers))}
    ) == len(axyb.numbers)


@pytest.mark.parametrize(
    ("of_ax", "of_yb", "lives"), [(60, LEFT_OUT, 60), (60, 90, 90), (LEFT_OUT, 60, 60), (0, LEFT_OUT, 600)]
)
def test_a_yb_ends_alone(control: Control, axyb: Subject, of_ax: Any, of_yb: Any, lives: int) -> None:
    """axyb.md §2.2: the YB's own life wins, 0 ends with the AX."""
    bound = axyb.bound(duration=600, ybDuration=of_ax)
    axyb.yb(bound, ybDuration=of_yb)
    control.advance(lives - 1)
    assert axyb.row(bound)["numB"] == B
    control.advance(1)
    if lives == 600:
        assert not axyb.alive(bound)
    else:
        assert "numB" not in axyb.row(bound)


def test_a_yb_never_outlives_its_ax(control: Control, axyb: Subject) -> None:
    bound = axyb.bound(duration=100, ybDuration=1000)
    assert axyb.row(bound)["ybDuration"] == "100"
    control.advance(50)
    axyb.yb(bound, ybDuration=5000)
    control.advance(50)
    assert not axyb.alive(bound)


def test_an_endless_ax_has_no_upper_limit_for_its_yb(axyb: Subject) -> None:
    assert axyb.row(axyb.bound(duration=0, ybDuration=7_776_000))["ybDuration"] == "7776000"


# Unbind


def test_unbind_of_the_id_alone_removes_the_ax_and_all_its_yb(axyb: Subject) -> None:
    """axyb.md §3."""
    bound = axyb.bound()
    axyb.yb(bound)
    axyb.yb(bound, C)
    answer = axyb.unbind(subscriptionId=bound)
    assert answer.json == {"resultcode": "0", "resultdesc": "Success"}
    assert axyb.query(subscriptionId=bound).outcome == GONE
    assert axyb.unbind(subscriptionId=bound).outcome == GONE


def test_unbind_of_one_y_or_one_b(axyb: Subject) -> None:
    """C-021."""
    bound = axyb.bound()
    y = number(axyb, axyb.yb(bound))
    axyb.yb(bound, C)
    axyb.yb(bound, D)
    assert axyb.unbind(subscriptionId=bound, yNum=y).outcome == OK
    assert {row["numB"] for row in axyb.rows(subscriptionId=bound)} == {C, D}
    assert axyb.unbind(subscriptionId=bound, bNum=D).outcome == OK
    assert [row["numB"] for row in axyb.rows(subscriptionId=bound)] == [C]


def test_unbind_y_wins_over_b(axyb: Subject) -> None:
    """C-021."""
    bound = axyb.bound()
    y = number(axyb, axyb.yb(bound))
    axyb.yb(bound, C)
    assert axyb.unbind(subscriptionId=bound, yNum=y, bNum=C).outcome == OK
    assert [row["numB"] for row in axyb.rows(subscriptionId=bound)] == [C]


@pytest.mark.parametrize("nobody", [{"yNum": "+8617019999999"}, {"bNum": D}])
def test_unbind_of_a_y_or_b_that_is_not_there(axyb: Subject, nobody: dict[str, str]) -> None:
    bound = axyb.bound()
    axyb.yb(bound)
    assert axyb.unbind(subscriptionId=bound, **nobody).outcome == GONE
    assert len(axyb.rows(subscriptionId=bound)) == 1


def test_unbind_empty_y_and_b_count_as_absent_and_remove_everything(axyb: Subject) -> None:
    """axyb.md §3: why the backend refuses to send empty values."""
    bound = axyb.bound()
    axyb.yb(bound)
    assert axyb.unbind(subscriptionId=bound, yNum="", bNum="").outcome == OK
    assert axyb.query(subscriptionId=bound).outcome == GONE


# Query


def test_query_shows_a_relation_completely(account: Account, axyb: Subject) -> None:
    """The example of axyb.md §4: both durations are texts."""
    first = axyb.bind(
        duration=7200,
        ybDuration=3600,
        recordFlag="true",
        recordHintTone="recordHintTone.wav",
        preVoiceX="x_hint_tone1.wav",
        userData="order-4001",
    )
    bound = first.json["subscriptionId"]
    y = number(axyb, axyb.yb(bound, preVoiceY="y_hint_tone1.wav"))
    answer = axyb.query(subscriptionId=bound)
    assert list(answer.json) == ["resultcode", "resultdesc", "xyRelationNumList"]
    [row] = answer.json["xyRelationNumList"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", row["bindId"])
    if account.emulated:
        assert row["subscribeTime"] == "2026-09-02 09:00:00"
    assert row == {
        "bindId": row["bindId"],
        "numA": A,
        "numX": first.json["relationNumber"],
        "numY": y,
        "numB": B,
        "recordFlag": "true",
        "recordHintTone": "recordHintTone.wav",
        "subscribeTime": row["subscribeTime"],
        "callDirection": 0,
        "duration": "7200",
        "ybDuration": "3600",
        "preVoiceX": "x_hint_tone1.wav",
        "preVoiceY": "y_hint_tone1.wav",
        "userData": "order-4001",
    }


def test_query_shows_an_ax_without_yb_as_one_element_without_y_and_b(axyb: Subject) -> None:
    """Decision 139; what was never set is left out."""
    row = axyb.row(axyb.bound())
    always = {
        "bindId",
        "numA",
        "numX",
        "recordFlag",
        "subscribeTime",
        "callDirection",
        "duration",
        "ybDuration",
    }
    assert set(row) == always
    assert (row["recordFlag"], row["callDirection"], row["duration"], row["ybDuration"]) == (
        "false",
        0,
        "7200",
        "0",
    )


def test_query_shows_one_element_per_relation_with_an_id_of_its_own(control: Control, axyb: Subject) -> None:
    bound = axyb.bound(userData="of AX", preVoiceY="of-ax.wav")
    axyb.yb(bound)
    control.advance(60)
    axyb.yb(bound, C, userData="of YB", preVoiceY="of-yb.wav")
    rows = axyb.rows(subscriptionId=bound)
    assert len({row["bindId"] for row in rows}) == 2
    assert [(row["numB"], row["userData"], row["preVoiceY"], row["subscribeTime"]) for row in rows] == [
        (B, "of AX", "of-ax.wav", "2026-09-02 09:00:00"),
        (C, "of YB", "of-yb.wav", "2026-09-02 09:01:00"),
    ]


def test_query_by_x_finds_everything_on_it_and_by_y_nothing(axyb: Subject) -> None:
    """C-022."""
    answer = axyb.bind()
    x, bound = answer.json["relationNumber"], answer.json["subscriptionId"]
    y = number(axyb, axyb.yb(bound))
    assert [row["numB"] for row in axyb.rows(relationNum=x)] == [B]
    assert axyb.query(relationNum=y).outcome == GONE


def test_query_the_id_wins_over_the_x(axyb: Subject) -> None:
    first, second = axyb.bind(), axyb.bind(origNum=D)
    id_of_first, x_of_second = first.json["subscriptionId"], second.json["relationNumber"]
    assert [row["numA"] for row in axyb.rows(subscriptionId=id_of_first, relationNum=x_of_second)] == [A]
    assert axyb.query(subscriptionId=UNKNOWN_ID, relationNum=x_of_second).outcome == GONE


def test_query_needs_a_locator(axyb: Subject) -> None:
    assert axyb.query().outcome == INVALID
    assert axyb.query(subscriptionId="", relationNum="").outcome == INVALID
    assert axyb.query(relationNum="1" * 33).outcome == INVALID


def test_bindings_of_another_application_do_not_exist(control: Control, axyb: Subject) -> None:
    answer, other = axyb.bind(), control.other("AXYB")
    bound, x = answer.json["subscriptionId"], answer.json["relationNumber"]
    assert other.unbind(subscriptionId=bound).outcome == GONE
    assert other.yb(bound).outcome == GONE
    assert other.query(relationNum=x).outcome == GONE
    assert axyb.alive(bound)


def test_there_is_no_modify(axyb: Subject) -> None:
    """Decision 141."""
    answer = axyb.send("PUT", AXYB_PATH, query={"app_key": axyb.app_key}, body={})
    assert answer.outcome == (403, "1010006")
