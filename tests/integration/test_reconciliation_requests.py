"""Reconciliations on request: asked for once, leased, gone on with after a crash (billing-rules.md §9.3)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders.dynamodb import local_client, moto_client, new_table
from builders.keyrings import KEYRING
from privatenumber.billing.reconciliation.requested import (
    LEASE,
    MAX_ATTEMPTS,
    Done,
    NoSuchRun,
    NotCompared,
    OtherRun,
    Reconciliations,
    RunRequest,
    Workshop,
)
from privatenumber.store.due import Overtaken
from privatenumber.store.reconciliation_runs import ReconciliationRun, RunState, RunStore

NOW = datetime(2026, 10, 8, 3, tzinfo=UTC)
WANTED = RunRequest("2026-09", {"calls": "uploads/c.csv", "bill": "uploads/b.csv"}, None, by="anna")
MADE = Done(3, "f" * 64, "matched")


class Refused(Exception):
    """What will never work."""


class Desk:
    """Requests and their worker on one table, with a clock to set."""

    def __init__(self, client: Any) -> None:
        self.now, self.sent = NOW, list[str]()
        table = new_table(client, "BillsTable")
        self.store = RunStore(client, table.name)
        self.requests = Reconciliations(self.store, lambda: KEYRING, self.sent.append)
        self.compared = 0

    def ask(self, key: str = "k1", wanted: RunRequest = WANTED) -> str:
        return self.requests.request(wanted, key=key, now=self.now)[0].id

    def work(self, run: str, outcome: Done | Exception = MADE) -> ReconciliationRun:
        def compare(_: ReconciliationRun) -> Done:
            self.compared += 1
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return Workshop(self.store).work(run, compare, (Refused,), now=lambda: self.now)

    def die(self, run: str) -> None:
        """A worker that takes a run up and is never heard of again."""
        with pytest.raises(ZeroDivisionError):
            self.work(run, ZeroDivisionError())

    def due(self) -> list[str]:
        return [run for run, _ in self.store.due(until=self.now, limit=10)]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with moto_client() as made:
        yield made


@pytest.fixture
def desk(client: Any) -> Desk:
    return Desk(client)


def test_the_same_key_is_the_same_run_and_another_content_is_refused(desk: Desk) -> None:
    first = desk.ask()
    desk.now += timedelta(hours=1)
    assert desk.ask() == first
    assert len(desk.store.of_month("2026-09")) == 1
    with pytest.raises(OtherRun):
        desk.ask(wanted=RunRequest("2026-09", {"bill": "uploads/b.csv"}, None, by="anna"))


def test_a_request_that_nobody_heard_of_is_due_until_it_is_made(desk: Desk) -> None:
    """The row comes before the message: what crashed between them is found by the sweep."""
    run = desk.ask()
    assert desk.due() == [run]
    done = desk.work(run)
    assert (done.state, done.number, done.hash, done.result) == (RunState.DONE, 3, "f" * 64, "matched")
    desk.now += timedelta(days=1)
    assert desk.due() == []


def test_a_message_that_comes_again_compares_nothing_again(desk: Desk) -> None:
    run = desk.ask()
    assert desk.work(run) == desk.work(run)
    assert desk.compared == 1


def test_while_somebody_is_at_it_nobody_else_begins(desk: Desk) -> None:
    run = desk.ask()
    desk.die(run)
    desk.now += LEASE - timedelta(seconds=1)
    assert (desk.due(), desk.work(run).state, desk.compared) == ([], RunState.RUNNING, 1)


def test_what_died_is_taken_up_again_after_its_lease(desk: Desk) -> None:
    run = desk.ask()
    desk.die(run)
    desk.now += LEASE
    assert desk.due() == [run]
    assert desk.work(run).state is RunState.DONE


def test_who_was_thought_dead_and_comes_back_changes_nothing(desk: Desk) -> None:
    """The second has finished; the first finds another version of the row."""
    run = desk.ask()

    def slow(_: ReconciliationRun) -> Done:
        desk.now += LEASE
        desk.work(run)
        return Done(9, "0" * 64, "differences")

    with pytest.raises(Overtaken):
        Workshop(desk.store).work(run, slow, (), now=lambda: desk.now)
    found = desk.store.get(run)
    assert found
    assert (found.number, found.result) == (3, "matched")


def test_what_will_never_work_ends_with_its_reason_and_without_a_number(desk: Desk) -> None:
    run = desk.work(desk.ask(), Refused("no column for +8613800138001"))
    assert (run.state, run.problem) == (RunState.REFUSED, "no column for +86138****8001")
    assert desk.due() == []


def test_what_fails_again_and_again_ends_as_failed(desk: Desk) -> None:
    run = desk.ask()
    for _ in range(MAX_ATTEMPTS):
        desk.die(run)
        desk.now += LEASE
    assert desk.work(run).state is RunState.FAILED
    assert (desk.compared, desk.due()) == (MAX_ATTEMPTS, [])


def test_rows_are_imported_of_a_comparison_that_is_done_only(desk: Desk) -> None:
    run = desk.ask()

    def take_in(of: str) -> ReconciliationRun:
        found = desk.store.get(of)
        assert found
        return desk.requests.request_import(found, {"calls": (7,)}, by="anna", key="i1", now=desk.now)[0]

    with pytest.raises(NotCompared):
        take_in(run)
    desk.work(run)
    taken = take_in(run)
    done = desk.work(taken.id, Done(outcome={"calls": {"imported": 1}}))
    assert (done.imports_of, done.lines, done.outcome) == (run, {"calls": (7,)}, {"calls": {"imported": 1}})
    with pytest.raises(NotCompared):
        take_in(taken.id)


@pytest.mark.parametrize("run", ["none", f"2026-09~{'a' * 26}"])
def test_a_run_that_does_not_exist_is_none(desk: Desk, run: str) -> None:
    with pytest.raises(NoSuchRun):
        desk.work(run)


@pytest.mark.dynamodb_local
def test_of_many_workers_one_takes_a_run_up(dynamodb_local: str) -> None:
    desk = Desk(local_client(dynamodb_local))
    run = desk.ask()

    def work(_: int) -> bool:
        try:
            return desk.work(run).state is RunState.DONE
        except Overtaken:
            return False

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert desk.compared == 1
    assert desk.work(run).state is RunState.DONE


@pytest.mark.dynamodb_local
def test_many_who_ask_at_once_make_one_run(dynamodb_local: str) -> None:
    desk = Desk(local_client(dynamodb_local))
    with ThreadPoolExecutor(6) as pool:
        runs = set(pool.map(lambda _: desk.ask(), range(6)))
    assert len(runs) == len(desk.store.of_month("2026-09")) == 1
