"""How long a function takes from a fresh interpreter until it could serve, against a bare minimum.

    python benchmarks/cold_start.py [callbacks] [bindings] [bills] [--runs 15] [--json]

The base is what every function of this kind pays: boto3 with a DynamoDB client, Powertools Logger, Metrics.
A function is measured as Lambda starts it: `functions` and the layer on the path, its `app` imported, then
the AWS clients of a first request made and the cipher of a first number loaded. Nothing is sent anywhere.
Each run is a fresh interpreter, the targets take turns, the median counts. Exit code 1 when a budget is
exceeded.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAYER = ROOT / "layers" / "privatenumber"

#: Multiples of the base that a function may take at most.
BUDGETS = {"callbacks": 1.35, "bindings": 1.80, "bills": 1.80}

_START = "import sys, time; began = time.perf_counter()"
_STOP = "print(time.perf_counter() - began)"
_BASE = f"""
{_START}
import boto3
from botocore.config import Config
boto3.client("dynamodb", config=Config(connect_timeout=1, retries={{"mode": "standard"}}))
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics
Logger(service="base"); Metrics(namespace="base", service="base")
{_STOP}
"""
_FUNCTION = f"""
{_START}
import %s.app
from privatenumber.privacy import Keyring, seal
from privatenumber.store import clients
clients.dynamodb(); clients.kms(); clients.secrets()
seal(Keyring(b"t" * 32, {{"k": b"d" * 32}}, "k"), b"number", context="benchmark")
{_STOP}
"""


@dataclass(frozen=True, slots=True)
class Result:
    """One target: median and spread in milliseconds, ratio to the base, the ratio it may have."""

    name: str
    median_ms: float
    best_ms: float
    worst_ms: float
    ratio: float
    budget: float | None

    @property
    def passed(self) -> bool:
        """Whether the target keeps its budget; the base has none."""
        return self.budget is None or self.ratio <= self.budget


def measure(functions: list[str], runs: int) -> list[Result]:
    """Measure base and functions, `runs` fresh interpreters each, in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in ("base", *functions)}
    for name in seconds:
        _run(name)  # writes the byte code, which a deployed package brings along
    for _ in range(runs):
        for name, values in seconds.items():
            values.append(_run(name))
    base = statistics.median(seconds["base"])
    return [
        Result(
            name,
            median_ms=round(statistics.median(values) * 1000, 1),
            best_ms=round(min(values) * 1000, 1),
            worst_ms=round(max(values) * 1000, 1),
            ratio=round(statistics.median(values) / base, 3),
            budget=BUDGETS.get(name),
        )
        for name, values in seconds.items()
    ]


def main() -> int:
    """Measure and print; 1 when a budget is exceeded."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("functions", nargs="*", metavar="function", help=" or ".join(BUDGETS))
    options.add_argument("--runs", type=int, default=15, help="fresh interpreters per target")
    options.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = options.parse_args()
    unknown = set(chosen.functions) - set(BUDGETS)
    if unknown:
        options.error(f"no budget for {', '.join(sorted(unknown))}")
    results = measure(chosen.functions or list(BUDGETS), chosen.runs)
    passed = all(result.passed for result in results)
    if chosen.json:
        rows = [{**asdict(result), "passed": result.passed} for result in results]
        print(json.dumps({"runs": chosen.runs, "passed": passed, "results": rows}))
    else:
        print(f"cold start, median of {chosen.runs} fresh interpreters (Python {sys.version.split()[0]})")
        for result in results:
            print(_line(result))
    return 0 if passed else 1


def _line(result: Result) -> str:
    figures = f"{result.name:<10} {result.median_ms:7.1f} ms  ({result.best_ms:.1f} to {result.worst_ms:.1f})"
    if result.budget is None:
        return figures
    verdict = "PASS" if result.passed else "FAIL"
    return f"{figures}  ratio {result.ratio:.2f}, at most {result.budget:.2f}: {verdict}"


def _run(name: str) -> float:
    """Seconds that one fresh interpreter took."""
    path = [str(LAYER)] if name == "base" else [str(ROOT / "functions"), str(LAYER)]
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "POWERTOOLS_"))},
        "PYTHONPATH": os.pathsep.join(path),
        "AWS_DEFAULT_REGION": "cn-north-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    program = _BASE if name == "base" else _FUNCTION % name
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{name} does not start:\n{done.stderr}")
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    sys.exit(main())
