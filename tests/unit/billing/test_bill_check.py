"""Money ↔ I6: minutes, parts, packages and their prices (billing-rules.md §2, §5, §9.3; C-107, U-N04).

Every check here is also balanced: bill - ours = records + differences + accepted (`builders.money.check`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import utc
from builders.money import (
    CALLS,
    CARRIER,
    CARRIER_CALLS,
    CARRIER_TEXTS,
    TEXTS,
    VIRTUAL,
    check,
    line,
    record,
    used,
)
from privatenumber.billing.reconciliation.bill_check import residual
from privatenumber.billing.reconciliation.differences import Difference, Kind
from privatenumber.billing.reconciliation.edges import Edge
from privatenumber.billing.reconciliation.money import BillCheck, PackageSums, UsageSums
from privatenumber.billing.reconciliation.settlement import settled_records
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import Item

SUMS = {
    CALLS: used(CALLS, 605, 500),
    CARRIER_CALLS: used(CARRIER_CALLS, 3),
    TEXTS: used(TEXTS, 60, 50),
    CARRIER_TEXTS: used(CARRIER_TEXTS, 10),
}
ORDER = PackageOrder("CS1", utc("2026-09-01 02:03:00"), 500, 50, Decimal(38))
EXHAUSTED = {Item.CALL: PackageSums(0, 105), Item.SMS: PackageSums(0, 7)}
BILL = [
    line("call", VIRTUAL, 105, "0.10", package_quantity=Decimal(500)),
    line("call", CARRIER, 3, "0.10"),
    line("sms", VIRTUAL, 10, "0.28", package_quantity=Decimal(50)),
    line("sms", CARRIER, 10, "0.27"),
    line("package", None, 1, 38),
]


def bill(*changed: Any) -> list[Any]:
    """The bill with lines in the place of those of the same item and type."""
    places = {(each.item, each.number_type): each for each in (*BILL, *changed)}
    return list(places.values())


def september(charges: Any = BILL, **parts: Any) -> BillCheck:
    return check(charges, SUMS, **{"packages": EXHAUSTED, "bought": [ORDER], **parts})


def told(found: BillCheck) -> list[tuple[str, Decimal | None]]:
    return [(difference.kind.value, difference.amount) for difference in found.differences]


def test_a_clean_month_has_no_difference_and_no_residual() -> None:
    """The bill of §9.2: minutes and parts of both types, a package, its purchase."""
    found = september()
    assert not (*found.differences, *found.accepted, *found.not_compared)
    assert found.residual == 0
    assert [row["unexplained"]["amount"] for row in found.table] == ["0.00"] * 5
    assert residual(found)["total"] == "0.00"


def test_the_table_shows_units_of_packages_apart() -> None:
    row = september().table[0]
    assert row["ours"] == {"quantity": "105", "package_quantity": "500", "amount": "10.50", "unpriced": 0}
    assert row["bill"] == {"quantity": "105", "package_quantity": "500", "amount": "10.50"}


@pytest.mark.parametrize(
    ("changed", "kind", "amount", "says"),
    [
        (line("call", VIRTUAL, 105, "0.12", package_quantity=Decimal(500)), "price_diff", "2.10", "0.12"),
        (line("sms", VIRTUAL, 10, "0.30", package_quantity=Decimal(50)), "price_diff", "0.20", "0.30"),
        (line("sms", CARRIER, 10, "0.28"), "price_diff", "0.10", "0.28"),
        (line("package", None, 1, 40), "price_diff", "2.00", "40.00 CNY are on the bill"),
        (line("call", VIRTUAL, 605, "0.10"), "package_not_applied", "50.00", "500 minutes"),
        (line("sms", VIRTUAL, 60, "0.28"), "package_not_applied", "14.00", "50 SMS parts"),
        (
            line("sms", VIRTUAL, 20, "0.28", package_quantity=Decimal(40)),
            "package_not_applied",
            "2.80",
            "10 SMS",
        ),
        (line("package", None, 2, 38), "price_diff", "38.00", "76.00 CNY are on the bill"),
        (
            line("call", VIRTUAL, 109, "0.10", package_quantity=Decimal(500)),
            "minutes_diff",
            "0.40",
            "no single",
        ),
        (line("sms", CARRIER, 9, "0.27"), "parts_diff", "-0.27", "no single SMS explains -1"),
    ],
    ids=[
        "call price",
        "SMS price",
        "SMS price of carrier numbers",
        "package price",
        "package not applied to calls",
        "package not applied to SMS",
        "package applied in part",
        "package charged twice",
        "minutes that no call explains",
        "parts that no SMS explains",
    ],
)
def test_one_cause_is_one_difference(changed: Any, kind: str, amount: str, says: str) -> None:
    found = september(bill(changed))
    assert told(found) == [(kind, Decimal(amount))]
    assert says in found.differences[0].cause
    assert found.differences[0].action
    assert found.differences[0].evidence["item"] == changed.item


def test_only_what_no_cause_explains_is_residual() -> None:
    priced = september(bill(line("call", VIRTUAL, 105, "0.12", package_quantity=Decimal(500))))
    unknown = september(bill(line("call", VIRTUAL, 109, "0.10", package_quantity=Decimal(500))))
    assert priced.residual == 0
    assert unknown.residual == Decimal("0.40")
    assert unknown.table[0]["unexplained"] == {"quantity": "4", "amount": "0.40"}


def test_unexplained_amounts_of_opposite_sign_do_not_cancel() -> None:
    """1.08 too much for SMS and 1.10 too little for calls are 2.18 that nothing explains, not 0.02."""
    found = september(
        bill(
            line("call", VIRTUAL, 94, "0.10", package_quantity=Decimal(500)), line("sms", CARRIER, 14, "0.27")
        )
    )
    assert told(found) == [("minutes_diff", Decimal("-1.10")), ("parts_diff", Decimal("1.08"))]
    assert residual(found)["total"] == "2.18"


def test_units_and_an_amount_of_one_line_do_not_cancel_either() -> None:
    """Four minutes that no call explains, and an amount that is 0.40 too low for them."""
    odd = line("call", VIRTUAL, 109, "0.10", package_quantity=Decimal(500), amount=Decimal("10.50"))
    found = september(bill(odd))
    assert told(found) == [("minutes_diff", Decimal("0.40")), ("price_diff", Decimal("-0.40"))]
    assert residual(found)["total"] == "0.80"


@pytest.mark.parametrize(
    "changed",
    [
        line("call", VIRTUAL, 105, "0.10", package_quantity=Decimal(500), amount=Decimal("9.50")),
        line("sms", CARRIER, 10, "0.27", amount=Decimal("1.70")),
        line("package", None, 1, 38, amount=Decimal(37)),
        line("rent", VIRTUAL, 0, 5, amount=Decimal(-1)),
    ],
    ids=["calls", "SMS", "package", "rent"],
)
def test_a_discount_is_a_cause_of_its_own(changed: Any) -> None:
    found = september(bill(replace(changed, discount=Decimal(1))))
    assert told(found) == [("discount", Decimal(-1))]
    assert found.differences[0].evidence == {"item": changed.item, "bill_lines": [changed.line]}
    assert found.residual == 0
    assert all(row["unexplained"]["amount"] == "0.00" for row in found.table)


def test_a_discount_hides_no_other_price() -> None:
    """0.12 instead of 0.10 for 105 minutes, and 2.10 off: the amount is the right one, the price is not."""
    priced = line("call", VIRTUAL, 105, "0.12", package_quantity=Decimal(500), amount=Decimal("10.50"))
    found = september(bill(replace(priced, discount=Decimal("2.10"))))
    assert told(found) == [("price_diff", Decimal("2.10")), ("discount", Decimal("-2.10"))]


def test_two_causes_at_once_are_two_differences_with_their_own_amounts() -> None:
    found = september(
        bill(
            line("call", VIRTUAL, 605, "0.12"),
            line("sms", CARRIER, 10, "0.28"),
        )
    )
    assert sorted(told(found)) == [
        ("package_not_applied", Decimal("50.00")),
        ("price_diff", Decimal("0.10")),
        ("price_diff", Decimal("12.10")),
    ]


def test_a_learned_price_stands_beside_the_configured_one() -> None:
    """§2: amount ÷ quantity, also when the bill tells no unit price."""
    odd = line("call", CARRIER, 3, "0.15", unit_price=None)
    (found,) = september(bill(odd)).differences
    assert (found.kind, found.amount) == ("price_diff", Decimal("0.15"))
    assert found.evidence["learned_price"] == "0.15"
    assert "configured is 0.10" in found.cause


def test_an_amount_that_contradicts_its_own_line_is_residual() -> None:
    found = september(bill(line("call", CARRIER, 3, "0.10", amount=Decimal("0.70"))))
    assert told(found) == [("price_diff", Decimal("0.40"))]
    assert found.residual == Decimal("0.40")


# rounding


@pytest.mark.parametrize(("amount", "accepted"), [("0.31", True), ("0.29", True), ("0.32", False)])
def test_a_fen_per_line_is_rounding(amount: str, accepted: bool) -> None:
    """§9.3: tolerance 0.01 per bill line."""
    found = september(bill(line("call", CARRIER, 3, "0.10", amount=Decimal(amount))))
    assert bool(found.accepted) is accepted
    assert bool(found.differences) is not accepted


@pytest.mark.parametrize(
    ("tolerance", "amount", "accepted"),
    [("0", "0.31", False), ("0", "0.30", True), ("0.02", "0.32", True), ("0.02", "0.33", False)],
)
def test_what_a_line_may_differ_by_is_a_setting(tolerance: str, amount: str, *, accepted: bool) -> None:
    """§9.3, §10: `backend.billing.tolerance_line`."""
    sums = {CARRIER_CALLS: used(CARRIER_CALLS, 3)}
    lines = [line("call", CARRIER, 3, "0.10", amount=Decimal(amount))]
    found = check(lines, sums, tolerance_line=Decimal(tolerance))
    assert bool(found.differences) is not accepted


@pytest.mark.parametrize(("amount", "accepted"), [("0.24", True), ("0.25", False)])
def test_a_fine_price_may_be_rounded_every_settled_hour(amount: str, accepted: bool) -> None:
    """§9.3: 0.01 more per settled hour when the price has more than two decimals; 3 × 0.065 = 0.195."""
    sums = {CARRIER_CALLS: used(CARRIER_CALLS, 3, price=Decimal("0.065"), charged_hours=3)}
    found = check([line("call", CARRIER, 3, "0.065", amount=Decimal(amount))], sums)
    assert [each["amount"] for each in found.accepted] == ["0.045" if accepted else "0.005"]
    assert found.residual == (0 if accepted else Decimal("0.05"))


# records


def test_what_single_records_explain_is_no_second_difference() -> None:
    found = september(
        bill(line("call", VIRTUAL, 109, "0.10", package_quantity=Decimal(500))),
        rows={CALLS: record(CALLS, 4)},
    )
    assert found.differences == ()
    assert (found.records, found.residual) == (Decimal("0.40"), Decimal(0))


@pytest.mark.parametrize(
    ("quantity", "parts"),
    [
        (105, {}),
        (109, {}),
        (111, {"ended": {CALLS: record(CALLS, 2)}}),
        (102, {"unlisted": {CALLS: record(CALLS, -7)}}),
    ],
    ids=["the bill is ours", "rows", "rows and hang-ups", "rows without what the export lacks"],
)
def test_the_bill_is_read_as_the_records_allow(quantity: int, parts: dict[str, Any]) -> None:
    charges = bill(line("call", VIRTUAL, quantity, "0.10", package_quantity=Decimal(500)))
    assert september(charges, rows={CALLS: record(CALLS, 4)}, **parts).differences == ()


def test_a_missing_record_that_a_package_pays_changes_its_units_only() -> None:
    found = check(
        [line("call", VIRTUAL, 0, "0.10", package_quantity=Decimal(24)), line("package", None, 1, 38)],
        {CALLS: used(CALLS, 20, 20)},
        rows={CALLS: record(CALLS, 4, covered=True)},
        packages={Item.CALL: PackageSums(left=480)},
        bought=[ORDER],
    )
    assert found.differences == ()
    assert (found.records, found.moved[Item.CALL]) == (Decimal(0), 4)


@pytest.mark.parametrize(
    ("left", "exhausted", "covered", "moved"),
    [(100, 0, 4, 4), (3, 0, 4, 3), (0, 50, 4, 0), (0, 50, -4, 0), (0, 3, -4, -1), (100, 0, -4, -4)],
)
def test_packages_pay_what_their_quota_allows(left: int, exhausted: int, covered: int, moved: int) -> None:
    assert PackageSums(left, exhausted).moved(covered) == moved


def missing(units: int, at: str) -> Difference:
    return Difference(
        Kind.MISSING_PUSH,
        "missing CDR",
        "wait",
        units * Decimal("0.10"),
        Decimal(units),
        at=utc(at),
        item=Item.CALL,
        number_type=VIRTUAL,
    )


def test_a_difference_costs_what_packages_leave_of_it() -> None:
    """In order, as long as they pay; one before the package was effective costs its full price."""

    def covered(item: Item, number_type: Any, at: datetime) -> bool:
        return ORDER.valid_at(at)

    before, first, second = (
        missing(2, "2026-09-01 02:00:00"),
        missing(4, "2026-09-02 01:00:00"),
        missing(3, "2026-09-03 01:00:00"),
    )
    found = list(settled_records([before, first, second], BillCheck(moved={Item.CALL: 5}), covered))
    assert [each.amount for each in found] == [Decimal("0.20"), Decimal(0), Decimal("0.20")]
    assert found[1].cause == "missing CDR; packages pay 4 of them"
    assert found[2].evidence["package_units"] == 1


def test_a_difference_that_the_bill_does_not_follow_costs_nothing() -> None:
    check = BillCheck(readings={CALLS: frozenset({"unlisted"})})
    (found,) = settled_records([missing(4, "2026-09-02 01:00:00")], check, lambda *use: False)
    assert (found.amount, found.evidence["list_amount"]) == (Decimal(0), "0.40 CNY")
    assert found.cause.endswith("so it makes no difference in money")


# packages


def test_a_purchase_that_we_do_not_know_explains_the_units_it_paid() -> None:
    """One cause: the bill has the package and 5 of our minutes in it."""
    found = check(
        [line("call", VIRTUAL, 0, "0.10", package_quantity=Decimal(5)), line("package", None, 1, 38)],
        {CALLS: used(CALLS, 5)},
    )
    assert told(found) == [("package_diff", Decimal("37.50"))]
    assert "that we do not know of; they pay 5 minutes of the month" in found.differences[0].cause


def test_a_purchase_that_the_platform_does_not_know_explains_what_is_charged_instead() -> None:
    found = check(
        [line("call", VIRTUAL, 5, "0.10")],
        {CALLS: used(CALLS, 5, 5)},
        packages={Item.CALL: PackageSums(left=495)},
        bought=[ORDER],
    )
    assert told(found) == [("package_diff", Decimal("-37.50"))]
    assert found.differences[0].cause.endswith(
        "fewer than we know of; 5 minutes are charged that our ledger pays from it"
    )
    assert found.residual == 0


def test_a_cheaper_package_does_not_hide_units_that_it_has_not_paid() -> None:
    """The same purchase at 36 instead of 38, and 40 minutes at list price: two causes."""
    found = september(
        bill(
            line("call", VIRTUAL, 145, "0.10", package_quantity=Decimal(460)),
            line("package", None, 1, 36),
        )
    )
    assert told(found) == [("price_diff", Decimal(-2)), ("package_not_applied", Decimal("4.00"))]


def test_one_of_two_purchases_that_the_bill_lacks_explains_what_it_would_have_paid() -> None:
    found = check(
        [line("call", VIRTUAL, 5, "0.10", package_quantity=Decimal(500)), line("package", None, 1, 38)],
        {CALLS: used(CALLS, 505, 505)},
        packages={Item.CALL: PackageSums(left=495)},
        bought=[ORDER, ORDER],
    )
    assert told(found) == [("package_diff", Decimal("-37.50"))]
    assert "we know of 76.00 CNY; 5 minutes are charged" in found.differences[0].cause


def test_units_beyond_the_ledger_are_named() -> None:
    found = september(bill(line("call", VIRTUAL, 95, "0.10", package_quantity=Decimal(510))))
    assert told(found) == [("package_diff", Decimal("-1.00"))]
    assert "packages paid 10 minutes more than our ledger has quota for" in found.differences[0].cause


def test_packages_may_have_paid_the_minutes_of_another_type() -> None:
    """Records in another order: the units are the same, so it is accepted, to the fen."""
    sums = {
        CALLS: used(CALLS, 10, 10, price=Decimal("0.10")),
        CARRIER_CALLS: used(CARRIER_CALLS, 10, 0, price=Decimal("0.12")),
    }
    found = check(
        [
            line("call", VIRTUAL, 4, "0.10", package_quantity=Decimal(6)),
            line("call", CARRIER, 6, "0.12", package_quantity=Decimal(4)),
            line("package", None, 1, 38),
        ],
        sums,
        packages={Item.CALL: PackageSums(0, 10)},
        bought=[ORDER],
    )
    assert found.differences == ()
    assert found.accepted == ({"kind": "package_order", "item": "call", "amount": "-0.08"},)


# number types, edges


def test_number_types_are_added_together_when_the_bill_does_not_tell_them_apart() -> None:
    charges = [line("call", None, 108, "0.10", package_quantity=Decimal(500)), *BILL[2:]]
    assert september(charges).differences == ()


def test_units_under_the_other_type_are_one_difference_over_calls_and_sms() -> None:
    sums = {
        CALLS: used(CALLS, 10),
        CARRIER_CALLS: used(CARRIER_CALLS, 5),
        TEXTS: used(TEXTS, 10),
        CARRIER_TEXTS: used(CARRIER_TEXTS, 5),
    }
    charges = [
        line("call", VIRTUAL, 7, "0.10"),
        line("call", CARRIER, 8, "0.10"),
        line("sms", VIRTUAL, 6, "0.28"),
        line("sms", CARRIER, 9, "0.27"),
    ]
    found = check(charges, sums)
    assert told(found) == [("number_type", Decimal("-0.04"))]
    assert found.residual == 0
    assert "import the console's number table" in found.differences[0].action


@pytest.mark.parametrize(
    ("name", "kind", "quantity", "amount"),
    [("answer", "period_edge", 108, "0.30"), ("utc", "time_zone", 98, "-0.70")],
)
def test_what_stands_at_the_edge_of_the_month_is_one_difference(
    name: str, kind: str, quantity: int, amount: str
) -> None:
    """§3.3: the bill counts calls by their answer, or begins its month at midnight UTC."""
    edges = [
        Edge("answer", {CALLS: record(CALLS, 3)}, ("fact-1",)),
        Edge("utc", {CALLS: record(CALLS, -7)}),
    ]
    charges = bill(line("call", VIRTUAL, quantity, "0.10", package_quantity=Decimal(500)))
    found = september(charges, edges=edges)
    assert told(found) == [(kind, Decimal(amount))]
    assert found.differences[0].evidence["reading"] == name
    assert found.residual == 0


def test_the_marker_on_the_bill_is_told_by_its_reason() -> None:
    """C-061: charged is the forwarded text; the console may count `@B`."""
    edges = [Edge("marker", {TEXTS: record(TEXTS, 2)})]
    charges = bill(line("sms", VIRTUAL, 12, "0.28", package_quantity=Decimal(50)))
    (found,) = september(charges, edges=edges).differences
    assert (found.kind, found.amount) == ("parts_diff", Decimal("0.56"))
    assert "ax_marker" in found.cause


# what cannot be compared


def test_without_a_price_the_residual_is_unknown() -> None:
    sums = {CALLS: UsageSums(6, unpriced=6)}
    found = check([line("call", VIRTUAL, 6, "0.10")], sums)
    assert (found.differences, found.residual) == ((), None)
    assert residual(found)["total"] is None


def test_minutes_that_a_package_pays_need_no_price() -> None:
    """§2: calls outside a package are unpriced; these are inside."""
    sums = {CALLS: UsageSums(6, 6)}
    found = check(
        [line("call", VIRTUAL, 0, "0.10", package_quantity=Decimal(6)), line("package", None, 1, 38)],
        sums,
        packages={Item.CALL: PackageSums(left=494)},
        bought=[ORDER],
    )
    assert found.differences == ()
    assert found.residual == 0


def test_what_nobody_here_rates_is_listed() -> None:
    found = september([*BILL, line("other", None, 1, "7.00")])
    assert [each["amount"] for each in found.not_compared] == ["7.00"]
