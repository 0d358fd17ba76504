"""Reading pushes: every tolerance of notifications.md §2.8, the models of §4, §5, §7."""

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders.pushes import (
    APP_KEY,
    ICID,
    SESSION,
    SUBSCRIPTION,
    A,
    B,
    X,
    cdr_entry,
    event_body,
    fee_body,
    many_cdrs,
    number_status_body,
    stranger_cdr,
    wire,
)
from privatenumber.platform.pushes import (
    CallEvent,
    Cdr,
    NotAPush,
    NumberStatus,
    Push,
    PushKind,
    SmsNotice,
    parse_push,
)


def _event(body: dict[str, Any]) -> CallEvent:
    (event,) = parse_push(wire(body)).entries
    assert isinstance(event, CallEvent)
    return event


def _cdr(**changes: object) -> Cdr:
    (cdr,) = parse_push(wire(fee_body(cdr_entry(**changes)))).entries
    assert isinstance(cdr, Cdr)
    return cdr


def _content(push: Push) -> str:
    (entry,) = push.entries
    return entry.content


def test_a_call_event_is_read_field_by_field() -> None:
    """C-004, notifications.md §4.2."""
    event = _event(event_body("disconnect", second=9))
    assert (event.event_type, event.session_id, event.subscription_id) == (
        "disconnect",
        SESSION,
        SUBSCRIPTION,
    )
    assert event.timestamp == datetime(2026, 9, 2, 1, 0, 9, tzinfo=UTC)
    assert (event.caller, event.called, event.user_data) == (X, B, "order-1001")
    assert (event.state_code, event.state_text) == (0, "The user releases the call.")
    assert event.ends_call


def test_a_cdr_is_read_field_by_field() -> None:
    """C-004, C-056, notifications.md §5.2: fwdDstNum is the person reached, calleeNum the number dialled."""
    cdr = _cdr(callRelDirection=2, callDuration=62)
    assert (cdr.app_key, cdr.icid, cdr.session_id, cdr.subscription_id) == (
        APP_KEY,
        ICID,
        SESSION,
        SUBSCRIPTION,
    )
    assert (cdr.direction, cdr.x, cdr.caller, cdr.display, cdr.callee) == (1, X, A, X, B)
    assert cdr.call_in_at == datetime(2026, 9, 2, 1, 0, 0, tzinfo=UTC)
    assert cdr.started_at == datetime(2026, 9, 2, 1, 0, 1, tzinfo=UTC)
    assert cdr.alerting_at == datetime(2026, 9, 2, 1, 0, 3, tzinfo=UTC)
    assert cdr.answered_at == datetime(2026, 9, 2, 1, 0, 8, tzinfo=UTC)
    assert cdr.ended_at == datetime(2026, 9, 2, 1, 1, 10, tzinfo=UTC)
    assert cdr.failed_at is None
    assert (cdr.teardown, cdr.q850, cdr.sip, cdr.recorded) == (0, 0, 0, True)
    assert (cdr.released_by, cdr.call_seconds) == (2, 62)


def test_a_cdr_of_a_stranger_has_no_binding_and_no_second_leg() -> None:
    """C-027, U-D08: subscriptionId empty or absent when nothing was bound (8014)."""
    for missing in (None, "", "  "):
        (cdr,) = parse_push(wire(fee_body(stranger_cdr(subscriptionId=missing)))).entries
        assert isinstance(cdr, Cdr)
        assert (cdr.subscription_id, cdr.callee, cdr.answered_at, cdr.teardown) == (None, None, None, 8014)


def test_number_states_are_read_with_status_and_cause() -> None:
    """C-097, notifications.md §7."""
    push = parse_push(wire(number_status_body()))
    states = [(s.number, s.status, s.cause) for s in push.entries if isinstance(s, NumberStatus)]
    assert push.kind is PushKind.NUMBER_STATE
    assert states == [("+8617010000001", "9", None), ("+8617010000002", "10", "3")]


def test_an_sms_notice_without_details_is_read() -> None:
    """notifications.md §2.8, §9.2: the details are optional, test_sms_facts.py reads them."""
    body = {"appKey": APP_KEY, "smsEvent": {"smsIdentifier": "sms-1", "notificationMode": "Notify"}}
    (sms,) = parse_push(wire(body)).entries
    assert isinstance(sms, SmsNotice)
    assert (sms.app_key, sms.sms_id, sms.notify_mode) == (APP_KEY, "sms-1", "Notify")


@pytest.mark.parametrize("absent", [None, "", "   "])
def test_null_empty_and_missing_are_all_absent(absent: object) -> None:
    """notifications.md §2.8, U-D17: an empty answer time is no answer time."""
    cdr = _cdr(fwdAnswerTime=None) if absent is None else _cdr(fwdAnswerTime=absent)
    assert cdr.answered_at is None
    assert cdr.content == _cdr(fwdAnswerTime=None).content


def test_a_null_is_absent_too() -> None:
    """notifications.md §2.8."""
    body = fee_body({**cdr_entry(), "fwdAnswerTime": None})
    assert _content(parse_push(wire(body))) == _cdr(fwdAnswerTime=None).content


@pytest.mark.parametrize("spelling", ["1", 1, 1.0, " 1 ", True])
def test_an_integer_may_come_as_text_or_boolean(spelling: object) -> None:
    """notifications.md §2.8."""
    cdr = _cdr(direction=spelling)
    assert cdr.direction == 1
    assert cdr.content == _cdr(direction=1).content


@pytest.mark.parametrize(
    ("spelling", "read"), [(1, True), ("true", True), (True, True), ("0", False), (0, False)]
)
def test_a_flag_may_come_in_any_boolean_spelling(spelling: object, read: bool) -> None:
    """notifications.md §2.8."""
    assert _cdr(recordFlag=spelling).recorded is read


def test_a_text_may_come_as_a_number() -> None:
    """notifications.md §2.8."""
    push = parse_push(wire(number_status_body({"number": X, "status": 10, "cause": 3})))
    (state,) = push.entries
    assert isinstance(state, NumberStatus)
    assert (state.status, state.cause) == ("10", "3")


def test_status_info_may_be_a_list_of_one() -> None:
    """notifications.md §2.8."""
    body = event_body("answer")
    listed = {**body, "statusInfo": [body["statusInfo"]]}
    assert _event(listed).session_id == SESSION
    assert _event(listed).content == _event(body).content


@pytest.mark.parametrize("name", ["feeLst", "numInfo"])
def test_a_list_may_be_a_single_object(name: str) -> None:
    """notifications.md §2.8."""
    body = fee_body() if name == "feeLst" else number_status_body({"number": X, "status": "5"})
    (entry,) = parse_push(wire({**body, name: body[name][0]})).entries
    assert entry.content == _content(parse_push(wire(body)))


@pytest.mark.parametrize(
    "spelling",
    ["2026-09-02 01:01:10", "2026-09-02T01:01:10", "2026-09-02T01:01:10Z", "2026-09-02 01:01:10.000"],
)
def test_times_are_utc_in_every_spelling(spelling: str) -> None:
    """notifications.md §2.8, §3, U-P13: never eight hours off."""
    cdr = _cdr(callEndTime=spelling)
    assert cdr.ended_at == datetime(2026, 9, 2, 1, 1, 10, tzinfo=UTC)
    assert cdr.content == _cdr().content


@pytest.mark.parametrize("spelling", ["13800138001", "8613800138001", "+86 138 0013 8001", "008613800138001"])
def test_numbers_are_normalised_and_the_raw_kept(spelling: str) -> None:
    """notifications.md §2.8, C-010."""
    cdr = _cdr(callerNum=spelling)
    assert cdr.caller == A
    assert cdr.raw["callerNum"] == spelling
    assert cdr.content == _cdr().content


def test_a_number_from_abroad_stays_as_it_came_and_is_marked() -> None:
    """A caller we cannot read must not cost the record."""
    cdr = _cdr(callerNum="+85212345678")
    assert (cdr.caller, cdr.foreign_numbers) == ("+85212345678", True)
    assert not _cdr().foreign_numbers


def test_gb18030_is_read_when_utf8_fails_and_marked() -> None:
    """notifications.md §2.1, §2.8."""
    text = json.dumps(event_body("answer", userData="订单一"), ensure_ascii=False)
    push = parse_push(text.encode("gb18030"))
    (event,) = push.entries
    assert isinstance(event, CallEvent)
    assert (event.user_data, push.notes) == ("订单一", ("gb18030",))
    assert event.content == _content(parse_push(text.encode()))


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse_push(b"\xef\xbb\xbf" + wire(event_body("answer"))).kind is PushKind.EVENT


def test_unknown_fields_are_kept_and_belong_to_the_content() -> None:
    """notifications.md §2.8, §11."""
    plain, richer = _cdr(), _cdr(futureField="new")
    assert richer.raw["futureField"] == "new"
    assert richer.content != plain.content


def test_an_unknown_event_type_is_an_event_and_marked() -> None:
    """notifications.md §2.5: stored, answered 200."""
    push = parse_push(wire({"eventType": "queued", "statusInfo": {"sessionId": SESSION}}))
    (event,) = push.entries
    assert isinstance(event, CallEvent)
    assert (event.event_type, event.session_id, push.notes) == ("queued", SESSION, ("unknown_event_type",))


def test_an_unknown_event_type_without_status_is_kept_too() -> None:
    push = parse_push(wire({"eventType": "somethingNew", "data": [1, 2]}))
    (event,) = push.entries
    assert event.raw["data"] == [1, 2]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff\xff\xff", "encoding"),
        (b"", "json"),
        (b"not json", "json"),
        (b"[" * 100_000, "json"),
        (b'{"a":' + b"9" * 5000 + b"}", "json"),
        (b"[]", "root"),
        (b'"text"', "root"),
        (b"{}", "root"),
        (b'{"hello":"world"}', "root"),
        (b'{"eventType":"fee"}', "root"),
        (b'{"eventType":"fee","feeLst":"many"}', "root"),
        (b'{"eventType":"numStatus","numInfo":7}', "root"),
        (b'{"eventType":"answer"}', "root"),
        (b'{"eventType":"answer","statusInfo":"x"}', "root"),
        (b'{"eventType":"","statusInfo":{}}', "root"),
        (b'{"statusInfo":{"sessionId":"s"}}', "root"),
    ],
)
def test_what_is_no_push_says_why_without_quoting_it(body: bytes, reason: str) -> None:
    """notifications.md §2.5: 400; the words of the error are safe to log."""
    with pytest.raises(NotAPush) as caught:
        parse_push(body)
    assert caught.value.reason == reason
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("callEndTime", "yesterday"),
        ("callEndTime", "2026-13-45 00:00:00"),
        ("callEndTime", "9999-12-31 23:59:59"),
        ("callEndTime", {"no": "time"}),
        ("direction", "both"),
        ("direction", 1.5),
        ("direction", 10**50),
        ("direction", "1" * 5000),
        ("icid", "x" * 5000),
        ("icid", {"a": 1}),
        ("sessionId", "\ud800"),
        ("recordFlag", "perhaps"),
        ("userData2", "x" * 70_000),
    ],
)
def test_one_poisoned_entry_does_not_lose_the_other_49(field: str, value: object) -> None:
    """Issue: a poisoned field in one CDR of a batch of 50 does not lose the other 49; U-D18, U-P14."""
    entries = many_cdrs(50)
    entries[17][field] = value
    push = parse_push(wire(fee_body(*entries)))
    assert len(push.entries) == 49
    (bad,) = push.bad
    assert bad.raw == entries[17]
    assert bad.reason in {f"field {field}", "field (size)"}


@pytest.mark.parametrize("entry", ["text", 7, None, [1]])
def test_an_entry_that_is_no_object_goes_apart(entry: object) -> None:
    push = parse_push(wire({"eventType": "fee", "feeLst": [cdr_entry(), entry]}))
    assert (len(push.entries), [bad.raw for bad in push.bad]) == (1, [entry])


def test_an_empty_list_is_kept_apart_not_forgotten() -> None:
    push = parse_push(b'{"eventType":"fee","feeLst":[]}')
    assert (push.entries, [bad.reason for bad in push.bad]) == ((), ["empty list"])


def test_answered_and_unanswered_entries_do_not_bleed_into_each_other() -> None:
    """U-D18: entries of one message have different key sets."""
    push = parse_push(wire(fee_body(*many_cdrs(4))))
    answered = [cdr.answered_at is not None for cdr in push.entries if isinstance(cdr, Cdr)]
    assert answered == [True, False, True, False]


@pytest.mark.parametrize(
    "body",
    [
        b'{"eventType":"answer","statusInfo":{"sessionId":"s","more":%s}}',
        b'{"eventType":"fee","feeLst":[{"icid":"i","more":%s}]}',
    ],
)
def test_nesting_never_breaks_the_reading(body: bytes) -> None:
    """U-D12: what can be parsed but not written again goes apart; a 503 would bring it back for hours."""
    for depth in range(700, 1000):
        with contextlib.suppress(NotAPush):
            push = parse_push(body % (b"[" * depth + b"]" * depth))
            assert len(push.entries) + len(push.bad) == 1


def test_a_list_longer_than_documented_is_read_entirely_and_marked() -> None:
    """notifications.md §2.8."""
    push = parse_push(wire(fee_body(*many_cdrs(51))))
    assert (len(push.entries), push.notes) == (51, ("long_list",))


def test_nothing_of_a_person_shows_in_the_representation() -> None:
    """U-D15: what is logged by accident tells no number."""
    shown = repr(parse_push(wire(fee_body()))) + repr(parse_push(wire(event_body("answer"))))
    for secret in (A, B, X, SESSION, "order-1001"):
        assert secret not in shown


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.dictionaries(st.sampled_from(sorted(cdr_entry())), _JSON, max_size=4))
def test_no_content_of_a_cdr_breaks_the_reading(changes: dict[str, object]) -> None:
    push = parse_push(wire({"eventType": "fee", "feeLst": [cdr_entry(), {**cdr_entry(), **changes}]}))
    assert len(push.entries) + len(push.bad) == 2
    assert push.entries[0].content == _cdr().content


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.binary(max_size=60) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_breaks_the_reading(body: bytes) -> None:
    with contextlib.suppress(NotAPush):
        parse_push(body)
