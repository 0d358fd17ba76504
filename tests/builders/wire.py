"""Wire objects of every mode as the platform and its customers write them, for Hypothesis.

Requests are what a client may send (ax.md, axb.md, axe.md, axyb.md); answers and rows come in the spellings
that numbers.md §7.2 tells of: integers and Booleans also as text, members that were never set absent, null
or ``""``, and members nobody documented.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

Object = dict[str, Any]

_DIGITS = "0123456789"


def _digits(count: int) -> st.SearchStrategy[str]:
    return st.text(_DIGITS, min_size=count, max_size=count)


mobiles = st.builds("+861{}{}".format, st.sampled_from("3456789"), _digits(9))
landlines = st.one_of(
    st.builds("+86{}{}".format, st.sampled_from(["10", "20", "21", "27"]), _digits(8)),
    st.builds("+86755{}".format, _digits(8)),
    st.builds("+86562{}".format, _digits(7)),
)
parties = mobiles | landlines
xs = st.builds("+86170{}".format, _digits(8))
services = st.builds("+86{}{}".format, st.sampled_from(["400", "800"]), _digits(7)) | st.builds(
    "+8695{}".format, st.text(_DIGITS, min_size=3, max_size=6)
)
callees = parties | services
ids = st.uuids().map(str)
tones = st.text(string.ascii_letters + string.digits + "-_.@", min_size=1, max_size=128)
user_data = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="{}^"), min_size=1, max_size=256
)
cities = st.sampled_from(["010", "021", "0755", "0571", "0898", "0999"])
matches = st.sampled_from(["0", "1"])
flags = st.sampled_from(["true", "false"])
switches = st.sampled_from(["on", "off"])
directions = st.integers(0, 2)
call_minutes = st.integers(0, 1440)
durations = st.integers(0, 7_776_000)
lives = st.just(0) | st.integers(60, 7_776_000)
life_minutes = st.integers(0, 43_200)
extensions = st.integers(1, 4).flatmap(_digits).filter(int)
pre_voices = st.fixed_dictionaries({}, optional={"callerHintTone": tones, "calleeHintTone": tones})


def _request(
    required: Mapping[str, st.SearchStrategy[Any]],
    optional: Mapping[str, st.SearchStrategy[Any]],
    allowed: Callable[[Object], bool] = lambda request: True,
) -> st.SearchStrategy[Object]:
    return st.fixed_dictionaries(dict(required), optional=dict(optional)).map(_announced).filter(allowed)


def _announced(request: Object) -> Object:
    """Recording is asked for with its announcement only (axb.md §6.3)."""
    if request.get("recordFlag") == "true":
        return request | {"recordHintTone": request.get("recordHintTone", "recordHintTone.wav")}
    return request


def _apart(*names: str) -> Callable[[Object], bool]:
    """The numbers of one request differ."""

    def apart(request: Object) -> bool:
        numbers = [request[name] for name in names if name in request]
        return len(numbers) == len(set(numbers))

    return apart


def _with_city(request: Object) -> bool:
    return "areaMatchMode" not in request or "areaCode" in request


_RECORDING = {"recordHintTone": tones}
_PLACE = {"areaCode": cities, "areaMatchMode": matches}
_AX_TERMS = {
    "lastMinVoice": tones,
    "privateSms": flags,
    "turnFlag": switches,
    "userData": user_data,
    **_RECORDING,
}

ax_binds = _request(
    {
        "origNum": parties,
        "privateNum": xs,
        "callDirection": directions,
        "maxDuration": call_minutes,
        "recordFlag": flags,
        "calleeNumDisplay": st.just("0"),
    },
    {**_AX_TERMS, "preVoice": pre_voices},
    _apart("origNum", "privateNum"),
)
ax_city_binds = _request(
    {
        "origNum": parties,
        "areaCode": cities,
        "privateNumType": st.just("mobile-virtual"),
        "callDirection": directions,
        "maxDuration": call_minutes,
        "recordFlag": flags,
        "calleeNumDisplay": st.just("0"),
    },
    {**_AX_TERMS, "areaMatchMode": matches},
)
ax_modifies = _request(
    {"subscriptionId": ids},
    {
        "origNum": parties,
        "callDirection": directions,
        "maxDuration": call_minutes,
        "recordFlag": flags,
        **_AX_TERMS,
    },
)
ax_callees = _request(
    {"subscriptionId": ids, "calleeNum": callees, "duration": st.integers(1, 259_200)},
    {"userData": user_data},
)

_AXB_TERMS = {
    "lastMinVoice": tones,
    "privateSms": flags,
    "preVoice": pre_voices,
    "userData": user_data,
    **_RECORDING,
}
axb_binds = _request(
    {
        "callerNum": parties,
        "calleeNum": parties,
        "callDirection": directions,
        "duration": durations,
        "maxDuration": call_minutes,
        "recordFlag": flags,
    },
    {"relationNum": xs, **_PLACE, **_AXB_TERMS},
    _apart("callerNum", "calleeNum", "relationNum"),
)
axb_modifies = _request(
    {"subscriptionId": ids},
    {
        "callerNum": parties,
        "calleeNum": parties,
        "callDirection": directions,
        "duration": durations,
        "maxDuration": call_minutes,
        "recordFlag": flags,
        **_AXB_TERMS,
    },
    _apart("callerNum", "calleeNum"),
)


def _lives_fit(request: Object) -> bool:
    """The record lives no longer than the binding, 0 being for ever (axe.md §2)."""
    life, callback = request.get("bindExpiredTime"), request.get("callbackExpiredTime")
    return not (life and callback and callback > life)


axe_binds = _request(
    {
        "bindNum": parties,
        "virtualNum": xs,
        "bindExpiredTime": life_minutes,
        "callbackExpiredTime": life_minutes,
        "recordFlag": flags,
        "timeUnit": st.just("1"),
        "displayNumMode": st.just("0"),
    },
    {
        "extendNum": extensions,
        "callbackNum": parties,
        "callbackTone": tones,
        "userData": user_data,
        **_RECORDING,
    },
    lambda request: (
        _lives_fit(request)
        and not {"callbackNum", "callbackTone"} <= set(request)
        and request["bindNum"] != request["virtualNum"]
    ),
)
axe_modifies = _request(
    {"subscriptionId": ids, "bindExpiredTime": life_minutes, "timeUnit": st.just("1")},
    {
        "callbackExpiredTime": life_minutes,
        "callbackNum": parties | st.just(""),
        "callbackTone": tones | st.just(""),
        "recordFlag": flags,
        **_RECORDING,
    },
    _lives_fit,
)

axyb_ax_binds = _request(
    {
        "origNum": parties,
        "areaCode": cities,
        "callDirection": directions,
        "duration": lives,
        "ybDuration": lives,
        "recordFlag": flags,
    },
    {"areaMatchMode": matches, "preVoiceX": tones, "preVoiceY": tones, "userData": user_data, **_RECORDING},
)
axyb_yb_binds = _request(
    {"subscriptionId": ids, "origNum": parties},
    {**_PLACE, "ybDuration": lives, "preVoiceY": tones, "userData": user_data},
    _with_city,
)


_ENVELOPE = {"resultcode": st.just("0"), "resultdesc": st.sampled_from(["Success", "Success."])}
_TIMES = st.just("2026-09-02 08:59:30")

ax_bounds = st.fixed_dictionaries({**_ENVELOPE, "subscriptionId": ids, "origNum": parties, "privateNum": xs})
ax_rows = st.fixed_dictionaries(
    {
        "subscriptionId": ids,
        "origNum": parties,
        "privateNum": xs,
        "subscribeTime": _TIMES,
        "recordFlag": flags,
        "maxDuration": call_minutes,
        "callDirection": directions,
    },
    optional={
        "privateNumType": st.just("mobile-virtual"),
        "calleeNumDisplay": matches,
        "preVoice": pre_voices,
        **_AX_TERMS,
    },
)
axb_bounds = st.fixed_dictionaries(
    {
        **_ENVELOPE,
        "subscriptionId": ids,
        "relationNum": xs,
        "callDirection": directions,
        "duration": durations,
        "maxDuration": call_minutes,
    }
)
axb_rows = st.fixed_dictionaries(
    {
        "subscriptionId": ids,
        "relationNum": xs,
        "callerNum": parties,
        "calleeNum": parties,
        "callDirection": directions,
        "duration": durations,
        "maxDuration": call_minutes,
        "recordFlag": flags,
        "privateSms": flags,
        "subscribeTime": _TIMES,
    },
    optional={"preVoice": pre_voices, "lastMinVoice": tones, "userData": user_data, **_RECORDING},
)
axe_bounds = st.fixed_dictionaries(
    {
        **_ENVELOPE,
        "subscriptionId": ids,
        "virtualNum": xs,
        "extendNum": extensions,
        "bindExpiredTime": life_minutes,
        "callbackExpiredTime": life_minutes,
    },
    optional={"userData": user_data},
)
axe_rows = st.fixed_dictionaries(
    {
        **_ENVELOPE,
        "subscriptionId": ids,
        "virtualNum": xs,
        "extendNum": extensions,
        "bindNum": parties,
        "timeUnit": matches,
        "bindExpiredTime": life_minutes,
        "callbackExpiredTime": life_minutes,
        "recordFlag": flags,
    },
    optional={
        "displayNumMode": matches,
        "callbackNum": parties,
        "callbackTone": tones,
        "userData": user_data,
        **_RECORDING,
    },
)
axyb_bounds = st.fixed_dictionaries({**_ENVELOPE, "subscriptionId": ids, "relationNumber": xs})
axyb_rows = st.fixed_dictionaries(
    {
        "bindId": ids,
        "numA": parties,
        "numX": xs,
        "recordFlag": flags,
        "subscribeTime": _TIMES,
        "callDirection": directions,
        "duration": lives,
        "ybDuration": lives,
    },
    optional={
        "numY": xs,
        "numB": parties,
        "preVoiceX": tones,
        "preVoiceY": tones,
        "userData": user_data,
        **_RECORDING,
    },
)

strangers = st.dictionaries(
    st.text(string.ascii_lowercase, min_size=3, max_size=8).map("new_{}".format),
    st.integers() | st.booleans() | st.text(max_size=20).filter(bool) | st.just({"deep": [1, "x"]}),
    max_size=3,
)
"""Members nobody documented."""


def other_spellings(wire: Object) -> st.SearchStrategy[Object]:
    """The same answer as another edition of the platform writes it (numbers.md §7.1, §7.2)."""
    return st.fixed_dictionaries({name: _spelling(name, value) for name, value in wire.items()})


def _spelling(name: str, value: Any) -> st.SearchStrategy[Any]:
    if isinstance(value, int):
        return st.sampled_from([value, str(value)])
    if name in {"recordFlag", "privateSms"}:
        return st.sampled_from([value, value.upper(), value.title(), value == "true", int(value == "true")])
    if name == "turnFlag":
        return st.sampled_from([value, value.upper(), value == "on"])
    return st.just(value)


def with_absences(wire: Object, names: frozenset[str]) -> st.SearchStrategy[Object]:
    """The same answer with members that are not there written as null or empty text (numbers.md §7.1)."""
    absent = {name: st.sampled_from([None, ""]) for name in sorted(names - set(wire))}
    return st.fixed_dictionaries({}, optional=absent).map(lambda absences: absences | wire)


events = st.fixed_dictionaries(
    {
        "eventType": st.sampled_from(
            ["callin", "collectInfo", "callout", "alerting", "answer", "disconnect"]
        ),
        "statusInfo": st.fixed_dictionaries(
            {"timestamp": st.just("2026-09-02 01:00:00"), "sessionId": ids},
            optional={
                "caller": callees,
                "called": xs,
                "subscriptionId": ids,
                "userData": user_data.filter(str.strip).map(str.strip),
                "notifyMode": st.sampled_from(["Block", "Notify"]),
                "digitInfo": _digits(4),
                "stateCode": st.sampled_from([0, 8014, 8102]),
                "stateDesc": st.just("The user releases the call."),
            },
        ),
    }
)
"""One call event (notifications.md §4.2)."""

cdrs = st.fixed_dictionaries(
    {
        "direction": directions,
        "appKey": st.just("demoAppKey0000000000000001"),
        "icid": ids,
        "bindNum": xs,
        "sessionId": ids,
        "callerNum": callees,
        "callInTime": st.just("2026-09-02 01:00:00"),
        "callEndTime": st.just("2026-09-02 01:01:10"),
        "fwdUnaswRsn": st.sampled_from([0, 17, 19]),
        "ulFailReason": st.sampled_from([0, 8014, 8102]),
        "sipStatusCode": st.sampled_from([0, 403, 486]),
        "recordFlag": st.sampled_from([0, 1]),
    },
    optional={
        "calleeNum": xs,
        "subscriptionId": ids,
        "fwdDisplayNum": xs,
        "fwdDstNum": callees,
        "fwdStartTime": st.just("2026-09-02 01:00:01"),
        "fwdAlertingTime": st.just("2026-09-02 01:00:03"),
        "fwdAnswerTime": st.just("2026-09-02 01:00:08"),
        "failTime": st.just("2026-09-02 01:01:10"),
        "callRelDirection": st.sampled_from([1, 2]),
        "callDuration": st.integers(0, 86_400),
        "extendNum": extensions,
        "userData": user_data,
        "notifyMode": st.just("Block"),
        "recordObjectName": st.just("26090201000800110001234.wav"),
    },
)
"""One ``feeLst`` entry (notifications.md §5.2)."""

number_states = st.fixed_dictionaries(
    {"number": xs, "status": st.sampled_from(["5", "9", "10", "11", "12"])},
    optional={"cause": st.sampled_from(["1", "2", "3", "5", "6", "7", "8", "9"])},
)
"""One ``numInfo`` entry (notifications.md §7)."""

sms = st.fixed_dictionaries(
    {
        "appKey": st.just("demoAppKey0000000000000001"),
        "smsEvent": st.fixed_dictionaries(
            {
                "smsIdentifier": ids,
                "notificationMode": st.sampled_from(["Notify", "Block"]),
                "calling": mobiles,
                "virtualNumber": xs,
            },
            optional={
                "called": mobiles,
                "subscriptionId": ids,
                "sendResult": st.integers(0, 13),
                "timeStamp": st.just("2026-09-02T01:00:00.000Z"),
            },
        ),
    }
)
"""An SMS notice or question (notifications.md §6.2)."""
