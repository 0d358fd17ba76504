"""The demo of every other mode, on a stack of its own: every claim holds, nobody's number is shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from builders.disclosure import Secrets, Trace, traces
from builders.played import Played, play_demo
from local.plays import ax_order, axe_order, axyb_order, x_order
from local.stack import Stack, up
from local.tenant import BY_MODE
from privatenumber.settings import Mode

CLAIMS = {Mode.AX: 11, Mode.AXE: 9, Mode.AXYB: 11, Mode.X: 13}
PEOPLE = {
    *(ax_order.COURIER, ax_order.CUSTOMER, ax_order.OTHER),
    *(axe_order.LANDLORD, axe_order.AGENT, axe_order.TENANT),
    *(axyb_order.HOUSEHOLD, axyb_order.CLEANER, axyb_order.STAND_IN),
    *(x_order.DOCTOR, x_order.PATIENT, x_order.HOTLINE, x_order.STRANGER),
}


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A deployed stack with one company per mode; their plays move the clock by hours."""
    folder = tmp_path_factory.mktemp("modes")
    stack = up(lambda step: None, folder=folder, tenants=tuple(BY_MODE.values()))
    try:
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def plays(companies: Stack) -> dict[Mode, Played]:
    """Each mode's play, one after the other."""
    return {mode: play_demo(companies, mode) for mode in CLAIMS}


@pytest.mark.parametrize("mode", list(CLAIMS))
def test_every_claim_of_the_play_holds(plays: dict[Mode, Played], mode: Mode) -> None:
    """C-001, C-005, C-006, C-007: from bind to end through the deployed API, in the platform's format."""
    played = plays[mode]
    assert played.exit_code == 0, played.said
    assert played.said.count("✓") == CLAIMS[mode]
    assert f"{CLAIMS[mode]} claims checked" in played.said


def test_no_play_shows_or_leaves_a_persons_number(companies: Stack, plays: dict[Mode, Played]) -> None:
    """U-D15, U-N16: prints, answers, every attribute of every item, every log line."""
    sessions = {call["session_id"] for call in companies.platform.get("calls")["calls"]}
    secrets = Secrets(numbers=PEOPLE, sessions=sessions)
    printed = [Trace("print", mode, line) for mode, it in plays.items() for line in it.said.splitlines()]
    answered = [trace for one in plays.values() for trace in one.answers]
    assert secrets.search([*printed, *answered, *traces(companies)]) == []
