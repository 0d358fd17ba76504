"""Bulk jobs over a desk: a queue in memory whose messages are lost, doubled and shuffled as a test wishes."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from builders.bindings import APPLICATION, ASKED, Desk, TestClock, within
from builders.crashes import Killed
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.jobs import JobService
from privatenumber.bindings.jobs_model import JobCommand, Kind
from privatenumber.bindings.jobs_report import Progress
from privatenumber.bindings.jobs_run import Act
from privatenumber.bindings.jobs_step import do
from privatenumber.bindings.jobs_sweep import JobWork, sweep
from privatenumber.store.files import FileMissing
from privatenumber.store.items import decode
from privatenumber.store.job_rows import ItemRow
from privatenumber.store.jobs import JobStore
from privatenumber.store.queue import Message, Sent
from privatenumber.store.transactions import Writer

JOB_WRITES = frozenset(
    {"add", "replace", "append", "start", "take", "give_back", "keep", "finish", "put_off"}
)
BOSS = "arn:aws-cn:iam::123456789012:user/campaigns"


@dataclass
class QueueInMemory:
    """An SQS queue on the clock of a test: at least once, in any order."""

    clock: TestClock
    random: random.Random
    doubled: float = 0.0
    waiting: list[tuple[datetime, str]] = field(default_factory=list)

    def send(self, work: Iterable[Message], *, delay_s: int = 0) -> Sent:
        taken = 0
        for one in work:
            copies = 2 if self.random.random() < self.doubled else 1
            self.waiting += [(self.clock() + timedelta(seconds=delay_s), one.to_body())] * copies
            taken += 1
        return Sent(taken, 0)

    def receive(self) -> JobWork | None:
        """Any message whose time has come."""
        ready = [n for n, (at, _) in enumerate(self.waiting) if at <= self.clock()]
        if not ready:
            return None
        return JobWork.from_body(self.waiting.pop(self.random.choice(ready))[1])

    def come_again(self, work: JobWork) -> None:
        """What was not deleted is visible again after six minutes."""
        self.waiting.append((self.clock() + timedelta(seconds=360), work.to_body()))


@dataclass
class JobDesk:
    """A desk with its jobs; `run` lets workers and sweeps do what there is until nothing is left."""

    desk: Desk
    queue: QueueInMemory
    wrapped: Callable[[JobStore], JobStore] = lambda store: store
    files: dict[str, bytes] = field(default_factory=dict)
    act: Act = do
    deaths: int = 0

    @property
    def store(self) -> JobStore:
        return JobStore(
            self.desk.table.client,
            self.desk.table.name,
            Writer(self.desk.table.client, sleep=lambda seconds: None),
        )

    @property
    def engine(self) -> Engine:
        return self.desk.engine

    @property
    def jobs(self) -> JobService:
        return JobService(self.engine, self.wrapped(self.store), self.queue, self._read, act=self.act)

    def _read(self, key: str) -> bytes:
        if key not in self.files:
            raise FileMissing("no such file")
        return self.files[key]

    def create(self, kind: Kind, items: Iterable[Any] | None = None, **more: Any) -> Progress:
        return self.jobs.create(job_command(kind, items, **more), deadline=within(60))[0]

    def work_once(self) -> bool:
        """Hand one message to a worker, who may die over it; False when there is none."""
        work = self.queue.receive()
        if work is None:
            return False
        try:
            if not self.jobs.run(work, deadline=within(60)):
                self.queue.come_again(work)
        except Killed:
            self.deaths += 1
            self.queue.come_again(work)
        return True

    def run(self, job_id: str, *, minutes: int = 2000) -> Progress:
        """Let minutes pass, with a sweep of bindings and one of jobs in each, until the job is over."""
        for _ in range(minutes):
            while self.work_once():
                pass
            found = self.jobs.get(job_id)
            if found.state.final and found.job.finished_at and not self.at_work():
                return found
            self.desk.advance(60)
            self.sweep()
        raise AssertionError(f"the job does not end: {self.jobs.get(job_id)}")

    def sweep(self) -> None:
        try:
            self.desk.sweep()
            sweep(self.wrapped(self.store), self.queue, now=self.desk.clock())
        except Killed:
            self.deaths += 1

    def rows(self, job_id: str) -> list[ItemRow]:
        """All items of a job."""
        return list(self.jobs.items(job_id, state=None, limit=1000, start=0).items)

    def outcomes(self, job_id: str) -> Counter[str]:
        """How many items came to which state, with outcome or problem."""
        return Counter(_came_to(row) for row in self.rows(job_id))

    def check(self, job_id: str) -> None:
        """Assert that the counters are those of the items, and that nothing of the job waits any more."""
        progress, rows = self.jobs.get(job_id), self.rows(job_id)
        assert len(rows) == progress.job.total == sum(progress.counts.values())
        assert Counter(row.state for row in rows) == Counter(
            {state: number for state, number in progress.counts.items() if number}
        )
        assert self.at_work() == []

    def at_work(self) -> list[str]:
        """Rows that somebody has, or is to look at; a worker that dies leaves its lane so."""
        return [item["pk"] for item in self.items() if item.keys() & {"due_at", "lease_until"}]

    def items(self) -> list[dict[str, Any]]:
        """Every item that jobs have in the table."""
        return [item for item in self.desk.items() if item["pk"].startswith("JOB#")]

    def raw(self) -> str:
        """All of them as text, sealed bytes as they lie there."""
        pages = self.desk.table.client.scan(TableName=self.desk.table.name, ConsistentRead=True)["Items"]
        return " ".join(str(page) for page in pages if str(decode(page)["pk"]).startswith("JOB#"))


def _came_to(row: ItemRow) -> str:
    told: Mapping[str, Any] = row.result or row.problem or {}
    return " ".join(filter(None, [row.state, str(told.get("outcome") or told.get("kind") or "")]))


def job_desk(desk: Desk, *, seed: int = 1, doubled: float = 0.0) -> JobDesk:
    """Open the jobs of a desk."""
    return JobDesk(desk, QueueInMemory(desk.clock, random.Random(seed), doubled))


def job_command(kind: Kind, items: Iterable[Any] | None = None, **more: Any) -> JobCommand:
    """A job for the desk's application; items that are no texts are written as JSON."""
    texts = None
    if items is not None:
        texts = tuple(one if isinstance(one, str) else json.dumps(one) for one in items)
    fields: dict[str, Any] = {"idempotency_key": "key-1", "created_by": BOSS, "application": APPLICATION}
    return replace(JobCommand(kind=kind, items=texts, **{**fields, **more}))


def bind_item(n: int, desk: Desk, **more: Any) -> dict[str, Any]:
    """The item of a job that binds people of its own."""
    people = {"a": person(2 * n), **({"b": person(2 * n + 1)} if "b" in ASKED[desk.mode] else {})}
    return {"order": f"order-{n}", **ASKED[desk.mode], **people, "ttl_seconds": 86_400, **more}


def person(n: int) -> str:
    """Somebody's number."""
    return f"+86139{n:08d}"
