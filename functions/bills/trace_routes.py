"""Routes from an amount to its records and back (billing-rules.md §9.3: every figure traceable)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from privatenumber import http_request
from privatenumber.billing.bill_rooms import BillRooms
from privatenumber.http_api import Response, answer
from privatenumber.http_fields import cursor_of, place_of
from privatenumber.http_request import InvalidFields, Request
from privatenumber.store.versions import Version

from .asking import PLACE, month_of, place_in_lines
from .problems import RecordUnknown, StatementUnknown
from .routes import Route

if TYPE_CHECKING:
    from privatenumber.billing.closing.tracing import Traced

_LIMIT: Final = 50
_SKIPPED: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
#: Partition key, ``/``, sort key, neither of them empty.
_FACT: Final = re.compile(r"(?:CALL|SMS)#[\x21-\x2e\x30-\x7e]{1,400}/[\x21-\x7e]{1,500}")


def list_records(rooms: BillRooms, request: Request) -> Response:
    """GET /statements/{month}/records: the rated records behind a line that GET …/lines has shown."""
    query = request.query
    found = place_of(query.get("line"), PLACE, name="line")
    if found is None:
        raise InvalidFields(("line", "is required: the id of a usage or share line"))
    number, place = place_in_lines(found)
    version = rooms.statements.version(month_of(request.path), number)
    if version is None:
        raise StatementUnknown
    skipped = place_of(http_request.read_cursor(query), _SKIPPED)
    first, limit = int(skipped[0]) if skipped else 0, http_request.read_limit(query, _LIMIT)
    records = _records(rooms, version, rooms.pages.line(version, place))
    # One more than is shown says whether there is a next page.
    shown = list(islice(records, first, first + limit + 1))
    more = cursor_of(str(first + limit)) if len(shown) > limit else None
    return answer(200, {"records": [each.document() for each in shown[:limit]], "next_cursor": more})


def find_record(rooms: BillRooms, request: Request) -> Response:
    """GET /records: the line of a fact, the row it belongs to, and the statements that were made with it."""
    fact = request.query.get("fact", "")
    if not _FACT.fullmatch(fact):
        raise InvalidFields(("fact", "must be the address of a record, as lines and differences name it"))
    from privatenumber.billing.closing import tracing

    found = tracing.find_record(rooms.ledger(), fact)
    if found is None:
        raise RecordUnknown
    return answer(200, found.document())


def _records(rooms: BillRooms, version: Version, line: Mapping[str, Any]) -> Iterator[Traced]:
    from privatenumber.billing.closing import tracing
    from privatenumber.billing.closing.costs import View

    if line["line"] == "usage":
        return tracing.records_of_row(rooms.ledger(), version, line)
    if line["line"] == "share":
        return tracing.records_of_share(rooms.ledger(), version, View(line["view"]), line["key"])
    raise InvalidFields(("line", "must be a usage or a share: others have no records of calls or texts"))


ROUTES: Final[Mapping[str, Route]] = {
    "GET /statements/{month}/records": list_records,
    "GET /records": find_record,
}
