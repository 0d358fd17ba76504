"""Whether a pool had a number for an order, at the moment at which it was refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from emulator.book import Kept
from storm.judges.crossings import Moments
from storm.tables import Written

Standing = TypeVar("Standing", bound=Kept)
Held = tuple[str, str, Moments]
"""The mode of a binding, a number that it holds, and who took part in it when."""

_ACTIVE: Final = "active"


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
