"""The composition: out of one environment's settings the rooms of bindings, each built when it is first used.

Keep one `Rooms` per environment: it holds the AWS clients, the opened keyring, the applications' credentials
and one platform client per application, so a warm request builds nothing anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from privatenumber.bindings.engine import Engine
from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.gateway import Gateway, gateway_to
from privatenumber.bindings.numbers import NumberInventory
from privatenumber.bindings.numbers_import import NumberImport
from privatenumber.bindings.pool import PoolInsight
from privatenumber.bindings.pool_history import PoolHistory
from privatenumber.bindings.service import BindingService
from privatenumber.deadline import Deadline
from privatenumber.platform.client import PlatformClient, Transport, Urllib3Transport
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.audit import AuditReader
from privatenumber.store.authors import NOBODY, REOPENING, Author
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.bindings import BindingStore
from privatenumber.store.budget import DynamoBudget
from privatenumber.store.keyring import KeyringStore
from privatenumber.store.numbers import NumberStore
from privatenumber.store.pauses import DynamoPauses
from privatenumber.store.secrets import ApplicationsSecret
from privatenumber.times import Clock, utc_now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from privatenumber.bindings.drift_service import DriftService
    from privatenumber.bindings.jobs import JobService
    from privatenumber.bindings.model import Binding
    from privatenumber.bindings.whole_x import WholeX
    from privatenumber.platform.session_calls import Stopped

_Answer = TypeVar("_Answer")


def _count_nothing(name: str, value: float) -> None:
    pass


class Rooms:
    """What the functions of bindings work with.

    `transport` makes the way to the platform for a proxy address (or none); `count` receives metrics.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        transport: Callable[[str | None], Transport] = Urllib3Transport,
        clock: Clock = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        count: Callable[[str, float], None] = _count_nothing,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._sleep = sleep
        self._count = count
        self._clients: dict[str, tuple[PlatformClient, Gateway]] = {}

    @property
    def service(self) -> BindingService:
        """The life of bindings, for those who only read, and for tools."""
        return self.service_of(NOBODY)

    def service_of(self, author: Author) -> BindingService:
        """The life of bindings in somebody's name, with the keyring of the moment (read again every hour)."""
        return BindingService(self._engine(author))

    @property
    def jobs(self) -> JobService:
        """Bulk jobs, with the keyring of the moment."""
        from privatenumber.bindings.jobs import JobService
        from privatenumber.store.files import FileStore
        from privatenumber.store.jobs import JobStore
        from privatenumber.store.queue import WorkQueue

        return JobService(
            self._engine(NOBODY),
            JobStore(self._table, self._settings.bindings_table),
            WorkQueue(clients.sqs(), self._settings.jobs_queue_url),
            lambda key: FileStore(clients.s3(), self._settings.exchange_bucket).read(key),
        )

    @property
    def drift(self) -> DriftService:
        """Drift repair, for those who only read or start it."""
        return self.drift_of(NOBODY)

    def drift_of(self, author: Author) -> DriftService:
        """Drift repair in somebody's name, with the keyring of the moment."""
        from privatenumber.bindings.drift_service import DriftService
        from privatenumber.store.drift import DriftStore

        return DriftService(self._engine(author), DriftStore(self._table, self._settings.bindings_table))

    def whole_x_of(self, author: Author) -> WholeX:
        """Release of everything on an X, in somebody's name."""
        from privatenumber.bindings.whole_x import WholeX
        from privatenumber.store.whole_x import WholeXStore

        store = WholeXStore(self._table, self._settings.bindings_table)
        return WholeX(self._engine(author), store, self.jobs.create)

    def reopen(self, binding_id: str, call: str, seconds: int, *, deadline: Deadline) -> Binding:
        """Bind again what ended by itself, for a call of one of its people; raises as a bind does."""
        from privatenumber.bindings.reopen import reopen

        return reopen(self._engine(Author(REOPENING)), binding_id, call, seconds, deadline)

    def application_ids(self) -> tuple[str, ...]:
        """The applications that are configured."""
        return tuple(self._applications.load())

    @property
    def inventory(self) -> NumberInventory:
        """The X numbers, for those who only read, and for tools."""
        return self.inventory_of(NOBODY)

    def inventory_of(self, author: Author) -> NumberInventory:
        """The X numbers, one by one, in somebody's name."""
        return NumberInventory(self._numbers, self._applications.load, author, self._clock)

    def number_import_of(self, author: Author) -> NumberImport:
        """The X numbers, file by file, in somebody's name."""
        return NumberImport(self._numbers, self._applications.load, author, self._clock)

    @cached_property
    def pool(self) -> PoolInsight:
        """How full the pools are."""
        return PoolInsight(self._numbers, self._bindings, self._search, self._applications.load, self._clock)

    @cached_property
    def pool_history(self) -> PoolHistory:
        """What the pools carried, and what they would need."""
        return PoolHistory(self._numbers, self._bindings, self._search, self._applications.load, self._clock)

    @cached_property
    def audit(self) -> AuditReader:
        """Who did what to which binding and number."""
        return AuditReader(self._table, self._settings.bindings_table)

    def platform(self, application_id: str) -> Gateway:
        """Return the platform of an application as bindings see it, anew when its credentials changed.

        Raises InvalidRequest when no application of this id is configured.
        """
        return self._reach(application_id)[1]

    def stop_call(self, application_id: str, session_id: str, *, deadline: Deadline) -> Stopped:
        """End a running call in any mode (recording-and-call-stop.md §3).

        Raises InvalidRequest for an application that is not configured, and PlatformError.
        """
        return self._reach(application_id)[0].sessions.stop(session_id, deadline=deadline)

    def _reach(self, application_id: str) -> tuple[PlatformClient, Gateway]:
        application = self._applications.load().get(application_id)
        if application is None:
            raise InvalidRequest("application", "is not configured")
        known = self._clients.get(application_id)
        if known is None or known[0].application != application:
            way = self._transport(application.proxy_url or self._settings.outbound_proxy)
            client = PlatformClient(
                application,
                transport=way,
                pauses=self._pauses,
                budget=self._budget,
                clock=self._clock,
                sleep=self._sleep,
            )
            self._clients[application_id] = known = (client, gateway_to(client))
        return known

    def opening(self, action: Callable[[], _Answer]) -> _Answer:
        """Do something with `service`; once more with fresh keys for a binding sealed under a newer one."""
        return self._keyrings.opening(action)

    def _engine(self, author: Author) -> Engine:
        return Engine(
            store=self._bindings,
            search=self._search,
            numbers=self._numbers,
            platforms=self.platform,
            keyring=self._keyrings.load(),
            clock=self._clock,
            margin_s=self._settings.margin_seconds,
            count=self._count,
            open_calls=self._open_calls,
            actor=author.by,
            why=author.why,
        )

    def _open_calls(
        self, application: str, binding_id: str, *, since: datetime, until: datetime
    ) -> Iterable[datetime]:
        """Few releases wait for a call: only they pay for the way to calls."""
        from privatenumber.store.open_calls import OpenCalls

        calls = OpenCalls(self._table, self._settings.bills_table)
        return calls.begun(application, binding_id, since=since, until=until)

    @cached_property
    def _table(self) -> DynamoDBClient:
        return clients.dynamodb()

    @cached_property
    def _bindings(self) -> BindingStore:
        return BindingStore(self._table, self._settings.bindings_table)

    @cached_property
    def _search(self) -> BindingSearch:
        return BindingSearch(self._table, self._settings.bindings_table)

    @cached_property
    def _numbers(self) -> NumberStore:
        return NumberStore(self._table, self._settings.bindings_table)

    @cached_property
    def _pauses(self) -> DynamoPauses:
        return DynamoPauses(self._table, self._settings.bindings_table, clock=self._clock)

    @cached_property
    def _budget(self) -> DynamoBudget:
        return DynamoBudget(self._table, self._settings.bindings_table)

    @cached_property
    def _applications(self) -> ApplicationsSecret:
        return ApplicationsSecret(clients.secrets(), self._settings.applications_secret)

    @cached_property
    def _keyrings(self) -> KeyringStore:
        return KeyringStore(
            self._table,
            self._settings.bindings_table,
            clients.kms(),
            self._settings.key_id,
            clock=self._clock,
        )
