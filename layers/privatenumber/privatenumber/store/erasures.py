"""Erasures in the Bindings table: what was asked for, and the certificates of what was done.

===================  ===============  =====================================================================
partition key        sort key         what it holds
===================  ===============  =====================================================================
``ERASURE#<id>``     ``ERASURE``      what is asked for and how far it has come; counts as ``n_<kind>``
\\                    ``CERTIFICATE``  what was done; put once, never changed, never forgotten
===================  ===============  =====================================================================

Index ``due``: ``due_key`` = ``ERASURES``, ``due_at`` = moment; those that wait. Of a person an erasure keeps
a keyed digest that is nobody's key anywhere; numbers are sealed in it until it is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode
from privatenumber.store.transactions import Action, Refused, Writer
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

DUE_INDEX: Final = "due"
DUE_KEY: Final = "ERASURES"
_COUNT: Final = "n_"
_IN_USE: Final = "in_use_"


class Overtaken(Exception):
    """Somebody else has written the row since it was read."""


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """An erasure as the table knows it. Times are aware UTC.

    ``people`` are digests, ``sealed`` numbers and salt until it is done. ``passes`` says how often everything
    was looked at, ``last_round`` with which round last. ``in_use`` names bindings and jobs that the last look
    had to leave, because they live.
    """

    id: str
    subject: str
    state: str
    created_at: datetime
    created_by: str
    reason: str
    content_hash: str
    application: str | None = None
    people: tuple[str, ...] = ()
    order: str | None = None
    older_than_days: int | None = None
    dry_run: bool = False
    lift_bars: bool = False
    sealed: bytes | None = field(default=None, repr=False)
    passes: int = 0
    last_round: int = 0
    due_at: datetime | None = None
    finished_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    in_use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was erased and what stays: a JSON ``document``, and the hash of its text."""

    document: str
    hash: str
    made_at: datetime


def erasure_key(erasure: str) -> dict[str, str]:
    """Key of an erasure."""
    return {"pk": f"ERASURE#{erasure}", "sk": "ERASURE"}


def counting(table: str, erasure: str, counts: Mapping[str, int]) -> Action:
    """Count rows by kind, to stand in the transaction that changes them."""
    names = {f"#c{n}": _COUNT + kind for n, kind in enumerate(counts)}
    values = {f":c{n}": count for n, count in enumerate(counts.values())}
    added = ", ".join(f"#c{n} :c{n}" for n in range(len(counts)))
    update = {
        "TableName": table,
        "Key": encode(erasure_key(erasure)),
        "UpdateExpression": f"ADD {added}",
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": encode(values),
    }
    return Action("count", {"Update": update})


class ErasureStore:
    """Reads and writes erasures. ``table`` is the name of the Bindings table."""

    def __init__(self, client: DynamoDBClient, table: str, writer: Writer | None = None) -> None:
        self._client = client
        self._table = table
        self._writer = writer or Writer(client)

    def add(self, row: ErasureRow) -> ErasureRow | None:
        """Write a new erasure; answers the one that has its id already."""
        try:
            self._writer.put(
                "erasure",
                TableName=self._table,
                Item=encode(_item(row)),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except Refused:
            return self.get(row.id)
        return None

    def get(self, erasure: str) -> ErasureRow | None:
        """One erasure, as it is now."""
        item = self._read(erasure_key(erasure))
        return _row(item) if item else None

    def certificate(self, erasure: str) -> Certificate | None:
        """What was written at its end."""
        item = self._read(_certificate_key(erasure))
        if item is None:
            return None
        return Certificate(item["document"], item["hash"], from_iso(item["made_at"]))

    def due(self, *, until: datetime, limit: int) -> list[str]:
        """Ids of erasures that are due, the oldest first (eventually consistent)."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=DUE_INDEX,
            KeyConditionExpression="due_key = :key AND due_at <= :until",
            ExpressionAttributeValues=encode({":key": DUE_KEY, ":until": iso(until)}),
            Limit=limit,
        )
        return [str(decode(item)["pk"]).removeprefix("ERASURE#") for item in answer["Items"]]

    def left_in_use(self, row: ErasureRow, what: Iterable[str]) -> None:
        """Remember what this look had to leave."""
        self._client.update_item(
            TableName=self._table,
            Key=encode(erasure_key(row.id)),
            UpdateExpression="ADD #left :what",
            ExpressionAttributeNames={"#left": f"{_IN_USE}{row.passes}"},
            ExpressionAttributeValues=encode({":what": set(what)}),
        )

    def put_off(self, row: ErasureRow, *, until: datetime, round_: int) -> None:
        """Write down that a look is over and when the next one is due. Raises Overtaken."""
        self._end_pass(row, round_, {"due_at": iso(until)}, remove=())

    def finish(
        self, row: ErasureRow, *, state: str, round_: int, now: datetime, certificate: Certificate | None
    ) -> None:
        """Write the end, forget whose numbers they were, and put the certificate. Raises Overtaken."""
        more = []
        if certificate:
            item = {
                **_certificate_key(row.id),
                "document": certificate.document,
                "hash": certificate.hash,
                "made_at": iso(certificate.made_at),
            }
            put = {
                "TableName": self._table,
                "Item": encode(item),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
            more = [Action("certificate", {"Put": put})]
        changes = {"state": state, "finished_at": iso(now)}
        self._end_pass(row, round_, changes, remove=("sealed", "due_key", "due_at"), more=more)

    def _end_pass(
        self,
        row: ErasureRow,
        round_: int,
        changes: Mapping[str, Any],
        *,
        remove: Iterable[str],
        more: Iterable[Action] = (),
    ) -> None:
        values = {**changes, "passes": row.passes + 1, "last_round": round_}
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        gone = ", ".join(f"#{name}" for name in remove)
        update = {
            "TableName": self._table,
            "Key": encode(erasure_key(row.id)),
            "UpdateExpression": f"SET {sets}" + (f" REMOVE {gone}" if gone else ""),
            "ConditionExpression": "#passes = :seen",
            "ExpressionAttributeNames": {f"#{name}": name for name in (*values, *remove)},
            "ExpressionAttributeValues": encode(
                {**{f":{name}": value for name, value in values.items()}, ":seen": row.passes}
            ),
        }
        try:
            self._writer.transact([Action("erasure", {"Update": update}), *more])
        except Refused:
            raise Overtaken from None

    def _read(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        answer = self._client.get_item(TableName=self._table, Key=encode(key), ConsistentRead=True)
        return decode(answer["Item"]) if "Item" in answer else None


def _certificate_key(erasure: str) -> dict[str, str]:
    return {"pk": f"ERASURE#{erasure}", "sk": "CERTIFICATE"}


def _item(row: ErasureRow) -> dict[str, Any]:
    return {
        **erasure_key(row.id),
        "subject": row.subject,
        "state": row.state,
        "created_at": iso(row.created_at),
        "created_by": row.created_by,
        "reason": row.reason,
        "content_hash": row.content_hash,
        "application": row.application,
        "people": list(row.people) or None,
        "order": row.order,
        "older_than_days": row.older_than_days,
        "dry_run": row.dry_run or None,
        "lift_bars": row.lift_bars or None,
        "sealed": row.sealed,
        "passes": row.passes,
        "last_round": row.last_round,
        "due_key": DUE_KEY if row.due_at else None,
        "due_at": iso(row.due_at) if row.due_at else None,
    }


def _row(item: Mapping[str, Any]) -> ErasureRow:
    passes, state = int(item["passes"]), item["state"]
    last = passes - 1 if "finished_at" in item else passes
    return ErasureRow(
        id=str(item["pk"]).removeprefix("ERASURE#"),
        subject=item["subject"],
        state=state,
        created_at=from_iso(item["created_at"]),
        created_by=item["created_by"],
        reason=item["reason"],
        content_hash=item["content_hash"],
        application=item.get("application"),
        people=tuple(item.get("people", ())),
        order=item.get("order"),
        older_than_days=int(item["older_than_days"]) if "older_than_days" in item else None,
        dry_run=item.get("dry_run", False),
        lift_bars=item.get("lift_bars", False),
        sealed=item.get("sealed"),
        passes=passes,
        last_round=int(item["last_round"]),
        due_at=from_iso(item["due_at"]) if "due_at" in item else None,
        finished_at=from_iso(item["finished_at"]) if "finished_at" in item else None,
        counts={
            name.removeprefix(_COUNT): int(value) for name, value in item.items() if name.startswith(_COUNT)
        },
        in_use=tuple(sorted(item.get(f"{_IN_USE}{last}", ()))),
    )
