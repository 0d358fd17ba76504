"""docs/data-model.md shows every index that the template makes, under its own keys."""

from __future__ import annotations

import re

import pytest

from builders.deployment import table_request
from builders.events import ROOT

PAGE = (ROOT / "docs" / "data-model.md").read_text()
SECTIONS = {
    "BindingsTable": PAGE.partition("## Bindings table")[2].partition("## Bills table")[0],
    "BillsTable": PAGE.partition("## Bills table")[2].partition("## Access patterns")[0],
}
INDEXES = [
    (table, index["IndexName"], [key["AttributeName"] for key in index["KeySchema"]])
    for table in SECTIONS
    for index in table_request(table, table)["GlobalSecondaryIndexes"]
]


@pytest.mark.parametrize(
    ("table", "index", "keys"), INDEXES, ids=[f"{table}-{index}" for table, index, _ in INDEXES]
)
def test_each_index_of_the_template_stands_on_the_page_with_its_keys(
    table: str, index: str, keys: list[str]
) -> None:
    row = next((line for line in SECTIONS[table].splitlines() if re.match(rf"\| .*`{index}`.* \|", line)), "")

    assert row, f"docs/data-model.md does not show the index {index} of {table}"
    for key in keys:
        assert f"`{key}`" in row
