"""Pushes of number states (notifications.md §7)."""

from collections.abc import Iterator, Sequence

from emulator.events import Body
from emulator.pushes import Pusher
from emulator.world import Number, NumberStatus, World

MAX_NUMBERS = 100


def number_status_bodies(numbers: Sequence[Number]) -> Iterator[Body]:
    """Yield the pushes that tell the present states of numbers, at most 100 in one; `cause` only with 10."""
    for start in range(0, len(numbers), MAX_NUMBERS):
        chunk = numbers[start : start + MAX_NUMBERS]
        yield {"eventType": "numStatus", "numInfo": [_info(number) for number in chunk]}


def push_number_status(world: World, pusher: Pusher, numbers: Sequence[Number]) -> None:
    """Tell each application the present states of its numbers among these, when its switch is on."""
    for app_key in dict.fromkeys(number.app_key for number in numbers):
        own = [number for number in numbers if number.app_key == app_key]
        for body in number_status_bodies(own):
            pusher.push(world.applications[app_key], "num_status", body)


def _info(number: Number) -> Body:
    info: Body = {"number": number.x, "status": number.status.value}
    if number.status is NumberStatus.UNAVAILABLE and number.cause:
        info["cause"] = number.cause
    return info
