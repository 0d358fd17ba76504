"""X-mode calls: the question, its answers good, bad and late, events and CDR (x.md §1-§3; C-007)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from builders.emulated import LANDLINE, STATUS_URL, STRANGER, A, B, D, X
from builders.emulated_modes import ModePlatform, Y, facts, reached
from emulator.world import Account, NumberStatus, PushUrls

pytestmark = pytest.mark.anyio

CONNECT = {"operation": "connect", "connectInfo": {"calleeNum": B}}
REFUSED = ["callin", "disconnect"]
TALKED = ["callin", "callout", "alerting", "answer", "disconnect"]


def connect(**info: Any) -> dict[str, Any]:
    return {"operation": "connect", "connectInfo": {"calleeNum": B, **info}}


def platform(answer: Any = CONNECT, **settings: Any) -> ModePlatform:
    made = ModePlatform("X", **settings)
    made.answer(answer)
    return made


async def test_the_question_says_who_dialled_what() -> None:
    """x.md §2; notifications.md §4.6."""
    running = platform()
    call = await running.call(STRANGER)
    [asked] = running.infos("callin")
    assert list(asked) == ["timestamp", "sessionId", "caller", "called", "notifyMode"]
    assert (asked["caller"], asked["called"], asked["notifyMode"]) == (STRANGER, X, "Block")
    assert asked["sessionId"] == call.session_id


async def test_connect_reaches_the_callee() -> None:
    """C-057; x.md §3 connect."""
    running = platform(
        connect(userData="ticket-77", waitVoice="wait.wav", maxDuration=1, lastMinVoice="l.wav")
    )
    call = await running.call(STRANGER, talk_s=600)
    entry = running.cdr(call)
    assert running.receiver.event_types() == TALKED
    assert facts(entry) == reached(0, STRANGER, X, X, B)
    assert (entry["notifyMode"], entry["userData"], entry["ulFailReason"]) == ("Block", "ticket-77", 8010)
    assert not {"subscriptionId", "mptyId"} & set(entry)
    assert "userData" not in running.infos("callin")[0]
    assert {info["userData"] for event in TALKED[1:] for info in running.infos(event)} == {"ticket-77"}
    assert {tone.name for tone in call.prompts} == {"wait.wav", "l.wav"}
    assert call.talk_seconds == 60


@pytest.mark.parametrize("name", ["calleeHintVoice", "calleeHintTone"])
async def test_a_tone_greets_the_callee(name: str) -> None:
    """Decision 149."""
    running = platform(connect(**{name: "hello.wav"}))
    call = await running.call(STRANGER)
    [tone] = call.prompts
    assert (tone.name, tone.to, tone.at) == ("hello.wav", "callee", call.answered_at)


@pytest.mark.parametrize(
    ("info", "tones"),
    [
        ({"closeHintTone": "bye.wav", "userData": "ticket-77"}, ["bye.wav"]),
        ({"closeHintTone": "unknown.wav", "userData": "ticket-77"}, []),
        ({"closeHintTone": "no such/name", "userData": "ticket-77"}, []),
    ],
)
async def test_close_ends_the_call_with_its_tone_if_that_exists(
    info: dict[str, Any], tones: list[str]
) -> None:
    """C-068 (the tone ordered by the customer has no default), x.md §2 close; decision 146."""
    running = ModePlatform("X", application={"voice_files": frozenset({"bye.wav"})})
    running.answer({"operation": "close", "closeInfo": info})
    call = await running.call(STRANGER)
    entry = running.cdr(call)
    assert running.receiver.event_types() == REFUSED
    assert (entry["ulFailReason"], entry["sipStatusCode"], entry["userData"]) == (8017, 603, "ticket-77")
    assert facts(entry) == reached(0, STRANGER, X, None, None)
    assert [tone.name for tone in call.prompts] == tones


UNUSABLE = [
    pytest.param(b"", id="empty"),
    pytest.param(b"{", id="no JSON"),
    pytest.param([], id="no object"),
    pytest.param({"operation": "forward"}, id="unknown operation"),
    pytest.param({"operation": "Connect", "connectInfo": {"calleeNum": B}}, id="exact case"),
    pytest.param({"operation": "connect"}, id="no calleeNum"),
    pytest.param(connect(calleeNum="13800138002"), id="number without +86"),
    pytest.param(connect(calleeNum="+864001001380"), id="400 number"),
    pytest.param(connect(calleeNum=X), id="callee is X"),
    pytest.param(connect(calleeNum=STRANGER), id="callee is the caller"),
    pytest.param(connect(maxDuration=3600), id="seconds instead of minutes"),
    pytest.param(connect(maxDuration=-1), id="negative"),
    pytest.param(connect(waitVoice="a b.wav"), id="malformed file name"),
    pytest.param(connect(recordFlag="yes"), id="recordFlag"),
    pytest.param(connect(userData="订单"), id="userData beyond ASCII (decision 206)"),
    pytest.param(connect(userData="x" * 257), id="userData too long"),
    pytest.param({"operation": "connect", "connectInfo": [{"calleeNum": B}] * 2}, id="two elements"),
]


@pytest.mark.parametrize("answer", UNUSABLE)
async def test_an_unusable_answer_ends_the_call(answer: Any) -> None:
    """C-057, C-181; x.md §2: 8014; §3: direction 2."""
    running = platform(answer)
    call = await running.call(STRANGER)
    entry = running.cdr(call)
    assert running.receiver.event_types() == REFUSED
    assert running.infos("disconnect")[0]["stateCode"] == 8014
    assert (entry["ulFailReason"], entry["sipStatusCode"], entry["direction"]) == (8014, 500, 2)
    assert entry["notifyMode"] == "Block"


@pytest.mark.parametrize(
    "name", ["waitVoice", "recordHintTone", "lastMinVoice", "calleeHintVoice", "calleeHintTone"]
)
async def test_an_unknown_tone_has_a_teardown_point_of_its_own(name: str) -> None:
    """Decision 146: 8014 / 8006."""
    running = ModePlatform("X", application={"voice_files": frozenset({"known.wav"})})
    running.answer(connect(**{name: "unknown.wav"}))
    call = await running.call(STRANGER)
    assert running.infos("disconnect")[0]["stateCode"] == 8014
    assert running.cdr(call)["ulFailReason"] == 8006


@pytest.mark.parametrize(
    ("status", "strictness", "code"),
    [(500, "lenient", 8014), (302, "lenient", 8014), (201, "lenient", 0), (201, "strict", 8014)],
)
async def test_the_status_of_the_answer_counts(status: int, strictness: str, code: int) -> None:
    """x.md §2: not 2xx, strict: not 200."""
    running = platform(lambda body: httpx.Response(status, json=CONNECT), strictness=strictness)
    assert running.cdr(await running.call(STRANGER))["ulFailReason"] == code


LENIENT_FORMS = [
    pytest.param(
        {"operation": "connect", "connectInfo": [{"calleeNum": B}]}, id="decision 145: array of one"
    ),
    pytest.param(connect(recordFlag=True, recordHintTone="r.wav"), id="boolean"),
    pytest.param(connect(maxDuration="30"), id="numeric string"),
]


@pytest.mark.parametrize("answer", LENIENT_FORMS)
@pytest.mark.parametrize(("strictness", "code"), [("lenient", 0), ("strict", 8014)])
async def test_some_forms_pass_in_lenient_only(answer: Any, strictness: str, code: int) -> None:
    """x.md §2."""
    running = platform(answer, strictness=strictness)
    assert running.cdr(await running.call(STRANGER))["ulFailReason"] == code


async def test_unknown_members_are_ignored() -> None:
    running = platform({**connect(future=1), "closeInfo": {"closeHintTone": "x.wav"}, "other": None})
    assert running.cdr(await running.call(STRANGER))["ulFailReason"] == 0


async def test_a_late_answer_is_none() -> None:
    """Decision 142, 143: never asked again."""

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if b"Block" in request.content and b"callin" in request.content:
                await asyncio.Event().wait()
            return httpx.Response(200)

    running = ModePlatform("X", transport=Slow(), block={"call_timeout_s": 0.01})
    call = await running.call(STRANGER)
    await running.clock.advance(24 * 3600)
    assert call.ending is not None
    assert (call.ending.state_code, call.ending.teardown) == (8014, 8014)
    [question] = [one for one in running.deliveries("status") if one.facts["event"] == "callin"]
    assert [(attempt.status, attempt.error) for attempt in question.attempts] == [(None, "timeout")]


async def test_without_an_address_nobody_is_asked() -> None:
    """Decision 152."""
    running = ModePlatform("X", application={"urls": PushUrls(fee="https://receiver.example.com/fee")})
    running.answer(CONNECT)
    call = await running.call(STRANGER)
    assert running.cdr(call)["ulFailReason"] == 8014


async def test_the_separate_address_of_callin_gets_the_question() -> None:
    """notifications.md §1: call-in event only."""
    urls = PushUrls(status=STATUS_URL, callin="https://receiver.example.com/callin")
    running = ModePlatform("X", application={"urls": urls})
    running.answer(CONNECT)
    await running.call(STRANGER)
    asked = [request.url for request in running.receiver.requests if request.body["eventType"] == "callin"]
    assert asked == ["https://receiver.example.com/callin"]


@pytest.mark.parametrize("kind", ["lose", "delay"])
async def test_a_question_that_does_not_arrive_is_not_answered(kind: str) -> None:
    running = platform()
    running.fault(kind, match={"event": "callin"})
    assert running.cdr(await running.call(STRANGER))["ulFailReason"] == 8014


async def test_a_repeated_question_is_answered_by_the_first_answer() -> None:
    """x.md §2: the backend gives the stored answer; the platform goes by the first."""
    answers = iter([CONNECT, {"operation": "close"}])
    running = platform(lambda body: httpx.Response(200, json=next(answers)))
    running.fault("duplicate", match={"event": "callin"})
    call = await running.call(STRANGER)
    assert (running.cdr(call)["ulFailReason"], len(running.infos("callin"))) == (0, 2)


# display number


async def test_another_display_number_is_intercepted() -> None:
    """x.md §2; decision 147."""
    running = platform(connect(displayCalleeNum=Y))
    running.number(Y)
    entry = running.cdr(await running.call(STRANGER))
    assert (entry["ulFailReason"], entry["direction"]) == (8024, 2)


@pytest.mark.parametrize(("display", "code"), [(X, 0), (Y, 0), (D, 8024)])
async def test_another_own_x_may_be_shown_by_arrangement(display: str, code: int) -> None:
    running = platform(connect(displayCalleeNum=display), x={"allow_other_display": True})
    running.number(Y)
    entry = running.cdr(await running.call(STRANGER))
    assert (entry["ulFailReason"], entry.get("fwdDisplayNum")) == (code, display if code == 0 else None)


# the gate


@pytest.mark.parametrize(
    ("caller", "code"),
    [(LANDLINE, 8023), ("+85261234567", 8042), (D, 7005)],
    ids=["landline", "outside the mainland", "blacklisted"],
)
async def test_a_caller_who_is_refused_raises_no_question(caller: str, code: int) -> None:
    """Decision 151: disconnect and CDR only."""
    running = ModePlatform("X", application={"caller_blacklist": frozenset({D})})
    running.answer(CONNECT)
    call = await running.call(caller)
    assert running.receiver.event_types() == ["disconnect"]
    entry = running.cdr(call)
    assert (entry["ulFailReason"], entry["direction"]) == (code, 2)


@pytest.mark.parametrize(
    ("status", "frozen", "code"), [("9", False, 8055), ("10", False, 8055), ("5", True, 7108)]
)
async def test_an_unusable_number_or_account_raises_no_question(status: str, frozen: bool, code: int) -> None:
    running = platform()
    running.world.set_number_status(X, NumberStatus(status), None, running.clock.now())
    running.world.accounts["demo_tenant_01"] = Account("demo_tenant_01", frozen)
    call = await running.call(A)
    assert running.receiver.event_types() == ["disconnect"]
    assert running.cdr(call)["ulFailReason"] == code


async def test_a_barred_callee_is_refused_after_the_answer() -> None:
    """axb.md §6.2 row 10."""
    running = ModePlatform("X", application={"callee_blacklist": frozenset({B})})
    running.answer(CONNECT)
    entry = running.cdr(await running.call(STRANGER))
    assert (entry["ulFailReason"], entry["direction"]) == (7004, 0)


async def test_x_carries_any_number_of_calls() -> None:
    """x.md §1: each is asked separately."""
    callees = iter([B, D])
    running = platform(lambda body: httpx.Response(200, json=connect(calleeNum=next(callees))))
    first = running.start_call(STRANGER, talk_s=600)
    second = await running.call(A)
    await running.engine.finish(first)
    assert [running.cdr(call)["ulFailReason"] for call in (first, second)] == [0, 0]


# terminate call (recording-and-call-stop.md §3)


async def test_a_call_can_be_stopped_only_once_its_question_was_answered() -> None:
    running = platform()
    call = running.start_call(STRANGER, talk_s=600)
    assert running.engine.stoppable("demoAppKey0000000000000001", call.session_id) is None
    await running.clock.advance(30)
    assert running.engine.stoppable("demoAppKey0000000000000001", call.session_id) is call
    running.engine.stop("demoAppKey0000000000000001", call.session_id)
    await running.clock.advance(2)
    assert running.cdr(call)["ulFailReason"] == 0


# recording


@pytest.mark.parametrize(
    ("application", "flag", "recorded"),
    [(True, "true", 1), (True, "false", 0), (True, None, 0), (False, "true", 0)],
)
async def test_a_call_is_recorded_when_answer_and_application_want_it(
    application: bool, flag: str | None, recorded: int
) -> None:
    """Decision 148: an application without recording ignores it."""
    running = ModePlatform("X", application={"recording": application})
    running.answer(connect(recordFlag=flag, recordHintTone="r.wav"))
    assert running.cdr(await running.call(STRANGER))["recordFlag"] == recorded


@pytest.mark.parametrize(("strictness", "code"), [("lenient", 0), ("strict", 8059)])
async def test_a_recorded_call_without_notice_follows_strictness(strictness: str, code: int) -> None:
    """Decision 159."""
    running = platform(connect(recordFlag="true"), strictness=strictness)
    assert running.cdr(await running.call(STRANGER))["ulFailReason"] == code
