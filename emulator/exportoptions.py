"""How an export of the console deviates from the truth (billing-rules.md §9.5)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The deviations of one file; without any the file says what really happened.

    Form: `masked` prints parties as `138****8001`; `shift_hours` moves every time (-8: a file in UTC);
    `encoding` and `headers` are those of the file.

    Rows of `calls` and `sms`, by `icid` and SMS id: `omit` leaves them out, `repeat` writes them twice,
    `redials` puts an attempt of the handset before a call, with the same binding and without an answer.

    Both files and the bill: `stretched` calls last `stretch_s` longer; a record belongs to the month of its
    `usage_time`, which begins at midnight of `month_zone`; `swapped` X have the other number type.

    SMS: `marker_counts` counts the `@B` of AX in the console's parts, as a FAQ says (billing-rules.md §4),
    `marker_billed` also charges it.

    Bill: other prices for a minute, a part, a rent and a package; `rounding` of every record or settled hour
    instead of the sums; `packages_ignored` charges what packages should have given, and leaves them full;
    rents of `delayed_rents` come a month later, `extra_rents` once more than they should, and
    `name_rents` tells the X of every rent; `discount_percent` is taken off every line.
    """

    encoding: Literal["utf-8", "utf-8-sig", "gb18030"] = "utf-8"
    headers: Literal["en", "zh"] = "en"
    masked: bool = False
    shift_hours: int = 0
    omit: frozenset[str] = frozenset()
    repeat: frozenset[str] = frozenset()
    redials: frozenset[str] = frozenset()
    stretched: frozenset[str] = frozenset()
    stretch_s: int = 60
    usage_time: Literal["end", "answer"] = "end"
    month_zone: Literal["beijing", "utc"] = "beijing"
    swapped: frozenset[str] = frozenset()
    marker_counts: bool = False
    marker_billed: bool = False
    call_price: Decimal | None = None
    sms_price: Decimal | None = None
    rent_price: Decimal | None = None
    package_price: Decimal | None = None
    rounding: Literal["sum", "hour", "record"] = "sum"
    packages_ignored: bool = False
    delayed_rents: frozenset[str] = frozenset()
    extra_rents: frozenset[str] = frozenset()
    name_rents: bool = False
    discount_percent: int = 0


AS_IT_WAS = ExportOptions()
