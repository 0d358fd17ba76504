"""Composition of what follows a fact; apart from that of the door, which is not to pay for its imports."""

from __future__ import annotations

from privatenumber.calls.follow import Follower
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.activity import Activity
from privatenumber.store.contacts import ContactStore
from privatenumber.store.keyring import KeyringStore
from privatenumber.store.number_states import NumberStates


def compose_follower(settings: Settings) -> Follower:
    """The follower of a deployment. Raises SettingsError for a variable that is missing."""
    client, table = clients.dynamodb(), settings.bindings_table
    keyring = KeyringStore(client, table, clients.kms(), settings.key_id)
    return Follower(
        NumberStates(client, table),
        ContactStore(client, table),
        Activity(client, table),
        unseal=keyring.unseal,
        keyring=keyring.load,
    )
