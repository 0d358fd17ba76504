"""A reconciliation against the tables: read the files, state the month, compare, keep the result."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from privatenumber.billing.closing.days import ClosedDay
from privatenumber.billing.closing.lines import CallLine, fact_address
from privatenumber.billing.closing.runs import StatedMonth, described, state_month
from privatenumber.billing.closing.statement import days_of
from privatenumber.billing.ledger import Ledger, together
from privatenumber.billing.rating.rent import first_day
from privatenumber.billing.reconciliation.compare import Files, Recorded, Resolver, present, reconcile
from privatenumber.billing.reconciliation.event_checks import EventsOf
from privatenumber.billing.reconciliation.exports_in import read_bill, read_calls
from privatenumber.billing.reconciliation.layouts import mapped_layouts
from privatenumber.billing.reconciliation.matching import CallerOf, Tokens
from privatenumber.phone import InvalidNumber, normalise
from privatenumber.privacy import Keyring, SealBroken, token
from privatenumber.store.fact_rows import CdrFact, EventFact
from privatenumber.store.versions import settle
from privatenumber.times import beijing_day

_Fact = TypeVar("_Fact", CdrFact, EventFact)


def reconcile_month(
    ledger: Ledger,
    month: str,
    *,
    calls_key: str,
    bill_key: str,
    as_of: datetime,
    mappings: Any = None,
) -> dict[str, Any]:
    """Compare a month with two files of the exchange bucket; the result is kept as a version of the month.

    The same facts and files give the same version again. `mappings`, a JSON value, may hold a column mapping
    for ``calls`` and ``bill`` (`layouts`). Raises FileRefused, FileMissing, LayoutError, BillingRequestError.
    """
    calls, bill = mapped_layouts(mappings)
    files = Files(
        read_calls(ledger.files.read(calls_key), calls), read_bill(ledger.files.read(bill_key), bill)
    )
    return settle(lambda: _reconcile(ledger, month, files, as_of))


def _reconcile(ledger: Ledger, month: str, files: Files, as_of: datetime) -> dict[str, Any]:
    seen = ledger.reconciliations.latest(month)
    stated, closes = state_month(ledger, month, as_of=as_of)
    recorded = _recorded(ledger, stated, closes, days_of(month, beijing_day(as_of) + timedelta(days=1)))
    resolver = Resolver(_tokens(ledger.keyring()), _caller_of(ledger), _events_of(ledger), as_of)
    result = reconcile(recorded, files, ledger.account, resolver)
    version = ledger.reconciliations.add(month, result.document(), result.lines(), seen=seen, made_at=as_of)
    shown = present(version.document, ledger.reconciliations.lines(version))
    return {**shown, **described(version), "id": f"{month}/{version.number}"}


def _recorded(ledger: Ledger, stated: StatedMonth, closes: Iterable[ClosedDay], days: list[date]) -> Recorded:
    lines = [line for closed in closes for line in closed.close.lines]
    ends = _facts(ledger, days, ledger.facts.ends_of_day)
    # A call that ends at midnight may have its event on one side and its CDR on the other.
    near = [first_day(stated.fresh.month) - timedelta(days=1), days[-1] + timedelta(days=1)]
    ends_near = _facts(ledger, near, ledger.facts.ends_of_day)
    cdrs_near = _facts(ledger, near, ledger.facts.cdrs_of_day)
    return Recorded(
        month=stated.fresh.month,
        statement=stated.version.hash,
        lines=lines,
        rents=stated.fresh.rents,
        ends=ends,
        ends_nearby=frozenset(end.session for end in (*ends, *ends_near) if end.session),
        sessions_nearby=frozenset(
            session
            for session in (*(line.session for line in lines), *(cdr.session for cdr in cdrs_near))
            if session
        ),
        late=stated.late,
    )


def _facts(ledger: Ledger, days: Iterable[date], read: Callable[[str, date], Iterable[_Fact]]) -> list[_Fact]:
    work = [(application, day) for application in sorted(ledger.applications) for day in days]
    return [fact for facts in together(lambda each: list(read(*each)), work) for fact in facts]


def _tokens(keyring: Keyring) -> Tokens:
    return lambda value, purpose: token(keyring, value, purpose=purpose)


def _caller_of(ledger: Ledger) -> CallerOf:
    """Opens the sealed CDR behind a line; ``None`` when nobody can open it any more."""

    def caller(line: CallLine) -> str | None:
        for fact in ledger.facts.call(line.application, _call_of(line.fact)):
            if isinstance(fact, CdrFact) and fact_address(fact) == line.fact:
                return _caller(ledger, fact)
        return None

    return caller


def _caller(ledger: Ledger, fact: CdrFact) -> str | None:
    try:
        raw = json.loads(ledger.unseal(fact.sealed, fact.application))
    except SealBroken:
        return None
    number = str(raw.get("callerNum") or "")
    try:
        return normalise(number, field="callerNum", service=True)
    except InvalidNumber:
        return number or None


def _events_of(ledger: Ledger) -> EventsOf:
    def events(end: EventFact) -> list[EventFact]:
        facts = ledger.facts.call(end.application, _call_of("/".join(end.key)))
        return [fact for fact in facts if isinstance(fact, EventFact)]

    return events


def _call_of(address: str) -> str:
    """What names a call in the partition key of its facts, ``CALL#<application>#<call>``."""
    return address.partition("/")[0].split("#", 2)[2]
