"""Whoever asks our API repeats what was not answered well, and gives up at last."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

import pytest

from emulator.platform import Emulator
from storm.business import Business
from storm.deals import AGAIN_S, Answer
from storm.lambdas import Lambdas
from storm.platform import settings

START = datetime(2026, 9, 14, tzinfo=UTC)


def asked(*statuses: int) -> list[float]:
    """After how many seconds somebody asked who was answered like this."""
    emulator = Emulator(settings(1), start=START)
    answers: Iterator[int] = iter(statuses)
    moments: list[float] = []

    def ask() -> Answer:
        moments.append((emulator.scheduler.now() - START).total_seconds())
        return Answer(next(answers), {})

    Business(emulator, cast(Lambdas, None), START).insist(ask)
    asyncio.run(emulator.scheduler.advance(2 * sum(AGAIN_S)))
    return moments


@pytest.mark.parametrize("status", [202, 409, 422])
def test_an_answer_that_nothing_will_change_is_taken(status: int) -> None:
    assert asked(status) == [0]


def test_what_was_not_answered_well_is_asked_again_until_it_is() -> None:
    assert asked(0, 503, 202) == [0, 5, 25]


def test_after_the_last_pause_nobody_asks_any_more() -> None:
    assert len(asked(*[503] * 20)) == 1 + len(AGAIN_S)
