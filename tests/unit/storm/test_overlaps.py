"""One function in the midst of another: an environment, a clock and a log of its own each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from storm.clockwork import Clockwork
from storm.deployment import Deployment, Function
from storm.lambdas import Lambdas, Logs
from storm.overlaps import Overlaps
from storm.plan import Fault

START = datetime(2026, 9, 14, tzinfo=UTC)
MODULE = """
import os
SEEN = []
def handler(event, context):
    event_of = event.get("say")
    SEEN.append(event_of)
    WITHIN(event_of)
    return {"seen": list(SEEN), "who": os.environ["WHO"], "left": context.get_remaining_time_in_millis()}
def WITHIN(event_of):
    import storm_within
    storm_within.happen(event_of)
"""


class Within:
    """What happens while a function runs."""

    happen: Callable[[str], None] = staticmethod(lambda said: None)


@pytest.fixture
def within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Within]:
    (tmp_path / "storm_counting.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    found: Any = Within()
    monkeypatch.setitem(sys.modules, "storm_within", found)
    monkeypatch.setenv("WHO", "nobody")
    yield found
    sys.modules.pop("storm_counting", None)


@pytest.fixture
def clockwork() -> Clockwork:
    return Clockwork(lambda: START, START)


@pytest.fixture
def lambdas(clockwork: Clockwork) -> Lambdas:
    functions = {
        name: Function(name, "storm_counting", "handler", 10.0, {"WHO": name}) for name in ("One", "Other")
    }
    deployment = Deployment(functions, (), (), (), (), {}, {})
    return Lambdas(deployment, clockwork, Logs(lambda: START))


def test_functions_of_one_file_share_nothing_of_it(within: Within, lambdas: Lambdas) -> None:
    lambdas.invoke("One", {"say": "a"})
    assert lambdas.invoke("Other", {"say": "b"}).result["seen"] == ["b"]
    assert lambdas.invoke("One", {"say": "c"}).result["seen"] == ["a", "c"]


def test_one_in_the_midst_of_another_has_its_own_environment_and_time(
    within: Within, lambdas: Lambdas, clockwork: Clockwork
) -> None:
    inner: list[Any] = []

    def happen(said: str) -> None:
        if said == "outer":
            clockwork.sleep(2)
            inner.append(lambdas.invoke("Other", {"say": "inner"}).result)
            inner.append(lambdas.invoke("One", {"say": "inner"}).result)
            assert lambdas.current == "One"
        else:
            clockwork.sleep(3)

    within.happen = happen
    outer = lambdas.invoke("One", {"say": "outer"}).result
    assert [one["who"] for one in (*inner, outer)] == ["Other", "One", "One"]
    assert [one["seen"] for one in (*inner, outer)] == [["inner"], ["inner"], ["outer"]]
    assert [one["left"] for one in (*inner, outer)] == [7000, 7000, 2000]
    assert lambdas.current is None


def test_the_same_event_comes_in_between_and_nothing_comes_between_that(
    within: Within, lambdas: Lambdas
) -> None:
    unused: Any = None
    overlaps = Overlaps(lambdas, unused, unused)
    fault = Fault("f1", "function.overlap", 0, params={"with": "same"})
    happened: list[bool] = []

    def happen(said: str) -> None:
        happened.append(overlaps.happen(fault))

    within.happen = happen
    lambdas.invoke("One", {"say": "once"})
    assert (happened, lambdas.invocations["One"]) == ([False, True], 2)
    assert os.environ["WHO"] == "One"
