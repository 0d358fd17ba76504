"""Bindings that a person stood on, by his token and an X: read for a call that no binding connected.

Looked for where they can be: in his contact memory, among the newest bindings of his as A or B, and among the
newest of the X (partners and callees are in no index). Nothing here opens a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.settings import Mode
from privatenumber.store.authors import ERASURE
from privatenumber.store.binding_keys import A_INDEX, B_INDEX, X_INDEX, binding_key, party_index_key
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.contacts import contact_key, read_contact
from privatenumber.store.items import decode, encode
from privatenumber.store.reading import read_items
from privatenumber.times import from_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

#: So many of the newest are looked at in each index.
NEWEST: Final = 10


@dataclass(frozen=True, slots=True)
class PastRelation:
    """A binding as it stands now; ``people`` are the tokens of all who were on it.

    ``bound`` are those of them whose place it was: without the callee of a moment.
    ``numbers`` are X and what else is dialled under it (AXYB: its Y). ``contact`` says that the person was in
    touch with somebody under it last, ``ours`` that we chose its X and could name it again.
    """

    binding_id: str
    order: str
    mode: str
    application: str
    state: str
    numbers: frozenset[str]
    people: frozenset[str]
    bound: frozenset[str]
    changed_at: datetime
    contact: bool = False
    ours: bool = True
    reason: str | None = None


class LastRelations:
    """Reads the Bindings table, eventually consistent: the call is over, and so is what it looks for."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._search = BindingSearch(client, table)

    def candidates(self, application: str, person: str, x: str) -> tuple[PastRelation, ...]:
        """Bindings under which the person may have stood on X, each once, in no order."""
        contact = self._contact(application, person, x)
        ids = set(self._ids(application, person, x)) | ({contact} if contact else set())
        keys = [binding_key(binding_id) for binding_id in sorted(ids)]
        items = read_items(self._client, {self._table: keys}, consistent=False) if keys else ()
        return tuple(_relation(item, contact) for item in items if not _is_erased(item))

    def _ids(self, application: str, person: str, x: str) -> Iterator[str]:
        own = party_index_key(application, person)
        for index, name, key in ((A_INDEX, "a_key", own), (B_INDEX, "b_key", own), (X_INDEX, "x_key", x)):
            rows = self._search.newest(index, name, key, limit=NEWEST, before=None)
            yield from (row.binding_id for row in rows)

    def _contact(self, application: str, person: str, x: str) -> str | None:
        """The binding of the last contact; one that only the platform's id names is looked up by it."""
        answer = self._client.get_item(TableName=self._table, Key=encode(contact_key(application, person, x)))
        if "Item" not in answer:
            return None
        contact = read_contact(decode(answer["Item"]))
        if contact.binding_id or not contact.subscription_id:
            return contact.binding_id
        return self._search.of_subscription(application, contact.subscription_id)


def _is_erased(item: Mapping[str, Any]) -> bool:
    """Whether the last that was written was an erasure: that is no moment at which a relation ended."""
    return str(item.get("by", "")).startswith(ERASURE)


def _relation(item: Mapping[str, Any], contact: str | None) -> PastRelation:
    partners = item.get("partners", ())
    tokens = [partner["token"] for partner in partners]
    bound = frozenset(name for name in (item["a_token"], item.get("b_token"), *tokens) if name)
    callee = item.get("callee_token")
    return PastRelation(
        binding_id=item["binding_id"],
        order=item["order"],
        mode=item["mode"],
        application=item["application"],
        state=item["state"],
        numbers=frozenset((item["x"], *(partner["y"] for partner in partners if "y" in partner))),
        people=bound | {callee} if callee else bound,
        bound=bound,
        changed_at=from_iso(item["updated_at"]),
        contact=item["binding_id"] == contact,
        ours=item["mode"] != Mode.AXYB.value and not item.get("platform_chooses", False),
        reason=item.get("reason"),
    )
