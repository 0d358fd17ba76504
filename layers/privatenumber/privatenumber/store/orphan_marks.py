"""That an orphan call was told, and what followed from it: one row beside its facts, in the Bills table.

``CALL#<app>#<session token>`` / ``ORPHAN``. Event and CDR of a call both say that it is an orphan; what the
first of them led to counts, for it changes what the next would find.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from privatenumber.store.items import encode
from privatenumber.store.queue import Reopening
from privatenumber.store.transactions import Action

KIND: Final = "orphan"
ROW: Final = "ORPHAN"
KEPT: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class OrphanMark:
    """What was told of an orphan call.

    ``call`` is the partition of its facts, ``told_by`` the sort key of the one that told, ``at`` when the
    call was. ``reopening`` is what was asked for then.
    """

    application: str
    call: str
    told_by: str
    at: str
    reopening: Reopening | None = None


def write_mark(table: str, mark: OrphanMark, *, now: datetime) -> Action:
    """Put the mark of a call that has none."""
    item = {
        "pk": mark.call,
        "sk": ROW,
        "kind": KIND,
        "application": mark.application,
        "told_by": mark.told_by,
        "at": mark.at,
        "expires_at": int((now + KEPT).timestamp()),
    }
    if mark.reopening:
        item["reopening"] = mark.reopening.to_body()
    put = {"TableName": table, "Item": encode(item), "ConditionExpression": "attribute_not_exists(pk)"}
    return Action("orphan", {"Put": put})


def read_mark(item: Mapping[str, Any]) -> OrphanMark:
    """The mark from a decoded row."""
    body = item.get("reopening")
    reopening = Reopening.from_body(body) if body else None
    return OrphanMark(item["application"], item["pk"], item["told_by"], item["at"], reopening)
