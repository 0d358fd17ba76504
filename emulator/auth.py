"""Who may ask: steps 2 and 4 to 23 of the processing order of a request (auth.md §4, §7-§11).

The first failing step answers. Everything is measured against the emulator's clock.
"""

from __future__ import annotations

import base64
import hmac
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from emulator.api.errors import Refusal
from emulator.settings import EmulatorSettings
from emulator.world import Application, Mode, World
from privatenumber import signing
from privatenumber.signing import Problem, Scheme, SignatureError, Token

_COMMON: Mapping[Problem, str] = {
    Problem.AUTHORIZATION_MISSING: "1023006",
    Problem.SCHEME_UNKNOWN: "1023013",
    Problem.REALM_MISSING: "1023007",
    Problem.REALM_WRONG: "1023009",
    Problem.PROFILE_MISSING: "1023008",
    Problem.PROFILE_WRONG: "1023010",
    Problem.TYPE_MISSING: "1023012",
    Problem.TYPE_WRONG: "1023011",
}
_BY_SCHEME: Mapping[Problem, Mapping[Scheme, str]] = {
    Problem.TOKEN_HEADER_MISSING: {Scheme.AKSK: "1023033", Scheme.WSSE: "1023026"},
    Problem.USERNAME_TOKEN_MISSING: {Scheme.AKSK: "1023038", Scheme.WSSE: "1023032"},
    Problem.USERNAME_MISSING: {Scheme.AKSK: "1023034", Scheme.WSSE: "1023027"},
    Problem.NONCE_MISSING: {Scheme.AKSK: "1023035", Scheme.WSSE: "1023028"},
    Problem.CREATED_MISSING: {Scheme.AKSK: "1023036", Scheme.WSSE: "1023029"},
    Problem.CREATED_MALFORMED: {Scheme.AKSK: "1023036", Scheme.WSSE: "1023031"},
    Problem.DIGEST_MISSING: {Scheme.AKSK: "1023037", Scheme.WSSE: "1023030"},
}
FLOW_WINDOW = timedelta(seconds=1)
LONG_ARREARS = timedelta(days=31)


@dataclass(slots=True)
class _Rate:
    """Requests of the last second, and until when everything is refused after a hit."""

    times: deque[datetime] = field(default_factory=deque)
    refused_until: datetime | None = None


class Gatekeeper:
    """Decides whether a request may be executed, with the memory of lock-out, nonces and flow control."""

    def __init__(self, world: World, settings: EmulatorSettings) -> None:
        self._world = world
        self._settings = settings
        self._schemes = tuple(Scheme(name.upper()) for name in settings.auth.schemes)
        self._failures: dict[str, deque[datetime]] = {}
        self._locked_until: dict[str, datetime] = {}
        self._nonces: dict[tuple[str, str], datetime] = {}
        self._rates: dict[tuple[str, str], _Rate] = {}

    def check_lockout(self, source: str, at: datetime) -> None:
        """Step 2. Raises Refusal 403 / 1020176 while the address is locked."""
        until = self._locked_until.get(source)
        if until is None:
            return
        if at < until:
            raise Refusal(403, "1020176")
        del self._locked_until[source]

    def identify(
        self, headers: Mapping[str, str], source: str, at: datetime, *, signed_at: datetime
    ) -> Application:
        """Steps 4 to 20: return the application that signed the request. Raises Refusal.

        ``signed_at`` is the moment Created is compared with, ``at`` the emulator's time of everything else.
        """
        token = self._token(headers)
        application = self._world.applications.get(token.username)
        if application is None:
            self._count_failure(source, at)
            raise Refusal(403, "1010003")
        if application.ip_allowlist and not listed(source, application.ip_allowlist):
            raise Refusal(403, "1020166")
        if not self._digest_right(token, application.secrets):
            self._count_failure(source, at)
            raise Refusal(401, "1010010")
        created = signing.created_moment(token, strict=self._settings.strict)
        if not signing.within(created, signed_at, self._settings.auth.created_tolerance_s):
            raise Refusal(401, "1010013")
        self._check_nonce(token, at)
        self._failures.pop(source, None)
        if application.status != "normal":
            raise Refusal(403, "1010008")
        return application

    def check_account(self, application: Application, api: str, at: datetime) -> None:
        """Step 21: arrears refuse every API, longer than a month with another code (billing-rules.md §7)."""
        account = self._world.account_of(application.app_key)
        if not account.frozen:
            return
        if account.frozen_since is not None and at - account.frozen_since > LONG_ARREARS:
            raise Refusal(403, "1012102")
        raise Refusal(403, self._settings.arrears.record_code if api == "record.url" else "1010029")

    def check_mode(self, application: Application, mode: Mode | None) -> None:
        """Step 22. ``mode`` None belongs to every mode. Raises Refusal 403 / 1010040."""
        if mode is not None and application.mode is not mode:
            raise Refusal(403, "1010040")

    def check_flow(self, application: Application, source: str, at: datetime) -> None:
        """Step 23. Raises Refusal 403 / 1010010 (application) or 403 / 1011006 (requester)."""
        flow = self._settings.flow
        own = self._rates.setdefault(("application", application.app_key), _Rate())
        requester = self._rates.setdefault(("requester", source), _Rate())
        if self._exceeds(own, flow.app_tps, at):
            raise flow_control_refusal()
        if self._exceeds(requester, flow.requester_tps, at):
            raise Refusal(403, "1011006")
        for rate, tps in ((own, flow.app_tps), (requester, flow.requester_tps)):
            if tps:
                rate.times.append(at)

    def _token(self, headers: Mapping[str, str]) -> Token:
        try:
            return signing.read_request_token(headers, schemes=self._schemes, strict=self._settings.strict)
        except SignatureError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: SignatureError) -> Refusal:
        code = _COMMON.get(error.problem) or _BY_SCHEME[error.problem][error.scheme or Scheme.AKSK]
        if error.problem is Problem.SCHEME_UNKNOWN and Scheme.AKSK in self._schemes:
            return Refusal(400, code, text="AKSK not contained in Authorization.")
        return Refusal(400, code)

    def _digest_right(self, token: Token, secrets: Collection[str]) -> bool:
        if signing.matches(token, secrets):
            return True
        return self._settings.auth.accept_hex_digest and any(
            hmac.compare_digest(_hex_digest(token, secret), token.digest.encode()) for secret in secrets
        )

    def _check_nonce(self, token: Token, at: datetime) -> None:
        reuse_s = self._settings.auth.nonce_reuse_s
        if reuse_s is None:
            return
        self._forget_nonces(at)
        first_used = self._nonces.get((token.username, token.nonce))
        if first_used is None:
            self._nonces[token.username, token.nonce] = at
        elif reuse_s == 0 or at - first_used > timedelta(seconds=reuse_s):
            raise Refusal(401, "1010010")

    def _forget_nonces(self, at: datetime) -> None:
        """Drop what Created would refuse anyway; the oldest stand first."""
        keep = timedelta(seconds=2 * self._settings.auth.created_tolerance_s)
        while self._nonces:
            oldest = next(iter(self._nonces))
            if at - self._nonces[oldest] <= keep:
                return
            del self._nonces[oldest]

    def _count_failure(self, source: str, at: datetime) -> None:
        lockout = self._settings.auth.lockout
        if lockout.threshold == 0 or listed(source, lockout.exempt):
            return
        failures = self._failures.setdefault(source, deque())
        failures.append(at)
        while failures and at - failures[0] > timedelta(seconds=lockout.window_s):
            failures.popleft()
        if len(failures) >= lockout.threshold:
            self._locked_until[source] = at + timedelta(seconds=lockout.lock_s)
            del self._failures[source]

    def _exceeds(self, rate: _Rate, tps: int, at: datetime) -> bool:
        while rate.times and at - rate.times[0] >= FLOW_WINDOW:
            rate.times.popleft()
        if tps == 0:
            return False
        if rate.refused_until is not None and at < rate.refused_until:
            return True
        if len(rate.times) < tps:
            return False
        rate.refused_until = at + timedelta(seconds=self._settings.flow.penalty_s)
        return True


def flow_control_refusal() -> Refusal:
    """Return the platform-wide flow control answer; a wrong digest has the same number (auth.md §4)."""
    return Refusal(403, "1010010")


def _hex_digest(token: Token, secret: str) -> bytes:
    raw = base64.b64decode(signing.digest(token.scheme, secret, token.nonce, token.created))
    return base64.b64encode(raw.hex().encode())


def listed(source: str, entries: Collection[str]) -> bool:
    """Whether an address is one of the listed addresses or lies in a listed block."""
    try:
        address = ip_address(source)
    except ValueError:
        return source in entries
    return any(address in ip_network(entry, strict=False) for entry in entries)
