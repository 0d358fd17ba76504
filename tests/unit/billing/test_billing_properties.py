"""What holds for every month: sums agree, order and splitting do not matter, a lost CDR is one difference."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from builders.billing import (
    C1,
    EXAMPLE_PRICES,
    INVENTORY,
    V1,
    V2,
    VIRTUAL,
    A,
    bill_file,
    calls_file,
    cdr,
    closes,
    end_event,
    export_row,
    number_token,
    orders,
    tokens,
)
from privatenumber.billing.closing.statement import Statement, build_statement, present
from privatenumber.billing.rating.rent import Holding, rents_deducted
from privatenumber.billing.reconciliation.call_checks import Account
from privatenumber.billing.reconciliation.compare import Files, Recorded, Resolver, reconcile
from privatenumber.billing.tariff.money import to_fen
from privatenumber.billing.tariff.reading import read_price_book
from privatenumber.store.fact_rows import CdrFact
from privatenumber.times import BEIJING, beijing_day

BEGIN = datetime(2026, 8, 31, 16, tzinfo=UTC)
LAST = datetime(2026, 9, 30, 15, 59, 59, tzinfo=UTC)
ODD_PRICES = read_price_book(
    '[{"valid_from": "2026-01-01", "call": {"virtual": "0.0963", "carrier": "0.1037"}},'
    ' {"valid_from": "2026-09-16", "call": {"virtual": "0.0871", "carrier": "0.1037"}}]'
)
ATTRIBUTION = orders(sub_1="order-1", sub_2="order-2")


@st.composite
def calls(draw: st.DrawFn, number: int = 0) -> CdrFact:
    """A call that ended in September 2026, Beijing time."""
    ended = BEGIN + timedelta(seconds=draw(st.integers(0, int((LAST - BEGIN).total_seconds()))))
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


months = st.integers(0, 25).flatmap(lambda size: st.tuples(*(calls(number) for number in range(size))))


def statement(facts: tuple[CdrFact, ...]) -> Statement:
    held = [Holding(V1, "ax", VIRTUAL), Holding(V2, "axb", VIRTUAL)]
    rents = rents_deducted(held, "2026-09", ODD_PRICES, until=LAST)
    days = closes(facts, prices=ODD_PRICES, attribution=ATTRIBUTION)
    return build_statement("2026-09", days, rents, cost_month_rents=rents, prices=ODD_PRICES, closed=False)


@settings(deadline=None)
@given(months)
def test_the_sums_of_all_views_equal_the_total(facts: tuple[CdrFact, ...]) -> None:
    """billing-rules.md §8.3, invariant."""
    built = statement(facts)
    shown = present(built.document(), built.lines())
    for view in ("by_application", "by_x", "by_order"):
        assert sum(Decimal(row["total"]) for row in shown[view]) == Decimal(shown["exact_total"])
        assert sum(row["minutes"] for row in shown[view]) == shown["calls"]["minutes"]
        assert sum(row["attempts"] for row in shown[view]) == len(facts)
    components = sum((Decimal(part["amount"]) for part in shown["components"]), Decimal(0))
    assert components == Decimal(shown["exact_total"])
    rounded = sum(Decimal(part["rounded"]) for part in shown["components"])
    assert rounded == Decimal(shown["total"])
    assert abs(rounded - to_fen(components)) <= Decimal("0.02")


@settings(deadline=None)
@given(months, st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(facts: tuple[CdrFact, ...], chance: random.Random) -> None:
    shuffled = list(facts)
    chance.shuffle(shuffled)
    one, two = statement(facts), statement(tuple(shuffled))
    assert (one.document(), one.lines()) == (two.document(), two.lines())


@settings(deadline=None)
@given(months)
def test_a_statement_is_the_sum_of_its_facts_rated_one_by_one(facts: tuple[CdrFact, ...]) -> None:
    """Re-rating from facts gives the same amount in any split into days."""
    alone = sum(
        (
            day.close.totals.amount
            for fact in facts
            for day in closes([fact], prices=ODD_PRICES, attribution=ATTRIBUTION)
        ),
        Decimal(0),
    )
    assert alone == Decimal(statement(facts).document()["calls"]["amount"])


@settings(deadline=None)
@given(months)
def test_a_repetition_under_another_session_costs_nothing(facts: tuple[CdrFact, ...]) -> None:
    again = [
        replace(fact, key=(f"{fact.key[0]}-again", fact.key[1]), received_at=fact.received_at + timedelta(1))
        for fact in facts
    ]
    one = statement(facts).document()
    assert statement((*again, *facts)).document()["exact_total"] == one["exact_total"]


@settings(deadline=None)
@given(months.filter(bool), st.data())
def test_a_lost_cdr_is_one_difference_of_its_own_amount(
    facts: tuple[CdrFact, ...], data: st.DataObject
) -> None:
    """Whatever else the month holds: kind, quantity and amount are those of the lost call."""
    facts = tuple(replace(fact, application="axb") for fact in facts)
    lost = data.draw(st.sampled_from(facts))
    lines = [line for day in closes(facts) for line in day.close.lines]
    rows = [
        export_row(
            _beijing(fact.answered_at),
            _beijing(fact.ended_at),
            icid=fact.icid or "",
            x=fact.x or "",
            caller=A,
        )
        for fact in facts
    ]
    bill = [
        f"2026-09,call,{kind},,{minutes},0.10,0,{minutes * Decimal('0.10')}"
        for kind in ("virtual", "carrier")
        if (minutes := sum(line.minutes for line in lines if line.number_type == kind))
    ]
    ends = [
        end_event(
            f"{fact.ended_at:%Y-%m-%d %H:%M:%S}",
            session=fact.session,
            called=number_token(fact.x or ""),
            application="axb",
        )
        for fact in facts
    ]
    kept = [line for line in lines if line.icid != lost.icid]
    recorded = Recorded(
        month="2026-09",
        statement="hash",
        lines=kept,
        rents=(),
        ends=ends,
        ends_nearby=frozenset(end.session for end in ends if end.session),
        sessions_nearby=frozenset(line.session for line in kept if line.session),
    )
    resolver = Resolver(tokens, lambda _: None, lambda _: (), LAST + timedelta(days=5))
    files = Files(calls_file(*rows), bill_file(*bill))
    result = reconcile(recorded, files, Account(EXAMPLE_PRICES, INVENTORY, {}), resolver)
    (found,) = result.differences
    gone = next(line for line in lines if line.icid == lost.icid)
    assert found.kind == "missing_push"
    assert (found.quantity, found.amount) == (Decimal(gone.minutes), gone.amount)
    assert all(row["unexplained"]["amount"] == "0.00" for row in result.head["bill"])


def _beijing(moment: datetime | None) -> str:
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}" if moment else ""


def test_the_calls_of_the_strategy_lie_in_september() -> None:
    assert (beijing_day(BEGIN).isoformat(), beijing_day(LAST).isoformat()) == ("2026-09-01", "2026-09-30")
