"""What an application says about its questions, and the time for an answer: x.md §2, notifications.md §6."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders.pushes import asking
from privatenumber.applications import parse_applications
from privatenumber.settings import Application, Settings, SettingsError, SmsDefault


def _read(**changes: Any) -> Application:
    (application,) = parse_applications(json.dumps({"applications": [asking("X", **changes)]})).values()
    return application


def test_the_defaults_are_the_careful_ones() -> None:
    application = _read(close_tone=None)
    assert (application.close_tone, application.sms_default) == (None, SmsDefault.DISCARD)
    assert application.contact_hours == 24


def test_an_application_has_its_own() -> None:
    application = _read(close_tone="sorry-1.wav", sms_default="Forward", contact_hours=72)
    assert (application.close_tone, application.sms_default) == ("sorry-1.wav", SmsDefault.FORWARD)
    assert application.contact_hours == 72


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("close_tone", "with blank.wav"),
        ("close_tone", "../x"),
        ("close_tone", "x" * 129),
        ("close_tone", 7),
        ("sms_default", "guess"),
        ("contact_hours", 0),
        ("contact_hours", 721),
        ("contact_hours", "24"),
        ("contact_hours", True),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=field):
        _read(**{field: value})


@pytest.mark.parametrize(("text", "seconds"), [("", 2.0), ("1", 1.0), ("0.5", 0.5), ("4", 4.0)])
def test_the_time_for_an_answer_is_two_seconds_unless_told_otherwise(text: str, seconds: float) -> None:
    assert Settings.from_environment({"BLOCK_SECONDS": text}).block_seconds == seconds


@pytest.mark.parametrize("text", ["0", "-1", "4.1", "5", "two", "1e0", "nan"])
def test_a_time_that_outlives_the_platforms_patience_is_refused(text: str) -> None:
    """The platform gives up after five seconds."""
    with pytest.raises(SettingsError, match="BLOCK_SECONDS"):
        _ = Settings.from_environment({"BLOCK_SECONDS": text}).block_seconds
