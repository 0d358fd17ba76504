"""What invokes functions: schedules, queues and streams, as AWS does it (at least once, partial failures)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from emulator.clock import Scheduler
from privatenumber.times import iso
from storm.cloud import Queue, Queues
from storm.deployment import Deployment, QueueSource, Schedule, StreamSource
from storm.lambdas import Lambdas
from storm.tables import Tables, Written

SHARDS = 2
"""Records of a partition come in order, those of different ones need not."""

BATCH_WINDOW_S = 0.5
RETRY_S = 2.0
LONGEST_RETRY_S = 60.0
FAILED = "FailedInvocationsQueue"

#: Which index shows something due when a sweep has anything to do: its table, and the prefix of its keys.
GATES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "UnbindSweepFunction": (("BindingsTable", "DUE"),),
    "JobsSweepFunction": (("BindingsTable", "JOBS"),),
    "ErasureWorkerFunction": (("BindingsTable", "ERASURES"),),
    "WebhooksSweepFunction": (("BillsTable", "WEBHOOK"),),
    "RecordingsSweepFunction": (("BillsTable", "RECORDING"),),
    "WatchFunction": (("BillsTable", "WATCHED"), ("BillsTable", "WORKLIST")),
    "ReportsSweepFunction": (("BillsTable", "EXPORT"),),
}

RARELY: Mapping[str, int] = {
    "RateSchedule": 720,
    "PoolWatchSchedule": 1440,
    "WatchSchedule": 360,
    "DriftSchedule": 60,
    "StatisticsSchedule": 1440,
}
"""What reads much whatever there is fires only every so many minutes."""


@dataclass
class Schedules:
    """EventBridge Scheduler. A sweep whose index shows nothing due is passed over: it would do nothing.

    Every six hours each of them runs all the same. `skipped` says whether a fault keeps a schedule from
    firing, `failing` whether all of them fail, which none may be spared. `spared` are the runs, by function,
    that a deployment would have made.
    """

    clock: Scheduler
    lambdas: Lambdas
    tables: Tables
    all: tuple[Schedule, ...]
    skipped: Callable[[str], bool] = lambda name: False
    failing: Callable[[], bool] = lambda: False
    spared: dict[str, list[datetime]] = field(default_factory=dict)

    def start(self, schedules: tuple[Schedule, ...]) -> None:
        """Let each of them fire for ever."""
        for schedule in schedules:
            self._plan(schedule)

    def _plan(self, schedule: Schedule) -> None:
        now = self.clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        minutes = (now - midnight) / timedelta(minutes=1) - schedule.offset_min
        periods = int(minutes // schedule.every_min) + 1
        when = midnight + timedelta(minutes=schedule.offset_min + periods * schedule.every_min)

        async def fire() -> None:
            self._fire(schedule, when)
            self._plan(schedule)

        self.clock.at(when, fire, f"schedule {schedule.name}")

    def _fire(self, schedule: Schedule, when: datetime) -> None:
        if self.skipped(schedule.name):
            return
        if not self._worth(schedule, when):
            self.spared.setdefault(schedule.function, []).append(when)
            return
        if self.lambdas.invoke(schedule.function, schedule.event).failed:
            self._once_more(schedule)

    def _worth(self, schedule: Schedule, when: datetime) -> bool:
        if schedule.day not in (None, when.day):
            return False
        if self.failing():
            return True
        minute = when.hour * 60 + when.minute
        if minute % RARELY.get(schedule.name, 1):
            return False
        gates = GATES.get(schedule.function)
        return gates is None or minute % 360 == 0 or any(self.tables.due(*gate, iso(when)) for gate in gates)

    def _once_more(self, schedule: Schedule) -> None:
        """Lambda repeats an asynchronous invocation that failed; the sweeps ask for none."""
        if schedule.every_min < 60:
            return

        async def again() -> None:
            self.lambdas.invoke(schedule.function, schedule.event)

        self.clock.after(60, again, f"schedule {schedule.name} again")


class QueueWorkers:
    """Event source mappings of queues. What a batch fails comes again when its time is over."""

    def __init__(
        self,
        clock: Scheduler,
        lambdas: Lambdas,
        queues: Queues,
        sources: tuple[QueueSource, ...],
        again: Callable[[str], bool],
    ) -> None:
        self._clock = clock
        self._lambdas = lambdas
        self._queues = queues
        self._sources = {source.queue: source for source in sources}
        self._again = again
        self._planned: dict[str, datetime] = {}

    def woken(self, queue: str, when: datetime) -> None:
        """A message of the queue will be visible then."""
        source = self._sources.get(queue)
        if source is None:
            return
        when = max(when, self._clock.now()) + timedelta(milliseconds=50)
        planned = self._planned.get(queue)
        if planned is not None and planned <= when and planned > self._clock.now():
            # Later messages are looked at when the earlier look is over.
            return

        async def look() -> None:
            if self._planned.get(queue) == when:
                del self._planned[queue]
            self._look(source)

        self._planned[queue] = when
        self._clock.at(when, look, f"queue {queue}")

    def look(self, queue: str) -> None:
        """Let its worker look at a queue now."""
        self._look(self._sources[queue])

    def _look(self, source: QueueSource) -> None:
        received = self._queues.receive(source.queue, source.batch)
        if received:
            records = [{"messageId": one.id, "body": one.body} for one in received]
            invoked = self._lambdas.invoke(source.function, {"Records": records})
            failed = {one["itemIdentifier"] for one in (invoked.result or {}).get("batchItemFailures", ())}
            for message in received:
                done = invoked.failed is None and message.id not in failed
                if done and not self._again(source.queue):
                    self._queues.delete(source.queue, message)
        waiting = [one.visible_at for one in self._queues.all[source.queue].messages.values()]
        if waiting:
            self.woken(source.queue, min(waiting))


@dataclass
class _Shard:
    """Where a source stands in a shard; `planned`: a look is on its way."""

    records: list[Mapping[str, Any]] = field(default_factory=list)
    attempts: int = 0
    most: int = 0
    planned: bool = False


class Streams:
    """Event source mappings of streams: in order within a shard, repeated, bisected, at last put aside."""

    def __init__(
        self, clock: Scheduler, lambdas: Lambdas, queues: Queues, sources: tuple[StreamSource, ...]
    ) -> None:
        self._clock = clock
        self._lambdas = lambdas
        self._queues = queues
        self._sources = sources
        self._shards: dict[tuple[str, int], _Shard] = {}
        self.put_aside: Counter[str] = Counter()

    def waiting(self) -> int:
        """How many records no function has finished."""
        return sum(len(shard.records) for shard in self._shards.values())

    def hear(self, written: Written) -> None:
        """A row was written."""
        for source in self._sources:
            if source.table == written.table and any(passes(each, written.record) for each in source.filters):
                number = crc32(written.key[0].encode()) % SHARDS
                shard = self._shards.setdefault((source.function, number), _Shard(most=source.batch))
                shard.records.append(written.record)
                self._plan(source, shard, BATCH_WINDOW_S)

    def _plan(self, source: StreamSource, shard: _Shard, after_s: float) -> None:
        if shard.planned or not shard.records:
            return

        async def look() -> None:
            shard.planned = False
            self._look(source, shard)

        shard.planned = True
        self._clock.after(after_s, look, f"stream {source.function}")

    def _look(self, source: StreamSource, shard: _Shard) -> None:
        batch = shard.records[: shard.most]
        self._tell_age(source, batch)
        invoked = self._lambdas.invoke(source.function, {"Records": batch})
        failures = (invoked.result or {}).get("batchItemFailures", ())
        if invoked.failed is None and not failures:
            self._advance(source, shard, len(batch))
            return
        if invoked.failed is None:
            named = {one["itemIdentifier"] for one in failures}
            done = next(n for n, one in enumerate(batch) if one["dynamodb"]["SequenceNumber"] in named)
            if done:
                del shard.records[:done]
                shard.attempts = 0
        shard.attempts += 1
        # BisectBatchOnFunctionError: the half that is left is tried alone.
        shard.most = max(1, min(shard.most, len(batch)) // 2)
        if shard.attempts > source.attempts:
            self.put_aside[source.function] += 1
            self._queues.put(FAILED, source.function)
            self._advance(source, shard, shard.most)
            return
        self._plan(source, shard, min(LONGEST_RETRY_S, RETRY_S * 2 ** min(shard.attempts, 6)))

    def _advance(self, source: StreamSource, shard: _Shard, done: int) -> None:
        del shard.records[:done]
        shard.attempts, shard.most = 0, source.batch
        self._plan(source, shard, BATCH_WINDOW_S)

    def _tell_age(self, source: StreamSource, batch: list[Mapping[str, Any]]) -> None:
        written = batch[0]["dynamodb"]["ApproximateCreationDateTime"]
        age_ms = (self._clock.now().timestamp() - written) * 1000
        self._lambdas.measure_age(source.function, age_ms)


def passes(pattern: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a filter lets a record pass: lists of values, one of which must be there."""
    return all(
        passes(wanted, record.get(name, {})) if isinstance(wanted, Mapping) else record.get(name) in wanted
        for name, wanted in pattern.items()
    )


def make_queues(deployment: Deployment, queues: Queues) -> None:
    """Make the queues that the template declares."""
    for one in deployment.queues:
        queues.all[one.name] = Queue(one.name, one.visibility_s, one.max_receives, one.dead_letters)
