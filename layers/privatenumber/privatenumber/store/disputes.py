"""Disputes with the platform about differences, in the Bills table.

=========================  =====================================  ==========================================
partition key              sort key                               row
=========================  =====================================  ==========================================
``DISPUTE#<id>``           ``DISPUTE``                            the dispute as it is now
                           ``ENTRY#<6 digits>``                   who moved it, when, from and to what, why
``ADJUSTMENTS#<yyyy-MM>``  ``<dispute>#<6 digits>#<kind>``        money that a decision books in that month
=========================  =====================================  ==========================================

Index ``by_day``: ``day_key`` = ``DISPUTE#<state>``, ``day_sort`` = ``<opened at>#<id>``. A move writes the
dispute in the place of the version that was read, its entry, the difference and the money in one transaction;
entries and adjustments are only added.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from privatenumber.store.differences import DifferenceStore, Handling
from privatenumber.store.due import Overtaken
from privatenumber.store.fact_rows import DAY_INDEX
from privatenumber.store.items import decode, encode
from privatenumber.store.querying import every_row
from privatenumber.store.transactions import Action, Refused, Writer
from privatenumber.store.versions import canonical
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class DisputeState(StrEnum):
    """How far a dispute has come."""

    OPEN = "open"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly_accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class AdjustmentKind(StrEnum):
    """What a decision makes of money."""

    CREDIT = "credit"
    """The platform gives it back: expected on its bill, never part of our costs."""
    ADJUSTMENT = "adjustment"
    """The platform is right after all: our costs follow it."""
    NOT_BOOKED = "not_booked"
    """The adjustment of the same move came too late: no statement would show a correction of its month."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute. ``amount``: CNY that the platform has and we have not; ``accepted``: what it gives back.

    ``month`` is that of the reconciliation ``run`` which found the ``difference``; ``x`` is masked. ``said``
    is the difference as it was when the dispute began. ``evidence`` is the hash of what was handed in.
    """

    id: str
    month: str
    run: str
    difference: str
    kind: str
    amount: Decimal
    said: Mapping[str, Any]
    state: DisputeState
    opened_at: datetime
    opened_by: str
    changed_at: datetime
    application: str | None = None
    x: str | None = None
    accepted: Decimal | None = None
    evidence: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One move of a dispute; never edited. ``act`` is what was done, ``came`` None when it was opened."""

    dispute: str
    number: int
    at: datetime
    by: str
    act: str
    came: DisputeState | None
    went: DisputeState
    why: str | None = None
    accepted: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Money that a decision books in ``month``; a reopened dispute books the opposite of what it had."""

    month: str
    dispute: str
    number: int
    kind: AdjustmentKind
    of_month: str
    amount: Decimal
    at: datetime
    by: str
    application: str | None = None
    reverses: int | None = None


@dataclass(frozen=True, slots=True)
class DisputePage:
    """Some disputes of a list, and where the next page begins (None: the list is complete)."""

    disputes: tuple[Dispute, ...]
    cursor: str | None


class DisputeStore:
    """Disputes, their entries and the money they book."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._differences = DifferenceStore(client, table)

    def move(
        self,
        dispute: Dispute,
        entry: Entry,
        handling: Handling,
        adjustments: Sequence[Adjustment] = (),
        *,
        seen: int,
    ) -> None:
        """Write a move of the version that was seen (0: a new dispute), all of it or nothing.

        Raises Overtaken when the dispute or its difference is not as it was read.
        """
        actions = [
            self._put("dispute", _item(dispute), seen),
            self._put("entry", _entry_item(entry), 0),
            self._differences.action(handling, seen=handling.version - 1),
            *(self._put("adjustment", _adjustment_item(each), 0) for each in adjustments),
        ]
        try:
            Writer(self._client).transact(actions)
        except Refused:
            raise Overtaken from None

    def get(self, dispute: str) -> Dispute | None:
        """One dispute as it is now."""
        key = encode({"pk": f"DISPUTE#{dispute}", "sk": "DISPUTE"})
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _dispute(decode(answer["Item"])) if "Item" in answer else None

    def entry(self, dispute: str, number: int) -> Entry | None:
        """One move of a dispute."""
        key = encode({"pk": f"DISPUTE#{dispute}", "sk": f"ENTRY#{number:06d}"})
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _entry(decode(answer["Item"])) if "Item" in answer else None

    def entries(self, dispute: str) -> list[Entry]:
        """All moves of a dispute, in their order."""
        return [_entry(item) for item in self._query(f"DISPUTE#{dispute}", "ENTRY#")]

    def adjustments(self, month: str, dispute: str | None = None) -> list[Adjustment]:
        """The money that decisions book in a month, or those of one dispute; in order of dispute and move."""
        begin = f"{dispute}#" if dispute else ""
        return [_adjustment(item) for item in self._query(f"ADJUSTMENTS#{month}", begin)]

    def note_not_booked(self, adjustment: Adjustment, *, at: datetime, by: str) -> None:
        """Write down, once, that an adjustment will never be booked."""
        never = replace(adjustment, kind=AdjustmentKind.NOT_BOOKED, at=at, by=by)
        try:
            Writer(self._client).transact([self._put("adjustment", _adjustment_item(never), 0)])
        except Refused:
            return  # It is written down already.

    def page(self, state: DisputeState, *, before: str | None, limit: int) -> DisputePage:
        """Disputes in one state, the newest first. ``before`` is a cursor of an earlier page."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=DAY_INDEX,
            KeyConditionExpression="day_key = :state AND day_sort < :before",
            ExpressionAttributeValues=encode({":state": f"DISPUTE#{state}", ":before": before or "~"}),
            ScanIndexForward=False,
            Limit=limit,
        )
        rows = [decode(item) for item in answer["Items"]]
        cursor = rows[-1]["day_sort"] if rows and "LastEvaluatedKey" in answer else None
        return DisputePage(tuple(map(_dispute, rows)), cursor)

    def _put(self, name: str, item: Mapping[str, Any], seen: int) -> Action:
        put: dict[str, Any] = {"TableName": self._table, "Item": encode(item)}
        if seen:
            put |= {
                "ConditionExpression": "#version = :seen",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": encode({":seen": seen}),
            }
        else:
            put["ConditionExpression"] = "attribute_not_exists(pk)"
        return Action(name, {"Put": put})

    def _query(self, pk: str, begin: str) -> Iterator[dict[str, Any]]:
        condition, values = "pk = :pk", {":pk": pk}
        if begin:
            condition, values = "pk = :pk AND begins_with(sk, :sk)", {":pk": pk, ":sk": begin}
        return every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=encode(values),
            ConsistentRead=True,
        )


def booked(adjustments: Iterable[Adjustment]) -> Decimal:
    """What adjustments add to our costs; a credit is the platform's and adds nothing."""
    own = (each.amount for each in adjustments if each.kind is AdjustmentKind.ADJUSTMENT)
    return sum(own, Decimal(0))


def _item(dispute: Dispute) -> dict[str, Any]:
    return {
        "pk": f"DISPUTE#{dispute.id}",
        "sk": "DISPUTE",
        "kind": "dispute",
        "month": dispute.month,
        "run": dispute.run,
        "difference": dispute.difference,
        "of": dispute.kind,
        "amount": dispute.amount,
        # As text: a number of it would come back as another type.
        "said": canonical(dispute.said).decode(),
        "state": dispute.state.value,
        "opened_at": iso(dispute.opened_at),
        "opened_by": dispute.opened_by,
        "changed_at": iso(dispute.changed_at),
        "application": dispute.application,
        "x": dispute.x,
        "accepted": dispute.accepted,
        "evidence": dispute.evidence,
        "version": dispute.version,
        "day_key": f"DISPUTE#{dispute.state}",
        "day_sort": f"{iso(dispute.opened_at)}#{dispute.id}",
    }


def _dispute(item: Mapping[str, Any]) -> Dispute:
    return Dispute(
        id=str(item["pk"]).partition("#")[2],
        month=item["month"],
        run=item["run"],
        difference=item["difference"],
        kind=item["of"],
        amount=item["amount"],
        said=json.loads(item["said"]),
        state=DisputeState(item["state"]),
        opened_at=from_iso(item["opened_at"]),
        opened_by=item["opened_by"],
        changed_at=from_iso(item["changed_at"]),
        application=item.get("application"),
        x=item.get("x"),
        accepted=item.get("accepted"),
        evidence=item.get("evidence"),
        version=int(item["version"]),
    )


def _entry_item(entry: Entry) -> dict[str, Any]:
    return {
        "pk": f"DISPUTE#{entry.dispute}",
        "sk": f"ENTRY#{entry.number:06d}",
        "kind": "dispute_entry",
        "number": entry.number,
        "at": iso(entry.at),
        "by": entry.by,
        "act": entry.act,
        "came": entry.came and entry.came.value,
        "went": entry.went.value,
        "why": entry.why,
        "accepted": entry.accepted,
    }


def _entry(item: Mapping[str, Any]) -> Entry:
    return Entry(
        dispute=str(item["pk"]).partition("#")[2],
        number=int(item["number"]),
        at=from_iso(item["at"]),
        by=item["by"],
        act=item["act"],
        came=DisputeState(item["came"]) if "came" in item else None,
        went=DisputeState(item["went"]),
        why=item.get("why"),
        accepted=item.get("accepted"),
    )


def _adjustment_item(adjustment: Adjustment) -> dict[str, Any]:
    return {
        "pk": f"ADJUSTMENTS#{adjustment.month}",
        "sk": f"{adjustment.dispute}#{adjustment.number:06d}#{adjustment.kind}",
        "kind": "adjustment",
        "dispute": adjustment.dispute,
        "number": adjustment.number,
        "of": adjustment.kind.value,
        "of_month": adjustment.of_month,
        "amount": adjustment.amount,
        "at": iso(adjustment.at),
        "by": adjustment.by,
        "application": adjustment.application,
        "reverses": adjustment.reverses,
    }


def _adjustment(item: Mapping[str, Any]) -> Adjustment:
    return Adjustment(
        month=str(item["pk"]).partition("#")[2],
        dispute=item["dispute"],
        number=int(item["number"]),
        kind=AdjustmentKind(item["of"]),
        of_month=item["of_month"],
        amount=item["amount"],
        at=from_iso(item["at"]),
        by=item["by"],
        application=item.get("application"),
        reverses=int(item["reverses"]) if "reverses" in item else None,
    )
