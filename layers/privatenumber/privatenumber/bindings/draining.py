"""A number that is to carry nothing any more takes no new bindings first."""

from __future__ import annotations

from typing import Final

from privatenumber.bindings.engine import Engine
from privatenumber.bindings.errors import Busy
from privatenumber.bindings.numbers import NumberChange, described
from privatenumber.store.numbers import PLATFORM_STATES, NumberState, StaleNumberError

_ATTEMPTS: Final = 4


def drain(engine: Engine, x: str, application: str) -> bool:
    """Make a number `draining` in the engine's name, unless people took it out already.

    False: it is not the application's. Raises Busy.
    """
    for _ in range(_ATTEMPTS):
        seen = engine.numbers.get(x)
        if seen is None or seen.application != application:
            return False
        if seen.state not in PLATFORM_STATES:
            return True
        try:
            draining = described(seen.x, NumberChange(state=NumberState.DRAINING), seen)
            engine.numbers.put(draining, seen=seen, author=engine.author)
        except StaleNumberError:
            continue
        return True
    raise Busy
