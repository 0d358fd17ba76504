"""What is looked at after each write of a binding or a number, all through a storm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from storm.judges.crossings import PeopleWatch, PlaceWatch
from storm.judges.pools import NumberWatch
from storm.judges.releases import ClosingWatch
from storm.judges.standing import StateWatch
from storm.tables import Written


@dataclass(frozen=True)
class Watches:
    """Who stands where, who takes part, in which state each binding and number is, when each was closed."""

    places: PlaceWatch
    people: PeopleWatch
    states: StateWatch
    closings: ClosingWatch
    numbers: NumberWatch

    @classmethod
    def at(cls, now: Callable[[], datetime]) -> Watches:
        """Watches by a clock."""
        return cls(PlaceWatch(now), PeopleWatch(now), StateWatch(now), ClosingWatch(now), NumberWatch(now))

    def hear(self, written: Written) -> None:
        """A row was written."""
        for watch in (self.places, self.people, self.states, self.closings, self.numbers):
            watch.hear(written)
