"""One stack for all end-to-end tests: deployed once and shared; its logs are kept when a test failed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builders.deployed import TENANTS, Company, kill_function
from builders.played import Played, play_demo
from local.billing_acts import platforms_start
from local.deploy import ROOT
from local.stack import Stack, logs, up
from local.tenant import APPLICATION, application_secret
from privatenumber.times import utc_now

HERE = Path(__file__).parent
KEPT = ROOT / ".local" / "e2e-logs"
FIRST, LAST = "test_demo.py", "test_privacy.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The demo wants a fresh stack, so it comes first; what reads everything comes last."""
    mine = [item for item in items if item.path.is_relative_to(HERE)]
    for item in mine:
        item.add_marker("e2e")
    others = [item for item in items if not item.path.is_relative_to(HERE)]
    items[:] = others + sorted(mine, key=lambda item: (item.path.name != FIRST, item.path.name == LAST))


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The deployed stack, as `make up` and the demo begin with it."""
    folder = tmp_path_factory.mktemp("stack")
    begun = up(lambda step: None, folder=folder, platform_starts=platforms_start(utc_now()))
    try:
        yield begun
    finally:
        begun.stop()
        if request.session.testsfailed:
            shutil.copytree(logs(folder), KEPT, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def played(stack: Stack) -> Played:
    """The demo, played once on the fresh stack."""
    return play_demo(stack)


NewCompany = Callable[[], Company]


@pytest.fixture(scope="session")
def new_company(stack: Stack) -> NewCompany:
    """Opens tenants, each with three X numbers of its own, so that tests on the one stack do not meet."""
    secret = json.dumps(application_secret(stack.platform_url, APPLICATION, *TENANTS))
    stack.aws.client("secretsmanager").put_secret_value(
        SecretId=stack.outputs["ApplicationsSecret"], SecretString=secret
    )
    for function in ("Bindings", "Callbacks", "UnbindWorker", "RecordingsWorker"):
        # A running one would go on for five minutes with the applications that it has read.
        kill_function(stack, f"{function}FunctionName")
    free = iter(TENANTS)
    return lambda: Company(stack, next(free)).open()


@pytest.fixture(scope="module")
def company(new_company: NewCompany) -> Company:
    """A tenant for the tests of one module."""
    return new_company()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say where the logs of a failed run are."""
    failed = [*terminalreporter.stats.get("failed", []), *terminalreporter.stats.get("error", [])]
    if any("tests/e2e" in report.nodeid for report in failed):
        terminalreporter.write_line(f"logs of the stack and its functions: {KEPT}")
