"""Bindings as questions find them: put into the table in the form in which the bindings room stores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from builders.dynamodb import Table
from builders.keyrings import KEYRING
from builders.pushes import ASKING, QUESTION_X, SIGNED_AT, A
from privatenumber.bindings.model import Binding, Callee, Partner, PartnerState, State, Terms
from privatenumber.bindings.records import party, to_record
from privatenumber.privacy import Keyring, seal, token
from privatenumber.settings import Mode
from privatenumber.store.binding_keys import binding_item, place_key
from privatenumber.store.contacts import Contact, ContactStore, contact_context
from privatenumber.store.items import encode


def partner(number: str, state: PartnerState = PartnerState.HELD) -> Partner:
    """Somebody A speaks to."""
    return Partner(f"partner-{number[-4:]}", party(KEYRING, number), None, state)


def relation(
    binding_id: str = "binding-1",
    *,
    a: str = A,
    partners: tuple[str, ...] = (),
    callee: str | None = None,
    callee_until: datetime = SIGNED_AT + timedelta(minutes=1),
    callee_reference: str | None = None,
    mode: Mode = Mode.X,
    x: str = QUESTION_X,
    ends_at: datetime = SIGNED_AT + timedelta(hours=1),
    direction: int = 0,
    max_minutes: int = 0,
    **changes: Any,
) -> Binding:
    """A living binding of A on the X of the questions."""
    fields: Mapping[str, Any] = {
        "id": binding_id,
        "application": ASKING[mode.value][0],
        "order": f"order-of-{binding_id}",
        "mode": mode,
        "state": State.ACTIVE,
        "version": 2,
        "x": x,
        "area": "0755",
        "terms": Terms(party(KEYRING, a), None, ends_at, direction, max_minutes),
        "created_at": SIGNED_AT - timedelta(hours=1),
        "updated_at": SIGNED_AT - timedelta(hours=1),
        "content_hash": "content",
        "due_at": ends_at,
        "partners": tuple(partner(number) for number in partners),
        "callee": Callee(party(KEYRING, callee), callee_until, callee_reference) if callee else None,
        **changes,
    }
    return Binding(**fields)


def put_relation(
    table: Table, binding: Binding, *, places: tuple[str, ...] | None = None, keyring: Keyring = KEYRING
) -> None:
    """Store a binding and the places of those who stand on its X (tokens; default: those it holds)."""
    record = to_record(binding, keyring)
    standing = [
        {**place_key(binding.application, name, binding.x), "binding_id": binding.id}
        for name in (record.places if places is None else places)
    ]
    for item in (binding_item(record), *standing):
        table.client.put_item(TableName=table.name, Item=encode(item))


def change_relation(table: Table, binding: Binding, **changes: Any) -> Binding:
    """Store another version of a binding, whose places stay as they are."""
    changed = replace(binding, **changes)
    put_relation(table, changed, places=())
    return changed


def remember(
    table: Table,
    person: str,
    counterpart: str,
    at: datetime,
    *,
    mode: Mode = Mode.X,
    x: str = QUESTION_X,
    binding_id: str | None = "binding-1",
    subscription_id: str | None = None,
) -> bool:
    """Put somebody's last counterpart, made under a binding, into the contact memory."""
    application, name = ASKING[mode.value][0], token(KEYRING, person)
    sealed = seal(
        KEYRING,
        f'{{"number":"{counterpart}"}}'.encode(),
        context=contact_context(application, name, x),
    )
    contact = Contact(
        application, name, x, token(KEYRING, counterpart), at, sealed, binding_id, subscription_id
    )
    return ContactStore(table.client, table.name).remember(contact)
