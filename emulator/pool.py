"""Choice of X by the platform, for a bind that names none (numbers.md §2.1)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from datetime import datetime

from emulator.settings import EmulatorSettings
from emulator.world import Application, Number, NumberStatus, World
from privatenumber import phone

_LANDLINE_AREA = re.compile(r"\+86(10|2[0-9]|[3-9][0-9]{2})")


def area_of(number: str, settings: EmulatorSettings) -> str:
    """Return the area code of a user: a landline's own, else by prefix of the mobile, else the default."""
    if phone.is_global(number) and phone.kind(number) is phone.NumberKind.LANDLINE:
        found = _LANDLINE_AREA.match(number)
        if found is not None:
            return "0" + found[1]
    digits = number.removeprefix("+86")
    homes = settings.numbers.mobile_home
    prefixes = [prefix for prefix in homes if digits.startswith(prefix)]
    return homes[max(prefixes, key=len)] if prefixes else settings.numbers.default_home_area


class Pool:
    """Chooses among an application's numbers. The order among equals comes from the seed."""

    def __init__(self, world: World, settings: EmulatorSettings, chance: random.Random) -> None:
        self._world = world
        self._settings = settings
        self._chance = chance

    def choose_axb(
        self, application: Application, a: str, b: str, *, area: str | None, strict_area: bool, at: datetime
    ) -> Number | None:
        """Return an available X for the pair, or None. Without ``area``, the area of A counts."""
        wanted = area if area is not None else area_of(a, self._settings)
        available = [
            number
            for number in self._world.numbers_of(application.app_key)
            if self._axb_available(number, a, b, at)
        ]
        for fits in self._rings(wanted, strict_area):
            candidates = [number for number in available if fits(number)]
            if candidates:
                return self._pick(candidates, at)
        return None

    def _axb_available(self, number: Number, a: str, b: str, at: datetime) -> bool:
        world = self._world
        if number.status is not NumberStatus.NORMAL:
            return False
        if world.axb_load(number.x, at) >= self._settings.limits.axb_pairs_per_x:
            return False
        return world.axb_of(number.x, a, at) is None and world.axb_of(number.x, b, at) is None

    def _rings(self, area: str, strict_area: bool) -> Sequence[Callable[[Number], bool]]:
        """The city; non-strict, then its province, then everywhere."""
        provinces = {**phone.AREA_PROVINCES, **self._settings.areas.extra}
        province = provinces.get(area)

        def same_city(number: Number) -> bool:
            return number.area_code == area

        def same_province(number: Number) -> bool:
            return province is not None and provinces.get(number.area_code) == province

        def anywhere(number: Number) -> bool:
            return True

        return (same_city,) if strict_area else (same_city, same_province, anywhere)

    def _pick(self, candidates: Sequence[Number], at: datetime) -> Number:
        ordered = sorted(candidates, key=lambda number: number.x)
        match self._settings.numbers.pick:
            case "ordered":
                return ordered[0]
            case "least_loaded":
                return min(ordered, key=lambda number: self._world.axb_load(number.x, at))
            case _:
                return self._chance.choice(ordered)
