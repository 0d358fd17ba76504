"""The judges of what became of the bindings, with what they need to know of the faults in the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from privatenumber.bindings.model import Binding
from privatenumber.privacy import Keyring, token
from storm.judges.bindings import judge_bindings
from storm.judges.calls import judge_calls
from storm.judges.drift import Told, judge_drift
from storm.judges.releases import Ends, Skew, ends_at_platform, judge_early, judge_late, prolonged_lives
from storm.judges.standing import judge_standing, lives_at_platform, strands
from storm.judges.troubles import Acted, Trouble, arrears_of, lost_binds, troubles_of
from storm.judges.verdict import Verdict
from storm.plan import Fault
from storm.world import World

_LAST_LOOK: Final = timedelta(hours=2)
"""So long operators look for differences when all is quiet."""


def judge_lives(world: World, bindings: list[Binding], keyring: Keyring) -> list[Verdict]:
    """The verdicts about them."""
    emulator, deals = world.emulator, world.business.deals
    console, operators, now = world.weather.console, world.operators, emulator.scheduler.now()
    ended, watches = ends_at_platform(emulator), world.watches
    ends = Ends({one.id: one for one in bindings}, ended, prolonged_lives(emulator), watches.closings.closed)
    lives = list(lives_at_platform(emulator))
    stranded = strands(lives, bindings, console)
    living = {one.x for one in stranded if one.ends is None or one.ends > now - _LAST_LOOK}
    nameless_on = {one.x: one.x in living for one in stranded}
    told = Told(list(operators.found.values()), operators.left, watches.drift.then)
    states = watches.states.then
    rows, nameless = world.tables.table("BindingsTable"), {one.id for one in stranded}
    return [
        judge_bindings(bindings, rows, emulator, now, nameless),
        judge_standing(watches.places.verdict, lives, bindings, states, console, list(_lost_binds(world))),
        judge_calls(emulator, deals, bindings, watches.people.then, lambda who: token(keyring, who)),
        judge_early(deals, ends, list(_skews(world)), console),
        judge_late(deals, ends, list(_troubles(world)), console, now),
        judge_drift(bindings, console.lost, console.foreign, ended, told, nameless_on),
    ]


def _acted(world: World, fault: Fault) -> list[Acted]:
    """When a fault acted, and in which function."""
    return [(one.at, one.function) for one in world.weather.occasions if one.fault == fault.id]


def _troubles(world: World) -> Iterator[Trouble]:
    for fault in world.plan.faults:
        window, acted = world.weather.window_of(fault), _acted(world, fault)
        if fault.kind == "platform.arrears" and acted:
            yield from arrears_of(window, world.door.answered)
        else:
            yield from troubles_of(fault, window, acted)


def _skews(world: World) -> Iterator[Skew]:
    for fault in world.plan.faults:
        if fault.kind == "clock.skew":
            yield Skew(world.weather.window_of(fault), float(fault.params["seconds"]))


def _lost_binds(world: World) -> Iterator[datetime]:
    for fault in world.plan.faults:
        yield from lost_binds(fault, _acted(world, fault))
