"""The daily plan: rents and returns, packages, spending, complaints; kept by month, and told by metrics.

Its document names X, which are the company's, and nobody else's number. A plan is a version of its month: a
run that finds what the last one found adds nothing, and one that is repeated tells the same again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import islice
from typing import Any, Final

from privatenumber.billing.closing.package_cost import unit_values
from privatenumber.billing.closing.package_rows import package_rows
from privatenumber.billing.closing.runs import Carried, carried_into, described
from privatenumber.billing.ledger import Ledger
from privatenumber.billing.planning.complaints import ComplaintWatch, Level, watch_complaints
from privatenumber.billing.planning.demand import units_by_day
from privatenumber.billing.planning.expectation import HISTORY_DAYS
from privatenumber.billing.planning.package_advice import Advice, TooManyChoices, advise
from privatenumber.billing.planning.quotas import Outlook, outlook
from privatenumber.billing.planning.reading import (
    NumberDays,
    Period,
    number_days,
    usage_of_days,
    usage_of_months,
)
from privatenumber.billing.planning.rents import rent_calendar
from privatenumber.billing.planning.returns import NumberUse, Pool, ReturnPlan, Stage, return_plan
from privatenumber.billing.planning.spend import Books, Budgets, Spend, forecast_spend, quotas_after
from privatenumber.billing.rating.packages import Quotas, quotas_of
from privatenumber.billing.rating.rent import first_day, month_text, rent_warnings, rents_of_cost_month
from privatenumber.billing.tariff.packages import Package
from privatenumber.billing.tariff.prices import Item
from privatenumber.settings import PackageAllocation
from privatenumber.store.complaints import ComplaintStore
from privatenumber.store.numbers import NumberState, NumberStore, XNumber
from privatenumber.store.pool_needs import PoolNeeds
from privatenumber.store.statements import MonthStore
from privatenumber.store.statistics import StatisticsStore
from privatenumber.store.versions import settle
from privatenumber.times import beijing_day, iso

_NEED_KEPT: Final = timedelta(days=3)
"""A forecast of a pool that is older says nothing."""
_LEAST_DAYS: Final = 14
"""Fewer days are no base for advice about a year."""
_MOST_SHOWN: Final = 2000
_NO_PACKAGE_DAYS: Final = 366
"""Told where no package has anything left that could expire."""
_LEVELS: Final[Mapping[Level, int]] = {Level.NONE: 0, Level.WARNING: 1, Level.REACHED: 2}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a deployment wants to be told of."""

    budgets: Budgets
    idle_days: int
    complaint_limit: Decimal


@dataclass(frozen=True, slots=True)
class PlanningStores:
    """The tables that plans read beside the books, and the one in which they are kept."""

    statistics: StatisticsStore
    numbers: NumberStore
    needs: PoolNeeds
    complaints: ComplaintStore
    plans: MonthStore


@dataclass(frozen=True)
class Planner:
    """Plans for one account at one moment."""

    ledger: Ledger
    stores: PlanningStores
    limits: Limits
    as_of: datetime

    def plan(self) -> dict[str, Any]:
        """Make and keep the plan of the day."""
        returns, complaints = self.returns(), self.complaints()
        advice, failure = self._advice_or_failure()
        head = {
            "kind": "plan",
            "month": self._month,
            "rents": rent_calendar(self.ledger.holdings, self.ledger.prices, today=self._today).document(),
            "returns": {**_without(returns.document(), "returns"), "count": len(returns.returns)},
            "packages": {**self.quotas().document(), "choice": advice.document() if advice else None},
            "spend": [spend.document() for spend in self.spends()],
            "complaints": _without(complaints.document(), "by_x"),
            "warnings": [*self._warnings(), *failure],
        }
        numbers = [{"line": "return", **each.document()} for each in returns.returns]
        lines = [*numbers, *({"line": "complaints", **each} for each in complaints.document()["by_x"])]

        def attempt() -> dict[str, Any]:
            seen = self.stores.plans.latest(self._month)
            version = self.stores.plans.add(self._month, head, lines, seen=seen, made_at=self.as_of)
            return {**present_plan(head, lines), **described(version), "as_of": iso(self.as_of)}

        return settle(attempt)

    def returns(self) -> ReturnPlan:
        """Which numbers to return."""
        held = [number for number in self.ledger.numbers if number.state is not NumberState.RETIRED]
        counted = self.stores.numbers.get_many([number.x for number in held])
        uses = (self._use_of(counted.get(number.x, number)) for number in held)
        return return_plan(
            uses, self._needs(), self.ledger.prices, now=self.as_of, idle_days=self.limits.idle_days
        )

    def quotas(self) -> Outlook:
        """When the packages run out."""
        month = [used for used in self._recent.demand if used.day >= self._first]
        recent = {item: units_by_day(self._recent.demand, item) for item in (Item.CALL, Item.SMS)}
        return outlook(quotas_after(self._at_begin, month).quotas, recent, now=self.as_of)

    def advice(self) -> Advice | None:
        """Which packages would have been cheapest; None where too few days are known."""
        known = usage_of_months(self.ledger, self._today) or self._whole_days()
        if (known.last - known.first).days + 1 < _LEAST_DAYS:
            return None
        held = [
            Package(order.minutes, order.parts, order.price)
            for order in self.ledger.packages
            if order.valid_at(self.as_of)
        ]
        prices = self.ledger.prices.at(self._today)
        return advise(known.demand, prices, held, first=known.first, last=known.last)

    def _advice_or_failure(self) -> tuple[Advice | None, tuple[str, ...]]:
        """The advice, or why there is none: the rest of the plan does not wait for it."""
        try:
            return self.advice(), ()
        except TooManyChoices as problem:
            return None, (f"packages: {problem}",)

    def spends(self) -> tuple[Spend, ...]:
        """What the month will have cost."""
        rents: defaultdict[str, Decimal] = defaultdict(Decimal)
        for rent in rents_of_cost_month(self.ledger.holdings, self._month, self.ledger.prices):
            rents[rent.application] += rent.amount
        how = self.ledger.options.packages
        rows = package_rows(
            *(self._month, self._at_begin, self._at_begin, self.ledger.prices, how),
            self._carried.unit_prices,
        )
        by_use = how is PackageAllocation.PER_UNIT
        books = Books(
            demand=self._recent.demand,
            since=self._recent.first,
            rents=rents,
            quotas=self._at_begin,
            values={row.order.number: unit_values(row.month) for row in rows} if by_use else {},
            purchases=sum((row.cost for row in rows), Decimal(0)) if not by_use else Decimal(0),
        )
        return forecast_spend(books, self.ledger.prices, self.limits.budgets, today=self._today)

    def complaints(self) -> ComplaintWatch:
        """The complaints of the month by the numbers used in it."""
        applications = sorted(self.ledger.applications)
        entered = [
            complaint
            for application in applications
            for complaint in self.stores.complaints.of_month(application, self._month)
        ]
        used = {
            application: len(self._number_days[application].between(self._first, self._today))
            for application in applications
        }
        return watch_complaints(entered, used, limit=self.limits.complaint_limit)

    @cached_property
    def _today(self) -> date:
        return beijing_day(self.as_of)

    @cached_property
    def _month(self) -> str:
        return month_text(self._today)

    @cached_property
    def _first(self) -> date:
        return first_day(self._month)

    @cached_property
    def _recent(self) -> Period:
        """This month so far and the four weeks before today."""
        return usage_of_days(
            self.ledger, min(self._first, self._today - timedelta(days=HISTORY_DAYS)), self._today
        )

    @cached_property
    def _at_begin(self) -> Quotas:
        """The packages as they were when the month began."""
        return quotas_of(self.ledger.packages, self.ledger.prices.package_choice, self._carried.used)

    @cached_property
    def _carried(self) -> Carried:
        return carried_into(self.ledger, self._month, self.as_of)

    @cached_property
    def _number_days(self) -> Mapping[str, NumberDays]:
        first = min(self._first, self._today - timedelta(days=self.limits.idle_days))
        days = [first + timedelta(days=at) for at in range((self._today - first).days + 1)]
        applications = {*self.ledger.applications, *(number.application for number in self.ledger.numbers)}
        return {each: number_days(self.stores.statistics, each, days) for each in sorted(applications)}

    def _whole_days(self) -> Period:
        """What is known of days that are over."""
        yesterday = self._today - timedelta(days=1)
        demand = tuple(used for used in self._recent.demand if used.day <= yesterday)
        return Period(min(self._recent.first, self._today), yesterday, demand)

    def _use_of(self, number: XNumber) -> NumberUse:
        days = self._number_days[number.application]
        first, yesterday = (
            self._today - timedelta(days=self.limits.idle_days),
            self._today - timedelta(days=1),
        )
        # Today is counted only when it is over; what is known of it already counts.
        today = number.x in days.between(self._today, self._today)
        return NumberUse(
            x=number.x,
            application=number.application,
            area=number.area_code,
            number_type=number.number_type,
            state=number.state,
            issued_on=number.issued_on,
            unsubscribed_on=number.unsubscribed_on,
            bindings=number.pairs,
            used=today or days.was_used(number.x, first, yesterday),
        )

    def _needs(self) -> dict[Pool, int]:
        """What each pool needs; a city of which a whole forecast says nothing needs nothing."""
        known = self.stores.needs.get_many(sorted(self.ledger.applications))
        whole = {
            name: need
            for name, need in known.items()
            if need.complete and self.as_of - need.as_of <= _NEED_KEPT
        }
        pools = {(number.application, number.area_code) for number in self.ledger.numbers}
        return {pool: whole[pool[0]].numbers.get(pool[1], 0) for pool in pools if pool[0] in whole}

    def _warnings(self) -> Iterator[str]:
        unknown = set(self.limits.budgets.applications) - set(self.ledger.applications)
        yield from (f"budgets: {name} is no application" for name in sorted(unknown))
        yield from rent_warnings(self.ledger.holdings)


def present_plan(head: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A stored plan as people and programs get it, with the first of its numbers."""

    def of(kind: str) -> list[dict[str, Any]]:
        found = (_without(line, "line") for line in lines if line["line"] == kind)
        return list(islice(found, _MOST_SHOWN))

    return {
        **head,
        "returns": {**head["returns"], "numbers": of("return")},
        "complaints": {**head["complaints"], "by_x": of("complaints")},
    }


def measures(document: Mapping[str, Any]) -> dict[str, float]:
    """What a plan tells by metrics: no number of anybody, counts and levels alone."""
    returns, packages, spend = document["returns"], document["packages"], document["spend"]
    timely = returns["stage"] in (Stage.OPEN, Stage.LAST_CALL)
    days = packages["expiry_days"]
    return {
        "NumbersToReturn": returns["count"] if timely else 0,
        "PackageUsedPercent": float(packages["used_percent"]),
        "PackageExpiryDays": _NO_PACKAGE_DAYS if days is None else days,
        "BudgetsReached": sum(each["reached"] for each in spend),
        "BudgetsToBeExceeded": sum(each["will_exceed"] for each in spend),
        "ComplaintLevel": _LEVELS[Level(document["complaints"]["level"])],
    }


def _without(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}
