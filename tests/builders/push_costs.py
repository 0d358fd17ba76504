"""What pushes cost on Amazon's own engine, by what is pushed: requests and units.

Of a transaction DynamoDB Local says the units of one of its actions alone, of a refused write none; so units
are computed from the size of what is written, and where the engine counts they are held against its figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from builders.direct_dynamodb import events_of
from builders.dynamodb import new_table
from builders.ingestion import ingestion
from builders.metering import Meter
from builders.pushes import (
    CALLBACK_TOKEN,
    SIGNED_AT,
    application,
    cdr_entry,
    event_body,
    fee_body,
    many_cdrs,
    number_status_body,
    signed_headers,
    sms_body,
    wire,
)
from privatenumber.calls.guard import Arrival
from privatenumber.calls.ingest import Applications
from privatenumber.deadline import Deadline
from privatenumber.settings import Application

Push = Mapping[str, Any]
CDRS = many_cdrs(50)
CHANGED = [{**entry, "callEndTime": "2026-09-02 03:00:00"} for entry in CDRS]
ELSEWHERE = [{**entry, "sessionId": f"other-{n}"} for n, entry in enumerate(CDRS)]
POISONED = [*CDRS[:49], {**CDRS[49], "callEndTime": "yesterday"}]

#: What is pushed, and what was pushed before it.
CASES: Mapping[str, tuple[Push, tuple[Push, ...]]] = {
    "event": (event_body("answer"), ()),
    "event, hang-up": (event_body("disconnect"), ()),
    "event again": (event_body("answer"), (event_body("answer"),)),
    "SMS": (sms_body(), ()),
    "SMS again": (sms_body(), (sms_body(),)),
    "two number states": (number_status_body(), ()),
    "one CDR": (fee_body(cdr_entry()), ()),
    "one CDR again": (fee_body(cdr_entry()), (fee_body(cdr_entry()),)),
    "50 CDRs": (fee_body(*CDRS), ()),
    "50 CDRs again": (fee_body(*CDRS), (fee_body(*CDRS),)),
    "50 CDRs, 20 known": (fee_body(*CDRS), (fee_body(*CDRS[10:30]),)),
    "50 CDRs, one unreadable": (fee_body(*POISONED), ()),
    "50 CDRs that contradict": (fee_body(*CHANGED), (fee_body(*CDRS),)),
    "50 CDRs under other sessions": (fee_body(*ELSEWHERE), (fee_body(*CDRS),)),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """One push: write requests and units, both those of the table and of its indexes.

    ``counted`` is what the engine says; None where it does not.
    """

    push: str
    requests: int
    units: int
    counted: float | None


class Rules:
    """Adds up units as DynamoDB charges them: per KB begun, twice in a transaction, refused or not.

    A write of something new costs its index entry as well; a refused one does not. Sizes are those of names
    and values.
    """

    def __init__(self, client: Any) -> None:
        self.units = 0
        self.transactions = False
        self._last = 0
        events = events_of(client)
        for operation in ("PutItem", "UpdateItem", "TransactWriteItems"):
            events.register(f"provide-client-params.dynamodb.{operation}", self._write)
            events.register(f"after-call.dynamodb.{operation}", self._answered)

    def reset(self) -> None:
        """Start anew."""
        self.units, self.transactions = 0, False

    def _write(self, params: dict[str, Any], **_: Any) -> None:
        actions = [
            write for action in params.get("TransactItems", [{"": params}]) for write in action.values()
        ]
        factor = 2 if "TransactItems" in params else 1
        self.transactions |= factor == 2
        items = [_written(action) for action in actions]
        self.units += sum(factor * _kilobytes(item) for item in items)
        self._last = sum(_kilobytes(item) for item in items if "day_key" in item)

    def _answered(self, parsed: dict[str, Any], **_: Any) -> None:
        if "Error" not in parsed:
            self.units += self._last


def _written(action: Mapping[str, Any]) -> dict[str, Any]:
    if "Item" in action:
        return dict(action["Item"])
    names, values = action["ExpressionAttributeNames"], action["ExpressionAttributeValues"]
    attributes = {name: values[f":v{alias[2:]}"] for alias, name in names.items() if alias.startswith("#a")}
    return {**action["Key"], **attributes}


def _kilobytes(item: Mapping[str, Any]) -> int:
    return -(-sum(len(name) + _size(value) for name, value in item.items()) // 1024)


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "L":
        return 3 + sum(1 + _size(member) for member in content)
    if kind == "BOOL":
        return 1
    return len(content.encode()) if isinstance(content, str) else len(content)


def measure(client: Any, meter: Meter) -> Iterator[Cost]:
    """Push every case to an application of its own: every key begins with it."""
    rules, table = Rules(client), new_table(client, "BillsTable")
    for number, (name, (push, before)) in enumerate(CASES.items()):
        identity = f"case-{number}"
        environment = ingestion(table, _applications(identity))
        for body in before:
            environment.receive(_arrival(identity, body))
        meter.reset()
        rules.reset()
        report = environment.receive(_arrival(identity, push))
        if report.status != 200:
            raise AssertionError(f"{name}: answered {report.status}")
        counted = meter.units if meter.units and not rules.transactions else None
        yield Cost(name, meter.requests, rules.units, counted)


def _arrival(identity: str, body: Push) -> Arrival:
    return Arrival(
        "POST", identity, CALLBACK_TOKEN, "status", "192.0.2.1", signed_headers(), wire(body), SIGNED_AT
    )


def _applications(identity: str) -> Applications:
    def load(*, refresh: bool = False, until: Deadline | None = None) -> Mapping[str, Application]:
        return {identity: application(id=identity)}

    return load


def within(cost: Cost) -> bool:
    """One request for what tells one thing, at most two for fifty records."""
    return cost.requests <= (2 if cost.push.startswith("50") else 1)
