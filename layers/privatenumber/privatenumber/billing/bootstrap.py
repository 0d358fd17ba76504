"""The composition: out of one environment's settings the books of its account."""

from __future__ import annotations

from functools import cached_property

from privatenumber.billing.closing.allocation import Options
from privatenumber.billing.closing.fan_out import FanOut
from privatenumber.billing.ledger import Ledger, together
from privatenumber.billing.tariff.stored import Tariffs
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.close_runs import CloseRuns
from privatenumber.store.closes import CloseStore
from privatenumber.store.disputes import DisputeStore
from privatenumber.store.facts import FactStore
from privatenumber.store.files import FileStore
from privatenumber.store.inventory import Inventory
from privatenumber.store.keyring import KeyringStore
from privatenumber.store.month_looks import LookStore
from privatenumber.store.orders import OrderStore
from privatenumber.store.queue import WorkQueue
from privatenumber.store.secrets import ApplicationsSecret
from privatenumber.store.statements import MonthStore, correction_store, reconciliation_store, statement_store
from privatenumber.store.tariffs import TariffStore


class Rooms:
    """What the billing function works with. Keep one per environment: it holds keys and credentials."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def ledger(self) -> Ledger:
        """The books for one run, with the applications and the inventory as they are now."""
        dynamodb = clients.dynamodb()
        bills, bindings = self._settings.bills_table, self._settings.bindings_table
        applications = self._applications.load()
        inventory = Inventory(dynamodb, bindings)
        tariffs = Tariffs(TariffStore(dynamodb, bills), self._settings.price_list or "")
        held = together(lambda application: list(inventory.numbers(application)), sorted(applications))
        return Ledger(
            applications={each.id: each.app_key for each in applications.values()},
            numbers=[number for numbers in held for number in numbers],
            prices=tariffs.prices(),
            packages=tariffs.orders(),
            known=applications,
            options=Options(self._settings.rent_allocation, self._settings.package_allocation),
            close_day=self._settings.close_day,
            tolerance_line=self._settings.tolerance_line,
            memory_mb=self._settings.memory_mb,
            import_layouts=self._settings.import_layouts or "",
            kept_days=min(self._settings.call_days, self._settings.sms_days),
            facts=FactStore(dynamodb, bills),
            closes=CloseStore(dynamodb, bills),
            orders=OrderStore(dynamodb, bindings),
            statements=statement_store(dynamodb, bills),
            corrections=correction_store(dynamodb, bills),
            reconciliations=reconciliation_store(dynamodb, bills),
            disputes=self.disputes,
            looks=LookStore(dynamodb, bills),
            files=FileStore(clients.s3(), self._settings.exchange_bucket),
            keyring=self._keyrings.load,
            unseal=self._keyrings.unseal,
        )

    def fan_out(self) -> FanOut:
        """Closes that many workers share."""
        queue = WorkQueue(clients.sqs(), self._settings.billing_queue_url)
        return FanOut(CloseRuns(clients.dynamodb(), self._settings.bills_table), queue.send)

    @cached_property
    def looks(self) -> LookStore:
        """What of closed months waits to be booked."""
        return LookStore(clients.dynamodb(), self._settings.bills_table)

    @cached_property
    def statements(self) -> MonthStore:
        """Statements by month."""
        return statement_store(clients.dynamodb(), self._settings.bills_table)

    @cached_property
    def disputes(self) -> DisputeStore:
        """What decisions of disputes book."""
        return DisputeStore(clients.dynamodb(), self._settings.bills_table)

    @cached_property
    def _applications(self) -> ApplicationsSecret:
        return ApplicationsSecret(clients.secrets(), self._settings.applications_secret)

    @cached_property
    def _keyrings(self) -> KeyringStore:
        return KeyringStore(
            clients.dynamodb(), self._settings.bindings_table, clients.kms(), self._settings.key_id
        )
