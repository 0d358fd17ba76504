"""What the platform does to the text of an SMS in AX: ``@number`` and ``[From…]`` (notifications.md §6.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from privatenumber.phone import NumberKind, is_global, kind, national

_VALID: Final = re.compile(r"@(?P<number>(?:\+86)?1[3-9][0-9]{9})\s*\Z")
#: What was meant as a receiver and is none: digits behind any @, or a mobile number at the end without one.
_ATTEMPT: Final = re.compile(
    r"[@＠]\s*[+＋]?[0-9０-９]|(?<![0-9])(?:\+?86[ -]?)?1[3-9](?:[ -]?[0-9]){9}\W*\Z",
)
_DIGITS: Final = re.compile(r"[@＠]\s*[+＋]?[0-9０-９]")
_WHOLE: Final = re.compile(r"@(?:\+86)?1[3-9][0-9]{9}(?![0-9])")
_SEPARATORS: Final = re.compile(r"[\s-]")


class AtNumber(StrEnum):
    """What the end of A's text says about the receiver (notifications.md §6.1)."""

    VALID = "valid"
    MISSING = "missing"
    MALFORMED = "malformed"


class Fault(StrEnum):
    """What is wrong with a malformed ending; explained in `codes.sms_receivers`."""

    WRONG_AT = "wrong_at"
    """A full-width ＠."""
    NO_AT = "no_at"
    """A mobile number at the end, without @."""
    SEPARATED = "separated"
    """Blanks or hyphens between @ and the last digit."""
    BEHIND = "behind"
    """Something behind a valid number."""
    NOT_MOBILE = "not_mobile"


@dataclass(frozen=True, slots=True)
class Addressed:
    """A's text in AX, read: `receiver` in global form and the text without it, when the ending is valid.

    ``fault`` says why it is malformed.
    """

    ending: AtNumber
    text: str = field(repr=False)
    receiver: str | None = field(default=None, repr=False)
    fault: Fault | None = None


def addressed(text: str) -> Addressed:
    """Read the end of a text that A sent to its X.

    Valid is a half-width ``@``, optionally ``+86``, a mobile number of 11 digits and blanks, nothing behind.
    """
    found = _VALID.search(text)
    if found:
        number = found["number"]
        receiver = number if number.startswith("+") else f"+86{number}"
        return Addressed(AtNumber.VALID, text[: found.start()], receiver)
    if _ATTEMPT.search(text):
        return Addressed(AtNumber.MALFORMED, text, fault=_fault(text))
    return Addressed(AtNumber.MISSING, text)


def _fault(text: str) -> Fault:
    """Why an ending that was tried is not valid: looked for at the last @ with a digit behind it."""
    *_, last = (None, *_DIGITS.finditer(text))
    if last is None:
        return Fault.NO_AT
    tried = text[last.start() :]
    if tried.startswith("＠"):
        return Fault.WRONG_AT
    if _WHOLE.match(tried):
        return Fault.BEHIND
    return Fault.SEPARATED if _VALID.match(_SEPARATORS.sub("", tried)) else Fault.NOT_MOBILE


def with_sender(text: str, sender: str) -> str:
    """The text that A gets when another writes to A's X: the number is appended in national form."""
    mobile = is_global(sender) and kind(sender) is NumberKind.MOBILE
    return f"{text}[From{national(sender) if mobile else sender}]"
