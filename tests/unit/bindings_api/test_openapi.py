"""docs/openapi.yaml says what the code does: routes, models, problems and answers."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs

from builders.bindings_api import X1, A, B, BindingsApi, C
from builders.events import ROOT
from functions.bindings.app import ROUTES
from functions.bindings.problems import KINDS, TYPE_PREFIX
from functions.bindings.requests import BindBody, ChangeBody, NumberBody

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
    assert set(operations()) == set(ROUTES)


def test_the_schemas_are_well_formed() -> None:
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere() -> None:
    for reference in re.findall(r"#/components/(\w+)/([\w-]+)", str(DOCUMENT)):
        assert reference[1] in DOCUMENT["components"][reference[0]]


@pytest.mark.parametrize("model", [BindBody, ChangeBody, NumberBody])
def test_a_body_is_described_as_its_model_reads_it(model: type[BindBody | ChangeBody | NumberBody]) -> None:
    """Names, required fields, types, limits, patterns and enumerations."""
    schema, told = model.model_json_schema(), SCHEMAS[model.__name__]
    assert told["additionalProperties"] is False
    assert set(told.get("required", [])) == set(schema.get("required", []))
    assert set(told["properties"]) == set(schema["properties"])
    for name, field in schema["properties"].items():
        real, written = plain(field, schema.get("$defs", {})), told["properties"][name]
        assert written["type"] == real["type"], name
        for limit in (*LIMITS, "enum", "const"):
            assert written.get(limit) == real.get(limit), (name, limit)


def test_the_problem_types_are_those_of_the_table() -> None:
    told = SCHEMAS["Problem"]["properties"]["type"]["enum"]
    assert told == [TYPE_PREFIX + kind for kind in KINDS]


def test_every_status_a_route_may_answer_is_described() -> None:
    """A status in the table of problems stands at some route, and no route promises another."""
    documented = {int(status) for operation in operations().values() for status in operation["responses"]}
    assert documented == {kind.status for kind in KINDS.values()} | {200, 201, 202}


def test_real_answers_follow_their_schemas(api: BindingsApi) -> None:
    bound = api.bind()
    path = {"id": bound.body["id"]}
    answers = {
        "POST /bindings": [
            bound,
            api.bind(),
            api.bind(A, "bad"),
            api.bind(A, C, order="o", x=bound.body["x"]),
        ],
        "GET /bindings": [api.call("GET /bindings", query={"application": "demo-axb", "number": B})],
        "GET /bindings/{id}": [
            api.call("GET /bindings/{id}", path=path),
            api.call("GET /bindings/{id}", path={"id": "none"}),
        ],
        "PATCH /bindings/{id}": [api.call("PATCH /bindings/{id}", path=path, body={"max_minutes": 5})],
        "DELETE /bindings/{id}": [api.call("DELETE /bindings/{id}", path=path)],
        "GET /numbers": [api.call("GET /numbers", query={"application": "demo-axb"})],
        "PUT /numbers/{x}": [api.put_number(X1, state="locked"), api.put_number(X1, state="5")],
        "POST /numbers/import": [
            api.call("POST /numbers/import", body="x_number,number_type\n170,virtual\n"),
            api.call("POST /numbers/import", body=f"x_number,number_type\n{X1},carrier\n"),
        ],
    }
    assert set(answers) == set(ROUTES)
    for route, several in answers.items():
        for answer in several:
            response = resolved(operations()[route]["responses"][str(answer.status)])
            schema = response["content"][answer.headers["content-type"]]["schema"]
            whole = {**schema, "components": DOCUMENT["components"]}
            Draft202012Validator(whole).validate(answer.body)
            for header in ("location", "retry-after", "idempotent-replay"):
                if header in answer.headers:
                    assert header in {name.lower() for name in response["headers"]}, (route, header)
