"""What really happened in a world at rest, told for the judge of alarms out of the platform's own logs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from emulator.deliveries import Delivery, DeliveryState
from privatenumber.codes.results import Outcome
from privatenumber.platform.pausing import LENGTHS, RESUME
from storm.fullness import full_at
from storm.judges.alarms import MISSED, Must, Seen
from storm.judges.causes import LISTED, POOL_FULL, POOL_LAST, POOL_SCARCE, SILENCE, Missed, Struck
from storm.judges.troubles import next_answer
from storm.occasions import Occasion
from storm.platform import x_numbers
from storm.pool_gauge import SCARCE_PERCENT, WATCH
from storm.world import World

_NEVER: Final = (DeliveryState.GIVEN_UP, DeliveryState.LOST)
_LATE: Final = timedelta(minutes=14)
"""The watch waits a quarter of an hour for a push."""

_LOOKS: Final = timedelta(hours=8)
"""The watch runs every six hours, and reads what is due by then."""

_REFUSALS: Final = {
    "platform-paused": "PlatformPausedAlarm",
    "no-number-available": "PoolEmptyAlarm",
    "internal": "InternalErrorsAlarm",
}


def struck_in(world: World) -> Iterator[Struck]:
    """Every fault that acted: with the time for which it did, or each time that it did."""
    weather = world.weather
    acted: dict[str, list[datetime]] = {}
    for one in weather.occasions:
        acted.setdefault(one.fault, []).append(one.at)
    for fault in weather.plan.faults:
        moments = acted.get(fault.id, [])
        lasted = moments and fault.kind in weather.LASTING
        for window in [weather.window_of(fault)] if lasted else [(at, at) for at in moments]:
            yield Struck(fault.kind, window, str(fault.params.get("function", "")))


def _silences(world: World, struck: list[Struck]) -> Iterator[Struck]:
    """How long nobody asked the platform for anything, or was answered, after it had shut us out."""
    now, answered = world.emulator.scheduler.now(), world.door.answered
    for one in struck:
        begins, over = one.window
        if one.kind == "platform.arrears":
            # The platform resumes service so long after the payment, and we so long after its first answer.
            for moments in answered.values():
                yield Struck(SILENCE, (begins, (next_answer(moments, over + RESUME) or now) + RESUME))
        elif one.kind == "platform.lock_out":
            over += LENGTHS[Outcome.LOCKED]
            learned = min(next_answer(moments, over) or now for moments in answered.values())
            yield Struck(SILENCE, (begins, learned))


def seen_in(world: World, struck: list[Struck]) -> Seen:
    """What may have made an alarm go off."""
    missed = [
        Missed(one.created_at, one.kind, _came(one))
        for one in world.emulator.pusher.log
        if one.state in _NEVER or (_came(one) or one.created_at) - one.created_at > _LATE
    ]
    lived = world.plan.start, world.emulator.scheduler.now()
    full = [Occasion(at, POOL_FULL, "", "BindingsFunction") for at in full_at(world)]
    struck = [*struck, *_silences(world, struck)]
    listed = [Occasion(at, LISTED, "", "DriftFunction") for at in world.watches.drift.listed()]
    occasions = [*world.weather.occasions, *full, *listed, *_scarce(world)]
    return Seen(struck, occasions, missed, lived, world.schedules.spared)


def _scarce(world: World) -> Iterator[Occasion]:
    """When the pool watch looked at a pool that was used up, or in which somebody had no number left."""
    for at, use in world.pools.seen:
        if use.percent >= SCARCE_PERCENT:
            yield Occasion(at, POOL_SCARCE, "", WATCH)
        if use.left < 1:
            yield Occasion(at, POOL_LAST, "", WATCH)


def musts_of(world: World, struck: list[Struck]) -> list[Must]:
    """What has to raise an alarm."""
    return [*_functions(world), *_requests(world), *_faults(world, struck), *_lost(world), *_voices(world)]


def _functions(world: World) -> Iterator[Must]:
    """An invocation died: each is told by the errors of its own function. So is a sweep without tables."""
    for one in world.weather.occasions:
        died = one.kind in ("function.crash", "function.timeout")
        if died or (one.kind == "table.outage" and one.function == "UnbindSweepFunction"):
            alarm = f"{one.function.removesuffix('Function')}ErrorsAlarm"
            yield Must(f"{one.kind} of {one.function}", (alarm,), (one.at, one.at))


def _requests(world: World) -> Iterator[Must]:
    """Requests of business systems that were turned away, and pushes that we could not store."""
    for refused in world.business.refused:
        alarm = _REFUSALS.get(refused.problem)
        if alarm and refused.function == "BindingsFunction":
            yield Must(f"an answer {refused.problem}", (alarm,), (refused.at, refused.at))
    for push in world.emulator.pusher.log:
        for attempt in push.attempts:
            if attempt.status == 503:
                yield Must(f"a {push.kind} that was not stored", ("UnstoredPushesAlarm",), (attempt.at,) * 2)


def _faults(world: World, struck: list[Struck]) -> Iterator[Must]:
    """A sweep that does not run, a binding that nobody ordered, a number that goes and comes back."""
    frozen = [one.window for one in struck if one.kind == "platform.arrears"]
    for one in struck:
        if one.kind == "source.skipped":
            yield Must(one.kind, ("SweepLagAlarm",), one.window)
        elif one.kind == "scheduler.outage":
            for alarm in MISSED:
                yield Must(one.kind, (alarm,), one.window)
        elif one.kind == "drift.foreign":
            found = one.window[0] + timedelta(hours=30)
            yield Must(one.kind, ("DriftListedAlarm",), (one.window[0], found), "DriftFunction")
    for fault in world.plan.faults:
        first, last = world.weather.window_of(fault)
        if fault.kind == "number.suspended" and not any(
            since <= last and first <= until for since, until in frozen
        ):
            told = [_came(one) for one in _states(world, fault.id, first, last)]
            times = [at for at in told if at is not None]
            if len(told) == 2 and len(times) == 2 and times[0] < times[1]:
                window = times[1], times[1] + timedelta(hours=1)
                yield Must(fault.kind, ("FlappingNumbersAlarm",), window, "FollowFunction")


def _states(world: World, fault: str, first: datetime, last: datetime) -> list[Delivery]:
    """The pushes of the two states of a number that was suspended for a while; none where others are near."""
    (one,) = (each for each in world.plan.faults if each.id == fault)
    x = x_numbers(str(one.params["mode"]))[int(one.params["nth"])]
    return [
        push
        for push in world.emulator.pusher.log
        if push.kind == "num_status" and push.facts.get("x") == x and first <= push.created_at <= last
    ]


def _lost(world: World) -> Iterator[Must]:
    """A CDR that never came, of a call of which we know: the worklist tells that it is late."""
    log, over = list(world.emulator.pusher.log), world.emulator.scheduler.now() - _LOOKS
    known = {
        push.facts["session_id"]
        for push in log
        if push.kind == "status" and push.facts["event"] != "callin" and _came(push)
    }
    came = {icid for push in log if push.kind == "fee" and _came(push) for icid in push.facts["icids"]}
    for push in log:
        if push.kind == "fee" and push.state in _NEVER and push.created_at < over:
            theirs = zip(push.facts["icids"], push.facts["session_ids"], strict=True)
            if any(icid not in came and session in known for icid, session in theirs):
                window = push.created_at, push.created_at + _LOOKS
                yield Must("a CDR that never came", ("LateCdrsAlarm",), window, "WatchFunction")


def _voices(world: World) -> Iterator[Must]:
    """A voice file that its CDR names and the platform never has."""
    for call in world.emulator.calls.calls.values():
        if call.recording is not None and not call.recording.stored:
            came = world.emulator.pusher.log.cdr_delivered_at(call)
            if came is not None:
                window = came, world.emulator.scheduler.now()
                yield Must(
                    "a voice file that never was",
                    ("RecordingsLostAlarm",),
                    window,
                    "RecordingsWorkerFunction",
                )


def _came(push: Delivery) -> datetime | None:
    """When a push was taken, as far as the platform knows."""
    return next((attempt.at for attempt in push.attempts if attempt.error is None), None)
