"""Faults that the emulator knows by itself: what is ordered there for one of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emulator.faults import Fault as PlatformFault
from storm.plan import Fault

_API_KINDS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "platform.timeout_after_success": ("timeout_after_success", {"drop": True}),
    "platform.timeout_before": ("timeout_before", {"drop": True}),
    "platform.error_5xx": ("status", {"http_status": 503, "execute": False}),
    "platform.error_5xx_after_success": ("status", {"http_status": 502, "execute": True}),
    "platform.flow_control": ("flow_control", {}),
}
_PUSH_KINDS: Final[Mapping[str, str]] = {
    "push.duplicate": "duplicate",
    "push.delay": "delay",
    "push.reorder": "reorder",
    "push.never_sent": "lose",
}

ORDERED: Final = frozenset({*_API_KINDS, *_PUSH_KINDS})


def ordered(fault: Fault) -> PlatformFault:
    """The order for a fault: so many requests of one API, or one push of a kind."""
    if fault.kind in _API_KINDS:
        kind, params = _API_KINDS[fault.kind]
        match, times = {"api": fault.params["api"]}, int(fault.params["times"])
        return PlatformFault(where="api", kind=kind, match=match, times=times, params=dict(params))
    wanted = {name: value for name, value in fault.params.items() if name != "push"}
    match = {"kind": fault.params["push"]}
    return PlatformFault(where="push", kind=_PUSH_KINDS[fault.kind], match=match, times=1, params=wanted)
