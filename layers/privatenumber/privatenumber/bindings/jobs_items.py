"""Reading an item of a job: the fields of a bind, a change or a release, as JSON has them.

Form is checked here, meaning where the command is carried out. No error repeats a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from privatenumber.bindings.commands import BindCommand, Chooser, Sticky
from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.model import Spread
from privatenumber.bindings.references import check_order
from privatenumber.settings import Mode

_ID: Final = re.compile(r"[a-z0-9]{1,64}", re.ASCII)
_NAME: Final = re.compile(r"[a-z_]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Form:
    """How a field is read, and the rule in words for one that cannot be."""

    read: Callable[[Any], Any]
    rule: str


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(map(_text, value))


_TEXT: Final = _Form(_text, "must be a string")
_WHOLE: Final = _Form(_whole, "must be a whole number")
_FLAG: Final = _Form(_flag, "must be true or false")
_TIME: Final = _Form(_time, "must be a time by RFC 3339 with its zone, such as 2026-09-01T08:00:00Z")

_BIND: Final[Mapping[str, _Form]] = {
    **dict.fromkeys(
        ("order", "a", "b", "area", "x", "extension", "record_hint_tone", "caller_tone", "callee_tone"), _TEXT
    ),
    **dict.fromkeys(("last_minute_tone", "callback_number", "callback_tone", "user_reference"), _TEXT),
    **dict.fromkeys(("ttl_seconds", "direction", "max_minutes", "idle_seconds"), _WHOLE),
    "release_wait_seconds": _WHOLE,
    **dict.fromkeys(("anyone", "sms", "fallback_any_area"), _FLAG),
    "ends_at": _TIME,
    "fallback_areas": _Form(_texts, "must be a list of strings"),
    "mode": _Form(Mode, f"must be one of {', '.join(Mode)}"),
    "spread": _Form(Spread, f"must be one of {', '.join(Spread)}"),
    "chosen_by": _Form(Chooser, f"must be one of {', '.join(Chooser)}"),
    "sticky": _Form(Sticky, f"must be one of {', '.join(Sticky)}"),
}
_CHANGE: Final[Mapping[str, _Form]] = {
    **dict.fromkeys(("a", "b"), _TEXT),
    **dict.fromkeys(("direction", "max_minutes"), _WHOLE),
    "ends_at": _TIME,
}
_NAMED: Final[Mapping[str, _Form]] = {"binding_id": _TEXT, "order": _TEXT}


def read_bind(content: Mapping[str, Any], *, application: str, key: str) -> BindCommand:
    """Read what `POST /bindings` would read, without the application. Raises InvalidRequest."""
    fields = _read(content, _BIND)
    for name in ("order", "a"):
        if name not in fields:
            raise InvalidRequest(name, "is required")
    return BindCommand(**fields, application=application, idempotency_key=key)


def read_change(content: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Read a binding's id and what shall be different. Raises InvalidRequest."""
    fields = _read(content, {**_CHANGE, "binding_id": _TEXT})
    identity = _identity(fields.pop("binding_id", None))
    if not fields:
        raise InvalidRequest("items", f"name at least one of {', '.join(_CHANGE)}")
    return identity, fields


def read_named(content: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Read (binding id, order), one of them. Raises InvalidRequest."""
    fields = _read(content, _NAMED)
    if len(fields) != 1:
        raise InvalidRequest("binding_id", "give either binding_id or order")
    if "order" in fields:
        check_order(fields["order"])
        return None, fields["order"]
    return _identity(fields["binding_id"]), None


def _identity(text: str | None) -> str:
    if text is None or not _ID.fullmatch(text):
        raise InvalidRequest("binding_id", "must be the id of a binding")
    return text


def _read(content: Mapping[str, Any], forms: Mapping[str, _Form]) -> dict[str, Any]:
    """Read the fields that are given; null is as good as absent."""
    read: dict[str, Any] = {}
    for name, value in content.items():
        if name not in forms:
            shown = name if _NAME.fullmatch(name) else "(unknown field)"
            raise InvalidRequest(shown, "is not a field of this item")
        if value is None:
            continue
        try:
            read[name] = forms[name].read(value)
        except (TypeError, ValueError, OverflowError):
            raise InvalidRequest(name, forms[name].rule) from None
    return read
