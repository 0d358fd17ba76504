"""The gate: what ends a call at once, whatever its mode (axb.md §6.2). The first failing check refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from emulator.found import Exchange, Found, Prelude
from emulator.lookups import LOOKUPS
from emulator.world import Application, Mode, Number
from privatenumber import phone


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer: what was found, and the code that ends the call at once, if any.

    ``at_door``: refused before the mode had a say (rows 2 to 5).
    """

    found: Found
    refused: int | None
    at_door: bool = False


def decide(exchange: Exchange, number: Number, caller: str, at: datetime, *, x_engaged: bool) -> Decision:
    """Judge a call to a number that belongs to an application. ``x_engaged``: X is in a call already."""
    application = exchange.world.applications[number.app_key]
    found = LOOKUPS[application.mode](exchange, number, caller, at)
    refused = next(_at_the_door(exchange, application, number, caller), None)
    if refused is not None:
        return Decision(found, refused, at_door=True)
    if found.prelude is not Prelude.NONE:
        return Decision(found, None)
    return Decision(found, judge(exchange, application, found, x_engaged=x_engaged))


def judge(
    exchange: Exchange, application: Application, found: Found, *, x_engaged: bool = False
) -> int | None:
    """Return the code that refuses the way that was found, or None (rows 6 to 11, then a busy X)."""
    return next(_on_the_way(exchange, application, found, x_engaged), None)


def _at_the_door(exchange: Exchange, application: Application, number: Number, caller: str) -> Iterator[int]:
    if not number.usable:
        yield 8055
    if exchange.world.account_of(application.app_key).frozen:
        yield 7108
    yield from _origin(caller)
    if caller in application.caller_blacklist:
        yield 7005


def _on_the_way(exchange: Exchange, application: Application, found: Found, x_engaged: bool) -> Iterator[int]:
    if found.refused is not None:
        yield found.refused
    if _unregistered(application, found):
        yield exchange.settings.calls.unregistered_a_code
    if not found.shows_private_number:
        yield 8024
    if _records_silently(exchange, application, found):
        yield 8059
    if found.route is not None and found.route.destination in application.callee_blacklist:
        yield 7004
    if _tone_is_gone(application, found):
        yield 7507
    if found.one_at_a_time and x_engaged:
        yield 8102


def _origin(caller: str) -> Iterator[int]:
    if not caller.startswith("+86"):
        yield 8042
    elif phone.is_global(caller) and phone.kind(caller) is phone.NumberKind.LANDLINE:
        yield 8023


def _unregistered(application: Application, found: Found) -> bool:
    if application.mode not in (Mode.AX, Mode.AXB, Mode.AXE) or application.registered_a is None:
        return False
    return found.protected is not None and found.protected not in application.registered_a


def _records_silently(exchange: Exchange, application: Application, found: Found) -> bool:
    if exchange.settings.calls.record_without_hint != "intercept" or found.route is None:
        return False
    return found.route.record and application.recording and not found.route.record_hint_tone


def _tone_is_gone(application: Application, found: Found) -> bool:
    if application.voice_files is None or found.route is None:
        return False
    tones = (found.route.pre_voice, found.route.last_minute_voice, found.route.record_hint_tone)
    return any(tone is not None and tone not in application.voice_files for tone in tones)
