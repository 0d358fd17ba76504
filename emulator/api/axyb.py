"""AXYB: bind AX, bind YB, unbind, query, each with the check table of its page (axyb.md §2-§4)."""

from __future__ import annotations

from dataclasses import replace

from emulator.api.binding_rules import (
    LONGEST_LIFE_S,
    USER_DATA_FORBIDDEN,
    Caller,
    Desk,
    note_silent_recording,
    read_area,
    shown,
)
from emulator.api.errors import Payload, Refusal, invalid, missing, success
from emulator.api.params import Parameters, needed
from emulator.axyb import AxybBinding, AxybPair, pair_of, within

DEFAULT_LIFE_S = 7200
SHORTEST_LIFE_S = 60


class AxybApi:
    """The operations. Each runs without interruption: what was checked still holds when it is done."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._book = desk.world.axyb

    def bind(self, caller: Caller, given: Parameters) -> Payload:
        """POST: an AX without ``subscriptionId``, a YB of that AX with it. Raises Refusal."""
        if given.has("subscriptionId"):
            return self._bind_yb(caller, given)
        return self._bind_ax(caller, given)

    def unbind(self, caller: Caller, given: Parameters) -> Payload:
        """DELETE: one pair by ``yNum`` or ``bNum``, else the AX with all its pairs. Raises Refusal."""
        wanted = needed(given.text("subscriptionId", 1, 64), "subscriptionId")
        y, b = given.party("yNum", 1, 32), given.party("bNum", 1, 32)
        ax = self._own(caller, wanted)
        if y is None and b is None:
            self._book.end(ax.subscription_id, caller.at)
            return success()
        pairs = self._book.pairs(ax.subscription_id, caller.at)
        found = [pair for pair in pairs if (pair.y == y if y is not None else pair.b == b)]
        if not found:
            raise Refusal(403, "1016001")
        for pair in found:
            self._book.end_pair(pair, caller.at)
        return success()

    def query(self, caller: Caller, given: Parameters) -> Payload:
        """GET: every relation of an id, else of an X; a Y finds nothing. Raises Refusal."""
        if given.has("subscriptionId"):
            ax = self._own(caller, needed(given.text("subscriptionId", 1, 64), "subscriptionId"))
        else:
            on_x = self._book.on_x(needed(given.text("relationNum", 1, 32), "subscriptionId"), caller.at)
            if on_x is None or on_x.app_key != caller.application.app_key:
                raise Refusal(403, "1016001")
            ax = on_x
        pairs = self._book.pairs(ax.subscription_id, caller.at)
        rows = [self._row(ax, pair) for pair in pairs] or [self._row(ax, None)]
        return success(xyRelationNumList=rows)

    def _bind_ax(self, caller: Caller, given: Parameters) -> Payload:
        wanted = _wanted_ax(caller, given)
        area, strict_area = read_area(given)
        if area is None:
            raise missing("areaCode")
        self._desk.check_recording(caller, wanted.record)
        held = self._book.of(caller.application.app_key, wanted.a, caller.at)
        if len(held) >= self._desk.settings.limits.x_per_a:
            raise Refusal(403, "1011003")
        self._desk.check_daily_limit(caller, wanted.a)
        chosen = self._desk.pool.choose_axyb(
            caller.application, area=area, strict_area=strict_area, at=caller.at
        )
        if chosen is None:
            raise Refusal(403, "1012008")
        world = self._desk.world
        bound = self._book.add(
            replace(wanted, x=chosen.x, subscription_id=world.new_id(), bind_id=world.new_id())
        )
        self._desk.count_bind(caller, bound.a)
        return success(subscriptionId=bound.subscription_id, relationNumber=bound.x)

    def _bind_yb(self, caller: Caller, given: Parameters) -> Payload:
        b = needed(given.party("origNum", 1, 32), "origNum")
        area, strict_area = given.area(), given.digit("areaMatchMode", {"0", "1"}) != "1"
        duration = _life(given, "ybDuration")
        pre_voice, user_data = given.tone("preVoiceY", 1), given.user_data(USER_DATA_FORBIDDEN)
        ax = self._own(caller, needed(given.text("subscriptionId", 1, 64), "subscriptionId"))
        if b == ax.a:
            raise invalid("origNum")
        if self._book.pair_of_b(ax.subscription_id, b, caller.at) is not None:
            raise Refusal(403, "1016002")
        self._desk.check_daily_limit(caller, b)
        chosen = self._desk.pool.allocate_y(
            caller.application, ax, area=area, strict_area=strict_area, at=caller.at
        )
        if chosen is None:
            raise Refusal(403, "1012008")
        pair = pair_of(
            ax,
            self._desk.world.new_id(),
            chosen.x,
            b,
            caller.at,
            duration=duration,
            pre_voice_y=pre_voice,
            user_data=user_data,
        )
        self._book.add_pair(pair)
        self._desk.count_bind(caller, b)
        return success(subscriptionId=ax.subscription_id, relationNumber=pair.y)

    def _own(self, caller: Caller, subscription_id: str) -> AxybBinding:
        ax = self._book.by_id(subscription_id, caller.at)
        if ax is None or ax.app_key != caller.application.app_key:
            raise Refusal(403, "1016001")
        return ax

    def _row(self, ax: AxybBinding, pair: AxybPair | None) -> Payload:
        return shown(
            {
                "bindId": pair.subscription_id if pair else ax.bind_id,
                "numA": ax.a,
                "numX": ax.x,
                "numY": pair.y if pair else None,
                "numB": pair.b if pair else None,
                "recordFlag": ax.record,
                "recordHintTone": ax.record_hint_tone,
                "subscribeTime": self._desk.beijing_text(pair.bound_at if pair else ax.bound_at),
                "callDirection": ax.direction,
                "duration": str(ax.duration),
                "ybDuration": str(pair.duration if pair else ax.yb_duration),
                "preVoiceX": ax.pre_voice_x,
                "preVoiceY": pair.pre_voice_y if pair else ax.pre_voice_y,
                "userData": pair.user_data if pair else ax.user_data,
            }
        )


def _wanted_ax(caller: Caller, given: Parameters) -> AxybBinding:
    """Row 1 of an AX: read and check every parameter; no ids and no X yet."""
    a = needed(given.party("origNum", 1, 32), "origNum")
    duration = _life(given, "duration")
    life = DEFAULT_LIFE_S if duration is None else duration
    binding = AxybBinding(
        subscription_id="",
        app_key=caller.application.app_key,
        x="",
        bound_at=caller.at,
        bind_id="",
        a=a,
        duration=life,
        yb_duration=within(_life(given, "ybDuration") or 0, life),
        direction=given.integer("callDirection", 0, 2) or 0,
        record=given.flag("recordFlag") or False,
        record_hint_tone=given.tone("recordHintTone", 1),
        pre_voice_x=given.tone("preVoiceX", 1),
        pre_voice_y=given.tone("preVoiceY", 1),
        user_data=given.user_data(USER_DATA_FORBIDDEN),
    )
    note_silent_recording(binding.record, binding.record_hint_tone, given)
    return binding


def _life(given: Parameters, name: str) -> int | None:
    """Read a life in seconds: 0 or 60 to 7 776 000."""
    seconds = given.integer(name, 0, LONGEST_LIFE_S)
    if seconds is not None and 0 < seconds < SHORTEST_LIFE_S:
        raise invalid(name)
    return seconds
