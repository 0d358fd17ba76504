"""People's numbers, out of sight: tokens for keys, sealed values for storage, masks for eyes (design.md §6).

A phone number or a ``sessionId`` is never a key, an index value or a log field in clear. *token* replaces
it in keys, *seal* keeps it readable for those who hold the keyring, *mask* and *scrub* make it harmless.
Masking follows numbers.md §6 and is decided by value, never by field name.
"""

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN_LENGTH: Final = 26
"""130 bits of the keyed hash: no two numbers meet, and a key stays short."""

PSEUDONYM: Final = "erased-"
"""Begin of the name of somebody who was erased; as long as a token, and no token has a hyphen."""

_VERSION: Final = 1
_NONCE_BYTES: Final = 12


class SealBroken(Exception):
    """A sealed value that this keyring cannot open: unknown form or key, other context, or altered bytes.

    ``key_id`` is the key the value names, when it could be read; an unknown one may need a fresh keyring.
    """

    def __init__(self, reason: str, key_id: str | None = None) -> None:
        super().__init__(reason)
        self.key_id = key_id


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """The plain keys of one deployment: one for tokens, any number for data, ``current`` seals.

    The token key never changes, since tokens are table keys; data keys are added and old ones stay to open.
    """

    token_key: bytes
    data_keys: Mapping[str, bytes]
    current: str

    def __repr__(self) -> str:
        return f"Keyring(current={self.current!r}, data_keys={sorted(self.data_keys)})"


def token(keyring: Keyring, value: str, *, purpose: str = "number") -> str:
    """A stable stand-in for ``value`` in keys and logs: 26 characters a-z2-7.

    Equal values of one purpose have equal tokens; without the keyring nothing can be guessed back from it.
    """
    mac = hmac.digest(keyring.token_key, f"{purpose}\0{value}".encode(), hashlib.sha256)
    return base64.b32encode(mac).decode("ascii").lower()[:TOKEN_LENGTH]


def is_pseudonym(text: str | None) -> bool:
    """Whether somebody stands here who was erased: equal names are one person, and nobody knows whom."""
    return text is not None and text.startswith(PSEUDONYM)


def seal(keyring: Keyring, value: bytes, *, context: str) -> bytes:
    """Encrypt under the current data key (AES-256-GCM); opens only with the same ``context``.

    Layout: version, length of key id, key id, nonce, ciphertext with tag. Header and context are
    authenticated, so a value moved to another item or field does not open.
    """
    key_id = keyring.current.encode("ascii")
    header = bytes((_VERSION, len(key_id))) + key_id
    nonce = os.urandom(_NONCE_BYTES)
    return (
        header
        + nonce
        + _cipher(keyring.data_keys[keyring.current]).encrypt(nonce, value, _bound(header, context))
    )


def open_sealed(keyring: Keyring, sealed: bytes, *, context: str) -> bytes:
    """Decrypt what :func:`seal` made for the same context. Raises SealBroken."""
    from cryptography.exceptions import InvalidTag

    if len(sealed) < 2 or sealed[0] != _VERSION:
        raise SealBroken("not a sealed value of a known version")
    header, rest = sealed[: 2 + sealed[1]], sealed[2 + sealed[1] :]
    key_id = header[2:].decode("ascii", "replace")
    key = keyring.data_keys.get(key_id)
    if key is None:
        raise SealBroken("sealed under a key that is not on this keyring", key_id)
    try:
        return _cipher(key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _bound(header, context))
    except (InvalidTag, ValueError):
        raise SealBroken("altered, or sealed for another place", key_id) from None


def _bound(header: bytes, context: str) -> bytes:
    return header + b"\0" + context.encode()


def _cipher(key: bytes) -> "AESGCM":
    # Masking is needed everywhere, encryption is not: functions that only log do not pay for the import.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


_RUN: Final = re.compile(r"(\+|%2B)?(\d+)", re.ASCII | re.IGNORECASE)
_MOBILE: Final = re.compile(r"(86)?(1[3-9]\d)\d{4}(\d{4})", re.ASCII)
_SERVICE_400: Final = re.compile(r"(86[48]00)\d{4}(\d{3})", re.ASCII)
_SERVICE_95: Final = re.compile(r"8695\d{3,6}", re.ASCII)
_LANDLINE: Final = re.compile(r"(86(?:10|2[0-57-9])\d{2}|86[3-9]\d{2}\d{2})(\d{3,4})(\d{2})", re.ASCII)
_SHORTEST: Final = 7

# The last resort of numbers.md §6, and the zeros that people dial first: finds numbers in any text without
# eating ids and amounts.
_SCRUB: Final = tuple(
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        r"(?:\+|%2B)861[3-9]\d{9}(?!\d)",
        r"(?:\+|%2B)86(?:(?:10|2[0-57-9])\d{8}|[3-9]\d{2}\d{7,8})(?!\d)",
        r"(?<![0-9A-Za-z])0{0,2}(?:86)?1[3-9]\d{9}(?!\d)",
    )
)


def mask(text: str) -> str:
    """Mask a number, or every number inside a ``sessionId``, by the table of numbers.md §6; idempotent.

    For fields that hold numbers: any run of seven or more digits counts. Free text wants :func:`scrub`.
    """
    return _RUN.sub(_mask_run, text)


def scrub(text: str) -> str:
    """Mask phone numbers anywhere in free text and leave other digits alone; idempotent."""
    for pattern in _SCRUB:
        text = pattern.sub(lambda found: mask(found[0]), text)
    return text


def _mask_run(found: re.Match[str]) -> str:
    plus, digits = found[1] or "", found[2]
    if mobile := _MOBILE.fullmatch(digits):
        return f"{plus}{mobile[1] or ''}{mobile[2]}****{mobile[3]}"
    if plus and (service := _SERVICE_400.fullmatch(digits)):
        return f"{plus}{service[1]}****{service[2]}"
    if plus and (landline := _LANDLINE.fullmatch(digits)):
        return f"{plus}{landline[1]}{'*' * len(landline[2])}{landline[3]}"
    if len(digits) < _SHORTEST or (plus and _SERVICE_95.fullmatch(digits)) or _is_masked_landline(found):
        return found[0]
    return f"{plus}{digits[:2]}{'*' * (len(digits) - 4)}{digits[-2:]}"


def _is_masked_landline(found: re.Match[str]) -> bool:
    """What masking leaves of a landline is itself seven digits long when the area code has three."""
    return len(found[2]) == _SHORTEST and bool(found[1]) and found.string.startswith("***", found.end())
