"""What the AXB interfaces carry (axb.md §2 to §5): our names inside, the platform's names on the wire."""

from typing import Any, Final, Self

from pydantic import Field, model_validator

from privatenumber.platform.fields import (
    MAX_DURATION_S,
    Answer,
    AreaCode,
    AreaMatch,
    CallMinutes,
    Direction,
    Duration,
    Flag,
    Party,
    PrivateNumber,
    SubscriptionId,
    Tone,
    UserData,
    Wire,
    violations,
)

__all__ = [
    "MAX_DURATION_S",
    "PATH",
    "AxbBind",
    "AxbBound",
    "AxbModify",
    "AxbPage",
    "AxbPreVoice",
    "AxbRow",
    "violations",
]

PATH: Final = "/rest/caas/relationnumber/partners/v1.0"


class AxbPreVoice(Wire):
    """Tones before connection: what A hears when A dials X, and B when B dials."""

    caller_hint_tone: Tone | None = Field(None, alias="callerHintTone")
    callee_hint_tone: Tone | None = Field(None, alias="calleeHintTone")


class AxbBind(Wire):
    """Bind A and B to X (axb.md §2). We always name X; ``area_code`` lets the platform choose instead.

    ``record_flag`` needs ``record_hint_tone``: carriers intercept calls recorded without an announcement.
    """

    a: Party = Field(alias="callerNum", repr=False)
    b: Party = Field(alias="calleeNum", repr=False)
    x: PrivateNumber | None = Field(None, alias="relationNum")
    area_code: AreaCode | None = Field(None, alias="areaCode")
    area_match_mode: AreaMatch | None = Field(None, alias="areaMatchMode")
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


class AxbBound(Answer):
    """What a bind answers: the id that every later operation needs, the X used and the effective limits."""

    subscription_id: SubscriptionId = Field(alias="subscriptionId")
    x: str = Field(alias="relationNum")
    direction: int = Field(0, alias="callDirection")
    duration: int = Field(0, alias="duration")
    max_duration: int = Field(0, alias="maxDuration")


class AxbModify(Wire):
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


class AxbRow(Answer):
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


class AxbPage(Answer):
    """One page of a query; ``total_count`` counts over all pages. Rows come oldest first."""

    total_count: int = Field(0, alias="totalCount")
    page_index: int = Field(1, alias="pageIndex")
    page_size: int = Field(50, alias="pageSize")
    rows: tuple[AxbRow, ...] = Field((), alias="relationNumList")
