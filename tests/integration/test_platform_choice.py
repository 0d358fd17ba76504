"""Binds whose X the platform chooses in AX, AXB and AXE: its word counts, lost answers stay lost (C-014)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from builders.bindings import SETTLING_S, Desk, active_number, in_doubt, open_desk, within
from builders.crashes import PLATFORM_CALLS, WRITES, Fuse, Killed, fragile
from builders.drift import run_now
from builders.dynamodb import moto_client, new_table
from builders.emulator import X1, X2, X3, A, B, C, D, RunningEmulator
from emulator.clock import VIRTUAL_START
from privatenumber.bindings.commands import Chooser, Sticky
from privatenumber.bindings.errors import InvalidRequest, PoolEmpty, PoolReason
from privatenumber.bindings.model import Reason, Spread, State
from privatenumber.settings import Mode
from privatenumber.store.numbers import NumberState

CHOOSING = (Mode.AX, Mode.AXB, Mode.AXE)
LEFT: Any = {"chosen_by": Chooser.PLATFORM, "area": "0755"}
BOUNDARIES = range(8)
"""Before and after the intent, the request, the arrival, and what a full X costs."""

OPEN = Callable[..., Desk]


@pytest.fixture
def desk_of(emulator: RunningEmulator) -> Iterator[OPEN]:
    """Open a desk for an application of a mode; ``numbers`` are those registered here of the emulator's."""
    with moto_client() as client:

        def opened(mode: Mode, *, at_platform: tuple[str, ...] = (X1, X2, X3), **changes: Any) -> Desk:
            emulator.admin.reset(now=VIRTUAL_START.isoformat())
            emulator.admin.application(mode=mode.value)
            emulator.admin.numbers(*at_platform)
            return open_desk(new_table(client), emulator, mode=mode, **changes)

        yield opened


@pytest.mark.parametrize("mode", CHOOSING)
def test_the_x_that_the_platform_chose_is_taken_in_our_books(desk_of: OPEN, mode: Mode) -> None:
    desk = desk_of(mode)
    binding = desk.bind(**LEFT)
    assert (binding.state, binding.settled, binding.area) == (State.ACTIVE, True, "0755")
    assert binding.x in (X1, X2, X3)
    assert (binding.extension is not None) == (mode is Mode.AXE)
    assert desk.pairs(binding.x) == 1
    desk.check()
    desk.service.release(binding.id, deadline=within())
    assert desk.pairs(binding.x) == 0
    desk.check()


def test_an_ax_that_the_platform_chose_leaves_no_room_until_its_release(desk_of: OPEN) -> None:
    """docs/data-model.md: an X that is full is no candidate any more."""
    desk = desk_of(Mode.AX, at_platform=(X1,), numbers=(X1,))
    binding = desk.bind(**LEFT)
    assert list(desk.engine.numbers.room.walk("ride", area_code=None, start="0")) == [(), ()]
    with pytest.raises(PoolEmpty):
        desk.bind("order-2", a=C)
    desk.service.release(binding.id, deadline=within())
    assert desk.bind("order-2", a=C).x == X1


def test_who_is_bound_by_the_platform_is_not_put_on_that_x_again_by_us(desk_of: OPEN) -> None:
    """C-041: a party stands on an X once, whoever chose it."""
    desk = desk_of(Mode.AXB, at_platform=(X1, X2), numbers=(X1, X2))
    first = desk.bind(**LEFT)
    second = desk.bind("order-2", a=A, b=C)
    assert {first.x, second.x} == {X1, X2}
    desk.check()


def test_an_x_that_nobody_registered_is_bound_and_counted_nowhere(desk_of: OPEN) -> None:
    desk = desk_of(Mode.AXB, at_platform=(X1,), numbers=())
    binding = desk.bind(**LEFT)
    assert (binding.state, binding.x, binding.uncounted) == (State.ACTIVE, X1, True)
    assert desk.counted["UnregisteredNumbersBound"] == 1
    desk.check()


def test_one_that_is_registered_later_is_not_counted_down_by_who_was_never_counted(desk_of: OPEN) -> None:
    desk = desk_of(Mode.AXB, at_platform=(X1,), numbers=())
    unknown = desk.bind(**LEFT)
    desk.engine.numbers.put(active_number(X1), seen=None)
    desk.bind("order-2", a=C, b=D)
    desk.service.release(unknown.id, deadline=within())
    assert desk.pairs(X1) == 1
    desk.check()


def test_an_x_of_another_city_is_attributed_to_its_own(desk_of: OPEN) -> None:
    """numbers.md §2.1: non-strict match falls back to the province, then to any."""
    desk = desk_of(Mode.AXB, numbers=())
    desk.emulator.admin.number_status(X2, "9")
    desk.engine.numbers.put(active_number(X1, area_code="020"), seen=None)
    desk.engine.numbers.put(active_number(X3, area_code="020"), seen=None)
    binding = desk.bind(chosen_by=Chooser.PLATFORM, area="0760", fallback_any_area=True)
    assert (binding.wanted_area, binding.area) == ("0760", "020")


def test_axb_without_a_city_is_chosen_by_as_own_area(desk_of: OPEN) -> None:
    """axb.md §2: neither relationNum nor areaCode."""
    assert desk_of(Mode.AXB).bind(chosen_by=Chooser.PLATFORM).state is State.ACTIVE


@pytest.mark.parametrize("mode", [Mode.AX, Mode.AXE])
def test_ax_and_axe_need_a_city(desk_of: OPEN, mode: Mode) -> None:
    """ax.md §2, axe.md §2: one of X and areaCode is required."""
    with pytest.raises(InvalidRequest, match="area: is required"):
        desk_of(mode).bind(chosen_by=Chooser.PLATFORM)


@pytest.mark.parametrize(
    "wish",
    [
        {"x": X1},
        {"spread": Spread.LEAST_LOADED},
        {"sticky": Sticky.PREFER},
        {"fallback_areas": ("020",)},
    ],
)
def test_a_wish_that_the_platform_does_not_know_is_refused(desk_of: OPEN, wish: dict[str, Any]) -> None:
    """numbers.md §2.1: it knows one city, strictly or not."""
    with pytest.raises(InvalidRequest, match="when the platform chooses X"):
        desk_of(Mode.AXB).bind(**{**LEFT, **wish})


@pytest.mark.parametrize("mode", [Mode.AXYB, Mode.X])
def test_other_modes_leave_nothing_to_be_chosen(desk_of: OPEN, mode: Mode) -> None:
    with pytest.raises(InvalidRequest, match="chosen_by: does not exist"):
        desk_of(mode).bind(**LEFT)


def test_a_named_extension_goes_to_an_x_where_it_is_free(desk_of: OPEN) -> None:
    """axe.md §2: with areaCode and extendNum only an X on which that E is free counts."""
    desk = desk_of(Mode.AXE, at_platform=(X1, X2), numbers=(X1, X2))
    first = desk.bind(extension="0042", **LEFT)
    second = desk.bind("order-2", a=C, extension="0042", **LEFT)
    assert {first.x, second.x} == {X1, X2}
    desk.check()


@pytest.mark.parametrize("mode", CHOOSING)
def test_when_the_platform_has_none_left_the_answer_says_so(desk_of: OPEN, mode: Mode) -> None:
    desk = desk_of(mode, at_platform=(X1,), numbers=(X1,))
    desk.emulator.admin.number_status(X1, "9")
    with pytest.raises(PoolEmpty) as refused:
        desk.bind(**LEFT)
    assert refused.value.reason is PoolReason.CITY
    desk.check()


@pytest.mark.parametrize("mode", [Mode.AXB, Mode.AXE])
def test_a_lost_answer_is_bound_anew_once_and_what_is_lost_ends_by_itself(desk_of: OPEN, mode: Mode) -> None:
    """result-codes.md §5: no query finds it without its X; nobody was ever told that X."""
    desk = desk_of(mode)
    in_doubt(desk, "timeout_after_success", api=f"{mode.value.lower()}.bind", drop=True)
    binding = desk.bind(seconds=1.2, **LEFT)
    assert (binding.state, binding.x) == (State.REQUESTED, "")
    desk.settle()
    assert desk.service.get(binding.id).state is State.ACTIVE
    assert (len(desk.platform_bindings()), desk.counted["BindingsStranded"]) == (2, 1)
    desk.check(strands=True)
    desk.advance(3600 + 3600 + SETTLING_S)
    desk.settle()
    assert desk.platform_bindings() == set()


def test_a_lost_ax_is_not_asked_for_again_and_drift_names_it(desk_of: OPEN) -> None:
    """ax.md §1: it would never end by itself, so there is one at most, and somebody decides about it."""
    desk = desk_of(Mode.AX)
    in_doubt(desk, "timeout_after_success", api="ax.bind", drop=True)
    binding = desk.bind(seconds=1.2, **LEFT)
    desk.settle()
    assert (desk.service.get(binding.id).failure_code, desk.calls("ax.bind")) == ("unsettled", 1)
    ((lost, x, *_),) = desk.platform_bindings()
    (found,) = run_now(desk)
    assert (found["kind"], found["subscription_id"], found["x"]) == ("platform_only", lost, x)
    desk.check(strands=True)


@pytest.mark.parametrize("mode", CHOOSING)
@pytest.mark.parametrize("dies_at", BOUNDARIES)
def test_a_crash_anywhere_leaves_no_false_books(desk_of: OPEN, mode: Mode, dies_at: int) -> None:
    fuse = Fuse()
    desk = desk_of(
        mode,
        wrapped=lambda api: fragile(api, PLATFORM_CALLS, fuse),
        store=lambda store: fragile(store, WRITES, fuse),
    )
    fuse.set(dies_at)
    with suppress(Killed):
        desk.bind(idempotency_key="key-1", **LEFT)
    fuse.set(None)
    desk.settle()
    desk.check(strands=True)
    made = desk.bind(idempotency_key="key-1", **LEFT)
    assert made.state is State.ACTIVE
    desk.check(strands=True)
    assert len(desk.platform_bindings()) <= 2


def test_an_answer_that_comes_after_the_intent_was_given_up_is_released(desk_of: OPEN) -> None:
    """Its X becomes known with the answer, so at least this one does not stay."""
    late: list[Any] = []

    class Late:
        def __init__(self, api: Any) -> None:
            self._api = api

        def bind(self, *args: Any, **named: Any) -> Any:
            bound = self._api.bind(*args, **named)
            if late:
                late.pop()()
            return bound

        def __getattr__(self, name: str) -> Any:
            return getattr(self._api, name)

    desk = desk_of(Mode.AX, wrapped=Late, numbers=())

    def meanwhile() -> None:
        desk.advance(SETTLING_S)
        desk.sweep()

    late.append(meanwhile)
    desk.bind(**LEFT)
    desk.settle()
    assert desk.platform_bindings() == set()
    stray, intent = sorted(desk.bindings(), key=lambda one: one.state.value)
    assert (stray.state, stray.reason, intent.state) == (State.CLOSED, Reason.LOST, State.FAILED)
    desk.check()


def test_a_place_that_still_cools_is_taken_when_the_platform_puts_somebody_there(desk_of: OPEN) -> None:
    """Cool-off is our own choice of X; where the platform chooses it does not hold (docs/architecture.md)."""
    desk = desk_of(Mode.AXB, at_platform=(X1,), numbers=(X1,), cool_off_s=600)
    desk.service.release(desk.bind().id, deadline=within())
    assert desk.bind("order-2", **LEFT).x == X1
    desk.check()


def test_a_number_that_takes_no_binding_of_ours_may_be_chosen_by_the_platform(desk_of: OPEN) -> None:
    """The platform knows none of our own states, only its own (numbers.md §3)."""
    desk = desk_of(Mode.AXB, at_platform=(X1,), numbers=())
    desk.engine.numbers.put(active_number(X1, state=NumberState.DRAINING), seen=None)
    binding = desk.bind(**LEFT)
    assert (binding.x, desk.pairs(X1)) == (X1, 1)
    desk.check()


def test_the_same_request_again_is_the_same_binding(desk_of: OPEN) -> None:
    desk = desk_of(Mode.AXB)
    first = desk.bind(idempotency_key="key-1", **LEFT)
    assert desk.bind(idempotency_key="key-1", **LEFT).id == first.id
    assert desk.bind(b=B, **LEFT).id == first.id
    assert desk.calls("axb.bind") == 1


def test_its_life_is_prolonged_and_changed_like_any_others(desk_of: OPEN) -> None:
    desk = desk_of(Mode.AXB)
    binding = desk.bind(**LEFT)
    later = desk.clock() + timedelta(hours=5)
    changed = desk.service.change(binding.id, b=C, ends_at=later, deadline=within())
    assert (changed.x, changed.ends_at) == (binding.x, later)
    desk.check()


@pytest.mark.parametrize("mode", CHOOSING)
def test_a_place_of_who_has_ended_at_the_platform_alone_is_taken_over(desk_of: OPEN, mode: Mode) -> None:
    """Who comes after holds it, and the one who ends later does not take it away from him."""
    fuse = Fuse()
    desk = desk_of(
        mode,
        at_platform=(X1,),
        numbers=(X1,),
        wrapped=lambda api: fragile(api, PLATFORM_CALLS, fuse),
    )
    first = desk.bind(**LEFT)
    fuse.set(1)
    with suppress(Killed):
        desk.service.release(first.id, deadline=within())
    fuse.set(None)
    assert desk.service.get(first.id).state is State.RELEASING
    second = desk.bind("order-2", extension=first.extension, **LEFT)
    assert second.x == X1
    desk.settle()
    assert desk.service.get(first.id).state is State.CLOSED
    desk.check()
