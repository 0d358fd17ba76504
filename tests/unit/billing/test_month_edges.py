"""The edges of a month, and what single lines tell its money check (billing-rules.md §3.3, §4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from builders.billing import C1, EXAMPLE_PRICES, V1, cdr, utc
from builders.closing import parts
from builders.example import sms
from builders.money import CALLS, CARRIER, CARRIER_CALLS, TEXTS, VIRTUAL
from privatenumber.billing.closing.cells import cells_of
from privatenumber.billing.closing.lines import Line
from privatenumber.billing.rating.rent import first_day, last_day
from privatenumber.billing.reconciliation.differences import Difference, Kind
from privatenumber.billing.reconciliation.edges import Edge
from privatenumber.billing.reconciliation.sums import Look, day_sums, days_told, sums_of, usage_by_x
from privatenumber.billing.tariff.prices import Item
from privatenumber.times import beijing_day

SEPTEMBER = (first_day("2026-09"), last_day("2026-09"))


def lines(*facts: Any, texts: Any = ()) -> list[Line]:
    return [line for part in parts(facts, texts) for line in part.lines]


def call(answered: str | None, ended: str, x: str = V1, **changes: Any) -> Any:
    return cdr(
        f"2026-{answered}" if answered else None,
        f"2026-{ended}",
        x=x,
        display_x=x if answered else None,
        **changes,
    )


def looked(*facts: Any, texts: Any = (), by_end: bool = True, covered: bool = False) -> Look:
    look = Look("2026-09", lambda *use: covered, by_end)
    assert len(list(look.watch(lines(*facts, texts=texts)))) == len(facts) + len(texts)
    return look


def edges(look: Look) -> dict[str, tuple[int, Decimal]]:
    return {edge.name: (part.units, part.amount) for edge in look.edges for part in [edge.parts[CALLS]]}


@pytest.mark.parametrize(
    ("answered", "ended", "found"),
    [
        ("09-30 15:58:00", "09-30 15:59:59", {}),
        ("09-30 15:58:00", "09-30 16:01:00", {"answer": (3, Decimal("0.30")), "utc": (3, Decimal("0.30"))}),
        ("09-30 16:00:00", "09-30 16:01:00", {"utc": (1, Decimal("0.10"))}),
        ("09-30 23:58:00", "09-30 23:59:59", {"utc": (2, Decimal("0.20"))}),
        ("09-30 23:59:00", "10-01 00:00:00", {}),
        (
            "08-31 15:58:00",
            "08-31 16:01:00",
            {"answer": (-3, Decimal("-0.30")), "utc": (-3, Decimal("-0.30"))},
        ),
        ("09-15 01:00:00", "09-15 01:01:00", {}),
    ],
    ids=[
        "ends before midnight",
        "over midnight",
        "after midnight in Beijing",
        "just before midnight UTC",
        "at midnight UTC",
        "into the month",
        "in the middle",
    ],
)
def test_a_call_near_an_edge_may_belong_to_the_other_month(
    answered: str, ended: str, found: dict[str, tuple[int, Decimal]]
) -> None:
    assert edges(looked(call(answered, ended))) == found


def test_an_unanswered_call_changes_no_month() -> None:
    assert edges(looked(call(None, "09-30 16:01:00"))) == {}


def test_calls_that_we_count_by_their_answer_have_no_such_edge() -> None:
    assert "answer" not in edges(looked(call("09-30 15:58:00", "09-30 16:01:00"), by_end=False))


def test_an_edge_names_some_of_its_records_and_what_a_package_may_pay() -> None:
    facts = [call("09-30 15:58:00", f"09-30 16:0{n}:00", icid=f"icid-{n}") for n in (1, 2)]
    answer = next(edge for edge in looked(*facts, covered=True).edges if edge.name == "answer")
    assert len(answer.facts) == 2
    assert answer.parts[CALLS].covered == answer.parts[CALLS].units == 7
    assert answer.of(Item.CALL, [VIRTUAL, CARRIER]) == answer.parts[CALLS]


def test_hours_with_a_charged_record_are_counted_once_each() -> None:
    """billing-rules.md §9.3: 0.01 more per settled hour."""
    facts = [
        call("09-02 01:00:00", "09-02 01:01:00"),
        call("09-02 01:50:00", "09-02 01:59:59"),
        call("09-02 01:59:00", "09-02 02:00:00"),
        call(None, "09-02 05:00:00"),
        call("09-02 01:00:00", "09-02 01:01:00", C1),
        call("09-30 15:58:00", "09-30 16:01:00"),
    ]
    look = looked(*facts)
    assert (len(look.hours[CALLS]), len(look.hours[CARRIER_CALLS])) == (2, 1)


def test_the_marker_counts_parts_that_were_received_and_not_forwarded() -> None:
    """C-061."""
    texts = [
        sms(0, id="sms-1", x=V1, split_num=1, parts_received=2, parts_forwarded=1),
        sms(0, id="sms-2", x=V1, split_num=2, parts_received=1, parts_forwarded=2),
        sms(6, id="sms-3", x=V1, split_num=0, parts_received=2, parts_forwarded=1),
    ]
    assert looked(texts=texts).marker[TEXTS] == 1


def test_the_sums_of_components_days_and_numbers_come_from_the_same_cells() -> None:
    found = lines(
        call("09-02 01:00:00", "09-02 01:01:01"),
        call(None, "09-02 05:00:00"),
        texts=[sms(0, x=V1, split_num=3)],
    )
    cells = cells_of(beijing_day(utc("2026-09-02 01:00:00")), found)
    sums = sums_of(cells, EXAMPLE_PRICES, SEPTEMBER, Look("2026-09", lambda *use: False))
    assert (sums[CALLS].units, sums[CALLS].amount, sums[CALLS].unit_price) == (
        2,
        Decimal("0.20"),
        Decimal("0.10"),
    )
    assert (sums[TEXTS].units, sums[TEXTS].amount) == (3, Decimal("0.84"))
    assert usage_by_x(cells)[V1][Item.CALL].units == 2
    counted = sum((each.attempts for each in day_sums(cells).values()), 0)
    assert counted == 2


@pytest.mark.parametrize(
    ("kind", "item", "quantity", "evidence", "counted"),
    [
        (Kind.MISSING_PUSH, Item.CALL, 3, {"talk_seconds": 150}, (1, 1, 150, 0, 0, 0)),
        (Kind.MISSING_PUSH, Item.CALL, 0, {"talk_seconds": 0}, (1, 0, 0, 0, 0, 0)),
        (Kind.MISSING_PUSH, Item.SMS, 2, {}, (0, 0, 0, 1, 1, 2)),
        (Kind.MINUTES_DIFF, Item.CALL, 1, {"seconds": 60}, (0, 0, 60, 0, 0, 0)),
        (Kind.PARTS_DIFF, Item.SMS, 1, {}, (0, 0, 0, 0, 0, 1)),
    ],
)
def test_a_record_that_differs_explains_a_day_of_the_statistics(
    kind: Kind, item: Item, quantity: int, evidence: dict[str, int], counted: tuple[int, ...]
) -> None:
    at = utc("2026-09-02 17:00:00")
    found = Difference(
        kind, "cause", "action", Decimal(0), Decimal(quantity), "demo", at=at, item=item, evidence=evidence
    )
    (((application, day), sums),) = days_told([found]).items()
    assert (application, day) == ("demo", beijing_day(at))
    names = ("attempts", "connected", "duration_s", "sms_sends", "sms_success", "sms_parts")
    assert tuple(getattr(sums, name) for name in names) == counted


def test_what_stands_at_no_edge_is_nothing() -> None:
    assert Edge("utc").of(Item.SMS, [VIRTUAL]).units == 0
