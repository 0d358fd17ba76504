"""What each kind of fault can be told: names, forms and bounds of its ``params`` (notifications.md §11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from emulator.bounds import Wait

_BODILESS = frozenset({204, 304})
_LONGEST_HOLD_S = 3_600


def _with_body(status: int) -> int:
    if status in _BODILESS:
        raise ValueError("an answer of this status has no body, a fault's always has one")
    return status


_Held = Annotated[float, Field(ge=0, le=_LONGEST_HOLD_S, allow_inf_nan=False)]
"""Seconds of the machine's time that a client is kept waiting."""


class Params(BaseModel):
    """Nothing to tell. What is left out has the default of the kind."""

    model_config = ConfigDict(extra="forbid")


class _Unanswered(Params):
    hold_s: _Held = 0
    drop: bool = False


class _Status(Params):
    http_status: Annotated[int, Field(ge=200, le=599), AfterValidator(_with_body)] = 500
    code: Annotated[str, Field(min_length=1, max_length=32)] = ""
    body: str = ""
    execute: bool = False


class _FlowControl(Params):
    code: Annotated[str, Field(pattern="^(1010010|1011006)$")] = ""


class _AnswerDelay(Params):
    delay_s: _Held = 0


class _Garbage(Params):
    body: str = ""
    execute: bool = True


class _Copies(Params):
    copies: Annotated[int, Field(ge=0, le=100)] = 1


class _Hold(Params):
    hold_s: Wait = 0


class _Window(Params):
    window_s: Wait = 0


class _Attempts(Params):
    attempts: Annotated[int, Field(ge=0, le=1_000)] = 1


class _OldCreated(_Attempts):
    age_s: Wait = 0


class _Empty(Params):
    empty: bool = True


API_PARAMS: Mapping[str, type[Params]] = {
    "timeout_after_success": _Unanswered,
    "timeout_before": _Unanswered,
    "status": _Status,
    "flow_control": _FlowControl,
    "delay": _AnswerDelay,
    "garbage": _Garbage,
}
PUSH_PARAMS: Mapping[str, type[Params]] = {
    "lose": Params,
    "duplicate": _Copies,
    "delay": _Hold,
    "reorder": _Window,
    "bad_signature": _Attempts,
    "old_created": _OldCreated,
    "repeat_nonce": _Attempts,
    "wsse": _Attempts,
    "drop_subscription_id": _Empty,
    "integers_as_text": Params,
    "empty_times": Params,
    "beijing_time": Params,
    "unknown_fields": Params,
    "unknown_event": Params,
}


def checked(kind: type[Params], params: dict[str, Any]) -> dict[str, Any]:
    """Return params in their forms, without those that were not given. Raises ValidationError."""
    return kind.model_validate(params).model_dump(exclude_unset=True)
