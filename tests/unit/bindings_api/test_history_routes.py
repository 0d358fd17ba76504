"""Who did what, and why: what requests leave behind and the history routes answer (operations.md §16)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import yaml

from builders.bindings_api import APPLICATION, START, TABLE, USER, X1, A, B, BindingsApi, C
from builders.events import ROOT
from privatenumber.store import clients
from privatenumber.store.audit import AuditStore, Change, Entry, Kind
from privatenumber.store.binding_keys import binding_key
from privatenumber.store.items import decode, encode
from privatenumber.store.numbers import number_key

BODIES: Mapping[str, Any] = {
    "POST /bindings": {"application": APPLICATION, "order": "o", "a": A, "b": B, "ttl_seconds": 7200},
    "PATCH /bindings/{id}": {"max_minutes": 5},
    "DELETE /bindings/{id}": None,
    "POST /bindings/{id}/partners": {"b": C},
    "DELETE /bindings/{id}/partners/{partner}": None,
    "PUT /bindings/{id}/callee": {"callee": C},
    "POST /bindings/{id}/call": {"callee": C},
    "PUT /numbers/{x}": {"state": "locked"},
    "POST /numbers/import": "x_number,number_type\n",
}
"""What each route that writes wants as a body."""


def authors(api: BindingsApi, key: dict[str, str]) -> tuple[str, str | None]:
    """Who wrote an item last, and why."""
    item = decode(clients.dynamodb().get_item(TableName=TABLE, Key=encode(key))["Item"])
    return item["by"], item.get("why")


def wrote(kind: Kind, subject: str, versions: int) -> None:
    """What the audit's function would have made of so many versions."""
    store = AuditStore(clients.dynamodb(), TABLE, days=400)
    for version in range(1, versions + 1):
        at = START + timedelta(minutes=version)
        change = (Change("state", None, "ACTIVE"), Change("b"))
        store.add(Entry(kind, subject, version, APPLICATION, at, USER, "told so", "ACTIVE", change))


def test_a_request_leaves_its_identity_and_its_reason(api: BindingsApi) -> None:
    made = api.bind().body
    assert authors(api, binding_key(made["id"])) == (USER, None)
    api.call(
        "PATCH /bindings/{id}",
        path={"id": made["id"]},
        query={"why": "driver swapped"},
        body={"b": C},
    )
    assert authors(api, binding_key(made["id"])) == (USER, "driver swapped")
    api.call("DELETE /bindings/{id}", path={"id": made["id"]}, query={"why": "ticket 4711"})
    assert authors(api, binding_key(made["id"])) == (USER, "ticket 4711")


def test_a_reason_is_that_of_one_request_and_not_of_the_next(api: BindingsApi) -> None:
    made = api.bind().body
    api.call("PATCH /bindings/{id}", path={"id": made["id"]}, query={"why": "once"}, body={"max_minutes": 5})
    api.call("PATCH /bindings/{id}", path={"id": made["id"]}, body={"max_minutes": 6})
    assert authors(api, binding_key(made["id"])) == (USER, None)
    for query in ({"why": "complaints"}, {}):
        state = "locked" if query else "active"
        api.call("PUT /numbers/{x}", path={"x": X1}, query=query, body={"state": state})
        assert authors(api, number_key(X1)) == (USER, query.get("why"))


def test_an_import_is_written_in_the_name_of_its_sender(api: BindingsApi) -> None:
    api.call(
        "POST /numbers/import",
        query={"application": APPLICATION, "why": "new contract"},
        body="x_number,city_code,number_type,state\n17010000044,0755,virtual,active\n",
        headers={"content-type": "text/csv"},
    )
    assert authors(api, number_key("+8617010000044")) == (USER, "new contract")


@pytest.mark.parametrize("why", ["call 13800138003", "+86 138-0013-8003", "x" * 201, "", "\u00fc"])
def test_a_reason_that_names_a_number_or_is_none_is_refused_before_anything_happens(
    api: BindingsApi, why: str
) -> None:
    made = api.bind().body
    refused = api.call("DELETE /bindings/{id}", path={"id": made["id"]}, query={"why": why})
    assert refused.status == 422
    assert refused.body["errors"][0]["field"] == "why"
    assert why == "" or why not in refused.text
    assert api.call("GET /bindings/{id}", path={"id": made["id"]}).body["state"] == "ACTIVE"


def test_whoever_names_his_session_by_a_phone_number_is_kept_without_it(api: BindingsApi) -> None:
    api.user = "arn:aws-cn:sts::123456789012:assumed-role/Dispatch/13800138009"
    made = api.bind().body
    assert authors(api, binding_key(made["id"])) == (
        "arn:aws-cn:sts::123456789012:assumed-role/Dispatch/***",
        None,
    )


def test_a_history_is_told_page_by_page_newest_first(api: BindingsApi) -> None:
    made = api.bind().body
    wrote(Kind.BINDING, made["id"], 5)
    seen, query = [], {"limit": "2"}
    while True:
        page = api.call("GET /bindings/{id}/history", path={"id": made["id"]}, query=query).body
        seen += page["entries"]
        if page["next_cursor"] is None:
            break
        query = {"limit": "2", "cursor": page["next_cursor"]}
    assert [entry["version"] for entry in seen] == [5, 4, 3, 2, 1]
    assert seen[0] == {
        "version": 5,
        "at": "2026-09-02T09:05:00.000Z",
        "by": USER,
        "why": "told so",
        "state": "ACTIVE",
        "what": ["state (none) -> ACTIVE", "b changed"],
    }


def test_a_history_outlives_its_binding(api: BindingsApi) -> None:
    wrote(Kind.BINDING, "b0", 1)
    assert len(api.call("GET /bindings/{id}/history", path={"id": "b0"}).body["entries"]) == 1


def test_a_binding_that_never_was_has_no_history(api: BindingsApi) -> None:
    assert api.call("GET /bindings/{id}/history", path={"id": "b1"}).status == 404
    made = api.bind().body
    assert api.call("GET /bindings/{id}/history", path={"id": made["id"]}).body["entries"] == []


def test_the_history_of_a_number_is_found_in_any_spelling_of_it(api: BindingsApi) -> None:
    wrote(Kind.NUMBER, X1, 2)
    for spelling in (X1, X1[3:], f"0086{X1[3:]}"):
        told = api.call("GET /numbers/{x}/history", path={"x": spelling}).body
        assert [entry["version"] for entry in told["entries"]] == [2, 1]
    assert api.call("GET /numbers/{x}/history", path={"x": "17010000099"}).body["entries"] == []


@pytest.mark.parametrize("cursor", ["0", "-1", "abc", "1" * 13])
def test_a_cursor_that_no_list_answered_is_refused(api: BindingsApi, cursor: str) -> None:
    wrote(Kind.NUMBER, X1, 2)
    refused = api.call("GET /numbers/{x}/history", path={"x": X1}, query={"cursor": cursor})
    assert refused.status == 422


@pytest.mark.parametrize("route", sorted(BODIES))
def test_every_route_that_writes_asks_for_a_reason_and_refuses_a_bad_one(
    api: BindingsApi, route: str
) -> None:
    """Else somebody could do something for which the history has no name."""
    path = {"id": "b1", "partner": "p1", "x": X1}
    refused = api.call(route, path=path, query={"why": "call 13800138003"}, body=BODIES[route])
    assert (refused.status, refused.body["errors"][0]["field"]) == (422, "why")
    method, address = route.split()
    told = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())["paths"][address][method.lower()]
    assert {"$ref": "#/components/parameters/Why"} in told["parameters"]
