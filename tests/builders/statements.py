"""The statement of the worked month of billing-rules.md §8.2 as it is stored and handed out, for outputs.

How it comes about is tested elsewhere; here it is only said, so that what is read back can be compared.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

Document = dict[str, Any]

V1, V2, V3, V4, V5, V6, V7, V8 = (f"+861701000000{n}" for n in range(1, 9))
C1, C2 = "+8613800138901", "+8613800138902"
PACKAGE = "PKG-2026-0901"
_COMPONENTS = ("call", "sms", "rent", "package")


def usage(application: str, x: str, item: str, units: int, taken: int = 0, **changes: Any) -> Document:
    """Calls or texts with everything in common; the package pays `taken` of their units."""
    is_carrier = x in (C1, C2)
    price = "0.10" if item == "call" else "0.27" if is_carrier else "0.28"
    line: Document = {"line": "usage", "application": application, "item": item, "x": x}
    line |= dict.fromkeys(("city", "enterprise", "order", "binding"))
    line |= {"number_type": "carrier" if is_carrier else "virtual", "mode": application.upper(), "side": "a"}
    line |= {"unit_price": price, "days": ["2026-09-01", "2026-09-22"], "records": 1, "count": 1}
    line |= {"successes": 1, "talk_seconds": 0, "units": units, "parts_received": 0, "parts_forwarded": 0}
    line |= {"packaged": {PACKAGE: taken} if taken else {}, "package_units": taken, "unpriced": 0}
    line |= {"charged_units": units - taken, "amount": f"{Decimal(price) * (units - taken):.2f}"}
    return {**line, **changes}


def share(view: str, key: str, *amounts: str, minutes: int = 0, parts: int = 0) -> Document:
    """What a key of a view bears: calls, SMS, rent, packages."""
    given = (*amounts, *("0.00",) * (len(_COMPONENTS) - len(amounts)))
    total = sum(map(Decimal, given))
    line = {"line": "share", "view": view, "key": key, "minutes": minutes, "parts": parts}
    return {**line, **dict(zip(_COMPONENTS, given, strict=True)), "total": f"{total:.2f}"}


def rent(x: str, application: str, amount: str = "5.00", **changes: Any) -> Document:
    """A rent of September deducted on the 1st."""
    line = {"line": "rent", "application": application, "x": x, "cost_month": "2026-09"}
    line |= {"number_type": "carrier" if amount == "15.00" else "virtual", "amount": amount}
    return {**line, "deducted_on": "2026-09-01", "reason": "monthly", **changes}


def component(item: str, number_type: str | None, quantity: int, amount: str, package: int = 0) -> Document:
    """A line of the bill."""
    part = {"item": item, "number_type": number_type, "quantity": quantity, "package_quantity": package}
    return {**part, "unpriced": 0, "amount": amount, "rounded": amount}


def package(**changes: Any) -> Document:
    """The package's row in the ledger."""
    row: Document = {
        "number": PACKAGE,
        "bought_at": "2026-09-01T02:03:00.000Z",
        "price": "38.00",
        "unit_prices": {"minute": "0.10", "part": "0.28"},
        "cost": "38.00",
    }
    row |= {"effective_at": "2026-09-01T03:00:00.000Z", "expires_at": "2027-09-01T03:00:00.000Z"}
    row["minutes"] = {"total": 500, "used_before": 0, "used": 500, "left": 0}
    row["parts"] = {"total": 50, "used_before": 0, "used": 50, "left": 0}
    return {**row, **changes}


USED = [
    component("call", "carrier", 3, "0.30", 164),
    component("call", "virtual", 102, "10.20", 336),
    component("sms", "carrier", 10, "2.70"),
    component("sms", "virtual", 10, "2.80", 50),
]
LINES = [
    {"line": "close", "application": "ax", "day": "2026-09-01", "hash": "a1" * 32, "records": 4},
    usage("ax", V1, "call", 116, 15, order="order-1", city="上海"),
    usage("ax", V5, "call", 81, 81, order="order-1", city="上海"),
    usage("ax", C1, "call", 67, 64, order="order-2"),
    usage("axb", V2, "call", 241, 240, order="order-3", side="b"),
    usage("axb", C2, "call", 100, 100),
    usage("ax", V1, "sms", 43, 40, order="order-1"),
    usage("ax", C1, "sms", 10, order="order-2"),
    usage("axb", V2, "sms", 17, 10, order="order-3"),
    usage("axb", V2, "call", 0, successes=0),
    *(rent(x, application) for x, application in ((V1, "ax"), (V2, "axb"), (V3, "axb"), (V4, "axb"))),
    rent(V8, "ax"),
    rent(V5, "ax", deducted_on="2026-09-15", reason="issued"),
    rent(C1, "ax", "15.00"),
    rent(C2, "axb", "15.00"),
    share("application", "ax", "10.40", "3.54", "35.00", "16.15", minutes=264, parts=53),
    share("application", "axb", "0.10", "1.96", "30.00", "21.85", minutes=341, parts=17),
    share("mode", "AX", "10.40", "3.54", "35.00", "16.15", minutes=264, parts=53),
    share("mode", "AXB", "0.10", "1.96", "30.00", "21.85", minutes=341, parts=17),
    *(share("x", x, "0.00", "0.00", "5.00") for x in (V3, V4, V6, V8)),
    share("x", V1, "10.10", "0.84", "5.00", "7.54", minutes=116, parts=43),
    share("x", V2, "0.10", "1.96", "5.00", "15.91", minutes=241, parts=17),
    share("x", V5, "0.00", "0.00", "5.00", "4.81", minutes=81),
    share("x", C1, "0.30", "2.70", "15.00", "3.80", minutes=67, parts=10),
    share("x", C2, "0.00", "0.00", "15.00", "5.94", minutes=100),
    share("order", "#unassigned", "0.00", "0.00", "65.00", "5.94", minutes=100),
    share("order", "order-1", "10.10", "0.84", "0.00", "12.35", minutes=197, parts=43),
    share("order", "order-2", "0.30", "2.70", "0.00", "3.80", minutes=67, parts=10),
    share("order", "order-3", "0.10", "1.96", "0.00", "15.91", minutes=241, parts=17),
]


def worked_month(**changes: Any) -> Document:
    """The statement of September 2026, with its lines."""
    prices: Document = {"valid_from": "2026-01-01", "call": {"virtual": "0.10", "carrier": "0.10"}}
    prices |= {"sms": {"virtual": "0.28", "carrier": "0.27"}, "rent": {"virtual": "5.00", "carrier": "15.00"}}
    calls = {"attempts": 15, "connected": 13, "talk_seconds": 35970, "minutes": 605, "package_minutes": 500}
    sms = {"messages": 62, "sent": 59, "parts": 70, "package_parts": 50, "amount": "5.50"}
    head: Document = {"kind": "statement", "month": "2026-09", "state": "closed", "currency": "CNY"}
    head["components"] = [
        *USED,
        component("rent", "carrier", 2, "30.00"),
        component("rent", "virtual", 6, "30.00"),
        component("package", None, 1, "38.00"),
    ]
    head["cost_components"] = [
        *USED,
        component("rent", "carrier", 2, "30.00"),
        component("rent", "virtual", 7, "35.00"),
        component("package", None, 1, "38.00"),
    ]
    head |= {"total": "114.00", "exact_total": "114.00", "cost_total": "119.00"}
    head["calls"] = {**calls, "unpriced_minutes": 0, "amount": "10.50"}
    head["sms"] = {**sms, "parts_received": 71, "parts_forwarded": 70}
    head |= {"rent": "60.00", "rent_of_cost_month": "65.00", "packages": [package()], "corrections": []}
    head |= {"price_lists": [prices], "unpriced_minutes": 0, "late": None, "version": 1}
    head |= {"hash": "0123456789abcdef", "made_at": "2026-10-03T04:00:00.000Z", "lines": LINES}
    return {**head, **changes}


def moved(month: str, number: int, share_line: Document) -> Document:
    """What a correction moves, as a line of the statement that books it."""
    return {**share_line, "line": "correction", "month": month, "number": number}


def corrected_month() -> Document:
    """The worked month, in which two corrections of August are booked: a late call, an agreed amount."""
    booked: Document = {"month": "2026-08", "hash": "ff" * 32}
    agreed = {**share("application", "#account"), "agreed": "-2000.00", "total": "-2000.00"}
    shares = [
        moved("2026-08", 1, share("application", "ax", "0.20", minutes=2)),
        moved("2026-08", 1, share("application", "axb", "0.00", "0.00", "0.00", "0.59", minutes=10)),
        moved("2026-08", 1, share("order", "order-1", "0.20", minutes=2)),
        moved("2026-08", 2, agreed),
    ]
    return worked_month(
        corrections=[
            {**booked, "number": 1, "amount": "0.20", "reasons": ["late_facts"]},
            {**booked, "number": 2, "amount": "-2000.00", "reasons": ["adjustment"]},
        ],
        components=[*worked_month()["components"], component("correction", None, 2, "-1999.80")],
        total="-1885.80",
        exact_total="-1885.80",
        lines=[*LINES, *shares],
    )


def found(kind: str = "missing_push", amount: str = "0.20", **changes: Any) -> Document:
    """A difference of a reconciliation."""
    cause = "missing CDR: the platform's detail export lists a call on X +86170****0002, 2 min, 0.20 CNY"
    difference = {"line": "difference", "kind": kind, "cause": cause, "amount": amount, "state": "open"}
    difference |= {"action": "wait for its push; if none comes, accept the row and keep the file"}
    return {**difference, "application": "axb", "x": "+86170****0002", **changes}


def compared(item: str, number_type: str | None, ours: str, explained: str, billed: str) -> Document:
    """A line of the comparison with the bill, all of it explained."""
    row: Document = {"item": item, "number_type": number_type}
    row["ours"] = {"quantity": "2", "amount": ours, "unpriced": 0}
    row["explained"] = {"quantity": "2", "amount": explained}
    row["bill"] = {"quantity": "4", "package_quantity": "0", "amount": billed}
    left = Decimal(billed) - Decimal(ours) - Decimal(explained)
    return {**row, "unexplained": {"quantity": "0", "amount": f"{left:.2f}"}}


def compared_month(*differences: Document, **changes: Any) -> Document:
    """A reconciliation that found these differences."""
    calls = {"recorded": 1, "exported": 2, "matched": 1, "outside_month": 0, "merged": 0, "redials": 0}
    document: Document = {"kind": "reconciliation", "month": "2026-09", "currency": "CNY"}
    document |= {"result": "differences" if differences else "matched", "statement": "0123456789abcdef"}
    document |= {"calls": calls, "hang_ups": 1, "missing_files": [], "billed_total": "5.40"}
    document["bill"] = [
        compared("call", "virtual", "0.20", "0.20", "0.40"),
        compared("rent", None, "5.00", "0.00", "5.00"),
    ]
    document |= {"residual": {"total": "0.00", "components": []}, "accepted": [], "not_compared": []}
    document |= {"package_reasons": [], "bad_rows": [], "differences": list(differences)}
    document |= {"difference_count": len(differences), "version": 2, "hash": "feedfacefeedface"}
    return {**document, "made_at": "2026-10-03T04:00:00.000Z", **changes}
