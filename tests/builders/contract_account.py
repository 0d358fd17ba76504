"""Where the contract suite runs: against an emulator it starts, or against a real account.

Without ``PN_CONTRACT_URL`` an emulator is started. With it, the suite asks the platform at that address:

    PN_CONTRACT_URL=https://rtcpns.cn-north-1.myhuaweicloud.com
    PN_CONTRACT_AXB_KEY, PN_CONTRACT_AXB_SECRET    an application of mode AXB; AX, AXE, AXYB and X alike
    PN_CONTRACT_AXB_NUMBERS=+8617010000001,...     its private numbers, at least three without bindings
    PN_CONTRACT_AXB_FOREIGN=+8617010000009         a number of another application (optional)
    PN_CONTRACT_AREA, PN_CONTRACT_SCHEME           city of the numbers (0755), AKSK or WSSE (AKSK)
    PN_CONTRACT_PARTIES=+86...,+86...              six users to bind (the documentation's samples)
    PN_CONTRACT_TPS                                requests per second at most (10; 0 = no limit)
    PN_CONTRACT_DESTRUCTIVE=1                      also what wipes a number or may lock the address

A mode without a key is skipped, and so is whatever needs the emulator's clock, faults or console.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest

from builders.contract import MODES, Credentials, Json, Mode, SchemeName, Subject
from builders.emulator import AdminClient, RunningEmulator, running_emulator

NUMBERS_PER_MODE = 6
START = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)


def emulated_credentials(mode: Mode, *, other: bool = False) -> Credentials:
    """An application of the suite's emulator; ``other`` is a second one of the same mode."""
    place = MODES.index(mode) + 1
    numbers = tuple(f"+861701000{place}{last:03d}" for last in range(1, NUMBERS_PER_MODE + 1))
    foreign = f"+861701000{place}900"
    name = f"contract{mode}{'Other' if other else ''}Key0001"
    own, others = ((foreign,), numbers[0]) if other else (numbers, foreign)
    return Credentials(mode, name, f"{name}Secret", own, others)


def real_credentials(environ: Mapping[str, str]) -> dict[Mode, Credentials]:
    """The applications the environment names."""
    found: dict[Mode, Credentials] = {}
    for mode in MODES:
        prefix = f"PN_CONTRACT_{mode}"
        if f"{prefix}_KEY" not in environ:
            continue
        numbers = tuple(
            number.strip() for number in environ.get(f"{prefix}_NUMBERS", "").split(",") if number
        )
        found[mode] = Credentials(
            mode,
            environ[f"{prefix}_KEY"],
            environ[f"{prefix}_SECRET"],
            numbers,
            environ.get(f"{prefix}_FOREIGN"),
            environ.get("PN_CONTRACT_AREA", "0755"),
            cast(SchemeName, environ.get("PN_CONTRACT_SCHEME", "AKSK")),
        )
    return found


class Account:
    """The platform under test: one application per mode, and what the tests have bound there."""

    emulated = False

    def __init__(self, address: str, *, destructive: bool = False) -> None:
        self.address = address
        self.destructive = destructive
        self._http = httpx.Client(base_url=address, trust_env=False, timeout=30)
        self._bound: list[tuple[Subject, str]] = []

    def subject(self, mode: Mode) -> Subject | None:
        """The application of a mode, None when there is none."""
        raise NotImplementedError

    def other(self, mode: Mode) -> Subject | None:
        """A second application of the mode."""
        raise NotImplementedError

    def tidy(self) -> None:
        """Leave the platform as it was found."""
        self.tidy_bindings()

    def tidy_bindings(self) -> None:
        """Release what is still bound."""
        for subject, subscription_id in reversed(self._bound):
            subject.unbind(subscriptionId=subscription_id)
        self._bound.clear()

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def made(self, credentials: Credentials) -> Subject:
        """An application by its credentials."""
        return Subject(self._http, credentials, self._now, self._remember)

    def _remember(self, subject: Subject, subscription_id: str) -> None:
        if (subject, subscription_id) not in self._bound:
            self._bound.append((subject, subscription_id))

    def _now(self) -> datetime:
        return datetime.now(UTC)


class Pace:
    """Keeps requests apart, so that a real platform's flow control has nothing to say (auth.md §11)."""

    def __init__(self, per_second: float) -> None:
        self._apart = 1 / per_second if per_second else 0.0
        self._next = time.monotonic()

    def __call__(self, request: httpx.Request) -> None:
        """Wait for the turn of this request."""
        time.sleep(max(0.0, self._next - time.monotonic()))
        self._next = time.monotonic() + self._apart


class RealAccount(Account):
    """The platform at an address of the environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(
            environ["PN_CONTRACT_URL"].rstrip("/"), destructive=environ.get("PN_CONTRACT_DESTRUCTIVE") == "1"
        )
        self._http.event_hooks = {"request": [Pace(float(environ.get("PN_CONTRACT_TPS", "10")))]}
        self._subjects = {mode: self.made(found) for mode, found in real_credentials(environ).items()}

    def subject(self, mode: Mode) -> Subject | None:
        """See `Account`."""
        return self._subjects.get(mode)

    def other(self, mode: Mode) -> Subject | None:
        """See `Account`; a real account has one application per mode here."""
        return None


class EmulatedAccount(Account):
    """The suite's own emulator: applications appear when a test asks for them."""

    emulated = True

    def __init__(self, running: RunningEmulator) -> None:
        super().__init__(running.address, destructive=True)
        self.running = running
        self.admin = running.admin
        self._subjects: dict[str, Subject] = {}
        self._clock = running.admin.now()
        self.touched = False
        """Whether a test changed more than bindings, so that only a reset makes the next one independent."""

    def subject(self, mode: Mode) -> Subject:
        """See `Account`."""
        self.other(mode)
        return self._known(emulated_credentials(mode))

    def other(self, mode: Mode) -> Subject:
        """See `Account`."""
        return self._known(emulated_credentials(mode, other=True))

    def application(self, subject: Subject, **settings: Any) -> None:
        """Register an application, or change what the console would hold about it."""
        self.admin.application(
            subject.app_key, secret=subject.credentials.secret, mode=subject.mode, **settings
        )

    def reset(self, *, now: datetime | None = START, **settings: Any) -> None:
        """Start anew under these settings; subjects made before are registered again."""
        moment = {} if now is None else {"now": now.isoformat()}
        self.admin.reset(settings=settings, **moment)
        self._bound.clear()
        subjects, self._subjects = self._subjects, {}
        for subject in subjects.values():
            self._register(subject)
        self.read_clock()
        self.touched = True

    def read_clock(self) -> None:
        """Note where the emulator's clock stands: it signs our requests."""
        self._clock = self.admin.now()

    def tidy(self) -> None:
        """See `Account`."""
        if self.touched:
            self._subjects.clear()
            self.reset()
            self.touched = False
        else:
            super().tidy()

    def _known(self, credentials: Credentials) -> Subject:
        if credentials.app_key not in self._subjects:
            self._register(self.made(credentials))
        return self._subjects[credentials.app_key]

    def _register(self, subject: Subject) -> None:
        self.application(subject)
        self.admin.numbers(*subject.numbers, app_key=subject.app_key)
        self._subjects[subject.app_key] = subject

    def _now(self) -> datetime:
        return self._clock


def subject_of(account: Account, mode: Mode) -> Subject:
    """The application of a mode; without one the test is skipped."""
    subject = account.subject(mode)
    if subject is None:
        pytest.skip(f"no application of mode {mode}: set PN_CONTRACT_{mode}_KEY and its companions")
    return subject


class Control:
    """The emulator's console, clock and faults. Using it makes the emulator start anew for the next test."""

    def __init__(self, account: EmulatedAccount) -> None:
        account.touched = True
        self._account = account
        self.admin: AdminClient = account.admin

    def settings(self, **settings: Any) -> None:
        """Start anew under these settings."""
        self._account.reset(**settings)

    def strict(self) -> None:
        """Start anew, accepting the documented form only."""
        self._account.reset(strictness="strict")

    def start_at(self, moment: datetime, **settings: Any) -> None:
        """Start anew at a moment."""
        self._account.reset(now=moment, **settings)

    def application(self, subject: Subject, **settings: Any) -> None:
        """Change what the console holds about an application."""
        self._account.application(subject, **settings)

    def state(self, x: str, status: str, cause: str | None = None) -> None:
        """Put a number into a state (numbers.md §3)."""
        self.admin.number_status(x, status, cause)

    def other(self, mode: Mode) -> Subject:
        """A second application of the mode."""
        return self._account.other(mode)

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self.admin.advance(seconds)
        self._account.read_clock()

    def call(self, caller: str, called: str, **script: Any) -> Json:
        """Place a call."""
        placed = self.admin.call(caller, called, **script)
        self._account.read_clock()
        return placed


@contextmanager
def platform_under_test(environ: Mapping[str, str]) -> Iterator[Account]:
    """The account the environment names, else an emulator that lives as long as the block."""
    if "PN_CONTRACT_URL" in environ:
        account: Account = RealAccount(environ)
        yield account
        account.close()
        return
    with running_emulator(ready=False, start=START) as running:
        account = EmulatedAccount(running)
        yield account
        account.close()
