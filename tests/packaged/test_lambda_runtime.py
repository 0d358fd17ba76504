"""The stand-in for Lambda itself: what a function's process sees, and how its answers and failures return."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.lambda_runtime import FunctionProcess, InvocationFailed, runtime_directory
from local.template import Function

HANDLER = """
import os, sys

def handler(event, context):
    if event == "raise":
        raise LookupError("nothing there")
    if event == "end":
        os._exit(3)
    if event == "import":
        found = []
        for name in ("boto3", "ours", "pydantic", "pytest"):
            try:
                __import__(name)
                found.append(name)
            except ImportError:
                pass
        return found
    print("seen")
    return {"event": event, "given": os.environ["GIVEN"], "ms": context.get_remaining_time_in_millis()}
"""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runtime_directory(tmp_path_factory.mktemp("runtime"))


@pytest.fixture
def function(tmp_path: Path) -> Function:
    """A function that says what it sees, with a layer that holds one module."""
    code, layer = tmp_path / "code", tmp_path / "layer"
    code.mkdir()
    (layer / "python").mkdir(parents=True)
    (code / "app.py").write_text(HANDLER)
    (layer / "python" / "ours.py").write_text("")
    return Function("Sample", "app.handler", code, (layer,), {"GIVEN": None}, timeout_s=5, memory_mb=128)


def test_an_event_is_answered_with_environment_and_deadline(function: Function, runtime: Path) -> None:
    with FunctionProcess(function, runtime, {"GIVEN": "yes"}) as process:
        answer = process.invoke({"n": 1})
    assert not answer.failed
    assert answer.payload["event"] == {"n": 1}
    assert answer.payload["given"] == "yes"
    assert 0 < answer.payload["ms"] <= 5000
    assert "seen" in answer.log


def test_only_function_layer_and_runtime_can_be_imported(function: Function, runtime: Path) -> None:
    """The test's own interpreter has pydantic and pytest; this one must not, unless the layer brings them."""
    with FunctionProcess(function, runtime, {"GIVEN": ""}) as process:
        assert process.invoke("import").payload == ["boto3", "ours"]


def test_an_exception_comes_back_as_an_error_and_the_next_event_is_served(
    function: Function, runtime: Path
) -> None:
    with FunctionProcess(function, runtime, {"GIVEN": ""}) as process:
        answer = process.invoke("raise")
        assert answer.failed
        assert answer.payload["errorType"] == "LookupError"
        assert not process.invoke({}).failed


def test_a_process_that_ends_is_reported(function: Function, runtime: Path) -> None:
    with FunctionProcess(function, runtime, {"GIVEN": ""}) as process, pytest.raises(InvocationFailed):
        process.invoke("end")


def test_a_variable_that_nobody_gave_is_named(function: Function, runtime: Path) -> None:
    with pytest.raises(ValueError, match="GIVEN"):
        FunctionProcess(function, runtime, {})
