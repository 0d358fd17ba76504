"""Telling of an orphan call once, whichever of its records says so, and asking once to bind its people again.

Mark and announcement are one transaction, the message to the worker of bindings comes after it: who crashes
between the two finds his own mark when the record comes again, and sends the message that stands there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from privatenumber.calls.orphans import Found
from privatenumber.calls.telling import Telling
from privatenumber.store.orphan_marks import OrphanMark, read_mark, write_mark
from privatenumber.store.queue import Reopening, WorkQueue
from privatenumber.store.transactions import Refused, Writer
from privatenumber.times import iso


class OrphanOutcome(StrEnum):
    """What became of an orphan call; the value is the name of its metric."""

    TOLD = "OrphanCallsTold"
    REOPENED = "ReopeningsAsked"


@dataclass(frozen=True, slots=True)
class OrphansTold:
    """Tells. ``table`` is the Bills table, ``work`` the queue of those who bind."""

    writer: Writer
    table: str
    work: WorkQueue

    def tell(self, row: Mapping[str, Any], found: Found, telling: Telling) -> list[OrphanOutcome]:
        """Tell what the record ``row`` led to, unless something was told of its call before."""
        announcement = found.announcement
        mark = OrphanMark(
            announcement.application, row["pk"], row["sk"], iso(announcement.at), found.reopening
        )
        outcomes = [OrphanOutcome.TOLD]
        try:
            action = write_mark(self.table, mark, now=telling.noted.at)
            self.writer.transact([action, *telling([announcement])])
        except Refused as refused:
            if refused.found is None:
                raise
            mark, outcomes = read_mark(refused.found), []
            if mark.told_by != row["sk"]:
                return []
        telling.hint()
        if mark.reopening:
            self._ask(mark.reopening)
            outcomes.append(OrphanOutcome.REOPENED)
        return outcomes

    def _ask(self, reopening: Reopening) -> None:
        if self.work.send([reopening]).refused:
            raise RuntimeError("the queue refused a reopening")
