"""The life of a binding against the emulated platform (axb.md, result-codes.md §5, users.md U-D)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from builders.bindings import (
    APPLICATION,
    SETTLING_S,
    Desk,
    active_number,
    b_of,
    command,
    in_doubt,
    open_desk,
    within,
)
from builders.dynamodb import Table, moto_client, new_table
from builders.emulator import X1, X2, X3, A, B, C, D, RunningEmulator
from privatenumber.bindings.errors import (
    BindingNotFound,
    BindRefused,
    IdempotencyMismatch,
    InvalidRequest,
    OrderConflict,
    PartyConflict,
    PlatformPaused,
    PoolEmpty,
    PoolReason,
)
from privatenumber.bindings.gateway import Gateway
from privatenumber.bindings.model import Reason, State
from privatenumber.store.numbers import NumberState


@pytest.fixture
def desk(emulator: RunningEmulator) -> Iterator[Desk]:
    with moto_client() as client:
        yield open_desk(new_table(client), emulator)


class TestBinding:
    def test_a_bind_takes_one_platform_call_and_is_active(self, desk: Desk) -> None:
        """users.md U-D06."""
        binding = desk.bind()
        assert binding.state is State.ACTIVE
        assert (desk.calls("axb.bind"), desk.calls("axb.query")) == (1, 0)
        desk.check()

    def test_the_platform_ends_a_margin_after_us(self, desk: Desk) -> None:
        """axb.md §2 duration; U-D20: what we expect is what was sent."""
        binding = desk.bind(ttl_seconds=600)
        (row,) = desk.emulator.admin.bindings()
        assert row["duration"] == 600 + 3600
        assert binding.platform_ends_at == binding.ends_at + timedelta(seconds=3600)

    def test_the_longest_life_is_what_the_platform_takes(self, desk: Desk) -> None:
        """axb.md §2: 7,776,000 s."""
        desk.bind(ttl_seconds=7_776_000)
        assert desk.emulator.admin.bindings()[0]["duration"] == 7_776_000

    def test_what_the_caller_asked_for_reaches_the_platform(self, desk: Desk) -> None:
        """axb.md §2."""
        desk.bind(direction=1, max_minutes=5, user_reference="ride 77")
        (row,) = desk.emulator.admin.bindings()
        assert (row["direction"], row["max_duration"], row["user_data"]) == (1, 5, "ride 77")

    def test_a_second_order_of_a_person_gets_another_x(self, desk: Desk) -> None:
        """users.md U-N08, U-D02: both orders keep their binding."""
        first, second = desk.bind("order-1"), desk.bind("order-2", b=C)
        assert first.x != second.x
        desk.check()

    def test_strangers_may_share_an_x(self, desk: Desk) -> None:
        """axb.md §1: A-X-B and C-X-D may coexist."""
        desk.bind("order-1", x=X1)
        desk.bind("order-2", a=C, b=D, x=X1)
        assert desk.pairs(X1) == 2
        desk.check()

    def test_an_x_of_the_wanted_city_is_taken(self, desk: Desk) -> None:
        """users.md U-A04."""
        desk.emulator.admin.numbers("+8617010000010", area_code="010")
        desk.engine.numbers.put(active_number("+8617010000010", area_code="010"), seen=None)
        assert desk.bind(area="010").area == "010"

    def test_the_fallback_takes_another_city_when_told_so(self, desk: Desk) -> None:
        """users.md U-P01."""
        with pytest.raises(PoolEmpty) as refused:
            desk.bind(area="020")
        assert refused.value.reason is PoolReason.CITY
        assert desk.bind(area="020", fallback_any_area=True).area == "0755"

    def test_choice_reaches_every_number_and_none_outside(self, desk: Desk) -> None:
        """users.md U-D05."""
        pairs = [(f"+861380013{n:04d}", f"+861380014{n:04d}") for n in range(15)]
        chosen = {desk.bind(f"order-{n}", a=a, b=b).x for n, (a, b) in enumerate(pairs)}
        assert chosen == {X1, X2, X3}

    def test_numbers_are_read_in_any_form(self, desk: Desk) -> None:
        """numbers.md §1.3."""
        binding = desk.bind(a="138 0013 8001", b="008613800138002")
        assert (binding.a.number, b_of(binding)) == (A, B)

    def test_no_number_stands_in_a_key_or_in_clear(self, desk: Desk) -> None:
        """design.md §6: only X may be read in the table."""
        desk.bind(idempotency_key=f"ride-{A}", user_reference="ride 77")
        text = repr(desk.items())
        assert A[3:] not in text
        assert B[3:] not in text
        assert "ride 77" not in text


class TestEmptyPool:
    def test_a_person_on_every_x_gets_a_reason_and_nothing_is_sent(self, desk: Desk) -> None:
        """users.md U-N01, U-A09."""
        for n, b in enumerate((B, C, D)):
            desk.bind(f"order-{n}", b=b)
        with pytest.raises(PoolEmpty) as refused:
            desk.bind("order-4", b="+8613800138005")
        assert refused.value.reason is PoolReason.CONFLICT
        assert desk.calls("axb.bind") == 3
        desk.check()

    def test_no_number_at_all(self, desk: Desk) -> None:
        with pytest.raises(PoolEmpty) as refused:
            desk.bind(application="other")
        assert refused.value.reason is PoolReason.EMPTY

    def test_every_number_out_of_service(self, desk: Desk) -> None:
        """numbers.md §3."""
        for x in (X1, X2, X3):
            number = desk.engine.numbers.get(x)
            assert number
            desk.engine.numbers.put(active_number(x, state=NumberState.SUSPENDED), seen=number)
        with pytest.raises(PoolEmpty) as refused:
            desk.bind()
        assert refused.value.reason is PoolReason.SUSPENDED

    def test_a_named_x_on_which_a_party_stands(self, desk: Desk) -> None:
        """axb.md §1, uniqueness in either role."""
        desk.bind("order-1", x=X1)
        with pytest.raises(PartyConflict) as refused:
            desk.bind("order-2", a=C, b=A, x=X1)
        assert refused.value.field == "b"
        desk.check()

    def test_a_named_x_of_nobody(self, desk: Desk) -> None:
        with pytest.raises(InvalidRequest) as refused:
            desk.bind(x="+8617010000099")
        assert refused.value.field == "x"


class TestSameRequestAgain:
    def test_the_same_order_again_is_the_same_binding_without_a_platform_call(self, desk: Desk) -> None:
        """users.md U-S02."""
        first = desk.service.bind(command(), deadline=within())
        again = desk.service.bind(command(), deadline=within())
        assert (first.created, again.created) == (True, False)
        assert again.binding.id == first.binding.id
        assert desk.calls("axb.bind") == 1

    def test_the_same_key_again_is_the_same_binding_even_when_it_has_ended(self, desk: Desk) -> None:
        """A late repetition must not bind an order that is over."""
        first = desk.bind(idempotency_key="key-1")
        desk.service.release(first.id, deadline=within())
        again = desk.bind(idempotency_key="key-1")
        assert (again.id, again.state) == (first.id, State.CLOSED)
        desk.check()

    def test_a_key_for_other_content_is_refused(self, desk: Desk) -> None:
        desk.bind(idempotency_key="key-1")
        with pytest.raises(IdempotencyMismatch):
            desk.bind("order-2", b=C, idempotency_key="key-1")

    def test_an_order_and_pair_with_other_content_is_refused(self, desk: Desk) -> None:
        first = desk.bind()
        with pytest.raises(OrderConflict) as refused:
            desk.bind(direction=2)
        assert refused.value.binding_id == first.id

    def test_an_order_may_bind_its_pair_again_after_the_end(self, desk: Desk) -> None:
        """axb.md §1: X is free at once for the same numbers."""
        first = desk.bind()
        desk.service.release(first.id, deadline=within())
        assert desk.bind().id != first.id
        desk.check()

    def test_an_order_may_have_several_pairs(self, desk: Desk) -> None:
        assert desk.bind().id != desk.bind(b=C).id
        desk.check()

    def test_a_key_is_forgotten_after_its_time(self, desk: Desk) -> None:
        """The table deletes late, so the time counts and not the item."""
        first = desk.bind(idempotency_key="key-1", ttl_seconds=60)
        desk.service.release(first.id, deadline=within())
        desk.clock.now += timedelta(days=8)
        desk.emulator.admin.advance(8 * 86_400)
        assert desk.bind(idempotency_key="key-1", ttl_seconds=60).id != first.id


class TestRefusals:
    @pytest.mark.parametrize(
        ("http_status", "code"), [(403, "1010002"), (403, "1012012"), (403, "1020178"), (403, "1010040")]
    )
    def test_a_definite_refusal_leaves_nothing(self, desk: Desk, http_status: int, code: str) -> None:
        """users.md U-D01; result-codes.md §6."""
        in_doubt(desk, "status", api="axb.bind", http_status=http_status, code=code)
        with pytest.raises(BindRefused) as refused:
            desk.bind(idempotency_key="key-1")
        assert refused.value.cause.code == code
        assert desk.service.get(refused.value.binding_id).failure_code == code
        desk.check()
        assert desk.bind(idempotency_key="key-1").state is State.ACTIVE

    def test_arrears_pause_and_leave_nothing(self, desk: Desk) -> None:
        """numbers.md §3, billing-rules.md §7: 1010029; traffic resumes ten minutes after payment was seen."""
        desk.emulator.admin.arrears(frozen=True)
        with pytest.raises(PlatformPaused) as refused:
            desk.bind()
        assert refused.value.until == desk.clock() + timedelta(minutes=10)
        desk.emulator.admin.arrears(frozen=False)
        with pytest.raises(PlatformPaused):
            desk.bind("order-2")
        desk.advance(601)
        with pytest.raises(PlatformPaused) as seen:
            desk.bind("order-3")
        assert seen.value.until == desk.clock() + timedelta(minutes=10)
        assert (desk.calls("axb.bind"), desk.calls("axb.query")) == (1, 1)
        desk.advance(601)
        desk.bind("order-4")
        desk.check()

    def test_a_lockout_silences_everything(self, desk: Desk) -> None:
        """auth.md §5: 1020176, 30 minutes."""
        in_doubt(desk, "status", api="axb.bind", http_status=403, code="1020176")
        for _ in range(3):
            with pytest.raises(PlatformPaused):
                desk.bind()
        assert desk.calls("axb.bind") == 1
        desk.check()

    def test_nobody_to_reach_leaves_nothing(self, desk: Desk) -> None:
        """Not sent is certainly not executed."""
        desk.pauses.pause("*", desk.clock() + timedelta(minutes=5), "test")
        with pytest.raises(PlatformPaused) as refused:
            desk.bind()
        assert refused.value.until == desk.clock() + timedelta(minutes=5)
        assert desk.in_state(State.FAILED)
        desk.check()

    def test_an_x_that_the_platform_suspended_is_left_alone_from_then_on(self, desk: Desk) -> None:
        """numbers.md §3: 1012102."""
        for x in (X1, X2):
            desk.emulator.admin.number_status(x, "9")
        for n in range(6):
            assert desk.bind(f"order-{n}", a=f"+861380014000{n}", b=f"+861380015000{n}").x == X3
        refused = [desk.engine.numbers.get(x) for x in (X1, X2)]
        assert {number.state for number in refused if number} == {NumberState.SUSPENDED}
        desk.check()

    def test_an_x_that_is_not_ours_is_left_alone(self, desk: Desk) -> None:
        """axb.md §2 rows 3 and 4."""
        foreign = "+8617010000077"
        desk.engine.numbers.put(active_number(foreign), seen=None)
        with pytest.raises(BindRefused):
            desk.bind(x=foreign)
        number = desk.engine.numbers.get(foreign)
        assert number
        assert number.state is NumberState.UNAVAILABLE
        desk.check()

    def test_a_pair_that_stands_there_already_is_adopted_on_our_terms(self, desk: Desk) -> None:
        """axb.md §2: a repetition is refused with 1012010; result-codes.md §5: adopt."""
        lost = desk.bind("order-1", x=X1)
        _forget(desk, lost.id)
        found = desk.bind("order-2", x=X1, direction=1, ttl_seconds=7200)
        assert found.subscription_id == lost.subscription_id
        (row,) = desk.emulator.admin.bindings()
        assert (row["direction"], row["duration"]) == (1, 7200 + 3600)

    def test_a_stranger_on_the_chosen_x_moves_the_intent(self, desk: Desk) -> None:
        """1012010 by another pair: three moves at most."""
        lost = [desk.bind(f"lost-{x[-1]}", x=x) for x in (X1, X2)]
        for binding in lost:
            _forget(desk, binding.id)
        assert desk.bind("order-2", b=C).x == X3

    def test_a_person_on_every_x_of_the_platform_is_refused(self, desk: Desk) -> None:
        lost = [desk.bind(f"lost-{x[-1]}", x=x) for x in (X1, X2, X3)]
        for binding in lost:
            _forget(desk, binding.id)
        with pytest.raises(BindRefused):
            desk.bind("order-2", b=C)
        assert not [item for item in desk.items() if item["pk"].startswith("PARTY#")]


class TestUnknownOutcome:
    def test_a_bind_without_answer_is_found_at_once(self, desk: Desk) -> None:
        """result-codes.md §5: look up by X, A and B, adopt; nothing is bound twice."""
        in_doubt(desk, "timeout_after_success", api="axb.bind", drop=True)
        assert desk.bind().state is State.ACTIVE
        assert (desk.calls("axb.bind"), desk.calls("axb.query"), desk.calls("axb.modify")) == (1, 1, 0)
        desk.check()

    def test_a_bind_that_was_not_executed_waits_and_is_repeated_by_the_worker(self, desk: Desk) -> None:
        """Not found proves nothing while the request may be on its way."""
        in_doubt(desk, "timeout_before", api="axb.bind", drop=True)
        binding = desk.bind()
        assert binding.state is State.REQUESTED
        assert desk.sweep() == 0
        desk.advance(SETTLING_S)
        desk.sweep()
        assert desk.service.get(binding.id).state is State.ACTIVE
        assert desk.calls("axb.bind") == 2
        desk.check()

    def test_a_caller_in_a_hurry_gets_the_outcome_later(self, desk: Desk) -> None:
        in_doubt(desk, "timeout_after_success", api="axb.bind", drop=True)
        binding = desk.bind(seconds=1.2)
        assert binding.state is State.REQUESTED
        assert not binding.settled
        desk.settle()
        assert desk.service.get(binding.id).state is State.ACTIVE
        assert desk.counted["Recovered"] == 1
        desk.check()

    def test_a_repetition_by_the_caller_finds_the_outcome(self, desk: Desk) -> None:
        in_doubt(desk, "timeout_after_success", api="axb.bind", drop=True)
        desk.bind(seconds=1.2)
        desk.advance(15)
        assert desk.bind().state is State.ACTIVE
        assert desk.calls("axb.bind") == 1
        desk.check()

    def test_a_5xx_is_no_outcome(self, desk: Desk) -> None:
        """result-codes.md §5: 5xx and 1023002."""
        in_doubt(desk, "status", api="axb.bind", http_status=500, code="1023002", execute=True)
        assert desk.bind().state is State.ACTIVE
        desk.check()

    def test_three_binds_that_come_to_nothing_are_given_up(self, desk: Desk) -> None:
        in_doubt(desk, "timeout_before", api="axb.bind", times=None, drop=True)
        binding = desk.bind()
        desk.settle()
        failed = desk.service.get(binding.id)
        assert (failed.state, failed.failure_code) == (State.FAILED, "unsettled")
        assert desk.calls("axb.bind") == 3
        desk.check()

    def test_an_intent_whose_time_is_over_is_not_bound_again(self, desk: Desk) -> None:
        in_doubt(desk, "timeout_before", api="axb.bind", drop=True)
        binding = desk.bind(ttl_seconds=60)
        desk.settle()
        failed = desk.service.get(binding.id)
        assert (failed.state, failed.failure_code) == (State.FAILED, "expired")
        assert desk.calls("axb.bind") == 1

    def test_a_bind_found_after_its_time_is_released(self, desk: Desk) -> None:
        in_doubt(desk, "timeout_after_success", api="axb.bind", drop=True)
        binding = desk.bind(ttl_seconds=60, seconds=1.2)
        desk.settle()
        closed = desk.service.get(binding.id)
        assert (closed.state, closed.reason) == (State.CLOSED, Reason.EXPIRED)
        desk.check()

    def test_arrears_postpone_the_settling(self, desk: Desk) -> None:
        """Nothing is given up because the platform cannot be asked."""
        in_doubt(desk, "timeout_after_success", api="axb.bind", drop=True)
        binding = desk.bind(seconds=1.2)
        desk.emulator.admin.arrears(frozen=True)
        for _ in range(30):
            desk.advance(60)
            desk.sweep()
        assert desk.service.get(binding.id).state is State.REQUESTED
        desk.emulator.admin.arrears(frozen=False)
        desk.settle()
        assert desk.service.get(binding.id).state is State.ACTIVE
        desk.check()


class TestRelease:
    def test_a_release_is_confirmed_by_the_platform_and_frees_everything(self, desk: Desk) -> None:
        binding = desk.bind()
        closed = desk.service.release(binding.id, deadline=within())
        assert (closed.state, closed.reason) == (State.CLOSED, Reason.DELETED)
        assert desk.platform_bindings() == set()
        desk.check()

    def test_a_release_leaves_the_other_bindings_of_its_x(self, desk: Desk) -> None:
        """users.md U-N02, U-D07: by subscriptionId only."""
        mine = desk.bind("order-1", x=X1)
        other = desk.bind("order-2", a=C, b=D, x=X1)
        desk.service.release(mine.id, deadline=within())
        assert desk.service.get(other.id).state is State.ACTIVE
        desk.check()

    def test_a_release_is_idempotent(self, desk: Desk) -> None:
        binding = desk.bind()
        first = desk.service.release(binding.id, deadline=within())
        again = desk.service.release(binding.id, deadline=within(), reason=Reason.EXPIRED)
        assert again == first
        assert desk.calls("axb.unbind") == 1

    def test_gone_is_done(self, desk: Desk) -> None:
        """axb.md §3: 1012007 on an unbind by id."""
        binding = desk.bind(ttl_seconds=60)
        desk.clock.now += timedelta(seconds=60)
        desk.emulator.admin.advance(60 + 3600)
        assert desk.service.release(binding.id, deadline=within()).state is State.CLOSED
        desk.check()

    def test_nothing_is_closed_before_the_platform_confirmed(self, desk: Desk) -> None:
        """users.md U-D03: unbind answered with 500, state stays, retry follows."""
        binding = desk.bind()
        in_doubt(desk, "status", api="axb.unbind", times=4, http_status=500, code="1010001")
        releasing = desk.service.release(binding.id, deadline=within())
        assert releasing.state is State.RELEASING
        assert desk.pairs(binding.x) == 1
        assert releasing.due_at
        assert releasing.due_at > desk.clock()
        desk.settle()
        assert desk.service.get(binding.id).state is State.CLOSED
        assert desk.counted["ReleaseRetries"] == 1
        desk.check()

    def test_a_release_that_goes_on_failing_is_never_forgotten(self, desk: Desk) -> None:
        """Retries back off to a ceiling, an alarm rings, and the end comes when the platform answers."""
        binding = desk.bind(ttl_seconds=7_776_000)
        in_doubt(desk, "status", api="axb.unbind", times=None, http_status=500, code="1010001")
        desk.service.release(binding.id, deadline=within())
        for _ in range(120):
            desk.advance(300)
            desk.sweep()
        assert desk.service.get(binding.id).state is State.RELEASING
        assert 15 < desk.counted["ReleaseRetries"] < 40
        assert desk.counted["ReleasesStuck"]
        desk.emulator.admin.clear_faults()
        desk.settle()
        desk.check()

    def test_a_second_delete_does_not_jump_the_back_off(self, desk: Desk) -> None:
        binding = desk.bind()
        in_doubt(desk, "status", api="axb.unbind", times=4, http_status=500, code="1010001")
        desk.service.release(binding.id, deadline=within())
        asked = desk.calls("axb.unbind")
        desk.service.release(binding.id, deadline=within())
        assert desk.calls("axb.unbind") == asked

    def test_the_end_of_the_order_releases(self, desk: Desk) -> None:
        binding = desk.bind(ttl_seconds=600)
        desk.advance(599)
        assert desk.sweep() == 0
        desk.advance(1)
        assert desk.sweep() == 1
        closed = desk.service.get(binding.id)
        assert (closed.state, closed.reason) == (State.CLOSED, Reason.EXPIRED)
        desk.check()

    def test_a_message_twice_does_nothing_twice(self, desk: Desk) -> None:
        """Queues deliver at least once."""
        binding = desk.bind(ttl_seconds=600)
        desk.advance(600)
        for _ in range(2):
            desk.service.step(binding.id, as_of=desk.clock(), deadline=within())
        assert desk.calls("axb.unbind") == 1

    def test_a_message_from_the_future_moves_time(self, desk: Desk) -> None:
        """A demonstration runs the clock past the order's end."""
        binding = desk.bind(ttl_seconds=600)
        later = desk.clock() + timedelta(hours=1)
        assert desk.service.step(binding.id, as_of=later, deadline=within()).state is State.CLOSED

    def test_an_unknown_outcome_that_is_not_wanted_any_more_ends_as_failed(self, desk: Desk) -> None:
        in_doubt(desk, "timeout_before", api="axb.bind", drop=True)
        binding = desk.bind()
        withdrawn = desk.service.release(binding.id, deadline=within())
        assert (withdrawn.state, withdrawn.reason) == (State.REQUESTED, Reason.DELETED)
        desk.settle()
        failed = desk.service.get(binding.id)
        assert (failed.state, failed.failure_code) == (State.FAILED, "withdrawn")
        assert desk.calls("axb.bind") == 1
        desk.check()

    def test_an_intent_that_was_bound_after_all_is_released_at_once(self, desk: Desk) -> None:
        in_doubt(desk, "timeout_after_success", api="axb.bind", drop=True)
        binding = desk.bind(seconds=1.2)
        assert desk.service.release(binding.id, deadline=within()).state is State.CLOSED
        desk.check()

    def test_an_application_that_is_gone_puts_the_release_off(self, desk: Desk) -> None:
        """No message that fails for ever; when the credentials are back the release goes on."""
        binding = desk.bind(ttl_seconds=60)

        def unknown(application: str) -> Gateway:
            raise InvalidRequest("application", "is not configured")

        desk.advance(60)
        there = desk.engine
        desk.engine = replace(there, platforms=unknown)
        desk.sweep()
        put_off = desk.service.get(binding.id)
        assert put_off.state is State.RELEASING
        assert put_off.due_at
        assert put_off.due_at > desk.clock()
        assert desk.counted["ApplicationsMissing"] == 1
        desk.engine = there
        desk.settle()
        desk.check()

    def test_a_release_of_nothing(self, desk: Desk) -> None:
        with pytest.raises(BindingNotFound):
            desk.service.release("b0", deadline=within())


def two_bindings(desk: Desk) -> str:
    """Bind two pairs in one order; the cursor behind the newer one."""
    for n in range(2):
        desk.bind(a=f"+861380014000{n}", b=f"+861380015000{n}")
        desk.advance(1)
    return desk.service.find(application=APPLICATION, order="order-1001", limit=1).cursor or ""


def cursor_at(written: str, position: object) -> str:
    """A cursor of the same search, at another position."""
    fingerprint, _ = json.loads(base64.urlsafe_b64decode(written + "=="))
    return base64.urlsafe_b64encode(json.dumps([fingerprint, position]).encode()).decode().rstrip("=")


class TestSearch:
    def test_by_order_newest_first_page_by_page(self, desk: Desk) -> None:
        made = []
        for n in range(5):
            made.append(desk.bind(a=f"+861380014000{n}", b=f"+861380015000{n}").id)
            desk.advance(1)
        found, cursor = [], None
        while True:
            page = desk.service.find(application=APPLICATION, order="order-1001", limit=2, cursor=cursor)
            found += [binding.id for binding in page.bindings]
            cursor = page.cursor
            if cursor is None:
                break
        assert found == made[::-1]

    @pytest.mark.parametrize(
        "position",
        [
            ["", ""],
            ["", "b1"],
            ["2026-09-02T00:00:00.000Z", ""],
            ["2026-09-02", "b1"],
            ["2026-99-02T00:00:00.000Z", "b1"],
            ["2026-09-02T00:00:00.000Z", "B#1"],
            ["2026-09-02T00:00:00.000Z", "b" * 3000],
            ["2026-09-02T00:00:00.000Z", "b1", "b2"],
            ["2026-09-02T00:00:00.000Z"],
            [1, 2],
            [],
            "",
            0,
            {"created_at": "2026-09-02T00:00:00.000Z"},
        ],
        ids=repr,
    )
    def test_a_cursor_with_a_position_that_no_row_has_is_refused(self, desk: Desk, position: object) -> None:
        """It is the caller's mistake, also where the table itself would refuse it (Amazon's engine does)."""
        with pytest.raises(InvalidRequest) as refused:
            desk.service.find(
                application=APPLICATION, order="order-1001", cursor=cursor_at(two_bindings(desk), position)
            )
        assert refused.value.field == "cursor"

    def test_a_cursor_at_a_row_that_is_gone_goes_on_behind_its_place(
        self, emulator: RunningEmulator, table: Table
    ) -> None:
        desk = open_desk(table, emulator)
        cursor = cursor_at(two_bindings(desk), ["2199-09-02T00:00:00.000Z", "b1"])
        page = desk.service.find(application=APPLICATION, order="order-1001", cursor=cursor)
        assert len(page.bindings) == 2

    def test_by_person_in_either_role(self, desk: Desk) -> None:
        made = []
        for n in range(3):
            other = f"+861380015000{n}"
            a, b = (A, other) if n % 2 else (other, A)
            made.append(desk.bind(f"order-{n}", a=a, b=b).id)
            desk.advance(1)
        first = desk.service.find(application=APPLICATION, number="138-0013-8001", limit=2)
        rest = desk.service.find(application=APPLICATION, number=A, limit=2, cursor=first.cursor)
        assert [binding.id for binding in (*first.bindings, *rest.bindings)] == made[::-1]
        assert rest.cursor is None

    def test_by_x_shows_one_application(self, desk: Desk) -> None:
        binding = desk.bind(x=X1)
        assert desk.service.find(application=APPLICATION, x="17010000001").bindings[0].id == binding.id
        assert desk.service.find(application="other", x=X1).bindings == ()

    def test_a_cursor_of_another_search_is_refused(self, desk: Desk) -> None:
        for b in (B, C):
            desk.bind(b=b)
        page = desk.service.find(application=APPLICATION, order="order-1001", limit=1)
        assert page.cursor
        with pytest.raises(InvalidRequest):
            desk.service.find(application=APPLICATION, number=A, cursor=page.cursor)
        with pytest.raises(InvalidRequest):
            desk.service.find(application=APPLICATION, order="order-1001", cursor="nonsense")


def _forget(desk: Desk, binding_id: str) -> None:
    """Lose a binding from our books as if it had never been ours; the platform keeps it."""
    binding = desk.service.get(binding_id)
    keys = [
        {"pk": item["pk"], "sk": item["sk"]} for item in desk.items() if item.get("binding_id") == binding.id
    ]
    for key in keys:
        desk.table.client.delete_item(
            TableName=desk.table.name, Key={name: {"S": value} for name, value in key.items()}
        )
    desk.table.client.update_item(
        TableName=desk.table.name,
        Key={"pk": {"S": f"X#{binding.x}"}, "sk": {"S": "NUMBER"}},
        UpdateExpression="SET pairs = pairs - :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
