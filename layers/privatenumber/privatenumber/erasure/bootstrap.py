"""The composition: out of one environment's settings the rooms of erasures, each built when first used."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from privatenumber.erasure.orders import OrderBindings
from privatenumber.erasure.rounds import Rounds
from privatenumber.erasure.service import Erasures
from privatenumber.erasure.walk import Walk
from privatenumber.privacy import seal, token
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.bindings import BindingStore
from privatenumber.store.erasing import Eraser
from privatenumber.store.erasure_rounds import RoundStore
from privatenumber.store.erasures import ErasureStore
from privatenumber.store.keyring import KeyringStore, deployed_keyring
from privatenumber.store.numbers import NumberStore
from privatenumber.store.recording_files import RecordingFiles
from privatenumber.store.secrets import ApplicationsSecret
from privatenumber.store.versions import VersionStore
from privatenumber.times import Clock, utc_now


class Rooms:
    """What the functions of erasures work with; `count` receives metrics."""

    def __init__(
        self, settings: Settings, *, clock: Clock = utc_now, count: Callable[[str, float], None]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._count = count

    @cached_property
    def erasures(self) -> Erasures:
        """For those who ask."""
        secret = ApplicationsSecret(clients.secrets(), self._settings.applications_secret)
        return Erasures(
            store=self._store,
            orders=self._orders,
            numbers=NumberStore(clients.dynamodb(), self._settings.bindings_table),
            applications=lambda: secret.load(),
            keyring=self.keyrings.load,
            clock=self._clock,
        )

    @cached_property
    def rounds(self) -> Rounds:
        """For the worker."""
        settings, client, keyrings = self._settings, clients.dynamodb(), self.keyrings
        files = RecordingFiles(clients.s3(), settings.recordings_bucket, settings.key_id)
        walk = Walk(
            eraser=Eraser(client, settings.bindings_table),
            versions=VersionStore(client, settings.bills_table),
            bindings=settings.bindings_table,
            bills=settings.bills_table,
            unseal=keyrings.unseal,
            seal=lambda value, context: seal(keyrings.load(), value, context=context),
            token_of=lambda number: token(keyrings.load(), number),
            remove_file=files.remove,
            clock=self._clock,
        )
        return Rounds(
            store=self._store,
            progress=RoundStore(client, settings.bindings_table),
            walk=walk,
            orders=self._orders,
            keyring=keyrings.load,
            unseal=keyrings.unseal,
            clock=self._clock,
            count=self._count,
        )

    @cached_property
    def keyrings(self) -> KeyringStore:
        """The deployment's keys."""
        return deployed_keyring(self._settings, clock=self._clock)

    @cached_property
    def _store(self) -> ErasureStore:
        return ErasureStore(clients.dynamodb(), self._settings.bindings_table)

    @cached_property
    def _orders(self) -> OrderBindings:
        client, table = clients.dynamodb(), self._settings.bindings_table
        return OrderBindings(BindingSearch(client, table), BindingStore(client, table))
