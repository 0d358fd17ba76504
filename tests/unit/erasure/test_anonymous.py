"""People in rows, and rows without them (users.md U-N16)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.keyrings import KEYRING
from builders.pushes import SIGNED_AT, A, B
from privatenumber.erasure.anonymous import named_in, people_in, without
from privatenumber.erasure.kinds import began_by, kind_of, over_before
from privatenumber.erasure.match import hints
from privatenumber.erasure.model import Subject, Target
from privatenumber.privacy import TOKEN_LENGTH, token
from privatenumber.store.erasing import Hints
from privatenumber.store.items import encode
from privatenumber.times import iso

ANN, BOB = token(KEYRING, A), token(KEYRING, B)
TARGET = Target("e1", Subject.PERSON, SIGNED_AT, b"salt", tokens=frozenset({ANN}))

_PLAIN = st.one_of(st.text(max_size=8), st.integers(), st.binary(max_size=4), st.booleans())
_ROWS = st.recursive(
    st.one_of(_PLAIN, st.sampled_from([ANN, BOB, f"demo#{ANN}", f"{BOB}+{ANN}"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(_ROWS)
def test_nobody_is_found_in_what_he_was_taken_out_of_and_nothing_else_is_lost(row: Any) -> None:
    after = without(row, {ANN}, TARGET.pseudonym)
    assert named_in(after, {ANN}) == frozenset()
    assert named_in(after, {BOB}) == named_in(row, {BOB})
    assert without(after, {TARGET.pseudonym(ANN)}, lambda _: ANN) == row


def test_a_pseudonym_is_as_long_as_a_token_and_the_same_within_an_erasure_only() -> None:
    assert len(TARGET.pseudonym(ANN)) == TOKEN_LENGTH
    assert TARGET.pseudonym(ANN) == TARGET.pseudonym(ANN) != TARGET.pseudonym(BOB)
    other = Target("e2", Subject.PERSON, SIGNED_AT, b"another salt")
    assert other.pseudonym(ANN) != TARGET.pseudonym(ANN)


def test_people_are_found_at_any_depth_and_the_erased_are_nobody() -> None:
    row = {
        "caller": ANN,
        "session": token(KEYRING, "a session", purpose="session"),
        "partners": [{"id": "p1", "token": BOB, "state": "held"}],
        "pending": {"a_token": TARGET.pseudonym(ANN)},
        "anyone": "anyone",
    }
    assert people_in(row) == {ANN, BOB}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"pk": "BINDING#1", "sk": "BINDING"}, "binding"),
        ({"pk": "PARTY#demo#t", "sk": "LAST#+8617010000001"}, "contact"),
        ({"pk": "PARTY#demo#t", "sk": "REFUSED#2026-09-02#*"}, "refusal"),
        ({"pk": "JOB#1", "sk": "JOB", "kind": "bind"}, "job"),
        ({"pk": "CALL#demo#s", "sk": "CDR#1", "kind": "cdr"}, "cdr"),
        ({"pk": "DAY#demo#2026-09-02", "sk": "LINES#hash#000000"}, "bill_lines"),
        ({"pk": "DRIFT#demo#1", "sk": "DIFFERENCE#1", "kind": "binding"}, "drift"),
        ({"pk": "SOMETHING#new", "sk": "ROW"}, "something"),
    ],
)
def test_a_row_says_its_kind(row: dict[str, Any], kind: str) -> None:
    assert kind_of(row) == kind


def test_what_began_later_is_another_life_and_what_ended_later_is_not_old() -> None:
    early, late = iso(SIGNED_AT.replace(day=1)), iso(SIGNED_AT.replace(day=3))
    assert began_by({"call_in_at": early, "received_at": late}, SIGNED_AT)
    assert not began_by({"received_at": late}, SIGNED_AT)
    assert not over_before({"call_in_at": early, "received_at": late}, SIGNED_AT)
    assert over_before({"call_in_at": early}, SIGNED_AT)
    assert not over_before({"x": "no time"}, SIGNED_AT)


@given(_ROWS.filter(lambda row: not isinstance(row, bool)))
def test_a_row_that_names_somebody_is_never_passed_over_undecoded(row: Any) -> None:
    """What is not decoded is not looked at: the hints must not be narrower than the look."""
    item = {"pk": "ANY#thing", "sk": "ROW", "value": row}
    if named_in(item, {ANN}):
        assert Hints(frozenset({ANN})).meets(encode(item))


def test_rows_that_have_to_be_opened_meet_the_hints_of_everybody() -> None:
    for pk in ("JOB#1#0", "EVENTS#demo#2026-09-02#1", "QUARANTINE#demo#1", "DAY#demo#2026-09-02"):
        assert hints(TARGET).meets(encode({"pk": pk, "sk": "ROW"}))
    assert not hints(TARGET).meets(encode({"pk": f"CALL#demo#{BOB}", "sk": "CDR#1", "callee": BOB}))
