"""Three views of a month: billing-rules.md §9.3; U-N04. Each cause is found once, and nothing else."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import (
    APP_KEY,
    C1,
    EXAMPLE_PRICES,
    INVENTORY,
    NO_CALL_PRICE,
    V1,
    V2,
    VIRTUAL,
    A,
    B,
    bill_file,
    calls_file,
    cdr,
    closes,
    end_event,
    export_row,
    number_token,
    tokens,
    utc,
)
from privatenumber.billing.closing.days import close_day
from privatenumber.billing.closing.lines import CallLine
from privatenumber.billing.rating.rent import Holding, Rent, rents_deducted
from privatenumber.billing.reconciliation.call_checks import Account
from privatenumber.billing.reconciliation.compare import Files, Reconciliation, Recorded, Resolver, reconcile
from privatenumber.billing.reconciliation.exports_in import Imported, ImportedCall, ImportedCharge
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.privacy import PSEUDONYM, TOKEN_LENGTH
from privatenumber.store.fact_rows import CdrFact, EventFact

FACTS = [
    cdr("2026-09-02 01:00:08", "2026-09-02 01:01:10", icid="icid-a", session="s-a"),
    cdr("2026-09-03 01:00:00", "2026-09-03 01:03:01", icid="icid-b", session="s-b"),
    cdr(None, "2026-09-03 02:00:00", icid="icid-c", session="s-c", x=V1),
]
ROWS = [
    export_row("2026-09-02 09:00:08", "2026-09-02 09:01:10", icid="icid-a", billed_minutes="2"),
    export_row("2026-09-03 09:00:00", "2026-09-03 09:03:01", icid="icid-b", billed_minutes="4"),
    export_row("", "2026-09-03 10:00:00", icid="icid-c", x=V1, billed_minutes="0"),
]
ENDS = [
    end_event("2026-09-02 01:01:10", session="s-a"),
    end_event("2026-09-03 01:03:01", session="s-b"),
    end_event("2026-09-03 02:00:00", session="s-c", called=number_token(V1)),
]
RENTS = rents_deducted(
    [Holding(V1, "demo", VIRTUAL), Holding(V2, "demo", VIRTUAL)],
    "2026-09",
    EXAMPLE_PRICES,
    until=utc("2026-10-01 00:00:00"),
)
CALL_LINE, RENT_LINE = "2026-09,call,virtual,,6,0.10,0,0.60", "2026-09,rent,virtual,,2,5,0,10.00"
AFTER = utc("2026-10-05 00:00:00")


def compare(
    *,
    facts: Iterable[CdrFact] = FACTS,
    contradictions: Sequence[CdrFact] = (),
    rows: Sequence[str] = tuple(ROWS),
    bill: Sequence[str] = (CALL_LINE, RENT_LINE),
    ends: Sequence[EventFact] = tuple(ENDS),
    rents: Sequence[Rent] = RENTS,
    prices: PriceBook = EXAMPLE_PRICES,
    as_of: datetime = AFTER,
    calls: Imported[ImportedCall] | None = None,
    charges: Imported[ImportedCharge] | None = None,
    inventory: Any = INVENTORY,
    callers: dict[str, str] | None = None,
    events: Sequence[EventFact] = (),
    late: Any = None,
) -> Reconciliation:
    lines = [line for day in closes(facts, prices=prices, inventory=inventory) for line in day.close.lines]
    lines += _contradicting(contradictions)
    recorded = Recorded(
        month="2026-09",
        statement="hash",
        lines=lines,
        rents=rents,
        ends=ends,
        ends_nearby=frozenset(end.session for end in ends if end.session),
        sessions_nearby=frozenset(line.session for line in lines if line.session),
        late=late,
    )
    resolver = Resolver(
        tokens=tokens,
        caller_of=lambda line: (callers or {}).get(line.icid or ""),
        events_of=lambda end: [event for event in (*ends, *events) if event.session == end.session],
        as_of=as_of,
    )
    files = Files(calls or calls_file(*rows), charges or bill_file(*bill))
    return reconcile(recorded, files, Account(prices, inventory, {APP_KEY: "demo"}), resolver)


def _contradicting(facts: Sequence[CdrFact]) -> list[CallLine]:
    if not facts:
        return []
    parts: dict[str, Any] = {
        "attribution": lambda _: (None, None),
        "prices": EXAMPLE_PRICES,
        "inventory": INVENTORY,
    }
    return list(close_day("demo", utc("2026-09-02 00:00:00").date(), [], facts, **parts).lines)


def unnamed(row: str) -> str:
    """The row without its record id."""
    return "," + row.partition(",")[2]


def kinds(result: Reconciliation) -> list[str]:
    return [found.kind.value for found in result.differences]


def test_a_clean_month_matches() -> None:
    result = compare()
    assert result.differences == ()
    assert result.result == "matched"
    assert result.head["calls"] == {"recorded": 3, "exported": 3, "matched": 3, "outside_month": 0}


def test_a_missing_cdr_is_one_difference_although_minutes_and_money_are_missing_too() -> None:
    """Lost push: the hang-up event is there, the row is there, the bill has its minutes."""
    (found,) = (result := compare(facts=[FACTS[0], FACTS[2]])).differences
    assert found.kind == "missing_push"
    assert found.cause == (
        "missing CDR: the platform's detail export lists a call on X +86170****0002 that ended "
        "2026-09-03 09:03:01, 4 min, 0.40 CNY; its hang-up event did arrive"
    )
    assert (found.quantity, found.amount, found.application) == (Decimal(4), Decimal("0.40"), "demo")
    assert found.evidence["event"] == "CALL#demo#s-b/EVENT#disconnect"
    assert result.result == "differences"
    assert result.head["bill"][0]["unexplained"] == {"quantity": "0", "amount": "0.00"}


def test_the_hang_up_of_an_answered_call_names_the_second_leg() -> None:
    """notifications.md §4.3: X and the callee; who called which X is told by the first event."""
    second_leg = replace(ENDS[1], caller=number_token(V2), called=number_token(B))
    ends = [ENDS[0], second_leg, ENDS[2]]
    callin = end_event("2026-09-03 00:59:52", session="s-b", event="callin")
    for events in ([callin], []):
        (found,) = compare(facts=[FACTS[0], FACTS[2]], ends=ends, events=events).differences
        assert found.evidence["event"] == "CALL#demo#s-b/EVENT#disconnect"


def test_the_hang_up_of_another_caller_is_not_evidence() -> None:
    other = replace(ENDS[1], caller=number_token(B), session="s-x", key=("CALL#demo#s-x", "EVENT#disconnect"))
    result = compare(
        facts=[FACTS[0], FACTS[2]], ends=[ENDS[0], other, ENDS[2]], as_of=utc("2026-09-03 02:00:00")
    )
    (found,) = result.differences
    assert found.cause.endswith("no event of it arrived either")


def test_a_missing_cdr_without_any_event_is_one_difference() -> None:
    (found,) = compare(facts=[FACTS[0], FACTS[2]], ends=[ENDS[0], ENDS[2]]).differences
    assert found.cause.endswith("no event of it arrived either")


def test_a_missing_unanswered_call_costs_nothing() -> None:
    (found,) = compare(facts=FACTS[:2]).differences
    assert (found.kind, found.quantity, found.amount) == ("missing_push", Decimal(0), Decimal(0))


def test_a_missing_cdr_that_the_bill_does_not_have_is_still_one_difference() -> None:
    assert kinds(
        compare(facts=[FACTS[0], FACTS[2]], bill=["2026-09,call,virtual,,2,0.10,0,0.20", RENT_LINE])
    ) == ["missing_push"]


def test_a_cdr_that_the_export_does_not_list_is_reported() -> None:
    (found,) = compare(rows=ROWS[:1] + ROWS[2:]).differences
    assert (found.kind, found.amount) == ("missing_console", Decimal("-0.40"))
    assert found.evidence == {"fact": "CALL#demo#s-b/CDR#icid-b"}


def test_a_cdr_that_neither_export_nor_bill_has_is_one_difference() -> None:
    bill = ["2026-09,call,virtual,,2,0.10,0,0.20", RENT_LINE]
    assert kinds(compare(rows=ROWS[:1] + ROWS[2:], bill=bill)) == ["missing_console"]


def test_a_hang_up_without_cdr_or_row_is_one_difference_valued_by_its_events() -> None:
    answer = end_event("2026-09-03 01:00:00", session="s-b", event="answer")
    (found,) = compare(facts=[FACTS[0], FACTS[2]], rows=[ROWS[0], ROWS[2]], events=[answer]).differences
    assert (found.kind, found.quantity, found.amount) == ("event_without_cdr", Decimal(4), Decimal("0.40"))
    assert found.x == "+86170****0002"


def test_a_hang_up_waits_for_its_cdr_through_the_late_window() -> None:
    """notifications.md §8.3: 660 minutes."""
    bill = ["2026-09,call,virtual,,2,0.10,0,0.20", RENT_LINE]
    parts: dict[str, Any] = {"facts": [FACTS[0], FACTS[2]], "rows": [ROWS[0], ROWS[2]], "bill": bill}
    assert kinds(compare(**parts, as_of=utc("2026-09-03 12:03:00"))) == []
    assert kinds(compare(**parts, as_of=utc("2026-09-03 12:03:01"))) == ["event_without_cdr"]


def test_a_cdr_without_hang_up_is_reported_after_the_late_window() -> None:
    assert kinds(compare(ends=ENDS[1:])) == ["cdr_without_event"]
    assert kinds(compare(ends=ENDS[1:], as_of=utc("2026-09-02 12:01:09"))) == []


def test_an_application_without_events_has_no_cdr_without_event() -> None:
    assert kinds(compare(ends=())) == []


def test_the_record_id_may_be_the_session() -> None:
    sessions = [replace(fact, session=tokens(f"real-{fact.icid}", "session")) for fact in FACTS]
    rows = [row.replace("icid-", "real-icid-") for row in ROWS]
    assert kinds(compare(facts=sessions, rows=rows, ends=())) == []


def test_rows_without_ids_match_by_number_caller_and_time() -> None:
    assert kinds(compare(rows=[unnamed(row) for row in ROWS])) == []


@pytest.mark.parametrize(("seconds", "found"), [(2, []), (3, ["missing_console", "missing_push"])])
def test_ends_may_be_two_seconds_apart(seconds: int, found: list[str]) -> None:
    row = export_row(
        "2026-09-02 09:00:08", f"2026-09-02 09:01:{10 + seconds}", billed_minutes="2", duration_s="62"
    )
    row = row.replace("2026-09-02 09:00:08", f"2026-09-02 09:00:{8 + seconds:02d}")
    assert kinds(compare(rows=[row, *ROWS[1:]])) == found


def test_another_caller_is_another_call() -> None:
    rows = [unnamed(ROWS[0]).replace(A, "+8613800138009"), *ROWS[1:]]
    assert kinds(compare(rows=rows)) == ["missing_console", "missing_push"]


def test_masked_callers_match_by_the_digits_shown() -> None:
    rows = [unnamed(row).replace(A, "138****8001") for row in ROWS]
    callers = {"icid-a": A, "icid-b": A, "icid-c": A}
    assert kinds(compare(rows=rows, callers=callers)) == []
    assert kinds(compare(rows=rows, callers={**callers, "icid-a": B})) == ["missing_console", "missing_push"]


def test_an_erased_caller_still_matches_by_number_and_time() -> None:
    rows = [unnamed(row).replace(A, "138****8001") for row in ROWS]
    assert kinds(compare(rows=rows, callers={})) == []


def test_a_caller_under_a_pseudonym_speaks_against_no_row() -> None:
    """Somebody was erased, the platform's export still names him (users.md U-N16)."""
    erased = PSEUDONYM + "a" * (TOKEN_LENGTH - len(PSEUDONYM))
    facts = [replace(each, caller=erased) for each in FACTS]
    ends = [replace(each, caller=erased) for each in ENDS]
    assert kinds(compare(facts=facts, ends=ends, rows=[unnamed(row) for row in ROWS])) == []


def test_of_two_candidates_the_nearest_end_wins() -> None:
    facts = [
        cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30", icid=None, session="s-1"),
        cdr("2026-09-02 01:00:00", "2026-09-02 01:00:31", icid=None, session="s-2", subscription_id="sub-2"),
    ]
    rows = [
        export_row("2026-09-02 09:00:00", "2026-09-02 09:00:31", duration_s="31"),
        export_row("2026-09-02 09:00:00", "2026-09-02 09:00:30", duration_s="30"),
    ]
    bill = ["2026-09,call,virtual,,2,0.10,0,0.20", RENT_LINE]
    for order in (rows, rows[::-1]):
        assert kinds(compare(facts=facts, rows=order, bill=bill, ends=())) == []


def test_other_minutes_are_one_difference_and_explain_the_bill() -> None:
    rows = [ROWS[0].replace("09:01:10", "09:02:09"), *ROWS[1:]]
    rows[0] = rows[0].removesuffix("2,") + "3,"
    (found,) = compare(rows=rows, bill=["2026-09,call,virtual,,7,0.10,0,0.70", RENT_LINE]).differences
    assert (found.kind, found.quantity, found.amount) == ("minutes_diff", Decimal(1), Decimal("0.10"))
    assert "the platform has 3 min (121 s), our CDR 2 min (62 s)" in found.cause


def test_other_seconds_in_equal_minutes_are_told() -> None:
    rows = [ROWS[0].replace("09:00:08", "09:00:10"), *ROWS[1:]]
    assert kinds(compare(rows=rows)) == ["duration_diff"]
    rows = [ROWS[0].replace("09:00:08", "09:00:09"), *ROWS[1:]]
    assert kinds(compare(rows=rows)) == []


def test_an_export_without_lengths_is_compared_by_presence_only() -> None:
    rows = [
        f"icid-a,{V2},{A},2026-09-02 09:01:10",
        f"icid-b,{V2},{A},2026-09-03 09:03:01",
        f"icid-c,{V1},{A},2026-09-03 10:00:00",
    ]
    assert kinds(compare(calls=calls_file(*rows, header="record_id,x_number,caller,end_time"))) == []


def test_minutes_that_no_call_explains_are_named() -> None:
    (found,) = (result := compare(bill=["2026-09,call,virtual,,9,0.10,0,0.90", RENT_LINE])).differences
    assert (found.kind, found.quantity, found.amount) == ("minutes_diff", Decimal(3), Decimal("0.30"))
    assert result.head["bill"][0]["unexplained"] == {"quantity": "3", "amount": "0.30"}


def test_a_bill_without_calls_is_noticed() -> None:
    assert kinds(compare(bill=[RENT_LINE])) == ["minutes_diff"]


def test_another_unit_price_is_a_price_difference() -> None:
    (found,) = compare(bill=["2026-09,call,virtual,,6,0.12,0,0.72", RENT_LINE]).differences
    assert (found.kind, found.amount, found.evidence["learned_price"]) == (
        "price_diff",
        Decimal("0.12"),
        "0.12",
    )


def test_a_fen_per_line_is_rounding() -> None:
    result = compare(bill=["2026-09,call,virtual,,6,0.10,0,0.61", RENT_LINE])
    assert result.differences == ()
    assert result.head["accepted"][0]["amount"] == "0.01"


def test_without_a_call_price_the_run_is_incomplete_and_shows_what_the_bill_implies() -> None:
    result = compare(prices=NO_CALL_PRICE)
    (found,) = result.differences
    assert (found.kind, found.amount, found.evidence) == ("unpriced", None, {"learned_price": "0.10"})
    assert result.result == "incomplete"
    assert found.document()["amount"] == "unpriced"


def test_without_a_call_price_a_missing_cdr_is_still_named() -> None:
    result = compare(prices=NO_CALL_PRICE, facts=[FACTS[0], FACTS[2]])
    assert kinds(result) == ["missing_push", "unpriced"]
    assert "4 min, unpriced" in result.differences[0].cause


def test_minutes_taken_from_a_package_are_not_missing() -> None:
    """The bill of §9.2: minutes at list price, minutes from the package."""
    assert kinds(compare(bill=["2026-09,call,,,1,0.10,5,0.10", RENT_LINE])) == []


def test_what_is_not_rated_here_makes_the_run_incomplete() -> None:
    result = compare(bill=[CALL_LINE, RENT_LINE, "2026-09,sms,virtual,,10,0.28,0,2.80"])
    assert (result.result, result.differences) == ("incomplete", ())
    assert result.head["not_compared"] == [
        {"item": "sms", "number_type": "virtual", "amount": "2.80", "bill_line": 4}
    ]


def test_number_types_are_compared_apart_when_the_bill_tells_them_apart() -> None:
    facts = [
        *FACTS,
        cdr("2026-09-04 01:00:00", "2026-09-04 01:00:30", icid="icid-d", session="s-d", x=C1, display_x=C1),
    ]
    rows = [*ROWS, export_row("2026-09-04 09:00:00", "2026-09-04 09:00:30", icid="icid-d", x=C1)]
    ends = [*ENDS, end_event("2026-09-04 01:00:30", session="s-d", called=number_token(C1))]
    bill = [CALL_LINE, "2026-09,call,carrier,,1,0.10,0,0.10", RENT_LINE]
    assert kinds(compare(facts=facts, rows=rows, ends=ends, bill=bill)) == []
    swapped = ["2026-09,call,virtual,,7,0.10,0,0.70", RENT_LINE]
    assert kinds(compare(facts=facts, rows=rows, ends=ends, bill=swapped)) == ["minutes_diff", "minutes_diff"]


@pytest.mark.parametrize(
    ("quantity", "amount", "kind"), [("1", "5.00", "rent_missing"), ("3", "15.00", "rent_unexpected")]
)
def test_another_number_of_rents_is_told(quantity: str, amount: str, kind: str) -> None:
    (found,) = compare(bill=[CALL_LINE, f"2026-09,rent,virtual,,{quantity},5,0,{amount}"]).differences
    assert (found.kind, found.amount) == (kind, Decimal(amount) - 10)


def test_a_bill_that_names_its_numbers_is_compared_number_by_number() -> None:
    bill = [CALL_LINE, f"2026-09,rent,virtual,{V1},1,5,0,5.00", f"2026-09,rent,virtual,{C1},1,5,0,5.00"]
    result = compare(bill=bill)
    assert kinds(result) == ["rent_missing", "rent_unexpected"]
    assert (
        "rent of X +86170****0002: the bill has 0, expected 1 (a number in any state"
        in result.differences[0].cause
    )


def test_another_rent_price_is_a_price_difference() -> None:
    assert kinds(compare(bill=[CALL_LINE, "2026-09,rent,virtual,,2,6,0,12.00"])) == ["price_diff"]


def test_a_contradicting_record_is_named() -> None:
    other = cdr("2026-09-02 01:00:08", "2026-09-02 01:09:10", icid="icid-a", session="s-a", digest="other")
    assert kinds(compare(contradictions=[other])) == ["record_conflict"]


def test_numbers_outside_the_inventory_are_named_once() -> None:
    inventory = {V1: VIRTUAL}
    (found,) = compare(inventory=inventory).differences
    assert (found.kind, found.evidence["calls"]) == ("number_unknown", 2)


def test_facts_after_the_close_of_the_month_are_named() -> None:
    (found,) = compare(late={"minutes": 4, "amount": "0.40"}).differences
    assert (found.kind, found.amount) == ("late", Decimal("0.40"))


def test_rows_and_lines_of_other_months_are_left_alone() -> None:
    rows = [*ROWS, export_row("2026-10-01 00:00:00", "2026-10-01 00:01:00", icid="october")]
    result = compare(rows=rows, bill=[CALL_LINE, RENT_LINE, "2026-10,call,virtual,,1,0.10,0,0.10"])
    assert result.differences == ()
    assert (result.head["calls"]["outside_month"], result.head["bill_outside_month"]) == (1, 1)


def test_bad_rows_are_listed_with_the_result() -> None:
    rows = [
        *ROWS,
        *(export_row("", "2026-08-02 09:00:00", icid=f"old-{n}") for n in range(40)),
        "?,,,,,,,,,,,",
    ]
    (bad,) = compare(rows=rows).bad_rows
    assert bad == {"line": "bad_row", "file": "calls", "import_line": 45, "reason": "x_number: missing"}


def test_the_result_does_not_depend_on_any_order() -> None:
    one = compare(facts=FACTS[:2], rows=ROWS)
    two = compare(facts=FACTS[1::-1], rows=ROWS, ends=ENDS[::-1])
    assert (one.document(), one.lines()) == (two.document(), two.lines())


def test_no_person_and_no_session_appears_in_a_result() -> None:
    session_row = export_row(
        "2026-09-05 09:00:00", "2026-09-05 09:01:00", icid="+8613800138001_+8617010000002_4_x"
    )
    result = compare(facts=FACTS[:1], rows=[*ROWS, session_row], callers={})
    text = str([result.document(), result.lines()])
    assert "138001" not in text
    assert V2 not in text
