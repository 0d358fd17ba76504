"""The suite itself, pointed by its environment at a platform it did not start and does not control.

A separate emulator on a real clock stands for the account.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders.contract_account import emulated_credentials
from builders.emulator import RunningEmulator, running_emulator

ROOT = Path(__file__).parents[2]
PART = "tests/contract/protocol/test_axb_bind.py"


@pytest.fixture
def account_elsewhere() -> Iterator[RunningEmulator]:
    """A platform with an AXB application, and another one's number."""
    with running_emulator(clock="real", ready=False) as running:
        for other in (False, True):
            app = emulated_credentials("AXB", other=other)
            running.admin.application(app.app_key, secret=app.secret)
            running.admin.numbers(*app.numbers, app_key=app.app_key)
        yield running


def run(account: RunningEmulator, **environment: str) -> subprocess.CompletedProcess[str]:
    app = emulated_credentials("AXB")
    names = {
        "PN_CONTRACT_URL": account.address,
        "PN_CONTRACT_TPS": "0",
        "PN_CONTRACT_AXB_KEY": app.app_key,
        "PN_CONTRACT_AXB_SECRET": app.secret,
        "PN_CONTRACT_AXB_NUMBERS": ",".join(app.numbers),
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", PART, "tests/contract/test_auth.py", "-q", "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, **names, **environment},
    )


def bindings_of(done: subprocess.CompletedProcess[str]) -> tuple[int, int, int]:
    """Passed, failed and skipped of the line about AXB bindings, at the very end of the output."""
    lines = done.stdout[done.stdout.index("contract against") :].splitlines()
    [line] = [line for line in lines if re.match(r"AXB +bindings", line)]
    passed, failed, skipped = (int(number) for number in line.split()[-3:])
    return passed, failed, skipped


def test_it_asks_the_account_and_leaves_it_as_it_was(account_elsewhere: RunningEmulator) -> None:
    done = run(account_elsewhere)
    passed, failed, skipped = bindings_of(done)
    assert done.returncode == 0, done.stdout
    assert (passed > 20, failed, skipped > 10) == (True, 0, True)
    assert account_elsewhere.admin.bindings() == []
    assert account_elsewhere.admin.counts()["axb.bind"]["0"] > 20
    assert "deselected" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("total")


def test_what_wipes_a_number_is_opt_in(account_elsewhere: RunningEmulator) -> None:
    (kept, _, _), (more, _, _) = (
        bindings_of(run(account_elsewhere, **environment))
        for environment in ({}, {"PN_CONTRACT_DESTRUCTIVE": "1"})
    )
    assert more - kept == 2


def test_a_failure_is_counted(account_elsewhere: RunningEmulator) -> None:
    done = run(account_elsewhere, PN_CONTRACT_AXB_SECRET="wrong")
    passed, failed, _ = bindings_of(done)
    assert (done.returncode, passed, failed > 20) == (1, 0, True)
