"""What the packaged functions run against: MiniStack for AWS, the emulator for the platform, on loopback."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from builders.deployment import create_stores
from builders.events import EVENTS, ROOT, read_event
from builders.pushes import applications_secret, asking
from local.aws import CREDENTIALS, REGION, Aws
from local.lambda_runtime import BUILT_TEMPLATE, Answer, FunctionProcess, runtime_directory
from local.platform import Platform
from local.processes import free_port, start, wait_until
from local.template import Function, functions
from local.tenant import BY_MODE, application_secret, platform_numbers
from privatenumber.settings import Mode

#: The application of the events for the bindings function, as the platform's console shows it.
APPLICATION = {
    "id": "demo-axb",
    "app_key": "demoAppKey0000000000000001",
    "secrets": ["demoAppSecret0000000001"],
    "mode": "AXB",
    "auth_scheme": "aksk",
    "callback_token": "demo-callback-token-0001",
}
NUMBERS = [f"+861701000000{n}" for n in range(1, 5)]
#: The applications of the other modes' events.
COMPANIES = tuple(tenant for mode, tenant in BY_MODE.items() if mode is not Mode.AXB)


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
        for company in COMPANIES:
            settings = {"secrets": [company.app_secret], "mode": company.mode.value}
            emulator.send("PUT", f"applications/{company.app_key}", settings)
            emulator.send("POST", "numbers", platform_numbers(company))
        yield emulator
    finally:
        child.stop()


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """A running MiniStack."""
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
            "STATE_DIR": str(folder),
            # Else it listens for devices on every address of the machine.
            "IOT_MTLS_ENABLED": "0",
        },
        cwd=folder,
    )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        if not wait_until(lambda: _answers(f"{endpoint}/_ministack/health"), timeout_s=20):
            raise RuntimeError(child.log.read_text())
        yield Aws(endpoint)
    finally:
        child.stop()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


@dataclass(frozen=True)
class Lambda:
    """The built functions, each started when it is first invoked."""

    built: dict[str, Function]
    environments: dict[str, dict[str, str]]
    runtime: Path
    running: dict[str, FunctionProcess]

    def invoke(self, name: str, event: Any) -> Answer:
        """Feed an event to the function of this logical id."""
        if name not in self.running:
            wanted = self.built[name].environment.keys() | {"AWS_ENDPOINT_URL"}
            given = {key: value for key, value in self.environments[name].items() if key in wanted}
            self.running[name] = FunctionProcess(self.built[name], self.runtime, given)
        return self.running[name].invoke(event)


def _registering(x: str, application: str) -> Any:
    """The event that registers an X number of an application."""
    event = read_event(EVENTS / "bindings-numbers-put.json")
    body = json.loads(event["body"]) | {"application": application}
    return {**event, "pathParameters": {"x": x}, "body": json.dumps(body)}


@pytest.fixture(scope="module")
def deployed(aws: Aws, platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lambda]:
    """The built functions, with what a deployment gives them and an inventory of X numbers."""
    assert BUILT_TEMPLATE.exists(), "nothing is built: run `make build` first"
    built = {function.name: function for function in functions(BUILT_TEMPLATE)}
    companies = application_secret(platform.base_url, *COMPANIES)["applications"]
    mine = {**APPLICATION, "base_url": platform.base_url}
    common = create_stores(aws, {"applications": [mine, *companies]})
    # The samples of pushes are of another application with the same key: one secret cannot hold both.
    pushes = aws.client("secretsmanager").create_secret(
        Name="pushes", SecretString=applications_secret(asking("AX"), asking("X"))
    )
    environments = dict.fromkeys(built, common)
    environments["CallbacksFunction"] = {**common, "APPLICATIONS_SECRET": pushes["ARN"]}
    running = Lambda(built, environments, runtime_directory(tmp_path_factory.mktemp("runtime")), {})
    try:
        for case in ("bindings-numbers-import", "bindings-numbers-put"):
            running.invoke("BindingsFunction", read_event(EVENTS / f"{case}.json"))
        for company in COMPANIES:
            for x in company.numbers:
                running.invoke("BindingsFunction", _registering(x, company.id))
        yield running
    finally:
        for process in running.running.values():
            process.close()
