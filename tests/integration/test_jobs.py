"""Bulk jobs over a real table and the emulated platform: every item once, whatever happens on the way."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest

from builders.bindings import APPLICATION, active_number, in_doubt, open_desk, token_of, within
from builders.dynamodb import Table
from builders.emulator import X1, X2, X3, A, B, C, D, RunningEmulator
from builders.jobs import JobDesk, bind_item, job_command, job_desk, person
from privatenumber.bindings.errors import IdempotencyMismatch, InvalidRequest
from privatenumber.bindings.jobs_model import ItemState, JobState, Kind
from privatenumber.bindings.model import Reason, State
from privatenumber.settings import Mode
from privatenumber.store.numbers import NumberState

pytestmark = pytest.mark.dynamodb_local


@pytest.fixture
def table(local_table: Table) -> Table:
    """DynamoDB Local only: the writes of jobs are the same on moto, and slower."""
    return local_table


@pytest.fixture
def room(table: Table, emulator: RunningEmulator) -> JobDesk:
    """An AXB desk with its jobs."""
    return job_desk(open_desk(table, emulator))


def in_mode(emulator: RunningEmulator, table: Table, mode: Mode) -> JobDesk:
    """A desk of another mode with its jobs."""
    emulator.admin.reset(now=emulator.admin.now().isoformat())
    emulator.admin.application(mode=mode.value)
    emulator.admin.numbers(X1, X2, X3)
    return job_desk(open_desk(table, emulator, mode=mode))


class TestBinds:
    def test_every_item_is_bound_once_and_tells_its_x(self, room: JobDesk) -> None:
        job = room.create(Kind.BIND, [bind_item(n, room.desk) for n in range(20)]).job
        assert room.run(job.id).state is JobState.FINISHED
        room.check(job.id)
        room.desk.check()
        orders = {one.order: one for one in room.desk.in_state(State.ACTIVE)}
        assert len(orders) == 20
        for row in room.rows(job.id):
            assert row.result
            bound = orders[f"order-{row.n}"]
            assert (row.result["binding_id"], row.result["x"]) == (bound.id, bound.x)

    def test_a_bad_item_fails_alone_and_says_why_without_its_value(self, room: JobDesk) -> None:
        bad = [
            {"order": "o-1", "a": "13912", "b": B, "ttl_seconds": 3600},
            {"order": "o-2", "a": A, "ttl_seconds": "3600"},
            {"order": "o-3", "a": A, "b": B, "ttl_seconds": 3600, "color": "red"},
            "[1, 2",
            '"13900000001"',
            {"order": f"o-{A}", "a": A, "b": B, "ttl_seconds": 3600},
        ]
        job = room.create(Kind.BIND, [*bad, bind_item(9, room.desk)]).job
        room.run(job.id)
        room.check(job.id)
        assert room.outcomes(job.id) == {"failed invalid-fields": 6, "done bound": 1}
        fields = [row.problem and row.problem["field"] for row in room.rows(job.id)]
        assert fields == ["a", "ttl_seconds", "color", "items", "items", "order", None]

    def test_an_empty_pool_fails_the_items_that_found_nothing(self, room: JobDesk) -> None:
        for x in (X1, X2, X3):
            seen = room.engine.numbers.get(x)
            assert seen
            room.engine.numbers.put(active_number(x, state=NumberState.LOCKED), seen=seen)
        job = room.create(Kind.BIND, [bind_item(n, room.desk) for n in range(3)]).job
        room.run(job.id)
        assert room.outcomes(job.id) == {"failed no-number-available": 3}

    def test_an_item_waits_until_the_outcome_of_its_bind_is_known(self, room: JobDesk) -> None:
        """The answers are lost, and so is the first look-up: the worker of bindings settles it."""
        in_doubt(room.desk, "timeout_after_success", api="axb.bind", times=2, drop=True)
        in_doubt(room.desk, "timeout_before", api="axb.query", times=4, drop=True)
        job = room.create(Kind.BIND, [bind_item(n, room.desk) for n in range(3)]).job
        room.run(job.id)
        room.check(job.id)
        assert room.outcomes(job.id) == {"done bound": 3}
        room.desk.check()
        assert len(room.desk.platform_bindings()) == 3

    def test_the_same_request_again_is_the_same_job(self, room: JobDesk) -> None:
        items = [bind_item(n, room.desk) for n in range(3)]
        first = room.create(Kind.BIND, items).job
        room.run(first.id)
        again, new = room.jobs.create(job_command(Kind.BIND, items), deadline=within())
        assert (again.job.id, again.state, new) == (first.id, JobState.FINISHED, False)
        with pytest.raises(IdempotencyMismatch):
            room.create(Kind.BIND, items[:2])

    def test_progress_tells_rate_and_end(self, room: JobDesk) -> None:
        job = room.create(Kind.BIND, [bind_item(n, room.desk) for n in range(8)]).job
        assert room.jobs.get(job.id).counts["pending"] == 8
        for _ in range(4):
            room.work_once()
        room.desk.advance(8)
        half = room.jobs.get(job.id)
        assert (half.counts["done"], half.per_second) == (4, 0.5)
        assert half.ends_at == room.desk.clock() + timedelta(seconds=8)

    def test_items_are_listed_in_pages_by_state(self, room: JobDesk) -> None:
        items = [bind_item(n, room.desk, **({"color": 1} if n % 5 == 0 else {})) for n in range(23)]
        job = room.create(Kind.BIND, items).job
        room.run(job.id)
        found, start = [], 0
        while True:
            page = room.jobs.items(job.id, state=ItemState.FAILED, limit=2, start=start)
            found += [row.n for row in page.items]
            if page.next_n is None:
                break
            start = page.next_n
        assert found == [0, 5, 10, 15, 20]

    def test_a_file_brings_the_items(self, room: JobDesk) -> None:
        lines = [json.dumps(bind_item(n, room.desk)) for n in range(12)]
        room.files["jobs/evening.jsonl"] = ("\n".join([*lines[:6], "", *lines[6:]]) + "\n").encode()
        job = room.create(Kind.BIND, file="jobs/evening.jsonl").job
        room.run(job.id)
        assert room.outcomes(job.id) == {"done bound": 12}

    def test_a_file_that_is_not_there_fails_the_job(self, room: JobDesk) -> None:
        job = room.create(Kind.BIND, file="jobs/none.jsonl").job
        found = room.run(job.id)
        assert (found.state, found.job.problem) == (JobState.FAILED, "the exchange bucket has no such file")


class TestPauses:
    def test_a_pause_holds_the_job_and_fails_nothing(self, room: JobDesk) -> None:
        """result-codes.md §2: arrears pause the application; its items wait until the pause is over."""
        in_doubt(room.desk, "status", api="axb.bind", times=1, http_status=403, code="1010029")
        job = room.create(Kind.BIND, [bind_item(n, room.desk) for n in range(12)]).job
        for _ in range(8):
            room.work_once()
        assert room.desk.calls("axb.bind") == 1
        assert room.jobs.get(job.id).counts["pending"] == 12
        room.run(job.id)
        room.check(job.id)
        assert room.outcomes(job.id) == {"done bound": 12}

    def test_a_cancelled_job_ends_during_a_pause_too(self, room: JobDesk) -> None:
        in_doubt(room.desk, "status", api="axb.bind", times=None, http_status=403, code="1010029")
        job = room.create(Kind.BIND, [bind_item(n, room.desk) for n in range(12)]).job
        for _ in range(8):
            room.work_once()
        room.jobs.cancel(job.id)
        while room.work_once():
            pass
        assert room.jobs.get(job.id).state is JobState.CANCELLED
        assert room.outcomes(job.id) == {"cancelled": 12}


class TestCancel:
    def test_what_is_done_stays_and_what_has_not_begun_is_cancelled(self, room: JobDesk) -> None:
        job = room.create(Kind.BIND, [bind_item(n, room.desk) for n in range(16)]).job
        for _ in range(3):
            room.work_once()
        room.jobs.cancel(job.id)
        found = room.run(job.id)
        room.check(job.id)
        assert found.state is JobState.CANCELLED
        assert room.outcomes(job.id) == {"done bound": 6, "cancelled": 10}
        assert len(room.desk.in_state(State.ACTIVE)) == 6

    def test_an_item_of_unknown_outcome_goes_on_to_its_end(self, room: JobDesk) -> None:
        """It may stand at the platform: to call it cancelled would be a lie."""
        in_doubt(room.desk, "timeout_after_success", api="axb.bind", times=1, drop=True)
        in_doubt(room.desk, "timeout_before", api="axb.query", times=4, drop=True)
        job = room.create(Kind.BIND, [bind_item(n, room.desk) for n in range(2)]).job
        room.work_once()
        room.jobs.cancel(job.id)
        room.run(job.id)
        room.check(job.id)
        assert room.outcomes(job.id) == {"done bound": 1, "cancelled": 1}
        room.desk.check()

    def test_to_cancel_what_is_over_changes_nothing(self, room: JobDesk) -> None:
        job = room.create(Kind.BIND, [bind_item(1, room.desk)]).job
        room.run(job.id)
        assert room.jobs.cancel(job.id).state is JobState.FINISHED


class TestChangesAndReleases:
    def test_ends_are_moved(self, room: JobDesk) -> None:
        bindings = [room.desk.bind(f"o-{n}", a=person(n), b=person(n + 50)) for n in range(5)]
        later = (room.desk.clock() + timedelta(hours=9)).isoformat()
        items = [{"binding_id": one.id, "ends_at": later} for one in bindings]
        job = room.create(Kind.CHANGE, items).job
        room.run(job.id)
        assert room.outcomes(job.id) == {"done changed": 5}
        ends = {(one.ends_at - room.desk.clock.now).total_seconds() for one in room.desk.bindings()}
        assert len(ends) == 1
        room.desk.check()

    def test_orders_and_bindings_are_released_at_the_end_of_a_campaign(self, room: JobDesk) -> None:
        """users.md: an order may have several pairs; each ends."""
        one = room.desk.bind("o-1", a=person(1), b=person(2))
        room.desk.bind("o-1", a=person(1), b=person(3))
        two = room.desk.bind("o-2", a=person(4), b=person(5))
        room.desk.bind("o-3", a=person(6), b=person(7))
        items = [{"order": "o-1"}, {"binding_id": two.id}, {"order": "never"}, {"binding_id": "b0"}]
        job = room.create(Kind.RELEASE, items, release_reason=Reason.EXPIRED).job
        room.run(job.id)
        room.check(job.id)
        assert room.outcomes(job.id) == {"done released": 2, "failed binding-not-found": 2}
        result = room.rows(job.id)[0].result
        assert result
        assert one.id in result["bindings"]
        assert len(result["bindings"]) == 2
        assert [left.order for left in room.desk.in_state(State.ACTIVE)] == ["o-3"]
        assert {gone.reason for gone in room.desk.in_state(State.CLOSED)} == {Reason.EXPIRED}
        room.desk.check()

    def test_a_grace_lets_them_run_out(self, room: JobDesk) -> None:
        binding = room.desk.bind()
        job = room.create(Kind.RELEASE, [{"binding_id": binding.id}], grace_seconds=600).job
        room.run(job.id)
        assert room.outcomes(job.id) == {"done ending": 1}
        assert room.desk.service.get(binding.id).state is State.ACTIVE
        room.desk.settle()
        room.desk.advance(600)
        room.desk.sweep()
        assert room.desk.service.get(binding.id).state is State.CLOSED

    def test_all_that_was_made_before_a_moment_is_released(self, room: JobDesk) -> None:
        for n in range(6):
            room.desk.bind(f"old-{n}", a=person(n), b=person(n + 50))
        room.desk.advance(10)
        moment = room.desk.clock()
        room.desk.bind("new", a=person(90), b=person(91))
        job = room.create(Kind.RELEASE, created_before=moment).job
        room.run(job.id)
        assert room.outcomes(job.id) == {"done released": 6}
        assert [one.order for one in room.desk.in_state(State.ACTIVE)] == ["new"]

    def test_a_release_is_done_only_when_the_platform_has_confirmed_it(self, room: JobDesk) -> None:
        binding = room.desk.bind()
        in_doubt(room.desk, "status", api="axb.unbind", times=4, http_status=500, code="1010001")
        job = room.create(Kind.RELEASE, [{"order": binding.order}]).job
        room.work_once()
        assert room.jobs.get(job.id).counts["pending"] == 1
        room.run(job.id)
        assert room.desk.service.get(binding.id).state is State.CLOSED
        assert room.outcomes(job.id) == {"done released": 1}

    def test_the_binding_of_another_application_is_none(self, room: JobDesk) -> None:
        binding = room.desk.bind()
        job = room.create(Kind.RELEASE, [{"binding_id": binding.id}], application="courier").job
        room.run(job.id)
        assert room.outcomes(job.id) == {"failed binding-not-found": 1}
        assert room.desk.service.get(binding.id).state is State.ACTIVE


class TestPersons:
    def test_a_driver_leaves(self, room: JobDesk) -> None:
        """All he stands in ends, as A or as B; the others go on."""
        for n in range(2):
            room.desk.bind(f"o-{n}", a=C, b=person(n))
        room.desk.bind("b-1", a=person(20), b=C)
        other = room.desk.bind("other", a=D, b=person(21))
        job = room.create(Kind.RELEASE_PERSON, number="138 0013 8003").job
        room.run(job.id)
        room.check(job.id)
        assert room.outcomes(job.id) == {"done released": 3}
        assert [one.id for one in room.desk.in_state(State.ACTIVE)] == [other.id]
        assert room.engine.store.standing(APPLICATION, token_of(C)) == {}
        room.desk.check()

    def test_another_driver_takes_over_on_the_same_numbers(self, room: JobDesk) -> None:
        before = {room.desk.bind(f"o-{n}", a=C, b=person(n)).x for n in range(2)}
        before.add(room.desk.bind("b-1", a=person(20), b=C).x)
        job = room.create(Kind.REPLACE_PERSON, number=C, replacement=D).job
        room.run(job.id)
        room.check(job.id)
        assert room.outcomes(job.id) == {"done changed": 3}
        assert room.engine.store.standing(APPLICATION, token_of(C)) == {}
        assert set(room.engine.store.standing(APPLICATION, token_of(D))) == before
        room.desk.check()

    def test_who_already_stands_on_the_x_cannot_take_over_there(self, room: JobDesk) -> None:
        taken = room.desk.bind("o-1", a=C, b=person(1), x=X1)
        room.desk.bind("o-2", a=D, b=person(2), x=X1)
        job = room.create(Kind.REPLACE_PERSON, number=C, replacement=D).job
        room.run(job.id)
        assert room.outcomes(job.id) == {"failed party-conflict": 1}
        assert room.desk.service.get(taken.id).a.number == C
        room.desk.check()

    @pytest.mark.parametrize("mode", [Mode.AXYB, Mode.X])
    def test_a_partner_leaves_and_the_binding_goes_on(
        self, emulator: RunningEmulator, table: Table, mode: Mode
    ) -> None:
        room = in_mode(emulator, table, mode)
        binding = room.desk.bind()
        room.desk.service.add_partner(binding.id, C, deadline=within())
        job = room.create(Kind.RELEASE_PERSON, number=B).job
        room.run(job.id)
        assert room.outcomes(job.id) == {"done partner_left": 1}
        left = room.desk.service.get(binding.id)
        assert [one.party.number for one in left.partners] == [C]
        room.desk.check()

    @pytest.mark.parametrize("mode", [Mode.AXYB, Mode.X])
    def test_a_partner_is_replaced(self, emulator: RunningEmulator, table: Table, mode: Mode) -> None:
        room = in_mode(emulator, table, mode)
        binding = room.desk.bind()
        job = room.create(Kind.REPLACE_PERSON, number=B, replacement=D).job
        room.run(job.id)
        assert room.outcomes(job.id) == {"done changed": 1}
        assert [one.party.number for one in room.desk.service.get(binding.id).partners] == [D]
        room.desk.check()

    def test_where_a_cannot_change_the_item_says_so(self, emulator: RunningEmulator, table: Table) -> None:
        room = in_mode(emulator, table, Mode.AXE)
        room.desk.bind()
        job = room.create(Kind.REPLACE_PERSON, number=A, replacement=D).job
        room.run(job.id)
        assert room.rows(job.id)[0].problem == {
            "kind": "invalid-fields",
            "field": "a",
            "detail": "cannot be changed in mode AXE",
        }


class TestDrains:
    def test_a_number_that_goes_back_takes_nothing_new_and_ends_what_it_has(self, room: JobDesk) -> None:
        for n in range(4):
            room.desk.bind(f"o-{n}", a=person(n), b=person(n + 50), x=X1)
        other = room.desk.bind("other", a=person(90), b=person(91), x=X2)
        found = room.run(room.create(Kind.DRAIN_NUMBER, x=X1).job.id)
        assert room.outcomes(found.job.id) == {"done released": 4}
        number = room.engine.numbers.get(X1)
        assert number
        assert (number.state, number.pairs, found.pairs_left) == (NumberState.DRAINING, 0, 0)
        assert [one.id for one in room.desk.in_state(State.ACTIVE)] == [other.id]
        room.desk.check()

    def test_its_orders_move_to_other_numbers_and_the_report_says_where(self, room: JobDesk) -> None:
        ends = {}
        for n in range(5):
            one = room.desk.bind(f"o-{n}", a=person(n), b=person(n + 50), x=X1, max_minutes=7)
            ends[one.id] = (one.order, one.ends_at, one.people)
        found = room.run(room.create(Kind.DRAIN_NUMBER, x=X1, move=True).job.id)
        assert room.outcomes(found.job.id) == {"done moved": 5}
        living = {one.id: one for one in room.desk.in_state(State.ACTIVE)}
        for row in room.rows(found.job.id):
            told = row.result
            assert told
            new = living[told["binding_id"]]
            assert (told["old_x"], told["x"], told["order"]) == (X1, new.x, new.order)
            assert new.x in (X2, X3)
            assert ends[told["old_binding_id"]] == (new.order, new.ends_at, new.people)
            assert new.max_minutes == 7
        assert {one.reason for one in room.desk.in_state(State.CLOSED)} == {Reason.MOVED}
        assert room.desk.pairs(X1) == 0
        room.desk.check()

    def test_the_order_is_still_known_by_the_request_that_bound_it(self, room: JobDesk) -> None:
        """The same POST again finds the binding on the new X instead of a conflict."""
        room.desk.bind("o-1", a=person(1), b=person(2))
        (old,) = room.desk.bindings()
        room.run(room.create(Kind.DRAIN_NUMBER, x=old.x, move=True).job.id)
        again = room.desk.bind("o-1", a=person(1), b=person(2))
        assert (again.state, again.id == old.id, again.x == old.x) == (State.ACTIVE, False, False)
        assert len(room.desk.in_state(State.ACTIVE)) == 1

    def test_who_finds_no_other_number_stays(self, room: JobDesk) -> None:
        room.desk.bind("o-1", a=person(1), b=person(2), x=X1)
        for n, x in enumerate((X2, X3)):
            room.desk.bind(f"other-{n}", a=person(1), b=person(3), x=x)
        found = room.run(room.create(Kind.DRAIN_NUMBER, x=X1, move=True).job.id)
        assert room.outcomes(found.job.id) == {"failed no-number-available": 1}
        assert found.pairs_left == 1
        room.desk.check()

    def test_an_order_released_while_it_moves_is_gone_from_both(self, room: JobDesk) -> None:
        """The business system ends the old binding before the job does: the new one ends too."""
        old = room.desk.bind("o-1", a=person(1), b=person(2), x=X1)
        in_doubt(room.desk, "timeout_after_success", api="axb.bind", times=1, drop=True)
        in_doubt(room.desk, "timeout_before", api="axb.query", times=4, drop=True)
        job = room.create(Kind.DRAIN_NUMBER, x=X1, move=True).job
        room.desk.advance(5)
        while room.work_once():
            pass
        assert room.rows(job.id)[0].made
        room.desk.service.release(old.id, deadline=within())
        room.run(job.id)
        assert room.desk.in_state(State.ACTIVE) == []
        assert room.outcomes(job.id) == {"done ended": 1}
        room.desk.check()

    def moving(self, room: JobDesk) -> tuple[str, str]:
        """Ids of a job and of the old binding; the new one lives, nobody has noticed yet."""
        old = room.desk.bind("o-1", a=person(1), b=person(2), x=X1)
        in_doubt(room.desk, "timeout_after_success", api="axb.bind", times=1, drop=True)
        in_doubt(room.desk, "timeout_before", api="axb.query", times=4, drop=True)
        job = room.create(Kind.DRAIN_NUMBER, x=X1, move=True).job
        room.desk.advance(5)
        while room.work_once():
            pass
        room.desk.settle()
        assert len(room.desk.in_state(State.ACTIVE)) == 2
        room.desk.advance(5)
        return job.id, old.id

    def test_a_change_while_it_moves_goes_along_even_through_a_pause(self, room: JobDesk) -> None:
        job, old = self.moving(room)
        room.desk.service.change(old, max_minutes=9, deadline=within())
        in_doubt(room.desk, "status", api="axb.modify", times=1, http_status=403, code="1010029")
        room.desk.advance(60)
        while room.work_once():
            pass
        (row,) = room.rows(job)
        assert (row.state, row.begun) == ("pending", True)
        # It cannot be cancelled any more: two numbers would stay behind.
        room.jobs.cancel(job)
        room.run(job)
        assert room.outcomes(job) == {"done moved": 1}
        (new,) = room.desk.in_state(State.ACTIVE)
        assert (new.max_minutes, new.x == X1) == (9, False)
        room.desk.check()

    def test_another_party_while_it_moves_keeps_the_order_where_it_is(self, room: JobDesk) -> None:
        """The order's new pair is the old binding's; nobody may be reached through the other X any more."""
        job, old = self.moving(room)
        room.desk.service.change(old, b=D, deadline=within())
        room.run(job)
        assert room.outcomes(job) == {"failed state-conflict": 1}
        kept = room.desk.service.get(old)
        assert (kept.state, kept.x, kept.b and kept.b.number) == (State.ACTIVE, X1, D)
        assert [one.id for one in room.desk.in_state(State.ACTIVE)] == [old]
        room.desk.check()

    @pytest.mark.parametrize("mode", [Mode.AX, Mode.AXE, Mode.X])
    def test_it_moves_in_other_modes_with_everything_that_belongs_to_it(
        self, emulator: RunningEmulator, table: Table, mode: Mode
    ) -> None:
        room = in_mode(emulator, table, mode)
        old = room.desk.bind(x=X1)
        if mode is Mode.X:
            room.desk.service.add_partner(old.id, C, deadline=within())
            room.desk.service.set_callee(old.id, D, seconds=7200, deadline=within())
        found = room.run(room.create(Kind.DRAIN_NUMBER, x=X1, move=True).job.id)
        assert room.outcomes(found.job.id) == {"done moved": 1}
        (new,) = room.desk.in_state(State.ACTIVE)
        assert new.x != X1
        if mode is Mode.X:
            assert [one.party.number for one in new.partners] == [B, C]
            assert new.callee
            assert new.callee.party.number == D
        room.desk.check()

    def test_axyb_stays_where_it_is(self, emulator: RunningEmulator, table: Table) -> None:
        """axyb.md §2: the platform chooses X, so nobody can ask for another one."""
        room = in_mode(emulator, table, Mode.AXYB)
        old = room.desk.bind()
        found = room.run(room.create(Kind.DRAIN_NUMBER, x=old.x, move=True).job.id)
        assert room.outcomes(found.job.id) == {"failed invalid-fields": 1}
        assert room.desk.service.get(old.id).state is State.ACTIVE


class TestCommands:
    @pytest.mark.parametrize(
        ("kind", "asked", "field"),
        [
            (Kind.BIND, {}, "items"),
            (Kind.BIND, {"items": [], "file": "jobs/a"}, "items"),
            (Kind.BIND, {"items": [], "x": X1}, "x"),
            (Kind.BIND, {"file": "../a"}, "file"),
            (Kind.BIND, {"file": f"jobs/{A[1:]}.jsonl"}, "file"),
            (Kind.RELEASE_PERSON, {}, "number"),
            (Kind.RELEASE_PERSON, {"number": "1"}, "number"),
            (Kind.REPLACE_PERSON, {"number": A}, "replacement"),
            (Kind.REPLACE_PERSON, {"number": A, "replacement": "138 0013 8001"}, "replacement"),
            (Kind.DRAIN_NUMBER, {}, "x"),
            (Kind.DRAIN_NUMBER, {"x": "+8617019999999"}, "x"),
            (Kind.RELEASE, {"items": [], "move": True}, "move"),
            (Kind.RELEASE, {"items": [], "grace_seconds": -1}, "grace_seconds"),
            (Kind.BIND, {"items": [{"order": "x" * 5000}]}, "items"),
            (Kind.RELEASE, {"items": [], "reason": f"by {A}"}, "why"),
        ],
    )
    def test_what_makes_no_job_is_refused_and_nothing_is_written(
        self, room: JobDesk, kind: Kind, asked: dict[str, object], field: str
    ) -> None:
        with pytest.raises(InvalidRequest) as refused:
            room.create(kind, **asked)  # type: ignore[arg-type]
        assert refused.value.field == field
        assert A[3:] not in str(refused.value)
        assert room.items() == []


def test_nothing_of_a_job_shows_a_number(
    room: JobDesk, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows, results and log lines of jobs of every kind, with failures in between."""
    people = [A, B, C, D, *(person(n) for n in range(12))]
    caplog.set_level("DEBUG", logger="privatenumber")
    items = [bind_item(n, room.desk) for n in range(4)]
    room.desk.bind("o-1", a=C, b=person(11), x=X1)
    ids = [
        room.create(Kind.BIND, [*items, {"a": A, "order": A}, f"broken {A}", {A: A}], idempotency_key="1"),
        room.create(Kind.REPLACE_PERSON, number=C, replacement=D, idempotency_key="2"),
        room.create(Kind.RELEASE_PERSON, number=D, idempotency_key="3"),
        room.create(Kind.RELEASE, [{"order": f"o-{A}"}], idempotency_key="4"),
        room.create(Kind.DRAIN_NUMBER, x=X2, move=True, idempotency_key="5"),
    ]
    rows = [str(room.run(one.job.id)) + str(room.rows(one.job.id)) for one in ids]
    seen = "".join([*rows, room.raw(), caplog.text, *capsys.readouterr()])
    assert Counter(number for number in people if number[3:] in seen) == {}
