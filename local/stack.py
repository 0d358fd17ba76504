"""`python -m local.stack up|down`: the whole product on loopback ports, out of template.yaml.

MiniStack plays AWS (it runs the deployed functions), the emulator plays the Private Number platform.
A stack lives in a folder of its own, `.local/up` unless told otherwise: logs, files of MiniStack, and what
runs (`stack.json`), so that `down` finds it again. Stacks in different folders do not disturb each other.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import httpx

from local.addresses import describe
from local.aws import CREDENTIALS, REGION, Aws, BusinessApi
from local.deploy import ROOT, deploy
from local.platform import Platform
from local.processes import Child, StackError, free_port, start, tail, wait_until
from local.tenant import (
    APPLICATION,
    Tenant,
    application_secret,
    number_table,
    platform_application,
    platform_numbers,
)
from privatenumber.times import beijing_day, iso

FOLDER = ROOT / ".local" / "up"
Progress = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Stack:
    """A running local stack: its folder, processes and addresses, and the deployed stack's outputs."""

    folder: Path
    ministack: Child
    emulator: Child
    aws_endpoint: str
    platform_url: str
    outputs: dict[str, str]

    @property
    def aws(self) -> Aws:
        """Clients for MiniStack."""
        return Aws(self.aws_endpoint)

    @property
    def api_url(self) -> str:
        """Address of the deployed HTTP API.

        The `ApiUrl` output names a host under `localhost` that not every resolver knows; MiniStack serves
        the same API under a path of its own address.
        """
        return f"{self.aws_endpoint}/_aws/execute-api/{self.outputs['ApiId']}/$default"

    @property
    def api(self) -> BusinessApi:
        """The deployed HTTP API as a business system sees it."""
        return BusinessApi(self.api_url, self.aws)

    @property
    def platform(self) -> Platform:
        """The emulator's control plane."""
        return Platform(self.platform_url)

    def introduce(self, *tenants: Tenant) -> None:
        """Tell each side of the other: credentials to our functions, push addresses to the platform."""
        secrets = self.aws.client("secretsmanager")
        secret = json.dumps(application_secret(self.platform_url, *tenants))
        secrets.put_secret_value(SecretId=self.outputs["ApplicationsSecret"], SecretString=secret)
        for tenant in tenants:
            application = platform_application(self.api_url, tenant)
            self.platform.send("PUT", f"applications/{tenant.app_key}", application)

    def load_numbers(self, tenant: Tenant = APPLICATION) -> httpx.Response:
        """Let the platform issue the tenant's X numbers, and import its number table as an operator would.

        They are issued on the first of the month, so that their rent is deducted in it whatever day it is:
        that of a month's last day waits for the 1st (billing-rules.md §6).
        """
        first = beijing_day(datetime.fromisoformat(self.platform.get("clock")["now"])).replace(day=1)
        self.platform.send("POST", "numbers", platform_numbers(tenant, first))
        query = {"application": tenant.id}
        return self.api.request("POST", "/numbers/import", query=query, body=number_table(tenant, first))

    def function_logs(self) -> Iterator[str]:
        """Read every line that the deployed functions logged, function by function."""
        logs = self.aws.client("logs")
        for group in logs.get_paginator("describe_log_groups").paginate().search("logGroups[].logGroupName"):
            for event in (
                logs.get_paginator("filter_log_events").paginate(logGroupName=group).search("events[]")
            ):
                yield f"{group} {event['message'].rstrip()}"

    def stop(self) -> None:
        """Keep the functions' logs, stop both processes and forget them."""
        try:
            if self.ministack.alive():
                (logs(self.folder) / "functions.log").write_text("\n".join(self.function_logs()))
        finally:
            self.emulator.stop()
            self.ministack.stop()
            _forget(self.folder)


def logs(folder: Path) -> Path:
    """Where the stack of a folder writes its logs."""
    return folder / "logs"


def up(
    say: Progress,
    *,
    folder: Path = FOLDER,
    platform_starts: datetime | None = None,
    tenants: tuple[Tenant, ...] = (APPLICATION,),
) -> Stack:
    """Start everything and deploy for some tenants; `say` is told each step.

    The platform's clock begins at `platform_starts`, or now.
    Raises StackError when a part fails, or when a stack of this folder is running.
    """
    if running(folder):
        raise StackError(f"a stack is running in {folder}; `python -m local.stack down` stops it")
    ministack, endpoint = _start_ministack(folder)
    emulator = _start_emulator(folder, platform_starts)
    try:
        _await_ministack(ministack, endpoint)
        platform_url = _await_emulator(emulator)
        say(f"emulator is the platform at {platform_url}")
        say(f"MiniStack is AWS ({REGION}) at {endpoint}")
        begin = time.monotonic()
        outputs = deploy(endpoint, log=logs(folder) / "sam-deploy.log")
        say(f"sam deploy of template.yaml took {time.monotonic() - begin:.0f} s")
        stack = Stack(folder, ministack, emulator, endpoint, platform_url, outputs)
        stack.introduce(*tenants)
        _state(folder).write_text(json.dumps(asdict(stack), default=str, indent=2))
    except BaseException:
        emulator.stop()
        ministack.stop()
        _forget(folder)
        raise
    return stack


def running(folder: Path = FOLDER) -> Stack | None:
    """Return the stack that `up` left running in a folder, or None."""
    state = _state(folder)
    if not state.exists():
        return None
    kept = json.loads(state.read_text())
    children = {
        name: Child(kept[name]["name"], kept[name]["pid"], Path(kept[name]["log"])) for name in _CHILDREN
    }
    if not all(child.alive() for child in children.values()):
        for child in children.values():
            child.stop()
        _forget(folder)
        return None
    return Stack(**{**kept, **children, "folder": folder})


_CHILDREN = ("ministack", "emulator")


def _state(folder: Path) -> Path:
    return folder / "stack.json"


def _forget(folder: Path) -> None:
    """Remove everything of a stopped stack but its logs."""
    _state(folder).unlink(missing_ok=True)
    shutil.rmtree(folder / "ministack", ignore_errors=True)


def _start_ministack(folder: Path) -> tuple[Child, str]:
    port = str(free_port())
    files = folder / "ministack"
    shutil.rmtree(files, ignore_errors=True)
    (files / "tmp").mkdir(parents=True)
    env = {
        **CREDENTIALS, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": port, "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "STATE_DIR": str(files / "state"), "PERSIST_STATE": "0",
        # It unpacks code and layer for every process of a function, and leaves them there.
        "TMPDIR": str(files / "tmp"),
        # Signatures are checked and functions get what their roles allow and no more, as in AWS.
        "AUTH": "true",
        # Functions import the layer that was built, not the sources.
        "PYTHONPATH": "",
        # Else it listens for devices on every address of the machine.
        "IOT_MTLS_ENABLED": "0",
    }  # fmt: skip
    command = [str(Path(sys.executable).parent / "ministack")]
    return start("ministack", command, log_dir=logs(folder), env=env, cwd=ROOT), env["AWS_ENDPOINT_URL"]


def _await_ministack(child: Child, endpoint: str) -> None:
    def answers() -> bool:
        try:
            return httpx.get(f"{endpoint}/_ministack/health", timeout=2).is_success
        except httpx.HTTPError:
            return False

    _await(child, answers)


def _start_emulator(folder: Path, starts: datetime | None) -> Child:
    # The functions sign and check by the machine's clock, however far somebody moves the platform's.
    signing = ("--set", "signing_clock=machine")
    clock = ("--start", iso(starts)) if starts else ()
    command = [sys.executable, "-m", "emulator", "--port", "0", "--seed", "1", *signing, *clock]
    env = {"PYTHONPATH": os.pathsep.join([str(ROOT / "layers" / "privatenumber"), str(ROOT)])}
    return start("emulator", command, log_dir=logs(folder), env=env, cwd=ROOT)


def _await_emulator(child: Child) -> str:
    def address() -> str:
        for line in child.log.read_text().splitlines():
            if line.startswith("{"):
                return str(json.loads(line).get("address", ""))
        return ""

    return _await(child, address)


def _await(child: Child, ready: Callable[[], T]) -> T:
    wait_until(lambda: ready() or not child.alive(), 30)
    if not (answer := ready()):
        raise StackError(f"{child.name} did not start; {child.log} ends with:\n{tail(child.log)}")
    return answer


def main() -> int:
    """Run `up` or `down`."""
    parser = argparse.ArgumentParser(prog="python -m local.stack", description=__doc__)
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the stack lives")
    given = parser.parse_args()
    folder: Path = given.folder.resolve()
    stack = running(folder)
    if given.command == "down":
        if stack:
            stack.stop()
        print("stopped" if stack else "nothing was running")
        return 0
    if stack is None:
        try:
            stack = up(lambda step: print(f"  {step}", flush=True), folder=folder)
            stack.load_numbers().raise_for_status()
        except StackError as error:
            print(error, file=sys.stderr)
            return 1
    print(describe(stack))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
