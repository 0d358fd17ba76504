"""Who may import whom, where import-linter does not look: functions are no packages of it (design.md §2)."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders.events import ROOT

FUNCTIONS = ROOT / "functions"
ROOMS = sorted(path.name for path in FUNCTIONS.iterdir() if (path / "app.py").exists())
LAYER = {"aws_lambda_powertools", "cryptography", "pydantic", "pydantic_core"}
RUNTIME = {"boto3", "botocore", "urllib3"}
DOCUMENTS = {"jinja2", "reportlab", "xlsxwriter"}
"""What the documents layer brings, to the one function that hands bills out; others never load that room."""
OUTPUTS = ROOT / "layers" / "privatenumber" / "privatenumber" / "billing" / "outputs"


def imported(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every module that the sources of a folder import by its full name."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield path, node.module or ""


@pytest.mark.parametrize("room", ROOMS)
def test_a_function_imports_the_layer_and_what_the_layer_brings(room: str) -> None:
    """No boto3 (that is store's), no emulator, no other function."""
    allowed = {"privatenumber"} | LAYER | sys.stdlib_module_names
    for path, module in imported(FUNCTIONS / room):
        assert module.split(".")[0] in allowed, f"{path.relative_to(ROOT)} imports {module}"


def test_every_room_has_a_function() -> None:
    assert ROOMS == [
        "audit",
        "billing",
        "bills",
        "bindings",
        "callbacks",
        "calls",
        "erasure",
        "jobs",
        "recordings",
        "reports",
        "unbind",
        "webhooks",
    ]


def test_the_layer_imports_nothing_that_lambda_or_its_requirements_do_not_bring() -> None:
    brought = {"privatenumber"} | LAYER | RUNTIME | sys.stdlib_module_names
    for path, module in imported(ROOT / "layers"):
        if path.parent == OUTPUTS and module.split(".")[0] in DOCUMENTS:
            continue
        stubs = module.startswith("mypy_boto3_")  # for the type checker only; the packaged check would tell
        assert stubs or module.split(".")[0] in brought, f"{path.relative_to(ROOT)} imports {module}"
