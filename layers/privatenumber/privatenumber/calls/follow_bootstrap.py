"""Composition of what follows a fact; apart from that of the door, which is not to pay for its imports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from privatenumber.calls.chronicle import Chronicle
from privatenumber.calls.follow import Follower
from privatenumber.calls.orphans import Orphans
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
from privatenumber.store.queue import WorkQueue
from privatenumber.store.secrets import ApplicationsSecret
from privatenumber.store.transactions import Writer
from privatenumber.store.webhook_events import Noted
from privatenumber.store.webhook_outbox import Outbox, compose_outbox
from privatenumber.times import utc_now


@dataclass(frozen=True, slots=True)
class FollowRooms:
    """What works on each new row of the Bills table."""

    follower: Follower
    chronicle: Chronicle
    rules: RulesFollowed
    orphans: Orphans
    work: WorkQueue
    outbox: Outbox
    write: Callable[[Iterable[Mapping[str, Any]]], None]

    def telling(self, noted: Noted) -> Telling:
        """What tells outside of one record of the stream."""
        return Telling(self.outbox, self.write, noted)


def compose(settings: Settings, stop: Stopper) -> FollowRooms:
    """The rooms of a deployment; ``stop`` ends calls. Raises SettingsError for a variable that is missing."""
    client, bindings, bills = clients.dynamodb(), settings.bindings_table, settings.bills_table
    keyring = KeyringStore(client, bindings, clients.kms(), settings.key_id)
    applications = ApplicationsSecret(clients.secrets(), settings.applications_secret)

    def order_of(application: str, subscription_id: str) -> OrderRef | None:
        # A store of its own per question: what was not found once may be there now.
        return OrderStore(client, bindings).find(application, subscription_id)

    return FollowRooms(
        Follower(
            NumberStates(client, bindings),
            ContactStore(client, bindings),
            Activity(client, bindings),
            unseal=keyring.unseal,
            keyring=keyring.load,
        ),
        Chronicle(
            FactReader(client, bills),
            Writer(client),
            bills,
            order_of=order_of,
            unseal=keyring.unseal,
            keyring=keyring.load,
            kept=settings.kept,
        ),
        RulesFollowed(
            CallRules(client, bills),
            Counting(CallCounts(client, bills)),
            BarredStore(client, bindings),
            orders=order_of,
            applications=applications.load,
            stop=stop,
            unseal=keyring.unseal,
            clock=utc_now,
        ),
        Orphans(
            LastRelations(client, bindings),
            applications=applications.load,
            unseal=keyring.unseal,
            clock=utc_now,
        ),
        WorkQueue(clients.sqs(), settings.work_queue_url),
        compose_outbox(client, bills, keyring.load, WorkQueue(clients.sqs(), settings.webhooks_queue_url)),
        partial(webhook_outbox.write, client),
    )
