"""The faults of a storm as the report shows them: which struck, and what went on when it first failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from storm.judges.verdict import Breach, Verdict
from storm.occasions import Occasion
from storm.plan import Fault, Plan

AROUND: Final = timedelta(hours=1)
_LINES: Final = 80
_TRACE: Final = 40


def strikes(plan: Plan, occasions: Sequence[Occasion]) -> list[tuple[str, ...]]:
    """By kind: how many faults were planned, how many of them struck, and on how many occasions."""
    planned = Counter(fault.kind for fault in plan.faults)
    faults = Counter(kind for kind, _ in {(one.kind, one.fault) for one in occasions})
    times = Counter(one.kind for one in occasions)
    rows = sorted(planned, key=lambda kind: (faults[kind] > 0, kind))
    return [(kind, str(planned[kind]), str(faults[kind]), str(times[kind])) for kind in rows]


def plan_lines(plan: Plan, occasions: Sequence[Occasion]) -> Iterator[str]:
    """The plan, a fault a line, with when it struck."""
    by_fault: dict[str, list[Occasion]] = {}
    for one in occasions:
        by_fault.setdefault(one.fault, []).append(one)
    for fault in plan.faults:
        yield f"{fault}  -> {_struck(by_fault.get(fault.id, []))}"


def first_failure(
    verdicts: Iterable[Verdict],
    plan: Plan,
    occasions: Sequence[Occasion],
    lines: Iterable[tuple[datetime, str]],
    where: str,
) -> list[str]:
    """What broke first, the faults and warnings around it, and how to go on; empty when nothing broke."""
    found = [(verdict.name, breach) for verdict in verdicts for breach in verdict.breaches]
    if not found:
        return []
    name, breach = min(found, key=lambda one: _moment(one[1]))
    told = [f"{name}: {breach.what}", *(f"    {line}" for line in breach.trace[-_TRACE:])]
    if breach.at is None:
        told += ["", "Nobody knows when that was: no breach tells its moment."]
    else:
        told += ["", f"It was on {breach.at:%m-%d %H:%M:%S}. Faults that struck within an hour of it:"]
        told += _around(plan, occasions, breach.at)
        near = [line for at, line in lines if abs(at - breach.at) <= AROUND]
        told += ["", f"Warnings and errors of that time ({len(near)}, the last {_LINES} shown):"]
        told += [f"    {line}" for line in near[-_LINES:]]
    told += ["", "Play it again:    make storm PLAN=" + where]
    told += ["Make it short:    make storm PLAN=" + where + " ARGS=--minimise"]
    return told


def in_order(breaches: Iterable[Breach]) -> list[Breach]:
    """By their moments; those that tell none come last."""
    return sorted(breaches, key=_moment)


def _moment(breach: Breach) -> tuple[bool, float]:
    return breach.at is None, breach.at.timestamp() if breach.at else 0.0


def _around(plan: Plan, occasions: Sequence[Occasion], at: datetime) -> list[str]:
    faults: dict[str, Fault] = {fault.id: fault for fault in plan.faults}
    near = sorted((one for one in occasions if abs(one.at - at) <= AROUND), key=lambda one: one.fault)
    groups = [list(group) for _, group in groupby(near, key=lambda one: one.fault)]
    groups.sort(key=lambda group: group[0].at)
    return [f"    {faults[group[0].fault]}  -> {_struck(group)}" for group in groups] or ["    none"]


def _struck(own: Sequence[Occasion]) -> str:
    if not own:
        return "struck nothing"
    functions = ", ".join(sorted({one.function for one in own if one.function}))
    times = "struck" if len(own) == 1 else f"struck {len(own)} times"
    until = "" if len(own) == 1 else f" until {own[-1].at:%H:%M:%S}"
    return f"{times}, {own[0].at:%m-%d %H:%M:%S}{until} {functions}".rstrip()
