"""One run of a plan, from an empty DynamoDB Local to the written report."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from builders.dynamodb import ROOT, running_dynamodb_local
from storm.plan import Plan


def play(plan: Plan, folder: Path, dynamodb: str | None = None) -> bool:
    """Play a plan in this process and write plan and report into a folder; whether all verdicts hold.

    Once in the life of a process: its clocks are turned for good. ``dynamodb``: the address of a DynamoDB
    Local to use instead of one of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(plan.to_json(), encoding="utf-8")
    with tables_at(dynamodb, for_long=len(plan.numbers) >= _MANY) as endpoint:
        # These import the layer, whose clocks `compose` has to turn first.
        from storm.composition import compose
        from storm.judging import judge
        from storm.report import report_of, write_report

        world = compose(plan, endpoint)
        # What is there now stays, and a storm makes few cycles: looking for them takes a third of its time.
        gc.freeze()
        gc.set_threshold(200_000, 50, 50)
        for fault in plan.faults if len(plan.faults) <= _SHOWN else ():
            world.say(str(fault))
        asyncio.run(world.run())
        report = report_of(world, judge(world), folder)
    write_report(report, folder)
    world.say(report.text(brief=True))
    world.say(f"report: {folder / 'report.html'}")
    return report.holds


_SHOWN: Final = 40
_MANY: Final = 1000
_LIMIT_S: Final = 3600


@contextmanager
def tables_at(given: str | None, *, for_long: bool = False) -> Iterator[str]:
    """The address of a DynamoDB Local: the given one, or one of its own."""
    if given:
        yield given
        return
    with (
        tempfile.TemporaryDirectory() as logs,
        running_dynamodb_local(Path(logs), for_long=for_long) as endpoint,
    ):
        yield endpoint


def played_apart(plan: Plan, folder: Path, root: Path = ROOT) -> list[str]:
    """Play a plan in a process of its own, with the sources at `root`; the names of the verdicts that break.

    One that had nothing to look at is not true, and still no failure that could be followed. Raises
    RuntimeError with what it said when it came to no verdict.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "given.json").write_text(plan.to_json(), encoding="utf-8")
    found = report_folder(plan, folder) / "breached.json"
    found.unlink(missing_ok=True)
    command = [sys.executable, "-W", "ignore", "-m", "storm"]
    command += ["--plan", str(folder / "given.json"), "--out", str(folder)]
    ran = run_at(root, command)
    if not found.exists():
        raise RuntimeError(f"the storm was not judged: {ran.stderr[-2000:]}")
    breached: list[str] = json.loads(found.read_text(encoding="utf-8"))
    return breached


def report_folder(plan: Plan, out: Path) -> Path:
    """Where the report of a plan stands."""
    return out / f"seed-{plan.seed}-orders-{len(plan.numbers)}"


def run_at(root: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command with the sources at a place. Raises TimeoutExpired after an hour."""
    paths = os.pathsep.join(str(root / each) for each in ("layers/privatenumber", ".", "tests"))
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(  # noqa: S603 - our own modules and tests
        command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=_LIMIT_S
    )
