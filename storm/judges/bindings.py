"""Ours equals the platform's: what is active lives there, what lives there is ours, the books are true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from emulator.platform import Emulator
from emulator.world import World as EmulatorWorld
from privatenumber.bindings.model import Binding, State
from privatenumber.settings import Mode
from storm.judges.verdict import Verdict
from storm.tables import Key

Row = Mapping[str, Any]
Held = tuple[str | None, ...]


def judge_bindings(
    bindings: list[Binding],
    rows: Mapping[Key, Row],
    emulator: Emulator,
    now: datetime,
    stranded: Collection[str] = (),
) -> Verdict:
    """Compare what is left when all is quiet. ``stranded`` are the ids of AXYB whose answer was lost: whether
    each has its fault is judged where they are found (`judges/standing.py`).
    """
    verdict = Verdict("bindings", "our living bindings are exactly those that the platform holds")
    living = [one for one in bindings if not one.state.final]
    ours = {row: one for one in living if one.mode is not Mode.X for row in _ours(one)}
    held = set(_held(emulator.world, now))
    verdict.judged = len(bindings)
    for one in living:
        if one.state is not State.ACTIVE or one.pending is not None:
            verdict.broken(f"{one.id} ({one.mode}) is still {one.state.value}", _story(one), one.updated_at)
        elif one.ends_at < now:
            verdict.broken(
                f"{one.id} ({one.mode}) should have ended at {one.ends_at:%m-%d %H:%M}",
                _story(one),
                one.ends_at,
            )
    for row, one in ours.items():
        if row not in held:
            verdict.broken(
                f"{one.id} ({one.mode}) is active here and not at the platform", _story(one), one.updated_at
            )
    for row in held - ours.keys():
        if row[3] is not None or row[0] not in stranded:
            verdict.broken(f"the platform holds {row[0]} on {row[1]}, which we do not")
    verdict.figures = {"bindings": str(len(bindings)), "alive": str(len(living)), "held": str(len(held))}
    _judge_books(verdict, living, rows)
    return verdict


def _story(one: Binding) -> list[str]:
    return [f"{one.order}: version {one.version} of {one.updated_at:%m-%d %H:%M:%S}, due {one.due_at}"]


def _ours(one: Binding) -> Iterator[Held]:
    head = (one.subscription_id, one.x, one.a.number)
    if one.mode is not Mode.AXYB:
        yield (*head, one.b.number if one.b else one.extension or "")
        return
    yield (*head, None)
    for partner in one.partners:
        yield (*head, f"{partner.party.number} {partner.y}")


def _held(world: EmulatorWorld, now: datetime) -> Iterator[Held]:
    """What the platform holds; of AXYB the AX, and each YB but those it made by itself (axyb.md §1)."""
    for axb in world.all_axb(now):
        yield axb.subscription_id, axb.x, axb.a, axb.b
    for ax in world.ax.all(now):
        yield ax.subscription_id, ax.x, ax.a, ""
    for axe in world.axe.all(now):
        yield axe.subscription_id, axe.x, axe.a, axe.extension
    for axyb in world.axyb.all(now):
        head = (axyb.subscription_id, axyb.x, axyb.a)
        yield (*head, None)
        for pair in world.axyb.pairs(axyb.subscription_id, now):
            if not pair.automatic:
                yield (*head, f"{pair.b} {pair.y}")


def _judge_books(verdict: Verdict, living: list[Binding], rows: Mapping[Key, Row]) -> None:
    """Places, orders, extensions and counters say what the bindings say."""
    places = {
        (f"PARTY#{one.application}#{token}", f"PLACE#{one.x}") for one in living for token in one.places
    }
    extensions = {(f"X#{one.x}", f"EXTENSION#{one.extension}") for one in living if one.extension}
    pairs = {
        (f"ORDER#{one.application}#{one.order}", f"PAIR#{one.mode.value}#{pair}")
        for one in living
        for pair in one.pairs
    }
    kinds = (("PARTY#", "PLACE#", places), ("X#", "EXTENSION#", extensions), ("ORDER#", "PAIR#", pairs))
    for pk, sk, wanted in kinds:
        found = {
            key
            for key, row in rows.items()
            if key[0].startswith(pk) and key[1].startswith(sk) and "binding_id" in row
        }
        for key in found ^ wanted:
            short = f"{key[0].split('#')[0]} {key[1]}"
            verdict.broken(f"a row {short} {'is left over' if key in found else 'is missing'}")
    counted = Counter(one.x for one in living if not one.uncounted)
    for (_, sk), row in rows.items():
        if sk == "NUMBER" and int(row["pairs"]) != counted[row["x"]]:
            verdict.broken(f"{row['x']} counts {row['pairs']} bindings and carries {counted[row['x']]}")
