"""How long a forecast of a pool takes, and how near it comes to its bounds.

    python benchmarks/pool_forecast.py [--bindings 1000 10000] [--json]

Replays made-up weeks: drivers with several orders at a time, passengers with one, in modes AXB and AX.
Exit code 1 when a forecast takes longer than an HTTP request may.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from privatenumber.bindings.forecast import Past, forecast
from privatenumber.bindings.rules import AXB_PAIRS

LONGEST_S = 15.0
WEEK_MINUTES = 7 * 1440
CASES = (("AXB", AXB_PAIRS, 0.0), ("AXB", AXB_PAIRS, 0.01), ("AX", 1, 0.0), ("AX", 1, 0.01))


@dataclass(frozen=True, slots=True)
class Run:
    """One forecast and its time."""

    mode: str
    refusals: float
    bindings: int
    least: int
    numbers: int
    most: int
    seconds: float


def week(bindings: int, *, alone: bool, seed: int = 1) -> list[Past]:
    """Orders of 30 to 90 minutes over a week, a tenth as many drivers."""
    chance = random.Random(seed)  # noqa: S311 - a made-up week
    start = datetime(2026, 9, 1, tzinfo=UTC)
    found = []
    for n in range(bindings):
        begins = start + timedelta(minutes=chance.randrange(WEEK_MINUTES))
        driver = f"driver-{chance.randrange(max(1, bindings // 10))}"
        people = (driver,) if alone else (driver, f"passenger-{n}")
        found.append(Past("0755", begins, begins + timedelta(minutes=chance.randint(30, 90)), people))
    return found


def measure(mode: str, capacity: int, refusals: float, bindings: int) -> Run:
    """Forecast one week."""
    history = week(bindings, alone=capacity == 1)
    begun = time.perf_counter()
    told = forecast(history, capacity=capacity, refusals=refusals)["0755"]
    took = round(time.perf_counter() - begun, 2)
    return Run(mode, refusals, bindings, told.least, told.numbers, told.most, took)


def main() -> int:
    """Print a line per forecast."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bindings", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    runs = [measure(*case, bindings) for bindings in options.bindings for case in CASES]
    if options.json:
        print(json.dumps([asdict(run) for run in runs]))
    else:
        print(f"{'mode':5}{'refusals':>9}{'bindings':>9}{'least':>7}{'numbers':>9}{'most':>6}{'seconds':>9}")
        for run in runs:
            print(
                f"{run.mode:5}{run.refusals:9.0%}{run.bindings:9}{run.least:7}"
                f"{run.numbers:9}{run.most:6}{run.seconds:9.2f}"
            )
    return int(any(run.seconds > LONGEST_S for run in runs))


if __name__ == "__main__":
    sys.exit(main())
