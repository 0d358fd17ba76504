"""Drift: what was changed behind our back is found, named, and repaired where that is safe (design.md §4).

A second client of the same application plays the console: it binds, unbinds and modifies without our books.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from builders.bindings import APPLICATION, SETTLING_S, Desk, in_doubt, open_desk, within
from builders.drift import Console, console_of, drift_of, finish, found_by, run_now
from builders.dynamodb import Table
from builders.emulator import X1, X2, X3, A, B, C, D, RunningEmulator
from emulator.clock import VIRTUAL_START
from privatenumber.bindings import drift_run
from privatenumber.bindings.drift_decision import Decision, DifferenceNotFound
from privatenumber.bindings.drift_model import RunState
from privatenumber.bindings.drift_service import DriftService
from privatenumber.bindings.errors import InvalidRequest, StateConflict
from privatenumber.bindings.model import Binding, Reason, State
from privatenumber.settings import Mode
from privatenumber.store.drift import DriftStore
from privatenumber.times import BEIJING

OPEN = Callable[[Mode], tuple[Desk, Console]]
AT_PLATFORM = [Mode.AX, Mode.AXB, Mode.AXE, Mode.AXYB]
each_mode = pytest.mark.parametrize("mode", AT_PLATFORM)


@pytest.fixture
def opened(table: Table, emulator: RunningEmulator) -> OPEN:
    """A desk of a mode, and the console beside it."""

    def open_both(mode: Mode) -> tuple[Desk, Console]:
        emulator.admin.reset(now=VIRTUAL_START.isoformat())
        emulator.admin.application(mode=mode.value, axe_digits=4)
        emulator.admin.numbers(X1, X2, X3)
        desk = open_desk(table, emulator, mode=mode)
        return desk, console_of(desk)

    return open_both


def bound(desk: Desk, order: str = "order-1001", **changes: Any) -> Binding:
    """A binding that lives for a day."""
    return desk.bind(order, ttl_seconds=86_400, **changes)


def forgotten(desk: Desk, binding: Binding) -> Binding:
    """End a binding while the platform says that it has none: it still has it."""
    code = {Mode.AX: "1011004", Mode.AXB: "1012007", Mode.AXE: "1016001", Mode.AXYB: "1016001"}[desk.mode]
    in_doubt(desk, "status", api=f"{desk.mode.value.lower()}.unbind", http_status=403, code=code)
    closed = desk.service.release(binding.id, deadline=within())
    assert closed.state is State.CLOSED
    return closed


def brief(found: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """Kind, X, binding of ours and state of each difference."""
    return {(one["kind"], one["x"], one.get("binding_id"), one["state"], one["action"]) for one in found}


class TestNothing:
    @pytest.mark.parametrize("mode", list(Mode))
    def test_books_that_agree_have_no_difference(self, opened: OPEN, mode: Mode) -> None:
        desk, _ = opened(mode)
        bound(desk)
        bound(desk, "order-1002", a=C, **({"b": D} if mode is not Mode.AX and mode is not Mode.AXE else {}))
        assert run_now(desk) == []
        desk.check()

    @each_mode
    def test_ends_prolongations_and_changes_of_ours_are_none(self, opened: OPEN, mode: Mode) -> None:
        """Also after the platform was told another life or another direction by us."""
        desk, _ = opened(mode)
        binding = bound(desk)
        if mode is not Mode.AXYB:
            later = binding.ends_at.replace(day=binding.ends_at.day + 2)
            desk.service.change(binding.id, ends_at=later, deadline=within())
        if mode in (Mode.AX, Mode.AXB):
            desk.service.change(binding.id, direction=1, a=D, deadline=within())
        desk.advance(3 * 3600)
        assert run_now(desk) == []

    def test_a_stranger_who_called_is_none(self, opened: OPEN) -> None:
        """axyb.md §1: the platform gives him a Y by itself."""
        desk, _ = opened(Mode.AXYB)
        binding = bound(desk)
        desk.emulator.admin.call(D, binding.x, wait=True)
        assert run_now(desk) == []

    def test_an_intent_of_unknown_outcome_is_left_to_the_worker(self, opened: OPEN) -> None:
        desk, _ = opened(Mode.AXB)
        in_doubt(desk, "timeout_after_success", api="axb.bind", drop=True)
        in_doubt(desk, "timeout_before", api="axb.query", times=4, drop=True)
        binding = bound(desk)
        assert binding.state is State.REQUESTED
        desk.emulator.admin.clear_faults()
        assert run_now(desk) == []
        desk.settle()
        desk.check()
        assert desk.service.get(binding.id).state is State.ACTIVE


class TestOursOnly:
    @each_mode
    def test_what_the_platform_lost_is_closed_as_lost(self, opened: OPEN, mode: Mode) -> None:
        desk, console = opened(mode)
        kept, lost = bound(desk), bound(desk, "order-1002", a=C)
        console.unbind(lost.subscription_id or "")
        found = run_now(desk)
        assert brief(found) == {("ours_only", lost.x, lost.id, "repaired", "close_as_lost")}
        after = desk.service.get(lost.id)
        assert (after.state, after.reason) == (State.CLOSED, Reason.LOST)
        assert desk.service.get(kept.id).state is State.ACTIVE
        desk.check()

    def test_a_dry_run_only_lists(self, opened: OPEN) -> None:
        desk, console = opened(Mode.AXB)
        lost = bound(desk)
        console.unbind(lost.subscription_id or "")
        found = run_now(desk, repair=False)
        assert brief(found) == {("ours_only", lost.x, lost.id, "listed", "close_as_lost")}
        assert desk.service.get(lost.id).state is State.ACTIVE

    def test_people_in_a_report_are_masked(self, opened: OPEN) -> None:
        desk, console = opened(Mode.AXB)
        lost = bound(desk)
        console.unbind(lost.subscription_id or "")
        console.bind(C, D, x=X1)
        found = run_now(desk)
        assert {(one["a"], one["b"]) for one in found} == {
            ("+86138****8001", "+86138****8002"),
            ("+86138****8003", "+86138****8004"),
        }
        digits = {number[3:] for number in (A, B, C, D)}
        drift_items = [item for item in desk.items() if item["pk"].startswith("DRIFT#")]
        assert drift_items
        assert not [number for number in digits if number in str(drift_items)]


class TestPlatformOnly:
    @each_mode
    def test_what_ended_with_us_and_lives_there_is_unbound_again(self, opened: OPEN, mode: Mode) -> None:
        desk, _ = opened(mode)
        closed = forgotten(desk, bound(desk))
        assert len({row[0] for row in desk.platform_bindings()}) == 1
        found = run_now(desk)
        assert brief(found) == {("platform_only", closed.x, None, "repaired", "unbind_again")}
        assert found[0]["subscription_id"] == closed.subscription_id
        assert desk.platform_bindings() == set()
        desk.check()

    @pytest.mark.parametrize("mode", [Mode.AX, Mode.AXB])
    def test_what_nobody_knows_is_listed_and_not_touched(self, opened: OPEN, mode: Mode) -> None:
        desk, console = opened(mode)
        bound(desk, x=X2)
        stranger = console.bind(C, D, x=X1)
        found = run_now(desk)
        assert brief(found) == {("platform_only", X1, None, "listed", "decide")}
        assert found[0]["subscription_id"] == stranger
        assert stranger in {row[0] for row in desk.platform_bindings()}

    def test_an_ax_with_y_that_nobody_knows_is_listed_without_its_id(self, opened: OPEN) -> None:
        """axyb.md §4: no query by X tells the id."""
        desk, console = opened(Mode.AXYB)
        stranger = console.bind(C, D)
        (x,) = {row[1] for row in desk.platform_bindings()}
        found = run_now(desk)
        assert brief(found) == {("platform_only", x, None, "listed", "decide")}
        assert "subscription_id" not in found[0]
        assert stranger in {row[0] for row in desk.platform_bindings()}

    def test_a_stranger_behind_our_extension_is_listed(self, opened: OPEN) -> None:
        """axe.md §5: the platform lists no X, but it tells who stands behind digits."""
        desk, console = opened(Mode.AXE)
        lost = bound(desk)
        console.unbind(lost.subscription_id or "")
        stranger = console.bind(C, D, x=lost.x, extension=lost.extension)
        found = run_now(desk)
        assert brief(found) == {
            ("ours_only", lost.x, lost.id, "repaired", "close_as_lost"),
            ("platform_only", lost.x, None, "listed", "decide"),
        }
        assert stranger in {row[0] for row in desk.platform_bindings()}

    def test_the_same_person_bound_anew_by_somebody_is_two_differences(self, opened: OPEN) -> None:
        desk, console = opened(Mode.AXB)
        lost = bound(desk)
        console.unbind(lost.subscription_id or "")
        stranger = console.bind(A, B, x=lost.x)
        found = run_now(desk)
        assert {(one["kind"], one.get("subscription_id"), one["state"]) for one in found} == {
            ("ours_only", lost.subscription_id, "repaired"),
            ("platform_only", stranger, "listed"),
        }


class TestDifferent:
    @pytest.mark.parametrize(
        ("mode", "change", "fields"),
        [
            (Mode.AX, {"direction": 2}, ["direction"]),
            (Mode.AX, {"max_duration": 7}, ["max_minutes"]),
            (Mode.AXB, {"direction": 1}, ["direction"]),
            (Mode.AXB, {"max_duration": 7, "direction": 1}, ["direction", "max_minutes"]),
            (Mode.AXB, {"duration": 0}, ["duration"]),
            (Mode.AXB, {"duration": 600}, ["duration"]),
            (Mode.AXB, {"duration": 700_000}, ["duration"]),
        ],
        ids=str,
    )
    def test_other_terms_are_brought_to_ours(
        self, opened: OPEN, mode: Mode, change: dict[str, Any], fields: list[str]
    ) -> None:
        desk, console = opened(mode)
        binding = bound(desk)
        console.modify(binding.subscription_id or "", **change)
        found = run_now(desk)
        assert brief(found) == {("different", binding.x, binding.id, "repaired", "bring_to_our_terms")}
        assert found[0]["fields"] == fields
        after = desk.service.get(binding.id)
        assert (after.state, after.settled, after.terms) == (State.ACTIVE, True, binding.terms)
        assert run_now(desk) == []
        desk.check()

    def test_a_life_that_was_shortened_lasts_to_our_end_again(self, opened: OPEN) -> None:
        desk, console = opened(Mode.AXB)
        binding = bound(desk)
        console.modify(binding.subscription_id or "", duration=3600)
        run_now(desk)
        desk.advance(86_400 - 600)
        assert len(desk.platform_bindings()) == 1
        desk.settle()
        desk.advance(1200)
        desk.sweep()
        assert desk.platform_bindings() == set()

    @pytest.mark.parametrize(("change", "field"), [({"a": C}, "a"), ({"b": D}, "b")])
    def test_another_person_is_listed(self, opened: OPEN, change: dict[str, str], field: str) -> None:
        desk, console = opened(Mode.AXB)
        binding = bound(desk)
        console.modify(binding.subscription_id or "", **change)
        before = desk.platform_bindings()
        found = run_now(desk)
        assert brief(found) == {("different", binding.x, binding.id, "listed", "decide")}
        assert found[0]["fields"] == [field]
        assert desk.platform_bindings() == before

    def test_another_a_of_an_ax_is_listed(self, opened: OPEN) -> None:
        desk, console = opened(Mode.AX)
        binding = bound(desk)
        console.modify(binding.subscription_id or "", a=C)
        found = run_now(desk)
        assert brief(found) == {("different", binding.x, binding.id, "listed", "decide")}

    def test_a_partner_whom_the_platform_lost_is_listed(self, opened: OPEN) -> None:
        desk, console = opened(Mode.AXYB)
        binding = bound(desk)
        console.unbind_y(binding.subscription_id or "", binding.partners[0].y or "")
        found = run_now(desk)
        assert brief(found) == {("different", binding.x, binding.id, "listed", "decide")}
        assert found[0]["fields"] == ["partners"]


class TestTogether:
    def test_every_planted_difference_is_named_and_nothing_else(self, opened: OPEN) -> None:
        desk, console = opened(Mode.AXB)
        people = iter(f"+861380014{n:04d}" for n in range(100))
        orders = [
            bound(desk, f"order-{n}", a=next(people), b=next(people), x=(X1, X2, X3)[n % 3]) for n in range(9)
        ]
        console.unbind(orders[0].subscription_id or "")
        console.modify(orders[1].subscription_id or "", direction=2)
        console.modify(orders[2].subscription_id or "", b=next(people))
        forgotten(desk, orders[3])
        console.bind(next(people), next(people), x=X2)
        desk.service.release(orders[4].id, deadline=within())
        found = run_now(desk)
        assert brief(found) == {
            ("ours_only", X1, orders[0].id, "repaired", "close_as_lost"),
            ("different", X2, orders[1].id, "repaired", "bring_to_our_terms"),
            ("different", X3, orders[2].id, "listed", "decide"),
            ("platform_only", X1, None, "repaired", "unbind_again"),
            ("platform_only", X2, None, "listed", "decide"),
        }

    def test_a_run_tells_what_it_saw(self, opened: OPEN) -> None:
        desk, console = opened(Mode.AXB)
        lost = bound(desk)
        console.unbind(lost.subscription_id or "")
        drift = drift_of(desk)
        run = finish(desk, drift, drift.start(APPLICATION, actor="tester", repair=True))
        assert (run.state, run.numbers, run.actor) == (RunState.DONE, 3, "tester")
        assert run.counts == {"ours_only.repaired": 1}
        assert run.finished_at is not None
        assert desk.counted["DriftRepaired"] == 1
        items = [item for item in desk.items() if item["pk"].startswith("DRIFT#")]
        kept = VIRTUAL_START.timestamp() + 90 * 86_400
        assert {int(item["expires_at"]) for item in items} == {int(kept)}
        assert found_by(drift, run)[0]["binding_id"] == lost.id


#: Hundreds of binds take minutes on moto, which reads whole tables.
ON_DYNAMODB_LOCAL = pytest.mark.parametrize(
    "table", [pytest.param("dynamodb_local", marks=pytest.mark.dynamodb_local)], indirect=True
)


@ON_DYNAMODB_LOCAL
class TestManyPairs:
    def test_all_pages_of_an_x_are_compared(self, opened: OPEN) -> None:
        """More pairs on one X than the platform tells at once (axb.md §5: at most 100)."""
        desk, console = opened(Mode.AXB)
        several = [
            bound(desk, f"order-{n}", a=f"+8613800140{n:03d}", b=f"+8613800150{n:03d}", x=X1)
            for n in range(205)
        ]
        console.unbind(several[150].subscription_id or "")
        stranger = console.bind(C, D, x=X1)
        asked = desk.calls("axb.query")
        found = run_now(desk)
        assert {(one["kind"], one["subscription_id"]) for one in found} == {
            ("ours_only", several[150].subscription_id),
            ("platform_only", stranger),
        }
        assert desk.calls("axb.query") - asked == 3 + 2 + 2  # pages of X1, X2 and X3, two looks by id


@pytest.fixture(autouse=True)
def _no_faults_left(emulator: RunningEmulator) -> Iterator[None]:
    yield
    emulator.admin.clear_faults()


def test_a_difference_that_is_gone_when_looked_at_again_is_none(opened: OPEN) -> None:
    """A release under way: the platform's side was read after it, ours before."""
    desk, console = opened(Mode.AXB)
    lost = bound(desk)
    console.unbind(lost.subscription_id or "")
    drift = drift_of(desk)
    run = drift.start(APPLICATION, actor="tester", repair=True)
    drift.tick([APPLICATION], left=lambda: 250.0)
    desk.service.release(lost.id, deadline=within())
    desk.advance(SETTLING_S)
    done = finish(desk, drift, run)
    assert done.counts == {"ours_only.gone": 1}
    assert desk.service.get(lost.id).reason is Reason.DELETED


class TestDaily:
    def test_each_beijing_day_has_one_run_from_three_oclock_on(self, opened: OPEN) -> None:
        desk, _ = opened(Mode.AXB)
        drift = drift_of(desk)
        start = desk.clock().astimezone(BEIJING).replace(hour=0, minute=0) + timedelta(days=1)
        desk.advance((start - desk.clock()).total_seconds())
        for _ in range(2 * 24 * 4):
            drift.tick([APPLICATION], left=lambda: 250.0)
            desk.advance(900)
        runs = drift.runs(APPLICATION, limit=50)
        assert [run.id for run in runs] == [f"r{start.date() + timedelta(days=n)}" for n in (1, 0)]
        assert {run.started_at.astimezone(BEIJING).hour for run in runs} == {3}
        assert {(run.state, run.actor, run.repair) for run in runs} == {(RunState.DONE, "system:drift", True)}

    def test_the_age_of_the_last_finished_run_grows(self, opened: OPEN) -> None:
        desk, _ = opened(Mode.AXB)
        drift = drift_of(desk)
        finish(desk, drift, drift.start(APPLICATION, actor="tester", repair=True))
        desk.advance(3600)
        assert drift.tick([APPLICATION], left=lambda: 0.0).oldest_s >= 3600

    def test_there_is_one_run_at_a_time(self, opened: OPEN) -> None:
        desk, _ = opened(Mode.AXB)
        drift = drift_of(desk)
        first = drift.start(APPLICATION, actor="tester", repair=True)
        assert drift.start(APPLICATION, actor="another", repair=False).id == first.id
        assert [run.id for run in drift.runs(APPLICATION, limit=9)] == [first.id]


class TestTrouble:
    def test_a_pause_of_the_platform_is_waited_for(self, opened: OPEN) -> None:
        """Arrears: ten minutes of silence (numbers.md §3), and the run goes on where it was."""
        desk, console = opened(Mode.AXB)
        lost = bound(desk, x=X1)
        console.unbind(lost.subscription_id or "")
        drift = drift_of(desk)
        run = drift.start(APPLICATION, actor="tester", repair=True)
        desk.emulator.admin.arrears(True)
        drift.tick([APPLICATION], left=lambda: 250.0)
        (paused,) = drift.runs(APPLICATION, limit=1)
        assert (paused.state, paused.numbers) == (RunState.COMPARING, 0)
        assert paused.due_at - desk.clock() == timedelta(minutes=10)
        desk.emulator.admin.arrears(False)
        done = finish(desk, drift, run)
        assert (done.numbers, done.counts) == (3, {"ours_only.repaired": 1})

    def test_an_x_that_cannot_be_read_is_named_and_the_rest_is_compared(self, opened: OPEN) -> None:
        desk, console = opened(Mode.AXB)
        lost = bound(desk, x=X1)
        console.unbind(lost.subscription_id or "")
        drift = drift_of(desk)
        run = drift.start(APPLICATION, actor="tester", repair=True)
        fault = {"http_status": 500, "code": "1010001"}
        desk.emulator.admin.fault("status", match={"api": "axb.query", "x": X2}, times=None, params=fault)
        done = finish(desk, drift, run)
        assert done.counts == {"ours_only.repaired": 1, "unread.listed": 1}
        assert {one["x"] for one in found_by(drift, done) if one["kind"] == "unread"} == {X2}

    def test_slices_without_time_for_more_go_on_from_where_they_stopped(self, opened: OPEN) -> None:
        """One number or difference in each slice: nothing is lost or counted twice."""
        desk, console = opened(Mode.AXB)
        several = [
            bound(desk, f"order-{n}", a=f"+8613800140{n:03d}", b=f"+8613800150{n:03d}") for n in range(6)
        ]
        for binding in several[:4]:
            console.unbind(binding.subscription_id or "")
        drift = drift_of(desk)
        run = drift.start(APPLICATION, actor="tester", repair=True)
        ticks = 0
        while drift.runs(APPLICATION, limit=1)[0].state is not RunState.DONE:
            left = iter([250.0, 250.0, 250.0])
            drift.tick([APPLICATION], left=lambda left=left: next(left, 0.0))  # type: ignore[misc]
            desk.advance(100)
            ticks += 1
            assert ticks < 40
        (done,) = drift.runs(APPLICATION, limit=1)
        assert (done.id, done.numbers, done.counts) == (run.id, 3, {"ours_only.repaired": 4})
        assert ticks > 4
        desk.check()

    def test_too_many_repairs_are_no_drift(self, opened: OPEN, monkeypatch: pytest.MonkeyPatch) -> None:
        """Everything gone at once is looked at by people first."""
        monkeypatch.setattr(drift_run, "MOST_REPAIRS", 2)
        desk, console = opened(Mode.AXB)
        several = [
            bound(desk, f"order-{n}", a=f"+8613800140{n:03d}", b=f"+8613800150{n:03d}") for n in range(5)
        ]
        for binding in several:
            console.unbind(binding.subscription_id or "")
        found = run_now(desk)
        assert sorted(one["state"] for one in found) == ["listed"] * 3 + ["repaired"] * 2
        assert len(desk.in_state(State.ACTIVE)) == 3

    @pytest.mark.parametrize(("lost", "state"), [(7, "repaired"), (11, "listed")])
    def test_a_platform_that_has_lost_most_of_all_is_not_believed(
        self, opened: OPEN, lost: int, state: str
    ) -> None:
        """Closing also unbinds: what the platform only denies for a while would really end."""
        desk, console = opened(Mode.AXB)
        several = [
            bound(desk, f"order-{n}", a=f"+8613800140{n:03d}", b=f"+8613800150{n:03d}") for n in range(13)
        ]
        for binding in several[:lost]:
            console.unbind(binding.subscription_id or "")
        found = run_now(desk)
        assert [(one["state"], one["action"]) for one in found] == [(state, "close_as_lost")] * lost
        assert len(desk.in_state(State.ACTIVE)) == (13 if state == "listed" else 13 - lost)

    def test_another_applications_number_carries_nothing_of_ours(self, opened: OPEN) -> None:
        """X went to another application of the company: 1012001 (axb.md §5)."""
        desk, _ = opened(Mode.AXB)
        binding = bound(desk, x=X1)
        desk.emulator.admin.application("otherAppKey000000000000001")
        desk.emulator.admin.number(X1, "transfer", app_key="otherAppKey000000000000001")
        found = run_now(desk)
        assert [(one["kind"], one["binding_id"], one["state"]) for one in found] == [
            ("ours_only", binding.id, "repaired")
        ]
        assert desk.service.get(binding.id).reason is Reason.LOST


class TestDecisions:
    def decided(
        self,
        desk: Desk,
        found: dict[str, Any],
        decision: Decision,
        *,
        why: str | None = "seen with the provider",
    ) -> Mapping[str, Any]:
        """Decide about the only difference of the latest run."""
        store = DriftStore(desk.table.client, desk.table.name)
        drift = DriftService(desk.engine.acting("ops", why), store)
        run = drift.runs(APPLICATION, limit=1)[0].id
        return drift.decide(APPLICATION, run, found["difference_id"], decision, deadline=within())

    @pytest.mark.parametrize("mode", [Mode.AX, Mode.AXB])
    def test_a_stranger_is_unbound_when_somebody_says_so(self, opened: OPEN, mode: Mode) -> None:
        desk, console = opened(mode)
        ours = bound(desk, x=X2)
        console.bind(C, D, x=X1)
        (found,) = run_now(desk)
        settled = self.decided(desk, found, Decision.UNBIND)
        assert (settled["state"], settled["by"], settled["why"]) == (
            "repaired",
            "ops",
            "seen with the provider",
        )
        assert {row[0] for row in desk.platform_bindings()} == {ours.subscription_id}
        with pytest.raises(StateConflict):
            self.decided(desk, found, Decision.UNBIND)

    def test_a_dry_run_is_carried_out_one_by_one(self, opened: OPEN) -> None:
        desk, console = opened(Mode.AXB)
        lost = bound(desk)
        console.unbind(lost.subscription_id or "")
        (found,) = run_now(desk, repair=False)
        assert self.decided(desk, found, Decision.REPAIR)["state"] == "repaired"
        assert desk.service.get(lost.id).reason is Reason.LOST
        desk.check()

    def test_what_is_ignored_stays_as_it_is(self, opened: OPEN) -> None:
        desk, console = opened(Mode.AXB)
        console.bind(C, D, x=X1)
        (found,) = run_now(desk)
        assert self.decided(desk, found, Decision.IGNORE)["state"] == "ignored"
        assert len(desk.platform_bindings()) == 1

    def test_what_has_become_of_it_meanwhile_counts(self, opened: OPEN) -> None:
        desk, console = opened(Mode.AXB)
        stranger = console.bind(C, D, x=X1)
        (found,) = run_now(desk)
        console.unbind(stranger)
        assert self.decided(desk, found, Decision.UNBIND)["state"] == "gone"

    def test_a_binding_of_ours_is_never_unbound_as_a_stranger(self, opened: OPEN) -> None:
        desk, console = opened(Mode.AXB)
        binding = bound(desk)
        console.modify(binding.subscription_id or "", a=C)
        (found,) = run_now(desk)
        for decision in (Decision.UNBIND, Decision.REPAIR):
            with pytest.raises(InvalidRequest):
                self.decided(desk, found, decision)
        assert len(desk.platform_bindings()) == 1

    @pytest.mark.parametrize("why", [None, "call 13800138001"])
    def test_a_decision_wants_a_reason_without_a_number(self, opened: OPEN, why: str | None) -> None:
        desk, console = opened(Mode.AXB)
        console.bind(C, D, x=X1)
        (found,) = run_now(desk)
        with pytest.raises(InvalidRequest):
            self.decided(desk, found, Decision.IGNORE, why=why)
        with pytest.raises(DifferenceNotFound):
            self.decided(desk, {"difference_id": "d0"}, Decision.IGNORE)
