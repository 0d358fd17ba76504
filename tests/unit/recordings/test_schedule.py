"""When a recording is fetched, what failures mean (recording-and-call-stop.md §2): C-159, C-177, C-178."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.recordings import SCHEDULE
from privatenumber.addresses import AddressRefused
from privatenumber.codes.results import lookup
from privatenumber.platform.errors import NotSent, PlatformError, error_for, no_answer
from privatenumber.privacy import SealBroken
from privatenumber.recordings.download import DownloadFailed
from privatenumber.recordings.failures import FAILURES, Failure, failure_of
from privatenumber.recordings.fetch import ApplicationMissing
from privatenumber.recordings.model import Reason, Schedule, at_risk, forgotten
from privatenumber.recordings.wav import NotARecording
from privatenumber.settings import Settings, SettingsError
from privatenumber.store.recordings import RecordingRow

CDR_AT = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def row(talk_s: int | None = 60, reason: str | None = None) -> RecordingRow:
    return RecordingRow(
        ("CALL", "RECORDING#x"), "ride", "pending", "f", CDR_AT, 0, talk_seconds=talk_s, reason=reason
    )


def refused(status: int, code: str) -> PlatformError:
    return error_for("record.url", lookup(status, code, "record.url"))


def test_the_attempts_are_at_once_after_10_min_1_h_6_h_daily_and_on_day_7() -> None:
    moments, now = [timedelta(0)], CDR_AT
    while (planned := SCHEDULE.next_after(CDR_AT, now)) is not None:
        moments.append(planned - CDR_AT)
        now = planned
    days = [timedelta(days=day) for day in range(1, 8)]
    assert moments == [timedelta(0), timedelta(minutes=10), HOUR, 6 * HOUR, *days]


@given(st.integers(0, 9 * 86_400))
def test_an_attempt_at_any_time_is_followed_by_a_later_one_until_day_7(after_s: int) -> None:
    now = CDR_AT + timedelta(seconds=after_s)
    planned = SCHEDULE.next_after(CDR_AT, now)
    assert (planned is None) == (after_s >= 7 * 86_400)
    assert planned is None or planned > now


def test_day_6_is_the_day_of_the_alarm_and_the_last_chance() -> None:
    """Alarm on day 6, final on day 7."""
    for hours, alarm, gone in (
        (143, False, False),
        (144, True, False),
        (167, True, False),
        (168, True, True),
    ):
        now = CDR_AT + hours * HOUR
        assert (at_risk(CDR_AT, now), forgotten(CDR_AT, now)) == (alarm, gone), hours
        assert SCHEDULE.is_last_chance(CDR_AT, now) == alarm


def test_the_rhythm_is_a_setting() -> None:
    """`backend.recording.retry_s`."""
    settings = Settings({"RECORDING_RETRY_SECONDS": "0, 60,3600"})
    assert Schedule(settings.recording_retry_seconds).next_after(CDR_AT, CDR_AT) == CDR_AT + HOUR / 60


@pytest.mark.parametrize("text", ["x", "0,,1", "-1", "60,0", "0,0", "0,604800", "1.5"])
def test_a_rhythm_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="RECORDING_RETRY_SECONDS"):
        _ = Settings({"RECORDING_RETRY_SECONDS": text}).recording_retry_seconds


NOT_FOUND = refused(403, "1012007")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NOT_FOUND, Failure(Reason.NOT_YET, "1012007")),
        (refused(403, "1012012"), Failure(Reason.RECORDING_OFF, "1012012", final=True)),
        (refused(403, "1010029"), Failure(Reason.ARREARS, "1010029", not_before=CDR_AT + HOUR)),
        (refused(403, "1011006"), Failure(Reason.FAILED, "1011006", not_before=CDR_AT + HOUR / 60)),
        (refused(403, "1010010"), Failure(Reason.FAILED, "1010010", not_before=CDR_AT + HOUR / 60)),
        (refused(401, "1010010"), Failure(Reason.FAILED, "1010010", not_before=CDR_AT + HOUR / 2)),
        (refused(403, "1010002"), Failure(Reason.FAILED, "1010002")),
        (no_answer("record.url"), Failure(Reason.FAILED, "unknown")),
        (AddressRefused("host"), Failure(Reason.HOST_REFUSED, "host")),
        (DownloadFailed("http_503"), Failure(Reason.FAILED, "http_503")),
        (NotARecording("truncated"), Failure(Reason.FAILED, "truncated")),
        (ApplicationMissing(), Failure(Reason.FAILED, "application_missing")),
        (SealBroken("altered"), Failure(Reason.FAILED, "unreadable")),
    ],
    ids=lambda value: getattr(value, "detail", None) or type(value).__name__,
)
def test_a_failure_has_a_reason_and_the_right_pause(error: Exception, expected: Failure) -> None:
    assert isinstance(error, FAILURES)
    assert failure_of(error, row(), CDR_AT) == expected


@pytest.mark.parametrize("talk_s", [0, 2])
def test_no_file_of_less_than_3_seconds_is_final(talk_s: int) -> None:
    assert failure_of(NOT_FOUND, row(talk_s), CDR_AT) == Failure(Reason.TOO_SHORT, "1012007", final=True)


@pytest.mark.parametrize("talk_s", [3, None])
def test_no_file_of_a_longer_call_may_still_appear(talk_s: int | None) -> None:
    assert not failure_of(NOT_FOUND, row(talk_s), CDR_AT).final


def test_no_file_after_day_7_is_final() -> None:
    found = failure_of(NOT_FOUND, row(), CDR_AT + timedelta(days=7))
    assert found == Failure(Reason.EXPIRED, "1012007", final=True)


@pytest.mark.parametrize("reason", ["arrears", "host_refused", "failed"])
def test_what_kept_us_from_a_file_while_it_was_there_remains_the_reason(reason: str) -> None:
    """U-N15: none because of arrears, or failed."""
    found = failure_of(NOT_FOUND, row(reason=reason), CDR_AT + timedelta(days=7))
    assert found == Failure(Reason(reason), "1012007", final=True)


def test_an_attempt_during_a_pause_keeps_what_the_platform_said_before() -> None:
    paused = NotSent("record.url", "paused", until=CDR_AT + HOUR)
    assert failure_of(paused, row(reason="arrears"), CDR_AT) == Failure(
        Reason.ARREARS, "paused", not_before=CDR_AT + HOUR
    )
    assert failure_of(paused, row(), CDR_AT).reason is Reason.FAILED
