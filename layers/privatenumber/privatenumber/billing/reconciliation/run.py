"""A reconciliation against the tables: read the files, state the month, compare, keep the result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias

from privatenumber.billing.closing.days import ClosedDay
from privatenumber.billing.closing.lines import Line
from privatenumber.billing.closing.rated_lines import line_of, sms_line_of
from privatenumber.billing.closing.runs import StatedMonth, described, lines_by_day, state_month
from privatenumber.billing.closing.statement import days_of
from privatenumber.billing.disputes.booking import agreed_amounts
from privatenumber.billing.ledger import Ledger
from privatenumber.billing.rating.calls import rate_call, usage_time
from privatenumber.billing.rating.rent import first_day
from privatenumber.billing.rating.sms import rate_sms
from privatenumber.billing.reconciliation.compare import Files, Month, present, reconcile
from privatenumber.billing.reconciliation.console_files import read_numbers, read_quota, read_statistics
from privatenumber.billing.reconciliation.differences import Kind
from privatenumber.billing.reconciliation.exports_in import open_calls, open_sms, read_bill
from privatenumber.billing.reconciliation.mappings import configured_layouts, mapped_layouts
from privatenumber.billing.reconciliation.month_check import OurMonth
from privatenumber.billing.reconciliation.resolving import resolver_of
from privatenumber.store.fact_rows import EventFact
from privatenumber.store.versions import Version, settle
from privatenumber.times import beijing_day

Keys: TypeAlias = Mapping[str, str | Sequence[str]]
"""Keys of files in the exchange bucket, by the name of their layout; of details perhaps several."""

_MISSING_CDR: Final = (Kind.MISSING_PUSH, Kind.EVENT_WITHOUT_CDR)


def reconcile_month(
    ledger: Ledger, month: str, *, files: Keys, as_of: datetime, mappings: Any = None
) -> dict[str, Any]:
    """Compare a month with files of the exchange bucket; the result is kept as a version of the month.

    The same facts and files give the same version again; ``notices`` then says so. `mappings`, a JSON value,
    may hold a column mapping for each of the files (`mappings`). Raises FileRefused, FileMissing,
    FileTooLarge, FileChanged, LayoutError, BillingRequestError.
    """
    return settle(lambda: _reconcile(ledger, month, files, mappings, as_of))


def measures(document: Mapping[str, Any]) -> dict[str, int]:
    """What of a comparison is worth a metric, by name; differences told as a sum count one by one."""
    missing = [found for found in document["differences"] if found["kind"] in _MISSING_CDR]
    return {
        "ReconciliationDifferences": document["difference_count"],
        "MissingCdrs": sum(found["evidence"].get("count", 1) for found in missing),
    }


def _reconcile(ledger: Ledger, month: str, keys: Keys, mappings: Any, as_of: datetime) -> dict[str, Any]:
    seen = ledger.reconciliations.latest(month)
    files = open_files(ledger, keys, mappings)
    stated, closes = state_month(ledger, month, as_of=as_of)
    compared = month_of(ledger, stated, closes, as_of)
    result = reconcile(compared, files, ledger.account, resolver_of(ledger, as_of))
    version = ledger.reconciliations.add(month, result.document(), result.lines(), seen=seen, made_at=as_of)
    shown = present(version.document, ledger.reconciliations.lines(version))
    notices = _notices(version, seen)
    return {**shown, **described(version), "id": f"{month}/{version.number}", "notices": notices}


def open_files(ledger: Ledger, keys: Keys, mappings: Any) -> Files:
    """The files of a comparison; detail exports are opened only. Raises as `reconcile_month` does."""
    layouts = mapped_layouts(mappings, configured_layouts(ledger.import_layouts))

    def detail(name: str) -> Iterator[Any]:
        for key in each_key(keys.get(name, ())):
            yield ledger.files.find(key).open, layouts[name]

    def small(name: str, read: Any) -> Any:
        found = [*each_key(keys.get(name, ()))]
        return read(ledger.files.read(found[0]), layouts[name]) if found else None

    return Files(
        calls=[open_calls(*each) for each in detail("calls")],
        sms=[open_sms(*each) for each in detail("sms")],
        bill=small("bill", read_bill),
        statistics=small("stats", read_statistics),
        quota=small("quota", read_quota),
        numbers=small("numbers", read_numbers),
    )


def each_key(keys: str | Sequence[str]) -> Sequence[str]:
    """The keys of the files of one kind."""
    return [keys] if isinstance(keys, str) else keys


def month_of(ledger: Ledger, stated: StatedMonth, closes: Sequence[ClosedDay], as_of: datetime) -> Month:
    """A stated month as it is compared; its lines and hang-ups are read when somebody asks for them."""
    month = stated.fresh.month
    days = days_of(month, beijing_day(as_of) + timedelta(days=1))
    # A call that ends at midnight may have its event on one side and its CDR on the other.
    near = [first_day(month) - timedelta(days=1), days[-1] + timedelta(days=1)]
    return Month(
        ours=OurMonth(
            month=month,
            usage=stated.fresh.usage,
            rents=stated.fresh.rents,
            holdings=ledger.holdings,
            prices=ledger.prices,
            applications=ledger.account.applications,
            lines_of=lambda day: lines_by_day(ledger, closes, day),
            until=as_of,
            tolerance_line=ledger.tolerance_line,
        ),
        statement=stated.version.hash,
        lines=_lines(ledger, closes, near),
        ends=_ends(ledger, [near[0], *days, near[1]]),
        late=stated.late,
        agreed=agreed_amounts(ledger, month),
    )


def _lines(ledger: Ledger, closes: Iterable[ClosedDay], near: Iterable[date]) -> Iterator[Line]:
    """The rated records of the month, part by part, and those of the days beside it as they stand now."""
    for closed in closes:
        yield from ledger.closer.lines_of(closed.close)
    for application in sorted(ledger.applications):
        for day in near:
            for cdr in ledger.facts.cdrs_of_day(application, day):
                charge = rate_call(cdr, ledger.prices, ledger.inventory, ledger.modes.get(application))
                yield line_of(cdr, charge, usage_time(cdr, ledger.prices.usage_time))
            for sms in ledger.facts.sms_of_day(application, day):
                yield sms_line_of(sms, rate_sms(sms, ledger.prices, ledger.inventory))


def _ends(ledger: Ledger, days: Iterable[date]) -> Iterator[EventFact]:
    for application in sorted(ledger.applications):
        for day in days:
            yield from ledger.facts.ends_of_day(application, day)


def _notices(version: Version, seen: Version | None) -> list[str]:
    """Files that the comparison before has had already (§9.2): nothing new is to be expected of them."""
    if seen is None:
        return []
    before = {name: _hashes(file) for name, file in seen.document["files"].items()}
    return [
        f"{name}: the same file as in version {seen.number}"
        for name, file in version.document["files"].items()
        if before.get(name) == _hashes(file)
    ]


def _hashes(file: Mapping[str, Any]) -> set[str]:
    """Those of all files of a kind."""
    return {file["sha256"], *file.get("others", ())}
