"""A short storm: both halves, nearly every kind of fault, and every judgement true (`make storm`).

Every kind is in its plan; in so short a storm some find nothing to act on. With this seed few do not.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from builders.dynamodb import ROOT
from storm.plan import Plan, make_plan

SEED = 201
pytestmark = pytest.mark.dynamodb_local
PATHS = os.pathsep.join(str(ROOT / each) for each in ("layers/privatenumber", ".", "tests"))


def played(plan: Plan, folder: Path, dynamodb: str) -> subprocess.CompletedProcess[str]:
    """Play a plan in a process of its own, whose clocks are turned for good."""
    given = folder / "given.json"
    given.write_text(plan.to_json(), encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "-m", "storm", "--plan", str(given), "--out", str(folder)]
    command += ["--dynamodb", dynamodb]
    environment = {**os.environ, "PYTHONPATH": PATHS, "PYTHONHASHSEED": "0"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def test_a_short_storm_ends_with_every_judgement_true(dynamodb_local: str, tmp_path: Path) -> None:
    plan = make_plan(SEED, 12)
    run = played(plan, tmp_path, dynamodb_local)
    folder = tmp_path / f"seed-{SEED}-orders-{len(plan.numbers)}"
    assert run.returncode == 0, run.stdout + run.stderr
    verdicts = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    assert len(verdicts) == 22
    assert set(verdicts.values()) <= {"true", "not judged"}
    assert Plan.from_json((folder / "plan.json").read_text(encoding="utf-8")) == plan
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<tr class='true'>") == list(verdicts.values()).count("true") >= 19
    kinds = {fault.kind for fault in plan.faults}
    struck = re.search(
        rf"planned {len(kinds)}, struck (\d+)", (folder / "report.txt").read_text(encoding="utf-8")
    )
    assert struck
    assert int(struck[1]) >= 30
