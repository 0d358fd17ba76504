"""Where a host that was checked as text leads to in fact, and the way there.

A name that is allowed may still point into our own network, now or a moment later. It is resolved once, every
address behind it is looked at, and the connection goes to these addresses and not to the name.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeVar
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from privatenumber.addresses import AddressRefused

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host, best first; raises OSError."""

_NAT64: Final = IPv6Network("64:ff9b::/96")
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
    inner = _carried(ip) if isinstance(ip, IPv6Address) else None
    return ip.is_global and not ip.is_multicast and (inner is None or is_public(str(inner)))


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
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
