"""What the AXE interfaces carry (axe.md §2 to §5): our names inside, the platform's names on the wire.

Times travel in minutes (``timeUnit`` 1), never rounded to hours (axe.md §7).
"""

from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, model_validator

from privatenumber.platform.fields import (
    Answer,
    AreaCode,
    AreaMatch,
    ClearableParty,
    ClearableTone,
    Flag,
    Party,
    PrivateNumber,
    SubscriptionId,
    Tone,
    UserData,
    Wire,
)

PATH: Final = "/rest/caas/extendnumber/v1.0"
MAX_LIFE_MINUTES: Final = 43_200
MINUTES: Final = "1"


def extension_of(digits: str) -> str:
    """Return an extension. Raises ValueError for what cannot be one (axe.md §1.1)."""
    if not (1 <= len(digits) <= 4 and digits.isascii() and digits.isdigit() and int(digits)):
        raise ValueError("must be 1 to 4 digits, not zero; leading zeros count")
    return digits


Extension = Annotated[str, AfterValidator(extension_of)]
LifeMinutes = Annotated[int, Field(ge=0, le=MAX_LIFE_MINUTES)]
"""Life in minutes; 0 never ends."""


def _check_lives(life: int | None, callback_life: int | None) -> None:
    if life and callback_life and callback_life > life:
        raise ValueError("callback_life_minutes must not exceed life_minutes")


class AxeBind(Wire):
    """Put A behind an extension of X (axe.md §2). We always name X and extension.

    ``callback_number`` or ``callback_tone`` serve A, dialling X, while nobody has called yet: not both.
    """

    a: Party = Field(alias="bindNum", repr=False)
    x: PrivateNumber | None = Field(None, alias="virtualNum")
    extension: Extension | None = Field(None, alias="extendNum")
    area_code: AreaCode | None = Field(None, alias="areaCode")
    area_match_mode: AreaMatch | None = Field(None, alias="areaMatchMode")
    life_minutes: LifeMinutes = Field(0, alias="bindExpiredTime")
    callback_life_minutes: LifeMinutes = Field(0, alias="callbackExpiredTime")
    callback_number: Party | None = Field(None, alias="callbackNum", repr=False)
    callback_tone: Tone | None = Field(None, alias="callbackTone")
    record_flag: Flag = Field(False, alias="recordFlag")
    record_hint_tone: Tone | None = Field(None, alias="recordHintTone")
    user_data: UserData | None = Field(None, alias="userData", repr=False)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.x is None and self.area_code is None:
            raise ValueError("x or area_code is needed")
        if self.a == self.x:
            raise ValueError("a and x must be different numbers")
        if self.area_match_mode is not None and self.area_code is None:
            raise ValueError("area_match_mode needs area_code")
        if self.callback_number is not None and self.callback_tone is not None:
            raise ValueError("callback_number and callback_tone exclude each other")
        if self.record_flag and self.record_hint_tone is None:
            raise ValueError("record_flag needs record_hint_tone")
        _check_lives(self.life_minutes, self.callback_life_minutes)
        return self

    def to_wire(self) -> dict[str, Any]:
        """The JSON object as sent."""
        return super().to_wire() | {"timeUnit": MINUTES, "displayNumMode": "0"}


class AxeBound(Answer):
    """What a bind answers; the times are in the unit of the request, so in minutes."""

    subscription_id: SubscriptionId = Field(alias="subscriptionId")
    x: str = Field(alias="virtualNum")
    extension: str = Field(alias="extendNum")
    life_minutes: int = Field(0, alias="bindExpiredTime")
    callback_life_minutes: int = Field(0, alias="callbackExpiredTime")
    user_data: str | None = Field(None, alias="userData", repr=False)


class AxeModify(Wire):
    """Change a binding (axe.md §4); None leaves a value as it is, ``""`` clears a call-back.

    A new life starts with the modification. A, X, extension and user data cannot be changed. With both
    call-backs the platform takes the number and clears the tone.
    """

    subscription_id: SubscriptionId = Field(alias="subscriptionId")
    life_minutes: LifeMinutes | None = Field(None, alias="bindExpiredTime")
    callback_life_minutes: LifeMinutes | None = Field(None, alias="callbackExpiredTime")
    callback_number: ClearableParty | None = Field(None, alias="callbackNum", repr=False)
    callback_tone: ClearableTone | None = Field(None, alias="callbackTone")
    record_flag: Flag | None = Field(None, alias="recordFlag")
    record_hint_tone: Tone | None = Field(None, alias="recordHintTone")
    announced: bool = Field(False, exclude=True)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.record_flag and self.record_hint_tone is None and not self.announced:
            raise ValueError("record_flag needs record_hint_tone, or a binding created with one")
        _check_lives(self.life_minutes, self.callback_life_minutes)
        return self

    def to_wire(self) -> dict[str, Any]:
        """The JSON object as sent; the unit accompanies a time."""
        timed = self.life_minutes is not None or self.callback_life_minutes is not None
        return super().to_wire() | ({"timeUnit": MINUTES} if timed else {})


class AxeRow(Answer):
    """A binding as the platform holds it (axe.md §5).

    ``life`` and ``time_unit`` may be those of the bind, even after a modification: our own record counts.
    """

    subscription_id: SubscriptionId = Field(alias="subscriptionId")
    x: str = Field(alias="virtualNum")
    extension: str = Field(alias="extendNum")
    a: str = Field(alias="bindNum", repr=False)
    time_unit: str = Field("0", alias="timeUnit")
    life: int = Field(0, alias="bindExpiredTime")
    callback_life: int = Field(0, alias="callbackExpiredTime")
    callback_number: str | None = Field(None, alias="callbackNum", repr=False)
    callback_tone: str | None = Field(None, alias="callbackTone")
    record_flag: Flag = Field(False, alias="recordFlag")
    record_hint_tone: str | None = Field(None, alias="recordHintTone")
    user_data: str | None = Field(None, alias="userData", repr=False)
