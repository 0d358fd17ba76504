"""What the AXB interfaces carry (axb.md §2 to §5): our names inside, the platform's names on the wire.

Requests are validated before they are sent, so a mistake of ours is refused here, with field and rule,
and not by the platform. Errors never show the refused value: it may be a phone number.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from privatenumber.phone import NumberKind, is_global, kind

PATH: Final = "/rest/caas/relationnumber/partners/v1.0"
MAX_DURATION_S: Final = 7_776_000
MAX_CALL_MINUTES: Final = 1440

_TONE: Final = re.compile(r"[A-Za-z0-9_.@-]{1,128}", re.ASCII)
_USER_DATA: Final = re.compile(r"[\x20-\x7e]{1,256}")
_AREA: Final = re.compile(r"0\d{2,3}", re.ASCII)


def _party(number: str) -> str:
    if not is_global(number) or kind(number) not in {NumberKind.MOBILE, NumberKind.LANDLINE}:
        raise ValueError("must be a mobile or landline number in global form")
    return number


def _private(number: str) -> str:
    if not is_global(number) or kind(number) is not NumberKind.MOBILE:
        raise ValueError("must be a private number in global form; they are always mobile numbers")
    return number


def _tone(name: str) -> str:
    if not _TONE.fullmatch(name):
        raise ValueError("must be a file name of 1 to 128 letters, digits, - _ . or @")
    return name


def _user_data(text: str) -> str:
    if not _USER_DATA.fullmatch(text) or set(text) & set("{}^"):
        raise ValueError(
            "must be 1 to 256 printable ASCII characters without { } and ^; encode anything else"
        )
    return text


def _area_code(code: str) -> str:
    if not _AREA.fullmatch(code):
        raise ValueError("must be an area code with its leading zero, like 0755 or 010")
    return code


def _flag(value: object) -> object:
    return value.lower() == "true" if isinstance(value, str) and value.lower() in {"true", "false"} else value


Party = Annotated[str, AfterValidator(_party)]
PrivateNumber = Annotated[str, AfterValidator(_private)]
Tone = Annotated[str, AfterValidator(_tone)]
UserData = Annotated[str, AfterValidator(_user_data)]
AreaCode = Annotated[str, AfterValidator(_area_code)]
Flag = Annotated[bool, BeforeValidator(_flag), PlainSerializer(lambda on: "true" if on else "false")]
"""A Boolean that travels as the string ``"true"`` or ``"false"`` (numbers.md §7.2)."""
Direction = Annotated[int, Field(ge=0, le=2)]
"""0 both; 1 only A may call B; 2 only B may call A."""
Duration = Annotated[int, Field(ge=0, le=MAX_DURATION_S)]
"""Life in seconds; 0 never expires."""
CallMinutes = Annotated[int, Field(ge=0, le=MAX_CALL_MINUTES)]
"""Longest call in minutes; 0 has no limit."""
SubscriptionId = Annotated[str, Field(min_length=1, max_length=64)]


class _Wire(BaseModel):
    model_config = ConfigDict(
        frozen=True, populate_by_name=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )

    def to_wire(self) -> dict[str, Any]:
        """The JSON object as sent: the platform's names, unset members left out."""
        return self.model_dump(by_alias=True, exclude_none=True)


class AxbPreVoice(_Wire):
    """Tones before connection: what A hears when A dials X, and B when B dials."""

    caller_hint_tone: Tone | None = Field(None, alias="callerHintTone")
    callee_hint_tone: Tone | None = Field(None, alias="calleeHintTone")


class AxbBind(_Wire):
    """Bind A and B to X (axb.md §2). We always name X; ``area_code`` lets the platform choose instead.

    ``record_flag`` needs ``record_hint_tone``: carriers intercept calls recorded without an announcement.
    """

    a: Party = Field(alias="callerNum", repr=False)
    b: Party = Field(alias="calleeNum", repr=False)
    x: PrivateNumber | None = Field(None, alias="relationNum")
    area_code: AreaCode | None = Field(None, alias="areaCode")
    area_match_mode: Annotated[str, Field(pattern="^[01]$")] | None = Field(None, alias="areaMatchMode")
    direction: Direction = Field(0, alias="callDirection")
    duration: Duration = Field(0, alias="duration")
    max_duration: CallMinutes = Field(0, alias="maxDuration")
    record_flag: Flag = Field(False, alias="recordFlag")
    record_hint_tone: Tone | None = Field(None, alias="recordHintTone")
    last_min_voice: Tone | None = Field(None, alias="lastMinVoice")
    private_sms: Flag | None = Field(None, alias="privateSms")
    pre_voice: AxbPreVoice | None = Field(None, alias="preVoice")
    user_data: UserData | None = Field(None, alias="userData", repr=False)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len({self.a, self.b, self.x}) < 3:
            raise ValueError("a, b and x must be three different numbers")
        if self.record_flag and self.record_hint_tone is None:
            raise ValueError("record_flag needs record_hint_tone")
        return self


class AxbBound(_Wire):
    """What a bind answers: the id that every later operation needs, the X used and the effective limits."""

    subscription_id: SubscriptionId = Field(alias="subscriptionId")
    x: str = Field(alias="relationNum")
    direction: int = Field(0, alias="callDirection")
    duration: int = Field(0, alias="duration")
    max_duration: int = Field(0, alias="maxDuration")


class AxbModify(_Wire):
    """Change a binding (axb.md §4); None leaves a value as it is, and ``duration`` restarts the life.

    ``announced`` says that the binding was created with a ``record_hint_tone``, so recording may be switched
    on without naming one again. X cannot be changed.
    """

    subscription_id: SubscriptionId = Field(alias="subscriptionId")
    a: Party | None = Field(None, alias="callerNum", repr=False)
    b: Party | None = Field(None, alias="calleeNum", repr=False)
    direction: Direction | None = Field(None, alias="callDirection")
    duration: Duration | None = Field(None, alias="duration")
    max_duration: CallMinutes | None = Field(None, alias="maxDuration")
    record_flag: Flag | None = Field(None, alias="recordFlag")
    record_hint_tone: Tone | None = Field(None, alias="recordHintTone")
    last_min_voice: Tone | None = Field(None, alias="lastMinVoice")
    private_sms: Flag | None = Field(None, alias="privateSms")
    pre_voice: AxbPreVoice | None = Field(None, alias="preVoice")
    user_data: UserData | None = Field(None, alias="userData", repr=False)
    announced: bool = Field(False, exclude=True)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.a is not None and self.a == self.b:
            raise ValueError("a and b must be different numbers")
        if self.record_flag and self.record_hint_tone is None and not self.announced:
            raise ValueError("record_flag needs record_hint_tone, or a binding created with one")
        return self


class AxbRow(_Wire):
    """A binding as the platform holds it (axb.md §5).

    ``duration`` is the value set, not what remains. ``subscribe_time`` is Beijing time of the bind or of the
    last change, for information only (numbers.md §7.5). Read without validation: it is the platform's word.
    """

    subscription_id: SubscriptionId = Field(alias="subscriptionId")
    x: str = Field(alias="relationNum")
    a: str = Field(alias="callerNum", repr=False)
    b: str = Field(alias="calleeNum", repr=False)
    direction: int = Field(0, alias="callDirection")
    duration: int = Field(0, alias="duration")
    max_duration: int = Field(0, alias="maxDuration")
    record_flag: Flag = Field(False, alias="recordFlag")
    record_hint_tone: str | None = Field(None, alias="recordHintTone")
    last_min_voice: str | None = Field(None, alias="lastMinVoice")
    private_sms: Flag = Field(True, alias="privateSms")
    pre_voice: dict[str, Any] | None = Field(None, alias="preVoice")
    user_data: str | None = Field(None, alias="userData", repr=False)
    subscribe_time: str = Field("", alias="subscribeTime")


class AxbPage(_Wire):
    """One page of a query; ``total_count`` counts over all pages. Rows come oldest first."""

    total_count: int = Field(0, alias="totalCount")
    page_index: int = Field(1, alias="pageIndex")
    page_size: int = Field(50, alias="pageSize")
    rows: tuple[AxbRow, ...] = Field((), alias="relationNumList")


def violations(error: ValidationError) -> Mapping[str, str]:
    """Which of our fields broke which rule; the empty field name stands for rules over several fields."""
    return {
        ".".join(str(part) for part in problem["loc"]): problem["msg"].removeprefix("Value error, ")
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    }
