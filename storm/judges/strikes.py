"""A fault that only was planned has tested nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from storm.judges.verdict import Verdict
from storm.occasions import Occasion
from storm.plan import Plan

LEAST_ORDERS: Final = 200
"""In a shorter storm some faults find nothing to act on."""


def judge_strikes(plan: Plan, occasions: Iterable[Occasion]) -> Verdict:
    """Each kind of the plan struck at least once; of a short storm the report only says which did not."""
    verdict = Verdict("strikes", "every kind of fault of the plan really struck")
    struck = {one.kind for one in occasions}
    planned = {fault.kind for fault in plan.faults}
    verdict.judged = len(planned)
    verdict.absent = "" if planned else "no fault is planned"
    idle = sorted(planned - struck)
    if len(plan.numbers) >= LEAST_ORDERS:
        for kind in idle:
            verdict.broken(f"{kind} is planned and never struck")
    elif idle:
        verdict.notes.append(f"too short a storm for all of them: {', '.join(idle)} struck nothing")
    verdict.figures = {"planned": str(len(planned)), "struck": str(len(planned & struck))}
    return verdict
