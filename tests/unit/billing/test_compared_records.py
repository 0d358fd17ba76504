"""Single records of a month against detail exports: billing-rules.md §9.3; U-N04. Each cause once."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from builders.billing import (
    APP_KEY,
    C1,
    EXAMPLE_PRICES,
    INVENTORY,
    V1,
    V2,
    VIRTUAL,
    A,
    B,
    cdr,
    end_event,
    number_token,
    tokens,
    utc,
)
from builders.closing import rated
from builders.compared import AFTER, FACTS, ROWS
from builders.exported import CALLS_HEADER, calls_export, export_row, sms_export, sms_row
from privatenumber.billing.closing.lines import UNKNOWN, CallLine, Line, SmsLine
from privatenumber.billing.reconciliation import event_checks, gathering, workbench
from privatenumber.billing.reconciliation.account import Account
from privatenumber.billing.reconciliation.exports_in import open_calls
from privatenumber.billing.reconciliation.layouts import CALLS, mapped
from privatenumber.billing.reconciliation.records import (
    ComparedRecords,
    DetailFiles,
    Recorded,
    Resolver,
    compare_records,
)
from privatenumber.billing.reconciliation.run import measures
from privatenumber.billing.reconciliation.workbench import Workbench
from privatenumber.billing.tariff.prices import Item, PriceBook, UsageTime
from privatenumber.privacy import PSEUDONYM, TOKEN_LENGTH
from privatenumber.store.fact_rows import CdrFact, EventFact

ENDS = [
    end_event("2026-09-02 01:01:10", session="s-a"),
    end_event("2026-09-03 01:03:01", session="s-b"),
    end_event("2026-09-03 02:00:00", session="s-c", called=number_token(V1)),
]


def compare(
    facts: Iterable[CdrFact] = FACTS,
    rows: Sequence[str] | None = tuple(ROWS),
    ends: Sequence[EventFact] = tuple(ENDS),
    *,
    files: DetailFiles | None = None,
    contradictions: Sequence[CdrFact] = (),
    texts: Sequence[SmsLine] = (),
    events: Sequence[EventFact] = (),
    callers: Mapping[str, str] | None = None,
    as_of: datetime = AFTER,
    prices: PriceBook = EXAMPLE_PRICES,
    inventory: Any = INVENTORY,
) -> ComparedRecords:
    lines: list[Line] = [*rated(facts, prices=prices, inventory=inventory), *texts]
    if contradictions:
        lines += rated(contradictions=contradictions, attribution=lambda fact, x: UNKNOWN)
    icids = {line.fact: line.icid for line in lines if isinstance(line, CallLine)}
    known = [*ends, *events]

    def events_of(addresses: Sequence[str]) -> Iterable[tuple[str, list[EventFact]]]:
        for address in addresses:
            session = next(end.session for end in ends if "/".join(end.key) == address)
            yield address, [event for event in known if event.session == session]

    resolver = Resolver(
        tokens=tokens,
        callers_of=lambda found: {fact: (callers or {}).get(icids.get(fact) or fact) for fact in found},
        events_of=events_of,
        as_of=as_of,
    )
    exports = [calls_export(*rows)] if rows is not None else []
    account = Account(prices, inventory, {APP_KEY: "demo"})
    return compare_records(
        Recorded("2026-09", lines, ends), files or DetailFiles(calls=exports), account, resolver
    )


def kinds(result: ComparedRecords) -> list[str]:
    return sorted(found.kind.value for found in result.differences)


def unnamed(row: str) -> str:
    """The row without its record id."""
    return "," + row.partition(",")[2]


def explained(result: ComparedRecords, reading: str = "rows") -> tuple[int, Decimal]:
    part = getattr(result.explanations[Item.CALL, VIRTUAL], reading)
    return part.units, part.amount


def test_a_clean_month_matches() -> None:
    result = compare()
    assert result.differences == []
    assert result.counts["calls"] == {
        "recorded": 3, "exported": 3, "matched": 3, "outside_month": 0, "merged": 0, "redials": 0,
    }  # fmt: skip
    assert result.counts["hang_ups"] == 3


class TestMissing:
    def test_a_missing_cdr_is_one_difference_with_its_hang_up(self) -> None:
        """Lost push: the hang-up event is there, the row is there."""
        (found,) = (result := compare([FACTS[0], FACTS[2]])).differences
        assert found.kind == "missing_push"
        assert found.cause == (
            "missing CDR: the platform's detail export lists a call on X +86170****0002 that ended "
            "2026-09-03 09:03:01, 4 min, 0.40 CNY; its hang-up event did arrive"
        )
        assert (found.quantity, found.amount, found.application) == (Decimal(4), Decimal("0.40"), "demo")
        assert found.evidence == {
            "import_line": 3,
            "talk_seconds": 181,
            "record_id": "icid-b",
            "event": "CALL#demo#s-b/EVENT#disconnect",
        }
        assert explained(result) == (4, Decimal("0.40"))

    def test_an_icid_is_shown_and_a_session_is_not(self) -> None:
        icid = "c0a8f3d1b7e24c6590ab12cd34ef5678.3997785600.1.7"
        for record_id, shown in ((icid, icid), ("13800138001_1@host", None), ("13800138001-1", None)):
            row = export_row("2026-09-04 09:00:00", "2026-09-04 09:01:00", icid=record_id)
            (found,) = compare(rows=[*ROWS, row]).differences
            assert found.evidence.get("record_id") == shown

    def test_the_hang_up_of_an_answered_call_names_the_second_leg(self) -> None:
        """notifications.md §4.3: X and the callee; who called which X is told by the first event."""
        second_leg = replace(ENDS[1], caller=number_token(V2), called=number_token(B))
        callin = end_event("2026-09-03 00:59:52", session="s-b", event="callin")
        for events in ([callin], []):
            (found,) = compare(
                [FACTS[0], FACTS[2]], ends=[ENDS[0], second_leg, ENDS[2]], events=events
            ).differences
            assert found.evidence["event"] == "CALL#demo#s-b/EVENT#disconnect"

    def test_the_hang_up_of_another_caller_is_not_evidence(self) -> None:
        key = ("CALL#demo#s-x", "EVENT#disconnect")
        other = replace(ENDS[1], caller=number_token(B), session="s-x", key=key)
        result = compare(
            [FACTS[0], FACTS[2]], ends=[ENDS[0], other, ENDS[2]], as_of=utc("2026-09-03 02:00:00")
        )
        (found,) = result.differences
        assert found.cause.endswith("no event of it arrived either")

    def test_an_unanswered_call_costs_nothing(self) -> None:
        (found,) = compare(FACTS[:2]).differences
        assert (found.kind, found.quantity, found.amount) == ("missing_push", Decimal(0), Decimal(0))

    def test_a_cdr_that_the_export_does_not_list_is_reported(self) -> None:
        (found,) = (result := compare(rows=ROWS[:1] + ROWS[2:])).differences
        assert (found.kind, found.amount) == ("missing_console", Decimal("-0.40"))
        assert found.evidence == {"item": "call", "fact": "CALL#demo#s-b/CDR#icid-b"}
        assert explained(result, "unlisted") == (-4, Decimal("-0.40"))

    def test_without_any_export_nothing_is_missing_from_it(self) -> None:
        assert kinds(compare(rows=None)) == []

    def test_rows_of_other_months_are_left_alone(self) -> None:
        rows = [*ROWS, export_row("2026-10-01 00:00:00", "2026-10-01 00:01:00", icid="october")]
        result = compare(rows=rows)
        assert result.differences == []
        assert result.counts["calls"]["outside_month"] == 1

    def test_what_a_package_may_pay_is_told_apart(self) -> None:
        part = compare([FACTS[0], FACTS[2]]).explanations[Item.CALL, VIRTUAL].rows
        assert (part.units, part.covered) == (4, 0)


class TestEvents:
    def test_a_hang_up_without_cdr_or_row_is_valued_by_its_events(self) -> None:
        answer = end_event("2026-09-03 01:00:00", session="s-b", event="answer")
        (found,) = (result := compare([FACTS[0], FACTS[2]], [ROWS[0], ROWS[2]], events=[answer])).differences
        assert (found.kind, found.quantity, found.amount) == (
            "event_without_cdr",
            Decimal(4),
            Decimal("0.40"),
        )
        assert found.x == "+86170****0002"
        assert explained(result, "ended") == (4, Decimal("0.40"))

    def test_a_hang_up_waits_for_its_cdr_through_the_late_window(self) -> None:
        """notifications.md §8.3: 660 minutes."""
        parts: dict[str, Any] = {"facts": [FACTS[0], FACTS[2]], "rows": [ROWS[0], ROWS[2]]}
        assert kinds(compare(**parts, as_of=utc("2026-09-03 12:03:00"))) == []
        assert kinds(compare(**parts, as_of=utc("2026-09-03 12:03:01"))) == ["event_without_cdr"]

    def test_a_cdr_without_hang_up_is_reported_after_the_late_window(self) -> None:
        assert kinds(compare(ends=ENDS[1:])) == ["cdr_without_event"]
        assert kinds(compare(ends=ENDS[1:], as_of=utc("2026-09-02 12:01:09"))) == []

    def test_an_application_without_events_has_no_cdr_without_event(self) -> None:
        assert kinds(compare(ends=())) == []

    def test_a_call_around_midnight_has_its_event_in_one_month_and_its_cdr_in_the_other(self) -> None:
        facts = [*FACTS, cdr("2026-09-30 15:59:00", "2026-09-30 16:00:00", icid="icid-d", session="s-d")]
        ends = [*ENDS, end_event("2026-09-30 15:59:59", session="s-d")]
        assert kinds(compare(facts, ends=ends)) == []


class TestMatching:
    def test_the_record_id_may_be_the_session(self) -> None:
        sessions = [replace(fact, session=tokens(f"real-{fact.icid}", "session")) for fact in FACTS]
        rows = [row.replace("icid-", "real-icid-") for row in ROWS]
        assert kinds(compare(sessions, rows, ends=())) == []

    def test_rows_without_ids_match_by_number_caller_and_time(self) -> None:
        assert kinds(compare(rows=[unnamed(row) for row in ROWS])) == []

    @pytest.mark.parametrize(("seconds", "found"), [(2, []), (3, ["missing_console", "missing_push"])])
    def test_ends_may_be_two_seconds_apart(self, seconds: int, found: list[str]) -> None:
        row = export_row(
            f"2026-09-02 09:00:{8 + seconds:02d}",
            f"2026-09-02 09:01:{10 + seconds}",
            billed_minutes="2",
            duration_s="62",
        )
        assert kinds(compare(rows=[row, *ROWS[1:]])) == found

    def test_another_caller_is_another_call(self) -> None:
        rows = [unnamed(ROWS[0]).replace(A, "+8613800138009"), *ROWS[1:]]
        assert kinds(compare(rows=rows)) == ["missing_console", "missing_push"]

    def test_masked_callers_match_by_the_digits_shown(self) -> None:
        rows = [unnamed(row).replace(A, "138****8001") for row in ROWS]
        callers = {"icid-a": A, "icid-b": A, "icid-c": A}
        assert kinds(compare(rows=rows, callers=callers)) == []
        assert kinds(compare(rows=rows, callers={**callers, "icid-a": B})) == [
            "missing_console",
            "missing_push",
        ]

    def test_a_masked_x_matches_by_the_digits_shown(self) -> None:
        rows = [unnamed(row).replace(V2, "170****0002").replace(V1, "170****0001") for row in ROWS]
        assert kinds(compare(rows=rows)) == []

    def test_a_masked_x_outside_the_inventory_matches_too(self) -> None:
        rows = [unnamed(row).replace(V2, "170****0002") for row in ROWS]
        assert kinds(compare(rows=rows, inventory={V1: VIRTUAL})) == ["number_unknown"]

    def test_an_erased_caller_still_matches_by_number_and_time(self) -> None:
        rows = [unnamed(row).replace(A, "138****8001") for row in ROWS]
        assert kinds(compare(rows=rows, callers={})) == []

    def test_a_caller_under_a_pseudonym_speaks_against_no_row(self) -> None:
        """Somebody was erased, the platform's export still names him (users.md U-N16)."""
        erased = PSEUDONYM + "a" * (TOKEN_LENGTH - len(PSEUDONYM))
        facts = [replace(each, caller=erased) for each in FACTS]
        ends = [replace(each, caller=erased) for each in ENDS]
        assert kinds(compare(facts, [unnamed(row) for row in ROWS], ends)) == []

    def test_of_two_candidates_the_nearest_end_wins(self) -> None:
        facts = [
            cdr("2026-09-02 01:00:00", "2026-09-02 01:00:30", icid=None, session="s-1"),
            cdr("2026-09-02 01:00:00", "2026-09-02 01:00:31", icid=None, session="s-2"),
        ]
        rows = [
            export_row("2026-09-02 09:00:00", "2026-09-02 09:00:31", duration_s="31"),
            export_row("2026-09-02 09:00:00", "2026-09-02 09:00:30", duration_s="30"),
        ]
        for order in (rows, rows[::-1]):
            assert kinds(compare(facts, order, ends=())) == []

    def test_of_two_equally_near_the_equal_binding_wins(self) -> None:
        """Two calls of one second; only the binding tells which of them talked longer."""
        facts = [
            cdr("2026-09-02 01:00:00", "2026-09-02 01:02:30", icid=None, session="s-1"),
            cdr(
                "2026-09-02 01:02:00",
                "2026-09-02 01:02:30",
                icid=None,
                session="s-2",
                subscription_id="sub-2",
            ),
        ]
        first = export_row("2026-09-02 09:00:00", "2026-09-02 09:02:30")
        second = export_row("2026-09-02 09:02:00", "2026-09-02 09:02:30").replace("sub-1", "sub-2")
        for order in ([first, second], [second, first]):
            assert kinds(compare(facts, order, ends=())) == []

    def test_the_result_does_not_depend_on_any_order(self) -> None:
        one = compare(FACTS[:2], ROWS)
        two = compare(FACTS[1::-1], ROWS, ENDS[::-1])
        assert [found.document() for found in one.differences] == [
            found.document() for found in two.differences
        ]

    def test_the_usage_time_may_be_the_answer(self) -> None:
        """`backend.billing.usage_time` = answer: rows still match by their ends (§3.3)."""
        prices = replace(EXAMPLE_PRICES, usage_time=UsageTime.ANSWER)
        assert kinds(compare(rows=[unnamed(row) for row in ROWS], prices=prices)) == []


class TestLengths:
    def test_other_minutes_are_one_difference(self) -> None:
        rows = [ROWS[0].replace("09:01:10", "09:02:09"), *ROWS[1:]]
        rows[0] = rows[0].removesuffix("2,") + "3,"
        (found,) = (result := compare(rows=rows)).differences
        assert (found.kind, found.quantity, found.amount) == ("minutes_diff", Decimal(1), Decimal("0.10"))
        assert "the platform has 3 min (121 s), our CDR 2 min (62 s)" in found.cause
        assert explained(result, "changed") == (1, Decimal("0.10"))

    def test_other_seconds_in_equal_minutes_are_told(self) -> None:
        assert kinds(compare(rows=[ROWS[0].replace("09:00:08", "09:00:10"), *ROWS[1:]])) == ["duration_diff"]
        assert kinds(compare(rows=[ROWS[0].replace("09:00:08", "09:00:09"), *ROWS[1:]])) == []

    def test_an_export_without_lengths_is_compared_by_presence_only(self) -> None:
        rows = [
            f"icid-a,{V2},{A},2026-09-02 09:01:10",
            f"icid-b,{V2},{A},2026-09-03 09:03:01",
            f"icid-c,{V1},{A},2026-09-03 10:00:00",
        ]
        export = calls_export(*rows, header="record_id,x_number,caller,end_time")
        assert kinds(compare(files=DetailFiles(calls=[export]))) == []


class TestRepeats:
    def test_a_row_twice_in_one_file_is_a_duplicate(self) -> None:
        (found,) = compare(rows=[*ROWS, ROWS[0]]).differences
        assert (found.kind, found.amount) == ("duplicate", Decimal(0))
        assert found.evidence == {"item": "call", "import_line": 5, "first_line": 2}

    def test_a_row_twice_whose_cdr_is_missing_is_missed_once(self) -> None:
        assert kinds(compare([FACTS[0], FACTS[2]], [*ROWS, ROWS[1]])) == ["duplicate", "missing_push"]

    @pytest.mark.parametrize("facts", [FACTS, FACTS[1:]], ids=["known", "missing"])
    def test_an_id_with_other_content_is_a_conflict_of_rows(self, facts: list[CdrFact]) -> None:
        other = ROWS[0].removesuffix("2,") + "5,"
        (found,) = [
            each for each in compare(facts, [*ROWS, other]).differences if each.kind != "missing_push"
        ]
        assert found.kind == "record_conflict"
        assert found.evidence == {"item": "call", "import_line": 5, "first_line": 2}

    def test_of_two_rows_with_a_session_as_id_the_one_that_is_a_record_counts(self) -> None:
        """§9.3: the row whose end is the CDR's is the call, wherever the other one stands."""
        facts = [replace(FACTS[0], session=tokens("real-a", "session")), *FACTS[1:]]
        own = export_row("2026-09-02 09:00:08", "2026-09-02 09:01:10", icid="real-a", billed_minutes="2")
        other = export_row("2026-09-02 09:00:08", "2026-09-02 09:05:10", icid="real-a", billed_minutes="5")
        for rows in ([own, other], [other, own]):
            assert kinds(compare(facts, [*rows, *ROWS[1:]], ends=())) == ["record_conflict"]

    @pytest.mark.parametrize("named", [True, False])
    def test_overlapping_files_are_merged(self, named: bool) -> None:
        """The console keeps 31 days: a month takes two files (§9.1)."""
        rows = ROWS if named else [unnamed(row) for row in ROWS]
        files = DetailFiles(calls=[calls_export(*rows[:2]), calls_export(*rows[1:])])
        result = compare(files=files)
        assert result.differences == []
        assert result.counts["calls"]["merged"] == 1

    def test_equal_rows_without_id_are_as_many_calls(self) -> None:
        """Nobody can tell a repetition from a second call; the one without CDR is told."""
        rows = [unnamed(ROWS[0]), unnamed(ROWS[0]), *ROWS[1:]]
        assert kinds(compare(rows=rows)) == ["missing_push"]

    def test_a_redial_of_the_handset_is_no_call(self) -> None:
        """§9.1: the same binding id, another record id, no times; no effect on money."""
        redial = export_row("", "2026-09-02 09:00:00", icid="icid-a.0", duration_s="0", billed_minutes="0")
        first = ROWS[0].replace(f"{B},,", f"{B},2026-09-02 09:00:00,")
        result = compare(rows=[redial, first, *ROWS[1:]])
        assert result.differences == []
        assert result.counts["calls"]["redials"] == 1

    def test_an_unanswered_call_of_the_other_side_is_no_redial(self) -> None:
        """§9.1: a handset dials again for the same person."""
        other = export_row(
            "", "2026-09-02 09:00:00", icid="icid-b.0", caller=B, duration_s="0", billed_minutes="0"
        )
        first = ROWS[0].replace(f"{B},,", f"{B},2026-09-02 09:00:00,")
        result = compare(rows=[other, first, *ROWS[1:]])
        assert (kinds(result), result.counts["calls"]["redials"]) == (["missing_push"], 0)

    def test_an_unanswered_call_of_its_own_is_no_redial(self) -> None:
        assert kinds(compare(FACTS[:2], ROWS)) == ["missing_push"]

    def test_a_contradicting_record_is_named(self) -> None:
        other = cdr(
            "2026-09-02 01:00:08", "2026-09-02 01:09:10", icid="icid-a", session="s-a", digest="other"
        )
        assert kinds(compare(contradictions=[other])) == ["record_conflict"]

    def test_an_id_with_a_number_in_it_is_not_shown(self) -> None:
        other = cdr("2026-09-02 01:00:08", "2026-09-02 01:09:10", icid=f"{A}-1", session="s-a", digest="o")
        (found,) = compare(contradictions=[other]).differences
        assert found.evidence["icid"] is None


def test_pages_of_calls_without_cdr_are_found_by_their_address() -> None:
    """U-N04: time grows with the hang-ups, not with their square."""
    with Workbench(event_checks.END_TABLES, "CREATE TABLE lines (session TEXT)") as bench:
        event_checks.put_ends(bench, ENDS)
        plan = bench.ask(f"EXPLAIN QUERY PLAN {event_checks._WITHOUT_CDR}", 0, 1, "", 1)
        steps = [step[-1] for step in plan]
    assert any("ends_address (address>?)" in step for step in steps)
    assert not any("TEMP B-TREE" in step for step in steps)


UTC_ROWS = [
    export_row("2026-09-02 01:00:08", "2026-09-02 01:01:10", icid="icid-a", billed_minutes="2"),
    export_row("2026-09-03 01:00:00", "2026-09-03 01:03:01", icid="icid-b", billed_minutes="4"),
    export_row("", "2026-09-03 02:00:00", icid="icid-c", x=V1, billed_minutes="0"),
]


class TestClocks:
    @pytest.mark.parametrize("named", [True, False])
    def test_a_file_in_utc_is_one_difference_with_the_mapping_that_reads_it(self, named: bool) -> None:
        rows = UTC_ROWS if named else [unnamed(row) for row in UTC_ROWS]
        (found,) = compare(rows=rows).differences
        assert (found.kind, found.amount) == ("time_zone", Decimal(0))
        assert found.evidence == {
            "file": "calls", "rows": 3, "hours": 8, "mapping": {"calls": {"timezone": "UTC"}},
        }  # fmt: skip

    def test_its_mapping_settles_it(self) -> None:
        layout = mapped(CALLS, {"timezone": "UTC"})
        files = DetailFiles(calls=[calls_export(*UTC_ROWS, layout=layout)])
        assert compare(files=files).differences == []

    def test_what_is_missing_from_it_is_still_found(self) -> None:
        assert kinds(compare([FACTS[0], FACTS[2]], UTC_ROWS)) == ["missing_push", "time_zone"]

    def test_the_first_hours_of_a_month_are_not_lost_in_it(self) -> None:
        """In UTC they stand in the month before."""
        facts = [*FACTS, cdr("2026-08-31 16:00:00", "2026-08-31 16:01:00", icid="icid-d", session="s-d")]
        rows = [*UTC_ROWS, export_row("2026-08-31 16:00:00", "2026-08-31 16:01:00", icid="icid-d")]
        ends = [*ENDS, end_event("2026-08-31 16:01:00", session="s-d")]
        assert kinds(compare(facts, rows, ends)) == ["time_zone"]

    def test_one_call_whose_end_differs_moves_no_file(self) -> None:
        row = export_row("2026-09-02 17:00:08", "2026-09-02 17:01:10", icid="icid-a", billed_minutes="2")
        (found,) = compare(rows=[row, *ROWS[1:]]).differences
        assert (found.kind, found.evidence["differs"]) == ("record_conflict", ["end_time"])

    def test_a_call_that_the_export_puts_into_the_next_month_is_an_edge(self) -> None:
        """Its end in Beijing decides: a second before October."""
        facts = [*FACTS, cdr("2026-09-30 15:59:00", "2026-09-30 15:59:59", icid="icid-d", session="s-d")]
        rows = [*ROWS, export_row("2026-09-30 23:59:01", "2026-10-01 00:00:00", icid="icid-d")]
        ends = [*ENDS, end_event("2026-09-30 15:59:59", session="s-d")]
        (found,) = (result := compare(facts, rows, ends)).differences
        assert (found.kind, found.quantity, found.amount) == (
            "period_edge", Decimal(-1), Decimal("-0.10"),
        )  # fmt: skip
        assert explained(result, "changed") == (-1, Decimal("-0.10"))

    def test_a_call_of_the_next_month_that_the_export_puts_into_this_one_is_an_edge(self) -> None:
        facts = [*FACTS, cdr("2026-09-30 15:59:00", "2026-09-30 16:00:00", icid="icid-d", session="s-d")]
        rows = [*ROWS, export_row("2026-09-30 23:58:59", "2026-09-30 23:59:59", icid="icid-d")]
        (found,) = compare(facts, rows).differences
        assert (found.kind, found.quantity) == ("period_edge", Decimal(1))


class TestUnknownNumbers:
    def test_numbers_outside_the_inventory_are_named_once(self) -> None:
        (found,) = compare(inventory={V1: VIRTUAL}).differences
        assert (found.kind, found.evidence["calls"]) == ("number_unknown", 2)
        assert found.cause.startswith("2 calls on X +86170****0002")

    def test_a_missing_row_on_one_is_shown_masked(self) -> None:
        row = export_row("2026-09-04 09:00:00", "2026-09-04 09:00:30", icid="icid-d", x="+8617099990009")
        (found,) = compare(rows=[*ROWS, row]).differences
        assert (found.kind, found.x) == ("missing_push", "+86170****0009")

    def test_a_carrier_number_is_explained_apart(self) -> None:
        row = export_row("2026-09-04 09:00:00", "2026-09-04 09:00:30", icid="icid-d", x=C1)
        assert next(iter(compare(rows=[*ROWS, row]).explanations))[1] == "carrier"


def text(sms: str, at: str, parts: int = 1, **changes: Any) -> SmsLine:
    """A rated SMS of A over V2."""
    fields: dict[str, Any] = {
        "fact": f"SMS#demo#{sms}/Notify",
        "application": "demo",
        "digest": f"digest-{sms}",
        "at": utc(at),
        "sms": tokens(sms, "sms"),
        "subscription_id": "sub-1",
        "sender": number_token(A),
        "x": V2,
        "number_type": VIRTUAL,
        "mode": "AX",
        "city": None,
        "enterprise": None,
        "order": None,
        "binding": None,
        "side": "a",
        "sent": parts > 0,
        "parts": parts,
        "parts_received": parts,
        "parts_forwarded": parts,
        "unit_price": Decimal("0.28"),
        "amount": parts * Decimal("0.28"),
        "flags": (),
    }
    return SmsLine(**{**fields, **changes})


TEXTS = [text("m-1", "2026-09-02 01:00:00"), text("m-2", "2026-09-03 01:00:00", 2)]
TEXT_ROWS = [
    sms_row("2026-09-02 09:00:00", 1, sms_id="m-1"),
    sms_row("2026-09-03 09:00:00", 2, sms_id="m-2"),
]


class TestSms:
    def compare(self, texts: Sequence[SmsLine] = (), rows: Sequence[str] = (), **how: Any) -> ComparedRecords:
        files = DetailFiles(calls=[calls_export(*ROWS)], sms=[sms_export(*rows)])
        return compare(files=files, texts=texts, **how)

    def test_clean_texts_match(self) -> None:
        result = self.compare(TEXTS, TEXT_ROWS)
        assert result.differences == []
        assert result.counts["sms"] == {
            "recorded": 2, "exported": 2, "matched": 2, "outside_month": 0, "merged": 0,
        }  # fmt: skip

    @pytest.mark.parametrize(("seconds", "found"), [(59, []), (61, ["missing_console", "missing_push"])])
    def test_without_id_a_minute_may_lie_between(self, seconds: int, found: list[str]) -> None:
        rows = [sms_row(f"2026-09-02 09:0{seconds // 60}:{seconds % 60:02d}", 1), TEXT_ROWS[1]]
        assert kinds(self.compare(TEXTS, rows)) == found

    def test_without_id_the_nearest_wins(self) -> None:
        texts = [text("m-1", "2026-09-02 01:00:00", 1), text("m-2", "2026-09-02 01:00:40", 2)]
        rows = [sms_row("2026-09-02 09:00:30", 2), sms_row("2026-09-02 09:00:05", 1)]
        assert kinds(self.compare(texts, rows)) == []

    def test_a_masked_sender_is_opened_to_be_compared(self) -> None:
        rows = [sms_row("2026-09-02 09:00:00", 1, sender="138****8001"), TEXT_ROWS[1]]
        fact = TEXTS[0].fact
        assert kinds(self.compare(TEXTS, rows, callers={fact: A})) == []
        assert kinds(self.compare(TEXTS, rows, callers={fact: B})) == [
            "missing_console",
            "missing_push",
        ]

    def test_a_missing_notice_is_one_difference(self) -> None:
        (found,) = (result := self.compare(TEXTS[:1], TEXT_ROWS)).differences
        assert (found.kind, found.quantity, found.amount) == ("missing_push", Decimal(2), Decimal("0.56"))
        assert found.item == "sms"
        assert result.explanations[Item.SMS, VIRTUAL].rows.units == 2

    def test_a_text_that_the_export_does_not_list_is_reported(self) -> None:
        (found,) = self.compare(TEXTS, TEXT_ROWS[:1]).differences
        assert (found.kind, found.amount) == ("missing_console", Decimal("-0.56"))

    def test_parts_that_the_marker_explains_are_told_with_it(self) -> None:
        """C-107: `@B` counts in the console's parts; the charge follows the forwarded text (§4)."""
        marked = text("m-1", "2026-09-02 01:00:00", 1, parts_received=2)
        rows = [sms_row("2026-09-02 09:00:00", 2, sms_id="m-1"), TEXT_ROWS[1]]
        (found,) = self.compare([marked, TEXTS[1]], rows).differences
        assert (found.kind, found.quantity, found.amount) == ("parts_diff", Decimal(1), Decimal("0.28"))
        assert found.evidence["reason"] == "ax_marker"

    def test_parts_that_nothing_explains_have_no_reason(self) -> None:
        rows = [sms_row("2026-09-02 09:00:00", 3, sms_id="m-1"), TEXT_ROWS[1]]
        (found,) = self.compare(TEXTS, rows).differences
        assert (found.kind, found.quantity) == ("parts_diff", Decimal(2))
        assert "reason" not in found.evidence

    def test_fewer_parts_take_money_off(self) -> None:
        rows = [TEXT_ROWS[0], sms_row("2026-09-03 09:00:00", 1, sms_id="m-2")]
        (found,) = self.compare(TEXTS, rows).differences
        assert (found.quantity, found.amount) == (Decimal(-1), Decimal("-0.28"))

    def test_parts_of_what_was_not_sent_are_told_as_such(self) -> None:
        failed = text("m-1", "2026-09-02 01:00:00", 0)
        (found,) = self.compare([failed, TEXTS[1]], TEXT_ROWS).differences
        assert found.evidence["reason"] == "not_charged"

    def test_a_file_in_utc_is_one_difference(self) -> None:
        rows = [row.replace(" 09:", " 01:") for row in TEXT_ROWS]
        (found,) = self.compare(TEXTS, rows).differences
        assert (found.kind, found.evidence["file"]) == ("time_zone", "sms")

    def test_a_row_twice_is_a_duplicate(self) -> None:
        assert kinds(self.compare(TEXTS, [*TEXT_ROWS, TEXT_ROWS[0]])) == ["duplicate"]

    def test_without_a_file_texts_are_not_compared(self) -> None:
        assert kinds(compare(texts=TEXTS)) == []


class TestBounds:
    def test_very_many_differences_are_told_as_a_sum(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A whole missing file is one cause: the amounts stay complete, the list does not grow."""
        monkeypatch.setattr(gathering, "MOST_OF_A_KIND", 2)
        rows = [
            export_row(f"2026-09-0{day} 09:00:00", f"2026-09-0{day} 09:01:00", icid=f"icid-{day}")
            for day in range(4, 9)
        ]
        result = compare(rows=[*ROWS, *rows])
        assert [found.quantity for found in result.differences] == [Decimal(1), Decimal(1), Decimal(3)]
        (told,) = result.differences[2:]
        assert (told.amount, told.evidence["count"], result.count) == (Decimal("0.30"), 3, 5)
        assert explained(result) == (5, Decimal("0.50"))

    @pytest.mark.parametrize("size", [1, 2, 3, 9])
    def test_pages_have_every_text_once_while_it_goes(self, size: int) -> None:
        with Workbench("CREATE TABLE texts (text TEXT);") as bench:
            bench.insert("texts", [(text,) for text in "cab"])
            asked = "SELECT text FROM texts WHERE text < ? AND text > ? ORDER BY text LIMIT ?"
            seen = []
            for page in bench.pages(asked, "d", size=size):
                seen += page
                bench.put("DELETE FROM texts WHERE text = ?", [(text,) for text in page])
        assert seen == ["a", "b", "c"]

    def test_no_person_and_no_session_appears_in_a_result(self) -> None:
        session_row = export_row(
            "2026-09-05 09:00:00", "2026-09-05 09:01:00", icid="+8613800138001_+8617010000002_4_x"
        )
        told = str([found.document() for found in compare(FACTS[:1], [*ROWS, session_row]).differences])
        assert "138001" not in told
        assert V2 not in told

    def test_no_person_stands_in_the_tables_and_no_file_has_a_name(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Someone who is in the wrong column, and in a record id, too."""
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", None)
        dumped: list[str] = []
        leave = Workbench.__exit__

        def dump(bench: Workbench, *reason: Any) -> None:
            assert list(tmp_path.iterdir()) == []
            dumped.extend(bench._tables.iterdump())
            leave(bench, *reason)

        monkeypatch.setattr(Workbench, "__exit__", dump)
        wrong = export_row("2026-09-05 09:00:00", "2026-09-05 09:01:00", icid="+8613800138001_x", x=A)
        texts = [sms_row("2026-09-02 09:00:00", 1, sms_id="+8613800138001_1")]
        files = DetailFiles(calls=[calls_export(*ROWS, wrong)], sms=[sms_export(*texts)])
        compare(FACTS[:1], files=files)
        assert V2 in "".join(dumped)
        assert "13800138001" not in "".join(dumped)


def test_memory_does_not_grow_with_the_month(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compared lies on disk; `make bench` shows a million calls (C-103)."""

    monkeypatch.setattr(workbench, "_BATCH", 200)

    def peak(calls: int) -> int:
        begin = utc("2026-09-01 00:00:00")

        def lines() -> Iterator[Line]:
            (line,) = rated([FACTS[0]])
            for n in range(calls):
                yield replace(line, fact=f"CALL#demo#s{n}/CDR#icid-{n}", icid=f"icid-{n}", session=None,
                              at=begin + timedelta(seconds=n % 60))  # fmt: skip

        ends = [(n, begin + timedelta(hours=8, seconds=n % 60)) for n in range(calls)]
        rows = [
            export_row(f"{end - timedelta(seconds=62):%F %T}", f"{end:%F %T}", icid=f"icid-{n}")
            for n, end in ends
        ]
        data = "\n".join([CALLS_HEADER, *rows]).encode()
        export = open_calls(lambda: io.BytesIO(data))
        tracemalloc.start()
        try:
            result = compare_records(
                Recorded("2026-09", lines()),
                DetailFiles(calls=[export]),
                Account(EXAMPLE_PRICES, INVENTORY, {APP_KEY: "demo"}),
                Resolver(tokens, lambda facts: {}, lambda addresses: (), AFTER),
            )
            found = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert (result.counts["calls"]["matched"], result.differences) == (calls, [])
        return found

    assert peak(3000) < 1.3 * peak(1000)


def test_calls_without_cdr_count_one_by_one_also_when_they_are_told_as_a_sum() -> None:
    found = [
        {"kind": "missing_push", "evidence": {"count": 1200}},
        {"kind": "event_without_cdr", "evidence": {}},
        {"kind": "late", "evidence": {}},
    ]
    document = {"difference_count": 1202, "differences": found}
    assert measures(document) == {"ReconciliationDifferences": 1202, "MissingCdrs": 1201}
