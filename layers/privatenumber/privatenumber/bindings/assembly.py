"""Puts the engine together from settings: the one place where bindings meet AWS clients and credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from privatenumber.bindings.engine import AxbApi, Engine
from privatenumber.bindings.errors import InvalidRequest
from privatenumber.platform.client import Pauses, PlatformClient, Transport, Urllib3Transport
from privatenumber.settings import Application, Mode, Settings
from privatenumber.store import clients
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.bindings import BindingStore
from privatenumber.store.keyring import KeyringStore
from privatenumber.store.numbers import NumberStore
from privatenumber.store.pauses import DynamoPauses
from privatenumber.store.secrets import ApplicationsSecret
from privatenumber.times import Clock, utc_now

Count = Callable[[str, float], None]


def engine(settings: Settings, *, count: Count, clock: Clock = utc_now) -> Engine:
    """Make the engine of one environment; ``count`` receives metrics. Nothing is read or connected yet."""
    client, table = clients.dynamodb(), settings.bindings_table
    secret = ApplicationsSecret(clients.secrets(), settings.applications_secret)
    return Engine(
        store=BindingStore(client, table),
        search=BindingSearch(client, table),
        numbers=NumberStore(client, table),
        platforms=Platforms(secret, DynamoPauses(client, table, clock=clock), settings.outbound_proxy),
        keys=KeyringStore(client, table, clients.kms(), settings.key_id, clock=clock),
        clock=clock,
        margin_s=settings.margin_seconds,
        count=count,
    )


class Platforms:
    """The platform client of each application; a client is made anew when the credentials change."""

    def __init__(
        self,
        secret: ApplicationsSecret,
        pauses: Pauses,
        proxy_url: str | None,
        transport: Callable[[str | None], Transport] = Urllib3Transport,
    ) -> None:
        self._secret = secret
        self._pauses = pauses
        self._proxy_url = proxy_url
        self._transport = transport
        self._transports: dict[str | None, Transport] = {}
        self._clients: dict[str, tuple[Application, PlatformClient]] = {}

    def __call__(self, application_id: str) -> AxbApi:
        """Return the client of an application; raises InvalidRequest when it cannot bind AXB."""
        application = self._application(application_id)
        if application.mode is not Mode.AXB:
            raise InvalidRequest("application", f"is of mode {application.mode}, not AXB")
        known = self._clients.get(application_id)
        if known is None or known[0] != application:
            client = PlatformClient(
                application, transport=self._way(application.proxy_url), pauses=self._pauses
            )
            self._clients[application_id] = known = (application, client)
        return known[1]

    def _application(self, application_id: str) -> Application:
        applications: Mapping[str, Application] = self._secret.load()
        if application_id not in applications:
            applications = self._secret.load(refresh=True)
        if application_id not in applications:
            raise InvalidRequest("application", "is not configured")
        return applications[application_id]

    def _way(self, proxy_url: str | None) -> Transport:
        proxy = proxy_url or self._proxy_url
        if proxy not in self._transports:
            self._transports[proxy] = self._transport(proxy)
        return self._transports[proxy]
