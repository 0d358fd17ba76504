"""What the lookup of a mode says about one caller on one private number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from emulator.callrecord import Route
from emulator.pool import Pool
from emulator.settings import EmulatorSettings
from emulator.world import World

ABNORMAL = 2
"""``direction`` of a call of which no binding is known (notifications.md §5.3)."""


class Prelude(StrEnum):
    """What happens between the arrival of a call and its second leg."""

    NONE = "none"
    DIGITS = "digits"
    """The caller is asked for an extension (axe.md §6.1)."""
    QUESTION = "question"
    """The customer's server is asked what to do (x.md §2)."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a lookup works with."""

    world: World
    settings: EmulatorSettings
    pool: Pool


def _nothing(at: datetime) -> None:
    """Most calls change nothing but themselves."""


@dataclass(frozen=True, slots=True)
class Found:
    """The way of one call, or why it has none.

    `refused`: the mode's code when it has no way for this call; `end_tone` is then played first.
    `protected`: A, who must be registered. `one_at_a_time`: X carries one call. The three actions happen when
    the gate let the call pass, when its second leg starts, and when it is answered.
    """

    direction: int = ABNORMAL
    subscription_id: str | None = None
    user_data: str | None = None
    refused: int | None = None
    end_tone: str | None = None
    route: Route | None = None
    protected: str | None = None
    shows_private_number: bool = True
    extension: str | None = None
    one_at_a_time: bool = False
    prelude: Prelude = Prelude.NONE
    on_accepted: Callable[[datetime], None] = _nothing
    on_callout: Callable[[datetime], None] = _nothing
    on_answer: Callable[[datetime], None] = _nothing
