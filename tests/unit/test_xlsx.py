"""The number table as XLSX (billing-rules.md §9.2), and files that mean harm."""

from __future__ import annotations

import random
import zipfile
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.workbooks import (
    DAY_STYLE,
    MAIN,
    STRICT,
    number,
    packed,
    parts_of,
    shared,
    table,
    text,
    workbook,
)
from privatenumber import xlsx, xlsx_parts
from privatenumber.bindings.numbers_csv import MAX_ROWS, NumberRow, read_number_table
from privatenumber.csv_table import FileRefused
from privatenumber.store.numbers import NumberState, NumberType
from privatenumber.xlsx import read_sheet

HEADER = ("x_number", "number_type", "app_key", "city_code", "state", "issued_on")
LINE = ("+8617010000001", "virtual", "key", "0755", "normal", "2026-09-01")
ROW = NumberRow(2, "+8617010000001", NumberType.VIRTUAL, "key", "0755", NumberState.ACTIVE, date(2026, 9, 1))


def rows_of(data: bytes) -> list[tuple[int, list[str]]]:
    return [(line, list(cells)) for line, cells in read_sheet(data)]


def refused(data: bytes) -> str:
    with pytest.raises(FileRefused) as found:
        read_number_table(data)
    return found.value.rule


def test_a_table_says_the_same_as_xlsx_and_as_csv() -> None:
    as_csv = "\n".join([",".join(HEADER), ",".join(LINE)]).encode()
    as_xlsx = read_number_table(table(HEADER, LINE))
    assert as_xlsx.rows == read_number_table(as_csv).rows == (ROW,)
    assert (as_xlsx.encoding, as_xlsx.separator) == ("xlsx", "")


def test_numbers_keep_all_their_digits_and_days_are_days() -> None:
    """What a spreadsheet makes of a pasted table: X, city and day are numbers."""
    cells = [number("17010000001"), text("虚号"), number("755"), number("46266", DAY_STYLE)]
    headers = [text(header) for header in ("隐私号码", "号码类型", "城市码", "下发时间")]
    (row,) = read_number_table(workbook([headers, cells])).rows
    assert isinstance(row, NumberRow)
    assert (row.x, row.area_code, row.issued_on) == ("+8617010000001", "0755", date(2026, 9, 1))


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        (number("1.7010000001E+10"), "17010000001"),
        (number("8.617010000001E12"), "8617010000001"),
        (number("1.2345678901234567E+17"), "1.2345678901234567E+17"),
        (number("0.5"), "0.5"),
        (number("38.000000000000007"), "38"),
        (number("0.10000000000000001"), "0.1"),
        (number("46266.75", "2"), "2026-09-01"),
        (number("46266"), "46266"),
        ('<c t="d"><v>2026-09-01T00:00:00</v></c>', "2026-09-01"),
        ('<c t="str"><f>A1</f><v>17010000001</v></c>', "17010000001"),
        ('<c t="b"><v>1</v></c>', "1"),
        ('<c t="e"><v>#N/A</v></c>', "#N/A"),
        (number("nonsense"), "nonsense"),
        (number("1E999999999"), "1E999999999"),
        (number("NaN"), "NaN"),
    ],
)
def test_a_cell_is_what_a_person_would_write(cell: str, written: str) -> None:
    assert rows_of(workbook([[text("x"), cell]])) == [(1, ["x", written])]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        (number("46266.75", DAY_STYLE), "2026-09-01 18:00:00"),
        (number("46266.04253472222", DAY_STYLE), "2026-09-01 01:01:15"),
        (number("46266", DAY_STYLE), "2026-09-01 00:00:00"),
        ('<c t="d"><v>2026-09-01T09:01:10Z</v></c>', "2026-09-01 09:01:10"),
    ],
)
def test_whoever_asks_for_times_gets_the_second(cell: str, written: str) -> None:
    assert [list(cells) for _, cells in read_sheet(workbook([[cell]]), times=True)] == [[written]]


def test_days_of_a_file_from_1904_are_the_same_days() -> None:
    told = workbook([[number("44804", DAY_STYLE)]], date1904=True)
    assert rows_of(told) == [(1, ["2026-09-01"])]


def test_shared_texts_are_read_with_their_parts_and_without_their_reading_aids() -> None:
    strings = ["<t>虚号</t><rPh><t>xuhao</t></rPh>", "<r><t>x_</t></r><r><t>number</t></r>"]
    assert rows_of(workbook([[shared(1), shared(0), shared(7)]], strings=strings)) == [
        (1, ["x_number", "虚号", ""])
    ]


def test_empty_rows_and_cells_keep_their_places() -> None:
    told = parts_of([])
    told["xl/worksheets/sheet1.xml"] = (
        f'<worksheet xmlns="{MAIN}"><sheetData><row r="3"><c r="B3"><v>1</v></c><c r="AA3"><v>2</v></c></row>'
        '<row r="4"><c r="A4"/></row><row r="9"><c><v>3</v></c><c><v>4</v></c></row></sheetData></worksheet>'
    )
    assert rows_of(packed(told)) == [(3, ["", "1", *[""] * 24, "2"]), (9, ["3", "4"])]


def test_the_first_visible_sheet_is_read() -> None:
    told = parts_of([[text("seen")]])
    told["xl/workbook.xml"] = told["xl/workbook.xml"].replace(
        "<sheets>", '<sheets><sheet name="old" sheetId="2" state="hidden" r:id="rId9"/>'
    )
    assert rows_of(packed(told)) == [(1, ["seen"])]


def test_strict_files_are_read_too() -> None:
    told = {name: part.replace(MAIN, STRICT) for name, part in parts_of([[text("strict")]]).items()}
    assert rows_of(packed(told)) == [(1, ["strict"])]


def test_a_note_beside_the_table_does_no_harm() -> None:
    assert read_number_table(table(HEADER, (*LINE, "call them back"))).rows == (ROW,)


def test_more_rows_than_a_job_takes_refuse_the_file() -> None:
    assert "rows" in refused(table(HEADER, *[LINE] * (MAX_ROWS + 1)))


def test_a_file_without_the_columns_is_refused_with_what_was_found() -> None:
    assert refused(table(("name", "city"), ("a", "b"))) == "required column missing: x_number, number_type"


class TestHarm:
    """A file may come from anybody who can reach an operator's mailbox."""

    @pytest.mark.parametrize("encoding", ["gbk", "utf-7", "utf-32", "idna", "punycode", "hex", "unheard-of"])
    def test_a_part_in_an_encoding_that_no_workbook_has_is_refused(self, encoding: str) -> None:
        parts = parts_of([HEADER, LINE])
        sheet = str(parts["xl/worksheets/sheet1.xml"])
        parts["xl/worksheets/sheet1.xml"] = f'<?xml version="1.0" encoding="{encoding}"?>{sheet}'
        assert "xlsx" in refused(packed(parts)).lower()

    def test_a_bomb_is_refused_while_it_is_unpacked(self) -> None:
        bomb = parts_of([])
        bomb["xl/worksheets/sheet1.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData>' + " " * (
            xlsx_parts.MOST_BYTES + 1
        )
        data = packed(bomb)
        assert len(data) < 32_000
        assert "MiB, unpacked" in refused(data)

    def test_what_the_directory_declares_is_not_believed(self) -> None:
        """The size in the directory is made small; the content is not."""
        data = bytearray(packed({**parts_of([]), "xl/worksheets/sheet1.xml": " " * 100_000}))
        at = data.index((100_000).to_bytes(4, "little"), data.index(b"PK\x01\x02"))
        data[at : at + 4] = (10).to_bytes(4, "little")
        assert refused(bytes(data)) == "not an XLSX file that can be read"

    def test_entities_are_refused_before_they_grow(self) -> None:
        laughs = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
        told = parts_of([])
        told["xl/worksheets/sheet1.xml"] = f"{laughs}<worksheet><sheetData/></worksheet>"
        assert refused(packed(told)) == "an XLSX file with a document type"

    def test_no_file_of_the_machine_is_read(self) -> None:
        told = parts_of([], strings=["<t>&x;</t>"])
        told["xl/sharedStrings.xml"] = (
            '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + told["xl/sharedStrings.xml"]
        )
        assert refused(packed(told)) == "an XLSX file with a document type"

    def test_a_path_that_leads_out_of_the_file_leads_nowhere(self) -> None:
        told = parts_of([])
        for path in ("../../../etc/hostname", "/etc/hostname", "http://example.com/sheet.xml"):
            told["xl/_rels/workbook.xml.rels"] = (
                f'<Relationships><Relationship Id="rId1" Target="{path}"/></Relationships>'
            )
            assert refused(packed(told)) == "not an XLSX file that can be read"

    def test_depth_width_length_and_parts_are_bounded(self) -> None:
        deep, wide, long, many = (parts_of([]) for _ in range(4))
        deep["xl/worksheets/sheet1.xml"] = "<a>" * 100 + "</a>" * 100
        wide["xl/worksheets/sheet1.xml"] = '<a><row><c r="ZZ1"><v>1</v></c></row></a>'
        long["xl/worksheets/sheet1.xml"] = f'<a><row r="{xlsx.MOST_ROWS + 1}"/></a>'
        many |= {f"part{n}": "" for n in range(xlsx_parts.MOST_PARTS)}
        assert [refused(packed(told)) for told in (deep, wide, long, many)] == [
            "not an XLSX file that can be read",
            "more than 256 columns",
            "more than 20000 rows: split the file",
            "an XLSX file of too many parts",
        ]

    def test_texts_are_bounded_alone_and_together(self) -> None:
        """What Excel takes into one cell; a shared text may be used in every row."""
        most = xlsx_parts.MOST_TEXT
        runs = parts_of([[shared(0)]], strings=[f"<r><t>{'x' * most}</t></r><r><t>x</t></r>"])
        assert refused(workbook([[text("x" * (most + 1))]])) == xlsx_parts.TOO_LONG
        assert refused(packed(runs)) == xlsx_parts.TOO_LONG
        used = workbook([[shared(0)]] * 40, strings=[f"<t>{'x' * most}</t>"])
        with pytest.raises(FileRefused, match="too much text"):
            list(read_sheet(used, bounds=xlsx.Bounds(most_bytes=1024 * 1024)))
        assert len(rows_of(used)) == 40

    def test_shared_texts_are_bounded_by_the_memory_that_they_take(self) -> None:
        """An emoji makes each character of its text four bytes; the file has one for most of them."""
        strings = [f"<t>\N{GRINNING FACE}{n}{'x' * 30_000}</t>" for n in range(10)]
        bounds = xlsx.Bounds(most_bytes=1024 * 1024)
        with pytest.raises(FileRefused, match="too much text"):
            list(read_sheet(workbook([[shared(0)]], strings=strings), bounds=bounds))
        plain = [each.replace("\N{GRINNING FACE}", "") for each in strings]
        assert len(list(read_sheet(workbook([[shared(0)]], strings=plain), bounds=bounds))) == 1

    def test_rows_are_counted_whatever_number_they_say(self) -> None:
        told = parts_of([])
        told["xl/worksheets/sheet1.xml"] = "<row r='2'/>".join(["<a>", *[""] * xlsx.MOST_ROWS, "</a>"])
        assert refused(packed(told)) == "more than 20000 rows: split the file"

    def test_old_and_encrypted_workbooks_are_told_from_tables(self) -> None:
        assert "without a password" in refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512)

    def test_other_ways_of_packing_are_refused(self) -> None:
        assert refused(packed(parts_of([]), zipfile.ZIP_BZIP2)) == "not an XLSX file that can be read"

    @given(st.integers(0, 2**32))
    def test_a_damaged_file_is_refused_or_read_and_never_breaks_the_reader(self, seed: int) -> None:
        chance = random.Random(seed)
        data = bytearray(table(HEADER, LINE))
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(4, len(data))] = chance.randrange(256)
        with suppress(FileRefused):
            read_number_table(bytes(data[: chance.randint(30, len(data))]))
