"""The judge of erasures finds a person wherever a row may hold him."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from builders.keyrings import KEYRING
from privatenumber.privacy import seal, token
from storm.judges.erasure import judge_erasure
from storm.judges.verdict import Verdict
from storm.orders import person

HE = person(7)
OTHER = person(8)
ERASED: Mapping[str, Any] = {"certificate": {"id": "one"}, "counts": {"call": 2}}


def judged(row: Mapping[str, Any], key: str = "CALL#one", erased: Any = ERASED) -> Verdict:
    return judge_erasure({"BillsTable": {(key, "CALL"): row}}, KEYRING, HE, erased)


def fact(of: str) -> dict[str, Any]:
    sealed = seal(KEYRING, f'{{"callerNum": "{of}"}}'.encode(), context="storm-ax")
    return {"kind": "cdr", "application": "storm-ax", "sealed": sealed}


def test_rows_of_others_are_in_order() -> None:
    assert judged({"caller": token(KEYRING, OTHER), **fact(OTHER)}).holds


@pytest.mark.parametrize(
    "row",
    [
        {"caller": token(KEYRING, HE)},
        {"people": [{"token": token(KEYRING, HE)}]},
        {"text": f"called {HE}"},
        fact(HE),
    ],
    ids=["token", "token in a list", "in clear", "sealed"],
)
def test_a_row_that_still_holds_him_is_a_breach(row: Mapping[str, Any]) -> None:
    assert not judged(row).holds


def test_a_key_that_holds_him_is_a_breach() -> None:
    assert not judged({}, key=f"PARTY#storm-ax#{token(KEYRING, HE)}").holds


def test_an_erasure_that_does_not_end_is_a_breach() -> None:
    assert not judged({}, erased=None).holds
