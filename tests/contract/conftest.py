"""The platform under test, and at the end a list of what passed, mode by mode."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from builders.contract import MODES, Subject
from builders.contract_account import (
    Account,
    Control,
    EmulatedAccount,
    platform_under_test,
    subject_of,
)
from builders.emulator import RunningEmulator, running_emulator
from builders.platform_requests import EmulatedApi

REAL = os.environ.get("PN_CONTRACT_URL")
COMMON = "every"
OUTCOMES = ("passed", "failed", "skipped")


# Where a test runs, and for which mode


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "contract(group, mode=None): a line of the list of what passed; the mode is that of a test's"
        " parameter `mode` or `api`, else of its name (test_axb_...), else the marker's",
    )
    config.addinivalue_line("markers", "destructive: wipes a number or may lock the address; opt-in")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note the line a test belongs to; with a real account keep only what asks the platform itself."""
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        marker = item.get_closest_marker("contract")
        if marker is not None:
            item.user_properties.append(("contract", f"{_mode_of(item, marker)}|{marker.args[0]}"))
        ours = item.path.is_relative_to(config.rootpath / "tests" / "contract")
        asks_the_account = "account" in getattr(item, "fixturenames", ())
        (dropped if REAL and ours and not asks_the_account else kept).append(item)
        if REAL and asks_the_account:
            item.add_marker(pytest.mark.allow_hosts([urlsplit(REAL).hostname]), append=False)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def _mode_of(item: pytest.Item, marker: pytest.Mark) -> str:
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    for name in ("mode", "api"):
        mode = str(params.get(name, "")).partition(".")[0].upper()
        if mode in MODES:
            return mode
    named = item.name.split("_")[1].upper()
    return named if named in MODES else str(marker.kwargs.get("mode", COMMON))


def pytest_unconfigure(config: pytest.Config) -> None:
    """List per mode and group how many tests passed, failed and were skipped: the last thing said."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    counts = _counted(reporter.stats) if reporter is not None else {}
    if not counts:
        return
    reporter.section(f"contract against {REAL or 'the emulator'}")
    width = max(len(group) for _, group in counts)
    reporter.write_line(f"{'mode':<6} {'group':<{width}} {'passed':>7} {'failed':>7} {'skipped':>8}")
    order = {mode: place for place, mode in enumerate((*MODES, COMMON))}
    lines = sorted(counts.items(), key=lambda line: (order[line[0][0]], line[0][1]))
    total: Counter[str] = sum((found for _, found in lines), Counter())
    for (mode, group), found in (*lines, (("total", ""), total)):
        passed, failed, skipped = (found[outcome] for outcome in OUTCOMES)
        reporter.write_line(f"{mode:<6} {group:<{width}} {passed:>7} {failed:>7} {skipped:>8}")


def _counted(stats: dict[str, list[Any]]) -> dict[tuple[str, str], Counter[str]]:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for outcome in (*OUTCOMES, "error"):
        for report in stats.get(outcome, []):
            line = dict(getattr(report, "user_properties", [])).get("contract")
            if line is not None and (outcome != "passed" or report.when == "call"):
                mode, _, group = line.partition("|")
                counts.setdefault((mode, group), Counter())[outcome.replace("error", "failed")] += 1
    return counts


# The platform under test


@pytest.fixture(scope="session")
def platform() -> Iterator[Account]:
    """The emulator or the account that the whole session asks."""
    with platform_under_test(os.environ) as account:
        yield account


@pytest.fixture
def account(request: pytest.FixtureRequest, platform: Account) -> Iterator[Account]:
    """The platform, left as it was found."""
    if request.node.get_closest_marker("destructive") and not platform.destructive:
        pytest.skip("destructive: set PN_CONTRACT_DESTRUCTIVE=1 to run it against a real account")
    yield platform
    platform.tidy()
    if isinstance(platform, EmulatedAccount):
        assert platform.running.emulator.scheduler.failures == []


@pytest.fixture
def control(account: Account) -> Control:
    """The emulator's console, clock and faults; a real account has none of them."""
    if not isinstance(account, EmulatedAccount):
        pytest.skip("needs the emulator's console, clock or faults")
    return Control(account)


@pytest.fixture
def ax(account: Account) -> Subject:
    return subject_of(account, "AX")


@pytest.fixture
def axb(account: Account) -> Subject:
    return subject_of(account, "AXB")


@pytest.fixture
def axe(account: Account) -> Subject:
    return subject_of(account, "AXE")


@pytest.fixture
def axyb(account: Account) -> Subject:
    return subject_of(account, "AXYB")


@pytest.fixture
def x_mode(account: Account) -> Subject:
    return subject_of(account, "X")


@pytest.fixture
def subject(request: pytest.FixtureRequest, account: Account) -> Subject:
    """The application of the mode that the test's parameter `mode` or `api` names."""
    params = request.node.callspec.params
    return subject_of(account, params.get("mode") or params["api"].partition(".")[0].upper())


@pytest.fixture
def foreign(subject: Subject) -> str:
    """A number of another application."""
    if subject.credentials.foreign is None:
        pytest.skip(f"no number of another application: set PN_CONTRACT_{subject.mode}_FOREIGN")
    return subject.credentials.foreign


# Emulators of a test's own


@pytest.fixture
def emulator() -> Iterator[RunningEmulator]:
    """An emulator on a virtual clock with one AXB application and three numbers, over real HTTP."""
    with running_emulator() as running:
        yield running


@pytest.fixture
def build() -> Iterator[Callable[..., EmulatedApi]]:
    """Builds emulators inside this process under given settings, and closes them."""
    built: list[EmulatedApi] = []

    def make(**settings: Any) -> EmulatedApi:
        built.append(EmulatedApi(**settings))
        return built[-1]

    yield make
    for api in built:
        api.close()


@pytest.fixture
def api(build: Callable[..., EmulatedApi]) -> EmulatedApi:
    """An emulator inside this process with the default settings."""
    return build()
