"""Single records of a month against the platform's detail exports: calls, their hang-ups, SMS (§9.3).

Events ↔ CDRs ↔ rows of I4, notices ↔ rows of I4. Whatever is compared is laid out on disk as it is read, in
any order, once; only what differs comes back, in a stable order, so memory does not grow with the month.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from privatenumber.billing.closing.lines import CallLine, Line, SmsLine
from privatenumber.billing.rating.calls import Flag
from privatenumber.billing.reconciliation import repeats
from privatenumber.billing.reconciliation.account import Account
from privatenumber.billing.reconciliation.call_checks import (
    conflict,
    length_differences,
    missing_cdrs,
    set_redials_apart,
)
from privatenumber.billing.reconciliation.call_tables import (
    CALL_TABLES,
    Naming,
    Tokens,
    index_lines,
    put_lines,
    put_rows,
)
from privatenumber.billing.reconciliation.contradictions import contradictions
from privatenumber.billing.reconciliation.differences import Difference
from privatenumber.billing.reconciliation.event_checks import (
    END_TABLES,
    EventsOf,
    cdrs_without_event,
    ends_without_cdr,
    find_ended,
    put_ends,
)
from privatenumber.billing.reconciliation.export_files import Export
from privatenumber.billing.reconciliation.exports_in import ImportedCall, ImportedSms
from privatenumber.billing.reconciliation.gathering import Gathering
from privatenumber.billing.reconciliation.matching import (
    CallersOf,
    lay_out_rest,
    match_ids,
    match_sessions,
    match_times,
)
from privatenumber.billing.reconciliation.missing_rows import MissingRow, Wanted, missing_places
from privatenumber.billing.reconciliation.money import Component, Explanations
from privatenumber.billing.reconciliation.record_checks import (
    edge_differences,
    missing_rows,
    repeated_rows,
)
from privatenumber.billing.reconciliation.sms_checks import missing_notices, part_differences
from privatenumber.billing.reconciliation.sms_tables import (
    SMS_TABLES,
    index_sms_lines,
    put_sms_lines,
    put_sms_rows,
)
from privatenumber.billing.reconciliation.tables import CALLS, SMS, Span, Tables
from privatenumber.billing.reconciliation.time_zone import move, moved, shift_of
from privatenumber.billing.reconciliation.unknown_numbers import UnknownNumbers
from privatenumber.billing.reconciliation.workbench import Workbench, batches
from privatenumber.store.fact_rows import EventFact
from privatenumber.times import beijing_month


@dataclass(frozen=True, slots=True)
class Recorded:
    """What we have of a month, each to be read once.

    ``lines`` are the rated records and ``ends`` the hang-ups of the month, and of the days before and after:
    a call and its event may straddle midnight, and a file may follow another clock.
    """

    month: str
    lines: Iterable[Line]
    ends: Iterable[EventFact] = ()


@dataclass(frozen=True, slots=True)
class Resolver:
    """How tokens, sealed numbers and a call's events are found out; ``as_of`` decides what is overdue."""

    tokens: Tokens
    callers_of: CallersOf
    events_of: EventsOf
    as_of: datetime


@dataclass(frozen=True, slots=True)
class DetailFiles:
    """The platform's detail exports, opened. A month may take more than one: the console keeps 31 days.

    Without any file of SMS there is nothing to miss: they are not compared.
    """

    calls: Sequence[Export[ImportedCall]] = ()
    sms: Sequence[Export[ImportedSms]] = ()


@dataclass(slots=True)
class ComparedRecords:
    """What differs, what it explains of the bill, and how many records there were."""

    differences: list[Difference] = field(default_factory=list)
    count: int = 0
    """Of differences, those told as sums included."""
    explanations: dict[Component, Explanations] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, list[MissingRow]] = field(default_factory=dict)
    """Rows without a record of ours, where somebody wants to know them, by the kind of file."""

    def take(self, found: Gathering, reading: str | None = None) -> None:
        """Take differences; ``reading`` names the part of the explanations that they are."""
        self.differences += found
        self.count += found.count
        for component, part in found.explained.items() if reading else ():
            known = self.explanations.get(component, Explanations())
            self.explanations[component] = known + Explanations(**{str(reading): part})


def compare_records(
    recorded: Recorded,
    files: DetailFiles,
    account: Account,
    resolver: Resolver,
    *,
    wanted: Wanted | None = None,
) -> ComparedRecords:
    """Compare a month's records. The same inputs in any order give the same result. Raises FileRefused.

    Of the rows that only the platform has, those that are ``wanted`` are told by their places in the files.
    """
    result = ComparedRecords()
    naming = Naming(resolver.tokens, account.inventory, account.applications)
    with Workbench(CALL_TABLES, END_TABLES, SMS_TABLES) as bench:
        _lay_out_lines(bench, recorded, naming, account, result)
        put_ends(bench, recorded.ends)
        span = Span.of(recorded.month)
        _compare_calls(bench, files.calls, naming, account, resolver, span, result)
        if wanted:
            result.missing["calls"] = list(missing_places(bench, CALLS, span, wanted))
        if files.sms:
            _compare_sms(bench, files.sms, naming, account, resolver, span, result)
            if wanted:
                result.missing["sms"] = list(missing_places(bench, SMS, span, wanted))
    return result


def _lay_out_lines(
    bench: Workbench,
    recorded: Recorded,
    naming: Naming,
    account: Account,
    result: ComparedRecords,
) -> None:
    conflicts, unknown = Gathering(), UnknownNumbers()

    def rated() -> Iterator[Line]:
        for line in recorded.lines:
            inside = beijing_month(line.at) == recorded.month
            if not line.rated:
                if inside and isinstance(line, CallLine):
                    conflicts.add(conflict(line))
                continue
            if inside and Flag.NUMBER_NOT_IN_INVENTORY in line.flags:
                unknown.add(line)
            yield line

    for batch in batches(rated()):
        calls = [line for line in batch if isinstance(line, CallLine)]
        texts = [line for line in batch if isinstance(line, SmsLine)]
        put_lines(bench, calls, naming, account.prices, recorded.month)
        put_sms_lines(bench, texts, naming, recorded.month)
    index_lines(bench)
    index_sms_lines(bench)
    result.take(conflicts)
    result.take(unknown.gathered())


def _compare_calls(
    bench: Workbench,
    exports: Sequence[Export[ImportedCall]],
    naming: Naming,
    account: Account,
    resolver: Resolver,
    span: Span,
    result: ComparedRecords,
) -> None:
    for number, export in enumerate(exports):
        put_rows(bench, export, naming, account.prices, file=number)
    match_ids(bench, CALLS)
    match_sessions(bench)
    result.take(_moved(bench, CALLS, exports))
    repeats.set_apart(bench, CALLS)
    redials = set_redials_apart(bench)
    lay_out_rest(bench, CALLS)
    match_times(bench, CALLS, resolver.callers_of)
    find_ended(bench, span, account, resolver.tokens, resolver.events_of)
    result.take(missing_cdrs(bench, account, span), "rows")
    result.take(length_differences(bench, account), "changed")
    result.take(edge_differences(bench, CALLS, account, span), "changed")
    result.take(contradictions(bench, CALLS, account, span))
    result.take(ends_without_cdr(bench, account, resolver.tokens, as_of=resolver.as_of), "ended")
    if exports:
        result.take(missing_rows(bench, CALLS, account), "unlisted")
    result.take(cdrs_without_event(bench, span, as_of=resolver.as_of))
    result.take(repeated_rows(bench, CALLS))
    counts = _counts(bench, CALLS, span)
    hang_ups = bench.one("SELECT count(*) FROM ends WHERE at >= ? AND at < ?", span.since, span.until)
    result.counts |= {"calls": {**counts, "redials": redials}, "hang_ups": hang_ups}


def _compare_sms(
    bench: Workbench,
    exports: Sequence[Export[ImportedSms]],
    naming: Naming,
    account: Account,
    resolver: Resolver,
    span: Span,
    result: ComparedRecords,
) -> None:
    for number, export in enumerate(exports):
        put_sms_rows(bench, export, naming, file=number)
    match_ids(bench, SMS)
    result.take(_moved(bench, SMS, exports))
    repeats.set_apart(bench, SMS)
    lay_out_rest(bench, SMS)
    match_times(bench, SMS, resolver.callers_of)
    result.take(missing_notices(bench, account, span), "rows")
    result.take(part_differences(bench, account), "changed")
    result.take(edge_differences(bench, SMS, account, span), "changed")
    result.take(contradictions(bench, SMS, account, span))
    result.take(missing_rows(bench, SMS, account), "unlisted")
    result.take(repeated_rows(bench, SMS))
    result.counts["sms"] = _counts(bench, SMS, span)


def _moved(bench: Workbench, tables: Tables, exports: Sequence[Export[Any]]) -> Gathering:
    """Set the clocks of the files right; one difference for each that was not."""
    found = Gathering()
    for number, export in enumerate(exports):
        hours = shift_of(bench, tables, file=number)
        if hours:
            found.add(moved(export.layout, hours, move(bench, tables, hours, file=number)))
    return found


_COUNTS: Final = """
SELECT (SELECT count(*) FROM {lines} WHERE inside), (SELECT count(*) FROM {pairs} p CROSS JOIN {lines} l
ON l.n = p.line WHERE l.inside), (SELECT count(*) FROM {pairs} p CROSS JOIN {lines} l ON l.n = p.line
WHERE NOT l.inside), (SELECT count(*) FROM {names} m CROSS JOIN {rows} r ON r.n = m.n WHERE
NOT EXISTS (SELECT 1 FROM {pairs} WHERE row = r.n) AND r.at >= ? AND r.at < ?),
(SELECT count(*) FROM {names} m CROSS JOIN {rows} r ON r.n = m.n WHERE
NOT EXISTS (SELECT 1 FROM {pairs} WHERE row = r.n) AND NOT (r.at >= ? AND r.at < ?))
"""


def _counts(bench: Workbench, tables: Tables, span: Span) -> Mapping[str, int]:
    """How many records there are, rows that tell of the month, pairs, and rows of other months."""
    edge = (span.since, span.until)
    recorded, matched, beside, left, outside = bench.one(tables.sql(_COUNTS), *edge, *edge)
    return {
        "recorded": recorded,
        "exported": matched + left,
        "matched": matched,
        "outside_month": beside + outside,
        "merged": repeats.merged(bench, tables),
    }
