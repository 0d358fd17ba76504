"""What the AXYB interfaces carry (axyb.md §2 to §4): our names inside, the platform's names on the wire."""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, AliasChoices, Field, model_validator

from privatenumber.platform.fields import (
    MAX_DURATION_S,
    Answer,
    AreaCode,
    AreaMatch,
    Direction,
    Flag,
    Party,
    SubscriptionId,
    Tone,
    UserData,
    Wire,
)

PATH: Final = "/rest/omp/xyrelationnumber/v1.0"
SHORTEST_LIFE_S: Final = 60
DEFAULT_LIFE_S: Final = 7200


def _life(seconds: int) -> int:
    if 0 < seconds < SHORTEST_LIFE_S:
        raise ValueError(f"must be 0 (never ends) or at least {SHORTEST_LIFE_S} seconds")
    return seconds


Life = Annotated[int, Field(ge=0, le=MAX_DURATION_S), AfterValidator(_life)]
"""Life in seconds: 0 never ends, otherwise 60 to 7 776 000."""


class AxybBindAx(Wire):
    """Give A an X of a city; the platform chooses it (axyb.md §2.1).

    ``yb_duration`` is the life of the YB relations, 0 = as long as the AX.
    """

    a: Party = Field(alias="origNum", repr=False)
    area_code: AreaCode = Field(alias="areaCode")
    area_match_mode: AreaMatch | None = Field(None, alias="areaMatchMode")
    direction: Direction = Field(0, alias="callDirection")
    duration: Life = Field(DEFAULT_LIFE_S, alias="duration")
    yb_duration: Life = Field(0, alias="ybDuration")
    record_flag: Flag = Field(False, alias="recordFlag")
    record_hint_tone: Tone | None = Field(None, alias="recordHintTone")
    pre_voice_x: Tone | None = Field(None, alias="preVoiceX")
    pre_voice_y: Tone | None = Field(None, alias="preVoiceY")
    user_data: UserData | None = Field(None, alias="userData", repr=False)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.record_flag and self.record_hint_tone is None:
            raise ValueError("record_flag needs record_hint_tone")
        return self


class AxybBindYb(Wire):
    """Give B a Y under an AX (axyb.md §2.2); what is None is the AX's."""

    subscription_id: SubscriptionId = Field(alias="subscriptionId")
    b: Party = Field(alias="origNum", repr=False)
    area_code: AreaCode | None = Field(None, alias="areaCode")
    area_match_mode: AreaMatch | None = Field(None, alias="areaMatchMode")
    yb_duration: Life | None = Field(None, alias="ybDuration")
    pre_voice_y: Tone | None = Field(None, alias="preVoiceY")
    user_data: UserData | None = Field(None, alias="userData", repr=False)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.area_match_mode is not None and self.area_code is None:
            raise ValueError("area_match_mode needs area_code")
        return self


class AxybBound(Answer):
    """What both binds answer: the id of the AX and the allocated X or Y, under either of its names."""

    subscription_id: SubscriptionId = Field(alias="subscriptionId")
    number: str = Field(
        validation_alias=AliasChoices("relationNumber", "relationNum", "number"),
        serialization_alias="relationNumber",
    )


class AxybRow(Answer):
    """One relation as the platform holds it (axyb.md §4); without a YB, ``y`` and ``b`` are None."""

    bind_id: str = Field("", alias="bindId")
    a: str = Field(alias="numA", repr=False)
    x: str = Field(alias="numX")
    y: str | None = Field(None, alias="numY")
    b: str | None = Field(None, alias="numB", repr=False)
    record_flag: Flag = Field(False, alias="recordFlag")
    record_hint_tone: str | None = Field(None, alias="recordHintTone")
    subscribe_time: str = Field("", alias="subscribeTime")
    direction: int = Field(0, alias="callDirection")
    duration: int = Field(0, alias="duration")
    yb_duration: int = Field(0, alias="ybDuration")
    pre_voice_x: str | None = Field(None, alias="preVoiceX")
    pre_voice_y: str | None = Field(None, alias="preVoiceY")
    user_data: str | None = Field(None, alias="userData", repr=False)


class AxybRows(Answer):
    """All relations of an AX; any number of them."""

    rows: tuple[AxybRow, ...] = Field((), alias="xyRelationNumList")
