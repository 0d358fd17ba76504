"""The catalogues of both languages, and words for everything that a document may hold."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from privatenumber.billing.closing.corrections import Reason
from privatenumber.billing.closing.costs import View
from privatenumber.billing.outputs.texts import Language, Words, en, zh
from privatenumber.billing.rating.packages import Unpaid
from privatenumber.billing.rating.rent import RentReason
from privatenumber.billing.reconciliation.differences import Kind, Result
from privatenumber.billing.tariff.prices import Item
from privatenumber.settings import Mode
from privatenumber.store.numbers import NumberType

_FAMILIES = {
    "item": Item,
    "number_type": NumberType,
    "mode": Mode,
    "reason": RentReason,
    "correction": Reason,
    "unpaid": Unpaid,
    "kind": Kind,
    "meaning": Kind,
    "proposal": Kind,
    "result": Result,
    "section": View,
    "column": View,
}


def test_both_languages_say_the_same() -> None:
    assert set(en.TEXTS) == set(zh.TEXTS)


def test_both_languages_fill_in_the_same_values() -> None:
    def fields(text: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}

    for key, text in en.TEXTS.items():
        # A sentence about one of a thing need not count it.
        if not key.endswith(".one"):
            assert fields(text) == fields(zh.TEXTS[key]), key


def test_a_chinese_text_is_chinese() -> None:
    """Names that are the same in every language are few and known."""
    same = {key for key, text in zh.TEXTS.items() if not re.search(r"[\u4e00-\u9fff]", text)}
    assert same == {f"mode.{mode.value}" for mode in Mode}


@pytest.mark.parametrize("family", _FAMILIES)
@pytest.mark.parametrize("texts", [en.TEXTS, zh.TEXTS], ids=["en", "zh"])
def test_every_code_has_its_word(family: str, texts: dict[str, str]) -> None:
    """A new kind of difference, view or reason is not handed out as a bare code."""
    assert not [code for code in _FAMILIES[family] if f"{family}.{code.value}" not in texts]


def test_one_is_not_counted_as_many() -> None:
    words = Words()
    assert words.say("headline", count=1) == "reconciliation: 1 difference"
    assert words.say("headline", count=2) == "reconciliation: 2 differences"


def test_what_belongs_to_nobody_has_a_name_in_every_view() -> None:
    """billing-rules.md §8.3: unassigned use, unallocated packages, the account's own."""
    words = Words(Language.ZH)
    assert words.code("side", "#unassigned") == words.code("owner", "#unassigned") == "无归属"


def test_an_unknown_code_stands_for_itself() -> None:
    assert Words().code("item", "fax") == "fax"
