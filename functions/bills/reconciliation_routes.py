"""Routes of reconciliations: bring a file, ask for a comparison, look what it found and say what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from privatenumber import http_request
from privatenumber.billing.bill_rooms import BillRooms
from privatenumber.billing.reconciliation.findings import SAID, Finding, NoSuchDifference, Said
from privatenumber.billing.reconciliation.requested import FILES, NoSuchRun, NotCompared, RunRequest
from privatenumber.http_api import Response, answer
from privatenumber.http_fields import cursor_of, one_of, only, place_of, read_actor
from privatenumber.http_request import InvalidFields, Request
from privatenumber.numbers_in_text import holds_number
from privatenumber.store.differences import DifferenceState, Handling
from privatenumber.store.files import MAX_STREAMED_BYTES, FileMissing
from privatenumber.store.reconciliation_runs import ReconciliationRun
from privatenumber.times import iso

from .asking import idempotency_key, month_of, text_of
from .files import compared, hand_out, made_of, wanted_file
from .routes import Route

LINK_S: Final = 900
"""How long a link works by which a file is put: the largest takes some minutes."""

_LIMIT: Final = 50
_MOST_LINES: Final = 1000
_DETAILS: Final = ("calls", "sms")
_BODY_LIMIT: Final = 64 * 1024
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_KEY: Final = re.compile(r"(?:uploads|imports)/[A-Za-z0-9._=/-]{1,200}", re.ASCII)
_DIFFERENCE: Final = re.compile(r"[0-9a-f]{24}(?:-[0-9]{1,6})?", re.ASCII)
_SKIPPED: Final = re.compile(r"[0-9]{1,7}", re.ASCII)
_WORDS: Final = re.compile(r"[^\x00-\x1f\x7f]{1,500}")
_ENDINGS: Final = ("csv", "xlsx")


def begin_upload(rooms: BillRooms, request: Request) -> Response:
    """POST /uploads: a link to put one file of this size and SHA-256; the same file has the same key."""
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    only(body, "month", "layout", "sha256", "bytes", "format")
    month, layout = month_of(body), one_of(body, "layout", FILES, "")
    sha256 = text_of(body, "sha256", _SHA256, "must be the SHA-256 of the file in 64 hex digits")
    ending, size = one_of(body, "format", _ENDINGS, "csv"), body.get("bytes")
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_STREAMED_BYTES:
        raise InvalidFields(("bytes", f"must be the size of the file, at most {MAX_STREAMED_BYTES}"))
    key = f"uploads/{month}/{layout}-{sha256}.{ending}"
    link = rooms.uploads.link(key, size=size, sha256=sha256, seconds=LINK_S)
    return answer(
        201,
        {
            "key": key,
            "method": "PUT",
            "url": link.url,
            "headers": dict(link.headers),
            "url_until": iso(request.at + timedelta(seconds=LINK_S)),
        },
    )


def ask_for_reconciliation(rooms: BillRooms, request: Request) -> Response:
    """POST /reconciliations: 202, also for the same Idempotency-Key again; a worker compares."""
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    only(body, "month", "files", "mappings")
    wanted = RunRequest(month_of(body), _files(body), _mappings(rooms, body), read_actor(request))
    for name, key in wanted.files.items():
        try:
            rooms.files.find(key)
        except FileMissing:
            raise InvalidFields((f"files.{name}", "is not in the exchange bucket")) from None
    run, new = rooms.reconciliations.request(wanted, key=idempotency_key(request), now=request.at)
    headers = {"location": f"/reconciliations/{run.id}"} | ({} if new else {"idempotent-replay": "true"})
    return answer(202, run_view(run), headers)


def import_rows(rooms: BillRooms, request: Request) -> Response:
    """POST /reconciliations/{reconciliation}/imports: 202; rows whose push never came become records."""
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    only(body, "lines")
    of = _run(rooms, request)
    run, new = rooms.reconciliations.request_import(
        of,
        _lines(body, of),
        by=read_actor(request),
        key=idempotency_key(request),
        now=request.at,
    )
    headers = {"location": f"/reconciliations/{run.id}"} | ({} if new else {"idempotent-replay": "true"})
    return answer(202, run_view(run), headers)


def list_reconciliations(rooms: BillRooms, request: Request) -> Response:
    """GET /reconciliations: those of a month, the newest first."""
    runs = rooms.runs.of_month(month_of(request.query))
    return answer(200, {"reconciliations": [run_view(run) for run in runs[: http_request.PAGE_LIMIT]]})


def read_reconciliation(rooms: BillRooms, request: Request) -> Response:
    """GET /reconciliations/{reconciliation}: sums and differences page by page, or all as a file."""
    query = request.query
    run = _run(rooms, request)
    place = place_of(http_request.read_cursor(query), _SKIPPED)
    version = rooms.findings.version(run)
    wanted = wanted_file(query)
    if wanted is not None:
        if version is None:
            raise NotCompared
        made = made_of(compared(rooms, version), wanted)
        return answer(200, hand_out(rooms, request, version, wanted, made))
    found, further = rooms.findings.page(
        run, after=int(place[0]) if place else 0, limit=http_request.read_limit(query, _LIMIT)
    )
    return answer(
        200,
        {
            **run_view(run),
            "found": version and dict(version.document),
            "differences": [finding_view(each) for each in found],
            "next_cursor": cursor_of(None if further is None else str(further)),
        },
    )


def handle_difference(rooms: BillRooms, request: Request) -> Response:
    """PATCH /reconciliations/{reconciliation}/differences/{difference}: state, note, owner."""
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    only(body, "state", "note", "owner")
    if not body:
        raise InvalidFields(("body", "must have one of the fields state, note, owner"))
    run, difference = _run(rooms, request), request.path.get("difference", "")
    if not _DIFFERENCE.fullmatch(difference):
        raise NoSuchDifference
    state = one_of(body, "state", SAID, "") if "state" in body else None
    said = Said(
        by=read_actor(request),
        state=DifferenceState(state) if state else None,
        note=_words(body, "note"),
        owner=_words(body, "owner"),
    )
    if said.state not in (None, DifferenceState.OPEN) and said.note is None:
        raise InvalidFields(("note", f"must say why it is {said.state}"))
    found = rooms.findings.find(run.id, difference)
    handling = rooms.findings.say(found, said, now=request.at)
    return answer(200, finding_view(Finding(difference, found.line, handling)))


def run_view(run: ReconciliationRun) -> dict[str, Any]:
    """Show a run and how far it has come."""
    return {
        "id": run.id,
        "month": run.month,
        "files": dict(run.files),
        "state": run.state.value,
        "result": run.result,
        "problem": run.problem,
        "version": run.number,
        "hash": run.hash,
        "imports_of": run.imports_of,
        "outcome": run.outcome and dict(run.outcome),
        "requested_by": run.requested_by,
        "requested_at": iso(run.requested_at),
        "finished_at": run.finished_at and iso(run.finished_at),
    }


def finding_view(finding: Finding) -> dict[str, Any]:
    """Show a difference and what was made of it."""
    handling: Handling = finding.handling
    said = {name: value for name, value in finding.line.items() if name != "line"}
    return {
        **said,
        "id": finding.id,
        "state": handling.state.value,
        "note": handling.note,
        "owner": handling.owner,
        "dispute": handling.dispute,
        "by": handling.by,
        "changed_at": handling.changed_at and iso(handling.changed_at),
    }


def _run(rooms: BillRooms, request: Request) -> ReconciliationRun:
    run = rooms.runs.get(request.path.get("reconciliation", ""))
    if run is None:
        raise NoSuchRun
    return run


def _lines(body: Mapping[str, Any], of: ReconciliationRun) -> dict[str, tuple[int, ...]] | None:
    """Lines that are chosen of each file."""
    chosen = body.get("lines")
    if chosen is None:
        return None
    if not isinstance(chosen, dict) or not chosen:
        raise InvalidFields(("lines", f"must have lists of lines under {', '.join(_DETAILS)}"))
    for name, lines in chosen.items():
        if name not in _DETAILS or name not in of.files:
            raise InvalidFields(("lines", f"may have {', '.join(_DETAILS)} where the comparison has a file"))
        if not _are_lines(lines):
            raise InvalidFields((f"lines.{name}", f"must be 1 to {_MOST_LINES} numbers of lines of the file"))
    return {name: tuple(sorted(set(lines))) for name, lines in chosen.items()}


def _are_lines(lines: object) -> bool:
    return (
        isinstance(lines, list)
        and 0 < len(lines) <= _MOST_LINES
        and all(isinstance(line, int) and not isinstance(line, bool) and 0 < line < 10**9 for line in lines)
    )


def _files(body: Mapping[str, Any]) -> Mapping[str, str]:
    files = body.get("files")
    if not isinstance(files, dict) or not files or any(name not in FILES for name in files):
        raise InvalidFields(("files", f"must have keys of the bucket under {', '.join(FILES)}"))
    for name in files:
        text_of(files, name, _KEY, "must be a key that POST /uploads has answered, or one below imports/")
    return {str(name): str(key) for name, key in files.items()}


def _mappings(rooms: BillRooms, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    mappings = body.get("mappings")
    if mappings is None:
        return None
    if not isinstance(mappings, dict):
        raise InvalidFields(("mappings", "must be an object of column mappings"))
    from privatenumber.billing.reconciliation.layouts import LayoutError
    from privatenumber.billing.reconciliation.mappings import configured_layouts, mapped_layouts

    try:
        mapped_layouts(mappings, configured_layouts(rooms.settings.import_layouts or ""))
    except LayoutError as error:
        raise InvalidFields(("mappings", str(error))) from None
    return mappings


def _words(body: Mapping[str, Any], name: str) -> str | None:
    text = body.get(name)
    if text is None:
        return None
    if not isinstance(text, str) or not _WORDS.fullmatch(text) or holds_number(text):
        raise InvalidFields((name, "must have 1 to 500 printable characters and no phone number"))
    return text


ROUTES: Final[Mapping[str, Route]] = {
    "POST /uploads": begin_upload,
    "POST /reconciliations": ask_for_reconciliation,
    "GET /reconciliations": list_reconciliations,
    "GET /reconciliations/{reconciliation}": read_reconciliation,
    "POST /reconciliations/{reconciliation}/imports": import_rows,
    "PATCH /reconciliations/{reconciliation}/differences/{difference}": handle_difference,
}
