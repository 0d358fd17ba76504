"""One lookup per mode: who is reached when somebody dials a private number (axb.md §7 and its sisters).

Everything is read here, once; nothing that happens to a binding later changes the call (axb.md §6.4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from emulator.ax import AxBinding
from emulator.axe import AxeBinding
from emulator.axyb import AxybBinding, AxybPair, pair_of
from emulator.callrecord import Route
from emulator.found import ABNORMAL, Exchange, Found, Prelude
from emulator.world import Application, AxbBinding, Mode, Number
from privatenumber.phone import InvalidNumber, normalise

TO_A, FROM_A = 0, 1
"""``direction``: others or B call A; A calls (notifications.md §5.3)."""
ONLY_A_CALLS, ONLY_OTHERS_CALL = 1, 2
"""``callDirection`` of a binding."""

Lookup = Callable[[Exchange, Number, str, datetime], Found]


def find_axb(exchange: Exchange, number: Number, caller: str, at: datetime) -> Found:
    """Find the pair in which the caller stands (axb.md §7)."""
    binding = exchange.world.axb_of(number.x, caller, at)
    if binding is None:
        return Found(refused=8014)
    a_calls = caller == binding.a
    forbidden = binding.direction == (ONLY_OTHERS_CALL if a_calls else ONLY_A_CALLS)
    return Found(
        direction=FROM_A if a_calls else TO_A,
        subscription_id=binding.subscription_id,
        user_data=binding.user_data,
        refused=8016 if forbidden else None,
        route=_route(binding, binding.other(caller), a_calls),
        protected=binding.a,
    )


def find_ax(exchange: Exchange, number: Number, caller: str, at: datetime) -> Found:
    """A reaches the temporary callee, everybody else reaches A (ax.md §7)."""
    book, rules = exchange.world.ax, exchange.settings.ax
    binding = book.on_x(number.x)
    if binding is None:
        return Found(refused=8018)
    known = Found(
        direction=FROM_A if caller == binding.a else TO_A,
        subscription_id=binding.subscription_id,
        user_data=binding.user_data,
        protected=binding.a,
        one_at_a_time=True,
    )
    if caller != binding.a:
        return _others_call_ax(known, binding, rules.turn_off_code)
    callee = book.callee(binding.subscription_id, at)
    if binding.direction == ONLY_OTHERS_CALL or callee is None:
        return replace(known, refused=8016 if binding.direction == ONLY_OTHERS_CALL else 8013)

    def consume(moment: datetime) -> None:
        if rules.temp_callee_consumption == "first_call":
            book.use_callee(binding.subscription_id)

    return replace(
        known,
        user_data=callee.user_data or binding.user_data,
        route=_route(binding, callee.number, a_calls=True),
        on_callout=consume,
    )


def _others_call_ax(known: Found, binding: AxBinding, turn_off_code: int) -> Found:
    if binding.direction == ONLY_A_CALLS:
        return replace(known, refused=8016)
    if binding.turned_on is False:
        return replace(known, refused=turn_off_code)
    return replace(
        known,
        route=_route(binding, binding.a, a_calls=False),
        shows_private_number=not binding.display_real,
    )


def find_axe(exchange: Exchange, number: Number, caller: str, at: datetime) -> Found:
    """A calls back; everybody else is asked for an extension (axe.md §6)."""
    binding = exchange.world.axe.of_party(number.x, caller, at)
    if binding is None:
        return Found(prelude=Prelude.DIGITS)
    application = exchange.world.applications[number.app_key]
    known = Found(
        direction=FROM_A,
        subscription_id=binding.subscription_id,
        user_data=binding.user_data,
        protected=binding.a,
        extension=binding.extension,
    )
    callee, tone = _call_back(exchange, application, binding, at)
    if callee is None:
        return replace(known, refused=8019, end_tone=tone)
    return replace(known, route=_axe_route(binding, callee))


def find_extension(
    exchange: Exchange, number: Number, caller: str, digits: str, at: datetime
) -> Found | None:
    """Find A behind an extension; None when nobody stands there (axe.md §6.1)."""
    book, rules = exchange.world.axe, exchange.settings.axe
    binding = book.by_extension(number.x, digits, at)
    if binding is None:
        return None

    def record(moment: datetime) -> None:
        book.record_caller(binding.subscription_id, caller, moment)

    found = Found(
        direction=TO_A,
        subscription_id=binding.subscription_id,
        user_data=binding.user_data,
        protected=binding.a,
        extension=binding.extension,
        shows_private_number=binding.display_mode == "0",
        route=_axe_route(binding, binding.a),
    )
    if rules.callback_record_on == "callout":
        return replace(found, on_callout=record)
    return replace(found, on_answer=record)


def _call_back(
    exchange: Exchange, application: Application, binding: AxeBinding, at: datetime
) -> tuple[str | None, str | None]:
    """Whom A reaches by dialling X, or the tone A hears instead (axe.md §6.2)."""
    last = exchange.world.axe.last_caller(binding.subscription_id, at)
    if last or binding.callback_number:
        return last or binding.callback_number, None
    if binding.callback_tone:
        return None, binding.callback_tone
    kind, _, value = application.axe_callback_default.partition(":")
    if kind == "number":
        try:
            return normalise(value), None
        except InvalidNumber:
            return value, None
    return None, value or None


def find_axyb(exchange: Exchange, number: Number, caller: str, at: datetime) -> Found:
    """A dials the Y of a B, a B dials X (axyb.md §5)."""
    book = exchange.world.axyb
    ax = book.on_x(number.x, at)
    if ax is not None:
        return _dials_x(exchange, number, ax, caller, at)
    pair = book.pair_with_y(number.app_key, caller, number.x, at)
    if pair is not None:
        return _a_dials_y(exchange, pair, at)
    own = any(pair.b == caller for pair in book.pairs_on_y(number.x, at))
    return Found(refused=8032 if own else 8030)


def _a_dials_y(exchange: Exchange, pair: AxybPair, at: datetime) -> Found:
    ax = exchange.world.axyb.by_id(pair.ax_id, at)
    if ax is None:
        return Found(refused=8030)
    return Found(
        direction=FROM_A,
        subscription_id=ax.subscription_id,
        user_data=pair.user_data,
        refused=8016 if ax.direction == ONLY_OTHERS_CALL else None,
        route=_axyb_route(ax, display=ax.x, destination=pair.b, tone=ax.pre_voice_x),
    )


def _dials_x(exchange: Exchange, number: Number, ax: AxybBinding, caller: str, at: datetime) -> Found:
    if caller == ax.a:
        return Found(refused=8032)
    book = exchange.world.axyb
    pair, allocated = book.pair_of_b(ax.subscription_id, caller, at), False
    if ax.direction == ONLY_A_CALLS:
        user_data = pair.user_data if pair is not None else ax.user_data
        return Found(direction=TO_A, subscription_id=ax.subscription_id, user_data=user_data, refused=8016)
    if pair is None:
        if not exchange.settings.axyb.auto_y:
            return Found(refused=8030)
        application = exchange.world.applications[number.app_key]
        y = exchange.pool.allocate_y(application, ax, area=None, strict_area=False, at=at)
        if y is None:
            return Found(refused=8031)
        pair = pair_of(ax, exchange.world.new_id(), y.x, caller, at, automatic=True)
        allocated = True
    chosen = pair

    def keep(moment: datetime) -> None:
        if allocated:
            book.add_pair(chosen)

    return Found(
        direction=TO_A,
        subscription_id=ax.subscription_id,
        user_data=pair.user_data,
        route=_axyb_route(ax, display=pair.y, destination=ax.a, tone=pair.pre_voice_y),
        on_accepted=keep,
    )


def find_x(exchange: Exchange, number: Number, caller: str, at: datetime) -> Found:
    """The platform stores nothing: the customer's server is asked (x.md §2)."""
    return Found(direction=ABNORMAL, prelude=Prelude.QUESTION)


LOOKUPS: Mapping[Mode, Lookup] = MappingProxyType(
    {Mode.AX: find_ax, Mode.AXB: find_axb, Mode.AXE: find_axe, Mode.AXYB: find_axyb, Mode.X: find_x}
)
"""One lookup per mode; a mode joins the call engine by standing here."""


def _route(binding: AxBinding | AxbBinding, destination: str, a_calls: bool) -> Route:
    return Route(
        display=binding.x,
        destination=destination,
        max_duration_min=binding.max_duration or 0,
        record=binding.record,
        record_hint_tone=binding.record_hint_tone if binding.record else None,
        pre_voice=binding.caller_hint_tone if a_calls else binding.callee_hint_tone,
        last_minute_voice=binding.last_min_voice if binding.max_duration else None,
    )


def _axe_route(binding: AxeBinding, destination: str) -> Route:
    return Route(
        display=binding.x,
        destination=destination,
        record=binding.record,
        record_hint_tone=binding.record_hint_tone if binding.record else None,
    )


def _axyb_route(ax: AxybBinding, *, display: str, destination: str, tone: str | None) -> Route:
    return Route(
        display=display,
        destination=destination,
        record=ax.record,
        record_hint_tone=ax.record_hint_tone if ax.record else None,
        pre_voice=tone,
    )
