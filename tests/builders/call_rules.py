"""What follows rows of calls for the rules of an application, and a platform that is asked to end calls."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from builders.dynamodb import Table
from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.pushes import SIGNED_AT, application, wire
from builders.streams import stream_event
from privatenumber.call_policy import CallPolicy
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.calls.rules_counting import Counting
from privatenumber.calls.rules_followed import RuleOutcome, RulesFollowed, Stop, Stopper
from privatenumber.deadline import Deadline
from privatenumber.platform.pushes import parse_push
from privatenumber.privacy import seal, token
from privatenumber.settings import Application, Mode
from privatenumber.store.barred import (
    Bar,
    BarredStore,
    BarScope,
    Direction,
    ScopeKind,
    barred_context,
)
from privatenumber.store.call_counts import CallCounts
from privatenumber.store.call_facts import FactReader
from privatenumber.store.call_rules import Act, CallRules
from privatenumber.store.facts import FactStore
from privatenumber.store.items import decode
from privatenumber.store.orders import OrderRef, OrderStore
from privatenumber.store.stream import inserted

ENOUGH = Deadline(math.inf)
"""Time to end any number of calls."""


def bar(
    number: str,
    *,
    application: str = "demo",
    direction: Direction = Direction.CALLER,
    scope: BarScope | None = None,
    until: datetime | None = None,
) -> Bar:
    """Somebody on the black list."""
    person = token(KEYRING, number)
    return Bar(
        application=application,
        person=person,
        direction=direction,
        scope=scope or BarScope(ScopeKind.APPLICATION),
        reason="complaint",
        at=SIGNED_AT,
        by="support",
        sealed=seal(KEYRING, number.encode(), context=barred_context(application, person)),
        until=until,
    )


@dataclass
class Platform:
    """Is asked to end calls, and answers what it is told to; ``sessions`` are those it was asked to end."""

    answer: Stop = field(default_factory=lambda: Stop(Act.STOPPED))
    sessions: list[str] = field(default_factory=list)

    def __call__(self, application: Application, session_id: str, until: Deadline) -> Stop:
        self.sessions.append(session_id)
        return self.answer


@dataclass
class MemoryFacts(FactReader):
    """Rows of calls in memory, read as those of the table are."""

    kept: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def put(self, *rows: Mapping[str, Any]) -> None:
        self.kept |= {(row["pk"], row["sk"]): row for row in rows}

    def _partition(self, pk: str) -> Iterator[dict[str, Any]]:
        yield from (dict(row) for (own, _), row in sorted(self.kept.items()) if own == pk)


@dataclass
class Watch:
    """An application with rules, its tables, and what follows its rows."""

    bills: Table
    bindings: Table
    policy: CallPolicy
    mode: Mode = Mode.AXB
    platform: Platform = field(default_factory=Platform)
    now: datetime = SIGNED_AT
    stop: Stopper | None = None

    def rules(self) -> RulesFollowed:
        own: Application = replace(application(), mode=self.mode, rules=self.policy)
        client = self.bills.client
        return RulesFollowed(
            FactReader(client, self.bills.name),
            CallRules(client, self.bills.name),
            Counting(CallCounts(client, self.bills.name)),
            BarredStore(client, self.bindings.name),
            orders=self.order_of,
            applications=lambda: {own.id: own},
            stop=self.stop or self.platform,
            unseal=unseal,
            clock=lambda: self.now,
        )

    def order_of(self, application: str, subscription_id: str) -> OrderRef | None:
        return OrderStore(self.bindings.client, self.bindings.name).find(application, subscription_id)

    def store(self, *bodies: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Store pushes as facts, and say which rows that makes."""
        reception = Reception("demo", self.now, KEYRING, mode=self.mode)
        facts = [fact_of(entry, reception) for body in bodies for entry in parse_push(wire(body)).entries]
        FactStore(self.bills.client, self.bills.name).put_facts(facts)
        return [{"pk": fact.pk, "sk": fact.sk, **fact.item} for fact in facts]

    def follow(self, *rows: Mapping[str, Any]) -> list[RuleOutcome]:
        """Follow rows as they come out of the stream."""
        records = inserted(stream_event(rows))
        return [outcome for record in records for outcome in self.rules().follow(record.row, ENOUGH)]

    def push(self, body: Mapping[str, Any], *, age_s: float = 0) -> list[RuleOutcome]:
        """A push that is stored and followed, so long after its time."""
        rows = self.store(body)
        if "at" in rows[0]:
            self.now = datetime.fromisoformat(rows[0]["at"]) + timedelta(seconds=age_s)
        return self.follow(*rows)

    def acts(self) -> list[dict[str, Any]]:
        """What rules did."""
        return [row for row in self._rows() if row["kind"] == "rule"]

    def counted(self) -> list[str]:
        """Where something was counted, one entry per count, in key order."""
        return [row["pk"] for row in self._rows() if row["kind"] == "count"]

    def _rows(self) -> list[dict[str, Any]]:
        items = self.bills.client.scan(TableName=self.bills.name)["Items"]
        return sorted(map(decode, items), key=lambda row: (row["pk"], row["sk"]))
