"""What is taken for a recording (recording-and-call-stop.md §1, §2): C-070."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.recordings import wav
from emulator.recordings import content
from privatenumber.recordings.inspection import Expected, Inspected, Inspection
from privatenumber.recordings.wav import NotARecording, read_header


def inspected(chunks: Iterable[bytes], talk_s: int | None = None, *, strict: bool = True) -> Inspected:
    inspection = Inspection(Expected(talk_s, strict))
    for _ in inspection.passing(chunks):
        pass
    return inspection.result


def refusal(data: bytes, talk_s: int | None = None, *, strict: bool = True) -> str:
    with pytest.raises(NotARecording) as refused:
        inspected([data], talk_s, strict=strict)
    return refused.value.detail


@settings(deadline=None)  # the machine may be busy, and one byte at a time takes its while
@given(st.integers(1, 4), st.integers(1, 9000))
def test_a_recording_is_measured_however_it_is_cut(seconds: int, cut: int) -> None:
    data = b"".join(content(seconds))
    found = inspected((data[at : at + cut] for at in range(0, len(data), cut)), seconds)
    assert found == Inspected(len(data), hashlib.sha256(data).hexdigest(), seconds, True)


@pytest.mark.parametrize("talk_s", [58, 59, 60, 61, 62])
def test_two_seconds_more_or_less_than_the_talk_are_plausible(talk_s: int) -> None:
    assert inspected([wav(60)], talk_s).plausible


@pytest.mark.parametrize("talk_s", [57, 63, 600])
def test_another_length_is_refused(talk_s: int) -> None:
    assert refusal(wav(60), talk_s) == "implausible"


def test_far_too_much_is_not_read_to_its_end() -> None:
    assert refusal(wav(60), 3) == "too_large"


def test_on_the_last_chance_another_length_is_taken_and_told() -> None:
    """Rather a file of doubtful length than none (decision)."""
    found = inspected([wav(60)], 3, strict=False)
    assert (found.seconds, found.plausible) == (60, False)


def test_a_call_whose_talk_time_is_unknown_has_any_length() -> None:
    assert inspected([wav(60)], None).plausible


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "empty"),
        (b"RI", "truncated"),
        (wav(5)[:40], "truncated"),
        (wav(5)[:-1], "truncated"),
        (wav(0), "truncated"),
        (b"<html><body>expired</body></html>", "not_wav"),
        (b'{"resultcode":"1012007"}', "not_wav"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "not_wav"),
        (wav(5, coding=1), "not_alaw"),
        (wav(5, coding=7), "not_alaw"),
        (wav(5, channels=2), "not_alaw"),
        (wav(5, rate=16_000), "not_alaw"),
        (b"RIFF\x00\x00\x00\x00WAVEdata\x01\x00\x00\x00x", "not_wav"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt \x02\x00\x00\x00xxdata\x01\x00\x00\x00x", "not_wav"),
        (b"RIFF\x00\x00\x00\x00WAVEjunk\xff\xff\xff\x7f" + bytes(100), "not_wav"),
    ],
)
def test_what_is_no_a_law_recording_is_refused(data: bytes, detail: str) -> None:
    assert refusal(data) == detail


@pytest.mark.parametrize("announced", [0, 0xFFFF_FFFF])
def test_a_header_that_does_not_know_the_length_is_believed_by_size(announced: int) -> None:
    """Recorders that stream write the length they cannot know yet as 0 or as the largest number."""
    assert inspected([wav(5, announced=announced)], 5).seconds == 5


def test_other_chunks_may_stand_before_and_behind_the_sound() -> None:
    data = wav(5)
    noted = data[:12] + b"LIST" + struct.pack("<I", 3) + b"abc\0" + data[12:] + b"LIST\0\0\0\0"
    assert inspected([noted], 5).seconds == 5


def test_a_header_without_end_is_not_kept() -> None:
    assert refusal(b"RIFF\0\0\0\0WAVE" + (b"junk" + struct.pack("<I", 8) + bytes(8)) * 6000) == "not_wav"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_header_no_header_or_too_few(data: bytes) -> None:
    try:
        header = read_header(b"RIFF\0\0\0\0WAVE" + data)
    except NotARecording:
        return
    assert header is None or header.sound_at <= len(data) + 12


def test_a_result_before_the_end_is_a_mistake() -> None:
    inspection = Inspection(Expected())
    next(inspection.passing([wav(1), b""]))
    with pytest.raises(ValueError, match="not passed"):
        _ = inspection.result
