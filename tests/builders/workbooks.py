"""XLSX files made by hand, so that a test can make one that no spreadsheet would."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
DAY_STYLE = "1"
"""Style of `workbook` that shows a number as a day (format 14); 2 does by a format of its own."""


def text(value: str) -> str:
    """A cell with its text in place."""
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def number(value: str, style: str = "0") -> str:
    """A cell that holds a number, as the file spells it."""
    return f"<c s={quoteattr(style)}><v>{value}</v></c>"


def shared(at: int) -> str:
    """A cell that names a shared string."""
    return f'<c t="s"><v>{at}</v></c>'


def sheet(rows: Sequence[Sequence[str]]) -> str:
    """A sheet of rows of cells."""
    told = "".join(f'<row r="{n}">{"".join(cells)}</row>' for n, cells in enumerate(rows, 1))
    return f'<worksheet xmlns="{MAIN}"><sheetData>{told}</sheetData></worksheet>'


def parts_of(
    rows: Sequence[Sequence[str]], *, strings: Sequence[str] = (), date1904: bool = False
) -> dict[str, str]:
    """The parts of a file with one sheet; ``strings`` are shared strings as XML."""
    reference = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    return {
        "xl/workbook.xml": (
            f'<workbook xmlns="{MAIN}" {reference}><workbookPr date1904="{int(date1904)}"/><sheets>'
            '<sheet name="numbers" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{RELATIONS}">'
            '<Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>'
        ),
        "xl/styles.xml": (
            f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="170" '
            'formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/></numFmts>'
            '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
            '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/></cellXfs></styleSheet>'
        ),
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{"".join(f"<si>{one}</si>" for one in strings)}</sst>',
        "xl/worksheets/sheet1.xml": sheet(rows),
    }


def packed(parts: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The file of some parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def workbook(rows: Sequence[Sequence[str]], *, strings: Sequence[str] = (), date1904: bool = False) -> bytes:
    """A file with one sheet."""
    return packed(parts_of(rows, strings=strings, date1904=date1904))


def table(*rows: Sequence[str]) -> bytes:
    """A file with one sheet of texts."""
    return workbook([[text(cell) for cell in row] for row in rows])
