"""Composition of what follows a fact; apart from that of the door, which is not to pay for its imports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from privatenumber.calls.chronicle import Chronicle
from privatenumber.calls.follow import Follower
from privatenumber.calls.orphans import Orphans
from privatenumber.calls.orphans_told import OrphansTold
from privatenumber.calls.own_x import Ours
from privatenumber.calls.rules_counting import Counting
from privatenumber.calls.rules_followed import RulesFollowed, Stopper
from privatenumber.calls.telling import Telling
from privatenumber.settings import Settings
from privatenumber.store import clients, webhook_outbox
from privatenumber.store.activity import Activity
from privatenumber.store.barred import BarredStore
from privatenumber.store.call_counts import CallCounts
from privatenumber.store.call_facts import FactReader
from privatenumber.store.call_rules import CallRules
from privatenumber.store.contacts import ContactStore
from privatenumber.store.keyring import KeyringStore
from privatenumber.store.last_relations import LastRelations
from privatenumber.store.number_states import NumberStates
from privatenumber.store.orders import OrderRef, OrderStore
from privatenumber.store.own_numbers import OwnNumbers
from privatenumber.store.queue import WorkQueue
from privatenumber.store.secrets import ApplicationsSecret
from privatenumber.store.transactions import Writer
from privatenumber.store.webhook_events import Noted
from privatenumber.store.webhook_outbox import Outbox, compose_outbox
from privatenumber.times import utc_now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class FollowRooms:
    """What works on each new row of the Bills table."""

    follower: Follower
    chronicle: Chronicle
    rules: RulesFollowed
    orphans: Orphans
    orphans_told: OrphansTold
    outbox: Outbox
    write: Callable[[Iterable[Mapping[str, Any]]], None]
    ours: Ours

    def telling(self, noted: Noted) -> Telling:
        """What tells outside of one record of the stream."""
        return Telling(self.outbox, self.write, noted)


@dataclass(frozen=True)
class _Ground:
    """What all rooms stand on."""

    client: DynamoDBClient
    settings: Settings
    keyring: KeyringStore
    applications: ApplicationsSecret

    @property
    def bindings(self) -> str:
        return self.settings.bindings_table

    @property
    def bills(self) -> str:
        return self.settings.bills_table

    def order_of(self, application: str, subscription_id: str) -> OrderRef | None:
        # A store of its own per question: what was not found once may be there now.
        return OrderStore(self.client, self.bindings).find(application, subscription_id)

    @cached_property
    def own_numbers(self) -> OwnNumbers:
        return OwnNumbers(self.client, self.bindings)


def compose(settings: Settings, stop: Stopper) -> FollowRooms:
    """The rooms of a deployment; ``stop`` ends calls. Raises SettingsError for a variable that is missing."""
    client = clients.dynamodb()
    keyring = KeyringStore(client, settings.bindings_table, clients.kms(), settings.key_id)
    applications = ApplicationsSecret(clients.secrets(), settings.applications_secret)
    ground = _Ground(client, settings, keyring, applications)
    hooks = WorkQueue(clients.sqs(), settings.webhooks_queue_url)
    work = WorkQueue(clients.sqs(), settings.work_queue_url)
    return FollowRooms(
        _follower(ground),
        _chronicle(ground),
        _rules(ground, stop),
        _orphans(ground),
        OrphansTold(Writer(client), ground.bills, work),
        compose_outbox(client, ground.bills, keyring.load, hooks),
        partial(webhook_outbox.write, client),
        ground.own_numbers.holds,
    )


def _follower(ground: _Ground) -> Follower:
    return Follower(
        NumberStates(ground.client, ground.bindings),
        ContactStore(ground.client, ground.bindings),
        Activity(ground.client, ground.bindings),
        ours=ground.own_numbers.holds,
        unseal=ground.keyring.unseal,
        keyring=ground.keyring.load,
    )


def _chronicle(ground: _Ground) -> Chronicle:
    return Chronicle(
        FactReader(ground.client, ground.bills),
        Writer(ground.client),
        ground.bills,
        order_of=ground.order_of,
        ours=ground.own_numbers.holds,
        unseal=ground.keyring.unseal,
        keyring=ground.keyring.load,
        kept=ground.settings.kept,
    )


def _rules(ground: _Ground, stop: Stopper) -> RulesFollowed:
    return RulesFollowed(
        FactReader(ground.client, ground.bills),
        CallRules(ground.client, ground.bills),
        Counting(CallCounts(ground.client, ground.bills)),
        BarredStore(ground.client, ground.bindings),
        orders=ground.order_of,
        applications=ground.applications.load,
        stop=stop,
        unseal=ground.keyring.unseal,
        clock=utc_now,
    )


def _orphans(ground: _Ground) -> Orphans:
    return Orphans(
        LastRelations(ground.client, ground.bindings),
        applications=ground.applications.load,
        unseal=ground.keyring.unseal,
        clock=utc_now,
    )
