"""Reconciliations on request: asked for at once, made by a worker, gone on with after any crash.

The row comes before the message, so a message that is lost is no loss: the sweep finds the row. Whoever takes
a run up leases it; when he dies it is due again, and the same facts and files give the same version again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from privatenumber.privacy import Keyring, scrub, token
from privatenumber.store.reconciliation_runs import ReconciliationRun, RunState, RunStore, run_id

FILES: Final = ("calls", "sms", "bill", "stats", "quota", "numbers")
"""What a month can be compared with (billing-rules.md §9.1, I4 to I8)."""

LEASE: Final = timedelta(minutes=16)
"""So long nobody else takes up what somebody works on: longer than a function lives."""

KEPT: Final = timedelta(days=1100)
MAX_ATTEMPTS: Final = 5
TOO_OFTEN: Final = "it failed again and again"


@dataclass(frozen=True, slots=True)
class ReconcileWork:
    """One message: a reconciliation that somebody may take up."""

    run_id: str

    def to_body(self) -> str:
        """Render the message body."""
        return json.dumps({"reconciliation": self.run_id})

    @classmethod
    def from_body(cls, body: str) -> ReconcileWork:
        """Read a message body; raises ValueError when it is not one of ours."""
        try:
            return cls(str(json.loads(body)["reconciliation"]))
        except (KeyError, TypeError):
            raise ValueError("not a reconciliation to be made") from None


class NoSuchRun(Exception):
    """No reconciliation has this id."""


class NotCompared(Exception):
    """Rows are imported of a comparison that is done, and of no import."""


class OtherRun(Exception):
    """The Idempotency-Key was used for another reconciliation."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What shall be compared, and who asks.

    ``imports_of`` a comparison: which ``lines`` of its files, by kind, be imported; None: all missing ones.
    """

    month: str
    files: Mapping[str, str]
    mappings: Mapping[str, Any] | None
    by: str
    imports_of: str | None = None
    lines: Mapping[str, tuple[int, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What a run came to: number and hash of the version and its result, or what became of rows."""

    number: int | None = None
    hash: str | None = None
    result: str | None = None
    outcome: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reconciliations:
    """Takes requests. ``send`` tells a worker; it may fail to reach him."""

    store: RunStore
    keyring: Callable[[], Keyring]
    send: Callable[[str], None]

    def request(self, wanted: RunRequest, *, key: str, now: datetime) -> tuple[ReconciliationRun, bool]:
        """Ask for a comparison; the same ``key`` again is the same run. Says whether it is new.

        Raises OtherRun.
        """
        unique = token(self.keyring(), f"{wanted.month}\0{key}", purpose="reconciliation")
        run = ReconciliationRun(
            id=run_id(wanted.month, unique),
            month=wanted.month,
            files=dict(wanted.files),
            mappings=wanted.mappings,
            state=RunState.REQUESTED,
            requested_at=now,
            requested_by=wanted.by,
            expires_at=int((now + KEPT).timestamp()),
            due_at=now,
            imports_of=wanted.imports_of,
            lines=wanted.lines,
        )
        known = self.store.add(run)
        if known and _content(known) != _content(run):
            raise OtherRun
        found = known or run
        if not found.state.final:
            self.send(found.id)
        return found, known is None

    def request_import(
        self,
        of: ReconciliationRun,
        lines: Mapping[str, tuple[int, ...]] | None,
        *,
        by: str,
        key: str,
        now: datetime,
    ) -> tuple[ReconciliationRun, bool]:
        """Ask for the import of rows whose push never came. Raises NotCompared, OtherRun."""
        if of.state is not RunState.DONE or of.imports_of:
            raise NotCompared
        wanted = RunRequest(of.month, of.files, of.mappings, by, of.id, lines)
        return self.request(wanted, key=key, now=now)


def _content(run: ReconciliationRun) -> tuple[object, ...]:
    return run.files, run.mappings, run.imports_of, run.lines


@dataclass(frozen=True, slots=True)
class Workshop:
    """Makes what was asked for."""

    store: RunStore

    def work(
        self,
        identity: str,
        make: Callable[[ReconciliationRun], Done],
        refusals: tuple[type[Exception], ...],
        *,
        now: Callable[[], datetime],
    ) -> ReconciliationRun:
        """Make a comparison or an import unless it is made or somebody is at it; the run as it is then.

        What ``make`` raises of ``refusals`` ends the run, everything else leaves it to be taken up again.
        Raises NoSuchRun, Overtaken when somebody else took it up.
        """
        run = self.store.get(identity)
        if run is None:
            raise NoSuchRun
        started = now()
        if run.due_at is None or run.due_at > started:
            return run
        if run.attempts >= MAX_ATTEMPTS:
            return self._ended(run, RunState.FAILED, started, problem=TOO_OFTEN)
        run = self._written(run, state=RunState.RUNNING, due_at=started + LEASE, attempts=run.attempts + 1)
        try:
            made = make(run)
        except refusals as error:
            return self._ended(run, RunState.REFUSED, now(), problem=scrub(str(error)))
        told = {"result": made.result, "number": made.number, "hash": made.hash, "outcome": made.outcome}
        return self._ended(run, RunState.DONE, now(), **told)

    def _ended(
        self, run: ReconciliationRun, state: RunState, now: datetime, **changes: Any
    ) -> ReconciliationRun:
        return self._written(run, state=state, due_at=None, finished_at=now, **changes)

    def _written(self, run: ReconciliationRun, **changes: Any) -> ReconciliationRun:
        new = replace(run, version=run.version + 1, **changes)
        self.store.replace(new, seen=run.version)
        return new
