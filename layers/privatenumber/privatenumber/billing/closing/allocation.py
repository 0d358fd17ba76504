"""Whose costs a month's are: every fen by application, mode, X, city, order … (billing-rules.md §8.3).

Pure, and the order of what is given decides nothing. Amounts are added up exactly and rounded once for each
view and component, by largest remainder, so that the sums of every view equal the total of the month to the
fen. What belongs to nobody stands under a key of its own and is never left out: keys of ours begin with
``#``, which no order, application or binding may contain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Any, Final

from privatenumber.billing.closing.cells import Cell
from privatenumber.billing.closing.costs import NumberRent, Owner, View, owner_of
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
    how = options or Options()
    sums = _Sums(how, {package.number: package for package in packages})
    for cell in cells:
        sums.add_cell(cell)
    for rent in sorted(rents, key=lambda rent: (rent.x, rent.day)):
        sums.add_rent(rent)
    sums.check()
    return tuple(share for at, view in enumerate(View) for share in sums.shares(at, view))


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


@dataclass(slots=True)
class _Keys:
    """The keys of one view."""

    sums: defaultdict[str, _Key] = field(default_factory=lambda: defaultdict(_Key))
    units: defaultdict[str, defaultdict[str, list[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(lambda: [0, 0]))
    )
    """Minutes and parts that packages paid, by package and key."""
    spread: defaultdict[str, defaultdict[int, Decimal]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Decimal))
    )
    """Of rents that are spread: CNY times the units of the key, by the units of all that used the X."""

    def rents(self) -> dict[str, Fraction]:
        """Exact fen of rents, by key."""
        found = {key: in_fen(sums.rent) for key, sums in self.sums.items() if sums.rent}
        for key, parts in self.spread.items():
            parts_of = (in_fen(amount) / units for units, amount in parts.items())
            found[key] = sum(parts_of, found.get(key, Fraction(0)))
        return found


_NOTHING: Final = _Key()


class _Sums:
    """Adds up exactly, in every view at once."""

    def __init__(self, how: Options, packages: Mapping[str, PackageMonth]) -> None:
        self._how = how
        self._packages = packages
        self._views = [_Keys() for _ in View]
        self._by_type: defaultdict[tuple[Item, NumberType], Decimal] = defaultdict(Decimal)
        self._used: defaultdict[tuple[str, Item], int] = defaultdict(int)
        self._users: defaultdict[str, defaultdict[Owner, int]] = defaultdict(lambda: defaultdict(int))

    def add_cell(self, cell: Cell) -> None:
        """Count calls or texts in every view."""
        owner, amount, is_call = owner_of(cell), cell.amount, cell.item is Item.CALL
        self._by_type[cell.item, cell.number_type] += amount
        for number, units in cell.packaged.items():
            self._used[number, cell.item] += units
        if self._how.rent is RentAllocation.ORDERS and cell.x and cell.order and cell.units:
            self._users[cell.x][owner] += cell.units
        for keys, name in zip(self._views, owner, strict=True):
            key = name or UNASSIGNED
            sums = keys.sums[key]
            if is_call:
                sums.minutes += cell.units
                sums.call += amount
            else:
                sums.parts += cell.units
                sums.sms += amount
            for number, units in cell.packaged.items():
                keys.units[number][key][not is_call] += units

    def add_rent(self, rent: NumberRent) -> None:
        """Count a rent on its X, or on the orders that used it."""
        self._by_type[Item.RENT, rent.number_type] += rent.amount
        users: Mapping[Owner, int] = self._users.get(rent.x, {})
        everything = sum(users.values())
        for at, view in enumerate(View):
            if view not in _OF_THE_USE or not users:
                self._views[at].sums[rent.owner[at] or UNASSIGNED].rent += rent.amount
                continue
            for owner, units in users.items():
                self._views[at].spread[owner[at] or UNASSIGNED][everything] += rent.amount * units

    def check(self) -> None:
        """Check the packages against what the cells say of them."""
        told = {
            (number, item): count
            for number, each in self._packages.items()
            for item, count in ((Item.CALL, each.minutes_used), (Item.SMS, each.parts_used))
            if count
        }
        if told != {key: count for key, count in self._used.items() if count}:
            raise ValueError("packages: their units are not those of the cells")

    def shares(self, at: int, view: View) -> Iterator[Share]:
        """The shares of a view, rounded to its total."""
        keys = self._views[at]
        sums = keys.sums
        call = largest_remainder(
            {key: each.call.scaleb(2) for key, each in sums.items() if each.call}, self._total(Item.CALL)
        )
        sms = largest_remainder(
            {key: each.sms.scaleb(2) for key, each in sums.items() if each.sms}, self._total(Item.SMS)
        )
        rent = largest_remainder(keys.rents(), self._total(Item.RENT))
        package = self._package_shares(keys)
        for key in sorted({*sums, *package}):
            found = sums.get(key, _NOTHING)
            yield Share(
                view=view,
                key=key,
                minutes=found.minutes,
                parts=found.parts,
                call=in_yuan(call.get(key, 0)),
                sms=in_yuan(sms.get(key, 0)),
                rent=in_yuan(rent.get(key, 0)),
                package=in_yuan(package.get(key, 0)),
            )

    def _total(self, item: Item) -> int:
        """Fen of an item, rounded for each number type as components of a statement are."""
        return sum(half_up(in_fen(self._by_type[item, number_type])) for number_type in NumberType)

    def _package_shares(self, keys: _Keys) -> dict[str, int]:
        shares: defaultdict[str, int] = defaultdict(int)
        for package in self._packages.values():
            total = cost_in_fen(package, self._how.packages)
            if self._how.packages is PackageAllocation.NONE:
                if total:
                    shares[ACCOUNT] += total
                continue
            for key, fen in _shares_of(package, keys.units[package.number], total).items():
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
