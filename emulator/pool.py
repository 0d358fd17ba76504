"""Choice of a private number by the platform, for a bind that names none (numbers.md §2.1)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from datetime import datetime

from emulator.axyb import AxybBinding
from emulator.settings import EmulatorSettings
from emulator.world import Application, Mode, Number, World
from privatenumber import phone

_LANDLINE_AREA = re.compile(r"\+86(10|2[0-9]|[3-9][0-9]{2})")
Fits = Callable[[Number], bool]


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


def extensions(digits: int) -> Sequence[str]:
    """Every extension of that many digits, in order; zero alone is never used (axe.md §1.1)."""
    return [f"{number:0{digits}d}" for number in range(1, 10**digits)]


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
        world, most = self._world, self._settings.limits.axb_pairs_per_x

        def free(number: Number) -> bool:
            if world.axb_load(number.x, at) >= most:
                return False
            return world.axb_of(number.x, a, at) is None and world.axb_of(number.x, b, at) is None

        return self._choose(application, free, self._rings(wanted, strict_area), at)

    def choose_ax(
        self, application: Application, *, area: str, strict_area: bool, at: datetime
    ) -> Number | None:
        """Return an X that carries nobody, or None."""

        def free(number: Number) -> bool:
            return self._world.ax.on_x(number.x) is None

        return self._choose(application, free, self._rings(area, strict_area), at)

    def choose_axe(
        self,
        application: Application,
        a: str,
        extension: str | None,
        *,
        area: str,
        strict_area: bool,
        at: datetime,
    ) -> Number | None:
        """Return an X on which A does not stand and the extension (or any) is free, or None."""
        book = self._world.axe

        def free(number: Number) -> bool:
            if book.of_party(number.x, a, at) is not None:
                return False
            if extension is not None:
                return book.by_extension(number.x, extension, at) is None
            return len(book.on(number.x, at)) < len(extensions(application.axe_digits))

        return self._choose(application, free, self._rings(area, strict_area), at)

    def allocate_extension(self, application: Application, x: str, at: datetime) -> str | None:
        """Return a free extension of X, or None when there is none left."""
        taken = self._world.axe.extensions_on(x, at)
        free = [extension for extension in extensions(application.axe_digits) if extension not in taken]
        if not free:
            return None
        return free[0] if self._settings.axe.allocation == "sequential" else self._chance.choice(free)

    def choose_axyb(
        self, application: Application, *, area: str, strict_area: bool, at: datetime
    ) -> Number | None:
        """Return a number that serves neither as X nor as Y, or None."""

        def free(number: Number) -> bool:
            book = self._world.axyb
            return book.on_x(number.x, at) is None and not book.pairs_on_y(number.x, at)

        return self._choose(application, free, self._rings(area, strict_area), at)

    def allocate_y(
        self, application: Application, ax: AxybBinding, *, area: str | None, strict_area: bool, at: datetime
    ) -> Number | None:
        """Return a Y for another B of an AX, or None: one Y serves at most one B per A (axyb.md §1).

        Without ``area`` the area of X comes first, then everywhere.
        """
        book, most = self._world.axyb, self._settings.limits.axyb_relations_per_y
        most_of_ax = self._settings.axyb.max_yb_per_ax
        if most_of_ax and len(book.pairs(ax.subscription_id, at)) >= most_of_ax:
            return None

        def free(number: Number) -> bool:
            if book.on_x(number.x, at) is not None:
                return False
            if book.pair_with_y(application.app_key, ax.a, number.x, at) is not None:
                return False
            return len(book.pairs_on_y(number.x, at)) < most

        if area is not None:
            return self._choose(application, free, self._rings(area, strict_area), at)
        home = self._world.numbers[ax.x].area_code
        return self._choose(application, free, (self._rings(home, True)[0], lambda number: True), at)

    def _choose(
        self, application: Application, free: Fits, rings: Sequence[Fits], at: datetime
    ) -> Number | None:
        available = [
            number
            for number in self._world.numbers_of(application.app_key)
            if number.bindable and free(number)
        ]
        for fits in rings:
            candidates = [number for number in available if fits(number)]
            if candidates:
                return self._pick(application.mode, candidates, at)
        return None

    def _rings(self, area: str, strict_area: bool) -> Sequence[Fits]:
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

    def _pick(self, mode: Mode, candidates: Sequence[Number], at: datetime) -> Number:
        ordered = sorted(candidates, key=lambda number: number.x)
        match self._settings.numbers.pick:
            case "ordered":
                return ordered[0]
            case "least_loaded":
                return min(ordered, key=lambda number: self.load(mode, number.x, at))
            case _:
                return self._chance.choice(ordered)

    def load(self, mode: Mode, x: str, at: datetime) -> int:
        """Return how many relations of a mode a number carries."""
        world = self._world
        match mode:
            case Mode.AXB:
                return world.axb_load(x, at)
            case Mode.AX:
                return len(world.ax.on(x, at))
            case Mode.AXE:
                return len(world.axe.on(x, at))
            case Mode.AXYB:
                return len(world.axyb.on(x, at)) + len(world.axyb.pairs_on_y(x, at))
            case _:
                return 0
