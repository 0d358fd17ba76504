"""Ending a running call at the platform, for the rules that follow calls (recording-and-call-stop.md §3).

The client and its models are loaded when the first call is ended: most environments never end one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from privatenumber.calls.rules_followed import Stop
from privatenumber.deadline import Deadline
from privatenumber.settings import Application, Settings
from privatenumber.store.call_rules import Act

if TYPE_CHECKING:
    from collections.abc import Callable

    from privatenumber.platform.client import PlatformClient, Transport

#: Time for one call: events of others wait behind it, and each of its own asks again.
STOP_S: Final = 4.0
#: Time for all calls of one invocation, from its beginning: what else a batch leads to has to be done too.
STOPS_S: Final = 15.0
#: With less than this left the platform is not asked any more.
_SHORTEST_S: Final = 1.0
#: The code of an act for which there was no time: the next event of the call asks.
BUSY: Final = "busy"
_LOG: Final = logging.getLogger("privatenumber.calls")


class CallStopper:
    """Ends calls (`rules_followed.Stopper`). Keep one per environment.

    ``transport`` makes the way to the platform for a proxy address (or none); by default over the network.
    """

    def __init__(
        self, settings: Settings, *, transport: Callable[[str | None], Transport] | None = None
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._known: dict[str, tuple[Application, PlatformClient]] = {}

    def __call__(self, application: Application, session_id: str, until: Deadline) -> Stop:
        """Ask the platform to end a call, if there is time; a refusal is an answer, not an error."""
        if until.remaining() < _SHORTEST_S:
            return self._failed(application, BUSY)
        from privatenumber.platform.errors import PlatformError
        from privatenumber.platform.session_calls import Stopped

        try:
            deadline = Deadline.after(min(STOP_S, until.remaining()))
            done = self._client(application).sessions.stop(session_id, deadline=deadline)
        except PlatformError as refused:
            return self._failed(application, refused.code or refused.outcome.value)
        return Stop(Act.STOPPED if done is Stopped.STOPPED else Act.ALREADY_ENDED)

    def _failed(self, application: Application, code: str) -> Stop:
        _LOG.error("call not ended", extra={"application": application.id, "code": code})
        return Stop(Act.FAILED, code)

    def _client(self, application: Application) -> PlatformClient:
        """The client of an application, a new one when its credentials changed."""
        from privatenumber.platform.client import PlatformClient, Urllib3Transport
        from privatenumber.store import clients
        from privatenumber.store.budget import DynamoBudget
        from privatenumber.store.pauses import DynamoPauses

        known = self._known.get(application.id)
        if known is None or known[0] != application:
            table, dynamodb = self._settings.bindings_table, clients.dynamodb()
            client = PlatformClient(
                application,
                transport=(self._transport or Urllib3Transport)(
                    application.proxy_url or self._settings.outbound_proxy
                ),
                pauses=DynamoPauses(dynamodb, table),
                budget=DynamoBudget(dynamodb, table),
            )
            self._known[application.id] = known = (application, client)
        return known[1]
