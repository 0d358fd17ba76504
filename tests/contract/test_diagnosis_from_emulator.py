"""Calls and texts of the emulated platform, stored by the real ingestion, explained: C-132 to C-159.

One scene per situation of the diagnosis table that the emulator can produce (`builders.diagnosis_scenes`,
`builders.diagnosis_sms_scenes`); the others are tested with built facts in tests/unit/calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from builders.diagnosis_record_scenes import CALL_SCENES
from builders.diagnosis_scenes import X2
from builders.diagnosis_sms_scenes import SMS_SCENES
from builders.dynamodb import moto_client
from builders.emulated import X
from builders.emulated_modes import Y
from privatenumber.calls.diagnosis.model import Diagnosis
from privatenumber.calls.diagnosis.view import as_text

pytestmark = pytest.mark.anyio

BESIDE = {"carrier.said", "number.impaired", "sms.unbound"}
"""Situations that stand beside a heavier one."""

OURS = {number[3:] for number in (X, X2, Y)}
_NUMBER = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])|(?<=86)1[3-9][0-9]{9}|755[0-9]{8}")


def numbers_in(diagnoses: tuple[Diagnosis, ...]) -> set[str]:
    """Every number that a diagnosis tells, in national form."""
    told = as_text(diagnoses, "en") + as_text(diagnoses, "zh")
    return set(_NUMBER.findall(told))


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with moto_client() as opened:
        yield opened


@pytest.mark.parametrize("situation", CALL_SCENES)
async def test_a_call_of_the_emulator_is_explained_by_its_situation(client: Any, situation: str) -> None:
    """C-138 and the topics of the situation; nobody's number is told."""
    found = await CALL_SCENES[situation](client)
    named = [one.situation for one in found]
    assert situation in named
    assert named[0] == situation or situation in BESIDE
    assert numbers_in(found) <= OURS


@pytest.mark.parametrize("situation", SMS_SCENES)
async def test_a_text_of_the_emulator_is_explained_by_its_situation(client: Any, situation: str) -> None:
    """C-155 and the topics of the situation; nobody's number is told."""
    found = await SMS_SCENES[situation](client)
    named = [one.situation for one in found]
    assert situation in named
    assert named[0] == situation or situation in BESIDE
    assert numbers_in(found) <= OURS
