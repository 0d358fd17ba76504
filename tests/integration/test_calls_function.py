"""The function that answers questions about calls, as API Gateway calls it, on both tables (moto)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs
from moto import mock_aws

from builders.calls import CALL, ORDER
from builders.chronicled import Chronicled
from builders.deployment import table_request
from builders.dynamodb import Table
from builders.events import ROOT, event_files, read_event
from builders.function_house import Context
from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.pushes import (
    ICID,
    SESSION,
    STRANGER,
    A,
    B,
    X,
    applications_secret,
    event_body,
    fee_body,
    sms_body,
    stranger_cdr,
)
from functions.calls import app
from privatenumber.calls.rooms import CallRooms
from privatenumber.http_fields import cursor_of
from privatenumber.store import clients
from privatenumber.store.keyring import KeyringStore

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def deployment() -> Iterator[Chronicled]:
    """Two calls and a text, received and followed; read only."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in (
            ("AWS_DEFAULT_REGION", "cn-north-1"),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("BINDINGS_TABLE", "bindings"),
            ("BILLS_TABLE", "bills"),
            ("KEY_ID", "key"),
            ("APPLICATIONS_SECRET", "applications"),
        ):
            patch.setenv(name, value)
        patch.setattr(KeyringStore, "load", lambda self: KEYRING)
        patch.setattr(KeyringStore, "unseal", lambda self, sealed, context: unseal(sealed, context))
        for made in (clients.dynamodb, clients.secrets, app.rooms):
            made.cache_clear()
        clients.secrets().create_secret(Name="applications", SecretString=applications_secret())
        for logical_id, name in (("BindingsTable", "bindings"), ("BillsTable", "bills")):
            clients.dynamodb().create_table(**table_request(logical_id, name))
        desk = Chronicled(Table(clients.dynamodb(), "bills"))
        events = [event_body(name) for name in ("callin", "callout", "alerting", "answer", "disconnect")]
        for body in (*events, fee_body(), fee_body(stranger_cdr()), sms_body()):
            assert desk.receive(body) == 200
        desk.follow(desk.stored())
        yield desk
        for made in (clients.dynamodb, clients.secrets, app.rooms):
            made.cache_clear()


def ask(route: str, session: str | None = None, accept: str = "", **query: str) -> Any:
    """Status and body of an answer; `since` stands for `from`, `accept` is the language."""
    asked = {"application": "demo", **{("from" if name == "since" else name): v for name, v in query.items()}}
    event = {
        "routeKey": route,
        "requestContext": {"requestId": "r1", "authorizer": {"iam": {"userArn": "arn:aws-cn:iam::1:user/u"}}},
        "queryStringParameters": asked,
        "pathParameters": {"session": session, "message": session} if session else {},
        "headers": {"Accept-Language": accept},
    }
    answer = app.handler(event, Context())
    body = json.loads(answer["body"])
    if route in app.ROUTES:
        Draft202012Validator(_schema(route, answer["statusCode"])).validate(body)
    return answer["statusCode"], body


def _schema(route: str, status: int) -> dict[str, Any]:
    """What docs/openapi.yaml says of an answer."""
    method, path = route.split(" ")
    response = DOCUMENT["paths"][path][method.lower()]["responses"][str(status)]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    (content,) = response["content"].values()
    return {**content["schema"], "components": DOCUMENT["components"]}


def ids(**query: str) -> list[str]:
    """Calls that a list shows."""
    status, body = ask("GET /calls", **query)
    assert status == 200, body
    return [call["id"] for call in body["calls"]]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"binding": ORDER.binding_id}, 1),
        ({"order": ORDER.order}, 1),
        ({"x": X}, 2),
        ({"x": X[3:]}, 2),
        ({"number": "138 0013 8001"}, 1),
        ({"number": B}, 1),
        ({"number": STRANGER}, 1),
        ({"number": "13900000000"}, 0),
        ({"since": "2026-09-02", "to": "2026-09-02"}, 2),
        ({"since": "2026-09-01", "to": "2026-09-01"}, 0),
        ({"x": X, "since": "2026-09-02T01:30:00Z"}, 1),
        ({"order": ORDER.order, "application": "other"}, 0),
    ],
)
def test_calls_are_found(deployment: Chronicled, query: dict[str, str], count: int) -> None:
    """users.md: who called whom, by what a support person has in hand."""
    assert len(ids(**query)) == count


@pytest.mark.parametrize("query", [{"x": X}, {"since": "2026-09-02", "to": "2026-09-03"}])
def test_a_list_goes_on_where_the_page_ended(deployment: Chronicled, query: dict[str, str]) -> None:
    found, cursor = [], ""
    for _ in range(3):
        _, body = ask("GET /calls", limit="1", **query, **({"cursor": cursor} if cursor else {}))
        found += [call["started_at"] for call in body["calls"]]
        cursor = body["next_cursor"]
        if not cursor:
            break
    assert found == sorted(found, reverse=True)
    assert len(found) == len(set(found)) == 2


@pytest.mark.parametrize("identity", [CALL, SESSION])
def test_one_call_is_told_with_its_story(deployment: Chronicled, identity: str) -> None:
    """C-148: which push ends the call; events, CDR and what happened around it as one story."""
    status, body = ask("GET /calls/{session}", session=identity)
    assert (status, body["call"]["state"], body["call"]["talk_seconds"]) == (200, "settled", 62)
    assert {line["what"] for line in body["story"]} >= {"event.callin", "event.disconnect", "cdr"}
    assert [line["at"] for line in body["story"]] == sorted(line["at"] for line in body["story"])
    assert body["story"][-1]["source"] == f"cdr {ICID}"


def test_a_call_that_surprised_is_explained_in_the_language_asked_for(deployment: Chronicled) -> None:
    """C-136, C-176: 8014, no binding at call time."""
    (stranger,) = ids(number=STRANGER)
    _, english = ask("GET /calls/{session}", session=stranger)
    _, chinese = ask("GET /calls/{session}", session=stranger, accept="zh-CN")
    assert english["diagnosis"][0]["situation"] == chinese["diagnosis"][0]["situation"]
    assert english["diagnosis"][0]["title"].isascii()
    assert not chinese["diagnosis"][0]["title"].isascii()


def test_texts_are_listed_like_calls(deployment: Chronicled) -> None:
    _, body = ask("GET /messages", order=ORDER.order)
    (message,) = body["messages"]
    assert (message["state"], message["calling"], message["called"]) == (
        "sent",
        "+86138****8001",
        "+86138****8002",
    )


@pytest.mark.parametrize("by", ["id", "smsIdentifier"])
def test_a_text_is_explained_in_the_language_asked_for(deployment: Chronicled, by: str) -> None:
    """C-155: by the id of a list, and by the platform's own."""
    _, listed = ask("GET /messages", order=ORDER.order)
    identity = listed["messages"][0]["id"] if by == "id" else sms_body()["smsEvent"]["smsIdentifier"]
    status, told = ask("GET /messages/{message}", session=identity, lang="zh")
    assert (status, told["message"]["result"]) == (200, 0)
    assert told["diagnosis"][-1]["situation"] == "sms.sent"
    assert told["diagnosis"][-1]["title"] == "短信已发送"


def test_a_text_of_which_nothing_came_is_not_found(deployment: Chronicled) -> None:
    status, problem = ask("GET /messages/{message}", session="never-came")
    assert (status, problem["type"]) == (404, "urn:private-number:problem:message-not-found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"application": ""}, "application"),
        ({"number": "12"}, "number"),
        ({"x": "nobody"}, "x"),
        ({"order": "a", "x": X}, "order"),
        ({"order": "a\n"}, "order"),
        ({"since": "yesterday"}, "from"),
        ({"since": "2026-09-02T01:00:00"}, "from"),
        ({"since": "2026-09-03", "to": "2026-09-01"}, "from"),
        ({"since": "2026-01-01", "to": "2026-09-01"}, "from"),
        ({"limit": "0"}, "limit"),
        ({"since": "0001-01-01"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"cursor": "AAAA"}, "cursor"),
        ({"cursor": "="}, "cursor"),
        ({"cursor": cursor_of("........................#a")}, "cursor"),
        ({"cursor": cursor_of("2026-99-99T01:00:00.000Z#a")}, "cursor"),
    ],
)
def test_a_question_that_cannot_be_answered_names_field_and_rule(
    deployment: Chronicled, query: dict[str, str], field: str
) -> None:
    status, problem = ask("GET /calls", **query)
    assert (status, problem["errors"][0]["field"]) == (422, field)


def test_a_list_whose_time_has_moved_on_behind_the_page_is_at_its_end(deployment: Chronicled) -> None:
    """The last 24 hours are others for the next page."""
    _, first = ask("GET /calls", x=X, limit="1")
    later = {"since": "2026-09-03", "cursor": first["next_cursor"]}
    assert ask("GET /calls", x=X, **later) == (200, {"calls": [], "next_cursor": None})


def test_a_call_that_nothing_arrived_of_is_404(deployment: Chronicled) -> None:
    assert ask("GET /calls/{session}", session="nobody")[0] == 404


def test_another_route_is_404(deployment: Chronicled) -> None:
    assert ask("GET /else")[0] == 404


def test_trouble_is_500_and_says_nothing(deployment: Chronicled, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: CallRooms) -> None:
        raise ConnectionError(A)

    monkeypatch.setattr(CallRooms, "lookup", property(broken))
    status, problem = ask("GET /calls", x=X)
    assert (status, A[3:] in json.dumps(problem)) == (500, False)


def test_no_answer_and_no_line_tells_a_number_or_a_session(
    deployment: Chronicled, capsys: pytest.CaptureFixture[str]
) -> None:
    """design.md §6: people are masked, sessions are ids of ours."""
    answers = [
        ask("GET /calls", x=X),
        ask("GET /calls", number=A),
        ask("GET /messages", number=A),
        ask("GET /calls/{session}", session=SESSION),
        ask("GET /calls", number=A + "9"),
    ]
    said = json.dumps(answers, ensure_ascii=False) + "".join(capsys.readouterr())
    assert not [secret for secret in (A, A[3:], B[3:], STRANGER[3:], SESSION) if secret in said]


@pytest.mark.parametrize(
    "path",
    [path for path in event_files() if path.stem.startswith(("calls-list", "calls-read", "calls-messages"))],
    ids=lambda path: path.stem,
)
def test_a_sample_event_is_answered(deployment: Chronicled, path: Any) -> None:
    expected = 422 if "invalid" in path.stem else 200
    assert app.handler(read_event(path), Context())["statusCode"] == expected
