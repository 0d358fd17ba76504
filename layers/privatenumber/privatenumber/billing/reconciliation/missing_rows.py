"""Where in the files the rows stand that only the platform has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from privatenumber.billing.reconciliation.call_checks import Span
from privatenumber.billing.reconciliation.workbench import Workbench


class MissingRow(NamedTuple):
    """A row: which of the files of its kind, its line, and the address of its hang-up event."""

    file: int
    line: int
    event: str | None


CALL_PLACES: Final = """
SELECT r.file, r.line, e.address FROM row_names m CROSS JOIN rows r ON r.n = m.n
  LEFT JOIN row_ends t ON t.row = r.n LEFT JOIN ended e ON e.n = t.end
WHERE NOT EXISTS (SELECT 1 FROM pairs WHERE row = r.n) AND r.at >= ? AND r.at < ?
ORDER BY r.file, r.line LIMIT ?
"""

SMS_PLACES: Final = """
SELECT r.file, r.line, NULL FROM sms_names m CROSS JOIN sms_rows r ON r.n = m.n
WHERE NOT EXISTS (SELECT 1 FROM sms_pairs WHERE row = r.n) AND r.at >= ? AND r.at < ?
ORDER BY r.file, r.line LIMIT ?
"""


def missing_places(bench: Workbench, places: str, span: Span, most: int) -> Iterator[MissingRow]:
    """The first missing rows of the month."""
    return (MissingRow(*row) for row in bench.ask(places, span.since, span.until, most))
