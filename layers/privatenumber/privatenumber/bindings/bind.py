"""A new binding: the same request again is the same binding, another takes an X and goes to the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from privatenumber.bindings.attempt import attempt, fail, look_up, occupied
from privatenumber.bindings.choose import choose
from privatenumber.bindings.commands import BindCommand, Wanted, read_command
from privatenumber.bindings.engine import Engine, Overtaken
from privatenumber.bindings.errors import (
    BindingNotFound,
    Busy,
    IdempotencyMismatch,
    OrderConflict,
    PartyConflict,
    refusal,
)
from privatenumber.bindings.model import Binding, State, platform_duration
from privatenumber.bindings.records import to_record
from privatenumber.platform.transport import Deadline
from privatenumber.store.bindings import IDEMPOTENCY, PAIR, X_NUMBER, Holder
from privatenumber.store.numbers import XNumber
from privatenumber.store.transactions import Contended, Refused

KEY_DAYS: Final = 7
"""How long an Idempotency-Key is remembered."""

_ROUNDS: Final = 8
_FRESH_S: Final = 10
_PLATFORM_S: Final = 1.0
"""Without this much time left no intent is written any more: its request could not be sent."""


@dataclass(frozen=True, slots=True)
class BindResult:
    """The binding, and whether this request made it (False: the same request came before)."""

    binding: Binding
    created: bool


def bind(engine: Engine, command: BindCommand, deadline: Deadline) -> BindResult:
    """Bind an order's parties to an X; see `BindingService.bind`."""
    engine.platforms(command.application)
    wanted = read_command(command, now=engine.clock(), keyring=engine.keyring)
    found = _same_before(engine, wanted) or _reserve(engine, wanted, deadline)
    if not found.created:
        return BindResult(_looked_up(engine, found.binding, deadline), created=False)
    try:
        outcome = attempt(engine, found.binding, deadline)
        if outcome.refusal is None:
            return BindResult(outcome.binding, created=True)
        refused = fail(engine, outcome.binding, outcome.refusal.code or outcome.refusal.outcome.value)
    except Overtaken:
        # It was withdrawn while the request was on its way; the worker finishes it.
        return BindResult(engine.load(found.binding.id), created=True)
    raise refusal(outcome.refusal, refused.id, engine.clock())


def _same_before(engine: Engine, wanted: Wanted) -> BindResult | None:
    """Find the binding that this request made before, by its key or by its order and pair."""
    now = int(engine.clock().timestamp())
    if wanted.idempotency:
        holder = engine.store.holder_of_key(wanted.application, wanted.idempotency, now=now)
        known = _holding(engine, holder)
        if holder and known:
            if holder.content_hash != wanted.content_hash:
                raise IdempotencyMismatch
            return BindResult(known, created=False)
    holder = engine.store.holder_of_pair(wanted.application, wanted.order, wanted.mode, wanted.pair)
    known = _holding(engine, holder)
    if known is None or known.state.final:
        return None
    if known.content_hash != wanted.content_hash:
        raise OrderConflict(known.id)
    return BindResult(known, created=False)


def _looked_up(engine: Engine, binding: Binding, deadline: Deadline) -> Binding:
    """Ask the platform about an intent of unknown outcome, so that a repetition brings its caller on.

    Not in the first seconds, when the request that wrote it is probably still waiting for its own answer.
    """
    age = engine.clock() - binding.created_at
    if binding.state is not State.REQUESTED or age < timedelta(seconds=_FRESH_S):
        return binding
    return look_up(engine, binding, deadline)


def _holding(engine: Engine, holder: Holder | None) -> Binding | None:
    try:
        return engine.load(holder.binding_id) if holder else None
    except BindingNotFound:
        return None


def _reserve(engine: Engine, wanted: Wanted, deadline: Deadline) -> BindResult:
    """Write the intent with its X and everything it holds; a collision leads to another X or to the twin."""
    lost: set[str] = set()
    for _ in range(_ROUNDS):
        if deadline.remaining() < _PLATFORM_S:
            break
        taken = _taken(engine, wanted)
        number = choose(engine.numbers, wanted.wish, taken=taken | lost, random=engine.random)
        binding = _intent(engine, wanted, number, deadline)
        try:
            _create(engine, binding)
        except Contended:
            break
        except Refused as refused:
            if refused.action in (IDEMPOTENCY, PAIR):
                twin = _same_before(engine, wanted)
                if twin:
                    return twin
            elif refused.action == X_NUMBER and not wanted.wish.x:
                lost.add(number.x)
        else:
            return BindResult(binding, created=True)
    raise Busy


def _taken(engine: Engine, wanted: Wanted) -> frozenset[str]:
    a, b = wanted.terms.a, wanted.terms.b
    if wanted.wish.x:
        for field, who in (("a", a), ("b", b)):
            if wanted.wish.x in occupied(engine, wanted.application, who):
                raise PartyConflict(field)
        return frozenset()
    return occupied(engine, wanted.application, a, b)


def _intent(engine: Engine, wanted: Wanted, number: XNumber, deadline: Deadline) -> Binding:
    now = engine.clock()
    in_flight = engine.in_flight_until(deadline)
    life = platform_duration(now, wanted.terms.ends_at, engine.margin_s)
    return Binding(
        id=engine.new_id(),
        application=wanted.application,
        order=wanted.order,
        mode=wanted.mode,
        state=State.REQUESTED,
        version=1,
        x=number.x,
        area=number.area_code,
        terms=wanted.terms,
        created_at=now,
        updated_at=now,
        content_hash=wanted.content_hash,
        due_at=in_flight,
        in_flight_until=in_flight,
        platform_ends_at=now + timedelta(seconds=life),
        record_hint_tone=wanted.record_hint_tone,
        user_reference=wanted.user_reference,
        idempotency=wanted.idempotency,
        wanted_area=wanted.wish.area,
        any_area=wanted.wish.any_area,
        fixed_x=wanted.wish.x is not None,
        binds=1,
    )


def _create(engine: Engine, binding: Binding) -> None:
    engine.store.create(
        to_record(binding, engine.keyring),
        now=int(binding.created_at.timestamp()),
        key_expires_at=int((binding.created_at + timedelta(days=KEY_DAYS)).timestamp()),
    )
