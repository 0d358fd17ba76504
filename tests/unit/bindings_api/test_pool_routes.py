"""How full a pool is and what a refused request is told, through the handler (operations.md §6)."""

from __future__ import annotations

import json

import pytest

from builders.bindings_api import APPLICATION, EMPTY_APPLICATION, X1, X2, Answer, BindingsApi
from privatenumber.bindings.errors import PoolReason


def pool(api: BindingsApi, application: str = APPLICATION) -> Answer:
    return api.call("GET /pool", query={"application": application})


def test_a_pool_without_bindings_is_empty(api: BindingsApi) -> None:
    total = pool(api).body["total"]
    assert (total["numbers"], total["bindings"], total["percent"]) == (2, 0, 0.0)
    assert (total["places"], total["left"]) == (10_000, 2)


def test_a_pool_tells_cities_states_and_busiest_numbers(api: BindingsApi) -> None:
    x = api.bind().body["x"]
    api.add_numbers("+8617010000009", area_code="010")
    api.put_number("+8617010000009", state="locked")
    told = pool(api).body
    assert [(city["area_code"], city["states"]) for city in told["cities"]] == [
        ("010", {"locked": 1}),
        ("0755", {"active": 2}),
    ]
    assert told["busiest"][0] == {"x": x, "area_code": "0755", "state": "active", "pairs": 1}
    assert told["people"] == {"sampled": False, "most": 1, "percent_by_numbers": {"1": 100.0}}


def test_the_busiest_person_decides_how_full_a_pool_is(api: BindingsApi) -> None:
    """A stands on both X: no third order of A finds one, although 9,998 places are free (axb.md §1)."""
    for n in range(2):
        api.bind(b=f"1390000000{n}", order=f"order-{n}")
    told = pool(api).body
    assert (told["total"]["percent"], told["total"]["left"]) == (100.0, 0)
    assert told["people"]["percent_by_numbers"] == {"1": 66.7, "2": 33.3}


def test_a_refused_order_says_how_many_numbers_would_have_helped(api: BindingsApi) -> None:
    for n in range(2):
        api.bind(b=f"1390000000{n}", order=f"order-{n}")
    refused = [api.bind(b=f"1390000000{n}", order=f"order-{n}") for n in range(2, 5)]
    assert [answer.body["reason"] for answer in refused] == [PoolReason.CONFLICT.value] * 3
    assert [answer.body["needed"] for answer in refused] == [
        {"request": 1, "pressure": pressure} for pressure in (1, 2, 3)
    ]


def test_with_so_many_more_numbers_nobody_is_refused(api: BindingsApi) -> None:
    """The answer keeps its word."""
    for n in range(6):
        last = api.bind(b=f"1390000000{n}", order=f"order-{n}")
    api.add_numbers(*(f"+861701000001{n}" for n in range(last.body["needed"]["pressure"])))
    again = [api.bind(b=f"1390000000{n}", order=f"order-{n}").status for n in range(6)]
    assert again == [200, 200, 201, 201, 201, 201]


def test_the_same_order_again_is_one_order_and_more_attempts(api: BindingsApi) -> None:
    for n in range(2):
        api.bind(b=f"1390000000{n}", order=f"order-{n}")
    for _ in range(3):
        again = api.bind(b="13900000009", order="order-9")
    assert again.body["needed"] == {"request": 1, "pressure": 1}
    told = pool(api).body
    assert told["refusals"] == [{"area_code": None, "reason": "conflict", "orders": 1, "attempts": 3}]
    assert told["needed"] == [{"area_code": None, "numbers": 1}]


def test_refusals_are_shown_for_a_week_and_counted_for_two_days(api: BindingsApi) -> None:
    api.bind(area="010")
    days = []
    for _ in range(8):
        told = pool(api).body
        days.append((len(told["refusals"]), len(told["needed"])))
        api.pass_time(86_400)
    assert days == [(1, 1), (1, 1), *[(1, 0)] * 5, (0, 0)]


def test_a_named_number_tells_nothing_of_the_pool(api: BindingsApi) -> None:
    api.put_number(X1, state="locked")
    refused = api.bind(x=X1)
    assert (refused.status, "needed" in refused.body) == (503, False)
    assert pool(api).body["refusals"] == []


def test_an_application_without_numbers_has_an_empty_pool(api: BindingsApi) -> None:
    told = pool(api, EMPTY_APPLICATION).body
    assert (told["total"]["numbers"], told["total"]["percent"], told["cities"]) == (0, 100.0, [])


def test_an_unknown_application_is_told_so(api: BindingsApi) -> None:
    assert pool(api, "none").status == 422


def test_refusals_are_a_metric_by_application_and_reason(
    api: BindingsApi, capsys: pytest.CaptureFixture[str]
) -> None:
    api.bind(area="010")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"Refusals"' in line]
    assert [(line["application"], line["reason"], line["service"]) for line in lines] == [
        (APPLICATION, "city", "bindings")
    ]


def test_a_pool_names_nobody(api: BindingsApi) -> None:
    api.bind()
    assert "138001380" not in pool(api).text
    assert {number["x"] for number in pool(api).body["busiest"]} == {X1, X2}


def foretold(api: BindingsApi, **body: object) -> Answer:
    return api.call("POST /pool/forecast", body={"application": APPLICATION, **body})


def test_a_forecast_replays_what_the_pool_carried(api: BindingsApi) -> None:
    """A had two orders at a time, so he needs two numbers; with twice as many orders he needs four."""
    for n in range(2):
        api.bind(b=f"1390000000{n}", order=f"order-{n}")
    told = foretold(api).body
    (city,) = told["cities"]
    assert (told["bindings"], told["complete"]) == (2, True)
    assert (city["area_code"], city["active"], city["busiest"], city["numbers"]) == ("0755", 2, 2, 2)
    assert foretold(api, growth=2.0).body["cities"][0]["numbers"] == 4


def test_a_released_binding_took_its_place_until_it_ended(api: BindingsApi) -> None:
    """One after the other two orders of A need one number, whatever their end was to be."""
    for n in range(2):
        bound = api.bind(b=f"1390000000{n}", order=f"order-{n}")
        api.pass_time(60)
        api.of("DELETE", bound.body["id"])
    (city,) = foretold(api).body["cities"]
    assert (city["bindings"], city["busiest"], city["numbers"]) == (2, 1, 1)


def test_bindings_before_the_time_asked_for_are_left_out(api: BindingsApi) -> None:
    api.of("DELETE", api.bind().body["id"])
    api.pass_time(2 * 86_400)
    assert foretold(api, days=1).body["cities"] == []
    assert foretold(api, days=3).body["bindings"] == 1


def test_a_forecast_of_an_unknown_application_is_refused(api: BindingsApi) -> None:
    assert foretold(api, application="none").status == 422


def test_a_forecast_names_nobody(api: BindingsApi) -> None:
    api.bind()
    assert "138001380" not in foretold(api).text
