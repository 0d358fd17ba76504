"""The tables: DynamoDB Local behind a tap that sees every write, feeds the streams and lets faults act.

The tap sits where botocore sends a request, so paginators and every client method pass it. A shadow keeps
each row as it stands: streams need the old image, and what is judged at every moment needs no scan. At the
end it is compared with the tables themselves.
"""

from __future__ import annotations

import base64
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Protocol

from privatenumber.store.items import decode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Item = Mapping[str, Any]
Key = tuple[str, str]
Call = Callable[[str, dict[str, Any]], dict[str, Any]]
WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"})


class Weather(Protocol):
    """What may happen to a request to the tables: raises what botocore would raise, or kills the process."""

    def before(self, operation: str, request: Mapping[str, Any]) -> None:
        """The request has not left yet."""
        ...

    def withheld(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The keys by table that a batch of reads is not answered this time."""
        ...

    def after(self, operation: str, request: Mapping[str, Any]) -> bool:
        """The table has done it; the answer has not come yet. True: it is lost, the SDK sends it again."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """One row that changed. `old` and `new` are decoded rows, None: there was or is none."""

    table: str
    key: Key
    old: Item | None
    new: Item | None
    record: Mapping[str, Any] = field(repr=False)


def owner_of(process: int) -> str:
    """Whose tables those of a storm are: several may share a DynamoDB Local."""
    return f"storm{process}"


@dataclass
class Tables:
    """Every row as it stands, what is due, and who wants to hear of writes."""

    now: Callable[[], datetime]
    rows: dict[str, dict[Key, Item]] = field(default_factory=dict)
    listeners: list[Callable[[Written], None]] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    asking: Callable[[], str] = lambda: "-"
    _images: dict[str, dict[Key, Mapping[str, Any]]] = field(default_factory=dict)
    _due: dict[str, list[tuple[str, str, Key]]] = field(default_factory=dict)
    _sequence: int = 0
    _tokens: Iterator[int] = field(default_factory=count)
    _writing: AbstractContextManager[Any] = field(default_factory=RLock)
    _send: Call = field(init=False)

    def tap(self, client: DynamoDBClient, weather: Weather) -> DynamoDBClient:
        """Put the tap into a client."""
        send: Call = getattr(client, "_make_api_call")  # noqa: B009 - not part of the typed client
        self._send = send

        def tapped(operation: str, request: dict[str, Any]) -> dict[str, Any]:
            self.requests[f"{self.asking()} {operation}"] += 1
            weather.before(operation, request)
            if operation == "TransactWriteItems":
                # The SDK repeats a transaction under the token of its first attempt.
                request = {"ClientRequestToken": f"storm-{next(self._tokens)}", **request}
            left = weather.withheld(operation, request)
            answer = self._read_in_part(send, request, left) if left else self._done(send, operation, request)
            return self._done(send, operation, request) if weather.after(operation, request) else answer

        vars(client)["_make_api_call"] = tapped
        return client

    def compare(self, names: Iterable[str]) -> list[str]:
        """Which rows of the tables differ from the shadow, by the kinds of their keys."""
        found: list[str] = []
        for name in names:
            stands, shadow = dict(self._scanned(name)), self.table(name)
            keys = sorted(stands.keys() | shadow.keys())
            differing = (key for key in keys if stands.get(key) != shadow.get(key))
            found += [f"{name}: {pk.partition('#')[0]} {sk.partition('#')[0]}" for pk, sk in differing]
        return found

    def _scanned(self, table: str) -> Iterator[tuple[Key, Item]]:
        """What really stands in a table, asked for where no weather is."""
        request: dict[str, Any] = {"TableName": table, "ConsistentRead": True}
        while True:
            page = self._send("Scan", request)
            for row in map(decode, page["Items"]):
                yield (row["pk"], row["sk"]), row
            if not page.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _read_in_part(self, send: Call, request: dict[str, Any], left: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a batch of reads but for some keys, which are told to be unprocessed."""
        served = {
            table: {**asked, "Keys": keys}
            for table, asked in request["RequestItems"].items()
            if (keys := [key for key in asked["Keys"] if key not in left.get(table, {"Keys": ()})["Keys"]])
        }
        answer = send("BatchGetItem", {**request, "RequestItems": served}) if served else {"Responses": {}}
        return {**answer, "UnprocessedKeys": left}

    def _done(self, send: Call, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Have a request done. Of several threads one writes at a time, and notes what it has written."""
        if operation not in WRITES:
            return send(operation, request)
        with self._writing:
            answer = send(operation, request)
            for table, key, image in _changes(operation, request):
                self._note(table, key, image or _read(send, table, key))
        return answer

    def table(self, name: str) -> Mapping[Key, Item]:
        """The rows of a table by key."""
        return self.rows.setdefault(name, {})

    def due(self, table: str, prefix: str, until: str) -> bool:
        """Whether a row of an index `due` is due; a heap per prefix forgets what has moved on."""
        heap = self._due.get(f"{table} {prefix}", [])
        while heap:
            due_at, due_key, key = heap[0]
            row = self.table(table).get(key)
            if row is not None and (row.get("due_at"), row.get("due_key")) == (due_at, due_key):
                return due_at <= until
            heapq.heappop(heap)
        return False

    def of_kind(self, table: str, sk: str) -> Iterator[Item]:
        """The rows with a sort key."""
        return (row for (_, found), row in self.table(table).items() if found == sk)

    def _note(self, table: str, key: Key, image: Mapping[str, Any] | None) -> None:
        images = self._images.setdefault(table, {})
        old = images.get(key)
        if old == image or not (old or image):
            return
        if image:
            images[key] = image
        else:
            images.pop(key, None)
        rows = self.rows.setdefault(table, {})
        before, after = rows.pop(key, None), decode(image) if image else None
        if after is not None:
            rows[key] = after
            self._note_due(table, key, after)
        written = Written(table, key, before, after, self._record(key, old, image))
        for listener in self.listeners:
            listener(written)

    def _note_due(self, table: str, key: Key, row: Item) -> None:
        if "due_key" in row and "due_at" in row:
            prefix = str(row["due_key"]).partition("#")[0]
            heap = self._due.setdefault(f"{table} {prefix}", [])
            heapq.heappush(heap, (row["due_at"], row["due_key"], key))

    def _record(
        self, key: Key, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        self._sequence += 1
        change: dict[str, Any] = {
            "ApproximateCreationDateTime": self.now().timestamp(),
            "Keys": {"pk": {"S": key[0]}, "sk": {"S": key[1]}},
            "SequenceNumber": f"{self._sequence:021d}",
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        for name, image in (("NewImage", new), ("OldImage", old)):
            if image:
                change[name] = {attribute: _json(value) for attribute, value in image.items()}
        verb = "REMOVE" if not new else "MODIFY" if old else "INSERT"
        return {
            "eventID": f"{self._sequence:032x}",
            "eventName": verb,
            "eventSource": "aws:dynamodb",
            "eventVersion": "1.1",
            "dynamodb": change,
        }


Change = tuple[str, Key, Mapping[str, Any] | None]


def _changes(operation: str, request: Mapping[str, Any]) -> Iterator[Change]:
    """Which rows a request may have changed; the image where it is in the request, None where it is not."""
    if operation == "TransactWriteItems":
        for action in request["TransactItems"]:
            for verb, part in action.items():
                if verb != "ConditionCheck":
                    yield _change(part)
    elif operation == "BatchWriteItem":
        for table, wanted in request["RequestItems"].items():
            for one in wanted:
                (part,) = one.values()
                yield _change({**part, "TableName": table})
    elif operation in ("PutItem", "UpdateItem", "DeleteItem"):
        yield _change(request)


def _change(part: Mapping[str, Any]) -> Change:
    item = part.get("Item")
    key = item or part["Key"]
    return part["TableName"], (key["pk"]["S"], key["sk"]["S"]), item


def _read(send: Call, table: str, key: Key) -> Mapping[str, Any] | None:
    wanted = {"pk": {"S": key[0]}, "sk": {"S": key[1]}}
    answer = send("GetItem", {"TableName": table, "Key": wanted, "ConsistentRead": True})
    found: Mapping[str, Any] | None = answer.get("Item")
    return found


def _json(value: Mapping[str, Any]) -> Any:
    """A value as the JSON of an event carries it: binary as Base64 text."""
    ((kind, content),) = value.items()
    if kind == "B":
        return {kind: base64.b64encode(content).decode()}
    if kind == "BS":
        return {kind: [base64.b64encode(each).decode() for each in content]}
    if kind == "M":
        return {kind: {name: _json(member) for name, member in content.items()}}
    if kind == "L":
        return {kind: [_json(member) for member in content]}
    return value
