"""Reading what a business system asks for: every rule that needs neither table nor platform.

Errors name the field and the rule, never the value: it may be a person's number.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Final

from privatenumber.bindings.checks import check_end, check_partner, check_terms, read_number, read_party
from privatenumber.bindings.choose import ANY, MAX_CITIES, PROVINCE, Wish
from privatenumber.bindings.commands import BindCommand, Chooser, Wanted
from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.model import MIN_LIFE_S, Features, Party, Terms
from privatenumber.bindings.references import check_order, check_reference
from privatenumber.bindings.rules import DAY_S, RULES, ModeRules, capacity
from privatenumber.bindings.waiting import check_wait
from privatenumber.phone import NumberKind, kind
from privatenumber.phone_areas import AREA_CODE
from privatenumber.privacy import Keyring, token
from privatenumber.settings import Application, Mode

_TONE: Final = re.compile(r"[0-9A-Za-z\-_.@]{1,128}")
_AREA: Final = re.compile(AREA_CODE, re.ASCII)
_TONES: Final = ("record_hint_tone", "caller_tone", "callee_tone", "last_minute_tone", "callback_tone")
_NUMBERS: Final = frozenset({"a", "b", "x", "callback_number"})
_NOT_CONTENT: Final = frozenset({"idempotency_key", "mode", "replaces"})
"""An application has one mode: whether it is named makes no difference."""

_OF_SOME_MODES: Final = frozenset[str]().union(*(rules.fields for rules in RULES.values()))
_DEFAULTS: Final = {one.name: one.default for one in fields(BindCommand)}


def read_command(
    command: BindCommand, *, application: Application, now: datetime, keyring: Keyring
) -> Wanted:
    """Check a command for an application; raises InvalidRequest."""
    mode = _mode(command, application)
    rules = RULES[mode]
    _check_fields(command, mode, rules)
    check_wait(command.release_wait_seconds, "release_wait_seconds")
    if command.chosen_by is Chooser.PLATFORM:
        _check_left_to_platform(command, mode)
    a = read_party(command.a, "a", keyring)
    opposite = read_party(command.b, "b", keyring) if command.b else None
    terms = Terms(
        a,
        None if rules.partners else opposite,
        _end(command, now, rules),
        command.direction,
        command.max_minutes,
    )
    partner = opposite if rules.partners else None
    x = read_number(command.x, "x") if command.x else None
    _check_numbers(command, terms, partner, x)
    people = (*terms.people, *([partner] if partner else []))
    check_order(command.order, *people)
    check_reference(command.user_reference, *people)
    digits = application.axe_digits
    key, replaced = command.idempotency_key, command.replaces
    return Wanted(
        application=command.application,
        order=command.order,
        mode=mode,
        terms=terms,
        partner=partner,
        anyone=command.anyone,
        wish=Wish(
            command.application,
            command.area,
            _fallbacks(command),
            x,
            capacity(mode, digits),
            spread=command.spread,
        ),
        sticky=command.sticky,
        idle_s=_idle(command, rules),
        waits_s=command.release_wait_seconds,
        platform_chooses=command.chosen_by is Chooser.PLATFORM,
        extension=_extension(command.extension, digits),
        extension_digits=digits,
        features=_features(command),
        record_hint_tone=command.record_hint_tone,
        user_reference=command.user_reference,
        idempotency=token(keyring, key, purpose="idempotency") if key else None,
        content_hash=replaced.content_hash if replaced else _content_hash(command, keyring),
        replaces=replaced.binding_id if replaced else None,
    )


def _mode(command: BindCommand, application: Application) -> Mode:
    if command.mode not in (None, application.mode):
        raise InvalidRequest(
            "mode",
            f"must be {application.mode.value}, the mode of this application for life; "
            "the platform answers 1010040 to every other mode",
        )
    return application.mode


def _check_fields(command: BindCommand, mode: Mode, rules: ModeRules) -> None:
    """Refuse what the mode does not know rather than to leave it out silently."""
    for name in sorted(_OF_SOME_MODES - rules.fields):
        if getattr(command, name) != _DEFAULTS[name]:
            raise InvalidRequest(name, f"does not exist in mode {mode.value}")
    if rules.required and not any(getattr(command, name) for name in rules.required):
        raise InvalidRequest(rules.required[0], f"is required in mode {mode.value}{_or(rules.required[1:])}")


def _check_left_to_platform(command: BindCommand, mode: Mode) -> None:
    """Refuse wishes about X that the platform does not know (numbers.md §2.1)."""
    for name in ("x", "spread", "sticky"):
        if getattr(command, name) != _DEFAULTS[name]:
            raise InvalidRequest(name, "cannot be given when the platform chooses X")
    if command.area is None and mode is not Mode.AXB:
        raise InvalidRequest("area", f"is required when the platform chooses X in mode {mode.value}")
    if _fallbacks(command) not in ((), (ANY,), (PROVINCE, ANY)):
        raise InvalidRequest(
            "fallback_areas", "must be province and any, or nothing, when the platform chooses X"
        )


def _or(others: tuple[str, ...]) -> str:
    return "".join(f", or {name}" for name in others)


def _check_numbers(command: BindCommand, terms: Terms, partner: Party | None, x: str | None) -> None:
    if x and kind(x) is not NumberKind.MOBILE:
        raise InvalidRequest("x", "must be an X number")
    if command.area is not None and not _AREA.fullmatch(command.area):
        raise InvalidRequest("area", "must be a city code with its leading zero, like 0755 or 010")
    for name in _TONES:
        tone = getattr(command, name)
        if tone is not None and not _TONE.fullmatch(tone):
            raise InvalidRequest(name, "must be a file name of letters, digits, - _ . or @")
    if command.callback_number and command.callback_tone:
        raise InvalidRequest("callback_tone", "must not be given together with callback_number")
    check_terms(terms, x)
    if partner:
        check_partner(partner, terms.a, x)


def _end(command: BindCommand, now: datetime, rules: ModeRules) -> datetime:
    if (command.ends_at is None) == (command.ttl_seconds is None):
        raise InvalidRequest("ends_at", "give either ends_at or ttl_seconds")
    if command.ends_at is not None:
        check_end(command.ends_at, now, rules)
        return command.ends_at
    seconds, longest = command.ttl_seconds or 0, rules.longest_s
    if not MIN_LIFE_S <= seconds <= longest:
        raise InvalidRequest("ttl_seconds", f"must be {MIN_LIFE_S} to {longest} ({longest // DAY_S} days)")
    return now + timedelta(seconds=seconds)


def _idle(command: BindCommand, rules: ModeRules) -> int | None:
    seconds = command.idle_seconds
    if seconds is not None and not MIN_LIFE_S <= seconds <= rules.longest_s:
        raise InvalidRequest("idle_seconds", f"must be {MIN_LIFE_S} to {rules.longest_s}")
    return seconds


def _fallbacks(command: BindCommand) -> tuple[str, ...]:
    """The fallback cities in turn; the short form means any other city."""
    cities = command.fallback_areas + ((ANY,) if command.fallback_any_area else ())
    if len(cities) > MAX_CITIES:
        raise InvalidRequest("fallback_areas", f"must be at most {MAX_CITIES}")
    if command.fallback_areas and command.area is None:
        raise InvalidRequest("fallback_areas", "need an area that they stand in for")
    if not all(city in (ANY, PROVINCE) or _AREA.fullmatch(city) for city in cities):
        raise InvalidRequest("fallback_areas", "must be city codes with leading zero, province or any")
    return cities


def _extension(text: str | None, digits: int) -> str | None:
    """Leading zeros count; zero alone is never used (axe.md §1.1)."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) == digits and int(text)):
        raise InvalidRequest("extension", f"must be {digits} digits, not all of them 0")
    return text


def _features(command: BindCommand) -> Features:
    number = command.callback_number
    return Features(
        sms=command.sms,
        caller_tone=command.caller_tone,
        callee_tone=command.callee_tone,
        last_minute_tone=command.last_minute_tone,
        callback_number=read_number(number, "callback_number") if number else None,
        callback_tone=command.callback_tone,
    )


def _content_hash(command: BindCommand, keyring: Keyring) -> str:
    """Token of everything asked for except the Idempotency-Key: equal for a repetition, tells no number."""
    content = {
        name: _comparable(name, value)
        for name, default in _DEFAULTS.items()
        if name not in _NOT_CONTENT and (value := getattr(command, name)) != default
    }
    return token(keyring, json.dumps(content, sort_keys=True), purpose="content")


def _comparable(name: str, value: object) -> object:
    """A value in the one form that all its spellings have."""
    if name in _NUMBERS and isinstance(value, str):
        return read_number(value, name)
    return value.timestamp() if isinstance(value, datetime) else value
