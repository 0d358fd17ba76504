"""Records of bindings as the store takes them."""

from __future__ import annotations

import os
from typing import Any

from builders.bindings import APPLICATION
from builders.emulator import X1
from privatenumber.bindings.rules import AXB_PAIRS
from privatenumber.store.binding_keys import BindingRecord

MORNING = "2026-09-02T01:00:00.000Z"


def record(binding_id: str = "b1", **changes: Any) -> BindingRecord:
    """A new binding of the persons `ann` and `bob` on X1."""
    fields: dict[str, Any] = {
        "id": binding_id,
        "version": 1,
        "state": "REQUESTED",
        "application": APPLICATION,
        "order": "order-1",
        "mode": "AXB",
        "x": X1,
        "area": "0755",
        "a_token": "ann",
        "b_token": "bob",
        "capacity": AXB_PAIRS,
        "places": frozenset({"ann", "bob"}),
        "pairs": frozenset({"ann+bob"}),
        "idempotency": "key-1",
        "content_hash": "content-1",
        "subscription_id": None,
        "created_at": MORNING,
        "updated_at": MORNING,
        "due_at": "2026-09-02T01:01:00.000Z",
        "sealed": os.urandom(16),
        "rest": {"attempts": 0},
    }
    return BindingRecord(**{**fields, **changes})
