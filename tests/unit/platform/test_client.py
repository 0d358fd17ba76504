"""The platform client: what it sends, repeats and raises (auth.md §5, result-codes.md §1, §2 and §5)."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders.platform import APPLICATION, START, Platform, answered, bound, scripted
from privatenumber.platform import errors
from privatenumber.platform.axb import AxbBind, AxbModify
from privatenumber.platform.client import NoAnswer, NoConnection, Response
from privatenumber.signing import Scheme, matches, read_request_token

A, B, C, X = "+8613800138001", "+8613800138002", "+8613800138003", "+8617010000002"
ID = "3f2b8c10-6a4d-4e57-9b21-000000000002"
BIND = AxbBind(a=A, b=B, x=X, duration=7200, max_duration=60, user_data="order-1001")
ROW = {
    "subscriptionId": ID,
    "relationNum": X,
    "callerNum": A,
    "calleeNum": B,
    "subscribeTime": "2026-09-02 08:59:30",
}

Call = Callable[[Platform], Any]


def bind(platform: Platform) -> Any:
    return platform.client.axb.bind(BIND, deadline=platform.time.deadline())


def unbind(platform: Platform) -> Any:
    return platform.client.axb.unbind(ID, deadline=platform.time.deadline())


def modify(platform: Platform) -> Any:
    return platform.client.axb.modify(
        AxbModify(subscription_id=ID, duration=3600), deadline=platform.time.deadline()
    )


def find(platform: Platform) -> Any:
    return platform.client.axb.find(X, A, B, deadline=platform.time.deadline())


REPEATABLE = pytest.mark.parametrize("call", [unbind, modify, find])
EVERY = pytest.mark.parametrize("call", [bind, unbind, modify, find])


def test_a_bind_is_posted_as_json_and_its_answer_read() -> None:
    """C-003; axb.md §2."""
    platform = scripted(bound())
    result = bind(platform)
    assert (result.subscription_id, result.x, result.duration, result.max_duration) == (ID, X, 7200, 60)
    [sent] = platform.requests
    assert (sent.method, sent.url) == (
        "POST",
        "https://platform.example/rest/caas/relationnumber/partners/v1.0",
    )
    assert sent.json == {
        "callerNum": A,
        "calleeNum": B,
        "relationNum": X,
        "callDirection": 0,
        "duration": 7200,
        "maxDuration": 60,
        "recordFlag": "false",
        "userData": "order-1001",
    }


def test_a_release_has_a_query_and_no_body() -> None:
    """U-D14, axb.md §3: parameters of DELETE and GET are read from the query only."""
    platform = scripted(answered(200, "0"))
    unbind(platform)
    [sent] = platform.requests
    assert (sent.method, sent.body, sent.query) == ("DELETE", None, {"subscriptionId": [ID]})


def test_a_query_escapes_the_plus_and_has_no_body() -> None:
    """C-011: + is %2B in URLs."""
    platform = scripted(answered(200, "0", totalCount=1, relationNumList=[ROW]))
    row = find(platform)
    assert (row.subscription_id, row.a, row.b) == (ID, A, B)
    [sent] = platform.requests
    assert (sent.method, sent.body) == ("GET", None)
    assert "relationNum=%2B8617010000002&callerNum=%2B8613800138001&calleeNum=%2B8613800138002" in sent.url
    assert "+" not in sent.url


def test_a_modification_is_put_as_json() -> None:
    """axb.md §4, C-026: absent members stay unchanged."""
    platform = scripted(answered(200, "0"))
    modify(platform)
    assert (platform.requests[0].method, platform.requests[0].json) == (
        "PUT",
        {"subscriptionId": ID, "duration": 3600},
    )


@pytest.mark.parametrize("scheme", list(Scheme))
def test_every_attempt_carries_a_signature_of_its_own(scheme: Scheme) -> None:
    """auth.md §5 and §2.3; C-095: both schemes, Content-Type on GET and DELETE too."""
    platform = scripted(
        answered(500, "1010001"), answered(200, "0"), application=replace(APPLICATION, scheme=scheme)
    )
    platform.time.seconds = 0.7
    unbind(platform)
    tokens = [
        read_request_token(sent.headers, schemes=list(Scheme), strict=True) for sent in platform.requests
    ]
    assert all(matches(token, APPLICATION.secrets[:1]) for token in tokens)
    assert len({token.nonce for token in tokens}) == len({token.created for token in tokens}) == 2
    assert {sent.headers["Content-Type"] for sent in platform.requests} == {"application/json;charset=UTF-8"}


@pytest.mark.parametrize("code", ["0", 0])
def test_success_is_status_200_and_code_zero_of_either_type(code: str | int) -> None:
    """auth.md §5."""
    unbind(scripted(answered(200, code)))


@EVERY
def test_a_failure_code_under_status_200_is_a_failure(call: Call) -> None:
    """result-codes.md §1."""
    with pytest.raises(errors.NumberState):
        call(scripted(answered(200, "1012102")))


REFUSALS: list[tuple[int, str | None, type[errors.PlatformError]]] = [
    (403, "1012010", errors.Conflict),
    (403, "1012009", errors.Full),
    (403, "1020178", errors.LimitPerUser),
    (403, "1012008", errors.NoResource),
    (403, "1012001", errors.NotOwned),
    (403, "1012007", errors.NotOwned),
    (403, "1012102", errors.NumberState),
    (403, "1010029", errors.Frozen),
    (403, "1010010", errors.FlowControl),
    (403, "1011006", errors.FlowControl),
    (401, "1010010", errors.AuthRefused),
    (400, "1023006", errors.AuthRefused),
    (403, "1010003", errors.AuthRefused),
    (403, "1020176", errors.LockedOut),
    (403, "1010002", errors.Invalid),
    (404, None, errors.Invalid),
    (403, "1010040", errors.WrongMode),
    (403, "1012012", errors.NoRecording),
]


@pytest.mark.parametrize(("status", "code", "error"), REFUSALS)
def test_a_refusal_is_raised_by_its_kind_and_never_repeated(
    status: int, code: str | None, error: type[errors.PlatformError]
) -> None:
    """result-codes.md §2 and §6, C-028 to C-037."""
    platform = scripted(answered(status, code))
    with pytest.raises(error) as refused:
        bind(platform)
    assert len(platform.requests) == 1
    assert (refused.value.api, refused.value.http_status, refused.value.code) == ("axb.bind", status, code)
    assert refused.value.meaning
    assert refused.value.remedy


@pytest.mark.parametrize("code", ["1012007", "1012001"])
def test_releasing_what_is_gone_says_so(code: str) -> None:
    """axb.md §3: both codes mean already gone."""
    with pytest.raises(errors.NotFound):
        unbind(scripted(answered(403, code)))


def test_finding_nothing_is_no_error() -> None:
    """axb.md §5 row 3."""
    assert find(scripted(answered(403, "1012007"))) is None


def test_a_row_in_exchanged_roles_is_another_binding() -> None:
    row = ROW | {"callerNum": B, "calleeNum": A}
    assert find(scripted(answered(200, "0", totalCount=1, relationNumList=[row]))) is None


@pytest.mark.parametrize("missing", ["", "  "])
def test_an_empty_id_is_refused_before_sending(missing: str) -> None:
    """U-D07: the platform would take it as absent and look at other parameters."""
    platform = scripted(answered(200, "0"))
    with pytest.raises(ValueError, match="locator"):
        platform.client.axb.unbind(missing, deadline=platform.time.deadline())
    with pytest.raises(ValueError, match="locator"):
        platform.client.axb.query(x=missing, deadline=platform.time.deadline())
    assert platform.requests == []


UNKNOWN: list[Response | Exception] = [
    NoAnswer("ReadTimeoutError"),
    answered(500, "1010001"),
    answered(500, "1023002"),
    answered(502),
    Response(200, {}, b"not json"),
    Response(200, {}, b"[" * 100_000),
    answered(200, "0", relationNum=X),
]


@pytest.mark.parametrize(
    "answer", UNKNOWN, ids=["none", "fault", "platform time-out", "gateway", "garbage", "depth", "no id"]
)
def test_a_bind_that_may_have_happened_is_unknown_and_not_repeated(answer: Response | Exception) -> None:
    """result-codes.md §5: a bind is looked up before it is repeated."""
    platform = scripted(answer)
    with pytest.raises(errors.UnknownOutcome):
        bind(platform)
    assert len(platform.requests) == 1


@EVERY
def test_a_request_that_never_left_is_repeated_and_then_reported_as_not_sent(call: Call) -> None:
    platform = scripted(NoConnection("NewConnectionError"))
    with pytest.raises(errors.NotSent) as unsent:
        call(platform)
    assert unsent.value.until is None
    assert len(platform.requests) == 4


@pytest.mark.parametrize(
    "refusal", [answered(403, "1010029"), answered(403, "1010010"), answered(403, "1020176")]
)
def test_a_refusal_at_the_door_does_not_undo_an_attempt_that_may_have_been_executed(
    refusal: Response,
) -> None:
    """U-D03: a modify that got no answer and was then refused for arrears may still be in force."""
    platform = scripted(NoAnswer("x"), refusal)
    with pytest.raises(errors.UnknownOutcome):
        platform.client.axb.modify(
            AxbModify(subscription_id=ID, direction=1), deadline=platform.time.deadline(9.0)
        )
    assert len(platform.requests) == 2


def test_a_bind_succeeds_after_a_connection_that_failed() -> None:
    assert bind(scripted(NoConnection("NewConnectionError"), bound())).subscription_id == ID


@REPEATABLE
@pytest.mark.parametrize("fault", [answered(500, "1010001"), NoAnswer("x"), Response(200, {}, b"")])
def test_harmless_operations_are_repeated_after_transient_faults(
    call: Call, fault: Response | Exception
) -> None:
    """result-codes.md §2 and §5: unbind, modify and query repeat without a look-up."""
    done = answered(200, "0", totalCount=1, relationNumList=[ROW])
    platform = scripted(fault, fault, done)
    call(platform)
    assert platform.time.waits == [0.5, 1.0]


@REPEATABLE
def test_repetitions_end_after_three(call: Call) -> None:
    """result-codes.md §2: waits 0.5, 1 and 2 s."""
    platform = scripted(answered(500, "1010001"))
    with pytest.raises(errors.TransientFault):
        call(platform)
    assert platform.time.waits == [0.5, 1.0, 2.0]


def test_a_platform_time_out_is_repeated_once() -> None:
    """result-codes.md §2: 1023002."""
    platform = scripted(answered(500, "1023002"))
    with pytest.raises(errors.TransientFault):
        unbind(platform)
    assert len(platform.requests) == 2


def test_no_answer_at_all_leaves_the_outcome_unknown() -> None:
    platform = scripted(NoAnswer("ReadTimeoutError"))
    with pytest.raises(errors.UnknownOutcome) as unknown:
        unbind(platform)
    assert (unknown.value.http_status, unknown.value.code) == (None, None)


def test_a_later_failure_to_connect_does_not_hide_an_unknown_outcome() -> None:
    platform = scripted(NoAnswer("ReadTimeoutError"), NoConnection("NewConnectionError"))
    with pytest.raises(errors.UnknownOutcome):
        modify(platform)


@pytest.mark.parametrize(("random", "expected"), [(0.0, 0.25), (0.999, 0.7495)])
def test_waits_are_spread_by_half(random: float, expected: float) -> None:
    """result-codes.md §2: plus or minus 50 %."""
    platform = scripted(answered(500, "1010001"), answered(200, "0"))
    platform.client._caller._random = lambda: random
    unbind(platform)
    assert platform.time.waits == [pytest.approx(expected)]


def test_time_outs_are_the_documented_ones_when_there_is_time() -> None:
    """auth.md §5: connect 5 s, total 10 s."""
    platform = scripted(bound())
    bind(platform)
    [sent] = platform.requests
    assert (sent.connect_s, sent.connect_s + sent.read_s) == (5.0, 10.0)


def test_time_outs_shrink_to_the_deadline() -> None:
    platform = scripted(bound())
    platform.client.axb.bind(BIND, deadline=platform.time.deadline(2.0))
    [sent] = platform.requests
    assert sent.connect_s + sent.read_s == pytest.approx(2.0)


def test_without_time_nothing_is_sent() -> None:
    platform = scripted(bound())
    with pytest.raises(errors.NotSent):
        platform.client.axb.bind(BIND, deadline=platform.time.deadline(0.1))
    assert platform.requests == []


def test_no_repetition_starts_that_the_deadline_would_cut_off() -> None:
    platform = scripted(answered(500, "1010001"))
    with pytest.raises(errors.TransientFault):
        platform.client.axb.unbind(ID, deadline=platform.time.deadline(1.5))
    assert platform.time.seconds <= 1.5
    assert len(platform.requests) == 2


PAUSED = [
    (403, "1020176", timedelta(minutes=30)),
    (401, "1010010", timedelta(minutes=30)),
    (401, "1010013", timedelta(minutes=30)),
    (400, "1023033", timedelta(minutes=30)),
    (403, "1010003", timedelta(minutes=30)),
    (403, "1020166", timedelta(minutes=30)),
    (403, "1010029", timedelta(minutes=10)),
    (403, "1010010", timedelta(seconds=60)),
    (403, "1011006", timedelta(seconds=60)),
]


@pytest.mark.parametrize(("status", "code", "length"), PAUSED)
def test_some_refusals_silence_the_client_for_a_while(status: int, code: str, length: timedelta) -> None:
    """auth.md §5, result-codes.md §2, C-034, C-035."""
    platform = scripted(answered(status, code), bound())
    with pytest.raises(errors.PlatformError):
        bind(platform)
    with pytest.raises(errors.NotSent) as paused:
        bind(platform)
    assert paused.value.until == START + length
    assert len(platform.requests) == 1
    platform.time.seconds = length.total_seconds()
    if code == "1010029":  # what follows arrears stands in test_probing.py
        with pytest.raises(errors.NotSent):
            bind(platform)
    else:
        assert bind(platform).subscription_id == ID


@pytest.mark.parametrize(("code", "silenced"), [("1020176", True), ("1010010", False)])
def test_a_locked_address_silences_every_application_and_flow_control_only_one(
    code: str, silenced: bool
) -> None:
    platform = scripted(answered(403, code))
    with pytest.raises(errors.PlatformError):
        bind(platform)
    other = scripted(bound(), application=replace(APPLICATION, id="food"))
    other.client._caller._pauses = platform.pauses
    if silenced:
        with pytest.raises(errors.NotSent):
            bind(other)
    else:
        bind(other)


def test_corrected_credentials_go_ahead_at_once() -> None:
    """auth.md §5: the circuit stays open until reconfiguration."""
    platform = scripted(answered(401, "1010010"))
    with pytest.raises(errors.AuthRefused):
        bind(platform)
    corrected = scripted(bound(), application=replace(APPLICATION, secrets=("corrected",)))
    corrected.client._caller._pauses = platform.pauses
    assert bind(corrected).subscription_id == ID


def test_no_log_line_or_error_shows_a_number_secret_or_digest(caplog: pytest.LogCaptureFixture) -> None:
    """U-D15, numbers.md §6."""
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    for answer in (bound(), *UNKNOWN, *(answered(status, code) for status, code, _ in REFUSALS)):
        for call in (bind, unbind, modify, find):
            try:
                call(scripted(answer))
            except errors.PlatformError as error:
                texts += [str(error), error.meaning, error.remedy]
    texts += [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert len(caplog.records) > 50
    forbidden = [number[3:] for number in (A, B, X)] + [*APPLICATION.secrets, "PasswordDigest", "order-1001"]
    assert not [word for word in forbidden if any(word in text for text in texts)]


def test_an_undocumented_code_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """result-codes.md §1: alarm "unknown result code"."""
    with pytest.raises(errors.Invalid):
        bind(scripted(answered(403, "1099999")))
    assert "unknown result code" in caplog.messages
