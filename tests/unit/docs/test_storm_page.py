"""docs/storm.md names every kind of fault and every judgement there is."""

from __future__ import annotations

import re
from pathlib import Path

from builders.events import ROOT
from storm.plan import make_plan

PAGE = (ROOT / "docs" / "storm.md").read_text(encoding="utf-8")
VERDICT = re.compile(r'Verdict\(\s*"([a-z]+)",')


def test_every_kind_of_fault_is_told() -> None:
    kinds = {fault.kind for fault in make_plan(1, 1).faults}
    rows = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`([a-z0-9_.]+)`", row)}
    assert {kind.split(".")[1] for kind in kinds} <= {name.split(".")[-1] for name in told}


def test_every_judgement_is_told() -> None:
    sources: list[Path] = [*(ROOT / "storm" / "judges").glob("*.py"), ROOT / "storm" / "judging.py"]
    names = {name for path in sources for name in VERDICT.findall(path.read_text(encoding="utf-8"))}
    assert len(names) == 22
    assert all(f"| `{name}` |" in PAGE for name in names)
