"""The admin API answers whatever it is sent: with a refusal, never with an error of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.routing import Route

from builders.emulator import APP_KEY, SECRET, X1, X2, X3, A, RunningEmulator, running_emulator
from emulator.admin import models
from emulator.admin.routes import PREFIX, admin_application
from emulator.callscript import CallScript
from emulator.clock import VIRTUAL_START
from emulator.faultparams import API_PARAMS, PUSH_PARAMS
from emulator.faults import Fault
from emulator.smsrecord import SmsScript

HALF: Final = "\ud800"


@pytest.fixture(scope="module")
def served() -> Iterator[RunningEmulator]:
    with running_emulator(ready=False) as running:
        yield running


@pytest.fixture(scope="module")
def client(served: RunningEmulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.address + PREFIX, trust_env=False, timeout=30) as http:
        yield http


@pytest.fixture
def emulator(served: RunningEmulator) -> RunningEmulator:
    return start_anew(served)


def start_anew(served: RunningEmulator) -> RunningEmulator:
    served.admin.reset(now=VIRTUAL_START.isoformat(), settings={})
    served.admin.application()
    served.admin.numbers(X1, X2, X3)
    return served


APPLICATION: Final = f"/applications/{APP_KEY}"
NUMBER: Final = "/numbers/17010000001"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", APPLICATION, {"secrets": [SECRET], "status": HALF}),
        ("PUT", APPLICATION, {"secrets": [SECRET], "urls": {"fee": f"http://127.0.0.1:9/{HALF}"}}),
        ("PUT", APPLICATION, {"secrets": [SECRET], HALF: 1}),
        ("POST", "/calls", {"caller": HALF, "called": X1}),
        ("POST", "/sms", {"sender": A, "x": X1, "text": HALF}),
        ("POST", "/faults", {"where": "api", "kind": "status", "match": {"api": HALF}}),
    ],
    ids=repr,
)
def test_what_no_answer_could_carry_back_is_no_json(
    emulator: RunningEmulator, client: httpx.Client, method: str, path: str, body: dict[str, Any]
) -> None:
    """Half a surrogate in one call would make every list of calls unreadable until the next reset."""
    assert client.request(method, path, content=json.dumps(body)).status_code == 400
    assert [client.get(seen).status_code for seen in ("/calls", "/sms", "/faults", "/truth")] == [200] * 4


def test_an_endless_number_is_no_json(emulator: RunningEmulator, client: httpx.Client) -> None:
    body = '{"seconds": ' + "9" * 5000 + "}"
    assert client.post("/clock/advance", content=body).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/requests?limit=%C2%B2", None),
        ("GET", "/requests?limit=" + "9" * 5000, None),
        ("GET", "/exports/bill.csv?month=0000-01", None),
        ("GET", "/exports/bill.csv?month=0001-01", None),
        ("GET", "/exports/calls.csv?shift_hours=99999999999", None),
        ("GET", "/exports/bill.csv?call_price=1e999999", None),
        ("POST", "/numbers", {"app_key": APP_KEY, "numbers": [{"number": X1}], "issue_after_s": 10**18}),
        ("POST", "/numbers", {"app_key": APP_KEY, "numbers": [{"number": X1, "issued_on": "0001-01-01"}]}),
        ("POST", f"{NUMBER}/transfer", {"app_key": APP_KEY, "takes_s": 10**18}),
        ("POST", "/calls", {"caller": A, "called": X1, "talk_s": 10**12}),
        ("POST", "/calls", {"caller": A, "called": X1, "answer_after_s": 10**18}),
        ("POST", "/sms", {"sender": A, "x": X1, "text": "a", "takes_s": 10**18}),
        ("POST", "/faults", {"where": "api", "kind": "delay", "params": {"delay_s": "x"}}),
        ("POST", "/faults", {"where": "api", "kind": "status", "params": {"http_status": 600}}),
        ("POST", "/faults", {"where": "api", "kind": "status", "match": {"api": [float("inf")]}}),
        ("POST", "/reset", {"settings": {"app": {"change_delay_s": 10**18}}}),
        ("POST", "/reset", {"settings": {"push": {"retry_minutes": [10**18]}}}),
        ("PUT", "/applications/%E4%B8%AD", {"secrets": [SECRET]}),
        ("PUT", APPLICATION, {"secrets": [SECRET], "ip_allowlist": ["nonsense"]}),
        ("PUT", APPLICATION, {"secrets": [SECRET], "urls": {"fee": "http://127.0.0.1:99999/"}}),
        ("PUT", APPLICATION, {"secrets": [SECRET], "urls": {"fee": "http://[::1"}}),
    ],
    ids=repr,
)
def test_what_lies_beyond_every_calendar_and_file_is_refused(
    emulator: RunningEmulator, client: httpx.Client, method: str, path: str, body: dict[str, Any] | None
) -> None:
    content = None if body is None else json.dumps(body)
    assert client.request(method, path, content=content).status_code == 422


AWKWARD_TEXTS: Final = (
    *("", "\x00", HALF, "²", "-1", "9" * 5000, "1e999999", "NaN", X1, APP_KEY, "http://[::1"),
    *("0000-01", "0001-01", "0001-01-01", "2026-09-02T00:00:00Z", "9999-12-31T23:59:59Z"),
)
AWKWARD: Final[tuple[object, ...]] = (
    *AWKWARD_TEXTS,
    *(None, True, -1, 2**31, 10**18, -(10**18), 10**400, 1e308, float("inf"), float("nan"), [], {}, [HALF]),
)
QUERIES: Final = (
    *sorted(models.ExportInput.model_fields),
    *("limit", "x", "kind", "api", "code", "noted", "state", "application"),
)
SIGHTS: Final = (
    *("health", "clock", "calls", "sms", "numbers", "bindings", "deliveries", "faults", "requests", "truth"),
    *(f"exports/{name}.csv" for name in ("calls", "sms", "stats", "bill", "quota", "numbers")),
)


@dataclass(frozen=True)
class Order:
    """An order that would be followed, and all that its route reads."""

    method: str
    path: str
    body: dict[str, Any]
    reads: type[BaseModel]

    def fields(self) -> list[str]:
        return sorted(self.reads.model_fields)


FAULTS: Final = tuple(
    Order("POST", "/faults", {"where": where, "kind": kind, "params": {name: 1}}, Fault)
    for where, kinds in (("api", API_PARAMS), ("push", PUSH_PARAMS))
    for kind, params in kinds.items()
    for name in params.model_fields
)
URLS: Final = {"status": "http://127.0.0.1:9/", "fee": "http://127.0.0.1:9/"}
ISSUED: Final = [{"number": "17010000009"}]
ORDERS: Final = (
    Order("PUT", APPLICATION, {"secrets": [SECRET], "urls": URLS}, models.ApplicationInput),
    Order("PUT", "/accounts/default", {"frozen": True}, models.AccountInput),
    Order("POST", "/numbers", {"app_key": APP_KEY, "numbers": ISSUED}, models.NumbersInput),
    Order("PUT", f"{NUMBER}/status", {"status": "10", "cause": "1"}, models.StatusInput),
    Order("PUT", f"{NUMBER}/sms", {"on": True}, models.SmsSwitchInput),
    Order("POST", f"{NUMBER}/transfer", {"app_key": APP_KEY, "takes_s": 3}, models.TransferInput),
    Order("POST", "/calls", {"caller": A, "called": X1, "talk_s": 5, "wait": True}, CallScript),
    Order("POST", "/sms", {"sender": A, "x": X1, "text": "hello", "wait": True}, SmsScript),
    Order("POST", "/clock", {"now": "2027-01-01T00:00:00Z"}, models.ClockInput),
    Order("POST", "/clock/advance", {"seconds": 60}, models.AdvanceInput),
    Order("POST", "/reset", {"seed": 7, "settings": {}}, models.ResetInput),
    FAULTS[0],
)


def encoded(value: object) -> str:
    """JSON, with numbers of any length."""
    return json.dumps(value).replace(f'"{"9" * 5000}"', "9" * 5000)


def look_around(served: RunningEmulator, client: httpx.Client) -> None:
    """Whatever was left behind can be shown, and nothing failed inside."""
    for sight in SIGHTS:
        assert client.get(f"/{sight}").status_code == 200, sight
    assert served.admin.health()["failures"] == []


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.method} {order.path}")
def test_no_field_of_an_order_makes_the_emulator_fail(
    emulator: RunningEmulator, client: httpx.Client, order: Order
) -> None:
    """Neither at once nor when somebody looks at what it left behind."""
    for field in order.fields():
        for value in AWKWARD:
            answer = client.request(order.method, order.path, content=encoded({**order.body, field: value}))
            assert answer.status_code < 500, (field, value)
        look_around(emulator, client)


def test_no_query_makes_the_emulator_fail(emulator: RunningEmulator, client: httpx.Client) -> None:
    emulator.admin.call(A, X1, wait=True)
    for sight in SIGHTS:
        for name in QUERIES:
            for text in AWKWARD_TEXTS:
                assert client.get(f"/{sight}?{name}={quoted(text)}").status_code < 500, (sight, name, text)


PLACES: Final = {
    "app_key": (APP_KEY, "other", *AWKWARD_TEXTS),
    "account": ("default", *AWKWARD_TEXTS),
    "x": ("17010000001", X2, *AWKWARD_TEXTS),
    "name": ("calls", "sms", "stats", "bill", "numbers", "x"),
    "fault_id": ("fault-1", *AWKWARD_TEXTS),
    "delivery_id": AWKWARD_TEXTS,
    "token": AWKWARD_TEXTS,
}
JSON: Final = st.recursive(
    st.sampled_from(AWKWARD) | st.integers() | st.floats() | st.text(st.characters(), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
Sent = tuple[str, str, str | None]


def quoted(text: str) -> str:
    """Escape every byte, those of half a surrogate as well."""
    return quote(text, safe="", errors="surrogatepass")


@st.composite
def orders(draw: st.DrawFn) -> Sent:
    """An order with something in it that may be wrong."""
    order = draw(st.sampled_from((*ORDERS, *FAULTS)))
    wrong = draw(st.dictionaries(st.sampled_from(order.fields()), JSON, max_size=2))
    return order.method, order.path, encoded({**order.body, **wrong})


@st.composite
def requests_of(draw: st.DrawFn, known: list[tuple[str, str]]) -> Sent:
    """Any route, its places filled with anything, any query, any body."""
    method, path = draw(st.sampled_from(known))
    places = {
        name: quoted(draw(st.sampled_from(texts))) for name, texts in PLACES.items() if f"{{{name}}}" in path
    }
    asked = draw(st.dictionaries(st.sampled_from(QUERIES), st.text(st.characters(), max_size=8), max_size=2))
    query = "&".join(f"{name}={quoted(value)}" for name, value in asked.items())
    return method, f"{path.format(**places)}?{query}", draw(st.none() | JSON.map(encoded))


def routes(served: RunningEmulator) -> list[tuple[str, str]]:
    """Every method and path of the admin API."""
    return [
        (method, route.path)
        for route in admin_application(served.emulator).routes
        if isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_row_of_requests_makes_the_emulator_fail(
    served: RunningEmulator, client: httpx.Client, data: st.DataObject
) -> None:
    start_anew(served)
    sent = st.lists(orders() | requests_of(routes(served)), min_size=5, max_size=15)
    for method, url, content in data.draw(sent):
        assert client.request(method, url, content=content).status_code < 500
    look_around(served, client)
