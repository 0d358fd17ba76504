"""Delivery of pushes: addresses, signatures, retries, batches, faults (notifications.md §2, §8, §11)."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from builders.emulated import (
    APP_KEY,
    FEE_URL,
    SECRET,
    START,
    STATUS_URL,
    STRANGER,
    A,
    B,
    Platform,
    X,
    demo_application,
)
from emulator.deliveries import DeliveryState
from emulator.numstatus import number_status_bodies, push_number_status
from emulator.pushes import retry_due
from emulator.settings import PushSettings
from emulator.world import NumberStatus, PushUrls
from privatenumber.signing import Scheme, created_moment, matches, read_push_token

pytestmark = pytest.mark.anyio

BODY = {"eventType": "numStatus", "numInfo": [{"number": X, "status": "9"}]}
OFFSETS = [0, 1, 4, 9, 106, 203, 300]
SUCCESSIVE = [0, 1, 5, 14, 120, 323, 623]


def refusing(status: int = 503) -> Any:
    return lambda request: httpx.Response(status)


def failing_first(count: int) -> Any:
    """Answer 503 to the first requests, then 200."""
    seen = iter(range(count))
    return lambda request: httpx.Response(200 if next(seen, None) is None else 503)


def told(application: Any = None, **settings: Any) -> Platform:
    """A platform whose application hears of number states; such a push needs no call."""
    return Platform(application=application or demo_application(push_num_status=True), **settings)


def push(platform: Platform, body: dict[str, Any] = BODY) -> Any:
    delivery = platform.pusher.push(platform.world.applications[APP_KEY], "num_status", body)
    assert delivery is not None
    return delivery


def minutes(moments: list[datetime]) -> list[float]:
    return [(moment - START).total_seconds() / 60 for moment in moments]


# the schedule (notifications.md §8)


@pytest.mark.parametrize(("base", "expected"), [("offset", OFFSETS), ("successive", SUCCESSIVE)])
async def test_a_failing_push_follows_the_table_of_its_reading(base: str, expected: list[float]) -> None:
    """C-053, C-099; notifications.md §8.2."""
    platform = told(push={"retry_base": base})
    platform.receiver.answer = refusing()
    delivery = push(platform)
    await platform.clock.advance(24 * 3600)
    assert minutes([request.at for request in platform.receiver.requests]) == expected
    assert delivery.state is DeliveryState.GIVEN_UP
    assert [attempt.status for attempt in delivery.attempts] == [503] * 7
    assert delivery.next_at is None


async def test_the_schedule_can_be_replaced() -> None:
    platform = told(push={"retry_minutes": [0.5]})
    platform.receiver.answer = refusing()
    push(platform)
    await platform.clock.advance(3600)
    assert minutes([request.at for request in platform.receiver.requests]) == [0, 0.5]


async def test_an_attempt_is_due_at_its_offset_although_the_one_before_ran_into_its_timeout() -> None:
    """notifications.md §8.2."""
    settings = PushSettings()
    due = retry_due(settings, first_at=START, last_at=START + timedelta(seconds=65), made=2)
    assert due == START + timedelta(minutes=4)


async def test_a_push_that_succeeds_is_not_repeated() -> None:
    platform = told()
    platform.receiver.answer = failing_first(2)
    delivery = push(platform)
    await platform.clock.advance(24 * 3600)
    assert [attempt.status for attempt in delivery.attempts] == [503, 503, 200]
    assert delivery.state is DeliveryState.DELIVERED


async def test_one_long_jump_of_the_clock_makes_every_attempt_at_its_time() -> None:
    """design.md §8: six hours of retries in one advance, and none of them late."""
    platform = Platform()
    platform.bind()
    platform.receiver.answer = refusing()
    platform.start_call()
    await platform.clock.advance(7 * 3600)
    per_delivery = Counter(len(delivery.attempts) for delivery in platform.deliveries())
    assert per_delivery == {7: 6}
    disconnect = platform.deliveries()[4]
    assert disconnect.first_at is not None
    gaps = [attempt.at - disconnect.first_at for attempt in disconnect.attempts]
    assert gaps == [timedelta(minutes=offset) for offset in OFFSETS]


# what counts as delivered (notifications.md §2.6)


@pytest.mark.parametrize(
    ("strictness", "status", "delivered"),
    [
        ("lenient", 200, True),
        ("lenient", 204, True),
        ("lenient", 302, False),
        ("lenient", 401, False),
        ("strict", 200, True),
        ("strict", 204, False),
    ],
)
async def test_success_follows_strictness_and_redirects_are_failures(
    strictness: str, status: int, delivered: bool
) -> None:
    """Decision 188."""
    platform = told(strictness=strictness)
    platform.receiver.answer = lambda request: httpx.Response(status, headers={"Location": FEE_URL})
    delivery = push(platform)
    await platform.pusher.settle()
    assert (delivery.state is DeliveryState.DELIVERED) is delivered
    assert len(platform.receiver) == 1


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (httpx.ReadTimeout("slow"), "timeout"),
        (httpx.ConnectError("refused"), "ConnectError"),
        (RuntimeError("a defect of our own"), "RuntimeError"),
    ],
)
async def test_whatever_goes_wrong_is_a_failure_that_is_repeated(failure: Exception, error: str) -> None:
    """C-054: nothing is lost by the emulator itself."""
    platform = told()
    broken = iter([failure])

    def answer(request: httpx.Request) -> httpx.Response:
        for exception in broken:
            raise exception
        return httpx.Response(200)

    platform.receiver.answer = answer
    delivery = push(platform)
    await platform.pusher.settle()
    assert (delivery.attempts[0].status, delivery.attempts[0].error) == (None, error)
    await platform.clock.advance(60)
    assert delivery.state is DeliveryState.DELIVERED


async def test_a_receiver_that_never_answers_runs_into_the_timeout() -> None:
    """C-054; notifications.md §2.6: emu.push.timeout_s."""
    never = asyncio.Event()

    async def hang(request: httpx.Request) -> httpx.Response:
        await never.wait()
        return httpx.Response(200)

    platform = told(push={"timeout_s": 0.01}, transport=httpx.MockTransport(hang))
    delivery = push(platform)
    await platform.pusher.settle()
    assert delivery.attempts[0].error == "timeout"
    assert delivery.next_at == START + timedelta(minutes=1)


async def test_pushes_to_one_address_run_beside_each_other_up_to_the_limit() -> None:
    """notifications.md §2.6: emu.push.parallel."""
    under_way = peak = 0

    async def slow(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, peak
        under_way += 1
        peak = max(peak, under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        under_way -= 1
        return httpx.Response(200)

    platform = told(push={"parallel": 3}, transport=httpx.MockTransport(slow))
    for _ in range(10):
        push(platform)
    await platform.pusher.settle()
    assert peak == 3


# addresses (notifications.md §1)


async def test_each_kind_goes_to_its_own_address() -> None:
    """C-050, C-055: the target is what the URL says."""
    urls = PushUrls(
        status=STATUS_URL,
        callin="https://receiver.example.com/callin",
        fee=FEE_URL,
        num_status="https://receiver.example.com/numbers",
    )
    platform = Platform(application=demo_application(urls=urls, push_num_status=True))
    platform.bind()
    await platform.call(outcome="busy")
    push(platform)
    await platform.pusher.settle()
    assert [request.url for request in platform.receiver.requests] == [
        urls.callin,
        STATUS_URL,
        STATUS_URL,
        FEE_URL,
        urls.num_status,
    ]


async def test_call_in_and_number_status_fall_back_to_the_status_address() -> None:
    """C-050; notifications.md §1."""
    platform = told()
    push(platform)
    await platform.pusher.settle()
    assert platform.receiver.requests[0].url == STATUS_URL


async def test_nothing_is_pushed_without_an_address_or_a_switch() -> None:
    """C-051; decision 202."""
    platform = Platform(application=demo_application(urls=PushUrls(fee=FEE_URL)))
    platform.bind()
    await platform.call()
    application = platform.world.applications[APP_KEY]
    assert platform.pusher.push(application, "num_status", BODY) is None
    assert [request.url for request in platform.receiver.requests] == [FEE_URL]


# signatures (auth.md §2, §3)


@pytest.mark.parametrize("scheme", ["aksk", "wsse"])
async def test_pushes_are_signed_with_the_applications_own_secret(scheme: str) -> None:
    """C-095; auth.md §6."""
    platform = told(push={"scheme": scheme})
    push(platform)
    await platform.pusher.settle()
    request = platform.receiver.requests[0]
    token = read_push_token(request.headers, schemes=[Scheme(scheme.upper())], strict=True)
    assert token.username == APP_KEY
    assert matches(token, [SECRET])
    assert created_moment(token) == START
    assert request.headers["content-type"] == "application/json;charset=UTF-8"


@pytest.mark.parametrize("resign", [True, False])
async def test_attempts_are_signed_anew_unless_switched_off(resign: bool) -> None:
    """Decision 38: emu.push.resign."""
    platform = told(push={"resign": resign})
    platform.receiver.answer = failing_first(1)
    push(platform)
    await platform.clock.advance(60)
    first, second = (
        read_push_token(request.headers, schemes=[Scheme.AKSK]) for request in platform.receiver.requests
    )
    assert (first.nonce != second.nonce) is resign
    assert (first.created != second.created) is resign
    assert matches(second, [SECRET])


async def test_a_new_secret_signs_the_next_attempt() -> None:
    """Decision 32."""
    platform = told()
    platform.receiver.answer = failing_first(1)
    push(platform)
    await platform.pusher.settle()
    platform.world.put_application(demo_application(secrets=("demoAppSecret0000000002", SECRET)))
    await platform.clock.advance(60)
    token = read_push_token(platform.receiver.requests[1].headers, schemes=[Scheme.AKSK])
    assert matches(token, ["demoAppSecret0000000002"])


# batches of CDRs (notifications.md §5.1)


async def test_cdrs_of_calls_that_end_together_travel_fifty_in_a_push() -> None:
    """C-052: 60 calls, answered and refused ones mixed, all ending in the same second."""
    platform = Platform()
    platform.bind()
    for number in range(60):
        platform.bind(f"+86139{number:08d}", f"+86138{number:08d}")
    for number in range(59):
        platform.start_call(f"+86139{number:08d}", ring_after_s=1, answer_after_s=1, talk_s=3)
    platform.start_call(STRANGER)
    await platform.clock.advance(60)
    assert [len(body["feeLst"]) for body in platform.receiver.fees()] == [50, 10]
    assert len({tuple(entry) for entry in platform.receiver.cdrs()}) == 2
    assert len({entry["icid"] for entry in platform.receiver.cdrs()}) == 60


@pytest.mark.parametrize(
    ("cdr", "sizes"),
    [
        ({}, [2, 1]),
        ({"merge_window_ms": 3000}, [3]),
        ({"max_batch": 1}, [1, 1, 1]),
        ({"merge_window_ms": 0}, [1, 1, 1]),
    ],
)
async def test_the_merge_window_is_a_setting(cdr: dict[str, Any], sizes: list[int]) -> None:
    """Decision 198: two calls end together, a third two seconds later."""
    platform = Platform(cdr=cdr)
    for _ in range(2):
        platform.start_call(STRANGER)
    await platform.clock.advance(2)
    platform.start_call(STRANGER)
    await platform.clock.advance(60)
    assert [len(body["feeLst"]) for body in platform.receiver.fees()] == sizes


async def test_cdrs_leave_after_window_and_delay() -> None:
    """emu.cdr.delay_ms; a waiting admin request waits for it."""
    platform = Platform(cdr={"delay_ms": 30_000})
    call = await platform.call(STRANGER)
    assert call.ended_at is not None
    assert platform.receiver.requests[-1].at == call.ended_at + timedelta(seconds=31)
    assert len(platform.receiver.cdrs()) == 1


# faults (notifications.md §11)


async def test_a_lost_push_never_arrives_but_can_be_resent() -> None:
    platform = Platform()
    platform.bind()
    platform.fault("lose", match={"kind": "fee"})
    call = await platform.call()
    await platform.clock.advance(24 * 3600)
    [delivery] = platform.deliveries("fee")
    assert (delivery.state, delivery.attempts, platform.receiver.fees()) == (DeliveryState.LOST, [], [])
    await platform.pusher.resend(delivery.id)
    assert [entry["icid"] for entry in platform.receiver.cdrs()] == [call.icid]
    assert delivery.state is DeliveryState.DELIVERED
    assert delivery.attempts[0].manual


async def test_a_fault_hits_the_one_cdr_it_waits_for_and_not_its_batch() -> None:
    platform = Platform()
    calls = [platform.start_call(STRANGER) for _ in range(3)]
    platform.fault("lose", match={"kind": "fee", "session_id": calls[1].session_id})
    await platform.clock.advance(60)
    assert [entry["icid"] for entry in platform.receiver.cdrs()] == [calls[0].icid, calls[2].icid]


async def test_a_duplicated_push_arrives_again_with_the_same_body() -> None:
    """C-146."""
    platform = told()
    platform.fault("duplicate", copies=2)
    push(platform)
    await platform.pusher.settle()
    assert [request.body for request in platform.receiver.requests] == [BODY] * 3
    assert [delivery.duplicate_of for delivery in platform.deliveries()] == [None, "push-1", "push-1"]


async def test_a_delayed_push_starts_its_schedule_late() -> None:
    platform = told()
    platform.receiver.answer = failing_first(1)
    platform.fault("delay", hold_s=1800)
    push(platform)
    await platform.clock.advance(24 * 3600)
    assert minutes([request.at for request in platform.receiver.requests]) == [30, 31]


async def test_waiting_for_a_call_does_not_wait_for_what_a_fault_holds_back() -> None:
    platform = Platform()
    platform.bind()
    platform.fault("delay", match={"kind": "fee"}, hold_s=1800)
    call = await platform.call()
    assert call.ended_at is not None
    assert platform.clock.now() <= call.ended_at + timedelta(seconds=1)
    assert platform.receiver.fees() == []
    await platform.clock.advance(1800)
    assert len(platform.receiver.fees()) == 1


async def test_reordered_pushes_are_shuffled_inside_the_window_and_none_is_lost() -> None:
    """C-146; notifications.md §9.1."""
    platform = Platform(seed=3)
    platform.bind()
    platform.fault("reorder", times=None, match={"kind": "status"}, window_s=300)
    await platform.call()
    await platform.clock.advance(300)
    in_order = ["callin", "callout", "alerting", "answer", "disconnect"]
    assert platform.receiver.event_types() != in_order
    assert sorted(platform.receiver.event_types()) == sorted(in_order)


async def test_a_bad_signature_is_repaired_by_the_next_attempt() -> None:
    platform = told()

    def answer(request: httpx.Request) -> httpx.Response:
        token = read_push_token(request.headers, schemes=[Scheme.AKSK])
        return httpx.Response(200 if matches(token, [SECRET]) else 401)

    platform.receiver.answer = answer
    platform.fault("bad_signature", attempts=2)
    delivery = push(platform)
    await platform.clock.advance(3600)
    assert [attempt.status for attempt in delivery.attempts] == [401, 401, 200]


async def test_old_created_repeated_nonce_and_the_old_scheme_can_be_ordered() -> None:
    platform = told()
    for kind in ("old_created", "repeat_nonce", "wsse"):
        platform.fault(kind, age_s=7200) if kind == "old_created" else platform.fault(kind)
        push(platform)
        await platform.pusher.settle()
    tokens = [
        read_push_token(request.headers, schemes=[Scheme.AKSK, Scheme.WSSE])
        for request in platform.receiver.requests
    ]
    assert created_moment(tokens[0]) == START - timedelta(hours=2)
    assert tokens[0].nonce == tokens[1].nonce != tokens[2].nonce
    assert tokens[2].scheme is Scheme.WSSE
    assert all(matches(token, [SECRET]) for token in tokens)


@pytest.mark.parametrize(("params", "expected"), [({}, ""), ({"empty": False}, None)])
async def test_the_subscription_id_can_be_dropped(params: dict[str, Any], expected: str | None) -> None:
    """C-136, C-027."""
    platform = Platform()
    platform.bind()
    platform.fault("drop_subscription_id", match={"kind": "fee"}, **params)
    await platform.call()
    assert platform.receiver.cdrs()[0].get("subscriptionId") == expected
    assert all("subscriptionId" in body["statusInfo"] for body in platform.receiver.events())


async def test_faults_choose_events_by_type_and_x() -> None:
    platform = Platform()
    platform.bind()
    platform.fault("lose", match={"event": "alerting", "x": X})
    platform.fault("lose", match={"event": "answer", "x": "+8617010000009"})
    await platform.call(B)
    assert platform.receiver.event_types() == ["callin", "callout", "answer", "disconnect"]


# resend


async def test_a_given_up_push_is_delivered_by_a_resend() -> None:
    platform = told()
    platform.receiver.answer = failing_first(7)
    delivery = push(platform)
    await platform.clock.advance(24 * 3600)
    states = [delivery.state]
    await platform.pusher.resend(delivery.id)
    assert [*states, delivery.state] == [DeliveryState.GIVEN_UP, DeliveryState.DELIVERED]


async def test_a_successful_resend_ends_the_schedule_and_a_failing_one_does_not_touch_it() -> None:
    platform = told()
    platform.receiver.answer = failing_first(2)
    delivery = push(platform)
    await platform.pusher.settle()
    await platform.pusher.resend(delivery.id)
    assert delivery.next_at == START + timedelta(minutes=1)
    await platform.pusher.resend(delivery.id)
    assert (delivery.state, delivery.next_at) == (DeliveryState.DELIVERED, None)
    await platform.clock.advance(24 * 3600)
    assert len(platform.receiver) == 3


async def test_a_delivered_push_can_be_resent_as_a_duplicate() -> None:
    platform = told()
    delivery = push(platform)
    await platform.pusher.settle()
    await platform.pusher.resend(delivery.id)
    assert [request.body for request in platform.receiver.requests] == [BODY, BODY]


# number states (notifications.md §7)


async def test_number_states_are_told_a_hundred_at_a_time_with_a_cause_only_for_10() -> None:
    """C-097; notifications.md §7."""
    platform = told()
    numbers = [
        platform.number(f"+86170200{index:05d}", status=NumberStatus.SUSPENDED) for index in range(149)
    ]
    numbers.append(platform.world.set_number_status(X, NumberStatus.UNAVAILABLE, "3", START))
    push_number_status(platform.world, platform.pusher, numbers)
    await platform.pusher.settle()
    lists = [request.body["numInfo"] for request in platform.receiver.requests]
    assert sorted(len(infos) for infos in lists) == [50, 100]
    [told_x] = [info for infos in lists for info in infos if info["number"] == X]
    assert told_x == {"number": X, "status": "10", "cause": "3"}
    assert [list(body) for body in number_status_bodies(numbers[:1])] == [["eventType", "numInfo"]]


async def test_the_books_do_not_depend_on_the_pushes() -> None:
    """billing-rules.md §9.5."""
    platform = Platform()
    platform.bind()
    platform.receiver.answer = refusing()
    platform.fault("lose", match={"kind": "fee"})
    await platform.call(A, talk_s=95)
    assert [charge.minutes for charge in platform.books.calls] == [2]
