"""Calls and texts are kept as long as the deployment says (operations.md §13)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builders.calls import new_facts
from builders.keyrings import KEYRING
from builders.pushes import SIGNED_AT, event_body, fee_body, sms_body, wire
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.platform.pushes import parse_push
from privatenumber.settings import Kept

SHORT = Kept(calls=timedelta(days=90), texts=timedelta(days=62))
BODIES = {"event": (event_body(), 90), "cdr": (fee_body(), 90), "sms": (sms_body(), 62)}


@pytest.mark.parametrize("kind", BODIES)
def test_a_fact_is_forgotten_after_the_days_of_its_kind(kind: str) -> None:
    body, days = BODIES[kind]
    (entry,) = parse_push(wire(body)).entries
    fact = fact_of(entry, Reception("demo", SIGNED_AT, KEYRING, kept=SHORT))
    assert fact.item["expires_at"] == int((SIGNED_AT + timedelta(days=days)).timestamp())


def test_without_a_word_all_live_400_days() -> None:
    forgotten = {fact.item["expires_at"] for fact in new_facts(event_body(), fee_body(), sms_body())}
    assert forgotten == {int((SIGNED_AT + timedelta(days=400)).timestamp())}
