"""The state machine of disputes, as data: which act leads from where to where, and what it means for money.

::

    open ──submit──> submitted ──accept──────> accepted ─────────┐
      │                  │    ├──accept_partly─> partly_accepted ─┤
      │                  │    └──reject────────> rejected ────────┤
      └────withdraw──────┴─────────────────────> withdrawn ──────┤
      ^                                                           │
      └──────────────────────────reopen───────────────────────────┘
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

from privatenumber.store.differences import DifferenceState
from privatenumber.store.disputes import DisputeState


class Act(StrEnum):
    """What somebody does with a dispute."""

    OPEN = "open"
    SUBMIT = "submit"
    ACCEPT = "accept"
    ACCEPT_PARTLY = "accept_partly"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"


_OPEN, _SUBMITTED = DisputeState.OPEN, DisputeState.SUBMITTED
_ACCEPTED, _PARTLY = DisputeState.ACCEPTED, DisputeState.PARTLY_ACCEPTED
_REJECTED, _WITHDRAWN = DisputeState.REJECTED, DisputeState.WITHDRAWN

MOVES: Final[Mapping[tuple[DisputeState, Act], DisputeState]] = {
    (_OPEN, Act.SUBMIT): _SUBMITTED,
    (_SUBMITTED, Act.ACCEPT): _ACCEPTED,
    (_SUBMITTED, Act.ACCEPT_PARTLY): _PARTLY,
    (_SUBMITTED, Act.REJECT): _REJECTED,
    (_OPEN, Act.WITHDRAW): _WITHDRAWN,
    (_SUBMITTED, Act.WITHDRAW): _WITHDRAWN,
    **{(ended, Act.REOPEN): _OPEN for ended in (_ACCEPTED, _PARTLY, _REJECTED, _WITHDRAWN)},
}

#: What becomes of the difference. A rejected dispute adjusts our books, so nothing of it is left to explain.
DIFFERENCE: Final[Mapping[DisputeState, DifferenceState]] = {
    _OPEN: DifferenceState.DISPUTED,
    _SUBMITTED: DifferenceState.DISPUTED,
    _ACCEPTED: DifferenceState.ADJUSTED,
    _PARTLY: DifferenceState.ADJUSTED,
    _REJECTED: DifferenceState.ADJUSTED,
    _WITHDRAWN: DifferenceState.OPEN,
}

DECIDED: Final = frozenset({_ACCEPTED, _PARTLY, _REJECTED})


class NotAllowed(Exception):
    """The dispute is in a state from which the act leads nowhere; both are named."""

    def __init__(self, state: DisputeState, act: Act) -> None:
        super().__init__(f"{act.value} is not possible while it is {state.value}")
        self.state = state
        self.act = act


class AmountOutOfRange(Exception):
    """The platform can give back more than nothing and less than all; else it is accept or reject."""


def led_to(state: DisputeState, act: Act) -> DisputeState:
    """Where an act leads. Raises NotAllowed."""
    try:
        return MOVES[state, act]
    except KeyError:
        raise NotAllowed(state, act) from None


def accepted_amount(act: Act, amount: Decimal, named: Decimal | None) -> Decimal | None:
    """What the platform gives back of an ``amount`` (its sign included) by an act; None: nothing is decided.

    Raises AmountOutOfRange.
    """
    if act is Act.ACCEPT:
        return amount
    if act is Act.REJECT:
        return Decimal(0)
    if act is not Act.ACCEPT_PARTLY:
        return None
    if named is None or not abs(named) < abs(amount) or named * amount <= 0:
        raise AmountOutOfRange
    return named
