"""Every API of the platform by path and method (auth.md §0)."""

from __future__ import annotations

from emulator.api.ax import AxApi
from emulator.api.axb import AxbApi
from emulator.api.axe import AxeApi
from emulator.api.axyb import AxybApi
from emulator.api.binding_rules import Desk
from emulator.api.service import Operation, Operations
from emulator.api.session import SessionApi
from emulator.world import Mode

AX_PATH = "/rest/provision/caas/privatenumber/v1.0"
AX_CALLEE_PATH = "/rest/caas/privatenumber/calleenumber/v1.0"
AXB_PATH = "/rest/caas/relationnumber/partners/v1.0"
AXE_PATH = "/rest/caas/extendnumber/v1.0"
AXYB_PATH = "/rest/omp/xyrelationnumber/v1.0"
RECORD_PATH = "/rest/provision/voice/record/v1.0"
CALL_STOP_PATH = "/rest/httpsessions/callStop/v2.0"


def operations(desk: Desk, sessions: SessionApi) -> Operations:
    """Return the table of all operations; a method that is not listed answers 1010006."""
    ax, axb, axe, axyb = AxApi(desk), AxbApi(desk), AxeApi(desk), AxybApi(desk)
    return {
        AX_PATH: {
            "POST": Operation("ax.bind", Mode.AX, ax.bind),
            "DELETE": Operation("ax.unbind", Mode.AX, ax.unbind),
            "PUT": Operation("ax.modify", Mode.AX, ax.modify),
            "GET": Operation("ax.query", Mode.AX, ax.query),
        },
        AX_CALLEE_PATH: {"PUT": Operation("ax.set_callee", Mode.AX, ax.set_callee)},
        AXB_PATH: {
            "POST": Operation("axb.bind", Mode.AXB, axb.bind),
            "DELETE": Operation("axb.unbind", Mode.AXB, axb.unbind),
            "PUT": Operation("axb.modify", Mode.AXB, axb.modify),
            "GET": Operation("axb.query", Mode.AXB, axb.query),
        },
        AXE_PATH: {
            "POST": Operation("axe.bind", Mode.AXE, axe.bind),
            "DELETE": Operation("axe.unbind", Mode.AXE, axe.unbind),
            "PUT": Operation("axe.modify", Mode.AXE, axe.modify),
            "GET": Operation("axe.query", Mode.AXE, axe.query),
        },
        AXYB_PATH: {
            "POST": Operation("axyb.bind", Mode.AXYB, axyb.bind, longest_key=128),
            "DELETE": Operation("axyb.unbind", Mode.AXYB, axyb.unbind, longest_key=32),
            "GET": Operation("axyb.query", Mode.AXYB, axyb.query, longest_key=128),
        },
        RECORD_PATH: {"GET": Operation("record.url", None, sessions.record_address)},
        CALL_STOP_PATH: {
            "POST": Operation("call.stop", None, sessions.stop_call, invalid=(500, "1020001")),
        },
    }
