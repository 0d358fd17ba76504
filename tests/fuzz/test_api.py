"""Every operation of docs/openapi.yaml, sent what it allows and what it does not, in process.

Whatever is sent: an answer that the document describes, no error of ours, no line of one, no person's number;
and what was stored can be read by everything that reads it.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs

from builders.fuzzing import (
    AWKWARD_TEXTS,
    DOCUMENT,
    FACTOR,
    HALF,
    POISON,
    effort,
    of_schema,
    operations,
    people_in,
    resolved,
    spoilt,
)
from builders.house import Answer, House, running_house
from builders.house_life import LAST_MONTH, account, examples, live, settle, sweep, work
from builders.pushes import SESSION
from local.tenant import BY_MODE
from privatenumber.settings import Mode

OPERATIONS = operations()
#: Lists, with what they have to be asked; those of one month or one company alone are read by the others.
LISTS: Mapping[str, Mapping[str, str]] = {
    "GET /numbers": {},
    "GET /drift": {},
    "GET /worklist": {},
    "GET /quarantine": {},
    "GET /barred": {},
    "GET /webhooks": {},
    "GET /disputes": {},
    "GET /statements": {},
    "GET /prices": {},
    "GET /packages": {},
    "GET /reconciliations": {"month": LAST_MONTH},
}
#: Those that are nobody's alone.
ALONE = ("GET /disputes", "GET /statements", "GET /prices", "GET /packages", "GET /reconciliations")
#: Not ours to answer differently: the pool is empty, or the platform pauses or refuses.
REFUSALS = ("no-number-available", "platform-paused", "platform-refused")


@dataclass
class Caller:
    """Somebody who has seen what the API answered, and uses it."""

    house: House
    seen: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def send(self, route: str, sent: Mapping[str, Any]) -> Answer:
        """Send one request and judge its answer."""
        answer = self.house.ask(route, **sent)
        judge(self.house, route, sent, answer)
        if answer.status < 300:
            self.remember(route, answer)
        return answer

    def look(self, route: str) -> None:
        """Read a list to its end, for each company, and each thing that it shows."""
        for tenant in BY_MODE.values():
            query = {**LISTS[route], **({"application": tenant.id} if route not in ALONE else {})}
            answer = self.send(route, {"query": query})
            assert answer.status == 200, (route, answer)
            while cursor := answer.body.get("next_cursor"):
                answer = self.send(route, {"query": {**query, "cursor": cursor}})
        for name in [one for one in OPERATIONS if one.startswith(f"GET {route[4:]}/{{")]:
            places = re.findall(r"{(\w+)}", name)
            for known in list(self.seen[f"{room_of(route)} id"]) if len(places) == 1 else ():
                takes = any(one["name"] == "application" for one in OPERATIONS[name]["parameters"])
                query = {"application": BY_MODE[Mode.AXB].id} if takes else {}
                self.send(name, {"path": {places[0]: known}, "query": query})

    def remember(self, route: str, answer: Answer) -> None:
        """Ids that an answer tells, by the part of the API it belongs to."""
        room = room_of(route)
        for name, value in re.findall(
            r'"(id|next_cursor|difference|partner|order|line|fact)":"([^"]{1,400})"', answer.text
        ):
            known = self.seen[f"{room} {name}"]
            if value not in known and len(known) < 50:
                known.append(value)


def room_of(route: str) -> str:
    return route.split("/")[1]


def judge(house: House, route: str, sent: Mapping[str, Any], answer: Answer) -> None:
    """Hold an answer and what was printed meanwhile to what the document and the house say."""
    lines = house.log()
    shown = f"{route} {sent!r} -> {answer.status} {answer.text[:500]}\n" + "\n".join(lines[-5:])
    described = OPERATIONS[route]["responses"]
    assert str(answer.status) in described, shown
    assert answer.status < 500 or any(f":{kind}" in answer.text for kind in REFUSALS), shown
    assert not [line for line in lines if '"level":"ERROR"' in line or "Traceback" in line], shown
    assert people_in(answer.text) == people_in("\n".join(lines)) == [], shown
    content = resolved(described[str(answer.status)]).get("content", {})
    if not content:
        assert answer.text == "", shown
        return
    assert answer.media_type in content, shown
    if answer.media_type.endswith("json"):
        schema = {**content[answer.media_type]["schema"], "components": DOCUMENT["components"]}
        errors = [error.message for error in Draft202012Validator(schema).iter_errors(answer.body)]
        assert not errors, f"{errors[:3]}\n{shown}"
    if answer.status == 422 and ":invalid-fields" in answer.text:
        assert all(one["field"] and one["rule"] for one in answer.body["errors"]), shown


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    """A caller in a house where something has happened."""
    with running_house() as house:
        begun = Caller(house)
        for route, answer in chain(live(house), account(house) if FACTOR > 1 else ()):
            assert answer.status < 300, (route, answer)
            begun.remember(route, answer)
        for route in LISTS:
            begun.look(route)
        house.log()
        yield begun


@st.composite
def requests(draw: st.DrawFn, route: str, seen: Mapping[str, list[str]]) -> dict[str, Any]:
    """A request for a route that would be followed, or one of whose parts is wrong."""
    wrong = draw(
        st.sampled_from(["nothing", "body", "query", "body", "path", "nothing", "body", "header", "encoding"])
    )
    parts: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
    for one in OPERATIONS[route]["parameters"]:
        if one.get("required") or draw(st.booleans()):
            values = WILD if wrong == one["in"] and draw(st.booleans()) else parameter(route, one, seen)
            parts[one["in"]][one["name"]] = draw(values)
    headers = {name: re.sub(r"[^\x20-\x7e]", "", value) for name, value in parts["header"].items()}
    path = {name: value or "0" for name, value in parts["path"].items()}
    return {"path": path, "query": parts["query"], "headers": headers, **draw(bodies(route, seen, wrong))}


WILD = st.sampled_from(AWKWARD_TEXTS) | st.text(max_size=10)


def parameter(route: str, one: Mapping[str, Any], seen: Mapping[str, list[str]]) -> st.SearchStrategy[str]:
    """A value of a parameter: one of those seen, or allowed."""
    names = [
        {"cursor": "next_cursor"}.get(one["name"], one["name"]),
        *(["id"] if one["in"] == "path" else []),
    ]
    known = [value for name in names for value in seen.get(f"{room_of(route)} {name}", ())]
    if one["in"] == "path" and one["name"] == "session":
        known.append(SESSION)
    allowed = of_schema(one["schema"], one["name"]).map(
        lambda value: value if isinstance(value, str) else json.dumps(value)
    )
    return st.sampled_from(known) | allowed if known else allowed


@st.composite
def bodies(draw: st.DrawFn, route: str, seen: Mapping[str, list[str]], wrong: str) -> dict[str, Any]:
    """A body of a route, and what the request says of it."""
    content = OPERATIONS[route].get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return {}
    body = draw(st.sampled_from(examples(route) or [{}]) | of_schema(content["application/json"]["schema"]))
    for name in ("reconciliation", "difference"):
        if isinstance(body, dict) and name in body:
            body = {**body, name: draw(st.sampled_from(seen.get("reconciliations id") or [""]))}
    if wrong == "encoding":
        return draw(
            st.sampled_from(
                [{"body": text} for text in UNREADABLE] + [{"body": json.dumps(body), "encoded": True}]
            )
        )
    if wrong == "body":
        known = [value for values in seen.values() for value in values]
        body = draw(spoilt(st.just(body), POISON | st.just(HALF) | st.sampled_from(known)))
    return {"body": json.dumps(body)}


UNREADABLE = (
    "",
    "{",
    "[" * 2000,
    '{"a":NaN}',
    '{"a":1e999}',
    "9" * 5000,
    '{"a":1,"a":2}',
    '"\\ud800"',
    "\ufeff{}",
)


@pytest.mark.parametrize("route", OPERATIONS)
def test_whatever_an_operation_is_sent_its_answer_is_one_that_the_document_describes(
    caller: Caller, route: str
) -> None:
    seen = {name: list(values) for name, values in caller.seen.items()}

    @effort(5)
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        caller.send(route, data.draw(requests(route, seen)))

    run()


def test_what_was_stored_can_be_read_by_all_that_read_it(caller: Caller) -> None:
    """After whatever the other tests of this file have left behind."""
    settle(caller.house)
    sweep(caller.house, slow=FACTOR > 1)
    work(caller.house, slow=FACTOR > 1)
    settle(caller.house)
    for route in LISTS:
        caller.look(route)
    lines = caller.house.log()
    assert not [line for line in lines if '"level":"ERROR"' in line or "Traceback" in line]
    assert people_in("\n".join(lines)) == []
