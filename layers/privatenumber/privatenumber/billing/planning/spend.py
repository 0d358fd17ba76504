"""What a month will have cost, and which budgets it reaches (billing-rules.md §8.3; C-101, C-112).

Pure. Costs are those of the cost month: its rents, its usage at list price beyond the packages, and the value
of what packages pay. Days that are over are charged as they were, the others as is usual (`expectation`), all
of them in order through the packages: where one runs out, the rest of the month costs list price.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.closing.package_cost import UnitValues
from privatenumber.billing.planning.demand import Used
from privatenumber.billing.planning.expectation import Kind, expectation
from privatenumber.billing.rating.packages import Deduction, Quotas
from privatenumber.billing.rating.rent import first_day, last_day, month_text
from privatenumber.billing.tariff.fields import TariffError, money
from privatenumber.billing.tariff.money import plain, to_fen
from privatenumber.billing.tariff.prices import Item, PriceBook
from privatenumber.store.numbers import NumberType
from privatenumber.times import day_bounds

_HALF_A_DAY: Final = timedelta(hours=12)


class BudgetError(ValueError):
    """The configured budgets cannot be read; the message says what is expected."""


@dataclass(frozen=True, slots=True)
class Budgets:
    """CNY a month: of the account, and of applications."""

    account: Decimal | None = None
    applications: Mapping[str, Decimal] = field(default_factory=dict)

    def of(self, application: str | None) -> Decimal | None:
        """The budget of an application, or of the account."""
        return self.account if application is None else self.applications.get(application)


@dataclass(frozen=True, slots=True)
class Books:
    """What a forecast goes by.

    Attributes
    ----------
    demand : usage by day, this month's and that of four weeks before
    since : the first day of which usage is known
    rents : CNY of the cost month by application
    purchases : CNY of packages that the account bears itself
    quotas : the packages as they were when the month began
    values : fen that their units are worth, by order number
    """

    demand: Sequence[Used]
    since: date
    rents: Mapping[str, Decimal]
    quotas: Quotas
    values: Mapping[str, UnitValues]
    purchases: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Spend:
    """Costs of the month: of an application, or of the account (``application`` None), and its budget.

    ``expected`` are those of the whole month; ``reached_on`` is the first day on which they reach the budget.
    """

    application: str | None
    so_far: Decimal
    expected: Decimal
    unpriced: int
    budget: Decimal | None
    reached_on: date | None

    @property
    def reached(self) -> bool:
        """Whether the budget is used up."""
        return self.budget is not None and self.so_far >= self.budget

    @property
    def will_exceed(self) -> bool:
        """Whether the budget will not do, as things look."""
        return self.budget is not None and self.expected > self.budget

    def document(self) -> dict[str, Any]:
        """The costs as JSON."""
        return {
            "application": self.application,
            "so_far": plain(to_fen(self.so_far)),
            "expected": plain(to_fen(self.expected)),
            "unpriced": self.unpriced,
            "budget": plain(self.budget),
            "reached": self.reached,
            "will_exceed": self.will_exceed,
            "reached_on": self.reached_on.isoformat() if self.reached_on else None,
        }


def read_budgets(text: str) -> Budgets:
    """Read ``{"account": "10000", "applications": {"ax": "500"}}``. Raises BudgetError."""
    if not text.strip():
        return Budgets()
    try:
        entry = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except json.JSONDecodeError:
        raise BudgetError("budgets: not JSON") from None
    if not isinstance(entry, dict) or set(entry) - {"account", "applications"}:
        raise BudgetError("budgets: an object with account and applications is expected")
    applications = entry.get("applications", {})
    if not isinstance(applications, dict):
        raise BudgetError("budgets: applications is an object, an amount for each application")
    account = entry.get("account")
    return Budgets(
        None if account is None else _amount(account, "account"),
        {name: _amount(amount, f"applications.{name}") for name, amount in applications.items()},
    )


def forecast_spend(books: Books, prices: PriceBook, budgets: Budgets, *, today: date) -> tuple[Spend, ...]:
    """The costs of the month of a Beijing day, the account's first; today costs what is usual, or more."""
    month = month_text(today)
    course = _Course(books, prices)
    actual = _by_day(books.demand)
    for day in _days(first_day(month), today):
        course.add(day, actual.get(day, {}))
    so_far = course.costs()
    usual = expectation(books.demand, since=books.since, today=today)
    for day, expected in usual.days(today, last_day(month)):
        known: Mapping[Kind, int] = actual.get(day, {})
        course.add(day, {kind: units - known.get(kind, 0) for kind, units in expected.items()})
    return tuple(
        Spend(
            application=name,
            so_far=so_far.get(name, Decimal(0)),
            expected=cost,
            unpriced=course.unpriced[name],
            budget=budgets.of(name),
            reached_on=course.reached_on(name, budgets.of(name)),
        )
        for name, cost in course.costs().items()
    )


def quotas_after(quotas: Quotas, demand: Iterable[Used]) -> Quotas:
    """What is left of packages when usage, given by day, has gone through them."""
    for used in demand:
        _, quotas = quotas.take(used.item, used.number_type, _noon(used.day), used.units)
    return quotas


class _Course:
    """Charges usage day by day: what packages pay at the value of their units, the rest at list price."""

    def __init__(self, books: Books, prices: PriceBook) -> None:
        self._books = books
        self._prices = prices
        self._quotas = books.quotas
        self._spent: defaultdict[str, Decimal] = defaultdict(Decimal, books.rents)
        self._days: list[tuple[date, dict[str | None, Decimal]]] = []
        self.unpriced: Counter[str | None] = Counter()

    def add(self, day: date, units: Mapping[Kind, int]) -> None:
        """Charge what a day used, or what it uses on top of what was charged."""
        for kind in sorted(units):
            if units[kind] > 0:
                self._charge(day, kind, units[kind])
        self._days.append((day, self.costs()))

    def costs(self) -> dict[str | None, Decimal]:
        """CNY so far: of the account, then of each application."""
        account = sum(self._spent.values(), self._books.purchases)
        return {None: account, **{name: self._spent[name] for name in sorted(self._spent)}}

    def reached_on(self, name: str | None, budget: Decimal | None) -> date | None:
        """The first day at whose end the costs are those of a budget."""
        if budget is None:
            return None
        days = (day for day, costs in self._days if costs.get(name, Decimal(0)) >= budget)
        return next(days, None)

    def _charge(self, day: date, kind: Kind, units: int) -> None:
        application, item, number_type = kind
        deductions, self._quotas = self._quotas.take(item, number_type, _noon(day), units)
        for deduction in deductions:
            units -= deduction.units
            self._spent[application] += self._worth(deduction, item)
        price = prices_of(self._prices, day, item)[number_type]
        if price is None:
            self.unpriced.update({None: units, application: units})
        self._spent[application] += (price or 0) * units

    def _worth(self, deduction: Deduction, item: Item) -> Decimal:
        value = self._books.values.get(deduction.package)
        if value is None:
            return Decimal(0)
        fen = (value.minute if item is Item.CALL else value.part) * deduction.units
        return Decimal(fen.numerator) / fen.denominator / 100


def prices_of(prices: PriceBook, day: date, item: Item) -> Mapping[NumberType, Decimal | None]:
    """The list prices of minutes or parts on a Beijing day."""
    at = prices.at(day)
    return at.call if item is Item.CALL else at.sms


def _noon(day: date) -> datetime:
    """Where days stand for their hours: a package that begins or ends within one has all of it, or none."""
    return day_bounds(day)[0] + _HALF_A_DAY


def _by_day(demand: Iterable[Used]) -> dict[date, Counter[Kind]]:
    days: defaultdict[date, Counter[Kind]] = defaultdict(Counter)
    for used in demand:
        days[used.day][used.application, used.item, used.number_type] += used.units
    return dict(days)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=at) for at in range((last - first).days + 1))


def _amount(value: object, name: str) -> Decimal:
    try:
        amount = money(value, name)
    except TariffError as broken:
        raise BudgetError(f"budgets: {broken}") from None
    if not amount:
        raise BudgetError(f"budgets: {name} is above 0")
    return amount
