"""Reports as one HTML page that needs nothing else: styles and charts are in it, scripts it has none.

Jinja2 escapes whatever a value holds; the template stands beside this module and is made for paper too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from privatenumber.billing.outputs.charts import WIDTH, picture
from privatenumber.billing.outputs.report import Report
from privatenumber.billing.outputs.texts import Words

MOST_ROWS: Final = 200
"""Rows of a table on a page; the workbook and the CSV files have all."""

_AT_ONCE: Final = 200


def page(report: Report, words: Words) -> Iterator[bytes]:
    """The page, some pieces at a time."""
    stream = _template().stream(
        report=report, words=words, picture=picture, chart_width=WIDTH, most_rows=MOST_ROWS
    )
    stream.enable_buffering(_AT_ONCE)
    for piece in stream:
        yield piece.encode()


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")
