"""AX: bind, unbind, modify, query, set temporary callee, each with the check table of its page (ax.md)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from emulator.api.binding_rules import (
    LONGEST_CALL_MIN,
    USER_DATA_FORBIDDEN,
    Caller,
    Desk,
    given_only,
    note_silent_recording,
    read_area,
    shown,
)
from emulator.api.errors import Payload, Refusal, invalid, missing, success
from emulator.api.params import Parameters, needed
from emulator.ax import AxBinding, TemporaryCallee

LONGEST_CALLEE_S = 259_200
DEFAULT_CALLEE_S = 60
NUMBER_TYPE = "mobile-virtual"
_TURNED = {"on": True, "off": False}


class AxApi:
    """The five operations. Each runs without interruption: what was checked still holds when it is done."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._book = desk.world.ax

    def bind(self, caller: Caller, given: Parameters) -> Payload:
        """POST: put A behind an X. Raises Refusal."""
        wanted, (area, strict_area) = _wanted(caller, given), read_area(given)
        _check_number_type(given, area)
        if not wanted.x and area is None:
            raise missing("privateNum")
        self._desk.check_recording(caller, wanted.record)
        if wanted.x:
            self._desk.check_bindable(self._desk.own_number(caller, wanted.x, "1011001"))
            if self._book.on_x(wanted.x) is not None:
                raise Refusal(403, "1011005")
        self._check_room(caller, wanted.a)
        self._desk.check_daily_limit(caller, wanted.a)
        if not wanted.x:
            chosen = self._desk.pool.choose_ax(
                caller.application, area=area or "", strict_area=strict_area, at=caller.at
            )
            if chosen is None:
                raise Refusal(403, "1012008")
            wanted = replace(wanted, x=chosen.x)
        bound = self._book.add(replace(wanted, subscription_id=self._desk.world.new_id()))
        self._desk.count_bind(caller, bound.a)
        return success(origNum=bound.a, privateNum=bound.x, subscriptionId=bound.subscription_id)

    def unbind(self, caller: Caller, given: Parameters) -> Payload:
        """DELETE: by id, else by X. Raises Refusal."""
        binding = self._located(caller, given)
        self._check_touchable(binding)
        self._book.end(binding.subscription_id, caller.at)
        return success()

    def modify(self, caller: Caller, given: Parameters) -> Payload:
        """PUT: change what is given. Raises Refusal."""
        changes = given_only(
            {
                "a": given.party("origNum", 1, 32),
                "record": given.flag("recordFlag"),
                "record_hint_tone": given.tone("recordHintTone", 1),
                "max_duration": given.integer("maxDuration", 0, LONGEST_CALL_MIN),
                "last_min_voice": given.tone("lastMinVoice"),
                "private_sms": given.flag("privateSms"),
                "user_data": given.user_data(USER_DATA_FORBIDDEN),
                "turned_on": _turned(given),
                "direction": given.integer("callDirection", 0, 2),
            }
        )
        binding = self._located(caller, given)
        changed = replace(binding, **changes)
        if changed.a == changed.x:
            raise invalid("origNum")
        self._check_touchable(binding)
        self._desk.check_recording(caller, changes.get("record"))
        if changed.a != binding.a:
            self._check_room(caller, changed.a)
        if changed != binding:
            self._book.change(replace(changed, changed_at=caller.at))
        note_silent_recording(changed.record, changed.record_hint_tone, given)
        return success()

    def query(self, caller: Caller, given: Parameters) -> Payload:
        """GET: by id, else all of A, else the one of X. Raises Refusal; never an empty list."""
        if given.has("subscriptionId"):
            found = self._book.by_id(needed(given.text("subscriptionId", 1, 64), "subscriptionId"), caller.at)
            rows = [found] if found is not None else []
        elif given.has("origNum"):
            rows = self._book.of(caller.application.app_key, needed(given.text("origNum", 1, 32), "origNum"))
        else:
            on_x = self._book.on_x(needed(given.text("privateNum", 1, 32), "subscriptionId"))
            rows = [on_x] if on_x is not None else []
        rows = [row for row in rows if row.app_key == caller.application.app_key]
        if not rows:
            raise Refusal(403, "1016001")
        return success(privateNumList=[self._row(row) for row in rows])

    def set_callee(self, caller: Caller, given: Parameters) -> Payload:
        """PUT calleenumber: say whom A reaches by dialling X; replaces an earlier one. Raises Refusal."""
        number = needed(given.party("calleeNum", 4, 31, service=True), "calleeNum")
        seconds = given.integer("duration", 1, LONGEST_CALLEE_S) or DEFAULT_CALLEE_S
        user_data = given.user_data(USER_DATA_FORBIDDEN)
        binding = self._located(caller, given, 4, 31)
        if number in (binding.a, binding.x):
            raise invalid("calleeNum")
        self._check_touchable(binding)
        ends = caller.at + timedelta(seconds=seconds)
        self._book.set_callee(binding.subscription_id, TemporaryCallee(number, caller.at, ends, user_data))
        return success()

    def _located(self, caller: Caller, given: Parameters, shortest: int = 1, longest: int = 32) -> AxBinding:
        """Find the binding by id, else by X of that length; A is never evaluated (ax.md §3, §6)."""
        if given.has("subscriptionId"):
            wanted = needed(given.text("subscriptionId", 1, 64), "subscriptionId")
            binding = self._book.by_id(wanted, caller.at)
        else:
            x = needed(given.text("privateNum", shortest, longest), "subscriptionId")
            self._desk.own_number(caller, x, "1011001")
            binding = self._book.on_x(x)
        if binding is None or binding.app_key != caller.application.app_key:
            raise Refusal(403, "1011004")
        return binding

    def _check_touchable(self, binding: AxBinding) -> None:
        self._desk.check_changeable(binding.x)

    def _check_room(self, caller: Caller, a: str) -> None:
        if len(self._book.of(caller.application.app_key, a)) >= self._desk.settings.limits.x_per_a:
            raise Refusal(403, "1011003")

    def _row(self, binding: AxBinding) -> Payload:
        tones = given_only(
            {"callerHintTone": binding.caller_hint_tone, "calleeHintTone": binding.callee_hint_tone}
        )
        return shown(
            {
                "origNum": binding.a,
                "privateNum": binding.x,
                "privateNumType": NUMBER_TYPE,
                "subscriptionId": binding.subscription_id,
                "subscribeTime": self._desk.beijing_text(binding.bound_at),
                "calleeNumDisplay": _text_of(binding.display_real, "1", "0"),
                "recordFlag": binding.record,
                "recordHintTone": binding.record_hint_tone,
                "privateSms": binding.private_sms,
                "preVoice": tones or None,
                "lastMinVoice": binding.last_min_voice,
                "maxDuration": binding.max_duration,
                "turnFlag": _text_of(binding.turned_on, "on", "off"),
                "callDirection": binding.direction,
                "userData": binding.user_data,
            }
        )


def _wanted(caller: Caller, given: Parameters) -> AxBinding:
    """Row 1: read and check every parameter of a bind; no id yet, and no ``x`` when none is named."""
    a = needed(given.party("origNum", 1, 32), "origNum")
    x = given.text("privateNum", 1, 32) or ""
    if a == x:
        raise invalid("privateNum")
    tones = given.nested("preVoice")
    display = given.digit("calleeNumDisplay", {"0", "1"})
    binding = AxBinding(
        subscription_id="",
        app_key=caller.application.app_key,
        x=x,
        bound_at=caller.at,
        a=a,
        direction=given.integer("callDirection", 0, 2),
        turned_on=_turned(given),
        display_real=None if display is None else display == "1",
        record=given.flag("recordFlag") or False,
        record_hint_tone=given.tone("recordHintTone", 1),
        max_duration=given.integer("maxDuration", 0, LONGEST_CALL_MIN),
        last_min_voice=given.tone("lastMinVoice"),
        private_sms=given.flag("privateSms"),
        caller_hint_tone=tones.tone("callerHintTone"),
        callee_hint_tone=tones.tone("calleeHintTone"),
        user_data=given.user_data(USER_DATA_FORBIDDEN),
    )
    note_silent_recording(binding.record, binding.record_hint_tone, given)
    return binding


def _turned(given: Parameters) -> bool | None:
    """Read ``turnFlag``; lenient takes any case and JSON booleans (numbers.md §7.2)."""
    value = given.values.get("turnFlag")
    if isinstance(value, bool) and not given.strict:
        return value
    text = given.text("turnFlag", 1, 8)
    if text is None:
        return None
    found = _TURNED.get(text if given.strict else text.lower())
    if found is None:
        raise invalid("turnFlag")
    return found


def _text_of(value: bool | None, yes: str, no: str) -> str | None:
    return None if value is None else (yes if value else no)


def _check_number_type(given: Parameters, area: str | None) -> None:
    kind = given.text("privateNumType", 1, 32)
    if kind not in (None, NUMBER_TYPE):
        raise invalid("privateNumType")
    if given.strict and kind is None and area is not None:
        raise missing("privateNumType")
