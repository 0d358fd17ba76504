"""The API of the platform as our rooms see it: one group of calls per mode, and one for every mode."""

import time
from collections.abc import Callable
from functools import cached_property
from random import random as machine_random
from typing import TYPE_CHECKING

from privatenumber.platform.budget import UNLIMITED, Budget
from privatenumber.platform.caller import Caller
from privatenumber.platform.pausing import MemoryPauses, Pauses
from privatenumber.platform.transport import (
    NoAnswer,
    NoConnection,
    Response,
    Transport,
    Urllib3Transport,
)
from privatenumber.settings import Application
from privatenumber.signing import new_nonce
from privatenumber.times import Clock, utc_now

if TYPE_CHECKING:
    from privatenumber.platform.ax_calls import AxCalls
    from privatenumber.platform.axb_calls import AxbCalls
    from privatenumber.platform.axe_calls import AxeCalls
    from privatenumber.platform.axyb_calls import AxybCalls
    from privatenumber.platform.session_calls import SessionCalls

__all__ = [
    "MemoryPauses",
    "NoAnswer",
    "NoConnection",
    "Pauses",
    "PlatformClient",
    "Response",
    "Transport",
    "Urllib3Transport",
]


class PlatformClient:
    """The API of one application. Safe to keep and to share; every call states its own deadline.

    A group of another mode than the application's raises WrongMode before anything is sent. Models are
    imported when their group is first used: a cold start pays for its own mode only.
    """

    def __init__(
        self,
        application: Application,
        *,
        transport: Transport,
        pauses: Pauses,
        budget: Budget = UNLIMITED,
        clock: Clock = utc_now,
        nonce: Callable[[], str] = new_nonce,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = machine_random,
    ) -> None:
        self._caller = Caller(
            application,
            transport=transport,
            pauses=pauses,
            budget=budget,
            clock=clock,
            nonce=nonce,
            sleep=sleep,
            random=random,
        )

    @property
    def application(self) -> Application:
        """The application in whose name it speaks."""
        return self._caller.application

    @cached_property
    def axb(self) -> "AxbCalls":
        """AXB (axb.md)."""
        from privatenumber.platform.axb_calls import AxbCalls

        return AxbCalls(self._caller)

    @cached_property
    def ax(self) -> "AxCalls":
        """AX (ax.md)."""
        from privatenumber.platform.ax_calls import AxCalls

        return AxCalls(self._caller)

    @cached_property
    def axe(self) -> "AxeCalls":
        """AXE (axe.md)."""
        from privatenumber.platform.axe_calls import AxeCalls

        return AxeCalls(self._caller)

    @cached_property
    def axyb(self) -> "AxybCalls":
        """AXYB (axyb.md)."""
        from privatenumber.platform.axyb_calls import AxybCalls

        return AxybCalls(self._caller)

    @cached_property
    def sessions(self) -> "SessionCalls":
        """Terminate call and recordings, in every mode (recording-and-call-stop.md)."""
        from privatenumber.platform.session_calls import SessionCalls

        return SessionCalls(self._caller)
