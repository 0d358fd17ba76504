"""What is thrown at the system: values that the API document allows, and others put in their place.

`FUZZ_EXAMPLES` multiplies how many examples each test takes; without it there are few and always the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from builders.events import ROOT
from local.tenant import BY_MODE

FACTOR: Final = int(os.environ.get("FUZZ_EXAMPLES", "0"))
DOCUMENT: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
METHODS: Final = ("get", "put", "post", "patch", "delete")
PEOPLE: Final = tuple(f"+86138001380{n:02d}" for n in range(1, 7))
HALF: Final = "\ud800"
#: Whose full digits no answer and no line may hold.
_PERSON: Final = re.compile(r"138001380[0-9]{2}")

Json = Any
Strategy = st.SearchStrategy[Any]

AWKWARD_TEXTS: Final = (
    *(
        "",
        " ",
        "\x00",
        "²",
        "-1",
        "0",
        "1e999999",
        "NaN",
        "Infinity",
        "null",
        "9" * 400,
        "a" * 3000,
        "../..",
        "%",
    ),
    *("+86" * 99, PEOPLE[0], "1" * 21, "2026-13-40 99:99:99", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    *(
        "9999-12",
        "0001-01",
        "2026-00",
        "#",
        "A#B",
        "\u202e",
        "😀" * 70,
        "http://[::1",
        "=1+1",
        "\r\nx: y",
        "\u2028",
    ),
)
SCALARS: Final[Strategy] = (
    st.sampled_from(AWKWARD_TEXTS)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**31, 2**63, 10**40, -(10**18), 1e308, -0.0, 0.1])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
POISON: Final[Strategy] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def effort(examples: int) -> Callable[[Any], Any]:
    """How often a test is run: the same few examples each time, or `FUZZ_EXAMPLES` as many of a seed."""
    chosen: Callable[[Any], Any] = settings(
        max_examples=examples * max(1, FACTOR),
        derandomize=not FACTOR,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return chosen


def people_in(text: str) -> list[str]:
    """The full numbers of people that a text shows."""
    return _PERSON.findall(text)


#: What exists in the house: values of these names are mostly of something that is there.
KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "application": tuple(tenant.id for tenant in BY_MODE.values()),
    "x": tuple(x for tenant in BY_MODE.values() for x in tenant.numbers),
    "a": PEOPLE,
    "b": PEOPLE,
    "number": PEOPLE,
    "callee": PEOPLE,
    "area": ("0755",),
    "area_code": ("0755",),
    "order": ("order-1", "order-2", "order-3"),
    "month": ("2026-09", "2026-10", "2026-11"),
    "url": ("https://hooks.example.com/pn",),
    "amount": ("0.30", "12.00", "0"),
}


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A part of the document, followed to where it stands."""
    while "$ref" in schema:
        found: Any = DOCUMENT
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        schema = {**found, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


def operations() -> dict[str, Mapping[str, Any]]:
    """Every operation of the document by its route, with the parameters of its path."""
    return {
        f"{method.upper()} {path}": {
            **operation,
            "parameters": [
                resolved(one) for one in (*operation.get("parameters", ()), *item.get("parameters", ()))
            ],
        }
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def of_schema(schema: Mapping[str, Any], name: str = "", *, depth: int = 0) -> Strategy:
    """Values that a schema of the document allows, and of a known name those that exist."""
    schema = resolved(schema)
    if name in KNOWN and depth < 9:
        return st.sampled_from(KNOWN[name]) | st.deferred(lambda: of_schema(schema, depth=depth))
    if "allOf" in schema:
        return of_schema(_merged(schema), name, depth=depth)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    chosen = [_of_kind(kind, schema, depth) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return st.one_of(chosen)


def _merged(schema: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {name: value for name, value in schema.items() if name != "allOf"}
    for part in map(resolved, schema["allOf"]):
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        merged = {**part, **merged, "properties": properties}
    return merged


def _of_kind(kind: str, schema: Mapping[str, Any], depth: int) -> Strategy:
    match kind:
        case "object":
            return _object(schema, depth + 1)
        case "array":
            items = of_schema(schema.get("items", {}), depth=depth + 1)
            return st.lists(
                items, min_size=schema.get("minItems", 0), max_size=min(3, schema.get("maxItems", 3))
            )
        case "integer":
            lowest = schema.get("minimum", -1)
            return st.integers(lowest, schema.get("maximum", max(lowest, 0) + 10**6))
        case "number":
            return st.decimals(-1000, 1000, places=2).map(float)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    return _text(schema)


def _object(schema: Mapping[str, Any], depth: int) -> Strategy:
    fields = {name: of_schema(one, name, depth=depth) for name, one in schema.get("properties", {}).items()}
    required = {name: fields.get(name, SCALARS) for name in schema.get("required", ())}
    optional = {name: one for name, one in fields.items() if name not in required}
    known = st.fixed_dictionaries(required, optional=optional)
    more = schema.get("additionalProperties")
    if not isinstance(more, Mapping):
        return known
    names = of_schema(schema.get("propertyNames", {"type": "string", "minLength": 1, "maxLength": 10}))
    others = st.dictionaries(names, of_schema(more, depth=depth), max_size=2)
    return st.tuples(others, known).map(lambda both: {**both[0], **both[1]})


@cache
def _pattern(pattern: str) -> Strategy:
    return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)


def _text(schema: Mapping[str, Any]) -> Strategy:
    if "pattern" in schema:
        return _pattern(schema["pattern"])
    match schema.get("format"):
        case "date-time":
            return st.sampled_from(
                ["2026-11-26T09:00:00+08:00", "2026-11-27T00:00:00Z", "2027-01-01T00:00:00Z"]
            )
        case "date":
            return st.sampled_from(["2026-11-01", "2026-11-26", "2026-12-01"])
        case "uri":
            return st.sampled_from(KNOWN["url"])
    lowest = schema.get("minLength", 0)
    return st.text(min_size=lowest, max_size=min(schema.get("maxLength", 20), max(lowest, 20)))


def places(value: Json, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a JSON value."""
    yield place
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, member in members:
        yield from places(member, (*place, name))


def replaced(value: Json, place: tuple[Any, ...], by: Json) -> Json:
    """A JSON value with one part of it replaced."""
    if not place:
        return by
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[place[0]] = replaced(value[place[0]], place[1:], by)
    return copied


@st.composite
def spoilt(draw: st.DrawFn, values: Strategy, poison: Strategy = POISON) -> Json:
    """A value of a strategy with one or two parts replaced, seldom all of it."""
    value = draw(values)
    for _ in range(draw(st.integers(1, 2))):
        inner = list(places(value))[1:]
        every: Strategy = st.sampled_from(inner) if inner and draw(st.integers(0, 9)) > 0 else st.just(())
        place: tuple[Any, ...] = draw(every)
        value = replaced(value, place, draw(poison))
    return value
