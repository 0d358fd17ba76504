"""The deployed HTTP API and what stands behind it, as callers, strangers and the platform meet it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from builders.deployed import Company
from builders.pushes import cdr_entry, event_body, fee_body, wire
from local.processes import wait_until
from local.stack import Stack
from privatenumber.times import utc_now

BUSINESS_ROUTES = [
    ("POST", "/bindings"),
    ("GET", "/bindings?application=courier-10&order=order-1001"),
    ("GET", "/bindings/b0"),
    ("PATCH", "/bindings/b0"),
    ("DELETE", "/bindings/b0"),
    ("GET", "/numbers?application=courier-10"),
    ("PUT", "/numbers/%2B8617010000001"),
    ("POST", "/numbers/import?application=courier-10"),
]
THREADS = 12


class TestWhoMayIn:
    @pytest.mark.parametrize(("method", "path"), BUSINESS_ROUTES)
    def test_a_business_route_refuses_an_unsigned_request(self, stack: Stack, method: str, path: str) -> None:
        """Issue: "IAM authorisation for business routes"."""
        answer = httpx.request(method, stack.api_url + path, content=b"{}", timeout=30)
        assert answer.status_code == 403

    def test_a_wrong_path_token_finds_nothing(self, company: Company) -> None:
        """notifications.md §2.4: no body, no reason, nothing kept."""
        answer = company.push(wire(event_body()), token="guessed-callback-path-token-0000001")
        assert (answer.status_code, answer.content) == (404, b"")
        assert company.bills_items() == []

    def test_an_unknown_application_is_answered_like_a_wrong_token(self, company: Company) -> None:
        """notifications.md §2.4: names of applications cannot be guessed."""
        path = f"/callbacks/nobody/{company.tenant.callback_token}/status"
        answer = httpx.post(company.stack.api_url + path, content=wire(event_body()), timeout=30)
        assert (answer.status_code, answer.content) == (404, b"")


class TestPushes:
    @pytest.fixture
    def company(self, new_company: Callable[[], Company]) -> Company:
        """A tenant whose part of the tables no other test writes to."""
        return new_company()

    def test_a_forged_signature_is_refused_and_kept(self, company: Company) -> None:
        """U-D11: 401, nothing processed; a push signed with an old secret is not lost either."""
        answer = company.push(wire(event_body()), secret="not-the-application-secret")
        assert (answer.status_code, answer.content) == (401, b"")
        assert quarantined(company) == ["refused: digest"]

    def test_an_old_signature_is_refused_and_kept(self, company: Company) -> None:
        """auth.md §6, C-146: retries are at most 11 h old; a replay of yesterday's push is not one."""
        answer = company.push(wire(event_body()), created=utc_now() - timedelta(hours=13))
        assert (answer.status_code, answer.content) == (401, b"")
        assert quarantined(company) == ["refused: created"]

    def test_what_is_no_json_is_kept_raw(self, company: Company) -> None:
        """Issue: "What cannot be parsed is stored raw and counted"."""
        answer = company.push(b'{"eventType":"callin","statusInfo":{')
        assert (answer.status_code, answer.content) == (400, b"")
        [reason] = quarantined(company)
        assert reason.startswith("unparsable")

    def test_a_body_above_a_mebibyte_is_refused(self, company: Company) -> None:
        """Issue: "size-bounded"; the platform's pushes are a hundredth of that."""
        padded = event_body(userData="x" * (1024 * 1024))
        answer = company.push(wire(padded))
        assert (answer.status_code, answer.content) == (413, b"")
        assert company.bills_items() == []

    def test_the_same_push_seven_times_is_one_fact(self, company: Company) -> None:
        """U-D10, U-A12, C-053: a delivery and its six repetitions, each signed anew and answered 200."""
        body = wire(fee_body(cdr_entry(appKey=company.tenant.app_key)))
        answers = [company.push(body, route="fee") for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 7
        assert company.facts() == ["cdr"]

    def test_three_at_once_are_one_fact(self, company: Company) -> None:
        """U-A12: repetitions may overlap, in several processes."""
        body = wire(event_body())
        with ThreadPoolExecutor(3) as senders:
            answers = list(senders.map(lambda _: company.push(body).status_code, range(3)))
        assert set(answers) == {200}
        assert company.facts() == ["event"]


def quarantined(company: Company) -> list[str]:
    """Why each of the tenant's items was put apart; there must be nothing but such items."""
    found = company.bills_items()
    assert all(item["pk"].startswith("QUARANTINE#") for item in found)
    return [item["reason"] for item in found]


class TestBindings:
    def test_a_binding_lives_over_http(self, company: Company) -> None:
        """U-A01, U-A05, U-A02: bound, changed, found, released; the platform follows each step."""
        made = company.bind("order-1", 1, 2)
        assert made.status_code == 201
        document = made.json()
        path = f"/bindings/{document['id']}"

        changed = company.stack.api.request("PATCH", path, body={"b": company.person(3)})
        assert changed.status_code == 200
        [held] = company.at_platform()
        assert (held["x"], held["b"]) == (document["x"], company.person(3))

        assert [found["id"] for found in company.find(number=company.person(3))] == [document["id"]]
        assert company.find(number=company.person(2)) == []

        released = company.stack.api.request("DELETE", path)
        assert (released.status_code, released.json()["state"]) == (200, "CLOSED")
        assert company.at_platform() == []

    def test_an_idempotency_key_names_one_request(self, company: Company) -> None:
        """U-S02: same key and content, same binding; same key and other content, an error."""
        headers = {"idempotency-key": "key-1"}
        first = company.bind("order-2", 4, 5, headers=headers)
        again = company.bind("order-2", 4, 5, headers=headers)
        other = company.bind("order-3", 4, 5, headers=headers)
        assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
        assert again.json()["id"] == first.json()["id"]
        assert again.headers["idempotent-replay"] == "true"

    def test_a_failing_platform_brings_out_no_real_number(self, company: Company) -> None:
        """U-D01, U-N01: an error is a problem document that says what to do, never a person's number."""
        company.order_fault("axb.bind", "status", http_status=403, code="1010029")
        answer = company.bind("order-4", 6, 7)
        assert answer.status_code >= 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["platform_code"] == "1010029"
        assert company.person(6)[3:] not in answer.text
        assert company.person(7)[3:] not in answer.text

    def test_concurrent_binds_of_one_person_take_each_x_once(
        self, new_company: Callable[[], Company]
    ) -> None:
        """U-N08, U-P02, C-041: a dozen orders of one person at once and three X: three are bound, each on an
        X of its own, the others are told to come back; both sides hold the same bindings.
        """
        crowd = new_company()
        with ThreadPoolExecutor(THREADS) as callers:
            answers = list(callers.map(lambda n: crowd.bind(f"rush-{n}", 0, n), range(1, THREADS + 1)))

        statuses = Counter(answer.status_code for answer in answers)
        assert statuses == {201: 3, 503: THREADS - 3}
        refused = [answer for answer in answers if answer.status_code == 503]
        assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
        assert not any(crowd.person(0)[3:] in answer.text for answer in answers)

        held = crowd.at_platform()
        assert sorted(binding["x"] for binding in held) == sorted(crowd.tenant.numbers)
        ours = crowd.find(number=crowd.person(0))
        assert {found["x"] for found in ours if found["state"] == "ACTIVE"} == set(crowd.tenant.numbers)
        pairs = {item["pk"]: item["pairs"] for item in crowd.bindings_items() if item["sk"] == "NUMBER"}
        assert pairs == dict.fromkeys((f"X#{x}" for x in crowd.tenant.numbers), 1)


class TestBehindTheApi:
    def test_work_that_fails_each_time_ends_among_the_dead_letters(self, stack: Stack) -> None:
        """Issue: "a queue with DLQ between sweep and worker"."""
        queue = stack.aws.client("sqs")
        work, dead = stack.outputs["WorkQueueUrl"], stack.outputs["DeadLetterQueueUrl"]
        with impatient(queue, work):
            queue.send_message(QueueUrl=work, MessageBody="no work message")

            def arrived() -> list[Any]:
                return list(queue.receive_message(QueueUrl=dead).get("Messages", []))

            messages = wait_until(arrived, 30, every_s=0.2)
        assert [message["Body"] for message in messages] == ["no work message"]
        queue.delete_message(QueueUrl=dead, ReceiptHandle=messages[0]["ReceiptHandle"])

    def test_the_sweep_runs_every_minute_and_billing_every_hour_and_day(self, stack: Stack) -> None:
        """Issue: "schedules (minute, hour, day 00:10 Beijing)", which is 16:10 UTC."""
        scheduler = stack.aws.client("scheduler")
        found = set()
        for row in scheduler.list_schedules()["Schedules"]:
            schedule = scheduler.get_schedule(Name=row["Name"])
            target = schedule["Target"]
            asked, function = (
                json.loads(target["Input"]).get("action", "sweep"),
                target["Arn"].rpartition(":")[2],
            )
            found.add((asked, function, schedule["ScheduleExpression"], schedule["State"]))
        sweep, billing = stack.outputs["UnbindSweepFunctionName"], stack.outputs["BillingFunctionName"]
        assert {each for each in found if each[1] in (sweep, billing)} == {
            ("sweep", sweep, "rate(1 minute)", "ENABLED"),
            ("rate", billing, "rate(1 hour)", "ENABLED"),
            ("begin", billing, "cron(10 16 * * ? *)", "ENABLED"),
            ("sweep", billing, "rate(1 hour)", "ENABLED"),
            ("plan", billing, "cron(0 1 * * ? *)", "ENABLED"),
            ("plan", billing, "cron(0 10 25 * ? *)", "ENABLED"),
        }


@contextmanager
def impatient(queue: Any, url: str) -> Iterator[None]:
    """Let messages of a queue come back at once, which takes six minutes as deployed."""
    asked = queue.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    queue.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})
    try:
        yield
    finally:
        queue.set_queue_attributes(QueueUrl=url, Attributes=asked["Attributes"])
