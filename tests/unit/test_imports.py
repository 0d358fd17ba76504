"""What a function must not import: it costs every cold start, or is another room's (anchors.md §2).

The budgets themselves are measured by benchmarks/cold_start.py; this list says at once who broke them.
"""

import json
import os
import subprocess
import sys

import pytest

from builders.events import ROOT

#: Import time of each: 50 to 300 ms, or test tools that must never be deployed.
HEAVY = (
    "aws_xray_sdk",
    "aws_lambda_powertools.event_handler",
    "requests",
    "httpx",
    "moto",
    "starlette",
)
OURS = ("emulator", "local", "cli")

DENIED: dict[str, tuple[str, ...]] = {
    "callbacks": (
        "pydantic",
        "aws_lambda_powertools.utilities.batch",
        "aws_lambda_powertools.utilities.idempotency",
        "aws_lambda_powertools.utilities.parser",
        "privatenumber.bindings",
        "privatenumber.billing",
        "privatenumber.codes",
        "privatenumber.platform.axb",
        "privatenumber.platform.client",
        "privatenumber.platform.transport",
        "privatenumber.store.bindings",
        "privatenumber.store.closes",
        "privatenumber.store.numbers",
        "privatenumber.store.queue",
        "privatenumber.store.statements",
    ),
    "bindings": (
        "privatenumber.calls",
        "privatenumber.billing",
        "privatenumber.platform.pushes",
        # An application has one mode: its models are loaded at its first request, the others never.
        "privatenumber.bindings.gateways",
        "privatenumber.platform.ax",
        "privatenumber.platform.ax_calls",
        "privatenumber.platform.axb",
        "privatenumber.platform.axb_calls",
        "privatenumber.platform.axe",
        "privatenumber.platform.axe_calls",
        "privatenumber.platform.axyb",
        "privatenumber.platform.axyb_calls",
        "privatenumber.platform.session_calls",
    ),
    "jobs": ("privatenumber.calls", "privatenumber.billing", "privatenumber.platform.pushes"),
    "unbind": ("privatenumber.calls", "privatenumber.billing", "privatenumber.platform.pushes"),
    "recordings": (
        "pydantic",
        "privatenumber.bindings",
        "privatenumber.billing",
        "privatenumber.calls",
        "privatenumber.platform.client",
        "privatenumber.platform.pushes",
    ),
    "webhooks": (
        "pydantic",
        "privatenumber.bindings",
        "privatenumber.billing",
        "privatenumber.calls",
        "privatenumber.platform",
        "privatenumber.recordings",
    ),
    "reports": (
        "pydantic",
        "cryptography",
        "privatenumber.bindings",
        "privatenumber.billing",
        "privatenumber.platform",
        "privatenumber.recordings",
        "privatenumber.calls.facts",
        "privatenumber.calls.diagnosis.diagnose",
    ),
    "erasure": (
        "pydantic",
        "privatenumber.bindings",
        "privatenumber.billing",
        "privatenumber.calls",
        "privatenumber.platform.client",
        "privatenumber.platform.pushes",
        "privatenumber.recordings",
        "privatenumber.webhooks",
    ),
    "audit": (
        "pydantic",
        "cryptography",
        "privatenumber.calls",
        "privatenumber.billing",
        "privatenumber.bindings.engine",
        "privatenumber.platform.client",
        "privatenumber.recordings",
        "privatenumber.store.bindings",
    ),
    # Files are made, months rated and plans told by what is loaded when somebody asks for one.
    "bills": (
        "pydantic",
        "cryptography",
        "jinja2",
        "reportlab",
        "xlsxwriter",
        "privatenumber.bindings",
        "privatenumber.billing.closing",
        "privatenumber.billing.ledger",
        "privatenumber.billing.outputs.formats",
        "privatenumber.billing.planning",
        "privatenumber.billing.rating",
        "privatenumber.billing.reconciliation.run",
        "privatenumber.calls",
        "privatenumber.platform",
    ),
    # Every hour it rates and sweeps; what only one action needs is loaded by that.
    "billing": (
        "sqlite3",
        "privatenumber.billing.disputes",
        "privatenumber.billing.planning",
        "privatenumber.billing.reconciliation",
        "privatenumber.calls",
        "privatenumber.bindings",
        "privatenumber.platform.client",
    ),
}

_PROGRAM = "import json, sys, %s.app; print(json.dumps(sorted(sys.modules)))"


def modules_of(function: str) -> list[str]:
    """Modules that are loaded once a function's `app` is imported as Lambda imports it."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("functions", "layers/privatenumber"))
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM % function],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "AWS_DEFAULT_REGION": "cn-north-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded: list[str] = json.loads(done.stdout.splitlines()[-1])
    return loaded


@pytest.mark.parametrize("function", DENIED)
def test_a_function_imports_nothing_that_it_does_not_need(function: str) -> None:
    denied = (*DENIED[function], *HEAVY, *OURS)
    assert [
        module
        for module in modules_of(function)
        if any(module == name or module.startswith(f"{name}.") for name in denied)
    ] == []


def test_the_callbacks_function_loads_the_cipher_only_when_it_seals() -> None:
    """A refused stranger costs no cipher."""
    assert "cryptography.hazmat.primitives.ciphers.aead" not in modules_of("callbacks")
