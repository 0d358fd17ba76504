"""Import of a number table into the inventory (billing-rules.md §9.2): row by row, and again without harm.

The table says what the platform's console says. What is ours survives it: a number that we locked or
reserved stays so, a quarantine does not end because a table calls the number normal, and a retired number
does not come back by an old file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.numbers import (
    KEEP,
    NumberChange,
    NumberInUse,
    Outcome,
    described,
    intake_end,
    outcome_of,
)
from privatenumber.bindings.numbers_csv import BadRow, NumberRow, RowError, read_number_table
from privatenumber.csv_table import FileRefused
from privatenumber.deadline import Deadline
from privatenumber.privacy import mask
from privatenumber.settings import Application
from privatenumber.store.authors import NOBODY, Author
from privatenumber.store.numbers import NumberState, NumberStore, XNumber
from privatenumber.store.transactions import Contended
from privatenumber.times import Clock, utc_now

_BAD_SHARE: Final = 0.05  # more bad rows than this refuse the file (billing-rules.md §9.2, bad row)
_ROWS_PER_WRITE: Final = 100
_SECONDS_PER_WRITE: Final = 3.0  # time that must be left to begin one more write


class RowOutcome(StrEnum):
    """What became of a row, or in a dry run would become."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """Our own state wins: the number is locked, reserved, quarantined or retired."""
    DUPLICATE = "duplicate"
    """The file says the same about the number on an earlier line."""
    REJECTED = "rejected"
    PENDING = "pending"
    """Not reached before the deadline, or changed by somebody else meanwhile: send the file again."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """Result of one row. `changes`: field -> (old, new) as texts; X only masked."""

    line: int
    outcome: RowOutcome
    x_masked: str | None = None
    error: RowError | None = None
    changes: Mapping[str, tuple[str | None, str | None]] | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or in a dry run would do. `refused`: too many bad rows, nothing was written."""

    dry_run: bool
    refused: bool
    encoding: str
    separator: str
    rows: tuple[RowResult, ...]

    def count(self, outcome: RowOutcome) -> int:
        """Rows with this outcome."""
        return sum(row.outcome is outcome for row in self.rows)


@dataclass(frozen=True, slots=True)
class _Plan:
    result: RowResult
    wanted: XNumber | None = None  # None: nothing to write
    seen: XNumber | None = None


class NumberImport:
    """Imports number tables over one store; `applications` gives the configured applications by id.

    `author` is who writes, for the audit.
    """

    def __init__(
        self,
        store: NumberStore,
        applications: Callable[[], Mapping[str, Application]],
        author: Author = NOBODY,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._applications = applications
        self._author = author
        self._clock = clock

    def run(self, data: bytes, *, application: str | None, dry_run: bool, deadline: Deadline) -> ImportReport:
        """Import the file; rows without `app_key` belong to `application`.

        Rows already in effect are not written, so the same file again does only what is left to do. When more
        than 5 % of the rows are bad nothing is written and the report is `refused`.
        Raises FileRefused when the file cannot be read at all, InvalidRequest for an unknown `application`.
        """
        applications = self._applications()
        if application is not None and application not in applications:
            raise InvalidRequest("application", "is not configured")
        table = read_number_table(data)
        if not table.rows:
            raise FileRefused("no rows")
        ids = {name: id_ for id_, known in applications.items() for name in (id_, known.app_key)}
        now = self._clock()
        intake = {id_: intake_end(known, now) for id_, known in applications.items()}
        plans = self._plans(table.rows, ids, application, intake)
        bad = sum(plan.result.outcome is RowOutcome.REJECTED for plan in plans)
        refused = bad > _BAD_SHARE * len(plans)
        results = [plan.result for plan in plans]
        if not refused and not dry_run:
            self._write(plans, results, deadline)
        return ImportReport(dry_run, refused, table.encoding, table.separator, tuple(results))

    def _plans(
        self,
        rows: Sequence[NumberRow | BadRow],
        ids: Mapping[str, str],
        default: str | None,
        intake: Mapping[str, datetime | None],
    ) -> list[_Plan]:
        known = self._store.get_many([row.x for row in rows if isinstance(row, NumberRow)])
        first: dict[str, NumberRow] = {}
        plans = []
        for row in rows:
            if isinstance(row, BadRow):
                plans.append(_Plan(RowResult(row.line, RowOutcome.REJECTED, error=row.error)))
                continue
            earlier = first.setdefault(row.x, row)
            if earlier is not row:
                plans.append(_repeated(row, earlier))
                continue
            application = ids.get(row.app_key) if row.app_key else default
            plans.append(_plan(row, application, intake.get(application or ""), known.get(row.x)))
        return plans

    def _write(self, plans: Sequence[_Plan], results: list[RowResult], deadline: Deadline) -> None:
        due = [(index, plan.wanted, plan.seen) for index, plan in enumerate(plans) if plan.wanted is not None]
        for start in range(0, len(due), _ROWS_PER_WRITE):
            chunk = due[start : start + _ROWS_PER_WRITE]
            for (index, _, _), done in zip(chunk, self._written(chunk, deadline), strict=True):
                if not done:
                    results[index] = replace(results[index], outcome=RowOutcome.PENDING)

    def _written(
        self, chunk: Sequence[tuple[int, XNumber, XNumber | None]], deadline: Deadline
    ) -> Sequence[bool]:
        if deadline.remaining() < _SECONDS_PER_WRITE:
            return [False] * len(chunk)
        try:
            return self._store.put_many([(wanted, seen) for _, wanted, seen in chunk], author=self._author)
        except Contended:
            return [False] * len(chunk)


def _repeated(row: NumberRow, earlier: NumberRow) -> _Plan:
    if replace(row, line=earlier.line) == earlier:
        return _Plan(RowResult(row.line, RowOutcome.DUPLICATE, mask(row.x)))
    return _rejected(row, "x_number", f"contradicts line {earlier.line}")


def _plan(
    row: NumberRow, application: str | None, intake_until: datetime | None, seen: XNumber | None
) -> _Plan:
    if row.app_key and application is None:
        return _rejected(row, "app_key", "no configured application has it")
    change = NumberChange(
        application=application,
        area_code=row.area_code,
        number_type=row.number_type,
        state=row.state,
        issued_on=row.issued_on or KEEP,
        unsubscribed_on=row.unsubscribed_on or KEEP,
    )
    kept = False
    if seen and seen.state is NumberState.RETIRED and row.state is not NumberState.RETIRED:
        return _Plan(RowResult(row.line, RowOutcome.KEPT, mask(row.x)))
    if seen and _ours(seen.state, row.state):
        change = replace(change, state=seen.state)
        kept = row.state not in (None, seen.state)
    try:
        wanted = described(row.x, change, seen, intake_until=intake_until)
    except InvalidRequest as error:
        return _rejected(row, _COLUMN_OF.get(error.field, error.field), error.rule)
    except NumberInUse as error:
        return _rejected(row, "app_key", f"cannot change while {error.pairs} bindings stand on the number")
    outcome = outcome_of(wanted, seen)
    if outcome is Outcome.UNCHANGED:
        return _Plan(RowResult(row.line, RowOutcome.KEPT if kept else RowOutcome.UNCHANGED, mask(row.x)))
    result = RowResult(row.line, RowOutcome(outcome.value), mask(row.x), changes=_difference(wanted, seen))
    return _Plan(result, wanted, seen)


def _ours(seen: NumberState, told: NumberState | None) -> bool:
    """Whether our state of a number outlives what the platform's table says of it."""
    if seen is NumberState.QUARANTINED:
        return told in (None, NumberState.ACTIVE)
    return seen in (NumberState.LOCKED, NumberState.RESERVED) and told is not NumberState.RETIRED


_COLUMN_OF: Final = {"area_code": "city_code", "application": "app_key"}


def _rejected(row: NumberRow, column: str, rule: str) -> _Plan:
    return _Plan(RowResult(row.line, RowOutcome.REJECTED, mask(row.x), RowError(column, rule)))


def _difference(wanted: XNumber, seen: XNumber | None) -> dict[str, tuple[str | None, str | None]]:
    changes = {}
    for field in ("application", "area_code", "number_type", "state", "issued_on", "unsubscribed_on"):
        old, new = getattr(seen, field, None), getattr(wanted, field)
        if old != new:
            changes[field] = (None if old is None else str(old), None if new is None else str(new))
    return changes
