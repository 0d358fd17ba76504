"""Composition of statistics and exports: each part is made when it is first needed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from privatenumber.calls.counting import DayCounting
from privatenumber.calls.exports import Exports
from privatenumber.calls.report_work import CountWork, ExportWork
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.call_search import CallSearch
from privatenumber.store.exports import ExportStore
from privatenumber.store.inventory import Inventory
from privatenumber.store.keyring import deployed_keyring
from privatenumber.store.milestones import MilestoneReader
from privatenumber.store.part_files import PartFiles
from privatenumber.store.queue import Sent, WorkQueue
from privatenumber.store.secrets import ApplicationsSecret
from privatenumber.store.statistics import StatisticsStore
from privatenumber.store.whereabouts import Whereabouts, whereabouts_of
from privatenumber.times import utc_now


class ReportRooms:
    """The rooms of one environment. What a missing variable is needed for raises SettingsError."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def applications(self) -> ApplicationsSecret:
        """The applications."""
        return ApplicationsSecret(clients.secrets(), self._settings.applications_secret)

    @cached_property
    def statistics(self) -> StatisticsStore:
        """What was counted."""
        return StatisticsStore(clients.dynamodb(), self._settings.bills_table)

    @cached_property
    def exported(self) -> ExportStore:
        """The rows of exports."""
        return ExportStore(clients.dynamodb(), self._settings.bills_table)

    @cached_property
    def counting(self) -> DayCounting:
        """Counts days."""
        kept = self._settings.kept
        return DayCounting(
            CallSearch(clients.dynamodb(), self._settings.bills_table),
            MilestoneReader(clients.dynamodb(), self._settings.bindings_table),
            self.statistics,
            self.whereabouts,
            min(kept.calls.days, kept.texts.days, self._settings.audit_days),
        )

    @cached_property
    def exports(self) -> Exports:
        """Makes exports."""
        keyring = deployed_keyring(self._settings)
        return Exports(
            self.exported,
            PartFiles(clients.s3(), self._settings.exchange_bucket),
            CallSearch(clients.dynamodb(), self._settings.bills_table),
            keyring.load,
            keyring.unseal,
            self._tell,
        )

    def send(self, work: Iterable[ExportWork | CountWork]) -> Sent:
        """Tell the worker."""
        return WorkQueue(clients.sqs(), self._settings.reports_queue_url).send(work)

    def whereabouts(self, application: str) -> Whereabouts:
        """Where the numbers of an application belong, as inventory and settings have it now."""
        known = self.applications.load().get(application)
        numbers = Inventory(clients.dynamodb(), self._settings.bindings_table).numbers(application)
        return whereabouts_of(known, numbers)

    def _tell(self, export_id: str) -> None:
        self.send([ExportWork(export_id, utc_now())])
