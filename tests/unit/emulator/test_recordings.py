"""Recordings: which exist, for how long, and their bytes (recording-and-call-stop.md; C-070, C-159)."""

from __future__ import annotations

import math
import struct
from datetime import timedelta
from typing import Any

import httpx
import pytest

from builders.emulated import APP_KEY, A, Platform, X
from builders.emulated_modes import IDS, ModePlatform, Y
from emulator.callrecord import Call
from emulator.recordings import content, size_of
from emulator.world import Mode

pytestmark = pytest.mark.anyio

DOMAIN = "ostor.example.com"
DAY_S = 86_400
RECORDED: dict[str, Any] = {"record": True, "record_hint_tone": "notice.wav"}


async def recorded(platform: Platform, talk_s: int = 30, **script: Any) -> Call:
    platform.bind(**RECORDED)
    return await platform.call(talk_s=talk_s, **script)


def address(platform: Platform, call: Call, **wrong: str) -> str | None:
    assert call.recording is not None
    asked = {"app_key": APP_KEY, "domain": DOMAIN, "name": call.recording.object_name, **wrong}
    return platform.recordings.address(asked["app_key"], asked["domain"], asked["name"], platform.clock.now())


# which calls have one


@pytest.mark.parametrize(
    ("rule", "talk_s", "flag", "fetched"),
    [
        ("not_recorded", 2, 0, None),
        ("not_recorded", 3, 1, True),
        ("flag_without_file", 2, 1, False),
        ("flag_without_file", 3, 1, True),
    ],
)
async def test_a_short_call_has_no_file(rule: str, talk_s: int, flag: int, fetched: bool | None) -> None:
    """Decision 166: at least 3 s of talk."""
    platform = Platform(recording={"short_call": rule})
    call = await recorded(platform, talk_s)
    [entry] = platform.receiver.cdrs()
    assert entry["recordFlag"] == flag
    if fetched is None:
        assert not [name for name in entry if name.startswith("record") and name != "recordFlag"]
    else:
        assert (address(platform, call) is not None) is fetched


async def test_a_recording_is_named_in_the_cdr() -> None:
    """recording-and-call-stop.md §1: 23 digits, the domain, the application in lower case."""
    platform = Platform()
    await recorded(platform)
    [entry] = platform.receiver.cdrs()
    assert len(entry["recordObjectName"]) == 27
    assert entry["recordObjectName"].removesuffix(".wav").isdigit()
    assert (entry["recordDomain"], entry["recordBucketName"]) == (DOMAIN, f"sp-{APP_KEY.lower()}")
    assert entry["recordStartTime"] == entry["fwdAnswerTime"]


@pytest.mark.parametrize("outcome", ["no_answer", "busy", "rejected"])
async def test_an_unanswered_call_has_none(outcome: str) -> None:
    platform = Platform()
    await recorded(platform, outcome=outcome)
    assert platform.receiver.cdrs()[0]["recordFlag"] == 0


@pytest.mark.parametrize("mode", ["AX", "AXE", "AXYB"])
async def test_every_mode_records(mode: str) -> None:
    """numbers.md §4: recording in every mode; the notice is played to the caller."""
    platform = ModePlatform(mode)
    caller, dialled = ("+8613800138003", X)
    if mode == "AX":
        platform.bind_ax(**RECORDED)
    elif mode == "AXE":
        platform.bind_axe(**RECORDED)
    else:
        platform.number(Y)
        platform.pair(platform.bind_axyb(**RECORDED))
        caller, dialled = A, Y
    call = await platform.call(caller, dialled, digits=["0007"])
    assert platform.cdr(call)["recordFlag"] == 1
    assert "notice.wav" in [tone.name for tone in call.prompts]
    assert IDS[Mode(mode)] == call.subscription_id


# addresses


@pytest.mark.parametrize(
    "wrong", [{"app_key": "another"}, {"domain": "other.example.com"}, {"name": "0.wav"}], ids=str
)
async def test_a_file_is_found_by_application_domain_and_name(wrong: dict[str, str]) -> None:
    """§2 row 3."""
    platform = Platform()
    call = await recorded(platform)
    assert address(platform, call) is not None
    assert address(platform, call, **wrong) is None


@pytest.mark.parametrize(("after_s", "there"), [(7 * DAY_S - 1, True), (7 * DAY_S, False)])
async def test_a_file_is_kept_seven_days_from_the_push_of_its_cdr(after_s: int, there: bool) -> None:
    """Decision 167: from the first successful push, which came late here."""
    platform = Platform()
    platform.receiver.answer = lambda request: httpx.Response(503)
    call = await recorded(platform)
    platform.receiver.answer = lambda request: httpx.Response(200)
    await platform.clock.advance(600)
    delivered = platform.pusher.log.cdr_delivered_at(call)
    assert delivered is not None
    assert call.ended_at is not None
    assert delivered > call.ended_at
    await platform.clock.advance_to(delivered + timedelta(seconds=after_s))
    assert (address(platform, call) is not None) is there


async def test_a_file_whose_cdr_never_arrived_is_kept_from_its_creation() -> None:
    platform = Platform()
    platform.receiver.answer = lambda request: httpx.Response(503)
    call = await recorded(platform)
    assert call.ended_at is not None
    await platform.clock.advance_to(call.ended_at + timedelta(days=7, seconds=-1))
    assert address(platform, call) is not None
    await platform.clock.advance(1)
    assert address(platform, call) is None


@pytest.mark.parametrize(
    ("settings", "opens_s"),
    [({}, 3 * DAY_S), ({"url_ttl_s": 1800}, 1800), ({"retention_s": 7200}, 7200)],
    ids=["3 days", "30 minutes", "never beyond the retention"],
)
async def test_an_address_opens_for_some_time(settings: dict[str, int], opens_s: int) -> None:
    """Decision 168."""
    platform = Platform(recording=settings)
    call = await recorded(platform)
    token = address(platform, call)
    assert token is not None
    begun = platform.pusher.log.cdr_delivered_at(call) if "retention_s" in settings else platform.clock.now()
    assert begun is not None
    last = begun + timedelta(seconds=opens_s)
    assert platform.recordings.open(token, last - timedelta(seconds=1)) is call
    assert platform.recordings.open(token, last) is None
    assert platform.recordings.open("unknown", platform.clock.now()) is None


async def test_a_direct_address_leads_to_the_file() -> None:
    """Decision 169: the address in the CDR is one of this emulator, for as long as the file is kept."""
    base = "https://127.0.0.1:8443"
    platform = Platform(served_at=base, recording={"delivery": "direct_url"})
    call = await recorded(platform)
    [entry] = platform.receiver.cdrs()
    assert entry["recordObjectName"] == entry["recordDomain"] == ""
    prefix, _, token = entry["recordFileDownloadUrl"].rpartition("/")
    assert prefix == f"{base}/__emu/recordings"
    now = platform.clock.now()
    assert platform.recordings.open(token, now + timedelta(days=6)) is call
    assert platform.recordings.open(token, now + timedelta(days=7)) is None


# bytes


@pytest.mark.parametrize("talk_s", [3, 60])
def test_a_file_is_a_wav_of_exactly_the_talk_time(talk_s: int) -> None:
    """recording-and-call-stop.md §1: A-law, 8000 Hz, 64 kbit/s, mono."""
    data = b"".join(content(talk_s))
    assert len(data) == size_of(talk_s)
    assert (data[:4], data[8:16]) == (b"RIFF", b"WAVEfmt ")
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    form, channels, rate, per_second, block, bits = struct.unpack("<HHIIHH", data[20:36])
    assert (form, channels, rate, per_second, block, bits) == (6, 1, 8000, 8000, 1, 8)
    at = data.index(b"data")
    assert struct.unpack("<I", data[at + 4 : at + 8])[0] == talk_s * 8000 == len(data) - at - 8


def test_a_file_plays_a_tone_of_440_hertz() -> None:
    """The samples, decoded by ITU-T G.711 as a player does, follow a sine within the steps of A-law."""
    data = b"".join(content(1))
    samples = [_decoded(code) for code in data[data.index(b"data") + 8 :]]
    wanted = [8000 * math.sin(2 * math.pi * 440 * n / 8000) for n in range(8000)]
    assert max(abs(one - other) for one, other in zip(samples, wanted, strict=True)) <= 256


def _decoded(code: int) -> int:
    code ^= 0x55
    exponent, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
    level = mantissa + 8 if exponent == 0 else (mantissa + 0x108) << (exponent - 1)
    return level if code & 0x80 else -level


async def test_a_file_is_sent_piece_by_piece() -> None:
    """A day of talk is made while it is sent, never held."""
    pieces = content(DAY_S)
    assert (len(next(pieces)), len(next(pieces)), len(next(pieces))) == (size_of(0), 8000, 8000)
