"""Raw signed requests of one application of the platform under test, emulated or real.

The signature is written down a second time here, from auth.md §3, so that the suite shares no mistake with
the code it tests. What a request binds is remembered, so that a test leaves an account as it found it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Literal
from urllib.parse import quote

import httpx

from builders.platform_requests import Answer

Json = dict[str, Any]
Mode = Literal["AX", "AXB", "AXE", "AXYB", "X"]
SchemeName = Literal["AKSK", "WSSE"]
MODES: tuple[Mode, ...] = ("AX", "AXB", "AXE", "AXYB", "X")
SCHEMES: tuple[SchemeName, ...] = ("AKSK", "WSSE")

PARTIES = tuple(
    os.environ.get("PN_CONTRACT_PARTIES", ",".join(f"+861380013800{last}" for last in range(1, 9))).split(",")
)
A, B, C, D, E, F = PARTIES[:6]
UNKNOWN_X = "+8617019999999"
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"

OK = (200, "0")
INVALID = (403, "1010002")


class Left(Enum):
    """Stands for a member that is left out."""

    OUT = "left out"


LEFT_OUT = Left.OUT


@dataclass(frozen=True)
class Interface:
    """One API of auth.md §0. ``axyb.bind_yb`` is the second step of ``axyb.bind``."""

    api: str
    method: str
    path: str

    @property
    def mode(self) -> str | None:
        """The mode it belongs to, None for those of every mode."""
        mode = self.api.partition(".")[0].upper()
        return mode if mode in MODES else None

    @property
    def in_body(self) -> bool:
        """Whether it reads a JSON body; the others read the query only (numbers.md §7.1)."""
        return self.method in {"POST", "PUT"}


AX_PATH = "/rest/provision/caas/privatenumber/v1.0"
AX_CALLEE_PATH = "/rest/caas/privatenumber/calleenumber/v1.0"
AXB_PATH = "/rest/caas/relationnumber/partners/v1.0"
AXE_PATH = "/rest/caas/extendnumber/v1.0"
AXYB_PATH = "/rest/omp/xyrelationnumber/v1.0"
RECORD_PATH = "/rest/provision/voice/record/v1.0"
CALL_STOP_PATH = "/rest/httpsessions/callStop/v2.0"

_OPERATIONS = (("bind", "POST"), ("unbind", "DELETE"), ("modify", "PUT"), ("query", "GET"))
INTERFACES: Mapping[str, Interface] = {
    one.api: one
    for one in (
        *(
            Interface(f"{mode}.{name}", method, path)
            for mode, path in (("ax", AX_PATH), ("axb", AXB_PATH), ("axe", AXE_PATH), ("axyb", AXYB_PATH))
            for name, method in _OPERATIONS
            if (mode, name) != ("axyb", "modify")
        ),
        Interface("ax.set_callee", "PUT", AX_CALLEE_PATH),
        Interface("axyb.bind_yb", "POST", AXYB_PATH),
        Interface("record.url", "GET", RECORD_PATH),
        Interface("call.stop", "POST", CALL_STOP_PATH),
    )
}


def signature(
    app_key: str, secret: str, created: datetime, *, scheme: SchemeName = "AKSK", nonce: str | None = None
) -> dict[str, str]:
    """The three headers of a request (auth.md §2, §3)."""
    nonce = nonce or secrets.token_hex(16)
    stamp = created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if scheme == "AKSK":
        raw = hmac.new(secret.encode(), (nonce + stamp).encode(), hashlib.sha256).digest()
    else:
        raw = hashlib.sha256((nonce + stamp + secret).encode()).digest()
    return {
        "Content-Type": "application/json;charset=UTF-8",
        "Authorization": f'{scheme} realm="SDP",profile="UsernameToken",type="Appkey"',
        f"X-{scheme}": f'UsernameToken Username="{app_key}",'
        f'PasswordDigest="{base64.b64encode(raw).decode()}",Nonce="{nonce}",Created="{stamp}"',
    }


def query_text(values: Mapping[str, Any]) -> str:
    """A query string with everything escaped, the ``+`` of numbers as ``%2B`` (numbers.md §1)."""
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in values.items())


@dataclass(frozen=True)
class Credentials:
    """One application: its mode and key pair, its private numbers, and a number of somebody else's."""

    mode: Mode
    app_key: str
    secret: str = field(repr=False)
    numbers: tuple[str, ...] = ()
    foreign: str | None = None
    area: str = "0755"
    scheme: SchemeName = "AKSK"


class Subject:
    """One application of the platform under test: its requests, and what they have bound."""

    def __init__(
        self,
        http: httpx.Client,
        credentials: Credentials,
        clock: Callable[[], datetime],
        on_bound: Callable[[Subject, str], None] = lambda subject, subscription_id: None,
    ) -> None:
        self._http = http
        self._clock = clock
        self._on_bound = on_bound
        self.credentials = credentials
        self.mode = credentials.mode
        self.app_key = credentials.app_key
        self.numbers = credentials.numbers
        self.area = credentials.area
        self.family = credentials.mode.lower()

    @property
    def x(self) -> str:
        """The first of the application's numbers, on which most tests bind."""
        return self.numbers[0]

    def signed(self, **changes: Any) -> dict[str, str]:
        """Signed headers; ``app_key``, ``secret``, ``created``, ``scheme`` and ``nonce`` can be changed."""
        given: dict[str, Any] = {
            "app_key": self.app_key,
            "secret": self.credentials.secret,
            "created": self._clock(),
            "scheme": self.credentials.scheme,
            **changes,
        }
        return signature(given.pop("app_key"), given.pop("secret"), given.pop("created"), **given)

    def now(self) -> datetime:
        """The platform's time."""
        return self._clock()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | str = "",
        body: Any = LEFT_OUT,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request just as it is given; signed when no headers are."""
        if body is not LEFT_OUT:
            content = json.dumps(body).encode()
        text = query if isinstance(query, str) else query_text(query)
        sent = self.signed() if headers is None else headers
        url = f"{path}?{text}" if text else path
        response = self._http.request(method, url, content=content, headers=dict(sent))
        answer = Answer(response.status_code, response.headers, response.text)
        if method == "POST" and answer.outcome == OK and "subscriptionId" in answer.json:
            self._on_bound(self, answer.json["subscriptionId"])
        return answer

    def call(self, api: str, values: Mapping[str, Any] | None = None, /, **changes: Any) -> Answer:
        """One API with these values, where it reads them; a value of LEFT_OUT is left out."""
        interface = INTERFACES[api]
        given = {
            name: value for name, value in {**(values or {}), **changes}.items() if value is not LEFT_OUT
        }
        query: Json = {}
        if interface.path == AXYB_PATH:
            key = {**(values or {}), **changes}.get("app_key", self.app_key)
            given.pop("app_key", None)
            query = {} if key is LEFT_OUT else {"app_key": key}
        if interface.in_body:
            return self.send(interface.method, interface.path, query=query, body=given)
        return self.send(interface.method, interface.path, query={**query, **given})

    def valid(self, api: str) -> Json:
        """Values of a request of that API that succeeds now; binds what it needs."""
        match api:
            case "ax.bind":
                return {"origNum": A, "privateNum": self.x}
            case "axb.bind":
                return {"callerNum": A, "calleeNum": B, "relationNum": self.x}
            case "axe.bind":
                return {"bindNum": A, "virtualNum": self.x, "extendNum": "0007"}
            case "axyb.bind":
                return {"origNum": A, "areaCode": self.area}
            case "axyb.bind_yb":
                return {"origNum": B, "subscriptionId": self.bound()}
            case "ax.set_callee":
                return {"subscriptionId": self.bound(), "calleeNum": C}
            case _:
                return {"subscriptionId": self.bound()}

    def bind(self, **changes: Any) -> Answer:
        """A bind of this mode: A (and B) on the first number unless told otherwise."""
        return self.call(f"{self.family}.bind", self.valid(f"{self.family}.bind"), **changes)

    def bound(self, **changes: Any) -> str:
        """Bind and return the id."""
        answer = self.bind(**changes)
        assert answer.outcome == OK, answer.text
        return str(answer.json["subscriptionId"])

    def yb(self, subscription_id: str, b: str = B, **changes: Any) -> Answer:
        """Give B a Y under an AX (AXYB)."""
        return self.call("axyb.bind_yb", origNum=b, subscriptionId=subscription_id, **changes)

    def unbind(self, **query: Any) -> Answer:
        """An unbind of this mode."""
        return self.call(f"{self.family}.unbind", query)

    def modify(self, subscription_id: Any, **changes: Any) -> Answer:
        """A modification by id."""
        return self.call(f"{self.family}.modify", subscriptionId=subscription_id, **changes)

    def query(self, **query: Any) -> Answer:
        """A query of this mode."""
        return self.call(f"{self.family}.query", query)

    def rows(self, **query: Any) -> list[Json]:
        """The rows of a successful query; of AXE the flat answer itself."""
        answer = self.query(**query)
        assert answer.outcome == OK, answer.text
        lists = [value for value in answer.json.values() if isinstance(value, list)]
        return lists[0] if lists else [answer.json]

    def row(self, subscription_id: str) -> Json:
        """The one row of a binding."""
        [row] = self.rows(subscriptionId=subscription_id)
        return row

    def alive(self, subscription_id: str) -> bool:
        """Whether a query finds the binding."""
        return self.query(subscriptionId=subscription_id).outcome == OK
