"""Field types of the wire models: one rule each, with the platform's form (numbers.md §1, §7).

Requests are validated before they are sent, so a mistake of ours is refused here, with field and rule,
and not by the platform. Errors never show the refused value: it may be a phone number.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

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
from privatenumber.phone_areas import AREA_CODE

MAX_DURATION_S: Final = 7_776_000
MAX_CALL_MINUTES: Final = 1440

_TONE: Final = re.compile(r"[A-Za-z0-9_.@-]{1,128}", re.ASCII)
_USER_DATA: Final = re.compile(r"[\x20-\x7e]{1,256}")
_AREA: Final = re.compile(AREA_CODE, re.ASCII)


def _party(number: str) -> str:
    if not is_global(number) or kind(number) not in {NumberKind.MOBILE, NumberKind.LANDLINE}:
        raise ValueError("must be a mobile or landline number in global form")
    return number


def _private(number: str) -> str:
    if not is_global(number) or kind(number) is not NumberKind.MOBILE:
        raise ValueError("must be a private number in global form; they are always mobile numbers")
    return number


def _id(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank: the platform would take it as absent")
    return text


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


def _on_off(value: object) -> object:
    return value.lower() == "on" if isinstance(value, str) and value.lower() in {"on", "off"} else value


Party = Annotated[str, AfterValidator(_party)]
ClearableParty = Annotated[str, AfterValidator(lambda number: number and _party(number))]
"""A number, or the empty string that clears it (numbers.md §7.1)."""
PrivateNumber = Annotated[str, AfterValidator(_private)]
Tone = Annotated[str, AfterValidator(_tone)]
ClearableTone = Annotated[str, AfterValidator(lambda name: name and _tone(name))]
"""A file name, or the empty string that clears it (numbers.md §7.1)."""
UserData = Annotated[str, AfterValidator(_user_data)]
AreaCode = Annotated[str, AfterValidator(_area_code)]
Flag = Annotated[bool, BeforeValidator(_flag), PlainSerializer(lambda on: "true" if on else "false")]
"""A Boolean that travels as the string ``"true"`` or ``"false"`` (numbers.md §7.2)."""
OnOff = Annotated[bool, BeforeValidator(_on_off), PlainSerializer(lambda on: "on" if on else "off")]
"""A switch that travels as ``"on"`` or ``"off"``."""
Direction = Annotated[int, Field(ge=0, le=2)]
"""0 both; 1 only A may call B; 2 only B may call A."""
Duration = Annotated[int, Field(ge=0, le=MAX_DURATION_S)]
"""Life in seconds; 0 never expires."""
CallMinutes = Annotated[int, Field(ge=0, le=MAX_CALL_MINUTES)]
"""Longest call in minutes; 0 has no limit."""
AreaMatch = Annotated[str, Field(pattern="^[01]$")]
"""0: only this city; 1: else its province, else anywhere."""
SubscriptionId = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_id)]


class Wire(BaseModel):
    """A request, or a part of one: unset members are left out."""

    model_config = ConfigDict(
        frozen=True,
        populate_by_name=True,
        loc_by_alias=False,
        extra="ignore",
        hide_input_in_errors=True,
        defer_build=True,
    )

    def to_wire(self) -> dict[str, Any]:
        """The JSON object as sent: the platform's names, unset members left out."""
        return self.model_dump(by_alias=True, exclude_none=True)


class Answer(Wire):
    """An answer of the platform: its own word, read leniently; members nobody documented are kept.

    ``null`` and ``""`` are absent, as everywhere on this wire (numbers.md §7.1).
    """

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty_members(cls, document: object) -> object:
        if not isinstance(document, dict):
            return document
        return {name: value for name, value in document.items() if value is not None and value != ""}


def located(number: str | None) -> str:
    """Return a number as the locator of a request.

    Raises ValueError for an empty one, which the platform would take as absent, and for one that is not in
    global form, which it would not find.
    """
    if not number or not is_global(number):
        raise ValueError("a platform request needs a number in global form as its locator")
    return number


def violations(error: ValidationError) -> Mapping[str, str]:
    """Which of our fields broke which rule; the empty field name stands for rules over several fields."""
    return {
        ".".join(str(part) for part in problem["loc"]): problem["msg"].removeprefix("Value error, ")
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    }
