"""Composition of what hands bills out: each part is made when a route first needs it."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from privatenumber.billing.disputes.desk import Desk
from privatenumber.billing.reconciliation.findings import Findings
from privatenumber.billing.reconciliation.requested import ReconcileWork, Reconciliations
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.complaints import ComplaintStore
from privatenumber.store.differences import DifferenceStore
from privatenumber.store.disputes import DisputeStore
from privatenumber.store.files import FileStore
from privatenumber.store.keyring import KeyringStore, deployed_keyring
from privatenumber.store.own_numbers import OwnNumbers
from privatenumber.store.part_files import PartFiles
from privatenumber.store.queue import WorkQueue
from privatenumber.store.reconciliation_runs import RunStore
from privatenumber.store.secrets import ApplicationsSecret
from privatenumber.store.statements import (
    MonthStore,
    correction_store,
    plan_store,
    reconciliation_store,
    statement_store,
)
from privatenumber.store.tariffs import TariffStore
from privatenumber.store.uploads import Uploads
from privatenumber.store.version_pages import VersionPages

if TYPE_CHECKING:
    from privatenumber.billing.disputes.evidence import Evidence
    from privatenumber.billing.ledger import Ledger
    from privatenumber.billing.tariff.stored import Tariffs


class BillRooms:
    """The rooms of one environment. What a missing variable is needed for raises SettingsError."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def keyring(self) -> KeyringStore:
        """The deployment's keys."""
        return deployed_keyring(self.settings)

    @cached_property
    def statements(self) -> MonthStore:
        """Statements by month."""
        return statement_store(clients.dynamodb(), self.settings.bills_table)

    @cached_property
    def corrections(self) -> MonthStore:
        """Corrections by the month that they correct."""
        return correction_store(clients.dynamodb(), self.settings.bills_table)

    @cached_property
    def plans(self) -> MonthStore:
        """Plans by month."""
        return plan_store(clients.dynamodb(), self.settings.bills_table)

    @cached_property
    def complaints(self) -> ComplaintStore:
        """Complaints about private numbers."""
        return ComplaintStore(clients.dynamodb(), self.settings.bills_table)

    @cached_property
    def applications(self) -> ApplicationsSecret:
        """The applications."""
        return ApplicationsSecret(clients.secrets(), self.settings.applications_secret)

    @cached_property
    def own_numbers(self) -> OwnNumbers:
        """Whether a number is one of ours."""
        return OwnNumbers(clients.dynamodb(), self.settings.bindings_table)

    @cached_property
    def pages(self) -> VersionPages:
        """Lines of statements and reconciliations."""
        return VersionPages(clients.dynamodb(), self.settings.bills_table)

    @cached_property
    def tariffs(self) -> Tariffs:
        """Prices and packages."""
        from privatenumber.billing.tariff.stored import Tariffs

        return Tariffs(self.tariff_store, self.settings.price_list or "")

    @cached_property
    def tariff_store(self) -> TariffStore:
        """Their versions."""
        return TariffStore(clients.dynamodb(), self.settings.bills_table)

    @cached_property
    def uploads(self) -> Uploads:
        """Files that come into the exchange bucket."""
        return Uploads(clients.s3(), self.settings.exchange_bucket)

    @cached_property
    def files(self) -> FileStore:
        """Files that are in the exchange bucket."""
        return FileStore(clients.s3(), self.settings.exchange_bucket)

    @cached_property
    def handed_out(self) -> PartFiles:
        """Files that we put into the exchange bucket, and links to them."""
        return PartFiles(clients.s3(), self.settings.exchange_bucket)

    @cached_property
    def runs(self) -> RunStore:
        """Rows of reconciliations that were asked for."""
        return RunStore(clients.dynamodb(), self.settings.bills_table)

    @cached_property
    def reconciliations(self) -> Reconciliations:
        """Takes requests for reconciliations."""
        return Reconciliations(self.runs, self.keyring.load, self._tell)

    @cached_property
    def differences(self) -> DifferenceStore:
        """What was made of differences."""
        return DifferenceStore(clients.dynamodb(), self.settings.bills_table)

    @cached_property
    def findings(self) -> Findings:
        """What reconciliations have found."""
        versions = reconciliation_store(clients.dynamodb(), self.settings.bills_table)
        return Findings(self.runs, versions, self.pages, self.differences)

    @cached_property
    def disputes(self) -> DisputeStore:
        """Rows of disputes."""
        return DisputeStore(clients.dynamodb(), self.settings.bills_table)

    @cached_property
    def desk(self) -> Desk:
        """Opens and moves disputes."""
        return Desk(self.disputes, self.differences)

    @cached_property
    def evidence(self) -> Evidence:
        """Collects what proves a difference."""
        from privatenumber.billing.disputes.evidence import Evidence
        from privatenumber.billing.disputes.import_row import import_row
        from privatenumber.store.evidence import EvidenceStore

        store = EvidenceStore(clients.dynamodb(), self.settings.bindings_table, self.settings.bills_table)
        row_of = partial(import_row, self.files, self.settings.import_layouts or "")
        return Evidence(store, self.handed_out, self.keyring.unseal, row_of)

    def ledger(self) -> Ledger:
        """The books, with the applications and the inventory as they are now."""
        from privatenumber.billing.bootstrap import Rooms

        return Rooms(self.settings).ledger()

    def _tell(self, run_id: str) -> None:
        WorkQueue(clients.sqs(), self.settings.reconciliations_queue_url).hint([ReconcileWork(run_id)])
