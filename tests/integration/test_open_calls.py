"""Which calls of a binding are under way, by facts that come late, twice, in any order or never (C-133)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from builders.calls import ORDER
from builders.chronicled import Chronicled
from builders.dynamodb import moto_client, new_table
from builders.pushes import SIGNED_AT, event_body, fee_body
from privatenumber.store.open_calls import OpenCalls

CALLIN, CALLOUT, DISCONNECT = event_body("callin"), event_body("callout"), event_body("disconnect", second=40)
OTHER: Any = {"sessionId": "1200_2002_4294967295_20260902010000@callenabler246.huaweicaas.com"}
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with moto_client() as client:
        yield client


@pytest.fixture
def told(client: Any) -> Chronicled:
    return Chronicled(new_table(client, "BillsTable"))


def begun(told: Chronicled, binding_id: str = ORDER.binding_id, **window: Any) -> int:
    calls = OpenCalls(told.bills.client, told.bills.name)
    asked = {"since": SIGNED_AT - DAY, "until": SIGNED_AT + DAY, **window}
    return len(calls.begun("demo", binding_id, **asked))


def test_a_call_that_has_begun_is_under_way(told: Chronicled) -> None:
    told.receive(CALLIN)
    told.follow(told.stored())
    assert begun(told) == 1


@pytest.mark.parametrize("order", list(permutations([CALLIN, CALLOUT, DISCONNECT])))
def test_its_hang_up_ends_it_in_whatever_order_it_is_told(told: Chronicled, order: tuple[Any, ...]) -> None:
    """notifications.md §9.1: pushes come in any order."""
    for body in order:
        told.receive(body)
        told.follow(told.stored()[-1:])
    told.follow(reversed(told.stored()))
    assert begun(told) == 0


def test_its_record_ends_it_when_the_hang_up_is_lost(told: Chronicled) -> None:
    told.receive(CALLIN)
    told.receive(fee_body())
    told.follow(told.stored())
    assert begun(told) == 0


def test_the_same_facts_again_change_nothing(told: Chronicled) -> None:
    told.receive(CALLIN)
    told.receive(CALLIN)
    told.follow([*told.stored(), *told.stored()])
    assert begun(told) == 1


def test_another_call_of_the_binding_goes_on(told: Chronicled) -> None:
    told.receive(CALLIN)
    told.receive(DISCONNECT)
    told.receive(event_body("callin", **OTHER))
    told.follow(told.stored())
    assert begun(told) == 1


def test_calls_of_other_bindings_and_other_times_do_not_count(told: Chronicled) -> None:
    told.receive(CALLIN)
    told.follow(told.stored())
    assert begun(told, "binding-2") == 0
    assert begun(told, until=SIGNED_AT - timedelta(hours=9)) == 0


def test_one_whose_clock_is_ahead_began_when_we_heard_of_it(told: Chronicled) -> None:
    """C-133: the end against which it is held is by our clock."""
    heard = SIGNED_AT - timedelta(hours=9)
    told.receive(CALLIN, at=heard)
    told.follow(told.stored())
    calls = OpenCalls(told.bills.client, told.bills.name)
    assert calls.begun("demo", ORDER.binding_id, since=heard - DAY, until=heard + DAY) == (heard,)


def test_one_of_which_we_hear_late_began_when_the_platform_says(told: Chronicled) -> None:
    told.receive(CALLIN, at=SIGNED_AT + timedelta(hours=9))
    told.follow(told.stored())
    calls = OpenCalls(told.bills.client, told.bills.name)
    (begun_at,) = calls.begun("demo", ORDER.binding_id, since=SIGNED_AT - DAY, until=SIGNED_AT + DAY)
    assert begun_at < SIGNED_AT + timedelta(hours=1)
