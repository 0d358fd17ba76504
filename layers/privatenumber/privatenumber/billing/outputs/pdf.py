"""Reports as PDF, from the same content as the page.

Text beyond Windows-1252 is set in STSong, a font that readers bring for Chinese: nothing is embedded, so the
file stays small and no font has to be deployed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Final, Literal

from reportlab.graphics.shapes import Drawing, Rect, String
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, TableStyle
from reportlab.platypus import Table as Grid

from privatenumber.billing.outputs.charts import WIDTH, Placed, picture
from privatenumber.billing.outputs.report import Chart, Report, Section
from privatenumber.billing.outputs.tables import Table
from privatenumber.billing.outputs.texts import Words

MOST_ROWS: Final = 200
"""Rows of a table in a PDF; the workbook and the CSV files have all."""

_CHINESE: Final = "STSong-Light"
_LATIN: Final = "Helvetica"
_INK, _SOFT, _LINE, _BAR = (HexColor(code) for code in ("#1c2430", "#5b6675", "#d8dee6", "#2f6db5"))
_LINES: Final = (
    ("LINEBELOW", (0, 0), (-1, 0), 0.8, _INK),
    ("LINEBELOW", (0, 1), (-1, -1), 0.4, _LINE),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("TOPPADDING", (0, 0), (-1, -1), 2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
)
_PAGE: Final = landscape(A4)
_MARGIN: Final = 15 * mm
_ROOM: Final = _PAGE[0] - 2 * _MARGIN - 12
"""Between the margins, without the frame's own padding."""
_TALLEST: Final = _PAGE[1] - 2 * _MARGIN - 30
_CHUNK: Final = 256 * 1024
_CELL: Final = 8.0
_LEAST: Final = 34.0


def pdf(report: Report, words: Words) -> Iterator[bytes]:
    """The file, in pieces."""
    registerFont(UnicodeCIDFont(_CHINESE))
    file = io.BytesIO()
    title = f"{words[f'title.{report.kind}']} {report.month}"
    template = SimpleDocTemplate(
        file, pagesize=_PAGE, title=title, invariant=1, creator="Private Number",
        leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN,
    )  # fmt: skip

    def number(canvas: Canvas, document: SimpleDocTemplate) -> None:
        canvas.setFont(_font(title), 7.5)
        canvas.setFillColor(_SOFT)
        canvas.drawRightString(_PAGE[0] - _MARGIN, 8 * mm, f"{title}  ·  {document.page}")

    template.build(list(_content(report, title, words)), onFirstPage=number, onLaterPages=number)
    file.seek(0)
    while chunk := file.read(_CHUNK):
        yield chunk


def _content(report: Report, title: str, words: Words) -> Iterator[Flowable]:
    yield _paragraph(title, 20, after=4)
    yield _paragraph("  ·  ".join(f"{name} {text}" for name, text in report.facts), 8.5, soft=True, after=8)
    figures = [(words[f"figure.{figure.name}"], figure.text) for figure in report.figures]
    yield _figures(figures)
    for section in report.sections:
        yield from _section(section, words)
    yield Spacer(0, 10)
    for remark in (*report.remarks, words["generated"]):
        yield _paragraph(remark, 8.5, soft=True)


def _figures(figures: Sequence[tuple[str, str]]) -> Flowable:
    cells = [
        [_paragraph(text, 15) for _, text in figures],
        [_paragraph(name, 8, soft=True) for name, _ in figures],
    ]
    style = TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0)])
    return Grid(cells, colWidths=[_ROOM / len(figures)] * len(figures), hAlign="LEFT", style=style)


def _section(section: Section, words: Words) -> Iterator[Flowable]:
    yield _paragraph(words[f"section.{section.name}"], 12, before=12, after=3, keep=True)
    for remark in section.remarks:
        yield _paragraph(remark, 8.5, soft=True, after=3, keep=True)
    table = section.table.for_people()
    yield _grid(table, words)
    if len(table.rows) > MOST_ROWS:
        yield _paragraph(words.say("more_rows", count=len(table.rows) - MOST_ROWS), 8.5, soft=True)
    if section.chart:
        yield _drawing(section.chart)


def _grid(table: Table, words: Words) -> Flowable:
    right = [column.cell.is_number for column in table.columns]
    titles = [column.title(words) for column in table.columns]
    texts = [table.shown(row, words) for row in table.rows[:MOST_ROWS]]
    total = table.shown_total(words)
    texts += [total] if total else []
    rows = [[_cell(text, r, soft=True) for text, r in zip(titles, right, strict=True)]]
    rows += [[_cell(text, r) for text, r in zip(row, right, strict=True)] for row in texts]
    style = TableStyle(_LINES)
    if total:
        style.add("LINEABOVE", (0, -1), (-1, -1), 0.8, _INK)
    return Grid(rows, colWidths=_widths([titles, *texts]), repeatRows=1, hAlign="LEFT", style=style)


def _widths(rows: Sequence[Sequence[str]]) -> list[float]:
    """Columns as wide as their longest text, made narrower together when the page is."""
    natural = [
        max(_LEAST, *(stringWidth(text, _font(text), _CELL) + 13 for text in column))
        for column in zip(*rows, strict=True)
    ]
    fixed = _ROOM / len(natural)
    spare = sum(width for width in natural if width <= fixed)
    broad = sum(natural) - spare
    factor = min(1.0, (_ROOM - spare) / broad) if broad else 1.0
    return [width if width <= fixed else width * factor for width in natural]


def _drawing(chart: Chart) -> Flowable:
    placed = picture(chart)
    drawing = Drawing(WIDTH, placed.height)
    drawing.hAlign = "LEFT"
    drawing.renderScale = min(1.0, _TALLEST / placed.height)
    for bar in placed.bars:
        base = placed.height - bar.y - bar.height
        if bar.width:
            drawing.add(_bar(bar, base))
        drawing.add(_label(bar.label, bar.x - 10, base + 5, "end"))
        drawing.add(_label(bar.text, bar.x + bar.width + 8, base + 5, "start"))
    return drawing


def _bar(bar: Placed, base: float) -> Rect:
    drawn = Rect(bar.x, base, bar.width, bar.height)
    drawn.fillColor, drawn.strokeColor = _BAR, None
    return drawn


def _label(text: str, x: float, base: float, anchor: Literal["start", "end"]) -> String:
    label = String(x, base, text)
    label.fontName, label.fontSize, label.textAnchor, label.fillColor = _font(text), 9, anchor, _INK
    return label


def _cell(text: str, right: bool, soft: bool = False) -> Paragraph:
    return _paragraph(text, _CELL, soft=soft, right=right)


def _paragraph(
    text: str, size: float, *, soft: bool = False, right: bool = False, before: float = 0, after: float = 0,
    keep: bool = False,
) -> Paragraph:  # fmt: skip
    style = ParagraphStyle(
        "text",
        fontName=_LATIN,
        fontSize=size,
        leading=size * 1.3,
        textColor=_SOFT if soft else _INK,
        spaceBefore=before,
        spaceAfter=after,
        keepWithNext=keep,
        alignment=TA_RIGHT if right else TA_LEFT,
        wordWrap="CJK" if _font(text) == _CHINESE else None,
    )
    return Paragraph("".join(_set(font, "".join(run)) for font, run in groupby(text, _font)), style)


def _set(font: str, text: str) -> str:
    """A run of a text as markup: in the Chinese font what Helvetica does not have."""
    return escape(text) if font == _LATIN else f'<font name="{font}">{escape(text)}</font>'


def _font(text: str) -> str:
    """Helvetica has the characters of Windows-1252 and no more."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return _CHINESE
    return _LATIN
