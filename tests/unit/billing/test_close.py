"""The close of a part and a day: what is rated, what is only kept, and whose it is; C-149, U-D23."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import C1, EXAMPLE_PRICES, INVENTORY, NO_CALL_PRICE, V1, V2, cdr, utc
from builders.closing import ONE_ORDER, closes, parts, stored_days
from builders.example import sms
from privatenumber.billing.closing.days import ClosedDay, DayClose, day_in
from privatenumber.billing.closing.lines import Belonging, CallLine, Line, read_line
from privatenumber.billing.closing.rated_lines import side_of
from privatenumber.billing.rating.calls import Flag
from privatenumber.billing.tariff.prices import PriceBook, UsageTime
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.sms_rows import SmsFact

DAY = date(2026, 9, 2)


def lines(
    facts: Iterable[CdrFact] = (), texts: Iterable[SmsFact] = (), *contradictions: CdrFact, **how: Any
) -> list[Line]:
    return [line for part in parts(facts, texts, contradictions, **how) for line in part.lines]


def close(facts: Iterable[CdrFact], *contradictions: CdrFact, **how: Any) -> DayClose:
    (closed,) = stored_days(parts(facts, (), contradictions, **how))
    return closed.close


def test_calls_are_summed() -> None:
    totals = close(
        [
            cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35"),
            cdr("2026-09-02 02:00:00", "2026-09-02 02:00:10"),
            cdr(None, "2026-09-02 03:00:00"),
        ]
    ).totals.calls
    assert (totals.attempts, totals.connected, totals.talk_seconds, totals.minutes) == (3, 2, 105, 3)
    assert totals.amount == Decimal("0.30")


def test_texts_are_summed_with_both_countings() -> None:
    """billing-rules.md §4: the platform's number is charged, those of the text are kept."""
    texts = [
        sms(0, id="one", split_num=2, parts_received=3, parts_forwarded=2),
        sms(6, id="two", split_num=0, parts_received=1, parts_forwarded=1),
    ]
    (closed,) = stored_days(parts(texts=texts))
    totals = closed.close.totals.sms
    assert (totals.messages, totals.sent, totals.parts) == (2, 1, 2)
    assert (totals.parts_received, totals.parts_forwarded, totals.amount) == (4, 3, Decimal("0.56"))


def test_a_call_without_price_adds_its_minutes_to_the_unpriced() -> None:
    totals = close([cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35")], prices=NO_CALL_PRICE).totals.calls
    assert (totals.minutes, totals.unpriced_minutes, totals.amount) == (2, 2, Decimal(0))


def test_a_record_of_a_binding_belongs_to_its_order() -> None:
    found = lines(
        [cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35")], [sms(0, id="one", subscription_id="sub-1")]
    )
    assert {(line.item, line.order, line.binding) for line in found} == {
        ("call", "order-1001", "binding-of-order-1001"),
        ("sms", "order-1001", "binding-of-order-1001"),
    }


def test_a_call_without_binding_belongs_to_no_order() -> None:
    (line,) = lines([cdr(None, "2026-09-02 01:00:00", subscription_id=None)])
    assert line.order is None


@pytest.mark.parametrize(
    ("mode", "direction", "side"),
    [
        *((mode, 0, "b") for mode in ("AX", "AXB", "AXE", "AXYB")),
        *((mode, 1, "a") for mode in ("AX", "AXB", "AXE", "AXYB")),
        *(("AXB", 2, None), ("AXB", None, None), ("X", 0, None), ("X", 1, None), (None, 1, None)),
    ],
)
def test_who_began_is_told_by_mode_and_direction(
    mode: str | None, direction: int | None, side: str | None
) -> None:
    """notifications.md §5.3."""
    assert side_of(mode, direction) == side


def test_the_mode_says_how_many_legs_are_charged() -> None:
    """billing-rules.md §3.1."""
    (prices,) = EXAMPLE_PRICES.lists
    double = PriceBook([replace(prices, legs={**prices.legs, **dict.fromkeys(prices.legs, 2)})])
    (line,) = lines([cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35")], prices=double)
    assert (line.units, line.amount) == (4, Decimal("0.40"))


def test_a_second_record_with_the_same_id_is_kept_and_not_charged() -> None:
    """billing-rules.md §8.2 K06: the first one received is rated, whatever the order they are read in."""
    first = cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35", icid="one", session="s")
    second = replace(
        cdr("2026-09-02 01:00:00", "2026-09-02 01:05:00", icid="one", session="s", digest="second"),
        received_at=utc("2026-09-02 09:00:00"),
    )
    for facts in ([first, second], [second, first]):
        assert close(facts).totals.calls.minutes == 2
        assert close(facts).totals.calls.attempts == 1
        assert {line.digest: line.flags for line in lines(facts)}["second"] == (Flag.RECORD_CONFLICT,)


def test_a_contradicting_record_is_kept_and_not_charged() -> None:
    first = cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35", icid="one")
    other = cdr("2026-09-02 01:00:00", "2026-09-02 01:09:00", icid="one", digest="other")
    closed = close([first], other)
    assert closed.totals.calls.minutes == 2
    assert closed.document()["flags"] == {"record_conflict": 1}
    assert closed.document()["records"] == 2


def test_two_records_of_one_call_are_both_charged_and_flagged() -> None:
    """notifications.md §9.2: same sessionId, different icid."""
    facts = [
        cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30", icid="one", session="s"),
        cdr("2026-09-02 01:00:40", "2026-09-02 01:01:00", icid="two", session="s"),
    ]
    assert close(facts).totals.calls.minutes == 2
    assert all(line.flags == (Flag.SAME_SESSION,) for line in lines(facts))


def test_records_without_an_id_are_all_rated() -> None:
    facts = [cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30", icid=None, session=f"s{n}") for n in range(2)]
    assert close(facts).totals.calls.minutes == 2


def test_lines_lead_to_their_facts() -> None:
    (line,) = lines([cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30", icid="one", session="s")])
    assert line.fact == "CALL#demo#s/CDR#one"


def test_the_hash_does_not_depend_on_the_order_of_the_facts() -> None:
    facts = [cdr("2026-09-02 01:00:00", f"2026-09-02 01:00:{n:02d}") for n in range(10, 20)]
    assert close(facts).hash() == close(facts[::-1]).hash()


def test_the_hash_changes_with_anything_that_decides_the_amount() -> None:
    fact = cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30", icid="one")
    hashes = {
        close([fact]).hash(),
        close([fact], prices=NO_CALL_PRICE).hash(),
        close([fact], attribution=lambda fact, x: Belonging(order="other")).hash(),
        close([cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30", icid="one", digest="changed")]).hash(),
    }
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("ended", "day"),
    [("2026-09-02 15:59:59", date(2026, 9, 2)), ("2026-09-02 16:00:00", date(2026, 9, 3))],
)
def test_a_day_ends_at_16_00_utc(ended: str, day: date) -> None:
    """U-D24."""
    (closed,) = closes([cdr("2026-09-02 15:00:00", ended)])
    assert closed.close.day == day


def test_a_call_over_midnight_may_belong_to_the_day_of_its_answer() -> None:
    """billing-rules.md §3.3, `backend.billing.usage_time` = answer."""
    prices = replace(EXAMPLE_PRICES, usage_time=UsageTime.ANSWER)
    (closed,) = closes([cdr("2026-09-02 15:59:00", "2026-09-02 16:05:00")], prices=prices)
    assert (closed.close.day, closed.close.totals.calls.minutes) == (DAY, 6)


def test_a_line_is_read_as_it_was_written() -> None:
    facts = [
        cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30"),
        cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30", x=V1, display_x=C1),
        cdr(None, "2026-09-02 01:00:00", x=None, icid=None),
    ]
    for prices in (EXAMPLE_PRICES, NO_CALL_PRICE):
        for line in lines(facts, [sms(0, id="one"), sms(9, id="two", x=None)], prices=prices):
            assert read_line(line.document()) == line


def test_a_day_is_read_as_it_was_written() -> None:
    found = parts([cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30")], attribution=ONE_ORDER)
    (closed,) = stored_days(found)
    assert day_in(closed.version, closed.close.lines()) == closed.close


def test_a_day_leaves_out_parts_without_records() -> None:
    (part,) = parts([cdr(None, "2026-09-02 01:00:00")])
    hollow = replace(part, lines=())
    (closed,) = stored_days([hollow])
    assert (closed.close.parts, closed.close.cells, closed.close.records) == ((), (), 0)


def test_no_person_appears_in_a_close() -> None:
    found = lines([cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30")], [sms(0, id="one")])
    texts = str([line.document() for line in found])
    assert "1380013800" not in texts
    assert V2 in texts
    assert V2 in INVENTORY


def test_a_day_holds_no_one_who_called() -> None:
    """Cells are sums: not even the token of a person is in them."""
    fact = cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30")
    (closed,) = closes([fact])
    assert isinstance(closed, ClosedDay)
    assert fact.caller
    assert fact.caller in str([line.document() for line in lines([fact]) if isinstance(line, CallLine)])
    assert fact.caller not in str(closed.close.lines())
