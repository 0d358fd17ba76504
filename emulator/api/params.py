"""Reading of parameters: where they stand, which types pass, lenient and strict (numbers.md §1.2, §7).

``null`` and ``""`` count as absent. Every value outside its type or range is refused with 1010002.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from emulator.api.errors import InvalidRequest, invalid, missing
from privatenumber import phone

Value = TypeVar("Value")
MAX_BODY = 64 * 1024
NUMBER_PARAMETERS = frozenset(
    {"relationNum", "callerNum", "calleeNum", "privateNum", "origNum", "virtualNum", "yNum", "bNum"}
)
_DIGITS = re.compile(r"\+?[0-9]+")
_WHOLE = re.compile(r"[0-9]+")
_HALF = re.compile("[\ud800-\udfff]")
"""Half a character: JSON can spell it, UTF-8 cannot carry it."""
_TONE = re.compile(r"[0-9A-Za-z\-_.@]+")
_SERVICE_NUMBER = re.compile(r"(?:\+86)?(?:[48]00[0-9]{7}|95[0-9]{3,6})")
_FLAGS: Mapping[str, bool] = {"true": True, "false": False, "1": True, "0": False}


def read_query(raw: bytes, *, strict: bool) -> dict[str, Any]:
    """Decode a query string. Lenient: the first of repeated parameters counts, a leading blank means ``+``.

    Raises InvalidRequest for text that is not UTF-8 and, in strict, for a repetition or an unescaped ``+``.
    """
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise InvalidRequest from None
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            if strict:
                raise invalid(name)
            continue
        unescaped_plus = name in NUMBER_PARAMETERS and value.startswith(" ")
        if unescaped_plus and strict:
            raise invalid(name)
        values[name] = "+" + value[1:] if unescaped_plus else value
    return values


def read_body(raw: bytes, content_type: str, *, strict: bool) -> dict[str, Any]:
    """Decode a JSON object; a byte order mark is skipped.

    Raises InvalidRequest for anything else, for more than 64 KiB and, in strict, for another Content-Type.
    """
    if strict and content_type.split(";")[0].strip().lower() != "application/json":
        raise InvalidRequest
    if len(raw) > MAX_BODY:
        raise InvalidRequest
    try:
        value = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise InvalidRequest from None
    if not isinstance(value, dict):
        raise InvalidRequest
    return value


@dataclass(slots=True)
class Parameters:
    """Typed access to the parameters of one request; each reader returns None for an absent one.

    ``notes`` collects what the journal should mention.
    """

    values: Mapping[str, Any]
    strict: bool
    number_validation: str = "platform"
    voice_files: Collection[str] | None = None
    notes: list[str] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Whether the parameter is there with a value."""
        return self.values.get(name) not in (None, "")

    def text(self, name: str, shortest: int, longest: int) -> str | None:
        """Read a String(a-b); lenient converts a JSON number."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not self.strict:
            value = json.dumps(value)
        if not isinstance(value, str) or not shortest <= len(value) <= longest or _HALF.search(value):
            raise invalid(name)
        return value

    def party(self, name: str, shortest: int = 4, longest: int = 31, *, service: bool = False) -> str | None:
        """Read a user's number, mobile or landline; with ``service`` also 400 and 95 (numbers.md §1.2)."""
        value = self.text(name, shortest, longest)
        if value is None:
            return None
        refused = _DIGITS.fullmatch(value) is None or (value.startswith("+") and not value.startswith("+86"))
        if refused or (not service and _SERVICE_NUMBER.fullmatch(value)):
            raise invalid(name)
        if not phone.is_global(value):
            if self.number_validation == "strict":
                raise invalid(name)
            self.notes.append(f"{name} is no valid number: calls to it will fail")
        return value

    def integer(self, name: str, lowest: int, highest: int) -> int | None:
        """Read a whole number; lenient accepts a string of digits. Signs and fractions are refused."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str) and not self.strict and len(value) < 20 and _WHOLE.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise invalid(name)
        return value

    def flag(self, name: str) -> bool | None:
        """Read ``"true"`` or ``"false"``; lenient takes any case, JSON booleans, 0 and 1."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if self.strict:
            found = {"true": True, "false": False}.get(value) if isinstance(value, str) else None
        else:
            readable = isinstance(value, (str, int))
            found = _FLAGS.get(str(value).lower()) if readable else None
        if found is None:
            raise invalid(name)
        return found

    def digit(self, name: str, allowed: Collection[str]) -> str | None:
        """Read an enumeration of digit strings; lenient accepts a JSON number."""
        value = self.text(name, 1, 8)
        if value is not None and value not in allowed:
            raise invalid(name)
        return value

    def tone(self, name: str, shortest: int = 0) -> str | None:
        """Read the name of a tone file that exists (numbers.md §7.3)."""
        value = self.text(name, shortest, 128)
        if value is None:
            return None
        if not _TONE.fullmatch(value):
            raise invalid(name)
        if self.voice_files is not None and value not in self.voice_files:
            raise InvalidRequest(f"{value} does not exist.")
        return value

    def nested(self, name: str) -> Parameters:
        """Read an object member; absent reads as empty."""
        value = self.values.get(name)
        if value is None or value == "":
            value = {}
        if not isinstance(value, dict):
            raise invalid(name)
        return Parameters(value, self.strict, self.number_validation, self.voice_files, self.notes)

    def area(self, name: str = "areaCode") -> str | None:
        """Read a city code; lenient adds a missing leading zero (numbers.md §2)."""
        value = self.text(name, 0, 32)
        if value is None or not _WHOLE.fullmatch(value) or value.startswith("0"):
            return value
        if self.strict:
            raise invalid(name)
        return "0" + value

    def user_data(self, forbidden: str) -> str | None:
        """Read ``userData``; lenient notes forbidden and non-ASCII characters, strict refuses them (§7.4)."""
        value = self.text("userData", 1, 256)
        if value is None or (value.isascii() and not set(value) & set(forbidden)):
            return value
        if self.strict:
            raise invalid("userData")
        self.notes.append(f"userData with one of {forbidden} or a non-ASCII character")
        return value

    def lenient_integer(self, name: str, lowest: int, highest: int | None, default: int) -> int:
        """Read a paging parameter of the AXB query: whatever does not fit means the default (axb.md §5)."""
        text = str(self.values.get(name, ""))
        if not text.isascii() or not _WHOLE.fullmatch(text) or len(text) > 18:
            return default
        value = int(text)
        return value if lowest <= value and (highest is None or value <= highest) else default


def needed(value: Value | None, name: str) -> Value:
    """Return a value that must be there; raises InvalidRequest when it is absent."""
    if value is None:
        raise missing(name)
    return value
