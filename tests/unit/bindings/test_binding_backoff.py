"""When to try again: growing, spread, bounded, and never inside a pause (result-codes.md §2)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatenumber.bindings.backoff import (
    CEILING_S,
    FIRST_S,
    SUSPENDED_S,
    delay_s,
    next_try,
    pause_end,
)
from privatenumber.bindings.errors import BindRefused, PlatformPaused, refusal
from privatenumber.codes.results import lookup
from privatenumber.platform.errors import NotSent, PlatformError, error_for

NOW = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)


def platform_error(code: str, status: int = 403) -> PlatformError:
    return error_for("axb.unbind", lookup(status, code, "axb.unbind"))


@given(attempts=st.integers(1, 10_000), seed=st.integers())
def test_a_delay_is_never_nothing_and_never_beyond_the_ceiling(attempts: int, seed: int) -> None:
    assert FIRST_S * 0.75 <= delay_s(attempts, random.Random(seed)) <= CEILING_S * 1.25


def test_delays_double_until_the_ceiling() -> None:
    even = random.Random()
    even.uniform = lambda a, b: 1.0  # type: ignore[method-assign]
    assert [delay_s(attempts, even) for attempts in range(1, 9)] == [30, 60, 120, 240, 480, 960, 1800, 1800]


def test_failures_of_one_moment_do_not_come_back_at_one_moment() -> None:
    delays = {delay_s(1, random.Random(seed)) for seed in range(50)}
    assert len(delays) == 50


@pytest.mark.parametrize(("code", "seconds"), [("1010029", 600), ("1010010", 60), ("1020176", 1800)])
def test_a_pause_is_waited_for(code: str, seconds: int) -> None:
    """Arrears ten minutes, flow control one, lock-out thirty."""
    assert next_try(NOW, 1, random.Random(1), platform_error(code)) >= NOW + timedelta(seconds=seconds)


def test_a_pause_that_the_client_keeps_is_waited_for() -> None:
    until = NOW + timedelta(minutes=20)
    assert next_try(NOW, 1, random.Random(1), NotSent("axb.unbind", "paused", until=until)) == until


@given(attempts=st.integers(1, 10_000), seed=st.integers())
def test_what_a_suspended_number_refuses_is_tried_every_few_minutes(attempts: int, seed: int) -> None:
    """An AX is not unbound from it (numbers.md §3); once it is back, its calls would connect."""
    tried = next_try(NOW, attempts, random.Random(seed), platform_error("1012102"))
    assert tried <= NOW + timedelta(seconds=SUSPENDED_S * 1.25)


def test_other_errors_are_no_pause() -> None:
    assert pause_end(NOW, platform_error("1012102")) is None
    assert pause_end(NOW, None) is None


def test_callers_are_told_pause_and_refusal_apart() -> None:
    paused = refusal(platform_error("1010029"), "b1", NOW)
    assert isinstance(paused, PlatformPaused)
    assert paused.until == NOW + timedelta(minutes=10)
    refused = refusal(platform_error("1010002"), "b1", NOW)
    assert isinstance(refused, BindRefused)
    assert refused.binding_id == "b1"
