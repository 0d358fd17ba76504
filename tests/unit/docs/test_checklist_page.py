"""docs/checklist.md says what the tree says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def checklist() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_checklist", ROOT / "docs" / "make_checklist.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(checklist: ModuleType) -> None:
    written = (ROOT / "docs" / "checklist.md").read_text(encoding="utf-8")
    assert written == checklist.page(), "run `make checklist`"


def test_every_place_named_exists(checklist: ModuleType) -> None:
    named = {path for row in checklist.topics() for path in row["built_in"].split()}
    assert not [path for path in named if not (ROOT / path).exists()]


def test_tests_cite_only_ids_of_the_reference(checklist: ModuleType) -> None:
    known = {row["id"] for row in checklist.topics()}
    assert set(checklist.tests_by_id(ROOT / "tests")) <= known
