"""Every code of the platform is explained in words of its own, in both languages: C-040, C-098, C-138.

Enumerated from the tables, so a code that is added without a text, or with a text of another, fails here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import pytest

from builders.cases import around, cdr, complete, event, refused, text
from builders.cases import case as case_of
from privatenumber.calls.diagnosis.diagnose import diagnose, diagnose_sms
from privatenumber.calls.diagnosis.model import Diagnosis
from privatenumber.calls.diagnosis.view import Language, in_language
from privatenumber.codes.causes import Cause, hangups, q850_causes, sms_results, teardowns
from privatenumber.settings import Mode

UNKNOWN: Final = 9999
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
TEARDOWNS = [cause.code for cause in teardowns()]
HANGUPS = [cause.code for cause in hangups()]
CARRIER = [cause.code for cause in q850_causes()]
SMS_RESULTS = [cause.code for cause in sms_results()]
GENERIC = {"cause.unknown", "cause.absent", "sms.unknown_result"}


def words(diagnoses: Iterable[Diagnosis], language: Language) -> str:
    """Everything a person is told."""
    told = []
    for one in diagnoses:
        told += [in_language(each, language) for each in (one.title, one.explanation, one.next_step)]
        told += [in_language(found.value, language) for found in one.evidence]
    return "\n".join(told)


def of_cdr(code: int | None) -> tuple[Diagnosis, ...]:
    return diagnose(complete(refused(code or 0) if code else cdr(teardown=0, answered_at=cdr().alerting_at)))


def of_event(code: int | None) -> tuple[Diagnosis, ...]:
    return diagnose(case_of(event("callin"), event(state_code=code, subscription_id=None)))


def of_carrier(code: int | None) -> tuple[Diagnosis, ...]:
    return diagnose(complete(cdr(teardown=8102, q850=code)))


def of_sms(code: int | None) -> tuple[Diagnosis, ...]:
    return diagnose_sms(text(code))


KINDS: Final[dict[str, tuple[Callable[[int | None], tuple[Diagnosis, ...]], list[int | None]]]] = {
    "ulFailReason": (of_cdr, TEARDOWNS),
    "stateCode": (of_event, HANGUPS),
    "fwdUnaswRsn": (of_carrier, CARRIER),
    "sendResult": (of_sms, SMS_RESULTS),
}


def test_the_tables_are_whole() -> None:
    """cause-codes.md §3: 77 teardown points, 70 causes of Q.850, 14 results of SMS; hang-ups at least 66."""
    assert (len(TEARDOWNS), len(CARRIER), len(SMS_RESULTS)) == (77, 70, 14)
    assert len(HANGUPS) >= 66


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_is_told_in_words_of_its_own(kind: str, language: Language) -> None:
    """No two codes of a table tell the same, and none tells what an unknown one tells."""
    explained, codes = KINDS[kind]
    told = {code: words(explained(code), language) for code in codes}
    assert len(set(told.values())) == len(codes)
    assert words(explained(UNKNOWN), language) not in told.values()


@pytest.mark.parametrize("kind", ["ulFailReason", "stateCode", "sendResult"])
def test_no_code_of_a_table_is_told_as_an_unknown_one(kind: str) -> None:
    explained, codes = KINDS[kind]
    for code in codes:
        assert not {one.situation for one in explained(code)} & GENERIC, code


@pytest.mark.parametrize(
    "cause", [cause for cause in teardowns() if cause.code], ids=lambda cause: str(cause.code)
)
def test_the_platforms_own_words_stand_in_the_evidence(cause: Cause) -> None:
    """cause-codes.md §5: the main cause, by its code and meaning."""
    for language in LANGUAGES:
        told = words(of_cdr(cause.code), language)
        assert in_language(cause.texts.meaning, language) in told
        assert str(cause.code) in told


@pytest.mark.parametrize("explained", [of_cdr, of_event])
def test_a_code_of_no_table_is_named_and_nothing_is_guessed(
    explained: Callable[[int | None], tuple[Diagnosis, ...]],
) -> None:
    """cause-codes.md §2, C-179."""
    (first, *_) = explained(UNKNOWN)
    assert first.situation == "cause.unknown"
    assert "9999" in first.explanation.en
    assert "9999" in first.explanation.zh


def test_a_result_of_no_table_is_named() -> None:
    """cause-codes.md §6."""
    (first, *_) = of_sms(UNKNOWN)
    assert first.situation == "sms.unknown_result"
    assert "9999" in first.explanation.zh


def test_a_carriers_cause_of_no_table_is_named_and_its_end_normal_ones_are_not_hidden() -> None:
    told = words(of_carrier(120), "en")
    assert "Unknown code 120" in told


@pytest.mark.parametrize("mode", list(Mode))
def test_every_code_can_be_told_in_every_mode(mode: Mode) -> None:
    """A record says what it says: also what its mode should not know."""
    for code in (*TEARDOWNS, UNKNOWN, None):
        found = diagnose(complete(refused(0, teardown=code), around(mode=mode, bindings=())))
        assert found, code
        assert not [one for one in found for language in LANGUAGES if "{" in words([one], language)]


@pytest.mark.parametrize("code", [*SMS_RESULTS, UNKNOWN])
def test_every_result_can_be_told_without_anything_around_it(code: int) -> None:
    found = diagnose_sms(text(code, around(bindings=(), x=None), x=None))
    assert found
    assert all(one.title.en and one.title.zh for one in found)
