"""`numbers.csv` as people really save it (billing-rules.md §9.2)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatenumber.bindings.numbers_csv import (
    MAX_ROWS,
    BadRow,
    NumberRow,
    read_number_table,
)
from privatenumber.csv_table import FileRefused
from privatenumber.store.numbers import NumberState, NumberType

HEADER = "x_number,number_type,app_key,city_code,state,sms,real_name,issued_on,unsubscribed_on"
LINE = "+8617010000001,virtual,demoAppKey0000000000000001,0755,normal,yes,yes,2026-09-01,"


def table(text: str, encoding: str = "utf-8") -> tuple[NumberRow | BadRow, ...]:
    return read_number_table(text.encode(encoding)).rows


def one(x: str = "+8617010000001", kind: str = "virtual", **cells: str) -> NumberRow | BadRow:
    columns = {"x_number": x, "number_type": kind, **cells}
    header, line = ",".join(columns), ",".join(f'"{cell}"' for cell in columns.values())
    (row,) = table(f"{header}\n{line}\n")
    return row


def test_a_row_of_the_documented_layout_is_read() -> None:
    """billing-rules.md §9.2, columns of numbers.csv."""
    assert table(f"{HEADER}\n{LINE}\n") == (
        NumberRow(
            line=2,
            x="+8617010000001",
            number_type=NumberType.VIRTUAL,
            app_key="demoAppKey0000000000000001",
            area_code="0755",
            state=NumberState.ACTIVE,
            issued_on=date(2026, 9, 1),
            unsubscribed_on=None,
        ),
    )


@pytest.mark.parametrize(
    ("encoding", "told"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gb18030", "gb18030")]
)
def test_the_three_encodings_are_told_apart(encoding: str, told: str) -> None:
    found = read_number_table("隐私号码,号码类型,状态\n17010000001,虚号,冻结绑定\n".encode(encoding))
    assert found.encoding == told
    assert isinstance(found.rows[0], NumberRow)
    assert found.rows[0].state is NumberState.FROZEN


def test_bytes_of_no_known_encoding_refuse_the_file() -> None:
    with pytest.raises(FileRefused, match="neither UTF-8 nor GB18030"):
        read_number_table(b"x_number,number_type\n\xff\xff,virtual\n")


def test_characters_lost_on_the_way_refuse_the_file() -> None:
    """An HTTP API turns a GB18030 body sent as text/* into replacement characters."""
    with pytest.raises(FileRefused, match="application/octet-stream"):
        read_number_table("\ufffd\ufffd,number_type\n17010000001,virtual\n".encode())


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_separator_is_detected(separator: str, line_end: str) -> None:
    text = line_end.join(line.replace(",", separator) for line in (HEADER, LINE)) + line_end
    found = read_number_table(text.encode())
    assert found.separator == separator
    assert isinstance(found.rows[0], NumberRow)


def test_headers_are_compared_without_blanks_and_case() -> None:
    (row,) = table(" X_Number ,NUMBER TYPE,Number_Type\n17010000001,x,carrier\n")
    assert isinstance(row, NumberRow)
    assert row.number_type is NumberType.CARRIER


@pytest.mark.parametrize(
    "typed",
    [
        "+8617010000001",
        "8617010000001",
        "17010000001",
        "'17010000001",
        " 170 1000 0001 ",
        "１７０１００００００１",
    ],
)
def test_numbers_are_normalised(typed: str) -> None:
    row = one(typed)
    assert isinstance(row, NumberRow)
    assert row.x == "+8617010000001"


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ("", "missing"),
        ("8.61701E+12", "scientific notation"),
        ("170****0001", "masked"),
        ("0755-20000001", "form of a mobile number"),
        ("+14155550100", "mainland"),
        ("=SUM(A1)", "mainland"),
    ],
)
def test_a_number_that_cannot_be_an_x_is_a_bad_row(typed: str, rule: str) -> None:
    row = one(typed)
    assert isinstance(row, BadRow)
    assert row.error.field == "x_number"
    assert rule in row.error.rule


@pytest.mark.parametrize(
    ("typed", "code"), [("0755", "0755"), ("755", "0755"), ("10", "010"), ("021", "021")]
)
def test_an_area_code_gets_back_the_zero_that_a_spreadsheet_dropped(typed: str, code: str) -> None:
    """numbers.md §2: city codes keep their leading zero."""
    row = one(city_code=typed)
    assert isinstance(row, NumberRow)
    assert row.area_code == code


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("正常", NumberState.ACTIVE),
        ("暂停", NumberState.SUSPENDED),
        ("不可用", NumberState.UNAVAILABLE),
        ("冻结绑定", NumberState.FROZEN),
        ("转移中", NumberState.UNAVAILABLE),
        ("待实名激活", NumberState.UNAVAILABLE),
        ("退回", NumberState.RETIRED),
        ("binding frozen", NumberState.FROZEN),
        ("Normal", NumberState.ACTIVE),
        ("9", NumberState.SUSPENDED),
    ],
)
def test_console_states_become_ours(text: str, state: NumberState) -> None:
    """operations.md §6."""
    row = one(state=text)
    assert isinstance(row, NumberRow)
    assert row.state is state


@pytest.mark.parametrize("text", ["2026-09-01", "2026/9/1", "2026-09-01 23:59:59", "2026/9/1 8:05:00"])
def test_dates_are_the_days_written_there(text: str) -> None:
    row = one(issued_on=text)
    assert isinstance(row, NumberRow)
    assert row.issued_on == date(2026, 9, 1)


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("city_code", "13800138001"),
        ("state", "13800138001"),
        ("issued_on", "13800138001"),
        ("unsubscribed_on", "yesterday"),
    ],
)
def test_a_bad_cell_names_column_and_rule_but_never_the_cell(column: str, cell: str) -> None:
    row = one(**{column: cell})
    assert isinstance(row, BadRow)
    assert row.error.field == column
    assert cell not in row.error.rule


def test_line_numbers_are_those_of_the_file() -> None:
    """Empty lines count, and a quoted cell may run over several."""
    text = 'x_number,number_type,app_key\n\n17010000001,virtual,"a\nb"\nbad,virtual,\n'
    first, second = table(text)
    assert (first.line, second.line) == (3, 5)


def test_short_rows_lack_their_last_cells() -> None:
    (row,) = table(f"{HEADER}\n17010000001,virtual\n")
    assert row == NumberRow(2, "+8617010000001", NumberType.VIRTUAL)


def test_a_missing_required_column_lists_the_headers_found() -> None:
    with pytest.raises(FileRefused, match="number_type") as refused:
        read_number_table(b"x_number,kind\n17010000001,virtual\n")
    assert refused.value.headers == ("x_number", "kind")


def test_a_file_without_header_repeats_no_number() -> None:
    """The first line is data then: U-D15."""
    with pytest.raises(FileRefused) as refused:
        read_number_table(b"+8613800138001,virtual,12345678\n")
    assert refused.value.headers == ("virtual",)
    assert "138" not in str(refused.value)


def test_broken_quotes_refuse_the_file_and_name_the_line() -> None:
    with pytest.raises(FileRefused, match="RFC 4180") as refused:
        read_number_table(b'x_number,number_type\n17010000001,virtual\n"17010000002"x,virtual\n')
    assert refused.value.line == 3


def test_a_file_of_too_many_rows_is_refused() -> None:
    rows = "17010000001,virtual\n" * (MAX_ROWS + 1)
    with pytest.raises(FileRefused, match="5000"):
        read_number_table(("x_number,number_type\n" + rows).encode())


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_read_or_refuse(data: bytes) -> None:
    try:
        found = read_number_table(b"x_number,number_type\n" + data)
    except FileRefused:
        return
    assert all(isinstance(row, NumberRow | BadRow) for row in found.rows)


def test_a_row_with_more_cells_than_headers_is_a_bad_row() -> None:
    """An unquoted separator inside a cell shifts all that follow: nothing of the row can be trusted."""
    (row,) = table(f"{HEADER}\n{LINE},surplus\n")
    assert isinstance(row, BadRow)
    assert row.error.rule.startswith("more cells than the header line")


def test_blank_cells_beyond_the_headers_do_no_harm() -> None:
    (row,) = table(f"{HEADER}\n{LINE},, \n")
    assert isinstance(row, NumberRow)
