"""A batch of which one entry is poisoned: notifications.md §2.8, C-052. Through the door, without a table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from builders.dynamodb import Table
from builders.ingestion import ingestion, unseal
from builders.pushes import CALLBACK_TOKEN, SIGNED_AT, application, many_cdrs, signed_headers
from privatenumber.calls.guard import Arrival
from privatenumber.calls.quarantine import open_envelope
from privatenumber.deadline import Deadline
from privatenumber.settings import Application
from privatenumber.store.fact_rows import NewFact
from privatenumber.store.fact_writes import QuarantineEntry
from privatenumber.store.facts import FactStore, Written

CDRS = many_cdrs(50)
FIELDS = sorted({name for entry in CDRS for name in entry})
POISON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(
        ["9" * 900, "\ud800", "2026-13-40 99:99:99", "0001-01-01 00:00:00", "\x00", "+86" * 99]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
#: Too deep to be written again, and too long to be stored; by name, because Hypothesis shows what it draws.
MONSTERS: Mapping[str, str] = {"deep": "[" * 900 + "]" * 900, "long": '"' + "y" * 70_000 + '"'}
WHOLE_ENTRIES = st.sampled_from(["deep", "long"]) | POISON
IN_A_FIELD = st.tuples(st.sampled_from([*FIELDS, "surprise"]), POISON)


def _spoilt(by: Any) -> str:
    """An entry that is spoilt in a field, replaced, or a monster, as JSON."""
    if isinstance(by, tuple):
        return json.dumps({**CDRS[20], by[0]: by[1]})
    if isinstance(by, str) and by in MONSTERS:
        return '{"icid":"monster","x":' + MONSTERS[by] + "}"
    return json.dumps(by)


class NoTable(FactStore):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.facts: list[NewFact] = []
        self.quarantined: list[QuarantineEntry] = []

    def put_facts(
        self, facts: Sequence[NewFact], *, quarantined: Sequence[QuarantineEntry] = (), **_: Any
    ) -> Written:
        """All of it is new."""
        self.facts += facts
        self.quarantined += quarantined
        return Written(stored=tuple(facts))


def _applications(*, refresh: bool = False, until: Deadline | None = None) -> Mapping[str, Application]:
    return {"demo": application()}


def _push(entries: Sequence[str]) -> tuple[NoTable, int]:
    store = NoTable()
    environment = ingestion(Table(None, ""), _applications, store=store)  # type: ignore[arg-type]  # never asked
    body = ('{"eventType":"fee","feeLst":[' + ",".join(entries) + "]}").encode()
    arrival = Arrival("POST", "demo", CALLBACK_TOKEN, "fee", "192.0.2.1", signed_headers(), body, SIGNED_AT)
    return store, environment.receive(arrival).status


GOOD = [json.dumps(entry) for entry in CDRS]
WHOLE = {(fact.pk, fact.sk, fact.digest) for fact in _push(GOOD)[0].facts}
OTHERS = {(fact.pk, fact.sk, fact.digest) for fact in _push([*GOOD[:20], *GOOD[21:]])[0].facts}


@settings(max_examples=60, deadline=None)
@given(by=IN_A_FIELD | WHOLE_ENTRIES)
def test_whatever_one_cdr_of_fifty_holds_the_other_49_are_stored_and_it_is_kept(by: Any) -> None:
    """The poisoned one is a fact, or in quarantine with all that came; 200 says that it is stored."""
    spoilt = _spoilt(by)
    store, status = _push([*GOOD[:20], spoilt, *GOOD[21:]])
    stored = {(fact.pk, fact.sk, fact.digest) for fact in store.facts}
    assert (status, len(WHOLE)) == (200, 50)
    assert stored >= OTHERS
    assert len(store.facts) + len(store.quarantined) == 50
    for entry in store.quarantined:
        kept = open_envelope(unseal, "demo", entry.sealed).body
        assert re.sub(r"\s", "", spoilt).encode() in re.sub(rb"\s", b"", kept)
