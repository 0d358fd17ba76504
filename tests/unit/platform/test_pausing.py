"""Pauses in memory and their scopes (auth.md §5, §9)."""

from dataclasses import replace
from datetime import timedelta

from builders.platform import APPLICATION, START
from privatenumber.platform.pausing import MemoryPauses, scopes_of


def test_a_shorter_pause_never_overwrites_a_longer_one() -> None:
    pauses = MemoryPauses(lambda: START)
    pauses.pause("ride", START + timedelta(minutes=30), "auth")
    pauses.pause("ride", START + timedelta(minutes=1), "flow")
    assert pauses.paused_until("ride") == START + timedelta(minutes=30)


def test_the_longest_of_several_scopes_counts_and_the_past_does_not() -> None:
    pauses = MemoryPauses(lambda: START)
    pauses.pause("*", START + timedelta(minutes=1), "locked")
    pauses.pause("ride", START + timedelta(minutes=2), "flow")
    pauses.pause("food", START, "flow")
    assert pauses.paused_until("*", "ride") == START + timedelta(minutes=2)
    assert pauses.paused_until("food", "unknown") is None


def test_a_scope_of_credentials_changes_with_them_and_hides_them() -> None:
    scopes = scopes_of(APPLICATION)
    assert scopes == scopes_of(replace(APPLICATION, secrets=(APPLICATION.secrets[0],)))
    for changed in ({"secrets": ("other",)}, {"app_key": "other"}, {"base_url": "https://other.example"}):
        assert scopes_of(replace(APPLICATION, **changed)) != scopes
    assert not any(secret in scope for secret in APPLICATION.secrets for scope in scopes)
