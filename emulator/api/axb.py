"""AXB: bind, unbind, modify, query, each with the check table of its page, in order (axb.md §2-§5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from emulator.api.binding_rules import (
    LONGEST_CALL_MIN,
    LONGEST_LIFE_S,
    Caller,
    Desk,
    given_only,
    note_silent_recording,
    shown,
)
from emulator.api.errors import Payload, Refusal, invalid, success
from emulator.api.params import Parameters, needed
from emulator.world import AxbBinding, ConsoleState

DEFAULT_PAGE_SIZE = 50
AXB_USER_DATA_FORBIDDEN = "{}^"
"""One character more than in the other modes (numbers.md §7.4)."""


class AxbApi:
    """The four operations. Each runs without interruption: what was checked still holds when it is done."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._world = desk.world

    def bind(self, caller: Caller, given: Parameters) -> Payload:
        """POST: connect A and B through X. Raises Refusal."""
        wanted = _wanted(caller, given)
        area = given.area()
        non_strict = given.digit("areaMatchMode", {"0", "1"}) == "1"
        self._desk.check_recording(caller, wanted.record)
        if wanted.x:
            self._check_named(caller, wanted)
        self._desk.check_daily_limit(caller, wanted.a, wanted.b)
        if not wanted.x:
            chosen = self._desk.pool.choose_axb(
                caller.application, wanted.a, wanted.b, area=area, strict_area=not non_strict, at=caller.at
            )
            if chosen is None:
                raise Refusal(403, "1012008")
            wanted = replace(wanted, x=chosen.x)
        bound = self._world.add_axb(replace(wanted, subscription_id=self._world.new_id()))
        self._desk.count_bind(caller, bound.a, bound.b)
        return success(
            subscriptionId=bound.subscription_id,
            relationNum=bound.x,
            callDirection=bound.direction,
            duration=bound.duration,
            maxDuration=bound.max_duration,
        )

    def unbind(self, caller: Caller, given: Parameters) -> Payload:
        """DELETE: by id, or everything on an X when only that is given. Raises Refusal."""
        if given.has("subscriptionId"):
            binding = self._own(caller, needed(given.text("subscriptionId", 1, 64), "subscriptionId"))
            self._world.end_axb(binding.subscription_id, caller.at)
            return success()
        x = needed(given.text("relationNum", 4, 31), "subscriptionId")
        self._check_owner(caller, x)
        ended = self._world.end_all(x, caller.at, "unbound_with_x")
        if not ended:
            raise Refusal(403, "1012007")
        given.notes.append(f"relationNum without subscriptionId removed every binding of the X: {ended}")
        return success()

    def modify(self, caller: Caller, given: Parameters) -> Payload:
        """PUT: change what is given; a duration restarts the life. Raises Refusal."""
        changes = _changes(caller, given)
        binding = self._own(caller, needed(given.text("subscriptionId", 1, 64), "subscriptionId"))
        changed = replace(binding, **changes)
        _check_distinct(changed.a, changed.b, changed.x)
        self._desk.check_changeable(binding.x)
        self._desk.check_recording(caller, given.flag("recordFlag"))
        for party in (changed.a, changed.b):
            holder = self._world.axb_of(binding.x, party, caller.at)
            if holder is not None and holder.subscription_id != binding.subscription_id:
                raise Refusal(403, "1012010")
        if changed != binding:
            self._world.change_axb(replace(changed, changed_at=caller.at))
        note_silent_recording(changed.record, changed.record_hint_tone, given)
        return success()

    def query(self, caller: Caller, given: Parameters) -> Payload:
        """GET: one binding by id, or those of an X, paged. Raises Refusal; never an empty first page."""
        if given.has("subscriptionId"):
            found = [self._own(caller, needed(given.text("subscriptionId", 1, 64), "subscriptionId"))]
            return self._page(caller, found, 1, DEFAULT_PAGE_SIZE)
        x = needed(given.text("relationNum", 4, 31), "subscriptionId")
        a, b = given.text("callerNum", 4, 128), given.text("calleeNum", 4, 128)
        self._check_owner(caller, x)
        found = [
            binding
            for binding in self._world.axb_on(x, caller.at)
            if (a is None or binding.a == a) and (b is None or binding.b == b)
        ]
        if not found:
            raise Refusal(403, "1012007")
        index = given.lenient_integer("pageIndex", 1, None, 1)
        size = given.lenient_integer("pageSize", 10, 100, DEFAULT_PAGE_SIZE)
        return self._page(caller, found, index, size)

    def _own(self, caller: Caller, subscription_id: str) -> AxbBinding:
        binding = self._world.axb(subscription_id, caller.at)
        if binding is None or binding.app_key != caller.application.app_key:
            raise Refusal(403, "1012007")
        return binding

    def _check_owner(self, caller: Caller, x: str) -> None:
        number = self._world.numbers.get(x)
        if number is not None and number.app_key != caller.application.app_key:
            raise Refusal(403, "1012001")

    def _check_named(self, caller: Caller, wanted: AxbBinding) -> None:
        """Rows 3 to 7: conflict before full."""
        number = self._world.numbers.get(wanted.x)
        if number is None or number.console is ConsoleState.RETURNED:
            raise Refusal(403, "1012007")
        if number.app_key != caller.application.app_key:
            raise Refusal(403, "1012001")
        self._desk.check_bindable(number)
        if any(self._world.axb_of(wanted.x, party, caller.at) for party in (wanted.a, wanted.b)):
            raise Refusal(403, "1012010")
        if self._world.axb_load(wanted.x, caller.at) >= self._desk.settings.limits.axb_pairs_per_x:
            raise Refusal(403, "1012009")

    def _page(self, caller: Caller, found: list[AxbBinding], index: int, size: int) -> Payload:
        rows = found[(index - 1) * size : index * size]
        return success(
            app_key=caller.application.app_key,
            totalCount=len(found),
            pageIndex=index,
            pageSize=size,
            relationNumList=[self._row(binding) for binding in rows],
        )

    def _row(self, binding: AxbBinding) -> Payload:
        tones = given_only(
            {"callerHintTone": binding.caller_hint_tone, "calleeHintTone": binding.callee_hint_tone}
        )
        return shown(
            {
                "subscriptionId": binding.subscription_id,
                "relationNum": binding.x,
                "callerNum": binding.a,
                "calleeNum": binding.b,
                "callDirection": binding.direction,
                "duration": binding.duration,
                "maxDuration": binding.max_duration,
                "recordFlag": binding.record,
                "recordHintTone": binding.record_hint_tone,
                "lastMinVoice": binding.last_min_voice,
                "privateSms": binding.private_sms,
                "preVoice": tones or None,
                "userData": binding.user_data,
                "subscribeTime": self._desk.beijing_text(binding.changed_at or binding.started_at),
            }
        )


def _wanted(caller: Caller, given: Parameters) -> AxbBinding:
    """Row 1: read and check every parameter of a bind. It has no id yet, and no ``x`` when none is named."""
    a = needed(given.party("callerNum"), "callerNum")
    b = needed(given.party("calleeNum"), "calleeNum")
    x = given.text("relationNum", 4, 31) or ""
    _check_distinct(a, b, x)
    tones = given.nested("preVoice")
    private_sms = given.flag("privateSms")
    binding = AxbBinding(
        subscription_id="",
        app_key=caller.application.app_key,
        x=x,
        a=a,
        b=b,
        started_at=caller.at,
        bound_at=caller.at,
        direction=given.integer("callDirection", 0, 2) or 0,
        duration=given.integer("duration", 0, LONGEST_LIFE_S) or 0,
        max_duration=given.integer("maxDuration", 0, LONGEST_CALL_MIN) or 0,
        record=given.flag("recordFlag") or False,
        record_hint_tone=given.tone("recordHintTone", 1),
        last_min_voice=given.tone("lastMinVoice"),
        private_sms=True if private_sms is None else private_sms,
        caller_hint_tone=tones.tone("callerHintTone"),
        callee_hint_tone=tones.tone("calleeHintTone"),
        user_data=given.user_data(AXB_USER_DATA_FORBIDDEN),
    )
    note_silent_recording(binding.record, binding.record_hint_tone, given)
    return binding


def _changes(caller: Caller, given: Parameters) -> dict[str, Any]:
    """Row 1 of modify: the fields that are given, absent ones stay as they are."""
    tones = given.nested("preVoice")
    read: dict[str, Any] = {
        "a": given.party("callerNum"),
        "b": given.party("calleeNum"),
        "direction": given.integer("callDirection", 0, 2),
        "duration": given.integer("duration", 0, LONGEST_LIFE_S),
        "max_duration": given.integer("maxDuration", 0, LONGEST_CALL_MIN),
        "last_min_voice": given.tone("lastMinVoice"),
        "caller_hint_tone": tones.tone("callerHintTone"),
        "callee_hint_tone": tones.tone("calleeHintTone"),
        "private_sms": given.flag("privateSms"),
        "record": given.flag("recordFlag"),
        "record_hint_tone": given.tone("recordHintTone", 1),
        "user_data": given.user_data(AXB_USER_DATA_FORBIDDEN),
    }
    changes = given_only(read)
    if "duration" in changes:
        changes["started_at"] = caller.at
    return changes


def _check_distinct(a: str, b: str, x: str) -> None:
    if a == b:
        raise invalid("calleeNum")
    if x in (a, b):
        raise invalid("relationNum")
