"""The statement of a month: exact sums, one rounding, the way back to the facts; C-109, U-P24, U-S11."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import (
    C1,
    EXAMPLE_PRICES,
    INVENTORY,
    NO_CALL_PRICE,
    V1,
    V2,
    VIRTUAL,
    cdr,
    closes,
    orders,
    september,
    utc,
)
from privatenumber.billing.closing import statement as statement_module
from privatenumber.billing.closing.statement import build_statement, closes_at, days_of, present, trace
from privatenumber.billing.rating.rent import Holding, rents_deducted
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.billing.tariff.reading import read_price_book

TWO_ORDERS = orders(sub_1="order-1001", sub_2="order-1002")
FACTS = [
    cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35", icid="a"),
    cdr("2026-09-03 01:00:00", "2026-09-03 01:00:05", icid="b"),
    cdr("2026-09-03 02:00:00", "2026-09-03 02:02:01", icid="c", subscription_id="sub-2", x=V1, display_x=V1),
    cdr(None, "2026-09-03 03:00:00", icid="d", subscription_id=None),
    cdr("2026-09-04 01:00:00", "2026-09-04 01:01:00", icid="e", x=C1, display_x=C1),
]
RENTS = rents_deducted(
    [Holding(V1, "demo", VIRTUAL), Holding(V2, "demo", VIRTUAL)],
    "2026-09",
    EXAMPLE_PRICES,
    until=utc("2026-10-01 00:00:00"),
)


def shown(prices: PriceBook = EXAMPLE_PRICES) -> dict[str, Any]:
    statement = build_statement(
        "2026-09",
        closes(FACTS, attribution=TWO_ORDERS, prices=prices),
        RENTS,
        cost_month_rents=RENTS,
        prices=EXAMPLE_PRICES,
        closed=False,
    )
    return present(statement.document(), statement.lines())


def test_rows_are_told_apart_by_number_and_order() -> None:
    statement = september(FACTS, attribution=TWO_ORDERS)
    found = {(row.x, row.order): (row.calls.attempts, row.calls.minutes, row.days) for row in statement.rows}
    assert found == {
        (V1, "order-1002"): (1, 3, ("2026-09-03",)),
        (V2, "order-1001"): (2, 3, ("2026-09-02", "2026-09-03")),
        (V2, None): (1, 0, ("2026-09-03",)),
        (C1, "order-1001"): (1, 1, ("2026-09-04",)),
    }


def test_components_are_rounded_once_and_the_total_is_their_sum() -> None:
    """Half up: 0.333 × 3 minutes = 0.999, twice 0.0005 would be lost if records were rounded."""
    prices = read_price_book(
        '[{"valid_from": "2026-01-01", "call": {"virtual": "0.0335", "carrier": "0.0335"}}]'
    )
    document = september(FACTS, attribution=TWO_ORDERS, prices=prices).document()
    assert document["exact_total"] == "0.2345"
    assert {part["number_type"]: part["rounded"] for part in document["components"]} == {
        "carrier": "0.03",
        "virtual": "0.20",
    }
    assert document["total"] == "0.23"


def test_the_views_of_application_number_and_order_have_one_sum() -> None:
    document = shown()
    for view in ("by_application", "by_x", "by_order"):
        assert sum(Decimal(row["total"]) for row in document[view]) == Decimal("10.70")
    assert document["total"] == "10.70"


def test_calls_and_rents_without_an_order_are_in_the_last_row() -> None:
    last = shown()["by_order"][-1]
    assert (last["order"], last["attempts"], last["rent"]) == (None, 1, "10.00")


def test_unpriced_minutes_are_shown_beside_the_priced_part() -> None:
    document = shown(NO_CALL_PRICE)
    assert (document["unpriced_minutes"], document["total"]) == (7, "10.00")


def test_a_row_leads_to_its_facts() -> None:
    days = closes(FACTS, attribution=TWO_ORDERS)
    statement = september(FACTS, attribution=TWO_ORDERS)
    row = next(row for row in statement.rows if row.order == "order-1001" and row.x == V2)
    lines = trace(row, days)
    assert [line.icid for line in lines] == ["a", "b"]
    assert sum(line.minutes for line in lines) == row.calls.minutes


def test_every_record_is_behind_exactly_one_row() -> None:
    days = closes(FACTS, attribution=TWO_ORDERS)
    statement = september(FACTS, attribution=TWO_ORDERS)
    traced = [line.fact for row in statement.rows for line in trace(row, days)]
    assert sorted(traced) == sorted(line.fact for day in days for line in day.close.lines)


def test_a_statement_names_the_closes_it_was_made_of() -> None:
    days = closes(FACTS)
    named = [line for line in september(FACTS).lines() if line["line"] == "close"]
    assert [(line["day"], line["hash"]) for line in named] == [
        (day.close.day.isoformat(), day.version.hash) for day in days
    ]


def test_equal_inputs_make_equal_statements() -> None:
    one, two = september(FACTS), september(FACTS[::-1])
    assert (one.document(), one.lines()) == (two.document(), two.lines())


def test_days_without_calls_do_not_change_a_statement() -> None:
    empty = closes([cdr(None, "2026-09-20 01:00:00")])[0]
    hollow = type(empty)(type(empty.close)("demo", date(2026, 9, 20), (), empty.close.totals), empty.version)
    with_empty = build_statement(
        "2026-09", [*closes(FACTS), hollow], (), cost_month_rents=(), prices=EXAMPLE_PRICES, closed=False
    )
    assert with_empty.lines() == september(FACTS).lines()


@pytest.mark.parametrize(
    ("month", "moment"),
    [
        ("2026-09", "2026-10-03 04:00:00"),
        ("2026-12", "2027-01-03 04:00:00"),
        ("2028-01", "2028-02-03 04:00:00"),
    ],
)
def test_a_month_closes_on_the_3rd_at_noon_in_beijing(month: str, moment: str) -> None:
    assert closes_at(month) == utc(moment)


def test_the_days_of_an_open_month_end_with_the_day_given() -> None:
    assert days_of("2026-09", date(2026, 9, 3)) == [date(2026, 9, day) for day in (1, 2, 3)]
    assert len(days_of("2028-02", date.max)) == 29


def test_a_number_outside_the_inventory_is_on_the_statement_all_the_same() -> None:
    (row,) = september([FACTS[0]], inventory={}).rows
    assert (row.x, row.number_type) == (V2, VIRTUAL)
    assert V2 in INVENTORY


def test_a_statement_too_large_for_an_answer_shows_its_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda answers hold 6 MB; the rows stay in the table."""
    monkeypatch.setattr(statement_module, "MAX_ROWS_SHOWN", 1)
    document = shown()
    assert (document["total"], len(document["by_application"])) == ("10.70", 1)
    assert (document["rows_left_out"], len(document["rents"])) == (5, 1)
    assert "rows" not in document
