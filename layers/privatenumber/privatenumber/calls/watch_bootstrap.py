"""Composition of the watch and of the quarantine."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property

from privatenumber.calls.bootstrap import compose
from privatenumber.calls.completeness import Patience
from privatenumber.calls.guard import DoorPolicy
from privatenumber.calls.replay import Quarantine
from privatenumber.calls.watch import Watch
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.facts import FactStore
from privatenumber.store.keyring import KeyringStore
from privatenumber.store.orders import OrderRef, OrderStore
from privatenumber.store.push_times import PushTimes
from privatenumber.store.quarantined import QuarantineStore
from privatenumber.store.secrets import ApplicationsSecret
from privatenumber.store.watched import WatchedRows
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
            FactStore(client, bills),
            PushTimes(client, bills),
            order_of,
            Patience(
                cdr=timedelta(minutes=self.settings.missing_warn_minutes),
                cdr_lost=timedelta(minutes=self.settings.missing_alarm_minutes),
                notice=timedelta(minutes=self.settings.missing_warn_minutes),
                quiet=timedelta(minutes=self.settings.quiet_minutes),
            ),
        )

    @cached_property
    def quarantine(self) -> Quarantine:
        """What was refused or unreadable."""
        client = clients.dynamodb()
        keyring = KeyringStore(client, self.settings.bindings_table, clients.kms(), self.settings.key_id)
        return Quarantine(
            QuarantineStore(client, self.settings.bills_table),
            compose(self.settings),
            applications=self.applications.load,
            unseal=keyring.unseal,
            policy=DoorPolicy(signature=self.settings.push_signature, nonce_check=self.settings.nonce_check),
        )
