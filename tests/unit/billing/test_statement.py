"""The statement of a month: exact sums, one rounding, both sides of the bill; C-109, U-P24, U-S11."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import C1, EXAMPLE_PRICES, INVENTORY, NO_CALL_PRICE, V1, V2, VIRTUAL, cdr, utc
from builders.closing import closes, orders, parts, stated, stored_days, usage
from builders.example import PACKAGE
from builders.worked import worked_statement
from privatenumber.billing.closing import presented
from privatenumber.billing.closing.allocation import Options
from privatenumber.billing.closing.presented import present
from privatenumber.billing.closing.statement import (
    Booked,
    Rules,
    build_statement,
    closes_at,
    days_of,
)
from privatenumber.billing.closing.usage_rows import usage_rows
from privatenumber.billing.rating.packages import Use
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
    statement = stated(FACTS, attribution=TWO_ORDERS, prices=prices, rents=RENTS)
    return present(statement.document(), statement.lines())


class TestTheWorkedExample:
    """billing-rules.md §8.2 and §8.3, to the fen."""

    def test_by_deduction_and_by_cost_month(self) -> None:
        document = worked_statement().document()
        assert (document["total"], document["cost_total"]) == ("114.00", "119.00")
        assert (document["rent"], document["rent_of_cost_month"]) == ("60.00", "65.00")
        assert document["calls"] | {"attempts": 15} == {
            "attempts": 15,
            "connected": 13,
            "talk_seconds": 35_970,
            "minutes": 605,
            "package_minutes": 500,
            "unpriced_minutes": 0,
            "amount": "10.50",
        }
        sms = document["sms"]
        assert (sms["messages"], sms["parts"], sms["package_parts"], sms["amount"]) == (62, 70, 50, "5.50")

    def test_the_components_are_the_lines_of_the_platforms_bill(self) -> None:
        """billing-rules.md §9.2, the example of bill.csv."""
        told = ("item", "number_type", "quantity", "package_quantity", "rounded")
        found = [tuple(part[name] for name in told) for part in worked_statement().document()["components"]]
        assert found == [
            ("call", "carrier", 3, 164, "0.30"),
            ("call", "virtual", 102, 336, "10.20"),
            ("sms", "carrier", 10, 0, "2.70"),
            ("sms", "virtual", 10, 50, "2.80"),
            ("rent", "carrier", 2, 0, "30.00"),
            ("rent", "virtual", 6, 0, "30.00"),
            ("package", None, 1, 0, "38.00"),
        ]

    def test_each_application_bears_its_own(self) -> None:
        lines = [line for line in worked_statement().lines() if line["line"] == "share"]
        shares = {line["key"]: line for line in lines if line["view"] == "application"}
        assert {key: share["total"] for key, share in shares.items()} == {"ax": "65.09", "axb": "53.91"}
        assert {key: (share["rent"], share["call"], share["sms"]) for key, share in shares.items()} == {
            "ax": ("35.00", "10.40", "3.54"),
            "axb": ("30.00", "0.10", "1.96"),
        }

    def test_the_package_is_used_up(self) -> None:
        (row,) = worked_statement().document()["packages"]
        assert row["minutes"] == {"total": 500, "used_before": 0, "used": 500, "left": 0}
        assert row["parts"] == {"total": 50, "used_before": 0, "used": 50, "left": 0}
        assert (row["effective_at"], row["expires_at"], row["cost"]) == (
            "2026-09-01T03:00:00.000Z",
            "2027-09-01T03:00:00.000Z",
            "38.00",
        )

    def test_october_begins_with_what_september_left(self) -> None:
        document = worked_statement("2026-10", {PACKAGE.number: Use(500, 50)}).document()
        (row,) = document["packages"]
        assert (row["minutes"]["used_before"], row["minutes"]["used"], row["cost"]) == (500, 0, "0.00")
        assert (document["calls"]["minutes"], document["calls"]["amount"]) == (3, "0.30")
        assert (document["rent"], document["rent_of_cost_month"]) == ("60.00", "55.00")


def test_rows_are_told_apart_by_number_and_order() -> None:
    rows = [row.document() for row in usage_rows(stated(FACTS, attribution=TWO_ORDERS).usage.cells)]
    found = {(row["x"], row["order"]): (row["count"], row["units"], row["days"]) for row in rows}
    assert found == {
        (V1, "order-1002"): (1, 3, ["2026-09-03"]),
        (V2, "order-1001"): (2, 3, ["2026-09-02", "2026-09-03"]),
        (V2, None): (1, 0, ["2026-09-03"]),
        (C1, "order-1001"): (1, 1, ["2026-09-04"]),
    }


def test_components_are_rounded_once_and_the_total_is_their_sum() -> None:
    """Half up, and the sum of rounded components, not of records."""
    prices = read_price_book(
        '[{"valid_from": "2026-01-01", "call": {"virtual": "0.0335", "carrier": "0.0335"}}]'
    )
    document = stated(FACTS, attribution=TWO_ORDERS, prices=prices).document()
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


def test_what_the_account_pays_as_a_whole_is_nobodys() -> None:
    built = worked_statement()
    document = present(built.document(), built.lines())
    last = document["by_application"][-1]
    assert (last["application"], last["package"]) == (None, "38.00")
    for view in ("by_application", "by_x", "by_order"):
        assert sum(Decimal(row["total"]) for row in document[view]) == Decimal(document["exact_total"])


def test_the_shares_of_every_view_are_the_cost_of_the_month() -> None:
    built = worked_statement()
    document = present(built.document(), built.lines())
    assert {*document["shares"]} >= {"application", "mode", "x", "city", "enterprise", "order", "side", "day"}
    for shares in document["shares"].values():
        assert sum(Decimal(share["total"]) for share in shares) == Decimal(document["cost_total"])


def test_unpriced_minutes_are_shown_beside_the_priced_part() -> None:
    document = shown(NO_CALL_PRICE)
    assert (document["unpriced_minutes"], document["total"]) == (7, "10.00")


def test_a_correction_of_another_month_is_booked_and_is_no_cost_of_this_one() -> None:
    """billing-rules.md §9.4."""
    booked = Booked("2026-08", 2, Decimal("-1.30"), ("late_facts",), "hash")
    document = stated(FACTS, rents=RENTS, corrections=[booked]).document()
    assert (document["total"], document["cost_total"]) == ("9.40", "10.70")
    assert document["corrections"] == [booked.document()]
    assert document["components"][-1]["item"] == "correction"


def test_a_statement_names_the_closes_it_was_made_of() -> None:
    days = closes(FACTS)
    named = [line for line in stated(FACTS).lines() if line["line"] == "close"]
    assert [(line["day"], line["hash"]) for line in named] == [
        (day.close.day.isoformat(), day.version.hash) for day in days
    ]


def test_equal_inputs_make_equal_statements() -> None:
    one, two = stated(FACTS), stated(FACTS[::-1])
    assert (one.document(), list(one.lines())) == (two.document(), list(two.lines()))


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("days", {"facts": FACTS[1:]}),
        ("prices", {"prices": NO_CALL_PRICE}),
        ("packages", {"packages": [PACKAGE]}),
        ("rents", {"rents": ()}),
    ],
)
def test_every_input_has_a_hash_of_its_own(name: str, changed: dict[str, Any]) -> None:
    """A statement tells by which of its inputs it differs from another one."""
    first = stated(FACTS, rents=RENTS).inputs()
    second = stated(changed.pop("facts", FACTS), **{"rents": RENTS, **changed}).inputs()
    differs = {each for each in first if first[each] != second[each]}
    # Another price is another day close too.
    assert differs == {name, "all"} | ({"days"} if name == "prices" else set())


def test_days_without_records_do_not_change_a_statement() -> None:
    found = parts(FACTS)
    empty = parts([cdr(None, "2026-09-20 01:00:00")])[0]
    days = stored_days([*found, type(empty)(empty.part, ())])
    rules = Rules(EXAMPLE_PRICES, {}, {}, Options())
    with_empty = build_statement("2026-09", days, usage(found), rules, rents=(), cost_month_rents=())
    assert list(with_empty.lines()) == list(stated(FACTS).lines())


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


@pytest.mark.parametrize("day", [4, 28])
def test_a_month_closes_at_noon_of_the_day_that_is_set(day: int) -> None:
    assert closes_at("2028-01", day) == utc(f"2028-02-{day:02d} 04:00:00")


def test_the_days_of_an_open_month_end_with_the_day_given() -> None:
    assert days_of("2026-09", date(2026, 9, 3)) == [date(2026, 9, day) for day in (1, 2, 3)]
    assert len(days_of("2028-02", date.max)) == 29


def test_a_number_outside_the_inventory_is_on_the_statement_all_the_same() -> None:
    (row,) = usage_rows(stated([FACTS[0]], inventory={}).usage.cells)
    assert (row.value("x"), row.value("number_type")) == (V2, VIRTUAL)
    assert V2 in INVENTORY


def test_a_statement_too_large_for_an_answer_shows_its_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda answers hold 6 MB; the rows stay in the table."""
    monkeypatch.setattr(presented, "MAX_ROWS_SHOWN", 1)
    document = shown()
    assert (document["total"], len(document["by_application"])) == ("10.70", 1)
    assert (document["rows_left_out"], len(document["rents"])) == (5, 1)
    assert "rows" not in document
    assert "order" not in document["shares"]
