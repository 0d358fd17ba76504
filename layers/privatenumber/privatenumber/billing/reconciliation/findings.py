"""The differences that a reconciliation on request has found, each with its id and what was made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from privatenumber.billing.disputes.desk import Found, NotDisputable
from privatenumber.billing.reconciliation.requested import NoSuchRun
from privatenumber.store.differences import DifferenceState, DifferenceStore, Handling, identified
from privatenumber.store.due import Overtaken
from privatenumber.store.reconciliation_runs import ReconciliationRun, RunStore
from privatenumber.store.statements import MonthStore
from privatenumber.store.version_pages import VersionPages
from privatenumber.store.versions import Version

_ATTEMPTS: Final = 3
#: What somebody may say of a difference that nobody disputes.
SAID: Final = (DifferenceState.OPEN, DifferenceState.EXPLAINED, DifferenceState.ADJUSTED)


class NoSuchDifference(Exception):
    """The reconciliation has found no difference of this id, or has found nothing yet."""


class IsDisputed(Exception):
    """The state of a disputed difference is what its dispute makes of it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a difference; None leaves as it is what was said before."""

    by: str
    state: DifferenceState | None = None
    note: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference as JSON, its id, and what was made of it."""

    id: str
    line: Mapping[str, Any]
    handling: Handling


@dataclass(frozen=True, slots=True)
class Findings:
    """Reads and handles the differences of reconciliations."""

    runs: RunStore
    versions: MonthStore
    pages: VersionPages
    differences: DifferenceStore

    def version(self, run: ReconciliationRun) -> Version | None:
        """What a run has found; None while it has not finished, and for one that will not."""
        return self.versions.version(run.month, run.number) if run.number else None

    def page(self, run: ReconciliationRun, *, after: int, limit: int) -> tuple[list[Finding], int | None]:
        """Differences behind the first ``after`` ones, and how many come before the next page (None: end)."""
        found = list[tuple[str, Mapping[str, Any]]]()
        more = False
        for number, each in enumerate(self._differences(run)):
            if number < after:
                continue
            if len(found) == limit:
                more = True
                break
            found.append(each)
        handlings = self.differences.of(run.month, [identity for identity, _ in found])
        findings = [Finding(identity, line, handlings[identity]) for identity, line in found]
        return findings, after + limit if more else None

    def shown(self, version: Version) -> dict[str, Any]:
        """What a run has found, all of it at once: differences as they are handled now, rows not read."""
        handled = self.differences.handled(version.document["month"])
        lines = [line for _, line in self.pages.lines(version)]
        differences = [
            {**line, "state": handled[identity].state.value} if identity in handled else line
            for identity, line in identified(lines)
        ]
        bad_rows = [line for line in lines if line["line"] == "bad_row"]
        return {**version.document, "differences": differences, "bad_rows": bad_rows}

    def find(self, identity: str, difference: str) -> Found:
        """One difference of a run. Raises NoSuchRun, NoSuchDifference."""
        run = self.runs.get(identity)
        if run is None:
            raise NoSuchRun
        for found, line in self._differences(run):
            if found == difference:
                return Found(run.month, run.id, difference, line)
        raise NoSuchDifference

    def say(self, found: Found, said: Said, *, now: datetime) -> Handling:
        """Write down what somebody says of a difference. Raises IsDisputed, NotDisputable, Overtaken."""
        for attempt in range(_ATTEMPTS):
            handling = self.differences.get(found.month, found.difference)
            changed = _changed(handling, said)
            if changed == handling:
                return handling
            written = replace(changed, by=said.by, changed_at=now, version=handling.version + 1)
            try:
                self.differences.put(written, seen=handling.version)
            except Overtaken:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return written
        raise Overtaken

    def _differences(self, run: ReconciliationRun) -> Iterator[tuple[str, Mapping[str, Any]]]:
        version = self.version(run)
        if version is not None:
            yield from identified(line for _, line in self.pages.lines(version))


def _changed(handling: Handling, said: Said) -> Handling:
    state = said.state or handling.state
    if state is not handling.state:
        if handling.dispute:
            raise IsDisputed
        if state not in SAID:
            raise NotDisputable("a dispute says so, not a note")
    return replace(
        handling,
        state=state,
        note=handling.note if said.note is None else said.note,
        owner=handling.owner if said.owner is None else said.owner,
    )
