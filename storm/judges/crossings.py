"""No crossing, ever: who stands on which number by our books, looked at after each write of a binding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from storm.judges.verdict import Verdict
from storm.tables import Written

_FINAL: Final = frozenset({"CLOSED", "FAILED"})
Place = tuple[str, str]
Moments = list[tuple[datetime, frozenset[str]]]


@dataclass
class PlaceWatch:
    """Who stands on which X by the rows of bindings, moment by moment."""

    now: Callable[[], datetime]
    verdict: Verdict = field(
        default_factory=lambda: Verdict(
            "places", "a person stands on an X at most once, at every moment, here and at the platform"
        )
    )
    _holders: dict[Place, str] = field(default_factory=dict)

    def hear(self, written: Written) -> None:
        """A row was written."""
        if written.table != "BindingsTable" or written.key[1] != "BINDING":
            return
        binding = written.key[0]
        before, after = places_of(written.old), places_of(written.new)
        for place in before - after:
            if self._holders.get(place) == binding:
                del self._holders[place]
        for place in after:
            holder = self._holders.setdefault(place, binding)
            if holder != binding:
                self.verdict.broken(
                    f"{binding} and {holder} hold the same person on {place[0]}", at=self.now()
                )
        self.verdict.judged += 1


def places_of(row: Mapping[str, Any] | None) -> set[Place]:
    """Who stands on which X by the row of a binding."""
    if row is None or row["state"] in _FINAL or not row.get("x"):
        return set()
    people = {row["a_token"]}
    if row["mode"] != "AXYB":
        people |= {row.get("b_token"), *(partner["token"] for partner in row.get("partners", ()))}
        pending = row.get("pending") or {}
        people |= {pending.get("a_token"), pending.get("b_token")}
    if row["mode"] == "AX" or row.get("anyone"):
        people.add("anyone")
    return {(str(row["x"]), str(one)) for one in people if one}


@dataclass
class PeopleWatch:
    """Who took part in each binding by its row, by his token and moment by moment; nobody once it is over."""

    now: Callable[[], datetime]
    then: dict[str, Moments] = field(default_factory=dict)

    def hear(self, written: Written) -> None:
        """A row was written."""
        if written.table != "BindingsTable" or written.key[1] != "BINDING" or written.new is None:
            return
        people = frozenset() if written.new["state"] in _FINAL else _people(written.new)
        moments = self.then.setdefault(str(written.new["binding_id"]), [])
        if not moments or moments[-1][1] != people:
            moments.append((self.now(), people))


def took_part(moments: Moments, token: str, at: datetime, within: timedelta) -> bool:
    """Whether somebody took part at a moment that is known to lie between ``at`` and so much later."""
    last = (datetime.max.replace(tzinfo=at.tzinfo), frozenset[str]())
    return any(
        token in people and since <= at + within and until >= at
        for (since, people), (until, _) in pairwise([*moments, last])
    )


def _people(row: Mapping[str, Any]) -> frozenset[str]:
    pending = row.get("pending") or {}
    named = (source.get(name) for source in (row, pending) for name in ("a_token", "b_token"))
    return frozenset(one for one in (*named, *(each["token"] for each in row.get("partners", ()))) if one)
