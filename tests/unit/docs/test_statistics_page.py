"""docs/statistics.md explains every column and group that is told."""

from __future__ import annotations

import pytest

from builders.events import ROOT
from privatenumber.calls.export_rows import CALL_COLUMNS, MESSAGE_COLUMNS
from privatenumber.calls.statistics import OUTCOMES, Group
from privatenumber.calls.statistics_report import BY_APPLICATION, COLUMNS

PAGE = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*COLUMNS, *OUTCOMES, *Group, BY_APPLICATION])
def test_what_statistics_tell_is_explained(name: str) -> None:
    assert any(f"`{name}`" in line.split("|")[1] for line in PAGE.splitlines() if line.startswith("|"))


@pytest.mark.parametrize(
    ("title", "columns"), [("Columns of calls:", CALL_COLUMNS), ("Columns of texts:", MESSAGE_COLUMNS)]
)
def test_columns_of_exports_stand_there_in_their_order(title: str, columns: dict[str, object]) -> None:
    told = PAGE.partition(title)[2].partition("\n\n")[0]
    places = [told.find(f"`{name}`") for name in columns]
    assert -1 not in places
    assert places == sorted(places)
