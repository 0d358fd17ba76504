"""What a suspended, unavailable or frozen X still allows, in every mode (numbers.md §3; C-033, C-097)."""

from __future__ import annotations

import pytest

from builders.contract import OK, A, C, Subject
from builders.contract_account import Control

pytestmark = pytest.mark.contract("number states")

ABNORMAL = (403, "1012102")
NO_ROOM = (403, "1012008")
STATES = [("5", None), ("9", None), ("10", "3"), ("11", None)]
MODES = ["AX", "AXB", "AXE"]


def x_of(subject: Subject, subscription_id: str) -> str:
    row = subject.row(subscription_id)
    found: str = row.get("numX", subject.x)
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("status", "cause"), STATES)
def test_bind_on_a_named_x(
    control: Control, subject: Subject, mode: str, status: str, cause: str | None
) -> None:
    control.state(subject.x, status, cause)
    answer = subject.bind()
    assert answer.outcome == (OK if status == "5" else ABNORMAL)
    if status != "5":
        assert answer.json["resultdesc"] == "The number status is abnormal."


@pytest.mark.parametrize("mode", [*MODES, "AXYB"])
@pytest.mark.parametrize(("status", "cause"), STATES)
def test_the_choice_by_area_takes_state_5_only(
    control: Control, subject: Subject, mode: str, status: str, cause: str | None
) -> None:
    for x in subject.numbers:
        control.state(x, status, cause)
    parties = {"AX": ["origNum"], "AXB": ["callerNum", "calleeNum"], "AXE": ["bindNum"], "AXYB": ["origNum"]}
    values = dict(zip(parties[mode], (A, C), strict=False))
    answer = subject.call(f"{subject.family}.bind", values, areaCode=subject.area)
    assert answer.outcome == (OK if status == "5" else NO_ROOM)


@pytest.mark.parametrize("api", ["ax.modify", "axb.modify", "axe.modify", "ax.set_callee"])
@pytest.mark.parametrize(("status", "cause"), STATES)
def test_modify_and_set_callee(
    control: Control, subject: Subject, api: str, status: str, cause: str | None
) -> None:
    values = {**subject.valid(api), **({} if api == "ax.set_callee" else {"recordFlag": "false"})}
    control.state(subject.x, status, cause)
    assert subject.call(api, values).outcome == (ABNORMAL if status in {"9", "10"} else OK)


@pytest.mark.parametrize("mode", [*MODES, "AXYB"])
@pytest.mark.parametrize(("status", "cause"), STATES)
def test_unbind_works_in_every_state_but_for_ax(
    control: Control, subject: Subject, mode: str, status: str, cause: str | None
) -> None:
    """Decision 64."""
    bound = subject.bound()
    control.state(x_of(subject, bound), status, cause)
    refused = mode == "AX" and status in {"9", "10"}
    assert subject.unbind(subscriptionId=bound).outcome == (ABNORMAL if refused else OK)
    control.state(subject.x, "5")
    assert subject.alive(bound) == refused


@pytest.mark.parametrize("mode", [*MODES, "AXYB"])
@pytest.mark.parametrize(("status", "cause"), STATES)
def test_query_works_in_every_state(
    control: Control, subject: Subject, mode: str, status: str, cause: str | None
) -> None:
    bound = subject.bound()
    control.state(x_of(subject, bound), status, cause)
    assert subject.query(subscriptionId=bound).outcome == OK


@pytest.mark.parametrize("mode", [*MODES, "AXYB"])
def test_a_deleted_number_loses_its_bindings(control: Control, subject: Subject, mode: str) -> None:
    """numbers.md §3: unsubscription."""
    bound = subject.bound()
    control.state(x_of(subject, bound), "10", "1")
    assert not subject.alive(bound)


@pytest.mark.parametrize("mode", [*MODES, "AXYB"])
def test_a_number_that_works_again_takes_bindings_again(
    control: Control, subject: Subject, mode: str
) -> None:
    for x in subject.numbers:
        control.state(x, "9")
        control.state(x, "5")
    assert subject.bind().outcome == OK


@pytest.mark.parametrize("mode", [*MODES, "AXYB"])
def test_arrears_refuse_every_api_until_some_minutes_after_the_payment(
    control: Control, subject: Subject, mode: str
) -> None:
    """C-034, C-075; decisions 31 and 66: queries included."""
    bound = subject.bound()
    control.admin.arrears(True)
    apis = ["bind", "unbind", "query", *(["modify"] if mode != "AXYB" else [])]
    frozen = {
        api: subject.call(f"{subject.family}.{api}", {"subscriptionId": bound, "origNum": A}).outcome
        for api in apis
    }
    assert frozen == dict.fromkeys(apis, (403, "1010029"))
    control.admin.arrears(False)
    control.advance(599)
    assert subject.query(subscriptionId=bound).outcome == (403, "1010029")
    control.advance(1)
    assert subject.query(subscriptionId=bound).outcome == OK
