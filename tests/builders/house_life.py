"""What happens in the house before somebody looks at it: numbers, bindings, calls, bills, a comparison."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from builders.fuzzing import PEOPLE, operations
from builders.house import Answer, House
from builders.pushes import cdr_entry, event_body, sms_body
from builders.streams import passes, stream_event
from local.tenant import BY_MODE, number_table
from privatenumber.settings import Mode
from privatenumber.store import clients
from privatenumber.times import beijing_day, beijing_month, utc_now

RIDE = BY_MODE[Mode.AXB]
A, B = PEOPLE[:2]
LAST_MONTH = beijing_month(utc_now().replace(day=1) - timedelta(days=3))
CALLS = "record_id,app_key,x_number,caller,callee,answer_time,end_time,duration_s\n"
ROW = (
    f"other-1,{RIDE.app_key},{RIDE.numbers[0]},{A},{B},{LAST_MONTH}-02 10:00:00,{LAST_MONTH}-02 10:01:00,60\n"
)
BILL = f"period,item,number_type,quantity,unit_price,amount\n{LAST_MONTH},rent,virtual,1,5,5.00\n"
PRICES = {
    "lists": [
        {
            "valid_from": "2026-01-01",
            "rent": {"virtual": "5", "carrier": "15"},
            "call": {"virtual": "0.10", "carrier": "0.10"},
            "sms": {"virtual": "0.28", "carrier": "0.27"},
        }
    ],
    "why": "contract",
}
PACKAGE = {
    "number": "CS2609010001",
    "bought_at": "2026-09-01T02:03:00.000Z",
    "minutes": 500,
    "parts": 50,
    "price": "38",
}
COMPLAINT = {"id": "c-1", "application": RIDE.id, "x": RIDE.numbers[0], "day": f"{LAST_MONTH}-02"}
UPLOAD = {"month": LAST_MONTH, "layout": "calls", "sha256": "ab" * 32, "bytes": 1024}
COMPARE = {"month": LAST_MONTH, "files": {"calls": "imports/calls.csv", "bill": "imports/bill.csv"}}
BARRED = {"application": RIDE.id, "number": PEOPLE[5], "direction": "caller", "reason": "asked for"}
EXPORT = {
    "application": RIDE.id,
    "kind": "calls",
    "format": "csv",
    "from": f"{LAST_MONTH}-01",
    "to": f"{LAST_MONTH}-20",
}
COUNT = {"application": RIDE.id, "day": f"{LAST_MONTH}-02"}
FORECAST = {"application": RIDE.id, "days": 7, "growth": 1.5}
DRIFT = {"application": RIDE.id}
#: A body of each operation that would be followed, beside the examples of the document.
BODIES: Mapping[str, Any] = {
    "PUT /prices": PRICES,
    "POST /packages": PACKAGE,
    "POST /complaints": COMPLAINT,
    "POST /uploads": UPLOAD,
    "POST /reconciliations": COMPARE,
    "PUT /barred": BARRED,
    "POST /exports": EXPORT,
    "POST /statistics/count": COUNT,
    "POST /pool/forecast": FORECAST,
    "POST /drift": DRIFT,
    "POST /drift/{run}/{difference}": {"application": RIDE.id, "decision": "ignore"},
    "POST /statements/{month}/preview": {"lists": PRICES["lists"]},
    "PUT /numbers/{x}": {"application": RIDE.id, "area_code": "0755", "number_type": "virtual"},
    "POST /disputes": {"reconciliation": "", "difference": "", "why": "our record is longer"},
    "POST /disputes/{dispute}/submit": {"why": "sent"},
    "POST /disputes/{dispute}/decide": {"decision": "partly_accepted", "accepted": "0.01", "why": "settled"},
    "POST /disputes/{dispute}/withdraw": {"why": "mistake"},
    "POST /disputes/{dispute}/reopen": {"why": "new proof"},
    "POST /worklist/{id}/dismiss": {"why": "known"},
    "POST /reconciliations/{reconciliation}/imports": {"lines": [2]},
    "PATCH /reconciliations/{reconciliation}/differences/{difference}": {
        "state": "explained",
        "note": "known",
    },
    "PATCH /bindings/{id}": {"ttl_seconds": 7200},
}


def examples(route: str) -> list[Any]:
    """Bodies that an operation would follow, with companies of the house in them."""
    content = operations()[route].get("requestBody", {}).get("content", {}).get("application/json", {})
    shown = [one["value"] for one in content.get("examples", {}).values()]
    text = json.dumps([*shown, *([content["example"]] if "example" in content else [])])
    found: list[Any] = json.loads(text.replace("demo-axb", RIDE.id).replace("2026-09", LAST_MONTH))
    return [*found, *([BODIES[route]] if route in BODIES else [])]


def live(house: House) -> Iterator[tuple[str, Answer]]:
    """Everything that a company does in a month; the answers with the routes that gave them."""
    for tenant in BY_MODE.values():
        table = number_table(tenant, beijing_day(utc_now()))
        route = "POST /numbers/import"
        yield (
            route,
            house.ask(
                route, query={"application": tenant.id}, headers={"content-type": "text/csv"}, body=table
            ),
        )
    for body in examples("POST /bindings"):
        yield "POST /bindings", house.ask("POST /bindings", body=json.dumps(body))
    for entry in pushes():
        house.push(RIDE, *entry)
    settle(house)
    for route in ("PUT /prices", "POST /packages", "POST /complaints", "PUT /barred", "POST /webhooks"):
        yield route, house.ask(route, body=json.dumps(examples(route)[0]))


def account(house: House) -> Iterator[tuple[str, Answer]]:
    """The month is stated, compared with the platform's files, and what was found disputed; takes a while."""
    for action in ("close", "statement"):
        house.invoke("BillingFunction", {"action": action, "month": LAST_MONTH})
    for name, text in (("calls", CALLS + ROW), ("bill", BILL)):
        bucket = house.environment["ExchangeBucket"]
        clients.s3().put_object(Bucket=bucket, Key=f"imports/{name}.csv", Body=text.encode())
    asked = house.ask("POST /reconciliations", body=json.dumps(COMPARE))
    yield "POST /reconciliations", asked
    work(house)
    route, run = "GET /reconciliations/{reconciliation}", asked.body["id"]
    found = house.ask(route, path={"reconciliation": run})
    yield route, found
    disputed = {
        "reconciliation": run,
        "difference": found.body["differences"][0]["id"],
        "why": "ours is longer",
    }
    yield "POST /disputes", house.ask("POST /disputes", body=json.dumps(disputed))


def pushes() -> Iterator[tuple[str, str]]:
    """A call and a text of last month, and one of nobody's."""
    about = {"appKey": RIDE.app_key, "bindNum": RIDE.numbers[0], "callerNum": A, "calleeNum": RIDE.numbers[0]}
    times = {
        name: f"{LAST_MONTH}-02 01:0{minute}:00"
        for minute, name in enumerate(
            (
                "callInTime",
                "fwdStartTime",
                "fwdAlertingTime",
                "fwdAnswerTime",
                "recordStartTime",
                "callEndTime",
            )
        )
    }
    yield "fee", json.dumps({"eventType": "fee", "feeLst": [cdr_entry(**about, **times, fwdDstNum=B)]})
    for name in ("callin", "callout", "answer", "disconnect"):
        yield "status", json.dumps(event_body(name, caller=A, called=RIDE.numbers[0]))
    yield "sms", json.dumps(sms_body())
    yield "fee", json.dumps({"eventType": "fee", "feeLst": [{"icid": "broken"}]})


def settle(house: House) -> None:
    """Hand every row to every function that reads a stream, twice, as if each had just been written."""
    for source in house.deployment.streams:
        rows = sorted(house.rows(source.table), key=lambda row: str(row["pk"]))
        records = [
            record
            for record in stream_event(rows)["Records"]
            if any(passes(each, record) for each in source.filters)
        ]
        for batch in _batches(records, source.batch):
            answer = house.invoke(source.function, {"Records": batch})
            assert answer["batchItemFailures"] == [], (source.function, house.printed.getvalue()[-3000:])


SLOW = ("BillingFunction", "BillingWorkerFunction", "ReportsSweepFunction", "ReportsWorkerFunction")
"""They look at every day of a month, shard by shard, which takes moto half a minute."""


def work(house: House, *, slow: bool = True) -> None:
    """Work on every message that waits."""
    for source in house.deployment.queue_sources:
        for message in house.messages(source.queue) if slow or source.function not in SLOW else ():
            answer = house.invoke(source.function, {"Records": [message]})
            assert answer["batchItemFailures"] == [], (
                source.function,
                message,
                house.printed.getvalue()[-3000:],
            )


def sweep(house: House, *, slow: bool) -> None:
    """Run what is scheduled, each once."""
    for schedule in house.deployment.schedules:
        if slow or schedule.function not in SLOW:
            house.invoke(schedule.function, dict(schedule.event))


def _batches(records: list[Any], size: int) -> Iterable[list[Any]]:
    return (records[begin : begin + size] for begin in range(0, len(records), size))
