"""What a comparison has to look up in the tables: tokens, sealed numbers, the events of a call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from privatenumber.billing.ledger import Ledger, together
from privatenumber.billing.reconciliation.records import Resolver
from privatenumber.phone import InvalidNumber, normalise
from privatenumber.privacy import SealBroken, token
from privatenumber.store.fact_readings import SealedRow
from privatenumber.store.fact_rows import EventFact

#: Who began a call or an SMS, by its name in what the platform sent.
_PERSON = ("callerNum", "calling")


def resolver_of(ledger: Ledger, as_of: datetime) -> Resolver:
    """How a run of the books looks things up."""
    keyring = ledger.keyring()
    return Resolver(
        tokens=lambda value, purpose: token(keyring, value, purpose=purpose),
        callers_of=lambda facts: callers_of(ledger, facts),
        events_of=lambda addresses: together(lambda each: _events(ledger, each), addresses),
        as_of=as_of,
    )


def callers_of(ledger: Ledger, facts: Sequence[str]) -> Mapping[str, str | None]:
    """Opens the sealed records at these addresses; ``None`` where nobody can open one any more."""
    rows = ledger.facts.sealed([_key(fact) for fact in facts])
    return {"/".join(row.key): _person(ledger, row) for row in rows}


def _person(ledger: Ledger, row: SealedRow) -> str | None:
    try:
        raw: Any = json.loads(ledger.unseal(row.sealed, row.application))
    except SealBroken:
        return None
    number = next((str(raw[name]) for name in _PERSON if raw.get(name)), "")
    try:
        return normalise(number, service=True)
    except InvalidNumber:
        return number or None


def _events(ledger: Ledger, address: str) -> tuple[str, list[EventFact]]:
    """The events of the call whose hang-up stands at an address."""
    application, call = _key(address)[0].split("#", 2)[1:]
    facts: Iterator[object] = ledger.facts.call(application, call)
    return address, [fact for fact in facts if isinstance(fact, EventFact)]


def _key(address: str) -> tuple[str, str]:
    pk, _, sk = address.partition("/")
    return pk, sk
