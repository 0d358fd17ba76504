"""The bill with packages, the quota left, and how exports can be wrong (billing-rules.md §9.5)."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from builders.emulated import ACCOUNT, Platform, X, ended_call
from builders.emulated_modes import ModePlatform
from emulator.admin.models import ExportInput
from emulator.exportcolumns import ExportName
from emulator.exports import ExportOptions, export

CARRIER_X = "+8613800138901"
NEW_X = "+8617010000009"


def rows(
    platform: Platform, name: ExportName, month: str | None = "2026-09", **options: Any
) -> list[dict[str, str]]:
    """Read an export back."""
    content = export(name, platform.books, platform.world, month, ExportOptions(**options))
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def bill(platform: Platform, month: str = "2026-09", **options: Any) -> list[tuple[str, ...]]:
    """Item, type, quantity, price, quantity of packages and amount of every line."""
    shown = ("item", "number_type", "quantity", "unit_price", "package_quantity", "amount")
    return [tuple(row[name] for name in shown) for row in rows(platform, "bill", month, **options)]


def talk(platform: Platform, end: str, seconds: int, x: str = X, **changes: Any) -> str:
    """Enter an answered call that ended then; return its icid."""
    ended = datetime.fromisoformat(f"{end}+00:00")
    number_type = platform.world.numbers[x].number_type
    call = ended_call(
        ended - timedelta(seconds=seconds), ended, dialled=x, number_type=number_type, **changes
    )
    platform.books.record(call)
    return call.icid


@pytest.fixture
def platform() -> Platform:
    """Two numbers, a package of 500 minutes, 501 minutes of the virtual number and 3 of the carrier one."""
    platform = Platform()
    platform.number(CARRIER_X, number_type="carrier")
    platform.books.packages.buy(ACCOUNT, 500)
    talk(platform, "2026-09-03T01:00:00", 499 * 60)
    talk(platform, "2026-09-03T02:00:00", 150, CARRIER_X)
    talk(platform, "2026-09-03T03:00:00", 61)
    return platform


def test_the_bill_tells_what_packages_gave_and_what_they_cost(platform: Platform) -> None:
    """billing-rules.md §9.2: quantity is what is paid, package_quantity what the packages gave."""
    assert bill(platform) == [
        ("rent", "virtual", "1", "5", "0", "5.00"),
        ("rent", "carrier", "1", "15", "0", "15.00"),
        ("call", "virtual", "2", "0.10", "499", "0.20"),
        ("call", "carrier", "2", "0.10", "1", "0.20"),
        ("package", "", "1", "38", "0", "38.00"),
    ]
    assert rows(platform, "bill")[2]["list_amount"] == "50.10"


def test_the_quota_left_is_that_of_the_end_of_the_month(platform: Platform) -> None:
    (row,) = rows(platform, "quota")
    assert row == {
        "order_number": "package-0001",
        "effective_at": "2026-09-02 10:00:00",
        "expires_at": "2027-09-02 10:00:00",
        "minutes_total": "500",
        "minutes_left": "0",
        "parts_total": "50",
        "parts_left": "50",
        "as_of": "2026-09-02 09:00:00",
    }
    platform.clock.set_time(datetime(2026, 10, 9, tzinfo=UTC))
    assert rows(platform, "quota")[0]["as_of"] == "2026-10-01 00:00:00"
    assert rows(platform, "quota", None)[0]["as_of"] == "2026-10-09 08:00:00"


def test_packages_can_be_ignored(platform: Platform) -> None:
    lines = bill(platform, packages_ignored=True)
    assert ("call", "virtual", "501", "0.10", "0", "50.10") in lines
    assert ("call", "carrier", "3", "0.10", "0", "0.30") in lines
    assert rows(platform, "quota", packages_ignored=True)[0]["minutes_left"] == "500"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"call_price": "0.12"}, ("call", "virtual", "2", "0.12", "499", "0.24")),
        ({"rent_price": "6"}, ("rent", "virtual", "1", "6", "0", "6.00")),
        ({"package_price": "40"}, ("package", "", "1", "40", "0", "40.00")),
        ({"swapped": CARRIER_X}, ("rent", "virtual", "2", "5", "0", "10.00")),
        ({"swapped": CARRIER_X}, ("call", "virtual", "4", "0.10", "500", "0.40")),
        ({"extra_rents": X}, ("rent", "virtual", "2", "5", "0", "10.00")),
        ({"discount_percent": "10"}, ("package", "", "1", "38", "0", "34.20")),
    ],
    ids=[
        *("call price", "rent price", "package price", "type of rents", "type of calls", "one rent more"),
        "discount",
    ],
)
def test_the_bill_can_be_wrong_in_one_way(
    platform: Platform, options: dict[str, str], line: tuple[str, ...]
) -> None:
    chosen = ExportInput.model_validate(options).options()
    content = export("bill", platform.books, platform.world, "2026-09", chosen)
    found = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    shown = ("item", "number_type", "quantity", "unit_price", "package_quantity", "amount")
    assert line in [tuple(row[name] for name in shown) for row in found]


def test_the_number_table_can_swap_a_type(platform: Platform) -> None:
    types = [row["number_type"] for row in rows(platform, "numbers", None, swapped=frozenset({X}))]
    assert types == ["carrier", "carrier"]


def test_rents_can_come_a_month_late() -> None:
    platform = Platform()
    platform.number(NEW_X, issued_on=date(2026, 9, 1))
    platform.clock.set_time(datetime(2026, 11, 2, tzinfo=UTC))
    late: dict[str, Any] = {"delayed_rents": frozenset({NEW_X}), "name_rents": True}
    named = [(row["x_number"], row["quantity"]) for row in rows(platform, "bill", **late)]
    assert named == [(X, "1")]
    named = [(row["x_number"], row["quantity"]) for row in rows(platform, "bill", "2026-10", **late)]
    assert sorted(named) == [(X, "1"), (NEW_X, "1")]


@pytest.mark.parametrize(
    ("rounding", "amount"), [("sum", "0.01"), ("hour", "0.02"), ("record", "0.00")], ids=str
)
def test_amounts_can_be_rounded_earlier(rounding: str, amount: str) -> None:
    """Four minutes of 0.0026, two in each of two hours."""
    platform = Platform(price={"call": {"virtual": "0.0026", "carrier": "1"}})
    for end in ("01:10", "01:20", "02:10", "02:20"):
        talk(platform, f"2026-09-03T{end}:00", 60)
    assert bill(platform, rounding=rounding)[1] == ("call", "virtual", "4", "0.0026", "0", amount)


def test_a_call_can_be_longer_in_export_and_bill(platform: Platform) -> None:
    icid = talk(platform, "2026-09-05T01:00:00", 60)
    longer: dict[str, Any] = {"stretched": frozenset({icid}), "stretch_s": 1}
    row = next(row for row in rows(platform, "calls", **longer) if row["record_id"] == icid)
    assert (row["end_time"], row["duration_s"], row["billed_minutes"]) == ("2026-09-05 09:00:01", "61", "2")
    assert ("call", "virtual", "4", "0.10", "499", "0.40") in bill(platform, **longer)


def test_rows_can_be_repeated_and_redialled(platform: Platform) -> None:
    icid = talk(platform, "2026-09-05T01:00:00", 60, subscription_id="binding-1")
    twice = [row["record_id"] for row in rows(platform, "calls", repeat=frozenset({icid}))]
    assert twice.count(icid) == 2
    first, second = [
        row for row in rows(platform, "calls", redials=frozenset({icid})) if row["record_id"].startswith(icid)
    ]
    assert first["binding_id"] == second["binding_id"] == "binding-1"
    assert (first["answer_time"], first["duration_s"], first["billed_minutes"]) == ("", "0", "0")
    assert (second["record_id"], second["billed_minutes"]) == (icid, "1")


@pytest.mark.parametrize(
    ("options", "months"),
    [
        ({}, {"2026-09": 1, "2026-10": 2}),
        ({"usage_time": "answer"}, {"2026-09": 2, "2026-10": 1}),
        ({"month_zone": "utc"}, {"2026-09": 2, "2026-10": 1}),
    ],
    ids=["as decided", "by the answer", "UTC"],
)
def test_months_can_be_cut_elsewhere(options: dict[str, str], months: dict[str, int]) -> None:
    """billing-rules.md §3.3: a call over midnight belongs to the month of its end, in Beijing."""
    platform = Platform()
    platform.clock.set_time(datetime(2026, 10, 5, tzinfo=UTC))
    talk(platform, "2026-09-30T15:00:00", 60)
    talk(platform, "2026-09-30T16:01:00", 180)
    talk(platform, "2026-10-01T00:00:00", 60)
    for month, count in months.items():
        assert len(rows(platform, "calls", month, **options)) == count


@pytest.mark.anyio
async def test_the_marker_can_count_in_the_console_and_on_the_bill() -> None:
    """C-061: 59 Chinese characters and `@13800138002` are two parts at X and one behind it."""
    platform = ModePlatform("AX")
    platform.bind_ax()
    await platform.sms(text="中" * 59 + "@13800138002")
    x = next(iter(platform.world.numbers))

    def sms_line(**options: Any) -> tuple[str, ...]:
        return next(line for line in bill(platform, **options) if line[0] == "sms")

    assert [rows(platform, "sms", marker_counts=on)[0]["parts"] for on in (False, True)] == ["1", "2"]
    assert [rows(platform, "stats", marker_counts=on)[0]["sms_parts"] for on in (False, True)] == ["1", "2"]
    assert (sms_line(marker_counts=True)[2], sms_line(marker_billed=True)[2]) == ("1", "2")
    assert sms_line(sms_price=Decimal("0.30"))[3:] == ("0.30", "0", "0.30")
    assert sms_line(swapped=frozenset({x}))[1] == "carrier"


def test_options_of_a_query_are_checked() -> None:
    asked = ExportInput.model_validate({"swapped": "17010000002,13800138901", "omit_icid": "a,b"}).options()
    assert (asked.swapped, asked.omit) == (frozenset({X, CARRIER_X}), frozenset({"a", "b"}))
    with pytest.raises(ValidationError):
        ExportInput.model_validate({"swapped": "12"})
