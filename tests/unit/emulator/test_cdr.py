"""Bodies of events and CDRs: the documented examples, key by key, in order (notifications.md §4.6, §5.5)."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from builders.emulated import ACCOUNT, APP_KEY, STRANGER, SUBSCRIPTION, A, B, Platform, X
from emulator.callrecord import Call, Route
from emulator.cdr import cdr_entry, fee_body
from emulator.events import EventType, event_body
from emulator.outcomes import ANSWERED_END, ENDINGS, CallOutcome, Ending, Party
from emulator.settings import EmulatorSettings
from emulator.world import Mode

DOCUMENTED: dict[str, Any] = json.loads(Path(__file__).with_name("documented_pushes.json").read_text("utf-8"))
SETTINGS = EmulatorSettings()
HOST = "callenabler246.huaweicaas.com"


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-09-02T{text}+00:00").astimezone(UTC)


def example(serial: int, mode: Mode, caller: str, dialled: str, **changes: Any) -> Call:
    """A call of the documented examples; `starts`, `rings`, `answers`, `ends` are its times."""
    times = {
        name: at(changes.pop(name))
        for name in ("arrives", "starts", "rings", "answers", "ends")
        if name in changes
    }
    arrived = times["arrives"]
    fields: dict[str, Any] = {
        "session_id": f"1200_{1000 + serial}_4294967295_{arrived:%Y%m%d%H%M%S}@{HOST}",
        "icid": f"c0a8f3d1b7e24c6590ab12cd34ef5678.3997785600.{serial}.7",
        "app_key": APP_KEY,
        "mode": mode,
        "caller": caller,
        "dialled": dialled,
        "direction": 0,
        "call_in_at": arrived,
        "number_type": "virtual",
        "area_code": "0755",
        "started_at": times.get("starts"),
        "alerting_at": times.get("rings"),
        "answered_at": times.get("answers"),
        "ended_at": times.get("ends"),
        "ending": ANSWERED_END,
        **changes,
    }
    return Call(**fields)


def binding(serial: int) -> str:
    return f"3f2b8c10-6a4d-4e57-9b21-{serial:012d}"


AX_CALLED = example(
    2, Mode.AX, STRANGER, "+8617010000001", subscription_id=binding(1),
    route=Route("+8617010000001", A), arrives="01:05:00", starts="01:05:01", rings="01:05:03",
    answers="01:05:09", ends="01:05:25",
)  # fmt: skip
AXE_CALLED = example(
    3, Mode.AXE, B, "+8617010000003", subscription_id=binding(3), extension="0007",
    route=Route("+8617010000003", A), arrives="01:10:00", starts="01:10:10", rings="01:10:12",
    ends="01:11:12", ending=ENDINGS[CallOutcome.NO_ANSWER],
)  # fmt: skip
AXE_CALLS_BACK = example(
    4, Mode.AXE, A, "+8617010000003", subscription_id=binding(3), direction=1, extension="0007",
    route=Route("+8617010000003", B), arrives="01:20:00", starts="01:20:01", rings="01:20:03",
    answers="01:20:07", ends="01:21:08",
)  # fmt: skip
AXYB = example(
    5, Mode.AXYB, A, "+8617010000005", subscription_id=binding(4), direction=1,
    route=Route("+8617010000004", B), arrives="01:30:00", starts="01:30:01", rings="01:30:03",
    answers="01:30:06", ends="01:32:00",
)  # fmt: skip
X_MODE = example(
    6, Mode.X, STRANGER, "+8617010000006", user_data="ticket-77",
    route=Route("+8617010000006", B), arrives="01:40:00", starts="01:40:01", rings="01:40:03",
    answers="01:40:05", ends="01:40:45",
)  # fmt: skip
AXB_STRANGER = example(
    7, Mode.AXB, STRANGER, X, direction=2, arrives="01:50:00", ends="01:50:04",
    ending=Ending(8014, 8014, 0, 403),
)  # fmt: skip
EXAMPLES = {
    "ax_called": AX_CALLED,
    "axe_called": AXE_CALLED,
    "axe_calls_back": AXE_CALLS_BACK,
    "axyb": AXYB,
    "x": X_MODE,
    "axb_stranger": AXB_STRANGER,
}


def events_of(call: Call, settings: EmulatorSettings = SETTINGS) -> list[dict[str, Any]]:
    """Every event of a call, as if it had run."""
    stages = [
        (EventType.CALLIN, call.call_in_at),
        (EventType.COLLECT_INFO, at("01:10:09") if call is AXE_CALLED else None),
        (EventType.CALLOUT, call.started_at),
        (EventType.ALERTING, call.alerting_at),
        (EventType.ANSWER, call.answered_at),
        (EventType.DISCONNECT, call.ended_at),
    ]
    bodies = []
    arriving = replace(call, started_at=None)
    for event, moment in stages:
        if moment is not None:
            subject = arriving if event is EventType.CALLIN else call
            bodies.append(event_body(event, subject, moment, settings, digits=call.extension))
    return bodies


def in_order(body: dict[str, Any]) -> str:
    """JSON keeps the order of the keys, so equal text means equal order."""
    return json.dumps(body, ensure_ascii=False)


@pytest.mark.parametrize("name", [name for name in EXAMPLES if "events" in DOCUMENTED[name]])
def test_documented_events_are_reproduced_key_by_key(name: str) -> None:
    """C-002, C-005, C-006, C-007; notifications.md §4.6."""
    built = [in_order(body) for body in events_of(EXAMPLES[name])]
    assert built == [in_order(body) for body in DOCUMENTED[name]["events"]]


@pytest.mark.parametrize("name", [name for name in EXAMPLES if "cdr" in DOCUMENTED[name]])
def test_documented_cdrs_are_reproduced_key_by_key(name: str) -> None:
    """C-004, C-027; notifications.md §5.5."""
    built = fee_body([cdr_entry(EXAMPLES[name], ACCOUNT, SETTINGS)])
    assert in_order(built) == in_order(DOCUMENTED[name]["cdr"])


@pytest.mark.anyio
async def test_an_answered_axb_call_runs_as_documented() -> None:
    """C-004; notifications.md §4.6, §5.5: the engine itself. Chance draws two values."""
    platform = Platform()
    platform.bind(user_data="order-1001", record=True, record_hint_tone="recordHintTone.wav")
    await platform.call(talk_s=62)
    [entry] = platform.receiver.cdrs()
    documented = DOCUMENTED["axb_answered"]["cdr"]["feeLst"][0]
    for drawn in ("icid", "recordObjectName"):
        assert len(entry[drawn]) >= len(documented[drawn]) - 2
        entry[drawn] = documented[drawn]
    assert in_order(entry) == in_order(documented)
    assert [in_order(body) for body in platform.receiver.events()] == [
        in_order(body) for body in DOCUMENTED["axb_answered"]["events"]
    ]


def test_a_running_call_has_no_cdr() -> None:
    running = replace(AX_CALLED, ended_at=None, ending=None)
    with pytest.raises(ValueError, match="still runs"):
        cdr_entry(running, ACCOUNT, SETTINGS)


def test_user_data_is_left_out_when_not_arranged() -> None:
    """emu.push.user_data = false: neither in later events nor in the CDR."""
    settings = EmulatorSettings(push={"user_data": False})
    assert "userData" not in cdr_entry(X_MODE, ACCOUNT, settings)
    assert all("userData" not in body["statusInfo"] for body in events_of(X_MODE, settings))


def test_empty_optional_texts_are_sent_empty_on_demand_and_times_never() -> None:
    """C-027; notifications.md §4.2, §5.5: emu.push.empty_optional = empty."""
    settings = EmulatorSettings(push={"empty_optional": "empty"})
    entry = cdr_entry(AXB_STRANGER, ACCOUNT, settings)
    assert entry["subscriptionId"] == entry["mptyId"] == entry["userData"] == entry["fwdDstNum"] == ""
    assert "fwdAnswerTime" not in entry
    assert events_of(AXB_STRANGER, settings)[0]["statusInfo"]["subscriptionId"] == ""


def test_fields_by_arrangement_come_last_and_only_on_demand() -> None:
    """notifications.md §5.2, presence Sw."""
    settings = EmulatorSettings(
        cdr={
            "arranged_fields": ["areaCode", "callRelDirection", "callDuration"],
            "extra_fields": ["voiceCheckType"],
        }
    )
    entry = cdr_entry(replace(AXYB, released_by=Party.CALLEE), ACCOUNT, settings)
    assert list(entry)[-4:] == ["areaCode", "callRelDirection", "callDuration", "voiceCheckType"]
    assert entry["callRelDirection"] == 2
    assert entry["callDuration"] == 114


@pytest.mark.anyio
async def test_a_direct_recording_address_empties_the_three_names() -> None:
    """recording-and-call-stop.md §1: emu.recording.delivery = direct_url."""
    platform = Platform(recording={"delivery": "direct_url"})
    platform.bind(record=True, record_hint_tone="recordHintTone.wav")
    await platform.call()
    [entry] = platform.receiver.cdrs()
    assert entry["recordFlag"] == 1
    assert entry["recordDomain"] == entry["recordBucketName"] == entry["recordObjectName"] == ""
    assert entry["recordFileDownloadUrl"].startswith("https://ostor.example.com/")


@pytest.mark.anyio
@pytest.mark.parametrize(("talk_s", "flag"), [(2, 0), (3, 1)])
async def test_a_call_under_three_seconds_is_not_recorded(talk_s: int, flag: int) -> None:
    """C-070, C-159; recording-and-call-stop.md §1."""
    platform = Platform()
    platform.bind(record=True, record_hint_tone="recordHintTone.wav")
    await platform.call(talk_s=talk_s)
    [entry] = platform.receiver.cdrs()
    assert entry["recordFlag"] == flag
    assert ("recordObjectName" in entry) == bool(flag)


@pytest.mark.anyio
async def test_service_type_follows_its_setting() -> None:
    """Decision 196."""
    platform = Platform(cdr={"service_type": {"AXB": "009"}})
    platform.bind()
    await platform.call()
    assert platform.receiver.cdrs()[0]["serviceType"] == "009"


@pytest.mark.anyio
async def test_ids_repeat_with_the_seed_and_differ_between_calls() -> None:
    """notifications.md §4.7; decision 8."""
    runs = []
    for _ in range(2):
        platform = Platform(seed=7)
        platform.bind()
        first, second = await platform.call(), await platform.call(B)
        assert first.icid != second.icid
        assert first.session_id != second.session_id
        prefix, *rest = first.icid.split(".")
        assert len(prefix) == 32
        assert len([int(part) for part in rest]) == 3
        runs.append([(call.session_id, call.icid) for call in (first, second)])
    assert runs[0] == runs[1]


@pytest.mark.anyio
async def test_session_ids_may_contain_the_numbers() -> None:
    """notifications.md §4.7: emu.session_id_style = with_numbers, to test masking."""
    platform = Platform(session_id_style="with_numbers")
    platform.bind()
    call = await platform.call()
    assert call.session_id.startswith(f"{A}_{X}_4_")
    assert len(call.session_id.split("_")) == 8
    assert platform.receiver.cdrs()[0]["sessionId"] == call.session_id
    assert call.subscription_id == SUBSCRIPTION
    assert call.call_in_at + timedelta(seconds=68) == call.ended_at
