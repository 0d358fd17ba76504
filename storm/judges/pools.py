"""How full a pool was at a moment: whether it had a number for an order, and how much of it was used up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

from emulator.book import Kept
from storm.judges.crossings import Moments, places_of
from storm.tables import Written

Standing = TypeVar("Standing", bound=Kept)
Row = Mapping[str, Any]
Held = tuple[str, str, Moments]
"""The mode of a binding, a number that it holds, and who took part in it when."""

_ACTIVE: Final = "active"
_ANYBODY: Final = "anyone"
_OVER: Final = frozenset({"CLOSED", "FAILED"})


@dataclass(frozen=True)
class NumberWatch:
    """Which state each number had by its row, moment by moment."""

    now: Callable[[], datetime]
    then: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)

    def hear(self, written: Written) -> None:
        """A row was written."""
        row = written.new or written.old
        if written.table == "BindingsTable" and written.key[1] == "NUMBER" and row is not None:
            state = str(written.new["state"]) if written.new else ""
            self.then.setdefault(str(row["x"]), []).append((self.now(), state))

    def active(self, x: str, at: datetime) -> bool:
        """Whether orders may be bound on it, as far as we know; at the moment of a change both are so."""
        moments = self.then.get(x, [])
        before = next((state for since, state in reversed(moments) if since < at), "")
        return _ACTIVE in {before, *(state for since, state in moments if since == at)}


def stood_on(held: Iterable[Held], mode: str, at: datetime, people: Set[str]) -> set[str]:
    """The numbers of a mode on which one of these people stood by our rows, or anybody when none is named."""
    return {x for of, x, moments in held if of == mode and _stood(moments, at, people)}


def _stood(moments: Moments, at: datetime, people: Set[str]) -> bool:
    then = next((who for since, who in reversed(moments) if since <= at), frozenset[str]())
    return bool(then & people if people else then)


def living(bindings: Iterable[Standing], at: datetime) -> Iterator[Standing]:
    """Those of the platform's bindings that stood at a moment."""
    return (one for one in bindings if one.bound_at <= at and (one.ended_at is None or at < one.ended_at))


def no_x_and_y(numbers: Set[str], xs: Set[str], ys: Set[str]) -> bool:
    """Whether the platform has no X and Y for another A and B (axyb.md §1).

    X is nobody's X or Y. Y is nobody's X and may be the Y of others, as each stranger has one who calls an X.
    """
    return not numbers - xs - ys or len(numbers - xs) < 2


@dataclass(frozen=True, slots=True)
class PoolUse:
    """How much of a pool is used up, in percent; how many X are left for the person who stands on most."""

    percent: float
    left: int


def pool_use(numbers: Iterable[Row], bindings: Iterable[Row], most: int) -> PoolUse:
    """Of one application, by its rows; ``most`` bindings stand on an X.

    A pool is used up by its places, or for somebody who stands on most of it, since he does so once on each;
    without an active number all of it is.
    """
    active = {str(row["x"]) for row in numbers if row["state"] == _ACTIVE}
    living = [row for row in bindings if row["state"] not in _OVER and row.get("x")]
    stands = Counter(str(row["x"]) for row in living)
    on = Counter(person for _, person in {place for row in living for place in places_of(row)})
    busiest = max((count for person, count in on.items() if person != _ANYBODY), default=0)
    left = max(0, sum(stands[x] < most for x in active) - busiest)
    if not active:
        return PoolUse(100.0, left)
    used = sum(stands[x] for x in active) / (len(active) * most)
    return PoolUse(round(100 * min(1.0, max(used, busiest / len(active))), 1), left)
