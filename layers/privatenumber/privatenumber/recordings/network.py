"""Where a host that was checked as text leads to in fact: the addresses behind its name.

A name that is allowed may still point into our own network, now or a moment later. It is resolved once, every
address behind it is looked at, and whoever connects does so to these addresses and not to the name.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from privatenumber.recordings.addresses import AddressRefused

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host, best first; raises OSError."""

_NAT64: Final = IPv6Network("64:ff9b::/96")


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host as the system knows them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(where[0]) for *_, where in found))


def only_public(addresses: Sequence[str]) -> Sequence[str]:
    """Return the addresses when all of them are of the public internet. Raises AddressRefused.

    One that is not refuses them all: an honest storage has no address in a network of ours.
    """
    if not all(is_public(address) for address in addresses):
        raise AddressRefused("network")
    return addresses


def is_public(address: str) -> bool:
    """Whether an address is reached by way of the public internet, also where IPv4 is written as IPv6."""
    ip = ip_address(address)
    inner = _carried(ip) if isinstance(ip, IPv6Address) else None
    return ip.is_global and not ip.is_multicast and (inner is None or is_public(str(inner)))


def _carried(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet to this one is carried on to."""
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
