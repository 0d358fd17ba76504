"""September 2026 as billing-rules.md §8.2 tells it: numbers, calls, messages, the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from builders.billing import C1, CARRIER, V1, V2, V3, VIRTUAL, cdr, number_token, utc
from privatenumber.billing.rating.rent import Holding
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.numbers import NumberType
from privatenumber.store.sms_rows import SmsFact

V4, V5, V6, V7, V8 = (f"+861701000000{n}" for n in range(4, 9))
C2 = "+8613800138902"

NUMBERS = {
    V1: Holding(V1, "ax", VIRTUAL),
    V2: Holding(V2, "axb", VIRTUAL),
    V3: Holding(V3, "axb", VIRTUAL, unsubscribed_on=date(2026, 9, 25), returned=True),
    V4: Holding(V4, "axb", VIRTUAL),
    V5: Holding(V5, "ax", VIRTUAL, issued_on=date(2026, 9, 15)),
    V6: Holding(V6, "ax", VIRTUAL, issued_on=date(2026, 9, 30)),
    V7: Holding(V7, "ax", VIRTUAL, unsubscribed_on=date(2026, 8, 24), returned=True),
    V8: Holding(V8, "ax", VIRTUAL, unsubscribed_on=date(2026, 8, 26), returned=True),
    C1: Holding(C1, "ax", CARRIER),
    C2: Holding(C2, "axb", CARRIER, unsubscribed_on=date(2026, 9, 26), returned=True),
}
INVENTORY: Mapping[str, NumberType] = {x: holding.number_type for x, holding in NUMBERS.items()}

#: Bought at 10:03 Beijing time.
PACKAGE = PackageOrder("order-1", utc("2026-09-01 02:03:00"), 500, 50, Decimal(38))


@dataclass(frozen=True)
class Told:
    """One call of the table. ``end`` is the Beijing column, ``left`` the minutes left after it."""

    id: str
    application: str
    x: str
    answered: str | None
    ended: str
    end: str
    seconds: int
    minutes: int
    from_package: int
    at_list_price: int
    amount: str
    left: int | None
    """None: the package is not effective yet, or the month is over."""

    def fact(self, **changes: Any) -> CdrFact:
        """The CDR, both times in UTC."""
        display = self.x if self.answered else None
        fields = {"icid": self.id, "application": self.application, "x": self.x, "display_x": display}
        answered = f"2026-{self.answered}" if self.answered else None
        return cdr(answered, f"2026-{self.ended}", **{**fields, **changes})


# fmt: off
CALLS = tuple(Told(*row) for row in (
    ("K01", "ax", V1, "09-01 02:20:00", "09-01 02:21:00", "09-01 10:21:00", 60, 1, 0, 1, "0.10", None),
    ("K02", "ax", V1, "09-01 02:50:00", "09-01 02:59:59", "09-01 10:59:59", 599, 10, 0, 10, "1.00", None),
    ("K03", "ax", V1, "09-01 02:55:00", "09-01 03:05:30", "09-01 11:05:30", 630, 11, 11, 0, "0.00", 489),
    ("K04", "ax", V1, None, "09-01 04:00:45", "09-01 12:00:45", 0, 0, 0, 0, "0.00", 489),
    ("K05", "ax", C1, "09-02 01:00:00", "09-02 01:00:01", "09-02 09:00:01", 1, 1, 1, 0, "0.00", 488),
    ("K06", "ax", C1, "09-03 04:00:00", "09-03 05:00:01", "09-03 13:00:01", 3601, 61, 61, 0, "0.00", 427),
    ("K07", "axb", V2, "09-05 06:00:00", "09-05 07:59:59", "09-05 15:59:59", 7199, 120, 120, 0, "0.00", 307),
    ("K08", "axb", V2, "09-08 06:00:00", "09-08 08:00:00", "09-08 16:00:00", 7200, 120, 120, 0, "0.00", 187),
    ("K09", "axb", C2, "09-10 02:00:00", "09-10 03:40:00", "09-10 11:40:00", 6000, 100, 100, 0, "0.00", 87),
    ("K10", "ax", V5, "09-16 03:00:00", "09-16 04:20:30", "09-16 12:20:30", 4830, 81, 81, 0, "0.00", 6),
    ("K11", "ax", V1, "09-18 05:00:00", "09-18 05:03:10", "09-18 13:03:10", 190, 4, 4, 0, "0.00", 2),
    ("K12", "ax", C1, "09-20 05:00:00", "09-20 05:04:20", "09-20 13:04:20", 260, 5, 2, 3, "0.30", 0),
    ("K13", "ax", V1, "09-22 05:00:00", "09-22 06:30:00", "09-22 14:30:00", 5400, 90, 0, 90, "9.00", 0),
    ("K14", "axb", V2, None, "09-24 01:50:04", "09-24 09:50:04", 0, 0, 0, 0, "0.00", 0),
    ("K15", "axb", V2, "09-25 05:00:00", "09-25 05:00:00", "09-25 13:00:00", 0, 1, 0, 1, "0.10", 0),
))
# fmt: on
LAST_CALL = Told(
    "K16", "axb", V2, "09-30 15:58:00", "09-30 16:01:00", "10-01 00:01:00", 180, 3, 0, 3, "0.30", None
)
"""Answered in September, ended 00:01 on 1 October, Beijing: it belongs to October."""


@dataclass(frozen=True)
class Texts:
    """Some equal messages of the table, the first at ``since``, one every ``every``."""

    id: str
    application: str
    x: str
    since: datetime
    every: timedelta
    count: int
    result: int
    split: int
    """``splitNum`` of each."""
    parts: int
    """Charged parts of all."""
    from_package: int
    at_list_price: int
    unit: str
    amount: str
    left: int | None
    """Parts left after the last one; None: the package is not effective yet."""

    def facts(self) -> list[SmsFact]:
        """Their notices."""
        return [
            sms(
                self.result,
                id=f"{self.id}-{number:02d}",
                application=self.application,
                x=self.x,
                split_num=self.split,
                at=self.since + number * self.every,
            )
            for number in range(self.count)
        ]


_MINUTE, _HOURS, _DAY = timedelta(minutes=1), timedelta(hours=6), timedelta(days=1)
# fmt: off
MESSAGES = (
    Texts("M1", "ax", V1, utc("2026-09-01 02:30:00"), _MINUTE, 3, 0, 1, 3, 0, 3, "0.28", "0.84", None),
    Texts("M2", "ax", V1, utc("2026-09-02 01:00:00"), _HOURS, 40, 0, 1, 40, 40, 0, "0.28", "0.00", 10),
    Texts("M3", "axb", V2, utc("2026-09-13 02:00:00"), _DAY, 5, 0, 3, 15, 10, 5, "0.28", "1.40", 0),
    Texts("M4", "axb", V2, utc("2026-09-18 02:00:00"), _DAY, 1, 9, 2, 2, 0, 2, "0.28", "0.56", 0),
    Texts("M5", "axb", V2, utc("2026-09-19 02:00:00"), _MINUTE, 2, 11, 0, 0, 0, 0, "0.28", "0.00", 0),
    Texts("M6", "ax", V1, utc("2026-09-20 02:00:00"), _DAY, 1, 6, 0, 0, 0, 0, "0.28", "0.00", 0),
    Texts("M7", "ax", C1, utc("2026-09-21 02:00:00"), _MINUTE, 10, 0, 1, 10, 0, 10, "0.27", "2.70", 0),
)
# fmt: on


def sms(result: int | None, **changes: Any) -> SmsFact:
    """The notice of an SMS through V2 with a result; `id` names it."""
    name = changes.pop("id", "sms-1")
    app = changes.get("application", "axb")
    at = changes.get("at", utc("2026-09-02 02:00:00"))
    fields: dict[str, Any] = {
        "key": (f"SMS#{app}#{name}", "Notify"),
        "application": app,
        "mode": "AXB",
        "sms": name,
        "notify_mode": "Notify",
        "at": at,
        "subscription_id": "sub-1",
        "x": V2,
        "calling": number_token("+8613800138001"),
        "called": number_token("+8613800138002"),
        "send_result": result,
        "split_num": 1,
        "direction": 1,
        "at_number": None,
        "at_fault": None,
        "receiver": None,
        "sender_appended": False,
        "parts_received": None,
        "parts_forwarded": None,
        "digest": f"digest-{name}",
        "received_at": at or utc("2026-09-02 02:00:01"),
        "flags": (),
        "sealed": b"",
    }
    return SmsFact(**{**fields, **changes})
