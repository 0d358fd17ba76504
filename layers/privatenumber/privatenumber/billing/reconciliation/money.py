"""Sums of a month as the money checks take them: ours, and how single records make the platform's differ.

Every sum is signed "platform minus ours" where it tells a difference. Records stay where they are compared:
nothing here grows with their number (billing-rules.md §9.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeAlias

from privatenumber.billing.reconciliation.differences import Difference, Kind
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType

Component: TypeAlias = tuple[Item, NumberType]
"""What the platform's bill has a line for."""

USED: Final = (Item.CALL, Item.SMS)
"""Items that are counted record by record."""

_FINE_PRICE_DECIMALS: Final = 2
EXACT: Final = Decimal("0.000001")
"""Prices have no more decimals."""


@dataclass(frozen=True, slots=True)
class UsageSums:
    """What we have of one component. ``unit_prices``: those in force in the month."""

    units: int = 0
    """Minutes or parts of all rated records, whoever pays them."""
    package_units: int = 0
    """Those that packages pay."""
    amount: Decimal = Decimal(0)
    """Exact CNY of the other ones, where they have a price."""
    unpriced: int = 0
    """The other ones without a price."""
    unit_prices: frozenset[Decimal] = frozenset()
    charged_hours: int = 0
    """Beijing hours with a charged record: the platform settles by the hour."""
    marker_units: int = 0
    """Parts more when the `@B` of AX counts (§4)."""

    def __add__(self, other: UsageSums) -> UsageSums:
        return UsageSums(
            self.units + other.units,
            self.package_units + other.package_units,
            self.amount + other.amount,
            self.unpriced + other.unpriced,
            self.unit_prices | other.unit_prices,
            self.charged_hours + other.charged_hours,
            self.marker_units + other.marker_units,
        )

    @property
    def unit_price(self) -> Decimal | None:
        """The price of the month; ``None`` when there is none or more than one."""
        return next(iter(self.unit_prices)) if len(self.unit_prices) == 1 else None

    @property
    def fine(self) -> bool:
        """Whether a price has more than two decimals."""
        return any(
            -int(price.normalize().as_tuple().exponent) > _FINE_PRICE_DECIMALS for price in self.unit_prices
        )


@dataclass(frozen=True, slots=True)
class Explained:
    """Units and money at list price by which records make the platform's figures differ from ours."""

    units: int = 0
    amount: Decimal = Decimal(0)
    unpriced: int = 0
    """Those of the units that nobody can price."""
    covered: int = 0
    """Those used while a package was valid: it may pay for them."""
    covered_amount: Decimal = Decimal(0)

    def __add__(self, other: Explained) -> Explained:
        return Explained(
            self.units + other.units,
            self.amount + other.amount,
            self.unpriced + other.unpriced,
            self.covered + other.covered,
            self.covered_amount + other.covered_amount,
        )


NOTHING: Final = Explained()


def explain(units: int, amount: Decimal | None, *, covered: bool = False) -> Explained:
    """What one record explains of the bill; ``covered``: a package was valid at its time for its item."""
    priced = amount or Decimal(0)
    return Explained(
        units,
        priced,
        units if amount is None else 0,
        units if covered else 0,
        priced if covered else Decimal(0),
    )


@dataclass(frozen=True, slots=True)
class Explanations:
    """What single records make the bill differ by, in parts that it may follow or not.

    ``rows``: what the platform's export has and we have not. ``changed``: what it has otherwise. ``ended``:
    calls of which only the hang-up arrived. ``unlisted``: what we have and the export has not, taken away.
    """

    rows: Explained = NOTHING
    changed: Explained = NOTHING
    ended: Explained = NOTHING
    unlisted: Explained = NOTHING

    def of(self, reading: frozenset[str]) -> Explained:
        """The parts of a reading together."""
        return sum((getattr(self, name) for name in sorted(reading)), NOTHING)

    def __add__(self, other: Explanations) -> Explanations:
        return Explanations(
            self.rows + other.rows,
            self.changed + other.changed,
            self.ended + other.ended,
            self.unlisted + other.unlisted,
        )


#: How the bill may follow the records, the likeliest first: it has what the export has, and maybe hang-ups
#: that it does not list; it may lack what the export lacks; last, it says what we have.
READINGS: Final = tuple(
    frozenset((*exported, *ended, *unlisted))
    for exported in (("rows", "changed"), ("rows",), ("changed",), ())
    for unlisted in ((), ("unlisted",))
    for ended in ((), ("ended",))
)

#: The part that a difference of a single record belongs to.
PART_OF: Final[Mapping[Kind, str]] = {
    Kind.MISSING_PUSH: "rows",
    Kind.DURATION_DIFF: "changed",
    Kind.MINUTES_DIFF: "changed",
    Kind.PARTS_DIFF: "changed",
    Kind.PERIOD_EDGE: "changed",
    Kind.EVENT_WITHOUT_CDR: "ended",
    Kind.MISSING_CONSOLE: "unlisted",
}


@dataclass(frozen=True, slots=True)
class PackageSums:
    """What packages valid in the month have of one item.

    ``left``: their quota left at its end. ``exhausted``: units paid although one was valid, but used up.
    """

    left: int = 0
    exhausted: int = 0

    def moved(self, covered: int) -> int:
        """Units more that they pay when so many more, or fewer, are used while they are valid."""
        return min(covered, self.left) if covered >= 0 else min(0, covered + self.exhausted)


def settled(read: Explained, moved: int) -> Decimal:
    """CNY of the records' price that packages pay, when they pay so many units of them."""
    if moved == read.covered:
        return read.covered_amount
    return (read.covered_amount * moved / read.covered).quantize(EXACT)


def shared(moved: int, covered: Sequence[int]) -> list[int]:
    """Units that packages pay more or fewer, `moved` in sum, over causes that cover so many each.

    `moved` is between nothing and the sum of what they cover; the first causes are served first.
    """
    over, units = sum(covered) - moved, list(covered)
    for at, own in reversed(list(enumerate(covered))):
        less = (min if over > 0 else max)(over, own) if over * own > 0 else 0
        units[at], over = own - less, over - less
    return units


@dataclass(frozen=True, slots=True)
class BillCheck:
    """Outcome: the table people read, what differs, what was accepted, what could not be compared.

    ``residual`` is the part of the money that no cause explains, whatever its sign; ``None`` when that cannot
    be known.
    ``records``: CNY that single records explain, without what packages pay of them. ``moved``: units that
    packages pay more than by our records, because of those. For the bill and us then holds, exactly:

        bill - ours = records + amounts of ``differences`` + amounts of ``accepted``
    """

    table: tuple[Mapping[str, Any], ...] = ()
    differences: tuple[Difference, ...] = ()
    accepted: tuple[Mapping[str, Any], ...] = ()
    not_compared: tuple[Mapping[str, Any], ...] = ()
    residual: Decimal | None = Decimal(0)
    records: Decimal = Decimal(0)
    moved: Mapping[Item, int] = field(default_factory=dict)
    packages: Mapping[Item, Decimal] = field(default_factory=dict)
    """Units that packages pay on the bill beyond those by our records, whatever the cause."""
    readings: Mapping[Component, frozenset[str]] = field(default_factory=dict)
    """Which parts of `Explanations` the bill follows."""

    def __add__(self, other: BillCheck) -> BillCheck:
        known = self.residual is not None and other.residual is not None
        return BillCheck(
            self.table + other.table,
            self.differences + other.differences,
            self.accepted + other.accepted,
            self.not_compared + other.not_compared,
            (self.residual or Decimal(0)) + (other.residual or Decimal(0)) if known else None,
            self.records + other.records,
            {item: self.moved.get(item, 0) + other.moved.get(item, 0) for item in USED},
            {item: self.packages.get(item, Decimal(0)) + other.packages.get(item, 0) for item in USED},
            {**self.readings, **other.readings},
        )


def table_row(
    component: tuple[str, str | None],
    *,
    ours: Mapping[str, Any],
    explained: tuple[Decimal | int, Decimal | None],
    bill: Mapping[str, Any],
    unexplained: tuple[Decimal | int, Decimal | None],
) -> dict[str, Any]:
    """One line of the table: item and number type, our sums, what causes explain, the bill, the rest."""
    return {
        "item": component[0],
        "number_type": component[1],
        "ours": ours,
        "explained": {"quantity": count(explained[0]), "amount": plain(explained[1])},
        "bill": bill,
        "unexplained": {"quantity": count(unexplained[0]), "amount": plain(unexplained[1])},
    }


def count(quantity: Decimal | int) -> str:
    """A quantity as text."""
    return f"{Decimal(quantity).normalize():f}"


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum of amounts."""
    return sum(amounts, Decimal(0))
