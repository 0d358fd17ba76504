"""`python -m storm --seed 1 --orders 2000`: play a storm, judge it, write the report.

`--plan FILE` replays the plan of a report; `--minimise` makes a failing one short.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path

from storm.minimise import minimise
from storm.plan import Plan, make_plan
from storm.run import play, played_apart, report_folder

REPORTS = Path(".local/storm")


def main(arguments: list[str] | None = None) -> int:
    """Play what was asked for; 0 when every judgement is true."""
    given = _arguments().parse_args(arguments)
    if given.plan:
        plan = Plan.from_json(Path(given.plan).read_text(encoding="utf-8"))
    else:
        plan = make_plan(given.seed, given.orders)
    folder = report_folder(plan, Path(given.out))
    if given.minimise:
        return _shorten(plan, folder, given.runs)
    return 0 if play(plan, folder, given.dynamodb) else 1


def _shorten(plan: Plan, folder: Path, runs: int) -> int:
    """Make a failing plan short: `minimal.json`, and the report of its run in `minimal/`. 1: it is broken."""
    tried = folder / "tried"

    def keep(shorter: Plan) -> None:
        (folder / "minimal.json").write_text(shorter.to_json(), encoding="utf-8")
        shutil.copytree(report_folder(shorter, tried), folder / "minimal", dirs_exist_ok=True)

    tried.mkdir(parents=True, exist_ok=True)
    try:
        small = minimise(plan, lambda one: played_apart(one, tried), say=_say, keep=keep, most=runs)
    except ValueError as nothing:
        _say(str(nothing))
        return 0
    keep(small)
    _say(f"{small.played_days:.1f} days, {len(small.faults)} faults, {len(small.numbers)} orders break it.")
    _say(f"report: {folder / 'minimal' / 'report.html'}")
    _say(f"play it again: make storm PLAN={folder / 'minimal.json'}")
    return 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="storm", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--plan", help="a plan to play again, instead of seed and orders")
    parser.add_argument("--out", default=str(REPORTS), help="where reports go")
    parser.add_argument("--dynamodb", help="the address of a DynamoDB Local that runs already")
    parser.add_argument("--minimise", action="store_true", help="make a failing plan short")
    parser.add_argument("--runs", type=int, default=60, help="most runs of a minimisation")
    return parser


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of texts are walked in an order that depends on it, and a run is to be repeatable.
        command = [sys.executable, "-W", "ignore", "-m", "storm", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606
    # Who is told to end has to end DynamoDB Local, too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))
    raise SystemExit(main())
