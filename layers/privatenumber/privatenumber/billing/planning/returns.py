"""Which X to return before the 25th, and what that saves (billing-rules.md §6.1; users.md U-N20, C-105).

Pure. A number is idle when nobody has called it, texted through it or been bound on it for so many days, and
nobody stands on it now. What the pool needs stays, however idle: chance chooses among the numbers of a pool,
so the idle ones of today are the spare ones of tomorrow. Whoever is reserved by people stays too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeAlias

from privatenumber.billing.rating.rent import LAST_FREE_DAY, month_text, next_month
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.store.numbers import NumberState, NumberType
from privatenumber.times import BEIJING

_FIRST_DAY: Final = 20
_LAST_CALL: Final = time(18)

Pool: TypeAlias = tuple[str, str]
"""Application and area code."""


class Stage(StrEnum):
    """Where a month stands with its returns, Beijing time."""

    EARLY = "early"
    """Before the 20th."""
    OPEN = "open"
    LAST_CALL = "last_call"
    """The 25th from 18:00 on."""
    OVER = "over"
    """Who is returned now pays the next month all the same."""


class Kept(StrEnum):
    """Why a number is not to be returned although it has a rent to save."""

    USED = "used"
    BOUND = "bound"
    NEW = "new"
    """Held for less time than a number has to be idle."""
    RESERVED = "reserved"
    NEEDED = "needed"
    """Its pool needs so many."""
    NEED_UNKNOWN = "need_unknown"
    """Nobody knows how many its pool needs."""
    USE_UNKNOWN = "use_unknown"
    """The counts of some day are missing."""
    ACCOUNT_SUSPENDED = "account_suspended"
    """All numbers of its application are suspended, as in arrears: it is no idler than they are."""


class Why(StrEnum):
    """Why a number may go."""

    IDLE = "idle"
    UNUSABLE = "unusable"
    """It is idle, and takes no binding anyway."""


@dataclass(frozen=True, slots=True)
class NumberUse:
    """An X and its use. ``used`` is whether it was used in the days looked at; None where that is not known.

    ``bindings`` stand on it now.
    """

    x: str = field(repr=False)
    application: str
    area: str
    number_type: NumberType
    state: NumberState
    issued_on: date | None
    unsubscribed_on: date | None
    bindings: int
    used: bool | None


@dataclass(frozen=True, slots=True)
class Return:
    """A number to return; ``saves`` CNY a month."""

    x: str = field(repr=False)
    application: str
    area: str
    number_type: NumberType
    state: NumberState
    why: Why
    saves: Decimal

    def document(self) -> dict[str, Any]:
        """The number as JSON."""
        return {
            "x": self.x,
            "application": self.application,
            "area": self.area,
            "number_type": self.number_type.value,
            "state": self.state.value,
            "why": self.why.value,
            "saves": plain(self.saves),
        }


@dataclass(frozen=True, slots=True)
class ReturnPlan:
    """Numbers to return, dearest first, how many are kept and why, and from which month on it saves.

    ``submit_until`` is the last Beijing day on which returning saves the rent of ``free_from``.
    """

    stage: Stage
    submit_until: date
    free_from: str
    returns: tuple[Return, ...]
    kept: Mapping[Kept, int]

    @property
    def saves(self) -> Decimal:
        """CNY a month."""
        return sum((each.saves for each in self.returns), Decimal(0))

    def document(self) -> dict[str, Any]:
        """The plan as JSON."""
        return {
            "stage": self.stage.value,
            "submit_until": self.submit_until.isoformat(),
            "free_from": self.free_from,
            "saves": plain(self.saves),
            "returns": [each.document() for each in self.returns],
            "kept": {why.value: count for why, count in self.kept.items()},
        }


def stage_of(now: datetime) -> Stage:
    """The stage of a moment's Beijing month."""
    here = now.astimezone(BEIJING)
    if here.day < _FIRST_DAY:
        return Stage.EARLY
    if here.day > LAST_FREE_DAY:
        return Stage.OVER
    return Stage.LAST_CALL if here.day == LAST_FREE_DAY and here.time() >= _LAST_CALL else Stage.OPEN


def return_plan(
    numbers: Iterable[NumberUse],
    needs: Mapping[Pool, int],
    prices: PriceBook,
    *,
    now: datetime,
    idle_days: int,
) -> ReturnPlan:
    """Say which numbers may go. ``needs`` are the free numbers that each pool needs, where that is known.

    A number that takes no binding is no loss to its pool. Of those that do, the dearest go first.
    """
    today = now.astimezone(BEIJING).date()
    free_from = _free_from(today)
    held = [each for each in numbers if each.state is not NumberState.RETIRED and not each.unsubscribed_on]
    suspended = _all_suspended(held)
    kept: Counter[Kept] = Counter()
    idle: list[NumberUse] = []
    for each in held:
        reason = Kept.ACCOUNT_SUSPENDED if each.application in suspended else _busy(each, today, idle_days)
        if reason:
            kept[reason] += 1
        else:
            idle.append(each)
    rents = prices.at(free_from).rent
    idle.sort(key=lambda each: (-rents[each.number_type], each.x))
    spare = _Spare(held, needs)
    returns = []
    for each in idle:
        refusal = spare.take(each)
        if refusal:
            kept[refusal] += 1
            continue
        why = Why.IDLE if each.state is NumberState.ACTIVE else Why.UNUSABLE
        about = (each.x, each.application, each.area, each.number_type, each.state)
        returns.append(Return(*about, why, rents[each.number_type]))
    last = (
        today.replace(day=LAST_FREE_DAY)
        if today.day <= LAST_FREE_DAY
        else next_month(today).replace(day=LAST_FREE_DAY)
    )
    counts = {why: kept[why] for why in Kept if kept[why]}
    return ReturnPlan(stage_of(now), last, month_text(free_from), tuple(returns), counts)


class _Spare:
    """How many free numbers each pool can do without.

    Numbers on which somebody stands are not counted: bindings that last for months hold them, and those are
    not in a forecast of what the last weeks bound.
    """

    def __init__(self, held: Sequence[NumberUse], needs: Mapping[Pool, int]) -> None:
        free: Counter[Pool] = Counter(
            (each.application, each.area)
            for each in held
            if each.state is NumberState.ACTIVE and not each.bindings
        )
        self._left = {pool: free[pool] - needs[pool] for pool in free if pool in needs}

    def take(self, each: NumberUse) -> Kept | None:
        """Take a number out of its pool, or say why it has to stay."""
        pool = (each.application, each.area)
        if each.state is not NumberState.ACTIVE:
            return None
        if pool not in self._left:
            return Kept.NEED_UNKNOWN
        if self._left[pool] <= 0:
            return Kept.NEEDED
        self._left[pool] -= 1
        return None


def _busy(each: NumberUse, today: date, idle_days: int) -> Kept | None:
    if each.bindings:
        return Kept.BOUND
    if each.used is None:
        return Kept.USE_UNKNOWN
    if each.used:
        return Kept.USED
    if each.state is NumberState.RESERVED:
        return Kept.RESERVED
    young = each.issued_on is not None and each.issued_on > today - timedelta(days=idle_days)
    return Kept.NEW if young else None


def _all_suspended(held: Iterable[NumberUse]) -> frozenset[str]:
    """Applications none of whose numbers is anything but suspended: the account is in arrears (§7)."""
    states: defaultdict[str, set[NumberState]] = defaultdict(set)
    for each in held:
        states[each.application].add(each.state)
    return frozenset(app for app, found in states.items() if found == {NumberState.SUSPENDED})


def _free_from(today: date) -> date:
    """The first month that a number returned on a day pays no rent for."""
    following = next_month(today)
    return following if today.day <= LAST_FREE_DAY else next_month(following)
