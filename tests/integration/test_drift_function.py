"""The function `drift` as composed: table, keys, credentials, pace and the emulated platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from builders.bindings import APPLICATION, command, within
from builders.emulator import RunningEmulator, running_emulator
from builders.events import event_files, function_of, read_event
from builders.function_house import Context, function_house
from functions.unbind import drift as app
from privatenumber.bindings.drift_model import RunState
from privatenumber.bindings.drift_service import DAILY_HOUR
from privatenumber.bindings.model import Binding
from privatenumber.platform.pacing import PacedTransport
from privatenumber.times import BEIJING, utc_now


@pytest.fixture(scope="module")
def platform() -> Iterator[RunningEmulator]:
    with running_emulator(clock="real") as running:
        yield running


@pytest.fixture(autouse=True)
def _deployment(platform: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything the function finds in its environment."""
    with function_house(app, platform.address, monkeypatch, {"DRIFT_REQUESTS_PER_SECOND": "50"}):
        yield


def bind() -> Binding:
    return app.rooms().service.bind(command(), deadline=within()).binding


def tick(left_s: float = 300.0) -> dict[str, float]:
    answer: dict[str, float] = app.drift({}, Context(left_s))
    return answer


def test_a_run_that_was_asked_for_is_taken_up_by_the_next_tick() -> None:
    bind()
    run = app.rooms().drift.start(APPLICATION, actor="tester", repair=True)
    assert tick() == {"runs": 1, "open": 1, "oldest_s": pytest.approx(0, abs=30)}
    report = app.rooms().drift.report(APPLICATION, run.id, limit=10)
    assert (report.run.state, report.run.numbers) == (RunState.REPAIRING, 3)
    assert report.differences.items == ()
    assert tick()["runs"] == 0, "what differs must stay so for a while before it counts"


def test_an_invocation_without_time_leaves_the_run_to_the_next() -> None:
    bind()
    app.rooms().drift.start(APPLICATION, actor="tester", repair=True)
    assert tick(left_s=80)["runs"] == 0
    assert tick()["runs"] == 1


def test_every_day_has_its_run() -> None:
    """From the small hours of Beijing on."""
    tick()
    tick()
    runs = app.rooms().drift.runs(APPLICATION, limit=10)
    now = utc_now().astimezone(BEIJING)
    expected = [f"r{now.date().isoformat()}"] if now.hour >= DAILY_HOUR else []
    assert [run.id for run in runs] == expected
    assert all((run.repair, run.actor) == (True, "system:drift") for run in runs)


def test_requests_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request of the function goes by its pace."""
    sent: list[str] = []
    send = PacedTransport.send

    def noting(self: PacedTransport, method: str, url: str, *args: Any, **named: Any) -> Any:
        sent.append(method)
        return send(self, method, url, *args, **named)

    monkeypatch.setattr(PacedTransport, "send", noting)
    app.rooms().drift.start(APPLICATION, actor="tester", repair=True)
    tick()
    assert sent == ["GET", "GET", "GET"]


def test_metrics_tell_the_age_of_the_last_run(capsys: pytest.CaptureFixture[str]) -> None:
    tick()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    told = {name: line[name] for line in lines for name in line if name != "_aws"}
    assert told["DriftAge"] == [pytest.approx(0, abs=60)]


@pytest.mark.parametrize(
    "path",
    [path for path in event_files() if function_of(path) == "DriftFunction"],
    ids=lambda path: path.stem,
)
def test_a_sample_event_runs(path: Any) -> None:
    assert app.drift(read_event(path), Context()).keys() == {"runs", "open", "oldest_s"}
