"""The functions `sweep` and `work` as composed: queue, table, keys, credentials and the emulated platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from builders.bindings import APPLICATION, command, within
from builders.emulator import RunningEmulator, running_emulator
from builders.events import event_files, function_of, read_event
from builders.function_house import Context, function_house, messages
from builders.keyrings import add_data_key
from functions.unbind import app
from privatenumber.bindings.model import Binding, State
from privatenumber.store import clients
from privatenumber.store.queue import Reopening
from privatenumber.times import iso, utc_now

QUEUE = "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/work"


@pytest.fixture(scope="module")
def platform() -> Iterator[RunningEmulator]:
    with running_emulator(clock="real") as running:
        yield running


@pytest.fixture(autouse=True)
def deployment(platform: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Everything the functions find in their environment; yields the queue."""
    with function_house(app, platform.address, monkeypatch, {"WORK_QUEUE_URL": QUEUE}):
        assert clients.sqs().create_queue(QueueName="work")["QueueUrl"] == QUEUE
        yield QUEUE
        platform.admin.clear_faults()


def bind(order: str = "order-1001", **changes: Any) -> Binding:
    return app.rooms().service.bind(command(order, **changes), deadline=within()).binding


def state(binding: Binding) -> State:
    return app.rooms().service.get(binding.id).state


def sweep(hours: float = 0) -> dict[str, float]:
    moment = utc_now() + timedelta(hours=hours)
    swept: dict[str, float] = app.sweep({"scheduled_time": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}, Context())
    return swept


def work(records: list[dict[str, str]], left_s: float = 60.0) -> list[str]:
    """Message ids that the worker gives back."""
    answer = app.work({"Records": records}, Context(left_s))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_what_is_due_is_released_through_the_queue(deployment: str) -> None:
    """The main path: sweep, queue, worker, platform."""
    binding = bind()
    assert sweep()["due"] == 0
    assert sweep(hours=2) == {"due": 1, "sent": 1, "lag_s": pytest.approx(3600, abs=30)}
    assert work(messages(deployment)) == []
    assert state(binding) is State.CLOSED


def test_a_batch_is_sent_ten_at_a_time(deployment: str) -> None:
    for n in range(12):
        bind(f"order-{n}", a=f"+8613800140{n:03d}", b=f"+8613800150{n:03d}")
    assert sweep(hours=2)["sent"] == 12


def test_a_queue_that_is_full_gets_no_more(deployment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never more work than is due, even when no worker runs."""
    monkeypatch.setattr(app, "MOST_WAITING", 4)
    for n in range(6):
        bind(f"order-{n}", a=f"+8613800140{n:03d}", b=f"+8613800150{n:03d}")
    swept = [sweep(hours=2) for _ in range(3)]
    assert sum(answer["sent"] for answer in swept) <= 4
    assert swept[-1]["sent"] == 0
    assert swept[-1]["lag_s"] == pytest.approx(3600, abs=30), "a full queue hides no lag"


def test_only_what_failed_comes_again(deployment: str, platform: RunningEmulator) -> None:
    """Partial batch failures: a message nobody can read, and one whose binding is unknown."""
    binding = bind()
    sweep(hours=2)
    (good,) = messages(deployment)
    unreadable = {"messageId": "m-2", "body": "{}"}
    unknown = {"messageId": "m-3", "body": json.dumps({**json.loads(good["body"]), "binding_id": "b0"})}
    assert work([unreadable, unknown, good]) == ["m-2"]
    assert state(binding) is State.CLOSED


def test_a_binding_under_a_newer_key_is_released_at_once(
    deployment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another environment binds with a data key added since this worker read the keyring."""
    worker = app.rooms()
    assert worker.service  # reads the keyring
    add_data_key(worker._keyrings)
    app.rooms.cache_clear()
    binding = bind()
    sweep(hours=2)
    with monkeypatch.context() as environment:
        environment.setattr(app, "rooms", lambda: worker)
        assert work(messages(deployment)) == []
    assert state(binding) is State.CLOSED


def test_a_worker_without_time_gives_its_messages_back(deployment: str) -> None:
    binding = bind()
    sweep(hours=2)
    records = messages(deployment)
    assert work(records, left_s=4) == [records[0]["messageId"]]
    assert state(binding) is State.ACTIVE


def test_a_platform_that_refuses_is_no_failure_of_the_message(
    deployment: str, platform: RunningEmulator
) -> None:
    """The retry is in the table with its back-off, not in the queue."""
    binding = bind()
    platform.admin.fault(
        "status", match={"api": "axb.unbind"}, params={"http_status": 403, "code": "1012102"}
    )
    sweep(hours=2)
    assert work(messages(deployment)) == []
    assert state(binding) is State.RELEASING


def test_metrics_tell_lag_backlog_and_retries(
    deployment: str, platform: RunningEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    bind()
    platform.admin.fault(
        "status", match={"api": "axb.unbind"}, params={"http_status": 403, "code": "1012102"}
    )
    sweep(hours=2)
    work(messages(deployment))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    told = {name: line[name] for line in lines for name in line if name != "_aws"}
    assert told["Backlog"] == [1.0]
    assert told["SweepLag"][0] > 3000
    assert told["ReleaseRetries"] == [1.0]


@pytest.mark.parametrize(
    "path",
    [path for path in event_files() if function_of(path).startswith("Unbind")],
    ids=lambda path: path.stem,
)
def test_a_sample_event_runs(path: Any) -> None:
    handler = app.sweep if function_of(path) == "UnbindSweepFunction" else app.work
    answer = handler(read_event(path), Context())
    assert answer.keys() <= {"due", "sent", "lag_s", "batchItemFailures"}


def test_a_call_has_what_ended_by_itself_bound_again(deployment: str) -> None:
    """users.md U-N11: by a message of the follower; again, too late and refused it does no harm."""
    old = bind()
    sweep(hours=2)
    later = utc_now() + timedelta(minutes=10)
    assert work(messages(deployment)) == []
    wanted = Reopening(old.id, "call-token", 1800, iso(later))
    late = Reopening(old.id, "another", 1800, iso(utc_now()))
    unknown = Reopening("b0", "call-token", 1800, iso(later))
    bodies = [each.to_body() for each in (wanted, wanted, late, unknown)]
    assert work([{"messageId": f"m-{n}", "body": body} for n, body in enumerate(bodies)]) == []
    page = app.rooms().service.find(application=APPLICATION, order=old.order)
    assert [(found.state, found.x) for found in page.bindings] == [
        (State.ACTIVE, old.x), (State.CLOSED, old.x),
    ]  # fmt: skip
