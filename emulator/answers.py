"""Reading the customer's answer to an X-mode call: connect, close, or nothing usable (x.md §2)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.callrecord import Route
from emulator.outcomes import NO_USABLE_ANSWER, UNKNOWN_TONE_IN_ANSWER, Ending, refusal
from emulator.settings import EmulatorSettings
from emulator.world import Application, Number, World
from privatenumber import phone

LONGEST_CALL_MIN = 1440
_TONE = re.compile(r"[0-9A-Za-z\-_.@]{1,128}")
_FLAGS = {"true": True, "false": False}


class Unusable(Exception):
    """The answer cannot be used; ``ending`` is how the call ends."""

    def __init__(self, ending: Ending = NO_USABLE_ANSWER) -> None:
        super().__init__(str(ending.state_code))
        self.ending = ending


@dataclass(frozen=True, slots=True)
class Answer:
    """A usable answer: a route, or None for `close` with its tone if that exists."""

    route: Route | None
    user_data: str | None
    close_tone: str | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """What an answer is checked against: the call, the application and the strictness."""

    world: World
    settings: EmulatorSettings
    application: Application
    number: Number
    caller: str

    def read(self, body: bytes | None) -> Answer:
        """Read an answer; None stands for none in time. Raises Unusable."""
        document = _object(body)
        operation = document.get("operation")
        if operation == "close":
            return self._close(self._member(document, "closeInfo"))
        if operation != "connect":
            raise Unusable
        return self._connect(self._member(document, "connectInfo"))

    def _close(self, info: Mapping[str, Any]) -> Answer:
        tone = info.get("closeHintTone")
        plays = isinstance(tone, str) and bool(tone) and self._exists(tone)
        return Answer(None, _user_data(info), tone if plays else None)

    def _connect(self, info: Mapping[str, Any]) -> Answer:
        callee = _number(info.get("calleeNum"))
        if callee in (None, self.number.x, self.caller):
            raise Unusable
        minutes, record = self._minutes(info), self._record(info)
        tones = {name: self._tone(info.get(name)) for name in ("waitVoice", "recordHintTone", "lastMinVoice")}
        greeting = self._tone(info.get("calleeHintVoice") or info.get("calleeHintTone"))
        user_data = _user_data(info)
        display = self._display(info)
        if not all(self._exists(tone) for tone in (*tones.values(), greeting) if tone):
            raise Unusable(UNKNOWN_TONE_IN_ANSWER)
        route = Route(
            display=display,
            destination=str(callee),
            max_duration_min=minutes,
            record=record,
            record_hint_tone=tones["recordHintTone"] if record else None,
            pre_voice=tones["waitVoice"],
            greeting=greeting,
            last_minute_voice=tones["lastMinVoice"] if minutes else None,
        )
        return Answer(route, user_data)

    def _member(self, document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        """Take an object; lenient takes the element of a one-element array."""
        value = document.get(name)
        if value in (None, ""):
            return {}
        if isinstance(value, list) and len(value) == 1 and not self.settings.strict:
            value = value[0]
        if not isinstance(value, dict):
            raise Unusable
        return value

    def _display(self, info: Mapping[str, Any]) -> str:
        """X of the call; another number is intercepted, unless it is agreed to be another own X."""
        display = info.get("displayCalleeNum")
        if display in (None, "", self.number.x):
            return self.number.x
        known = self.world.numbers.get(display) if isinstance(display, str) else None
        own = known is not None and known.app_key == self.application.app_key
        if not (own and self.settings.x.allow_other_display):
            raise Unusable(refusal(8024))
        return str(display)

    def _minutes(self, info: Mapping[str, Any]) -> int:
        value = info.get("maxDuration")
        if value in (None, ""):
            return 0
        if isinstance(value, str) and value.isascii() and value.isdigit() and not self.settings.strict:
            value = int(value[:6])
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LONGEST_CALL_MIN:
            raise Unusable
        return value

    def _record(self, info: Mapping[str, Any]) -> bool:
        value = info.get("recordFlag")
        if value in (None, ""):
            return False
        if isinstance(value, bool) and not self.settings.strict:
            return value
        if not isinstance(value, str) or value not in _FLAGS:
            raise Unusable
        return _FLAGS[value]

    def _tone(self, value: object) -> str | None:
        if value in (None, ""):
            return None
        if not isinstance(value, str) or not _TONE.fullmatch(value):
            raise Unusable
        return value

    def _exists(self, tone: str) -> bool:
        return self.application.voice_files is None or tone in self.application.voice_files


def _object(body: bytes | None) -> Mapping[str, Any]:
    if body is None:
        raise Unusable
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Unusable from None
    if not isinstance(document, dict):
        raise Unusable
    return document


def _number(value: object) -> str | None:
    """Read a callee: mobile or landline in global form; 400 and 95 numbers are none (x.md §2)."""
    if not isinstance(value, str) or not 4 <= len(value) <= 31 or not phone.is_global(value):
        return None
    return value if phone.kind(value) in (phone.NumberKind.MOBILE, phone.NumberKind.LANDLINE) else None


def _user_data(info: Mapping[str, Any]) -> str | None:
    """Text beyond ASCII is documented to keep the call from being connected (decision 206)."""
    value = info.get("userData")
    if value in (None, ""):
        return None
    if not isinstance(value, str) or len(value) > 256 or not value.isascii():
        raise Unusable
    return value
