"""The admin API: every order of a person or a test, and helpful refusals (emulator-decisions.md)."""

from builders.emulator import RunningEmulator


def test_a_served_emulator_tells_that_it_is_well(emulator: RunningEmulator) -> None:
    assert emulator.admin.health()["status"] == "ok"
