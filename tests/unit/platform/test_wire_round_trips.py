"""Every wire model there and back, whatever it carries (ax.md, axb.md, axe.md, axyb.md, numbers.md §7)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from builders import wire
from privatenumber import platform
from privatenumber.platform.ax import AxBind, AxBound, AxCallee, AxModify, AxRow, AxRows
from privatenumber.platform.axb import AxbBind, AxbBound, AxbModify, AxbPage, AxbRow
from privatenumber.platform.axe import AxeBind, AxeBound, AxeModify, AxeRow
from privatenumber.platform.axyb import AxybBindAx, AxybBindYb, AxybBound, AxybRow, AxybRows
from privatenumber.platform.fields import Answer, Wire, violations
from privatenumber.platform.push_models import CallEvent, Cdr, NumberStatus, Push, SmsNotice
from privatenumber.platform.pushes import parse_push

Strategy = st.SearchStrategy[wire.Object]

REQUESTS: Final[dict[str, tuple[type[Wire], Strategy]]] = {
    "ax bind": (AxBind, wire.ax_binds),
    "ax bind by city": (AxBind, wire.ax_city_binds),
    "ax modify": (AxModify, wire.ax_modifies),
    "ax callee": (AxCallee, wire.ax_callees),
    "axb bind": (AxbBind, wire.axb_binds),
    "axb modify": (AxbModify, wire.axb_modifies),
    "axe bind": (AxeBind, wire.axe_binds),
    "axe modify": (AxeModify, wire.axe_modifies),
    "axyb bind ax": (AxybBindAx, wire.axyb_ax_binds),
    "axyb bind yb": (AxybBindYb, wire.axyb_yb_binds),
}
ANSWERS: Final[dict[str, tuple[type[Answer], Strategy]]] = {
    "ax bound": (AxBound, wire.ax_bounds),
    "ax row": (AxRow, wire.ax_rows),
    "axb bound": (AxbBound, wire.axb_bounds),
    "axb row": (AxbRow, wire.axb_rows),
    "axe bound": (AxeBound, wire.axe_bounds),
    "axe row": (AxeRow, wire.axe_rows),
    "axyb bound": (AxybBound, wire.axyb_bounds),
    "axyb row": (AxybRow, wire.axyb_rows),
}
LISTS: Final[dict[str, tuple[type[Answer], str, Strategy]]] = {
    "ax": (AxRows, "privateNumList", wire.ax_rows),
    "axb": (AxbPage, "relationNumList", wire.axb_rows),
    "axyb": (AxybRows, "xyRelationNumList", wire.axyb_rows),
}

SLOW_START: Final = settings(deadline=None)
"""Models are built when they are first used."""
FEW: Final = settings(SLOW_START, max_examples=25)
"""For rules that some ninety members are tried against, each a test of its own."""

EVERY_REQUEST = pytest.mark.parametrize(("model", "requests"), REQUESTS.values(), ids=REQUESTS)
EVERY_ANSWER = pytest.mark.parametrize(("model", "answers"), ANSWERS.values(), ids=ANSWERS)


def wire_models() -> set[type[Wire]]:
    """Every model that the modules of the platform define."""
    for module in iter_modules(platform.__path__, f"{platform.__name__}."):
        import_module(module.name)
    waiting, found = [Wire], set[type[Wire]]()
    while waiting:
        own = waiting.pop().__subclasses__()
        found.update(own)
        waiting += own
    return {model for model in found if model.__module__.startswith(platform.__name__)} - {Answer}


def parts_of(model: type[Wire]) -> set[type[Wire]]:
    """The models of a model's members, which travel with it."""
    annotations = [field.annotation for field in model.model_fields.values()]
    found = set[type[Wire]]()
    while annotations:
        annotation = annotations.pop()
        if isinstance(annotation, type) and issubclass(annotation, Wire):
            found |= {annotation, *parts_of(annotation)}
        annotations += get_args(annotation)
    return found


def test_no_model_is_left_out() -> None:
    """A new one has to be put into one of the tables above."""
    tried = {each[0] for table in (REQUESTS, ANSWERS, LISTS) for each in table.values()}
    assert wire_models() == tried | {part for model in tried for part in parts_of(model)}


def optional_names(model: type[Answer]) -> frozenset[str]:
    """The platform's names of members that an answer may leave out."""
    fields = model.model_fields.values()
    return frozenset(field.alias for field in fields if field.alias and not field.is_required())


@EVERY_REQUEST
@SLOW_START
@given(data=st.data())
def test_a_request_is_sent_as_it_is_read(model: type[Wire], requests: Strategy, data: st.DataObject) -> None:
    """Nothing is added, lost or written differently; members that are not set are left out."""
    request = data.draw(requests)
    read = model.model_validate(request)
    assert read.to_wire() == request
    assert json.loads(json.dumps(read.to_wire())) == request


@EVERY_REQUEST
@SLOW_START
@given(data=st.data())
def test_switches_of_a_request_may_be_booleans(
    model: type[Wire], requests: Strategy, data: st.DataObject
) -> None:
    """numbers.md §7.2: they are sent as strings all the same."""
    request = data.draw(requests)
    flags = {
        name: request[name] in ("true", "on")
        for name in ("recordFlag", "privateSms", "turnFlag")
        if name in request
    }
    assert model.model_validate(request | flags).to_wire() == request


@EVERY_ANSWER
@SLOW_START
@given(data=st.data())
def test_an_answer_keeps_every_member_also_undocumented_ones(
    model: type[Answer], answers: Strategy, data: st.DataObject
) -> None:
    """numbers.md §7: what comes is kept; members with a default are added and nothing else."""
    answer = data.draw(answers) | data.draw(wire.strangers)
    kept = model.model_validate(answer).to_wire()
    assert {name: kept[name] for name in answer} == answer
    assert set(kept) - set(answer) <= optional_names(model)


@EVERY_ANSWER
@SLOW_START
@given(data=st.data())
def test_an_answer_reads_the_same_in_every_spelling(
    model: type[Answer], answers: Strategy, data: st.DataObject
) -> None:
    """numbers.md §7.1, §7.2: integers and Booleans as text; null and "" are absent."""
    answer = data.draw(answers)
    spelt = data.draw(wire.other_spellings(answer))
    spelt = data.draw(wire.with_absences(spelt, optional_names(model)))
    assert model.model_validate(spelt) == model.model_validate(answer)


@pytest.mark.parametrize(("model", "name", "rows"), LISTS.values(), ids=LISTS)
@SLOW_START
@given(data=st.data())
def test_a_list_keeps_its_rows_in_their_order(
    model: type[Answer], name: str, rows: Strategy, data: st.DataObject
) -> None:
    """ax.md §5, axb.md §5, axyb.md §4: any length, oldest first."""
    answer = {name: data.draw(st.lists(rows, max_size=6)), "new": {"a": 1}}
    kept = model.model_validate(answer).to_wire()
    assert kept["new"] == {"a": 1}
    assert len(kept[name]) == len(answer[name])
    for row, sent in zip(kept[name], answer[name], strict=True):
        assert {member: row[member] for member in sent} == sent


def test_a_page_may_lack_its_counters() -> None:
    """axb.md §5: what a query by id answers on old editions."""
    page = AxbPage.model_validate({"resultcode": "0", "totalCount": "1", "pageIndex": "", "pageSize": None})
    assert (page.total_count, page.page_index, page.page_size, page.rows) == (1, 1, 50, ())


@SLOW_START
@given(wire.axyb_bounds)
def test_an_allocated_number_is_read_under_either_of_its_names(answer: wire.Object) -> None:
    """C-013, axyb.md §2.2: relationNumber, else relationNum; an empty one is absent."""
    number = answer.pop("relationNumber")
    assert AxybBound.model_validate(answer | {"relationNum": number}).number == number
    both = answer | {"relationNumber": "", "relationNum": number}
    assert AxybBound.model_validate(both).number == number


_NUMBERS: Final = (
    "13800138001",
    "+8612345678901",
    "+85291234567",
    "8613800138001",
    "+86075520000001",
    "",
    "+86",
)
_BAD_PARTY: Final = st.sampled_from((*_NUMBERS, "+864001001380", "+8695500"))
_BAD_X: Final = st.sampled_from((*_NUMBERS, "+8675520000001", "+864001001380"))
_BAD_ID: Final = st.sampled_from(["", " ", "\t", "s" * 65])
_BAD_TONE: Final = st.sampled_from(["", "a/b.wav", "with space.wav", "铃声.wav", "a.wav\n"]) | wire.tones.map(
    lambda t: (t * 129)[:129]
)
_BAD_DATA: Final = st.sampled_from(["", "{}", "a{", "}", "a^b", "订单", "a\n", "x" * 257])
_BAD_CITY: Final = st.sampled_from(
    ["", "755", "0", "075", "026", "00755", "07555", "０７５５", "0a55", "0255"]
)
_BAD_MATCH: Final = st.sampled_from(["", "2", "01", "true", "0\n"])
_BAD_DIRECTION: Final = st.integers(max_value=-1) | st.integers(min_value=3)
_BAD_FLAG: Final = st.sampled_from(["", "maybe", "2", 2])


def _outside(lowest: int, highest: int) -> st.SearchStrategy[int]:
    return st.integers(max_value=lowest - 1) | st.integers(min_value=highest + 1)


_BAD_MINUTES: Final = _outside(0, 1440)
_BAD_DURATION: Final = _outside(0, 7_776_000)
_BAD_LIFE: Final = _outside(0, 7_776_000) | st.integers(1, 59)
_BAD_LIFE_MINUTES: Final = _outside(0, 43_200)
_BAD_EXTENSION: Final = st.sampled_from(["", "0", "00", "0000", "12345", "1a", "-1", "１", " 1", "1\n"])

BAD: Final[dict[str, dict[str, st.SearchStrategy[Any]]]] = {
    "ax bind": {
        "origNum": _BAD_PARTY,
        "privateNum": _BAD_X,
        "callDirection": _BAD_DIRECTION,
        "maxDuration": _BAD_MINUTES,
        "recordFlag": _BAD_FLAG,
        "recordHintTone": _BAD_TONE,
        "lastMinVoice": _BAD_TONE,
        "privateSms": _BAD_FLAG,
        "turnFlag": _BAD_FLAG,
        "userData": _BAD_DATA,
    },
    "ax bind by city": {"areaCode": _BAD_CITY, "areaMatchMode": _BAD_MATCH},
    "ax modify": {
        "subscriptionId": _BAD_ID,
        "origNum": _BAD_PARTY,
        "callDirection": _BAD_DIRECTION,
        "maxDuration": _BAD_MINUTES,
        "recordFlag": _BAD_FLAG,
        "recordHintTone": _BAD_TONE,
        "lastMinVoice": _BAD_TONE,
        "privateSms": _BAD_FLAG,
        "turnFlag": _BAD_FLAG,
        "userData": _BAD_DATA,
    },
    "ax callee": {
        "subscriptionId": _BAD_ID,
        "calleeNum": st.sampled_from((*_NUMBERS, "4001001380", "95500", "+86955", "+86955000000")),
        "duration": _outside(1, 259_200),
        "userData": _BAD_DATA,
    },
    "axb bind": {
        "callerNum": _BAD_PARTY,
        "calleeNum": _BAD_PARTY,
        "relationNum": _BAD_X,
        "areaCode": _BAD_CITY,
        "areaMatchMode": _BAD_MATCH,
        "callDirection": _BAD_DIRECTION,
        "duration": _BAD_DURATION,
        "maxDuration": _BAD_MINUTES,
        "recordFlag": _BAD_FLAG,
        "recordHintTone": _BAD_TONE,
        "lastMinVoice": _BAD_TONE,
        "privateSms": _BAD_FLAG,
        "userData": _BAD_DATA,
    },
    "axb modify": {
        "subscriptionId": _BAD_ID,
        "callerNum": _BAD_PARTY,
        "calleeNum": _BAD_PARTY,
        "callDirection": _BAD_DIRECTION,
        "duration": _BAD_DURATION,
        "maxDuration": _BAD_MINUTES,
        "recordFlag": _BAD_FLAG,
        "recordHintTone": _BAD_TONE,
        "lastMinVoice": _BAD_TONE,
        "privateSms": _BAD_FLAG,
        "userData": _BAD_DATA,
    },
    "axe bind": {
        "bindNum": _BAD_PARTY,
        "virtualNum": _BAD_X,
        "extendNum": _BAD_EXTENSION,
        "bindExpiredTime": _BAD_LIFE_MINUTES,
        "callbackExpiredTime": _BAD_LIFE_MINUTES,
        "callbackNum": _BAD_PARTY,
        "callbackTone": _BAD_TONE,
        "recordFlag": _BAD_FLAG,
        "recordHintTone": _BAD_TONE,
        "userData": _BAD_DATA,
    },
    "axe modify": {
        "subscriptionId": _BAD_ID,
        "bindExpiredTime": _BAD_LIFE_MINUTES,
        "callbackExpiredTime": _BAD_LIFE_MINUTES,
        "callbackNum": _BAD_PARTY.filter(bool),
        "callbackTone": _BAD_TONE.filter(bool),
        "recordFlag": _BAD_FLAG,
        "recordHintTone": _BAD_TONE,
    },
    "axyb bind ax": {
        "origNum": _BAD_PARTY,
        "areaCode": _BAD_CITY,
        "areaMatchMode": _BAD_MATCH,
        "callDirection": _BAD_DIRECTION,
        "duration": _BAD_LIFE,
        "ybDuration": _BAD_LIFE,
        "recordFlag": _BAD_FLAG,
        "recordHintTone": _BAD_TONE,
        "preVoiceX": _BAD_TONE,
        "preVoiceY": _BAD_TONE,
        "userData": _BAD_DATA,
    },
    "axyb bind yb": {
        "subscriptionId": _BAD_ID,
        "origNum": _BAD_PARTY,
        "areaCode": _BAD_CITY,
        "areaMatchMode": _BAD_MATCH,
        "ybDuration": _BAD_LIFE,
        "preVoiceY": _BAD_TONE,
        "userData": _BAD_DATA,
    },
}
BROKEN: Final = [(kind, name) for kind, fields in BAD.items() for name in fields]


@pytest.mark.parametrize(("kind", "name"), BROKEN)
@FEW
@given(data=st.data())
def test_what_the_platform_would_refuse_is_refused_before_sending(
    kind: str, name: str, data: st.DataObject
) -> None:
    """C-014 to C-029: the error names our field and the rule, and never the value."""
    model, requests = REQUESTS[kind]
    bad = data.draw(BAD[kind][name])
    field = next(ours for ours, info in model.model_fields.items() if info.alias == name)
    with pytest.raises(ValidationError) as refused:
        model.model_validate(data.draw(requests) | {name: bad})
    broken = violations(refused.value)
    assert field in broken
    assert broken[field]
    if isinstance(bad, str) and len(bad) > 5:
        assert bad not in str(refused.value) + str(broken)


def test_every_member_of_every_request_is_tried_with_bad_values() -> None:
    """A member that is added to a model must be added here; tones before connection have their own test."""
    tried: dict[type[Wire], set[str]] = {}
    for kind, fields in BAD.items():
        tried.setdefault(REQUESTS[kind][0], set()).update(fields)
    for model, names in tried.items():
        members = {info.alias for info in model.model_fields.values() if not info.exclude}
        assert members - names <= {"preVoice", "areaCode", "areaMatchMode"}, model


@pytest.mark.parametrize("kind", ["ax bind", "axb bind", "axb modify"])
@pytest.mark.parametrize("name", ["callerHintTone", "calleeHintTone"])
@FEW
@given(data=st.data())
def test_tones_before_connection_are_file_names(kind: str, name: str, data: st.DataObject) -> None:
    """numbers.md §7.3."""
    model, requests = REQUESTS[kind]
    request = data.draw(requests) | {"preVoice": {name: data.draw(_BAD_TONE)}}
    with pytest.raises(ValidationError) as refused:
        model.model_validate(request)
    assert [field.split(".")[0] for field in violations(refused.value)] == ["pre_voice"]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "")).replace(tzinfo=UTC)


Reading = tuple[str, Callable[[Any], Any]]


def same(value: Any) -> Any:
    return value


EVENT: Final[dict[str, Reading]] = {
    "timestamp": ("timestamp", _moment),
    "sessionId": ("session_id", same),
    "caller": ("caller", same),
    "called": ("called", same),
    "subscriptionId": ("subscription_id", same),
    "userData": ("user_data", same),
    "notifyMode": ("notify_mode", same),
    "digitInfo": ("digits", same),
    "stateCode": ("state_code", same),
    "stateDesc": ("state_text", same),
}
CDR: Final[dict[str, Reading]] = {
    "direction": ("direction", same),
    "appKey": ("app_key", same),
    "icid": ("icid", same),
    "bindNum": ("x", same),
    "sessionId": ("session_id", same),
    "callerNum": ("caller", same),
    "subscriptionId": ("subscription_id", same),
    "fwdDisplayNum": ("display", same),
    "fwdDstNum": ("callee", same),
    "callInTime": ("call_in_at", _moment),
    "fwdStartTime": ("started_at", _moment),
    "fwdAlertingTime": ("alerting_at", _moment),
    "fwdAnswerTime": ("answered_at", _moment),
    "callEndTime": ("ended_at", _moment),
    "failTime": ("failed_at", _moment),
    "fwdUnaswRsn": ("q850", same),
    "ulFailReason": ("teardown", same),
    "sipStatusCode": ("sip", same),
    "recordFlag": ("recorded", bool),
    "callRelDirection": ("released_by", same),
    "callDuration": ("call_seconds", same),
}
NUMBER_STATE: Final[dict[str, Reading]] = {
    "number": ("number", same),
    "status": ("status", same),
    "cause": ("cause", same),
}
SMS: Final[dict[str, Reading]] = {
    "smsIdentifier": ("sms_id", same),
    "notificationMode": ("notify_mode", same),
}


def pushed(body: wire.Object) -> Push:
    push = parse_push(json.dumps(body).encode())
    assert push.bad == ()
    return push


def assert_read(entry: object, sent: wire.Object, readings: dict[str, Reading]) -> None:
    for name, (attribute, convert) in readings.items():
        expected = convert(sent[name]) if name in sent else None
        assert getattr(entry, attribute) == expected, name


def respelt(data: st.DataObject, sent: wire.Object, readings: dict[str, Reading]) -> wire.Object:
    """The same object with integers as text, times as ISO 8601 and absent members as null or ""."""
    spelt = data.draw(wire.other_spellings({k: v for k, v in sent.items() if k != "recordFlag"}))
    for name, (_, convert) in readings.items():
        if convert is _moment and name in sent:
            spelt[name] = data.draw(st.sampled_from([sent[name], sent[name].replace(" ", "T") + "Z"]))
    if "recordFlag" in sent:
        flags = ["1", 1, True, "true"] if sent["recordFlag"] else ["0", 0, False, "false"]
        spelt["recordFlag"] = data.draw(st.sampled_from(flags))
    return data.draw(wire.with_absences(spelt, frozenset(readings)))


@SLOW_START
@given(event=wire.events, strangers=wire.strangers, data=st.data())
def test_a_call_event_is_read_whole_and_kept_as_it_came(
    event: wire.Object, strangers: wire.Object, data: st.DataObject
) -> None:
    """C-002 to C-007, notifications.md §4.2, §2.8."""
    info = event["statusInfo"]
    body = {**event, "statusInfo": info | strangers}
    [entry] = pushed(body).entries
    assert isinstance(entry, CallEvent)
    assert entry.raw == body
    assert entry.event_type == event["eventType"]
    assert_read(entry, info, EVENT)
    [again] = pushed({**event, "statusInfo": respelt(data, info, EVENT) | strangers}).entries
    assert isinstance(again, CallEvent)
    assert again.content == entry.content


@SLOW_START
@given(records=st.lists(wire.cdrs, min_size=1, max_size=5), strangers=wire.strangers, data=st.data())
def test_every_cdr_of_a_push_is_read_whole_and_kept_as_it_came(
    records: list[wire.Object], strangers: wire.Object, data: st.DataObject
) -> None:
    """notifications.md §5.2: every field is kept, known or not."""
    sent = [record | strangers for record in records]
    entries = pushed({"eventType": "fee", "feeLst": sent}).entries
    again = pushed(
        {"eventType": "fee", "feeLst": [respelt(data, record, CDR) | strangers for record in records]}
    )
    assert len(entries) == len(sent)
    for entry, other, record in zip(entries, again.entries, sent, strict=True):
        assert isinstance(entry, Cdr)
        assert isinstance(other, Cdr)
        assert entry.raw == record
        assert_read(entry, record, CDR)
        assert other.content == entry.content


@SLOW_START
@given(st.lists(wire.number_states, min_size=1, max_size=5), wire.strangers)
def test_every_number_state_is_read_and_kept_as_it_came(
    states: list[wire.Object], strangers: wire.Object
) -> None:
    """notifications.md §7; unknown states are kept too."""
    sent = [state | strangers for state in states]
    entries = pushed({"eventType": "numStatus", "numInfo": sent}).entries
    for entry, state in zip(entries, sent, strict=True):
        assert isinstance(entry, NumberStatus)
        assert entry.raw == state
        assert_read(entry, state, NUMBER_STATE)


@SLOW_START
@given(wire.sms, wire.strangers)
def test_a_text_is_read_as_far_as_its_key_and_kept_as_it_came(
    sms: wire.Object, strangers: wire.Object
) -> None:
    """notifications.md §6.2."""
    body = {**sms, "smsEvent": sms["smsEvent"] | strangers}
    [entry] = pushed(body).entries
    assert isinstance(entry, SmsNotice)
    assert entry.raw == body
    assert entry.app_key == sms["appKey"]
    assert_read(entry, sms["smsEvent"], SMS)
