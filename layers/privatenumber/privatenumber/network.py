"""Where a host that was checked as text leads to in fact, and the way there.

A name that is allowed may still point into our own network, now or a moment later. It is resolved once, every
address behind it is looked at, and the connection goes to these addresses and not to the name.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeVar
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from privatenumber.addresses import AddressRefused

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host, best first; raises OSError."""

_NOT_PUBLIC: Final = tuple(
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
"""Networks of IPv4 with a purpose of their own. Python's tables differ from version to version."""

_PUBLIC_6: Final = IPv6Network("2000::/3")
"""All of IPv6 that is given to anybody; what is not given yet leads nowhere that we know."""

_NOT_PUBLIC_6: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
_NAT64: Final = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to one address behind a name; ``host`` is what the header ``Host`` has to say there."""

    pool: urllib3.HTTPConnectionPool
    target: str
    host: str


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host as the system knows them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(where[0]) for *_, where in found))


def only_public(addresses: Sequence[str]) -> Sequence[str]:
    """Return the addresses when all of them are of the public internet. Raises AddressRefused.

    One that is not refuses them all: an honest host has no address in a network of ours.
    """
    if not all(is_public(address) for address in addresses):
        raise AddressRefused("network")
    return addresses


def is_public(address: str) -> bool:
    """Whether an address is reached by way of the public internet, also where IPv4 is written as IPv6."""
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _NOT_PUBLIC)
    inner = _carried(ip)
    if inner is not None:
        return is_public(str(inner))
    return ip in _PUBLIC_6 and not any(ip in network for network in _NOT_PUBLIC_6)


def ways_to(address: str, *, resolve: Resolve, anywhere: bool) -> Sequence[Way]:
    """The ways to an address that was checked, to public ones only unless ``anywhere``.

    The certificate has to bear the name, whatever is connected to. Raises AddressRefused and OSError.
    """
    parts = urlsplit(address)
    host, tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    found = resolve(host, port)
    if not found:
        raise OSError("a name without an address")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return [
        Way(_pool(ip, port, host if tls else None), target, parts.netloc)
        for ip in (found if anywhere else only_public(found))
    ]


def by_the_first(ways: Sequence[Way], ask: Callable[[Way], _Answer]) -> _Answer:
    """Ask by the first way on which somebody is. Raises what asking by the last one raised."""
    *others, last = ways
    for way in others:
        with suppress(NewConnectionError, ConnectTimeoutError):
            return ask(way)
    return ask(last)


def _pool(ip: str, port: int, certified: str | None) -> urllib3.HTTPConnectionPool:
    """A way to one address; ``certified`` is the name that its certificate has to bear."""
    if certified is None:
        return urllib3.HTTPConnectionPool(ip, port)
    return urllib3.HTTPSConnectionPool(ip, port, server_hostname=certified)


def _carried(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet to this one is carried on to."""
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return IPv4Address(int(ip) >> 80 & 0xFFFF_FFFF) if ip in _SIX_TO_FOUR else None
