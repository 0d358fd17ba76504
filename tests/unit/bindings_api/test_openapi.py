"""docs/openapi.yaml says what the code does: routes, models, problems and answers."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs
from pydantic import BaseModel

from builders.bindings_api import TABLE, X1, X2, A, Answer, B, BindingsApi, C, D
from builders.events import ROOT
from functions.bills import app as bills
from functions.bills.problems import KINDS as BILL_KINDS
from functions.bindings.app import ROUTES
from functions.bindings.drift_requests import DecisionBody, DriftBody, ReleaseAllBody
from functions.bindings.job_requests import JobBody
from functions.bindings.problem_kinds import KINDS
from functions.bindings.requests import (
    BindBody,
    CallBody,
    CalleeBody,
    ChangeBody,
    ForecastBody,
    NumberBody,
    PartnerBody,
)
from functions.calls import app as calls
from functions.calls.problems import KINDS as CALL_KINDS
from functions.erasure import app as erasure
from functions.erasure.answers import KINDS as ERASURE_KINDS
from functions.recordings import app as recordings
from functions.recordings.answers import KINDS as RECORDING_KINDS
from functions.webhooks import routes as webhooks
from functions.webhooks.problems import KINDS as WEBHOOK_KINDS
from privatenumber.bindings.errors import PoolReason
from privatenumber.bindings.model import PartnerState, Reason, State
from privatenumber.http_api import TYPE_PREFIX
from privatenumber.platform.session_calls import Stopped
from privatenumber.settings import Mode
from privatenumber.store import clients
from privatenumber.store.audit import AuditStore, Change, Entry, Kind
from privatenumber.store.drift import DriftStore
from privatenumber.store.numbers import NumberState

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
METHODS = ("get", "put", "post", "patch", "delete")
LIMITS = ("minimum", "maximum", "minLength", "maxLength", "pattern", "format")


def operations() -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def plain(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A field of pydantic's schema as this document writes it: one type list, no `anyOf`, no reference."""
    if "$ref" in schema:
        return {**plain(definitions[schema["$ref"].rpartition("/")[2]], definitions), **_default(schema)}
    if "anyOf" not in schema:
        return schema
    inner, null = (plain(one, definitions) for one in schema["anyOf"])
    assert null == {"type": "null"}
    nullable = {**inner, "type": [inner["type"], "null"]}
    if "enum" in inner:
        nullable["enum"] = [*inner["enum"], None]
    return nullable


def _default(schema: dict[str, Any]) -> dict[str, Any]:
    return {"default": schema["default"]} if "default" in schema else {}


def validator(name: str) -> Draft202012Validator:
    reference = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return Draft202012Validator(reference, format_checker=Draft202012Validator.FORMAT_CHECKER)


def resolved(response: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in response:
        return response
    found: dict[str, Any] = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return found


def test_the_routes_are_those_of_the_function() -> None:
    assert set(operations()) == {
        *ROUTES, *calls.ROUTES, *bills.ROUTES, recordings.ROUTE, *erasure.ROUTES, *webhooks.ROUTES,
    }  # fmt: skip


def test_the_schemas_are_well_formed() -> None:
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere() -> None:
    for reference in re.findall(r"#/components/(\w+)/([\w-]+)", str(DOCUMENT)):
        assert reference[1] in DOCUMENT["components"][reference[0]]


@pytest.mark.parametrize(
    "model",
    [
        BindBody,
        ChangeBody,
        PartnerBody,
        CallBody,
        CalleeBody,
        NumberBody,
        JobBody,
        DriftBody,
        DecisionBody,
        ReleaseAllBody,
        ForecastBody,
    ],
)
def test_a_body_is_described_as_its_model_reads_it(model: type[BaseModel]) -> None:
    """Names, required fields, types, limits, patterns and enumerations."""
    schema, told = model.model_json_schema(), SCHEMAS[model.__name__]
    assert told["additionalProperties"] is False
    assert set(told.get("required", [])) == set(schema.get("required", []))
    assert set(told["properties"]) == set(schema["properties"])
    for name, field in schema["properties"].items():
        real, written = plain(field, schema.get("$defs", {})), told["properties"][name]
        assert written["type"] == real["type"], name
        for limit in (*LIMITS, "enum", "const", "default"):
            if limit == "default" and real.get(limit) is None:
                continue
            assert written.get(limit) == real.get(limit), (name, limit)


def test_the_problem_types_are_those_of_the_table() -> None:
    told = SCHEMAS["Problem"]["properties"]["type"]["enum"]
    known = {*KINDS, *RECORDING_KINDS, *CALL_KINDS, *BILL_KINDS, *ERASURE_KINDS, *WEBHOOK_KINDS}
    assert sorted(told) == sorted(TYPE_PREFIX + kind for kind in known)


def test_every_status_a_route_may_answer_is_described() -> None:
    """A status in the table of problems stands at some route, and no route promises another."""
    documented = {int(status) for operation in operations().values() for status in operation["responses"]}
    assert documented == {kind.status for kind in KINDS.values()} | {200, 201, 202}


def test_every_value_of_a_set_is_described() -> None:
    """Modes, states, reasons and outcomes as the code has them."""
    binding, partner = SCHEMAS["Binding"]["properties"], SCHEMAS["Partner"]["properties"]
    assert binding["mode"]["enum"] == [mode.value for mode in Mode]
    assert binding["state"]["enum"] == [state.value for state in State]
    assert binding["reason"]["enum"] == [*(reason.value for reason in Reason), None]
    assert partner["state"]["enum"] == [state.value for state in PartnerState]
    assert SCHEMAS["NumberState"]["enum"] == [state.value for state in NumberState]
    assert SCHEMAS["StoppedCall"]["properties"]["outcome"]["enum"] == [outcome.value for outcome in Stopped]
    unavailable = DOCUMENT["components"]["responses"]["Unavailable"]["description"]
    assert all(reason.value in unavailable for reason in PoolReason)


def test_every_example_of_a_request_is_one_that_its_schema_allows() -> None:
    examples = []
    for operation in operations().values():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        several = content.get("examples", {"": {"value": content.get("example")}})
        examples += [(content["schema"], one["value"]) for one in several.values() if one["value"]]
    assert len(examples) > 10
    for schema, example in examples:
        Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(example)


def test_the_examples_of_a_bind_are_answered_201(api: BindingsApi) -> None:
    """One for each mode at least."""
    for mode in set(Mode) - {Mode.AXB}:
        api.furnish(mode)
    told = operations()["POST /bindings"]["requestBody"]["content"]["application/json"]["examples"]
    bound = [api.call("POST /bindings", body=example["value"]) for example in told.values()]
    assert [answer.status for answer in bound] == [201] * len(bound)
    assert {answer.body["mode"] for answer in bound} == set(Mode)


def test_real_answers_follow_their_schemas(api: BindingsApi) -> None:
    several = answers_of_axb(api)
    for mode in (Mode.AX, Mode.AXE, Mode.AXYB, Mode.X):
        api.furnish(mode)
        for route, answers in answers_of_mode(api, mode).items():
            several.setdefault(route, []).extend(answers)
    assert set(several) == set(ROUTES)
    for route, answers in several.items():
        for answer in answers:
            check(route, answer)


def check(route: str, answer: Answer) -> None:
    """Hold an answer against what the document says of its route and status."""
    response = resolved(operations()[route]["responses"][str(answer.status)])
    schema = response["content"][answer.headers["content-type"]]["schema"]
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(answer.body)
    for header in ("location", "retry-after", "idempotent-replay"):
        if header in answer.headers:
            assert header in {name.lower() for name in response["headers"]}, (route, header)


def answers_of_axb(api: BindingsApi) -> dict[str, list[Answer]]:
    """Answers to each route that AXB has, good and bad."""
    bound = api.bind()
    identity = bound.body["id"]
    return {
        "POST /bindings": [
            bound,
            api.bind(),
            api.bind(A, "bad"),
            api.bind(A, C, order="o", x=bound.body["x"]),
            api.bind(mode="X"),
        ],
        "GET /bindings": [api.call("GET /bindings", query={"application": "demo-axb", "number": B})],
        "GET /bindings/{id}": [api.of("GET", identity), api.of("GET", "none")],
        "PATCH /bindings/{id}": [api.of("PATCH", identity, body={"max_minutes": 5})],
        "POST /bindings/{id}/partners": [api.of("POST", identity, "/partners", body={"b": C})],
        "PUT /bindings/{id}/callee": [api.of("PUT", identity, "/callee", body={"callee": C})],
        "POST /bindings/{id}/call": [api.of("POST", identity, "/call", body={"callee": "bad"})],
        "DELETE /bindings/{id}": [api.of("DELETE", identity)],
        "GET /bindings/{id}/history": [history(api, identity), api.of("GET", "none", "/history")],
        "GET /numbers/{x}/history": [api.call("GET /numbers/{x}/history", path={"x": "170"})],
        "POST /calls/{session}/stop": [api.stop("1200_1001@example.com"), api.stop("a b")],
        **answers_about_jobs(api),
        **answers_about_drift(api),
        "GET /numbers": [api.call("GET /numbers", query={"application": "demo-axb"})],
        "POST /pool/forecast": [
            api.call("POST /pool/forecast", body={"application": "demo-axb"}),
            api.call("POST /pool/forecast", body={"application": "demo-axb", "days": 99}),
        ],
        "GET /pool": [
            api.call("GET /pool", query={"application": "demo-axb"}),
            api.call("GET /pool", query={"application": "none"}),
        ],
        "PUT /numbers/{x}": [api.put_number(X1, state="locked"), api.put_number(X1, state="5")],
        "POST /numbers/import": [
            api.call("POST /numbers/import", body="x_number,number_type\n170,virtual\n"),
            api.call("POST /numbers/import", body=f"x_number,number_type\n{X1},carrier\n"),
        ],
    }


def history(api: BindingsApi, identity: str) -> Answer:
    """A history with an entry in it, as the audit's function writes it."""
    change = Change("state", None, "ACTIVE")
    entry = Entry(Kind.BINDING, identity, 1, "demo-axb", api.now, "system:sweep", None, "ACTIVE", (change,))
    AuditStore(clients.dynamodb(), TABLE, days=1).add(entry)
    return api.of("GET", identity, "/history")


def answers_about_drift(api: BindingsApi) -> dict[str, list[Answer]]:
    """The routes of drift repair, and the release of a whole number."""
    company, why = {"application": "demo-axb"}, {"why": "returned to the carrier"}
    api.bind(C, D, order="order-1009", x=X2)
    release = "POST /numbers/{x}/release-all"
    preview = api.call(release, path={"x": X2}, body={})
    confirmed = {"confirmation": preview.body["confirmation"]}
    started = [api.call("POST /drift", body=company) for _ in range(2)]
    store = DriftStore(clients.dynamodb(), TABLE)
    for fields in FOUND:
        store.put_difference("demo-axb", started[0].body["id"], f"d{len(fields):016x}", fields, seen=None)
    path = {"run": started[0].body["id"]}
    return {
        release: [
            preview,
            api.call(release, path={"x": X2}, body=confirmed),
            api.call(release, path={"x": X2}, body=confirmed, query=why),
            api.call(release, path={"x": X1}, body=confirmed, query=why),
            api.call(release, path={"x": "170"}, body={}),
        ],
        "POST /drift": [*started, api.call("POST /drift", body={"application": "none"})],
        "GET /drift": [api.call("GET /drift", query=company), api.call("GET /drift")],
        "POST /drift/{run}/{difference}": [
            api.call("POST /drift/{run}/{difference}", path={**path, **one}, body=body, query=why)
            for one in ({"difference": f"d{10:016x}"}, {"difference": f"d{4:016x}"}, {"difference": "none"})
            for body in ({**company, "decision": "ignore"}, {**company, "decision": "no"})
        ],
        "GET /drift/{run}": [
            api.call("GET /drift/{run}", path=path, query=company),
            api.call("GET /drift/{run}", path={"run": "none"}, query=company),
        ],
    }


FOUND: tuple[dict[str, Any], ...] = (
    {"kind": "unread", "application": "demo-axb", "x": X1, "state": "listed"},
    {
        "kind": "different",
        "application": "demo-axb",
        "x": X1,
        "state": "repaired",
        "action": "bring_to_our_terms",
        "subscription_id": "3f2b8c10-6a4d-4e57-9b21-000000000002",
        "binding_id": "b1",
        "fields": ["direction"],
        "a": "+86138****8001",
        "b": "+86138****8002",
    },
)
"""Differences as a run stores them."""


def answers_about_jobs(api: BindingsApi) -> dict[str, list[Answer]]:
    """The routes of bulk jobs."""
    body = {"kind": "release", "application": "demo-axb", "items": [{"order": "order-1001"}]}
    key = {"Idempotency-Key": "campaign-1"}
    created = [api.call("POST /jobs", body=body, headers=key) for _ in range(2)]
    drained = {"kind": "drain_number", "application": "demo-axb", "x": X1}
    created.append(api.call("POST /jobs", body=drained, headers={"Idempotency-Key": "drain-1"}))
    path = {"job": created[0].body["id"]}
    return {
        "POST /jobs": [*created, api.call("POST /jobs", body=body), api.call("POST /jobs", body="["),
                       api.call("POST /jobs", body={**body, "items": []}, headers=key)],
        "GET /jobs/{job}": [api.call("GET /jobs/{job}", path=one) for one in (path, {"job": "none"})],
        "GET /jobs/{job}/items": [
            api.call("GET /jobs/{job}/items", path=path),
            api.call("GET /jobs/{job}/items", path=path, query={"state": "lost"}),
        ],
        "POST /jobs/{job}/cancel": [api.call("POST /jobs/{job}/cancel", path=path)],
    }  # fmt: skip


def answers_of_mode(api: BindingsApi, mode: Mode) -> dict[str, list[Answer]]:
    """The same in another mode, callee and partners included where it has them."""
    bound = api.bind_in(mode)
    identity = bound.body["id"]
    added = [api.of("POST", identity, "/partners", body={"b": C}) for _ in range(2)]
    partners = api.of("GET", identity).body["partners"]
    return {
        "POST /bindings": [bound],
        "POST /bindings/{id}/partners": added,
        "DELETE /bindings/{id}/partners/{partner}": [
            *(api.remove_partner(identity, partner["id"]) for partner in partners),
            api.remove_partner(identity, "none"),
        ],
        "PUT /bindings/{id}/callee": [api.of("PUT", identity, "/callee", body={"callee": D})],
        "POST /bindings/{id}/call": [api.of("POST", identity, "/call", body={"callee": D})],
        "GET /bindings/{id}": [api.of("GET", identity)],
        "DELETE /bindings/{id}": [api.of("DELETE", identity)],
    }
