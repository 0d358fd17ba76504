"""Composition of the ingestion: the one place where its adapters are built."""

from __future__ import annotations

from privatenumber.calls.guard import DoorPolicy
from privatenumber.calls.ingest import Ingestion
from privatenumber.calls.rules_asked import RulesAsked
from privatenumber.calls.rules_counting import Counting
from privatenumber.calls.switchboard import Switchboard
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.barred import BarredStore
from privatenumber.store.call_counts import CallCounts
from privatenumber.store.facts import FactStore
from privatenumber.store.keyring import KeyringStore
from privatenumber.store.relations import RelationStore
from privatenumber.store.secrets import ApplicationsSecret


def compose(settings: Settings) -> Ingestion:
    """The ingestion of a deployment; credentials and keys are read once per environment, when first needed.

    Raises SettingsError for a variable that is missing or makes no sense.
    """
    table = clients.dynamodb()
    keyring = KeyringStore(table, settings.bindings_table, clients.kms(), settings.key_id)
    applications = ApplicationsSecret(clients.secrets(), settings.applications_secret)
    policy = DoorPolicy(
        signature=settings.push_signature,
        nonce_check=settings.nonce_check,
        sources=settings.source_cidrs,
    )
    hurried = clients.hurried_dynamodb()
    relations = RelationStore(hurried, settings.bindings_table, settings.bills_table)
    counting = Counting(CallCounts(hurried, settings.bills_table))
    rules = RulesAsked(BarredStore(hurried, settings.bindings_table), counting)
    return Ingestion(
        FactStore(table, settings.bills_table),
        applications=applications.load,
        keyring=keyring.load,
        policy=policy,
        switchboard=Switchboard(relations, keyring.unseal, rules, seconds=settings.block_seconds),
        hurried=FactStore(hurried, settings.bills_table),
        kept=settings.kept,
    )
