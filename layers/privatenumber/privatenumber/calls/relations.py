"""Opening what the table holds of relations and contacts: the numbers are read here only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from privatenumber.calls.routing import LastContact, Person, Relation
from privatenumber.settings import Mode
from privatenumber.store import binding_private as words
from privatenumber.store.contacts import Contact, contact_context
from privatenumber.store.relations import RelationItem

#: Opens a sealed value that is bound to a context.
Unseal = Callable[[bytes, str], bytes]


def opened_relation(item: RelationItem, unseal: Unseal) -> Relation:
    """A relation with its numbers. Raises SealBroken."""
    private: Mapping[str, Any] = json.loads(unseal(item.sealed, words.binding_context(item.binding_id)))
    numbers = private.get(words.PARTNERS, {})
    callee = private.get(words.CALLEE)
    return Relation(
        binding_id=item.binding_id,
        order=item.order,
        mode=Mode(item.mode),
        application=item.application,
        active=item.state == words.ACTIVE,
        x=item.x,
        a=Person(private[words.A], item.a_token),
        ends_at=item.ends_at,
        direction=item.direction,
        max_minutes=item.max_minutes,
        partners=tuple(
            Person(numbers[partner.id], partner.token)
            for partner in item.partners
            if partner.state == words.HELD
        ),
        anyone=item.anyone,
        sms=item.sms,
        callee=Person(callee, item.callee_token) if callee and item.callee_token else None,
        callee_until=item.callee_until,
        record_hint_tone=item.record_hint_tone,
        caller_tone=item.tones.get("caller"),
        callee_tone=item.tones.get("callee"),
        last_minute_tone=item.tones.get("last_minute"),
        subscription_id=item.subscription_id,
        reference=private.get(words.USER_REFERENCE),
        callee_reference=private.get(words.CALLEE_REFERENCE),
    )


def opened_contact(contact: Contact, unseal: Unseal) -> LastContact:
    """A last contact with its number. Raises SealBroken."""
    context = contact_context(contact.application, contact.person, contact.x)
    number = json.loads(unseal(contact.sealed, context))["number"]
    person = Person(number, contact.counterpart)
    return LastContact(person, contact.at, contact.binding_id, contact.subscription_id)
