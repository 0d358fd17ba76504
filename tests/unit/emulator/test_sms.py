"""SMS: ways per mode, ordered checks, questions, parts, pushes, charges (notifications.md §6).

C-002, C-004, C-007.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from builders.emulated import ACCOUNT, APP_KEY, SMS_URL, STRANGER, A, B, D, X, fen
from builders.emulated_modes import IDS, ModePlatform, later
from emulator.deliveries import DeliveryState
from emulator.exports import ExportOptions, export
from emulator.smsparts import parts_of
from emulator.smsrecord import SmsScript
from emulator.views import truth
from emulator.world import Mode, NumberStatus, PushUrls

pytestmark = pytest.mark.anyio

RECEIVER = "+8613800138009"


def forward(**message: Any) -> dict[str, Any]:
    return {"actions": [{"operation": "vNumberRoute", "message": {"called": RECEIVER, **message}}]}


DISCARD = {"actions": [{"operation": "DiscardMessage"}]}


def ax(answer: Any = DISCARD, **settings: Any) -> ModePlatform:
    """A behind X, and a customer who answers questions so."""
    made = ModePlatform("AX", **settings)
    made.bind_ax(user_data="order-2001")
    made.answer(answer)
    return made


def axb(**settings: Any) -> ModePlatform:
    made = ModePlatform("AXB", **settings)
    made.bind()
    return made


def paras(event: dict[str, Any]) -> dict[str, str]:
    return {para["key"]: para["value"] for para in event["extInfo"]["extParas"]}


# parts (billing-rules.md §4.1)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1), ("字", 1), ("字" * 70, 1), ("字" * 71, 2), ("字" * 134, 2), ("字" * 135, 3), ("字" * 201, 3),
        ("字" * 202, 4), ("字" * 500, 8), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 2),
        ("a" * 308, 2), ("a" * 309, 3), ("a" * 459, 3), ("a" * 462, 3), ("a" * 463, 4), ("a" * 1000, 7),
        ("a" * 69 + "字", 1), ("a" * 70 + "字", 2), ("a" * 159 + "字", 3), ("a" * 71 + "，", 2),
        ("😀" * 35, 1), ("😀" * 36, 2),
    ],
)  # fmt: skip
def test_a_text_is_split_by_its_characters(text: str, parts: int) -> None:
    """C-060; the cases S01 to S23; a character outside the basic plane counts twice."""
    assert parts_of(text) == parts


# AXB


@pytest.mark.parametrize(("sender", "receiver", "direction"), [(A, B, "1"), (B, A, "0")])
async def test_axb_passes_a_text_to_the_other_side(sender: str, receiver: str, direction: str) -> None:
    """notifications.md §6.1, §6.6: members and their order as in the example."""
    running = axb()
    await running.sms(sender, text="I am at the gate")
    assert running.receiver.sms("Block") == []
    [event] = running.receiver.sms()
    assert event == {
        "smsIdentifier": "sms-20260902-0001",
        "notificationMode": "Notify",
        "calling": sender,
        "called": receiver,
        "virtualNumber": X,
        "event": "Text SMS ",
        "timeStamp": "2026-09-02T01:00:01.000Z",
        "subscriptionId": "3f2b8c10-6a4d-4e57-9b21-000000000002",
        "smsContent": "I am at the gate",
        "extInfo": {
            "extParas": [{"key": "splitNum", "value": "1"}, {"key": "direction", "value": direction}]
        },
        "sendResult": 0,
    }
    assert running.receiver.requests[-1].url == SMS_URL
    assert running.receiver.requests[-1].body["appKey"] == APP_KEY


async def test_axb_knows_no_strangers() -> None:
    """notifications.md §6.3 row 5; the last example of §6.6."""
    running = axb()
    sms = await running.sms(STRANGER)
    [event] = running.receiver.sms()
    assert (event["sendResult"], paras(event)) == (2, {"splitNum": "0", "direction": "2"})
    assert not {"called", "subscriptionId"} & set(event)
    assert sms.forwarded is None


# AX


@pytest.mark.parametrize(
    ("text", "forwarded"),
    [
        ("Your parcel@13800138009", "Your parcel"),
        ("Your parcel@+8613800138009", "Your parcel"),
        ("Your parcel@13800138009  ", "Your parcel"),
        ("mail me@home@13800138009", "mail me@home"),
        ("@13800138009", ""),
    ],
)
async def test_a_names_the_receiver_behind_the_text(text: str, forwarded: str) -> None:
    """C-059; notifications.md §6.1: `@B` is removed; `smsContent` is the text as it was sent."""
    running = ax()
    sms = await running.sms(A, text=text)
    assert running.receiver.sms("Block") == []
    [event] = running.receiver.sms()
    assert (sms.forwarded, event["called"], event["smsContent"]) == (forwarded, RECEIVER, text)
    assert (event["sendResult"], paras(event)["direction"], event["userData"]) == (0, "1", "order-2001")


@pytest.mark.parametrize(
    "text",
    ["Your parcel", "parcel＠13800138009", "parcel@1380013800", "parcel@23800138009", "parcel@13800138009."],
    ids=["none", "full width", "ten digits", "no mobile", "something behind"],
)
async def test_a_text_without_a_good_marker_is_asked_about(text: str) -> None:
    """C-059; notifications.md §6.1; the text goes on as it was received."""
    running = ax(forward(calling=A))
    sms = await running.sms(A, text=text)
    [asked] = running.receiver.sms("Block")
    assert list(asked) == [
        "smsIdentifier", "notificationMode", "calling", "virtualNumber", "event", "timeStamp",
        "subscriptionId", "smsContent", "extInfo",
    ]  # fmt: skip
    assert (asked["smsContent"], paras(asked)) == (text, {"splitNum": "1", "direction": "1"})
    [event] = running.receiver.sms()
    assert event["smsIdentifier"] == asked["smsIdentifier"]
    assert (sms.forwarded, event["called"], event["sendResult"]) == (text, RECEIVER, 0)


@pytest.mark.parametrize(("form", "suffix"), [("national", "13800138003"), ("global", "+8613800138003")])
async def test_a_reads_who_wrote(form: str, suffix: str) -> None:
    """C-058; notifications.md §6.1; decision 200."""
    running = ax(sms={"from_suffix_number": form})
    sms = await running.sms(STRANGER, text="Please leave it@13800138009")
    [event] = running.receiver.sms()
    assert sms.forwarded == f"Please leave it@13800138009[From{suffix}]"
    assert (event["called"], event["smsContent"]) == (A, "Please leave it@13800138009")
    assert paras(event)["direction"] == "0"


@pytest.mark.parametrize(
    ("sender", "text", "received", "sent"),
    [
        pytest.param(A, "a" * 155 + "@13800138009", 2, 1, id="the marker made it two"),
        pytest.param(STRANGER, "a" * 150, 1, 2, id="the signature makes it two"),
    ],
)
async def test_the_forwarded_text_decides_the_parts(sender: str, text: str, received: int, sent: int) -> None:
    """C-061; decision 208; billing-rules.md §4 altered text."""
    running = ax()
    sms = await running.sms(sender, text=text)
    [event] = running.receiver.sms()
    assert (sms.parts_received, paras(event)["splitNum"]) == (received, str(sent))
    assert running.books.sms[0].parts == sent


# X


async def test_x_asks_about_every_text() -> None:
    """x.md §4; §6.2: no binding, no user data, direction always 1."""
    running = ModePlatform("X")
    running.answer(forward())
    await running.sms(STRANGER)
    [asked], [event] = running.receiver.sms("Block"), running.receiver.sms()
    for told in (asked, event):
        assert not {"subscriptionId", "userData"} & set(told)
        assert paras(told)["direction"] == "1"
    assert (event["calling"], event["called"], event["sendResult"]) == (STRANGER, RECEIVER, 0)


@pytest.mark.parametrize("mode", ["AXE", "AXYB"])
async def test_modes_without_sms_drop_it_without_a_word(mode: str) -> None:
    """notifications.md §6.1."""
    running = ModePlatform(mode)
    sms = await running.sms(A)
    await running.clock.advance(3600)
    assert (sms.dropped, sms.result, running.receiver.requests, running.books.sms) == (True, None, [], [])


async def test_a_number_nobody_knows_takes_no_sms() -> None:
    running = axb()
    assert await running.sms_engine.receive_and_wait(SmsScript(sender=A, x="+8617010000099", text="")) is None


@pytest.mark.parametrize("number", ["+8675520000001", "95500", "+85261234567"])
def test_only_mobile_numbers_send(number: str) -> None:
    with pytest.raises(ValidationError):
        SmsScript(sender=number, x=X, text="hello")


# the checks (notifications.md §6.3)


def freeze(running: ModePlatform) -> None:
    running.world.accounts[ACCOUNT].frozen = True


def suspend(running: ModePlatform) -> None:
    running.world.set_number_status(X, NumberStatus.SUSPENDED, None, running.clock.now())


def console(**changes: Any) -> Callable[[ModePlatform], None]:
    def change(running: ModePlatform) -> None:
        running.world.put_application(replace(running.world.applications[APP_KEY], **changes))

    return change


def number_without_sms(running: ModePlatform) -> None:
    running.numbers.switch_sms(X, False)


def binding_without_sms(running: ModePlatform) -> None:
    binding = running.world.ax.by_id(IDS[Mode.AX], running.clock.now())
    assert binding is not None
    running.world.ax.change(replace(binding, private_sms=False))


def unbind(running: ModePlatform) -> None:
    running.world.ax.end(IDS[Mode.AX], running.clock.now())


CHECKS: list[tuple[Callable[[ModePlatform], None], int]] = [
    (freeze, 1),
    (console(commercial=False), 4),
    (suspend, 3),
    (console(sms=False), 11),
    (unbind, 2),
    (console(caller_blacklist=frozenset({A})), 8),
    (console(sms_forbidden_words=("gate",)), 13),
    (console(sms_keywords=("[Company]",)), 12),
]
TEXT = "at the gate"


@pytest.mark.parametrize(
    ("spoil", "result"),
    [
        *CHECKS,
        (number_without_sms, 11),
        (binding_without_sms, 11),
        (console(sms_keywords=("gate", "door")), 6),
        (console(sms_forbidden_words=("door",)), 6),
        (lambda running: None, 6),
    ],
)
async def test_every_check_has_its_result(spoil: Callable[[ModePlatform], None], result: int) -> None:
    """C-062, C-063, C-098; notifications.md §6.3 rows 1 to 9: nothing is sent or charged, all is told."""
    running = ax()
    spoil(running)
    await running.sms(A, text=TEXT)
    [event] = running.receiver.sms()
    assert (event["sendResult"], paras(event)["splitNum"], "called" in event) == (result, "0", False)
    assert len(running.receiver.sms("Block")) == (1 if result == 6 else 0)
    assert running.books.sms[0].amount == Decimal(0)


@pytest.mark.parametrize("earlier", range(len(CHECKS) - 1))
async def test_the_first_check_that_hits_is_reported(earlier: int) -> None:
    """notifications.md §6.3: in this order. Settings of the console are put together, not replaced."""
    running = ax()
    for spoil, _ in CHECKS[earlier:]:
        spoil(running)
    await running.sms(A, text=TEXT)
    [event] = running.receiver.sms()
    assert event["sendResult"] == CHECKS[earlier][1]


@pytest.mark.parametrize("status", ["10", "11"])
async def test_only_unusable_numbers_refuse_sms(status: str) -> None:
    """numbers.md §3: 11 stops new bindings only."""
    running = axb()
    running.world.set_number_status(X, NumberStatus(status), "3" if status == "10" else None, later(0))
    await running.sms(A)
    assert running.receiver.sms()[0]["sendResult"] == (3 if status == "10" else 0)


@pytest.mark.parametrize("mode", ["AXB", "AX"])
async def test_a_barred_receiver_gets_nothing(mode: str) -> None:
    """§6.3 row 6: the receiver, known at once or by the answer."""
    running = ax(forward()) if mode == "AX" else axb()
    console(callee_blacklist=frozenset({RECEIVER, B}))(running)
    await running.sms(A)
    assert running.receiver.sms()[0]["sendResult"] == 8


# answers to the question (notifications.md §6.5)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        pytest.param(DISCARD, 6, id="discard"),
        pytest.param(forward(), 0, id="calling absent"),
        pytest.param(forward(calling=A), 0, id="calling right"),
        pytest.param(forward(calling=D), 5, id="calling different"),
        pytest.param(forward(called="13800138009"), 5, id="bad number"),
        pytest.param(forward(called=None), 5, id="no receiver"),
        pytest.param({"actions": [{"operation": "vNumberRoute"}]}, 5, id="no message"),
        pytest.param({"actions": [{"operation": "Forward"}]}, 5, id="unknown operation"),
        pytest.param({"actions": []}, 5, id="no action"),
        pytest.param({}, 5, id="no actions"),
        pytest.param([], 5, id="no object"),
        pytest.param(b"", 7, id="empty"),
        pytest.param(b"{", 7, id="unparsable"),
        pytest.param(lambda body: httpx.Response(500, json=DISCARD), 7, id="not 2xx"),
        pytest.param(forward(called="+8675520000001"), 10, id="receiver is no mobile number"),
    ],
)
async def test_an_answer_has_its_result(answer: Any, result: int) -> None:
    """C-098; §6.3 rows 9 and 10."""
    running = ax(answer)
    await running.sms(A)
    assert running.receiver.sms()[0]["sendResult"] == result


@pytest.mark.parametrize(
    ("answer", "status", "lenient", "strict"),
    [
        pytest.param({"actions": DISCARD["actions"][0]}, 200, 6, 5, id="decision 153: single object"),
        pytest.param(DISCARD, 202, 6, 7, id="notifications.md §6.5: 2xx or 200"),
    ],
)
async def test_strictness_decides_some_answers(answer: Any, status: int, lenient: int, strict: int) -> None:
    for strictness, result in (("lenient", lenient), ("strict", strict)):
        running = ax(lambda body: httpx.Response(status, json=answer), strictness=strictness)
        await running.sms(A)
        assert running.receiver.sms()[0]["sendResult"] == result


async def test_the_first_action_counts() -> None:
    running = ax({"actions": [*DISCARD["actions"], *forward()["actions"]]})
    await running.sms(A)
    assert running.receiver.sms()[0]["sendResult"] == 6


async def test_a_late_answer_is_none_and_nobody_is_asked_again() -> None:
    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

    running = ModePlatform("X", transport=Slow(), block={"sms_timeout_s": 0.01}, push={"timeout_s": 0.01})
    sms = await running.sms(STRANGER)
    await running.clock.advance(24 * 3600)
    [question] = running.deliveries("sms_control")
    assert sms.result == 7
    assert (question.state, len(question.attempts)) == (DeliveryState.GIVEN_UP, 1)


async def test_without_an_address_for_questions_none_is_answered() -> None:
    """C-065; notifications.md §1: treated as no answer."""
    running = ModePlatform("X", application={"urls": PushUrls(sms_notify=SMS_URL)})
    await running.sms(STRANGER)
    assert running.receiver.sms()[0]["sendResult"] == 7


async def test_the_answers_user_data_wins_in_the_outcome() -> None:
    """§6.5: AX only, in the Notify only."""
    action = {**forward()["actions"][0], "userData": "sms-77"}
    running = ax({"actions": [action]})
    await running.sms(A)
    assert "userData" not in running.receiver.sms("Block")[0]
    assert running.receiver.sms()[0]["userData"] == "sms-77"


# parts that fail


@pytest.mark.parametrize(
    ("failed", "result", "sent"), [(0, 0, 3), (1, 9, 2), (2, 9, 1), (3, 10, 0), (9, 10, 0)]
)
async def test_parts_fail_as_the_script_says(failed: int, result: int, sent: int) -> None:
    """C-098; §6.3 rows 10 to 12; 9: only the parts sent are charged."""
    running = axb()
    await running.sms(A, text="字" * 201, failed_parts=failed)
    [event] = running.receiver.sms()
    assert (event["sendResult"], paras(event)["splitNum"]) == (result, str(sent))
    assert event.get("called") == (B if sent else None)
    assert running.books.sms[0].amount == sent * fen("0.28")


# switches and delivery


async def test_content_is_delivered_only_when_enabled() -> None:
    """Decision 201."""
    running = ModePlatform("X", application={"sms_content": False})
    running.answer(DISCARD)
    await running.sms(STRANGER)
    assert not any(
        "smsContent" in event for event in (*running.receiver.sms(), *running.receiver.sms("Block"))
    )


async def test_arranged_and_empty_members() -> None:
    running = axb(cdr={"arranged_fields": ["areaCode"]}, push={"empty_optional": "empty"})
    await running.sms(STRANGER)
    [event] = running.receiver.sms()
    assert (event["areaCode"], event["called"], event["subscriptionId"]) == ("0755", "", "")


async def test_outcomes_are_repeated_by_a_schedule_of_their_own() -> None:
    """C-099; decision 191."""
    running = axb(push={"sms_retry_minutes": [2, 5]})
    running.receiver.answer = lambda request: httpx.Response(503)
    await running.sms(A)
    await running.clock.advance(24 * 3600)
    [delivery] = running.deliveries("sms_notify")
    minutes = [(attempt.at - later(1)).total_seconds() / 60 for attempt in delivery.attempts]
    assert (minutes, delivery.state) == ([0, 2, 5], DeliveryState.GIVEN_UP)


@pytest.mark.parametrize(
    ("kind", "arrived"), [("lose", 0), ("duplicate", 2), ("delay", 0), ("bad_signature", 1)]
)
async def test_faults_hit_outcomes_as_other_pushes(kind: str, arrived: int) -> None:
    running = axb()
    running.fault(kind, match={"kind": "sms_notify", "x": X})
    await running.sms(A)
    assert len(running.receiver.sms()) == arrived


async def test_without_an_address_nothing_is_pushed_and_the_books_know() -> None:
    running = ModePlatform("AXB", application={"urls": PushUrls()})
    running.bind()
    await running.sms(A)
    assert (running.receiver.requests, running.books.sms[0].parts) == ([], 1)


# truth and files


async def test_sms_stand_in_the_truth_with_their_price() -> None:
    """billing-rules.md §4: X to receiver, per part, by the number's type."""
    running = axb()
    running.number("+8617010000007", number_type="carrier")
    running.bind(x="+8617010000007")
    await running.sms(A, text="字" * 201)
    await running.sms(A, x="+8617010000007")
    await running.sms(STRANGER)
    told = truth(running.books, running.world)
    assert [entry["amount"] for entry in told["sms"]] == ["0.84", "0.27", "0.00"]
    month = told["months"]["2026-09"]
    assert (month["sms_sends"], month["sms_parts"], month["sms"]) == (3, 4, "1.11")
    assert fen(month["total"]) == fen(month["calls"]) + fen(month["sms"]) + fen(month["rent"])


async def test_sms_stand_in_the_consoles_files() -> None:
    """billing-rules.md §9.2: sms.csv, bill.csv, stats.csv."""
    running = ax()
    await running.sms(A, text="a" * 155 + "@13800138009")
    await running.sms(A)
    lines = export("sms", running.books, running.world, "2026-09").decode().splitlines()
    assert lines == [
        "sms_id,app_key,x_number,sender,receiver,time,parts,result",
        f"sms-20260902-0001,{APP_KEY},{X},{A},{RECEIVER},2026-09-02 09:00:01,1,0",
        f"sms-20260902-0002,{APP_KEY},{X},{A},,2026-09-02 09:00:02,0,6",
    ]
    bill = export("bill", running.books, running.world, "2026-09").decode()
    assert "2026-09,,sms,virtual,,1,0.28,0.28,0,0.00,0.28,CNY" in bill
    stats = export("stats", running.books, running.world, "2026-09").decode().splitlines()
    names, values = stats[0].split(","), stats[1].split(",")
    row = dict(zip(names, values, strict=True))
    assert (row["sms_sends"], row["sms_success"], row["sms_parts"], row["binds"]) == ("2", "1", "1", "1")


async def test_a_file_may_count_the_marker_or_leave_an_sms_out() -> None:
    """billing-rules.md §4: a console figure that is higher only because of `@B`."""
    running = ax()
    sms = await running.sms(A, text="a" * 155 + "@13800138009")
    counted = export("sms", running.books, running.world, None, ExportOptions(marker_counts=True)).decode()
    assert counted.splitlines()[1].endswith(",2,0")
    omitted = export("sms", running.books, running.world, None, ExportOptions(omit=frozenset({sms.id})))
    assert len(omitted.splitlines()) == 1
