"""What counts as a difference between our books and the platform's (axb.md §5, ax.md §5, axyb.md §4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.fake_bindings import binding_of, until
from privatenumber.bindings.drift import Kind, compare
from privatenumber.bindings.gateway import Standing
from privatenumber.bindings.model import Binding, State
from privatenumber.settings import Mode

NOW: datetime = until(0)


def ours(mode: Mode = Mode.AXB, **changes: Any) -> Binding:
    """A binding at rest, that the platform confirmed and ends an hour after us."""
    binding = binding_of(mode)
    settled = {
        "state": State.ACTIVE,
        "subscription_id": "id-1",
        "in_flight_until": None,
        "created_at": NOW - timedelta(hours=1),
        "terms": replace(binding.terms, ends_at=NOW + timedelta(hours=2)),
        "platform_ends_at": NOW + timedelta(hours=3),
    }
    return replace(binding, **{**settled, **changes})


def theirs(binding: Binding, **changes: Any) -> Standing:
    """The same as the platform tells it."""
    row = Standing(
        binding.x,
        binding.a.number,
        binding.subscription_id,
        b=binding.b.number if binding.b else None,
        extension=binding.extension,
        direction=binding.direction,
        max_minutes=binding.max_minutes,
        duration=4 * 3600 if binding.mode is Mode.AXB else None,
        partners=tuple((one.y or "", one.party.number) for one in binding.partners),
    )
    return replace(row, **changes)


def kinds(binding: Binding, *rows: Standing) -> list[tuple[Kind, tuple[str, ...]]]:
    return [(one.kind, one.fields) for one in compare([binding], rows, NOW)]


AT_PLATFORM = [mode for mode in Mode if mode is not Mode.X]


@pytest.mark.parametrize("mode", AT_PLATFORM)
def test_the_same_on_both_sides_is_none(mode: Mode) -> None:
    binding = ours(mode)
    assert kinds(binding, theirs(binding)) == []


@pytest.mark.parametrize(
    "under_way",
    [
        {"state": State.RELEASING},
        {"pending": ours().terms},
        {"in_flight_until": NOW + timedelta(seconds=1)},
        {"terms": replace(ours().terms, ends_at=NOW)},
        {"state": State.REQUESTED, "subscription_id": None},
    ],
    ids=["releasing", "changing", "in flight", "over", "requested"],
)
def test_what_is_under_way_with_us_is_none(under_way: dict[str, Any]) -> None:
    """Neither gone nor different there."""
    binding = ours(**under_way)
    assert kinds(binding) == []
    assert kinds(binding, replace(theirs(binding), subscription_id="id-1", direction=2)) == []


def test_a_request_of_other_people_explains_no_row() -> None:
    binding = ours(state=State.REQUESTED, subscription_id=None)
    assert kinds(binding, theirs(binding, subscription_id="id-9", a="+8613800138009")) == [
        (Kind.PLATFORM_ONLY, ())
    ]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "direction": st.sampled_from([1, 2]),
            "max_minutes": st.integers(1, 1440),
            "a": st.just("+8613800138009"),
            "b": st.just("+8613800138010"),
            "duration": st.sampled_from([0, 600, 86_400]),
        },
    )
)
def test_every_field_that_differs_is_named_and_no_other(changes: dict[str, Any]) -> None:
    binding = ours(terms=replace(ours().terms, direction=0, max_minutes=0))
    found = kinds(binding, theirs(binding, **changes))
    assert found == ([(Kind.DIFFERENT, tuple(sorted(changes, key=ORDER.index)))] if changes else [])


ORDER = ["a", "b", "direction", "max_minutes", "duration"]


@given(sent=st.integers(0, 3600), now=st.integers(0, 3600))
def test_a_life_as_we_told_it_is_none_whenever_it_was_told(sent: int, now: int) -> None:
    """At the bind or by a prolongation an hour later, looked at whenever after."""
    binding = ours()
    assert binding.platform_ends_at
    told_at = binding.created_at + timedelta(seconds=sent)
    life = int((binding.platform_ends_at - told_at).total_seconds())
    moment = told_at + timedelta(seconds=min(now, 3600 - sent))
    assert list(compare([binding], [theirs(binding, duration=life)], moment)) == []


def test_a_difference_has_the_same_id_whenever_it_is_found() -> None:
    binding = ours()
    first, again = (next(compare([binding], (), NOW + timedelta(minutes=n))) for n in (0, 5))
    other = next(compare([replace(binding, subscription_id="id-2")], (), NOW))
    assert first.id == again.id != other.id


def test_a_difference_shows_nobody() -> None:
    binding = ours()
    (lost,) = compare([binding], (), NOW)
    (strange,) = compare((), [theirs(binding)], NOW)
    people = [who.number[3:] for who in binding.people]
    assert not [number for number in people if number in repr((lost, strange))]
