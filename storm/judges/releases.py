"""When bindings ended: never before their time, and soon after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from emulator.axe import AxeBinding
from emulator.book import Kept
from emulator.platform import Emulator
from emulator.world import AxbBinding
from privatenumber.bindings.model import Binding
from privatenumber.settings import Mode
from storm.deals import Deal
from storm.judges.troubles import PROMISE, Trouble, latest_release
from storm.judges.verdict import Verdict
from storm.occasions import Window
from storm.tables import Written
from storm.upheavals import Console

Ended = Mapping[str, tuple[datetime, str]]
_MARGIN: Final = timedelta(hours=1)
"""`MarginSeconds`: so much later than we the platform would end a binding by itself."""

_EXACT: Final = timedelta(seconds=1)
_ENOUGH: Final = 20
"""Of so many releases a third has to have happened without trouble, or nothing was judged."""


@dataclass
class ClosingWatch:
    """When the row of each binding was closed, by the platform's clock; of those without a platform nothing
    else tells it.
    """

    now: Callable[[], datetime]
    closed: dict[str, tuple[datetime, str]] = field(default_factory=dict)

    def hear(self, written: Written) -> None:
        """A row was written."""
        row = written.new
        if written.table != "BindingsTable" or written.key[1] != "BINDING" or row is None:
            return
        if row["state"] == "CLOSED":
            self.closed.setdefault(str(row["binding_id"]), (self.now(), str(row.get("reason"))))


@dataclass(frozen=True)
class Ends:
    """When each binding ended and why: at the platform by subscriptionId, in our books by its id.

    ``lives`` is until when the platform would let live what it was told to prolong.
    """

    bindings: Mapping[str, Binding]
    ended: Ended
    lives: Mapping[str, datetime] = field(default_factory=dict)
    closed: Ended = field(default_factory=dict)

    def of(self, deal: Deal) -> tuple[datetime, str] | None:
        """When the binding of an order ended; None: it lives, or was none."""
        binding = self.binding(deal)
        if binding is None:
            return None
        if binding.mode is Mode.X:
            return self.closed.get(binding.id)
        return self.ended.get(binding.subscription_id or "")

    def binding(self, deal: Deal) -> Binding | None:
        """The binding that its business system knows of."""
        return self.bindings.get(deal.binding_id or "") if deal.active else None

    def agreed(self, deal: Deal) -> datetime | None:
        """The end that was agreed at last; None: the one in our books is none that was ever agreed.

        Of a prolongation whose answer said neither yes nor no our books say what became of it, unless the
        platform was told: then it has come through.
        """
        binding = self.binding(deal)
        if binding is None:
            return None
        life = self.lives.get(binding.subscription_id or "")
        told = [end for end in deal.ends if life is not None and life >= end + _MARGIN / 2]
        ours = [end for end in deal.ends if abs(end - binding.ends_at) <= _EXACT]
        return max([*told, *ours]) if ours else None


def ends_at_platform(emulator: Emulator) -> dict[str, tuple[datetime, str]]:
    """When each binding that is over ended there, and why, by subscriptionId."""
    return {
        one.subscription_id: (one.ended_at, str(one.end_reason))
        for one in _ever(emulator)
        if one.ended_at is not None
    }


def prolonged_lives(emulator: Emulator) -> dict[str, datetime]:
    """Until when those live there whose life was begun anew by a modification, by subscriptionId."""
    found: dict[str, datetime] = {}
    for one in _ever(emulator):
        anew = isinstance(one, AxbBinding | AxeBinding) and one.bound_at not in (None, one.started_at)
        if anew and one.expires_at is not None:
            found[one.subscription_id] = one.expires_at
    return found


def _ever(emulator: Emulator) -> list[AxbBinding | Kept]:
    return [*emulator.books.bindings(), *emulator.books.kept_bindings()]


@dataclass(frozen=True, slots=True)
class Skew:
    """Our clocks were ahead, or behind when ``seconds`` is negative."""

    window: Window
    seconds: float


def judge_early(deals: Sequence[Deal], ends: Ends, skews: Sequence[Skew], console: Console) -> Verdict:
    """No binding was released that nobody had asked to end."""
    verdict = Verdict("early", "no binding ended before the end that was agreed, unless somebody released it")
    for deal in deals:
        found, binding, agreed = ends.of(deal), ends.binding(deal), ends.agreed(deal)
        if binding is not None and agreed is None:
            verdict.broken(
                f"{deal.order.id} ({deal.order.mode}) is to end at {binding.ends_at:%m-%d %H:%M:%S}, "
                "which nobody agreed on",
                deal.trace,
            )
        if found is None or binding is None or agreed is None:
            continue
        verdict.judged += 1
        at, why = found
        due = min(agreed, deal.release_asked_at or agreed)
        if at < due - _tolerance(skews, at) and not _taken_away(binding, at, console):
            verdict.broken(
                f"{deal.order.id} ({deal.order.mode}) ended {due - at} early ({why})", deal.trace, at
            )
    return verdict


def _tolerance(skews: Sequence[Skew], at: datetime) -> timedelta:
    """How much too early we may be: as much as our clocks are ahead, or were when the work was ordered."""
    ahead = [one.seconds for one in skews if one.window[0] <= at <= one.window[1] + PROMISE]
    return _EXACT + timedelta(seconds=max([0.0, *ahead]))


def _taken_away(binding: Binding, at: datetime, console: Console) -> bool:
    """Whether the platform ended it at this moment by itself: it was lost, or its number given back."""
    return at in (console.lost.get(binding.subscription_id or ""), console.returned.get(binding.x))


def judge_late(
    deals: Sequence[Deal], ends: Ends, troubles: Sequence[Trouble], console: Console, now: datetime
) -> Verdict:
    """From due to released: within the promise, or within it from the end of what was in the way."""
    says = (
        f"p99 from due to released within {PROMISE.total_seconds():.0f} s outside of outages, none forgotten"
    )
    verdict = Verdict("late", says)
    lags: list[float] = []
    troubled: list[float] = []
    in_order = sorted(troubles, key=lambda one: one.window)
    for deal in deals:
        binding = ends.binding(deal)
        if binding is None or (due := _due(deal, ends)) > now - timedelta(hours=2):
            continue
        verdict.judged += 1
        found = ends.of(deal)
        if found is None:
            verdict.broken(
                f"{deal.order.id} ({deal.order.mode}) was due at {due:%m-%d %H:%M}, it lives on",
                deal.trace,
                due,
            )
        elif not _taken_away(binding, found[0], console):
            asked = deal.release_asked_at is not None
            touching = [one for one in in_order if one.touches(deal.order.mode, binding.x, asked=asked)]
            _judge_lag(verdict, deal, due, found[0], touching, (lags, troubled))
    _judge_lags(verdict, lags, troubled)
    return verdict


def _due(deal: Deal, ends: Ends) -> datetime:
    agreed = ends.agreed(deal) or max(deal.ends)
    return min(agreed, deal.release_asked_at) if deal.release_taken and deal.release_asked_at else agreed


def _judge_lag(
    verdict: Verdict,
    deal: Deal,
    due: datetime,
    released: datetime,
    troubles: Sequence[Trouble],
    lags: tuple[list[float], list[float]],
) -> None:
    """Whether one release was late, and among which its lag counts."""
    until, met = latest_release(troubles, due, released)
    lag = max(0.0, (released - due).total_seconds())
    lags[bool(met)].append(lag)
    if released > until:
        story = [f"{one.window[0]:%m-%d %H:%M:%S} {one.what}" for one in met]
        verdict.broken(
            f"{deal.order.id} ({deal.order.mode}) was due at {due:%m-%d %H:%M:%S}, with what was in its way "
            f"at {until:%H:%M:%S}, and ended {lag:.0f} s late",
            [*story, *deal.trace],
            due,
        )


def _judge_lags(verdict: Verdict, lags: list[float], troubled: list[float]) -> None:
    verdict.figures = {
        "undisturbed": str(len(lags)),
        "p50": f"{percentile(lags, 0.5):.0f} s",
        "p99": f"{percentile(lags, 0.99):.0f} s",
        "longest": f"{max(lags, default=0.0):.0f} s",
        "disturbed": str(len(troubled)),
        "longest disturbed": f"{max(troubled, default=0.0):.0f} s",
    }
    if percentile(lags, 0.99) > PROMISE.total_seconds():
        verdict.broken(f"p99 is {percentile(lags, 0.99):.0f} s")
    released = len(lags) + len(troubled)
    if released >= _ENOUGH and len(lags) * 3 < released:
        verdict.broken(f"only {len(lags)} of {released} releases had nothing in their way")


def percentile(values: Iterable[float], share: float) -> float:
    """The value that so many of them do not exceed; 0 without any."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
