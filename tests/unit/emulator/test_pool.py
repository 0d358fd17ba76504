"""Choice of X by area (numbers.md §2.1; C-014)."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.pool import Pool, area_of
from emulator.settings import EmulatorSettings
from emulator.world import Application, AxbBinding, Number, NumberStatus, World

START = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)
SHENZHEN, GUANGZHOU, BEIJING = "+8617010000001", "+8617010000002", "+8617010000003"
A, B = "+8613800138001", "+8613800138002"
APPLICATION = Application("app", ("secret",))


def a_pool(issued: dict[str, str], **settings: Any) -> tuple[World, Pool]:
    world = World(random.Random(1))
    world.put_application(APPLICATION)
    for x, area in issued.items():
        world.put_number(Number(x=x, app_key="app", area_code=area), START)
    return world, Pool(world, EmulatorSettings(**settings), random.Random(1))


def choose(pool: Pool, area: str | None = None, *, a: str = A, strict_area: bool = True) -> str | None:
    chosen = pool.choose_axb(APPLICATION, a, B, area=area, strict_area=strict_area, at=START)
    return chosen.x if chosen else None


ALL = {SHENZHEN: "0755", GUANGZHOU: "020", BEIJING: "010"}


def test_a_city_gets_a_number_of_its_own() -> None:
    _, pool = a_pool(ALL)
    assert choose(pool, "010") == BEIJING


def test_strict_match_finds_nothing_in_another_city() -> None:
    _, pool = a_pool({GUANGZHOU: "020", BEIJING: "010"})
    assert choose(pool, "0755") is None


def test_non_strict_match_prefers_the_city() -> None:
    _, pool = a_pool(ALL)
    assert choose(pool, "0755", strict_area=False) == SHENZHEN


def test_non_strict_match_falls_back_to_the_province() -> None:
    _, pool = a_pool({GUANGZHOU: "020", BEIJING: "010"})
    assert choose(pool, "0755", strict_area=False) == GUANGZHOU


def test_non_strict_match_falls_back_to_any_number_at_last() -> None:
    _, pool = a_pool({BEIJING: "010"})
    assert choose(pool, "0755", strict_area=False) == BEIJING


def test_an_unknown_city_has_no_province() -> None:
    _, pool = a_pool(ALL)
    assert choose(pool, "0999999") is None
    assert choose(pool, "0999999", strict_area=False) in ALL


def test_the_table_of_provinces_can_be_extended() -> None:
    _, pool = a_pool({GUANGZHOU: "020", BEIJING: "010"}, areas={"extra": {"0999": "Beijing"}})
    assert choose(pool, "0999", strict_area=False) == BEIJING


@pytest.mark.parametrize(
    ("number", "area"),
    [
        ("+8613800138001", "0755"),
        ("+8613900138001", "020"),
        ("+8613910138001", "010"),
        ("+861062000001", "010"),
        ("+8675520000001", "0755"),
        ("+8602120000001", "0755"),
        ("+862120000001", "021"),
        ("+865562000001", "0556"),
    ],
)
def test_the_area_of_a_user(number: str, area: str) -> None:
    """Landlines by their own code, mobiles by the longest prefix, else the default (decisions 60, 61)."""
    settings = EmulatorSettings(numbers={"mobile_home": {"139": "020", "1391": "010"}})
    assert area_of(number, settings) == area


def test_without_area_the_area_of_a_counts() -> None:
    _, pool = a_pool(ALL)
    assert choose(pool, a="+861062000001") == BEIJING
    assert choose(pool) == SHENZHEN


@pytest.mark.parametrize("status", ["9", "10", "11"])
def test_only_normal_numbers_are_chosen(status: str) -> None:
    world, pool = a_pool({SHENZHEN: "0755"})
    world.set_number_status(SHENZHEN, NumberStatus(status), None, START)
    assert choose(pool, "0755") is None


def bind(world: World, x: str, a: str, b: str) -> None:
    world.add_axb(AxbBinding(world.new_id(), "app", x, a, b, START))


@pytest.mark.parametrize("pair", [(A, "+8613800138008"), ("+8613800138008", A), (B, "+8613800138009")])
def test_numbers_that_carry_a_party_are_skipped(pair: tuple[str, str]) -> None:
    """Decision 96."""
    world, pool = a_pool({SHENZHEN: "0755", GUANGZHOU: "0755"})
    bind(world, SHENZHEN, *pair)
    assert choose(pool, "0755") == GUANGZHOU


def test_full_numbers_are_skipped() -> None:
    world, pool = a_pool({SHENZHEN: "0755"}, limits={"axb_pairs_per_x": 1})
    bind(world, SHENZHEN, "+8613800138008", "+8613800138009")
    assert choose(pool, "0755") is None


def test_numbers_of_another_application_are_never_chosen() -> None:
    world, pool = a_pool({})
    world.put_number(Number(x=SHENZHEN, app_key="another"), START)
    assert choose(pool, "0755") is None


def test_the_least_loaded_number_can_be_preferred() -> None:
    world, pool = a_pool({SHENZHEN: "0755", GUANGZHOU: "0755"}, numbers={"pick": "least_loaded"})
    bind(world, SHENZHEN, "+8613800138008", "+8613800138009")
    assert choose(pool, "0755") == GUANGZHOU


def test_random_choice_repeats_with_the_seed() -> None:
    numbers = {f"+86170100000{number:02d}": "0755" for number in range(20)}
    picks = [[choose(a_pool(numbers)[1], "0755") for _ in range(1)] for _ in range(2)]
    assert picks[0] == picks[1]
