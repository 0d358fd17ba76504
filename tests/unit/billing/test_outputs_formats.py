"""Which format brings what with it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from builders.events import ROOT
from builders.statements import worked_month
from privatenumber.billing.outputs import CannotRender
from privatenumber.billing.outputs.formats import CONTENT_TYPES, Format, render
from privatenumber.billing.outputs.texts import Language

LIBRARIES = {"jinja2": Format.HTML, "xlsxwriter": Format.XLSX, "reportlab": Format.PDF}

PROGRAM = """
import sys
from builders.statements import worked_month
from privatenumber.billing.outputs.formats import Format, render
if sys.argv[1]:
    b"".join(render(worked_month(), Format(sys.argv[1]))[1])
print(*sorted(name for name in ("jinja2", "xlsxwriter", "reportlab") if name in sys.modules))
"""


@pytest.mark.parametrize("form", ["", "txt", "csv", "focus", "html", "xlsx", "pdf"])
def test_a_format_loads_its_own_library_and_no_other(form: str) -> None:
    """Cold start: who asks for JSON or CSV waits for none of them (anchors.md §2)."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("layers/privatenumber", "tests"))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, form],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [library for library, own in LIBRARIES.items() if own == form]


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("language", list(Language))
def test_every_format_is_made_in_both_languages(form: Format, language: Language) -> None:
    content_type, pieces = render(worked_month(), form, language)
    assert content_type == CONTENT_TYPES[form]
    assert b"".join(pieces)


def test_a_reconciliation_is_no_data_set_of_costs() -> None:
    with pytest.raises(CannotRender, match="focus is a format of statements"):
        render({"kind": "reconciliation"}, Format.FOCUS)
