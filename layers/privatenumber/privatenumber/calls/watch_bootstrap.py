"""Composition of the watch; apart from that of the quarantine, which is not to pay for its imports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from privatenumber.calls.chronicle import Chronicle
from privatenumber.calls.completeness import Patience
from privatenumber.calls.quarantine_rooms import QuarantineRooms
from privatenumber.calls.telling import Telling
from privatenumber.calls.watch import Keep, OrderOf, Watch
from privatenumber.store import clients
from privatenumber.store.call_facts import FactReader
from privatenumber.store.fact_readings import FactReadings
from privatenumber.store.orders import OrderRef, OrderStore
from privatenumber.store.own_numbers import OwnNumbers
from privatenumber.store.push_times import PushTimes
from privatenumber.store.queue import WorkQueue
from privatenumber.store.transactions import Writer
from privatenumber.store.watched import WatchedRows
from privatenumber.store.webhook_events import Noted
from privatenumber.store.webhook_outbox import compose_outbox, write


class WatchRooms(QuarantineRooms):
    """The same with the watch, which follows facts as the stream's function does."""

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
        client, bills, keyring = clients.dynamodb(), self.settings.bills_table, self.keyring
        chronicle = Chronicle(
            FactReader(client, bills),
            Writer(client),
            bills,
            order_of=order_of,
            ours=OwnNumbers(client, self.settings.bindings_table).holds,
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
