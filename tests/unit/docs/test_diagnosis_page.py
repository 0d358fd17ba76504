"""docs/diagnosis.md says what the table of situations says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from privatenumber.codes.situations import situations

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_diagnosis", ROOT / "docs" / "make_diagnosis.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(maker: ModuleType) -> None:
    written = (ROOT / "docs" / "diagnosis.md").read_text(encoding="utf-8")
    assert written == maker.page(), "run `python docs/make_diagnosis.py`"


def test_every_situation_stands_on_the_page_once(maker: ModuleType) -> None:
    page = maker.page()
    assert [row.id for row in situations() if page.count(f"### `{row.id}`\n") != 1] == []
