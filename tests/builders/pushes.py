"""Pushes as the platform sends them, and the requests that carry them.

The bodies are those of notifications.md §4.6 and §5.5. Sample events in ``events/`` are signed with
``SECRET`` at ``SIGNED_AT``: hand that time to the code under test as its clock, or sign a copy anew with
`signed_now` where the code reads the machine's clock.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from privatenumber.settings import Application, Mode
from privatenumber.signing import Scheme, new_nonce, sign

APP_ID = "demo"
APP_KEY = "demoAppKey0000000000000001"
SECRET = "demoAppSecret0000000001"
CALLBACK_TOKEN = "demoCallbackToken0000001"
#: The clock of the sample events: notifications.md §2.1.
SIGNED_AT = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)

A, B, STRANGER = "+8613800138001", "+8613800138002", "+8613800138003"
X = "+8617010000002"
QUESTION_X = "+8617010000006"
SESSION = "1200_1001_4294967295_20260902010000@callenabler246.huaweicaas.com"
SUBSCRIPTION = "3f2b8c10-6a4d-4e57-9b21-000000000002"
ICID = "c0a8f3d1b7e24c6590ab12cd34ef5678.3997785600.1.7"


def application(**changes: Any) -> Application:
    """The application of the examples."""
    fields: dict[str, Any] = {
        "id": APP_ID,
        "app_key": APP_KEY,
        "secrets": (SECRET,),
        "mode": Mode.AXB,
        "base_url": "https://platform.example.com",
        "scheme": Scheme.AKSK,
        "callback_token": CALLBACK_TOKEN,
    }
    return Application(**{**fields, **changes})


#: Applications of the examples whose platform asks: id and APP_Key by mode.
ASKING = {"AX": ("demo-ax", "demoAppKey0000000000000002"), "X": ("demo-x", "demoAppKey0000000000000003")}
_IN_SECRET: dict[str, Any] = {
    "id": APP_ID,
    "app_key": APP_KEY,
    "secrets": [SECRET],
    "mode": "AXB",
    "base_url": "https://platform.example.com",
    "callback_token": CALLBACK_TOKEN,
}


def asking(mode: str, **changes: Any) -> dict[str, Any]:
    """An application whose platform asks, as the secret holds it."""
    name, key = ASKING[mode]
    own = {"id": name, "app_key": key, "mode": mode, "close_tone": "closeHintTone.wav"}
    return {**_IN_SECRET, **own, **changes}


def applications_secret(*more: Mapping[str, Any]) -> str:
    """The text of the applications secret that holds the application of the examples."""
    return json.dumps({"applications": [_IN_SECRET, *more]})


def event_body(event_type: str = "callin", *, second: int = 0, **info: Any) -> dict[str, Any]:
    """A call event of the answered AXB call of notifications.md §4.6; `info` adds to statusInfo."""
    called = X if event_type == "callin" else B
    caller = A if event_type == "callin" else X
    status: dict[str, Any] = {
        "timestamp": f"2026-09-02 01:00:{second:02d}",
        "sessionId": SESSION,
        "caller": caller,
        "called": called,
        "subscriptionId": SUBSCRIPTION,
        "userData": "order-1001",
    }
    if event_type == "disconnect":
        status |= {"stateCode": 0, "stateDesc": "The user releases the call."}
    return {"eventType": event_type, "statusInfo": {**status, **info}}


def cdr_entry(**changes: Any) -> dict[str, Any]:
    """The answered, recorded CDR of notifications.md §5.5; a change to `None` leaves the field out."""
    entry = {
        "direction": 1,
        "spId": "demo_tenant_01",
        "appKey": APP_KEY,
        "icid": ICID,
        "bindNum": X,
        "sessionId": SESSION,
        "subscriptionId": SUBSCRIPTION,
        "callerNum": A,
        "calleeNum": X,
        "fwdDisplayNum": X,
        "fwdDstNum": B,
        "callInTime": "2026-09-02 01:00:00",
        "fwdStartTime": "2026-09-02 01:00:01",
        "fwdAlertingTime": "2026-09-02 01:00:03",
        "fwdAnswerTime": "2026-09-02 01:00:08",
        "callEndTime": "2026-09-02 01:01:10",
        "fwdUnaswRsn": 0,
        "ulFailReason": 0,
        "sipStatusCode": 0,
        "callOutUnaswRsn": 0,
        "recordFlag": 1,
        "recordStartTime": "2026-09-02 01:00:08",
        "recordDomain": "ostor.example.com",
        "recordBucketName": "sp-demoappkey0000000000000001",
        "recordObjectName": "26090201000800110001234.wav",
        "ttsPlayTimes": 0,
        "ttsTransDuration": 0,
        "mptyId": SUBSCRIPTION,
        "serviceType": "004",
        "hostName": "callenabler246.huaweicaas.com",
        "userData": "order-1001",
    }
    changed = {**entry, **changes}
    return {name: value for name, value in changed.items() if value is not None}


def stranger_cdr(**changes: Any) -> dict[str, Any]:
    """The CDR of a call without binding: direction 2, cause 8014, no subscriptionId (§5.5)."""
    gone = dict.fromkeys(
        [
            "subscriptionId",
            "fwdDisplayNum",
            "fwdDstNum",
            "fwdStartTime",
            "fwdAlertingTime",
            "fwdAnswerTime",
            "recordStartTime",
            "recordDomain",
            "recordBucketName",
            "recordObjectName",
            "mptyId",
            "userData",
        ]
    )
    unbound = {
        "direction": 2,
        "icid": "c0a8f3d1b7e24c6590ab12cd34ef5678.3997785600.7.7",
        "sessionId": "1200_1007_4294967295_20260902015000@callenabler246.huaweicaas.com",
        "callerNum": STRANGER,
        "callInTime": "2026-09-02 01:50:00",
        "callEndTime": "2026-09-02 01:50:04",
        "failTime": "2026-09-02 01:50:04",
        "ulFailReason": 8014,
        "sipStatusCode": 403,
        "recordFlag": 0,
    }
    return cdr_entry(**{**gone, **unbound, **changes})


def fee_body(*entries: Mapping[str, Any]) -> dict[str, Any]:
    """A CDR push; without entries it holds the one of `cdr_entry`."""
    return {"eventType": "fee", "feeLst": list(entries) or [cdr_entry()]}


def many_cdrs(count: int) -> list[dict[str, Any]]:
    """Different CDRs of different calls, each second one not answered."""
    entries = []
    for number in range(count):
        ended = SIGNED_AT + timedelta(minutes=1, seconds=number)
        unanswered = {"fwdAnswerTime": None, "ulFailReason": 8101, "fwdUnaswRsn": 19} if number % 2 else {}
        entries.append(
            cdr_entry(
                icid=f"c0a8f3d1b7e24c6590ab12cd34ef5678.3997785601.{number}.7",
                sessionId=f"1200_{number}_4294967295_20260902010000@callenabler246.huaweicaas.com",
                callEndTime=ended.strftime("%Y-%m-%d %H:%M:%S"),
                **unanswered,
            )
        )
    return entries


def number_status_body(*states: Mapping[str, Any]) -> dict[str, Any]:
    """A push of number states; without states the example of notifications.md §7."""
    example = [
        {"number": "+8617010000001", "status": "9"},
        {"number": "+8617010000002", "status": "10", "cause": "3"},
    ]
    return {"eventType": "numStatus", "numInfo": list(states) or example}


def wire(body: Mapping[str, Any] | bytes) -> bytes:
    """A body as it travels."""
    return body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()


def signed_headers(
    at: datetime = SIGNED_AT,
    *,
    app_key: str = APP_KEY,
    secret: str = SECRET,
    scheme: Scheme = Scheme.AKSK,
    nonce: str | None = None,
) -> dict[str, str]:
    """Headers of a push, names in lower case as an HTTP API hands them on."""
    headers = sign(scheme, app_key, secret, created=at, nonce=nonce or new_nonce())
    return {name.lower(): value for name, value in headers.items()}


def http_event(
    route: str,
    body: Mapping[str, Any] | bytes,
    *,
    headers: Mapping[str, str] | None = None,
    app: str = APP_ID,
    token: str = CALLBACK_TOKEN,
    method: str = "POST",
    source: str = "203.0.113.10",
) -> dict[str, Any]:
    """An HTTP API event, payload format 2.0, of a push to `route` (``status`` or ``fee``)."""
    path = f"/callbacks/{app}/{token}/{route}"
    return {
        "version": "2.0",
        "routeKey": f"POST /callbacks/{{app}}/{{token}}/{route}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {**(signed_headers() if headers is None else headers), "host": "callbacks.example.com"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "domainName": "callbacks.example.com",
            "domainPrefix": "callbacks",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": source,
                "userAgent": "",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"POST /callbacks/{{app}}/{{token}}/{route}",
            "stage": "$default",
            "time": "02/Sep/2026:01:00:00 +0000",
            "timeEpoch": int(SIGNED_AT.timestamp() * 1000),
        },
        "pathParameters": {"app": app, "token": token},
        "body": wire(body).decode("utf-8"),
        "isBase64Encoded": False,
    }


def signed_now(event: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """A copy of an HTTP API event, freshly signed for `at`; an unsigned or forged one stays as it is."""
    fresh = copy.deepcopy(dict(event))
    headers = fresh["headers"]
    for scheme in Scheme:
        nonce = headers.get(scheme.token_header.lower(), "").partition('Nonce="')[2].partition('"')[0]
        app_key = headers.get(scheme.token_header.lower(), "").partition('Username="')[2].partition('"')[0]
        if nonce and headers.items() >= signed_headers(scheme=scheme, nonce=nonce, app_key=app_key).items():
            headers |= signed_headers(at, scheme=scheme, app_key=app_key)
    return fresh


def callin_body(
    caller: str = STRANGER, *, session: str = SESSION, x: str = QUESTION_X, **info: Any
) -> dict[str, Any]:
    """The question of X mode, notifications.md §4.6; a change to `None` leaves the field out."""
    status = {
        "timestamp": "2026-09-02 01:00:00",
        "sessionId": session,
        "caller": caller,
        "called": x,
        "notifyMode": "Block",
        **info,
    }
    present = {name: value for name, value in status.items() if value is not None}
    return {"eventType": "callin", "statusInfo": present}


def sms_body(
    mode: str = "Notify",
    *,
    app_key: str = APP_KEY,
    parts: str | None = "1",
    direction: str | None = "1",
    **event: Any,
) -> dict[str, Any]:
    """The AXB notice of notifications.md §6.6, or a question; a change to `None` leaves the field out."""
    extras = {"splitNum": parts, "direction": direction}
    sms: dict[str, Any] = {
        "smsIdentifier": "sms-20260902-0001",
        "notificationMode": mode,
        "calling": A,
        "virtualNumber": X,
        "event": "Text SMS ",
        "timeStamp": "2026-09-02T02:00:00.120Z",
        "smsContent": "I am at the gate",
        "extInfo": {
            "extParas": [{"key": name, "value": value} for name, value in extras.items() if value is not None]
        },
    }
    if mode == "Notify":
        sms |= {"called": B, "subscriptionId": SUBSCRIPTION, "sendResult": 0}
    changed = {**sms, **event}
    return {
        "appKey": app_key,
        "smsEvent": {name: value for name, value in changed.items() if value is not None},
    }
