"""Routes of statements: months, one month in the format that is asked for, its lines and its versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from privatenumber import http_request
from privatenumber.billing.bill_rooms import BillRooms
from privatenumber.billing.tariff.reading import price_book_of
from privatenumber.http_api import Response, answer
from privatenumber.http_fields import one_of
from privatenumber.http_request import InvalidFields, Request
from privatenumber.store.versions import Version
from privatenumber.times import beijing_month

from .asking import line_cursor, line_place, month_of, months_between, number_of, read_exact
from .files import MOST_LINES, Wanted, compared, described, hand_out, made_of, wanted_file
from .problems import StatementUnknown, TooManyLines, TooMuchToRate
from .routes import Route

MOST_RATED: Final = 50_000
"""Records that are rated while somebody waits."""

_BODY_LIMIT: Final = 256 * 1024
_LIMIT: Final = 50
_MONTHS: Final = 24
_THREADS: Final = 8
_RECORDS: Final = {"calls": ("calls", "attempts"), "sms": ("sms", "messages")}
"""Tables of single records, and where a statement says how many they are."""
_LINES: Final = ("close", "usage", "rent", "share", "correction", "record")
_VALUE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,256}")
_EQUAL: Final = ("view", "application", "x", "order", "key", "mode", "item")


def list_statements(rooms: BillRooms, request: Request) -> Response:
    """GET /statements: months that have a statement, newest first; of a year unless it is said otherwise."""
    query = request.query
    until = month_of(query, "to") if "to" in query else beijing_month(request.at)
    since = month_of(query, "from") if "from" in query else _a_year_before(until)
    months = months_between(since, until)
    if not 1 <= len(months) <= _MONTHS:
        raise InvalidFields(
            ("from", f"must not be later than to, and at most {_MONTHS - 1} months before it")
        )
    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(pool.map(rooms.statements.latest, reversed(months)))
    shown = [
        {
            **described(version),
            **{name: version.document.get(name) for name in ("month", "state", "currency", "total")},
        }
        for version in found
        if version
    ]
    return answer(200, {"statements": shown})


def read_statement(rooms: BillRooms, request: Request) -> Response:
    """GET /statements/{month}: its sums as JSON, or a link for five minutes to the whole as a file."""
    query = request.query
    version = _version(rooms, request)
    wanted = wanted_file(query)
    if wanted is None:
        return answer(200, {**version.document, **described(version)})
    return answer(200, hand_out(rooms, request, version, wanted, _file(rooms, version, wanted)))


def list_lines(rooms: BillRooms, request: Request) -> Response:
    """GET /statements/{month}/lines: what is behind the sums of a statement, or of a correction, by pages."""
    query = request.query
    place = line_place(query)
    correction = number_of(query, "correction")
    if correction:
        version = rooms.corrections.version(month_of(request.path), correction)
        if version is None:
            raise StatementUnknown
    else:
        version = _version(rooms, request, place[0] if place else None)
    page = rooms.pages.page(
        version,
        _wanted(query),
        after=place[1] if place else None,
        limit=http_request.read_limit(query, _LIMIT),
    )
    return answer(
        200,
        {
            "version": version.number,
            "lines": [{**line, "id": line_cursor(version, place)} for place, line in page.lines],
            "next_cursor": line_cursor(version, page.further),
        },
    )


def list_versions(rooms: BillRooms, request: Request) -> Response:
    """GET /statements/{month}/versions: all that were ever made, the newest first."""
    month = month_of(request.path)
    versions = [
        {**described(version), **{name: version.document.get(name) for name in ("state", "total")}}
        for version in rooms.statements.versions(month)
    ]
    if not versions:
        raise StatementUnknown
    return answer(200, {"month": month, "versions": versions})


def preview(rooms: BillRooms, request: Request) -> Response:
    """POST /statements/{month}/preview: the month at other prices beside those in force; nothing is kept."""
    month, version = month_of(request.path), _version(rooms, request)
    told = version.document
    if told["calls"]["attempts"] + told["sms"]["messages"] > MOST_RATED:
        raise TooMuchToRate
    prices = price_book_of(read_exact(request, limit=_BODY_LIMIT))
    # Rating needs the books; what only hands them out does without.
    from privatenumber.billing.closing.rerating import rerate
    from privatenumber.billing.ledger import MonthTooLarge

    try:
        return answer(200, rerate(rooms.ledger(), month, prices, as_of=request.at))
    except MonthTooLarge:
        raise TooMuchToRate from None


def list_corrections(rooms: BillRooms, request: Request) -> Response:
    """GET /statements/{month}/corrections: what was booked of a closed month since, the first one first."""
    month = month_of(request.path)
    versions = reversed(list(rooms.corrections.versions(month)))
    corrections = [{**version.document, **described(version)} for version in versions]
    return answer(200, {"month": month, "corrections": corrections})


def _a_year_before(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year}-01" if number == 12 else f"{year - 1}-{number + 1:02d}"


def _version(rooms: BillRooms, request: Request, number: int | None = None) -> Version:
    month = month_of(request.path)
    number = number or number_of(request.query, "version")
    found = rooms.statements.version(month, number) if number else rooms.statements.latest(month)
    if found is None:
        raise StatementUnknown
    return found


def _file(rooms: BillRooms, version: Version, wanted: Wanted) -> tuple[str, Iterable[bytes]]:
    """A file of a statement; with the differences that the platform's bill has, once it was compared."""
    if version.lines > MOST_LINES:
        raise TooManyLines
    if wanted.format == "csv" and wanted.table in _RECORDS:
        return "text/csv; charset=utf-8", _records(rooms, version, wanted.table)
    document = {**version.document, **described(version), "lines": rooms.statements.lines(version)}
    found = rooms.findings.versions.latest(version.document["month"])
    if found is not None and version.says(found.document.get("statement", "")):
        document["reconciliation"] = compared(rooms, found)
    return made_of(document, wanted)


def _records(rooms: BillRooms, version: Version, table: str) -> Iterator[bytes]:
    """Every call or text of the month with its amount, in the layout in which details are imported."""
    from privatenumber.billing.closing.tracing import records_of_item
    from privatenumber.billing.outputs.csv_files import calls_csv, sms_csv
    from privatenumber.billing.tariff.prices import Item

    of, count = _RECORDS[table]
    if version.document[of][count] > MOST_LINES:
        raise TooManyLines
    item, made = (Item.CALL, calls_csv) if table == "calls" else (Item.SMS, sms_csv)
    return made(traced.document() for traced in records_of_item(rooms.ledger(), version, item))


def _wanted(query: Mapping[str, str]) -> Callable[[Mapping[str, Any]], bool]:
    """Which lines a query asks for: of one kind, and equal in what it names."""
    kind = one_of(query, "line", _LINES, "") if "line" in query else None
    equal = {name: query[name] for name in _EQUAL if name in query}
    for name, value in equal.items():
        if not _VALUE.fullmatch(value):
            raise InvalidFields((name, "must have 1 to 256 printable characters"))
    return lambda line: (
        (kind in (None, line["line"])) and all(_said(line, name) == value for name, value in equal.items())
    )


def _said(line: Mapping[str, Any], name: str) -> Any:
    """What a line says; a record that is there no more says what it was."""
    return line.get(name, line.get("was", {}).get(name))


ROUTES: Final[Mapping[str, Route]] = {
    "GET /statements": list_statements,
    "GET /statements/{month}": read_statement,
    "GET /statements/{month}/lines": list_lines,
    "GET /statements/{month}/versions": list_versions,
    "GET /statements/{month}/corrections": list_corrections,
    "POST /statements/{month}/preview": preview,
}
