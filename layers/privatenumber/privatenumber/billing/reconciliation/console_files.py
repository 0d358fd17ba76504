"""Rows of the console's small files: statistics (I5), quota left (I7) and number table (I8).

The layouts of I5 and I8 are those of billing-rules.md §9.2. I7 has none there; its layout is what a ledger
needs: the order, what is left of it, and when.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from privatenumber.billing.reconciliation.cells import BadCell, Cells, needed, one_of
from privatenumber.billing.reconciliation.export_files import Export
from privatenumber.billing.reconciliation.exports_in import Imported, adds_up, whole
from privatenumber.billing.reconciliation.layouts import Layout
from privatenumber.store.numbers import NumberType

_DAY: Final = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?: 0?0:00(?::00)?)?", re.ASCII)

STATS: Final = Layout(
    name="stats",
    columns={
        "period_start": ("period_start", "开始日期"),
        "period_end": ("period_end", "结束日期"),
        "app_key": ("app_key", "APP_Key"),
        "city": ("city", "城市"),
        "enterprise": ("enterprise", "企业"),
        "attempts": ("attempts", "呼叫次数"),
        "connected": ("connected", "接通次数"),
        "duration_s": ("duration_s", "通话时长(秒)"),
        "sms_sends": ("sms_sends", "短信发送次数"),
        "sms_success": ("sms_success", "短信成功次数"),
        "sms_parts": ("sms_parts", "短信条数"),
    },
    required=("period_start", "period_end"),
)

QUOTA: Final = Layout(
    name="quota",
    columns={
        "order_number": ("order_number", "订单号"),
        "effective_at": ("effective_at", "生效时间"),
        "expires_at": ("expires_at", "失效时间"),
        "minutes_total": ("minutes_total", "通话总分钟数"),
        "minutes_left": ("minutes_left", "剩余分钟数"),
        "parts_total": ("parts_total", "短信总条数"),
        "parts_left": ("parts_left", "剩余短信条数"),
        "as_of": ("as_of", "查询时间"),
    },
    required=("order_number",),
)

NUMBERS: Final = Layout(
    name="numbers",
    columns={
        "x_number": ("x_number", "隐私号码", "X号码"),
        "number_type": ("number_type", "号码类型"),
        "app_key": ("app_key", "APP_Key"),
        "city_code": ("city_code", "城市码"),
        "state": ("state", "状态"),
        "issued_on": ("issued_on", "下发日期"),
        "unsubscribed_on": ("unsubscribed_on", "退订日期"),
    },
    required=("x_number", "number_type"),
    values={"number_type": {"虚号": "virtual", "实号": "carrier"}},
)


@dataclass(frozen=True, slots=True)
class ImportedStatistics:
    """One row of ``stats.csv``: sums from a Beijing date to another, both included; ``None``: not told."""

    line: int
    first: date
    last: date
    app_key: str | None
    divided: bool
    """Whether it is only the part of a city or an enterprise."""
    attempts: int | None
    connected: int | None
    duration_s: int | None
    sms_sends: int | None
    sms_success: int | None
    sms_parts: int | None


@dataclass(frozen=True, slots=True)
class ImportedQuota:
    """One row of ``quota.csv``: what is left of one order, as of a moment when the file tells one."""

    line: int
    order: str
    minutes_left: int | None
    parts_left: int | None
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class ImportedX:
    """One row of ``numbers.csv``."""

    line: int
    x: str = field(repr=False)
    number_type: NumberType
    app_key: str | None
    issued_on: date | None
    unsubscribed_on: date | None


def read_statistics(data: bytes, layout: Layout = STATS) -> Imported[ImportedStatistics]:
    """Read the console's statistics. Raises FileRefused."""
    return whole(Export(lambda: io.BytesIO(data), layout, _statistics))


def read_quota(data: bytes, layout: Layout = QUOTA) -> Imported[ImportedQuota]:
    """Read the quota left. Raises FileRefused."""
    return whole(Export(lambda: io.BytesIO(data), layout, _quota))


def read_numbers(data: bytes, layout: Layout = NUMBERS) -> Imported[ImportedX]:
    """Read the number table. Raises FileRefused."""
    return whole(Export(lambda: io.BytesIO(data), layout, _number))


def _statistics(line: int, cells: Cells) -> ImportedStatistics | None:
    if adds_up(cells, "period_start"):
        return None
    return ImportedStatistics(
        line=line,
        first=needed(_day(cells, "period_start"), "period_start"),
        last=needed(_day(cells, "period_end"), "period_end"),
        app_key=cells.text("app_key"),
        divided=bool(cells.text("city") or cells.text("enterprise")),
        attempts=cells.whole("attempts"),
        connected=cells.whole("connected"),
        duration_s=cells.whole("duration_s"),
        sms_sends=cells.whole("sms_sends"),
        sms_success=cells.whole("sms_success"),
        sms_parts=cells.whole("sms_parts"),
    )


def _quota(line: int, cells: Cells) -> ImportedQuota:
    return ImportedQuota(
        line=line,
        order=needed(cells.text("order_number"), "order_number"),
        minutes_left=cells.whole("minutes_left"),
        parts_left=cells.whole("parts_left"),
        as_of=cells.time("as_of"),
    )


def _number(line: int, cells: Cells) -> ImportedX:
    x = needed(cells.number("x_number"), "x_number")
    if x.masked:
        raise BadCell("x_number: digits are hidden")
    number_type = needed(cells.text("number_type"), "number_type")
    return ImportedX(
        line=line,
        x=x.text,
        number_type=NumberType(one_of(number_type, NumberType, "number_type")),
        app_key=cells.text("app_key"),
        issued_on=_day(cells, "issued_on"),
        unsubscribed_on=_day(cells, "unsubscribed_on"),
    )


def _day(cells: Cells, column: str) -> date | None:
    """A date such as ``2026-09-02`` or ``2026/9/2``; a spreadsheet adds midnight."""
    text = cells.text(column)
    if text is None:
        return None
    found = _DAY.fullmatch(text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else _no_day(column)
    except ValueError:
        return _no_day(column)


def _no_day(column: str) -> date:
    raise BadCell(f"{column}: not a date")
