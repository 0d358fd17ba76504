"""The watch over a Bills table whose rows are kept, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from builders.chronicled import Announced, Chronicled
from builders.dynamodb import Table
from builders.pushes import SIGNED_AT
from privatenumber.calls.completeness import Patience
from privatenumber.calls.watch import Run, Watch
from privatenumber.store.fact_readings import FactReadings
from privatenumber.store.orders import OrderRef
from privatenumber.store.push_times import PushTimes
from privatenumber.store.watched import WatchedRows
from privatenumber.store.worklist import Case, CaseState, WorklistStore

KNOWN = OrderRef("order-1001", "binding-1", "+8617010000002", "0755")
#: When the call of the examples ended.
ENDED = SIGNED_AT + timedelta(minutes=1, seconds=10)


@dataclass
class Scene:
    """Pushes come in, rows follow, the watch looks.

    ``bound`` are the bindings of ours, by subscriptionId; None: whatever is asked for is one.
    """

    bills: Table
    bound: set[str] | None = None
    chronicled: Chronicled = field(init=False)
    told: Announced = field(init=False)

    def __post_init__(self) -> None:
        self.chronicled = Chronicled(self.bills, self.order_of)
        self.told = self.chronicled.told()

    def order_of(self, application: str, subscription_id: str) -> OrderRef | None:
        """The binding of a subscriptionId."""
        return KNOWN if self.bound is None or subscription_id in self.bound else None

    def keep(self, row: Mapping[str, Any], now: datetime) -> bool:
        """Bring a row up to date, telling what is new."""
        return self.chronicled.chronicle().keep(row, self.told)

    @property
    def worklist(self) -> WorklistStore:
        """The cases."""
        return WorklistStore(self.bills.client, self.bills.name)

    def push(self, body: Mapping[str, Any], *, at: datetime = SIGNED_AT) -> None:
        """Let a push in and bring the rows up to date."""
        if self.chronicled.receive(body, at=at) != 200:
            raise AssertionError("not stored")
        self.chronicled.follow(self.chronicled.stored())

    def watch(self, patience: Patience | None = None) -> Watch:
        """The watch on the table."""
        client, bills = self.bills.client, self.bills.name
        return Watch(
            WatchedRows(client, bills),
            self.worklist,
            FactReadings(client, bills),
            PushTimes(client, bills),
            self.order_of,
            self.keep,
            patience or Patience(quiet=timedelta()),
        )

    def look(
        self, now: datetime | timedelta, *, patience: Patience | None = None, left: float = 60
    ) -> dict[str, int]:
        """Let the watch look at a moment, or so long after the end of the call; what it counted."""
        return {told.value: count for told, count in self.run(now, patience, left).counts.items()}

    def run(self, now: datetime | timedelta, patience: Patience | None = None, left: float = 60) -> Run:
        """The same, with all that it says."""
        moment = ENDED + now if isinstance(now, timedelta) else now
        return self.watch(patience).run(["demo"], now=moment, left=lambda: left)

    def cases(self, state: CaseState = CaseState.OPEN) -> list[Case]:
        """Cases in a state."""
        return list(self.worklist.page("demo", state, limit=100).cases)
