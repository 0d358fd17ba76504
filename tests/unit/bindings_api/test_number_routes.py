"""The inventory of X numbers through the handler (operations.md §6, billing-rules.md §9.2)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from builders.bindings_api import APP_KEY, APPLICATION, EMPTY_APPLICATION, X1, X2, X3, Answer, BindingsApi
from builders.workbooks import table
from functions.bindings.queries import XLSX_TYPE

HEADER = "x_number,number_type,app_key,city_code,state,issued_on,unsubscribed_on"
NEW = {"application": APPLICATION, "area_code": "0755", "number_type": "carrier", "issued_on": "2026-09-01"}


def listed(api: BindingsApi, **query: str) -> list[dict[str, Any]]:
    numbers: list[dict[str, Any]] = api.call(
        "GET /numbers", query={"application": APPLICATION, **query}
    ).body["numbers"]
    return numbers


def state_of(api: BindingsApi, x: str) -> dict[str, Any]:
    return next(number for number in listed(api) if number["x"] == x)


def import_lines(api: BindingsApi, *lines: str, header: str = HEADER, **query: str) -> Answer:
    body = "\n".join([header, *lines]) + "\n"
    return api.call("POST /numbers/import", query=query, body=body, headers={"Content-Type": "text/csv"})


def line(x: str, kind: str = "virtual", key: str = APP_KEY, city: str = "0755", **cells: str) -> str:
    rest = [cells.get(name, "") for name in ("state", "issued_on", "unsubscribed_on")]
    return ",".join([x, kind, key, city, *rest])


def outcomes(answer: Answer) -> list[str]:
    return [row["outcome"] for row in answer.body["results"]]


def test_a_new_number_is_registered_with_201(api: BindingsApi) -> None:
    """C-083."""
    answer = api.put_number("17010000003", **NEW)
    assert answer.status == 201
    assert answer.body == {
        "x": X3,
        "dial": "17010000003",
        "application": APPLICATION,
        "area_code": "0755",
        "number_type": "carrier",
        "state": "active",
        "quarantined_until": None,
        "why": None,
        "issued_on": "2026-09-01",
        "unsubscribed_on": None,
        "pairs": 0,
        "outcome": "created",
    }


def test_the_same_number_again_changes_nothing(api: BindingsApi) -> None:
    api.put_number(X3, **NEW)
    again = api.put_number(X3, **NEW)
    assert (again.status, again.body["outcome"]) == (200, "unchanged")


def test_a_change_leaves_absent_fields_and_clears_a_null_date(api: BindingsApi) -> None:
    api.put_number(X3, **NEW)
    assert api.put_number(X3, state="locked").body["issued_on"] == "2026-09-01"
    changed = api.put_number(X3, issued_on=None)
    assert (changed.body["outcome"], changed.body["issued_on"]) == ("changed", None)
    assert changed.body["state"] == "locked"


def test_a_state_change_keeps_the_bindings_and_their_count(api: BindingsApi) -> None:
    """U-S08; operations.md §6: draining takes no new bindings and leaves the old ones."""
    x = api.bind().body["x"]
    changed = api.put_number(x, state="draining")
    assert (changed.body["state"], changed.body["pairs"]) == ("draining", 1)
    assert len(api.platform.bindings) == 1


def test_a_number_out_of_service_is_not_chosen(api: BindingsApi) -> None:
    """U-A10, U-S07."""
    api.put_number(X1, state="locked")
    assert api.bind().body["x"] == X2


def test_a_number_with_bindings_does_not_move_to_another_application(api: BindingsApi) -> None:
    x = api.bind().body["x"]
    answer = api.put_number(x, application=EMPTY_APPLICATION)
    assert (answer.status, answer.body["type"]) == (409, "urn:private-number:problem:number-in-use")
    assert answer.body["pairs"] == 1
    assert state_of(api, x)["application"] == APPLICATION


def test_a_free_number_moves_to_another_application(api: BindingsApi) -> None:
    """U-P23: several applications in one deployment."""
    assert api.put_number(X1, application=EMPTY_APPLICATION).body["outcome"] == "changed"
    assert [number["x"] for number in listed(api)] == [X2]
    assert [number["x"] for number in listed(api, application=EMPTY_APPLICATION)] == [X1]


def test_a_day_of_unsubscription_retires_the_number(api: BindingsApi) -> None:
    """operations.md §6: it stops the same day."""
    answer = api.put_number(X1, unsubscribed_on="2026-09-20")
    assert (answer.body["state"], answer.body["unsubscribed_on"]) == ("retired", "2026-09-20")


@pytest.mark.parametrize(
    ("x", "fields", "field"),
    [
        (X3, {"application": APPLICATION, "area_code": "0755"}, "number_type"),
        (X3, {"application": APPLICATION, "number_type": "virtual"}, "area_code"),
        (X3, {**NEW, "application": "unknown"}, "application"),
        (X3, {**NEW, "area_code": "755"}, "area_code"),
        (X3, {**NEW, "state": "5"}, "state"),
        (X3, {**NEW, "unsubscribed_on": "2026-08-01"}, "unsubscribed_on"),
        (X3, {**NEW, "unsubscribed_on": "2026-09-20", "state": "active"}, "unsubscribed_on"),
        (X3, {**NEW, "issued_on": "1.9.2026"}, "issued_on"),
        ("+8675520000001", NEW, "x"),
        ("170", NEW, "x"),
    ],
)
def test_a_field_that_breaks_a_rule_is_named(
    api: BindingsApi, x: str, fields: dict[str, str], field: str
) -> None:
    answer = api.put_number(x, **fields)
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, field)


def test_numbers_are_listed_by_city_and_state(api: BindingsApi) -> None:
    """U-A15, C-125."""
    api.put_number(X3, **{**NEW, "area_code": "010", "state": "suspended"})
    assert {number["x"] for number in listed(api)} == {X1, X2, X3}
    assert {number["x"] for number in listed(api, area="0755")} == {X1, X2}
    assert {number["x"] for number in listed(api, state="suspended")} == {X3}
    assert listed(api, area="0755", state="suspended") == []


def test_a_list_is_read_page_by_page(api: BindingsApi) -> None:
    api.add_numbers(*[f"+861701000{n:04d}" for n in range(100, 105)])
    seen: list[str] = []
    query = {"application": APPLICATION, "limit": "3"}
    while True:
        page = api.call("GET /numbers", query=query).body
        seen += [number["x"] for number in page["numbers"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert (len(seen), len(set(seen))) == (7, 7)


@pytest.mark.parametrize(
    "query",
    [{"cursor": "AAAA"}, {"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"state": "5"}, {"area": "755"}],
)
def test_a_query_that_breaks_a_rule_is_422(api: BindingsApi, query: dict[str, str]) -> None:
    answer = api.call("GET /numbers", query={"application": APPLICATION, **query})
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, next(iter(query)))


def test_a_list_needs_an_application(api: BindingsApi) -> None:
    answer = api.call("GET /numbers")
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "application")


def test_a_number_table_is_imported_row_by_row(api: BindingsApi) -> None:
    answer = import_lines(api, line(X3, "carrier", issued_on="2026-09-01"), line(X1), line(X2, state="暂停"))
    assert answer.status == 200
    assert outcomes(answer) == ["created", "unchanged", "changed"]
    assert answer.body["complete"] is True
    assert answer.body["results"][0] == {
        "line": 2,
        "x": "+86170****0003",
        "outcome": "created",
        "changes": {
            "application": {"from": None, "to": APPLICATION},
            "area_code": {"from": None, "to": "0755"},
            "number_type": {"from": None, "to": "carrier"},
            "state": {"from": None, "to": "active"},
            "issued_on": {"from": None, "to": "2026-09-01"},
        },
    }
    assert answer.body["results"][2]["changes"] == {"state": {"from": "active", "to": "suspended"}}
    assert state_of(api, X2)["state"] == "suspended"


def test_the_same_file_again_changes_nothing(api: BindingsApi) -> None:
    lines = [line(X3), line(X2, state="9")]
    import_lines(api, *lines)
    assert outcomes(import_lines(api, *lines)) == ["unchanged", "unchanged"]


def test_a_dry_run_shows_the_difference_and_writes_nothing(api: BindingsApi) -> None:
    answer = import_lines(api, line(X3), line(X2, state="暂停"), dry_run="true")
    assert (answer.body["dry_run"], answer.body["complete"]) == (True, False)
    assert outcomes(answer) == ["created", "changed"]
    assert state_of(api, X2)["state"] == "active"
    assert len(listed(api)) == 2


def test_a_binary_gb18030_file_is_imported(api: BindingsApi) -> None:
    text = f"隐私号码;号码类型;APP_Key;城市码;状态\n17010000003;实号;{APP_KEY};755;冻结绑定\n"
    answer = api.call(
        "POST /numbers/import",
        body=base64.b64encode(text.encode("gb18030")).decode(),
        headers={"content-type": "application/octet-stream"},
        encoded=True,
    )
    assert (answer.body["encoding"], answer.body["separator"]) == ("gb18030", ";")
    assert state_of(api, X3)["state"] == "frozen"


def test_one_bad_row_in_twenty_is_reported_and_the_rest_imported(api: BindingsApi) -> None:
    """billing-rules.md §9.2: more than 5 % refuse the file."""
    good = [line(f"+861701000{n:04d}") for n in range(100, 119)]
    answer = import_lines(api, *good, line("1.7E+10"))
    assert (answer.status, answer.body["created"], answer.body["rejected"]) == (200, 19, 1)
    bad = answer.body["results"][-1]
    assert (bad["line"], bad["outcome"], bad["error"]["field"]) == (21, "rejected", "x_number")


def test_more_bad_rows_refuse_the_file_and_nothing_is_written(api: BindingsApi) -> None:
    good = [line(f"+861701000{n:04d}") for n in range(100, 118)]
    answer = import_lines(api, *good, line("1.7E+10"))
    assert (answer.status, answer.body["type"]) == (422, "urn:private-number:problem:too-many-bad-rows")
    assert answer.body["errors"][0]["line"] == 20
    assert len(listed(api)) == 2


def test_rows_without_app_key_belong_to_the_application_of_the_query(api: BindingsApi) -> None:
    assert import_lines(api, line(X3, key=""), application=APPLICATION).body["created"] == 1


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (line(X3, key=""), "app_key"),
        (line(X3, key="demoAppKey9"), "app_key"),
        (line(X3, city=""), "city_code"),
    ],
)
def test_a_row_that_says_too_little_is_rejected(api: BindingsApi, row: str, field: str) -> None:
    answer = import_lines(api, row)
    assert answer.status == 422
    assert answer.body["errors"][0]["error"]["field"] == field


def test_an_import_does_not_move_a_number_with_bindings(api: BindingsApi) -> None:
    x = api.bind().body["x"]
    answer = import_lines(api, line(x, key="demoAppKey0000000000000002"))
    assert answer.body["errors"][0]["error"]["field"] == "app_key"
    assert state_of(api, x)["application"] == APPLICATION


def test_a_locked_number_stays_locked_though_the_console_calls_it_normal(api: BindingsApi) -> None:
    """U-S07: the lock is ours; other facts of the row are taken over."""
    api.put_number(X1, state="locked")
    assert outcomes(import_lines(api, line(X1, state="正常"))) == ["kept"]
    assert outcomes(import_lines(api, line(X1, "carrier", state="正常"))) == ["changed"]
    assert state_of(api, X1)["state"] == "locked"


def test_a_returned_number_is_retired_even_if_locked(api: BindingsApi) -> None:
    api.put_number(X1, state="locked")
    import_lines(api, line(X1, state="退回", unsubscribed_on="2026-09-20"))
    assert state_of(api, X1)["state"] == "retired"


def test_a_retired_number_does_not_come_back_by_an_old_file(api: BindingsApi) -> None:
    """operations.md §6: returned is final."""
    api.put_number(X1, state="retired")
    assert outcomes(import_lines(api, line(X1, state="normal"))) == ["kept"]
    assert state_of(api, X1)["state"] == "retired"


def test_a_number_twice_in_a_file_is_one_number(api: BindingsApi) -> None:
    assert outcomes(import_lines(api, line(X3), line("17010000003"))) == ["created", "duplicate"]


def test_rows_that_contradict_each_other_are_an_error_of_the_later(api: BindingsApi) -> None:
    answer = import_lines(api, line(X3), line(X3, "carrier"))
    assert answer.body["errors"] == [
        {
            "line": 3,
            "x": "+86170****0003",
            "outcome": "rejected",
            "error": {"field": "x_number", "rule": "contradicts line 2"},
        }
    ]


def test_what_the_deadline_cuts_off_is_pending_and_done_by_the_same_file_again(api: BindingsApi) -> None:
    api.seconds = 4.0
    cut = import_lines(api, line(X3))
    assert (outcomes(cut), cut.body["complete"]) == (["pending"], False)
    api.seconds = 25.0
    assert outcomes(import_lines(api, line(X3))) == ["created"]


def test_a_file_without_rows_is_refused(api: BindingsApi) -> None:
    answer = import_lines(api)
    assert (answer.status, answer.body["detail"]) == (422, "no rows")


def test_a_file_with_wrong_headers_is_refused_and_told_which_it_has(api: BindingsApi) -> None:
    answer = import_lines(api, "17010000003,virtual", header="number,type")
    assert (answer.status, answer.body["headers_found"]) == (422, ["number", "type"])


def test_a_file_that_is_too_large_is_413(api: BindingsApi) -> None:
    assert import_lines(api, "x" * 1_100_000).status == 413


def test_a_file_of_another_type_is_415(api: BindingsApi) -> None:
    answer = api.call("POST /numbers/import", body="x", headers={"content-type": "application/vnd.ms-excel"})
    assert answer.status == 415


def test_a_large_table_is_written_a_hundred_rows_a_request(api: BindingsApi) -> None:
    answer = import_lines(api, *[line(f"+861701000{n:04d}") for n in range(1000, 1250)])
    assert answer.body["created"] == 250


def import_workbook(api: BindingsApi, *rows: tuple[str, ...], **query: str) -> Answer:
    """Send a table as a spreadsheet saves it; API Gateway hands binary bodies over as Base64."""
    body = base64.b64encode(table(tuple(HEADER.split(",")), *rows)).decode()
    headers = {"Content-Type": XLSX_TYPE}
    return api.call("POST /numbers/import", query=query, body=body, headers=headers, encoded=True)


def test_a_spreadsheet_is_imported_like_a_csv(api: BindingsApi) -> None:
    answer = import_workbook(api, tuple(line(X3).split(",")), tuple(line(X1, state="suspended").split(",")))
    assert (answer.status, answer.body["encoding"], outcomes(answer)) == (200, "xlsx", ["created", "changed"])
    assert state_of(api, X1)["state"] == "suspended"


def test_a_dry_run_of_a_spreadsheet_shows_the_difference_and_writes_nothing(api: BindingsApi) -> None:
    before = listed(api)
    answer = import_workbook(api, tuple(line(X1, city="010").split(",")), dry_run="true")
    assert answer.body["results"][0]["changes"] == {"area_code": {"from": "0755", "to": "010"}}
    assert (answer.body["dry_run"], listed(api)) == (True, before)


@pytest.mark.parametrize("ours", ["locked", "reserved", "quarantined"])
def test_a_state_of_ours_outlives_a_table_that_calls_the_number_normal(api: BindingsApi, ours: str) -> None:
    api.put_number(X1, state=ours)
    assert outcomes(import_lines(api, line(X1, state="normal"))) == ["kept"]
    assert state_of(api, X1)["state"] == ours


def test_a_table_that_suspends_a_quarantined_number_is_believed(api: BindingsApi) -> None:
    api.put_number(X1, state="quarantined")
    assert outcomes(import_lines(api, line(X1, state="suspended"))) == ["changed"]
    assert state_of(api, X1)["state"] == "suspended"


@pytest.mark.parametrize("ours", ["locked", "reserved", "draining", "retired", "quarantined"])
def test_a_number_that_people_took_out_is_bound_no_more_and_says_why(api: BindingsApi, ours: str) -> None:
    """operations.md §6."""
    api.put_number(X2, state="locked")
    told = api.call("PUT /numbers/{x}", path={"x": X1}, query={"why": "campaign"}, body={"state": ours})
    assert (told.body["state"], told.body["why"]) == (ours, "campaign")
    assert api.bind().body["reason"] == "suspended"
    assert state_of(api, X1)["why"] == "campaign"
