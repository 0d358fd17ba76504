"""Partners: who comes to stand opposite A, and goes, while the binding lives (axyb.md §2.2, §3; x.md §5).

In AXYB a partner is a YB at the platform: he is written down before the platform is asked, so whatever is cut
off is found and finished by the worker. In X mode our own record is all there is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from privatenumber.bindings.attempt import UNKNOWN
from privatenumber.bindings.backoff import PAUSES
from privatenumber.bindings.checks import check_partner, read_party
from privatenumber.bindings.engine import Engine, Overtaken, told
from privatenumber.bindings.errors import (
    InvalidRequest,
    PartnerNotFound,
    PartyConflict,
    StateConflict,
    refusal,
)
from privatenumber.bindings.model import (
    Binding,
    Partner,
    PartnerState,
    Reason,
    State,
    advanced,
    instead,
    without,
)
from privatenumber.bindings.rules import MAX_PARTNERS, RULES
from privatenumber.bindings.unbind import begin_release, finish_release, postponed
from privatenumber.deadline import Deadline
from privatenumber.platform.errors import Conflict, NotFound, PlatformError
from privatenumber.store.transactions import Refused

_NOT_NOW: Final = PAUSES + UNKNOWN


@dataclass(frozen=True, slots=True)
class PartnerResult:
    """The binding, the partner who was asked for, and whether this request brought him."""

    binding: Binding
    partner: Partner
    created: bool


@dataclass(frozen=True, slots=True)
class Partnered:
    """The binding as stored now, and the platform's refusal of a partner if it refused one."""

    binding: Binding
    refusal: PlatformError | None = None


def add_partner(engine: Engine, binding_id: str, number: str, deadline: Deadline) -> PartnerResult:
    """Put somebody opposite A; see `BindingService.add_partner`."""
    binding = _living(engine, binding_id)
    party = read_party(number, "b", engine.keyring)
    known = binding.partner_of(party)
    if known and known.state is PartnerState.LEAVING:
        raise StateConflict(binding.state, "this partner is not gone yet", retry_after_s=30)
    if known:
        return PartnerResult(binding, known, created=False)
    check_partner(party, binding.a, binding.x)
    if len(binding.partners) >= MAX_PARTNERS:
        raise InvalidRequest("b", f"cannot be added: a binding has at most {MAX_PARTNERS} partners")
    partner = Partner(engine.new_id("p"), party, None, PartnerState.WANTED)
    try:
        if not RULES[binding.mode].at_platform:
            return _with(_stand(engine, binding, partner), partner)
        outcome = bind_partners(engine, _noted(engine, binding, partner, deadline), deadline)
        if outcome.refusal:
            _forget(engine, outcome.binding, partner)
            raise refusal(outcome.refusal, binding.id, engine.clock())
    except Overtaken:
        raise _contested(binding) from None
    return _with(_still_living(outcome.binding), partner)


def remove_partner(engine: Engine, binding_id: str, partner_id: str, deadline: Deadline) -> Binding:
    """Take somebody away from A; see `BindingService.remove_partner`."""
    binding = _living(engine, binding_id)
    partner = binding.partner(partner_id)
    if partner is None:
        raise PartnerNotFound
    leaving = replace(partner, state=PartnerState.LEAVING)
    try:
        if not RULES[binding.mode].at_platform:
            return _forget(engine, binding, partner)
        return _taken_away(engine, _noted(engine, binding, leaving, deadline), leaving, deadline)
    except Overtaken:
        raise _contested(binding) from None


def bind_partners(engine: Engine, binding: Binding, deadline: Deadline) -> Partnered:
    """Ask the platform for every partner that it is not known to have; a refusal leaves him WANTED.

    A pause counts as a refusal: it was certainly not executed. Raises Overtaken, Busy.
    """
    for partner in binding.partners:
        if partner.state is not PartnerState.WANTED:
            continue
        try:
            binding = _arrived(engine, binding, partner, _bind(engine, binding, partner, deadline))
        except NotFound:
            return Partnered(_lost(engine, binding, deadline))
        except UNKNOWN:
            return Partnered(binding)
        except PlatformError as error:
            return Partnered(binding, error)
    return Partnered(binding)


def resume_partners(engine: Engine, binding: Binding, deadline: Deadline) -> Binding:
    """Finish what was begun with partners; the caller has claimed the binding. Raises Overtaken, Busy."""
    engine.count("Recovered", 1)
    for partner in binding.partners:
        try:
            if partner.state is PartnerState.LEAVING:
                binding = _taken_away(engine, binding, partner, deadline)
            elif partner.state is PartnerState.WANTED:
                binding = _found_or_bound(engine, binding, partner, deadline)
        except NotFound:
            return _lost(engine, binding, deadline)
        except _NOT_NOW as error:
            return engine.save(binding, postponed(engine, binding, error))
        except PlatformError:
            engine.count("PartnersRefused", 1)
            binding = _forget(engine, binding, partner)
            if partner.founding and not binding.partners:
                given_up = begin_release(engine, binding, Reason.REFUSED, deadline)
                return finish_release(engine, given_up, deadline)
        if binding.state is not State.ACTIVE:
            return binding
    return binding


def _living(engine: Engine, binding_id: str) -> Binding:
    """Load a binding whose partners may change now; raises BindingNotFound, InvalidRequest, StateConflict."""
    binding = engine.load(binding_id)
    if not RULES[binding.mode].partners:
        raise InvalidRequest("mode", f"{binding.mode.value} has no partners that come and go")
    if binding.state is State.REQUESTED:
        raise StateConflict(binding.state, "the platform has not confirmed it yet", retry_after_s=30)
    if binding.pending:
        raise StateConflict(binding.state, "another change is not finished yet", retry_after_s=30)
    return _still_living(binding, ended=binding.ends_at <= engine.clock())


def _with(binding: Binding, partner: Partner) -> PartnerResult:
    """The partner as he stands in the binding now."""
    return PartnerResult(binding, binding.partner(partner.id) or partner, created=True)


def _still_living(binding: Binding, *, ended: bool = False) -> Binding:
    if binding.state is not State.ACTIVE or ended:
        raise StateConflict(binding.state, "it has ended")
    return binding


def _contested(binding: Binding) -> StateConflict:
    return StateConflict(binding.state, "somebody else is changing it", retry_after_s=1)


def _bind(engine: Engine, binding: Binding, partner: Partner, deadline: Deadline) -> str | None:
    """Bind one partner; one who is there already, by a call or a lost answer, is found (axyb.md §1)."""
    platform = engine.platforms(binding.application)
    try:
        return platform.bind_partner(binding, partner, deadline=deadline)
    except Conflict:
        y = platform.find_partner(binding, partner, deadline=deadline)
        if y is None:
            raise
        return y


def _found_or_bound(engine: Engine, binding: Binding, partner: Partner, deadline: Deadline) -> Binding:
    """Look for a partner first, and bind him when no earlier request can be on its way any more."""
    y = engine.platforms(binding.application).find_partner(binding, partner, deadline=deadline)
    now = engine.clock()
    if y is None and binding.in_flight_until and now < binding.in_flight_until:
        return engine.save(binding, advanced(binding, now, due_at=binding.in_flight_until))
    return _arrived(engine, binding, partner, y or _bind(engine, binding, partner, deadline))


def _noted(engine: Engine, binding: Binding, partner: Partner, deadline: Deadline) -> Binding:
    """Write down what is about to be asked of the platform."""
    known = binding.partner(partner.id)
    partners = instead(binding.partners, partner) if known else (*binding.partners, partner)
    in_flight = engine.in_flight_until(deadline)
    after = advanced(
        binding,
        engine.clock(),
        partners=partners,
        due_at=in_flight,
        in_flight_until=in_flight,
        attempts=0,
    )
    return engine.save(binding, after)


def _arrived(engine: Engine, binding: Binding, partner: Partner, y: str | None) -> Binding:
    held = replace(partner, y=y, state=PartnerState.HELD, founding=False)
    return engine.save(binding, _at_rest(engine, binding, instead(binding.partners, held)))


def _taken_away(engine: Engine, binding: Binding, partner: Partner, deadline: Deadline) -> Binding:
    """Unbind a partner; what is not known to have happened stays LEAVING, and the worker goes on."""
    try:
        engine.platforms(binding.application).unbind_partner(binding, partner, deadline=deadline)
    except NotFound:
        now = engine.clock()
        if partner.y is None and binding.in_flight_until and now < binding.in_flight_until:
            # The request that was to bring him may still be on its way.
            return engine.save(binding, advanced(binding, now, due_at=binding.in_flight_until))
    except PlatformError as error:
        return engine.save(binding, postponed(engine, binding, error))
    return _forget(engine, binding, partner)


def _stand(engine: Engine, binding: Binding, partner: Partner) -> Binding:
    """X mode: take the partner's place; raises PartyConflict when he stands on X in another binding."""
    held = replace(partner, state=PartnerState.HELD)
    after = advanced(binding, engine.clock(), partners=(*binding.partners, held))
    try:
        with told():
            engine.store.hold(
                engine.record(after),
                seen=binding.version,
                places=after.places - binding.places,
                pairs=(),
            )
    except Refused:
        raise PartyConflict("b") from None
    return after


def _forget(engine: Engine, binding: Binding, partner: Partner) -> Binding:
    """Take a partner off the record, and off his place on X where he holds one."""
    after = _at_rest(engine, binding, without(binding.partners, partner))
    gone = binding.places - after.places
    if not gone:
        return engine.save(binding, after)
    with told():
        engine.store.let_go(
            engine.record(after),
            seen=binding.version,
            places=gone,
            pairs=(),
            cool_until=engine.cool_until(binding),
        )
    return after


def _at_rest(engine: Engine, binding: Binding, partners: tuple[Partner, ...]) -> Binding:
    """The binding with these partners: due at its end, unless something is still under way with them."""
    settled = all(partner.state is PartnerState.HELD for partner in partners)
    waiting = (binding.due_at, binding.in_flight_until)
    due_at, in_flight = (binding.rests_until, None) if settled else waiting
    return advanced(
        binding, engine.clock(), partners=partners, due_at=due_at, in_flight_until=in_flight, attempts=0
    )


def _lost(engine: Engine, binding: Binding, deadline: Deadline) -> Binding:
    """The AX is gone at the platform, and with it everybody under it."""
    never_complete = any(partner.founding for partner in binding.partners)
    reason = Reason.REFUSED if never_complete else Reason.LOST
    return finish_release(engine, begin_release(engine, binding, reason, deadline), deadline)
