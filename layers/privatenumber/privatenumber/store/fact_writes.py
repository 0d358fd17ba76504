"""The kinds of write that a push causes, each as a request of its own and as an action of a transaction.

Every one of them may be repeated: facts, variants and nonces are conditional, a quarantine entry settles on
the same row with the same content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from privatenumber.store.fact_rows import NewFact, day_key, icid_key, nonce_key, quarantine_key, shard_of
from privatenumber.store.items import encode
from privatenumber.times import beijing_day, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

#: A DynamoDB item holds 400 KB; a quarantined push of up to 1 MiB is spread over parts of this size.
PART_BYTES = 350_000
QUARANTINE_DAYS = 31


class Write(Protocol):
    """One row to be written."""

    @property
    def key(self) -> tuple[str, str]:
        """Partition and sort key of the row."""

    def send(self, client: DynamoDBClient, table: str) -> object:
        """Write the row with a request of its own."""

    def action(self, table: str) -> dict[str, Any]:
        """The write as an action of TransactWriteItems."""


@dataclass(frozen=True, slots=True)
class FactWrite:
    """A fact under its natural key, unless the key exists; a failed condition hands out what is there."""

    fact: NewFact

    @property
    def key(self) -> tuple[str, str]:
        """Partition and sort key of the fact."""
        return self.fact.pk, self.fact.sk

    def send(self, client: DynamoDBClient, table: str) -> object:
        """``PutItem``."""
        return client.put_item(**self._put(table))

    def action(self, table: str) -> dict[str, Any]:
        """``Put``."""
        return {"Put": self._put(table)}

    def _put(self, table: str) -> dict[str, Any]:
        return {
            "TableName": table,
            "Item": encode({"pk": self.fact.pk, "sk": self.fact.sk, **self.fact.item}),
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


@dataclass(frozen=True, slots=True)
class IcidWrite:
    """Says where the CDR of an icid stands, once per application; a failed condition hands out where.

    The fact's own key begins with its session, so that key alone would take one icid for two records.
    """

    fact: NewFact

    @classmethod
    def of(cls, fact: NewFact) -> IcidWrite | None:
        """The write of a CDR that has an icid."""
        return cls(fact) if fact.kind == "cdr" and "icid" in fact.item else None

    @property
    def key(self) -> tuple[str, str]:
        """Key of the icid."""
        return icid_key(self.fact.item["application"], self.fact.item["icid"]), "CDR"

    def held_by_another(self, item: Mapping[str, Any]) -> bool:
        """Whether what stands there speaks of a CDR at another place."""
        return (item["fact_pk"], item["fact_sk"]) != (self.fact.pk, self.fact.sk)

    def send(self, client: DynamoDBClient, table: str) -> object:
        """``PutItem``."""
        return client.put_item(**self._put(table))

    def action(self, table: str) -> dict[str, Any]:
        """``Put``."""
        return {"Put": self._put(table)}

    def _put(self, table: str) -> dict[str, Any]:
        pk, sk = self.key
        return {
            "TableName": table,
            "Item": encode(
                {
                    "pk": pk,
                    "sk": sk,
                    "fact_pk": self.fact.pk,
                    "fact_sk": self.fact.sk,
                    "expires_at": self.fact.item["expires_at"],
                }
            ),
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


@dataclass(frozen=True, slots=True)
class VariantWrite:
    """A contradicting fact beside the first one, unless it stands there: so it keeps its first receipt."""

    fact: NewFact

    @property
    def key(self) -> tuple[str, str]:
        """Key of the variant: the fact's own with its digest."""
        return self.fact.pk, f"{self.fact.sk}#VARIANT#{self.fact.digest}"

    def send(self, client: DynamoDBClient, table: str) -> object:
        """``PutItem``."""
        return client.put_item(**self._put(table))

    def action(self, table: str) -> dict[str, Any]:
        """``Put``."""
        return {"Put": self._put(table)}

    def _put(self, table: str) -> dict[str, Any]:
        item = dict(self.fact.item)
        item["flags"] = sorted({*item.get("flags", ()), "variant"})
        # A variant is no fact of its day: only the kind of its index key tells it apart.
        kind, _, rest = item.pop("day_key", "").partition("#")
        if kind == "CDR":
            item["day_key"] = f"VARIANT#{rest}"
        else:
            item.pop("day_sort", None)
        pk, sk = self.key
        return {
            "TableName": table,
            "Item": encode({"pk": pk, "sk": sk, **item}),
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


@dataclass(frozen=True, slots=True)
class NonceUse:
    """One use of a nonce: by whom, with which body (keyed token), remembered until ``until``."""

    application: str
    username: str
    nonce: str = field(repr=False)
    body: str
    now: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class NonceWrite:
    """Remembers a nonce; fails when another body used it and that is not yet forgotten."""

    use: NonceUse

    @property
    def key(self) -> tuple[str, str]:
        """Key of the nonce."""
        return nonce_key(self.use.application, self.use.username, self.use.nonce), "NONCE"

    def send(self, client: DynamoDBClient, table: str) -> object:
        """``PutItem``."""
        return client.put_item(**self._put(table))

    def action(self, table: str) -> dict[str, Any]:
        """``Put``."""
        return {"Put": self._put(table)}

    def _put(self, table: str) -> dict[str, Any]:
        pk, sk = self.key
        return {
            "TableName": table,
            "Item": encode(
                {"pk": pk, "sk": sk, "body": self.use.body, "expires_at": int(self.use.until.timestamp())}
            ),
            # TTL deletes within days, so what has expired is told by its time.
            "ConditionExpression": "attribute_not_exists(pk) OR body = :body OR expires_at < :now",
            "ExpressionAttributeValues": encode(
                {":body": self.use.body, ":now": int(self.use.now.timestamp())}
            ),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """Something to be kept raw: why, where it came in, and the sealed envelope of it.

    ``body`` is the keyed token of what came, so that the same body again updates the entry (§2.3).
    """

    application: str
    body: str
    reason: str
    route: str
    sealed: bytes = field(repr=False)
    received_at: datetime


@dataclass(frozen=True, slots=True)
class QuarantineWrite:
    """One row of a quarantine entry: the head, or a further part of a large one."""

    entry: QuarantineEntry
    part: int
    parts: int

    @classmethod
    def of(cls, entry: QuarantineEntry) -> Iterator[QuarantineWrite]:
        """The writes of one entry."""
        parts = max(1, -(-len(entry.sealed) // PART_BYTES))
        return (cls(entry, part, parts) for part in range(parts))

    @property
    def key(self) -> tuple[str, str]:
        """Key of the row."""
        suffix = f"#PART#{self.part}" if self.part else ""
        return quarantine_key(self.entry.application, self.entry.body), self.entry.body + suffix

    def send(self, client: DynamoDBClient, table: str) -> object:
        """``UpdateItem``."""
        return client.update_item(**self._update(table))

    def action(self, table: str) -> dict[str, Any]:
        """``Update``."""
        return {"Update": self._update(table)}

    def _update(self, table: str) -> dict[str, Any]:
        entry = self.entry
        expires_at = int((entry.received_at + timedelta(days=QUARANTINE_DAYS)).timestamp())
        start = self.part * PART_BYTES
        latest = {"sealed": entry.sealed[start : start + PART_BYTES], "expires_at": expires_at}
        if self.part:
            return _update(table, self.key, latest=latest)
        moment = iso(entry.received_at)
        day = beijing_day(entry.received_at)
        return _update(
            table,
            self.key,
            first={
                "kind": "quarantine",
                "application": entry.application,
                "first_at": moment,
                "day_key": day_key("QUARANTINE", entry.application, day, shard_of(entry.body)),
                "day_sort": f"{moment}#{entry.body}",
            },
            latest={
                **latest,
                "reason": entry.reason,
                "route": entry.route,
                "last_at": moment,
                "parts": self.parts,
            },
            count="deliveries",
        )


def _update(
    table: str,
    key: tuple[str, str],
    *,
    first: Mapping[str, Any] | None = None,
    latest: Mapping[str, Any] | None = None,
    count: str | None = None,
) -> dict[str, Any]:
    """An update that keeps the first value of some attributes, takes the latest of others and counts."""
    first, latest = first or {}, latest or {}
    names = [*first, *latest]
    sets = [f"#a{n} = if_not_exists(#a{n}, :v{n})" for n in range(len(first))]
    sets += [f"#a{n} = :v{n}" for n in range(len(first), len(names))]
    aliases = {f"#a{n}": name for n, name in enumerate(names)}
    values = {f":v{n}": value for n, value in enumerate([*first.values(), *latest.values()])}
    expression = "SET " + ", ".join(sets)
    if count:
        expression += " ADD #count :one"
        aliases["#count"] = count
        values[":one"] = 1
    return {
        "TableName": table,
        "Key": encode({"pk": key[0], "sk": key[1]}),
        "UpdateExpression": expression,
        "ExpressionAttributeNames": aliases,
        "ExpressionAttributeValues": encode(values),
    }
