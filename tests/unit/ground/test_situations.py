"""The table of situations: complete, in both languages, specific, and true about how it is proven."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from builders.diagnosis_record_scenes import CALL_SCENES
from builders.diagnosis_sms_scenes import SMS_SCENES
from privatenumber.codes.situations import Situation, filled, situation, situations
from privatenumber.codes.texts import Text

ALL = situations()
IDS = [one.id for one in ALL]
CHINESE = re.compile(r"[一-鿿]")
DETECTABLE = (
    *("C-133", "C-134", "C-135", "C-136", "C-137"),
    *("C-138", "C-139", "C-140", "C-141"),
    *("C-145", "C-146", "C-148", "C-149", "C-150", "C-151"),
    *("C-153", "C-154", "C-155", "C-156", "C-158"),
)
"""Topics of binding, calls, records and SMS that the checklist marks as detected by the backend."""


def test_every_detectable_topic_of_the_checklist_has_a_situation() -> None:
    """checklist.md §11.5 to §11.8, column D; and the eight hours (C-147)."""
    cited = {topic for one in ALL for topic in one.checklist}
    assert {*DETECTABLE, "C-147"} <= cited


def test_every_situation_cites_a_topic() -> None:
    assert all(re.fullmatch(r"C-\d{3}", topic) for one in ALL for topic in one.checklist)
    assert all(one.checklist for one in ALL)


@pytest.mark.parametrize("row", ALL, ids=IDS)
def test_a_situation_is_told_in_both_languages(row: Situation) -> None:
    for text in (row.title, row.explanation, row.next_step):
        bare = re.sub(r"\{\w+\}", "", text.zh)
        assert text.en.strip()
        assert not CHINESE.search(text.en)
        assert CHINESE.search(bare) or text.zh == text.en.strip()
        assert set(re.findall(r"\{(\w+)\}", text.en)) == set(re.findall(r"\{(\w+)\}", text.zh))


def test_no_two_situations_tell_the_same() -> None:
    fallback = {"cause.known", "sms.result"}
    """Their words come from the table of codes."""
    own = [one for one in ALL if one.id not in fallback]
    for text in ("title", "explanation"):
        for language in ("en", "zh"):
            told = Counter(getattr(getattr(one, text), language) for one in own)
            assert [words for words, times in told.items() if times > 1] == []


def test_a_situation_that_the_emulator_proves_has_a_scene() -> None:
    proven = {one.id for one in ALL if one.proof == "emulator"}
    assert proven == {*CALL_SCENES, *SMS_SCENES}


def test_a_situation_without_a_scene_says_why() -> None:
    others = [one.proof for one in ALL if one.proof != "emulator"]
    assert all(re.fullmatch(r"built: .+", proof) for proof in others)


def test_places_are_filled_in_each_language() -> None:
    text = Text("{contact} to {x}", "拨往 {x} 的{contact}")
    values = {"contact": Text("call", "通话"), "x": Text("X", "X")}
    assert filled(text, values) == Text("call to X", "拨往 X 的通话")


def test_a_place_that_nothing_fills_is_no_silent_gap() -> None:
    with pytest.raises(KeyError, match="x"):
        filled(Text("{x}", "{x}"), {})


def test_an_unknown_situation_is_an_error() -> None:
    with pytest.raises(KeyError):
        situation("no.such")
