"""What the platform decides when a call arrives: the lookup of the mode, then the gate (axb.md §6.2, §7).

Everything is read here, once; nothing that happens to the binding later changes the call (axb.md §6.4).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from emulator.callrecord import Route
from emulator.settings import EmulatorSettings
from emulator.world import Application, AxbBinding, Mode, Number, NumberStatus, World
from privatenumber import phone

ABNORMAL = 2
B_CALLS = 0
A_CALLS = 1
ONLY_A_CALLS = 1
ONLY_B_CALLS = 2


@dataclass(frozen=True, slots=True)
class Found:
    """What the lookup of a mode says about one caller on one private number.

    `refused`: the mode's code when it has no way for this call. `protected`: A, who must be registered.
    """

    direction: int = ABNORMAL
    subscription_id: str | None = None
    user_data: str | None = None
    refused: int | None = None
    route: Route | None = None
    protected: str | None = None
    shows_private_number: bool = True
    extension: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer: what was found, and the code that ends the call at once, if any."""

    found: Found
    refused: int | None


Lookup = Callable[[World, Number, str, datetime], Found]


def find_axb(world: World, number: Number, caller: str, at: datetime) -> Found:
    """Find the pair in which the caller stands (axb.md §7)."""
    binding = world.axb_of(number.x, caller, at)
    if binding is None:
        return Found(refused=8014)
    a_calls = caller == binding.a
    forbidden = binding.direction == (ONLY_B_CALLS if a_calls else ONLY_A_CALLS)
    return Found(
        direction=A_CALLS if a_calls else B_CALLS,
        subscription_id=binding.subscription_id,
        user_data=binding.user_data,
        refused=8016 if forbidden else None,
        route=_axb_route(binding, caller),
        protected=binding.a,
    )


def _axb_route(binding: AxbBinding, caller: str) -> Route:
    a_calls = caller == binding.a
    return Route(
        display=binding.x,
        destination=binding.other(caller),
        max_duration_min=binding.max_duration,
        record=binding.record,
        record_hint_tone=binding.record_hint_tone if binding.record else None,
        pre_voice=binding.caller_hint_tone if a_calls else binding.callee_hint_tone,
        last_minute_voice=binding.last_min_voice if binding.max_duration else None,
    )


LOOKUPS: Mapping[Mode, Lookup] = MappingProxyType({Mode.AXB: find_axb})
"""One lookup per mode; a mode joins the call engine by standing here."""


def decide(world: World, settings: EmulatorSettings, number: Number, caller: str, at: datetime) -> Decision:
    """Judge a call to a number that belongs to an application.

    Raises KeyError for a mode without a lookup. The first failing check of axb.md §6.2 rows 2-11 refuses.
    """
    application = world.applications[number.app_key]
    found = LOOKUPS[application.mode](world, number, caller, at)
    checks = _refusals(world, settings, application, number, caller, found)
    return Decision(found, next(checks, None))


def _refusals(
    world: World,
    settings: EmulatorSettings,
    application: Application,
    number: Number,
    caller: str,
    found: Found,
) -> Iterator[int]:
    """Yield the codes of all failing checks, in the order of the table."""
    if number.status in (NumberStatus.SUSPENDED, NumberStatus.UNAVAILABLE):
        yield 8055
    if world.account_of(application.app_key).frozen:
        yield 7108
    yield from _origin(caller)
    if caller in application.caller_blacklist:
        yield 7005
    if found.refused is not None:
        yield found.refused
    if _unregistered(application, found):
        yield settings.calls.unregistered_a_code
    if not found.shows_private_number:
        yield 8024
    if _records_silently(settings, application, found):
        yield 8059
    if found.route is not None and found.route.destination in application.callee_blacklist:
        yield 7004
    if _tone_is_gone(application, found):
        yield 7507


def _origin(caller: str) -> Iterator[int]:
    if not caller.startswith("+86"):
        yield 8042
    elif phone.is_global(caller) and phone.kind(caller) is phone.NumberKind.LANDLINE:
        yield 8023


def _unregistered(application: Application, found: Found) -> bool:
    if application.mode not in (Mode.AX, Mode.AXB, Mode.AXE) or application.registered_a is None:
        return False
    return found.protected is not None and found.protected not in application.registered_a


def _records_silently(settings: EmulatorSettings, application: Application, found: Found) -> bool:
    if settings.calls.record_without_hint != "intercept" or found.route is None:
        return False
    return found.route.record and application.recording and not found.route.record_hint_tone


def _tone_is_gone(application: Application, found: Found) -> bool:
    if application.voice_files is None or found.route is None:
        return False
    tones = (found.route.pre_voice, found.route.last_minute_voice, found.route.record_hint_tone)
    return any(tone is not None and tone not in application.voice_files for tone in tones)
