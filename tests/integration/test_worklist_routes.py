"""Worklist and quarantine over HTTP, and the watch as the scheduler calls it, on both tables (moto)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs
from moto import mock_aws

from builders.deployment import table_request
from builders.dynamodb import Table
from builders.events import EVENTS, ROOT, read_event
from builders.function_house import Context
from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.pushes import (
    SESSION,
    SIGNED_AT,
    A,
    B,
    X,
    applications_secret,
    event_body,
    signed_headers,
)
from builders.watching import ENDED, Scene
from functions.calls import app, watch
from integration.test_push_ingestion import Receiver
from privatenumber.calls.guard import DoorPolicy
from privatenumber.calls.quarantine import entry_for, open_envelope
from privatenumber.http_fields import cursor_of
from privatenumber.privacy import open_sealed
from privatenumber.store import clients
from privatenumber.store.keyring import KeyringStore

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
VARIABLES = {
    "AWS_DEFAULT_REGION": "cn-north-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "BINDINGS_TABLE": "bindings",
    "BILLS_TABLE": "bills",
    "KEY_ID": "key",
    "APPLICATIONS_SECRET": "applications",
    "WEBHOOKS_QUEUE_URL": "https://sqs.cn-north-1.amazonaws.com.cn/1/webhooks",
}
DISMISS = "POST /worklist/{id}/dismiss"
REPLAY = "POST /quarantine/replay"


NO_DAY = cursor_of("2026-99-99|0|2026-11-01T00:00:00.000Z#a")
"""A place on a day that is none."""


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """One imitation of AWS for all tests here."""
    made = (clients.dynamodb, clients.hurried_dynamodb, clients.secrets, app.rooms, watch.rooms)
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        patch.setattr(KeyringStore, "load", lambda self: KEYRING)
        patch.setattr(KeyringStore, "unseal", lambda self, sealed, context: unseal(sealed, context))
        for each in made:
            each.cache_clear()
        clients.secrets().create_secret(Name="applications", SecretString=applications_secret())
        clients.dynamodb().create_table(**table_request("BindingsTable", "bindings"))
        yield
        for each in made:
            each.cache_clear()


@pytest.fixture
def scene(aws: None) -> Iterator[Scene]:
    """An empty Bills table, as the functions name it."""
    clients.dynamodb().create_table(**table_request("BillsTable", "bills"))
    yield Scene(Table(clients.dynamodb(), "bills"))
    clients.dynamodb().delete_table(TableName="bills")


@pytest.fixture
def receiver(scene: Scene) -> Receiver:
    return Receiver(scene.bills, DoorPolicy())


def ask(
    route: str,
    query: Mapping[str, str] | None = None,
    *,
    body: Mapping[str, Any] | None = None,
    path: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """Status and body of an answer, held against what the document says of it."""
    event: dict[str, Any] = {
        "routeKey": route,
        "requestContext": {
            "requestId": "r1",
            "authorizer": {"iam": {"userArn": f"arn:aws-cn:iam::1:user/{A[3:]}"}},
        },
        "queryStringParameters": {} if route == REPLAY else {"application": "demo", **(query or {})},
        "pathParameters": dict(path or {}),
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body) if body is not None else "",
    }
    answer = app.handler(event, Context())
    found = json.loads(answer["body"])
    method, where = route.split(" ")
    response = DOCUMENT["paths"][where][method.lower()]["responses"][str(answer["statusCode"])]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    (content,) = response["content"].values()
    Draft202012Validator({**content["schema"], "components": DOCUMENT["components"]}).validate(found)
    return answer["statusCode"], found


class TestWorklist:
    def test_a_case_says_what_to_export_from_the_console_and_until_when(self, scene: Scene) -> None:
        """operations.md §13: business details of 31 days; times in Beijing."""
        scene.push(event_body("callin"))
        scene.push(event_body("disconnect", timestamp="2026-09-02 01:01:10"))
        scene.look(timedelta(hours=12))
        status, body = ask("GET /worklist")
        (case,) = body["cases"]
        assert (status, case["kind"], case["level"], case["x"]) == (200, "cdr-missing", "lost", X)
        assert case["export"] == {
            "page": "业务详单",
            "sheet": "calls",
            "number": X,
            "from": "2026-09-02 08:55:00",
            "to": "2026-09-02 09:06:10",
            "before": "2026-10-03T00:55:00.000Z",
        }
        assert A not in str(body)

    def test_a_case_is_dismissed_once_with_a_reason_and_by_name(self, scene: Scene) -> None:
        scene.push(event_body("disconnect"))
        scene.look(timedelta(hours=1))
        (case,) = scene.cases()
        for _ in range(2):
            status, body = ask(DISMISS, path={"id": case.id}, body={"why": "taken from the export"})
            assert (status, body["state"], body["why"]) == (200, "dismissed", "taken from the export")
        assert body["by"].startswith("arn:aws-cn:iam::1:user/")
        assert A[3:] not in body["by"]
        assert ask("GET /worklist")[1]["cases"] == []
        assert len(ask("GET /worklist", {"state": "dismissed"})[1]["cases"]) == 1

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            ({"id": "cdr-missing-none"}, {"why": "x"}, 404),
            ({"id": "#"}, {"why": "x"}, 404),
            ({"id": "cdr-missing-none"}, {}, 422),
            ({"id": "cdr-missing-none"}, {"why": "call １３８ 0013.8001"}, 422),
            ({"id": "cdr-missing-none"}, {"why": "half a pair \ud800"}, 400),
            ({"id": "cdr-missing-none"}, {"why": "x", "state": "open"}, 422),
        ],
    )
    def test_what_cannot_be_dismissed_says_why(
        self, scene: Scene, path: dict[str, str], body: dict[str, str], status: int
    ) -> None:
        assert ask(DISMISS, path=path, body=body)[0] == status

    def test_a_case_that_was_resolved_is_not_dismissed(self, scene: Scene) -> None:
        scene.push(event_body("answer", second=8))
        scene.look(timedelta(hours=5))
        (case,) = scene.cases()
        scene.push(event_body("disconnect"), at=SIGNED_AT + timedelta(hours=5))
        scene.look(timedelta(hours=12))
        assert ask(DISMISS, path={"id": case.id}, body={"why": "seen"})[0] == 409

    def test_pages_follow_a_cursor_and_filters_are_checked(self, scene: Scene) -> None:
        for number in range(3):
            scene.push(event_body("disconnect", second=number, sessionId=f"s{number}"))
        scene.look(timedelta(hours=1))
        two = {"limit": "2", "kind": "cdr-missing"}
        first = ask("GET /worklist", two)[1]
        rest = ask("GET /worklist", {**two, "cursor": first["next_cursor"]})[1]
        assert (len(first["cases"]), len(rest["cases"]), rest["next_cursor"]) == (2, 1, None)
        for query in ({"kind": "lost"}, {"state": "lost"}, {"cursor": "bm9uZQ=="}):
            assert ask("GET /worklist", query)[0] == 422


class TestQuarantine:
    def test_entries_are_listed_looked_at_masked_and_replayed(self, receiver: Receiver) -> None:
        receiver.push(event_body("answer"), headers=signed_headers(secret="wrong"))
        day = {"from": "2026-09-02"}
        (entry,) = ask("GET /quarantine", day)[1]["entries"]
        assert (entry["reason"], entry["replayed"]) == ("refused: digest", False)
        status, shown = ask("GET /quarantine/{entry}", path={"entry": entry["id"]})
        assert (status, shown["body"]["eventType"]) == (200, "answer")
        for secret in (A[3:], B[3:], SESSION):
            assert secret not in json.dumps(shown)
        refused = ask(REPLAY, body={"application": "demo", "entry": entry["id"]})[1]
        assert (refused["outcomes"], refused["finished"]) == ({"refused": 1}, True)
        believed = {"application": "demo", **day, "reason": "refused", "force": True, "why": "I know them"}
        assert ask(REPLAY, body=believed)[1]["stored"] == 1
        (entry,) = ask("GET /quarantine", day)[1]["entries"]
        assert (entry["replayed"], entry["why"]) == (True, "I know them")

    def test_an_entry_under_a_key_that_was_added_a_moment_ago_opens(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The door seals under the newest key; what replays reads the keyring once an hour."""
        newer = replace(KEYRING, data_keys={**KEYRING.data_keys, "k2": b"e" * 32}, current="k2")
        receiver.push(event_body("answer"), headers={})
        (old,) = receiver.quarantine()
        envelope = open_envelope(unseal, "demo", old.sealed)
        entry = entry_for(
            envelope, application="demo", reason=old.reason, keyring=newer, received_at=old.first_at
        )
        receiver.store.put_facts((), quarantined=[entry])
        monkeypatch.setattr(
            KeyringStore, "unseal", lambda self, sealed, context: open_sealed(newer, sealed, context=context)
        )
        app.rooms.cache_clear()
        try:
            assert ask("GET /quarantine/{entry}", path={"entry": entry.body})[0] == 200
            believed = {"application": "demo", "entry": entry.body, "force": True, "why": "I know them"}
            assert ask(REPLAY, body=believed)[1]["outcomes"] == {"replayed": 1}
        finally:
            app.rooms.cache_clear()

    def test_a_list_goes_on_where_the_page_ended(self, receiver: Receiver) -> None:
        for number in range(5):
            receiver.push(event_body("answer", sessionId=f"s{number}"), headers={})
        found, cursor = list[str](), ""
        while True:
            days = {"from": "2026-09-01", "to": "2026-09-03", "limit": "2"}
            body = ask("GET /quarantine", {**days, "cursor": cursor} if cursor else days)[1]
            found += [entry["id"] for entry in body["entries"]]
            cursor = body["next_cursor"]
            if not cursor:
                break
        assert len(set(found)) == len(found) == 5

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"application": "demo"}, 422),
            ({"from": "2026-09-02"}, 422),
            ({"application": "demo", "from": "2026-09-02", "to": "2026-11-02"}, 422),
            ({"application": "demo", "from": "tomorrow"}, 422),
            ({"application": "demo", "from": "9999-12-31"}, 422),
            ({"application": "demo", "from": "2026-09-02", "cursor": NO_DAY}, 422),
            ({"application": "demo", "from": "2026-09-02", "force": True}, 422),
            ({"application": "demo", "from": "2026-09-02", "force": "yes"}, 422),
            ({"application": "demo", "from": "2026-09-02", "all": True}, 422),
            ({"application": "demo", "from": 20260902}, 422),
            ({"application": "demo", "from": "2026-09-02", "cursor": "bm9uZQ=="}, 422),
            ({"application": "nobody", "from": "2026-09-02"}, 422),
            ({"application": "demo", "entry": "none"}, 404),
            ({"application": "demo", "entry": "a" * 26}, 404),
        ],
    )
    def test_what_cannot_be_replayed_says_why(self, scene: Scene, body: dict[str, Any], status: int) -> None:
        assert ask(REPLAY, body=body)[0] == status

    def test_an_unknown_entry_is_404(self, scene: Scene) -> None:
        for entry in ("a" * 26, "none"):
            assert ask("GET /quarantine/{entry}", path={"entry": entry})[0] == 404


class TestWatchFunction:
    def invoke(
        self, event: Mapping[str, Any], capsys: pytest.CaptureFixture[str], seconds: float = 240
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The answer, and the metrics that were written."""
        capsys.readouterr()
        answer = watch.handler(event, Context(seconds))
        lines = [line for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
        return answer, [json.loads(line) for line in lines]

    def test_a_look_counts_what_it_finds_by_kind(
        self, scene: Scene, capsys: pytest.CaptureFixture[str]
    ) -> None:
        scene.push(event_body("disconnect", timestamp="2026-09-02 01:01:10"))
        # A look may be moved forward, never back.
        later = (ENDED + timedelta(days=3650)).strftime("%Y-%m-%d %H:%M:%S")
        answer, metrics = self.invoke({"scheduled_time": later}, capsys)
        assert (answer["CdrsLate"], answer["FactsLost"], answer["finished"]) == (1, 1, True)
        (counted,) = [line for line in metrics if "WatchLag" in line]
        assert (counted["CdrsLate"], counted["CdrsProbablyLost"]) == ([1], [0])

    def test_an_operator_replays_by_event(
        self, receiver: Receiver, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for number in range(3):
            receiver.push(event_body("answer", sessionId=f"s{number}"), headers={})
        event = {"action": "replay", "application": "demo", "first": "2026-09-02"}
        refused, _ = self.invoke(event, capsys)
        assert refused["outcomes"] == {"refused": 3}
        answer, metrics = self.invoke({**event, "force": True, "why": "I know them"}, capsys)
        assert (answer["stored"], answer["outcomes"], answer["finished"]) == (3, {"replayed": 3}, True)
        assert [line["Replayed"] for line in metrics if "Replayed" in line] == [[3]]

    @pytest.mark.parametrize(
        "event",
        [
            read_event(EVENTS / "watch-replay-refused.json"),
            {"action": "replay", "application": "demo", "first": "tomorrow"},
            {"action": "replay", "application": "nobody", "first": "2026-09-02"},
            {"action": "replay", "application": "demo", "entry": "a" * 26},
            {"action": "replay", "first": "2026-09-02"},
        ],
    )
    def test_what_will_never_work_is_answered_and_not_raised(
        self, scene: Scene, event: dict[str, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        answer, _ = self.invoke(event, capsys)
        assert answer["kind"] == "refused"
        assert answer["detail"]
