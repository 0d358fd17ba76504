"""Bindings through the handler: what a business system sends and gets."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders.bindings_api import (
    APPLICATION,
    BILLS,
    LANDLINE,
    START,
    TABLE,
    X1,
    X2,
    X3,
    A,
    B,
    BindingsApi,
    C,
)
from builders.bindings_platform import no_answer
from builders.deployment import table_request
from privatenumber.store import clients
from privatenumber.store.calls import Call, CallState, write_call
from privatenumber.store.derived import Derived
from privatenumber.store.number_states import NumberStates
from privatenumber.store.numbers import NumberState
from privatenumber.store.transactions import Writer
from privatenumber.times import iso


def test_a_bind_answers_201_with_the_x_to_dial(api: BindingsApi) -> None:
    """U-A01, U-A03; C-012, U-P22: handsets dial X without +86."""
    answer = api.bind()
    assert answer.status == 201
    assert answer.body["state"] == "ACTIVE"
    assert answer.body["x"] in (X1, X2)
    assert answer.body["dial"] == answer.body["x"].removeprefix("+86")
    assert answer.headers["location"] == f"/bindings/{answer.body['id']}"
    assert answer.headers["cache-control"] == "no-store"


def test_a_bind_shows_its_parties_masked(api: BindingsApi) -> None:
    """numbers.md §6."""
    answer = api.bind(A, "0755-20000001")
    assert (answer.body["a"], answer.body["b"]) == ("+86138****8001", "+8675520****01")


def test_the_end_is_told_as_it_was_asked(api: BindingsApi) -> None:
    """U-D20: local expiry equals what was asked."""
    assert api.bind().body["ends_at"] == "2026-09-02T11:00:00.000Z"
    body = {
        "application": APPLICATION,
        "order": "o-2",
        "a": A,
        "b": C,
        "ends_at": "2026-09-02T20:00:00+08:00",
    }
    assert api.call("POST /bindings", body=body).body["ends_at"] == "2026-09-02T12:00:00.000Z"


def test_the_same_request_again_is_the_same_binding_and_asks_the_platform_nothing(api: BindingsApi) -> None:
    """U-S02."""
    first = api.bind(key="k-1")
    again = api.bind(key="k-1")
    assert (again.status, again.body["id"]) == (200, first.body["id"])
    assert again.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers
    assert api.platform.requests == ["POST"]


def test_without_a_key_the_order_makes_a_request_idempotent(api: BindingsApi) -> None:
    first, again = api.bind(), api.bind()
    assert (again.status, again.body["id"]) == (200, first.body["id"])


def test_a_key_used_for_other_content_is_a_conflict(api: BindingsApi) -> None:
    api.bind(key="k-1")
    answer = api.bind(key="k-1", order="order-1002")
    assert answer.status == 409
    assert answer.body["type"] == "urn:private-number:problem:idempotency-mismatch"


def test_an_order_with_other_content_is_a_conflict_that_names_its_binding(api: BindingsApi) -> None:
    first = api.bind()
    answer = api.bind(max_minutes=10)
    assert answer.status == 409
    assert answer.body["type"] == "urn:private-number:problem:order-conflict"
    assert answer.body["binding_id"] == first.body["id"]


def test_a_second_order_of_the_same_person_gets_another_x(api: BindingsApi) -> None:
    """axb.md §1, U-D02."""
    first, second = api.bind(A, B), api.bind(A, C, order="order-1002")
    assert second.status == 201
    assert {first.body["x"], second.body["x"]} == {X1, X2}


def test_a_named_x_with_one_of_the_parties_on_it_is_a_conflict(api: BindingsApi) -> None:
    api.bind(A, B, x=X1)
    answer = api.bind(C, A, order="order-1002", x=X1)
    assert answer.status == 409
    assert (answer.body["type"], answer.body["field"]) == ("urn:private-number:problem:party-conflict", "b")


def test_an_unknown_outcome_answers_202_and_shows_no_x(api: BindingsApi) -> None:
    """result-codes.md §5: it may have happened; a call to X might reach nobody."""
    api.platform.script += [no_answer(), no_answer(), no_answer(), no_answer(), no_answer()]
    api.seconds = 4.0
    answer = api.bind()
    assert (answer.status, answer.body["state"]) == (202, "REQUESTED")
    assert (answer.body["x"], answer.body["dial"]) == (None, None)
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["location"] == f"/bindings/{answer.body['id']}"


def test_a_repetition_while_the_outcome_is_unknown_is_202_of_the_same_binding(api: BindingsApi) -> None:
    api.platform.script += [no_answer()] * 5
    api.seconds = 4.0
    first, again = api.bind(), api.bind()
    assert (again.status, again.body["id"]) == (202, first.body["id"])
    assert again.headers["idempotent-replay"] == "true"


def test_a_lost_answer_that_can_be_looked_up_is_201_and_bound_once(api: BindingsApi) -> None:
    api.platform.script.append(no_answer())
    answer = api.bind()
    assert (answer.status, answer.body["state"]) == (201, "ACTIVE")
    assert len(api.platform.bindings) == 1


def test_a_bind_is_told_how_long_it_may_last(api: BindingsApi) -> None:
    """With too little time for a platform call nothing is sent and nothing is left behind."""
    api.seconds = 2.1
    answer = api.bind()
    assert answer.status == 503
    assert api.platform.requests == []


def test_a_binding_is_read_by_its_id(api: BindingsApi) -> None:
    bound = api.bind()
    read = api.call("GET /bindings/{id}", path={"id": bound.body["id"]})
    assert (read.status, read.body) == (200, {**bound.body, "impaired": False})


@pytest.mark.parametrize(
    ("state", "impaired"),
    [
        (NumberState.SUSPENDED, True),
        (NumberState.UNAVAILABLE, True),
        (NumberState.FROZEN, False),
        (NumberState.ACTIVE, False),
    ],
)
def test_a_binding_is_impaired_while_the_platform_serves_nothing_on_its_x(
    api: BindingsApi, state: NumberState, impaired: bool
) -> None:
    """notifications.md §7: status 9 and 10 stop its calls and SMS, 11 does not, 5 ends them all."""
    bound = api.bind().body
    states = NumberStates(clients.dynamodb(), TABLE)
    for number, told in enumerate((NumberState.SUSPENDED, state)):
        states.apply(bound["x"], application=APPLICATION, state=told, status_at=f"{iso(START)}#{number}")
    assert api.of("GET", bound["id"]).body["impaired"] is impaired
    api.of("DELETE", bound["id"])
    assert api.of("GET", bound["id"]).body["impaired"] is None


def test_an_unknown_id_is_404(api: BindingsApi) -> None:
    for identity in ("b" + "0" * 32, "B/../x", "+8613800138001", "x" * 3000):
        answer = api.call("GET /bindings/{id}", path={"id": identity})
        assert (answer.status, answer.body["type"]) == (404, "urn:private-number:problem:binding-not-found")


def test_bindings_of_an_order_are_found(api: BindingsApi) -> None:
    """U-A02, U-A15."""
    api.bind(A, B)
    api.bind(A, C, order="other")
    found = api.call("GET /bindings", query={"application": APPLICATION, "order": "order-1001"})
    assert [one["order"] for one in found.body["bindings"]] == ["order-1001"]
    assert found.body["next_cursor"] is None


def test_bindings_of_a_person_are_found_by_any_form_of_his_number(api: BindingsApi) -> None:
    """numbers.md §1.3; an unescaped `+` arrives as a blank."""
    bound = api.bind(A, LANDLINE)
    for typed in ("+8613800138001", " 8613800138001", "13800138001", "138-0013-8001", "0755-20000001"):
        found = api.call("GET /bindings", query={"application": APPLICATION, "number": typed})
        assert [one["id"] for one in found.body["bindings"]] == [bound.body["id"]]


def test_bindings_of_an_x_are_found_page_by_page_newest_first(api: BindingsApi) -> None:
    for order, people in {"o-1": (A, B), "o-2": (C, LANDLINE)}.items():
        api.bind(*people, order=order, x=X1)
        api.pass_time(1)
    query = {"application": APPLICATION, "x": "17010000001", "limit": "1"}
    first = api.call("GET /bindings", query=query)
    second = api.call("GET /bindings", query={**query, "cursor": first.body["next_cursor"]})
    assert [one["order"] for page in (first, second) for one in page.body["bindings"]] == ["o-2", "o-1"]
    assert second.body["next_cursor"] is None


def test_a_change_replaces_a_party_and_keeps_x(api: BindingsApi) -> None:
    """U-A05."""
    bound = api.bind()
    changed = api.call(
        "PATCH /bindings/{id}",
        path={"id": bound.body["id"]},
        body={"b": C, "direction": 1, "max_minutes": 30},
    )
    assert changed.status == 200
    assert (changed.body["b"], changed.body["x"]) == ("+86138****8003", bound.body["x"])
    assert (changed.body["direction"], changed.body["max_minutes"]) == (1, 30)


def test_the_x_is_of_the_city_asked_for(api: BindingsApi) -> None:
    """U-A04, C-014."""
    api.add_numbers(X3, area_code="010")
    assert api.bind(area="010").body["x"] == X3


def test_another_city_is_taken_only_when_allowed(api: BindingsApi) -> None:
    """U-S05, C-126: strict unless the caller says otherwise."""
    assert api.bind(area="010").status == 503
    bound = api.bind(area="010", fallback_any_area=True)
    assert (bound.status, bound.body["area"]) == (201, "0755")


def test_direction_and_recording_go_to_the_platform(api: BindingsApi) -> None:
    """U-A06, U-A08, C-025."""
    bound = api.bind(direction=2, record_hint_tone="hint.wav")
    (binding,) = api.platform.bindings.values()
    assert (binding["callDirection"], binding["recordHintTone"]) == (2, "hint.wav")
    assert (bound.body["direction"], bound.body["recorded"]) == (2, True)


def test_a_change_of_unknown_outcome_answers_202_and_says_so(api: BindingsApi) -> None:
    bound = api.bind()
    api.platform.script += [no_answer()] * 5
    api.seconds = 4.0
    changed = api.call("PATCH /bindings/{id}", path={"id": bound.body["id"]}, body={"b": C})
    assert (changed.status, changed.body["change_pending"]) == (202, True)
    assert changed.body["b"] == "+86138****8002"


def test_a_change_of_an_ended_binding_is_a_conflict(api: BindingsApi) -> None:
    bound = api.bind()
    api.call("DELETE /bindings/{id}", path={"id": bound.body["id"]})
    changed = api.call("PATCH /bindings/{id}", path={"id": bound.body["id"]}, body={"b": C})
    assert (changed.status, changed.body["state"]) == (409, "CLOSED")


def test_a_release_ends_the_binding_and_can_be_repeated(api: BindingsApi) -> None:
    path = {"id": api.bind().body["id"]}
    for _ in range(2):
        released = api.call("DELETE /bindings/{id}", path=path)
        assert (released.status, released.body["state"]) == (200, "CLOSED")
    assert api.platform.bindings == {}
    assert released.body["reason"] == "deleted"


def talking(bound: dict[str, Any], at: datetime, *, received_at: datetime | None = None) -> Derived[Call]:
    """A call of a binding that began then, in a table of calls."""
    clients.dynamodb().create_table(**table_request("BillsTable", BILLS))
    call = Call(bound["application"], "call-1", CallState.ANSWERED, at, received_at, binding_id=bound["id"])
    row = Derived(call, version=1, expires_at=4_000_000_000)
    Writer(clients.dynamodb()).transact([write_call(BILLS, row, seen=None)])
    return row


def test_a_release_waits_for_a_call_that_the_rows_of_calls_show(api: BindingsApi) -> None:
    """C-133, from the route down to the table that follows the platform's pushes."""
    bound = api.bind().body
    row = talking(bound, api.now)
    waiting = api.of("DELETE", bound["id"], query={"wait_seconds": "900"})
    assert (waiting.status, waiting.body["state"], waiting.body["reason"]) == (202, "ACTIVE", "deleted")
    assert waiting.body["waits_until"] == iso(api.now + timedelta(seconds=900))
    over = replace(row, says=replace(row.says, state=CallState.ENDED), version=2)
    Writer(clients.dynamodb()).transact([write_call(BILLS, over, seen=1)])
    released = api.of("DELETE", bound["id"], query={"wait_seconds": "900"})
    assert (released.status, released.body["state"]) == (200, "CLOSED")


def test_a_release_tells_at_once_that_it_waits_though_time_passes_before_it_is_written(
    api: BindingsApi,
) -> None:
    """C-133: the end lies behind the write, and not behind the moment at which the request came."""
    bound = api.bind().body
    talking(bound, api.now)
    api.tick = timedelta(milliseconds=7)
    first, again = (api.of("DELETE", bound["id"], query={"wait_seconds": "900"}) for _ in range(2))
    assert (first.status, first.body["state"]) == (202, "ACTIVE")
    assert first.body["waits_until"] is not None
    assert (again.status, again.body["waits_until"]) == (202, first.body["waits_until"])
    assert "retry-after" in first.headers


def test_a_release_waits_for_a_call_whose_clock_is_ahead_and_for_none_that_begins_later(
    api: BindingsApi,
) -> None:
    """C-133: whether a call began before the end is told by when we heard of it, too."""
    bound = api.bind().body
    row = talking(bound, api.now + timedelta(minutes=5), received_at=api.now)
    query = {"wait_seconds": "900"}
    assert api.of("DELETE", bound["id"], query=query).status == 202
    api.pass_time(30)
    later = replace(row, says=replace(row.says, received_at=api.now), version=2)
    Writer(clients.dynamodb()).transact([write_call(BILLS, later, seen=1)])
    assert api.of("DELETE", bound["id"], query=query).body["state"] == "CLOSED"


def test_no_wait_ends_one_that_has_begun_at_once(api: BindingsApi) -> None:
    """C-133: it ends within the request, and is not left to the sweep."""
    bound = api.bind().body
    talking(bound, api.now)
    api.tick = timedelta(milliseconds=7)
    assert api.of("DELETE", bound["id"], query={"wait_seconds": "900"}).status == 202
    ended = api.of("DELETE", bound["id"], query={"wait_seconds": "0"})
    assert (ended.status, ended.body["state"]) == (200, "CLOSED")


def test_a_release_tells_its_reason(api: BindingsApi) -> None:
    path = {"id": api.bind().body["id"]}
    assert (
        api.call("DELETE /bindings/{id}", path=path, query={"reason": "expired"}).body["reason"] == "expired"
    )


def test_a_release_that_the_platform_has_not_confirmed_answers_202(api: BindingsApi) -> None:
    """U-D03: the state is not "unbound" before the platform said so."""
    path = {"id": api.bind().body["id"]}
    api.platform.script += [(500, "1023001")] * 5
    api.seconds = 4.0
    released = api.call("DELETE /bindings/{id}", path=path)
    assert (released.status, released.body["state"]) == (202, "RELEASING")
    assert "retry-after" in released.headers


def test_times_of_an_answer_have_a_fixed_form(api: BindingsApi) -> None:
    assert api.bind().body["created_at"] == iso(START)


def test_a_route_that_does_not_exist_is_404(api: BindingsApi) -> None:
    answer = api.call("POST /nothing")
    assert (answer.status, answer.body["type"]) == (404, "urn:private-number:problem:no-such-route")
