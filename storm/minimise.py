"""Making a failing plan short: fewer days, orders and faults, while the same judgement breaks (ddmin)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from storm.plan import Plan

_T = TypeVar("_T")
Broken = Callable[[Plan], Sequence[str]]
"""Plays a plan; the names of the judgements that break, in the report's order: those near the cause first."""

_DAYS: Final = (1.0, 2.0, 4.0, 8.0)


class OutOfRuns(Exception):
    """No run is left."""


def minimise(
    plan: Plan,
    broken: Broken,
    *,
    say: Callable[[str], None],
    keep: Callable[[Plan], None] = lambda shorter: None,
    most: int = 60,
) -> Plan:
    """The shortest plan found, within so many runs, that breaks the first judgement that this one breaks.

    Others often break as a consequence, or for another reason. ``keep`` is given each shorter one as it is
    found, so that who loses patience has the best so far. Raises ValueError when the plan breaks none.
    """
    names = broken(plan)
    if not names:
        raise ValueError("every judgement is true: there is nothing to make short")
    wanted = names[0]
    say(f"broken: {', '.join(names)}; followed: {wanted}")
    left = [most]
    best = [plan]

    def fails(candidate: Plan) -> bool:
        if not left[0]:
            raise OutOfRuns
        left[0] -= 1
        same = wanted in broken(candidate)
        verdict = "still broken" if same else "holds"
        say(
            f"{candidate.played_days:.1f} days, {len(candidate.faults)} faults, "
            f"{len(candidate.numbers)} orders: {verdict}, {left[0]} runs left"
        )
        if same:
            best[0] = candidate
            keep(candidate)
        return same

    try:
        # A day costs as much with one order as with none.
        next((days for days in _DAYS if days < plan.played_days and fails(plan.cut(days))), None)
        # Most failures need few orders and few faults: the larger part first. Without any order most
        # judgements would have nothing to look at.
        shrink(best[0].numbers, lambda chosen: fails(best[0].with_orders(chosen)), least=1)
        shrink(best[0].faults, lambda faults: fails(best[0].with_faults(faults)))
        shrink(best[0].numbers, lambda chosen: fails(best[0].with_orders(chosen)), least=1)
    except OutOfRuns:
        say("no run is left")
    return best[0]


def shrink(items: Sequence[_T], fails: Callable[[Sequence[_T]], bool], *, least: int = 0) -> Sequence[_T]:
    """Fewer of the items that still fail: delta debugging by complements and parts; 1-minimal if it ends."""
    parts = 2
    while len(items) >= 2:
        size = -(-len(items) // parts)
        chunks = [items[at : at + size] for at in range(0, len(items), size)]
        smaller = next((chunk for chunk in chunks if len(chunk) < len(items) and fails(chunk)), None)
        if smaller is not None:
            items, parts = smaller, 2
            continue
        if parts > 2:
            rests = ([*items[:at], *items[at + size :]] for at in range(0, len(items), size))
            smaller = next((rest for rest in rests if rest and fails(rest)), None)
            if smaller is not None:
                items, parts = smaller, max(parts - 1, 2)
                continue
        if parts >= len(items):
            break
        parts = min(len(items), parts * 2)
    if len(items) == 1 > least and fails(items[:0]):
        return items[:0]
    return items
