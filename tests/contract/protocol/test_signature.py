"""Who may ask: every step of the processing order, of two broken ones the earlier (auth.md §2-§4).

C-028, C-034, C-035. Lock-out, flow control and the settings of the door are in ``test_auth.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

from builders.contract import (
    AXYB_PATH,
    MODES,
    OK,
    RECORD_PATH,
    SCHEMES,
    Mode,
    SchemeName,
    Subject,
    signature,
)
from builders.contract_account import Account, Control, subject_of
from builders.platform_requests import Answer

pytestmark = pytest.mark.contract("signature")


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


def exclude_each_other(first: Defect, second: Defect) -> bool:
    """Two ways to break one step, or an application that is unknown and has settings."""
    console = {16, 20, 21}
    return first.step == second.step or (15 in (first.step, second.step) and second.step in console)


SINGLE = [(defect,) for defect in DEFECTS]
PAIRS = [
    pair
    for pair in combinations(DEFECTS, 2)
    if not exclude_each_other(*pair) and {defect.step for defect in pair} != {16, 20}
]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "broken",
    [*SINGLE, *PAIRS],
    ids=lambda broken: "-before-".join(f"{defect.step}:{defect.aksk[1]}" for defect in broken),
)
def test_the_first_broken_step_answers(
    request: pytest.FixtureRequest,
    account: Account,
    axyb: Subject,
    scheme: SchemeName,
    broken: tuple[Defect, ...],
) -> None:
    if any(defect.risky for defect in broken) and not account.destructive:
        pytest.skip("may lock the address: set PN_CONTRACT_DESTRUCTIVE=1 to run it")
    draft = Draft(axyb, scheme)
    if all(defect.step < 24 for defect in broken):
        draft.locator = "unknown"
    for defect in broken:
        defect.spoil(draft)
    for defect in broken:
        if defect.console is not None:
            defect.console(request.getfixturevalue("control"), axyb)
    assert draft.send().outcome == broken[0].outcome(scheme)


def test_an_unspoilt_draft_passes_every_step(axyb: Subject) -> None:
    """Step 26 answers: what the other tests find is the defect alone."""
    for scheme in SCHEMES:
        assert Draft(axyb, scheme, locator="unknown").send().outcome == (403, "1016001")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_both_schemes_are_accepted_in_every_mode(account: Account, mode: Mode, scheme: SchemeName) -> None:
    """Decision 10."""
    subject = subject_of(account, mode)
    headers = subject.signed(scheme=scheme)
    query = {"fileName": "none.wav", "recordDomain": "ostor.example.com"}
    assert subject.send("GET", RECORD_PATH, query=query, headers=headers).outcome == (403, "1012007")


@pytest.mark.parametrize("mode", ["AX", "AXB", "AXE", "AXYB"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_header_set_serves_several_calls(
    account: Account, subject: Subject, mode: str, scheme: SchemeName
) -> None:
    """Decision 23: a deployed client repeats nonce and time with several different calls."""
    headers = subject.signed(scheme=scheme)
    bound = subject.bound()
    key = f"app_key={subject.app_key}&" if mode == "AXYB" else ""
    path = {"AX": "provision/caas/privatenumber", "AXB": "caas/relationnumber/partners"}
    paths = {**path, "AXE": "caas/extendnumber", "AXYB": "omp/xyrelationnumber"}
    target = f"/rest/{paths[mode]}/v1.0"
    outcomes = [
        subject.send(method, target, query=f"{key}subscriptionId={bound}", headers=headers).outcome
        for method in ("GET", "GET", "DELETE")
    ]
    assert outcomes == [OK, OK, OK]


def test_header_names_and_separators_are_read_tolerantly(axb: Subject) -> None:
    """auth.md §2.2."""
    bound = axb.bound()
    upper = {name.upper(): value.replace(",", " ,  ") for name, value in axb.signed().items()}
    lower = {name.lower(): value.replace(",", ", ") for name, value in axb.signed().items()}
    path = "/rest/caas/relationnumber/partners/v1.0"
    for headers in (upper, lower):
        assert axb.send("GET", path, query=f"subscriptionId={bound}", headers=headers).outcome == OK


@pytest.mark.parametrize("strictness", ["lenient", "strict"])
@pytest.mark.parametrize(
    "edit",
    [
        lambda headers: {**headers, "Authorization": headers["Authorization"].lower()},
        lambda headers: {**headers, "X-AKSK": headers["X-AKSK"].replace("Nonce=", "nonce=")},
        lambda headers: {**headers, "X-AKSK": headers["X-AKSK"].replace("UsernameToken", "usernametoken")},
    ],
    ids=["scheme and parts", "token part", "token word"],
)
def test_words_of_another_case_pass_in_lenient_only(
    control: Control, axb: Subject, strictness: str, edit: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    """Decision 14."""
    control.settings(strictness=strictness)
    bound = axb.bound()
    headers = edit(axb.signed())
    if headers["Authorization"].startswith("aksk"):
        headers["Authorization"] = (
            headers["Authorization"].replace('"sdp"', '"SDP"').replace('"usernametoken"', '"UsernameToken"')
        )
    path = "/rest/caas/relationnumber/partners/v1.0"
    answer = axb.send("GET", path, query=f"subscriptionId={bound}", headers=headers)
    assert (answer.outcome == OK) == (strictness == "lenient")
    assert answer.status == (200 if strictness == "lenient" else 400)


def test_parts_may_come_in_any_order_with_others_between(axb: Subject) -> None:
    """auth.md §2.2: order any, extra parts ignored, of a repeated one the first counts."""
    bound, headers = axb.bound(), axb.signed()
    word, _, parts = headers["X-AKSK"].partition(" ")
    turned = ",".join([*reversed(parts.split(",")), 'extra="1"', 'Nonce="second"'])
    headers["X-AKSK"] = f"{word} {turned}"
    headers["Authorization"] = 'AKSK type="Appkey",extra="1",profile="UsernameToken",realm="SDP"'
    path = "/rest/caas/relationnumber/partners/v1.0"
    assert axb.send("GET", path, query=f"subscriptionId={bound}", headers=headers).outcome == OK


def test_an_unquoted_value_is_a_missing_part(axb: Subject) -> None:
    """auth.md §2.2."""
    headers = axb.signed()
    headers["Authorization"] = headers["Authorization"].replace('"SDP"', "SDP")
    assert axb.send("GET", RECORD_PATH, headers=headers).outcome == (400, "1023007")


@pytest.mark.parametrize("length", [1, 128])
def test_a_nonce_has_up_to_128_characters(axb: Subject, length: int) -> None:
    """auth.md §2.3."""
    path = "/rest/caas/relationnumber/partners/v1.0"
    headers = axb.signed(nonce="a" * length)
    assert axb.send("GET", path, query="subscriptionId=unknown", headers=headers).code == "1012007"


def test_a_longer_nonce_is_no_nonce(axb: Subject) -> None:
    assert axb.send("GET", RECORD_PATH, headers=axb.signed(nonce="a" * 129)).outcome == (400, "1023035")
