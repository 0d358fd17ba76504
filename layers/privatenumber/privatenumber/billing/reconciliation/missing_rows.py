"""Where in the files the rows stand that only the platform has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from privatenumber.billing.reconciliation.tables import Span, Tables
from privatenumber.billing.reconciliation.workbench import Workbench
from privatenumber.billing.tariff.prices import Item


class MissingRow(NamedTuple):
    """A row: which of the files of its kind, its line, and the address of its hang-up event.

    Without an id it is the ``nth`` of the equal rows of its file: so many calls they are.
    """

    file: int
    line: int
    event: str | None
    nth: int = 1


_PLACES: Final = """
SELECT r.file, r.line, {event}, CASE WHEN r.rid IS NULL THEN (SELECT count(*) FROM {rows} q
  WHERE q.content = r.content AND q.at = r.at AND q.file = r.file AND q.n <= r.n AND q.rid IS NULL) ELSE 1 END
FROM {names} m CROSS JOIN {rows} r ON r.n = m.n
WHERE NOT EXISTS (SELECT 1 FROM {pairs} WHERE row = r.n) AND r.at >= ? AND r.at < ?
ORDER BY r.file, r.line
"""

_EVENTS: Final = {
    Item.CALL: "(SELECT e.address FROM row_ends t CROSS JOIN ended e ON e.n = t.end WHERE t.row = r.n)",
    Item.SMS: "NULL",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which missing rows somebody wants to know: the first of each kind, or of ``lines`` by kind alone."""

    most: int
    lines: Mapping[str, Collection[int]] | None = None


def missing_places(bench: Workbench, tables: Tables, span: Span, wanted: Wanted) -> Iterator[MissingRow]:
    """The missing rows of the month that are wanted."""
    lines = None if wanted.lines is None else wanted.lines.get(tables.name, ())
    bench.do(tables.sql("CREATE INDEX {rows}_content ON {rows} (content, at, file, n) WHERE rid IS NULL"))
    places = tables.sql(_PLACES, event=_EVENTS[tables.item])
    found = (MissingRow(*row) for row in bench.ask(places, span.since, span.until))
    return islice((row for row in found if lines is None or row.line in lines), wanted.most)
