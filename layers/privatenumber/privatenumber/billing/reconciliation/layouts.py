"""How a real file maps to the layouts of billing-rules.md §9.2: headers, values, times, constants.

A mapping is a JSON document; every member is optional and keeps the built-in value when it is left out:

    {"layout": "calls", "timezone": "Asia/Shanghai", "time_formats": ["yyyy-MM-dd HH:mm:ss"],
     "decimal_separator": ".", "skip_lines": 0,
     "columns": {"x_number": ["隐私号码"]}, "values": {"item": {"套餐包": "package"}},
     "constants": {"app_key": "..."}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Final

from privatenumber.times import BEIJING

MOST_SKIPPED: Final = 1000

_PLAIN_FORMAT: Final = "yyyy-MM-dd HH:mm:ss"
_PLAIN: Final = re.compile(r"(\d{4}-\d\d-\d\d) ((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)", re.ASCII)
_TIME_FORMATS: Final = (_PLAIN_FORMAT, "yyyy/M/d H:mm:ss", "yyyy/M/d H:mm")
_ZONES: Final[Mapping[str, tzinfo]] = {"Asia/Shanghai": BEIJING, "UTC": UTC}
_OTHER_DIGIT: Final = re.compile(r"(?![0-9])\d")
_FIRST_YEAR, _LAST_YEAR = 2000, 2200
_DIRECTIVES: Final = (
    (r"yyyy", "%Y"),
    (r"MM?", "%m"),
    (r"dd?", "%d"),
    (r"HH?", "%H"),
    (r"mm?", "%M"),
    (r"ss?", "%S"),
)


class LayoutError(ValueError):
    """A column mapping makes no sense; the message names the member."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read one kind of file. ``columns`` maps a product column to header texts, first hit wins."""

    name: str
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    time_formats: tuple[str, ...] = _TIME_FORMATS
    zone: tzinfo = BEIJING
    decimal_separator: str = "."
    skip_lines: int = 0

    @property
    def zone_name(self) -> str:
        """The zone as a mapping writes it."""
        return next(name for name, zone in _ZONES.items() if zone is self.zone)

    def moment(self, text: str) -> datetime | None:
        """A time of the file as UTC; ``None`` when no format of the layout fits."""
        if _PLAIN_FORMAT in self.time_formats and (plain := _PLAIN.fullmatch(text)):
            midnight = _midnight(plain[1], self.zone)
            return midnight and midnight + _since_midnight(plain[2])
        if _OTHER_DIGIT.search(text):
            return None
        for form in self.time_formats:
            try:
                found = datetime.strptime(text, _strptime(form)).replace(tzinfo=self.zone)
            except ValueError:
                continue
            # The ends of the calendar would overflow in another zone.
            return found.astimezone(UTC) if _FIRST_YEAR <= found.year <= _LAST_YEAR else None
        return None


CALLS: Final = Layout(
    name="calls",
    columns={
        "record_id": ("record_id", "呼叫记录ID", "record id"),
        "binding_id": ("binding_id", "绑定ID"),
        "app_key": ("app_key", "APP_Key"),
        "x_number": ("x_number", "隐私号码", "X号码"),
        "caller": ("caller", "主叫号码"),
        "callee": ("callee", "被叫号码"),
        "call_in_time": ("call_in_time", "呼叫时间"),
        "answer_time": ("answer_time", "接通时间"),
        "end_time": ("end_time", "结束时间"),
        "duration_s": ("duration_s", "通话时长(秒)"),
        "billed_minutes": ("billed_minutes", "计费时长(分钟)"),
        "result": ("result", "呼叫结果"),
    },
    required=("x_number", "caller", "end_time"),
)

SMS: Final = Layout(
    name="sms",
    columns={
        "sms_id": ("sms_id", "短信ID", "短信标识"),
        "app_key": ("app_key", "APP_Key"),
        "x_number": ("x_number", "隐私号码", "X号码"),
        "sender": ("sender", "发送方号码", "主叫号码"),
        "receiver": ("receiver", "接收方号码", "被叫号码"),
        "time": ("time", "发送时间"),
        "parts": ("parts", "短信条数"),
        "result": ("result", "发送结果"),
    },
    required=("x_number", "sender", "time", "parts"),
)

BILL: Final = Layout(
    name="bill",
    columns={
        "period": ("period", "账期"),
        "charge_time": ("charge_time", "扣费时间"),
        "item": ("item", "费用项"),
        "number_type": ("number_type", "号码类型"),
        "x_number": ("x_number", "隐私号码", "X号码"),
        "quantity": ("quantity", "用量"),
        "unit_price": ("unit_price", "单价"),
        "list_amount": ("list_amount", "官网价"),
        "package_quantity": ("package_quantity", "套餐包抵扣量"),
        "discount": ("discount", "优惠金额"),
        "amount": ("amount", "应付金额"),
        "currency": ("currency", "币种"),
    },
    required=("period", "item", "amount"),
    values={
        "item": {"号码月租费": "rent", "通话服务费": "call", "短信服务费": "sms", "套餐包": "package"},
        "number_type": {"虚号": "virtual", "实号": "carrier"},
    },
)


def mapped(layout: Layout, mapping: Any) -> Layout:
    """`layout` with what a mapping, a JSON value as somebody wrote it, says. Raises LayoutError."""
    given = _object(mapping, "mapping")
    known = {"layout", "timezone", "time_formats", "decimal_separator", "skip_lines", "columns", "values"}
    unknown = set(given) - known - {"constants"}
    if unknown:
        raise LayoutError(f"mapping: unknown {', '.join(sorted(unknown))}")
    if given.get("layout", layout.name) != layout.name:
        raise LayoutError(f"mapping: layout {layout.name} is expected")
    columns = _object(given.get("columns", {}), "mapping: columns")
    if foreign := set(columns) - set(layout.columns):
        raise LayoutError(f"mapping: columns: unknown {', '.join(sorted(foreign))}")
    zone = given.get("timezone", layout.zone_name)
    if not isinstance(zone, str) or zone not in _ZONES:
        raise LayoutError(f"mapping: timezone: one of {', '.join(_ZONES)} is expected")
    skip = given.get("skip_lines", layout.skip_lines)
    if type(skip) is not int or not 0 <= skip <= MOST_SKIPPED:
        raise LayoutError(f"mapping: skip_lines: a whole number from 0 to {MOST_SKIPPED} is expected")
    values = {
        name: {**layout.values.get(name, {}), **_words(words, f"mapping: values: {name}")}
        for name, words in _object(given.get("values", {}), "mapping: values").items()
    }
    headers = {name: _texts(texts, f"mapping: columns: {name}") for name, texts in columns.items()}
    return replace(
        layout,
        columns={**layout.columns, **headers},
        values={**layout.values, **values},
        constants={**layout.constants, **_words(given.get("constants", {}), "mapping: constants")},
        time_formats=_formats(given.get("time_formats", [*layout.time_formats])),
        zone=_ZONES[zone],
        decimal_separator=_separator(given.get("decimal_separator", layout.decimal_separator)),
        skip_lines=skip,
    )


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise LayoutError(f"{where}: an object is expected")
    return value


def _words(value: Any, where: str) -> Mapping[str, str]:
    words = _object(value, where)
    if not all(isinstance(word, str) for word in words.values()):
        raise LayoutError(f"{where}: an object of texts is expected")
    return words


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise LayoutError(f"{where}: a list of texts is expected")
    return tuple(value)


def _formats(value: Any) -> tuple[str, ...]:
    formats = _texts(value, "mapping: time_formats")
    if any("%" in form for form in formats):
        raise LayoutError("mapping: time_formats: yyyy, MM, dd, HH, mm and ss are expected, no %")
    return formats


def _separator(value: Any) -> str:
    if not isinstance(value, str) or value not in (".", ","):
        raise LayoutError("mapping: decimal_separator: . or , is expected")
    return value


@lru_cache(maxsize=400)
def _midnight(day: str, zone: tzinfo) -> datetime | None:
    """Begin of a day in a zone, as UTC; ``None`` when there is no such day or nobody can mean it."""
    try:
        found = datetime.fromisoformat(day).replace(tzinfo=zone)
    except ValueError:
        return None
    return found.astimezone(UTC) if _FIRST_YEAR <= found.year <= _LAST_YEAR else None


@lru_cache(maxsize=86_400)
def _since_midnight(clock: str) -> timedelta:
    return timedelta(hours=int(clock[:2]), minutes=int(clock[3:5]), seconds=int(clock[6:]))


@lru_cache(maxsize=100)
def _strptime(form: str) -> str:
    """A time format of a mapping (``yyyy-MM-dd HH:mm:ss``) as Python reads it."""
    for pattern, directive in _DIRECTIVES:
        form = re.sub(rf"(?<!%){pattern}", directive, form, count=1)
    return form
