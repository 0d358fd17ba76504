"""Corrections of a closed month: numbered, with reason and records, booked now; nothing is edited (U-D23).

billing-rules.md §9.4: full recomputation of the month, the difference to the closed result is booked in the
current month with reference to the records. The same input gives the same result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import EXAMPLE_PRICES, utc
from builders.books import Books, Interrupted, PowerCut, account_books, call, power_cut
from builders.pushes import APP_ID, APP_KEY, SUBSCRIPTION, A, B, X, fee_body
from privatenumber.billing.closing.allocation import Options
from privatenumber.billing.closing.corrections import Adjustment, adjust, correct
from privatenumber.billing.closing.costs import View
from privatenumber.billing.closing.runs import BillingRequestError, state_month, statement
from privatenumber.billing.closing.tracing import (
    find_record,
    records_of_item,
    records_of_row,
    records_of_share,
)
from privatenumber.billing.reconciliation.import_missing import import_missing
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import Item, UsageTime
from privatenumber.billing.tariff.reading import read_price_book
from privatenumber.settings import PackageAllocation, RentAllocation
from privatenumber.store import versions
from privatenumber.store.items import encode

EVENING = utc("2026-09-02 12:00:00")
CLOSING = utc("2026-10-03 04:00:00")
LATER = CLOSING + timedelta(days=1)
DEARER = read_price_book('[{"valid_from": "2026-01-01", "call": {"virtual": "0.12", "carrier": "0.12"}}]')


@pytest.fixture
def books() -> Iterator[Books]:
    """September 2026 with two calls of 2 minutes, closed."""
    with account_books() as opened:
        opened.number(X, issued_on=date(2026, 1, 1))
        opened.bind("order-1001", SUBSCRIPTION, X)
        opened.push(fee_body(call(1, 95)), at=EVENING)
        opened.push(fee_body(call(2, 61, day=5)), at=EVENING + timedelta(days=3))
        opened.ledger().close_days([date(2026, 9, 2), date(2026, 9, 5)], now=CLOSING)
        state_month(opened.ledger(), "2026-09", as_of=CLOSING, stored=True)
        yield opened


def corrected(books: Books, as_of: datetime = LATER, days: tuple[int, ...] = (2,), **parts: Any) -> Any:
    """Close some days again, then correct September out of its days."""
    ledger = books.ledger(**parts)
    ledger.close_days([date(2026, 9, day) for day in days], now=as_of)
    return correct(ledger, "2026-09", as_of=as_of, stored=True)


def late_call(books: Books, number: int = 3, talk_s: int = 61) -> None:
    books.push(fee_body(call(number, talk_s, hour=number)), at=CLOSING + timedelta(hours=1))


def test_a_late_fact_makes_a_numbered_correction_that_names_it(books: Books) -> None:
    late_call(books)
    found = corrected(books)
    assert (found["number"], found["amount"], found["cost_amount"]) == (1, "0.20", "0.20")
    assert (found["reasons"], found["booked_in"], found["changed"]) == (["late_facts"], "2026-10", True)
    (part,) = found["difference"]
    assert (part["item"], part["quantity"], part["rounded"]) == ("call", 2, "0.20")
    (record,) = records(books)
    assert record["fact"].endswith("/CDR#icid-3")
    assert (record["units"], record["amount"]) == (2, "0.20")


def test_nothing_that_was_closed_is_edited(books: Books) -> None:
    before = books.rows("STATEMENT#2026-09") + books.rows("DAY#")
    late_call(books)
    corrected(books)
    after = books.rows("STATEMENT#2026-09") + books.rows("DAY#")
    assert [row for row in before if row not in after] == []


def test_the_same_facts_again_add_nothing(books: Books) -> None:
    late_call(books)
    first = corrected(books)
    rows = books.rows("CORRECTION#")
    again = corrected(books, LATER + timedelta(days=40))
    assert (again["changed"], again["number"], again["hash"]) == (False, 1, first["hash"])
    assert books.rows("CORRECTION#") == rows


def test_the_next_one_is_relative_to_the_one_before(books: Books) -> None:
    late_call(books, 3)
    corrected(books)
    late_call(books, 4, talk_s=10)
    found = corrected(books, LATER + timedelta(days=1))
    assert (found["number"], found["amount"]) == (2, "0.10")


def test_a_month_without_late_facts_has_none(books: Books) -> None:
    assert correct(books.ledger(), "2026-09", as_of=LATER, stored=True)["changed"] is False
    assert books.rows("CORRECTION#") == []


def test_another_price_list_is_its_own_reason(books: Books) -> None:
    found = corrected(books, days=(2, 5), prices=DEARER)
    assert (found["amount"], found["reasons"]) == ("0.08", ["price_list"])
    prices = [(line["was"]["unit_price"], line["unit_price"]) for line in records(books)]
    assert prices == [("0.10", "0.12")] * 2


def test_a_package_that_was_entered_late_is_its_own_reason(books: Books) -> None:
    bought = PackageOrder("order-1", utc("2026-09-01 02:03:00"), 500, 50, Decimal(38))
    found = corrected(books, packages=[bought])
    assert found["reasons"] == ["package"]
    told = {
        part["item"]: (part["quantity"], part["package_quantity"], part["rounded"])
        for part in found["difference"]
    }
    assert told == {"call": (-4, 4, "-0.40"), "package": (1, 0, "38.00")}
    assert found["amount"] == "37.60"


def test_it_is_booked_in_the_statement_of_the_month_in_which_it_was_made(books: Books) -> None:
    late_call(books)
    corrected(books)
    october = statement(books.ledger(), "2026-10", as_of=LATER)
    assert [(each["month"], each["number"], each["amount"]) for each in october["corrections"]] == [
        ("2026-09", 1, "0.20")
    ]
    assert october["total"] == "5.20"
    assert (october["cost_total"], october["rent"]) == ("5.00", "5.00")


def told_lines(books: Books, kind: str, number: int = 1) -> list[dict[str, Any]]:
    version = books.ledger().corrections.version("2026-09", number)
    assert version is not None
    return [line for line in books.ledger().corrections.lines(version) if line["line"] == kind]


def moved(books: Books, number: int = 1) -> list[dict[str, Any]]:
    return told_lines(books, "share", number)


def records(books: Books, number: int = 1) -> list[dict[str, Any]]:
    return told_lines(books, "record", number)


def by_view(lines: list[dict[str, Any]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for line in lines:
        sums[line["view"]] = sums.get(line["view"], Decimal(0)) + Decimal(line["total"])
    return sums


def test_late_money_belongs_to_somebody_in_every_view(books: Books) -> None:
    """billing-rules.md §8.3: whose call it was pays for it, though its month is closed."""
    late_call(books)
    corrected(books)
    assert by_view(moved(books)) == {view.value: Decimal("0.20") for view in View}
    (order,) = [line for line in moved(books) if line["view"] == "order"]
    assert (order["key"], order["minutes"], order["call"]) == ("order-1001", 2, "0.20")


def test_shares_of_a_second_correction_are_relative_to_the_first_and_to_no_agreed_amount(
    books: Books,
) -> None:
    late_call(books, 3)
    corrected(books)
    adjust(books.ledger(), "2026-09", Adjustment(Decimal("-1.50"), "d", "agreed"), as_of=LATER)
    late_call(books, 4, talk_s=10)
    corrected(books, LATER + timedelta(days=1))
    assert by_view(moved(books, 2)) == {view.value: Decimal("-1.50") for view in View}
    assert {line["key"] for line in moved(books, 2)} == {"#account"}
    assert by_view(moved(books, 3)) == {view.value: Decimal("0.10") for view in View}
    assert {line["minutes"] for line in moved(books, 3)} == {1}


def test_the_statement_that_books_a_correction_shows_whose_it_is_beside_its_own_shares(
    books: Books,
) -> None:
    late_call(books)
    corrected(books)
    october = statement(books.ledger(), "2026-10", as_of=LATER)
    (share,) = october["correction_shares"]["order"]
    assert (share["key"], share["total"], share["month"], share["number"]) == (
        *("order-1001", "0.20", "2026-09"),
        1,
    )
    assert sum(Decimal(each["total"]) for each in october["shares"]["order"]) == Decimal("5.00")


def test_another_way_to_spread_packages_is_its_own_reason(books: Books) -> None:
    bought = PackageOrder("order-1", utc("2026-09-01 02:03:00"), 500, 50, Decimal(38))
    corrected(books, packages=[bought])
    whole = Options(packages=PackageAllocation.NONE)
    found = corrected(books, packages=[bought], options=whole)
    assert (found["reasons"], found["amount"]) == (["settings"], "0.00")


def test_money_that_only_moves_is_corrected_once(books: Books) -> None:
    """billing-rules.md §9.4: rents follow the use of orders now; the month costs what it cost."""
    by_orders = Options(rent=RentAllocation.ORDERS)
    ledger = books.ledger(options=by_orders)
    assert state_month(ledger, "2026-09", as_of=LATER, stored=True)[0].late == {
        "minutes": 0,
        "amount": "0.00",
        "cost_amount": "0.00",
    }
    found = corrected(books, options=by_orders)
    assert (found["changed"], found["reasons"], found["cost_amount"]) == (True, ["settings"], "0.00")
    told = {line["key"]: line["rent"] for line in moved(books) if line["view"] == "order"}
    assert told == {"#unassigned": "-5.00", "order-1001": "5.00"}
    assert corrected(books, LATER + timedelta(days=1), options=by_orders)["changed"] is False
    assert state_month(ledger, "2026-09", as_of=LATER, stored=True)[0].late is None


def test_a_push_that_says_whose_an_imported_call_was_moves_it(books: Books) -> None:
    """The row of the console had no binding; nothing but that is new."""
    row = {
        **{"record_id": "icid-3", "app_key": APP_KEY, "x_number": X, "caller": A, "callee": B},
        **{"call_in_time": "2026-09-02 11:00:00", "answer_time": "2026-09-02 11:00:00"},
        **{"end_time": "2026-09-02 11:01:01", "duration_s": "61", "billed_minutes": "2", "result": "ok"},
    }
    books.upload("uploads/calls.csv", f"{','.join(row)}\n{','.join(row.values())}\n".encode())
    files = {"calls": ["uploads/calls.csv"]}
    import_missing(books.ledger(), "2026-09", files=files, as_of=CLOSING, by="somebody")
    assert corrected(books)["amount"] == "0.20"
    late_call(books, 3)
    found = corrected(books)
    assert (found["number"], found["amount"], found["reasons"]) == (2, "0.00", ["late_facts"])
    told = {line["key"]: line["call"] for line in moved(books, 2) if line["view"] == "order"}
    assert told == {"#unassigned": "-0.20", "order-1001": "0.20"}
    came, went = records(books, 2)
    assert (came["amount"], "was" in came) == ("0.20", False)
    assert (went["was"]["amount"], "item" in went) == ("0.20", False)
    assert corrected(books)["changed"] is False


def test_a_call_that_counts_for_another_day_has_not_come_late(books: Books) -> None:
    """billing-rules.md §2: a call over midnight, first by its end, then by its answer."""
    night = call(3, 3660, hour=15)
    books.push(fee_body(night), at=CLOSING)
    corrected(books, days=(2, 3))
    by_answer = replace(EXAMPLE_PRICES, usage_time=UsageTime.ANSWER)
    found = corrected(books, LATER + timedelta(days=1), days=(2, 3), prices=by_answer)
    assert (found["amount"], found["reasons"]) == ("0.00", ["price_list"])
    came, went = sorted(records(books, 2), key=lambda record: "was" in record)
    assert (came["day"], went["day"], came["fact"]) == ("2026-09-02", "2026-09-03", went["fact"])


def test_who_a_call_belongs_to_may_be_known_later(books: Books) -> None:
    """Its record is what it was: what is new is a binding."""
    books.push(fee_body(call(3, 61, hour=3, subscriptionId="another")), at=CLOSING)
    corrected(books)
    books.bind("order-1002", "another", X)
    found = corrected(books)
    assert (found["number"], found["amount"], found["reasons"]) == (2, "0.00", ["settings"])
    assert {line["key"] for line in moved(books, 2) if line["view"] == "order"} == {
        "#unassigned",
        "order-1002",
    }


def test_a_month_of_an_application_that_is_not_configured_is_left_alone(
    books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is known of its numbers and records: its costs would be taken back."""
    gone = replace(books.ledger(), applications={"other": "key"}, numbers=[])
    assert state_month(gone, "2026-09", as_of=LATER)[0].late is None
    assert correct(gone, "2026-09", as_of=LATER)["changed"] is False
    told = [vars(record) for record in caplog.records if record.message == "month left alone"]
    assert [(each["month"], each["not_configured"]) for each in told] == [("2026-09", [APP_ID])] * 2


def test_shares_are_not_read_while_nothing_has_changed(books: Books) -> None:
    """A closed month is looked at every week; its shares are as many as its orders."""
    blind = Unread(books.dynamodb, "STATEMENT#2026-09")
    ledger = books.ledger(client=blind)
    assert state_month(ledger, "2026-09", as_of=LATER, stored=True)[0].late is None


def test_sums_of_a_day_as_it_was_are_not_read_to_name_its_records(books: Books) -> None:
    then = books.ledger().closes.latest(APP_ID, date(2026, 9, 2))
    assert then is not None
    late_call(books)
    books.ledger().close_days([date(2026, 9, 2)], now=LATER)
    ledger = books.ledger(client=Unread(books.dynamodb, then.hash))
    assert correct(ledger, "2026-09", as_of=LATER, stored=True)["reasons"] == ["late_facts"]
    assert len(records(books)) == 1


class Unread:
    """A client that cannot query lines of one partition."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def query(self, **request: Any) -> Any:
        told = str(request["ExpressionAttributeValues"])
        assert not (self._name in told and "LINES#" in told)
        return self._client.query(**request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_a_record_of_the_console_is_its_own_reason(books: Books) -> None:
    """billing-rules.md §9.3: its push never came, somebody imported it."""
    late_call(books)
    (row,) = [row for row in books.rows("CALL#") if row["sk"] == "CDR#icid-3"]
    books.dynamodb.put_item(TableName=books.bills.name, Item=encode({**row, "sk": "CDR#icid-3#CONSOLE"}))
    key = encode({"pk": row["pk"], "sk": row["sk"]})
    books.dynamodb.delete_item(TableName=books.bills.name, Key=key)
    (claim,) = [row for row in books.rows("ICID#") if row["pk"].endswith("#icid-3")]
    books.dynamodb.delete_item(TableName=books.bills.name, Key=encode({"pk": claim["pk"], "sk": claim["sk"]}))
    assert corrected(books)["reasons"] == ["imported_records"]


def test_the_closed_month_names_nothing_late_once_it_was_booked(books: Books) -> None:
    late_call(books)
    books.ledger().close_days([date(2026, 9, 2)], now=LATER)
    assert state_month(books.ledger(), "2026-09", as_of=LATER, stored=True)[0].late == {
        "minutes": 2,
        "amount": "0.20",
    }
    corrected(books)
    assert state_month(books.ledger(), "2026-09", as_of=LATER, stored=True)[0].late is None


def test_an_open_month_is_not_corrected(books: Books) -> None:
    with pytest.raises(BillingRequestError, match="2026-10 is not closed"):
        correct(books.ledger(), "2026-10", as_of=LATER, stored=True)


def test_an_agreed_amount_is_booked_once_and_is_no_late_fact(books: Books) -> None:
    agreed = Adjustment(Decimal("-1.50"), "dispute-7", "credited by the platform")
    first = adjust(books.ledger(), "2026-09", agreed, as_of=LATER)
    assert (first["number"], first["amount"], first["reasons"]) == (1, "-1.50", ["adjustment"])
    again = adjust(books.ledger(), "2026-09", agreed, as_of=LATER + timedelta(days=1))
    assert (again["changed"], again["number"]) == (False, 1)
    late_call(books)
    found = corrected(books)
    assert (found["number"], found["amount"], found["reasons"]) == (2, "0.20", ["late_facts"])


@pytest.mark.parametrize("puts", range(4))
def test_a_correction_that_dies_anywhere_is_repeated_without_a_trace(books: Books, puts: int) -> None:
    """The day's part, the day, and the correction are two writes each."""
    late_call(books)
    client = Interrupted(books.dynamodb, before_put=puts, do=power_cut)
    with pytest.raises(PowerCut):
        corrected(books, client=client)
    found = corrected(books)
    assert (found["number"], found["amount"]) == (1, "0.20")
    assert len(list(books.ledger().corrections.versions("2026-09"))) == 1


def test_two_that_correct_at_once_make_one_correction(books: Books) -> None:
    """The other one writes between our reading and our writing; ours reads again and finds it done."""
    late_call(books)
    books.ledger().close_days([date(2026, 9, 2)], now=LATER)

    def other() -> None:
        correct(books.ledger(), "2026-09", as_of=LATER, stored=True)

    client = Interrupted(books.dynamodb, before_put=1, do=other)
    ledger = books.ledger(client=client)
    assert correct(ledger, "2026-09", as_of=LATER, stored=True)["number"] == 1
    assert len(list(books.ledger().corrections.versions("2026-09"))) == 1


def test_no_person_is_in_a_correction(books: Books) -> None:
    late_call(books)
    corrected(books)
    version = books.ledger().corrections.latest("2026-09")
    assert version is not None
    told = str([version.document, books.ledger().corrections.lines(version)])
    (line,) = [each for each in _lines(books) if each.icid == "icid-3"]
    assert line.caller
    assert line.caller not in told
    assert A.removeprefix("+86") not in told


def test_what_is_used_of_a_package_goes_on_from_the_correction(books: Books) -> None:
    bought = PackageOrder("order-1", utc("2026-09-01 02:03:00"), 500, 50, Decimal(38))
    corrected(books, packages=[bought])
    october, _ = state_month(books.ledger(packages=[bought]), "2026-10", as_of=LATER, stored=True)
    (row,) = october.version.document["packages"]
    assert row["minutes"] == {"total": 500, "used_before": 4, "used": 0, "left": 496}


def test_a_month_that_nobody_closed_is_asked_for_its_use_and_not_stated() -> None:
    """Else it could be closed without the days that nobody has closed yet."""
    bought = PackageOrder("order-1", utc("2026-08-01 02:03:00"), 500, 50, Decimal(38))
    with account_books() as books:
        books.push(fee_body(call(1, 95)), at=EVENING)
        ledger = books.ledger(packages=[bought])
        ledger.close_days([date(2026, 9, 2)], now=LATER)
        stated, _ = state_month(ledger, "2026-10", as_of=LATER, stored=True)
        (row,) = stated.version.document["packages"]
        assert (row["minutes"]["used_before"], row["minutes"]["used"]) == (2, 0)
        assert {each["pk"] for each in books.rows("STATEMENT#")} == {"STATEMENT#2026-10"}


class TestTracing:
    def test_a_row_and_a_share_lead_to_their_records(self, books: Books) -> None:
        ledger = books.ledger()
        version = ledger.statements.latest("2026-09")
        assert version is not None
        (row,) = [line for line in ledger.statements.lines(version) if line["line"] == "usage"]
        by_row = list(records_of_row(ledger, version, row))
        by_share = list(records_of_share(ledger, version, View.ORDER, "order-1001"))
        assert [each.line.fact for each in by_row] == [each.line.fact for each in by_share]
        assert sum(each.line.units for each in by_row) == row["units"] == 4
        assert list(records_of_share(ledger, version, View.ORDER, "#unassigned")) == []
        assert len(list(records_of_share(ledger, version, View.DAY, "2026-09-05"))) == 1

    def test_only_the_closes_are_read_of_a_statement(
        self, books: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They are its first lines; behind them stands as much as a month has orders."""
        monkeypatch.setattr(versions, "PAGE_BYTES", 200)
        monkeypatch.setattr(versions, "_PAGES_AT_ONCE", 1)
        ledger = books.ledger()
        version = ledger.statements.latest("2026-09")
        assert version is not None
        store = ledger.statements
        made = store.add("2026-01", version.document, store.lines(version), seen=None, made_at=LATER)
        asked = list[str]()
        original = books.dynamodb.query

        def query(**request: Any) -> Any:
            asked.append(str(request["ExpressionAttributeValues"]))
            return original(**request)

        monkeypatch.setattr(books.dynamodb, "query", query)
        assert len(list(records_of_item(ledger, made, Item.CALL))) == 2
        read = [each for each in asked if "STATEMENT#" in each and "LINES#" in each]
        assert len(read) == 3 < len(books.rows("STATEMENT#2026-01")) - 1

    def test_a_statement_leads_to_its_records_after_later_closes(self, books: Books) -> None:
        """By the hashes that it names: what came later is not behind it."""
        late_call(books)
        corrected(books)
        ledger = books.ledger()
        version = ledger.statements.latest("2026-09")
        assert version is not None
        found = [each.line for each in records_of_share(ledger, version, View.APPLICATION, APP_ID)]
        assert len(found) == 2

    def test_a_fact_leads_to_its_row_and_statements(self, books: Books) -> None:
        late_call(books)
        corrected(books)
        facts = {line.fact.rpartition("#")[2]: line.fact for line in _lines(books)}
        found = find_record(books.ledger(), facts["icid-3"])
        assert found is not None
        told = found.document()
        assert (told["line"]["icid"], told["row"]["order"]) == ("icid-3", "order-1001")
        assert [(each["kind"], each["version"]) for each in told["statements"]] == [("correction", 1)]
        assert "caller" not in told["line"]
        old = find_record(books.ledger(), facts["icid-2"])
        assert old is not None
        assert {each["kind"] for each in old.statements} == {"statement", "correction"}

    def test_what_no_close_has_is_nowhere(self, books: Books) -> None:
        late_call(books)
        fresh = books.ledger().facts.cdrs_of_day(APP_ID, date(2026, 9, 2))
        (late,) = ("/".join(fact.key) for fact in fresh if fact.icid == "icid-3")
        assert find_record(books.ledger(), late) is None
        assert find_record(books.ledger(), "CALL#nobody/CDR#none") is None


def _lines(books: Books) -> list[Any]:
    ledger = books.ledger()
    days = [ledger.closer.closed(APP_ID, date(2026, 9, day)) for day in (2, 5)]
    return [line for day in days if day for line in ledger.closer.lines_of(day.close)]


def test_prices_of_the_builders_differ() -> None:
    """Else the test of another price list would prove nothing."""
    assert replace(DEARER) != EXAMPLE_PRICES
