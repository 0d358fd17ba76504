"""`make up` and `make down` as a person uses them, while another stack is running.

Issue: "`make up` leaves the stack running and prints every address and a few `curl`/`aws` lines to play with;
`make down` stops it."
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from builders.deployed import processes
from local.deploy import ROOT
from local.processes import wait_until
from local.stack import Stack

LIMIT_S = 90


def run(command: str, folder: Path) -> str:
    """`python -m local.stack`, as the Makefile starts it."""
    done = subprocess.run(
        [sys.executable, "-m", "local.stack", command, "--folder", str(folder)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": "layers/privatenumber"},
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, stack: Stack) -> Iterator[Path]:
    """Where the second stack lives; the first one goes on beside it."""
    place = tmp_path_factory.mktemp("up")
    yield place
    run("down", place)


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    """What `up` says."""
    return run("up", folder)


def kept(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((folder / "stack.json").read_text())
    return state


def test_up_prints_every_address(printed: str, folder: Path) -> None:
    """Issue: "prints every address"; each is on loopback and answers."""
    state = kept(folder)
    named = {
        "our API": f"{state['aws_endpoint']}/_aws/execute-api/{state['outputs']['ApiId']}/$default",
        "the platform (emulator)": state["platform_url"],
        "its control plane": f"{state['platform_url']}/__emu/health",
        "AWS (MiniStack)": state["aws_endpoint"],
    }
    for name, address in named.items():
        assert re.search(rf"{re.escape(name)} +{re.escape(address)}\n", printed)
        assert address.startswith("http://127.0.0.1:")
    assert httpx.get(named["its control plane"]).is_success
    assert all(f"  {name} " in printed for name in state["outputs"])


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_printed_curl_lines_work_as_they_stand(printed: str) -> None:
    """Issue: "a few `curl`/`aws` lines to play with": inventory, bind, call, deliveries, in this order."""
    options = subprocess.run(["curl", "--help", "all"], capture_output=True, text=True, check=False).stdout
    if "--aws-sigv4" not in options:
        pytest.skip("curl is too old to sign requests")
    lines = [line.strip() for line in printed.splitlines() if line.strip().startswith("curl ")]
    answers = [paste(line.replace("curl ", "curl -sS --fail-with-body ", 1)) for line in lines]
    numbers, binding, call, deliveries = (json.loads(answer) for answer in answers)
    assert len(numbers["numbers"]) == 3
    assert binding["state"] == "ACTIVE"
    assert call["talk_seconds"] == 95
    assert {push["state"] for push in deliveries["deliveries"]} == {"delivered"}


@pytest.mark.skipif(shutil.which("aws") is None, reason="no AWS command line here")
def test_the_printed_aws_lines_work_as_they_stand(printed: str) -> None:
    """Issue: "a few `curl`/`aws` lines to play with": count of the bills, a sweep."""
    lines = [line.strip() for line in printed.splitlines() if line.strip().startswith("aws ")]
    assert len(lines) == 2
    count, sweep = (paste(line) for line in lines)
    assert json.loads(count)["Count"] >= 0
    assert '"sent"' in sweep


def paste(line: str) -> str:
    """Run a line in a shell, as it is pasted."""
    env = {**os.environ, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    done = subprocess.run(line, shell=True, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_a_second_up_finds_the_stack_running(printed: str, folder: Path) -> None:
    """A person forgets what runs: the addresses are printed again, nothing is started."""
    before = kept(folder)
    again = run("up", folder)
    assert again.strip() == printed[printed.index("The stack is up.") :].strip()
    assert kept(folder) == before


def test_down_leaves_nothing_and_the_other_stack_alone(printed: str, folder: Path, stack: Stack) -> None:
    """Issue: "`make down` stops it"; a second time there is nothing to stop."""
    state = kept(folder)
    # Processes of functions run below the folder; the two servers are known by their ids.
    assert processes(str(folder))
    assert run("down", folder).strip() == "stopped"
    assert wait_until(lambda: not processes(str(folder)), 5)
    for child in ("ministack", "emulator"):
        assert not runs(state[child]["pid"])
    assert sorted(path.name for path in folder.iterdir()) == ["logs"]

    assert run("down", folder).strip() == "nothing was running"

    assert httpx.get(f"{stack.platform_url}/__emu/health").is_success
    assert stack.aws.client("sqs").list_queues()["QueueUrls"]


def runs(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not collected does not."""
    return pid in processes("")
