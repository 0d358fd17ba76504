"""Bindings of every mode over a real table and the emulated platform (C-001, C-003, C-005 to C-007)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from builders.bindings import Desk, active_number, in_doubt, open_desk, token_of, within
from builders.dynamodb import Table
from builders.emulator import LANDLINE, X1, X2, X3, A, B, C, D, RunningEmulator
from builders.keyrings import KEYRING
from emulator.clock import VIRTUAL_START
from privatenumber.bindings.commands import Sticky
from privatenumber.bindings.errors import (
    BindRefused,
    InvalidRequest,
    OrderConflict,
    OutcomeUnknown,
    PartnerNotFound,
    PartyConflict,
    PlatformPaused,
    PoolEmpty,
    PoolReason,
    StateConflict,
)
from privatenumber.bindings.model import PartnerState, Reason, Spread, State
from privatenumber.bindings.records import to_record
from privatenumber.bindings.rules import MAX_PARTNERS
from privatenumber.settings import Mode

if TYPE_CHECKING:
    from privatenumber.bindings.gateway import Gateway

BIND_API = {Mode.AX: "ax.bind", Mode.AXB: "axb.bind", Mode.AXE: "axe.bind", Mode.AXYB: "axyb.bind"}
AT_PLATFORM = sorted(BIND_API)
OPEN = Callable[..., Desk]


@pytest.fixture
def desk_of(table: Table, emulator: RunningEmulator) -> OPEN:
    """Open a desk for an application of a mode, at the emulator too."""

    def opened(mode: Mode, **changes: Any) -> Desk:
        emulator.admin.reset(now=VIRTUAL_START.isoformat())
        emulator.admin.application(mode=mode.value, axe_digits=changes.get("axe_digits", 4))
        emulator.admin.numbers(X1, X2, X3)
        return open_desk(table, emulator, mode=mode, **changes)

    return opened


class TestEveryMode:
    @pytest.mark.parametrize("mode", list(Mode))
    def test_a_binding_lives_from_its_bind_to_its_end(self, desk_of: OPEN, mode: Mode) -> None:
        desk = desk_of(mode)
        binding = desk.bind()
        assert (binding.state, binding.settled, binding.mode) == (State.ACTIVE, True, mode)
        assert binding.x in (X1, X2, X3)
        desk.check()
        desk.advance(3601)
        desk.sweep()
        assert desk.service.get(binding.id).reason is Reason.EXPIRED
        desk.check()
        assert desk.platform_bindings() == set()

    @pytest.mark.parametrize("mode", list(Mode))
    def test_the_same_request_again_is_the_same_binding(self, desk_of: OPEN, mode: Mode) -> None:
        desk = desk_of(mode)
        first = desk.bind(idempotency_key="key-1")
        calls = desk.calls(BIND_API.get(mode, ""))
        assert desk.bind(idempotency_key="key-1").id == first.id
        assert desk.bind().id == first.id
        assert desk.calls(BIND_API.get(mode, "")) == calls
        desk.check()

    @pytest.mark.parametrize("mode", list(Mode))
    def test_an_order_has_one_living_binding_of_its_people(self, desk_of: OPEN, mode: Mode) -> None:
        desk = desk_of(mode)
        first = desk.bind()
        with pytest.raises(OrderConflict) as conflict:
            desk.bind(ttl_seconds=7200)
        assert conflict.value.binding_id == first.id

    @pytest.mark.parametrize("mode", AT_PLATFORM)
    def test_what_is_about_to_end_is_no_answer(self, desk_of: OPEN, mode: Mode) -> None:
        desk = desk_of(mode)
        binding = desk.bind()
        api = f"{mode.value.lower()}.unbind"
        in_doubt(desk, "timeout_before", api=api, times=None, drop=True)
        desk.service.release(binding.id, deadline=within(1.2))
        with pytest.raises(StateConflict, match="about to end"):
            desk.bind()
        desk.emulator.admin.clear_faults()
        desk.settle()
        assert desk.bind().id != binding.id

    @pytest.mark.parametrize("mode", list(Mode))
    def test_what_ends_after_a_grace_is_no_answer_either(self, desk_of: OPEN, mode: Mode) -> None:
        desk = desk_of(mode)
        desk.service.release(desk.bind().id, deadline=within(), grace_s=600)
        with pytest.raises(StateConflict, match="about to end"):
            desk.bind()

    @pytest.mark.parametrize("mode", list(Mode))
    def test_a_delete_ends_it_here_and_there(self, desk_of: OPEN, mode: Mode) -> None:
        desk = desk_of(mode)
        binding = desk.bind()
        closed = desk.service.release(binding.id, deadline=within())
        assert (closed.state, closed.reason) == (State.CLOSED, Reason.DELETED)
        assert desk.platform_bindings() == set()
        desk.check()
        assert desk.bind("order-1002").state is State.ACTIVE

    @pytest.mark.parametrize("mode", [Mode.AX, Mode.AXB, Mode.AXE])
    def test_a_lost_answer_is_looked_up_and_adopted(self, desk_of: OPEN, mode: Mode) -> None:
        """result-codes.md §5: AX by X, AXB by X+A+B, AXE by X+E."""
        desk = desk_of(mode)
        in_doubt(desk, "timeout_after_success", api=BIND_API[mode], drop=True)
        binding = desk.bind()
        assert (binding.state, desk.counted["Adopted"]) == (State.ACTIVE, 1)
        desk.check()

    @pytest.mark.parametrize("mode", AT_PLATFORM)
    def test_what_no_look_up_settles_now_the_worker_settles(self, desk_of: OPEN, mode: Mode) -> None:
        """AXYB cannot be looked up: it is bound again, and the lost AX ends by its own life (axyb.md §6)."""
        desk = desk_of(mode)
        in_doubt(desk, "timeout_after_success", api=BIND_API[mode], drop=True)
        binding = desk.bind(seconds=1.2)
        assert binding.state is State.REQUESTED
        desk.settle()
        binding = desk.service.get(binding.id)
        assert (binding.state, binding.settled) == (State.ACTIVE, True)
        assert binding.binds == (2 if mode is Mode.AXYB else 1)
        desk.check()

    @pytest.mark.parametrize("mode", [Mode.AX, Mode.AXB, Mode.AXE])
    def test_what_is_adopted_is_brought_to_all_that_was_asked_for(self, desk_of: OPEN, mode: Mode) -> None:
        """A binding that is told to be recorded is recorded: recording is a matter of law."""
        desk = desk_of(mode, numbers=(X1,))
        strange = desk.bind(x=X1)
        desk.engine.store.close(
            to_record(replace(strange, state=State.CLOSED, due_at=None), KEYRING),
            seen=strange.version,
            places=strange.places,
            pairs=strange.pairs,
            forget_key=True,
        )
        wish: dict[str, Any] = {} if mode is Mode.AXE else {"sms": False}
        wish |= {"extension": strange.extension} if strange.extension else {}
        adopted = desk.bind("order-2", x=X1, record_hint_tone="hint.wav", **wish)
        assert adopted.subscription_id == strange.subscription_id
        (row,) = desk.emulator.admin.bindings()
        assert (row["record"], row["record_hint_tone"]) == (True, "hint.wav")
        assert row.get("private_sms", True) is (mode is Mode.AXE)

    @pytest.mark.parametrize("mode", AT_PLATFORM)
    def test_a_pause_leaves_nothing_behind(self, desk_of: OPEN, mode: Mode) -> None:
        """C-034: arrears."""
        desk = desk_of(mode)
        desk.emulator.admin.arrears(True)
        with pytest.raises(PlatformPaused):
            desk.bind()
        desk.check()

    @pytest.mark.parametrize("mode", [Mode.AX, Mode.AXB, Mode.AXE])
    def test_an_x_that_the_platform_refuses_is_left_for_another(self, desk_of: OPEN, mode: Mode) -> None:
        """C-033: 1012102 on one X, bound on the other."""
        desk = desk_of(mode, numbers=(X1, X2))
        desk.emulator.admin.number_status(X1, "10", "3")
        assert desk.bind().x == X2
        desk.check()

    @pytest.mark.parametrize("mode", [Mode.AX, Mode.AXB, Mode.AXE, Mode.X])
    def test_a_named_x_is_the_x(self, desk_of: OPEN, mode: Mode) -> None:
        desk = desk_of(mode)
        assert desk.bind(x=X3).x == X3

    @pytest.mark.parametrize("mode", [Mode.AX, Mode.AXB, Mode.AXE])
    def test_a_binding_that_the_platform_lost_is_released_all_the_same(
        self, desk_of: OPEN, mode: Mode
    ) -> None:
        """C-036: not found on an unbind by id means gone."""
        desk = desk_of(mode)
        binding = desk.bind()
        desk.emulator.admin.application(mode=mode.value)
        desk.emulator.admin.number_status(binding.x, "10", "1")
        assert desk.service.release(binding.id, deadline=within()).state is State.CLOSED
        assert desk.in_state(State.RELEASING) == []


class _Between:
    """The platform of a desk, where somebody else acts once right before an operation."""

    def __init__(self, desk: Desk, operation: str, act: Callable[[], object]) -> None:
        self._gateway: Any = desk.engine.platforms("ride")
        self._operation = operation
        self._act: Callable[[], object] | None = act
        desk.engine = replace(desk.engine, platforms=lambda application: cast("Gateway", self))

    def __getattr__(self, name: str) -> Any:
        act = self._act
        if name == self._operation and act:
            self._act = None
            act()
        return getattr(self._gateway, name)


class TestAx:
    def test_x_belongs_to_one_a(self, desk_of: OPEN) -> None:
        """ax.md §1: A per X: 1."""
        desk = desk_of(Mode.AX, numbers=(X1, X2))
        assert {desk.bind("o-1").x, desk.bind("o-2", a=C).x} == {X1, X2}
        with pytest.raises(PoolEmpty) as empty:
            desk.bind("o-3", a=D)
        assert empty.value.reason is PoolReason.FULL
        desk.check()

    def test_a_person_has_at_most_five(self, desk_of: OPEN) -> None:
        """ax.md §1: X per A: 5, counted per application."""
        desk = desk_of(Mode.AX, numbers=())
        numbers = [f"+861701000010{n}" for n in range(6)]
        desk.emulator.admin.numbers(*numbers)
        for x in numbers:
            desk.engine.numbers.put(active_number(x), seen=None)
        for n in range(5):
            desk.bind(f"o-{n}")
        with pytest.raises(PoolEmpty) as limit:
            desk.bind("o-5")
        assert limit.value.reason is PoolReason.PERSON_LIMIT
        assert desk.bind("o-6", a=C).state is State.ACTIVE
        desk.check()

    def test_a_change_of_a_keeps_x_and_everybody_elses_place(self, desk_of: OPEN) -> None:
        """C-019: `origNum` is the new A."""
        desk = desk_of(Mode.AX)
        binding = desk.bind()
        changed = desk.service.change(binding.id, a=C, max_minutes=30, direction=2, deadline=within())
        assert (changed.x, changed.a.number, changed.subscription_id) == (
            binding.x,
            C,
            binding.subscription_id,
        )
        desk.check()
        assert desk.emulator.admin.bindings()[0]["max_duration"] == 30

    def test_our_end_may_move_without_the_platform(self, desk_of: OPEN) -> None:
        """ax.md §1: the platform ends nothing."""
        desk = desk_of(Mode.AX)
        binding = desk.bind()
        later = desk.clock().replace(year=desk.clock().year + 1)
        assert desk.service.change(binding.id, ends_at=later, deadline=within()).ends_at == later
        assert desk.calls("ax.modify") == 0

    def test_the_callee_is_set_at_the_platform_and_known_to_us(self, desk_of: OPEN) -> None:
        """C-023, C-042."""
        desk = desk_of(Mode.AX)
        binding = desk.bind()
        noted = desk.service.set_callee(binding.id, "138-0013-8003", seconds=90, deadline=within())
        assert noted.callee
        assert (noted.callee.party.number, (noted.callee.until - desk.clock()).seconds) == (C, 90)
        assert desk.service.get(binding.id).callee == noted.callee
        call = desk.emulator.admin.call(A, binding.x, wait=True)
        assert call["direction"] == 1
        assert call["answered_at"]

    @pytest.mark.parametrize("number", ["400-100-1380", "95500", "0755-20000001"])
    def test_a_callee_may_be_a_service_or_a_landline(self, desk_of: OPEN, number: str) -> None:
        """ax.md §6: mobile, landline, 400 or 95 number."""
        desk = desk_of(Mode.AX)
        assert desk.service.set_callee(desk.bind().id, number, deadline=within()).callee

    @pytest.mark.parametrize(
        ("number", "changes", "field"),
        [
            (A, {}, "callee"),
            (X1, {}, "callee"),
            (C, {"seconds": 0}, "seconds"),
            (C, {"seconds": 259_201}, "seconds"),
            (C, {"user_reference": "call {C}"}, "user_reference"),
            (C, {"user_reference": "13800138003"}, "user_reference"),
        ],
    )
    def test_a_callee_that_breaks_a_rule_is_refused_before_it_is_sent(
        self, desk_of: OPEN, number: str, changes: dict[str, Any], field: str
    ) -> None:
        """ax.md §6."""
        desk = desk_of(Mode.AX)
        binding = desk.bind(x=X1)
        with pytest.raises(InvalidRequest, match=field):
            desk.service.set_callee(binding.id, number, deadline=within(), **changes)
        assert desk.calls("ax.set_callee") == 0

    @pytest.mark.parametrize("wish", [{"direction": 2}, {"a": LANDLINE}])
    def test_no_callee_is_set_for_an_a_who_cannot_call(self, desk_of: OPEN, wish: dict[str, Any]) -> None:
        """ax.md §1, §7: a landline can be called only, and so can an A of direction 2."""
        desk = desk_of(Mode.AX)
        binding = desk.bind(**wish)
        with pytest.raises(StateConflict):
            desk.service.set_callee(binding.id, C, deadline=within())

    def test_of_two_callees_asked_for_at_once_none_is_certain(self, desk_of: OPEN) -> None:
        """The platform keeps the last one, and nobody knows which that was."""
        desk = desk_of(Mode.AX)
        binding = desk.bind()
        _Between(desk, "set_callee", lambda: desk.service.set_callee(binding.id, D, deadline=within()))
        with pytest.raises(StateConflict):
            desk.service.set_callee(binding.id, C, deadline=within())
        assert desk.service.get(binding.id).callee is None

    def test_a_callee_without_an_answer_is_not_known(self, desk_of: OPEN) -> None:
        desk = desk_of(Mode.AX)
        binding = desk.bind()
        desk.service.set_callee(binding.id, D, deadline=within())
        in_doubt(desk, "timeout_after_success", api="ax.set_callee", times=None, drop=True)
        with pytest.raises(OutcomeUnknown):
            desk.service.set_callee(binding.id, C, deadline=within(1.2))
        assert desk.service.get(binding.id).callee is None

    def test_whoever_becomes_a_is_no_callee_any_more(self, desk_of: OPEN) -> None:
        desk = desk_of(Mode.AX)
        binding = desk.bind()
        desk.service.set_callee(binding.id, C, deadline=within())
        assert desk.service.change(binding.id, a=C, deadline=within()).callee is None

    def test_a_callee_of_a_binding_that_is_gone_ends_it(self, desk_of: OPEN) -> None:
        desk = desk_of(Mode.AX)
        binding = desk.bind()
        desk.emulator.admin.number_status(binding.x, "10", "1")
        desk.emulator.admin.number_status(binding.x, "5")
        with pytest.raises(StateConflict):
            desk.service.set_callee(binding.id, C, deadline=within())
        assert desk.service.get(binding.id).reason is Reason.LOST


class TestAxe:
    def test_everybody_gets_digits_of_his_own(self, desk_of: OPEN) -> None:
        """axe.md §1: as many A per X as there are extensions; one extension per A on one X."""
        desk = desk_of(Mode.AXE, numbers=(X1,))
        bound = [desk.bind(f"o-{n}", a=a) for n, a in enumerate((A, B, C, D))]
        assert {one.x for one in bound} == {X1}
        assert len({one.extension for one in bound}) == 4
        assert all(one.extension and len(one.extension) == 4 for one in bound)
        desk.check()
        with pytest.raises(PoolEmpty) as conflict:
            desk.bind("o-9")
        assert conflict.value.reason is PoolReason.CONFLICT

    def test_named_digits_are_the_digits_and_nobody_else_gets_them(self, desk_of: OPEN) -> None:
        desk = desk_of(Mode.AXE, numbers=(X1,))
        assert desk.bind(extension="0007").extension == "0007"
        with pytest.raises(PartyConflict) as taken:
            desk.bind("o-2", a=C, extension="0007")
        assert taken.value.field == "extension"
        desk.check()

    def test_an_x_without_free_digits_is_full(self, desk_of: OPEN) -> None:
        """axe.md §1.1: nine extensions of one digit."""
        desk = desk_of(Mode.AXE, numbers=(X1,), axe_digits=1)
        people = [f"+861380013810{n}" for n in range(10)]
        given = {desk.bind(f"o-{n}", a=a).extension for n, a in enumerate(people[:9])}
        assert given == {str(n) for n in range(1, 10)}
        with pytest.raises(PoolEmpty) as full:
            desk.bind("o-10", a=people[9])
        assert full.value.reason is PoolReason.FULL
        desk.check()

    def test_digits_that_the_platform_gave_away_lead_to_another_x(self, desk_of: OPEN) -> None:
        """result-codes.md §5: other A on X+E: another E."""
        desk = desk_of(Mode.AXE, numbers=(X1, X2))
        in_doubt(desk, "status", api="axe.bind", http_status=403, code="1020167")
        binding = desk.bind()
        assert (binding.state, binding.moves) == (State.ACTIVE, 1)
        desk.check()

    def test_a_prolongation_is_told_in_minutes(self, desk_of: OPEN) -> None:
        """axe.md §7."""
        desk = desk_of(Mode.AXE)
        binding = desk.bind(ttl_seconds=600)
        ends = desk.clock().replace(hour=23, minute=59)
        changed = desk.service.change(binding.id, ends_at=ends, deadline=within())
        assert changed.platform_ends_at
        assert changed.platform_ends_at > ends
        assert desk.calls("axe.modify") == 1

    @pytest.mark.parametrize("field", ["a", "direction", "max_minutes"])
    def test_nothing_but_the_end_can_be_changed(self, desk_of: OPEN, field: str) -> None:
        """axe.md §4: A, X and E cannot be changed."""
        desk = desk_of(Mode.AXE)
        binding = desk.bind()
        wish: dict[str, Any] = {field: C if field == "a" else 1}
        with pytest.raises(InvalidRequest, match=f"{field}: cannot be changed in mode AXE"):
            desk.service.change(binding.id, deadline=within(), **wish)


class TestAxyb:
    def test_each_user_sees_a_number_of_his_own(self, desk_of: OPEN) -> None:
        """C-044: A's X and B's Y differ."""
        desk = desk_of(Mode.AXYB)
        binding = desk.bind()
        (partner,) = binding.partners
        assert (partner.party.number, partner.state) == (B, PartnerState.HELD)
        assert partner.y not in (None, binding.x)
        assert desk.emulator.admin.call(A, partner.y or "", wait=True)["direction"] == 1
        assert desk.emulator.admin.call(B, binding.x, wait=True)["direction"] == 0

    def test_partners_come_and_go(self, desk_of: OPEN) -> None:
        """axyb.md §1: an AX carries any number of YB; §3: Y wins."""
        desk = desk_of(Mode.AXYB)
        binding = desk.bind()
        more = desk.service.add_partner(binding.id, C, deadline=within()).binding
        assert [one.party.number for one in more.partners] == [B, C]
        assert (
            desk.service.add_partner(binding.id, "13800138003", deadline=within()).binding.version
            == more.version
        )
        desk.check()
        fewer = desk.service.remove_partner(binding.id, more.partners[0].id, deadline=within())
        assert [one.party.number for one in fewer.partners] == [C]
        desk.check()
        with pytest.raises(PartnerNotFound):
            desk.service.remove_partner(binding.id, more.partners[0].id, deadline=within())

    def test_when_b_gets_no_y_the_ax_is_unbound_again(self, desk_of: OPEN, emulator: RunningEmulator) -> None:
        """axyb.md §6."""
        desk = desk_of(Mode.AXYB)
        for x in (X2, X3):
            emulator.admin.number_status(x, "9")
        with pytest.raises(PoolEmpty):
            desk.bind(idempotency_key="key-1")
        assert desk.platform_bindings() == set()
        assert [one.reason for one in desk.bindings()] == [Reason.REFUSED]
        desk.check()
        for x in (X2, X3):
            emulator.admin.number_status(x, "5")
        assert desk.bind(idempotency_key="key-1").state is State.ACTIVE

    def test_without_an_x_the_caller_gets_a_reason(self, desk_of: OPEN, emulator: RunningEmulator) -> None:
        desk = desk_of(Mode.AXYB)
        for x in (X1, X2, X3):
            emulator.admin.number_status(x, "9")
        with pytest.raises(PoolEmpty) as empty:
            desk.bind()
        assert empty.value.reason is PoolReason.CITY
        desk.check()

    @pytest.mark.parametrize("fault", ["timeout_after_success", "timeout_before"])
    def test_a_lost_answer_to_the_second_step_is_settled_by_the_worker(
        self, desk_of: OPEN, fault: str
    ) -> None:
        """result-codes.md §5: query by id, a row with this B is success."""
        desk = desk_of(Mode.AXYB)
        binding = desk.bind(b=None)
        in_doubt(desk, fault, api="axyb.bind", drop=True)
        waiting = desk.service.add_partner(binding.id, B, deadline=within(1.2)).binding
        assert [one.state for one in waiting.partners] == [PartnerState.WANTED]
        desk.settle()
        assert [one.state for one in desk.service.get(binding.id).partners] == [PartnerState.HELD]
        desk.check()

    def test_a_b_whom_a_call_brought_already_is_taken_over(self, desk_of: OPEN) -> None:
        """axyb.md §1: the first call of a B to X allocates a Y; 1016002 for another."""
        desk = desk_of(Mode.AXYB)
        binding = desk.bind(b=None)
        desk.emulator.admin.call(C, binding.x, wait=True)
        (partner,) = desk.service.add_partner(binding.id, C, deadline=within()).binding.partners
        assert (partner.state, partner.y is not None) == (PartnerState.HELD, True)
        desk.check()

    def test_a_removal_without_an_answer_goes_on_until_it_is_done(self, desk_of: OPEN) -> None:
        desk = desk_of(Mode.AXYB)
        binding = desk.bind()
        in_doubt(desk, "timeout_before", api="axyb.unbind", times=None, drop=True)
        leaving = desk.service.remove_partner(binding.id, binding.partners[0].id, deadline=within(1.2))
        assert [one.state for one in leaving.partners] == [PartnerState.LEAVING]
        with pytest.raises(StateConflict):
            desk.service.add_partner(binding.id, B, deadline=within())
        desk.emulator.admin.clear_faults()
        desk.settle()
        assert desk.service.get(binding.id).partners == ()
        desk.check()

    def test_a_refused_partner_leaves_the_others_alone(self, desk_of: OPEN) -> None:
        desk = desk_of(Mode.AXYB)
        binding = desk.bind()
        in_doubt(desk, "status", api="axyb.bind", http_status=403, code="1012008")
        with pytest.raises(BindRefused):
            desk.service.add_partner(binding.id, C, deadline=within())
        assert [one.party.number for one in desk.service.get(binding.id).partners] == [B]
        desk.check()

    def test_a_partner_refused_to_the_worker_leaves_an_ax_without_b_alone(self, desk_of: OPEN) -> None:
        """Only the B with whom an AX was asked for takes it along (axyb.md §6)."""
        desk = desk_of(Mode.AXYB)
        binding = desk.bind(b=None)
        in_doubt(desk, "timeout_before", api="axyb.bind", drop=True)
        desk.service.add_partner(binding.id, B, deadline=within(1.2))
        in_doubt(desk, "status", api="axyb.bind", times=None, http_status=403, code="1012008")
        desk.settle()
        left = desk.service.get(binding.id)
        assert (left.state, left.partners) == (State.ACTIVE, ())
        desk.check()

    def test_a_y_that_went_to_the_next_partner_is_his(self, desk_of: OPEN) -> None:
        """A removal whose answer was lost is repeated, and must not take away who got the Y since."""
        desk = desk_of(Mode.AXYB, numbers=(X1, X2))
        for x in (X3,):
            desk.emulator.admin.number_status(x, "9")
        binding = desk.bind()
        gone = binding.partners[0]
        in_doubt(desk, "timeout_after_success", api="axyb.unbind", times=None, drop=True)
        desk.service.remove_partner(binding.id, gone.id, deadline=within(1.2))
        desk.emulator.admin.clear_faults()
        added = desk.service.add_partner(binding.id, C, deadline=within())
        assert added.partner.y == gone.y
        desk.settle()
        assert [one.party.number for one in desk.service.get(binding.id).partners] == [C]
        desk.check()

    def test_a_partner_who_was_taken_away_does_not_come_late(self, desk_of: OPEN) -> None:
        """Not found proves nothing while the request that was to bring him may be on its way."""
        desk = desk_of(Mode.AXYB)
        binding = desk.bind(b=None)
        in_doubt(desk, "timeout_before", api="axyb.bind", drop=True)
        wanted = desk.service.add_partner(binding.id, C, deadline=within(1.2)).partner
        leaving = desk.service.remove_partner(binding.id, wanted.id, deadline=within())
        assert [one.state for one in leaving.partners] == [PartnerState.LEAVING]
        late = replace(leaving, partners=())
        desk.engine.platforms("ride").bind_partner(late, wanted, deadline=within())
        desk.settle()
        assert desk.service.get(binding.id).partners == ()
        desk.check()

    def test_an_ax_that_is_lost_before_its_b_came_is_no_binding(self, desk_of: OPEN) -> None:
        desk = desk_of(Mode.AXYB)
        admin = desk.emulator.admin

        def withdraw() -> None:
            (ax,) = admin.bindings()
            admin.number_status(ax["x"], "10", "1")
            admin.number_status(ax["x"], "5")

        _Between(desk, "bind_partner", withdraw)
        with pytest.raises(StateConflict):
            desk.bind(idempotency_key="key-1")
        desk.settle()
        assert desk.bind(idempotency_key="key-1").state is State.ACTIVE
        desk.check()

    def test_a_first_half_that_cannot_be_unbound_yet_is_not_told_as_nothing(self, desk_of: OPEN) -> None:
        """An answer that says that nothing was left behind must be true."""
        desk = desk_of(Mode.AXYB)
        for x in (X2, X3):
            desk.emulator.admin.number_status(x, "9")
        in_doubt(desk, "timeout_before", api="axyb.unbind", times=None, drop=True)
        ending = desk.bind(idempotency_key="key-1")
        assert (ending.state, ending.reason) == (State.RELEASING, Reason.REFUSED)
        desk.emulator.admin.clear_faults()
        desk.settle()
        assert desk.platform_bindings() == set()

    def test_lost_answers_strand_two_ax_at_most(self, desk_of: OPEN) -> None:
        """result-codes.md §5: no query finds an AX by its A, so it is asked for once more and no oftener."""
        desk = desk_of(Mode.AXYB)
        in_doubt(desk, "timeout_after_success", api="axyb.bind", times=None, drop=True)
        binding = desk.bind(seconds=1.2)
        desk.settle()
        failed = desk.service.get(binding.id)
        assert (failed.state, failed.failure_code) == (State.FAILED, "unsettled")
        assert (len(desk.platform_bindings()), desk.counted["BindingsStranded"]) == (2, 2)

    @pytest.mark.parametrize(
        "wish", [{"fallback_areas": ("020",)}, {"sticky": Sticky.PREFER}, {"spread": Spread.LEAST_LOADED}]
    )
    def test_a_wish_about_x_is_refused_where_the_platform_chooses(
        self, desk_of: OPEN, wish: dict[str, Any]
    ) -> None:
        """axyb.md §1: X and Y cannot be named."""
        with pytest.raises(InvalidRequest, match="does not exist in mode AXYB"):
            desk_of(Mode.AXYB).bind(**wish)

    def test_an_end_beyond_the_platforms_is_refused(self, desk_of: OPEN) -> None:
        """axyb.md §1: no modify."""
        desk = desk_of(Mode.AXYB)
        binding = desk.bind()
        with pytest.raises(InvalidRequest, match="ends_at: cannot lie that far ahead"):
            desk.service.change(binding.id, ends_at=desk.clock().replace(hour=23), deadline=within())
        sooner = desk.clock().replace(minute=desk.clock().minute + 5)
        assert desk.service.change(binding.id, ends_at=sooner, deadline=within()).ends_at == sooner


class TestX:
    def test_a_binding_with_all_partners_it_may_have_can_be_closed(self, desk_of: OPEN) -> None:
        """They leave X in one transaction, which takes a hundred actions."""
        desk = desk_of(Mode.X, numbers=(X1,))
        binding = desk.bind(anyone=True, idempotency_key="key-1")
        for n in range(MAX_PARTNERS - 1):
            desk.service.add_partner(binding.id, f"+86138001390{n:02d}", deadline=within())
        with pytest.raises(InvalidRequest, match="at most"):
            desk.service.add_partner(binding.id, D, deadline=within())
        assert desk.service.release(binding.id, deadline=within()).state is State.CLOSED
        desk.check()

    def test_nothing_is_asked_of_the_platform(self, desk_of: OPEN) -> None:
        """C-007: no bind interface, the platform stores no binding."""
        desk = desk_of(Mode.X)
        binding = desk.bind()
        desk.service.add_partner(binding.id, C, deadline=within())
        desk.service.set_callee(binding.id, D, deadline=within())
        desk.service.release(binding.id, deadline=within())
        assert desk.emulator.admin.counts() == {}

    def test_a_caller_and_an_x_lead_to_one_callee(self, desk_of: OPEN) -> None:
        """x.md §5: nobody stands on an X twice, whatever the kind of relation."""
        desk = desk_of(Mode.X, numbers=(X1,))
        binding = desk.bind()
        other = desk.bind("o-2", a=C, b=D)
        assert (binding.x, other.x) == (X1, X1)
        with pytest.raises(PartyConflict):
            desk.service.add_partner(other.id, B, deadline=within())
        with pytest.raises(PoolEmpty):
            desk.bind("o-3", a="+8613800138005", b=B)
        desk.check()

    def test_a_stranger_reaches_one_a_per_x(self, desk_of: OPEN) -> None:
        desk = desk_of(Mode.X, numbers=(X1, X2))
        first = desk.bind(b=None, anyone=True)
        second = desk.bind("o-2", a=C, b=None, anyone=True)
        assert first.x != second.x
        with pytest.raises(PoolEmpty):
            desk.bind("o-3", a=D, b=None, anyone=True)
        with pytest.raises(PartyConflict) as taken:
            desk.bind("o-4", a=D, b=None, anyone=True, x=X1)
        assert taken.value.field == "anyone"
        assert desk.bind("o-5", a=D, b="+8613800138005", x=X1).x == X1
        desk.check()

    def test_a_partner_who_left_may_stand_there_again(self, desk_of: OPEN) -> None:
        desk = desk_of(Mode.X, numbers=(X1,))
        binding = desk.bind()
        left = desk.service.remove_partner(binding.id, binding.partners[0].id, deadline=within())
        assert left.partners == ()
        desk.check()
        assert desk.bind("o-2", a=C, b=B).x == X1
        desk.check()

    def test_a_partner_may_come_back_to_the_binding_he_left(self, desk_of: OPEN) -> None:
        """users.md U-S06 keeps people from meeting anew, not from going on."""
        desk = desk_of(Mode.X, numbers=(X1,), cool_off_s=3600)
        binding = desk.bind()
        desk.service.remove_partner(binding.id, binding.partners[0].id, deadline=within())
        assert desk.service.add_partner(binding.id, B, deadline=within()).created
        desk.check()

    def test_a_change_of_a_takes_the_new_place_and_leaves_the_old(self, desk_of: OPEN) -> None:
        desk = desk_of(Mode.X, numbers=(X1,))
        binding = desk.bind()
        changed = desk.service.change(binding.id, a=C, direction=1, deadline=within())
        assert changed.places == {token_of(C), token_of(B)}
        desk.check()
