"""Statements and reconciliations as files, each behind a link that works for five minutes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from privatenumber.billing.bill_rooms import BillRooms
from privatenumber.http_fields import one_of
from privatenumber.http_request import InvalidFields, Request
from privatenumber.store.versions import Version
from privatenumber.times import iso

from .problems import TooManyLines

LINK_S: Final = 300
MOST_LINES: Final = 100_000
"""Lines that a file is made of while somebody waits; more are read page by page."""

_JSON: Final = "json"
_FORMATS: Final = (_JSON, "csv", "xlsx", "html", "pdf", "txt", "focus")
_ENDINGS: Final = {"focus": "focus.csv"}
_LANGUAGES: Final = ("en", "zh")
_TABLE: Final = re.compile(r"[a-z_]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file as somebody asks for it; ``table``: of CSV, which one."""

    format: str
    language: str
    table: str | None

    @property
    def ending(self) -> str:
        """What its name ends with."""
        ending = _ENDINGS.get(self.format, self.format)
        return ".".join(part for part in (self.table, self.language, ending) if part)


def wanted_file(query: Mapping[str, str]) -> Wanted | None:
    """The file that a query asks for; None for JSON. Raises InvalidFields."""
    form, language = one_of(query, "format", _FORMATS, _JSON), one_of(query, "language", _LANGUAGES, "en")
    table = query.get("table")
    if table is not None and not _TABLE.fullmatch(table):
        raise InvalidFields(("table", "must be the name of a table"))
    return None if form == _JSON else Wanted(form, language, table)


def made_of(document: Mapping[str, Any], wanted: Wanted) -> tuple[str, Iterable[bytes]]:
    """Media type and content of a document's file. Raises CannotRender."""
    from privatenumber.billing.outputs.formats import Format, render
    from privatenumber.billing.outputs.texts import Language

    return render(document, Format(wanted.format), Language(wanted.language), table=wanted.table)


def hand_out(
    rooms: BillRooms, request: Request, version: Version, wanted: Wanted, made: tuple[str, Iterable[bytes]]
) -> dict[str, Any]:
    """Put a file of a version into the exchange bucket; where it is, as JSON."""
    month, kind = version.document["month"], version.document["kind"]
    name = f"{kind}-{month}-v{version.number}.{wanted.ending}"
    key = f"statements/{month}/{version.content[:16]}/{name}"
    media_type, pieces = made
    body = b"".join(pieces)
    rooms.handed_out.put(key, body, media_type=media_type)
    return {
        "month": month,
        **described(version),
        "format": wanted.format,
        "language": wanted.language,
        "bytes": len(body),
        "url": rooms.handed_out.link(key, name=name, seconds=LINK_S),
        "url_until": iso(request.at + timedelta(seconds=LINK_S)),
    }


def compared(rooms: BillRooms, version: Version) -> dict[str, Any]:
    """A reconciliation with its differences as they are handled now. Raises TooManyLines."""
    if version.lines > MOST_LINES:
        raise TooManyLines
    return {**rooms.findings.shown(version), **described(version)}


def described(version: Version) -> dict[str, Any]:
    """Which version something is."""
    return {
        "version": version.number,
        "hash": version.hash,
        "made_at": iso(version.made_at),
        "line_count": version.lines,
    }
