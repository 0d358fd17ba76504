"""Write docs/checklist.md: every C- and U- id of the protocol reference, where it is built and tested.

Topics and the modules that implement them stand in `docs/checklist-topics.csv`; the tests are found by
the ids they cite. `python docs/make_checklist.py` rewrites the page; with `--check` it exits 1 when the
page is not what the tree says.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "checklist.md"
TOPICS = ROOT / "docs" / "checklist-topics.csv"
ID = re.compile(r"\b(?:C-\d{3}|U-[A-Z]+\d{2})\b")
INTRO = """# Checklist

Every interface, rule and topic of the protocol reference (`C-…`) and every requirement of users (`U-…`),
with the place that implements it and the tests that cite it. An empty cell is work that is not built yet.
This page is written by `make checklist`; a test keeps it true.
"""


def tests_by_id(folder: Path) -> dict[str, list[str]]:
    """Map each id to the test files that cite it, in order of their names."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for cited in sorted(set(ID.findall(path.read_text(encoding="utf-8")))):
            found.setdefault(cited, []).append(path.relative_to(ROOT).as_posix())
    return found


def topics() -> Iterator[Mapping[str, str]]:
    """Yield the rows of the topics table: id, topic, built_in (paths separated by blanks)."""
    with TOPICS.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def page() -> str:
    """Return the text of docs/checklist.md as the tree says it should be."""
    tests = tests_by_id(ROOT / "tests")
    lines = [INTRO, "| Id | Topic | Built in | Tested in |", "|---|---|---|---|"]
    for row in topics():
        built = [f"`{path}`" for path in row["built_in"].split()]
        tested = [f"`{path.removeprefix('tests/')}`" for path in tests.get(row["id"], [])]
        lines.append(f"| {row['id']} | {row['topic']} | {', '.join(built)} | {', '.join(tested)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or check it."""
    text = page()
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
