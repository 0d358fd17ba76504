"""Whose costs a month's are: every fen by application, mode, X, city, order … (billing-rules.md §8.3).

Pure, and the order of what is given decides nothing. Amounts are added up exactly and rounded once for each
view and component, by largest remainder, so that the sums of every view equal the total of the month to the
fen. What belongs to nobody stands under a key of its own and is never left out: keys of ours begin with
``#``, which no order, application or binding may contain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Any, Final

from privatenumber.billing.closing.cells import Cell
from privatenumber.billing.closing.costs import OWNERS, NumberRent, View
from privatenumber.billing.closing.package_cost import PackageMonth, cost_in_fen, unit_values, unused_value
from privatenumber.billing.closing.rounding import half_up, in_fen, in_yuan, largest_remainder
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item
from privatenumber.settings import PackageAllocation, RentAllocation
from privatenumber.store.numbers import NumberType

UNASSIGNED: Final = "#unassigned"
"""What has no owner in a view: the rent of an X in the view of orders, a call that belongs to no binding."""
UNALLOCATED: Final = "#unallocated"
"""Units of packages that nobody used."""
ACCOUNT: Final = "#account"
"""Packages whose price is not spread."""


_OF_THE_USE: Final = frozenset({View.ORDER, View.BINDING, View.SIDE, View.DAY})
"""Where a rent that is spread over orders goes to whoever used the X; elsewhere it stays with the X."""


@dataclass(frozen=True, slots=True)
class Options:
    """How rents and packages are spread."""

    rent: RentAllocation = RentAllocation.NUMBER
    packages: PackageAllocation = PackageAllocation.PER_UNIT

    def document(self) -> dict[str, str]:
        """The settings as JSON."""
        return {"rent": self.rent.value, "packages": self.packages.value}


@dataclass(frozen=True, slots=True)
class Share:
    """What a key of a view bears: minutes and parts, whoever paid them, and CNY in whole fen."""

    view: View
    key: str
    minutes: int
    parts: int
    call: Decimal
    sms: Decimal
    rent: Decimal
    package: Decimal

    @property
    def total(self) -> Decimal:
        """All that it bears."""
        return self.call + self.sms + self.rent + self.package

    def document(self) -> dict[str, Any]:
        """The share as a line of a statement."""
        return {
            "line": "share",
            "view": self.view.value,
            "key": self.key,
            "minutes": self.minutes,
            "parts": self.parts,
            "call": plain(self.call),
            "sms": plain(self.sms),
            "rent": plain(self.rent),
            "package": plain(self.package),
            "total": plain(self.total),
        }


def allocate(
    cells: Iterable[Cell],
    rents: Iterable[NumberRent],
    packages: Iterable[PackageMonth],
    options: Options | None = None,
) -> tuple[Share, ...]:
    """Spread the costs of a month: its calls and texts, the rents of the cost month, the use of packages.

    Shares come by view and key, those of nobody first. A share is within one fen of its exact amount for each
    component, for packages with each of them. Raises ValueError when cells and packages tell of different
    units.
    """
    return tuple(each_share(tuple(cells), rents, packages, options or Options()))


def each_share(
    cells: Sequence[Cell], rents: Iterable[NumberRent], packages: Iterable[PackageMonth], how: Options
) -> Iterator[Share]:
    """The same, one view after the other: only the sums of one are in memory."""
    held = sorted(rents, key=lambda rent: (rent.x, rent.day))
    known = {package.number: package for package in packages}
    _check(cells, known)
    totals = _totals(cells, held)
    for view in View:
        sums = _Sums(view, how, known)
        for cell in cells:
            sums.add_cell(cell)
        for rent in held:
            sums.add_rent(rent)
        yield from sums.shares(totals)


def totals(shares: Iterable[Share]) -> dict[str, Decimal]:
    """The sums of each component over one view: the costs of the month."""
    one = [share for share in shares if share.view is View.APPLICATION]
    names = ("call", "sms", "rent", "package", "total")
    return {name: sum((getattr(share, name) for share in one), Decimal(0)) for name in names}


@dataclass(slots=True)
class _Key:
    """Exact sums of one key: CNY for calls, texts and rents."""

    minutes: int = 0
    parts: int = 0
    call: Decimal = Decimal(0)
    sms: Decimal = Decimal(0)
    rent: Decimal = Decimal(0)


_NOTHING: Final = _Key()


def _totals(cells: Iterable[Cell], rents: Iterable[NumberRent]) -> dict[Item, int]:
    """Fen of each item, rounded for each number type as components of a statement are."""
    exact: defaultdict[tuple[Item, NumberType], Decimal] = defaultdict(Decimal)
    for cell in cells:
        exact[cell.item, cell.number_type] += cell.amount
    for rent in rents:
        exact[Item.RENT, rent.number_type] += rent.amount
    return {item: sum(half_up(in_fen(exact[item, kind])) for kind in NumberType) for item in Item}


def _check(cells: Iterable[Cell], packages: Mapping[str, PackageMonth]) -> None:
    """Check the packages against what the cells say of them."""
    used: defaultdict[tuple[str, Item], int] = defaultdict(int)
    for cell in cells:
        for number, units in cell.packaged.items():
            used[number, cell.item] += units
    told = {
        (number, item): count
        for number, each in packages.items()
        for item, count in ((Item.CALL, each.minutes_used), (Item.SMS, each.parts_used))
        if count
    }
    if told != {key: count for key, count in used.items() if count}:
        raise ValueError("packages: their units are not those of the cells")


class _Sums:
    """Adds up exactly, in one view."""

    def __init__(self, view: View, how: Options, packages: Mapping[str, PackageMonth]) -> None:
        self._view = view
        self._how = how
        self._packages = packages
        self._owner = OWNERS[view]
        self._spreads = how.rent is RentAllocation.ORDERS and view in _OF_THE_USE
        self._keys: defaultdict[str, _Key] = defaultdict(_Key)
        # Minutes and parts that packages paid, by package and key.
        self._packaged: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(
            lambda: defaultdict(lambda: [0, 0])
        )
        # Units that each key used of an X; rents that follow them: CNY times units, by the units of all.
        self._users: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._spread: defaultdict[str, defaultdict[int, Decimal]] = defaultdict(lambda: defaultdict(Decimal))

    def add_cell(self, cell: Cell) -> None:
        """Count calls or texts."""
        key, is_call = self._owner(cell) or UNASSIGNED, cell.item is Item.CALL
        if self._spreads and cell.x and cell.order and cell.units:
            self._users[cell.x][key] += cell.units
        sums = self._keys[key]
        if is_call:
            sums.minutes += cell.units
            sums.call += cell.amount
        else:
            sums.parts += cell.units
            sums.sms += cell.amount
        for number, units in cell.packaged.items():
            self._packaged[number][key][not is_call] += units

    def add_rent(self, rent: NumberRent) -> None:
        """Count a rent on its X, or on the orders that used it."""
        users: Mapping[str, int] = self._users.get(rent.x, {})
        if not users:
            self._keys[rent.owner(self._view) or UNASSIGNED].rent += rent.amount
        everything = sum(users.values())
        for key, units in users.items():
            self._spread[key][everything] += rent.amount * units

    def shares(self, totals: Mapping[Item, int]) -> Iterator[Share]:
        """The shares, rounded to the totals."""
        keys = self._keys
        call = largest_remainder(
            {key: each.call.scaleb(2) for key, each in keys.items() if each.call}, totals[Item.CALL]
        )
        sms = largest_remainder(
            {key: each.sms.scaleb(2) for key, each in keys.items() if each.sms}, totals[Item.SMS]
        )
        rent = largest_remainder(self._rents(), totals[Item.RENT])
        package = self._package_shares()
        for key in sorted({*keys, *package}):
            found = keys.get(key, _NOTHING)
            yield Share(
                view=self._view,
                key=key,
                minutes=found.minutes,
                parts=found.parts,
                call=in_yuan(call.get(key, 0)),
                sms=in_yuan(sms.get(key, 0)),
                rent=in_yuan(rent.get(key, 0)),
                package=in_yuan(package.get(key, 0)),
            )

    def _rents(self) -> dict[str, Fraction]:
        """Exact fen of rents, by key."""
        found = {key: in_fen(sums.rent) for key, sums in self._keys.items() if sums.rent}
        for key, parts in self._spread.items():
            parts_of = (in_fen(amount) / units for units, amount in parts.items())
            found[key] = sum(parts_of, found.get(key, Fraction(0)))
        return found

    def _package_shares(self) -> dict[str, int]:
        shares: defaultdict[str, int] = defaultdict(int)
        for package in self._packages.values():
            total = cost_in_fen(package, self._how.packages)
            if self._how.packages is PackageAllocation.NONE:
                if total:
                    shares[ACCOUNT] += total
                continue
            for key, fen in _shares_of(package, self._packaged[package.number], total).items():
                if fen:
                    shares[key] += fen
        return shares


def _shares_of(package: PackageMonth, used: Mapping[str, Sequence[int]], total: int) -> dict[str, int]:
    """What each key bears of a package. In whole parts of a fen, which are faster than fractions."""
    values, unused = unit_values(package), unused_value(package)
    unit = lcm(values.minute.denominator, values.part.denominator, unused.denominator)
    minute, part = int(values.minute * unit), int(values.part * unit)
    exact = {key: minutes * minute + parts * part for key, (minutes, parts) in used.items()}
    return largest_remainder({**exact, UNALLOCATED: int(unused * unit)}, total, unit)
