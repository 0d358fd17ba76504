"""What business systems may send as a body: one model each, and the words for its broken rules.

The models check form; what needs a clock, a table or the number rules is checked by the domain. No error
repeats a value, and not even the name of an unknown field unless it consists of letters only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from privatenumber.bindings.callees import LONGEST_S
from privatenumber.bindings.choose import MAX_CITIES
from privatenumber.bindings.commands import Chooser, Sticky
from privatenumber.bindings.model import MIN_LIFE_S, Spread
from privatenumber.bindings.rules import RULES
from privatenumber.bindings.waiting import LONGEST_WAIT_S
from privatenumber.http_request import InvalidFields, Request, UnreadableBody
from privatenumber.phone_areas import AREA_CODE
from privatenumber.settings import Mode
from privatenumber.store.numbers import NumberState, NumberType

JSON_TYPES: Final = ("application/json",)
JSON_LIMIT: Final = 64 * 1024
_LONGEST_S: Final = max(rules.longest_s for rules in RULES.values())

_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def _written_time(value: Any) -> Any:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise PydanticCustomError("rfc_3339", "RFC 3339")
    return value


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("rfc_3339", "RFC 3339") from None


Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written_time), AfterValidator(_utc)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
PhoneText = Annotated[str, Field(max_length=40)]
"""A number in any form of numbers.md §1.3; the domain normalises it."""

AreaCode = Annotated[str, Field(pattern=f"^{AREA_CODE}$")]
FallbackArea = Annotated[str, Field(pattern=f"^(?:{AREA_CODE}|province|any)$")]
Life = Annotated[int, Field(ge=MIN_LIFE_S, le=_LONGEST_S)]
Direction = Annotated[int, Field(ge=0, le=2)]
Minutes = Annotated[int, Field(ge=0, le=1440)]
Tone = Annotated[str, Field(pattern=r"^[0-9A-Za-z._@-]{1,128}$")]
"""Name of a voice file that the platform has (axb.md §2)."""

Reference = Annotated[str, Field(pattern=r"^[ -\]_-z|~]{1,256}$")]


class RequestBody(BaseModel):
    """What every body has in common: no field that is not known, no value of another type."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class BindBody(RequestBody):
    """Body of `POST /bindings` in every mode; which field exists in which is checked by the domain.

    axb.md §2, ax.md §2, axe.md §2, axyb.md §2 and x.md §2 say what the fields mean to the platform. A life
    has limits of its own in each mode; here stand the widest of them.
    """

    application: Name
    order: Annotated[str, Field(pattern=r'^[!-"$-~]{1,64}$')]
    mode: Mode | None = None
    a: PhoneText
    b: PhoneText | None = None
    anyone: bool = False
    x: PhoneText | None = None
    area: AreaCode | None = None
    fallback_any_area: bool = False
    fallback_areas: Annotated[tuple[FallbackArea, ...], Field(max_length=MAX_CITIES)] = ()
    spread: Spread = Spread.RANDOM
    sticky: Sticky = Sticky.NONE
    extension: Annotated[str, Field(pattern=r"^[0-9]{1,4}$")] | None = None
    ends_at: Time | None = None
    ttl_seconds: Life | None = None
    idle_seconds: Life | None = None
    release_wait_seconds: Annotated[int, Field(ge=0, le=LONGEST_WAIT_S)] = 0
    chosen_by: Chooser = Chooser.US
    direction: Direction = 0
    max_minutes: Minutes = 0
    sms: bool = True
    record_hint_tone: Tone | None = None
    caller_tone: Tone | None = None
    callee_tone: Tone | None = None
    last_minute_tone: Tone | None = None
    callback_number: PhoneText | None = None
    callback_tone: Tone | None = None
    user_reference: Reference | None = None


class ChangeBody(RequestBody):
    """Body of `PATCH /bindings/{id}`: at least one field; what is absent or null stays (axb.md §4)."""

    ends_at: Time | None = None
    a: PhoneText | None = None
    b: PhoneText | None = None
    direction: Direction | None = None
    max_minutes: Minutes | None = None


class PartnerBody(RequestBody):
    """Body of `POST /bindings/{id}/partners` (axyb.md §2.2, x.md §5)."""

    b: PhoneText


class CallBody(RequestBody):
    """Body of `POST /bindings/{id}/call` (ax.md §6)."""

    callee: PhoneText
    user_reference: Reference | None = None


class CalleeBody(CallBody):
    """Body of `PUT /bindings/{id}/callee` (ax.md §6)."""

    seconds: Annotated[int, Field(ge=1, le=LONGEST_S)] = 60


class NumberBody(RequestBody):
    """Body of `PUT /numbers/{x}`: what is absent stays as it is, a date that is null is cleared."""

    application: Name | None = None
    area_code: AreaCode | None = None
    number_type: NumberType | None = None
    state: NumberState | None = None
    issued_on: date | None = None
    unsubscribed_on: date | None = None


class ForecastBody(RequestBody):
    """Body of `POST /pool/forecast`."""

    application: Name
    days: Annotated[int, Field(ge=1, le=31)] = 7
    refusal_percent: Annotated[float, Field(ge=0, le=20)] = 0.0
    growth: Annotated[float, Field(ge=0.1, le=10)] = 1.0


_M = TypeVar("_M", bound=RequestBody)


def read_body(request: Request, model: type[_M]) -> _M:
    """Read a JSON body.

    Raises UnreadableBody (no JSON object), InvalidFields, and what `Request.body` raises.
    """
    return read_json(request.body(accepted=JSON_TYPES, limit=JSON_LIMIT), model)


def read_json(data: bytes, model: type[_M]) -> _M:
    """Read a JSON object; raises UnreadableBody, InvalidFields."""
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        broken = error.errors(include_url=False, include_context=True, include_input=False)
    if any(one["type"] in ("json_invalid", "model_type") for one in broken):
        raise UnreadableBody
    raise InvalidFields(*((_field(one["loc"]), _rule(one["type"], one.get("ctx", {}))) for one in broken))


def require_change(body: ChangeBody) -> None:
    """Refuse a change that changes nothing; raises InvalidFields."""
    if all(value is None for _, value in body):
        raise InvalidFields(("body", f"name at least one of {', '.join(ChangeBody.model_fields)}"))


_RULES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "string_type": "must be a string",
    "string_pattern_mismatch": "has characters or a form that the field does not allow",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "tuple_type": "must be a list",
    "too_long": "must have at most {max_length} elements",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "date_type": "must be a date such as 2026-09-01",
    "date_parsing": "must be a date such as 2026-09-01",
    "rfc_3339": "must be a time by RFC 3339 with its zone, such as 2026-09-01T08:00:00Z",
}


def _rule(kind: str, context: Mapping[str, Any]) -> str:
    # `context` holds limits of the schema for these kinds; for others it might hold the value.
    if kind.startswith(("datetime", "timezone")):
        kind = "rfc_3339"
    return _RULES[kind].format(**context) if kind in _RULES else "is not valid"


def _field(location: Iterable[int | str]) -> str:
    name = ".".join(str(part) for part in location)
    return name if re.fullmatch(r"[A-Za-z_.]{1,64}(?:\.\d)?", name) else "(unknown field)"
