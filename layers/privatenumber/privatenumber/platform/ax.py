"""What the AX interfaces carry (ax.md §2 to §6): our names inside, the platform's names on the wire."""

from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, model_validator

from privatenumber.phone import is_global
from privatenumber.platform.fields import (
    Answer,
    AreaCode,
    AreaMatch,
    CallMinutes,
    Direction,
    Flag,
    OnOff,
    Party,
    PrivateNumber,
    SubscriptionId,
    Tone,
    UserData,
    Wire,
)

PATH: Final = "/rest/provision/caas/privatenumber/v1.0"
CALLEE_PATH: Final = "/rest/caas/privatenumber/calleenumber/v1.0"
NUMBER_TYPE: Final = "mobile-virtual"
MAX_CALLEE_S: Final = 259_200
DEFAULT_CALLEE_S: Final = 60


def _callee(number: str) -> str:
    if not is_global(number):
        raise ValueError("must be a mobile, landline, 400, 800 or 95 number in global form")
    return number


class AxPreVoice(Wire):
    """Tones before connection: what A hears when A dials X, and what others hear."""

    caller_hint_tone: Tone | None = Field(None, alias="callerHintTone")
    callee_hint_tone: Tone | None = Field(None, alias="calleeHintTone")


class AxBind(Wire):
    """Put A behind an X (ax.md §2). We always name X; ``area_code`` lets the platform choose instead.

    ``record_flag`` needs ``record_hint_tone``: carriers intercept calls recorded without an announcement.
    The number that A sees is always X.
    """

    a: Party = Field(alias="origNum", repr=False)
    x: PrivateNumber | None = Field(None, alias="privateNum")
    area_code: AreaCode | None = Field(None, alias="areaCode")
    area_match_mode: AreaMatch | None = Field(None, alias="areaMatchMode")
    direction: Direction = Field(0, alias="callDirection")
    max_duration: CallMinutes = Field(0, alias="maxDuration")
    record_flag: Flag = Field(False, alias="recordFlag")
    record_hint_tone: Tone | None = Field(None, alias="recordHintTone")
    last_min_voice: Tone | None = Field(None, alias="lastMinVoice")
    private_sms: Flag | None = Field(None, alias="privateSms")
    turned_on: OnOff | None = Field(None, alias="turnFlag")
    pre_voice: AxPreVoice | None = Field(None, alias="preVoice")
    user_data: UserData | None = Field(None, alias="userData", repr=False)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.x is None and self.area_code is None:
            raise ValueError("x or area_code is needed")
        if self.a == self.x:
            raise ValueError("a and x must be different numbers")
        if self.area_match_mode is not None and self.area_code is None:
            raise ValueError("area_match_mode needs area_code")
        if self.record_flag and self.record_hint_tone is None:
            raise ValueError("record_flag needs record_hint_tone")
        return self

    def to_wire(self) -> dict[str, Any]:
        """The JSON object as sent; the number type must accompany a city."""
        wire = super().to_wire() | {"calleeNumDisplay": "0"}
        return wire | ({"privateNumType": NUMBER_TYPE} if self.area_code is not None else {})


class AxBound(Answer):
    """What a bind answers."""

    subscription_id: SubscriptionId = Field(alias="subscriptionId")
    a: str = Field("", alias="origNum", repr=False)
    x: str = Field(alias="privateNum")


class AxModify(Wire):
    """Change a binding (ax.md §4); None leaves a value as it is. X cannot be changed.

    ``announced`` says that the binding was created with a ``record_hint_tone``.
    """

    subscription_id: SubscriptionId = Field(alias="subscriptionId")
    a: Party | None = Field(None, alias="origNum", repr=False)
    direction: Direction | None = Field(None, alias="callDirection")
    max_duration: CallMinutes | None = Field(None, alias="maxDuration")
    record_flag: Flag | None = Field(None, alias="recordFlag")
    record_hint_tone: Tone | None = Field(None, alias="recordHintTone")
    last_min_voice: Tone | None = Field(None, alias="lastMinVoice")
    private_sms: Flag | None = Field(None, alias="privateSms")
    turned_on: OnOff | None = Field(None, alias="turnFlag")
    user_data: UserData | None = Field(None, alias="userData", repr=False)
    announced: bool = Field(False, exclude=True)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.record_flag and self.record_hint_tone is None and not self.announced:
            raise ValueError("record_flag needs record_hint_tone, or a binding created with one")
        return self


class AxCallee(Wire):
    """Whom A reaches by dialling X next (ax.md §6): for ``duration`` seconds from the success of the request.

    It replaces an earlier one, and serves one call: set it before every call.
    """

    subscription_id: SubscriptionId = Field(alias="subscriptionId")
    callee: Annotated[str, AfterValidator(_callee)] = Field(alias="calleeNum", repr=False)
    duration: Annotated[int, Field(ge=1, le=MAX_CALLEE_S)] = Field(DEFAULT_CALLEE_S, alias="duration")
    user_data: UserData | None = Field(None, alias="userData", repr=False)


class AxRow(Answer):
    """A binding as the platform holds it (ax.md §5); ``subscribe_time`` is Beijing time of the bind."""

    subscription_id: SubscriptionId = Field(alias="subscriptionId")
    a: str = Field(alias="origNum", repr=False)
    x: str = Field(alias="privateNum")
    subscribe_time: str = Field("", alias="subscribeTime")
    record_flag: Flag = Field(False, alias="recordFlag")
    record_hint_tone: str | None = Field(None, alias="recordHintTone")
    private_sms: Flag | None = Field(None, alias="privateSms")
    last_min_voice: str | None = Field(None, alias="lastMinVoice")
    max_duration: int = Field(0, alias="maxDuration")
    turned_on: OnOff | None = Field(None, alias="turnFlag")
    direction: int = Field(0, alias="callDirection")
    pre_voice: dict[str, Any] | None = Field(None, alias="preVoice")
    user_data: str | None = Field(None, alias="userData", repr=False)


class AxRows(Answer):
    """All rows of a query, oldest first; there is no paging."""

    rows: tuple[AxRow, ...] = Field((), alias="privateNumList")
