"""The composition: out of one environment's settings the rooms of recordings, each built when first used.

Keep one `Rooms` per environment. Only the worker pays for the platform client: it is imported when asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from privatenumber.recordings.find import Finder
from privatenumber.recordings.model import Schedule
from privatenumber.recordings.noting import Noting
from privatenumber.settings import Application, Settings
from privatenumber.store import clients
from privatenumber.store.facts import FactStore
from privatenumber.store.keyring import KeyringStore, deployed_keyring
from privatenumber.store.queue import WorkQueue
from privatenumber.store.recording_files import RecordingFiles
from privatenumber.store.recordings import RecordingStore
from privatenumber.times import Clock, utc_now

if TYPE_CHECKING:
    from privatenumber.platform.client import PlatformClient
    from privatenumber.recordings.archive import Archive
    from privatenumber.recordings.download import Downloads
    from privatenumber.store.budget import DynamoBudget


class Rooms:
    """What the functions of recordings work with; `count` receives metrics."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        count: Callable[[str, float], None],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._count = count
        self._platforms: dict[str, tuple[Application, PlatformClient]] = {}
        self._ways: dict[str | None, Downloads] = {}
        self._budget: DynamoBudget | None = None

    @cached_property
    def store(self) -> RecordingStore:
        """The rows."""
        return RecordingStore(clients.dynamodb(), self._settings.bills_table)

    @cached_property
    def queue(self) -> WorkQueue:
        """The queue to the worker."""
        return WorkQueue(clients.sqs(), self._settings.work_queue_url)

    @cached_property
    def facts(self) -> FactStore:
        """The CDRs, by day."""
        return FactStore(clients.dynamodb(), self._settings.bills_table)

    @cached_property
    def noting(self) -> Noting:
        """For the stream of the Bills table."""
        return Noting(self.store, self.queue, self.keyrings, self._clock, self._count)

    @cached_property
    def finder(self) -> Finder:
        """For those who ask for a call's recordings."""
        return Finder(self.store, self._files, self.keyrings.load, self._settings.recording_days)

    @cached_property
    def archive(self) -> Archive:
        """For the worker."""
        from privatenumber.recordings.archive import Archive
        from privatenumber.recordings.fetch import Fetch
        from privatenumber.store.secrets import ApplicationsSecret

        secret = ApplicationsSecret(clients.secrets(), self._settings.applications_secret)
        return Archive(
            store=self.store,
            files=self._files,
            fetch=Fetch(secret.load, self._platform, self._way),
            unseal=self.keyrings.unseal,
            schedule=Schedule(self._settings.recording_retry_seconds),
            count=self._count,
        )

    @cached_property
    def keyrings(self) -> KeyringStore:
        """The deployment's keys."""
        return deployed_keyring(self._settings, clock=self._clock)

    @cached_property
    def _files(self) -> RecordingFiles:
        return RecordingFiles(clients.s3(), self._settings.recordings_bucket, self._settings.key_id)

    def _platform(self, application: Application) -> PlatformClient:
        """The client of an application, a new one when its credentials changed."""
        from privatenumber.platform.client import PlatformClient, Urllib3Transport
        from privatenumber.store.budget import DynamoBudget
        from privatenumber.store.pauses import DynamoPauses

        known = self._platforms.get(application.id)
        if known is None or known[0] != application:
            pauses = DynamoPauses(clients.dynamodb(), self._settings.bindings_table, clock=self._clock)
            self._budget = self._budget or DynamoBudget(clients.dynamodb(), self._settings.bindings_table)
            client = PlatformClient(
                application,
                transport=Urllib3Transport(self._proxy(application)),
                pauses=pauses,
                budget=self._budget,
                clock=self._clock,
                sleep=self._sleep,
            )
            self._platforms[application.id] = known = (application, client)
        return known[1]

    def _way(self, application: Application) -> Downloads:
        from privatenumber.recordings.download import Downloads

        return self._ways.setdefault(self._proxy(application), Downloads(self._proxy(application)))

    def _proxy(self, application: Application) -> str | None:
        return application.proxy_url or self._settings.outbound_proxy
