"""Who may ask: every step of the processing order, of two broken ones the earlier (auth.md §2-§4).

C-028, C-034, C-035. Lock-out, flow control and the settings of the door are in ``test_auth.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import pytest

from builders.contract import MODES, OK, RECORD_PATH, SCHEMES, Mode, SchemeName, Subject
from builders.contract_account import Account, Control, subject_of
from builders.contract_door import DEFECTS, Defect, Draft

pytestmark = pytest.mark.contract("signature")


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
    """C-095; decision 10."""
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
