"""AX: what bind, unbind, modify, query and set temporary callee answer and do (ax.md §2-§6; C-001)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from builders.contract import AX_CALLEE_PATH, AX_PATH, INVALID, LEFT_OUT, OK, UNKNOWN_ID, A, B, C, D, Subject
from builders.contract_account import Account, Control

pytestmark = pytest.mark.contract("bindings", mode="AX")

GONE = (403, "1011004")
NOTHING = (403, "1016001")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
COMPLETE: dict[str, Any] = {
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


# Bind


def test_bind_answers_exactly_five_members(ax: Subject) -> None:
    answer = ax.bind(**COMPLETE)
    assert answer.outcome == OK
    assert list(answer.json) == ["resultcode", "resultdesc", "origNum", "privateNum", "subscriptionId"]
    assert (answer.json["resultdesc"], answer.json["origNum"], answer.json["privateNum"]) == (
        "Success",
        A,
        ax.x,
    )
    assert UUID.fullmatch(answer.json["subscriptionId"])
    assert answer.headers["content-type"] == "application/json;charset=utf-8"


def test_a_landline_can_be_bound(ax: Subject) -> None:
    """C-010."""
    assert ax.bind(origNum="+8675520000009").outcome == OK


def test_the_platform_chooses_by_area(ax: Subject) -> None:
    """C-013, C-014."""
    answer = ax.call("ax.bind", origNum=A, areaCode=ax.area, privateNumType="mobile-virtual")
    assert answer.outcome == OK
    assert answer.json["privateNum"] in ax.numbers


def test_a_named_x_wins_over_the_area(ax: Subject) -> None:
    assert ax.bind(areaCode="0999", privateNumType="mobile-virtual").json["privateNum"] == ax.x


@pytest.mark.parametrize(
    ("match", "outcome"), [("0", (403, "1012008")), ("1", OK), (LEFT_OUT, (403, "1012008"))]
)
def test_only_non_strict_match_leaves_the_city(ax: Subject, match: Any, outcome: tuple[int, str]) -> None:
    wanted = {"origNum": A, "areaCode": "0999", "privateNumType": "mobile-virtual", "areaMatchMode": match}
    assert ax.call("ax.bind", wanted).outcome == outcome


def test_the_choice_skips_numbers_that_carry_somebody(account: Account, ax: Subject) -> None:
    others = [f"+86139001390{last:02d}" for last in range(len(ax.numbers))]
    chosen = {
        ax.call("ax.bind", origNum=other, areaCode=ax.area, privateNumType="mobile-virtual").json[
            "privateNum"
        ]
        for other in others
    }
    assert chosen == set(ax.numbers)
    full = ax.call("ax.bind", origNum=A, areaCode=ax.area, privateNumType="mobile-virtual")
    assert full.outcome == (403, "1012008")


@pytest.mark.parametrize("other", [A, D], ids=["the same A", "another A"])
def test_an_x_carries_one_a_and_a_repetition_is_refused(ax: Subject, other: str) -> None:
    """C-037; decision 79: no idempotency, not even for the same A."""
    ax.bound()
    answer = ax.bind(origNum=other)
    assert answer.outcome == (403, "1011005")
    assert answer.json["resultdesc"] == "Resource has been applied."


def test_an_a_holds_five_x_at_most(ax: Subject) -> None:
    """ax.md §1; decision 69."""
    if len(ax.numbers) < 6:
        pytest.skip("needs six numbers")
    outcomes = [ax.bind(privateNum=x).outcome for x in ax.numbers[:6]]
    assert outcomes == [OK] * 5 + [(403, "1011003")]
    assert ax.bind(origNum=D, privateNum=ax.numbers[5]).outcome == OK


def test_an_x_can_be_bound_again_at_once_after_unbind(ax: Subject) -> None:
    ax.unbind(subscriptionId=ax.bound())
    assert ax.bind(origNum=B).outcome == OK


@pytest.mark.parametrize("x", ["17010001001", "+8675520000009", "1"])
def test_a_badly_formed_x_is_simply_not_ours(ax: Subject, x: str) -> None:
    """numbers.md §1.2, last line."""
    assert ax.bind(privateNum=x).outcome == (403, "1011001")


def test_an_ax_binding_never_ends_by_itself(control: Control, ax: Subject) -> None:
    """ax.md §1: AX has no duration; one that is sent is an unknown member."""
    bound = ax.bound(duration=60)
    control.advance(400 * 86_400)
    assert ax.alive(bound)


def test_a_refused_bind_binds_nothing(ax: Subject) -> None:
    ax.bind(maxDuration=9999)
    assert ax.query(privateNum=ax.x).outcome == NOTHING


# Unbind


def test_unbind_answers_the_envelope_alone(ax: Subject) -> None:
    bound = ax.bound()
    assert ax.unbind(subscriptionId=bound).json == {"resultcode": "0", "resultdesc": "Success"}
    assert not ax.alive(bound)


@pytest.mark.parametrize(
    "beside", [{"privateNum": "17"}, {"privateNum": ""}, {"origNum": B}, {"origNum": ""}]
)
def test_unbind_the_id_wins_and_a_is_never_evaluated(ax: Subject, beside: dict[str, str]) -> None:
    """C-018."""
    assert ax.unbind(subscriptionId=ax.bound(), **beside).outcome == OK


@pytest.mark.parametrize("beside", [{}, {"subscriptionId": ""}, {"origNum": B}])
def test_unbind_by_x(ax: Subject, beside: dict[str, str]) -> None:
    bound = ax.bound()
    assert ax.unbind(privateNum=ax.x, **beside).outcome == OK
    assert not ax.alive(bound)


def test_unbind_an_unknown_id_beside_a_bound_x_removes_nothing(ax: Subject) -> None:
    """ax.md §3: `subscriptionId` wins."""
    bound = ax.bound()
    assert ax.unbind(subscriptionId=UNKNOWN_ID, privateNum=ax.x).outcome == GONE
    assert ax.alive(bound)


def test_unbind_gone_already(ax: Subject) -> None:
    bound = ax.bound()
    assert [ax.unbind(subscriptionId=bound).outcome for _ in range(2)] == [OK, GONE]


def test_unbind_needs_a_locator(ax: Subject) -> None:
    assert ax.unbind().outcome == INVALID
    assert ax.unbind(subscriptionId="", privateNum="").outcome == INVALID
    assert ax.unbind(origNum=A).outcome == INVALID


# Modify


def test_modify_changes_what_is_given_and_keeps_the_rest(ax: Subject) -> None:
    """C-019."""
    bound = ax.bound(**COMPLETE)
    before = ax.row(bound)
    answer = ax.modify(bound, origNum=D, maxDuration=30, turnFlag="off", callDirection=2, privateSms="false")
    assert answer.json == {"resultcode": "0", "resultdesc": "Success"}
    changed = {"origNum": D, "maxDuration": 30, "turnFlag": "off", "callDirection": 2, "privateSms": "false"}
    assert ax.row(bound) == {**before, **changed}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("recordFlag", "true", "true"),
        ("recordHintTone", "other.wav", "other.wav"),
        ("lastMinVoice", "other.wav", "other.wav"),
        ("maxDuration", 0, 0),
        ("userData", "order-9", "order-9"),
    ],
)
def test_modify_of_each_member(ax: Subject, name: str, value: Any, shown: Any) -> None:
    """Decision 84: the page's members, and `recordHintTone`."""
    bound = ax.bound()
    assert ax.modify(bound, **{name: value}).outcome == OK
    assert ax.row(bound)[name] == shown


def test_modify_by_x(ax: Subject) -> None:
    bound = ax.bound()
    assert ax.call("ax.modify", privateNum=ax.x, maxDuration=5).outcome == OK
    assert ax.row(bound)["maxDuration"] == 5


def test_modify_ignores_what_cannot_be_changed(ax: Subject) -> None:
    bound = ax.bound(calleeNumDisplay="0")
    before = ax.row(bound)
    fixed = {"privateNum": ax.numbers[1], "calleeNumDisplay": "1", "areaCode": "010", "preVoice": {"x": "y"}}
    assert ax.modify(bound, **fixed).outcome == OK
    assert ax.row(bound) == before


def test_modify_empty_values_change_nothing(ax: Subject) -> None:
    """Decision 85."""
    bound = ax.bound(**COMPLETE)
    before = ax.row(bound)
    empty = dict.fromkeys(("origNum", "recordFlag", "maxDuration", "userData", "turnFlag"), "")
    assert ax.modify(bound, **empty).outcome == OK
    assert ax.row(bound) == before


def test_modify_frees_the_a_that_left(ax: Subject) -> None:
    bound = ax.bound()
    ax.modify(bound, origNum=D)
    assert ax.query(origNum=A).outcome == NOTHING
    assert [row["subscriptionId"] for row in ax.rows(origNum=D)] == [bound]


def test_modify_the_new_a_must_not_be_x(ax: Subject) -> None:
    assert ax.modify(ax.bound(), origNum=ax.x).outcome == INVALID


def test_modify_a_to_itself_needs_no_room(control: Control, ax: Subject) -> None:
    control.settings(limits={"x_per_a": 1})
    assert ax.modify(ax.bound(), origNum=A).outcome == OK


def test_modify_keeps_the_time_of_the_bind(control: Control, ax: Subject) -> None:
    """ax.md §5: a modification does not change `subscribeTime`."""
    bound = ax.bound()
    before = ax.row(bound)["subscribeTime"]
    control.advance(3600)
    ax.modify(bound, maxDuration=1)
    assert (ax.row(bound)["subscribeTime"], before) == ("2026-09-02 09:00:00", "2026-09-02 09:00:00")


def test_modify_gone_already(ax: Subject) -> None:
    bound = ax.bound()
    ax.unbind(subscriptionId=bound)
    assert ax.modify(bound, maxDuration=1).outcome == GONE


# Query


def test_query_shows_a_binding_completely(account: Account, ax: Subject) -> None:
    """The example of ax.md §5: members and types."""
    bound = ax.bound(**COMPLETE)
    answer = ax.query(origNum=A)
    assert list(answer.json) == ["resultcode", "resultdesc", "privateNumList"]
    [row] = answer.json["privateNumList"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["subscribeTime"])
    if account.emulated:
        assert row["subscribeTime"] == "2026-09-02 09:00:00"
    assert row == {
        "origNum": A,
        "privateNum": ax.x,
        "privateNumType": "mobile-virtual",
        "subscriptionId": bound,
        "subscribeTime": row["subscribeTime"],
        **COMPLETE,
    }


def test_query_leaves_out_what_was_never_set(ax: Subject) -> None:
    """Decisions 53 and 86: `recordFlag` is always there."""
    row = ax.row(ax.bound())
    always = {"origNum", "privateNum", "privateNumType", "subscriptionId", "subscribeTime", "recordFlag"}
    assert (set(row), row["recordFlag"]) == (always, "false")


def test_query_of_an_a_shows_all_its_x_oldest_first(ax: Subject) -> None:
    """C-017."""
    bound = [ax.bound(privateNum=x) for x in ax.numbers[:3]]
    ax.bound(origNum=D, privateNum=ax.numbers[3]) if len(ax.numbers) > 3 else None
    assert [row["subscriptionId"] for row in ax.rows(origNum=A)] == bound


def test_query_precedence_is_id_then_a_then_x(ax: Subject) -> None:
    """C-015, C-017."""
    first, second = ax.bound(), ax.bound(origNum=D, privateNum=ax.numbers[1])
    assert [row["subscriptionId"] for row in ax.rows(subscriptionId=first, origNum=D)] == [first]
    assert [row["subscriptionId"] for row in ax.rows(origNum=D, privateNum=ax.x)] == [second]
    assert [row["subscriptionId"] for row in ax.rows(subscriptionId="", origNum="", privateNum=ax.x)] == [
        first
    ]


def test_query_finding_nothing_is_never_an_empty_list(ax: Subject) -> None:
    for query in ({"origNum": D}, {"privateNum": ax.x}, {"subscriptionId": UNKNOWN_ID}, {"privateNum": "1"}):
        assert ax.query(**query).outcome == NOTHING


@pytest.mark.parametrize("query", [{"origNum": "1" * 33}, {"privateNum": "1" * 33}])
def test_query_values_out_of_range(ax: Subject, query: dict[str, str]) -> None:
    assert ax.query(**query).outcome == INVALID


# Set temporary callee


def test_set_callee_answers_the_envelope_alone(ax: Subject) -> None:
    answer = ax.call("ax.set_callee", subscriptionId=ax.bound(), calleeNum=C, duration=60, userData="call-1")
    assert answer.json == {"resultcode": "0", "resultdesc": "Success"}


def test_set_callee_by_x_and_the_id_wins(ax: Subject) -> None:
    bound = ax.bound()
    assert ax.call("ax.set_callee", privateNum=ax.x, calleeNum=C, origNum=D).outcome == OK
    assert ax.call("ax.set_callee", subscriptionId=bound, privateNum="4000", calleeNum=C).outcome == OK
    unknown = ax.call("ax.set_callee", subscriptionId=UNKNOWN_ID, privateNum=ax.x, calleeNum=C)
    assert unknown.outcome == GONE


def test_set_callee_must_differ_from_a_and_x(ax: Subject) -> None:
    """Decision 89."""
    bound = ax.bound()
    outcomes = [ax.call("ax.set_callee", subscriptionId=bound, calleeNum=who).outcome for who in (A, ax.x)]
    assert outcomes == [INVALID, INVALID]


@pytest.mark.parametrize("x", ["123", "1" * 32])
def test_set_callee_x_has_its_own_length(ax: Subject, x: str) -> None:
    """ax.md §6: String(4-31)."""
    assert ax.call("ax.set_callee", privateNum=x, calleeNum=C).outcome == INVALID


def test_set_callee_is_shown_by_no_query(ax: Subject) -> None:
    bound = ax.bound()
    before = ax.row(bound)
    ax.call("ax.set_callee", subscriptionId=bound, calleeNum=C, userData="call-1")
    assert ax.row(bound) == before


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_set_callee_is_a_put_only(ax: Subject, method: str) -> None:
    assert ax.send(method, AX_CALLEE_PATH).outcome == (403, "1010006")
    assert ax.send("PATCH", AX_PATH).outcome == (403, "1010006")


def reached(control: Control, ax: Subject, after: float = 0) -> str | None:
    """Whom A reaches by dialling X."""
    control.advance(after)
    callee: str | None = control.call(A, ax.x, wait=True)["callee"]
    return callee


def test_the_latest_callee_is_reached_once(control: Control, ax: Subject) -> None:
    """C-023, C-042; ax.md §6: a new one replaces the old; decision 88: one call uses it up."""
    bound = ax.bound()
    ax.call("ax.set_callee", subscriptionId=bound, calleeNum=C)
    ax.call("ax.set_callee", subscriptionId=bound, calleeNum=D)
    assert [reached(control, ax), reached(control, ax)] == [D, None]


@pytest.mark.parametrize(("life", "late", "callee"), [(LEFT_OUT, 59, C), (LEFT_OUT, 60, None), (600, 599, C)])
def test_a_callee_lives_for_its_seconds(
    control: Control, ax: Subject, life: Any, late: int, callee: str | None
) -> None:
    """C-023: 60 s unless told otherwise."""
    ax.call("ax.set_callee", subscriptionId=ax.bound(), calleeNum=C, duration=life)
    assert reached(control, ax, late) == callee


def test_a_changed_a_keeps_id_and_callee(control: Control, ax: Subject) -> None:
    """ax.md §4."""
    bound = ax.bound()
    ax.call("ax.set_callee", subscriptionId=bound, calleeNum=C)
    ax.modify(bound, origNum=D)
    assert control.call(D, ax.x, wait=True)["callee"] == C


def test_an_unbind_takes_the_callee_along(control: Control, ax: Subject) -> None:
    """ax.md §3."""
    bound = ax.bound()
    ax.call("ax.set_callee", subscriptionId=bound, calleeNum=C)
    ax.unbind(subscriptionId=bound)
    ax.bound()
    assert reached(control, ax) is None
