"""The routes of the black list, as API Gateway calls them (users.md U-S09)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs

from builders.dynamodb import moto_client, new_table
from builders.events import EVENTS, ROOT, read_event
from builders.function_house import Context
from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.pushes import STRANGER, application
from functions.calls import app
from privatenumber.call_policy import CallPolicy
from privatenumber.calls.black_list import BlackList
from privatenumber.store.barred import BarredStore
from privatenumber.times import utc_now

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))


class Rooms:
    """The one room that these routes ask for."""

    def __init__(self, black_list: BlackList) -> None:
        self.black_list = black_list


@pytest.fixture(scope="module")
def deployment() -> Iterator[None]:
    with moto_client() as client, pytest.MonkeyPatch.context() as patch:
        store = BarredStore(client, new_table(client).name)
        black_list = BlackList(
            store,
            applications=lambda: {
                "demo-axb": application(id="demo-axb", rules=CallPolicy(black_list=True)),
                "demo-ax": application(id="demo-ax"),
            },
            keyring=lambda: KEYRING,
            unseal=unseal,
            clock=utc_now,
        )
        patch.setattr(app, "rooms", lambda: Rooms(black_list))
        yield


def ask(event: Mapping[str, Any]) -> tuple[int, dict[str, Any], str]:
    answer = app.handler(event, Context())
    return answer["statusCode"], json.loads(answer["body"]), answer["body"]


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = read_event(EVENTS / f"calls-barred-{name}.json")
    return event


def put(**changes: Any) -> tuple[int, dict[str, Any], str]:
    event = sample("put")
    body = {**json.loads(event["body"]), **changes}
    return ask({**event, "body": json.dumps({name: value for name, value in body.items() if value != ""})})


def valid(name: str, body: dict[str, Any]) -> bool:
    reference = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return bool(Draft202012Validator(reference).is_valid(body))


@pytest.mark.usefixtures("deployment")
class TestRoutes:
    def test_an_entry_is_made_listed_found_and_removed_and_shows_no_number(self) -> None:
        status, made, written = put()
        listed = ask(sample("list"))
        found = ask(
            {**sample("list"), "queryStringParameters": {"application": "demo-axb", "number": STRANGER}}
        )
        assert (status, made["number"], made["in_force"], made["switched_on"]) == (
            200, "+86138****8003", True, True,
        )  # fmt: skip
        assert listed[1] == found[1] == {"entries": [made], "next_cursor": None}
        assert valid("BarredEntry", made)
        assert valid("BarredList", listed[1])
        assert not [text for text in (written, listed[2], found[2]) if "13800138003" in text]
        assert "=" not in made["id"]
        gone = {**sample("remove"), "pathParameters": {"entry": made["id"]}}
        assert [ask(gone)[:2] for _ in range(2)] == [(200, {"removed": True})] * 2
        assert ask(sample("list"))[1]["entries"] == []

    def test_where_the_rules_do_not_look_at_the_list_its_entries_say_so(self) -> None:
        status, made, _ = put(application="demo-ax")
        assert (status, made["switched_on"], made["in_force"]) == (200, False, False)
        listed = ask({**sample("list"), "queryStringParameters": {"application": "demo-ax"}})[1]
        assert listed["entries"] == [made]
        assert valid("BarredEntry", made)

    def test_a_day_counts_to_its_end(self) -> None:
        """A Beijing day ends at 16:00 UTC."""
        assert put(until="2036-10-02")[1]["until"] == "2036-10-02T15:59:59.999Z"
        assert put(until="")[1]["until"] is None

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"number": "12345"}, "number"),
            ({"number": ""}, "number"),
            ({"application": "another"}, "application"),
            ({"reason": 7}, "reason"),
            ({"direction": "both"}, "direction"),
            ({"scope": "city"}, "scope"),
            ({"scope": "order"}, "value"),
            ({"until": "soon"}, "until"),
            ({"until": 7}, "until"),
            ({"until": "2020-01-01"}, "until"),
            ({"extra": 1}, "body"),
        ],
    )
    def test_what_cannot_be_entered_is_named(self, changes: dict[str, Any], field: str) -> None:
        status, problem, _ = put(**changes)
        assert (status, problem["errors"][0]["field"]) == (422, field)

    def test_pages_follow_each_other_by_their_cursor(self) -> None:
        made = {put(scope="order", value=f"order-{n}")[1]["id"] for n in range(3)}
        query, found = {"application": "demo-axb", "limit": "1"}, list[str]()
        for _ in range(10):
            page = ask({**sample("list"), "queryStringParameters": query})[1]
            found += [entry["id"] for entry in page["entries"]]
            query["cursor"] = page["next_cursor"]
            if not query["cursor"]:
                break
        assert len(found) == len(set(found))
        assert made <= set(found)

    def test_who_entered_it_is_cut_when_nothing_of_a_number_can_be_left(self) -> None:
        """A session may be named after its owner's number, and be long."""
        event = sample("put")
        event["requestContext"]["authorizer"]["iam"]["userArn"] = "a" * 246 + "/13800138000/" + "b" * 99
        by = ask(event)[1]["by"]
        assert len(by) <= 256
        assert "138001" not in by

    @pytest.mark.parametrize(
        "query", [{}, {"application": "demo-axb", "cursor": "bm8="}, {"application": "another"}]
    )
    def test_what_cannot_be_listed_is_refused(self, query: dict[str, str]) -> None:
        assert ask({**sample("list"), "queryStringParameters": query})[0] == 422

    @pytest.mark.parametrize("entry", ["", "x", "PUT", "Li4vLi4", "Li4vLi4="])
    def test_an_id_of_nobody_is_refused(self, entry: str) -> None:
        status, problem, _ = ask({**sample("remove"), "pathParameters": {"entry": entry}})
        assert (status, problem["errors"][0]["field"]) == (422, "id")
