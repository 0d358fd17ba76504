"""What is looked at after each write of a binding or a number, all through a storm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from storm.judges.crossings import PeopleWatch, PlaceWatch
from storm.judges.drift import DriftWatch
from storm.judges.pools import NumberWatch
from storm.judges.releases import ClosingWatch
from storm.judges.standing import StateWatch
from storm.tables import Written


@dataclass(frozen=True)
class Watches:
    """Who stands where and takes part, how each binding, number and difference stood when, and closings."""

    places: PlaceWatch
    people: PeopleWatch
    states: StateWatch
    closings: ClosingWatch
    numbers: NumberWatch
    drift: DriftWatch

    @classmethod
    def at(cls, now: Callable[[], datetime]) -> Watches:
        """Watches by a clock."""
        return cls(
            PlaceWatch(now),
            PeopleWatch(now),
            StateWatch(now),
            ClosingWatch(now),
            NumberWatch(now),
            DriftWatch(now),
        )

    def hear(self, written: Written) -> None:
        """A row was written."""
        watches = (self.places, self.people, self.states, self.closings, self.numbers, self.drift)
        for watch in watches:
            watch.hear(written)
