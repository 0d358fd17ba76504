"""Identifiers of calls in the documented shapes, all from the emulator's seed (notifications.md §4.7)."""

import random
from datetime import UTC, datetime
from typing import Literal

SESSION_HOST = "callenabler246.huaweicaas.com"
_NTP_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_FIRST_SESSION = 1001


class CallIds:
    """Numbers calls and draws their ids; a running number keeps every id unique, whatever the chance."""

    def __init__(self, chance: random.Random, style: Literal["classic", "with_numbers"] = "classic") -> None:
        self._chance = chance
        self._style = style
        self._count = 0

    def next_call(self, caller: str, dialled: str, at: datetime) -> tuple[str, str]:
        """Return `sessionId` and `icid` of the next call, which arrived at a UTC moment."""
        self._count += 1
        prefix = f"{self._chance.getrandbits(128):032x}"
        ntp_seconds = int((at - _NTP_EPOCH).total_seconds())
        icid = f"{prefix}.{ntp_seconds}.{self._count}.{self._chance.randint(1, 9)}"
        return self._session(caller, dialled, at), icid

    def recording_name(self, at: datetime) -> str:
        """Return the file name of a recording that starts at a UTC moment: 23 digits and `.wav`."""
        return f"{at:%y%m%d%H%M%S}{self._chance.randrange(10**11):011d}.wav"

    def _session(self, caller: str, dialled: str, at: datetime) -> str:
        number = _FIRST_SESSION + self._count - 1
        if self._style == "with_numbers":
            draw = self._chance.randrange(10**6)
            return f"{caller}_{dialled}_4_{int(at.timestamp()):x}_{number}_{draw}_1_0"
        return f"1200_{number}_4294967295_{at:%Y%m%d%H%M%S}@{SESSION_HOST}"
