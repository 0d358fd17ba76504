"""The console's files: layouts of billing-rules.md §9.2, and the ways in which real files are bad (§9.5)."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from builders.emulated import APP_KEY, START, STRANGER, SUBSCRIPTION, A, B, D, Platform, X, ended_call
from emulator.exportcolumns import COLUMNS, ExportName
from emulator.exports import ExportOptions, export

pytestmark = pytest.mark.anyio


def rows(
    platform: Platform, name: ExportName, month: str | None = "2026-09", **options: object
) -> list[dict[str, str]]:
    """Read an export back."""
    chosen = ExportOptions(**options)  # type: ignore[arg-type]  # the tests name the options
    content = export(name, platform.books, platform.world, month, chosen)
    return list(csv.DictReader(io.StringIO(content.decode(chosen.encoding), newline="")))


async def talked() -> Platform:
    """A platform on which A talked 62 s with B, B did not reach A, and a stranger called."""
    platform = Platform()
    platform.bind()
    await platform.call(A, talk_s=62)
    await platform.call(B, outcome="no_answer")
    await platform.call(STRANGER)
    return platform


async def test_calls_have_the_layout_of_the_import_in_beijing_time() -> None:
    """C-109; billing-rules.md §9.2 calls.csv."""
    platform = await talked()
    answered, unanswered, stranger = rows(platform, "calls")
    call = next(iter(platform.engine.calls.values()))
    assert answered == {
        "record_id": call.icid,
        "binding_id": SUBSCRIPTION,
        "app_key": APP_KEY,
        "x_number": X,
        "caller": A,
        "callee": B,
        "call_in_time": "2026-09-02 09:00:00",
        "answer_time": "2026-09-02 09:00:08",
        "end_time": "2026-09-02 09:01:10",
        "duration_s": "62",
        "billed_minutes": "2",
        "result": "0",
    }
    assert (unanswered["answer_time"], unanswered["billed_minutes"], unanswered["result"]) == (
        "",
        "0",
        "8101",
    )
    assert (stranger["binding_id"], stranger["callee"], stranger["result"]) == ("", "", "8014")


@pytest.mark.parametrize("name", ["calls", "stats", "bill", "numbers"])
async def test_every_file_begins_with_its_columns(name: ExportName) -> None:
    platform = await talked()
    header = export(name, platform.books, platform.world, "2026-09").decode().splitlines()[0]
    assert header == ",".join(COLUMNS[name])


async def test_a_month_is_a_beijing_month() -> None:
    """billing-rules.md §3.3: 16:00 UTC on 30 September is October."""
    platform = Platform()
    for end in ("2026-09-30T15:59:59", "2026-09-30T16:00:00"):
        platform.books.record(ended_call(None, datetime.fromisoformat(f"{end}+00:00")))
    assert [row["end_time"] for row in rows(platform, "calls", "2026-09")] == ["2026-09-30 23:59:59"]
    assert [row["end_time"] for row in rows(platform, "calls", "2026-10")] == ["2026-10-01 00:00:00"]
    assert len(rows(platform, "calls", None)) == 2


async def test_rows_can_be_left_out() -> None:
    """The `missing_console` difference of billing-rules.md §9.3."""
    platform = await talked()
    gone = next(iter(platform.engine.calls.values())).icid
    assert gone not in {row["record_id"] for row in rows(platform, "calls", omit=frozenset({gone}))}
    assert len(rows(platform, "calls", omit=frozenset({gone}))) == 2


async def test_parties_can_be_masked_and_x_stays() -> None:
    """billing-rules.md §9.2: masked numbers are patterns."""
    row = rows(await talked(), "calls", masked=True)[0]
    assert (row["x_number"], row["caller"], row["callee"]) == (X, "138****8001", "138****8002")


async def test_times_can_be_eight_hours_off() -> None:
    """C-147."""
    row = rows(await talked(), "calls", shift_hours=-8)[0]
    assert (row["call_in_time"], row["end_time"]) == ("2026-09-02 01:00:00", "2026-09-02 01:01:10")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_header_texts_may_be_chinese_in_any_encoding(encoding: str) -> None:
    """billing-rules.md §9.2: UTF-8 with or without byte order mark, else GB18030."""
    row = rows(await talked(), "calls", headers="zh", encoding=encoding)[0]
    assert row["隐私号码"] == X
    assert row["通话时长(秒)"] == "62"


async def test_a_chinese_bill_names_items_and_types_in_chinese() -> None:
    """The value mapping of billing-rules.md §9.2."""
    shown = rows(await talked(), "bill", headers="zh", encoding="gb18030")
    assert [(row["费用项"], row["号码类型"]) for row in shown] == [
        ("号码月租费", "虚号"),
        ("通话服务费", "虚号"),
    ]


async def test_the_bill_sums_rent_and_calls_by_number_type() -> None:
    """C-076; billing-rules.md §9.2 bill.csv: what was deducted in the month."""
    platform = await talked()
    platform.number("+8613800138901", number_type="carrier")
    shown = [
        (row["item"], row["number_type"], row["quantity"], row["unit_price"], row["amount"])
        for row in rows(platform, "bill")
    ]
    assert shown == [
        ("rent", "virtual", "1", "5", "5.00"),
        ("rent", "carrier", "1", "15", "15.00"),
        ("call", "virtual", "2", "0.10", "0.20"),
    ]
    assert {(row["period"], row["currency"], row["package_quantity"]) for row in rows(platform, "bill")} == {
        ("2026-09", "CNY", "0")
    }


async def test_the_bill_equals_the_books() -> None:
    platform = await talked()
    billed = sum(Decimal(row["amount"]) for row in rows(platform, "bill"))
    assert billed == platform.books.totals("2026-09").total


async def test_the_bill_can_carry_a_wrong_price() -> None:
    """The `price_diff` difference of billing-rules.md §9.3."""
    platform = await talked()
    [call_row] = [row for row in rows(platform, "bill", call_price=Decimal("0.12")) if row["item"] == "call"]
    assert (call_row["unit_price"], call_row["amount"]) == ("0.12", "0.24")


async def test_a_bill_of_all_time_lists_every_month() -> None:
    platform = await talked()
    await platform.clock.advance(40 * 86_400)
    assert [row["period"] for row in rows(platform, "bill", None)] == ["2026-09", "2026-09", "2026-10"]


async def test_statistics_count_calls_and_bindings_by_day_and_application() -> None:
    """billing-rules.md §9.2 stats.csv."""
    platform = await talked()
    platform.bind(STRANGER, D, duration=60)
    await platform.clock.advance(86_400)
    platform.world.end_axb(SUBSCRIPTION, platform.clock.now())
    first, second = rows(platform, "stats")
    assert (first["period_start"], first["period_end"], first["app_key"]) == (
        "2026-09-02",
        "2026-09-02",
        APP_KEY,
    )
    counted = ("attempts", "connected", "duration_s", "binds", "manual_unbinds", "auto_unbinds", "sms_sends")
    assert [first[name] for name in counted] == ["3", "1", "62", "2", "0", "1", "0"]
    assert [second[name] for name in counted] == ["0", "0", "0", "0", "1", "0", "0"]


async def test_numbers_show_their_life() -> None:
    """C-083; billing-rules.md §9.2 numbers.csv."""
    platform = Platform()
    platform.number(
        "+8613800138901",
        number_type="carrier",
        area_code="010",
        issued_on=date(2026, 1, 5),
        unsubscribed_on=date(2026, 9, 1),
    )
    row = rows(platform, "numbers", None)[1]
    assert row == {
        "x_number": "+8613800138901",
        "number_type": "carrier",
        "app_key": APP_KEY,
        "city_code": "010",
        "state": "5",
        "sms": "true",
        "real_name": "true",
        "issued_on": "2026-01-05",
        "unsubscribed_on": "2026-09-01",
    }


async def test_a_redial_pair_shows_as_two_rows_with_one_binding_id() -> None:
    """C-149; billing-rules.md §9.1."""
    platform = Platform()
    platform.bind()
    await platform.call(outcome="no_signal", redial_after_s=2)
    await platform.clock.advance(120)
    first, second = rows(platform, "calls")
    assert first["binding_id"] == second["binding_id"] == SUBSCRIPTION
    assert first["record_id"] != second["record_id"]
    assert (first["answer_time"], second["answer_time"] != "") == ("", True)


async def test_rows_stand_in_order_of_their_end() -> None:
    platform = Platform()
    late = ended_call(START, START + timedelta(hours=2))
    early = ended_call(START, START + timedelta(hours=1))
    for call in (late, early):
        platform.books.record(call)
    assert [row["record_id"] for row in rows(platform, "calls")] == [early.icid, late.icid]
    assert START.tzinfo is UTC
