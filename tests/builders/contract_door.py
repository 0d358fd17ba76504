"""The door of the platform: each step of the processing order, and a way to fail just there (auth.md §4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from builders.contract import AXYB_PATH, SchemeName, Subject, signature
from builders.contract_account import Control
from builders.platform_requests import Answer


@dataclass
class Draft:
    """A request whose headers can be spoilt part by part."""

    subject: Subject
    scheme: SchemeName
    method: str = "GET"
    key: str = "own"
    secret: str = "own"
    age_s: float = 0
    authorization: dict[str, str] = field(default_factory=dict)
    word: str = ""
    token: dict[str, str | None] = field(default_factory=dict)
    token_word: str = "UsernameToken"
    token_header: str = ""
    left_out: set[str] = field(default_factory=set)
    app_key: str | None = "own"
    locator: str = "a" * 65

    def headers(self) -> dict[str, str]:
        """The headers as they are sent."""
        own = self.subject.credentials
        key = own.app_key if self.key == "own" else self.key
        secret = own.secret if self.secret == "own" else self.secret
        signed = signature(
            key, secret, self.subject.now() - timedelta(seconds=self.age_s), scheme=self.scheme
        )
        parts = {"realm": "SDP", "profile": "UsernameToken", "type": "Appkey", **self.authorization}
        shown = ",".join(f'{name}="{value}"' for name, value in parts.items() if value)
        signed["Authorization"] = f"{self.word or self.scheme} {shown}"
        header = f"X-{self.scheme}"
        pairs = dict(
            pair.split("=", 1) for pair in signed.pop(header).removeprefix("UsernameToken ").split(",")
        )
        pairs |= {name: f'"{value}"' for name, value in self.token.items() if value is not None}
        gone = {name for name, value in self.token.items() if value is None}
        text = ",".join(f"{name}={value}" for name, value in pairs.items() if name not in gone)
        signed[self.token_header or header] = f"{self.token_word} {text}"
        return {name: value for name, value in signed.items() if name not in self.left_out}

    def send(self) -> Answer:
        """A query of AXYB, the mode whose requests pass the most steps."""
        key = self.subject.app_key if self.app_key == "own" else self.app_key
        query = {**({} if key is None else {"app_key": key}), "subscriptionId": self.locator}
        return self.subject.send(self.method, AXYB_PATH, query=query, headers=self.headers())


@dataclass(frozen=True)
class Defect:
    """One step broken. ``console`` steps need the emulator, ``risky`` ones may lock a real address."""

    step: int
    aksk: tuple[int, str]
    spoil: Callable[[Draft], None] = lambda draft: None
    wsse: tuple[int, str] | None = None
    console: Callable[[Control, Subject], None] | None = None
    risky: bool = False

    def outcome(self, scheme: SchemeName) -> tuple[int, str]:
        """What the platform answers under that scheme."""
        return self.wsse if scheme == "WSSE" and self.wsse else self.aksk


def changed(**attributes: Any) -> Callable[[Draft], None]:
    """Set attributes of the draft; dictionaries and sets are added to."""

    def spoil(draft: Draft) -> None:
        for name, value in attributes.items():
            present = getattr(draft, name)
            setattr(draft, name, present | value if isinstance(value, dict | set) else value)

    return spoil


def frozen(control: Control, subject: Subject) -> None:
    control.admin.arrears(True)


def with_application(**settings: Any) -> Callable[[Control, Subject], None]:
    return lambda control, subject: control.application(subject, **settings)


DEFECTS = (
    Defect(3, (403, "1010006"), changed(method="PUT")),
    Defect(4, (400, "1023006"), changed(left_out={"Authorization"})),
    Defect(5, (400, "1023013"), changed(word="Basic")),
    Defect(6, (400, "1023007"), changed(authorization={"realm": ""})),
    Defect(6, (400, "1023009"), changed(authorization={"realm": "sdp"})),
    Defect(7, (400, "1023008"), changed(authorization={"profile": ""})),
    Defect(7, (400, "1023010"), changed(authorization={"profile": "Username"})),
    Defect(8, (400, "1023012"), changed(authorization={"type": ""})),
    Defect(8, (400, "1023011"), changed(authorization={"type": "Secret"})),
    Defect(9, (400, "1023033"), changed(token_header="X-Other"), (400, "1023026")),
    Defect(10, (400, "1023038"), changed(token_word="Token"), (400, "1023032")),
    Defect(11, (400, "1023034"), changed(token={"Username": None}), (400, "1023027")),
    Defect(12, (400, "1023035"), changed(token={"Nonce": None}), (400, "1023028")),
    Defect(13, (400, "1023036"), changed(token={"Created": None}), (400, "1023029")),
    Defect(13, (400, "1023036"), changed(token={"Created": "2026-09-02 01:00:00"}), (400, "1023031")),
    Defect(14, (400, "1023037"), changed(token={"PasswordDigest": None}), (400, "1023030")),
    Defect(15, (403, "1010003"), changed(key="nobody"), risky=True),
    Defect(16, (403, "1020166"), console=with_application(ip_allowlist=["198.51.100.0/24"])),
    Defect(17, (401, "1010010"), changed(secret="wrong"), risky=True),
    Defect(18, (401, "1010013"), changed(age_s=29_101)),
    Defect(20, (403, "1010008"), console=with_application(status="disabled")),
    Defect(21, (403, "1010029"), console=frozen),
    Defect(24, (403, "1010002"), changed(app_key=None)),
    Defect(24, (403, "1010003"), changed(app_key="someoneElse")),
    Defect(25, (403, "1010002")),
)
"""Step 25 is broken by the locator every draft has; without it step 26 answers."""
