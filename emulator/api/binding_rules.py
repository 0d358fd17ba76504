"""What the binding APIs of several modes have in common: number states, areas, daily limit, presentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from emulator.api.errors import Payload, Refusal, invalid
from emulator.api.params import Parameters
from emulator.pool import Pool
from emulator.settings import EmulatorSettings
from emulator.world import Application, Number, World
from privatenumber.times import BEIJING, beijing_day

LONGEST_LIFE_S = 7_776_000
LONGEST_CALL_MIN = 1440
USER_DATA_FORBIDDEN = "{}"
"""What ``userData`` must not hold, in all modes; AXB forbids one more (numbers.md §7.4)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and when by the emulator's clock. ``afterwards`` happens once the answer has been sent."""

    application: Application
    at: datetime
    afterwards: list[Callable[[], object]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Desk:
    """What every binding API works with."""

    world: World
    settings: EmulatorSettings
    pool: Pool

    def own_number(self, caller: Caller, x: str, code: str) -> Number:
        """Return a number of the calling application; refuses any other with ``code``."""
        number = self.world.numbers.get(x)
        if number is None or not number.owned_by(caller.application.app_key):
            raise Refusal(403, code)
        return number

    def check_bindable(self, number: Number) -> None:
        """Refuse a number on which nothing may be bound now (numbers.md §3)."""
        if not number.bindable:
            raise Refusal(403, "1012102")

    def check_changeable(self, x: str) -> None:
        """Refuse a number whose bindings cannot be touched now (numbers.md §3)."""
        if not self.world.numbers[x].usable:
            raise Refusal(403, "1012102")

    def check_daily_limit(self, caller: Caller, *users: str) -> None:
        """Refuse a user who was bound too often on this Beijing day (1020178)."""
        limit = self.settings.limits.binds_per_number_per_day
        day = beijing_day(caller.at)
        if limit and any(self.world.binds_on(day, user) >= limit for user in users):
            raise Refusal(403, "1020178")

    def count_bind(self, caller: Caller, *users: str) -> None:
        """Count a bind for the daily limit."""
        self.world.count_binds(beijing_day(caller.at), users)

    def check_recording(self, caller: Caller, wanted: bool | None) -> None:
        """Refuse recording for an application without it."""
        if wanted and not caller.application.recording:
            raise Refusal(403, "1012012")

    def beijing_text(self, moment: datetime) -> str:
        """Show a moment as queries do (numbers.md §7.5)."""
        beijing = self.settings.query.subscribe_time_zone == "Asia/Shanghai"
        return moment.astimezone(BEIJING if beijing else UTC).strftime("%Y-%m-%d %H:%M:%S")


def read_area(given: Parameters) -> tuple[str | None, bool]:
    """Read the city and whether only it will do; strict wants ``areaMatchMode`` with ``areaCode`` only."""
    area = given.area()
    mode = given.digit("areaMatchMode", {"0", "1"})
    if given.strict and mode is not None and area is None:
        raise invalid("areaMatchMode")
    return area, mode != "1"


def note_silent_recording(record: bool, hint_tone: str | None, given: Parameters) -> None:
    """Note a binding whose calls the carrier intercepts (axb.md §6.3)."""
    if record and hint_tone is None:
        given.notes.append("recordFlag without recordHintTone: the carrier intercepts such calls")


def given_only(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what was not given."""
    return {name: value for name, value in values.items() if value is not None}


def shown(row: Payload) -> Payload:
    """Leave out what was never set; Booleans travel as strings (numbers.md §7.2)."""
    return {
        name: flag_text(value) if isinstance(value, bool) else value
        for name, value in row.items()
        if value is not None
    }


def flag_text(value: bool) -> str:
    """Return a Boolean as the platform answers it."""
    return "true" if value else "false"
