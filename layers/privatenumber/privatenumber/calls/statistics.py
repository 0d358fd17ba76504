"""What happened in a day of an application, counted by hour and by what it has in common (users.md U-S18).

Pure. Counts are sums, so the parts of a day may be counted apart and merged in any order; only the highest
number of calls at once is a maximum. Columns that the platform's console has too carry the names of its
export (`stats.csv`, billing-rules.md §9.2): ours never say less (operations.md §14).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from privatenumber.calls.delays import bucket_of
from privatenumber.codes import sms_results
from privatenumber.codes.causes import teardown
from privatenumber.store.calls import Call, CallState
from privatenumber.store.messages import Message, MessageState
from privatenumber.store.milestones import Milestone, Step
from privatenumber.store.whereabouts import Whereabouts
from privatenumber.times import BEIJING

SHORT_S: Final = 10
"""An answered call of less is short: a voice mail box, a wrong number, somebody who did not want to talk."""

PEAK: Final = "peak"
DELAY: Final = "delay."
"""Prefix of the counters of delays: the number of its bucket follows."""

_BUSY: Final = frozenset({8102})
_NO_ANSWER: Final = frozenset({8003, 8035, 8101})
_REJECTED: Final = frozenset({7503, 7504})
_UNREACHABLE: Final = frozenset({8100, 8103, 8104, 8105})
_BY_CODE: Final[Mapping[int, str]] = {
    **dict.fromkeys(_BUSY, "busy"),
    **dict.fromkeys(_NO_ANSWER, "no_answer"),
    **dict.fromkeys(_REJECTED, "rejected"),
    **dict.fromkeys(_UNREACHABLE, "unreachable"),
}
_BY_GROUP: Final[Mapping[str, str]] = {
    "callee": "callee_other",
    "caller": "caller_left",
    "binding": "no_binding",
    "number": "number_fault",
    "tenant": "tenant_fault",
    "control": "barred",
    "platform": "platform_fault",
}
UNEXPLAINED: Final = "unexplained"
OUTCOMES: Final = ("busy", "no_answer", "rejected", "unreachable", *_BY_GROUP.values(), UNEXPLAINED)
"""What became of calls that nobody answered; each that is over is counted in one of them."""

_AUTOMATIC: Final = ("system:", "job:")


class Group(StrEnum):
    """What the things that are counted together have in common."""

    TOTAL = "total"
    X = "x"
    CITY = "city"
    ENTERPRISE = "enterprise"
    MODE = "mode"
    DIRECTION = "direction"
    CAUSE = "cause"
    """The code with which a call ended."""
    SMS_RESULT = "sms_result"
    REASON = "reason"
    """Why a binding ended, or was not made."""
    AUTHOR = "author"
    """Who bound or released: an IAM identity, ``job``, or a part of ours."""


class Cell(NamedTuple):
    """One line: a value of a group ("" where it is not known) in an hour of the day, Beijing time."""

    group: Group
    value: str
    hour: int


Counts = Counter[str]


@dataclass(slots=True)
class Statistics:
    """Counts of a day, or of a part of it. Memory grows with the lines, never with what is counted."""

    cells: defaultdict[Cell, Counts] = field(default_factory=lambda: defaultdict(Counter))
    rows: int = 0
    """Calls, texts and steps of bindings that were counted."""

    def add_call(self, call: Call, where: Whereabouts) -> None:
        """Count a call at the hour in which it began."""
        counts = Counter(dict(_of_call(call)))
        groups = _common(call.x, call.area, call.mode, where)
        groups += [(Group.DIRECTION, _text(call.direction)), (Group.CAUSE, _text(cause_of(call)))]
        self._add(groups, call.started_at, counts)
        if call.settled_after_ms is not None:
            hour = _hour(call.started_at)
            self.cells[Cell(Group.TOTAL, "", hour)][f"{DELAY}{bucket_of(call.settled_after_ms)}"] += 1

    def add_message(self, message: Message, where: Whereabouts) -> None:
        """Count a text at its hour: that of our question or its notice, whichever is earlier."""
        groups = _common(message.x, message.area, message.mode, where)
        groups.append((Group.DIRECTION, _text(message.direction)))
        groups.append((Group.SMS_RESULT, _text(message.send_result)))
        self._add(groups, message.at, Counter(dict(_of_message(message))))

    def add_milestone(self, milestone: Milestone, where: Whereabouts) -> None:
        """Count a step of a binding's life at its hour."""
        groups = _common(milestone.x, milestone.area, milestone.mode, where)
        groups.append((Group.AUTHOR, author_of(milestone.by)))
        if milestone.step is not Step.BOUND:
            groups.append((Group.REASON, milestone.reason or ""))
        self._add(groups, milestone.at, Counter(_of_milestone(milestone)))

    def add_peaks(self, peaks: Mapping[tuple[int, str], int]) -> None:
        """Note how many calls an X carried at once, by hour."""
        for (hour, x), most in peaks.items():
            counts = self.cells[Cell(Group.X, x, hour)]
            counts[PEAK] = max(counts[PEAK], most)

    def merge(self, other: Statistics) -> None:
        """Take in the counts of another part."""
        self.rows += other.rows
        for cell, counts in other.cells.items():
            together(self.cells[cell], counts)

    def _add(self, groups: Iterable[tuple[Group, str]], at: datetime, counts: Counts) -> None:
        self.rows += 1
        hour = _hour(at)
        for group, value in groups:
            self.cells[Cell(group, value, hour)].update(counts)


def together(counts: Counts, more: Mapping[str, int]) -> None:
    """Add counts to others: sums, but for the peak, which is a maximum."""
    peak = max(counts[PEAK], more.get(PEAK, 0))
    counts.update(more)
    counts[PEAK] = peak
    if not peak:
        del counts[PEAK]


def cause_of(call: Call) -> int | None:
    """The code with which a call ended; the CDR's before the event's (cause-codes.md §2)."""
    return call.teardown if call.teardown is not None else call.state_code


def outcome_of(call: Call) -> str:
    """What became of a call that nobody answered and that is over."""
    code = cause_of(call)
    if code is None:
        return UNEXPLAINED
    return _BY_CODE.get(code) or _BY_GROUP.get(teardown(code).group, UNEXPLAINED)


def author_of(by: str) -> str:
    """Who, without what differs each time: the session of a role, the id of a job."""
    if by.startswith("job:"):
        return "job"
    head, slash, rest = by.partition(":assumed-role/")
    return f"{head}{slash}{rest.partition('/')[0]}"


def billed_minutes(talk_seconds: int) -> int:
    """Whole minutes of an answered call, at least one (billing-rules.md §3.2)."""
    return max(1, -(-talk_seconds // 60))


def _of_call(call: Call) -> Iterator[tuple[str, int]]:
    yield "attempts", 1
    yield from ((name, 1) for name in _states_of(call))
    if call.icids:
        yield "records", len(call.icids)
    if call.connected:
        yield from _talk(call)
    elif call.over:
        yield outcome_of(call), 1
    yield from _span("dial", call.called_out_at, call.alerting_at)
    ring_end = call.answered_at or call.ended_at
    yield from _span("ring", call.alerting_at, ring_end)


def _states_of(call: Call) -> Iterator[str]:
    if not call.over:
        yield "open"
    if call.state is CallState.ENDED:
        yield "unsettled"
    if call.recorded:
        yield "recorded"


def _talk(call: Call) -> Iterator[tuple[str, int]]:
    yield "connected", 1
    if call.talk_seconds is not None:
        yield "duration_s", call.talk_seconds
        yield "billed_minutes", billed_minutes(call.talk_seconds)
        yield "measured", 1
        if call.talk_seconds < SHORT_S:
            yield "short_calls", 1


def _span(name: str, start: datetime | None, end: datetime | None) -> Iterator[tuple[str, int]]:
    """Sum and number of the seconds between two moments; times that contradict each other are left out."""
    if start and end and end >= start:
        yield f"{name}_calls", 1
        yield f"{name}_s", int((end - start).total_seconds())


def _of_message(message: Message) -> Iterator[tuple[str, int]]:
    if message.state is MessageState.ASKED:
        yield "sms_asked", 1
        return
    yield "sms_sends", 1
    if message.state is MessageState.NOT_SENT:
        yield "sms_failed", 1
        return
    whole = message.send_result == sms_results.WHOLE
    yield "sms_success" if whole else "sms_partial", 1
    # Of a text that went out in part only the platform knows how many (billing-rules.md §4).
    counted = message.parts_forwarded if whole else None
    said = message.parts if message.parts is not None else counted
    yield "sms_parts", said if said is not None else int(whole)
    yield "sms_parts_counted", counted or 0
    yield "sms_parts_written", message.parts_received or 0


def _of_milestone(milestone: Milestone) -> dict[str, int]:
    released = "auto_unbinds" if milestone.by.startswith(_AUTOMATIC) else "manual_unbinds"
    match milestone.step:
        case Step.BOUND:
            return {"binds": 1}
        case Step.RELEASED:
            return {released: 1}
        case Step.DISCARDED:
            return {"binds": 1, released: 1}
        case Step.CLOSED:
            return {"closed": 1}
        case Step.FAILED:
            return {"bind_failures": 1}


def _common(x: str | None, area: str | None, mode: str | None, where: Whereabouts) -> list[tuple[Group, str]]:
    return [
        (Group.TOTAL, ""),
        (Group.X, x or ""),
        (Group.CITY, where.city(x, area)),
        (Group.ENTERPRISE, where.enterprise_of(x)),
        (Group.MODE, mode or ""),
    ]


def _hour(at: datetime) -> int:
    return at.astimezone(BEIJING).hour


def _text(value: int | None) -> str:
    return "" if value is None else str(value)
