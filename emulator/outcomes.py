"""How a call can end, and which codes an ending carries (axb.md §6.2-6.3, cause-codes.md §4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType


class CallOutcome(StrEnum):
    """What a scripted call comes to once its second leg has been started."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    REJECTED_BY_SERVICE = "rejected_by_service"
    CALLER_HANGUP_BEFORE_RINGING = "caller_hangup_before_ringing"
    CALLER_HANGUP_RINGING = "caller_hangup_ringing"
    NO_REACTION = "no_reaction"
    UNKNOWN_NUMBER = "unknown_number"
    NO_SIGNAL = "no_signal"
    POWER_OFF = "power_off"
    OUT_OF_SERVICE = "out_of_service"
    PLATFORM_BUSY = "platform_busy"
    INTERNAL_ERROR = "internal_error"


class Stage(IntEnum):
    """How far a call came; each stage has its event and its CDR time."""

    CALLIN = 1
    CALLOUT = 2
    ALERTING = 3
    ANSWER = 4


class Party(StrEnum):
    """The side that hung up."""

    CALLER = "caller"
    CALLEE = "callee"


@dataclass(frozen=True, slots=True)
class Ending:
    """The four cause values of one ended call, as event and CDR carry them."""

    state_code: int
    teardown: int
    q850: int
    sip: int


ANSWERED_END = Ending(0, 0, 0, 0)
MAX_DURATION_END = Ending(8010, 8010, 0, 0)
MALFORMED_CALLEE_END = Ending(8100, 7506, 28, 484)

ENDINGS: Mapping[CallOutcome, Ending] = MappingProxyType(
    {
        CallOutcome.ANSWERED: ANSWERED_END,
        CallOutcome.NO_ANSWER: Ending(8101, 8101, 19, 480),
        CallOutcome.BUSY: Ending(8102, 8102, 17, 486),
        CallOutcome.REJECTED: Ending(7503, 7503, 21, 603),
        CallOutcome.REJECTED_BY_SERVICE: Ending(7504, 7504, 21, 403),
        CallOutcome.CALLER_HANGUP_BEFORE_RINGING: Ending(7501, 7501, 16, 487),
        CallOutcome.CALLER_HANGUP_RINGING: Ending(7502, 7502, 16, 487),
        CallOutcome.NO_REACTION: Ending(8035, 8035, 18, 408),
        CallOutcome.UNKNOWN_NUMBER: Ending(8100, 8100, 1, 404),
        CallOutcome.NO_SIGNAL: Ending(8103, 8103, 41, 503),
        CallOutcome.POWER_OFF: Ending(8104, 8104, 20, 480),
        CallOutcome.OUT_OF_SERVICE: Ending(8105, 8105, 27, 502),
        CallOutcome.PLATFORM_BUSY: Ending(522, 522, 42, 503),
        CallOutcome.INTERNAL_ERROR: Ending(8011, 8011, 41, 500),
    }
)

RINGING = frozenset(
    {
        CallOutcome.ANSWERED,
        CallOutcome.NO_ANSWER,
        CallOutcome.REJECTED,
        CallOutcome.CALLER_HANGUP_RINGING,
    }
)
"""Outcomes in which the callee's phone rings; a busy callee makes them impossible."""

RELEASED_BY: Mapping[CallOutcome, Party] = MappingProxyType(
    {
        CallOutcome.CALLER_HANGUP_BEFORE_RINGING: Party.CALLER,
        CallOutcome.CALLER_HANGUP_RINGING: Party.CALLER,
        CallOutcome.REJECTED: Party.CALLEE,
        CallOutcome.REJECTED_BY_SERVICE: Party.CALLEE,
    }
)

_SIP_OF_REFUSAL: Mapping[int, int] = MappingProxyType(
    {7507: 500, 8019: 404, 8022: 404, 8025: 404, 8030: 404, 8031: 503, 8033: 484, 8102: 486, 8104: 480}
)
_TEARDOWN_OF_REFUSAL: Mapping[int, int] = MappingProxyType({8018: 7104})
"""An X without a binding is one of the few refusals whose two codes differ (ax.md §7)."""

CALLER_LEFT_PROMPT = Ending(7516, 7516, 0, 487)
CLOSED_BY_ANSWER = Ending(8017, 8017, 0, 603)
NO_USABLE_ANSWER = Ending(8014, 8014, 0, 500)
UNKNOWN_TONE_IN_ANSWER = Ending(8014, 8006, 0, 500)
"""X mode: the customer's server closes, or answers not at all or not usably (x.md §2)."""


def refusal(code: int) -> Ending:
    """The ending of a call that the gate refused: no second leg, so no Q.850 cause (cause-codes.md §4)."""
    return Ending(code, _TEARDOWN_OF_REFUSAL.get(code, code), 0, _SIP_OF_REFUSAL.get(code, 403))
