"""Rows of the console as facts: marked, rated once, and replaced by their push (billing-rules.md §9.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from builders.billing import V1, utc
from builders.books import Books, account_books, call
from builders.exported import calls_export, export_row, sms_export, sms_row
from builders.pushes import APP_ID, APP_KEY, A, B, X, fee_body, sms_body
from privatenumber.billing.closing.runs import BillingRequestError
from privatenumber.billing.closing.totals import Totals
from privatenumber.billing.reconciliation.import_missing import import_missing
from privatenumber.billing.reconciliation.importing import import_rows
from privatenumber.billing.reconciliation.rows_to_import import Importing, RowToImport
from privatenumber.billing.reconciliation.run import reconcile_month
from privatenumber.calls.completeness import missing_of_message
from privatenumber.calls.timeline import message_of
from privatenumber.privacy import token
from privatenumber.store.call_facts import FactReader
from privatenumber.store.messages import MessageState

DAY = date(2026, 9, 2)
LATER = utc("2026-09-03 12:00:00")
IMPORTING = Importing("ann", LATER, "sha256", timedelta(days=400))


@pytest.fixture
def books() -> Iterator[Books]:
    with account_books() as opened:
        opened.number(X, issued_on=date(2026, 1, 1))
        yield opened


def row(icid: str = "icid-1", end: str = "2026-09-02 09:01:35", caller: str = A, **cells: str) -> str:
    """The console's row of `builders.books.call(1, 95)`."""
    return export_row("2026-09-02 09:00:00", end, icid=icid, x=X, caller=caller, **cells)


def imported(books: Books, *rows: str, event: str | None = None, importing: Importing = IMPORTING) -> Any:
    found = [RowToImport(each, event) for each in calls_export(*rows)]
    return import_rows(books.ledger(), found, importing).document()


def totals(books: Books) -> Totals:
    """The day as its facts stand now."""
    return books.ledger().closer.rate(APP_ID, DAY)[0].totals


def minutes(books: Books) -> int:
    return totals(books).calls.minutes


def test_a_row_is_a_record_that_is_rated_and_marked(books: Books) -> None:
    assert imported(books, row()) == {
        "imported": 1, "repeated": 0, "conflicts": 0, "left_out": 0, "rows": [],
    }  # fmt: skip
    assert (minutes(books), totals(books).calls.talk_seconds) == (2, 95)
    (fact,) = books.rows("CALL#")
    assert (fact["origin"], fact["imported_by"], fact["flags"]) == ("console", "ann", ["console"])


def test_the_same_row_again_is_the_same_record(books: Books) -> None:
    imported(books, row())
    again = imported(books, row(), importing=replace(IMPORTING, at=LATER + timedelta(days=1), by="ben"))
    assert (again["imported"], again["repeated"], minutes(books)) == (0, 1, 2)


@pytest.mark.parametrize("icid", ["icid-1", "", "+8613800138001_1@host"], ids=["icid", "no id", "session"])
def test_a_push_that_comes_after_all_counts_instead(books: Books, icid: str) -> None:
    """Whatever the row knew of its record: nothing is charged twice."""
    session = icid if "@" in icid else "session-1"
    imported(books, row(icid, billed_minutes="9", end="2026-09-02 09:01:36"))
    assert minutes(books) > 0
    books.push(fee_body(call(1, 95) | {"sessionId": session}), at=LATER + timedelta(hours=1))
    assert (minutes(books), totals(books).calls.attempts, totals(books).calls.talk_seconds) == (2, 1, 95)


def test_a_push_on_the_other_side_of_midnight_counts_once(books: Books) -> None:
    ended = export_row("2026-09-02 23:58:59", "2026-09-02 23:59:59", icid="icid-1", x=X)
    imported(books, ended)
    books.push(fee_body(call(1, 60, hour=15) | {"callEndTime": "2026-09-02 16:00:00"}), at=LATER)
    days = (DAY, DAY + timedelta(days=1))
    rated = [books.ledger().closer.rate(APP_ID, day)[0].totals.calls.attempts for day in days]
    assert rated == [0, 1]


def test_a_push_that_came_first_leaves_nothing_to_import(books: Books) -> None:
    books.push(fee_body(call(1, 95)), at=LATER)
    found = imported(books, row())
    assert found["rows"] == [{"import_line": 2, "reason": "its push has come"}]
    assert totals(books).calls.attempts == 1


def test_another_call_of_the_same_moment_stays(books: Books) -> None:
    """Without ids: the push of the first was there, the row is the second."""
    books.push(fee_body(call(1, 95)), at=LATER)
    imported(books, row(""))
    assert totals(books).calls.attempts == 2


def test_of_two_rows_of_one_moment_a_push_replaces_one(books: Books) -> None:
    imported(books, row(""), row("", end="2026-09-02 09:01:36"))
    assert totals(books).calls.attempts == 2
    books.push(fee_body(call(1, 95)), at=LATER)
    assert totals(books).calls.attempts == 2
    books.push(fee_body(call(2, 96)), at=LATER)
    assert totals(books).calls.attempts == 2


def test_other_records_of_the_session_are_other_calls(books: Books) -> None:
    event = "CALL#demo#known/EVENT#disconnect"
    imported(books, row("icid-9"), event=event.replace("demo", APP_ID))
    assert books.rows("CALL#")[0]["pk"] == f"CALL#{APP_ID}#known"
    books.push(fee_body(call(1, 95)), at=LATER)
    assert totals(books).calls.attempts == 2


def test_the_call_knows_the_pushed_record_alone(books: Books) -> None:
    """Search and statistics count it once, too."""
    books.hang_up(at=LATER, sessionId="session-1", timestamp="2026-09-02 01:01:35")
    (event,) = books.rows("CALL#")
    imported(books, row(), event=f"{event['pk']}/{event['sk']}")
    reader, known = FactReader(books.dynamodb, books.bills.name), event["pk"].split("#", 2)[2]
    assert len(reader.call(APP_ID, known).cdrs) == 1
    books.push(fee_body(call(1, 95)), at=LATER)
    (cdr,) = reader.call(APP_ID, known).cdrs
    assert cdr.icid == "icid-1"
    assert len(books.rows("CALL#")) == 3


def test_what_may_still_be_pushed_waits(books: Books) -> None:
    soon = replace(IMPORTING, at=utc("2026-09-02 12:01:34"))
    (left,) = imported(books, row(), importing=soon)["rows"]
    assert left["reason"].startswith("its push may still come")


def test_a_row_without_id_and_whole_caller_is_left_out(books: Books) -> None:
    (left,) = imported(books, row("", caller="138****8001"))["rows"]
    assert left["reason"].startswith("neither a record id nor the whole caller")
    assert imported(books, row(caller="138****8001"))["imported"] == 1


def test_a_number_that_nobody_knows_needs_its_application(books: Books) -> None:
    assert imported(books, row().replace(X, V1))["imported"] == 1
    (left,) = imported(books, row("icid-2").replace(X, V1).replace(APP_KEY, ""))["rows"]
    assert left["reason"].startswith("app_key: no application")


def test_minutes_alone_are_enough(books: Books) -> None:
    imported(books, export_row("", "2026-09-02 09:01:35", icid="icid-1", x=X, billed_minutes="3"))
    assert minutes(books) == 3


def test_a_row_is_rated_by_the_number_that_was_dialled(books: Books) -> None:
    """It does not tell which one the callee saw: in AXYB that is another one (notifications.md §5.2)."""
    imported(books, row())
    (fact,) = books.rows("CALL#")
    assert (fact["x"], "display_x" in fact) == (X, False)
    (cell,) = books.ledger().closer.rate(APP_ID, DAY)[0].cells
    assert (cell.x, cell.number_type) == (X, "virtual")


def test_an_unanswered_call_costs_nothing(books: Books) -> None:
    imported(books, export_row("", "2026-09-02 09:01:35", icid="icid-1", x=X))
    assert (totals(books).calls.attempts, minutes(books)) == (1, 0)


@pytest.mark.parametrize("identifier", ["sms-20260902-0001", ""], ids=["id", "no id"])
def test_an_sms_is_imported_and_replaced_alike(books: Books, identifier: str) -> None:
    line = sms_row("2026-09-02 10:00:00", 2, sms_id=identifier, x=X)
    found = [RowToImport(each) for each in sms_export(line)]
    for outcome in ("imported", "repeated"):
        assert import_rows(books.ledger(), found, IMPORTING).counts[outcome] == 1
    assert totals(books).sms.parts == 2
    books.push(sms_body(parts="1"), at=LATER)
    assert (totals(books).sms.messages, totals(books).sms.parts) == (1, 1)


def test_no_person_stands_in_clear_in_what_is_imported(books: Books) -> None:
    imported(books, row("+8613800138001_1@host"), row("icid-2", binding_id="13800138001-1"))
    written = str([{**fact, "sealed": b""} for fact in books.rows("")])
    for person in (A, B):
        assert person.removeprefix("+86") not in written


def test_what_a_comparison_misses_is_imported_and_no_difference_any_more(books: Books) -> None:
    books.push(fee_body(call(1, 95)), at=LATER)
    header = "record_id,app_key,x_number,caller,answer_time,end_time"
    text = "\n".join(
        [
            header,
            f"icid-1,{APP_KEY},{X},{A},2026-09-02 09:00:00,2026-09-02 09:01:35",
            f"icid-2,{APP_KEY},{X},{A},2026-09-02 10:00:00,2026-09-02 10:01:01",
        ]
    )
    bill = "period,item,number_type,quantity,amount\n2026-09,rent,virtual,1,5\n2026-09,call,virtual,4,0.4\n"
    files = {
        "calls": books.upload("calls.csv", text.encode()),
        "bill": books.upload("bill.csv", bill.encode()),
    }
    first = reconcile_month(books.ledger(), "2026-09", files=files, as_of=LATER)
    assert [found["kind"] for found in first["differences"]] == ["missing_push"]
    done = import_missing(books.ledger(), "2026-09", files=files, as_of=LATER, by="ann")
    assert (done["calls"]["imported"], done["calls"]["more"]) == (1, False)
    second = reconcile_month(books.ledger(), "2026-09", files=files, as_of=LATER)
    assert (second["result"], second["version"]) == ("matched", 2)
    assert second["notices"] == [
        "calls: the same file as in version 1",
        "bill: the same file as in version 1",
    ]
    again = import_missing(books.ledger(), "2026-09", files=files, as_of=LATER, by="ann")
    assert again["calls"]["imported"] == 0


HEADS = {
    "calls": "record_id,app_key,x_number,caller,answer_time,end_time\n",
    "sms": "sms_id,app_key,x_number,sender,time,parts\n",
}


def uploaded(books: Books, name: str, kind: str, *rows: str) -> str:
    return books.upload(name, (HEADS[kind] + "\n".join(rows)).encode())


def test_only_rows_that_somebody_chose_are_imported(books: Books) -> None:
    """The same line of the other file is another row."""
    calls = [f"icid-{n},{APP_KEY},{X},{A},2026-09-02 09:00:00,2026-09-02 09:01:0{n}" for n in (1, 2)]
    texts = [f"sms-{n},{APP_KEY},{X},{A},2026-09-02 10:00:0{n},1" for n in (1, 2)]
    files = {
        "calls": uploaded(books, "c.csv", "calls", *calls),
        "sms": uploaded(books, "s.csv", "sms", *texts),
    }
    done = import_missing(books.ledger(), "2026-09", files=files, as_of=LATER, by="ann", lines={"calls": [3]})
    assert (done["calls"]["imported"], done["sms"]["imported"]) == (1, 0)
    assert [fact["icid"] for fact in books.rows("CALL#")] == ["icid-2"]


def test_the_row_of_an_sms_that_was_asked_about_ends_the_wait_for_its_notice(books: Books) -> None:
    """The question is no notice: what the console tells counts beside it (notifications.md §6)."""
    question = sms_body("Block")
    books.push(question, at=utc("2026-09-02 02:00:01"))
    identifier = question["smsEvent"]["smsIdentifier"]
    (text,) = sms_export(sms_row("2026-09-02 10:00:00", 2, sms_id=identifier, x=X))
    import_rows(books.ledger(), [RowToImport(text)], IMPORTING)
    stored = token(books.ledger().keyring(), identifier, purpose="sms")
    message = message_of(FactReader(books.dynamodb, books.bills.name).sms(APP_ID, stored))
    assert message.state is MessageState.SENT
    assert missing_of_message(message) == []


@pytest.mark.parametrize("kind", ["calls", "sms"])
def test_lines_are_chosen_of_one_file(books: Books, kind: str) -> None:
    row = f"icid-1,{APP_KEY},{X},{A},2026-09-02 09:00:00,2026-09-02 09:01:01"
    key = uploaded(books, "c.csv", "calls", row)
    with pytest.raises(BillingRequestError, match=f"lines.{kind}"):
        import_missing(
            books.ledger(),
            "2026-09",
            files={"calls": [key, key]},
            as_of=LATER,
            by="ann",
            lines={kind: [2]},
        )


def test_a_row_of_which_no_length_is_told_is_left_out(books: Books) -> None:
    header = "record_id,app_key,x_number,caller,end_time"
    (found,) = calls_export(f"icid-1,{APP_KEY},{X},{A},2026-09-02 09:01:35", header=header)
    (left,) = import_rows(books.ledger(), [RowToImport(found)], IMPORTING).left_out
    assert left["reason"].startswith("no length is told")


def test_a_row_that_was_answered_behind_its_end_is_left_out(books: Books) -> None:
    late = export_row("2026-09-02 10:00:00", "2026-09-02 09:01:35", icid="icid-1", x=X)
    assert imported(books, late)["rows"][0]["reason"] == "answer_time: behind end_time"


def test_equal_rows_without_id_are_as_many_calls(books: Books) -> None:
    """One of two is matched with our record; both are imported where neither is, and again never."""
    equal = f",{APP_KEY},{X},{A},2026-09-02 09:00:00,2026-09-02 09:01:35"
    files = {"calls": uploaded(books, "c.csv", "calls", equal, equal)}
    for expected in (2, 0):
        done = import_missing(books.ledger(), "2026-09", files=files, as_of=LATER, by="ann")
        assert done["calls"]["imported"] == expected
    assert totals(books).calls.attempts == 2
    for n in (1, 2):
        books.push(fee_body(call(n, 95)), at=LATER + timedelta(hours=n))
        assert totals(books).calls.attempts == 2


def test_rows_that_nothing_tells_apart_are_one_and_say_so(books: Books) -> None:
    found = imported(books, row(""), row("", result="busy"))
    assert (found["imported"], found["rows"][0]["import_line"]) == (1, 3)
    assert found["rows"][0]["reason"].startswith("another row of the file says the same")


@pytest.mark.parametrize(
    ("icid", "changes"),
    [("icid-9", {"icid": None}), ("+8613800138009_9@host", {"sessionId": "session-1"})],
    ids=["icid and none", "other sessions"],
)
def test_a_row_that_hides_its_caller_gives_way_to_the_push_of_its_times(
    books: Books, icid: str, changes: dict[str, Any]
) -> None:
    imported(books, row(icid, caller="138****8001"))
    books.push(fee_body(call(1, 96) | changes), at=LATER)
    assert totals(books).calls.attempts == 2
    books.push(fee_body(call(2, 95) | changes | {"sessionId": "session-2"}), at=LATER)
    assert totals(books).calls.attempts == 2


@pytest.mark.parametrize("sender", [A, "138****8001"])
def test_an_sms_with_an_id_gives_way_to_a_notice_without(books: Books, sender: str) -> None:
    """Who hides the sender is recognised by the second: notices tell milliseconds (notifications.md §6)."""
    (text,) = sms_export(sms_row("2026-09-02 10:00:00", 2, sms_id="sms-9", x=X, sender=sender))
    import_rows(books.ledger(), [RowToImport(text)], IMPORTING)
    books.push(sms_body(parts="1", smsIdentifier=None), at=LATER)
    assert totals(books).sms.messages == 1


def test_a_second_file_that_is_new_is_no_file_that_was_compared_before(books: Books) -> None:
    rows = [f"icid-{n},{APP_KEY},{X},{A},2026-09-02 09:00:00,2026-09-02 09:01:0{n}" for n in (1, 2)]
    first, second = (uploaded(books, f"c{n}.csv", "calls", each) for n, each in enumerate(rows))
    bill = books.upload("b.csv", b"period,item,amount\n")
    notices = [
        reconcile_month(books.ledger(), "2026-09", files={"calls": keys, "bill": bill}, as_of=LATER)[
            "notices"
        ]
        for keys in ([first], [first, second], [second, first])
    ]
    told = [[notice.partition(":")[0] for notice in each] for each in notices]
    assert told == [[], ["bill"], ["calls", "bill"]]
