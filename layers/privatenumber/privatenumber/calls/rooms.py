"""Composition of what answers questions about calls: each part is made when a route first needs it."""

from __future__ import annotations

from functools import cached_property

from privatenumber.calls.black_list import BlackList
from privatenumber.calls.lookup import Lookup
from privatenumber.calls.quarantine_rooms import QuarantineRooms
from privatenumber.calls.report_rooms import ReportRooms
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.barred import BarredStore
from privatenumber.store.call_facts import FactReader
from privatenumber.store.call_search import CallSearch
from privatenumber.store.evidence import EvidenceStore
from privatenumber.store.keyring import KeyringStore, deployed_keyring
from privatenumber.store.secrets import ApplicationsSecret
from privatenumber.times import utc_now


class CallRooms:
    """The rooms of one environment. What a missing variable is needed for raises SettingsError."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def keyring(self) -> KeyringStore:
        """The deployment's keys."""
        return deployed_keyring(self.settings)

    @cached_property
    def applications(self) -> ApplicationsSecret:
        """The applications."""
        return ApplicationsSecret(clients.secrets(), self.settings.applications_secret)

    @cached_property
    def lookup(self) -> Lookup:
        """Calls and SMS, listed and told."""
        client, bills = clients.dynamodb(), self.settings.bills_table
        return Lookup(
            CallSearch(client, bills),
            FactReader(client, bills),
            EvidenceStore(client, self.settings.bindings_table, bills),
            applications=self.applications.load,
            keyring=self.keyring.load,
            unseal=self.keyring.unseal,
        )

    @cached_property
    def reports(self) -> ReportRooms:
        """Statistics and exports."""
        return ReportRooms(self.settings)

    @cached_property
    def watching(self) -> QuarantineRooms:
        """The worklist and the quarantine."""
        return QuarantineRooms(self.settings)

    @cached_property
    def black_list(self) -> BlackList:
        """People who may not call or be called."""
        return BlackList(
            BarredStore(clients.dynamodb(), self.settings.bindings_table),
            applications=self.applications.load,
            keyring=self.keyring.load,
            unseal=self.keyring.unseal,
            clock=utc_now,
        )
