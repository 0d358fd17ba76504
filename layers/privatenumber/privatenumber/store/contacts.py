"""Contact memory: with whom a person was in touch last on an X, in the Bindings table.

Beside the person's places: ``PARTY#<app>#<token>`` / ``LAST#<x>``. The newest contact stays, in whatever
order they are written; what is forgotten after a month is the clean-up, readers look at the time. Each says
under which binding it was made, because it must not outlive that one: X is given to the next order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from privatenumber.settings import MAX_CONTACT_HOURS
from privatenumber.store.binding_keys import party_partition
from privatenumber.store.items import encode
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_KEPT: Final = timedelta(hours=MAX_CONTACT_HOURS, days=1)


@dataclass(frozen=True, slots=True)
class Contact:
    """The last counterpart of a person on an X: token, sealed number, moment, and the binding.

    Our decisions name it by ``binding_id``, the platform's records by ``subscription_id``.
    """

    application: str
    person: str
    x: str = field(repr=False)
    counterpart: str
    at: datetime
    sealed: bytes = field(repr=False)
    binding_id: str | None = None
    subscription_id: str | None = None


def contact_key(application: str, person: str, x: str) -> dict[str, str]:
    """Key of the last contact of a person, named by his token, on an X."""
    return {"pk": party_partition(application, person), "sk": f"LAST#{x}"}


def contact_context(application: str, person: str, x: str) -> str:
    """What the sealed number is bound to."""
    return f"contact#{application}#{person}#{x}"


def read_contact(item: Mapping[str, Any]) -> Contact:
    """A `Contact` from a decoded item."""
    return Contact(
        application=item["application"],
        person=item["person"],
        x=item["x"],
        counterpart=item["counterpart"],
        at=from_iso(item["at"]),
        sealed=bytes(item["sealed"]),
        binding_id=item.get("binding_id"),
        subscription_id=item.get("subscription_id"),
    )


class ContactStore:
    """Writes contacts. Parameters: ``table`` is the name of the Bindings table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def remember(self, contact: Contact) -> bool:
        """Remember a contact unless a newer one, or this one, is remembered; tells whether it was written."""
        item: dict[str, Any] = {
            **contact_key(contact.application, contact.person, contact.x),
            "application": contact.application,
            "person": contact.person,
            "x": contact.x,
            "counterpart": contact.counterpart,
            "at": iso(contact.at),
            "sealed": contact.sealed,
            "expires_at": int((contact.at + _KEPT).timestamp()),
        }
        made_under = {"binding_id": contact.binding_id, "subscription_id": contact.subscription_id}
        item |= {name: value for name, value in made_under.items() if value}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=encode(item),
                ConditionExpression="attribute_not_exists(pk) OR #at < :at",
                ExpressionAttributeNames={"#at": "at"},
                ExpressionAttributeValues=encode({":at": item["at"]}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True
