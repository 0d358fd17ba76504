"""Composition of the watch and of the quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from privatenumber.calls.bootstrap import compose
from privatenumber.calls.chronicle import Chronicle
from privatenumber.calls.completeness import Patience
from privatenumber.calls.guard import DoorPolicy
from privatenumber.calls.replay import Quarantine
from privatenumber.calls.telling import Telling
from privatenumber.calls.watch import Keep, OrderOf, Watch
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.call_facts import FactReader
from privatenumber.store.fact_readings import FactReadings
from privatenumber.store.keyring import KeyringStore
from privatenumber.store.orders import OrderRef, OrderStore
from privatenumber.store.push_times import PushTimes
from privatenumber.store.quarantined import QuarantineStore
from privatenumber.store.queue import WorkQueue
from privatenumber.store.secrets import ApplicationsSecret
from privatenumber.store.transactions import Writer
from privatenumber.store.watched import WatchedRows
from privatenumber.store.webhook_events import Noted
from privatenumber.store.webhook_outbox import compose_outbox, write
from privatenumber.store.worklist import WorklistStore


class WatchRooms:
    """The rooms of one environment; each part is made when it is first needed.

    What a missing variable is needed for raises SettingsError.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def applications(self) -> ApplicationsSecret:
        """The applications."""
        return ApplicationsSecret(clients.secrets(), self.settings.applications_secret)

    @cached_property
    def worklist(self) -> WorklistStore:
        """What people have to look after."""
        return WorklistStore(clients.dynamodb(), self.settings.bills_table)

    @cached_property
    def watch(self) -> Watch:
        """What looks at what waits."""
        client, bills, bindings = (
            clients.dynamodb(),
            self.settings.bills_table,
            self.settings.bindings_table,
        )

        def order_of(application: str, subscription_id: str) -> OrderRef | None:
            # A store of its own per question: what was not found once may be there now.
            return OrderStore(client, bindings).find(application, subscription_id)

        return Watch(
            WatchedRows(client, bills),
            self.worklist,
            FactReadings(client, bills),
            PushTimes(client, bills),
            order_of,
            self._keep(order_of),
            Patience(
                cdr=timedelta(minutes=self.settings.missing_warn_minutes),
                cdr_lost=timedelta(minutes=self.settings.missing_alarm_minutes),
                notice=timedelta(minutes=self.settings.missing_warn_minutes),
                quiet=timedelta(minutes=self.settings.quiet_minutes),
            ),
        )

    def _keep(self, order_of: OrderOf) -> Keep:
        """The chronicle, telling outside as it does when it follows the stream."""
        client, bills, keyring = clients.dynamodb(), self.settings.bills_table, self._keyring
        chronicle = Chronicle(
            FactReader(client, bills),
            Writer(client),
            bills,
            order_of=order_of,
            unseal=keyring.unseal,
            keyring=keyring.load,
            kept=self.settings.kept,
        )
        hooks = WorkQueue(clients.sqs(), self.settings.webhooks_queue_url)
        outbox = compose_outbox(client, bills, keyring.load, hooks)

        def keep(row: Mapping[str, Any], now: datetime) -> bool:
            telling = Telling(outbox, partial(write, client), Noted(now))
            changed = chronicle.keep(row, telling)
            telling.hint()
            return changed

        return keep

    @cached_property
    def _keyring(self) -> KeyringStore:
        settings = self.settings
        return KeyringStore(clients.dynamodb(), settings.bindings_table, clients.kms(), settings.key_id)

    @cached_property
    def quarantine(self) -> Quarantine:
        """What was refused or unreadable."""
        client = clients.dynamodb()
        return Quarantine(
            QuarantineStore(client, self.settings.bills_table),
            compose(self.settings),
            applications=self.applications.load,
            unseal=self._keyring.unseal,
            policy=DoorPolicy(signature=self.settings.push_signature, nonce_check=self.settings.nonce_check),
        )
