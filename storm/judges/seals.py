"""What is sealed in a row, opened for the place for which it must have been sealed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from privatenumber.privacy import Keyring, open_sealed
from privatenumber.recordings.note import context_of
from privatenumber.store import calls, messages, webhook_events, webhooks
from privatenumber.store.binding_private import binding_context
from privatenumber.store.contacts import contact_context
from privatenumber.store.decisions import decision_context
from storm.tables import Key

Row = Mapping[str, Any]

FACTS: Final = frozenset({"event", "cdr", "sms", "number_state", "quarantine"})

_BY_KIND: Final[Mapping[str, Callable[[Key, Row], str]]] = {
    **dict.fromkeys(FACTS, lambda key, row: str(row["application"])),
    "decision": lambda key, row: decision_context(row["application"]),
    "call": lambda key, row: calls.sealed_context(row["application"], row["call"]),
    "message": lambda key, row: messages.sealed_context(row["application"], row["message"]),
    "recording": lambda key, row: context_of(key),
    "announcement": lambda key, row: webhook_events.seal_context(row["application"], row["event"]),
    "webhook": lambda key, row: webhooks.seal_context(row["webhook"]),
}
_BY_KEY: Final[Mapping[tuple[str, str], Callable[[Key, Row], str]]] = {
    ("BINDING", "BINDING"): lambda key, row: binding_context(row["binding_id"]),
    ("PARTY", "LAST"): lambda key, row: contact_context(row["application"], row["person"], row["x"]),
    ("JOB", "ITEM"): lambda key, row: f"job#{key[0].split('#')[1]}#{row['n']}",
    ("JOB", "JOB"): lambda key, row: f"job#{key[0].split('#')[1]}",
}


def opened(key: Key, row: Row, keyring: Keyring) -> str | None:
    """What is sealed in a row; None without anything. Raises SealBroken, LookupError for an unknown row."""
    sealed = row.get("sealed")
    if not isinstance(sealed, bytes):
        return None
    return open_sealed(keyring, sealed, context=_context(key, row)).decode("latin-1")


def _context(key: Key, row: Row) -> str:
    place = key[0].partition("#")[0], key[1].partition("#")[0]
    kind = str(row.get("kind"))
    return (_BY_KIND[kind] if kind in _BY_KIND else _BY_KEY[place])(key, row)
