"""Reading the fields of a push leniently (notifications.md §2.8, §3).

A reader walks one JSON object: it hands out typed values and collects beside them the *canonical content*,
in which spellings that mean the same are the same. Two deliveries of one fact therefore have one content,
even if one of them says ``"1"`` for ``1``, ``""`` for nothing or writes a time with ``T`` and ``Z``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from privatenumber.phone import InvalidNumber, normalise
from privatenumber.times import parse_time

Value = TypeVar("Value")

#: Longest text of a field that is read; the longest documented one has 1 024 characters.
MAX_TEXT = 1024
#: Longest text of an SMS that is read; 2 000 characters are documented (notifications.md §6.2).
MAX_MESSAGE = 8192
#: Every integer of a push lies below it.
MAX_INTEGER = 2**31
_INTEGER = re.compile(r"[+-]?[0-9]{1,12}")
_FIRST_YEAR, _LAST_YEAR = 2000, 2200
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})


class UnreadableField(ValueError):
    """A field is there but not readable as its type. Says which field, never its value.

    Attributes
    ----------
    field : str
        Name of the field on the wire.
    """

    def __init__(self, field: str) -> None:
        super().__init__(f"field {field} is not readable")
        self.field = field


class Fields:
    """Typed, lenient access to one JSON object of a push.

    ``None``, ``""`` and a missing field are all "absent". Raises `UnreadableField` from every getter.
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self._read: dict[str, Any] = {}
        self.foreign_numbers = False

    def text(self, name: str) -> str | None:
        """A string; a JSON number or Boolean is converted. Surrounding blanks go."""
        return self._get(name, _as_text)

    def message(self, name: str) -> str | None:
        """A text whose blanks count, at its ends too: what a person wrote."""
        return self._get(name, _as_message)

    def integer(self, name: str) -> int | None:
        """An integer, also as text or Boolean; below 2^31 either way."""
        return self._get(name, _as_integer)

    def flag(self, name: str) -> bool | None:
        """A Boolean-like field: ``true``, ``"true"``, ``1``, ``"1"`` and their opposites."""
        return self._get(name, _as_flag)

    def time(self, name: str) -> datetime | None:
        """A moment, always UTC (notifications.md §3)."""
        return self._get(name, _as_time, lambda moment: moment.isoformat())

    def number(self, name: str) -> str | None:
        """A phone number in global form (numbers.md §1.3).

        What is no mainland number is handed out as it came and `foreign_numbers` is set: callers from
        abroad exist, and a number we cannot read must not cost us a record.
        """
        text = self._get(name, _as_text)
        if text is None:
            return None
        try:
            number = normalise(text, field=name, service=True)
        except InvalidNumber:
            self.foreign_numbers = True
            return text
        self._read[name] = number
        return number

    def content(self) -> str:
        """Canonical JSON of the object: fields that were read in their one spelling, others as they came."""
        others = {name: value for name, value in self._raw.items() if name not in self._read}
        return canonical({**others, **{k: v for k, v in self._read.items() if v is not None}})

    def _get(
        self, name: str, convert: Callable[[Any], Value], spell: Callable[[Value], Any] | None = None
    ) -> Value | None:
        value = self._raw.get(name)
        self._read[name] = None
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        try:
            read = convert(value)
        except (ValueError, OverflowError):
            # `from None`: the cause would quote the value, which may be a phone number.
            raise UnreadableField(name) from None
        self._read[name] = spell(read) if spell else read
        return read


def canonical(value: Mapping[str, Any]) -> str:
    """One JSON text for a mapping, whatever the order of its keys; absent members (null, "") are left out."""
    present = {name: member for name, member in value.items() if member is not None and member != ""}
    return json.dumps(present, sort_keys=True, separators=(",", ":"))


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise ValueError
    return _bounded(value.strip(), MAX_TEXT)


def _as_message(value: Any) -> str:
    return _bounded(value, MAX_MESSAGE) if isinstance(value, str) else _as_text(value)


def _bounded(text: str, longest: int) -> str:
    if len(text) > longest:
        raise ValueError
    text.encode()  # half a surrogate pair passes as JSON but can neither be stored nor hashed: ValueError
    return text


def _as_integer(value: Any) -> int:
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value.strip()):
            raise ValueError
    elif not isinstance(value, int) and not (isinstance(value, float) and value.is_integer()):
        raise ValueError
    number = int(value)
    if abs(number) >= MAX_INTEGER:
        raise ValueError
    return number


def _as_flag(value: Any) -> bool:
    word = _as_text(value).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError


def _as_time(value: Any) -> datetime:
    moment = parse_time(_as_text(value)).astimezone(UTC)
    # Days and months are computed in Beijing time; the ends of the calendar would overflow there.
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError
    return moment
