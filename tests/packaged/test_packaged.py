"""Every file of events/ against what `sam build` made, in an interpreter that sees what Lambda would give it.

AWS's own runtime client feeds the function. Its AWS calls go to MiniStack and its platform calls to the
emulator, both on loopback.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from builders.deployment import create_stores
from builders.events import ROOT, case_of, event_files, function_of, read_event
from local.aws import CREDENTIALS, REGION, Aws
from local.lambda_runtime import BUILT_TEMPLATE, Answer, FunctionProcess, runtime_directory
from local.platform import Platform
from local.processes import free_port, start, wait_until
from local.template import Function, functions

pytestmark = pytest.mark.packaged

APPLICATION = {
    "id": "demo-axb",
    "app_key": "demoAppKey0000000000000001",
    "secrets": ["demoAppSecret0000000001"],
    "mode": "AXB",
    "auth_scheme": "aksk",
    "callback_token": "demo-callback-token-0001",
}
NUMBERS = [f"+861701000000{n}" for n in range(1, 5)]


@pytest.fixture(scope="module")
def built() -> dict[str, Function]:
    """The built functions by logical id."""
    assert BUILT_TEMPLATE.exists(), "nothing is built: run `make build` first"
    return {function.name: function for function in functions(BUILT_TEMPLATE)}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """An emulator that knows the application and its numbers."""
    child = start(
        "emulator",
        [sys.executable, "-m", "emulator", "--port", "0", "--log-level", "warning"],
        log_dir=tmp_path_factory.mktemp("emulator"),
        env={"PYTHONPATH": f"{ROOT / 'layers' / 'privatenumber'}:{ROOT}"},
        cwd=ROOT,
    )
    try:
        line = wait_until(lambda: child.log.read_text().partition("\n")[0], timeout_s=20)
        emulator = Platform(json.loads(line)["address"])
        key = APPLICATION["app_key"]
        emulator.send("PUT", f"applications/{key}", {"secrets": APPLICATION["secrets"], "mode": "AXB"})
        numbers = [
            {"number": x, "area_code": "0755", "type": "virtual", "issued_on": "2026-09-01"} for x in NUMBERS
        ]
        emulator.send("POST", "numbers", {"app_key": key, "numbers": numbers})
        yield emulator
    finally:
        child.stop()


@pytest.fixture(scope="module")
def environment(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What a deployment tells its functions, with MiniStack for AWS."""
    port, folder = str(free_port()), tmp_path_factory.mktemp("ministack")
    child = start(
        "ministack",
        [str(Path(sys.executable).parent / "ministack")],
        log_dir=folder,
        env={
            **CREDENTIALS,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": port,
            "MINISTACK_REGION": REGION,
            # Else it listens for things on all addresses.
            "IOT_MTLS_ENABLED": "0",
            "STATE_DIR": str(folder),
        },
        cwd=folder,
    )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        assert wait_until(lambda: answers(f"{endpoint}/_ministack/health"), timeout_s=20), (
            child.log.read_text()
        )
        secret = {"applications": [{**APPLICATION, "base_url": platform.base_url}]}
        yield create_stores(Aws(endpoint), secret)
    finally:
        child.stop()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


class Lambda:
    """The built functions, each started when it is first invoked."""

    def __init__(self, built: dict[str, Function], environment: dict[str, str], runtime: Path) -> None:
        self._built, self._environment, self._runtime = built, environment, runtime
        self._running: dict[str, FunctionProcess] = {}

    def invoke(self, name: str, event: Any) -> Answer:
        if name not in self._running:
            wanted = self._built[name].environment.keys() | {"AWS_ENDPOINT_URL"}
            given = {key: value for key, value in self._environment.items() if key in wanted}
            self._running[name] = FunctionProcess(self._built[name], self._runtime, given)
        return self._running[name].invoke(event)

    def close(self) -> None:
        for process in self._running.values():
            process.close()


@pytest.fixture(scope="module")
def deployed(
    built: dict[str, Function], environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lambda]:
    """The functions with an inventory of X numbers, as the events suppose it."""
    functions_ = Lambda(built, environment, runtime_directory(tmp_path_factory.mktemp("runtime")))
    try:
        yield functions_
    finally:
        functions_.close()


@pytest.mark.parametrize("path", event_files(), ids=case_of)
def test_a_sample_event_is_answered_by_the_packaged_function(path: Path, deployed: Lambda) -> None:
    name, event = function_of(path), read_event(path)
    answer = deployed.invoke(name, event)
    assert not answer.failed, f"{answer.payload}\n{answer.log}"
    if "routeKey" in event:
        assert isinstance(answer.payload["statusCode"], int)
        assert answer.payload["statusCode"] != 500, f"{answer.payload}\n{answer.log}"
    if "Records" in event:
        assert isinstance(answer.payload["batchItemFailures"], list)
