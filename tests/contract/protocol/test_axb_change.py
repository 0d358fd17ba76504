"""AXB: modify and query (axb.md §4, §5; C-003)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from builders.contract import INVALID, LEFT_OUT, OK, UNKNOWN_ID, A, B, C, D, E, Subject
from builders.contract_account import Account, Control

pytestmark = pytest.mark.contract("bindings", mode="AXB")

GONE = (403, "1012007")
TAKEN = (403, "1012010")
COMPLETE: dict[str, Any] = {
    "callDirection": 0,
    "duration": 7200,
    "maxDuration": 60,
    "recordFlag": "true",
    "recordHintTone": "recordHintTone.wav",
    "lastMinVoice": "lastMinVoice.wav",
    "privateSms": "true",
    "preVoice": {"callerHintTone": "callerHintTone.wav", "calleeHintTone": "calleeHintTone.wav"},
    "userData": "order-1001",
}


# Modify


@pytest.mark.parametrize(
    "changes",
    [
        {"callerNum": C},
        {"calleeNum": C},
        {"callDirection": 1},
        {"duration": 60},
        {"maxDuration": 9},
        {"lastMinVoice": "other.wav"},
        {"privateSms": "false"},
        {"recordFlag": "false"},
        {"recordHintTone": "other.wav"},
        {"userData": "order-2"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_modify_changes_what_is_given_and_keeps_the_rest(axb: Subject, changes: dict[str, Any]) -> None:
    """C-025, C-026; decision 100 for `recordHintTone`."""
    bound = axb.bound(**COMPLETE)
    before = axb.row(bound)
    answer = axb.modify(bound, **changes)
    assert answer.json == {"resultcode": "0", "resultdesc": "Success"}
    after = axb.row(bound)
    assert {**after, "subscribeTime": ""} == {**before, **changes, "subscribeTime": ""}


def test_modify_of_one_tone_leaves_the_other(axb: Subject) -> None:
    """axb.md §4: each member of `preVoice` on its own."""
    bound = axb.bound(**COMPLETE)
    axb.modify(bound, preVoice={"calleeHintTone": "b.wav"})
    tones = {"callerHintTone": "callerHintTone.wav", "calleeHintTone": "b.wav"}
    assert axb.row(bound)["preVoice"] == tones


def test_modify_frees_the_party_that_left_and_takes_the_new_one(axb: Subject) -> None:
    bound = axb.bound()
    axb.modify(bound, calleeNum=C)
    assert axb.bind(callerNum=B, calleeNum=D).outcome == OK
    assert axb.bind(callerNum=C, calleeNum=E).outcome == TAKEN


def test_modify_may_exchange_the_parties(axb: Subject) -> None:
    bound = axb.bound()
    assert axb.modify(bound, callerNum=B, calleeNum=A).outcome == OK
    row = axb.row(bound)
    assert (row["callerNum"], row["calleeNum"]) == (B, A)


@pytest.mark.parametrize("changes", [{"callerNum": C}, {"calleeNum": C}, {"calleeNum": D}])
def test_modify_to_a_party_that_stands_there_changes_nothing(axb: Subject, changes: dict[str, str]) -> None:
    bound = axb.bound()
    axb.bound(callerNum=C, calleeNum=D)
    assert axb.modify(bound, **changes, maxDuration=9).outcome == TAKEN
    row = axb.row(bound)
    assert (row["callerNum"], row["calleeNum"], row["maxDuration"]) == (A, B, 0)


@pytest.mark.parametrize(("name", "other"), [("calleeNum", A), ("callerNum", B)])
def test_modify_the_result_must_be_three_numbers(axb: Subject, name: str, other: str) -> None:
    bound = axb.bound()
    assert axb.modify(bound, **{name: other}).outcome == INVALID
    assert axb.modify(bound, **{name: axb.x}).outcome == INVALID


def test_modify_duration_restarts_the_life(control: Control, axb: Subject) -> None:
    """The new life counts from the success of the modification."""
    bound = axb.bound(duration=60)
    control.advance(50)
    axb.modify(bound, duration=60)
    control.advance(59)
    assert axb.alive(bound)
    control.advance(1)
    assert not axb.alive(bound)


def test_modify_without_duration_lets_the_remaining_life_run_on(control: Control, axb: Subject) -> None:
    """Decision 101."""
    bound = axb.bound(duration=60)
    control.advance(50)
    axb.modify(bound, calleeNum=C)
    control.advance(10)
    assert not axb.alive(bound)


def test_modify_duration_zero_means_for_ever(control: Control, axb: Subject) -> None:
    bound = axb.bound(duration=60)
    axb.modify(bound, duration=0)
    control.advance(10**7)
    assert axb.alive(bound)


def test_modify_without_any_change_succeeds(axb: Subject) -> None:
    assert axb.modify(axb.bound()).outcome == OK


def test_modify_ignores_what_cannot_be_changed(axb: Subject) -> None:
    bound = axb.bound()
    assert axb.modify(bound, relationNum=axb.numbers[1], areaCode="010", areaMatchMode="9").outcome == OK
    assert axb.row(bound)["relationNum"] == axb.x


def test_modify_empty_values_change_nothing(axb: Subject) -> None:
    bound = axb.bound(**COMPLETE)
    before = axb.row(bound)
    empty = dict.fromkeys(("userData", "duration", "callerNum", "callDirection", "recordFlag"), "")
    assert axb.modify(bound, **empty, preVoice={}).outcome == OK
    assert axb.row(bound) == before


@pytest.mark.parametrize("absent", [LEFT_OUT, "", None])
def test_modify_has_no_locator_but_the_id(axb: Subject, absent: Any) -> None:
    axb.bound()
    answer = axb.modify(absent, relationNum=axb.x, callerNum=A, calleeNum=C)
    assert answer.outcome == INVALID


def test_modify_may_switch_recording_off_without_the_application(control: Control, axb: Subject) -> None:
    bound = axb.bound(recordFlag="true", recordHintTone="rec.wav")
    control.application(axb, recording=False)
    assert axb.modify(bound, recordFlag="true").outcome == (403, "1012012")
    assert axb.modify(bound, recordFlag="false").outcome == OK


# Query


def test_query_shows_a_binding_completely(account: Account, axb: Subject) -> None:
    """The example of axb.md §5: members and types, times in Beijing time."""
    bound = axb.bound(**COMPLETE)
    answer = axb.query(relationNum=axb.x, callerNum=A, calleeNum=B)
    [row] = answer.json["relationNumList"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["subscribeTime"])
    if account.emulated:
        assert row["subscribeTime"] == "2026-09-02 09:00:00"
    assert answer.json == {
        "resultcode": "0",
        "resultdesc": "Success",
        "app_key": axb.app_key,
        "totalCount": 1,
        "pageIndex": 1,
        "pageSize": 50,
        "relationNumList": [
            {
                "subscriptionId": bound,
                "relationNum": axb.x,
                "callerNum": A,
                "calleeNum": B,
                **COMPLETE,
                "subscribeTime": row["subscribeTime"],
            }
        ],
    }


def test_query_leaves_out_what_was_never_set(axb: Subject) -> None:
    """Decisions 53 and 105."""
    row = axb.row(axb.bound())
    assert set(row) == {
        "subscriptionId",
        "relationNum",
        "callerNum",
        "calleeNum",
        "callDirection",
        "duration",
        "maxDuration",
        "recordFlag",
        "privateSms",
        "subscribeTime",
    }
    assert (row["recordFlag"], row["privateSms"]) == ("false", "true")


def test_query_shows_the_duration_set_not_the_rest(control: Control, axb: Subject) -> None:
    bound = axb.bound(duration=7200)
    control.advance(100)
    assert axb.row(bound)["duration"] == 7200


def test_subscribe_time_is_that_of_the_last_modification(control: Control, axb: Subject) -> None:
    bound = axb.bound()
    control.advance(3600)
    axb.modify(bound)
    assert axb.row(bound)["subscribeTime"] == "2026-09-02 09:00:00"
    axb.modify(bound, calleeNum=C)
    assert axb.row(bound)["subscribeTime"] == "2026-09-02 10:00:00"


@pytest.mark.parametrize("mode", ["AX", "AXB", "AXYB"])
def test_subscribe_time_can_be_utc(control: Control, subject: Subject, mode: str) -> None:
    """Decision 55."""
    control.settings(query={"subscribe_time_zone": "UTC"})
    assert subject.row(subject.bound())["subscribeTime"] == "2026-09-02 01:00:00"


def test_query_by_id_ignores_every_other_filter(axb: Subject) -> None:
    bound = axb.bound()
    others = {"relationNum": "1", "callerNum": "x", "calleeNum": D, "pageIndex": 9, "pageSize": 10}
    answer = axb.query(subscriptionId=bound, **others)
    assert answer.outcome == OK
    assert (answer.json["pageIndex"], answer.json["pageSize"], answer.json["totalCount"]) == (1, 50, 1)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, 2),
        ({"callerNum": A}, 1),
        ({"calleeNum": B}, 1),
        ({"callerNum": A, "calleeNum": B}, 1),
        ({"callerNum": C}, 1),
        ({"callerNum": ""}, 2),
        ({"callerNum": B}, 0),
        ({"calleeNum": A}, 0),
        ({"callerNum": A, "calleeNum": D}, 0),
    ],
)
def test_query_filters_by_role(axb: Subject, filters: dict[str, str], found: int) -> None:
    """A filter without a hit is not an empty list."""
    axb.bound()
    axb.bound(callerNum=C, calleeNum=D)
    answer = axb.query(relationNum=axb.x, **filters)
    assert answer.outcome == (OK if found else GONE)
    assert len(answer.json.get("relationNumList", [])) == found


def paged(axb: Subject, count: int) -> list[str]:
    return [
        axb.bound(callerNum=f"+86139001{number:05d}", calleeNum=f"+86159001{number:05d}")
        for number in range(count)
    ]


def test_query_pages_oldest_first(axb: Subject) -> None:
    """Decision 104."""
    bound = paged(axb, 25)
    pages = [axb.query(relationNum=axb.x, pageIndex=index, pageSize=10).json for index in (1, 2, 3)]
    assert [page["totalCount"] for page in pages] == [25, 25, 25]
    assert [page["pageIndex"] for page in pages] == [1, 2, 3]
    assert [row["subscriptionId"] for page in pages for row in page["relationNumList"]] == bound


def test_query_a_page_beyond_the_last_is_empty(axb: Subject) -> None:
    """Decision 103."""
    paged(axb, 3)
    answer = axb.query(relationNum=axb.x, pageIndex=2)
    assert answer.outcome == OK
    assert (answer.json["relationNumList"], answer.json["totalCount"]) == ([], 3)


def test_query_an_invalid_page_size_is_50_without_error(axb: Subject) -> None:
    """Decision 102."""
    paged(axb, 60)
    for size in ("", "9", "101", "abc", "-10", "10.0", "9" * 30, "0"):
        answer = axb.query(relationNum=axb.x, pageSize=size)
        assert (answer.json["pageSize"], len(answer.json["relationNumList"])) == (50, 50)


@pytest.mark.parametrize("index", ["", "0", "-1", "x", "1.5", "９"])
def test_query_an_invalid_page_index_is_1_without_error(axb: Subject, index: str) -> None:
    axb.bound()
    assert axb.query(relationNum=axb.x, pageIndex=index).json["pageIndex"] == 1


@pytest.mark.parametrize("size", [10, 100])
def test_query_accepts_the_limits_of_the_page_size(axb: Subject, size: int) -> None:
    axb.bound()
    assert axb.query(relationNum=axb.x, pageSize=size).json["pageSize"] == size


def test_query_needs_a_locator(axb: Subject) -> None:
    axb.bound()
    assert axb.query().outcome == INVALID
    assert axb.query(callerNum=A, calleeNum=B).outcome == INVALID
    assert axb.query(subscriptionId="", relationNum="").outcome == INVALID


@pytest.mark.parametrize("query", [{"callerNum": "1"}, {"calleeNum": "1" * 129}, {"relationNum": "1" * 32}])
def test_query_values_out_of_range(axb: Subject, query: dict[str, str]) -> None:
    axb.bound()
    assert axb.query(**{"relationNum": axb.x, **query}).outcome == INVALID


def test_query_finds_nothing_of_an_unknown_id(axb: Subject) -> None:
    axb.bound()
    assert axb.query(subscriptionId=UNKNOWN_ID, relationNum=axb.x).outcome == GONE
