"""The order to place one call: who dials what, and how the far end behaves."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from emulator.bounds import LARGEST, WaitSeconds
from emulator.outcomes import CallOutcome, Party
from privatenumber.phone import InvalidNumber, normalise

CALLOUT_AFTER_S = 1
DEFAULT_RING_S = 3
DEFAULT_THINKING_S = 5
LONGEST_TALK_S = 500_000
"""Almost six days: a WAV file counts its bytes in 32 bits, at 8,000 a second."""


class CallScript(BaseModel):
    """A scripted call. `ring_after_s` and `answer_after_s` count from the moment the call arrives; what the
    caller types before the second leg is not counted.

    `answer_after_s` is also the moment at which a callee who rejects, or a caller who gives up, hangs up.
    The platform's own rules go first: the gate, a busy callee (unless `override_busy`), `maxDuration`. With
    `redial_after_s` the handset repeats a call that was not answered, with `redial_outcome`. `digits` is what
    the caller types at each prompt of an AXE number, an early end as `#`; when all is typed he stays silent,
    or leaves with `hang_up_at_prompt`. `wait` is for the admin route: advance the clock to the call's end.
    """

    model_config = ConfigDict(extra="forbid")

    caller: str
    called: str
    outcome: CallOutcome = CallOutcome.ANSWERED
    ring_after_s: int = Field(DEFAULT_RING_S, ge=CALLOUT_AFTER_S, le=LARGEST)
    answer_after_s: WaitSeconds | None = None
    talk_s: int = Field(60, ge=0, le=LONGEST_TALK_S)
    hangup_by: Party = Party.CALLER
    override_busy: bool = False
    digits: tuple[Annotated[str, Field(pattern=r"^[0-9]{0,8}#?$")], ...] = ()
    hang_up_at_prompt: bool = False
    redial_after_s: int | None = Field(None, ge=1, le=LARGEST)
    redial_outcome: CallOutcome = CallOutcome.ANSWERED
    wait: bool = False

    @field_validator("caller", "called")
    @classmethod
    def _globalised(cls, number: str) -> str:
        """Numbers may be given as dialled; one that is no mainland number is kept, the gate judges it."""
        try:
            return normalise(number)
        except InvalidNumber:
            return number

    @model_validator(mode="after")
    def _reaction_follows_ringing(self) -> CallScript:
        if self.reaction_after_s < self.ring_after_s:
            raise ValueError("answer_after_s lies before ring_after_s; both count from the call's arrival")
        return self

    @property
    def reaction_after_s(self) -> int:
        """Seconds from the arrival to the reaction of the callee, or of a caller who gives up."""
        if self.answer_after_s is None:
            return self.ring_after_s + DEFAULT_THINKING_S
        return self.answer_after_s
