"""Closed months older than the last: found, corrected, and followed by what builds on them (§9.4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import EXAMPLE_PRICES, utc
from builders.books import Books, account_books
from builders.crashes import Killed
from builders.pushes import X
from privatenumber.billing.closing import daily, runs
from privatenumber.billing.closing.corrections import Adjustment, adjust, correct
from privatenumber.billing.closing.daily import due_months, late_months, settle_month
from privatenumber.billing.closing.fan_out import CloseWork, FanOut, due_runs
from privatenumber.billing.closing.runs import BillingRequestError, carried_into, state_month
from privatenumber.billing.ledger import Ledger, MonthTooLarge
from privatenumber.billing.rating.packages import Use
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.billing.tariff.reading import read_price_book
from privatenumber.store.close_runs import CloseRun, CloseRuns
from privatenumber.store.items import decode, encode

NOVEMBER = utc("2026-11-04 00:00:00")
MONDAY = utc("2026-12-14 00:00:00")
TUESDAY = MONDAY + timedelta(days=1)
FROM_OCTOBER = read_price_book(
    '[{"valid_from": "2026-10-01", "call": {"virtual": "0.20", "carrier": "0.20"}}]'
)
DEARER = read_price_book('[{"valid_from": "2026-01-01", "call": {"virtual": "0.20", "carrier": "0.20"}}]')
FROM_OCTOBER = PriceBook((*EXAMPLE_PRICES.lists, replace(DEARER.lists[0], valid_from=date(2026, 10, 1))))
PACKAGE = PackageOrder("o1", utc("2026-08-31 17:00:00"), 10, 0, Decimal(10))


@contextmanager
def two_months(package: PackageOrder = PACKAGE) -> Iterator[Books]:
    """September used 4 minutes of 10, October the other 6 and 2 more; both are closed."""
    with account_books() as opened:
        opened.number(X, issued_on=date(2026, 1, 1))
        called(opened, 1, "2026-09-02", 4)
        called(opened, 2, "2026-10-02", 8)
        ledger = opened.ledger(packages=[package])
        ledger.close_days([date(2026, 9, 2), date(2026, 10, 2)], now=NOVEMBER)
        for month in ("2026-09", "2026-10"):
            state_month(ledger, month, as_of=NOVEMBER, stored=True)
        yield opened


@pytest.fixture
def books() -> Iterator[Books]:
    with two_months() as opened:
        yield opened


def called(books: Books, number: int, day: str, minutes: int) -> None:
    begin = utc(f"{day} 0{number}:00:00")
    end = begin + timedelta(minutes=minutes)
    books.cdr(
        at=NOVEMBER,
        icid=f"icid-{number}",
        sessionId=f"session-{number}",
        fwdAnswerTime=begin.strftime("%Y-%m-%d %H:%M:%S"),
        callEndTime=end.strftime("%Y-%m-%d %H:%M:%S"),
    )


def test_every_closed_month_is_looked_at_again_on_mondays_oldest_first(books: Books) -> None:
    due = due_runs(books.ledger(), as_of=MONDAY, now=MONDAY)
    assert [run.month for run in due if run.id.startswith("recheck")] == ["2026-09", "2026-10"]


def test_a_month_that_was_not_closed_in_its_turn_is_due_later(books: Books) -> None:
    called(books, 3, "2026-08-02", 1)
    ledger = books.ledger()
    ledger.close_days([date(2026, 8, 2)], now=NOVEMBER)
    due = due_runs(ledger, as_of=NOVEMBER, now=NOVEMBER)
    assert "2026-08" in [run.month for run in due if run.id.startswith("month")]


def test_a_month_never_stated_is_due_by_its_closed_days_where_nobody_noted_that_it_has_records(
    books: Books,
) -> None:
    """Its days may have been closed before that was noted."""
    called(books, 3, "2026-08-02", 1)
    books.ledger().close_days([date(2026, 8, 2)], now=NOVEMBER)
    books.dynamodb.delete_item(TableName=books.bills.name, Key=encode({"pk": "LOOKS", "sk": "2026-08"}))
    assert daily.DueMonth("2026-08", again=False) in list(due_months(books.ledger(), TUESDAY))


def rechecked(ledger: Ledger) -> list[str]:
    """The closed months that are due on a day that is no Monday."""
    return [due.month for due in due_months(ledger, TUESDAY) if due.again]


def test_closed_months_of_which_nothing_is_known_to_have_changed_wait_for_monday(books: Books) -> None:
    assert rechecked(books.ledger(packages=[PACKAGE])) == []


def test_a_purchase_that_is_entered_late_makes_the_months_due_that_it_is_valid_in(books: Books) -> None:
    late = PackageOrder("o2", utc("2026-10-05 00:00:00"), 10, 0, Decimal(10))
    ledger = books.ledger(packages=[PACKAGE, late])
    assert rechecked(ledger) == ["2026-10"]
    assert settle_month(ledger, "2026-10", as_of=TUESDAY, stored=True) == 1
    assert rechecked(ledger) == []


def test_a_new_price_book_makes_the_months_due_in_which_it_holds(books: Books) -> None:
    """Once: when it comes to nothing the month is not looked at every day."""
    assert rechecked(books.ledger(FROM_OCTOBER, packages=[PACKAGE])) == ["2026-10"]
    ledger = books.ledger(DEARER, packages=[PACKAGE])
    assert rechecked(ledger) == ["2026-09", "2026-10"]
    assert [settle_month(ledger, month, as_of=TUESDAY, stored=True) for month in rechecked(ledger)] == [0, 1]
    assert rechecked(ledger) == []


def test_a_number_that_is_entered_late_makes_the_month_due(books: Books) -> None:
    books.number("+8617010000099", issued_on=date(2026, 10, 31))
    assert rechecked(books.ledger(packages=[PACKAGE])) == ["2026-10"]


def test_what_was_seen_to_be_late_is_due_the_next_day_and_told_after_it(books: Books) -> None:
    called(books, 3, "2026-10-03", 2)
    ledger = books.ledger(packages=[PACKAGE])
    ledger.close_days([date(2026, 10, 3)], now=NOVEMBER)
    state_month(ledger, "2026-10", as_of=TUESDAY, stored=True)
    assert rechecked(ledger) == ["2026-10"]
    assert late_months(ledger.looks, now=TUESDAY + timedelta(hours=23)) == 0
    state_month(ledger, "2026-10", as_of=TUESDAY + timedelta(hours=23), stored=True)
    assert late_months(ledger.looks, now=TUESDAY + timedelta(hours=24)) == 1
    assert settle_month(ledger, "2026-10", as_of=TUESDAY + timedelta(hours=24), stored=True) == 1
    assert late_months(ledger.looks, now=TUESDAY + timedelta(hours=48)) == 0
    assert rechecked(ledger) == []


def test_a_slow_look_keeps_what_it_saw_though_another_one_was_faster(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began earlier, and read the facts later."""
    fresh_statement, faster = runs.fresh_statement, list[datetime]()

    def slow(ledger: Ledger, month: str, **more: Any) -> Any:
        if not faster:
            faster.append(TUESDAY + timedelta(hours=1))
            state_month(books.ledger(packages=[PACKAGE]), month, as_of=faster[0], stored=True)
            called(books, 3, "2026-10-03", 2)
            books.ledger(packages=[PACKAGE]).close_days([date(2026, 10, 3)], now=TUESDAY)
        return fresh_statement(ledger, month, **more)

    monkeypatch.setattr(runs, "fresh_statement", slow)
    state_month(books.ledger(packages=[PACKAGE]), "2026-10", as_of=TUESDAY, stored=True)
    assert books.ledger().looks.all()["2026-10"].late_since == TUESDAY


def test_what_packages_paid_is_told_to_later_months_although_no_amount_of_one_between_changes() -> None:
    """Else they would pay the same minutes once more."""
    large = replace(PACKAGE, minutes=14)
    with two_months(large) as books:
        called(books, 3, "2026-09-03", 2)
        ledger = books.ledger(packages=[large])
        ledger.close_days([date(2026, 9, 3)], now=MONDAY)
        assert settle_month(ledger, "2026-09", as_of=MONDAY, stored=True) == 2
        found = ledger.corrections.latest("2026-10")
        assert found is not None
        assert (found.document["amount"], found.document["reasons"]) == ("0.00", ["package"])
        assert carried_into(ledger, "2026-11", MONDAY, keep=False).used == {"o1": Use(minutes=14)}
        assert settle_month(ledger, "2026-09", as_of=TUESDAY, stored=True) == 0


def test_a_correction_on_request_makes_the_months_due_that_build_on_it(books: Books) -> None:
    called(books, 3, "2026-09-03", 2)
    ledger = books.ledger(packages=[PACKAGE])
    ledger.close_days([date(2026, 9, 3)], now=MONDAY)
    correct(ledger, "2026-09", as_of=MONDAY, stored=True)
    assert rechecked(ledger) == ["2026-10"]
    assert settle_month(ledger, "2026-10", as_of=TUESDAY, stored=True) == 1
    assert rechecked(ledger) == []


def test_a_month_that_is_late_and_too_old_to_be_corrected_is_told_no_more(books: Books) -> None:
    looks = books.ledger().looks
    looks.note("2026-09", "terms", late=True, at=TUESDAY, last=looks.last("2026-09"))
    assert late_months(looks, now=utc("2027-11-30 00:00:00")) == 1
    assert late_months(looks, now=utc("2027-12-01 00:00:00")) == 0


def test_a_month_that_nobody_closed_is_due_with_its_rents_once_an_earlier_one_is_known(books: Books) -> None:
    due = due_months(books.ledger(packages=[PACKAGE]), utc("2026-12-08 00:00:00"))
    assert list(due) == [daily.DueMonth("2026-11", again=False)]


def test_months_that_were_told_right_are_not_stated_again(books: Books) -> None:
    """An agreed amount changes nothing of what packages have paid."""
    before = books.rows("LOOKS")
    adjust(books.ledger(), "2026-09", Adjustment(Decimal(-9), "d1", "agreed"), as_of=MONDAY)
    settle_month(books.ledger(packages=[PACKAGE]), "2026-09", as_of=TUESDAY, stored=True)
    after = books.rows("LOOKS")
    assert [row["sk"] for row, then in zip(after, before, strict=True) if row != then] == ["2026-09"]


def test_a_month_is_stated_again_although_the_one_before_it_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that died in between has left them so."""
    settled = list[str]()

    def settle(ledger: Ledger, month: str, *more: Any) -> int:
        settled.append(month)
        return 0

    monkeypatch.setattr(daily, "_settled", settle)
    monkeypatch.setattr(daily, "_is_closed", lambda ledger, month: month < "2026-11")
    monkeypatch.setattr(daily, "is_built_otherwise", lambda ledger, month, following: following == "2026-10")
    with account_books() as books:
        daily.settle_month(books.ledger(), "2026-08", as_of=NOVEMBER)
    assert settled == ["2026-08", "2026-10"]


class Dying:
    """A client that dies with one write, before or after it is done."""

    def __init__(self, client: Any, name: str, *, before: bool) -> None:
        self._client = client
        self._name: str | None = name
        self._before = before

    def put_item(self, **request: Any) -> Any:
        key = decode({name: request["Item"][name] for name in ("pk", "sk")})
        meant = f"{key['pk']} {key['sk'][:2]}" == self._name
        if meant:
            self._name = None
        if meant and self._before:
            raise Killed
        answer = self._client.put_item(**request)
        if meant:
            raise Killed
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def settled_rows(books: Books, client: Any = None) -> list[dict[str, Any]]:
    """Two minutes of September come late; the rows after its correction, which goes on to October."""
    called(books, 3, "2026-09-03", 2)
    books.ledger(packages=[PACKAGE]).close_days([date(2026, 9, 3)], now=MONDAY)
    store = CloseRuns(books.dynamodb, books.bills.name)
    shared = FanOut(store, lambda work: None)
    run = shared.begin(CloseRun("recheck", MONDAY, "2026-09", frozenset(), started_at=MONDAY))
    while store.under_way():
        try:
            shared.work(lambda: books.ledger(client=client, packages=[PACKAGE]), CloseWork(run.id))
        except Killed:
            continue
    rows = [row for row in books.rows("") if row["pk"].startswith(("STATEMENT#", "CORRECTION#", "LOOKS"))]
    # Who goes on looks once more.
    return [{name: value for name, value in row.items() if name != "looks"} for row in rows]


@pytest.fixture(scope="module")
def undisturbed() -> list[dict[str, Any]]:
    with two_months() as calm:
        return settled_rows(calm)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("write", ["CORRECTION#2026-09 V#", "LOOKS 20", "CORRECTION#2026-10 V#"])
def test_a_correction_that_dies_between_two_months_ends_with_the_same_rows(
    books: Books, undisturbed: list[dict[str, Any]], write: str, before: bool
) -> None:
    assert [row["pk"] for row in undisturbed if row["pk"].startswith("CORRECTION") and "V#" in row["sk"]] == [
        "CORRECTION#2026-09",
        "CORRECTION#2026-10",
    ]
    assert settled_rows(books, Dying(books.dynamodb, write, before=before)) == undisturbed


def test_a_correction_reaches_the_months_that_build_on_it(books: Books) -> None:
    called(books, 3, "2026-09-03", 2)
    ledger = books.ledger(packages=[PACKAGE])
    ledger.close_days([date(2026, 9, 3)], now=MONDAY)
    sent: list[CloseWork] = []
    shared = FanOut(CloseRuns(books.dynamodb, books.bills.name), sent.extend)
    (recheck,) = (
        run for run in due_runs(ledger, as_of=MONDAY, now=MONDAY) if run.id.startswith("recheck-2026-09")
    )
    run = replace(recheck, open=frozenset())
    shared.begin(run)
    assert shared.work(lambda: ledger, CloseWork(run.id)) == 2
    found = ledger.corrections.latest("2026-10")
    assert found is not None
    assert (found.document["amount"], found.document["packages"][0]["minutes"]["used"]) == ("0.20", 4)


def test_what_changes_only_the_cost_of_a_month_is_late_too(books: Books) -> None:
    books.number("+8617010000099", issued_on=date(2026, 9, 30))
    late = state_month(books.ledger(packages=[PACKAGE]), "2026-09", as_of=NOVEMBER, stored=True)[0].late
    assert late == {"minutes": 0, "amount": "0.00", "cost_amount": "5.00"}


def test_a_correction_is_booked_in_a_month_that_can_still_show_it(books: Books) -> None:
    agreed = Adjustment(Decimal(-9), "d1", "agreed")
    found = adjust(books.ledger(), "2026-09", agreed, as_of=utc("2026-10-31 00:00:00"))
    assert found["booked_in"] == "2026-11"


def test_one_that_no_statement_would_show_is_refused(books: Books) -> None:
    agreed = Adjustment(Decimal(-9), "d1", "x")
    with pytest.raises(BillingRequestError, match="shows a correction"):
        adjust(books.ledger(), "2026-09", agreed, as_of=utc("2028-01-10 00:00:00"))


def test_a_package_keeps_the_value_of_its_units_whatever_prices_are_stored_later(books: Books) -> None:
    """Decision 81: else fen would move between months that are closed."""
    ledger = books.ledger(DEARER, packages=[PACKAGE])
    state_month(ledger, "2026-11", as_of=MONDAY, stored=True)
    correct(ledger, "2026-10", as_of=MONDAY, stored=True)
    rows = [
        version.document["packages"][0]
        for version in (ledger.corrections.latest("2026-10"), ledger.statements.latest("2026-11"))
        if version
    ]
    assert [row["unit_prices"] for row in rows] == [{"minute": "0.10", "part": "0.28"}] * 2


@pytest.mark.parametrize("due", [["2026-09", "2026-10"], ["2026-08", "2026-10"]], ids=["due", "following"])
def test_a_month_that_memory_does_not_hold_is_named_and_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, due: list[str]
) -> None:
    """What decisions of disputes book comes after it. It may be due, or build on one that is."""
    settled = list[str]()

    def settle(ledger: Ledger, month: str, *more: Any) -> int:
        if month == "2026-09":
            raise MonthTooLarge(1024)
        settled.append(month)
        return 1

    months = [daily.DueMonth(month, again=False) for month in due]
    monkeypatch.setattr(daily, "due_months", lambda ledger, as_of: iter(months))
    monkeypatch.setattr(daily, "_settled", settle)
    monkeypatch.setattr(daily, "_is_closed", lambda ledger, month: month == "2026-09")
    monkeypatch.setattr(daily, "is_built_otherwise", lambda ledger, month, following: True)
    with account_books() as books:
        document = daily.close(books.ledger(), as_of=NOVEMBER)
    assert settled == document["months"] == [month for month in due if month != "2026-09"]
    assert document["corrections"] == len(settled)
    assert [each["month"] for each in document["refused"]] == ["2026-09"]
