"""A query that asks for nobody: it finds out whether requests pass (result-codes.md §2)."""

from typing import Final

from privatenumber.platform.request import Request
from privatenumber.settings import Application, Mode

NOBODY: Final = "00000000-0000-0000-0000-000000000000"
"""An id that no binding has."""


def probe_of(application: Application) -> Request | None:
    """The query of an application's mode by an id of nobody; None in X mode, which has no query (x.md)."""
    match application.mode:
        case Mode.AX:
            from privatenumber.platform.ax import PATH
        case Mode.AXB:
            from privatenumber.platform.axb import PATH
        case Mode.AXE:
            from privatenumber.platform.axe import PATH
        case Mode.AXYB:
            from privatenumber.platform.axyb import PATH
        case Mode.X:
            return None
    mode = application.mode
    key = {"app_key": application.app_key} if mode is Mode.AXYB else {}
    return Request(f"{mode.value.lower()}.query", "GET", PATH, mode, True, {**key, "subscriptionId": NOBODY})
