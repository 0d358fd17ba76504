"""The platform's files as people save them: billing-rules.md §9.2."""

import codecs
import io
import tracemalloc
from decimal import Decimal
from typing import Any, BinaryIO, cast

import pytest

from builders.billing import V2, A, B, utc
from builders.exported import BILL_HEADER, CALLS_HEADER, bill_file, calls_file, export_row, read_calls
from builders.workbooks import DAY_STYLE as MOMENT_STYLE
from builders.workbooks import number, text, workbook
from privatenumber.billing.reconciliation.export_files import MOST_XLSX_BYTES
from privatenumber.billing.reconciliation.exports_in import ImportedNumber, open_calls, read_bill
from privatenumber.billing.reconciliation.layouts import BILL, CALLS, LayoutError, mapped
from privatenumber.billing.reconciliation.mappings import configured_layouts, mapped_layouts
from privatenumber.csv_table import MOST_OF_ROW, FileRefused, open_table
from privatenumber.store.numbers import NumberType

ROW = export_row(
    "2026-09-02 09:00:08", "2026-09-02 09:01:10", icid="icid-1", duration_s="62", billed_minutes="2"
)
CHINESE = (
    "呼叫记录ID;隐私号码;主叫号码;接通时间;结束时间;通话时长(秒)\n"
    "icid-1;17010000002;13800138001;;2026/9/2 9:01:10;0\n"
)


def cells(**changes: str) -> str:
    return export_row("2026-09-02 09:00:08", "2026-09-02 09:01:10", **changes)


def one_good_in(*bad: str) -> str:
    """A file in which one row in forty is bad."""
    return "\n".join([CALLS_HEADER, *bad, *(cells(icid=f"good-{n}") for n in range(40 * len(bad))), ""])


def test_a_row_is_read_in_beijing_time() -> None:
    (row,) = calls_file(ROW).rows
    assert (row.answered_at, row.ended_at) == (utc("2026-09-02 01:00:08"), utc("2026-09-02 01:01:10"))
    assert (row.record_id, row.x.text, row.caller.text) == ("icid-1", V2, A)
    assert (row.duration_s, row.billed_minutes, row.line) == (62, 2, 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_are_told_apart(encoding: str) -> None:
    found = read_calls(CHINESE.encode(encoding))
    assert (found.encoding, found.separator) == ("gb18030" if encoding == "gb18030" else "utf-8", ";")
    assert found.rows[0].x.text == V2


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_are_told_apart(separator: str) -> None:
    text = f"{CALLS_HEADER}\n{ROW}\n".replace(",", separator)
    assert read_calls(text.encode()).separator == separator


def test_headers_are_compared_without_blanks_and_case() -> None:
    text = f"{CALLS_HEADER}\n{ROW}\n".replace("x_number", " X_Number ")
    assert len(read_calls(text.encode()).rows) == 1


def test_a_missing_column_stops_the_import_and_names_the_headers_found() -> None:
    with pytest.raises(
        FileRefused, match=r"required column missing: caller, end_time; headers found: x_number"
    ):
        read_calls(b"x_number\n17010000002\n")


def test_a_file_without_header_shows_no_cell() -> None:
    with pytest.raises(FileRefused) as refused:
        read_calls(f"{A},{B},2026-09-02 09:00:00\n".encode())
    assert "138" not in str(refused.value)


def test_quotes_line_breaks_and_windows_ends_are_read() -> None:
    quoted = cells(icid="one", result='"a, b\nc"')
    found = read_calls("\r\n".join([CALLS_HEADER, quoted, ROW, ""]).encode())
    assert [(row.line, row.result) for row in found.rows] == [(2, "a, b\nc"), (4, None)]


def test_broken_quotes_refuse_the_file() -> None:
    with pytest.raises(FileRefused, match="line 2: quotes"):
        read_calls(f'{CALLS_HEADER}\n"a"b,,,,,,,,,,,\n'.encode())


@pytest.mark.parametrize(
    "written", ["17010000002", "'+8617010000002", "86 170-1000-0002", " +8617010000002 "]
)
def test_numbers_are_normalised(written: str) -> None:
    (row,) = calls_file(cells(x_number=written)).rows
    assert row.x.text == V2


def test_a_caller_from_abroad_is_kept_as_it_is() -> None:
    (row,) = calls_file(cells(caller="+85291234567")).rows
    assert row.caller.text == "+85291234567"


@pytest.mark.parametrize("written", ["138****8001", "+86138****8001", "86138****8001"])
def test_a_masked_number_matches_digit_by_digit(written: str) -> None:
    (row,) = calls_file(cells(caller=written)).rows
    assert row.caller.masked
    assert row.caller.matches("+8613800138001")
    assert row.caller.matches("+8613855558001")
    assert not row.caller.matches("+8613800138002")
    assert not row.caller.matches(None)


def test_a_whole_number_matches_itself_only() -> None:
    assert ImportedNumber(A).matches(A)
    assert not ImportedNumber(A).matches(B)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (cells(x_number="1.701E+10"), "x_number: scientific notation has lost digits"),
        (cells(x_number=""), "x_number: missing"),
        (cells(x_number="12"), "x_number: "),
        (cells(end_time="yesterday"), "end_time: not a time of the layout"),
        (cells(end_time="0001-01-01 00:00:00"), "end_time: not a time of the layout"),
        (cells(end_time="9999-12-31 23:59:59"), "end_time: not a time of the layout"),
        (cells(duration_s="1E+999999999"), "duration_s: not a number"),
        (cells(duration_s="-1"), "duration_s: not a whole number"),
        (cells(duration_s="1.5"), "duration_s: not a whole number"),
        (cells(duration_s="many"), "duration_s: not a number"),
        (cells(duration_s="6_2"), "duration_s: not a number"),
        (cells(duration_s="６２"), "duration_s: not a number"),
        (cells(duration_s="2147483648"), "duration_s: more than 2147483647"),
        (cells(billed_minutes="35791395"), "billed_minutes: more than 35791394"),
        (cells(end_time="2026/9/２ 9:01"), "end_time: not a time of the layout"),
    ],
)
def test_a_bad_row_is_rejected_by_line_and_reason_and_the_rest_is_read(bad: str, reason: str) -> None:
    found = read_calls(one_good_in(bad).encode())
    (row,) = found.bad_rows
    assert row.line == 2
    assert row.reason.startswith(reason)
    assert len(found.rows) == 40


def test_more_than_five_per_cent_of_bad_rows_refuse_the_file() -> None:
    good = [cells(icid=f"icid-{n}") for n in range(19)]
    assert len(calls_file(*good, cells(end_time="?")).rows) == 19
    with pytest.raises(FileRefused, match="2 of 21 rows are bad; line 21: end_time"):
        calls_file(*good, cells(end_time="?"), cells(end_time="?"))


def test_an_empty_file_with_a_header_is_an_empty_export() -> None:
    assert calls_file().rows == ()


def test_the_hash_is_that_of_the_bytes() -> None:
    one, two = calls_file(ROW), calls_file(ROW, "")
    assert one.sha256 != two.sha256
    assert one.rows == two.rows


def test_the_bill_of_the_example_is_read() -> None:
    """The second example of billing-rules.md §9.2."""
    found = read_bill(
        b"period,item,number_type,quantity,unit_price,package_quantity,amount\n"
        b"2026-09,rent,virtual,6,5,0,30.00\n2026-09,call,,105,0.10,500,10.50\n2026-09,package,,1,38,0,38.00\n"
    )
    rent, call, package = found.rows
    assert (rent.number_type, rent.quantity, rent.unit_price) == (NumberType.VIRTUAL, Decimal(6), Decimal(5))
    assert (call.number_type, call.package_quantity, call.amount) == (None, Decimal(500), Decimal("10.50"))
    assert package.item == "package"


def test_a_chinese_bill_is_translated() -> None:
    text = "账期,费用项,号码类型,用量,应付金额\n2026-09,通话服务费,虚号,2,0.20\n"
    (line,) = read_bill(text.encode("gb18030")).rows
    assert (line.item, line.number_type, line.package_quantity) == ("call", NumberType.VIRTUAL, Decimal(0))


@pytest.mark.parametrize("total", ["合计,,,,,,,13.30", "2026-09,总计,,,,,,13.30", "TOTAL,,,,3,,,13.30"])
def test_a_row_of_totals_is_no_line_of_the_bill(total: str) -> None:
    """Finance exports bills with one; of two lines a bad row would refuse the file."""
    found = bill_file("2026-09,call,virtual,,105,0.10,500,10.50", "2026-09,sms,,,10,0.28,,2.80", total)
    assert (len(found.rows), found.bad_rows, found.bad) == (2, (), 0)


@pytest.mark.parametrize(
    ("written", "amount"),
    [("1,234.50", "1234.50"), ("-1,234,567", "-1234567"), ("1234.50", "1234.50"), (".5", "0.5")],
)
def test_commas_may_part_the_thousands_of_an_amount(written: str, amount: str) -> None:
    (line,) = bill_file(f'2026-09,other,,,,,,"{written}"').rows
    assert line.amount == Decimal(amount)


@pytest.mark.parametrize("written", ["1,23", "1,2345.00", "12,34,567", "1_0", "１０", "1 000"])
def test_what_is_no_group_of_thousands_is_no_number(written: str) -> None:
    with pytest.raises(FileRefused, match="amount: not a number"):
        bill_file(f'2026-09,other,,,,,,"{written}"')


def amount_behind_a_comma(written: str) -> Decimal:
    layout = mapped(BILL, {"decimal_separator": ","})
    (line,) = read_bill(f'{BILL_HEADER}\n2026-09,other,,,,,,"{written}"\n'.encode(), layout).rows
    return line.amount


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("1,234", "1.234"),
        ("1.234", "1234"),
        ("1.234,50", "1234.50"),
        ("-1.234.567", "-1234567"),
        (",5", "0.5"),
    ],
)
def test_points_part_the_thousands_where_the_decimal_separator_is_a_comma(written: str, amount: str) -> None:
    assert amount_behind_a_comma(written) == Decimal(amount)


@pytest.mark.parametrize("written", ["1.23", "1.2345,00", "12.34.567", "1,234,567", "1,234.50"])
def test_a_point_that_parts_no_thousands_is_refused_beside_a_decimal_comma(written: str) -> None:
    with pytest.raises(FileRefused, match="amount: not a number"):
        amount_behind_a_comma(written)


def test_a_number_of_a_spreadsheet_is_itself_whatever_separates_the_decimals_of_its_texts() -> None:
    layout = mapped(BILL, {"decimal_separator": ","})
    headers = [text("period"), text("item"), text("amount")]
    rows = [[text("2026-09"), text("other"), amount] for amount in (number("1.234"), text("1.234"))]
    found = read_bill(workbook([headers, *rows]), layout).rows
    assert [line.amount for line in found] == [Decimal("1.234"), Decimal(1234)]


def test_a_discount_stands_beside_the_amount_without_it() -> None:
    (line,) = bill_file(
        "2026-09,call,virtual,2,0.10,0.05,0.15",
        header="period,item,number_type,quantity,unit_price,discount,amount",
    ).rows
    assert (line.amount, line.discount, line.gross) == (Decimal("0.15"), Decimal("0.05"), Decimal("0.20"))


def test_two_equal_lines_of_a_bill_are_two_charges() -> None:
    assert (
        len(bill_file("2026-09,call,virtual,,1,0.10,0,0.10", "2026-09,call,virtual,,1,0.10,0,0.10").rows) == 2
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2026-13,call,,,1,,,1", "period: "),
        ("2026-09,gift,,,1,,,1", "item: none of rent, call, sms, package, other"),
        ("2026-09,call,blue,,1,,,1", "number_type: none of virtual, carrier"),
        ("2026-09,call,,,1,,,", "amount: missing"),
        ("2026-09,call,,,1,,,NaN", "amount: not a number"),
        ("2026-09,call,,,1,,,1E+400", "amount: not a number"),
        ("2026-09,call,,,1,,,1,000.00", "more cells than the header line"),
    ],
)
def test_a_bad_line_of_a_bill_says_why(line: str, reason: str) -> None:
    good = ["2026-09,call,virtual,,1,0.10,0,0.10"] * 20
    (bad,) = read_bill("\n".join([BILL_HEADER, line, *good]).encode()).bad_rows
    assert bad.reason.startswith(reason)


def test_a_mapping_translates_a_foreign_file() -> None:
    layout = mapped(
        CALLS,
        {
            "layout": "calls",
            "timezone": "UTC",
            "time_formats": ["d.M.yyyy HH:mm:ss"],
            "skip_lines": 1,
            "columns": {"x_number": ["Masked"], "caller": ["From"], "end_time": ["End"]},
            "constants": {"app_key": "demoAppKey0000000000000001"},
        },
    )
    text = "Report of today\nMasked;From;End\n17010000002;13800138001;2.9.2026 01:01:10\n"
    (row,) = read_calls(text.encode(), layout).rows
    assert (row.ended_at, row.app_key) == (utc("2026-09-02 01:01:10"), "demoAppKey0000000000000001")
    assert row.line == 3


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"layout": "bill"}, "layout calls"),
        ({"colums": {}}, "unknown colums"),
        ({"columns": {"colour": ["red"]}}, "unknown colour"),
        ({"columns": []}, "columns: an object"),
        ({"columns": {"caller": 5}}, "columns: caller: a list of texts"),
        ({"columns": {"caller": "From"}}, "columns: caller: a list of texts"),
        ({"columns": {"caller": ["From", None]}}, "columns: caller: a list of texts"),
        ({"timezone": "Mars"}, "timezone"),
        ({"timezone": ["UTC"]}, "timezone"),
        ({"time_formats": "yyyy-MM-dd"}, "time_formats: a list of texts"),
        ({"time_formats": ["%Y yyyy"]}, "time_formats: yyyy"),
        ({"decimal_separator": None}, "decimal_separator"),
        ({"decimal_separator": ""}, "decimal_separator"),
        ({"decimal_separator": "0"}, "decimal_separator"),
        ({"skip_lines": -1}, "skip_lines"),
        ({"skip_lines": True}, "skip_lines"),
        ({"skip_lines": 1001}, "skip_lines"),
        ({"values": {"item": ["rent"]}}, "values: item: an object"),
        ({"values": {"item": {"Miete": 1}}}, "values: item: an object of texts"),
        ({"constants": {"app_key": 7}}, "constants: an object of texts"),
        (["columns"], "an object is expected"),
        (None, "an object is expected"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(mapping: object, says: str) -> None:
    with pytest.raises(LayoutError, match=says):
        mapped(CALLS, mapping)


def test_a_deployment_has_its_own_layouts_and_a_run_changes_them_again() -> None:
    """`backend.billing.import.<layout>`: §9.2."""
    configured = configured_layouts('{"calls": {"columns": {"caller": ["From"]}, "timezone": "UTC"}}')
    found = mapped_layouts({"calls": {"columns": {"x_number": ["Private"]}}}, configured)["calls"]
    assert (found.columns["caller"], found.columns["x_number"], found.zone_name) == (
        ("From",),
        ("Private",),
        "UTC",
    )
    assert mapped_layouts(None, configured_layouts(""))["calls"] == CALLS


@pytest.mark.parametrize("text", ["calls", '{"cals": {}}', "[]"])
def test_a_deployments_layouts_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(LayoutError):
        configured_layouts(text)


def test_a_spreadsheet_says_the_same_as_a_csv() -> None:
    """Numbers and moments are numbers in it; digits and seconds are kept (§9.2)."""
    headers = [text(header) for header in ("record_id", "x_number", "caller", "answer_time", "end_time")]
    row = [
        text("icid-1"),
        number("1.7010000002E10"),
        number("8613800138001"),
        number("46267.37509259259", MOMENT_STYLE),
        number("46267.37581018519", MOMENT_STYLE),
    ]
    found = read_calls(workbook([headers, row]))
    (call,) = found.rows
    assert (found.encoding, found.separator) == ("xlsx", "")
    assert (call.x.text, call.caller.text) == (V2, A)
    assert (call.answered_at, call.ended_at) == (utc("2026-09-02 01:00:08"), utc("2026-09-02 01:01:10"))


def test_a_number_that_a_spreadsheet_has_cut_is_refused_per_row() -> None:
    headers = [text(header) for header in ("x_number", "caller", "end_time")]
    good = [text(V2), text(A), text("2026-09-02 09:01:10")]
    bad = [text(V2), number("1.3800138001380014E+17"), text("2026-09-02 09:01:10")]
    found = read_calls(workbook([headers, *[good] * 40, bad]))
    assert [(row.line, row.reason[:28]) for row in found.bad_rows] == [(42, "caller: scientific notation ")]


def test_a_month_that_a_spreadsheet_took_for_a_day_is_a_month() -> None:
    headers = [text(header) for header in ("period", "item", "amount")]
    (line,) = read_bill(workbook([headers, [number("46266", MOMENT_STYLE), text("rent"), number("5")]])).rows
    assert (line.period, line.amount) == ("2026-09", Decimal(5))


def test_lines_before_the_header_of_a_sheet_are_skipped() -> None:
    rows = [[text("Report")], [text("x_number"), text("caller"), text("end_time")]]
    data = workbook([*rows, [text(V2), text(A), text("2026-09-02 09:01:10")]])
    assert len(read_calls(data, mapped(CALLS, {"skip_lines": 1})).rows) == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "an old or encrypted Excel file"),
        (b"PK\x03\x04" + b"\0" * (MOST_XLSX_BYTES + 1), "an XLSX file of more than 32 MiB"),
        (b"PK\x03\x04 and no more", "not an XLSX file that can be read"),
        (b"x_number,caller,end_time\n" + b"\xff" * 9, "neither UTF-8 nor GB18030"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(FileRefused, match=says):
        read_calls(data)


def test_a_file_that_says_it_is_utf_8_and_is_not_is_refused() -> None:
    """As GB18030 its mark would spoil its first header, and that column would be lost without a word."""
    data = codecs.BOM_UTF8 + f"{CALLS_HEADER}\n{cells(result='无应答')}\n".encode("gb18030")
    with pytest.raises(FileRefused, match="save it as UTF-8"):
        read_calls(data)


def test_a_mark_that_stands_twice_spoils_no_header() -> None:
    """Tools that put a mark before a file do so before one that has it, too."""
    (row,) = read_calls(2 * codecs.BOM_UTF8 + f"{CALLS_HEADER}\n{ROW}\n".encode()).rows
    assert row.record_id == "icid-1"


def test_a_file_is_gb18030_wherever_it_stops_being_utf_8() -> None:
    """A note in Chinese on the last of many lines."""
    rows = "\n".join(cells(icid=f"icid-{n}") for n in range(4000))
    data = f"{CALLS_HEADER}\n{rows}\n".encode() + cells(icid="last", result="无应答").encode("gb18030")
    found = read_calls(data)
    assert (found.encoding, len(found.rows), found.rows[-1].result) == ("gb18030", 4001, "无应答")


def test_a_file_is_read_as_it_comes() -> None:
    """Never as a whole: what is held of it does not grow with it."""
    line = f"{cells(icid='icid-1')}\n".encode()

    class Endless(io.RawIOBase):
        """More rows than anybody could hold."""

        def __init__(self, left: int) -> None:
            self.left = left

        def read(self, size: int = -1) -> bytes:
            count = min(self.left, max(size // len(line), 1))
            self.left -= count
            return line * count

    def opens() -> Any:
        return io.BufferedReader(Headed(Endless(30_000)))

    class Headed(io.RawIOBase):
        """The header, then the rows."""

        def __init__(self, rows: Endless) -> None:
            self.rest, self.rows = f"{CALLS_HEADER}\n".encode(), rows

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            self.rest = self.rest or self.rows.read(65_536)
            part, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
            buffer[: len(part)] = part
            return len(part)

    tracemalloc.start()
    try:
        assert sum(1 for _ in open_calls(opens)) == 30_000
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


class _Endless(io.RawIOBase):
    """A file without a line end; says how much of it was read."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        taken = min(size, self.left) if size >= 0 else self.left
        self.left -= taken
        return b"x" * taken


def test_a_file_without_line_ends_is_refused_before_it_is_in_memory() -> None:
    size = 4 * MOST_OF_ROW
    opened: list[_Endless] = []

    def opens() -> BinaryIO:
        opened.append(_Endless(size))
        return cast(BinaryIO, opened[-1])

    with pytest.raises(FileRefused, match="line 1: a row of more than"):
        open_calls(opens)
    assert opened[1].left > 0


@pytest.mark.parametrize(
    "cell", ["x" * MOST_OF_ROW, '"' + "x\n" * MOST_OF_ROW + '"'], ids=["one line", "many"]
)
def test_a_cell_without_end_is_refused_for_what_it_is(cell: str) -> None:
    with pytest.raises(FileRefused, match="line 2: a row of more than"):
        calls_file(cells(result=cell))


def test_lines_to_be_skipped_end_with_the_file() -> None:
    with pytest.raises(FileRefused, match="required column missing"):
        open_table("a,b\n1,2\n", {"x": ["a"]}, required=["x"], skip_lines=10**15)
