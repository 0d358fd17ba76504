"""A judge that could not say no would be worth nothing: each says so when the thing is there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from storm.judges.crossings import PlaceWatch
from storm.judges.privacy import PrivacyWatch
from storm.judges.releases import percentile
from storm.judges.verdict import Verdict
from storm.orders import person
from storm.tables import Written

NOW = datetime(2026, 9, 14, 8, tzinfo=UTC)
X = "+8617001000001"


def written(binding: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Written:
    return Written("BindingsTable", (f"BINDING#{binding}", "BINDING"), old, new, {})


def row(a: str, b: str, state: str = "ACTIVE", mode: str = "AXB") -> dict[str, Any]:
    return {"a_token": a, "b_token": b, "state": state, "mode": mode, "x": X}


def test_two_bindings_of_one_person_on_one_x_are_a_crossing() -> None:
    watch = PlaceWatch(lambda: NOW)
    watch.hear(written("one", None, row("anna", "ben")))
    watch.hear(written("two", None, row("anna", "carl")))
    assert len(watch.verdict.breaches) == 1


def test_a_place_that_was_left_may_be_taken() -> None:
    watch = PlaceWatch(lambda: NOW)
    watch.hear(written("one", None, row("anna", "ben")))
    watch.hear(written("one", row("anna", "ben"), row("anna", "ben", state="CLOSED")))
    watch.hear(written("two", None, row("anna", "carl")))
    assert watch.verdict.holds


def test_an_x_of_ax_carries_one_binding() -> None:
    watch = PlaceWatch(lambda: NOW)
    watch.hear(written("one", None, row("anna", "", mode="AX")))
    watch.hear(written("two", None, row("ben", "", mode="AX")))
    assert not watch.verdict.holds


def test_a_number_in_any_text_is_seen_and_not_repeated() -> None:
    watch = PrivacyWatch()
    digits = person(7).removeprefix("+86")
    watch.hear("a function", f'{{"message": "called {digits}"}}')
    assert not watch.verdict.holds
    assert digits not in str(watch.verdict.breaches)


def test_an_x_and_a_masked_number_are_no_person() -> None:
    watch = PrivacyWatch()
    watch.hear("a function", f"{X} and +86138****0007")
    assert watch.verdict.holds


def test_a_judgement_without_anything_to_look_at_is_not_true() -> None:
    assert not Verdict("name", "says").holds


def test_a_percentile_is_a_value_that_was_there() -> None:
    assert (percentile([], 0.99), percentile([1, 2, 300], 0.99), percentile([1, 2, 300], 0.5)) == (
        0.0,
        300,
        2,
    )
