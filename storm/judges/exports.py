"""A file that somebody asked for is there, whole, and says what the rows say."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from privatenumber.times import beijing_day, from_iso
from storm.exporters import Wanted
from storm.judges.statistics import last_told
from storm.judges.verdict import Verdict
from storm.tables import Key

Row = Mapping[str, Any]
Line = Mapping[str, str]

_BEHIND: Final = timedelta(hours=1)
"""What came so shortly before somebody asked need not be in the rows yet."""

_AT_LAST: Final = timedelta(seconds=10)
"""When nothing is wrong the rows are a second behind what was told."""


@dataclass(frozen=True, slots=True)
class _Form:
    """Rows of a kind: their sort key, what names them, their moment, and columns by attribute of the row."""

    sk: str
    identity: str
    moment: str
    column: str
    columns: Mapping[str, str]


_FORMS: Final[Mapping[str, _Form]] = {
    "calls": _Form(
        "CALL", "call", "started_at", "call",
        {"state": "state", "talk_seconds": "duration_s", "order": "order", "x": "x_number"},
    ),
    "messages": _Form(
        "MESSAGE", "message", "at", "sms",
        {"state": "state", "send_result": "result", "order": "order", "parts": "parts"},
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Known:
    """A row: its day, when the last thing of it came, and how a line shows it."""

    day: date
    told_at: datetime
    line: Line


def judge_exports(
    wanted: Iterable[Wanted], rows: Mapping[Key, Row], content: Callable[[str], bytes | None]
) -> Verdict:
    """``rows`` are those of the Bills table at the end, ``content`` opens a file by its key.

    What changed after a file was asked for, or so shortly before that the row may have been behind, may be in
    it as it was, twice, or not at all. When the last ones were asked for no fault kept a row behind any more.
    """
    verdict = Verdict(
        "exports",
        "each file that was asked for came to its end, and says once of each call and SMS what is known",
    )
    told_at = last_told(rows)
    known = {kind: _known(rows, form, told_at) for kind, form in _FORMS.items()}
    lines = 0
    for one in wanted:
        verdict.judged += 1
        body = content(one.file) if one.last.get("state") == "done" else None
        if body is None:
            state = one.last.get("state") if one.id else "never taken"
            verdict.broken(f"{one} is {state}, and there is no file", [str(one.last)], one.asked_at)
            continue
        told = list(_lines(one, body))
        lines += len(told)
        if (one.last["rows"], one.last["bytes"]) != (len(told), len(body)):
            verdict.broken(f"{one} has {len(told)} lines, and other ones are told", at=one.asked_at)
        for wrong in _wrong(one, told, known[one.kind].get(one.application, {})):
            verdict.broken(f"{one}: {wrong}", at=one.asked_at)
    verdict.figures = {"lines": str(lines)}
    return verdict


def _known(
    rows: Mapping[Key, Row], form: _Form, told_at: Mapping[str, datetime]
) -> dict[str, dict[str, _Known]]:
    """The rows of a form by application and name."""
    found: dict[str, dict[str, _Known]] = {}
    for (pk, sk), row in rows.items():
        if sk == form.sk and pk in told_at:
            line = {column: _shown(row.get(name)) for name, column in form.columns.items()}
            day = beijing_day(from_iso(row[form.moment]))
            of_application = found.setdefault(str(row["application"]), {})
            of_application[str(row[form.identity])] = _Known(day, told_at[pk], line)
    return found


def _wrong(one: Wanted, told: Iterable[Line], known: Mapping[str, _Known]) -> Iterator[str]:
    form = _FORMS[one.kind]
    latest = one.asked_at - (_AT_LAST if one.whole else _BEHIND)
    settled = {name: row for name, row in known.items() if row.told_at <= latest}
    times: Counter[str] = Counter()
    for line in told:
        name = line[form.column]
        times[name] += 1
        if name not in known:
            yield f"{name} is in it, and nothing is known of it"
        elif name in settled:
            shown = {column: line[column] for column in form.columns.values()}
            if shown != settled[name].line:
                yield f"{name} is shown as {shown}, its row says {settled[name].line}"
    for name, row in settled.items():
        wanted = int(one.since <= row.day <= one.until)
        if times[name] != wanted:
            yield f"{name} of {row.day} is in it {times[name]} times, and not {wanted}"


def _lines(one: Wanted, body: bytes) -> Iterator[Line]:
    text = body.decode("utf-8-sig")
    if one.format == "csv":
        for row in csv.DictReader(io.StringIO(text, newline="")):
            # An apostrophe keeps a spreadsheet from reading a number as a formula.
            yield {name: value.removeprefix("'") for name, value in row.items()}
        return
    for line in text.splitlines():
        yield {name: _shown(value) for name, value in json.loads(line).items()}


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
