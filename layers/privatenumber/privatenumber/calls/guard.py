"""The door for pushes: who may hand something in (auth.md §6, notifications.md §2.2-§2.4).

The checks have one fixed order and the sender never learns which one failed. A push that knows its secret
path but fails another check is refused *and kept*: an honest platform with a wrong secret loses nothing.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address

from privatenumber.settings import Application, NonceCheck, PushSignature
from privatenumber.signing import (
    Scheme,
    SignatureError,
    Token,
    created_moment,
    matches,
    read_push_token,
    within,
)

MAX_BODY_BYTES = 1024 * 1024
#: A re-push may carry headers up to 623 minutes old, and Beijing time stamped as UTC is 8 h ahead.
CREATED_TOLERANCE_S = 43_200


@dataclass(frozen=True, slots=True)
class DoorPolicy:
    """Settings of the door.

    ``sources`` empty admits every address: the platform does not publish its own (notifications.md §2.7).
    """

    signature: PushSignature = PushSignature.REQUIRED
    nonce_check: NonceCheck = NonceCheck.LOG
    sources: tuple[IPv4Network | IPv6Network, ...] = ()
    tolerance_s: int = CREATED_TOLERANCE_S
    strict: bool = False
    schemes: frozenset[Scheme] = frozenset(Scheme)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request as it came: ``application`` and ``secret`` from the path, ``route`` its last part."""

    method: str
    application: str
    secret: str = field(repr=False)
    route: str
    source: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime


class Refused(Exception):
    """The door stays shut.

    Attributes
    ----------
    status : int
        What to answer, with an empty body.
    reason : str
        For our logs and metrics only.
    application : Application or None
        Set when the sender knew the secret path: the request is to be kept in quarantine.
    """

    def __init__(self, status: int, reason: str, application: Application | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.application = application


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who came in; ``token`` is `None` when nothing was verified, ``flags`` says what is to be remembered."""

    application: Application
    token: Token | None = None
    flags: tuple[str, ...] = ()


def admit(arrival: Arrival, applications: Mapping[str, Application], policy: DoorPolicy) -> Admitted:
    """Check a request in the fixed order: method, size, secret path, source address, signature.

    Raises
    ------
    Refused
        405, 413, 404 (nothing is kept) or 401 (to be kept).
    """
    if arrival.method != "POST":
        raise Refused(405, "method")
    if len(arrival.body) > MAX_BODY_BYTES:
        raise Refused(413, "size")
    application = applications.get(arrival.application)
    # An unknown application costs the same comparison, so that timing tells no names.
    expected = application.callback_token if application else ""
    if (
        not hmac.compare_digest(expected.encode(), arrival.secret.encode(errors="surrogatepass"))
        or not application
        or not expected
    ):
        raise Refused(404, "path")
    if policy.sources and not _inside(arrival.source, policy.sources):
        raise Refused(401, "source", application)
    if policy.signature is PushSignature.OFF:
        return Admitted(application)
    try:
        return verified(arrival, application, policy)
    except Refused:
        if policy.signature is PushSignature.OPTIONAL:
            return Admitted(application, flags=("unverified",))
        raise


def verified(arrival: Arrival, application: Application, policy: DoorPolicy) -> Admitted:
    """Check the signature alone, as of the arrival's own time. Raises Refused."""
    try:
        token = read_push_token(arrival.headers, schemes=policy.schemes, strict=policy.strict)
        if not hmac.compare_digest(
            token.username.encode(errors="surrogatepass"), application.app_key.encode()
        ):
            raise Refused(401, "username", application)
        if not matches(token, application.secrets):
            raise Refused(401, "digest", application)
        created = created_moment(token, strict=policy.strict)
    except SignatureError as error:
        raise Refused(401, error.problem.value, application) from None
    if not within(created, arrival.received_at, policy.tolerance_s):
        raise Refused(401, "created", application)
    return Admitted(application, token, () if token.announced else ("unannounced",))


def _inside(source: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        address = ip_address(source)
    except ValueError:
        return False
    return any(address in network for network in networks)


class NonceMemory:
    """Remembers in this process which body used a nonce: enough to *log* a reuse, not to refuse one.

    Refusing needs the table, since several processes take pushes (`NonceCheck.ENFORCE`).
    """

    def __init__(self, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._bodies: OrderedDict[tuple[str, str], tuple[str, datetime]] = OrderedDict()

    def reused(self, username: str, nonce: str, body: str, *, now: datetime, tolerance_s: int) -> bool:
        """Whether another body used this nonce within twice the tolerance; remembers this one."""
        first, since = self._bodies.setdefault((username, nonce), (body, now))
        while len(self._bodies) > self._capacity:
            self._bodies.popitem(last=False)
        if now - since > timedelta(seconds=2 * tolerance_s):
            self._bodies[username, nonce] = (body, now)
            return False
        return first != body
