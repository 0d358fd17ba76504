"""Ending calls for the rules that follow them: recording-and-call-stop.md §3, result-codes.md §6."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from builders.call_rules import ENOUGH
from builders.dynamodb import Table, moto_client, new_table
from builders.platform import APPLICATION, ScriptedTransport, answered
from builders.pushes import SESSION
from functions.callbacks.stopping import BUSY, STOPS_S, CallStopper
from privatenumber.calls.rules_followed import Stop
from privatenumber.deadline import Deadline
from privatenumber.platform.client import Response
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.call_rules import Act


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    with moto_client() as client:
        monkeypatch.setattr(clients, "dynamodb", lambda: client)
        yield new_table(client)


@pytest.mark.parametrize(
    ("platform", "stop"),
    [
        (answered(200, "0"), Stop(Act.STOPPED)),
        (answered(500, "1020152"), Stop(Act.ALREADY_ENDED)),
        (answered(403, "1010002"), Stop(Act.ALREADY_ENDED)),
        (answered(403, "1010040"), Stop(Act.FAILED, "1010040")),
        (answered(403, "1010029"), Stop(Act.FAILED, "1010029")),
    ],
)
def test_what_the_platform_answers_is_what_is_written_down(
    table: Table, platform: Response, stop: Stop
) -> None:
    """A refusal is an answer: the row is followed, and the next event of the call asks again."""
    way = ScriptedTransport([platform])
    stopper = CallStopper(Settings({"BINDINGS_TABLE": table.name}), transport=lambda proxy: way)
    assert stopper(APPLICATION, SESSION, ENOUGH) == stop
    assert way.sent[0].json == {"sessionid": SESSION, "signal": "call_stop"}


def test_all_calls_of_an_invocation_share_its_time(table: Table) -> None:
    """Beyond it nobody is asked: that is a failure, and the next event of the call asks."""
    clock = itertools.count(step=3)
    seconds = [next(clock)]

    def slow() -> Response:
        seconds[0] = next(clock)
        return answered(200, "0")

    way = ScriptedTransport([slow])
    stopper = CallStopper(Settings({"BINDINGS_TABLE": table.name}), transport=lambda proxy: way)
    until = Deadline.after(STOPS_S, lambda: seconds[0])
    stops = [stopper(APPLICATION, f"session-{number}", until) for number in range(10)]
    assert stops == [Stop(Act.STOPPED)] * 5 + [Stop(Act.FAILED, BUSY)] * 5
    assert len(way.sent) == 5


def test_new_credentials_make_a_new_client(table: Table) -> None:
    ways: list[str | None] = []

    def way(proxy: str | None) -> ScriptedTransport:
        ways.append(proxy)
        return ScriptedTransport([answered(200, "0")])

    stopper = CallStopper(Settings({"BINDINGS_TABLE": table.name}), transport=way)
    for application in (APPLICATION, APPLICATION, replace(APPLICATION, proxy_url="http://proxy:3128")):
        stopper(application, SESSION, ENOUGH)
    assert ways == [None, "http://proxy:3128"]
