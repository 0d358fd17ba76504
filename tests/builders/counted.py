"""Calls, texts and steps of bindings to be counted: plain ones, and any that Hypothesis can think of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from builders.dynamodb import Table, new_table
from privatenumber.calls.counting import Counted, DayCounting
from privatenumber.calls.statistics import Group
from privatenumber.store.audit import AuditStore, Entry, Kind
from privatenumber.store.call_search import CallSearch
from privatenumber.store.calls import Call, CallState, write_call
from privatenumber.store.derived import Derived
from privatenumber.store.items import decode
from privatenumber.store.messages import Message, MessageState, write_message
from privatenumber.store.milestones import Milestone, MilestoneReader, Step
from privatenumber.store.statistics import Line, StatisticsStore
from privatenumber.store.whereabouts import Whereabouts

APPLICATION = "ride"
DAY = date(2026, 3, 2)
NINE = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Nine o'clock in Beijing."""
X1, X2, X3 = "+8617010000001", "+8617010000002", "+8617010000003"
SECOND = timedelta(seconds=1)


WHERE = Whereabouts(cities={X1: "0755", X2: "010"})


class Books:
    """Both tables, and what counts over them."""

    def __init__(self, client: Any) -> None:
        self.bills, self.bindings = new_table(client, "BillsTable"), new_table(client)
        self.store = StatisticsStore(client, self.bills.name)
        self.counting = DayCounting(
            CallSearch(client, self.bills.name),
            MilestoneReader(client, self.bindings.name),
            self.store,
            lambda application: WHERE,
            kept_days=400,
        )

    def count(self, application: str = APPLICATION, day: date = DAY, *, as_of: datetime) -> Counted:
        """Count a day to its end."""
        found = self.counting.count(application, day, as_of=as_of, left=lambda: 1.0)
        assert found
        return found

    def stored(self, group: Group = Group.TOTAL) -> list[Line]:
        """The lines of a group as they stand in the table."""
        head = self.store.head(APPLICATION, DAY)
        assert head
        lines = self.store.lines(head, group)
        assert lines is not None
        return list(lines)

    def items(self) -> list[dict[str, Any]]:
        """Every item of statistics."""
        found = self.bills.client.scan(TableName=self.bills.name)["Items"]
        return [decode(item) for item in found if item["pk"]["S"].startswith("STATISTICS#")]


def call(identity: str = "c1", at: datetime = NINE, **changes: Any) -> Call:
    """A call that has its CDR and that nobody answered, unless the changes say otherwise."""
    ended = {"state": CallState.SETTLED, "ended_at": at + 30 * SECOND, "teardown": 8101}
    known: dict[str, Any] = {"x": X1, "mode": "AXB", "direction": 0, "area": "0755", **ended}
    return Call(APPLICATION, identity, started_at=at, **{**known, **changes})


def answered(talk_s: int, identity: str = "c1", at: datetime = NINE, **changes: Any) -> Call:
    """A call with ten seconds of dialling and ringing and so many of talk."""
    times = {"answered_at": at + 10 * SECOND, "ended_at": at + (10 + talk_s) * SECOND}
    return call(identity, at, **{**times, "talk_seconds": talk_s, "teardown": 0, **changes})


def message(identity: str = "s1", at: datetime = NINE, **changes: Any) -> Message:
    """A text that was sent in one part."""
    sent = {"state": MessageState.SENT, "send_result": 0, "parts": 1}
    known: dict[str, Any] = {"x": X1, "mode": "AXB", "direction": 0, "area": "0755", **sent}
    return Message(APPLICATION, identity, at=at, **{**known, **changes})


def milestone(step: Step, by: str = "system:sweep", at: datetime = NINE, **changes: Any) -> Milestone:
    """A step of a binding on X1."""
    known: dict[str, Any] = {"x": X1, "area": "0755", "mode": "AXB"}
    return Milestone(APPLICATION, "b1", step, at, by, **{**known, **changes})


def keep(table: Table, *things: Call | Message, sealed: bytes | None = None) -> None:
    """Write rows of calls and texts into a Bills table as the follow function does."""
    for thing in things:
        row: Derived[Any] = Derived(thing, version=1, expires_at=2_000_000_000, sealed=sealed)
        write = write_call if isinstance(thing, Call) else write_message
        put: Any = write(table.name, row, seen=None).request["Put"]
        table.client.put_item(TableName=table.name, Item=put["Item"])


def keep_milestones(table: Table, *milestones: Milestone) -> None:
    """Write steps of bindings into a Bindings table as the audit function does."""
    store = AuditStore(table.client, table.name, days=400)
    for version, found in enumerate(milestones, start=1):
        entry = Entry(Kind.BINDING, "b1", version, found.application, found.at, found.by, None, "ACTIVE", ())
        store.add(entry, found)


_MOMENTS = st.integers(0, 86_399).map(lambda second: NINE - timedelta(hours=9) + second * SECOND)
_X = st.sampled_from([X1, X2, X3, None])
_CODES = st.sampled_from([None, 0, 8101, 8102, 7503, 8014, 8104, 7501, 4711])

CALLS = st.builds(
    Call,
    application=st.just(APPLICATION),
    call=st.text("abc", min_size=1, max_size=6),
    state=st.sampled_from(CallState),
    started_at=_MOMENTS,
    mode=st.sampled_from(["AX", "AXB", None]),
    alerting_at=st.none() | _MOMENTS,
    answered_at=st.none() | _MOMENTS,
    ended_at=st.none() | _MOMENTS,
    talk_seconds=st.none() | st.integers(0, 7200),
    x=_X,
    direction=st.sampled_from([None, 0, 1, 2]),
    area=st.sampled_from([None, "0755", "010"]),
    state_code=_CODES,
    teardown=_CODES,
    recorded=st.booleans(),
    settled_after_ms=st.none() | st.integers(0, 40_000_000),
)
MESSAGES = st.builds(
    Message,
    application=st.just(APPLICATION),
    message=st.text("abc", min_size=1, max_size=6),
    state=st.sampled_from(MessageState),
    at=_MOMENTS,
    x=_X,
    send_result=st.sampled_from([None, 0, 2, 9]),
    parts=st.none() | st.integers(1, 9),
    parts_received=st.none() | st.integers(1, 9),
    parts_forwarded=st.none() | st.integers(1, 9),
)
MILESTONES = st.builds(
    Milestone,
    application=st.just(APPLICATION),
    binding_id=st.just("b1"),
    step=st.sampled_from(Step),
    at=_MOMENTS,
    by=st.sampled_from(["system:sweep", "job:j1", "arn:aws-cn:iam::1:user/dispatch"]),
    x=_X,
    reason=st.sampled_from([None, "deleted", "expired"]),
)
