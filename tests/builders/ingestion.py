"""The ingestion of an environment on given tables, as `calls.bootstrap` composes it."""

from __future__ import annotations

from typing import Any

from builders.dynamodb import Table
from builders.keyrings import KEYRING
from privatenumber.calls.guard import DoorPolicy
from privatenumber.calls.ingest import Applications, Ingestion
from privatenumber.calls.rules_asked import RulesAsked
from privatenumber.calls.rules_counting import Counting
from privatenumber.calls.switchboard import Switchboard
from privatenumber.privacy import open_sealed
from privatenumber.store.barred import BarredStore
from privatenumber.store.call_counts import CallCounts
from privatenumber.store.facts import FactStore
from privatenumber.store.relations import RelationStore


def unseal(sealed: bytes, context: str) -> bytes:
    """Open with the keyring of the tests."""
    return open_sealed(KEYRING, sealed, context=context)


def switchboard(
    client: Any, bindings: str, bills: str, *, seconds: float = 30, counts: Any = None
) -> Switchboard:
    """A switchboard on tables by name; `counts` is the client of what limits count."""
    rules = RulesAsked(BarredStore(client, bindings), Counting(CallCounts(counts or client, bills)))
    return Switchboard(RelationStore(client, bindings, bills), unseal, rules, seconds=seconds)


def ingestion(
    bills: Table,
    applications: Applications,
    *,
    bindings: Table | None = None,
    policy: DoorPolicy | None = None,
    seconds: float = 30,
    store: FactStore | None = None,
    **changes: Any,
) -> Ingestion:
    """An ingestion; without `bindings` questions find no relation. `changes` replace what it is made of."""
    store = store or FactStore(bills.client, bills.name, sleep=lambda _: None)
    known = bindings.name if bindings else bills.name
    made: dict[str, Any] = {
        "applications": applications,
        "keyring": lambda: KEYRING,
        "policy": policy or DoorPolicy(),
        "switchboard": switchboard(bills.client, known, bills.name, seconds=seconds),
        "hurried": store,
    }
    return Ingestion(store, **{**made, **changes})
