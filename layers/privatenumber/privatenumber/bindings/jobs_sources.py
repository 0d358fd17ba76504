"""Where the items of a job come from: a list, a file, or a walk through what lives; each can be gone on with.

A walk reads indexes, which are a moment behind; a person's places are read as they are. What a walk finds is
looked at again when its turn comes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from privatenumber.bindings.engine import Engine
from privatenumber.bindings.model import Party, State
from privatenumber.store.binding_keys import (
    A_INDEX,
    B_INDEX,
    DUE_SHARDS,
    LIVE_INDEX,
    party_index_key,
)
from privatenumber.store.binding_search import DueRow, Position
from privatenumber.store.jobs import ROWS_PER_WRITE
from privatenumber.times import iso

_FINAL: Final = frozenset({State.CLOSED, State.FAILED})


@dataclass(frozen=True, slots=True)
class Batch:
    """Some items as JSON texts, at most `ROWS_PER_WRITE`, and where to go on (None: that was the last)."""

    items: tuple[str, ...]
    cursor: str | None


class Source(Protocol):
    """Gives the items of a job piece by piece."""

    def after(self, cursor: str | None) -> Batch:
        """Give the items behind a cursor; None: from the start."""
        ...


class SourceChanged(Exception):
    """The list is another than the one that was begun with."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Items that are all there; the cursor counts them and carries the mark of the list."""

    items: Sequence[str]
    mark: str = ""

    def after(self, cursor: str | None) -> Batch:
        """See `Source`; raises SourceChanged."""
        start, mark = json.loads(cursor) if cursor else (0, self.mark)
        if mark != self.mark:
            raise SourceChanged
        end = start + ROWS_PER_WRITE
        more = end < len(self.items)
        return Batch(tuple(self.items[start:end]), json.dumps([end, mark]) if more else None)


@dataclass(frozen=True, slots=True)
class OnX:
    """What lives on an X, in one application."""

    engine: Engine
    application: str
    x: str

    def after(self, cursor: str | None) -> Batch:
        """See `Source`."""
        rows, further = _newest(self.engine, LIVE_INDEX, "live_key", self.x, cursor)
        found = _living(self.engine, rows, self.application)
        return Batch(_named(one for one, item in found if item["x"] == self.x), further)


@dataclass(frozen=True, slots=True)
class MadeBefore:
    """What lives in an application and was made before a moment."""

    engine: Engine
    application: str
    moment: datetime

    def after(self, cursor: str | None) -> Batch:
        """See `Source`."""
        shard, last = json.loads(cursor) if cursor else (0, None)
        rows = self.engine.search.living(shard, limit=ROWS_PER_WRITE, after=DueRow(*last) if last else None)
        ids = [row.binding_id for row in rows]
        found = _living(self.engine, ids, self.application)
        items = _named(one for one, item in found if item["created_at"] < iso(self.moment))
        if len(rows) == ROWS_PER_WRITE:
            return Batch(items, json.dumps([shard, [rows[-1].binding_id, rows[-1].due_at]]))
        return Batch(items, json.dumps([shard + 1, None]) if shard + 1 < DUE_SHARDS else None)


@dataclass(frozen=True, slots=True)
class OfPerson:
    """Where a person stands: by his places first, then by the indexes what holds none on its X (axyb.md §1).

    A partner of an AXYB binding is found when he was the first to come.
    """

    engine: Engine
    application: str
    person: Party

    def after(self, cursor: str | None) -> Batch:
        """See `Source`."""
        stage, last = json.loads(cursor) if cursor else ["places", None]
        if stage == "places":
            return self._places(last)
        index, name = (A_INDEX, "a_key") if stage == "a" else (B_INDEX, "b_key")
        key = party_index_key(self.application, self.person.token)
        rows, further = _newest(self.engine, index, name, key, last)
        standing = set(self.engine.store.standing(self.application, self.person.token).values())
        found = _living(self.engine, [one for one in rows if one not in standing], self.application)
        following = json.dumps(["b", None]) if stage == "a" else None
        return Batch(_named(one for one, _ in found), json.dumps([stage, further]) if further else following)

    def _places(self, last: str | None) -> Batch:
        standing = self.engine.store.standing(self.application, self.person.token)
        ahead = sorted(x for x in standing if last is None or x > last)
        part = ahead[:ROWS_PER_WRITE]
        more = len(ahead) > len(part)
        return Batch(
            _named(dict.fromkeys(standing[x] for x in part)),
            json.dumps(["places", part[-1]] if more else ["a", None]),
        )


def _newest(
    engine: Engine, index: str, name: str, key: str, cursor: str | None
) -> tuple[list[str], str | None]:
    """Ids of one page of an index, and where the next begins."""
    before = Position(*json.loads(cursor)) if cursor else None
    rows = engine.search.newest(index, name, key, limit=ROWS_PER_WRITE, before=before)
    end = rows[-1] if len(rows) == ROWS_PER_WRITE else None
    return [row.binding_id for row in rows], json.dumps([end.created_at, end.binding_id]) if end else None


def _living(engine: Engine, ids: Sequence[str], application: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Those of some bindings that belong to the application and are not over."""
    items = engine.store.get_many(ids, consistent=True)
    for one in ids:
        item = items.get(one)
        if item and item["application"] == application and item["state"] not in _FINAL:
            yield one, item


def _named(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(json.dumps({"binding_id": one}) for one in ids)
