"""Rows of the Bills table of every kind, and whether something follows them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from unittest.mock import create_autospec

from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.pushes import (
    QUESTION_X,
    SIGNED_AT,
    A,
    B,
    event_body,
    fee_body,
    number_status_body,
    sms_body,
    wire,
)
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.calls.follow import Follower
from privatenumber.platform.pushes import EventType, parse_push
from privatenumber.privacy import seal, token
from privatenumber.settings import Mode
from privatenumber.store.activity import Activity
from privatenumber.store.contacts import ContactStore
from privatenumber.store.decisions import decision_context
from privatenumber.store.number_states import Applied, Effect, NumberStates
from privatenumber.times import iso


def _row(body: Mapping[str, Any], mode: Mode) -> dict[str, Any]:
    (entry,) = parse_push(wire(body)).entries
    fact = fact_of(entry, Reception("demo", SIGNED_AT, KEYRING, mode=mode))
    return {"pk": fact.pk, "sk": fact.sk, **fact.item}


def _decision() -> dict[str, Any]:
    """A question of X mode that was answered with a callee."""
    private = json.dumps({"answer": {}, "caller": A, "callee": B}).encode()
    return {
        "pk": "CALL#demo#session",
        "sk": "DECISION",
        "kind": "decision",
        "application": "demo",
        "mode": "X",
        "x": QUESTION_X,
        "at": iso(SIGNED_AT),
        "callee": token(KEYRING, B),
        "reason": "relation",
        "binding_id": "binding-1",
        "sealed": seal(KEYRING, private, context=decision_context("demo")),
    }


def _rows() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "number state", _row(number_status_body({"number": QUESTION_X, "status": "9"}), Mode.AXB)
    yield "decision", _decision()
    yield "quarantine", {"pk": "QUARANTINE#demo#1", "sk": "body", "kind": "quarantine", "application": "demo"}
    for mode in Mode:
        yield f"cdr of {mode}", _row(fee_body(), mode)
        yield f"sms of {mode}", _row(sms_body(), mode)
        for event in (*(known.value for known in EventType), "unheard"):
            yield f"{event} of {mode}", _row(event_body(event), mode)


ROWS: Final = dict(_rows())
"""One row of each kind and mode, by a name."""


def acted_on(row: Mapping[str, Any]) -> bool:
    """Whether following this row touches the pool, the contact memory, a binding, or the row of its call."""
    if row["pk"].startswith(("CALL#", "SMS#")):
        return True
    states, contacts, activity = (create_autospec(each) for each in (NumberStates, ContactStore, Activity))
    states.apply.return_value = Applied(Effect.MOVED, None)
    follower = Follower(
        states, contacts, activity, ours=lambda x: True, unseal=unseal, keyring=lambda: KEYRING
    )
    follower.follow(row)
    return any(store.method_calls for store in (states, contacts, activity))
