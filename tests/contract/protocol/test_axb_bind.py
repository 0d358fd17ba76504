"""AXB: bind, the choice of X, the life of a binding, unbind (axb.md §1-§3; C-003)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from builders.contract import INVALID, LEFT_OUT, OK, UNKNOWN_ID, A, B, C, D, E, F, Subject
from builders.contract_account import Account, Control

pytestmark = pytest.mark.contract("bindings", mode="AXB")

GONE = (403, "1012007")
NONE_LEFT = (403, "1012008")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LANDLINE, LANDLINE_OF_BEIJING = "+8675520000001", "+861062000001"


# Bind


def test_bind_answers_with_the_effective_values(axb: Subject) -> None:
    answer = axb.bind(callDirection=1, duration=7200, maxDuration=60)
    assert answer.status == 200
    assert list(answer.json) == [
        "resultcode",
        "resultdesc",
        "subscriptionId",
        "relationNum",
        "callDirection",
        "duration",
        "maxDuration",
    ]
    shown = {name: value for name, value in answer.json.items() if name != "subscriptionId"}
    assert shown == {
        "resultcode": "0",
        "resultdesc": "Success",
        "relationNum": axb.x,
        "callDirection": 1,
        "duration": 7200,
        "maxDuration": 60,
    }
    assert UUID.fullmatch(answer.json["subscriptionId"])
    assert answer.headers["content-type"] == "application/json;charset=utf-8"


def test_bind_answers_duration_and_the_others_also_when_not_sent(axb: Subject) -> None:
    """Decision 99: deployed clients fail without `duration`."""
    answer = axb.bind()
    assert [answer.json[name] for name in ("callDirection", "duration", "maxDuration")] == [0, 0, 0]


def test_landlines_can_be_bound_even_on_both_sides(axb: Subject) -> None:
    """Decision 98; C-010."""
    assert axb.bind(callerNum=LANDLINE, calleeNum=LANDLINE_OF_BEIJING).outcome == OK


@pytest.mark.parametrize("name", ["callerNum", "calleeNum"])
def test_x_is_neither_party(axb: Subject, name: str) -> None:
    assert axb.bind(**{name: axb.x}).outcome == INVALID


def test_a_recorded_binding_needs_the_application_only_when_it_records(
    control: Control, axb: Subject
) -> None:
    control.application(axb, recording=False)
    assert axb.bind(recordFlag="false", recordHintTone="rec.wav").outcome == OK


@pytest.mark.parametrize("x", ["17010000001", "+8675520000009"])
def test_a_badly_formed_x_is_simply_unknown(axb: Subject, x: str) -> None:
    """numbers.md §1.2, last line."""
    assert axb.bind(relationNum=x).outcome == GONE


def test_a_deleted_x_is_known_and_unusable(control: Control, axb: Subject) -> None:
    control.state(axb.x, "10", "1")
    assert axb.bind().outcome == (403, "1012102")


@pytest.mark.parametrize("pair", [(A, B), (B, A), (A, C), (C, A), (B, C), (C, B)])
def test_a_party_stands_on_x_once_in_any_role(axb: Subject, pair: tuple[str, str]) -> None:
    """C-041: A-X-B and B-X-C may not coexist; a repetition is refused, never answered."""
    axb.bound()
    assert axb.bind(callerNum=pair[0], calleeNum=pair[1]).outcome == (403, "1012010")


def test_pairs_without_a_common_party_share_an_x(axb: Subject) -> None:
    """C-041: A-X-B and C-X-D may coexist."""
    axb.bound()
    assert axb.bind(callerNum=C, calleeNum=D).outcome == OK


def test_the_same_parties_may_stand_on_another_x(axb: Subject) -> None:
    axb.bound()
    assert axb.bind(calleeNum=C, relationNum=axb.numbers[1]).outcome == OK
    assert axb.bind(relationNum=axb.numbers[2]).outcome == OK


def test_an_x_carries_so_many_pairs(control: Control, axb: Subject) -> None:
    control.settings(limits={"axb_pairs_per_x": 2})
    pairs = ((A, B), (C, D), (E, F))
    outcomes = [axb.bind(callerNum=one, calleeNum=other).outcome for one, other in pairs]
    assert outcomes == [OK, OK, (403, "1012009")]


def test_the_daily_limit_of_a_number_is_one_of_a_beijing_day(control: Control, axb: Subject) -> None:
    """Decision 72; the clock starts at 09:00 in Beijing."""
    control.settings(limits={"binds_per_number_per_day": 2})
    axb.bound()
    axb.bound(calleeNum=C, relationNum=axb.numbers[1])
    third = {"relationNum": axb.numbers[2]}
    assert axb.bind(calleeNum=D, **third).outcome == (403, "1020178")
    assert axb.bind(callerNum=D, calleeNum=E, **third).outcome == OK
    control.advance(15 * 3600 - 1)
    assert axb.bind(calleeNum=F, **third).code == "1020178"
    control.advance(1)
    assert axb.bind(calleeNum=F, **third).outcome == OK


def test_a_refused_bind_binds_nothing(control: Control, axb: Subject) -> None:
    axb.bound()
    axb.bind(callerNum=B, calleeNum=C)
    axb.bind(callerNum=C, calleeNum=D, relationNum="+8617019999999")
    axb.bind(callerNum=C, calleeNum=D, relationNum=axb.numbers[1], maxDuration=9999)
    assert len(control.admin.bindings()) == 1


# Choice of X by area


def test_the_platform_chooses_by_area_code(axb: Subject) -> None:
    """C-013, C-014."""
    answer = axb.bind(relationNum=LEFT_OUT, areaCode=axb.area)
    assert answer.outcome == OK
    assert answer.json["relationNum"] in axb.numbers


def test_a_named_x_wins_over_the_area(axb: Subject) -> None:
    assert axb.bind(relationNum=axb.numbers[1], areaCode="0999").json["relationNum"] == axb.numbers[1]


@pytest.mark.parametrize(("match", "outcome"), [("0", NONE_LEFT), ("1", OK), (LEFT_OUT, NONE_LEFT)])
def test_only_non_strict_match_leaves_the_city(axb: Subject, match: Any, outcome: tuple[int, str]) -> None:
    assert axb.bind(relationNum=LEFT_OUT, areaCode="0999", areaMatchMode=match).outcome == outcome


def test_non_strict_match_prefers_the_province(control: Control, axb: Subject) -> None:
    """C-014; numbers.md §2.1: the city, else the same province, else any."""
    control.admin.numbers("+8617010002801", app_key=axb.app_key, area_code="020")
    control.admin.numbers("+8617010002802", app_key=axb.app_key, area_code="010")
    chosen = axb.bind(relationNum=LEFT_OUT, areaCode="0760", areaMatchMode="1").json["relationNum"]
    assert chosen in {*axb.numbers, "+8617010002801"}
    chosen = axb.bind(callerNum=C, calleeNum=D, relationNum=LEFT_OUT, areaCode="010").json["relationNum"]
    assert chosen == "+8617010002802"


@pytest.mark.parametrize(
    ("a", "outcome"),
    [(A, OK), (LANDLINE, OK), (LANDLINE_OF_BEIJING, NONE_LEFT)],
    ids=["mobile", "0755", "010"],
)
def test_without_x_and_area_the_area_of_a_counts(
    control: Control, axb: Subject, a: str, outcome: tuple[int, str]
) -> None:
    """Decisions 60 and 61."""
    assert axb.bind(callerNum=a, relationNum=LEFT_OUT).outcome == outcome


def test_the_home_of_a_mobile_goes_by_its_longest_prefix(control: Control, axb: Subject) -> None:
    """Decision 60."""
    control.settings(numbers={"mobile_home": {"138": "0755", "1380013": "010"}})
    assert axb.bind(relationNum=LEFT_OUT).outcome == NONE_LEFT
    assert axb.bind(callerNum="+8613900138000", relationNum=LEFT_OUT).outcome == OK


def test_the_choice_skips_numbers_that_carry_a_party(axb: Subject) -> None:
    """Decision 96."""
    others = [f"+86139001390{last:02d}" for last in range(len(axb.numbers))]
    chosen = {
        axb.bind(calleeNum=other, relationNum=LEFT_OUT, areaCode=axb.area).json["relationNum"]
        for other in others
    }
    assert chosen == set(axb.numbers)
    assert axb.bind(relationNum=LEFT_OUT, areaCode=axb.area).outcome == NONE_LEFT


@pytest.mark.parametrize("pick", ["ordered", "least_loaded"])
def test_the_order_among_available_x_can_be_set(control: Control, axb: Subject, pick: str) -> None:
    """Decision 62."""
    control.settings(numbers={"pick": pick})
    pairs = ((A, B), (C, D))
    chosen = [
        axb.bind(callerNum=one, calleeNum=other, relationNum=LEFT_OUT, areaCode=axb.area).json["relationNum"]
        for one, other in pairs
    ]
    assert chosen == ([axb.numbers[0]] * 2 if pick == "ordered" else list(axb.numbers[:2]))


# Life


def test_a_binding_ends_at_the_exact_second(control: Control, axb: Subject) -> None:
    """Decision 158: from that second on neither query, modify nor unbind find it."""
    bound = axb.bound(duration=60)
    control.advance(59)
    assert axb.alive(bound)
    control.advance(1)
    assert axb.query(subscriptionId=bound).outcome == GONE
    assert axb.query(relationNum=axb.x).outcome == GONE
    assert axb.modify(bound, duration=60).outcome == GONE
    assert axb.unbind(subscriptionId=bound).outcome == GONE


def test_parties_can_be_bound_again_at_once_after_expiry(control: Control, axb: Subject) -> None:
    axb.bound(duration=60)
    control.advance(60)
    assert axb.bind().outcome == OK


def test_parties_can_be_bound_again_at_once_after_unbind(axb: Subject) -> None:
    """C-041: X reusable after unbind."""
    axb.unbind(subscriptionId=axb.bound())
    assert axb.bind().outcome == OK


@pytest.mark.parametrize("duration", [LEFT_OUT, 0])
def test_without_duration_a_binding_lives_for_ever(control: Control, axb: Subject, duration: Any) -> None:
    bound = axb.bound(duration=duration)
    control.advance(400 * 86_400)
    assert axb.alive(bound)


# Unbind


def test_unbind_by_id_removes_exactly_that_binding(axb: Subject) -> None:
    """C-016."""
    first, second = axb.bound(), axb.bound(callerNum=C, calleeNum=D)
    answer = axb.unbind(subscriptionId=first)
    assert answer.json == {"resultcode": "0", "resultdesc": "Success"}
    assert [row["subscriptionId"] for row in axb.rows(relationNum=axb.x)] == [second]


@pytest.mark.parametrize("beside", ["123", "", "the X itself"])
def test_unbind_the_id_wins_over_the_x(axb: Subject, beside: str) -> None:
    """axb.md §3: `relationNum` is then not looked at, and above all removes nothing."""
    first = axb.bound()
    axb.bound(callerNum=C, calleeNum=D)
    x = axb.x if beside == "the X itself" else beside
    assert axb.unbind(subscriptionId=first, relationNum=x).outcome == OK
    assert len(axb.rows(relationNum=axb.x)) == 1


def test_unbind_an_unknown_id_beside_an_x_removes_nothing(axb: Subject) -> None:
    bound = axb.bound()
    assert axb.unbind(subscriptionId=UNKNOWN_ID, relationNum=axb.x).outcome == GONE
    assert axb.alive(bound)


@pytest.mark.destructive
@pytest.mark.parametrize("beside", [{}, {"subscriptionId": ""}])
def test_unbind_by_x_alone_wipes_the_x(axb: Subject, beside: dict[str, str]) -> None:
    """Documented: an empty `subscriptionId` counts as absent (decision 106; C-016)."""
    axb.bound()
    axb.bound(callerNum=C, calleeNum=D)
    kept = axb.bound(relationNum=axb.numbers[1])
    assert axb.unbind(relationNum=axb.x, **beside).outcome == OK
    assert axb.query(relationNum=axb.x).outcome == GONE
    assert axb.alive(kept)


def test_unbind_needs_a_locator(axb: Subject) -> None:
    assert axb.unbind().outcome == INVALID
    assert axb.unbind(subscriptionId="").outcome == INVALID
    assert axb.unbind(callerNum=A).outcome == INVALID


def test_unbind_gone_already(axb: Subject) -> None:
    bound = axb.bound()
    assert [axb.unbind(subscriptionId=bound).outcome for _ in range(2)] == [OK, GONE]


def test_bindings_of_another_application_do_not_exist(
    account: Account, control: Control, axb: Subject
) -> None:
    """axb.md §3-§5."""
    bound, other = axb.bound(), control.other("AXB")
    assert other.unbind(subscriptionId=bound).outcome == GONE
    assert other.modify(bound, calleeNum=C).outcome == GONE
    assert other.query(subscriptionId=bound).outcome == GONE
    assert axb.alive(bound)
