"""Reconciliations that were asked for: one row each, and those that somebody may take up.

Key: ``RECONCILIATIONS#<yyyy-MM>``, ``RUN#<token>``; the id of a run is ``<yyyy-MM>~<token>``. A run that is
not finished stands in the index ``due`` under ``due_key`` = ``RECONCILIATIONS``. What it found is a version
of the month's reconciliation (`statements`); the row names its number and hash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.due import DUE_INDEX, Overtaken, due_items
from privatenumber.store.items import decode, encode
from privatenumber.store.querying import every_row
from privatenumber.store.versions import canonical
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

DUE: Final = "RECONCILIATIONS"
_ID: Final = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2]))~([a-z2-7]{26})", re.ASCII)


class RunState(StrEnum):
    """How far a reconciliation has come; the last three are final."""

    REQUESTED = "requested"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    """It will never work as it was asked: a file is missing, unreadable or has too many bad rows."""
    FAILED = "failed"

    @property
    def final(self) -> bool:
        """True when nothing is left to be done."""
        return self in (RunState.DONE, RunState.REFUSED, RunState.FAILED)


@dataclass(frozen=True, slots=True)
class ReconciliationRun:
    """A comparison of a month with files of the exchange bucket, or the import of rows that one misses.

    ``files`` maps ``calls``, ``sms``, ``bill``, ``stats``, ``quota`` or ``numbers`` to keys. ``due_at``: from
    when on somebody may take it up. ``attempts`` counts how often somebody did. ``number`` and ``hash`` name
    the version with what was found; ``problem`` says why there is none. ``imports_of`` is the comparison
    whose missing rows are imported, ``lines`` some of them by kind; ``outcome`` is what became of them, as
    JSON.
    """

    id: str
    month: str
    files: Mapping[str, str]
    mappings: Mapping[str, Any] | None
    state: RunState
    requested_at: datetime
    requested_by: str
    expires_at: int
    due_at: datetime | None = None
    attempts: int = 0
    finished_at: datetime | None = None
    result: str | None = None
    number: int | None = None
    hash: str | None = None
    problem: str | None = None
    imports_of: str | None = None
    lines: Mapping[str, tuple[int, ...]] | None = None
    outcome: Mapping[str, Any] | None = None
    version: int = 1


def run_id(month: str, unique: str) -> str:
    """The id of a run; ``unique`` is a token."""
    return f"{month}~{unique}"


def month_of(identity: str) -> str | None:
    """The month that the id of a run names; None for what is no id of a run."""
    found = _ID.fullmatch(identity)
    return found[1] if found else None


class RunStore:
    """Runs in the Bills table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def add(self, run: ReconciliationRun) -> ReconciliationRun | None:
        """Write a new run; the one that has its id already, or None when it is new."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=encode(_item(run)),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as failed:
            found: Any = failed.response.get("Item")
            if found and found != encode(_item(run)):
                return _run(decode(found))
        return None

    def replace(self, run: ReconciliationRun, *, seen: int) -> None:
        """Write a run in the place of the version that was seen. Raises Overtaken."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=encode(_item(run)),
                ConditionExpression="#version = :seen",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=encode({":seen": seen}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise Overtaken from None

    def get(self, identity: str) -> ReconciliationRun | None:
        """One run as it is now."""
        if month_of(identity) is None:
            return None
        answer = self._client.get_item(TableName=self._table, Key=encode(_key(identity)), ConsistentRead=True)
        return _run(decode(answer["Item"])) if "Item" in answer else None

    def of_month(self, month: str) -> list[ReconciliationRun]:
        """The runs of a month, the newest first."""
        runs = [_run(item) for item in self._rows(f"RECONCILIATIONS#{month}")]
        return sorted(runs, key=lambda run: (run.requested_at, run.id), reverse=True)

    def due(self, *, until: datetime, limit: int) -> Iterator[tuple[str, datetime]]:
        """Ids of runs that somebody may take up, and since when."""
        found = due_items(self._client, self._table, DUE_INDEX, shards=[DUE], until=iso(until), limit=limit)
        for item in found:
            month, token = str(item["pk"]).partition("#")[2], str(item["sk"]).partition("#")[2]
            yield run_id(month, token), from_iso(item["due_at"])

    def _rows(self, pk: str) -> Iterator[dict[str, Any]]:
        return every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues=encode({":pk": pk, ":sk": "RUN#"}),
            ConsistentRead=True,
        )


def _key(identity: str) -> dict[str, str]:
    month, _, token = identity.partition("~")
    return {"pk": f"RECONCILIATIONS#{month}", "sk": f"RUN#{token}"}


def _item(run: ReconciliationRun) -> dict[str, Any]:
    return {
        **_key(run.id),
        "kind": "reconciliation_run",
        "files": dict(run.files),
        "mappings": canonical(run.mappings).decode() if run.mappings is not None else None,
        "state": run.state.value,
        "requested_at": iso(run.requested_at),
        "requested_by": run.requested_by,
        "expires_at": run.expires_at,
        "due_key": None if run.due_at is None else DUE,
        "due_at": run.due_at and iso(run.due_at),
        "attempts": run.attempts,
        "finished_at": run.finished_at and iso(run.finished_at),
        "result": run.result,
        "number": run.number,
        "hash": run.hash,
        "problem": run.problem,
        "imports_of": run.imports_of,
        "import_lines": None
        if run.lines is None
        else {name: list(chosen) for name, chosen in run.lines.items()},
        "outcome": canonical(run.outcome).decode() if run.outcome is not None else None,
        "version": run.version,
    }


def _run(item: Mapping[str, Any]) -> ReconciliationRun:
    month, token = str(item["pk"]).partition("#")[2], str(item["sk"]).partition("#")[2]
    return ReconciliationRun(
        id=run_id(month, token),
        month=month,
        files=item["files"],
        mappings=json.loads(item["mappings"]) if "mappings" in item else None,
        state=RunState(item["state"]),
        requested_at=from_iso(item["requested_at"]),
        requested_by=item["requested_by"],
        expires_at=int(item["expires_at"]),
        due_at=from_iso(item["due_at"]) if "due_at" in item else None,
        attempts=int(item["attempts"]),
        finished_at=from_iso(item["finished_at"]) if "finished_at" in item else None,
        result=item.get("result"),
        number=int(item["number"]) if "number" in item else None,
        hash=item.get("hash"),
        problem=item.get("problem"),
        imports_of=item.get("imports_of"),
        lines=_lines(item["import_lines"]) if "import_lines" in item else None,
        outcome=json.loads(item["outcome"]) if "outcome" in item else None,
        version=int(item["version"]),
    )


def _lines(chosen: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(map(int, lines)) for name, lines in chosen.items()}
