"""All that is known of one call or SMS: the rows of its partition, read together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store import calls, messages
from privatenumber.store.call_rules import KIND as RULE
from privatenumber.store.decisions import Decision, read_decision
from privatenumber.store.fact_rows import CdrFact, EventFact, call_key, read_cdr, read_event, sms_key
from privatenumber.store.imported_facts import CONSOLE
from privatenumber.store.items import encode
from privatenumber.store.querying import every_row
from privatenumber.store.recordings import KIND as RECORDING
from privatenumber.store.recordings import RecordingRow, read_recording
from privatenumber.store.sms_rows import SmsFact, read_sms
from privatenumber.times import from_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_VARIANT: Final = "variant"


@dataclass(frozen=True, slots=True)
class RuleAct:
    """What one of our rules did to a call, and when (aware UTC)."""

    rule: str
    act: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What was received and decided of a call, and the row that was computed from it before.

    ``contradictions`` counts records that contradict the first of their key, which counts
    (notifications.md §9.2). ``rules`` are what our own rules did to it. All are in key order.
    """

    application: str
    call: str
    events: tuple[EventFact, ...] = ()
    cdrs: tuple[CdrFact, ...] = ()
    decision: Decision | None = None
    contradictions: int = 0
    recordings: tuple[RecordingRow, ...] = ()
    rules: tuple[RuleAct, ...] = ()
    mode: str | None = None
    row: calls.CallRow | None = None

    def __bool__(self) -> bool:
        """Whether anything was received of it."""
        return bool(self.events or self.cdrs or self.decision)

    @property
    def last_at(self) -> datetime:
        """When the last of it came. Raises ValueError when nothing has."""
        received = [each.received_at for each in self.events] + [each.received_at for each in self.cdrs]
        return max(received + ([self.decision.at] if self.decision else []))


@dataclass(frozen=True, slots=True)
class SmsFacts:
    """What was received and decided of an SMS, and the row that was computed from it before."""

    application: str
    message: str
    notices: tuple[SmsFact, ...] = ()
    decision: Decision | None = None
    contradictions: int = 0
    mode: str | None = None
    row: messages.MessageRow | None = field(default=None)

    def __bool__(self) -> bool:
        """Whether anything was received of it."""
        return bool(self.notices or self.decision)

    @property
    def last_at(self) -> datetime:
        """When the last of it came. Raises ValueError when nothing has."""
        received = [each.received_at for each in self.notices]
        return max(received + ([self.decision.at] if self.decision else []))


class FactReader:
    """Reads partitions of calls and SMS, strongly consistent. ``table`` is the name of the Bills table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def call(self, application: str, call: str) -> CallFacts:
        """Everything of a call; `call` is the token of its session."""
        items = list(self._partition(call_key(application, call)))
        first, others = _apart(items)
        return CallFacts(
            application,
            call,
            events=tuple(read_event(item) for item in first if item["kind"] == "event"),
            cdrs=tuple(read_cdr(item) for item in first if item["kind"] == "cdr"),
            decision=_decision(first),
            contradictions=others,
            recordings=tuple(read_recording(item) for item in first if item["kind"] == RECORDING),
            rules=tuple(_rule(item) for item in first if item["kind"] == RULE),
            mode=_mode(first),
            row=next((calls.read_call(item) for item in first if item["kind"] == calls.KIND), None),
        )

    def sms(self, application: str, message: str) -> SmsFacts:
        """Everything of an SMS; `message` is the token of its identifier."""
        first, others = _apart(list(self._partition(sms_key(application, message))))
        return SmsFacts(
            application,
            message,
            notices=tuple(read_sms(item) for item in first if item["kind"] == "sms"),
            decision=_decision(first),
            contradictions=others,
            mode=_mode(first),
            row=next((messages.read_message(item) for item in first if item["kind"] == messages.KIND), None),
        )

    def _partition(self, pk: str) -> Iterator[dict[str, Any]]:
        return every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=encode({":pk": pk}),
            ConsistentRead=True,
        )


def _apart(items: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """What came first of each key, and how many records contradict it.

    What was imported from the console is nothing beside what was pushed after all.
    """
    first = [item for item in items if _VARIANT not in item.get("flags", ())]
    pushed = {_tells(item) for item in first if CONSOLE not in item.get("flags", ())}
    known = [item for item in first if CONSOLE not in item.get("flags", ()) or _tells(item) not in pushed]
    return known, len(items) - len(first)


def _tells(item: Mapping[str, Any]) -> tuple[str, str]:
    """What a fact is about: the question about an SMS is no notice of its outcome."""
    return item["kind"], str(item.get("notify_mode", "")).lower()


def _decision(items: Iterable[Mapping[str, Any]]) -> Decision | None:
    return next((read_decision(item) for item in items if item["kind"] == "decision"), None)


def _rule(item: Mapping[str, Any]) -> RuleAct:
    return RuleAct(item["rule"], item["act"], from_iso(item["at"]))


def _mode(items: Iterable[Mapping[str, Any]]) -> str | None:
    return next((item["mode"] for item in items if "mode" in item), None)
