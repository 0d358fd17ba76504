"""The AXB API as the platform answers it: every row of the check tables, in order (axb.md §2-§5; C-003)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from builders.emulator import APP_KEY, LANDLINE, X1, X2, X3, A, B, C, D
from builders.platform_requests import AXB, FOREIGN_X, OTHER_KEY, OTHER_SECRET, Answer, EmulatedApi
from emulator.world import AxbBinding, NumberStatus

Build = Callable[..., EmulatedApi]
UNKNOWN_X = "+8617010000077"
INVALID = (403, "1010002")
GONE = (403, "1012007")
OK = (200, "0")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def state(api: EmulatedApi, x: str, status: str, cause: str | None = None) -> None:
    api.world.set_number_status(x, NumberStatus(status), cause, api.now)


# Bind: the answer


def test_bind_answers_with_the_effective_values(api: EmulatedApi) -> None:
    answer = api.bind(callDirection=1, duration=7200, maxDuration=60)
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
        "relationNum": X1,
        "callDirection": 1,
        "duration": 7200,
        "maxDuration": 60,
    }
    assert UUID.fullmatch(answer.json["subscriptionId"])
    assert answer.headers["content-type"] == "application/json;charset=utf-8"


def test_bind_answers_duration_and_the_others_also_when_not_sent(api: EmulatedApi) -> None:
    """Decision 99: deployed clients fail without `duration`."""
    answer = api.bind()
    assert [answer.json[name] for name in ("callDirection", "duration", "maxDuration")] == [0, 0, 0]


def test_ids_repeat_with_the_seed(build: Build) -> None:
    assert build(seed=5).bound() == build(seed=5).bound()
    assert build(seed=5).bound() != build(seed=6).bound()


def test_bind_stores_what_was_sent(api: EmulatedApi) -> None:
    bound = api.bound(
        callDirection=2,
        duration=60,
        recordFlag="true",
        recordHintTone="rec.wav",
        maxDuration=9,
        lastMinVoice="last.wav",
        privateSms="false",
        preVoice={"callerHintTone": "a.wav", "calleeHintTone": "b.wav"},
        userData="order-1001",
    )
    stored = api.stored(bound)
    assert (stored.a, stored.b, stored.x, stored.direction) == (A, B, X1, 2)
    assert (stored.duration, stored.max_duration, stored.record, stored.private_sms) == (60, 9, True, False)
    assert (stored.record_hint_tone, stored.last_min_voice) == ("rec.wav", "last.wav")
    assert (stored.caller_hint_tone, stored.callee_hint_tone) == ("a.wav", "b.wav")
    assert stored.user_data == "order-1001"


# Bind, row 1


@pytest.mark.parametrize("name", ["callerNum", "calleeNum"])
@pytest.mark.parametrize("value", [None, "", "absent"])
def test_bind_row_1_both_parties_are_needed(api: EmulatedApi, name: str, value: Any) -> None:
    """C-037; `null` and the empty string count as absent (decision 40)."""
    body = {"callerNum": A, "calleeNum": B, "relationNum": X1, name: value}
    if value == "absent":
        del body[name]
    answer = api.send("POST", body=body)
    assert answer.outcome == INVALID
    assert answer.json["resultdesc"] == f"Invalid request.{name} is missing."


@pytest.mark.parametrize("name", ["callerNum", "calleeNum"])
@pytest.mark.parametrize(
    "number",
    [
        "+86",
        "+86" + "1" * 29,
        "abc",
        "+8613800138OO1",
        "+85212345678",
        "+864001001380",
        "+8695500",
        "4001001380",
    ],
)
def test_bind_row_1_numbers_no_platform_accepts(api: EmulatedApi, name: str, number: str) -> None:
    """C-029; numbers.md §1.2, first three rows; decision 57."""
    answer = api.send("POST", body={"callerNum": A, "calleeNum": B, "relationNum": X1, name: number})
    assert answer.outcome == INVALID
    assert answer.json["resultdesc"] == f"Invalid request.{name} is invalid."


@pytest.mark.parametrize("number", ["13800138009", "075520000001", "+8613800138", "+86075520000001"])
def test_bind_row_1_badly_formed_digits_pass_in_lenient_only(build: Build, number: str) -> None:
    """Decision 56: bound, and failing at call time."""
    assert build().bind(b=number).outcome == OK
    assert build(strictness="strict").bind(b=number).outcome == INVALID


def test_validation_of_numbers_can_be_set_alone(build: Build) -> None:
    assert build(numbers={"validation": "strict"}).bind(b="13800138009").outcome == INVALID


def test_landlines_can_be_bound_even_on_both_sides(api: EmulatedApi) -> None:
    """Decision 98; C-010."""
    assert api.bind(LANDLINE, "+861062000001").outcome == OK


def test_bind_row_1_a_equals_b(api: EmulatedApi) -> None:
    assert api.bind(A, A).outcome == INVALID


@pytest.mark.parametrize("parties", [(X1, B), (A, X1)])
def test_bind_row_1_x_equals_a_party(api: EmulatedApi, parties: tuple[str, str]) -> None:
    assert api.bind(*parties).outcome == INVALID


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("callDirection", 3),
        ("callDirection", -1),
        ("callDirection", "one"),
        ("callDirection", 1.5),
        ("callDirection", True),
        ("callDirection", [1]),
        ("duration", 7_776_001),
        ("duration", -1),
        ("duration", "-1"),
        ("duration", "+60"),
        ("duration", 60.0),
        ("duration", "60.0"),
        ("duration", {}),
        ("maxDuration", 1441),
        ("maxDuration", "x"),
        ("recordFlag", "yes"),
        ("recordFlag", 2),
        ("recordFlag", 1.0),
        ("recordFlag", []),
        ("privateSms", "on"),
        ("recordHintTone", "a" * 129),
        ("recordHintTone", "to ne.wav"),
        ("recordHintTone", "tone/../x.wav"),
        ("lastMinVoice", "ton\u00e9.wav"),
        ("lastMinVoice", True),
        ("preVoice", "tone.wav"),
        ("preVoice", ["tone.wav"]),
        ("userData", "a" * 257),
        ("userData", {"a": 1}),
        ("userData", "half a character \ud800"),
        ("areaCode", "0" * 33),
        ("areaMatchMode", "2"),
        ("areaMatchMode", 2),
        ("relationNum", "+86"),
        ("relationNum", "+" * 32),
    ],
)
def test_bind_row_1_values_outside_type_or_range(api: EmulatedApi, name: str, value: Any) -> None:
    """numbers.md §7.2."""
    answer = api.bind(**{name: value}) if name != "relationNum" else api.bind(x=value)
    assert answer.outcome == INVALID
    assert answer.json["resultdesc"] == f"Invalid request.{name} is invalid."


@pytest.mark.parametrize("member", ["callerHintTone", "calleeHintTone"])
def test_bind_row_1_bad_members_of_pre_voice(api: EmulatedApi, member: str) -> None:
    answer = api.bind(preVoice={member: "no good.wav"})
    assert answer.json["resultdesc"] == f"Invalid request.{member} is invalid."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("duration", 7_776_000),
        ("duration", 0),
        ("maxDuration", 1440),
        ("callDirection", 2),
        ("userData", "a" * 256),
    ],
)
def test_bind_accepts_the_limits(api: EmulatedApi, name: str, value: Any) -> None:
    assert api.bind(**{name: value}).outcome == OK


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recordFlag", True),
        ("recordFlag", "TRUE"),
        ("recordFlag", 1),
        ("privateSms", False),
        ("privateSms", 0),
        ("duration", "3600"),
        ("maxDuration", "10"),
        ("callDirection", "1"),
        ("areaMatchMode", 1),
        ("userData", 12345),
        ("areaCode", "755"),
    ],
)
def test_deployed_forms_of_values_pass_in_lenient_only(build: Build, name: str, value: Any) -> None:
    """Decisions 42-44, 58."""
    assert build().bind(**{name: value}).outcome == OK
    assert build(strictness="strict").bind(**{name: value}).outcome == INVALID


@pytest.mark.parametrize("user_data", ['{"order":1}', "a^b", "}", "订单"])
def test_user_data_of_deployed_clients_passes_in_lenient_with_a_note(build: Build, user_data: str) -> None:
    """Decision 49."""
    lenient = build()
    assert lenient.bind(userData=user_data).outcome == OK
    assert any("userData" in note for note in lenient.notes())
    assert build(strictness="strict").bind(userData=user_data).outcome == INVALID


def test_unknown_members_are_ignored(api: EmulatedApi) -> None:
    assert api.bind(somethingElse={"deep": [1]}, CALLERNUM="x").outcome == OK


def test_empty_optional_members_count_as_absent(api: EmulatedApi) -> None:
    """Decision 40."""
    answer = api.bind(duration="", recordFlag="", lastMinVoice="", preVoice="", userData="", callDirection="")
    assert answer.outcome == OK
    assert api.stored(answer.json["subscriptionId"]).user_data is None


def test_bind_row_1_a_tone_that_does_not_exist(api: EmulatedApi) -> None:
    """C-066; numbers.md §7.3."""
    api.put_application(voice_files=frozenset({"known.wav"}))
    assert api.bind(lastMinVoice="known.wav").outcome == OK
    answer = api.bind(C, D, lastMinVoice="lastMinVoice.wav")
    assert answer.outcome == INVALID
    assert answer.json["resultdesc"] == "Invalid request.lastMinVoice.wav does not exist."


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b'"text"', b"{", b"callerNum=1", b"\xff\xfe{}", b"[" * 9999]
)
def test_a_body_that_is_no_object_is_refused(api: EmulatedApi, content: bytes) -> None:
    """Decision 48."""
    assert api.send("POST", content=content).outcome == INVALID


def test_a_body_over_64_kib_is_refused(api: EmulatedApi) -> None:
    assert api.bind(padding="x" * 60_000).outcome == OK
    assert api.bind(C, D, padding="x" * 66_000).outcome == INVALID


def test_a_byte_order_mark_is_skipped(api: EmulatedApi) -> None:
    content = f'{{"callerNum":"{A}","calleeNum":"{B}","relationNum":"{X1}"}}'.encode("utf-8-sig")
    assert api.send("POST", content=content).outcome == OK


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_the_content_type_matters_in_strict_only(build: Build, content_type: str) -> None:
    """Decision 45."""
    outcomes = []
    for strictness in ("lenient", "strict"):
        api = build(strictness=strictness)
        headers = {**api.signed(), "Content-Type": content_type}
        body = {"callerNum": A, "calleeNum": B, "relationNum": X1}
        outcomes.append(api.send("POST", body=body, headers=headers).outcome)
    assert outcomes == [OK, INVALID]


def test_parameters_of_a_post_are_not_read_from_the_query(api: EmulatedApi) -> None:
    answer = api.send("POST", f"{AXB}?callerNum=%2B8613800138001", body={"calleeNum": B, "relationNum": X1})
    assert answer.outcome == INVALID


# Bind, rows 2 to 9


def test_bind_row_2_recording_needs_the_application(api: EmulatedApi) -> None:
    api.put_application(recording=False)
    answer = api.bind(recordFlag="true", recordHintTone="rec.wav")
    assert answer.outcome == (403, "1012012")
    assert answer.json["resultdesc"] == "Application does not open recording function"
    assert api.bind(recordFlag="false", recordHintTone="rec.wav").outcome == OK


def test_bind_row_1_comes_before_row_2(api: EmulatedApi) -> None:
    api.put_application(recording=False)
    assert api.bind(A, A, recordFlag="true").outcome == INVALID


def test_bind_row_3_an_unknown_x(api: EmulatedApi) -> None:
    """Decision 94."""
    answer = api.bind(x=UNKNOWN_X)
    assert answer.outcome == GONE
    assert answer.json["resultdesc"] == "The record does not exist."


def test_bind_row_2_comes_before_row_3(api: EmulatedApi) -> None:
    api.put_application(recording=False)
    assert api.bind(x=UNKNOWN_X, recordFlag="true").code == "1012012"


@pytest.mark.parametrize("x", ["17010000001", "+8675520000009"])
def test_a_badly_formed_x_is_simply_unknown(api: EmulatedApi, x: str) -> None:
    assert api.bind(x=x).outcome == GONE


def test_bind_row_4_an_x_of_another_application(api: EmulatedApi) -> None:
    """C-031."""
    answer = api.bind(x=FOREIGN_X)
    assert answer.outcome == (403, "1012001")
    assert answer.json["resultdesc"] == "Resource of number is not to be applied."


@pytest.mark.parametrize(("status", "cause"), [("9", None), ("10", "3"), ("10", "1"), ("11", None)])
def test_bind_row_5_x_in_a_state_that_takes_no_bindings(
    api: EmulatedApi, status: str, cause: str | None
) -> None:
    """C-033."""
    state(api, X1, status, cause)
    answer = api.bind()
    assert answer.outcome == (403, "1012102")
    assert answer.json["resultdesc"] == "The number status is abnormal."


def test_bind_row_4_comes_before_row_5(api: EmulatedApi) -> None:
    state(api, FOREIGN_X, "9")
    assert api.bind(x=FOREIGN_X).code == "1012001"


def test_bind_row_5_comes_before_row_6(api: EmulatedApi) -> None:
    api.bound()
    state(api, X1, "11")
    assert api.bind().code == "1012102"


@pytest.mark.parametrize("pair", [(A, B), (B, A), (A, C), (C, A), (B, C), (C, B)])
def test_bind_row_6_a_party_stands_on_x_once_in_any_role(api: EmulatedApi, pair: tuple[str, str]) -> None:
    """C-041: A-X-B and B-X-C may not coexist; a repetition is refused, never answered."""
    api.bound(A, B)
    answer = api.bind(*pair)
    assert answer.outcome == (403, "1012010")
    assert answer.json["resultdesc"] == "The relation number has been bound."


def test_pairs_without_a_common_party_share_an_x(api: EmulatedApi) -> None:
    """C-041: A-X-B and C-X-D may coexist."""
    api.bound(A, B)
    assert api.bind(C, D).outcome == OK


def test_the_same_parties_may_stand_on_another_x(api: EmulatedApi) -> None:
    api.bound(A, B, X1)
    assert api.bind(A, C, X2).outcome == OK
    assert api.bind(A, B, X3).outcome == OK


def test_bind_row_7_a_full_x(build: Build) -> None:
    api = build(limits={"axb_pairs_per_x": 2})
    api.bound(A, B)
    api.bound(C, D)
    answer = api.bind("+8613800138005", "+8613800138006")
    assert answer.outcome == (403, "1012009")
    assert answer.json["resultdesc"] == "Maximum number of resources exceeded."


def test_bind_row_6_comes_before_row_7(build: Build) -> None:
    """Decision 95: conflict first."""
    api = build(limits={"axb_pairs_per_x": 1})
    api.bound(A, B)
    assert api.bind(A, C).code == "1012010"


def test_an_x_carries_5000_pairs(build: Build) -> None:
    """Decision 70."""
    api = build()
    for number in range(4999):
        a, b = f"+8613900{number:06d}", f"+8615900{number:06d}"
        api.world.add_axb(AxbBinding(f"pair-{number}", APP_KEY, X1, a, b, api.now))
    assert api.bind(A, B).outcome == OK
    assert api.bind(C, D).outcome == (403, "1012009")


def test_bind_row_8_the_daily_limit_of_a_number(build: Build) -> None:
    """Decision 72; the day is a Beijing day, the clock starts at 09:00 there."""
    api = build(limits={"binds_per_number_per_day": 2})
    api.bound(A, B, X1)
    api.bound(A, C, X2)
    assert api.bind(A, D, X3).outcome == (403, "1020178")
    assert api.bind(D, "+8613800138005", X3).outcome == OK
    api.advance(15 * 3600)
    assert api.bind(A, D, X3).code == "1012010"
    assert api.bind(A, "+8613800138006", X3).outcome == OK


def test_bind_row_7_comes_before_row_8(build: Build) -> None:
    api = build(limits={"binds_per_number_per_day": 1, "axb_pairs_per_x": 1})
    api.bound(A, B)
    api.bound(C, D, X2)
    assert api.bind(C, "+8613800138005", X1).code == "1012009"


def test_bind_row_9_no_x_available(build: Build) -> None:
    api = build(limits={"axb_pairs_per_x": 1})
    for number, x in enumerate((X1, X2, X3)):
        api.bound(f"+861390013800{number}", f"+861590013800{number}", x)
    answer = api.bind(x=None)
    assert answer.outcome == (403, "1012008")
    assert answer.json["resultdesc"] == "Insufficient number of resources"


def test_bind_row_8_comes_before_row_9(build: Build) -> None:
    api = build(limits={"binds_per_number_per_day": 1})
    api.bound(A, B)
    assert api.bind(A, C, x=None, areaCode="0999").code == "1020178"


def test_a_refused_bind_binds_nothing(api: EmulatedApi) -> None:
    api.bound(A, B)
    api.bind(B, C)
    api.bind(C, D, UNKNOWN_X)
    assert len(list(api.world.all_axb(api.now))) == 1


# Bind: choice of X by area


def test_the_platform_chooses_by_area_code(api: EmulatedApi) -> None:
    """C-013, C-014."""
    answer = api.bind(x=None, areaCode="0755")
    assert answer.outcome == OK
    assert answer.json["relationNum"] in {X1, X2, X3}


def test_a_named_x_wins_over_the_area(api: EmulatedApi) -> None:
    assert api.bind(x=X2, areaCode="010").json["relationNum"] == X2


def test_strict_match_finds_no_x_of_another_city(api: EmulatedApi) -> None:
    assert api.bind(x=None, areaCode="010").outcome == (403, "1012008")


def test_non_strict_match_takes_any(api: EmulatedApi) -> None:
    assert api.bind(x=None, areaCode="010", areaMatchMode="1").outcome == OK


def test_without_x_and_area_the_area_of_a_counts(build: Build) -> None:
    assert build().bind(LANDLINE, x=None).outcome == OK
    assert build().bind("+861062000001", x=None).outcome == (403, "1012008")


def test_the_choice_skips_numbers_that_carry_a_party(api: EmulatedApi) -> None:
    """Decision 96."""
    chosen = {api.bind(A, other, x=None).json["relationNum"] for other in (B, C, D)}
    assert chosen == {X1, X2, X3}
    assert api.bind(A, "+8613800138005", x=None).outcome == (403, "1012008")


# Life


def test_a_binding_ends_at_the_exact_second(api: EmulatedApi) -> None:
    """Decision 158: from that second on neither query, modify nor unbind find it."""
    bound = api.bound(duration=60)
    api.advance(59)
    assert api.query(subscriptionId=bound).outcome == OK
    api.advance(1)
    assert api.query(subscriptionId=bound).outcome == GONE
    assert api.query(relationNum=X1).outcome == GONE
    assert api.modify(bound, duration=60).outcome == GONE
    assert api.unbind(subscriptionId=bound).outcome == GONE


def test_parties_can_be_bound_again_at_once_after_expiry_and_unbind(api: EmulatedApi) -> None:
    """C-041: X reusable after unbind."""
    api.bound(duration=60)
    api.advance(60)
    again = api.bound()
    api.unbind(subscriptionId=again)
    assert api.bind().outcome == OK


def test_without_duration_a_binding_lives_for_ever(api: EmulatedApi) -> None:
    bound = api.bound()
    api.advance(400 * 86_400)
    assert api.query(subscriptionId=bound).outcome == OK


# Unbind


def test_unbind_by_id_removes_exactly_that_binding(api: EmulatedApi) -> None:
    """C-016."""
    first, second = api.bound(A, B), api.bound(C, D)
    answer = api.unbind(subscriptionId=first)
    assert answer.json == {"resultcode": "0", "resultdesc": "Success"}
    assert [row["subscriptionId"] for row in api.rows(relationNum=X1)] == [second]


def test_unbind_the_id_wins_over_the_x(api: EmulatedApi) -> None:
    first = api.bound(A, B)
    api.bound(C, D)
    assert api.unbind(subscriptionId=first, relationNum=FOREIGN_X).outcome == OK
    assert len(api.rows(relationNum=X1)) == 1


@pytest.mark.parametrize("query", [{"relationNum": X1}, {"subscriptionId": "", "relationNum": X1}])
def test_unbind_by_x_alone_wipes_the_x_and_warns(api: EmulatedApi, query: dict[str, str]) -> None:
    """Documented: an empty `subscriptionId` counts as absent (decision 106; C-016)."""
    api.bound(A, B)
    api.bound(C, D)
    kept = api.bound(A, B, X2)
    assert api.unbind(**query).outcome == OK
    assert [binding.subscription_id for binding in api.world.all_axb(api.now)] == [kept]
    [warned] = api.emulator.journal.entries(noted=True)
    assert warned.notes == ("relationNum without subscriptionId removed every binding of the X: 2",)


def test_unbind_row_1_needs_a_locator_in_the_query(api: EmulatedApi) -> None:
    """Decision 39: a body on DELETE does not count."""
    bound = api.bound()
    assert api.send("DELETE").outcome == INVALID
    assert api.send("DELETE", body={"subscriptionId": bound}).outcome == INVALID
    assert api.unbind(subscriptionId="").outcome == INVALID
    assert api.query(subscriptionId=bound).outcome == OK


def test_a_body_on_get_and_delete_is_ignored(api: EmulatedApi) -> None:
    bound = api.bound()
    content = b"not json at all" * 10
    assert api.send("GET", f"{AXB}?subscriptionId={bound}", content=content).outcome == OK
    assert api.send("DELETE", f"{AXB}?subscriptionId={bound}", content=content).outcome == OK


@pytest.mark.parametrize(
    "query", [{"subscriptionId": "a" * 65}, {"relationNum": "+86"}, {"relationNum": "1" * 32}]
)
def test_unbind_row_1_values_out_of_range(api: EmulatedApi, query: dict[str, str]) -> None:
    assert api.unbind(**query).outcome == INVALID


def test_unbind_row_2_an_x_of_another_application(api: EmulatedApi) -> None:
    assert api.unbind(relationNum=FOREIGN_X).outcome == (403, "1012001")


@pytest.mark.parametrize(
    "query", [{"relationNum": UNKNOWN_X}, {"relationNum": X1}, {"subscriptionId": "unknown"}]
)
def test_unbind_row_3_nothing_there(api: EmulatedApi, query: dict[str, str]) -> None:
    """C-036."""
    assert api.unbind(**query).outcome == GONE


def test_unbind_row_3_gone_already(api: EmulatedApi) -> None:
    bound = api.bound()
    assert [api.unbind(subscriptionId=bound).outcome for _ in range(2)] == [OK, GONE]


def test_unbind_row_3_a_binding_of_another_application(api: EmulatedApi) -> None:
    bound = api.bound()
    headers = api.signed(app_key=OTHER_KEY, secret=OTHER_SECRET)
    answer = api.send("DELETE", f"{AXB}?subscriptionId={bound}", headers=headers)
    assert answer.outcome == GONE
    assert api.query(subscriptionId=bound).outcome == OK


@pytest.mark.parametrize("status", ["9", "10", "11"])
def test_unbind_works_in_every_state_of_x(api: EmulatedApi, status: str) -> None:
    """Decision 64."""
    bound = api.bound()
    state(api, X1, status, "3" if status == "10" else None)
    assert api.unbind(subscriptionId=bound).outcome == OK


# Modify


def test_modify_changes_what_is_given_and_keeps_the_rest(api: EmulatedApi) -> None:
    """C-026."""
    bound = api.bound(userData="keep", maxDuration=5, preVoice={"callerHintTone": "a.wav"})
    answer = api.modify(bound, calleeNum=C, callDirection=1, preVoice={"calleeHintTone": "b.wav"})
    assert answer.json == {"resultcode": "0", "resultdesc": "Success"}
    stored = api.stored(bound)
    assert (stored.a, stored.b, stored.direction) == (A, C, 1)
    assert (stored.user_data, stored.max_duration) == ("keep", 5)
    assert (stored.caller_hint_tone, stored.callee_hint_tone) == ("a.wav", "b.wav")


def test_modify_frees_the_party_that_left(api: EmulatedApi) -> None:
    bound = api.bound(A, B)
    api.modify(bound, calleeNum=C)
    assert api.bind(B, D).outcome == OK
    assert api.bind(C, "+8613800138005").code == "1012010"


def test_modify_duration_restarts_the_life(api: EmulatedApi) -> None:
    """The new life counts from the success of the modification."""
    bound = api.bound(duration=60)
    api.advance(50)
    api.modify(bound, duration=60)
    api.advance(59)
    assert api.query(subscriptionId=bound).outcome == OK
    api.advance(1)
    assert api.query(subscriptionId=bound).outcome == GONE


def test_modify_without_duration_lets_the_remaining_life_run_on(api: EmulatedApi) -> None:
    """Decision 101."""
    bound = api.bound(duration=60)
    api.advance(50)
    api.modify(bound, calleeNum=C)
    api.advance(10)
    assert api.query(subscriptionId=bound).outcome == GONE


def test_modify_duration_zero_means_for_ever(api: EmulatedApi) -> None:
    bound = api.bound(duration=60)
    api.modify(bound, duration=0)
    api.advance(10**7)
    assert api.query(subscriptionId=bound).outcome == OK


def test_modify_without_any_change_succeeds(api: EmulatedApi) -> None:
    assert api.modify(api.bound()).outcome == OK


def test_modify_ignores_what_cannot_be_changed(api: EmulatedApi) -> None:
    bound = api.bound()
    assert api.modify(bound, relationNum=X2, areaCode="010", areaMatchMode="9").outcome == OK
    assert api.stored(bound).x == X1


def test_modify_empty_values_change_nothing(api: EmulatedApi) -> None:
    bound = api.bound(userData="keep", duration=60)
    assert api.modify(bound, userData="", duration="", callerNum="", preVoice={}).outcome == OK
    assert (api.stored(bound).user_data, api.stored(bound).duration) == ("keep", 60)


def test_modify_accepts_record_hint_tone(api: EmulatedApi) -> None:
    """Decision 100."""
    bound = api.bound()
    assert api.modify(bound, recordFlag="true", recordHintTone="rec.wav").outcome == OK
    assert (api.stored(bound).record, api.stored(bound).record_hint_tone) == (True, "rec.wav")


def test_modify_may_exchange_the_parties(api: EmulatedApi) -> None:
    bound = api.bound(A, B)
    assert api.modify(bound, callerNum=B, calleeNum=A).outcome == OK
    assert (api.stored(bound).a, api.stored(bound).b) == (B, A)


def test_modify_row_1_needs_the_id(api: EmulatedApi) -> None:
    answer = api.modify(None, calleeNum=C)
    assert answer.outcome == INVALID
    assert answer.json["resultdesc"] == "Invalid request.subscriptionId is missing."
    assert api.modify("", calleeNum=C).outcome == INVALID


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("callerNum", "abc"),
        ("callDirection", 3),
        ("duration", 7_776_001),
        ("maxDuration", 1441),
        ("recordFlag", "x"),
    ],
)
def test_modify_row_1_bad_values(api: EmulatedApi, name: str, value: Any) -> None:
    assert api.modify(api.bound(), **{name: value}).outcome == INVALID


@pytest.mark.parametrize("fields", [{"calleeNum": A}, {"callerNum": B}, {"calleeNum": X1}, {"callerNum": X1}])
def test_modify_row_1_the_result_must_be_three_numbers(api: EmulatedApi, fields: dict[str, str]) -> None:
    assert api.modify(api.bound(A, B), **fields).outcome == INVALID


def test_modify_row_2_unknown_or_foreign(api: EmulatedApi) -> None:
    bound = api.bound()
    assert api.modify("unknown", calleeNum=C).outcome == GONE
    headers = api.signed(app_key=OTHER_KEY, secret=OTHER_SECRET)
    answer = api.send("PUT", body={"subscriptionId": bound, "calleeNum": C}, headers=headers)
    assert answer.outcome == GONE


def test_modify_row_2_comes_before_row_3(api: EmulatedApi) -> None:
    state(api, X1, "9")
    assert api.modify("unknown", calleeNum=C).outcome == GONE


@pytest.mark.parametrize(
    ("status", "outcome"), [("9", (403, "1012102")), ("10", (403, "1012102")), ("11", OK), ("5", OK)]
)
def test_modify_row_3_states_of_x(api: EmulatedApi, status: str, outcome: tuple[int, str]) -> None:
    bound = api.bound()
    state(api, X1, status)
    assert api.modify(bound, calleeNum=C).outcome == outcome


def test_modify_row_4_recording_needs_the_application(api: EmulatedApi) -> None:
    bound = api.bound()
    api.put_application(recording=False)
    assert api.modify(bound, recordFlag="true", recordHintTone="rec.wav").outcome == (403, "1012012")
    assert api.modify(bound, recordFlag="false").outcome == OK


def test_modify_row_3_comes_before_row_4(api: EmulatedApi) -> None:
    bound = api.bound()
    api.put_application(recording=False)
    state(api, X1, "9")
    assert api.modify(bound, recordFlag="true").code == "1012102"


@pytest.mark.parametrize("fields", [{"callerNum": C}, {"calleeNum": C}, {"calleeNum": D}])
def test_modify_row_5_the_new_party_stands_there_already(api: EmulatedApi, fields: dict[str, str]) -> None:
    bound = api.bound(A, B)
    api.bound(C, D)
    assert api.modify(bound, **fields).outcome == (403, "1012010")
    assert (api.stored(bound).a, api.stored(bound).b) == (A, B)


def test_modify_row_4_comes_before_row_5(api: EmulatedApi) -> None:
    bound = api.bound(A, B)
    api.bound(C, D)
    api.put_application(recording=False)
    assert api.modify(bound, calleeNum=C, recordFlag="true").code == "1012012"


# Query


def test_query_shows_a_binding_completely(api: EmulatedApi) -> None:
    """C-027; the example of axb.md §5, in its order, times in Beijing time."""
    bound = api.bound(
        duration=7200,
        recordFlag="true",
        recordHintTone="recordHintTone.wav",
        maxDuration=60,
        lastMinVoice="lastMinVoice.wav",
        privateSms="true",
        preVoice={"callerHintTone": "callerHintTone.wav", "calleeHintTone": "calleeHintTone.wav"},
        userData="order-1001",
    )
    answer = api.query(relationNum=X1, callerNum=A, calleeNum=B)
    assert answer.json == {
        "resultcode": "0",
        "resultdesc": "Success",
        "app_key": APP_KEY,
        "totalCount": 1,
        "pageIndex": 1,
        "pageSize": 50,
        "relationNumList": [
            {
                "subscriptionId": bound,
                "relationNum": X1,
                "callerNum": A,
                "calleeNum": B,
                "callDirection": 0,
                "duration": 7200,
                "maxDuration": 60,
                "recordFlag": "true",
                "recordHintTone": "recordHintTone.wav",
                "lastMinVoice": "lastMinVoice.wav",
                "privateSms": "true",
                "preVoice": {"callerHintTone": "callerHintTone.wav", "calleeHintTone": "calleeHintTone.wav"},
                "userData": "order-1001",
                "subscribeTime": "2026-09-02 09:00:00",
            }
        ],
    }


def test_query_leaves_out_what_was_never_set(api: EmulatedApi) -> None:
    """Decisions 53 and 105."""
    api.bound()
    [row] = api.rows(relationNum=X1)
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


def test_query_shows_the_duration_set_not_the_rest(api: EmulatedApi) -> None:
    bound = api.bound(duration=7200)
    api.advance(100)
    assert api.rows(subscriptionId=bound)[0]["duration"] == 7200


def test_subscribe_time_is_that_of_the_last_modification(api: EmulatedApi) -> None:
    bound = api.bound()
    api.advance(3600)
    api.modify(bound)
    assert api.rows(subscriptionId=bound)[0]["subscribeTime"] == "2026-09-02 09:00:00"
    api.modify(bound, calleeNum=C)
    assert api.rows(subscriptionId=bound)[0]["subscribeTime"] == "2026-09-02 10:00:00"


def test_subscribe_time_can_be_utc(build: Build) -> None:
    """Decision 55."""
    api = build(query={"subscribe_time_zone": "UTC"})
    bound = api.bound()
    assert api.rows(subscriptionId=bound)[0]["subscribeTime"] == "2026-09-02 01:00:00"


def test_query_by_id_ignores_every_other_filter(api: EmulatedApi) -> None:
    bound = api.bound()
    answer = api.query(subscriptionId=bound, relationNum=FOREIGN_X, callerNum="x", pageIndex=9, pageSize=10)
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
    ],
)
def test_query_filters_by_role(api: EmulatedApi, filters: dict[str, str], found: int) -> None:
    api.bound(A, B)
    api.bound(C, D)
    assert len(api.rows(relationNum=X1, **filters)) == found


@pytest.mark.parametrize("filters", [{"callerNum": B}, {"calleeNum": A}, {"callerNum": A, "calleeNum": D}])
def test_query_row_3_a_filter_without_hit(api: EmulatedApi, filters: dict[str, str]) -> None:
    api.bound(A, B)
    api.bound(C, D)
    assert api.query(relationNum=X1, **filters).outcome == GONE


def paged(api: EmulatedApi, count: int) -> list[str]:
    return [api.bound(f"+86139001{number:05d}", f"+86159001{number:05d}") for number in range(count)]


def test_query_pages_oldest_first(api: EmulatedApi) -> None:
    """Decision 104."""
    bound = paged(api, 25)
    pages = [api.query(relationNum=X1, pageIndex=index, pageSize=10).json for index in (1, 2, 3)]
    assert [page["totalCount"] for page in pages] == [25, 25, 25]
    shown = [row["subscriptionId"] for page in pages for row in page["relationNumList"]]
    assert shown == bound
    assert [page["pageIndex"] for page in pages] == [1, 2, 3]


def test_query_a_page_beyond_the_last_is_empty(api: EmulatedApi) -> None:
    """Decision 103."""
    paged(api, 3)
    answer = api.query(relationNum=X1, pageIndex=2)
    assert answer.outcome == OK
    assert (answer.json["relationNumList"], answer.json["totalCount"]) == ([], 3)


@pytest.mark.parametrize("size", ["", "9", "101", "abc", "-10", "10.0", "9" * 30, "0"])
def test_query_an_invalid_page_size_is_50_without_error(api: EmulatedApi, size: str) -> None:
    """Decision 102."""
    paged(api, 60)
    answer = api.query(relationNum=X1, pageSize=size)
    assert (answer.json["pageSize"], len(answer.json["relationNumList"])) == (50, 50)


@pytest.mark.parametrize("index", ["", "0", "-1", "x", "1.5", "９"])
def test_query_an_invalid_page_index_is_1_without_error(api: EmulatedApi, index: str) -> None:
    api.bound()
    assert api.query(relationNum=X1, pageIndex=index).json["pageIndex"] == 1


@pytest.mark.parametrize("size", [10, 100])
def test_query_accepts_the_limits_of_the_page_size(api: EmulatedApi, size: int) -> None:
    api.bound()
    assert api.query(relationNum=X1, pageSize=size).json["pageSize"] == size


def test_query_row_1_needs_a_locator(api: EmulatedApi) -> None:
    bound = api.bound()
    assert api.query().outcome == INVALID
    assert api.query(callerNum=A).outcome == INVALID
    assert api.send("GET", body={"subscriptionId": bound}).outcome == INVALID


@pytest.mark.parametrize("query", [{"callerNum": "1"}, {"calleeNum": "1" * 129}, {"relationNum": "1" * 32}])
def test_query_row_1_values_out_of_range(api: EmulatedApi, query: dict[str, str]) -> None:
    api.bound()
    assert api.query(**{"relationNum": X1, **query}).outcome == INVALID


def test_query_row_2_an_x_of_another_application(api: EmulatedApi) -> None:
    assert api.query(relationNum=FOREIGN_X).outcome == (403, "1012001")


@pytest.mark.parametrize(
    "query", [{"relationNum": UNKNOWN_X}, {"relationNum": X1}, {"subscriptionId": "unknown"}]
)
def test_query_row_3_nothing_found(api: EmulatedApi, query: dict[str, str]) -> None:
    """Never an empty first page."""
    assert api.query(**query).outcome == GONE


@pytest.mark.parametrize("status", ["9", "10", "11"])
def test_query_works_in_every_state_of_x(api: EmulatedApi, status: str) -> None:
    api.bound()
    state(api, X1, status)
    assert api.query(relationNum=X1).outcome == OK


# Query strings


def raw(api: EmulatedApi, query: str) -> Answer:
    return api.send("GET", f"{AXB}?{query}")


def test_an_unescaped_plus_is_read_as_plus_in_lenient_only(build: Build) -> None:
    """Decision 46; C-011."""
    outcomes = []
    for strictness in ("lenient", "strict"):
        api = build(strictness=strictness)
        api.bound()
        outcomes.append(raw(api, f"relationNum={X1}").outcome)
        assert raw(api, f"relationNum={X1.replace('+', '%2B')}").outcome == OK
    assert outcomes == [OK, INVALID]


def test_of_a_repeated_parameter_the_first_counts_in_lenient_only(build: Build) -> None:
    """Decision 47."""
    outcomes = []
    for strictness in ("lenient", "strict"):
        api = build(strictness=strictness)
        bound = api.bound()
        outcomes.append(raw(api, f"subscriptionId={bound}&subscriptionId=other").outcome)
    assert outcomes == [OK, INVALID]


def test_a_query_that_is_not_utf_8_is_refused(api: EmulatedApi) -> None:
    assert raw(api, "relationNum=%FF%FE").outcome == INVALID


# Journal


def test_recording_without_announcement_is_noted(api: EmulatedApi) -> None:
    api.bind(recordFlag="true")
    assert api.notes() == ["recordFlag without recordHintTone: the carrier intercepts such calls"]


def test_the_journal_counts_requests_by_api_and_code(api: EmulatedApi) -> None:
    bound = api.bound()
    api.bind()
    api.query(subscriptionId=bound)
    api.unbind(subscriptionId=bound)
    assert api.emulator.journal.counts() == {
        "axb.bind": {"0": 1, "1012010": 1},
        "axb.query": {"0": 1},
        "axb.unbind": {"0": 1},
    }


def test_the_journal_names_x_and_binding(api: EmulatedApi) -> None:
    bound = api.bound(x=X2)
    [entry] = api.emulator.journal.entries(api="axb.bind")
    assert (entry.x, entry.subscription_id, entry.http_status, entry.code) == (X2, bound, 200, "0")
