"""How long each stage took, in virtual time: from the request to the binding, from the call to its story."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from privatenumber.times import from_iso
from storm.judges.releases import ends_at_platform, percentile
from storm.world import World

Row = tuple[str, ...]


def latencies(world: World) -> list[Row]:
    """One row for each stage: count, p50, p99 and the longest, in seconds."""
    return [_row(name, list(values)) for name, values in _stages(world)]


def _stages(world: World) -> Iterator[tuple[str, Iterator[float]]]:
    deals = world.business.deals
    yield "asked to bound", _between((deal.asked_at, deal.bound_at) for deal in deals)
    yield "release asked to answered", _between((deal.release_asked_at, deal.released_at) for deal in deals)
    yield "due to released", _due(world)
    for kind, name in (
        ("event", "event to stored"),
        ("cdr", "end of call to CDR stored"),
        ("sms", "SMS to stored"),
    ):
        yield name, _stored(world, kind)
    points = [one for one in world.logs.points if one.name == "IteratorAge"]
    yield "written to read from the stream", (one.value / 1000 for one in points)


def _due(world: World) -> Iterator[float]:
    ended = ends_at_platform(world.emulator)
    rows = world.tables.of_kind("BindingsTable", "BINDING")
    subscriptions = {row["binding_id"]: row.get("subscription_id", "") for row in rows}
    for deal in world.business.deals:
        end = ended.get(subscriptions.get(deal.binding_id or "", ""))
        if end is not None and deal.active and deal.release_asked_at is None:
            yield max(0.0, (end[0] - max(deal.ends)).total_seconds())


def _stored(world: World, kind: str) -> Iterator[float]:
    for row in world.tables.table("BillsTable").values():
        at = row.get("ended_at") if kind == "cdr" else row.get("at")
        if row.get("kind") == kind and at:
            yield (from_iso(row["received_at"]) - from_iso(at)).total_seconds()


def _between(moments: Iterator[tuple[datetime | None, datetime | None]]) -> Iterator[float]:
    return ((last - first).total_seconds() for first, last in moments if first and last)


def _row(name: str, values: list[float]) -> Row:
    shown = (percentile(values, 0.5), percentile(values, 0.99), max(values, default=0.0))
    return (name, str(len(values)), *(f"{value:.1f} s" for value in shown))
