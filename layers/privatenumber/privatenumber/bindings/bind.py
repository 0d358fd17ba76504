"""A new binding: the same request again is the same binding, another takes an X and goes to the platform."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from privatenumber.bindings.attempt import attempt, fail, free_extension, look_up, occupied
from privatenumber.bindings.choose import choose
from privatenumber.bindings.command_reading import read_command
from privatenumber.bindings.commands import BindCommand, Sticky, Wanted
from privatenumber.bindings.engine import Engine, Overtaken, life_s, names_x, platform_end
from privatenumber.bindings.errors import (
    BindingNotFound,
    BindRefused,
    Busy,
    IdempotencyMismatch,
    OrderConflict,
    PartyConflict,
    PlatformPaused,
    PoolEmpty,
    PoolReason,
    StateConflict,
    refusal,
)
from privatenumber.bindings.model import Binding, Partner, PartnerState, Reason, State
from privatenumber.bindings.partners import bind_partners
from privatenumber.bindings.refusals import explained
from privatenumber.bindings.unbind import begin_release, finish_release
from privatenumber.deadline import Deadline
from privatenumber.platform.errors import Full, LimitPerUser, NoResource, PlatformError
from privatenumber.settings import Mode
from privatenumber.store.binding_keys import ANYONE
from privatenumber.store.bindings import Holder
from privatenumber.store.holdings import EXTENSION, IDEMPOTENCY, PAIR, PLACE
from privatenumber.store.numbers import XNumber
from privatenumber.store.transactions import Contended, Refused

KEY_DAYS: Final = 7
"""How long an Idempotency-Key is remembered."""

MEMORY_DAYS: Final = 90
"""How long after its end it is remembered on which X a pair met."""

_ROUNDS: Final = 8
_ENDS_WITHIN_S: Final = 15
_TOO_MANY_X: Final = "1011003"
_FRESH_S: Final = 10
_PLATFORM_S: Final = 1.0
"""Without this much time left no intent is written any more: its request could not be sent."""


@dataclass(frozen=True, slots=True)
class BindResult:
    """The binding, and whether this request made it (False: the same request came before)."""

    binding: Binding
    created: bool


def bind(engine: Engine, command: BindCommand, deadline: Deadline) -> BindResult:
    """Bind an order's people to an X; see `BindingService.bind`."""
    application = engine.platforms(command.application).application
    wanted = read_command(command, application=application, now=engine.clock(), keyring=engine.keyring)
    try:
        return _bound(engine, wanted, deadline)
    except PoolEmpty as empty:
        raise explained(engine, wanted, empty) from None


def _bound(engine: Engine, wanted: Wanted, deadline: Deadline) -> BindResult:
    found = _same_before(engine, wanted) or _reserve(engine, wanted, deadline)
    if not found.created:
        return BindResult(_looked_up(engine, found.binding, deadline), created=False)
    try:
        made = _brought_about(engine, found.binding, deadline)
        _remember(engine, wanted, made)
        return BindResult(made, created=True)
    except Overtaken:
        # It was withdrawn while the request was on its way; the worker finishes it.
        return BindResult(engine.load(found.binding.id), created=True)


def _remember(engine: Engine, wanted: Wanted, made: Binding) -> None:
    """Keep in mind where people met who wish to meet there again, or not; losing it costs no more."""
    if wanted.sticky is Sticky.NONE or made.state is not State.ACTIVE:
        return
    expires = made.ends_at + timedelta(days=MEMORY_DAYS)
    engine.store.remember_x(made.application, wanted.met, made.x, expires_at=int(expires.timestamp()))


def _brought_about(engine: Engine, binding: Binding, deadline: Deadline) -> Binding:
    """Send an intent to the platform; raises what a refusal means to its caller, with nothing left behind."""
    outcome = attempt(engine, binding, deadline)
    if outcome.refusal is not None:
        refused = fail(engine, outcome.binding, outcome.refusal.code or outcome.refusal.outcome.value)
        raise _refusal(outcome.refusal, refused, engine)
    if outcome.binding.state is not State.ACTIVE or outcome.binding.settled:
        return outcome.binding
    partners = bind_partners(engine, outcome.binding, deadline)
    if partners.refusal is None and partners.binding.state is State.ACTIVE:
        return partners.binding
    if partners.refusal is None:
        raise StateConflict(partners.binding.state, "the platform lost it at once", retry_after_s=1)
    given_up = begin_release(engine, partners.binding, Reason.REFUSED, deadline)
    after = finish_release(engine, given_up, deadline)
    if not after.state.final:
        # The platform still holds the first half: that is no answer after which nothing is left behind.
        return after
    raise _refusal(partners.refusal, after, engine)


def _refusal(
    error: PlatformError, binding: Binding, engine: Engine
) -> PoolEmpty | BindRefused | PlatformPaused:
    """Where the platform chooses X, its "none left" means what ours means elsewhere: nothing is bound."""
    if isinstance(error, LimitPerUser) and error.code == _TOO_MANY_X:
        return PoolEmpty(PoolReason.PERSON_LIMIT)
    if isinstance(error, NoResource):
        return PoolEmpty(PoolReason.FULL if binding.cities else PoolReason.CITY)
    if isinstance(error, Full) and not names_x(binding):
        return PoolEmpty(PoolReason.FULL)
    return refusal(error, binding.id, engine.clock())


def _same_before(engine: Engine, wanted: Wanted) -> BindResult | None:
    """Find the binding that this request made before, by its key or by its order and pair."""
    now = int(engine.clock().timestamp())
    if wanted.idempotency:
        holder = engine.store.holder_of_key(wanted.application, wanted.idempotency, now=now)
        known = _holding(engine, holder)
        if holder and known:
            if holder.content_hash != wanted.content_hash:
                raise IdempotencyMismatch
            if known.reason is Reason.REFUSED and not known.state.final:
                raise _ending(known)
            return BindResult(known, created=False)
    holder = engine.store.holder_of_pair(wanted.application, wanted.order, wanted.mode, wanted.pair)
    known = _holding(engine, holder)
    if known is None or known.state.final or known.id == wanted.replaces:
        return None
    over = known.reason is not None or known.is_waiting(engine.clock())
    if known.state is State.RELEASING or (known.state is State.ACTIVE and over):
        raise _ending(known)
    if known.content_hash != wanted.content_hash:
        raise OrderConflict(known.id)
    return BindResult(known, created=False)


def _ending(known: Binding) -> StateConflict:
    """What is about to end is no answer to who wants a binding."""
    why = "it is about to end; the order can be bound again when it has ended"
    return StateConflict(known.state, why, retry_after_s=_ENDS_WITHIN_S)


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
        number = _number(engine, wanted, lost)
        extension = _extension(engine, wanted, number)
        if number and wanted.mode is Mode.AXE and extension is None:
            lost.add(number.x)
            continue
        binding = _intent(engine, wanted, number, extension, deadline)
        try:
            fills = number is not None and number.pairs + 1 >= wanted.wish.capacity
            _create(engine, binding, wanted.replaces, fills=fills)
        except Contended:
            break
        except Refused as refused:
            if refused.action in (IDEMPOTENCY, PAIR):
                twin = _same_before(engine, wanted)
                if twin:
                    return twin
            elif number:
                _note_collision(wanted, number, refused, lost)
        else:
            return BindResult(binding, created=True)
    raise Busy


def _note_collision(wanted: Wanted, number: XNumber, refused: Refused, lost: set[str]) -> None:
    """Avoid an X that another bind was faster on; raises PartyConflict where the request allows no other."""
    holder = str((refused.found or {}).get("pk", ""))
    if refused.action == EXTENSION:
        if wanted.extension:
            raise PartyConflict("extension")
    elif not wanted.wish.x:
        lost.add(number.x)
    elif refused.action == PLACE and holder.endswith(f"#{ANYONE}"):
        raise PartyConflict("anyone")


def _extension(engine: Engine, wanted: Wanted, number: XNumber | None) -> str | None:
    """The digits that shall lead to A on this X; None where the mode has none, or X has none left."""
    if wanted.extension or number is None or wanted.mode is not Mode.AXE:
        return wanted.extension
    extension = free_extension(engine, number.x, wanted.extension_digits)
    if extension is None and wanted.wish.x:
        raise PoolEmpty(PoolReason.FULL)
    return extension


def _number(engine: Engine, wanted: Wanted, lost: set[str]) -> XNumber | None:
    """Choose an X; None where the platform chooses. Raises PoolEmpty, PartyConflict, InvalidRequest."""
    if not wanted.names_x:
        return None
    taken, last = _taken(engine, wanted) | lost, None
    if wanted.sticky is not Sticky.NONE and not wanted.wish.x:
        last = engine.store.last_x(wanted.application, wanted.met)
    if wanted.sticky is Sticky.AVOID and last:
        with suppress(PoolEmpty):
            return choose(engine.numbers, wanted.wish, taken=taken | {last}, random=engine.random)
    return choose(engine.numbers, replace(wanted.wish, prefer=last), taken=taken, random=engine.random)


def _taken(engine: Engine, wanted: Wanted) -> frozenset[str]:
    """Numbers on which these people cannot be bound; raises PartyConflict for a named one, PoolEmpty."""
    a, *others = wanted.people
    standing = occupied(engine, wanted.application, a)
    limit = wanted.rules.x_per_person
    if limit and len(standing) > limit:
        # `standing` also holds the person's own number.
        raise PoolEmpty(PoolReason.PERSON_LIMIT)
    opposite = occupied(engine, wanted.application, *others) if others else frozenset()
    if wanted.wish.x:
        for field, where in (("a", standing), ("b", opposite)):
            if wanted.wish.x in where:
                raise PartyConflict(field)
        return frozenset()
    return standing | opposite


def _intent(
    engine: Engine, wanted: Wanted, number: XNumber | None, extension: str | None, deadline: Deadline
) -> Binding:
    now = engine.clock()
    in_flight = engine.in_flight_until(deadline)
    binding = Binding(
        id=engine.new_id("b"),
        application=wanted.application,
        order=wanted.order,
        mode=wanted.mode,
        state=State.REQUESTED,
        version=1,
        x=number.x if number else "",
        area=number.area_code if number else wanted.wish.area or "",
        terms=wanted.terms,
        created_at=now,
        updated_at=now,
        content_hash=wanted.content_hash,
        due_at=in_flight,
        in_flight_until=in_flight,
        partners=_partners(engine, wanted),
        anyone=wanted.anyone,
        extension=extension,
        idle_s=wanted.idle_s,
        waits_s=wanted.waits_s,
        platform_chooses=wanted.platform_chooses,
        features=wanted.features,
        record_hint_tone=wanted.record_hint_tone,
        user_reference=wanted.user_reference,
        idempotency=wanted.idempotency,
        wanted_area=wanted.wish.area,
        cities=wanted.wish.cities,
        spread=wanted.wish.spread,
        fixed_x=wanted.wish.x is not None,
        binds=1,
    )
    return replace(binding, platform_ends_at=platform_end(now, life_s(engine, binding)))


def _partners(engine: Engine, wanted: Wanted) -> tuple[Partner, ...]:
    """The partner that a bind names; where the platform stores nothing, he stands there at once."""
    if wanted.partner is None:
        return ()
    state = PartnerState.WANTED if wanted.rules.at_platform else PartnerState.HELD
    return (Partner(engine.new_id("p"), wanted.partner, None, state, founding=True),)


def _create(engine: Engine, binding: Binding, replaces: str | None, *, fills: bool) -> None:
    engine.store.create(
        engine.record(binding),
        now=int(binding.created_at.timestamp()),
        key_expires_at=int((binding.created_at + timedelta(days=KEY_DAYS)).timestamp()),
        fills=fills,
        replaces=replaces,
    )
