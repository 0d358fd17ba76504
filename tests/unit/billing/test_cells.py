"""Cells of a day, and which days of a month are opened to their lines (billing-rules.md §5)."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from builders.billing import C1, NO_CALL_PRICE, V2, cdr, utc
from builders.closing import parts, rated, usage
from builders.example import sms
from privatenumber.billing.closing.cells import Cell, cells_of
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.store.fact_rows import CdrFact

DAY = date(2026, 9, 2)
SMALL = PackageOrder("order-1", utc("2026-08-20 00:00:00"), 5, 2, Decimal(38))
LARGE = PackageOrder("order-2", utc("2026-08-21 00:00:00"), 500, 50, Decimal(38))


def call(day: int, hour: int, seconds: int, **changes: Any) -> CdrFact:
    begin = utc(f"2026-09-{day:02d} {hour:02d}:00:00")
    return cdr(
        None,
        None,
        answered_at=begin,
        ended_at=begin + timedelta(seconds=seconds),
        failed_at=None,
        received_at=begin + timedelta(seconds=seconds),
        **changes,
    )


def cells(*facts: CdrFact, **how: Any) -> tuple[Cell, ...]:
    return cells_of(DAY, rated(facts, **how))


def test_records_with_everything_in_common_are_one_cell() -> None:
    (cell,) = cells(call(2, 1, 95), call(2, 2, 10), call(2, 3, 60))
    assert (cell.records, cell.count, cell.successes, cell.talk_seconds, cell.units) == (3, 3, 3, 165, 4)
    assert cell.amount == Decimal("0.40")


def test_number_price_and_order_tell_cells_apart() -> None:
    found = cells(call(2, 1, 95), call(2, 2, 10, x=C1, display_x=C1), call(2, 3, 60, subscription_id=None))
    assert {(cell.x, cell.order) for cell in found} == {(V2, "order-1001"), (C1, "order-1001"), (V2, None)}


def test_a_contradicting_record_stands_behind_its_cell_and_counts_nothing() -> None:
    (first,) = rated([call(2, 1, 95, icid="one")])
    other = rated(contradictions=[call(2, 1, 600, icid="one", digest="other")])
    found = cells_of(DAY, [first, *other])
    assert sum(cell.records for cell in found) == 2
    assert sum(cell.count for cell in found) == 1
    assert sum(cell.units for cell in found) == 2


def test_units_without_a_price_are_unpriced_unless_a_package_pays_them() -> None:
    (cell,) = cells(call(2, 1, 95), prices=NO_CALL_PRICE)
    assert (cell.unpriced, cell.amount) == (2, Decimal(0))
    assert cell.paid_by({"order-1": 2}).unpriced == 0


def test_a_day_that_one_package_pays_is_not_opened() -> None:
    found = parts([call(2, 1, 95), call(3, 1, 61)])
    use = usage(found, [LARGE])
    assert use.opened == ()
    assert [dict(cell.packaged) for cell in use.cells] == [{"order-2": 2}, {"order-2": 2}]


def test_only_the_day_in_which_a_package_runs_out_is_opened() -> None:
    found = parts([call(day, 1, 95) for day in (2, 3, 4, 5)])
    use = usage(found, [SMALL])
    assert use.opened == (date(2026, 9, 4),)
    assert [cell.charged_units for cell in use.cells] == [0, 0, 1, 2]


def test_the_next_package_pays_what_the_first_one_cannot() -> None:
    use = usage(parts([call(2, 1, 3600)]), [LARGE, SMALL])
    (cell,) = use.cells
    assert dict(cell.packaged) == {"order-1": 5, "order-2": 55}


def test_a_package_that_begins_within_a_day_pays_what_ends_after() -> None:
    """billing-rules.md §5: judged by the usage time; 10:03 → 11:00 Beijing."""
    bought = PackageOrder("order-1", utc("2026-09-02 02:03:00"), 500, 50, Decimal(38))
    found = parts([call(2, 2, 3599), call(2, 2, 3600)])
    use = usage(found, [bought])
    assert use.opened == (DAY,)
    assert [(cell.package_units, cell.charged_units) for cell in use.cells] == [(60, 60)]


def test_a_package_that_begins_with_a_day_opens_nothing() -> None:
    bought = PackageOrder("order-1", utc("2026-09-01 15:30:00"), 500, 50, Decimal(38))
    use = usage(parts([call(2, 1, 60)]), [bought])
    assert (use.opened, use.cells[0].package_units) == ((), 1)


def test_texts_of_carrier_numbers_are_paid_by_no_package() -> None:
    texts = [sms(0, id="one", x=C1, split_num=2), sms(0, id="two", x=V2, split_num=1)]
    use = usage(parts(texts=texts), [LARGE])
    assert {cell.x: cell.package_units for cell in use.cells} == {C1: 0, V2: 1}
    assert use.opened == ()


def test_minutes_may_run_out_while_parts_do_not() -> None:
    texts = [sms(0, id="one", split_num=1)]
    use = usage(parts([call(2, 1, 600)], texts), [SMALL])
    assert {cell.item: (cell.package_units, cell.charged_units) for cell in use.cells} == {
        "call": (5, 5),
        "sms": (1, 0),
    }
