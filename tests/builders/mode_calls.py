"""Every call of the client once: how it is made, what answers it, and what has to leave for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from builders.platform import APPLICATION, Platform, answered
from privatenumber.platform.ax import AxBind, AxCallee, AxModify
from privatenumber.platform.axb import AxbBind, AxbModify
from privatenumber.platform.axe import AxeBind, AxeModify
from privatenumber.platform.axyb import AxybBindAx, AxybBindYb
from privatenumber.platform.client import Response
from privatenumber.settings import Mode

A, B, X, Y = "+8613800138001", "+8613800138002", "+8617010000001", "+8617010000005"
ID = "3f2b8c10-6a4d-4e57-9b21-000000000001"
KEY = APPLICATION.app_key
SESSION = "1200_1001_4294967295_20260902010000@callenabler246.huaweicaas.com"
FILE, DOMAIN = "26090201000800110001234.wav", "ostor.example.com"

AX_PATH: Final = "/rest/provision/caas/privatenumber/v1.0"
CALLEE_PATH: Final = "/rest/caas/privatenumber/calleenumber/v1.0"
AXB_PATH: Final = "/rest/caas/relationnumber/partners/v1.0"
AXE_PATH: Final = "/rest/caas/extendnumber/v1.0"
AXYB_PATH: Final = "/rest/omp/xyrelationnumber/v1.0"

AX_ROW = {"subscriptionId": ID, "origNum": A, "privateNum": X}
AXB_ROW = {"subscriptionId": ID, "callerNum": A, "calleeNum": B, "relationNum": X}
AXE_ROW = {"subscriptionId": ID, "bindNum": A, "virtualNum": X, "extendNum": "0007"}
AXYB_ROW = {"bindId": "b", "numA": A, "numX": X, "numY": Y, "numB": B}

DONE: Final = answered(200, "0")


@dataclass(frozen=True)
class Case:
    """One call: how it is made, its answer, and what has to leave for it."""

    mode: Mode
    api: str
    make: Callable[[Platform], Any]
    answer: Response
    method: str
    path: str
    query: str = ""
    body: dict[str, Any] | None = None
    repeatable: bool = True


def case(mode: Mode, api: str, make: Callable[[Any, Any], Any], *wire: Any, **rest: Any) -> Case:
    """A call on the group of a mode; `make` gets the group and a deadline."""

    def call(platform: Platform) -> Any:
        group = platform.client.sessions if mode is Mode.X else getattr(platform.client, mode.value.lower())
        return make(group, platform.time.deadline())

    return Case(mode, api, call, *wire, **rest)


def rows(name: str, row: dict[str, Any]) -> Response:
    return answered(200, "0", **{name: [row]})


CASES: Final = [
    case(
        Mode.AX,
        "ax.bind",
        lambda ax, until: ax.bind(AxBind(a=A, x=X), deadline=until),
        answered(200, "0", **AX_ROW),
        "POST",
        AX_PATH,
        body={
            "origNum": A,
            "privateNum": X,
            "callDirection": 0,
            "maxDuration": 0,
            "recordFlag": "false",
            "calleeNumDisplay": "0",
        },
        repeatable=False,
    ),
    case(
        Mode.AX,
        "ax.unbind",
        lambda ax, until: ax.unbind(ID, deadline=until),
        DONE,
        "DELETE",
        AX_PATH,
        f"subscriptionId={ID}",
    ),
    case(
        Mode.AX,
        "ax.modify",
        lambda ax, until: ax.modify(AxModify(subscription_id=ID, a=B), deadline=until),
        DONE,
        "PUT",
        AX_PATH,
        body={"subscriptionId": ID, "origNum": B},
    ),
    case(
        Mode.AX,
        "ax.set_callee",
        lambda ax, until: ax.set_callee(AxCallee(subscription_id=ID, callee=B, duration=90), deadline=until),
        DONE,
        "PUT",
        CALLEE_PATH,
        body={"subscriptionId": ID, "calleeNum": B, "duration": 90},
    ),
    case(
        Mode.AX,
        "ax.query",
        lambda ax, until: ax.query(subscription_id=ID, a=A, x=X, deadline=until),
        rows("privateNumList", AX_ROW),
        "GET",
        AX_PATH,
        f"subscriptionId={ID}",
    ),
    case(
        Mode.AX,
        "ax.query",
        lambda ax, until: ax.query(a=A, x=X, deadline=until),
        rows("privateNumList", AX_ROW),
        "GET",
        AX_PATH,
        "origNum=%2B8613800138001",
    ),
    case(
        Mode.AX,
        "ax.query",
        lambda ax, until: ax.find(X, A, deadline=until),
        rows("privateNumList", AX_ROW),
        "GET",
        AX_PATH,
        "privateNum=%2B8617010000001",
    ),
    case(
        Mode.AXB,
        "axb.bind",
        lambda axb, until: axb.bind(AxbBind(a=A, b=B, x=X), deadline=until),
        answered(200, "0", **AXB_ROW),
        "POST",
        AXB_PATH,
        body={
            "callerNum": A,
            "calleeNum": B,
            "relationNum": X,
            "callDirection": 0,
            "duration": 0,
            "maxDuration": 0,
            "recordFlag": "false",
        },
        repeatable=False,
    ),
    case(
        Mode.AXB,
        "axb.unbind",
        lambda axb, until: axb.unbind(ID, deadline=until),
        DONE,
        "DELETE",
        AXB_PATH,
        f"subscriptionId={ID}",
    ),
    case(
        Mode.AXB,
        "axb.modify",
        lambda axb, until: axb.modify(AxbModify(subscription_id=ID, direction=2), deadline=until),
        DONE,
        "PUT",
        AXB_PATH,
        body={"subscriptionId": ID, "callDirection": 2},
    ),
    case(
        Mode.AXB,
        "axb.query",
        lambda axb, until: axb.query(subscription_id=ID, x=X, deadline=until),
        rows("relationNumList", AXB_ROW),
        "GET",
        AXB_PATH,
        f"subscriptionId={ID}",
    ),
    case(
        Mode.AXB,
        "axb.query",
        lambda axb, until: axb.query(x=X, a=A, page_index=2, page_size=100, deadline=until),
        rows("relationNumList", AXB_ROW),
        "GET",
        AXB_PATH,
        "relationNum=%2B8617010000001&callerNum=%2B8613800138001&pageIndex=2&pageSize=100",
    ),
    case(
        Mode.AXE,
        "axe.bind",
        lambda axe, until: axe.bind(AxeBind(a=A, x=X, extension="0007", life_minutes=60), deadline=until),
        answered(200, "0", **AXE_ROW),
        "POST",
        AXE_PATH,
        body={
            "bindNum": A,
            "virtualNum": X,
            "extendNum": "0007",
            "bindExpiredTime": 60,
            "callbackExpiredTime": 0,
            "recordFlag": "false",
            "timeUnit": "1",
            "displayNumMode": "0",
        },
        repeatable=False,
    ),
    case(
        Mode.AXE,
        "axe.unbind",
        lambda axe, until: axe.unbind(ID, deadline=until),
        DONE,
        "DELETE",
        AXE_PATH,
        f"subscriptionId={ID}",
    ),
    case(
        Mode.AXE,
        "axe.modify",
        lambda axe, until: axe.modify(AxeModify(subscription_id=ID, callback_number=""), deadline=until),
        DONE,
        "PUT",
        AXE_PATH,
        body={"subscriptionId": ID, "callbackNum": ""},
    ),
    case(
        Mode.AXE,
        "axe.query",
        lambda axe, until: axe.query(ID, deadline=until),
        answered(200, "0", **AXE_ROW),
        "GET",
        AXE_PATH,
        f"subscriptionId={ID}",
    ),
    case(
        Mode.AXE,
        "axe.query",
        lambda axe, until: axe.find(X, "0007", A, deadline=until),
        answered(200, "0", **AXE_ROW),
        "GET",
        AXE_PATH,
        "virtualNum=%2B8617010000001&extendNum=0007",
    ),
    case(
        Mode.AXYB,
        "axyb.bind",
        lambda axyb, until: axyb.bind_ax(AxybBindAx(a=A, area_code="0755"), deadline=until),
        answered(200, "0", subscriptionId=ID, relationNumber=X),
        "POST",
        AXYB_PATH,
        f"app_key={KEY}",
        {
            "origNum": A,
            "areaCode": "0755",
            "callDirection": 0,
            "duration": 7200,
            "ybDuration": 0,
            "recordFlag": "false",
        },
        repeatable=False,
    ),
    case(
        Mode.AXYB,
        "axyb.bind",
        lambda axyb, until: axyb.bind_yb(AxybBindYb(subscription_id=ID, b=B), deadline=until),
        answered(200, "0", subscriptionId=ID, relationNumber=Y),
        "POST",
        AXYB_PATH,
        f"app_key={KEY}",
        {"subscriptionId": ID, "origNum": B},
        repeatable=False,
    ),
    case(
        Mode.AXYB,
        "axyb.unbind",
        lambda axyb, until: axyb.unbind_ax(ID, deadline=until),
        DONE,
        "DELETE",
        AXYB_PATH,
        f"app_key={KEY}&subscriptionId={ID}",
    ),
    case(
        Mode.AXYB,
        "axyb.unbind",
        lambda axyb, until: axyb.unbind_y(ID, Y, deadline=until),
        DONE,
        "DELETE",
        AXYB_PATH,
        f"app_key={KEY}&subscriptionId={ID}&yNum=%2B8617010000005",
    ),
    case(
        Mode.AXYB,
        "axyb.unbind",
        lambda axyb, until: axyb.unbind_b(ID, B, deadline=until),
        DONE,
        "DELETE",
        AXYB_PATH,
        f"app_key={KEY}&subscriptionId={ID}&bNum=%2B8613800138002",
    ),
    case(
        Mode.AXYB,
        "axyb.query",
        lambda axyb, until: axyb.query(subscription_id=ID, x=X, deadline=until),
        rows("xyRelationNumList", AXYB_ROW),
        "GET",
        AXYB_PATH,
        f"app_key={KEY}&subscriptionId={ID}",
    ),
    case(
        Mode.AXYB,
        "axyb.query",
        lambda axyb, until: axyb.query(x=X, deadline=until),
        rows("xyRelationNumList", AXYB_ROW),
        "GET",
        AXYB_PATH,
        f"app_key={KEY}&relationNum=%2B8617010000001",
    ),
    case(
        Mode.X,
        "call.stop",
        lambda sessions, until: sessions.stop(SESSION, deadline=until),
        DONE,
        "POST",
        "/rest/httpsessions/callStop/v2.0",
        body={"sessionid": SESSION, "signal": "call_stop"},
    ),
    case(
        Mode.X,
        "record.url",
        lambda sessions, until: sessions.record_address(FILE, DOMAIN, deadline=until),
        Response(301, {"Location": "https://files.example/1"}, b""),
        "GET",
        "/rest/provision/voice/record/v1.0",
        f"fileName={FILE}&recordDomain={DOMAIN}",
    ),
]
