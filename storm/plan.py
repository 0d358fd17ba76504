"""The plan of a storm: which faults act when. Made from a seed, printed, and replayed from its JSON."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

Params = Mapping[str, str | int | float | bool]
MODES: Final = ("AX", "AXB", "AXE", "AXYB", "X")
DAY_S: Final = 86_400.0
_LONG_DAYS: Final = 7
CROWD: Final = 52
"""So many call at once: a push of fifty CDRs and one of the rest."""

_AFTER_S: Final = 2 * 3600.0

BIND_APIS: Final = {
    "AX": ("ax.bind", "ax.unbind"),
    "AXB": ("axb.bind", "axb.unbind", "axb.modify", "axb.query"),
    "AXE": ("axe.bind", "axe.unbind", "axe.modify"),
    "AXYB": ("axyb.ax_bind", "axyb.unbind", "axyb.yb_bind"),
}

CRASHED: Final = {
    "BindingsFunction": 30,
    "UnbindWorkerFunction": 16,
    "UnbindSweepFunction": 5,
    "CallbacksFunction": 6,
    "FollowFunction": 20,
    "AuditFunction": 8,
    "WebhooksNoteFunction": 8,
    "WebhooksWorkerFunction": 12,
    "JobsWorkerFunction": 20,
    "BillingFunction": 30,
    "RecordingsNoteFunction": 3,
    "RecordingsWorkerFunction": 5,
    "WatchFunction": 12,
    "BillingWorkerFunction": 30,
    "DriftFunction": 30,
    "ErasureWorkerFunction": 20,
    "JobsSweepFunction": 3,
    "PoolWatchFunction": 20,
    "RecordingsSweepFunction": 3,
    "ReportsSweepFunction": 5,
    "ReportsWorkerFunction": 20,
    "WebhooksSweepFunction": 3,
}
"""Functions that are killed, and up to which request to the tables of one invocation."""


_BINDING: Final = ("BindingsFunction", "UnbindWorkerFunction")
OVERLAPPED: Final = (*3 * _BINDING, *(name for name in CRASHED if not name.startswith("Billing")))
"""Functions in whose midst another one runs; billing asks from several threads, and counts no request."""


SLOW: Final = (
    *("BindingsFunction", "CallbacksFunction", "UnbindWorkerFunction", "FollowFunction"),
    *("JobsWorkerFunction", "RecordingsWorkerFunction", "WebhooksWorkerFunction", "DriftFunction"),
)
"""Functions that hang until the runtime ends them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its kind (`storm/weather.py` acts), when it begins, how long it lasts, and what it needs."""

    id: str
    kind: str
    at_s: float
    lasts_s: float = 0.0
    params: Params = field(default_factory=dict)

    @property
    def ends_s(self) -> float:
        """When it is over."""
        return self.at_s + self.lasts_s

    def __str__(self) -> str:
        day, rest = divmod(self.at_s, DAY_S)
        hour, minute = divmod(rest // 60, 60)
        more = " ".join(f"{name}={value}" for name, value in self.params.items())
        begins = f"day {int(day)} {int(hour):02}:{int(minute):02}"
        return f"{self.id:>5} {begins} for {self.lasts_s:6.0f} s  {self.kind} {more}".rstrip()


@dataclass(frozen=True, slots=True)
class Plan:
    """A storm that can be played again.

    ``chosen`` are the orders that are played, None for all. After ``until`` days none begins; None: ``days``.
    """

    seed: int
    orders: int
    days: float
    faults: tuple[Fault, ...]
    chosen: tuple[int, ...] | None = None
    until: float | None = None

    @property
    def start(self) -> datetime:
        """When it begins: two weeks before a month ends, or with a month, which is closed sooner."""
        return datetime(2026, 9, 14 if self.days >= _LONG_DAYS else 1, tzinfo=UTC)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The orders that are played."""
        return tuple(range(self.orders)) if self.chosen is None else self.chosen

    @property
    def played_days(self) -> float:
        """How long the business goes on."""
        return self.days if self.until is None else self.until

    def cut(self, until: float) -> Plan:
        """The same storm, over after so many days: no order and no fault begins later."""
        faults = tuple(fault for fault in self.faults if fault.at_s < until * DAY_S)
        return replace(self, until=until, faults=faults)

    def with_faults(self, faults: Sequence[Fault]) -> Plan:
        """The same storm with other faults."""
        return replace(self, faults=tuple(faults))

    def with_orders(self, chosen: Sequence[int]) -> Plan:
        """The same storm with fewer orders."""
        return replace(self, chosen=tuple(chosen))

    def to_json(self) -> str:
        """As text, one fault a line."""
        head = {
            "seed": self.seed,
            "orders": self.orders,
            "days": self.days,
            "chosen": self.chosen,
            "until": self.until,
        }
        faults = ",\n".join("  " + json.dumps(asdict(fault)) for fault in self.faults)
        return json.dumps(head)[:-1] + ', "faults": [\n' + faults + "\n]}\n"

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read what `to_json` wrote. Raises ValueError, KeyError or TypeError for anything else."""
        found: dict[str, Any] = json.loads(text)
        chosen, until = found["chosen"], found.get("until")
        return cls(
            seed=int(found["seed"]),
            orders=int(found["orders"]),
            days=float(found["days"]),
            faults=tuple(Fault(**fault) for fault in found["faults"]),
            chosen=None if chosen is None else tuple(map(int, chosen)),
            until=None if until is None else float(until),
        )


def days_for(orders: int) -> float:
    """How long a storm of so many orders lasts: three weeks for two thousand, never less than a day."""
    return max(1.0, min(21.0, orders / 95))


def make_plan(seed: int, orders: int, *, start_s: float = 3 * 3600) -> Plan:
    """Draw a plan. Points of time come thick, each weather of a longer kind at least once."""
    chance = random.Random(f"{seed}/plan")  # noqa: S311 - repeatable, not secret
    days = days_for(orders)
    drawn: list[tuple[str, float, float, Params]] = []
    last_s = days * DAY_S
    for kind, (times, make) in _KINDS.items():
        for _ in range(max(1, round(times * orders / 100))):
            lasts_s, params = make(chance)
            drawn.append((kind, chance.uniform(start_s, max(start_s + 1, last_s)), lasts_s, params))
    for kind, make in _RARE.items():
        for _ in range(max(1, round(days / 7))):
            lasts_s, params = make(chance)
            drawn.append((kind, chance.uniform(start_s, max(start_s + 1, last_s - lasts_s)), lasts_s, params))
    drawn.sort(key=lambda one: one[1])
    faults = [
        # None lasts much longer than the business does.
        Fault(f"f{number}", kind, round(at_s), round(min(lasts_s, last_s + _AFTER_S - at_s), 1), params)
        for number, (kind, at_s, lasts_s, params) in enumerate(drawn, 1)
    ]
    return Plan(seed, orders, days, tuple(faults))


Make = Callable[[random.Random], tuple[float, Params]]


def _api(chance: random.Random) -> str:
    return chance.choice(BIND_APIS[chance.choice(list(BIND_APIS))])


def _api_fault(**params: str | int | bool) -> Make:
    return lambda chance: (4 * 3600, {"api": _api(chance), "times": chance.randint(1, 3), **params})


def _push(**params: str | int) -> Make:
    def make(chance: random.Random) -> tuple[float, Params]:
        return 6 * 3600, {"push": chance.choice(("status", "fee", "sms_notify")), **params}

    return make


def _crash(chance: random.Random) -> tuple[float, Params]:
    function = chance.choice(list(CRASHED))
    nth, after = chance.randint(1, CRASHED[function]), chance.random() < 0.5
    return 12 * 3600, {"function": function, "nth": nth, "after": after}


def _overlap(chance: random.Random) -> tuple[float, Params]:
    function = chance.choice(OVERLAPPED)
    between = chance.choice(("same", "sweep", "next")) if function in _BINDING else "same"
    nth = chance.randint(1, min(12, CRASHED[function]))
    return 12 * 3600, {"function": function, "nth": nth, "with": between}


def _slow(chance: random.Random) -> tuple[float, Params]:
    function = chance.choice(SLOW)
    return 12 * 3600, {"function": function, "nth": chance.randint(1, 8)}


def _table(chance: random.Random) -> tuple[float, Params]:
    return chance.uniform(60, 600), {"share": round(chance.uniform(0.02, 0.2), 3)}


_KINDS: Final[Mapping[str, tuple[float, Make]]] = {
    "platform.timeout_after_success": (6, _api_fault()),
    "platform.timeout_before": (2, _api_fault()),
    "platform.error_5xx": (4, _api_fault(execute=False)),
    "platform.error_5xx_after_success": (2, _api_fault(execute=True)),
    "platform.no_connection": (2, _api_fault()),
    "platform.flow_control": (1, _api_fault()),
    "push.answer_lost": (6, _push()),
    "push.duplicate": (6, _push(copies=2)),
    "push.delay": (4, _push(hold_s=1800)),
    "push.reorder": (4, _push(window_s=120)),
    "push.never_sent": (1, _push()),
    "push.refused_for_hours": (1, _push()),
    "function.crash": (8, _crash),
    "function.timeout": (3, _slow),
    "function.overlap": (30, _overlap),
    "queue.twice": (2, lambda chance: (3600, {"queue": chance.choice(("WorkQueue", "WebhooksQueue"))})),
    "drift.lost": (
        2,
        lambda chance: (
            6 * 3600,
            {"mode": chance.choice(("AX", "AXB", "AXE")), "nth": chance.randint(0, 9)},
        ),
    ),
    "recording.missing": (1, lambda chance: (24 * 3600, {})),
    "recording.late": (2, lambda chance: (12 * 3600, {})),
    "recording.url_expired": (2, lambda chance: (24 * 3600, {})),
    "recording.broken_off": (2, lambda chance: (24 * 3600, {})),
    "receiver.answer_lost": (3, lambda chance: (12 * 3600, {})),
    "table.throttled": (1, _table),
    "table.conflicts": (1, _table),
    "table.answer_lost": (1, _table),
}
"""How often each comes for a hundred orders, and what it is."""

_RARE: Final[Mapping[str, Make]] = {
    "platform.lock_out": lambda chance: (1800, {}),
    "platform.arrears": lambda chance: (chance.uniform(1800, 7200), {}),
    "table.outage": lambda chance: (600, {}),
    "source.skipped": lambda chance: (3600, {"schedule": "SweepSchedule"}),
    "clock.skew": lambda chance: (3600, {"seconds": chance.choice((-180, -60, 60, 180))}),
    "receiver.down": lambda chance: (chance.uniform(300, 1500), {}),
    "push.batched": lambda chance: (60, {"mode": chance.choice(("AX", "AXYB")), "calls": CROWD}),
    "number.returned": lambda chance: (
        12 * 3600,
        {"mode": chance.choice(("AX", "AXYB")), "nth": chance.randint(0, 9)},
    ),
    "drift.foreign": lambda chance: (60, {}),
    "number.suspended": lambda chance: (
        chance.uniform(600, 7200),
        {"mode": chance.choice(("AX", "AXB", "AXE")), "nth": chance.randint(0, 2)},
    ),
    "scheduler.outage": lambda chance: (3600, {}),
    "table.withheld": lambda chance: (3600, {"share": round(chance.uniform(0.1, 0.4), 3)}),
}
"""What comes about once a week, and at least once."""
