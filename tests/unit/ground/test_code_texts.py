"""What codes say to people: complete, in both languages, and about this code (C-036 to C-040, C-098)."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from privatenumber.codes import causes
from privatenumber.codes.checks import all_checks
from privatenumber.codes.number_states import number_causes, number_state, number_states
from privatenumber.codes.results import all_codes, explained
from privatenumber.codes.sms_receivers import endings
from privatenumber.codes.texts import Text, Texts, rows_of, texts_of, unknown

HAN = re.compile(r"[\u4e00-\u9fff]")
LATIN_WORD = re.compile(r"[A-Za-z]{3,}")
EMPTY_WORDS = re.compile(
    r"\b(todo|tbd|n/a|see above|error occurred|something went wrong)\b|^(error|failure|failed|unknown)$", re.I
)
SENTENCE_LIMIT = 200


def tables() -> Iterator[tuple[str, Texts]]:
    """Every explained code of every table, by a name that tells where to correct it."""
    for code in all_codes():
        yield f"results {code.http_status} {code.code}", explained(code.http_status, code.code, "record.url")
    for table in ("results.csv", "results_at_api.csv", "statuses.csv"):
        for number, row in enumerate(rows_of(table), start=2):
            yield f"{table} line {number}", texts_of(row)
    for name, listed in (
        ("calls", causes.teardowns()),
        ("q850", causes.q850_causes()),
        ("sms", causes.sms_results()),
    ):
        for cause in listed:
            yield f"{name} {cause.code}", cause.texts
    for state in number_states():
        yield f"number state {state.status}", state.texts
    for value, texts in number_causes().items():
        yield f"number cause {value}", texts
    for ending, texts in endings().items():
        yield f"ending {ending}", texts
    yield "other number state", number_state(None).texts
    yield "unknown code", unknown(4242)


def sentences() -> Iterator[tuple[str, Text]]:
    for name, texts in tables():
        yield f"{name} meaning", texts.meaning
        yield f"{name} cause", texts.cause
        yield f"{name} remedy", texts.remedy
    for check in all_checks():
        yield f"check {check.number}", check.text


def faults(text: Text) -> list[str]:
    found = {
        "English is empty": len(text.en.strip()) < 4,
        "Chinese is empty": len(text.zh.strip()) < 2,
        "both are the same": text.en == text.zh,
        "Chinese holds no Chinese": not HAN.search(text.zh),
        "English holds Chinese": bool(HAN.search(text.en)),
        "English holds no word": not LATIN_WORD.search(text.en),
        "says nothing": bool(EMPTY_WORDS.search(text.en)),
        "too long to say": max(len(text.en), len(text.zh)) > SENTENCE_LIMIT,
        "has loose blanks": any(side != side.strip() or "  " in side for side in (text.en, text.zh)),
        "Chinese is punctuated in English": bool(re.search(r"[\u4e00-\u9fff][,;:?!]", text.zh)),
        "refers to a page nobody has": bool(re.search(r"\w\.md|/work|02_00", text.en + text.zh)),
    }
    return [fault for fault, there in found.items() if there]


def test_every_sentence_is_written_in_both_languages() -> None:
    """C-039: meaning, likely cause and what to do of every code, in English and Chinese."""
    assert {name: faults(text) for name, text in sentences() if faults(text)} == {}


def test_there_are_as_many_explained_codes_as_documented_ones() -> None:
    """result-codes.md §3, cause-codes.md §3, notifications.md §7."""
    names = Counter(name.rsplit(" ", 1)[0] for name, _ in tables())
    assert (names["calls"], names["q850"], names["sms"]) == (77, 70, 14)
    assert (names["number state"], names["number cause"]) == (4, 8)
    assert len(all_codes()) == 60


def test_a_meaning_is_about_one_code() -> None:
    """Two codes of one table are told apart, but for the answers that are one with two numbers."""
    for listed in (causes.teardowns(), causes.q850_causes(), causes.sms_results()):
        english = Counter(cause.texts.meaning.en for cause in listed)
        chinese = Counter(cause.texts.meaning.zh for cause in listed)
        assert [text for text, times in (english + chinese).items() if times > 1] == []
    results = Counter(explained(row.http_status, row.code, "axb.bind").meaning.zh for row in all_codes())
    assert [text for text, times in results.items() if times > 1] == []


def test_the_meaning_of_a_cause_fits_into_the_field_that_carries_it() -> None:
    """notifications.md §4.2: stateDesc is String(1-128), and the emulator sends our words there."""
    assert max(len(cause.texts.meaning.en) for cause in causes.teardowns()) <= 128


def test_meaning_cause_and_remedy_say_three_things() -> None:
    for name, texts in tables():
        assert len({texts.meaning.en, texts.cause.en, texts.remedy.en}) == 3, name
        assert len({texts.meaning.zh, texts.cause.zh, texts.remedy.zh}) == 3, name


def test_no_release_is_told_to_fail_for_what_is_gone() -> None:
    """result-codes.md §2, C-036: gone is success for a release."""
    for row in rows_of("results_at_api.csv"):
        if row["api"].endswith(".unbind"):
            assert "as released" in row["remedy_en"], row["api"]
            assert "按已解绑处理" in row["remedy_zh"], row["api"]


@pytest.mark.parametrize("table", ["results.csv", "results_at_api.csv"])
def test_special_meanings_belong_to_documented_codes(table: str) -> None:
    documented = {row.code for row in all_codes()}
    assert {row["code"] for row in rows_of(table)} <= documented


def test_the_checks_keep_the_documented_order() -> None:
    """result-codes.md §8, C-036 to C-038: arrears before parameters, then X, state, form, completeness."""
    assert [check.number for check in all_checks()] == [1, 2, 3, 4, 5, 6, 7]
    assert [sorted(check.codes) for check in all_checks()] == [
        ["1010029"],
        ["1010040", "1011001", "1012001"],
        ["1012102"],
        ["1010002", "1011001"],
        ["1010002"],
        ["1011004", "1012007", "1016001"],
        ["1011005", "1012009", "1012010", "1016002", "1020167"],
    ]
