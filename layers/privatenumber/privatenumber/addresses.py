"""The form of an address that somebody else chose: what could be read in two ways is no address at all.

Two ways means by us and by the library that connects. Which hosts are allowed is for others to say, where a
name leads to in fact is told in `network`.
"""

from __future__ import annotations

import re
from typing import Final

MAX_LENGTH: Final = 4096

_ADDRESS: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]{1,253})(?::(?P<port>[0-9]{1,5}))?(?:[/?][!-\[\]-~]*)?",
    re.ASCII | re.IGNORECASE,
)
_NAME: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII
)
_NUMERIC_END: Final = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)


class AddressRefused(Exception):
    """An address that is not used: ``form``, ``scheme``, ``host`` or ``network``. Says no part of it."""

    def __init__(self, part: str) -> None:
        super().__init__(f"address refused by its {part}")
        self.part = part


def host_of(address: str, *, allow_http: bool) -> str:
    """The host of an address, in small letters, when its form is one. Raises AddressRefused.

    No form has credentials, a fragment, or a host that is neither letters nor dotted digits.
    """
    found = _ADDRESS.fullmatch(address) if len(address) <= MAX_LENGTH else None
    if found is None or "#" in address or not 0 < int(found["port"] or 443) < 65_536:
        raise AddressRefused("form")
    if found["scheme"].lower() != "https" and not allow_http:
        raise AddressRefused("scheme")
    host = found["host"].lower()
    if not _NAME.fullmatch(host):
        raise AddressRefused("host")
    return host


def is_number(host: str) -> bool:
    """Whether somebody could read a host as an IP address: ``10.0.0.1``, ``2130706433``, ``0x7f.1``."""
    return _NUMERIC_END.fullmatch(host.rpartition(".")[2]) is not None


def is_dns_name(host: str) -> bool:
    """Whether a host is a name of two labels or more that nobody can read as a number."""
    return _NAME.fullmatch(host) is not None and "." in host and not is_number(host)
