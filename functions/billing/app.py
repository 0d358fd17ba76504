"""Rates calls every hour, closes days, states months, reconciles, plans; invoked by schedule or directly.

Event: ``{"action": "rate"}``, ``{"action": "plan"}``, ``{"action": "close", "day"?}``,
``{"action": "begin", "month"?}`` and ``{"action": "sweep"}`` for closes that many workers share (`parts`),
``{"action": "correct", "month"?}``,
``{"action": "statement", "month"?}``, ``{"action": "rerate", "month"?, "prices": <price book>}`` or
``{"action": "reconcile", "month"?, "calls": <key>, "bill": <key>, "mappings"?}`` (also ``sms``, ``stats``,
``quota`` and ``numbers``; of ``calls`` and ``sms`` perhaps a list of keys) or
``{"action": "import", "month"?, "calls"?, "sms"?, "lines"? {"calls"?: [...], "sms"?: [...]}, "by"?,
"mappings"?}``, each with ``as_of`` or
``scheduled_time`` (UTC) where time is to be moved forward. Days are ``yyyy-MM-dd``, months ``yyyy-MM``, in
Beijing time. The answer is a JSON document without any person's number. What will never work as it was asked
is answered ``{"kind": "refused", "detail": ...}``; what may work the next time raises, to be tried again.
What only one action needs is imported by it: those of every hour need little.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.billing.bootstrap import Rooms
from privatenumber.billing.closing import corrections, daily, rerating, runs
from privatenumber.billing.closing.fan_out import due_runs, run_of
from privatenumber.billing.ledger import Ledger
from privatenumber.billing.refusals import refusals
from privatenumber.settings import Settings
from privatenumber.telemetry import get_logger, get_metrics
from privatenumber.times import beijing_month, moved_forward, utc_now

Event = Mapping[str, Any]
Document = dict[str, Any]
Books = Callable[[], Ledger]
"""Opens the books; not every run needs them."""

_MONTH: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])", re.ASCII)

logger = get_logger("billing")
metrics = get_metrics("billing")


@cache
def rooms() -> Rooms:
    """Compose the books once per environment, at the first run."""
    return Rooms(Settings.from_environment(os.environ))


def handler(event: Event, context: object) -> Document:
    """Do one run and return its document."""
    action = str(event.get("action"))
    try:
        document = _run(action)(rooms().ledger, event, _as_of(event))
    except refusals() as error:
        document = {"kind": "refused", "detail": str(error)}
        logger.error("refused", extra={"action": action, "detail": str(error)})
        _count("RunsRefused", 1)
    else:
        logger.info("done", extra={"action": action, **_measured(document)})
        _count("RunsDone", 1)
    metrics.flush_metrics()
    return document


def rate(books: Books, event: Event, as_of: datetime) -> Document:
    """Running totals of today and yesterday."""
    return runs.rate(books(), as_of=as_of)


def close(books: Books, event: Event, as_of: datetime) -> Document:
    """Close one day, or the days and months that are due and what decisions of disputes book."""
    ledger, day = books(), _day(event)
    document = daily.close(ledger, day, as_of=as_of)
    if day is None:
        document["adjustments"] = _adjustments(ledger, as_of)
    return document


def statement(books: Books, event: Event, as_of: datetime) -> Document:
    """The statement of a month, this one when none is named."""
    return runs.statement(books(), _month(event, as_of), as_of=as_of)


def reconcile(books: Books, event: Event, as_of: datetime) -> Document:
    """Compare a month with the platform's files."""
    from privatenumber.billing.reconciliation import run as reconciliation

    return reconciliation.reconcile_month(
        books(),
        _month(event, as_of),
        files=_files(event),
        as_of=as_of,
        mappings=event.get("mappings"),
    )


def plan(books: Books, event: Event, as_of: datetime) -> Document:
    """What is to come: rents and returns, packages, spending, complaints."""
    from privatenumber.billing.planning.bootstrap import compose_planner

    return compose_planner(Settings.from_environment(os.environ), books(), as_of).plan()


def rerate(books: Books, event: Event, as_of: datetime) -> Document:
    """A month at other prices beside those in force; amounts are texts, nothing is kept."""
    from privatenumber.billing.tariff.reading import price_book_of

    return rerating.rerate(books(), _month(event, as_of), price_book_of(event.get("prices")), as_of=as_of)


def begin(books: Books, event: Event, as_of: datetime) -> Document:
    """Begin what is due, or all days of one month; workers do it."""
    ledger, now = books(), utc_now()
    if event.get("month"):
        wanted = [run_of(ledger, _month(event, as_of), as_of=as_of, now=now)]
    else:
        wanted = due_runs(ledger, as_of=as_of, now=now)
    shared = rooms().fan_out()
    begun = [shared.begin(run) for run in wanted]
    document: Document = {
        "kind": "begin",
        "runs": [{"run": run.id, "month": run.month, "days": len(run.open)} for run in begun],
    }
    if not event.get("month"):
        document["adjustments"] = _adjustments(ledger, as_of)
    return document


def sweep(books: Books, event: Event, as_of: datetime) -> Document:
    """Send again what is left of shared closes that should be over; say what waits too long, or for a price.

    No books are opened for it.
    """
    return {
        "kind": "sweep",
        "sent": rooms().fan_out().sweep(now=as_of),
        "late_months": daily.late_months(rooms().looks, now=as_of),
        "unpriced_minutes": daily.unpriced_minutes(rooms().statements, as_of=as_of),
    }


def correct(books: Books, event: Event, as_of: datetime) -> Document:
    """Book what has changed in a closed month, last month when none is named."""
    month = _month(event, as_of) if event.get("month") else runs.last_month(as_of)
    return corrections.correct(books(), month, as_of=as_of)


def import_rows(books: Books, event: Event, as_of: datetime) -> Document:
    """Import rows of detail exports whose push never came."""
    from privatenumber.billing.reconciliation.import_missing import import_missing

    files = {name: _keys(event, name) for name in _PARTED if event.get(name) is not None}
    if not files:
        raise runs.BillingRequestError("calls or sms: the key of a file in the exchange bucket is expected")
    return import_missing(
        books(),
        _month(event, as_of),
        files=files,
        as_of=as_of,
        by=str(event.get("by") or "direct"),
        mappings=event.get("mappings"),
        lines=_lines(event),
    )


def _adjustments(ledger: Ledger, as_of: datetime) -> list[Document]:
    """What decisions of disputes book."""
    from privatenumber.billing.disputes.booking import book_decisions

    return book_decisions(ledger, rooms().disputes, as_of=as_of)


_NEEDED: Final = ("calls", "bill")
_PARTED: Final = ("calls", "sms")

_ACTIONS: Final[Mapping[str, Callable[[Books, Event, datetime], Document]]] = {
    "rate": rate,
    "close": close,
    "begin": begin,
    "sweep": sweep,
    "correct": correct,
    "statement": statement,
    "reconcile": reconcile,
    "import": import_rows,
    "plan": plan,
    "rerate": rerate,
}


def _run(action: str) -> Callable[[Books, Event, datetime], Document]:
    if action not in _ACTIONS:
        raise runs.BillingRequestError(f"action: one of {', '.join(_ACTIONS)} is expected")
    return _ACTIONS[action]


def _measured(document: Document) -> Document:
    """What is worth a metric and a word in the log: counts and results, no document."""
    measured: Document = {name: document[name] for name in ("month", "version", "result") if name in document}
    if document["kind"] == "reconciliation":
        from privatenumber.billing.reconciliation import run as reconciliation

        for name, count in reconciliation.measures(document).items():
            _count(name, count)
        measured["differences"] = document["difference_count"]
    if document["kind"] in ("rate", "close"):
        measured["days"] = len(document["days"])
    for month in document.get("refused", ()):
        logger.error("refused", extra={"action": document["kind"], **month})
        _count("RunsRefused", 1)
    _count_refused(document.get("adjustments", ()))
    if document["kind"] == "sweep":
        _count("ClosesSentAgain", document["sent"])
        _count("LateMonths", document["late_months"])
        _count("UnpricedMinutes", document["unpriced_minutes"])
    if document["kind"] == "correction":
        _count("CorrectionsBooked", int(document["changed"]))
    if document["kind"] == "close":
        _count("CorrectionsBooked", document.get("corrections", 0))
    if document["kind"] == "plan":
        from privatenumber.billing.planning.run import measures

        for name, value in measures(document).items():
            _count(name, value)
            measured[name] = value
    return measured


def _count_refused(adjustments: Iterable[Document]) -> None:
    """Adjustments of months that nobody corrects any more; the room that refused them has told each."""
    refused = sum(each["kind"] == "refused" for each in adjustments)
    if refused:
        _count("RunsRefused", refused)


def _count(name: str, value: float) -> None:
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def _as_of(event: Event) -> datetime:
    """The moment the run is for: now, or later when the event says so."""
    text = event.get("as_of") or event.get("scheduled_time")
    try:
        return moved_forward(utc_now(), str(text) if text else None)
    except ValueError:
        raise runs.BillingRequestError("as_of: a UTC time such as 2026-09-01T16:10:00Z is expected") from None


def _day(event: Event) -> date | None:
    text = event.get("day")
    try:
        return date.fromisoformat(text) if text else None
    except (TypeError, ValueError):
        raise runs.BillingRequestError("day: a date such as 2026-09-01 is expected") from None


def _month(event: Event, as_of: datetime) -> str:
    text = event.get("month") or beijing_month(as_of)
    if not isinstance(text, str) or not _MONTH.fullmatch(text):
        raise runs.BillingRequestError("month: a month such as 2026-09 is expected")
    return text


def _files(event: Event) -> Mapping[str, str | list[str]]:
    """Keys of files in the exchange bucket by the name of their layout; calls and bill are needed."""
    from privatenumber.billing.reconciliation.mappings import LAYOUTS

    return {name: _keys(event, name) for name in LAYOUTS if name in _NEEDED or event.get(name) is not None}


def _lines(event: Event) -> Mapping[str, list[int]] | None:
    """Lines by the kind of their file."""
    lines = event.get("lines")
    if lines is not None and not (isinstance(lines, dict) and all(map(_are_lines, lines.values()))):
        raise runs.BillingRequestError("lines: lists of line numbers under calls and sms are expected")
    return lines


def _are_lines(lines: object) -> bool:
    return isinstance(lines, list) and all(type(line) is int for line in lines)


def _keys(event: Event, name: str) -> list[str]:
    given = event.get(name)
    keys: list[Any] = given if isinstance(given, list) and name in _PARTED else [given]
    if not keys or not all(isinstance(key, str) and key for key in keys):
        raise runs.BillingRequestError(f"{name}: the key of a file in the exchange bucket is expected")
    return keys
