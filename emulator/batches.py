"""Merging of CDRs: records of one application that end together share a push (notifications.md §5.1)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from emulator.cdr import fee_body
from emulator.clock import Handle, Scheduler
from emulator.events import Body
from emulator.faults import Fault
from emulator.pushes import Pusher
from emulator.settings import CdrSettings
from emulator.world import Application


@dataclass(slots=True)
class _Batch:
    """Records that will travel together; it takes none that ends at or after `closes_at`."""

    application: Application
    closes_at: datetime
    entries: list[Body] = field(default_factory=list)
    handle: Handle | None = None


class CdrBatcher:
    """Collects records for `cdr.merge_window_ms`, at most `cdr.max_batch`; pushes them `cdr.delay_ms` later.

    A record that a fault waits for travels alone, so that the fault hits this record and no other.
    """

    def __init__(self, clock: Scheduler, pusher: Pusher, settings: CdrSettings) -> None:
        self._clock = clock
        self._pusher = pusher
        self._settings = settings
        self._open: dict[str, _Batch] = {}
        self._due: dict[str, datetime] = {}

    def add(self, application: Application, entry: Body) -> None:
        """Owe the CDR of a call that has just ended."""
        fault = self._pusher.fault_for(application, "fee", fee_body([entry]))
        if fault is not None:
            self._push_later(application, [entry], fault)
            return
        batch = self._batch(application)
        batch.entries.append(entry)
        self._due[entry["icid"]] = batch.closes_at + timedelta(milliseconds=self._settings.delay_ms)
        if len(batch.entries) >= self._settings.max_batch:
            self._close(batch)

    def due(self, icid: str) -> datetime | None:
        """Return when the push of a collected record is due; None when it is out or was never owed."""
        return self._due.get(icid)

    def _batch(self, application: Application) -> _Batch:
        now = self._clock.now()
        batch = self._open.get(application.app_key)
        if batch is not None and now < batch.closes_at:
            return batch
        if batch is not None:
            self._close(batch)
        batch = _Batch(application, now + timedelta(milliseconds=self._settings.merge_window_ms))
        self._open[application.app_key] = batch

        async def close() -> None:
            self._close(batch)

        batch.handle = self._clock.at(batch.closes_at, close, f"CDRs of {application.app_key}")
        return batch

    def _close(self, batch: _Batch) -> None:
        if self._open.get(batch.application.app_key) is not batch:
            return
        del self._open[batch.application.app_key]
        if batch.handle is not None:
            batch.handle.cancel()
        self._push_later(batch.application, batch.entries, None)

    def _push_later(self, application: Application, entries: list[Body], fault: Fault | None) -> None:
        when = self._clock.now() + timedelta(milliseconds=self._settings.delay_ms)

        async def push() -> None:
            self._push(application, entries, fault)

        if self._settings.delay_ms == 0:
            self._push(application, entries, fault)
            return
        for entry in entries:
            self._due[entry["icid"]] = when
        self._clock.at(when, push, f"CDRs of {application.app_key}")

    def _push(self, application: Application, entries: list[Body], fault: Fault | None) -> None:
        for entry in entries:
            self._due.pop(entry["icid"], None)
        self._pusher.send(application, "fee", fee_body(entries), fault)
