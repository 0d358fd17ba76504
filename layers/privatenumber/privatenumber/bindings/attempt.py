"""One attempt to bring a requested binding into being at the platform, and everything that can come of it.

The intent is stored before the request leaves. A refusal of X moves it to another X, unless the platform
already holds this very pair; an unknown outcome leaves it for the worker to look up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from privatenumber.bindings.adopt import activate, adopt
from privatenumber.bindings.backoff import PAUSES
from privatenumber.bindings.choose import Wish, choose, choose_extension
from privatenumber.bindings.engine import Engine, life_s, names_x, told
from privatenumber.bindings.errors import PoolEmpty, PoolReason
from privatenumber.bindings.gateway import Held
from privatenumber.bindings.model import Binding, Party, State, advanced
from privatenumber.bindings.rules import capacity
from privatenumber.deadline import Deadline
from privatenumber.platform.errors import (
    Conflict,
    Full,
    NotOwned,
    NumberState,
    PlatformError,
    TransientFault,
    UnknownOutcome,
)
from privatenumber.store.numbers import NumberState as PoolState
from privatenumber.store.numbers import StaleNumberError
from privatenumber.store.transactions import Refused
from privatenumber.times import iso

MAX_MOVES: Final = 3
LOOK_UP_S: Final = 1.5
"""A look-up or another attempt is begun only with this much time left."""

UNKNOWN: Final = (UnknownOutcome, TransientFault)
"""It may have happened (result-codes.md §5)."""

_WRONG_X: Final = (Conflict, Full, NumberState, NotOwned)
"""Our books said that X would do, the platform says no."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of an attempt: the binding as stored now, and the platform's refusal if it refused."""

    binding: Binding
    refusal: PlatformError | None = None


def attempt(engine: Engine, binding: Binding, deadline: Deadline) -> Attempt:
    """Send the bind; a refused X is replaced up to three times. A refusal in the answer left nothing behind
    at the platform, and the binding is still REQUESTED: the caller fails or postpones it. Raises Busy.
    """
    platform = engine.platforms(binding.application)
    while True:
        try:
            bound = platform.bind(binding, life_s(engine, binding), deadline=deadline)
        except UNKNOWN:
            return Attempt(look_up(engine, binding, deadline))
        except _WRONG_X as refusal:
            outcome = _on_wrong_x(engine, binding, refusal, deadline)
            if isinstance(outcome, Attempt):
                return outcome
            binding = outcome
        except PlatformError as refusal:
            return Attempt(binding, refusal)
        else:
            return Attempt(activate(engine, binding, bound, deadline))


def look_up(engine: Engine, binding: Binding, deadline: Deadline) -> Binding:
    """Ask at once whether a bind of unknown outcome happened; adopt it, else leave it for the worker.

    Not found proves nothing yet: the request may still be on its way.
    """
    if deadline.remaining() < LOOK_UP_S:
        return binding
    try:
        held = find(engine, binding, deadline)
    except PlatformError:
        return binding
    return adopt(engine, binding, held, deadline, ours=True) if held else binding


def fail(engine: Engine, binding: Binding, code: str) -> Binding:
    """Give the intent up: FAILED, and everything it held is free again. Raises Overtaken, Busy."""
    after = advanced(
        binding, engine.clock(), state=State.FAILED, due_at=None, in_flight_until=None, failure_code=code
    )
    return engine.close(binding, after, forget_key=True)


def find(engine: Engine, binding: Binding, deadline: Deadline) -> Held | None:
    """Look for the binding's people on its X; raises PlatformError. Without an X nothing can be looked up."""
    if not binding.x:
        return None
    try:
        return engine.platforms(binding.application).find(binding, deadline=deadline)
    except NotOwned:
        # An X that is not the application's carries no binding of ours.
        return None


def _on_wrong_x(
    engine: Engine, binding: Binding, refusal: PlatformError, deadline: Deadline
) -> Attempt | Binding:
    """Adopt the pair if it stands there already, else move on; a Binding in the answer is tried next."""
    if not names_x(binding):
        return Attempt(binding, refusal)
    _take_out_of_the_pool(engine, binding.x, refusal)
    try:
        held = find(engine, binding, deadline)
    except UNKNOWN + PAUSES:
        return Attempt(binding)
    if held:
        return Attempt(adopt(engine, binding, held, deadline, ours=False))
    if binding.fixed_x or binding.moves >= MAX_MOVES or deadline.remaining() < LOOK_UP_S:
        return Attempt(binding, refusal)
    try:
        return _move(engine, binding, deadline)
    except PoolEmpty:
        return Attempt(binding, refusal)


def _take_out_of_the_pool(engine: Engine, x: str, refusal: PlatformError) -> None:
    """Keep others from choosing an X that the platform does not let anybody bind (numbers.md §3)."""
    if isinstance(refusal, NumberState):
        state = PoolState.SUSPENDED
    elif isinstance(refusal, NotOwned):
        state = PoolState.UNAVAILABLE
    else:
        return
    number = engine.numbers.get(x)
    if number is None or number.state is not PoolState.ACTIVE:
        return
    engine.count("NumbersTakenOut", 1)
    try:
        engine.numbers.put(replace(number, state=state), seen=number, author=engine.author)
    except StaleNumberError:
        # Somebody has just looked after this number.
        return


def _move(engine: Engine, binding: Binding, deadline: Deadline) -> Binding:
    """Take places on another X and leave those on this one; raises PoolEmpty, Overtaken, Busy."""
    digits = engine.platforms(binding.application).application.axe_digits
    wish = Wish(
        binding.application,
        binding.wanted_area,
        binding.cities,
        capacity=capacity(binding.mode, digits),
        spread=binding.spread,
    )
    avoid = {binding.x}
    for _ in range(MAX_MOVES + 1):
        taken = occupied(engine, binding.application, *binding.people)
        number = choose(engine.numbers, wish, taken=taken | avoid, random=engine.random)
        extension = None
        if binding.extension:
            extension = free_extension(engine, number.x, digits)
            if extension is None:
                avoid.add(number.x)
                continue
        in_flight = engine.in_flight_until(deadline)
        after = advanced(
            binding,
            engine.clock(),
            x=number.x,
            area=number.area_code,
            extension=extension,
            moves=binding.moves + 1,
            binds=binding.binds + 1,
            due_at=in_flight,
            in_flight_until=in_flight,
        )
        try:
            with told():
                engine.store.move(
                    engine.record(after),
                    seen=binding.version,
                    old_x=binding.x,
                    old_extension=binding.extension,
                    fills=number.pairs + 1 >= wish.capacity,
                )
        except Refused:
            avoid.add(number.x)
            continue
        return after
    raise PoolEmpty(PoolReason.CONFLICT)


def occupied(engine: Engine, application: str, *parties: Party) -> frozenset[str]:
    """Numbers that cannot be the X of these parties: where one of them stands, and their own."""
    now = iso(engine.clock())
    standing = (engine.store.places_of(application, who.token, now=now) for who in parties)
    return frozenset(who.number for who in parties).union(*standing)


def free_extension(engine: Engine, x: str, digits: int) -> str | None:
    """Digits that lead to nobody on an X now; the transaction that takes them checks again."""
    return choose_extension(engine.store.extensions_on(x), digits, engine.random)
