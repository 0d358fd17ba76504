"""After a lock-out and in arrears one query goes first (result-codes.md §2, billing-rules.md §7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders.platform import APPLICATION, START, Answer, Platform, answered, bound, scripted
from privatenumber.platform import errors
from privatenumber.platform.axb import AxbBind
from privatenumber.platform.client import NoAnswer
from privatenumber.platform.pausing import PROBE_S, Doubt
from privatenumber.platform.probes import NOBODY, probe_of
from privatenumber.settings import Mode

BIND = AxbBind(a="+8613800138001", b="+8613800138002", x="+8617010000002", duration=7200)
LOCKED, FROZEN, PASSES = answered(403, "1020176"), answered(403, "1010029"), answered(403, "1012007")
HALF_AN_HOUR, TEN_MINUTES = timedelta(minutes=30), timedelta(minutes=10)


def bind(platform: Platform) -> Any:
    return platform.client.axb.bind(BIND, deadline=platform.time.deadline())


def refused(platform: Platform) -> errors.PlatformError:
    with pytest.raises(errors.PlatformError) as raised:
        bind(platform)
    return raised.value


def silenced(*answers: Answer) -> Platform:
    """A client whose first request met the first of the answers."""
    platform = scripted(*answers)
    refused(platform)
    return platform


def after(platform: Platform, wait: timedelta) -> Platform:
    platform.time.seconds += wait.total_seconds()
    return platform


def asked(platform: Platform) -> list[str]:
    """Methods of the requests that were sent."""
    return [sent.method for sent in platform.requests]


def test_after_a_lock_out_a_query_goes_first_and_the_request_follows() -> None:
    """A bind must not be the first: its refusal would begin the lock anew, its loss would be in doubt."""
    platform = after(silenced(LOCKED, PASSES, bound()), HALF_AN_HOUR)
    bind(platform)
    assert asked(platform) == ["POST", "GET", "POST"]
    assert platform.requests[1].query == {"subscriptionId": [NOBODY]}
    bind(platform)
    assert asked(platform) == ["POST", "GET", "POST", "POST"]


def test_a_lock_out_that_goes_on_silences_for_another_half_hour() -> None:
    platform = after(silenced(LOCKED, LOCKED, bound()), HALF_AN_HOUR)
    error = refused(platform)
    assert isinstance(error, errors.NotSent)
    assert error.until == START + 2 * HALF_AN_HOUR
    assert asked(platform) == ["POST", "GET"]


def test_a_probe_without_an_answer_proves_nothing_and_the_next_comes_later() -> None:
    platform = after(silenced(LOCKED, NoAnswer("x"), PASSES, bound()), HALF_AN_HOUR)
    assert isinstance(refused(platform), errors.NotSent)
    assert isinstance(refused(platform), errors.NotSent)
    assert asked(platform) == ["POST", "GET"]
    bind(after(platform, timedelta(seconds=PROBE_S)))
    assert asked(platform) == ["POST", "GET", "GET", "POST"]


def test_while_one_finds_out_the_others_keep_silent() -> None:
    platform = after(silenced(LOCKED, bound()), HALF_AN_HOUR)
    now = platform.time.now()
    assert platform.pauses.claim(Doubt("*", "locked"), now + timedelta(seconds=PROBE_S))
    error = refused(platform)
    assert isinstance(error, errors.NotSent)
    assert error.until == now + timedelta(seconds=PROBE_S)
    assert asked(platform) == ["POST"]


def test_a_query_is_its_own_probe() -> None:
    platform = after(silenced(LOCKED, PASSES), HALF_AN_HOUR)
    a, b, x = "+8613800138001", "+8613800138002", "+8617010000002"
    assert platform.client.axb.find(x, a, b, deadline=platform.time.deadline()) is None
    assert asked(platform) == ["POST", "GET"]
    assert platform.pauses.doubt("*") is None


def test_traffic_resumes_ten_minutes_after_payment_is_seen() -> None:
    """C-110, billing-rules.md §7: the first answer is not yet the time to bind."""
    platform = after(silenced(FROZEN, PASSES, bound()), TEN_MINUTES)
    error = refused(platform)
    assert isinstance(error, errors.NotSent)
    assert error.until == START + 2 * TEN_MINUTES
    assert asked(platform) == ["POST", "GET"]
    bind(after(platform, TEN_MINUTES))
    assert asked(platform) == ["POST", "GET", "POST"]


def test_arrears_are_probed_every_ten_minutes_by_a_query() -> None:
    platform = silenced(FROZEN, FROZEN, FROZEN, PASSES, bound())
    for times in (1, 2):
        assert isinstance(refused(after(platform, TEN_MINUTES)), errors.NotSent)
        assert asked(platform) == ["POST", *["GET"] * times]
    refused(after(platform, TEN_MINUTES))
    bind(after(platform, TEN_MINUTES))
    assert asked(platform) == ["POST", "GET", "GET", "GET", "POST"]


@pytest.mark.parametrize(
    "answer", [answered(500, "1010001"), answered(401, "1010010"), answered(403, "1010006")]
)
def test_an_answer_that_comes_before_the_account_is_looked_at_shows_no_payment(answer: Answer) -> None:
    """auth.md §4: the signature is checked before the account."""
    platform = after(silenced(FROZEN, answer), TEN_MINUTES)
    refused(platform)
    assert platform.pauses.doubt(APPLICATION.id) is not None


def test_refused_credentials_end_the_doubt_of_a_lock_out_and_pause_on_their_own() -> None:
    platform = after(silenced(LOCKED, answered(401, "1010010")), HALF_AN_HOUR)
    assert refused(platform).until == START + 2 * HALF_AN_HOUR  # type: ignore[attr-defined]
    assert platform.pauses.doubt("*") is None
    assert asked(platform) == ["POST", "GET"]


def test_flow_control_needs_no_probe() -> None:
    """result-codes.md §2: the next attempt may come after a minute."""
    platform = after(silenced(answered(403, "1010010"), bound()), timedelta(minutes=1))
    bind(platform)
    assert asked(platform) == ["POST", "POST"]


@pytest.mark.parametrize("mode", sorted(Mode))
def test_a_probe_is_a_query_of_the_application_s_own_mode(mode: Mode) -> None:
    """Another mode's would be refused as such (1010040); X has none."""
    probe = probe_of(replace(APPLICATION, mode=mode))
    if mode is Mode.X:
        assert probe is None
        return
    assert probe
    assert (probe.api, probe.method, probe.mode) == (f"{mode.value.lower()}.query", "GET", mode)
    assert ("app_key" in probe.query) == (mode is Mode.AXYB)
