"""Our own client on the suite's emulator: its applications, and a wire on which requests can be replaced."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from builders.contract import AXYB_PATH, INTERFACES, UNKNOWN_ID, A, B, C, Json, Subject, query_text
from builders.contract_account import Account, EmulatedAccount
from privatenumber.deadline import Deadline
from privatenumber.platform.ax import AxBind, AxCallee, AxModify
from privatenumber.platform.axb import AxbBind, AxbModify
from privatenumber.platform.axe import AxeBind, AxeModify
from privatenumber.platform.axyb import AxybBindAx, AxybBindYb
from privatenumber.platform.client import PlatformClient
from privatenumber.platform.pausing import MemoryPauses
from privatenumber.platform.transport import Response, Transport, Urllib3Transport
from privatenumber.settings import Application, Mode
from privatenumber.signing import Scheme


def soon(seconds: float = 8) -> Deadline:
    """A deadline of real seconds."""
    return Deadline.after(seconds)


@dataclass
class ReplacingWire:
    """Sends what a test wants in place of what the client made: the answer is the platform's own.

    ``values`` replace parameters, ``headers`` the signature, ``method`` the method; None leaves the client's.
    """

    api: str
    app_key: str
    base_url: str
    values: Mapping[str, Any] | None = None
    headers: Callable[[], Mapping[str, str]] | None = None
    method: str | None = None
    inner: Transport = field(default_factory=Urllib3Transport)

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        connect_s: float,
        read_s: float,
    ) -> Response:
        """See `Transport`."""
        interface = INTERFACES[self.api]
        if self.values is not None:
            query: Json = {"app_key": self.app_key} if interface.path == AXYB_PATH else {}
            if interface.in_body:
                body = json.dumps(self.values).encode()
            else:
                query |= self.values
            url = f"{self.base_url}{interface.path}?{query_text(query)}"
        sent = headers if self.headers is None else self.headers()
        return self.inner.send(self.method or method, url, sent, body, connect_s=connect_s, read_s=read_s)


def application_of(account: Account, subject: Subject, **changes: Any) -> Application:
    """How our own side is configured for one of the suite's applications."""
    fields: Json = {
        "id": "shop",
        "app_key": subject.app_key,
        "secrets": (subject.credentials.secret,),
        "mode": Mode(subject.mode),
        "base_url": account.address,
        "scheme": Scheme(subject.credentials.scheme),
        "callback_token": "a-callback-token-of-the-tests",
        **changes,
    }
    return Application(**fields)


def client_of(
    account: Account, subject: Subject, *, transport: Transport | None = None, **changes: Any
) -> PlatformClient:
    """Our client for one of the suite's applications, on the platform's clock; it never waits.

    What it binds is not remembered, so it is for the emulator only, which starts anew afterwards.
    """
    if not isinstance(account, EmulatedAccount):
        pytest.skip("binds with our own client, which only the emulator forgets")
    account.touched = True
    return PlatformClient(
        application_of(account, subject, **changes),
        transport=transport or Urllib3Transport(),
        pauses=MemoryPauses(subject.now),
        clock=subject.now,
        sleep=lambda seconds: None,
    )


Call = Callable[[PlatformClient, Subject], object]
SAMPLE_CALLS: Mapping[str, Call] = {
    "ax.bind": lambda client, on: client.ax.bind(AxBind(a=A, x=on.x), deadline=soon()),
    "ax.unbind": lambda client, on: client.ax.unbind(UNKNOWN_ID, deadline=soon()),
    "ax.modify": lambda client, on: client.ax.modify(
        AxModify(subscription_id=UNKNOWN_ID, max_duration=1), deadline=soon()
    ),
    "ax.query": lambda client, on: client.ax.query(a=A, deadline=soon()),
    "ax.set_callee": lambda client, on: client.ax.set_callee(
        AxCallee(subscription_id=UNKNOWN_ID, callee=C), deadline=soon()
    ),
    "axb.bind": lambda client, on: client.axb.bind(AxbBind(a=A, b=B, x=on.x), deadline=soon()),
    "axb.unbind": lambda client, on: client.axb.unbind(UNKNOWN_ID, deadline=soon()),
    "axb.modify": lambda client, on: client.axb.modify(
        AxbModify(subscription_id=UNKNOWN_ID, max_duration=1), deadline=soon()
    ),
    "axb.query": lambda client, on: client.axb.query(x=on.x, deadline=soon()),
    "axe.bind": lambda client, on: client.axe.bind(AxeBind(a=A, x=on.x, extension="0007"), deadline=soon()),
    "axe.unbind": lambda client, on: client.axe.unbind(UNKNOWN_ID, deadline=soon()),
    "axe.modify": lambda client, on: client.axe.modify(
        AxeModify(subscription_id=UNKNOWN_ID, life_minutes=1), deadline=soon()
    ),
    "axe.query": lambda client, on: client.axe.query(UNKNOWN_ID, deadline=soon()),
    "axyb.bind": lambda client, on: client.axyb.bind_ax(AxybBindAx(a=A, area_code=on.area), deadline=soon()),
    "axyb.bind_yb": lambda client, on: client.axyb.bind_yb(
        AxybBindYb(subscription_id=UNKNOWN_ID, b=B), deadline=soon()
    ),
    "axyb.unbind": lambda client, on: client.axyb.unbind_ax(UNKNOWN_ID, deadline=soon()),
    "axyb.query": lambda client, on: client.axyb.query(subscription_id=UNKNOWN_ID, deadline=soon()),
    "record.url": lambda client, on: client.sessions.record_address("a.wav", "b.example", deadline=soon()),
    "call.stop": lambda client, on: client.sessions.stop("a-session", deadline=soon()),
}
"""One call of our client per API; what it really sends is often replaced on the wire."""
