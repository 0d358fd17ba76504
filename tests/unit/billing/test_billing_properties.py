"""What holds for every month: sums agree, order and splitting do not matter, packages pay alike."""

import csv
import io
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from builders.billing import C1, CARRIER, V1, V2, VIRTUAL, cdr
from builders.closing import closes, orders, parts, stated, usage
from builders.example import sms
from builders.focus_rules import broken_rules
from privatenumber.billing.closing.allocation import Options
from privatenumber.billing.closing.cells import cells_of, merge_cells, read_cell
from privatenumber.billing.closing.presented import present
from privatenumber.billing.closing.statement import Statement
from privatenumber.billing.outputs.focus import focus
from privatenumber.billing.outputs.focus_row import COLUMNS
from privatenumber.billing.rating.rent import Holding, rents_deducted
from privatenumber.billing.tariff.money import to_fen
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.reading import read_price_book
from privatenumber.settings import PackageAllocation
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.sms_rows import SmsFact
from privatenumber.times import beijing_day

BEGIN = datetime(2026, 8, 31, 16, tzinfo=UTC)
LAST = datetime(2026, 9, 30, 15, 59, 59, tzinfo=UTC)
ODD_PRICES = read_price_book(
    '[{"valid_from": "2026-01-01", "call": {"virtual": "0.0963", "carrier": "0.1037"}},'
    ' {"valid_from": "2026-09-16", "call": {"virtual": "0.0871", "carrier": "0.1037"}}]'
)
ATTRIBUTION = orders(sub_1="order-1", sub_2="order-2")
INVENTORY = {V1: VIRTUAL, V2: VIRTUAL, C1: CARRIER}
Facts = tuple[tuple[CdrFact, ...], tuple[SmsFact, ...]]


def moments() -> st.SearchStrategy[datetime]:
    """A moment of September 2026, Beijing time; often at the same one of a few."""
    spread = st.integers(0, int((LAST - BEGIN).total_seconds()))
    crowded = st.sampled_from([86_400 * 3, 86_400 * 3 + 40, 86_400 * 15])
    return st.one_of(spread, crowded).map(lambda s: BEGIN + timedelta(seconds=s))


@st.composite
def calls(draw: st.DrawFn, number: int = 0) -> CdrFact:
    """A call that ended in September."""
    ended = draw(moments())
    talk = draw(st.none() | st.integers(0, 7300))
    x = draw(st.sampled_from([V1, V2, C1]))
    return cdr(
        None,
        None,
        icid=f"icid-{number}",
        application=draw(st.sampled_from(["ax", "axb"])),
        x=x,
        display_x=x if talk is not None else None,
        ended_at=ended,
        answered_at=None if talk is None else ended - timedelta(seconds=talk),
        failed_at=ended if talk is None else None,
        received_at=ended,
        subscription_id=draw(st.sampled_from(["sub-1", "sub-2", "sub-3", None])),
    )


@st.composite
def texts(draw: st.DrawFn, number: int = 0) -> SmsFact:
    """A text of September."""
    return sms(
        draw(st.sampled_from([0, 0, 9, 6])),
        id=f"sms-{number}",
        application=draw(st.sampled_from(["ax", "axb"])),
        at=draw(moments()),
        x=draw(st.sampled_from([V1, C1])),
        split_num=draw(st.integers(0, 4)),
    )


@st.composite
def months(draw: st.DrawFn) -> Facts:
    """Some calls and texts."""
    return (
        tuple(draw(calls(number)) for number in range(draw(st.integers(0, 18)))),
        tuple(draw(texts(number)) for number in range(draw(st.integers(0, 8)))),
    )


@st.composite
def packages(draw: st.DrawFn) -> list[PackageOrder]:
    """Up to three purchases around September: some begin in it, some end in it, some are small."""
    return [
        PackageOrder(
            f"order-{number}",
            draw(moments()) - timedelta(days=draw(st.sampled_from([0, 20, 365]))),
            draw(st.integers(0, 300)),
            draw(st.integers(1, 12)),
            Decimal(draw(st.integers(1, 99))),
        )
        for number in range(draw(st.integers(0, 3)))
    ]


def statement(facts: Facts, bought: list[PackageOrder], options: Options | None = None) -> Statement:
    held = [Holding(V1, "ax", VIRTUAL), Holding(V2, "axb", VIRTUAL)]
    rents = rents_deducted(held, "2026-09", ODD_PRICES, until=LAST)
    return stated(
        facts[0],
        texts=facts[1],
        packages=bought,
        rents=rents,
        prices=ODD_PRICES,
        attribution=ATTRIBUTION,
        inventory=INVENTORY,
        options=options,
    )


@settings(deadline=None, max_examples=30)
@given(months(), packages())
def test_the_sums_of_all_views_equal_the_total(facts: Facts, bought: list[PackageOrder]) -> None:
    """billing-rules.md §8.3, invariant."""
    built = statement(facts, bought)
    shown = present(built.document(), built.lines())
    for view in ("by_application", "by_x", "by_order"):
        assert sum(Decimal(row["total"]) for row in shown[view]) == Decimal(shown["exact_total"])
        assert sum(row["minutes"] for row in shown[view]) == shown["calls"]["minutes"]
        assert sum(row["parts"] for row in shown[view]) == shown["sms"]["parts"]
        assert sum(row["attempts"] for row in shown[view]) == len(facts[0])
    for shares in shown["shares"].values():
        assert sum(Decimal(share["total"]) for share in shares) == Decimal(shown["cost_total"])
    components = sum((Decimal(part["amount"]) for part in shown["components"]), Decimal(0))
    assert components == Decimal(shown["exact_total"])
    rounded = sum(Decimal(part["rounded"]) for part in shown["components"])
    assert rounded == Decimal(shown["total"])
    assert abs(rounded - to_fen(components)) <= Decimal("0.03")


@settings(deadline=None, max_examples=30)
@given(months(), packages(), st.sampled_from(PackageAllocation))
def test_a_data_set_of_costs_keeps_the_rules_and_adds_up(
    facts: Facts, bought: list[PackageOrder], how: PackageAllocation
) -> None:
    """FOCUS 1.0: billed is what was deducted, effective what the month cost, of each package its part."""
    built = statement(facts, bought, Options(packages=how))
    document = {**built.document(), "lines": list(built.lines())}
    text = b"".join(focus(document)).decode()
    rows = [{name: cell or None for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]
    assert broken_rules(COLUMNS, rows) == []

    def total(column: str, **cells: str) -> Decimal:
        found = (row for row in rows if all(row[name] == cell for name, cell in cells.items()))
        return sum((Decimal(row[column] or "NaN") for row in found), Decimal(0))

    assert total("BilledCost") == Decimal(document["total"])
    assert total("EffectiveCost") == Decimal(document["cost_total"])
    for package in document["packages"]:
        cost = total("EffectiveCost", CommitmentDiscountId=package["number"])
        assert cost == Decimal(package["cost"])
    covered = [row for row in rows if row["CommitmentDiscountStatus"]]
    assert all(Decimal(row["EffectiveCost"] or "NaN") >= 0 for row in covered)


@settings(deadline=None, max_examples=30)
@given(months(), packages())
def test_opening_only_some_days_comes_to_the_same_as_opening_all(
    facts: Facts, bought: list[PackageOrder]
) -> None:
    """A day is opened to its lines only when a package begins, ends or runs out in it."""
    found = parts(facts[0], facts[1], inventory=INVENTORY)
    some, every = usage(found, bought), usage(found, bought, open_all=True)
    assert (some.cells, some.after) == (every.cells, every.after)
    assert {*some.opened} <= {*every.opened}


@settings(deadline=None, max_examples=30)
@given(months(), packages(), st.randoms(use_true_random=False))
def test_re_rating_gives_the_same_in_any_order_and_any_split(
    facts: Facts, bought: list[PackageOrder], chance: random.Random
) -> None:
    """The same facts, shuffled and spread over other parts of their days, are the same month to the fen."""
    cdrs, notices = list(facts[0]), list(facts[1])
    chance.shuffle(cdrs)
    chance.shuffle(notices)
    shards: dict[str, int] = {}

    def shard(name: str) -> int:
        return shards.setdefault(name, chance.randrange(8))

    one = usage(parts(facts[0], facts[1], inventory=INVENTORY, shard=lambda _: 0), bought)
    two = usage(parts(cdrs, notices, inventory=INVENTORY, shard=shard), bought)
    assert (one.cells, one.after) == (two.cells, two.after)


@settings(deadline=None, max_examples=30)
@given(months(), packages())
def test_a_repetition_of_everything_is_the_same_statement(facts: Facts, bought: list[PackageOrder]) -> None:
    one, two = statement(facts, bought), statement((facts[0][::-1], facts[1][::-1]), bought[::-1])
    assert (one.document(), list(one.lines())) == (two.document(), list(two.lines()))


@settings(deadline=None, max_examples=30)
@given(months())
def test_without_packages_a_month_is_the_sum_of_its_facts_rated_one_by_one(facts: Facts) -> None:
    how: dict[str, Any] = {"prices": ODD_PRICES, "attribution": ATTRIBUTION, "inventory": INVENTORY}
    alone = Decimal(0)
    for fact in facts[0]:
        alone += sum(day.close.totals.calls.amount for day in closes([fact], **how))
    for text in facts[1]:
        alone += sum(day.close.totals.sms.amount for day in closes(texts=[text], **how))
    document = statement(facts, []).document()
    assert alone == Decimal(document["calls"]["amount"]) + Decimal(document["sms"]["amount"])


@settings(deadline=None, max_examples=30)
@given(months())
def test_a_repetition_in_the_same_call_costs_nothing(facts: Facts) -> None:
    again = [
        replace(fact, key=(fact.key[0], f"{fact.key[1]}-again"), received_at=fact.received_at + timedelta(1))
        for fact in facts[0]
    ]
    one = statement(facts, []).document()
    assert statement(((*again, *facts[0]), facts[1]), []).document()["exact_total"] == one["exact_total"]


@settings(deadline=None, max_examples=30)
@given(months(), st.integers(1, 5))
def test_cells_are_sums_that_may_be_made_in_pieces(facts: Facts, pieces: int) -> None:
    for part in parts(facts[0], facts[1], inventory=INVENTORY, shard=lambda _: 0):
        day = part.part.day
        pieced = [cell for at in range(pieces) for cell in cells_of(day, part.lines[at::pieces])]
        assert merge_cells(pieced) == part.cells
        assert tuple(read_cell(cell.document()) for cell in part.cells) == part.cells


def test_the_calls_of_the_strategy_lie_in_september() -> None:
    assert (beijing_day(BEGIN).isoformat(), beijing_day(LAST).isoformat()) == ("2026-09-01", "2026-09-30")
