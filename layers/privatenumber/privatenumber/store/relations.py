"""Who stands on an X, read for a question of the platform: two reads, whatever is found.

Places and bindings belong to the bindings room (keys: ``binding_keys``); here they are only read, and with
consistency, because a binding that ended a moment ago must not connect anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from privatenumber.store.binding_keys import ANYONE, binding_key, place_key
from privatenumber.store.contacts import Contact, contact_key, read_contact
from privatenumber.store.decisions import Decision, decision_key, read_decision
from privatenumber.store.facts import StoreUnavailable
from privatenumber.store.reading import Withheld, read_items
from privatenumber.times import from_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class PartnerItem:
    """One of those whom A speaks to: id, token, and ``wanted``, ``held`` or ``leaving``."""

    id: str
    token: str
    state: str


@dataclass(frozen=True, slots=True)
class RelationItem:
    """A binding as a question needs it; the numbers are in ``sealed``."""

    binding_id: str
    state: str
    mode: str
    application: str
    order: str
    x: str = field(repr=False)
    a_token: str
    ends_at: datetime
    direction: int
    max_minutes: int
    partners: tuple[PartnerItem, ...]
    anyone: bool
    sms: bool
    callee_token: str | None
    callee_until: datetime | None
    record_hint_tone: str | None
    tones: Mapping[str, str]
    sealed: bytes = field(repr=False)
    subscription_id: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What was found for a person on an X.

    ``places`` are ids of bindings, his own place before everybody's. ``decision`` is the answer to the same
    question, when it was asked before.
    """

    places: tuple[str, ...]
    contact: Contact | None
    decision: Decision | None


class RelationStore:
    """Reads for questions, from the Bindings and the Bills table; raises StoreUnavailable."""

    def __init__(self, client: DynamoDBClient, bindings_table: str, bills_table: str) -> None:
        self._client = client
        self._bindings = bindings_table
        self._bills = bills_table

    def standing(
        self, *, application: str, person: str, x: str, question: str, left: Callable[[], float]
    ) -> Standing:
        """Look up a person (token) on an X, and the question (partition of its facts), in one request."""
        own, everybody = (place_key(application, token, x) for token in (person, ANYONE))
        last, decision = contact_key(application, person, x), decision_key(question)
        found = self._read({self._bindings: [own, everybody, last], self._bills: [decision]}, left)
        standing = [found.get(_name(key), {}) for key in (own, everybody)]
        # A place that is left to cool belongs to no binding.
        places = [place["binding_id"] for place in standing if "binding_id" in place]
        contact, decided = found.get(_name(last)), found.get(_name(decision))
        return Standing(
            places=tuple(dict.fromkeys(places)),
            contact=read_contact(contact) if contact else None,
            decision=read_decision(decided) if decided else None,
        )

    def relations(self, ids: Sequence[str], left: Callable[[], float]) -> tuple[RelationItem, ...]:
        """Read bindings by id, in this order; one that is gone is left out."""
        if not ids:
            return ()
        keys = [binding_key(binding_id) for binding_id in ids]
        found = self._read({self._bindings: keys}, left)
        return tuple(read_relation(found[_name(key)]) for key in keys if _name(key) in found)

    def _read(
        self, wanted: Mapping[str, Sequence[Mapping[str, str]]], left: Callable[[], float]
    ) -> dict[tuple[str, str], dict[str, Any]]:
        try:
            items = read_items(self._client, wanted, consistent=True, left=left)
            return {_name(item): item for item in items}
        except Withheld as error:
            raise StoreUnavailable(str(error)) from error
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(type(error).__name__) from error


def read_relation(item: Mapping[str, Any]) -> RelationItem:
    """A `RelationItem` from a decoded binding."""
    terms, until = item["terms"], item.get("callee_until")
    return RelationItem(
        binding_id=item["binding_id"],
        state=item["state"],
        mode=item["mode"],
        application=item["application"],
        order=item["order"],
        x=item["x"],
        a_token=item["a_token"],
        ends_at=from_iso(terms["ends_at"]),
        direction=int(terms["direction"]),
        max_minutes=int(terms["max_minutes"]),
        partners=tuple(
            PartnerItem(plain["id"], plain["token"], plain["state"]) for plain in item.get("partners", ())
        ),
        anyone=bool(item.get("anyone", False)),
        sms=bool(item.get("sms", True)),
        callee_token=item.get("callee_token"),
        callee_until=from_iso(until) if until else None,
        record_hint_tone=item.get("record_hint_tone"),
        tones=item.get("tones", {}),
        sealed=bytes(item["sealed"]),
        subscription_id=item.get("subscription_id"),
    )


def _name(key: Mapping[str, Any]) -> tuple[str, str]:
    return key["pk"], key["sk"]
