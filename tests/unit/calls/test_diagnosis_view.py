"""A diagnosis as JSON and as text, in the language that is asked for."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.cases import around, complete, over, refused, seconds
from builders.pushes import SIGNED_AT
from privatenumber.calls.diagnosis.diagnose import diagnose
from privatenumber.calls.diagnosis.view import Language, as_text, language, views
from privatenumber.calls.diagnosis.words import beijing, span, typed

FOUND = diagnose(complete(refused(8014), around(bindings=(over(),))))


@pytest.mark.parametrize(
    ("wanted", "accepted", "expected"),
    [
        (None, None, "en"),
        ("zh", None, "zh"),
        ("zh-CN", "en", "zh"),
        ("EN", "zh", "en"),
        ("fr", "zh-CN,zh;q=0.9", "zh"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "en-GB,en;q=0.9,zh;q=0.8", "en"),
        (None, "fr;q=1, zh;q=0.5, en;q=0.3", "zh"),
        (None, "de", "en"),
        (None, "*", "en"),
        (None, "zh;q=x, en", "en"),
        ("", "", "en"),
    ],
)
def test_the_language_is_that_of_lang_then_that_of_the_header(
    wanted: str | None, accepted: str | None, expected: Language
) -> None:
    assert language(wanted, accepted) == expected


@given(st.none() | st.text(), st.none() | st.text())
def test_no_header_breaks_it(wanted: str | None, accepted: str | None) -> None:
    assert language(wanted, accepted) in ("en", "zh")


def test_a_view_is_json_and_names_who_can_act() -> None:
    (first, *_) = json.loads(json.dumps(views(FOUND, "en")))
    assert first["situation"] == "binding.expired"
    assert (first["severity"], first["confidence"], first["who_can_act"]) == ("failed", "certain", "us")
    assert first["explanation"].startswith("The binding that this call needed")
    assert {"C-136", "C-138"} <= set(first["checklist"])
    assert {"what", "value", "source"} == set(first["evidence"][0])


def test_the_other_language_says_the_same_situation() -> None:
    english, chinese = views(FOUND, "en"), views(FOUND, "zh")
    assert [one["situation"] for one in english] == [one["situation"] for one in chinese]
    assert chinese[0]["title"] == "绑定已到期"


def test_a_person_reads_findings_numbered_with_evidence_and_what_to_do() -> None:
    told = as_text(FOUND, "en").splitlines()
    assert told[0] == "1. The binding had run out [failed, certain]"
    assert told[2].startswith("   What to do: Bind the order again")
    assert "   - order: order-of-binding-1 (binding binding-1)" in told


def test_nothing_known_is_said() -> None:
    assert as_text((), "en") == "Nothing is known of it\n"
    assert as_text((), "zh") == "没有相关记录\n"


def test_times_are_those_of_beijing_and_say_so() -> None:
    """C-147: 01:00 UTC is nine in the morning there."""
    assert beijing(SIGNED_AT).en == "2026-09-02 09:00:00 (Beijing time)"
    assert beijing(SIGNED_AT).zh == "北京时间 2026-09-02 09:00:00"


@pytest.mark.parametrize(
    ("length", "english", "chinese"),
    [
        (0, "less than a second", "不到 1 秒"),
        (-5, "less than a second", "不到 1 秒"),
        (1, "1 second", "1 秒"),
        (40, "40 seconds", "40 秒"),
        (65, "1 minute 5 seconds", "1 分钟 5 秒"),
        (3_600, "1 hour", "1 小时"),
        (90_061, "1 day 1 hour", "1 天 1 小时"),
    ],
)
def test_lengths_of_time_read_as_people_say_them(length: int, english: str, chinese: str) -> None:
    told = span(timedelta(seconds=length))
    assert (told.en, told.zh) == (english, chinese)


def test_of_typed_digits_the_last_is_told() -> None:
    """numbers.md §6."""
    assert typed("0007").en == "***7 (4 digits)"
    assert typed("").zh == "未输入"


def test_moments_of_the_future_are_no_negative_lengths() -> None:
    assert span(seconds(0) - seconds(60)).en == "less than a second"
