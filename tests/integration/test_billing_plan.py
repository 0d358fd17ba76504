"""The daily plan against the tables: what it reads, keeps, answers and tells (billing-rules.md §5, §6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import utc
from builders.books import Books, account_books, call
from builders.pushes import APP_ID, SUBSCRIPTION, A, B, X, fee_body
from privatenumber.billing.closing import daily, runs
from privatenumber.billing.planning import package_advice
from privatenumber.billing.planning.run import Limits, Planner, PlanningStores, measures
from privatenumber.billing.planning.spend import Budgets
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.store.complaints import Complaint, ComplaintConflict, ComplaintKind, ComplaintStore
from privatenumber.store.numbers import NumberStore
from privatenumber.store.pool_needs import PoolNeed, PoolNeeds
from privatenumber.store.statements import plan_store
from privatenumber.store.statistics import StatisticsStore

IDLE_X = "+8617010000077"
LAST_CALL = utc("2026-09-25 10:00:00")
TODAY = date(2026, 9, 25)
PACKAGE = PackageOrder("P-1", utc("2026-09-01 02:03:00"), 10, 50, Decimal("0.50"))
BUDGETS = Budgets(account=Decimal(10), applications={APP_ID: Decimal("10.20"), "gone": Decimal(1)})


@pytest.fixture
def books() -> Iterator[Books]:
    """Two X."""
    with account_books() as opened:
        for x in (X, IDLE_X):
            opened.number(x, issued_on=date(2026, 1, 1))
        yield opened


@pytest.fixture
def called(books: Books) -> Books:
    """One of them was called: 12 minutes on the 2nd, which is closed."""
    books.bind("order-1001", SUBSCRIPTION, X)
    books.push(fee_body(call(1, 12 * 60)), at=utc("2026-09-02 12:00:00"))
    daily.close(books.ledger(), date(2026, 9, 2), as_of=LAST_CALL)
    return books


def stores(books: Books) -> PlanningStores:
    bills, bindings = books.bills.name, books.bindings.name
    return PlanningStores(
        statistics=StatisticsStore(books.dynamodb, bills),
        numbers=NumberStore(books.dynamodb, bindings),
        needs=PoolNeeds(books.dynamodb, bindings),
        complaints=ComplaintStore(books.dynamodb, bills),
        plans=plan_store(books.dynamodb, bills),
    )


def planner(books: Books, as_of: datetime = LAST_CALL, budgets: Budgets = BUDGETS) -> Planner:
    ledger = books.ledger(packages=[PACKAGE])
    return Planner(ledger, stores(books), Limits(budgets, 7, Decimal("0.0001")), as_of)


def counted(books: Books, used: dict[date, str], *, days: int = 31) -> None:
    """Keep the counts of some days before today, of which each may have a line of an X."""
    for back in range(1, days + 1):
        day = TODAY - timedelta(days=back)
        lines = [(used[day], 9, {"attempts": 1})] if day in used else []
        stores(books).statistics.put(
            APP_ID, day, {"x": lines}, rows=1, as_of=LAST_CALL, expires_at=LAST_CALL + timedelta(days=9)
        )


def need(books: Books, numbers: int, **changes: Any) -> None:
    """Keep what the pool of 0755 needs."""
    told = PoolNeed(APP_ID, LAST_CALL - timedelta(hours=5), 30, True, {"0755": numbers})
    stores(books).needs.put(replace(told, **changes))


def complaint(**changes: Any) -> Complaint:
    entered = Complaint("n-1", APP_ID, X, date(2026, 9, 9), ComplaintKind.FRAUD, "desk", LAST_CALL)
    return replace(entered, **changes)


def test_a_plan_names_idle_numbers_and_what_they_save(books: Books) -> None:
    """C-105, U-N20: X was called three days ago, the other one never."""
    counted(books, {date(2026, 9, 22): X})
    need(books, 1)
    found = planner(books).plan()["returns"]
    assert [(each["x"], each["why"]) for each in found["numbers"]] == [(IDLE_X, "idle")]
    assert (found["stage"], found["saves"], found["kept"]) == ("last_call", "5.00", {"used": 1})


def test_numbers_of_which_days_are_not_counted_are_kept(books: Books) -> None:
    counted(books, {}, days=5)
    need(books, 0)
    assert planner(books).plan()["returns"]["kept"] == {"use_unknown": 2}


@pytest.mark.parametrize("changes", [{"complete": False}, {"as_of": LAST_CALL - timedelta(days=4)}])
def test_a_need_that_is_old_or_was_cut_short_is_not_believed(books: Books, changes: dict[str, Any]) -> None:
    counted(books, {})
    need(books, 0, **changes)
    assert planner(books).plan()["returns"]["kept"] == {"need_unknown": 2}


def test_a_number_with_a_live_binding_is_kept(books: Books) -> None:
    counted(books, {})
    need(books, 0)
    books.dynamodb.update_item(
        TableName=books.bindings.name,
        Key={"pk": {"S": f"X#{IDLE_X}"}, "sk": {"S": "NUMBER"}},
        UpdateExpression="SET pairs = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    found = planner(books).plan()["returns"]
    assert ([each["x"] for each in found["numbers"]], found["kept"]) == ([X], {"bound": 1})


def test_a_plan_goes_through_packages_and_budgets(called: Books) -> None:
    """Two rents, 10 minutes of a package that is worth a thirtieth of its list price, 2 at list price."""
    plan = planner(called).plan()
    (package,) = plan["packages"]["packages"]
    assert (package["minutes"]["used"], package["minutes"]["warning"]) == (10, 100)
    account, application = plan["spend"]
    assert (account["so_far"], account["reached"]) == ("10.23", True)
    assert (application["application"], application["reached"]) == (APP_ID, True)
    assert plan["warnings"] == ["budgets: gone is no application"]


def test_a_plan_tells_counts_and_levels_alone(called: Books) -> None:
    counted(called, {})
    need(called, 0)
    stores(called).complaints.record_complaint(complaint())
    plan = planner(called).plan()
    assert measures(plan) == {
        "NumbersToReturn": 2,
        "PackageUsedPercent": 100.0,
        "PackageExpiryDays": 340,
        "BudgetsReached": 2,
        "BudgetsToBeExceeded": 2,
        "ComplaintLevel": 2,
    }
    assert plan["complaints"]["by_x"] == [{"application": APP_ID, "x": X, "complaints": 1}]


def test_numbers_are_told_of_until_the_25th_alone(books: Books) -> None:
    counted(books, {})
    need(books, 0, as_of=LAST_CALL + timedelta(hours=6))
    assert measures(planner(books, LAST_CALL + timedelta(hours=6)).plan())["NumbersToReturn"] == 0


def test_a_plan_is_json_without_a_person_s_number(called: Books) -> None:
    text = json.dumps(planner(called).plan())
    assert A not in text
    assert B not in text


def test_a_plan_that_says_the_same_is_kept_once(books: Books) -> None:
    assert planner(books).plan()["version"] == 1
    assert planner(books, LAST_CALL + timedelta(minutes=5)).plan()["version"] == 1
    assert planner(books, budgets=Budgets()).plan()["version"] == 2


def test_advice_goes_by_the_months_that_are_stated(called: Books) -> None:
    """12 minutes in a September of 30 days: 12 times them and the first five days of one more, at 0.10."""
    october = utc("2026-10-09 01:00:00")
    assert planner(called, utc("2026-09-03 01:00:00")).plan()["packages"]["choice"] is None
    runs.state_month(called.ledger(), "2026-09", as_of=october, stored=True)
    choice = planner(called, october).plan()["packages"]["choice"]
    assert (choice["days"], choice["minutes"], choice["none"]["total"]) == (30, 156, "15.60")
    assert choice["best"]["packages"] == []


def test_a_plan_is_kept_without_the_advice_that_nobody_could_compute(
    called: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    october = utc("2026-10-09 01:00:00")
    runs.state_month(called.ledger(), "2026-09", as_of=october, stored=True)
    monkeypatch.setattr(package_advice, "_MOST_OF_ONE", 0)
    plan = planner(called, october).plan()
    assert plan["packages"]["choice"] is None
    assert any(warning.startswith("packages: 1 of the largest") for warning in plan["warnings"])
    assert plan["version"] == 1


def test_a_complaint_is_entered_once(books: Books) -> None:
    """C-077, U-P17; entered again by somebody else it is the same one."""
    register = stores(books).complaints
    first = register.record_complaint(complaint())
    again = register.record_complaint(complaint(by="other", entered_at=datetime(2026, 9, 30, tzinfo=UTC)))
    assert (again, again.by) == (first, "desk")
    with pytest.raises(ComplaintConflict):
        register.record_complaint(complaint(day=date(2026, 10, 1)))
    assert list(register.of_month(APP_ID, "2026-09")) == [first]
    assert list(register.of_month(APP_ID, "2026-10")) == []


def test_a_complaint_needs_an_id_that_can_be_one(books: Books) -> None:
    with pytest.raises(ValueError, match="id"):
        stores(books).complaints.record_complaint(complaint(id="a b"))
