"""Where a recording may be fetched from: a rule for addresses that somebody else chose.

The address comes from the platform's redirect or from a CDR. It is fetched only when its host is one of those
allowed (recording-and-call-stop.md §2): exactly, or below one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from privatenumber.addresses import AddressRefused, host_of, is_dns_name, is_number
from privatenumber.settings import Application

DEFAULT_HOSTS: Final = ("*.myhuaweicloud.com", "*.huawei.com")
_SECOND_LEVELS: Final = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})
"""Below a country's domain anybody may have a name under these, as under the country's domain itself."""


def allowed_hosts(application: Application, record_domain: str | None) -> tuple[str, ...]:
    """The hosts of an application: those of its settings, else its access address and the usual ones.

    ``record_domain`` counts for an address that the platform answered for it, and only when it cannot open
    more than one owner's hosts. Who forges a CDR chooses domain and address alike, so for an address of the
    CDR itself it must be None.
    """
    if application.recording_hosts:
        return application.recording_hosts
    own = (urlsplit(application.base_url).hostname or "").lower()
    domain = (record_domain or "").lower()
    return (own, *([domain] if _may_count(domain, own) else []), *DEFAULT_HOSTS)


def may_be_private(application: Application) -> bool:
    """Whether the operator has said that recordings lie in a network of their own.

    Either by naming the hosts, and then no other passes, or by doing without TLS.
    """
    return bool(application.recording_hosts) or application.recording_allow_http


def checked(address: str, hosts: Iterable[str], *, allow_http: bool) -> str:
    """Return the address when it may be fetched. Raises AddressRefused."""
    host = host_of(address, allow_http=allow_http)
    if not any(_matches(host, allowed) for allowed in hosts):
        raise AddressRefused("host")
    return address


def _matches(host: str, allowed: str) -> bool:
    """Exact, or below a name of two labels or more; ``*.name`` means below only. An IP is below nothing."""
    if host == allowed:
        return True
    if is_number(host):
        return False
    name = allowed.removeprefix("*.")
    return "." in name and host.endswith(f".{name}")


def _may_count(domain: str, own: str) -> bool:
    """Whether a CDR's domain is a name below somebody's own: no number, no public suffix, no whole domain.

    The whole domain counts where it is that of the access address or of the usual hosts.
    """
    if not is_dns_name(domain):
        return False
    known = [name.removeprefix("*.") for name in DEFAULT_HOSTS]
    if is_dns_name(own):
        known.append(_registrable(own))
    return domain != _registrable(domain) or any(_matches(domain, name) for name in known)


def _registrable(host: str) -> str:
    """The part of a name that has one owner: ``example.com``, ``example.com.cn``; all of it when shorter."""
    labels = host.split(".")
    country = len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS
    return ".".join(labels[-3:] if country else labels[-2:])
