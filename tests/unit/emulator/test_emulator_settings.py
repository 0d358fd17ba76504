"""Settings and their defaults by strictness (emulator-decisions.md)."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from emulator.settings import EmulatorSettings


@pytest.mark.parametrize(
    ("strictness", "expected"),
    [
        ("lenient", (29_100, None, "platform", "connect", "2xx")),
        ("strict", (300, 0, "strict", "intercept", "200")),
    ],
)
def test_strictness_decides_the_defaults(strictness: str, expected: tuple[Any, ...]) -> None:
    """Decisions 1, 21, 23, 56, 159, 188."""
    settings = EmulatorSettings.model_validate({"strictness": strictness})
    assert (
        settings.auth.created_tolerance_s,
        settings.auth.nonce_reuse_s,
        settings.numbers.validation,
        settings.calls.record_without_hint,
        settings.push.success,
    ) == expected


def test_a_setting_of_its_own_wins_over_strictness() -> None:
    settings = EmulatorSettings.model_validate({"strictness": "strict", "auth": {"created_tolerance_s": 900}})
    assert (settings.auth.created_tolerance_s, settings.auth.nonce_reuse_s) == (900, 0)


def test_the_documented_defaults() -> None:
    settings = EmulatorSettings()
    assert settings.push.retry_minutes == (1, 4, 9, 106, 203, 300)
    assert settings.limits.axb_pairs_per_x == 5000
    assert (settings.auth.lockout.threshold, settings.auth.lockout.window_s) == (10, 600)
    assert settings.auth.lockout.lock_s == 1800


@pytest.mark.parametrize("wrong", [{"unknown": 1}, {"push": {"unknown": 1}}, {"cdr": {"max_batch": 51}}])
def test_a_setting_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EmulatorSettings.model_validate(wrong)
