"""One run of a plan, from an empty DynamoDB Local to the written report."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builders.dynamodb import running_dynamodb_local
from storm.plan import Plan


def play(plan: Plan, folder: Path, dynamodb: str | None = None) -> bool:
    """Play a plan in this process and write plan and report into a folder; whether all verdicts hold.

    Once in the life of a process: its clocks are turned for good. ``dynamodb``: the address of a DynamoDB
    Local to use instead of one of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(plan.to_json(), encoding="utf-8")
    with _tables(dynamodb) as endpoint:
        # These import the layer, whose clocks `compose` has to turn first.
        from storm.judging import judge
        from storm.report import report_of, write_report
        from storm.world import compose

        world = compose(plan, endpoint)
        # What is there now stays, and a storm makes few cycles: looking for them takes a third of its time.
        gc.freeze()
        gc.set_threshold(200_000, 50, 50)
        for fault in plan.faults if len(plan.faults) <= _SHOWN else ():
            world.say(str(fault))
        asyncio.run(world.run())
        report = report_of(world, judge(world))
    write_report(report, folder)
    world.say(report.text(brief=True))
    world.say(f"report: {folder / 'report.html'}")
    return report.holds


_SHOWN = 40


@contextmanager
def _tables(given: str | None) -> Iterator[str]:
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory() as logs, running_dynamodb_local(Path(logs)) as endpoint:
        yield endpoint


def played_apart(plan: Plan, folder: Path) -> frozenset[str]:
    """Play a plan in a process of its own; the names of the verdicts that something breaks.

    One that had nothing to look at is not true, and still no failure that could be followed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "given.json").write_text(plan.to_json(), encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "-m", "storm"]
    command += ["--plan", str(folder / "given.json"), "--out", str(folder)]
    subprocess.run(  # noqa: S603 - our own module
        command, env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, check=False
    )
    found = folder / f"seed-{plan.seed}-orders-{len(plan.numbers)}" / "breached.json"
    if not found.exists():
        return frozenset({"crashed"})
    breached: list[str] = json.loads(found.read_text(encoding="utf-8"))
    found.unlink()
    return frozenset(breached)
