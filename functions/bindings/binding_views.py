"""What business systems get to see of bindings: X and what to dial, people masked only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from privatenumber.bindings.commands import Chooser
from privatenumber.bindings.engine import names_x
from privatenumber.bindings.model import Binding, Page, Partner, State
from privatenumber.http_api import Response, answer
from privatenumber.phone import national
from privatenumber.settings import Mode
from privatenumber.times import iso

from .paths import binding_path

SETTLES_IN_S: Final = 15
"""The sweep looks after an unknown outcome every minute, a repetition at once."""

_X_IS_BOUND: Final = frozenset({State.ACTIVE, State.RELEASING, State.CLOSED})


def binding_view(binding: Binding, now: datetime, *, impaired: bool | None = None) -> dict[str, Any]:
    """Show a binding of any mode; what the mode does not have is null, false or empty.

    `x` is in global form, `dial` the digits that people dial (numbers.md §1). Both are shown only once the
    platform has bound X: before, a call to it would reach nobody or somebody else. A change whose outcome is
    not known yet is `change_pending`; the values are those before it. `impaired` is only known to who reads
    one binding: it is the state of X.
    """
    now, x = _as_of(binding, now), _shown_x(binding)
    return {
        "id": binding.id,
        "application": binding.application,
        "order": binding.order,
        "mode": binding.mode.value,
        "state": binding.state.value,
        "reason": binding.reason and binding.reason.value,
        "failure_code": binding.failure_code,
        "x": x,
        "dial": x and national(x),
        "extension": binding.extension if x else None,
        "dial_hint": _dial_hint(binding, x),
        "area": binding.area,
        "a": binding.a.masked,
        "b": binding.b and binding.b.masked,
        "partners": [partner_view(partner) for partner in binding.partners],
        "anyone": binding.anyone,
        "callee": _callee_view(binding, now),
        "direction": binding.direction,
        "max_minutes": binding.max_minutes,
        "recorded": binding.record_hint_tone is not None,
        "chosen_by": (Chooser.US if names_x(binding) else Chooser.PLATFORM).value,
        "change_pending": binding.pending is not None,
        "impaired": impaired,
        "created_at": iso(binding.created_at),
        "updated_at": iso(binding.updated_at),
        "ends_at": iso(binding.ends_at),
        "idle_seconds": binding.idle_s,
        "active_at": binding.active_at and iso(binding.active_at),
        "release_wait_seconds": binding.waits_s,
        "waits_until": iso(binding.waits_until) if binding.is_waiting(now) else None,
    }


def partner_view(partner: Partner) -> dict[str, Any]:
    """Show who stands opposite A; `y` is what A dials to reach him (axyb.md §1), None in X mode."""
    return {
        "id": partner.id,
        "b": partner.party.masked,
        "y": partner.y,
        "dial": partner.y and national(partner.y),
        "state": partner.state.value,
    }


def bindings_view(page: Page, now: datetime) -> dict[str, Any]:
    """Show one page of a search, newest first."""
    return {"bindings": [binding_view(binding, now) for binding in page.bindings], "next_cursor": page.cursor}


def call_view(binding: Binding) -> dict[str, Any]:
    """Show what A has to dial at once, and until when that reaches the callee just set."""
    return {
        "dial": national(binding.x),
        "x": binding.x,
        "until": binding.callee and iso(binding.callee.until),
    }


def binding_answer(
    binding: Binding, now: datetime, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer 202 with a time to ask again while the platform's view of the binding is not certain, or its end
    waits for a call.
    """
    waits = binding.is_waiting(_as_of(binding, now))
    rests = binding.settled and binding.state is not State.RELEASING and not waits
    if binding.state.final or rests:
        return answer(status, binding_view(binding, now), headers)
    return waiting_answer(binding, now, {**(headers or {}), "location": binding_path(binding.id)})


def waiting_answer(binding: Binding, now: datetime, headers: Mapping[str, str] | None = None) -> Response:
    """Answer 202: the outcome is not known yet, the worker goes on."""
    return answer(202, binding_view(binding, now), {**(headers or {}), "retry-after": str(SETTLES_IN_S)})


def _as_of(binding: Binding, now: datetime) -> datetime:
    """The moment to show a binding at: a write may be later than the moment at which its request came."""
    return max(now, binding.updated_at)


def _shown_x(binding: Binding) -> str | None:
    return binding.x or None if binding.state in _X_IS_BOUND else None


def _callee_view(binding: Binding, now: datetime) -> dict[str, Any] | None:
    """Show a callee while he is valid; he is gone with the binding (ax.md §3)."""
    callee = binding.callee
    if callee is None or binding.state is not State.ACTIVE or callee.until <= now:
        return None
    return {"callee": callee.party.masked, "until": iso(callee.until)}


def _dial_hint(binding: Binding, x: str | None) -> dict[str, str] | None:
    """Tell people to wait for the prompt: digits typed before its end are lost (axe.md §6.1, §7)."""
    if binding.mode is not Mode.AXE or x is None:
        return None
    digits, extension = national(x), binding.extension
    return {
        "en": f"Dial {digits}, wait for the end of the prompt, then enter extension {extension}.",
        "zh": f"请拨打 {digits}，听完提示音后输入分机号 {extension}。",
    }
