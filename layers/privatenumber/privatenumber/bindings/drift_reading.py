"""Reading both sides of one X: our living bindings, and who stands there at the platform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from privatenumber.bindings.engine import Engine
from privatenumber.bindings.gateway import Standing
from privatenumber.bindings.model import Binding, State
from privatenumber.bindings.records import from_item
from privatenumber.deadline import Deadline
from privatenumber.platform.errors import NotOwned
from privatenumber.settings import Mode
from privatenumber.store.binding_keys import LIVE_INDEX, X_INDEX

_PER_QUERY: Final = 100
ENDED_LOOKED_AT: Final = 50
"""So many bindings of an X, newest first, are looked at for one that ended and may still be held."""

ENDED_FOR: Final = timedelta(days=2)
"""One that ended longer ago was looked at by an earlier run."""


@dataclass(frozen=True, slots=True)
class BothSides:
    """Who stands on an X by our books, and by the platform's."""

    ours: tuple[Binding, ...]
    held: tuple[Standing, ...]


def read_both(engine: Engine, application: str, x: str, deadline: Deadline) -> BothSides:
    """Read an X on both sides; raises PlatformError."""
    ours = living_on(engine, application, x)
    return BothSides(ours, held_on(engine, application, x, ours, deadline))


def living_on(engine: Engine, application: str, x: str) -> tuple[Binding, ...]:
    """Our bindings on an X that are not final, newest first; found by an index, so a moment behind."""
    living: list[Binding] = []
    before = None
    while True:
        rows = engine.search.newest(LIVE_INDEX, "live_key", x, limit=_PER_QUERY, before=before)
        living += _read(engine, application, x, [row.binding_id for row in rows])
        if len(rows) < _PER_QUERY:
            return tuple(one for one in living if not one.state.final)
        before = rows[-1]


def held_on(
    engine: Engine, application: str, x: str, ours: Sequence[Binding], deadline: Deadline
) -> tuple[Standing, ...]:
    """Who stands on an X at the platform, page by page, or asked for one by one; raises PlatformError."""
    listed = _listed(engine, application, x, deadline)
    mode = engine.platforms(application).application.mode
    if mode in (Mode.AX, Mode.AXB):
        return tuple(listed)
    return _named(engine, application, x, ours, listed, deadline)


def _listed(engine: Engine, application: str, x: str, deadline: Deadline) -> list[Standing]:
    """What the platform lists; X that is another application's carries nothing of ours."""
    found: dict[tuple[str | None, str], Standing] = {}
    page = 1
    while True:
        try:
            shown = engine.platforms(application).standing_on(x, page, deadline=deadline)
        except NotOwned:
            shown = None
        if shown is None:
            return list(found.values())
        found |= {(row.subscription_id, row.a): row for row in shown.rows}
        if not shown.more:
            return list(found.values())
        page += 1


def _named(
    engine: Engine,
    application: str,
    x: str,
    ours: Sequence[Binding],
    listed: list[Standing],
    deadline: Deadline,
) -> tuple[Standing, ...]:
    """Where no list tells an id, every binding of ours is asked for by its own (AXE, AXYB)."""
    platform = engine.platforms(application)
    named: list[Standing] = []
    strangers = list(listed)
    for binding in ours:
        row = _of(engine, binding, deadline)
        if row:
            named.append(row)
        elif binding.extension and binding.state is State.ACTIVE:
            stranger = platform.standing_behind(x, binding.extension, deadline=deadline)
            strangers += [stranger] if stranger else []
    known = {(row.x, row.a, row.extension) for row in named}
    strangers = [row for row in strangers if (row.x, row.a, row.extension) not in known]
    if strangers or not listed:
        named += _ended_but_held(engine, application, x, deadline)
    known |= {(row.x, row.a, row.extension) for row in named}
    return (*named, *(row for row in strangers if (row.x, row.a, row.extension) not in known))


def _of(engine: Engine, binding: Binding, deadline: Deadline) -> Standing | None:
    if binding.subscription_id is None:
        return None
    return engine.platforms(binding.application).standing_of(binding.subscription_id, deadline=deadline)


def _ended_but_held(engine: Engine, application: str, x: str, deadline: Deadline) -> Iterable[Standing]:
    """What ended with us lately and is held all the same; the platform itself would end it later."""
    now = engine.clock()
    rows = engine.search.newest(X_INDEX, "x_key", x, limit=ENDED_LOOKED_AT, before=None)
    for binding in _read(engine, application, x, [row.binding_id for row in rows]):
        lately = binding.state is State.CLOSED and binding.updated_at > now - ENDED_FOR
        if lately and binding.platform_ends_at and binding.platform_ends_at > now:
            row = _of(engine, binding, deadline)
            if row:
                yield row


def _read(engine: Engine, application: str, x: str, binding_ids: Sequence[str]) -> Iterator[Binding]:
    items = engine.store.get_many(binding_ids)
    bindings = (from_item(items[one], engine.keyring) for one in binding_ids if one in items)
    return (binding for binding in bindings if (binding.application, binding.x) == (application, x))
