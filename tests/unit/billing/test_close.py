"""The close of a day: what is rated, what is only kept, and whose it is; C-149, U-D23."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import APP, EXAMPLE_PRICES, INVENTORY, NO_CALL_PRICE, ONE_ORDER, V2, cdr, closes, utc
from privatenumber.billing.closing.days import DayClose, close_day
from privatenumber.billing.closing.lines import read_line
from privatenumber.billing.rating.calls import Flag
from privatenumber.store.fact_rows import CdrFact

DAY = date(2026, 9, 2)


def close(facts: Iterable[CdrFact], contradictions: Iterable[CdrFact] = (), **parts: Any) -> DayClose:
    known = {"attribution": ONE_ORDER, "prices": EXAMPLE_PRICES, "inventory": INVENTORY, **parts}
    return close_day(APP, DAY, facts, contradictions, **known)


def test_calls_are_summed() -> None:
    totals = close(
        [
            cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35"),
            cdr("2026-09-02 02:00:00", "2026-09-02 02:00:10"),
            cdr(None, "2026-09-02 03:00:00"),
        ]
    ).totals
    assert (totals.attempts, totals.connected, totals.talk_seconds, totals.minutes) == (3, 2, 105, 3)
    assert totals.amount == Decimal("0.30")


def test_a_call_without_price_adds_its_minutes_to_the_unpriced() -> None:
    totals = close([cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35")], prices=NO_CALL_PRICE).totals
    assert (totals.minutes, totals.unpriced_minutes, totals.amount) == (2, 2, Decimal(0))


def test_a_call_of_a_binding_belongs_to_its_order() -> None:
    (line,) = close([cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35")]).lines
    assert (line.order, line.binding) == ("order-1001", "binding-of-order-1001")


def test_a_call_without_binding_belongs_to_no_order() -> None:
    (line,) = close([cdr(None, "2026-09-02 01:00:00", subscription_id=None)]).lines
    assert line.order is None


def test_a_second_record_with_the_same_id_is_kept_and_not_charged() -> None:
    """billing-rules.md §8.2 K06: the first one received is rated, whatever the order they are read in."""
    first = cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35", icid="one", session="s1")
    second = cdr(
        "2026-09-02 01:00:00",
        "2026-09-02 01:05:00",
        icid="one",
        session="s2",
        received_at=utc("2026-09-02 09:00:00"),
    )
    for facts in ([first, second], [second, first]):
        closed = close(facts)
        assert closed.totals.minutes == 2
        assert closed.totals.attempts == 1
        assert {line.digest: line.flags for line in closed.lines}[second.digest]
        assert [Flag.RECORD_CONFLICT in line.flags for line in closed.lines] == [False, True]


def test_a_contradicting_record_is_kept_and_not_charged() -> None:
    first = cdr("2026-09-02 01:00:00", "2026-09-02 01:01:35", icid="one")
    other = cdr("2026-09-02 01:00:00", "2026-09-02 01:09:00", icid="one", digest="other")
    closed = close([first], [other])
    assert closed.totals.minutes == 2
    assert closed.document()["flags"] == {"record_conflict": 1}
    assert closed.document()["records"] == 2


def test_two_records_of_one_call_are_both_charged_and_flagged() -> None:
    """notifications.md §9.2: same sessionId, different icid."""
    facts = [
        cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30", icid="one", session="s"),
        cdr("2026-09-02 01:00:40", "2026-09-02 01:01:00", icid="two", session="s"),
    ]
    closed = close(facts)
    assert closed.totals.minutes == 2
    assert all(line.flags == (Flag.SAME_SESSION,) for line in closed.lines)


def test_records_without_an_id_are_all_rated() -> None:
    facts = [cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30", icid=None, session=f"s{n}") for n in range(2)]
    assert close(facts).totals.minutes == 2


def test_lines_lead_to_their_facts() -> None:
    (line,) = close([cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30", icid="one", session="s")]).lines
    assert line.fact == "CALL#demo#s/CDR#one"


def test_the_hash_does_not_depend_on_the_order_of_the_facts() -> None:
    facts = [cdr("2026-09-02 01:00:00", f"2026-09-02 01:00:{n:02d}") for n in range(10, 20)]
    assert close(facts).hash() == close(facts[::-1]).hash()


def test_the_hash_changes_with_anything_that_decides_the_amount() -> None:
    fact = cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30", icid="one")
    hashes = {
        close([fact]).hash(),
        close([fact], prices=NO_CALL_PRICE).hash(),
        close([fact], attribution=lambda _: ("other", "b")).hash(),
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


def test_a_line_is_read_as_it_was_written() -> None:
    facts = [
        cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30"),
        cdr(None, "2026-09-02 01:00:00", x=None, icid=None),
    ]
    for prices in (EXAMPLE_PRICES, NO_CALL_PRICE):
        for line in close(facts, prices=prices).lines:
            assert read_line(line.document()) == line


def test_no_person_appears_in_a_close() -> None:
    closed = close([cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30")])
    texts = str([line.document() for line in closed.lines])
    assert "13800138001" not in texts
    assert V2 in texts
