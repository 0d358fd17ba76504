"""A fault that finds nothing to act on goes on while the business does; each time that one acts is kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from emulator.platform import Emulator
from storm.clockwork import Clockwork
from storm.plan import Fault, Plan
from storm.platform import Door, settings
from storm.weather import Weather

START = datetime(2026, 9, 14, tzinfo=UTC)
TWICE = Fault("f1", "queue.twice", 600, 1800, {"queue": "WorkQueue"})


def weather_of(*faults: Fault) -> Weather:
    emulator = Emulator(settings(1), start=START)
    clockwork = Clockwork(emulator.scheduler.now, START)

    def errors(code: str, operation: str, more: object) -> ClientError:
        return ClientError({"Error": {"Code": code}}, operation)

    return Weather(Plan(1, 1, 1.0, faults), emulator, clockwork, START, Door(emulator, clockwork), errors)


def pass_time(weather: Weather, hours: float) -> None:
    asyncio.run(weather.emulator.scheduler.advance(hours * 3600))


def test_a_fault_waits_for_something_that_it_can_act_on() -> None:
    weather = weather_of(TWICE)
    pass_time(weather, 5)
    assert weather.again("WorkQueue")
    assert not weather.again("WorkQueue")
    pass_time(weather, 1)
    assert not weather.active
    assert weather.window_of(TWICE)[1] > START + timedelta(hours=5)


def test_it_waits_no_longer_than_the_business_goes_on() -> None:
    weather = weather_of(TWICE)
    pass_time(weather, 24)
    assert not weather.active
    assert not weather.again("WorkQueue")
    assert not weather.struck_at


def test_a_fault_that_has_acted_ends_in_time() -> None:
    down = Fault("f1", "receiver.down", 600, 600)
    weather = weather_of(down)
    pass_time(weather, 0.2)
    assert weather.receiver_down()
    pass_time(weather, 0.2)
    assert not weather.receiver_down()
    assert weather.window_of(down) == (START + timedelta(seconds=600), START + timedelta(seconds=1200))


def test_each_occasion_is_kept_with_the_function_in_which_it_was() -> None:
    weather = weather_of(Fault("f1", "receiver.down", 0, 600))
    pass_time(weather, 0.1)
    weather.invoked("WebhooksWorkerFunction")
    assert weather.receiver_down()
    weather.ended("WebhooksWorkerFunction")
    assert weather.receiver_down()
    assert [one.function for one in weather.occasions] == ["WebhooksWorkerFunction", ""]
    assert [one.kind for one in weather.occasions].count("receiver.down") == 2


def test_without_the_scheduler_no_schedule_fires() -> None:
    weather = weather_of(Fault("f1", "scheduler.outage", 600, 3600))
    assert not weather.skipped("SweepSchedule")
    pass_time(weather, 0.5)
    assert weather.skipped("SweepSchedule")
    assert weather.skipped("CloseSchedule")
    pass_time(weather, 1)
    assert not weather.skipped("SweepSchedule")


def test_a_skipped_schedule_skips_no_other() -> None:
    weather = weather_of(Fault("f1", "source.skipped", 0, 3600, {"schedule": "SweepSchedule"}))
    pass_time(weather, 0.5)
    assert weather.skipped("SweepSchedule")
    assert not weather.skipped("CloseSchedule")


def test_a_part_of_the_batches_that_functions_read_is_withheld_from_its_first_key_left_on() -> None:
    weather = weather_of(Fault("f1", "table.withheld", 0, 3600, {"share": 1.0}))
    keys = [{"pk": {"S": str(number)}} for number in range(3)]
    batch = {"RequestItems": {"BillsTable": {"Keys": keys, "ConsistentRead": True}}}
    pass_time(weather, 0.1)
    assert weather.withheld("BatchGetItem", batch) == {}
    weather.invoked("BindingsFunction")
    assert weather.withheld("GetItem", {"Key": keys[0]}) == {}
    seen = [weather.withheld("BatchGetItem", batch)["BillsTable"] for _ in range(40)]
    assert {len(left["Keys"]) for left in seen} == {1, 2, 3}
    assert all(left["Keys"] == keys[-len(left["Keys"]) :] and left["ConsistentRead"] for left in seen)
