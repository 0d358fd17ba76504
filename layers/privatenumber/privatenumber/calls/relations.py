"""Opening what the table holds of relations and contacts: the numbers are read here only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from privatenumber.calls.routing import LastContact, Person, Relation
from privatenumber.settings import Mode
from privatenumber.store.contacts import Contact, contact_context
from privatenumber.store.relations import RelationItem

#: Opens a sealed value that is bound to a context.
Unseal = Callable[[bytes, str], bytes]

_ACTIVE: Final = "ACTIVE"
_HELD: Final = "held"


def opened_relation(item: RelationItem, unseal: Unseal) -> Relation:
    """A relation with its numbers. Raises SealBroken."""
    private: Mapping[str, Any] = json.loads(unseal(item.sealed, f"binding#{item.binding_id}"))
    numbers = private.get("partners", {})
    callee = private.get("callee")
    return Relation(
        binding_id=item.binding_id,
        order=item.order,
        mode=Mode(item.mode),
        application=item.application,
        active=item.state == _ACTIVE,
        x=item.x,
        a=Person(private["a"], item.a_token),
        ends_at=item.ends_at,
        direction=item.direction,
        max_minutes=item.max_minutes,
        partners=tuple(
            Person(numbers[partner.id], partner.token) for partner in item.partners if partner.state == _HELD
        ),
        anyone=item.anyone,
        sms=item.sms,
        callee=Person(callee, item.callee_token) if callee and item.callee_token else None,
        callee_until=item.callee_until,
        record_hint_tone=item.record_hint_tone,
        caller_tone=item.tones.get("caller"),
        callee_tone=item.tones.get("callee"),
        last_minute_tone=item.tones.get("last_minute"),
        reference=private.get("user_reference"),
        callee_reference=private.get("callee_reference"),
    )


def opened_contact(contact: Contact, unseal: Unseal) -> LastContact:
    """A last contact with its number. Raises SealBroken."""
    context = contact_context(contact.application, contact.person, contact.x)
    number = json.loads(unseal(contact.sealed, context))["number"]
    return LastContact(Person(number, contact.counterpart), contact.at)
