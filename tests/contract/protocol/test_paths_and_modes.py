"""Which application may call what: paths, methods, and the mode an API belongs to.

auth.md §4 steps 1, 3 and 22; x.md §1; C-007, C-030.
"""

from __future__ import annotations

import pytest

from builders.contract import (
    AX_CALLEE_PATH,
    AX_PATH,
    AXB_PATH,
    AXE_PATH,
    AXYB_PATH,
    CALL_STOP_PATH,
    INTERFACES,
    INVALID,
    MODES,
    RECORD_PATH,
    UNKNOWN_ID,
    A,
    Mode,
    Subject,
)
from builders.contract_account import Account, Control, subject_of

pytestmark = pytest.mark.contract("paths and modes")

PATHS = (AX_PATH, AX_CALLEE_PATH, AXB_PATH, AXE_PATH, AXYB_PATH, RECORD_PATH, CALL_STOP_PATH)
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND")
KNOWN = {(interface.method, interface.path) for interface in INTERFACES.values()}
WRONG_MODE = (403, "1010040")
BELONGING = [api for api, interface in INTERFACES.items() if interface.mode]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wanted", BELONGING)
def test_an_api_belongs_to_one_mode(account: Account, mode: Mode, wanted: str) -> None:
    """C-030; in X mode every binding API is refused (x.md §1)."""
    subject = subject_of(account, mode)
    values = {"subscriptionId": UNKNOWN_ID, "origNum": "abc"}
    answer = subject.call(wanted, values)
    if INTERFACES[wanted].mode == mode:
        assert answer.outcome != WRONG_MODE
    else:
        assert answer.outcome == WRONG_MODE
        assert answer.json["resultdesc"] == "The app_key is not allowed to invoke the API."


@pytest.mark.parametrize("mode", MODES)
def test_recordings_and_terminate_call_belong_to_every_mode(account: Account, mode: Mode) -> None:
    """auth.md §4 step 22; decision 175."""
    subject = subject_of(account, mode)
    recording = subject.call("record.url", fileName="none.wav", recordDomain="ostor.example.com")
    stop = subject.call("call.stop", sessionid="none", signal="call_stop")
    assert (recording.outcome, stop.outcome) == ((403, "1012007"), (500, "1020152"))


@pytest.mark.parametrize("mode", ["AX", "AXB"])
def test_terminate_call_can_be_kept_to_some_modes(control: Control, subject: Subject, mode: str) -> None:
    """Decision 175."""
    control.settings(callstop={"modes": ["AXYB"]})
    assert subject.call("call.stop", sessionid="none", signal="call_stop").outcome == WRONG_MODE


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_a_method_the_path_does_not_know(axb: Subject, path: str, method: str) -> None:
    """Decision 7; it comes before the signature (auth.md §4)."""
    answer = axb.send(method, path, headers={})
    expected = (400, "1023006") if (method, path) in KNOWN else (403, "1010006")
    assert answer.outcome == expected


@pytest.mark.parametrize("path", PATHS)
def test_head_is_no_get(axb: Subject, path: str) -> None:
    assert axb.send("HEAD", path, headers={}).status == 403


@pytest.mark.parametrize(
    "path", ["/", "/rest", "/rest/unknown", *(path + more for path in PATHS for more in ("/", "/more"))]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_a_page_without_code(axb: Subject, path: str, method: str) -> None:
    """Decision 6: it comes before everything, the signature included."""
    for answer in (axb.send(method, path), axb.send(method, path, headers={})):
        assert answer.outcome == (404, None)
        assert answer.headers["content-type"].startswith("text/html")


def test_paths_are_case_sensitive(axb: Subject) -> None:
    assert axb.send("GET", AXB_PATH.upper()).status == 404


@pytest.mark.parametrize("mode", MODES)
def test_the_mode_is_judged_before_the_parameters(account: Account, mode: Mode) -> None:
    """auth.md §4: step 22 before 25."""
    subject = subject_of(account, mode)
    foreign = "ax.bind" if mode != "AX" else "axb.bind"
    interface = INTERFACES[foreign]
    assert subject.send(interface.method, interface.path, content=b"no json").outcome == WRONG_MODE
    own = {"AX": "ax.bind", "AXB": "axb.bind", "AXE": "axe.bind", "AXYB": "axyb.bind"}.get(mode)
    if own is not None:
        assert subject.call(own, {"origNum": A, "callerNum": "abc", "bindNum": "abc"}).outcome == INVALID
