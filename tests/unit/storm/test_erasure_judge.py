"""The judge of erasures finds a person wherever a row may hold him, and whoever was emptied in his place."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import pytest

from builders.keyrings import KEYRING
from privatenumber.privacy import seal, token
from privatenumber.store import calls
from privatenumber.store.binding_private import binding_context
from privatenumber.store.decisions import decision_context
from storm.judges.erasure import judge_erasure
from storm.judges.facts import Entry
from storm.judges.verdict import Verdict
from storm.orders import person

HE = person(7)
OTHER = person(8)
APP = "storm-ax"
ERASED: Mapping[str, Any] = {"id": "e1", "certificate": {"id": "one"}, "counts": {"call": 2, "cdr": 1}}
HIS = Entry(("CALL#his", "CDR#i1"), f'{{"callerNum": "{HE}"}}')
EMPTY: Mapping[str, Any] = {"kind": "cdr", "application": APP, "sealed": b"", "erased": "e1"}
Rows = dict[tuple[str, str], Mapping[str, Any]]


def fact(of: str, kind: str = "cdr", context: str = APP) -> dict[str, Any]:
    sealed = seal(KEYRING, f'{{"callerNum": "{of}"}}'.encode(), context=context)
    return {"kind": kind, "application": APP, "sealed": sealed}


def rows(more: Mapping[str, Any] | None = None, key: tuple[str, str] = ("CALL#one", "CALL")) -> Rows:
    """His CDR, emptied, that of somebody else, and one row more."""
    found: Rows = {("CALL#his", "CDR#i1"): EMPTY, ("CALL#other", "CDR#i2"): fact(OTHER)}
    return found | ({key: more} if more is not None else {})


def judged(found: Rows, erased: Any = ERASED, taken: tuple[Entry, ...] = (HIS,)) -> Verdict:
    return judge_erasure({"BillsTable": found}, KEYRING, HE, erased, (HIS,), taken)


def test_rows_of_others_are_in_order() -> None:
    assert judged(rows({"caller": token(KEYRING, OTHER), **fact(OTHER)})).holds


@pytest.mark.parametrize(
    "row",
    [
        {"caller": token(KEYRING, HE)},
        {"people": [{"token": token(KEYRING, HE)}]},
        {"seen": {token(KEYRING, HE): 1}},
        {"text": f"called {HE}"},
        {"lines": zlib.compress(token(KEYRING, HE).encode())},
        fact(HE),
        {**fact(HE, "decision", decision_context(APP))},
        {**fact(HE, "call", calls.sealed_context(APP, "one")), "call": "one"},
        {**EMPTY, "caller": token(KEYRING, HE)},
    ],
    ids=["token", "in a list", "name of a member", "in clear", "page", "fact", "decision", "call", "empty"],
)
def test_a_row_that_still_holds_him_is_a_breach(row: Mapping[str, Any]) -> None:
    assert not judged(rows(row)).holds


def test_what_a_binding_seals_is_opened_too() -> None:
    row = {"sealed": seal(KEYRING, HE.encode(), context=binding_context("b1")), "binding_id": "b1"}
    assert not judged(rows(row, ("BINDING#b1", "BINDING"))).holds


def test_a_key_that_holds_him_is_a_breach() -> None:
    assert not judged(rows({}, (f"PARTY#{APP}#{token(KEYRING, HE)}", "PLACE#x"))).holds


def test_an_erasure_that_does_not_end_is_a_breach() -> None:
    assert not judged(rows(), erased=None).holds
    assert not judged(rows(), erased={**ERASED, "certificate": None}).holds


@pytest.mark.parametrize(
    "row",
    [fact(OTHER, context="storm-x"), {**fact(OTHER), "sealed": b"spoilt"}, {"sealed": b"\1x", "kind": "new"}],
    ids=["elsewhere", "spoilt", "unknown"],
)
def test_what_does_not_open_is_a_breach_and_no_silence(row: Mapping[str, Any]) -> None:
    assert not judged(rows(row)).holds


def test_facts_of_others_are_not_emptied() -> None:
    assert not judged({**rows(), ("CALL#other", "CDR#i2"): EMPTY}).holds


def test_what_is_empty_was_erased_by_him() -> None:
    assert not judged({**rows(), ("CALL#his", "CDR#i1"): {**EMPTY, "erased": "e2"}}).holds


def test_more_than_was_counted_is_a_breach() -> None:
    assert not judged({**rows(), ("CALL#his", "CDR#i3"): EMPTY}).holds


def test_his_facts_were_really_emptied() -> None:
    others: Rows = {("CALL#other", "CDR#i2"): fact(OTHER)}
    assert not judged(others).holds
    assert judged(others, taken=()).holds


def test_where_nothing_opens_nothing_was_looked_at() -> None:
    assert not judged({("CALL#his", "CDR#i1"): EMPTY}).holds
