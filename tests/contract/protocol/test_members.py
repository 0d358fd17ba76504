"""Every member of every request: needed or not, types, ranges, characters (numbers.md §1.2, §7).

C-010, C-014, C-023, C-024, C-025, C-029, C-067.
"""

from __future__ import annotations

from typing import Any

import pytest

from builders.contract import INVALID, LEFT_OUT, OK, A, Subject
from builders.contract_account import Account, Control
from builders.contract_members import MEMBERS, RANGES_IN_MINUTES, Member, tone
from builders.platform_requests import Answer

pytestmark = pytest.mark.contract("members and values")

EVERY = [(api, name, member) for api, members in MEMBERS.items() for name, member in members.items()]
AREAS = {"ax.bind": "privateNum", "axe.bind": "virtualNum"}
"""Where areaMatchMode belongs to areaCode: the member that names an X instead."""


def members(which: str) -> pytest.MarkDecorator:
    """One test per member that has values of that kind."""
    chosen = [(api, name, member) for api, name, member in EVERY if getattr(member, which)]
    return pytest.mark.parametrize(
        ("api", "name", "member"), chosen, ids=[f"{api}-{name}" for api, name, _ in chosen]
    )


def outcomes(
    account: Account, subject: Subject, api: str, name: str, values: tuple[Any, ...], **others: Any
) -> dict[str, Answer]:
    """What each value is answered, each on a fresh binding."""
    found = {}
    for value in values:
        found[repr(value)] = subject.call(api, {**subject.valid(api), **others}, **{name: value})
        account.tidy_bindings()
    return found


def codes(answers: dict[str, Answer]) -> dict[str, tuple[int, str | None]]:
    return {value: answer.outcome for value, answer in answers.items()}


@members("good")
def test_values_of_its_type_and_range_are_accepted(
    account: Account, subject: Subject, api: str, name: str, member: Member
) -> None:
    answers = outcomes(account, subject, api, name, member.good)
    assert codes(answers) == dict.fromkeys(answers, OK)


@members("bad")
def test_values_outside_type_or_range_are_refused(
    account: Account, subject: Subject, api: str, name: str, member: Member
) -> None:
    answers = outcomes(account, subject, api, name, member.bad)
    assert codes(answers) == dict.fromkeys(answers, INVALID)


@members("bad")
def test_the_refusal_names_the_member(
    account: Account, control: Control, subject: Subject, api: str, name: str, member: Member
) -> None:
    """result-codes.md §3, last paragraph."""
    [answer] = outcomes(account, subject, api, name, member.bad[:1]).values()
    assert answer.json["resultdesc"] == f"Invalid request.{name} is invalid."


@members("deployed")
def test_forms_of_deployed_clients_pass_in_lenient(
    account: Account, control: Control, subject: Subject, api: str, name: str, member: Member
) -> None:
    """Decisions 42 to 44, 49, 56, 58."""
    answers = outcomes(account, subject, api, name, member.deployed)
    assert codes(answers) == dict.fromkeys(answers, OK)


@members("deployed")
def test_forms_of_deployed_clients_are_refused_in_strict(
    account: Account, control: Control, subject: Subject, api: str, name: str, member: Member
) -> None:
    """Decisions 42 to 44, 49, 56, 58."""
    control.strict()
    answers = outcomes(account, subject, api, name, member.deployed)
    assert codes(answers) == dict.fromkeys(answers, INVALID)


@members("good")
def test_documented_values_pass_in_strict(
    account: Account, control: Control, subject: Subject, api: str, name: str, member: Member
) -> None:
    control.strict()
    unaccompanied = {"areaCode", "privateNumType"} if api == "ax.bind" else set()
    if name in unaccompanied:
        answers = outcomes(
            account, subject, api, name, member.good, areaCode="0755", privateNumType="mobile-virtual"
        )
    else:
        answers = outcomes(account, subject, api, name, member.good)
    assert codes(answers) == dict.fromkeys(answers, OK)


@members("needed")
def test_a_needed_member_counts_as_absent_when_null_or_empty(
    account: Account, subject: Subject, api: str, name: str, member: Member
) -> None:
    """C-037; decision 40."""
    absent = (LEFT_OUT, "") if api == "axyb.unbind" else (LEFT_OUT, None, "")
    answers = outcomes(account, subject, api, name, absent)
    assert codes(answers) == dict.fromkeys(answers, INVALID)
    if account.emulated:
        texts = {answer.json["resultdesc"] for answer in answers.values()}
        assert texts == {f"Invalid request.{name} is missing."}


OPTIONAL = {
    api: [name for name, member in found.items() if not member.needed and member.good]
    for api, found in MEMBERS.items()
}


@pytest.mark.parametrize("api", [api for api, names in OPTIONAL.items() if names])
@pytest.mark.parametrize("absent", [None, ""], ids=["null", "empty"])
def test_optional_members_count_as_absent_when_null_or_empty(subject: Subject, api: str, absent: Any) -> None:
    """Decision 40. AXE modify, where an empty call-back clears, has its own test."""
    names = [name for name in OPTIONAL[api] if not (api == "axe.modify" and name.startswith("callback"))]
    values = subject.valid(api)
    answer = subject.call(api, {**dict.fromkeys(names, absent), **values})
    assert answer.outcome == OK


@pytest.mark.parametrize("api", list(MEMBERS))
def test_unknown_members_are_ignored_and_names_are_case_sensitive(subject: Subject, api: str) -> None:
    """Decision 41; numbers.md §7.1."""
    values = subject.valid(api)
    known = next(iter(MEMBERS[api]))
    answer = subject.call(api, values, somethingElse="1", **{known.upper(): "no such thing"})
    assert answer.outcome == OK


@pytest.mark.parametrize(
    ("api", "name", "member"),
    [(api, name, member) for api in ("axe.bind", "axe.modify") for name, member in RANGES_IN_MINUTES.items()],
)
def test_axe_times_have_another_range_in_minutes(
    account: Account, subject: Subject, api: str, name: str, member: Member
) -> None:
    good = outcomes(account, subject, api, name, member.good, timeUnit="1")
    bad = outcomes(account, subject, api, name, member.bad, timeUnit="1")
    assert codes({**good, **bad}) == {**dict.fromkeys(good, OK), **dict.fromkeys(bad, INVALID)}


@pytest.mark.parametrize("api", ["ax.bind", "axb.bind", "axb.modify"])
@pytest.mark.parametrize("name", ["callerHintTone", "calleeHintTone"])
def test_tones_before_connection_are_file_names(
    account: Account, subject: Subject, api: str, name: str
) -> None:
    answers = {}
    for value in (*tone().good, "", None, *tone().bad):
        answers[repr(value)] = subject.call(api, subject.valid(api), preVoice={name: value})
        account.tidy_bindings()
    accepted = {repr(value) for value in (*tone().good, "", None)}
    assert codes(answers) == {value: OK if value in accepted else INVALID for value in answers}


@pytest.mark.parametrize("api", ["ax.bind", "axb.bind", "axb.modify"])
@pytest.mark.parametrize("value", ["tone.wav", ["tone.wav"], 1, True])
def test_tones_before_connection_come_as_an_object(subject: Subject, api: str, value: Any) -> None:
    assert subject.call(api, subject.valid(api), preVoice=value).outcome == INVALID


TONES = [
    *((api, name) for api, name, _ in EVERY if name in {"recordHintTone", "lastMinVoice"}),
    *(("axe.bind", name) for name in ("callbackTone",)),
    ("axe.modify", "callbackTone"),
    ("axyb.bind", "preVoiceX"),
    ("axyb.bind", "preVoiceY"),
    ("axyb.bind_yb", "preVoiceY"),
]


@pytest.mark.parametrize(("api", "name"), TONES)
def test_a_tone_must_have_been_uploaded(control: Control, subject: Subject, api: str, name: str) -> None:
    """C-066; numbers.md §7.3."""
    control.application(subject, voice_files=["known.wav"])
    values = subject.valid(api)
    unknown = subject.call(api, values, **{name: "lastMinVoice.wav"})
    assert unknown.outcome == INVALID
    assert unknown.json["resultdesc"] == "Invalid request.lastMinVoice.wav does not exist."
    assert subject.call(api, values, **{name: "known.wav"}).outcome == OK


@pytest.mark.parametrize("api", list(AREAS))
def test_area_match_mode_belongs_to_area_code_in_strict_only(
    control: Control, subject: Subject, api: str
) -> None:
    """Decision 76."""
    assert subject.call(api, subject.valid(api), areaMatchMode="1").outcome == OK
    control.strict()
    assert subject.call(api, subject.valid(api), areaMatchMode="1").outcome == INVALID


def test_the_number_type_accompanies_an_area_in_strict_only(control: Control, ax: Subject) -> None:
    """Decision 75."""
    assert ax.call("ax.bind", origNum=A, areaCode="0755").outcome == OK
    control.strict()
    assert ax.call("ax.bind", origNum=A, areaCode="0755").outcome == INVALID
    answer = ax.call("ax.bind", origNum=A, areaCode="0755", privateNumType="mobile-virtual")
    assert answer.outcome == OK


def test_validation_of_numbers_can_be_set_alone(control: Control, axb: Subject) -> None:
    control.settings(numbers={"validation": "strict"})
    assert axb.bind(calleeNum="13800138009").outcome == INVALID
    assert axb.bind(duration="60").outcome == OK


@pytest.mark.parametrize("api", ["axb.bind", "ax.bind", "axe.bind", "axyb.bind"])
@pytest.mark.parametrize("user_data", ['{"order":1}', "订单"])
def test_odd_user_data_is_noted(control: Control, subject: Subject, api: str, user_data: str) -> None:
    """Decision 49."""
    subject.call(api, subject.valid(api), userData=user_data)
    [entry] = control.admin.requests(api=api, noted="true")
    assert "userData" in entry["notes"][0]
