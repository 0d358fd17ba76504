"""Whose costs a month's are (billing-rules.md §8.3; C-109, U-N18, U-P24)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privatenumber.billing.closing.allocation import (
    ACCOUNT,
    UNALLOCATED,
    UNASSIGNED,
    Options,
    Share,
    allocate,
    totals,
)
from privatenumber.billing.closing.cells import Cell
from privatenumber.billing.closing.costs import NumberRent, View
from privatenumber.billing.closing.package_cost import PackageMonth, cost_of, unit_values
from privatenumber.billing.closing.rounding import in_fen, largest_remainder
from privatenumber.billing.tariff.money import FEN, to_fen
from privatenumber.billing.tariff.prices import Item
from privatenumber.settings import PackageAllocation, RentAllocation
from privatenumber.store.numbers import NumberType

V1, V2, V3, V4, V5, V6, V8 = (f"+861701000000{n}" for n in (1, 2, 3, 4, 5, 6, 8))
C1, C2 = "+8613800138901", "+8613800138902"
VIRTUAL, CARRIER = NumberType.VIRTUAL, NumberType.CARRIER
DAY = date(2026, 9, 2)
BY_ORDERS = Options(rent=RentAllocation.ORDERS)
UNSPREAD = Options(packages=PackageAllocation.NONE)


def use(app: str, x: str, **changes: object) -> Cell:
    """Calls of an application through an X; `paid` minutes at 0.10 and `package` minutes of the package P."""
    paid, package = int(str(changes.pop("paid", 0))), int(str(changes.pop("package", 0)))
    made = Cell(
        item=Item.CALL,
        application=app,
        mode=app.upper(),
        x=x,
        number_type=CARRIER if x in (C1, C2) else VIRTUAL,
        city="0755",
        enterprise="Shun Da",
        order="order-1",
        binding="binding-1",
        side="a",
        day=DAY,
        unit_price=Decimal(str(changes.pop("price", "0.10"))),
        units=paid + package,
        packaged={"P": package} if package else {},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def texts(app: str, x: str, **changes: object) -> Cell:
    """Texts, at 0.28 or 0.27 a part."""
    price = "0.27" if x in (C1, C2) else "0.28"
    return use(app, x, **{"item": Item.SMS, "price": price, **changes})


def rent(app: str, x: str, amount: str, day: date = date(2026, 9, 1)) -> NumberRent:
    kind = CARRIER if x in (C1, C2) else VIRTUAL
    return NumberRent(app, app.upper(), x, kind, "0755", "Shun Da", day, Decimal(amount))


def package(**changes: object) -> PackageMonth:
    """500 minutes and 50 parts for 38 CNY, bought and not yet used."""
    made = PackageMonth("P", Decimal(38), 500, 50, Decimal("0.10"), Decimal("0.28"), bought=True)
    return replace(made, **changes)  # type: ignore[arg-type]


def of(shares: Sequence[Share], view: View) -> dict[str, Share]:
    return {share.key: share for share in shares if share.view is view}


def sums(shares: Sequence[Share], view: View) -> dict[str, Decimal]:
    return {key: share.total for key, share in of(shares, view).items()}


# September 2026 of §8.2: calls and texts by application and X, at list price and from the package.
SEPTEMBER = [
    use("ax", V1, paid=11),
    use("ax", V1, package=11),
    use("ax", C1, package=62, order="order-2", binding="binding-2"),
    use("axb", V2, package=240, order="order-3", binding="binding-3", day=date(2026, 9, 5)),
    use("axb", C2, package=100, order="order-4", binding="binding-4", day=date(2026, 9, 10)),
    use("ax", V5, package=81, day=date(2026, 9, 16)),
    use("ax", V1, package=4, day=date(2026, 9, 18)),
    use("ax", C1, paid=3, package=2, day=date(2026, 9, 20)),
    use("ax", V1, paid=90, day=date(2026, 9, 22)),
    use("axb", V2, paid=1, order=None, binding=None, side=None, day=date(2026, 9, 25)),
    texts("ax", V1, paid=3, day=date(2026, 9, 1)),
    texts("ax", V1, package=40, day=date(2026, 9, 2)),
    texts("axb", V2, paid=5, package=10, day=date(2026, 9, 13)),
    texts("axb", V2, paid=2, day=date(2026, 9, 18)),
    texts("ax", C1, paid=10, day=date(2026, 9, 21)),
]
RENTS = [
    rent("ax", V1, "5"),
    rent("axb", V2, "5"),
    rent("axb", V3, "5"),
    rent("axb", V4, "5"),
    rent("ax", V5, "5", date(2026, 9, 15)),
    rent("ax", V6, "5", date(2026, 10, 1)),
    rent("ax", V8, "5"),
    rent("ax", C1, "15"),
    rent("axb", C2, "15"),
]
USED_UP = package(minutes_used=500, parts_used=50)


def test_the_worked_example_comes_to_the_fen() -> None:
    """billing-rules.md §8.3: 65.0900 for ax, 53.9100 for axb, 119.00 in sum."""
    shares = of(allocate(SEPTEMBER, RENTS, [USED_UP]), View.APPLICATION)
    ax, axb = shares["ax"], shares["axb"]
    assert (ax.rent, ax.call, ax.sms, ax.package) == tuple(map(Decimal, ("35.00", "10.40", "3.54", "16.15")))
    assert (axb.rent, axb.call, axb.sms, axb.package) == tuple(map(Decimal, ("30", "0.10", "1.96", "21.85")))
    assert (ax.total, axb.total) == (Decimal("65.09"), Decimal("53.91"))
    assert (ax.minutes, axb.minutes, ax.parts, axb.parts) == (264, 341, 53, 17)


def test_a_unit_of_the_package_is_worth_what_its_list_price_says() -> None:
    """§8.3: 0.059375 a minute, 0.16625 a part."""
    values = unit_values(package())
    assert (values.minute, values.part) == (in_fen(Decimal("0.059375")), in_fen(Decimal("0.16625")))


def test_every_view_comes_to_the_same_components() -> None:
    """§8.3: the sums of all views are equal."""
    shares = allocate(SEPTEMBER, RENTS, [USED_UP])
    expected = {"call": "10.50", "sms": "5.50", "rent": "65.00", "package": "38.00", "total": "119.00"}
    assert totals(shares) == {name: Decimal(amount) for name, amount in expected.items()}
    assert {sum(sums(shares, view).values()) for view in View} == {Decimal(119)}


def test_rent_stays_on_the_x_unless_told_otherwise() -> None:
    orders = of(allocate(SEPTEMBER, RENTS, [USED_UP]), View.ORDER)
    assert orders[UNASSIGNED].rent == Decimal(65)
    assert orders["order-1"].rent == Decimal(0)


def test_rent_is_spread_over_the_orders_that_used_the_x() -> None:
    """Of C1's 77 minutes and parts order-2 used 62, of V1's all belong to order-1."""
    uses = [use("ax", C1, paid=62, order="order-2"), texts("ax", C1, paid=15), use("ax", V1, paid=1)]
    shares = allocate(uses, [rent("ax", C1, "15"), rent("ax", V1, "5")], [], BY_ORDERS)
    orders = of(shares, View.ORDER)
    assert orders["order-2"].rent == Decimal("12.08")
    assert orders["order-1"].rent == Decimal("7.92")
    assert of(shares, View.X)[C1].rent == Decimal(15)


def test_the_rent_of_an_x_that_no_order_used_stays_on_the_x() -> None:
    uses = [use("axb", V2, paid=1, order=None), use("axb", V2, paid=0)]
    shares = allocate(uses, [rent("axb", V2, "5"), rent("axb", V3, "5")], [], BY_ORDERS)
    assert of(shares, View.ORDER)[UNASSIGNED].rent == Decimal(10)
    assert of(shares, View.X)[V3].rent == Decimal(5)


def test_what_nobody_used_of_a_package_is_nobody_s_when_it_ends() -> None:
    ended = package(minutes_before=100, parts_before=0, minutes_used=300, expires=True)
    shares = of(allocate([use("ax", V1, package=300)], [], [ended]), View.APPLICATION)
    assert shares["ax"].package == Decimal("17.81")
    assert shares[UNALLOCATED].package == Decimal("14.25")


def test_what_is_not_used_yet_costs_nothing_yet() -> None:
    assert allocate([], [], [package()]) == ()


def test_a_package_may_be_one_line_of_the_account() -> None:
    """`package_allocation` = none: the price stands in the month in which it was bought."""
    shares = allocate(SEPTEMBER, RENTS, [USED_UP], UNSPREAD)
    applications = of(shares, View.APPLICATION)
    assert applications[ACCOUNT].package == Decimal(38)
    assert (applications["ax"].total, applications["axb"].total) == (Decimal("48.94"), Decimal("32.06"))
    later = allocate(SEPTEMBER, [], [replace(USED_UP, bought=False)], UNSPREAD)
    assert totals(later)["package"] == Decimal(0)


def test_without_a_call_price_a_package_is_spread_over_its_minutes() -> None:
    """§8.3: with a missing call price over minutes only."""
    values = unit_values(package(minute_price=None))
    assert (values.minute, values.part) == (in_fen(Decimal("0.076")), Fraction(0))


def test_minutes_without_a_price_are_counted_and_cost_nothing() -> None:
    (share,) = of(allocate([use("ax", V1, paid=7, unit_price=None)], [], []), View.APPLICATION).values()
    assert (share.minutes, share.total) == (7, Decimal(0))


def test_calls_of_nobody_stand_under_a_name_of_their_own() -> None:
    """A call without a binding has no order and no side, and is not left out (C-109)."""
    nobody = use("axb", V2, paid=1, order=None, binding=None, side=None, city=None, enterprise="")
    shares = allocate([nobody], [], [])
    for view in (View.ORDER, View.BINDING, View.SIDE, View.CITY, View.ENTERPRISE):
        assert sums(shares, view) == {UNASSIGNED: Decimal("0.10")}


def test_units_that_no_package_tells_of_are_refused() -> None:
    with pytest.raises(ValueError, match="packages"):
        allocate([use("ax", V1, package=3)], [], [package(minutes_used=2)])


def test_equal_remainders_go_to_the_first_key() -> None:
    third = in_fen(Decimal(1)) / 3
    assert largest_remainder({"c": third, "a": third, "b": third}, 100) == {"a": 34, "b": 33, "c": 33}


def test_a_total_that_is_not_that_of_the_amounts_is_refused() -> None:
    with pytest.raises(ValueError, match="102 fen"):
        largest_remainder({"a": in_fen(Decimal(1))}, 102)


def test_a_share_is_a_line_of_the_statement() -> None:
    shares = allocate([use("ax", V1, paid=11)], [rent("ax", V1, "5")], [])
    assert of(shares, View.APPLICATION)["ax"].document() == {
        "line": "share",
        "view": "application",
        "key": "ax",
        "minutes": 11,
        "parts": 0,
        "call": "1.10",
        "sms": "0.00",
        "rent": "5.00",
        "package": "0.00",
        "total": "6.10",
    }


PRICES = st.decimals("0", "3", places=6)
NAMES = st.sampled_from(["one", "two", "three", None])
APPS = st.sampled_from(["ax", "axb"])
XS = st.sampled_from([V1, V2, V3, C1])
DAYS = st.sampled_from([DAY, date(2026, 9, 30)])


@st.composite
def some_use(draw: st.DrawFn) -> Cell:
    packaged = draw(st.dictionaries(st.sampled_from(["P", "Q"]), st.integers(0, 40)))
    return use(
        draw(APPS),
        draw(XS),
        item=draw(st.sampled_from([Item.CALL, Item.SMS])),
        order=draw(NAMES),
        binding=draw(NAMES),
        side=draw(st.sampled_from(["a", "b", None])),
        city=draw(NAMES),
        day=draw(DAYS),
        unit_price=draw(PRICES | st.none()),
        units=draw(st.integers(0, 40)) + sum(packaged.values()),
        packaged=packaged,
    )


@st.composite
def some_rent(draw: st.DrawFn) -> NumberRent:
    return replace(rent(draw(APPS), draw(XS), "0", draw(DAYS)), amount=draw(PRICES))


USES = st.lists(some_use(), max_size=8)
RENTED = st.lists(some_rent(), max_size=5)
OPTIONS = st.builds(Options, st.sampled_from(RentAllocation), st.sampled_from(PackageAllocation))


def packages_of(uses: Sequence[Cell], price: Decimal, *, expires: bool) -> list[PackageMonth]:
    """Two packages that have been used before, and in the month as the uses say."""

    def used(number: str, item: Item) -> int:
        return sum(each.packaged.get(number, 0) for each in uses if each.item is item)

    return [
        package(
            number=number,
            price=price,
            minutes=1000,
            parts=400,
            minutes_before=7,
            parts_before=3,
            minutes_used=used(number, Item.CALL),
            parts_used=used(number, Item.SMS),
            expires=expires,
        )
        for number in ("P", "Q")
    ]


@given(USES, RENTED, PRICES, st.booleans(), OPTIONS)
@settings(max_examples=60, deadline=None)
def test_every_fen_of_the_month_is_in_every_view(
    uses: list[Cell], rents: list[NumberRent], price: Decimal, expires: bool, options: Options
) -> None:
    """The total of each component is its rounded sum by number type, and by package; nothing is negative."""
    packages = packages_of(uses, price, expires=expires)
    shares = allocate(uses, rents, packages, options)
    expected = {
        "call": sum(_rounded(uses, Item.CALL, kind) for kind in (VIRTUAL, CARRIER)),
        "sms": sum(_rounded(uses, Item.SMS, kind) for kind in (VIRTUAL, CARRIER)),
        "rent": sum(
            to_fen(_sum(r.amount for r in rents if r.number_type is kind)) for kind in (VIRTUAL, CARRIER)
        ),
        "package": sum(cost_of(each, options.packages) for each in packages),
    }
    for view in View:
        found = [share for share in shares if share.view is view]
        assert {name: sum(getattr(share, name) for share in found) for name in expected} == expected
        assert sum(share.minutes + share.parts for share in found) == sum(each.units for each in uses)
        assert all(getattr(share, name) >= 0 for share in found for name in expected)


@given(USES, RENTED)
@settings(max_examples=60, deadline=None)
def test_no_share_is_more_than_a_fen_beside_its_exact_amount(
    uses: list[Cell], rents: list[NumberRent]
) -> None:
    shares = of(allocate(uses, rents, packages_of(uses, Decimal(38), expires=False)), View.ORDER)
    values = unit_values(package(minutes=1000, parts=400))
    for key, share in shares.items():
        own = [each for each in uses if (each.order or UNASSIGNED) == key]
        for item, amount in ((Item.CALL, share.call), (Item.SMS, share.sms)):
            assert abs(amount - _sum(each.amount for each in own if each.item is item)) <= FEN
        exact = Fraction(0)
        for each in own:
            paid = each.package_units
            exact += values.of(paid, 0) if each.item is Item.CALL else values.of(0, paid)
        assert abs(in_fen(share.package) - exact) <= 2, "a fen for each package"


@given(st.data(), USES, RENTED, OPTIONS)
@settings(max_examples=40, deadline=None)
def test_the_order_of_what_is_given_decides_nothing(
    data: st.DataObject, uses: list[Cell], rents: list[NumberRent], options: Options
) -> None:
    packages = packages_of(uses, Decimal(38), expires=False)
    shuffled = (data.draw(st.permutations(uses)), data.draw(st.permutations(rents)))
    assert allocate(*shuffled, reversed(packages), options) == allocate(uses, rents, packages, options)


@given(
    st.decimals("0", "40000", places=2),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 30)), max_size=11),
    st.none() | PRICES,
)
@settings(max_examples=60, deadline=None)
def test_a_package_costs_its_price_over_its_life(
    price: Decimal, months: list[tuple[int, int]], minute_price: Decimal | None
) -> None:
    """Whatever is used when, and whatever is lost at the end: cumulative rounding (§8.3)."""
    bought = package(price=price, minutes=4000, parts=400, minute_price=minute_price)
    minutes = parts = 0
    costs: list[Decimal] = []
    for used_minutes, used_parts in [*months, (0, 0)]:
        month = replace(
            bought,
            minutes_before=minutes,
            parts_before=parts,
            minutes_used=used_minutes,
            parts_used=used_parts,
            expires=len(costs) == len(months),
        )
        minutes, parts = minutes + used_minutes, parts + used_parts
        costs.append(cost_of(month, PackageAllocation.PER_UNIT))
    assert sum(costs) == price
    assert min(costs) >= 0


def _rounded(uses: Sequence[Cell], item: Item, kind: NumberType) -> Decimal:
    found = (each for each in uses if each.item is item and each.number_type is kind)
    return to_fen(_sum(each.amount for each in found))


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
