"""The worker of reconciliations as Lambda calls it, from the request to what was found (moto)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
import pytest

from builders.bills_api import MONTH, BillsApi, bills_api, imitated_aws
from builders.books import Books
from builders.events import ROOT
from builders.pushes import APP_KEY, SUBSCRIPTION, A, B, X
from functions.billing import reconcile
from local.template import load
from privatenumber.store import clients
from privatenumber.store.reconciliation_runs import RunStore

BEGUN = datetime(2026, 9, 2, 12, tzinfo=UTC)
IMPORTS = "POST /reconciliations/{reconciliation}/imports"
CALLS = "record_id,app_key,x_number,caller,callee,answer_time,end_time,duration_s\n"
ROW = f"other-1,{APP_KEY},{X},{A},{B},2026-09-02 10:00:00,2026-09-02 10:01:00,60\n"
BILL = f"period,item,number_type,quantity,unit_price,amount\n{MONTH},rent,virtual,1,5,5.00\n"


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with imitated_aws():
        yield


@pytest.fixture
def api(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[BillsApi]:
    with bills_api() as made:
        made.now = BEGUN
        monkeypatch.setattr(reconcile, "utc_now", lambda: made.now)
        for cached in (reconcile.settings, reconcile.runs):
            cached.cache_clear()
        books = Books(clients.dynamodb(), boto3.client("s3"), made.bills, made.bindings, made.bucket)
        books.number(X, issued_on=date(2026, 1, 1))
        books.bind("order-1001", SUBSCRIPTION, X)
        books.upload("imports/calls.csv", (CALLS + ROW).encode())
        books.upload("imports/bill.csv", BILL.encode())
        yield made


def ask(api: BillsApi, **files: str) -> str:
    keys = {"calls": "imports/calls.csv", "bill": "imports/bill.csv", **files}
    answer = api.call("POST /reconciliations", body={"month": MONTH, "files": keys})
    return str(answer.body["id"])


def delivered(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]}


def read(api: BillsApi, run: str) -> Any:
    return api.call("GET /reconciliations/{reconciliation}", path={"reconciliation": run}).body


def test_what_was_asked_for_is_compared_and_its_differences_are_shown(api: BillsApi) -> None:
    run = ask(api)
    assert reconcile.work(delivered(*api.messages()), None) == {"batchItemFailures": []}
    told = read(api, run)
    assert (told["state"], told["version"]) == ("done", 1)
    assert "missing_push" in [found["kind"] for found in told["differences"]]
    for number in (A, B):
        assert number.removeprefix("+86") not in json.dumps(told)


def test_what_was_asked_for_counts_for_the_alarms_on_differences(
    api: BillsApi, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever way a comparison is asked for, `ReconciliationAlarm` and `MissingCdrsAlarm` watch it."""
    ask(api)
    reconcile.work(delivered(*api.messages()), None)
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    resources = load(ROOT / "template.yaml")["Resources"]
    for alarm in ("ReconciliationAlarm", "MissingCdrsAlarm"):
        watched = resources[alarm]["Properties"]
        (dimension,) = watched["Dimensions"]
        name, service = watched["MetricName"], dimension["Value"]
        assert [line[name] for line in written if name in line and line["service"] == service] == [[1.0]]


def test_the_same_again_finds_the_same_version(api: BillsApi) -> None:
    first, second = ask(api), None
    reconcile.work(delivered(*api.messages()), None)
    answer = api.call(
        "POST /reconciliations",
        body={"month": MONTH, "files": {"calls": "imports/calls.csv", "bill": "imports/bill.csv"}},
        headers={"Idempotency-Key": "again"},
    )
    second = answer.body["id"]
    reconcile.work(delivered(*api.messages()), None)
    assert read(api, first)["hash"] == read(api, second)["hash"]
    assert read(api, second)["version"] == 1


def test_a_row_whose_push_never_came_is_imported_and_missing_no_more(api: BillsApi) -> None:
    """billing-rules.md §9.3, `missing_push`: imported as a record with its origin, then rated."""
    run = ask(api)
    reconcile.work(delivered(*api.messages()), None)
    (missing,) = [found for found in read(api, run)["differences"] if found["kind"] == "missing_push"]
    api.now += timedelta(days=1)
    path, body = {"reconciliation": run}, {"lines": {"calls": [missing["evidence"]["import_line"]]}}
    key = {"Idempotency-Key": "import-1"}
    asked = api.call(IMPORTS, path=path, body=body, headers=key)
    assert asked.status == 202
    reconcile.work(delivered(*api.messages()), None)
    told = read(api, asked.body["id"])
    assert (told["state"], told["imports_of"], told["outcome"]["calls"]["imported"]) == ("done", run, 1)
    answer = api.call(
        "POST /reconciliations",
        body={"month": MONTH, "files": {"calls": "imports/calls.csv", "bill": "imports/bill.csv"}},
        headers={"Idempotency-Key": "afterwards"},
    )
    reconcile.work(delivered(*api.messages()), None)
    kinds = [found["kind"] for found in read(api, answer.body["id"])["differences"]]
    assert "missing_push" not in kinds


@pytest.mark.parametrize("lines", [[2], {}, {"sms": [2]}, {"bill": [2]}, {"calls": []}, {"calls": [True]}])
def test_lines_are_chosen_of_files_that_were_compared(api: BillsApi, lines: object) -> None:
    run = ask(api)
    answer = api.call(
        IMPORTS,
        path={"reconciliation": run},
        body={"lines": lines},
        headers={"Idempotency-Key": "import-1"},
    )
    assert (answer.status, answer.body["errors"][0]["field"].startswith("lines")) == (422, True)


def test_a_file_that_cannot_be_read_ends_the_run_with_its_reason(api: BillsApi) -> None:
    boto3.client("s3").put_object(Bucket=api.bucket, Key="imports/none.csv", Body=b"a,b\n1,2\n")
    run = ask(api, bill="imports/none.csv")
    reconcile.work(delivered(*api.messages()), None)
    told = read(api, run)
    assert told["state"] == "refused"
    assert told["problem"]


def test_what_fails_is_named_and_stays_due(api: BillsApi, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ask(api)
    monkeypatch.setattr("privatenumber.billing.bootstrap.Rooms.ledger", lambda _: 1 / 0)
    assert reconcile.work(delivered(*api.messages()), None) == {
        "batchItemFailures": [{"itemIdentifier": "m0"}]
    }
    assert read(api, run)["state"] == "running"


def test_a_message_that_is_none_of_ours_goes_to_the_dead_letters(api: BillsApi) -> None:
    told = json.dumps({"reconciliation": f"{MONTH}~{'a' * 26}"})
    failures = reconcile.work(delivered("{}", told), None)
    assert failures == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_the_sweep_sends_what_nobody_took_up(api: BillsApi) -> None:
    """The first message was lost."""
    run = ask(api)
    api.messages()
    assert reconcile.sweep({}, None) == {"due": 1, "sent": 1}
    assert [json.loads(body) for body in api.messages()] == [{"reconciliation": run}]
    due = RunStore(api.bills.client, api.bills.name).due(until=BEGUN, limit=5)
    assert [found for found, _ in due] == [run]
