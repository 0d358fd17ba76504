"""Composition of the quarantine and of the worklist."""

from __future__ import annotations

from functools import cached_property

from privatenumber.calls.bootstrap import compose
from privatenumber.calls.guard import DoorPolicy
from privatenumber.calls.replay import Quarantine
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.keyring import KeyringStore, deployed_keyring
from privatenumber.store.quarantined import QuarantineStore
from privatenumber.store.secrets import ApplicationsSecret
from privatenumber.store.worklist import WorklistStore


class QuarantineRooms:
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
    def keyring(self) -> KeyringStore:
        """The deployment's keys."""
        settings = self.settings
        return deployed_keyring(settings)

    @cached_property
    def quarantine(self) -> Quarantine:
        """What was refused or unreadable."""
        client = clients.dynamodb()
        return Quarantine(
            QuarantineStore(client, self.settings.bills_table),
            compose(self.settings),
            applications=self.applications.load,
            unseal=self.keyring.unseal,
            policy=DoorPolicy(signature=self.settings.push_signature, nonce_check=self.settings.nonce_check),
        )
