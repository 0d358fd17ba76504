"""How much of each pool is used up when the pool watch looks, by our rows: what its alarms may tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from privatenumber.bindings.rules import capacity
from privatenumber.settings import Mode
from storm.judges.pools import PoolUse, pool_use
from storm.platform import NUMBERS, application_id
from storm.tables import Tables

WATCH: Final = "PoolWatchFunction"
SCARCE_PERCENT: Final = 80
"""Of a pool that is used up, from which on its alarm stands: `PoolAlarmPercent`."""

_DIGITS: Final = 4
"""Of an extension; the smallest pool of them is larger than any storm."""


@dataclass
class PoolGauge:
    """Looks at the rows whenever the watch begins."""

    tables: Tables
    now: Callable[[], datetime]
    seen: list[tuple[datetime, PoolUse]] = field(default_factory=list)

    def invoked(self, function: str) -> None:
        """A function begins."""
        if function == WATCH:
            now = self.now()
            self.seen += [(now, self._use(mode)) for mode in NUMBERS]

    def _use(self, mode: str) -> PoolUse:
        rows, application = self.tables, application_id(mode)
        numbers, bindings = (
            [row for row in rows.of_kind("BindingsTable", sk) if row["application"] == application]
            for sk in ("NUMBER", "BINDING")
        )
        return pool_use(numbers, bindings, capacity(Mode(mode), _DIGITS))
