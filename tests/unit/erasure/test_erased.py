"""What is left of each kind of row (users.md U-N16, U-D23; docs/security.md)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from builders.calls import new_facts
from builders.erasing import TOKENS, binding
from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.pushes import SIGNED_AT, STRANGER, A, B, cdr_entry, event_body, fee_body, sms_body
from privatenumber.bindings.records import to_record
from privatenumber.erasure.erased import erased, redacted
from privatenumber.erasure.match import concerned, hints, holds_number, line_people
from privatenumber.erasure.model import Subject, Target
from privatenumber.privacy import SealBroken, seal
from privatenumber.store.binding_keys import binding_item
from privatenumber.store.fact_rows import read_cdr, read_event
from privatenumber.store.items import encode
from privatenumber.store.sms_rows import read_sms

TARGET = Target(
    "e1", Subject.PERSON, SIGNED_AT, b"salt", numbers=frozenset({A}), tokens=frozenset({TOKENS[A]})
)
BILLED = (
    *("icid", "x", "subscription_id", "answered_at", "ended_at", "teardown", "call_seconds", "digest"),
    *("day_key", "day_sort", "size_received", "split_num", "send_result", "received_at", "expires_at"),
)


def left_of(row: dict[str, Any]) -> dict[str, Any] | None:
    people = concerned(row, TARGET, unseal)
    assert people is not None
    after = erased(
        row, people, TARGET, unseal=unseal, now=SIGNED_AT,
        seal=lambda value, context: seal(KEYRING, value, context=context),
    )  # fmt: skip
    return dict(after) if after else None


@pytest.mark.parametrize(
    ("body", "reader"),
    [(event_body(), read_event), (fee_body(), read_cdr), (sms_body(), read_sms)],
    ids=["event", "cdr", "sms"],
)
def test_a_fact_keeps_what_is_billed_and_can_still_be_read(body: dict[str, Any], reader: Any) -> None:
    (fact,) = new_facts(body)
    row = {"pk": fact.pk, "sk": fact.sk, **fact.item}
    after = left_of(row)
    assert after
    assert {name: after.get(name) for name in BILLED} == {name: row.get(name) for name in BILLED}
    assert reader(after).sealed == b""
    assert TOKENS[A] not in repr(after)
    assert after["erased"] == "e1"


def test_it_is_left_alone_once_nothing_is_left_to_do() -> None:
    (fact,) = new_facts(fee_body())
    once = left_of({"pk": fact.pk, "sk": fact.sk, **fact.item})
    assert once
    again = erased(once, TARGET.tokens, TARGET, unseal=unseal, seal=lambda *_: b"new", now=SIGNED_AT)
    assert again == once


def test_a_binding_keeps_its_history_without_numbers_and_references() -> None:
    after = left_of(binding_item(to_record(binding(), KEYRING)))
    assert after
    opened = json.loads(unseal(after["sealed"], "binding#binding-1"))
    assert opened == {"a": "erased", "b": "erased"}
    assert (after["order"], after["version"], after["by"]) == ("order-1001", 5, "erasure:e1")
    assert after["b_key"] == f"demo#{TOKENS[B]}"


def test_a_binding_that_nobody_can_open_is_emptied() -> None:
    def broken(sealed: bytes, context: str) -> bytes:
        raise SealBroken("another keyring")

    item = binding_item(to_record(binding(), KEYRING))
    after = erased(item, TARGET.tokens, TARGET, unseal=broken, seal=lambda *_: b"", now=SIGNED_AT)
    assert after
    assert after["sealed"] == b""


@pytest.mark.parametrize(
    "row",
    [
        {"pk": f"PARTY#demo#{TOKENS[B]}", "sk": "LAST#+8617010000002", "counterpart": TOKENS[A]},
        {"pk": f"PARTY#demo#{TOKENS[A]}", "sk": "PLACE#+8617010000002", "cool_until": "2026"},
        {"pk": f"COUNT#demo#answers#{TOKENS[A]}+{TOKENS[B]}", "sk": "2026", "kind": "count"},
        {"pk": "NEW#row", "sk": TOKENS[A], "kind": "of a room to come"},
    ],
    ids=["contact of another", "place", "count of a pair", "unknown"],
)
def test_a_row_that_is_about_somebody_goes(row: dict[str, Any]) -> None:
    assert left_of(row) is None


@pytest.mark.parametrize(
    "row",
    [
        {"pk": f"NUMBER#demo#{A}", "sk": "2026", "kind": "number_state", "x": A},
        {"pk": "LINE#w1#0a", "sk": "LINE", "kind": "webhook_line", "about": f"number#{A}"},
        {"pk": "EVENTS#demo#0a", "sk": "2026", "kind": "announcement", "about": f"number#{A}", "data": "{}"},
        {"pk": "ATTEMPTS#w1", "sk": "2026", "kind": "webhook_attempt", "about": f"number#{A}"},
    ],
    ids=["state", "line", "event", "attempt"],
)
def test_what_was_told_of_somebody_as_of_an_x_goes(row: dict[str, Any]) -> None:
    """numbers.md §6: a push may write anybody's number where an X belongs."""
    assert left_of({**row, "application": "demo"}) is None
    assert hints(TARGET).meets(encode(row))


def test_somebody_in_the_place_of_an_x_goes_from_a_record_and_what_was_told_of_it() -> None:
    (fact,) = new_facts(fee_body(cdr_entry(bindNum=A, fwdDisplayNum=A, callerNum=STRANGER, fwdDstNum=B)))
    cdr = {"pk": fact.pk, "sk": fact.sk, **fact.item}
    call = {"pk": fact.pk, "sk": "CALL", "kind": "call", "x": A, "of_x": f"call#demo#{A}", "version": 1}
    told = {"pk": "EVENTS#demo#0a", "sk": "2026", "kind": "announcement", "about": "call#c1"}
    told |= {"application": "demo", "data": json.dumps({"x": A, "call": "c1"})}
    assert cdr["x"] == cdr["display_x"] == A
    for row in (cdr, call, told):
        after = left_of(row)
        assert after
        assert A not in repr(after)
    assert "of_x" not in (left_of(call) or {})


def test_an_unknown_row_that_only_names_somebody_names_him_no_more() -> None:
    after = left_of({"pk": "NEW#row", "sk": "ROW", "seen": [f"by#{TOKENS[A]}"], "sealed": b"?", "kept": 1})
    assert after == {"pk": "NEW#row", "sk": "ROW", "seen": [f"by#{TARGET.pseudonym(TOKENS[A])}"], "kept": 1}


@pytest.mark.parametrize("pk", ["KEYRING", "AUDIT#BINDING#1", "ERASURE#e1", "ERASURES"])
def test_keys_history_and_erasures_are_not_looked_at(pk: str) -> None:
    assert concerned({"pk": pk, "sk": TOKENS[A]}, TARGET, unseal) is None


@pytest.mark.parametrize(
    "text",
    [
        *(A, A[3:], "138 0013 8001", "138-0013-8001", '{"a":"+86 138 0013 8001"}', "%2B86138%200013%208001"),
        *(
            "138.0013.8001",
            "138/0013/8001",
            "138_0013_8001",
            "138\u200b0013\u20608001",
            "１３８００１３８００１",
        ),
        *('["138","0013","8001"]', r'{"a":"138\u200b0013\u20608001"}', r'{"a":"\uff11380013\t8001"'),
    ],
)
def test_a_number_is_known_however_it_is_written(text: str) -> None:
    assert holds_number(text.encode(), TARGET)
    assert not holds_number(B.encode(), TARGET)


def test_somebody_in_the_place_of_an_x_goes_from_the_lines_of_bills_too() -> None:
    line = {"caller": TOKENS[B], "x": A, "at": "2026-09-01T00:00:00.000Z", "amount": "0.12"}
    assert redacted(line, TARGET, application="demo") == {**line, "x": "erased"}
    later = {**line, "at": "2026-09-09T00:00:00.000Z"}
    assert redacted(later, TARGET, application="demo") == later


def test_somebody_in_the_place_of_an_x_goes_from_what_an_x_cost_the_account() -> None:
    """A share tells of no application, so it is meant whichever one the erasure is about."""
    share = {"line": "share", "view": "x", "key": A, "total": "0.12"}
    assert redacted(share, replace(TARGET, application="demo"), application=None) == {
        **share,
        "key": "erased",
    }
    assert redacted(share, replace(TARGET, application="demo"), application="other") == share


def test_a_line_of_a_bill_is_redacted_for_calls_that_began_before_the_request_only() -> None:
    line = {"caller": TOKENS[A], "at": "2026-09-01T00:00:00.000Z", "order": "order-1001"}
    assert line_people(line, TARGET, application="demo") == {TOKENS[A]}
    assert line_people({**line, "at": "2026-09-09T00:00:00.000Z"}, TARGET, application="demo") == frozenset()
    other = Target("e2", Subject.ORDER, SIGNED_AT, b"salt", application="demo", order="order-1001")
    assert line_people(line, other, application="demo") == {TOKENS[A]}
    assert line_people(line, other, application="other") == frozenset()
