"""An X is shown and told only when it is one of ours: nothing else in a push tells it from a person's number.

Pure. What a push writes where an X belongs may be anybody's (numbers.md §6); it stays in the fact alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from privatenumber.store.calls import Call
from privatenumber.store.messages import Message
from privatenumber.store.orders import OrderRef

Ours = Callable[[str], bool]
"""Whether a number stands in the inventory."""

FLAG: Final = "x_unknown"
T = TypeVar("T", Call, Message)


def with_own_x(says: T, order: OrderRef | None, ours: Ours) -> T:
    """A call or SMS without the X that is none of ours; that of the binding it names stands in for it."""
    bound = order.x if order else None

    def hidden(number: str | None) -> bool:
        return number is not None and number != bound and not ours(number)

    x, display = says.x, says.display_x if isinstance(says, Call) else None
    # The number shown to the callee mostly is X itself: it is asked for once.
    hides_x = hidden(x)
    hides_display = hides_x if display == x else hidden(display)
    if not (hides_x or hides_display):
        return says
    flags = tuple(sorted({*says.flags, FLAG}))
    shown = replace(says, x=bound if hides_x else x, flags=flags)
    return replace(shown, display_x=None) if hides_display and isinstance(shown, Call) else shown
