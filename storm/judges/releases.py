"""When bindings ended at the platform: never before their time, and soon after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from emulator.book import Kept
from emulator.platform import Emulator
from emulator.world import AxbBinding
from privatenumber.bindings.model import Binding, State
from privatenumber.settings import Mode
from storm.deals import Deal
from storm.judges.verdict import Verdict
from storm.upheavals import Console

Window = tuple[datetime, datetime]
PROMISE: Final = timedelta(minutes=5)
"""What `SweepLagAlarm` calls late."""

_UNDER_WAY: Final = timedelta(minutes=1)


def ends_at_platform(emulator: Emulator) -> dict[str, tuple[datetime, str]]:
    """When each binding that is over ended there, and why, by subscriptionId."""
    books = emulator.books
    ever: list[AxbBinding | Kept] = [*books.bindings(), *books.kept_bindings()]
    return {
        one.subscription_id: (one.ended_at, str(one.end_reason)) for one in ever if one.ended_at is not None
    }


def judge_early(
    deals: Sequence[Deal],
    bindings: dict[str, Binding],
    ended: dict[str, tuple[datetime, str]],
    skewed: Sequence[Window],
    console: Console,
) -> Verdict:
    """No binding was released that nobody had asked to end."""
    verdict = Verdict("early", "no binding ended before the end that was agreed, unless somebody released it")
    for deal in deals:
        found = _end(deal, bindings, ended)
        if found is None:
            continue
        verdict.judged += 1
        at, why = found
        if _taken_away(bindings[deal.binding_id or ""], console):
            continue
        due = min([*deal.ends, *([deal.release_asked_at] if deal.release_asked_at else [])])
        tolerance = timedelta(seconds=240 if _meets(skewed, due, at) else 1)
        if at < due - tolerance:
            verdict.broken(f"{deal.order.id} ({deal.order.mode}) ended {due - at} early ({why})", deal.trace)
    return verdict


def judge_late(
    deals: Sequence[Deal],
    bindings: dict[str, Binding],
    ended: dict[str, tuple[datetime, str]],
    troubles: Sequence[Window],
    now: datetime,
) -> Verdict:
    """From due to released: p99 within the promise, where no fault was in the way."""
    says = (
        f"p99 from due to released within {PROMISE.total_seconds():.0f} s outside of outages, none forgotten"
    )
    verdict = Verdict("late", says)
    lags: list[float] = []
    troubled: list[float] = []
    for deal in deals:
        if not deal.active:
            continue
        due = max(deal.ends)
        due = min(due, deal.release_asked_at) if deal.released_at and deal.release_asked_at else due
        if due > now - timedelta(hours=2):
            continue
        verdict.judged += 1
        found = _end(deal, bindings, ended)
        if found is None:
            verdict.broken(
                f"{deal.order.id} ({deal.order.mode}) was due at {due:%m-%d %H:%M}, it lives on", deal.trace
            )
            continue
        lag = max(0.0, (found[0] - due).total_seconds())
        (troubled if _meets(troubles, due - _UNDER_WAY, found[0]) else lags).append(lag)
    _judge_p99(verdict, lags, troubled)
    return verdict


def _judge_p99(verdict: Verdict, lags: list[float], troubled: list[float]) -> None:
    verdict.figures = {
        "undisturbed": str(len(lags)),
        "p50": f"{percentile(lags, 0.5):.0f} s",
        "p99": f"{percentile(lags, 0.99):.0f} s",
        "disturbed": str(len(troubled)),
        "longest disturbed": f"{max(troubled, default=0.0):.0f} s",
    }
    if percentile(lags, 0.99) > PROMISE.total_seconds():
        verdict.broken(f"p99 is {percentile(lags, 0.99):.0f} s")


def percentile(values: Iterable[float], share: float) -> float:
    """The value that so many of them do not exceed; 0 without any."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _taken_away(binding: Binding, console: Console) -> bool:
    """Whether the platform ended it by itself: it was lost, or its number given back."""
    return binding.subscription_id in console.lost or binding.x in console.returned


def _end(
    deal: Deal, bindings: dict[str, Binding], ended: dict[str, tuple[datetime, str]]
) -> tuple[datetime, str] | None:
    binding = bindings.get(deal.binding_id or "")
    if binding is None or not deal.active:
        return None
    if binding.mode is Mode.X:
        over = binding.state is State.CLOSED
        return (binding.updated_at, str(binding.reason)) if over else None
    return ended.get(binding.subscription_id or "")


def _meets(windows: Sequence[Window], first: datetime, last: datetime) -> bool:
    return any(start <= last and first <= end for start, end in windows)
