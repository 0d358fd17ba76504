"""What the platform held, beside our books, over the whole storm.

No binding of ours outlives its row there, none is ended there that we did not begin to release, and none is
made there that no row of ours names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from emulator.axe import AxeBinding
from emulator.axyb import AxybBinding, AxybPair
from emulator.book import Kept
from emulator.platform import Emulator
from emulator.world import AxbBinding
from privatenumber.bindings.model import Binding
from storm.judges.verdict import Verdict
from storm.tables import Written
from storm.upheavals import Console

States = Sequence[tuple[datetime, str]]
_FINAL: Final = frozenset({"CLOSED", "FAILED"})
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class StateWatch:
    """In which state each binding was by its row, moment by moment."""

    now: Callable[[], datetime]
    then: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)

    def hear(self, written: Written) -> None:
        """A row was written."""
        if written.table == "BindingsTable" and written.key[1] == "BINDING" and written.new is not None:
            moments = self.then.setdefault(str(written.new["binding_id"]), [])
            if not moments or moments[-1][1] != written.new["state"]:
                moments.append((self.now(), str(written.new["state"])))


@dataclass(frozen=True, slots=True)
class Life:
    """A binding at the platform: on which X, who stands there, from when until when, and why it ended."""

    id: str
    mode: str
    x: str
    people: frozenset[str] = field(repr=False)
    begins: datetime
    since: datetime
    ends: datetime | None
    why: str | None


def lives_at_platform(emulator: Emulator) -> Iterator[Life]:
    """Every binding that the platform ever held; ``since`` is when these people stood there at last."""
    for axb in emulator.books.bindings():
        begins = axb.bound_at or axb.started_at
        since = axb.changed_at or begins
        yield _life(axb, "AXB", frozenset({axb.a, axb.b}), begins, since)
    for kept in emulator.books.kept_bindings():
        if isinstance(kept, AxybPair):
            continue
        mode = {AxeBinding: "AXE", AxybBinding: "AXYB"}.get(type(kept), "AX")
        yield _life(kept, mode, frozenset({str(getattr(kept, "a", ""))}), kept.bound_at, kept.bound_at)


def _life(
    one: AxbBinding | Kept, mode: str, people: frozenset[str], begins: datetime, since: datetime
) -> Life:
    return Life(one.subscription_id, mode, one.x, people, begins, since, one.ended_at, one.end_reason)


def strands(lives: Iterable[Life], bindings: Iterable[Binding], console: Console) -> list[Life]:
    """What the platform held and no row of ours ever named, but for what its console made."""
    known = {one.subscription_id for one in bindings} | console.foreign.keys()
    return [one for one in lives if one.id not in known]


def judge_standing(
    verdict: Verdict,
    lives: Sequence[Life],
    bindings: Sequence[Binding],
    states: Mapping[str, States],
    console: Console,
    lost: Sequence[datetime],
) -> Verdict:
    """Add to a verdict what broke at any moment.

    ``lost`` are the moments at which the answer to the bind of an AXYB may have been lost: no
    query finds it again (axyb.md §4), and it ends by its own life.
    """
    ours = {one.subscription_id: one for one in bindings if one.subscription_id}
    for life in lives:
        verdict.judged += 1
        if life.id in ours:
            binding = ours[life.id]
            for what in _breaches(life, states.get(binding.id, ()), console):
                verdict.broken(
                    f"{binding.id} ({life.mode}, {binding.order}) {what}", [f"on {life.x}"], life.ends
                )
    _judge_strands(verdict, strands(lives, bindings, console), lost)
    for one, other in _doubles(lives):
        verdict.broken(
            f"{one.id} and {other.id} put the same person on {one.x} at the platform", at=other.since
        )
    return verdict


def _breaches(life: Life, states: States, console: Console) -> Iterator[str]:
    closed = next((since for since, state in states if state in _FINAL), None)
    if closed is not None and (life.ends is None or life.ends > closed):
        yield f"was closed with us at {closed:%m-%d %H:%M:%S} and lived on at the platform"
    if states and states[0][1] == "REQUESTED" and "REQUESTED" not in _at(states, life.begins):
        yield f"was bound at {life.begins:%m-%d %H:%M:%S}, when it was no request of ours"
    taken_away = console.lost.get(life.id) == life.ends
    if life.ends and life.why == "unbound" and not taken_away and "RELEASING" not in _at(states, life.ends):
        yield f"was unbound at {life.ends:%m-%d %H:%M:%S}, when nobody was releasing it"


def _at(states: States, at: datetime) -> set[str]:
    """The states of a moment: there may be several."""
    last = (datetime.max.replace(tzinfo=at.tzinfo), "")
    return {state for (since, state), (until, _) in pairwise([*states, last]) if since <= at <= until}


def _judge_strands(verdict: Verdict, strands: Sequence[Life], lost: Sequence[datetime]) -> None:
    """Each has a fault of its own, at the moment at which it was bound."""
    left = list(lost)
    for one in sorted(strands, key=lambda life: life.begins):
        fault = next((at for at in left if abs(at - one.begins) <= _SECOND), None)
        if one.mode == "AXYB" and fault is not None:
            left.remove(fault)
            continue
        verdict.broken(
            f"the platform bound {one.id} ({one.mode}) on {one.x} at {one.begins:%m-%d %H:%M:%S}, "
            "which no row of ours names",
            at=one.begins,
        )
    if strands:
        verdict.notes.append(f"{len(strands)} AXYB parts whose answer was lost end by their own life")


def _doubles(lives: Iterable[Life]) -> Iterator[tuple[Life, Life]]:
    """Those that stood on one X at one time with one person in both."""
    places: dict[tuple[str, str], list[Life]] = {}
    for life in lives:
        for who in life.people:
            places.setdefault((life.x, who), []).append(life)
    for standing in places.values():
        for one, other in pairwise(sorted(standing, key=lambda life: life.since)):
            if one.ends is None or one.ends > other.since:
                yield one, other
