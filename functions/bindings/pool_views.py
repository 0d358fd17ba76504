"""What business systems get to see of their pool: how full it is, who was refused, what is missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from privatenumber.bindings.pool import Crowd, PoolReport, Use
from privatenumber.bindings.pool_history import Outlook
from privatenumber.store.numbers import XNumber
from privatenumber.store.refusals import RefusedCount
from privatenumber.times import iso


def pool_view(report: PoolReport) -> dict[str, Any]:
    """Show the report of a pool."""
    return {
        "application": report.application,
        "mode": report.mode.value,
        "at": iso(report.at),
        "sampled": report.sampled,
        "total": _use(report.total),
        "cities": [{"area_code": area, **_use(use)} for area, use in report.cities.items()],
        "busiest": [_busy(number) for number in report.busiest],
        "people": _people(report.crowd),
        "refusals": [_refusal(count) for count in report.refusals],
        "needed": [{"area_code": area, "numbers": needed} for area, needed in report.needed.items()],
    }


def outlook_view(outlook: Outlook) -> dict[str, Any]:
    """Show what a pool would need."""
    return {
        "application": outlook.application,
        "days": outlook.days,
        "bindings": outlook.bindings,
        "complete": outlook.complete,
        "cities": [
            {"area_code": area, "active": outlook.active.get(area, 0), **asdict(city)}
            for area, city in outlook.cities.items()
        ],
    }


def _use(use: Use) -> dict[str, Any]:
    return {
        "numbers": sum(use.states.values()),
        "states": {state.value: count for state, count in sorted(use.states.items())},
        "with_room": use.with_room,
        "left": use.left,
        "bindings": use.bindings,
        "places": use.places,
        "percent": use.percent,
    }


def _busy(number: XNumber) -> dict[str, Any]:
    return {
        "x": number.x,
        "area_code": number.area_code,
        "state": number.state.value,
        "pairs": number.pairs,
    }


def _people(crowd: Crowd) -> dict[str, Any]:
    """Show how many people in a hundred stand on how many X; shares, because it may be a sample."""
    all_of_them = sum(crowd.people.values())
    return {
        "sampled": crowd.sampled,
        "most": crowd.most,
        "percent_by_numbers": {
            str(size): round(100 * count / all_of_them, 1) for size, count in crowd.people.items()
        },
    }


def _refusal(count: RefusedCount) -> dict[str, Any]:
    return {
        "area_code": count.area,
        "reason": count.reason,
        "orders": count.orders,
        "attempts": count.attempts,
    }
