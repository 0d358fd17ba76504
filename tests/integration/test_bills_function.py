"""Bills over HTTP, on moto: statements, prices, uploads, reconciliations (billing-rules.md §2, §9)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from builders.bills_api import (
    BEN,
    DIFFERENCE,
    LATE,
    MONTH,
    NOW,
    RUN,
    Answer,
    BillsApi,
    bills_api,
    described,
    imitated_aws,
    problem,
)
from builders.pushes import APP_ID, X
from privatenumber.store.numbers import NumberStore, NumberType, XNumber
from privatenumber.store.reconciliation_runs import RunStore
from privatenumber.store.statements import plan_store
from privatenumber.store.versions import VersionStore

SHARES: list[dict[str, Any]] = [
    {"line": "share", "view": view, "key": key, "total": "57.00"}
    for view in ("application", "mode")
    for key in ("ax", "axb")
]
LINES = [{"line": "rent", "application": "ax", "x": "+8617010000001", "amount": "5"}, *SHARES]
PRICES: dict[str, Any] = {
    "lists": [{"valid_from": "2026-09-01", "call": {"virtual": "0.10", "carrier": "0.10"}}],
    "why": "contract",
}
PACKAGE: dict[str, Any] = {
    "number": "CS2609010001",
    "bought_at": "2026-09-01T02:03:00.000Z",
    "minutes": 500,
    "parts": 50,
    "price": "38",
}
CALLS = b"record_id\n1\n"
CALLS_SHA256 = hashlib.sha256(CALLS).hexdigest()
READ = "GET /reconciliations/{reconciliation}"
HANDLE = "PATCH /reconciliations/{reconciliation}/differences/{difference}"


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with imitated_aws():
        yield


@pytest.fixture
def api(aws: None) -> Iterator[BillsApi]:
    with bills_api() as made:
        yield made


def of_month(api: BillsApi, route: str = "", month: str = MONTH, **query: str) -> Answer:
    return api.call(f"GET /statements/{{month}}{route}", path={"month": month}, query=query)


class TestStatements:
    def test_months_that_have_a_statement_are_listed_the_newest_first(self, api: BillsApi) -> None:
        api.state(month="2026-08", state="open")
        api.state()
        answer = api.call("GET /statements")
        assert [(one["month"], one["state"]) for one in answer.body["statements"]] == [
            (MONTH, "closed"),
            ("2026-08", "open"),
        ]
        described(answer, "GET /statements")

    @pytest.mark.parametrize(
        "query", [{"from": "2026-13"}, {"from": "2026-10", "to": "2026-09"}, {"from": "2024-01"}]
    )
    def test_a_list_of_no_month_or_of_too_many_is_refused(self, api: BillsApi, query: dict[str, str]) -> None:
        assert api.call("GET /statements", query=query).status == 422

    def test_a_statement_is_its_sums_and_its_version(self, api: BillsApi) -> None:
        version = api.state(LINES)
        answer = of_month(api)
        assert (answer.body["total"], answer.body["version"]) == ("114.00", 1)
        assert (answer.body["hash"], answer.body["line_count"]) == (version.hash, len(LINES))
        described(answer, "GET /statements/{month}")

    def test_an_earlier_version_stays_readable(self, api: BillsApi) -> None:
        api.state(total="1.00")
        api.state(total="2.00")
        assert of_month(api, version="1").body["total"] == "1.00"
        versions = of_month(api, "/versions")
        assert [(one["version"], one["total"]) for one in versions.body["versions"]] == [
            (2, "2.00"),
            (1, "1.00"),
        ]
        described(versions, "GET /statements/{month}/versions")

    @pytest.mark.parametrize("route", ["", "/lines", "/versions"])
    def test_a_month_without_a_statement_is_not_found(self, api: BillsApi, route: str) -> None:
        answer = of_month(api, route)
        assert (answer.status, problem(answer)) == (404, "statement-not-found")

    def test_lines_come_page_by_page_and_filtered(self, api: BillsApi) -> None:
        api.state(LINES)
        first = of_month(api, "/lines", line="share", view="mode", limit="1")
        second = of_month(
            api, "/lines", line="share", view="mode", limit="1", cursor=first.body["next_cursor"]
        )
        assert [line["key"] for page in (first, second) for line in page.body["lines"]] == ["ax", "axb"]
        assert all(line["view"] == "mode" for line in first.body["lines"])
        described(first, "GET /statements/{month}/lines")

    def test_a_list_goes_on_in_the_version_it_began_with(self, api: BillsApi) -> None:
        api.state(LINES)
        first = of_month(api, "/lines", limit="1")
        api.state(LINES[:1], total="5.00")
        rest = of_month(api, "/lines", cursor=first.body["next_cursor"])
        lines = [{name: line[name] for name in line if name != "id"} for line in rest.body["lines"]]
        assert (rest.body["version"], lines) == (1, LINES[1:])
        assert rest.body["next_cursor"] is None

    def test_a_list_from_which_somebody_was_erased_meanwhile_begins_anew(self, api: BillsApi) -> None:
        version = api.state(LINES)
        first = of_month(api, "/lines", limit="1")
        other = [{**line, "redacted": True} for line in LINES]
        VersionStore(api.bills.client, api.bills.name).redact(version, other, now=NOW)
        assert of_month(api, "/lines", cursor=first.body["next_cursor"]).status == 422
        assert all(line["redacted"] for line in of_month(api, "/lines").body["lines"])

    @pytest.mark.parametrize("cursor", ["x", "MToxOjE6YQ"])
    def test_a_cursor_that_no_list_has_answered_is_refused(self, api: BillsApi, cursor: str) -> None:
        api.state(LINES)
        assert of_month(api, "/lines", cursor=cursor).status == 422


class TestTariff:
    def test_prices_are_put_once_and_read_with_who_changed_them(self, api: BillsApi) -> None:
        first, again = (api.call("PUT /prices", body=PRICES) for _ in range(2))
        assert (first.status, first.body["version"], again.body["version"]) == (200, 1, 1)
        shown = api.call("GET /prices")
        assert shown.body["lists"][0]["call"] == {"virtual": "0.10", "carrier": "0.10"}
        assert [(one["by"], one["why"]) for one in shown.body["versions"]] == [(api.actor, "contract")]
        described(first, "PUT /prices")
        described(shown, "GET /prices")

    def test_a_price_is_exact_however_it_is_written(self, api: BillsApi) -> None:
        """A JSON number is read as a decimal, never as binary floating point."""
        answer = api.call("PUT /prices", body=json.dumps(PRICES).replace('"0.10"', "0.12", 1))
        assert answer.body["lists"][0]["call"]["virtual"] == "0.12"

    @pytest.mark.parametrize(
        "changes",
        [{"lists": [{"valid_from": "soon"}]}, {"why": None}, {"why": "ask 13800138001"}, {"more": 1}],
    )
    def test_prices_that_cannot_be_are_refused(self, api: BillsApi, changes: dict[str, Any]) -> None:
        answer = api.call("PUT /prices", body={**PRICES, **changes})
        assert (answer.status, problem(answer)) == (422, "invalid-fields")
        assert api.call("GET /prices").body["versions"] == []

    def test_the_book_is_emptied_only_when_somebody_says_so(self, api: BillsApi) -> None:
        api.call("PUT /prices", body=PRICES)
        forgotten = api.call("PUT /prices", body={"why": "x"})
        assert (forgotten.status, len(api.call("GET /prices").body["lists"])) == (422, 1)
        meant = api.call("PUT /prices", body={"lists": [], "why": "published prices"})
        assert (meant.status, meant.body["lists"]) == (200, [])

    def test_nobodys_number_is_an_order_number(self, api: BillsApi) -> None:
        answer = api.call("POST /packages", body={**PACKAGE, "number": "CS13800138001"})
        assert (answer.status, problem(answer)) == (422, "invalid-fields")
        assert "13800138001" not in json.dumps(answer.body)
        assert api.call("GET /packages").body["packages"] == []

    def test_a_purchase_is_entered_once_by_its_number(self, api: BillsApi) -> None:
        first, again = (api.call("POST /packages", body=PACKAGE) for _ in range(2))
        other = api.call("POST /packages", body={**PACKAGE, "minutes": 600})
        assert (first.status, again.status, other.status) == (201, 200, 409)
        assert first.body["effective_at"] == "2026-09-01T03:00:00.000Z"
        shown = api.call("GET /packages")
        assert [one["number"] for one in shown.body["packages"]] == [PACKAGE["number"]]
        described(first, "POST /packages")
        described(again, "POST /packages")
        described(other, "POST /packages")
        described(shown, "GET /packages")

    def test_a_purchase_that_was_entered_wrongly_is_withdrawn_and_stays_in_the_history(
        self, api: BillsApi
    ) -> None:
        api.call("POST /packages", body=PACKAGE)
        path = {"order": PACKAGE["number"]}
        assert api.call("DELETE /packages/{order}", path=path).status == 422
        answer = api.call("DELETE /packages/{order}", path=path, query={"why": "entered twice"})
        assert answer.status == 200
        assert api.call("GET /packages").body["packages"] == []
        assert [one["why"] for one in api.call("GET /packages").body["versions"]] == ["entered twice", None]
        again = api.call("DELETE /packages/{order}", path=path, query={"why": "entered twice"})
        assert again.status == 404
        described(answer, "DELETE /packages/{order}")


class TestUploads:
    def test_a_link_fits_one_file_under_a_key_of_ours(self, api: BillsApi) -> None:
        body = {"month": MONTH, "layout": "calls", "sha256": CALLS_SHA256, "bytes": len(CALLS)}
        first, again = (api.call("POST /uploads", body=body) for _ in range(2))
        assert first.status == 201
        assert first.body["key"] == again.body["key"] == f"uploads/{MONTH}/calls-{CALLS_SHA256}.csv"
        signed = parse_qs(urlsplit(first.body["url"]).query)["X-Amz-SignedHeaders"][0].split(";")
        assert {"content-length", "x-amz-checksum-sha256"} <= set(signed)
        assert first.body["headers"].keys() <= set(signed)
        described(first, "POST /uploads")

    @pytest.mark.parametrize(
        "changes",
        [
            {"bytes": 0},
            {"bytes": 3 * 1024**3},
            {"bytes": True},
            {"layout": "other"},
            {"sha256": "AB"},
            {"key": "x"},
        ],
    )
    def test_a_file_that_would_not_be_read_gets_no_link(self, api: BillsApi, changes: dict[str, Any]) -> None:
        body = {"month": MONTH, "layout": "calls", "sha256": CALLS_SHA256, "bytes": 12, **changes}
        assert api.call("POST /uploads", body=body).status == 422


class TestReconciliations:
    @pytest.fixture
    def files(self, api: BillsApi) -> dict[str, str]:
        """Two files that lie in the bucket."""
        files = {"calls": f"uploads/{MONTH}/calls.csv", "bill": f"imports/{MONTH}/bill.csv"}
        for key in files.values():
            boto3.client("s3").put_object(Bucket=api.bucket, Key=key, Body=CALLS)
        return files

    def ask(self, api: BillsApi, files: dict[str, str], key: str = "k1", **more: Any) -> Answer:
        body = {"month": MONTH, "files": files, **more}
        return api.call("POST /reconciliations", body=body, headers={"Idempotency-Key": key})

    def test_a_request_is_a_row_and_a_message_and_the_same_again_is_no_second(
        self, api: BillsApi, files: dict[str, str]
    ) -> None:
        first = self.ask(api, files)
        api.now += timedelta(seconds=1)
        again = self.ask(api, files)
        assert (first.status, first.body["state"]) == (202, "requested")
        assert first.headers["location"] == f"/reconciliations/{first.body['id']}"
        assert (again.body["id"], again.headers["idempotent-replay"]) == (first.body["id"], "true")
        assert {json.loads(message)["reconciliation"] for message in api.messages()} == {first.body["id"]}
        listed = api.call("GET /reconciliations", query={"month": MONTH})
        assert [run["id"] for run in listed.body["reconciliations"]] == [first.body["id"]]
        described(first, "POST /reconciliations")
        described(listed, "GET /reconciliations")

    def test_the_same_key_for_other_files_is_refused(self, api: BillsApi, files: dict[str, str]) -> None:
        self.ask(api, files)
        answer = self.ask(api, {"calls": files["calls"]})
        assert (answer.status, problem(answer)) == (409, "idempotency-mismatch")

    def test_a_request_whose_message_was_lost_is_due(
        self, api: BillsApi, files: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The sweep asks the table: crash or queue, nothing that was answered 202 is forgotten."""
        monkeypatch.setattr("privatenumber.store.queue.WorkQueue.send", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            self.ask_raising(api, files)
        due = list(RunStore(api.bills.client, api.bills.name).due(until=NOW, limit=10))
        assert len(due) == 1

    def ask_raising(self, api: BillsApi, files: dict[str, str]) -> None:
        answer = self.ask(api, files)
        assert answer.status == 500
        raise ZeroDivisionError

    @pytest.mark.parametrize(
        "files",
        [
            {},
            {"calls": "exports/other.csv"},
            {"calls": "uploads/../x"},
            {"others": "uploads/x"},
            {"calls": "uploads/none"},
        ],
    )
    def test_a_request_for_files_that_are_not_there_is_refused(
        self, api: BillsApi, files: dict[str, str]
    ) -> None:
        assert self.ask(api, files).status == 422
        assert RunStore(api.bills.client, api.bills.name).of_month(MONTH) == []

    def test_a_mapping_that_cannot_be_is_refused_at_once(self, api: BillsApi, files: dict[str, str]) -> None:
        assert self.ask(api, files, mappings={"calls": {"columns": 7}}).status == 422

    def test_what_a_run_found_comes_page_by_page(self, api: BillsApi) -> None:
        run = api.reconcile(DIFFERENCE, LATE, {"line": "bad_row", "reason": "x"}, DIFFERENCE)
        first = api.call(READ, path={"reconciliation": run}, query={"limit": "2"})
        rest = api.call(READ, path={"reconciliation": run}, query={"cursor": first.body["next_cursor"]})
        kinds = [found["kind"] for page in (first, rest) for found in page.body["differences"]]
        assert kinds == ["minutes_diff", "late", "minutes_diff"]
        assert rest.body["next_cursor"] is None
        assert first.body["found"]["residual"] == "0.00"
        described(first, READ)

    @pytest.mark.parametrize("run", ["none", f"{MONTH}~{'b' * 26}", "2026-09~"])
    def test_an_unknown_run_is_not_found(self, api: BillsApi, run: str) -> None:
        answer = api.call(READ, path={"reconciliation": run})
        assert (answer.status, problem(answer)) == (404, "reconciliation-not-found")


class TestDifferences:
    def handle(self, api: BillsApi, difference: str, **body: Any) -> Answer:
        return api.call(HANDLE, path={"reconciliation": RUN, "difference": difference}, body=body)

    def test_what_somebody_says_of_a_difference_is_kept_with_his_name(self, api: BillsApi) -> None:
        api.reconcile(DIFFERENCE)
        api.actor = BEN
        (found,) = api.found()
        answer = self.handle(api, found["id"], state="explained", note="export was filtered", owner="finance")
        (now,) = api.found()
        assert now == answer.body
        assert (now["state"], now["note"], now["owner"], now["by"]) == (
            "explained",
            "export was filtered",
            "finance",
            BEN,
        )
        described(answer, HANDLE)

    def test_a_month_that_is_compared_again_finds_it_as_it_was_left(self, api: BillsApi) -> None:
        api.reconcile(DIFFERENCE)
        self.handle(api, api.found()[0]["id"], state="explained", note="filtered")
        again = api.reconcile(LATE, DIFFERENCE, run=f"{MONTH}~{'b' * 26}")
        assert [found["state"] for found in api.found(again)] == ["open", "explained"]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"state": "explained"},
            {"state": "disputed", "note": "x"},
            {"note": "call 13800138001"},
            {"more": "x"},
        ],
    )
    def test_what_may_not_be_said_is_refused(self, api: BillsApi, body: dict[str, Any]) -> None:
        api.reconcile(DIFFERENCE)
        assert self.handle(api, api.found()[0]["id"], **body).status == 422

    def test_the_state_of_a_disputed_difference_follows_its_dispute(self, api: BillsApi) -> None:
        api.dispute()
        (found,) = api.found()
        answer = self.handle(api, found["id"], state="explained", note="x")
        assert (answer.status, problem(answer)) == (409, "difference-disputed")
        assert self.handle(api, found["id"], note="sent to them").status == 200
        assert [(one["state"], one["note"]) for one in api.found()] == [("disputed", "sent to them")]

    @pytest.mark.parametrize("difference", ["none", "0" * 24])
    def test_an_unknown_difference_is_not_found(self, api: BillsApi, difference: str) -> None:
        api.reconcile(DIFFERENCE)
        answer = self.handle(api, difference, note="x")
        assert (answer.status, problem(answer)) == (404, "difference-not-found")


class TestPlanning:
    def test_a_part_of_the_last_plan_is_read_with_its_numbers(self, api: BillsApi) -> None:
        head = {
            "kind": "plan",
            "month": MONTH,
            "rents": {"days": []},
            "returns": {"stage": "open", "count": 1},
            "packages": {"packages": []},
            "spend": [{"application": None, "so_far": "1.00"}],
            "complaints": {"level": "none", "rates": []},
            "warnings": ["budgets: other is no application"],
        }
        lines = [{"line": "return", "x": X, "saves": "5"}]
        store = plan_store(api.bills.client, api.bills.name)
        store.add(MONTH, head, lines, seen=None, made_at=NOW)
        answer = api.call("GET /planning/{plan}", path={"plan": "returns"}, query={"month": MONTH})
        assert answer.body["says"] == {"stage": "open", "count": 1, "numbers": [{"x": X, "saves": "5"}]}
        spend = api.call("GET /planning/{plan}", path={"plan": "spend"}, query={"month": MONTH})
        assert spend.body["says"] == head["spend"]
        described(answer, "GET /planning/{plan}")
        described(spend, "GET /planning/{plan}")

    @pytest.mark.parametrize(("plan", "status"), [("rents", 404), ("weather", 422)])
    def test_what_nobody_planned_is_not_answered(self, api: BillsApi, plan: str, status: int) -> None:
        assert api.call("GET /planning/{plan}", path={"plan": plan}).status == status

    def test_a_complaint_is_entered_once_by_its_id(self, api: BillsApi) -> None:
        own_x(api)
        body = {"id": "notice-17", "application": APP_ID, "x": X.removeprefix("+86"), "day": "2026-09-02"}
        first = api.call("POST /complaints", body=body)
        api.now += timedelta(seconds=1)
        again, other = (
            api.call("POST /complaints", body={**body, **more}) for more in ({}, {"kind": "fraud"})
        )
        assert (first.status, again.status, other.status) == (201, 200, 409)
        assert (first.body["x"], first.body["by"], again.body) == (X, api.actor, first.body)
        described(first, "POST /complaints")
        described(again, "POST /complaints")
        described(other, "POST /complaints")

    @pytest.mark.parametrize(
        "changes",
        [
            {"x": "13800138001"},
            {"x": 1},
            {"application": "none"},
            {"day": "2030-01-01"},
            {"id": ""},
            {"id": "13800138001"},
            {"id": "notice-138-0013-8001"},
            {"kind": "bad"},
        ],
    )
    def test_a_complaint_about_nobody_of_ours_is_refused(
        self, api: BillsApi, changes: dict[str, Any]
    ) -> None:
        """C-077: the number of whoever complained is entered nowhere, be it for an X or for the notice."""
        own_x(api)
        body = {"id": "n1", "application": APP_ID, "x": X, "day": "2026-09-02", **changes}
        answer = api.call("POST /complaints", body=body)
        assert (answer.status, {each["field"] for each in answer.body["errors"]}) == (422, set(changes))


def own_x(api: BillsApi) -> None:
    number = XNumber(X, APP_ID, "0755", NumberType.VIRTUAL)
    NumberStore(api.bindings.client, api.bindings.name).put(number, seen=None)


def test_a_route_that_does_not_exist_is_said_to(api: BillsApi) -> None:
    assert api.call("GET /bills").status == 404


def test_an_upload_link_ends(api: BillsApi) -> None:
    body = {"month": MONTH, "layout": "bill", "sha256": CALLS_SHA256, "bytes": 12, "format": "xlsx"}
    answer = api.call("POST /uploads", body=body)
    assert answer.body["url_until"] == (NOW + timedelta(minutes=15)).isoformat(
        timespec="milliseconds"
    ).replace("+00:00", "Z")
