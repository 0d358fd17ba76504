"""Phone numbers in what people and systems write: the one check of every text that is kept in clear.

A number counts however it is typed (numbers.md §1.3): in either width, with anything between its digits that
is neither letter nor digit, written for a URL, with and without prefix. Ids, times and amounts are none.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

_SHORTEST: Final = 7
_DECODED: Final = 3
"""How often a text may have been written for a URL."""

MAX_ACTOR: Final = 256

_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-f]{4})|[bfnrt])", re.IGNORECASE)
_BETWEEN_DIGITS: Final = re.compile(r"(?<=[0-9])[\W_]+(?=[0-9])")
_NO_NUMBER: Final = re.compile(
    # A UUID, a longer random id in hexadecimal and that of a record (notifications.md §5.5).
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24,64}(?:\.[0-9]{1,10}){0,3})"
    r"(?![0-9A-Za-z])"
    # A time. A day alone is short enough to be none.
    r"|(?<![0-9])20[0-9]{2}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-5][0-9]"
    r"(?::[0-5][0-9](?:[.,][0-9]{1,9})?)?(?:[+-][01][0-9]:?[0-5]0)?(?![0-9])"
    # A number that is masked already (numbers.md §6).
    r"|(?<![0-9*])(?:[0-9]{3,5}\*{4}[0-9]{3,4}|[0-9]{4,8}\*{3,4}[0-9]{2}|[0-9]{2}\*{3,}[0-9]{2})(?![0-9*])",
    re.IGNORECASE,
)


def _spread(pattern: str) -> str:
    """The pattern of digits with anything but letters and digits between them."""
    return pattern.replace("~", r"[\W_]*").replace("D", "[0-9]")


_LOCAL: Final = "(?:1~0|2~[0-57-9])(?:~D){8}|[3-9]~D~D(?:~D){7,8}"
_MOBILE: Final = "1~[3-9](?:~D){9}"
_FORMS: Final = re.compile(
    _spread(
        # A + parts digits too: a long row of them must not be looked through from each of them on.
        rf"\+[\W_]{{0,3}}[1-9](?:~D){{6}}"
        rf"|(?<![0-9])(?:"
        rf"(?:0~0~)?8~6~(?:0~)?(?:{_MOBILE}|{_LOCAL}|[48]~0~0(?:~D){{7}})"
        rf"|0~0~8~6~9~5(?:~D){{3,6}}"
        rf"|(?:0~){{0,2}}{_MOBILE}"
        rf"|0~(?:{_LOCAL})"
        # Digits alone may be an id of ten digits; grouped they are a service number.
        rf"|[48]00[\W_]+(?:D{{3}}[\W_]+D{{4}}|D{{4}}[\W_]+D{{3}})"
        rf")(?![0-9])"
    )
)


def plain(text: str) -> str:
    """A text in which digits and + are of one width and one script."""
    if text.isascii():
        return text
    one_width = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in one_width)


def closed_up(text: str) -> str:
    """A plain text with nothing between digits that are parted by no letter."""
    return _BETWEEN_DIGITS.sub("", plain(text))


def unescaped(text: str) -> str:
    """A text in JSON with its signs as they read, and blanks for what is none."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else " ", text)


def holds_number(text: str) -> bool:
    """Whether somebody's phone number stands in a text.

    A number begins and ends where digits do, so a long id of digits holds none. Numbers of 95 alone are left:
    they are no person's and as short as an amount.
    """
    for _ in range(_DECODED):
        decoded = unquote(text)
        if decoded == text:
            break
        text = decoded
    text = plain(text)
    if sum(sign.isdigit() for sign in text) < _SHORTEST:
        return False
    return _FORMS.search(_NO_NUMBER.sub("x", text)) is not None


def safe_actor(arn: str | None) -> str:
    """An IAM identity as it may be kept: who names his session by a phone number stays without it."""
    if not arn:
        return "unknown"
    # It is cut last: a part of a number is one that nothing recognises.
    kept = "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in arn)
    head, slash, _ = kept.rpartition("/")
    if not _names_number(kept):
        return kept[:MAX_ACTOR]
    return f"{head}{slash}***"[:MAX_ACTOR] if slash and not _names_number(head) else "***"


def _names_number(arn: str) -> bool:
    """Of an ARN only the name counts: an account is a number of twelve digits."""
    return holds_number(arn.split(":", 5)[-1])
