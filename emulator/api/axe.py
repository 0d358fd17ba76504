"""AXE: bind, unbind, modify, query, each with the check table of its page (axe.md §2-§5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from emulator.api.binding_rules import (
    USER_DATA_FORBIDDEN,
    Caller,
    Desk,
    given_only,
    note_silent_recording,
    read_area,
    shown,
)
from emulator.api.errors import InvalidRequest, Payload, Refusal, invalid, missing, success
from emulator.api.params import Parameters, needed
from emulator.axe import MINUTES_PER_UNIT, AxeBinding

LONGEST = {"0": 720, "1": 43_200}
"""Longest times by ``timeUnit``: hours, minutes."""
BOUND_TEXT = "The extend number has been bound."
EXCLUSIVE = "callbackTone and callbackNum are exclusive."


class AxeApi:
    """The four operations. Each runs without interruption: what was checked still holds when it is done."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._book = desk.world.axe

    def bind(self, caller: Caller, given: Parameters) -> Payload:
        """POST: put A behind an extension of X. Raises Refusal."""
        wanted, (area, strict_area) = self._wanted(caller, given), read_area(given)
        if not wanted.x and area is None:
            raise missing("virtualNum")
        self._desk.check_recording(caller, wanted.record)
        if wanted.x:
            self._check_named(caller, wanted)
        self._desk.check_daily_limit(caller, wanted.a)
        if not wanted.x:
            chosen = self._desk.pool.choose_axe(
                caller.application,
                wanted.a,
                wanted.extension or None,
                area=area or "",
                strict_area=strict_area,
                at=caller.at,
            )
            if chosen is None:
                raise Refusal(403, "1012008")
            wanted = replace(wanted, x=chosen.x)
        if not wanted.extension:
            free = self._desk.pool.allocate_extension(caller.application, wanted.x, caller.at)
            if free is None:
                raise Refusal(403, "1020167")
            wanted = replace(wanted, extension=free)
        bound = self._book.add(replace(wanted, subscription_id=self._desk.world.new_id()))
        self._desk.count_bind(caller, bound.a)
        return success(
            subscriptionId=bound.subscription_id,
            virtualNum=bound.x,
            extendNum=bound.extension,
            bindExpiredTime=bound.life,
            callbackExpiredTime=bound.callback_life,
            userData=bound.user_data,
        )

    def unbind(self, caller: Caller, given: Parameters) -> Payload:
        """DELETE: by id, else by X and extension; there is no unbind of a whole X. Raises Refusal."""
        self._book.end(self._located(caller, given).subscription_id, caller.at)
        return success()

    def modify(self, caller: Caller, given: Parameters) -> Payload:
        """PUT: change what is given; a life starts anew. Raises Refusal."""
        unit = given.digit("timeUnit", set(LONGEST))
        changes = given_only(
            {
                "display_mode": given.digit("displayNumMode", {"0", "1"}),
                "record": given.flag("recordFlag"),
                "record_hint_tone": given.tone("recordHintTone", 1),
                **_callback_pair(given),
            }
        )
        # The unit of the times may be the binding's own, so their widest range is checked first.
        longest = LONGEST[unit] if unit is not None else max(LONGEST.values())
        life = given.integer("bindExpiredTime", 0, longest)
        callback_life = given.integer("callbackExpiredTime", 0, longest)
        binding = self._located(caller, given)
        unit = unit or binding.last_unit
        if life is not None:
            changes |= {"life": life, "time_unit": unit, "started_at": caller.at}
        if callback_life is not None:
            changes |= {"callback_life": callback_life, "callback_unit": unit}
        for name, value in (("bindExpiredTime", life), ("callbackExpiredTime", callback_life)):
            if value is not None and value > LONGEST[unit]:
                raise invalid(name)
        changed = replace(binding, **_cleaned(changes), last_unit=unit)
        _check_times(changed)
        self._desk.check_changeable(binding.x)
        self._desk.check_recording(caller, changes.get("record"))
        if changed != binding:
            self._book.change(replace(changed, changed_at=caller.at))
        note_silent_recording(changed.record, changed.record_hint_tone, given)
        return success()

    def query(self, caller: Caller, given: Parameters) -> Payload:
        """GET: one binding, by id or by X and extension. Raises Refusal."""
        return success(**self._row(self._located(caller, given)))

    def _located(self, caller: Caller, given: Parameters) -> AxeBinding:
        if given.has("subscriptionId"):
            wanted = needed(given.text("subscriptionId", 1, 64), "subscriptionId")
            binding = self._book.by_id(wanted, caller.at)
        else:
            x = needed(given.text("virtualNum", 1, 32), "subscriptionId")
            extension = needed(given.text("extendNum", 1, 4), "extendNum")
            self._desk.own_number(caller, x, "1012001")
            binding = self._book.by_extension(x, extension, caller.at)
        if binding is None or binding.app_key != caller.application.app_key:
            raise Refusal(403, "1016001")
        return binding

    def _check_named(self, caller: Caller, wanted: AxeBinding) -> None:
        """Rows 3 to 6: a party that stands there comes before a taken extension."""
        self._desk.check_bindable(self._desk.own_number(caller, wanted.x, "1012001"))
        if self._book.of_party(wanted.x, wanted.a, caller.at) is not None:
            raise Refusal(403, "1012010", text=BOUND_TEXT)
        taken = self._book.extensions_on(wanted.x, caller.at)
        if wanted.extension in taken or len(taken) >= 10**caller.application.axe_digits - 1:
            raise Refusal(403, "1020167")

    def _wanted(self, caller: Caller, given: Parameters) -> AxeBinding:
        """Row 1: read and check every parameter; no id yet, no X and no extension when none is named."""
        a = needed(given.party("bindNum", 1, 32), "bindNum")
        x = given.text("virtualNum", 1, 32) or ""
        if a == x:
            raise invalid("virtualNum")
        unit = given.digit("timeUnit", set(LONGEST))
        counted = unit or "0"
        life = given.integer("bindExpiredTime", 0, LONGEST[counted])
        callback_tone, callback_number = given.tone("callbackTone", 1), given.party("callbackNum", 1, 32)
        if callback_tone and callback_number:
            raise InvalidRequest(EXCLUSIVE)
        hours = self._desk.settings.axe.default_bind_expired_hours
        default = hours if counted == "0" else hours * 60
        binding = AxeBinding(
            subscription_id="",
            app_key=caller.application.app_key,
            x=x,
            bound_at=caller.at,
            started_at=caller.at,
            a=a,
            extension=_extension(given, caller.application.axe_digits) or "",
            time_unit=counted,
            life=default if life is None else life,
            callback_life=given.integer("callbackExpiredTime", 0, LONGEST[counted]) or 0,
            callback_unit=counted,
            last_unit=counted,
            given_life=life,
            given_unit=unit,
            callback_tone=callback_tone,
            callback_number=callback_number,
            display_mode=given.digit("displayNumMode", {"0", "1"}) or "0",
            record=given.flag("recordFlag") or False,
            record_hint_tone=given.tone("recordHintTone", 1),
            user_data=given.user_data(USER_DATA_FORBIDDEN),
        )
        _check_times(binding)
        note_silent_recording(binding.record, binding.record_hint_tone, given)
        return binding

    def _row(self, binding: AxeBinding) -> Payload:
        """Show a binding; unit and life of the bind win over those of a modification (axe.md §5)."""
        peculiar = self._desk.settings.axe.query_returns_bind_values
        unit, life = binding.time_unit, binding.life
        if peculiar and binding.given_unit is not None:
            unit = binding.given_unit
        if peculiar and binding.given_life is not None:
            life = binding.given_life
        return shown(
            {
                "subscriptionId": binding.subscription_id,
                "virtualNum": binding.x,
                "extendNum": binding.extension,
                "bindNum": binding.a,
                "displayNumMode": binding.display_mode,
                "recordFlag": binding.record,
                "recordHintTone": binding.record_hint_tone,
                "callbackTone": binding.callback_tone,
                "callbackNum": binding.callback_number,
                "timeUnit": unit,
                "bindExpiredTime": life,
                "callbackExpiredTime": binding.callback_life,
                "userData": binding.user_data,
            }
        )


def _extension(given: Parameters, digits: int) -> str | None:
    """Read a wanted extension: the application's digit count, not zero (axe.md §1.1)."""
    extension = given.text("extendNum", 1, 4)
    if extension is None:
        return None
    if len(extension) != digits or not extension.isascii() or not extension.isdigit() or not int(extension):
        raise invalid("extendNum")
    return extension


def _callback_pair(given: Parameters) -> dict[str, Any]:
    """Read the call-back pair of a modify: a number wins, one clears the other, ``""`` clears (axe.md §4)."""
    tone, number = given.tone("callbackTone"), given.party("callbackNum", 1, 32)
    if number:
        return {"callback_number": number, "callback_tone": ""}
    if tone:
        return {"callback_tone": tone, "callback_number": ""}
    names = {"callback_tone": "callbackTone", "callback_number": "callbackNum"}
    return {field: "" for field, name in names.items() if given.values.get(name) == ""}


def _cleaned(changes: dict[str, Any]) -> dict[str, Any]:
    """Turn the empty text that clears a call-back into nothing."""
    pair = ("callback_tone", "callback_number")
    return {name: (value or None) if name in pair else value for name, value in changes.items()}


def _check_times(binding: AxeBinding) -> None:
    life = binding.life * MINUTES_PER_UNIT[binding.time_unit]
    if life and binding.callback_minutes > life:
        raise invalid("callbackExpiredTime")
