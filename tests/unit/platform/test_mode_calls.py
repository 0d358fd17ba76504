"""The calls of every mode on the wire: method, path, query, body, and what is refused before sending."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from builders.mode_calls import (
    AX_ROW,
    AXB_ROW,
    AXE_ROW,
    CASES,
    DOMAIN,
    DONE,
    FILE,
    ID,
    SESSION,
    A,
    B,
    Case,
    X,
    Y,
    rows,
)
from builders.platform import APPLICATION, Platform, answered, scripted
from privatenumber.codes.explain import explain_refusal
from privatenumber.platform import errors
from privatenumber.platform.ax import AxModify
from privatenumber.platform.axyb import AxybBindYb
from privatenumber.platform.client import NoAnswer, NoConnection, Response
from privatenumber.platform.session_calls import Stopped
from privatenumber.settings import Mode
from privatenumber.signing import Scheme, matches, read_request_token


def named(cases: list[Case]) -> list[str]:
    return [f"{number} {case.api}" for number, case in enumerate(cases)]


EVERY = pytest.mark.parametrize("case", CASES, ids=named(CASES))
BINDS = [case for case in CASES if not case.repeatable]
OTHERS = [case for case in CASES if case.repeatable]
FOREIGN = [
    (case, mode) for case in CASES for mode in Mode if case.mode is not Mode.X and mode is not case.mode
]


def platform_of(mode: Mode, *answers: Response | Exception, scheme: Scheme = Scheme.AKSK) -> Platform:
    return scripted(*answers, application=replace(APPLICATION, mode=mode, scheme=scheme))


@EVERY
def test_a_call_is_exactly_one_documented_request(case: Case) -> None:
    """C-001, C-003, C-005, C-006, C-009, C-011, C-015 to C-022; numbers.md §7.1: nothing in two places."""
    platform = platform_of(case.mode, case.answer)
    case.make(platform)
    [sent] = platform.requests
    url = urlsplit(sent.url)
    assert (sent.method, url.path, url.query) == (case.method, case.path, case.query)
    assert sent.json == case.body
    assert (sent.body is None) == (case.method in {"GET", "DELETE"})


@pytest.mark.parametrize("scheme", list(Scheme))
@EVERY
def test_a_call_is_signed_in_the_scheme_of_its_application(case: Case, scheme: Scheme) -> None:
    """C-095, auth.md §2: AKSK and WSSE."""
    platform = platform_of(case.mode, case.answer, scheme=scheme)
    case.make(platform)
    [sent] = platform.requests
    token = read_request_token(sent.headers, schemes=[scheme], strict=True)
    assert token.username == APPLICATION.app_key
    assert matches(token, APPLICATION.secrets[:1])


@pytest.mark.parametrize(
    ("case", "mode"), FOREIGN, ids=[f"{case.api} by {mode.value}" for case, mode in FOREIGN]
)
def test_another_modes_call_is_refused_here_with_the_platforms_code(case: Case, mode: Mode) -> None:
    """C-030: 1010040, explained, and nothing is sent."""
    platform = scripted(case.answer, application=replace(APPLICATION, mode=mode))
    with pytest.raises(errors.WrongMode) as refused:
        case.make(platform)
    assert platform.requests == []
    assert (refused.value.api, refused.value.code) == (case.api, "1010040")
    assert refused.value.remedy == "Use an application of the right mode"
    told = explain_refusal(case.api, 403, refused.value.code)
    assert told[2].en == refused.value.remedy


@pytest.mark.parametrize("mode", list(Mode))
def test_calls_are_stopped_and_recordings_fetched_in_every_mode(mode: Mode) -> None:
    """recording-and-call-stop.md §2, §3; X mode has no other call."""
    platform = platform_of(mode, DONE)
    assert platform.client.sessions.stop(SESSION, deadline=platform.time.deadline()) is Stopped.STOPPED


@pytest.mark.parametrize("case", BINDS, ids=named(BINDS))
@pytest.mark.parametrize(
    "lost",
    [NoAnswer("ReadTimeoutError"), answered(500, "1023002"), answered(200, "0"), Response(200, {}, b"{")],
    ids=["no answer", "platform time-out", "no id", "garbage"],
)
def test_a_bind_whose_answer_is_lost_is_unknown_and_sent_once(case: Case, lost: Response | Exception) -> None:
    """result-codes.md §5: looked up before it is repeated."""
    platform = platform_of(case.mode, lost)
    with pytest.raises(errors.UnknownOutcome):
        case.make(platform)
    assert len(platform.requests) == 1


@pytest.mark.parametrize("case", OTHERS, ids=named(OTHERS))
def test_every_other_call_is_repeated_after_a_lost_answer(case: Case) -> None:
    """result-codes.md §5: unbind, modify, set callee, query and call stop do no harm twice."""
    platform = platform_of(case.mode, NoAnswer("ReadTimeoutError"), case.answer)
    case.make(platform)
    assert [request.json for request in platform.requests] == [case.body, case.body]


@EVERY
def test_a_call_that_never_leaves_is_not_sent(case: Case) -> None:
    platform = platform_of(case.mode, NoConnection("NewConnectionError"))
    with pytest.raises(errors.NotSent):
        case.make(platform)


EMPTY: Final[list[tuple[Mode, Callable[[Any, Any, Any], Any]]]] = [
    (Mode.AX, lambda group, empty, until: group.unbind(empty, deadline=until)),
    (Mode.AX, lambda group, empty, until: group.query(subscription_id=empty, deadline=until)),
    (Mode.AX, lambda group, empty, until: group.query(a=empty, deadline=until)),
    (Mode.AX, lambda group, empty, until: group.query(x=empty, deadline=until)),
    (Mode.AX, lambda group, empty, until: group.find(empty, A, deadline=until)),
    (Mode.AX, lambda group, empty, until: group.modify(AxModify(subscription_id=empty), deadline=until)),
    (Mode.AXB, lambda group, empty, until: group.unbind(empty, deadline=until)),
    (Mode.AXB, lambda group, empty, until: group.query(subscription_id=empty, deadline=until)),
    (Mode.AXB, lambda group, empty, until: group.query(x=empty, deadline=until)),
    (Mode.AXB, lambda group, empty, until: group.query(x=X, a=empty, deadline=until)),
    (Mode.AXB, lambda group, empty, until: group.find(X, A, empty, deadline=until)),
    (Mode.AXE, lambda group, empty, until: group.unbind(empty, deadline=until)),
    (Mode.AXE, lambda group, empty, until: group.query(empty, deadline=until)),
    (Mode.AXE, lambda group, empty, until: group.find(empty, "0007", A, deadline=until)),
    (Mode.AXE, lambda group, empty, until: group.find(X, empty, A, deadline=until)),
    (Mode.AXYB, lambda group, empty, until: group.unbind_ax(empty, deadline=until)),
    (Mode.AXYB, lambda group, empty, until: group.unbind_y(ID, empty, deadline=until)),
    (Mode.AXYB, lambda group, empty, until: group.unbind_y(empty, Y, deadline=until)),
    (Mode.AXYB, lambda group, empty, until: group.unbind_b(ID, empty, deadline=until)),
    (Mode.AXYB, lambda group, empty, until: group.query(subscription_id=empty, deadline=until)),
    (Mode.AXYB, lambda group, empty, until: group.query(x=empty, deadline=until)),
    (Mode.X, lambda group, empty, until: group.stop(empty, deadline=until)),
    (Mode.X, lambda group, empty, until: group.record_address(empty, DOMAIN, deadline=until)),
    (Mode.X, lambda group, empty, until: group.record_address(FILE, empty, deadline=until)),
]


@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.parametrize(("mode", "call"), EMPTY)
def test_an_empty_locator_is_refused_before_sending(
    mode: Mode, call: Callable[[Any, Any, Any], Any], empty: str
) -> None:
    """U-D07, numbers.md §7.1: the platform takes "" as absent, and may then act on a whole X."""
    platform = platform_of(mode, DONE)
    group = platform.client.sessions if mode is Mode.X else getattr(platform.client, mode.value.lower())
    with pytest.raises(ValueError, match=r"must|needs|should"):
        call(group, empty, platform.time.deadline())
    assert platform.requests == []


@pytest.mark.parametrize("number", ["17010000001", "+8512345", "8617010000001", "+86 170 1000 0001"])
def test_a_number_that_the_platform_would_not_find_is_no_locator(number: str) -> None:
    """numbers.md §1.3: "not found" would be read as "not bound"; the error does not show the number."""
    calls: list[tuple[Mode, Callable[[Platform], Any]]] = [
        (Mode.AX, lambda side: side.client.ax.query(x=number, deadline=side.time.deadline())),
        (Mode.AXB, lambda side: side.client.axb.query(x=number, deadline=side.time.deadline())),
        (Mode.AXE, lambda side: side.client.axe.find(number, "0007", A, deadline=side.time.deadline())),
        (Mode.AXYB, lambda side: side.client.axyb.unbind_y(ID, number, deadline=side.time.deadline())),
    ]
    for mode, call in calls:
        platform = platform_of(mode, DONE)
        with pytest.raises(ValueError, match="global form") as refused:
            call(platform)
        assert number not in str(refused.value)
        assert platform.requests == []


@pytest.mark.parametrize(("index", "size"), [(0, 50), (-1, 50), (1, 9), (1, 101), (1, 0)])
def test_a_page_that_the_platform_would_replace_is_refused(index: int, size: int) -> None:
    """axb.md §5: out of range, it answers page 1 or 50 rows without a word."""
    platform = platform_of(Mode.AXB, DONE)
    with pytest.raises(ValueError, match="pages"):
        platform.client.axb.query(x=X, page_index=index, page_size=size, deadline=platform.time.deadline())
    assert platform.requests == []


NOTHING_FOUND: Final[list[tuple[Mode, str, Callable[[Any, Any], Any]]]] = [
    (Mode.AX, "1016001", lambda group, until: group.find(X, A, deadline=until)),
    (Mode.AXB, "1012007", lambda group, until: group.find(X, A, B, deadline=until)),
    (Mode.AXE, "1016001", lambda group, until: group.find(X, "0007", A, deadline=until)),
]


@pytest.mark.parametrize(("mode", "code", "find"), NOTHING_FOUND)
def test_finding_nothing_is_no_error(mode: Mode, code: str, find: Callable[[Any, Any], Any]) -> None:
    """result-codes.md §6."""
    platform = platform_of(mode, answered(403, code))
    assert find(getattr(platform.client, mode.value.lower()), platform.time.deadline()) is None


SOMEBODY_ELSE: Final[list[tuple[Mode, Response, Callable[[Any, Any], Any]]]] = [
    (
        Mode.AX,
        rows("privateNumList", AX_ROW | {"origNum": B}),
        lambda group, until: group.find(X, A, deadline=until),
    ),
    (
        Mode.AXB,
        rows("relationNumList", AXB_ROW | {"callerNum": B, "calleeNum": A}),
        lambda group, until: group.find(X, A, B, deadline=until),
    ),
    (
        Mode.AXE,
        answered(200, "0", **(AXE_ROW | {"bindNum": B})),
        lambda group, until: group.find(X, "0007", A, deadline=until),
    ),
]


@pytest.mark.parametrize(("mode", "answer", "find"), SOMEBODY_ELSE)
def test_somebody_elses_binding_is_not_adopted(
    mode: Mode, answer: Response, find: Callable[[Any, Any], Any]
) -> None:
    """result-codes.md §5: same A: adopt; other A: X or extension is taken."""
    platform = platform_of(mode, answer)
    assert find(getattr(platform.client, mode.value.lower()), platform.time.deadline()) is None


GONE: Final = [
    (Mode.AX, "1011004"),
    (Mode.AX, "1011001"),
    (Mode.AXB, "1012007"),
    (Mode.AXB, "1012001"),
    (Mode.AXE, "1016001"),
    (Mode.AXE, "1012001"),
]


@pytest.mark.parametrize(("mode", "code"), GONE)
def test_releasing_what_is_gone_says_so(mode: Mode, code: str) -> None:
    """C-036; ax.md §3, axb.md §3, axe.md §3."""
    platform = platform_of(mode, answered(403, code))
    with pytest.raises(errors.NotFound):
        getattr(platform.client, mode.value.lower()).unbind(ID, deadline=platform.time.deadline())


def test_releasing_an_axyb_relation_that_is_gone_says_so() -> None:
    """axyb.md §3."""
    platform = platform_of(Mode.AXYB, answered(403, "1016001"))
    with pytest.raises(errors.NotFound):
        platform.client.axyb.unbind_y(ID, Y, deadline=platform.time.deadline())


def test_a_b_who_has_a_relation_is_a_conflict() -> None:
    """axyb.md §2.2 check 4: also after an automatic one."""
    platform = platform_of(Mode.AXYB, answered(403, "1016002"))
    with pytest.raises(errors.Conflict):
        platform.client.axyb.bind_yb(AxybBindYb(subscription_id=ID, b=B), deadline=platform.time.deadline())


@pytest.mark.parametrize(("status", "code"), [(500, "1020152"), (403, "1010002"), (403, "1012007")])
def test_stopping_a_call_that_has_ended_is_success(status: int, code: str) -> None:
    """recording-and-call-stop.md §3."""
    platform = platform_of(Mode.AXYB, answered(status, code))
    stopped = platform.client.sessions.stop(SESSION, deadline=platform.time.deadline())
    assert stopped is Stopped.ALREADY_ENDED
    assert len(platform.requests) == 1


def test_stopping_a_call_reports_other_refusals() -> None:
    platform = platform_of(Mode.AXYB, answered(500, "1020001"))
    with pytest.raises(errors.Invalid):
        platform.client.sessions.stop(SESSION, deadline=platform.time.deadline())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_address_of_a_recording_is_taken_from_the_redirect(status: int) -> None:
    """C-009, recording-and-call-stop.md §2: it is not followed."""
    platform = platform_of(Mode.AX, Response(status, {"location": "https://files.example/1"}, b""))
    address = platform.client.sessions.record_address(FILE, DOMAIN, deadline=platform.time.deadline())
    assert address == "https://files.example/1"
    assert len(platform.requests) == 1


@pytest.mark.parametrize("answer", [answered(200, "0"), Response(200, {}, b"RIFF")])
def test_a_success_without_an_address_is_none(answer: Response) -> None:
    """recording-and-call-stop.md §2: a redirect with Location is the success test."""
    platform = platform_of(Mode.AX, answer)
    with pytest.raises(errors.UnknownOutcome):
        platform.client.sessions.record_address(FILE, DOMAIN, deadline=platform.time.deadline())


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "1012007", errors.NotFound),
        (403, "1012012", errors.NoRecording),
        (403, "1010029", errors.Frozen),
        (403, "1011006", errors.FlowControl),
    ],
)
def test_a_recording_that_is_refused_says_why(
    status: int, code: str, error: type[errors.PlatformError]
) -> None:
    """recording-and-call-stop.md §2."""
    platform = platform_of(Mode.AX, answered(status, code))
    with pytest.raises(error):
        platform.client.sessions.record_address(FILE, DOMAIN, deadline=platform.time.deadline())
