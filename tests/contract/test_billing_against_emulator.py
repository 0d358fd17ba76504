"""Our bill against the emulator's own books: what it pushed, what it exports, what was lost on the way.

The emulator shares no rating with us. A month without faults reconciles to nothing; each fault is one cause
(C-103, C-109, U-N04, U-P24).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders.books import Books, account_books
from builders.emulated import STRANGER, SUBSCRIPTION, A, B, Platform, X, demo_application
from builders.pushes import APP_ID
from emulator.exports import ExportOptions, export
from privatenumber.billing.closing import runs
from privatenumber.billing.outputs.reconciliation_report import headline
from privatenumber.billing.reconciliation.run import reconcile_month
from privatenumber.store.numbers import NumberStore, NumberType, XNumber

pytestmark = pytest.mark.anyio

MONTH = "2026-09"
CARRIER_X, NEW_X = "+8613800138901", "+8617010000008"
LATER = timedelta(hours=12)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def books() -> Iterator[Books]:
    with account_books() as opened:
        yield opened


async def played(books: Books, *, lose: str | None = None) -> Platform:
    """A day of calls over three numbers; what arrives is stored as the callbacks function stores it.

    `lose` names the kind of push (``fee``, ``status``) whose last one never arrives.
    """
    platform = Platform()
    platform.number(CARRIER_X, number_type="carrier")
    platform.number(NEW_X, issued_on=date(2026, 9, 2))
    platform.bind()
    platform.bind(x=CARRIER_X)
    await platform.call(A, talk_s=95)
    await platform.call(B, outcome="no_answer")
    await platform.call(STRANGER)
    await platform.call(B, CARRIER_X, talk_s=3601)
    await platform.call(A, talk_s=0)
    if lose:
        platform.fault("lose", times=None, match={"kind": lose})
    await platform.call(A, talk_s=121)
    await platform.clock.advance(30)
    for received in platform.receiver.requests:
        books.push(received.body, at=received.at)
    own(books)
    return platform


def own(books: Books) -> None:
    """Our inventory of the platform's numbers, and our order of its binding."""
    store = NumberStore(books.dynamodb, books.bindings.name)
    store.put(XNumber(X, APP_ID, "0755", NumberType.VIRTUAL), seen=None)
    store.put(XNumber(CARRIER_X, APP_ID, "0755", NumberType.CARRIER), seen=None)
    store.put(XNumber(NEW_X, APP_ID, "0755", NumberType.VIRTUAL, issued_on=date(2026, 9, 2)), seen=None)
    books.bind("order-1001", SUBSCRIPTION, X)


def reconciled(books: Books, platform: Platform, *, mappings: Any = None, **options: Any) -> dict[str, Any]:
    """Upload the emulator's exports and compare."""
    spoiled = ExportOptions(**options)
    keys = {
        name: books.upload(f"{name}.csv", export(name, platform.books, platform.world, MONTH, spoiled))
        for name in ("calls", "bill")
    }
    return reconcile_month(
        books.ledger(),
        MONTH,
        files=keys,
        as_of=platform.clock.now(),
        mappings=mappings,
    )


async def test_our_statement_equals_the_platforms_books_to_the_fen(books: Books) -> None:
    platform = await played(books)
    statement = runs.statement(books.ledger(), MONTH, as_of=platform.clock.now())
    truth = platform.books.totals(MONTH)
    assert Decimal(statement["total"]) == truth.total
    assert Decimal(statement["rent"]) == truth.rent
    calls = statement["calls"]
    assert (calls["attempts"], calls["connected"]) == (truth.attempts, truth.answered)
    assert (calls["talk_seconds"], calls["minutes"]) == (truth.talk_seconds, truth.minutes)


async def test_a_month_without_faults_reconciles_to_nothing(books: Books) -> None:
    document = reconciled(books, await played(books))
    assert document["differences"] == []
    assert document["result"] == "matched"
    assert document["calls"] == {
        "recorded": 6, "exported": 6, "matched": 6, "outside_month": 0, "merged": 0, "redials": 0,
    }  # fmt: skip


async def test_a_lost_cdr_is_one_difference_and_is_named(books: Books) -> None:
    """The demo: everything of the call arrives but its CDR; export and bill have it."""
    document = reconciled(books, await played(books, lose="fee"))
    (found,) = document["differences"]
    assert (found["kind"], found["quantity"], found["amount"]) == ("missing_push", "3", "0.30")
    assert found["x"] == "+86170****0002"
    assert "its hang-up event did arrive" in found["cause"]
    assert headline(document).startswith("reconciliation: 1 difference: missing CDR")
    assert all(row["unexplained"]["amount"] == "0.00" for row in document["bill"])


async def test_a_cdr_that_comes_at_last_settles_the_difference(books: Books) -> None:
    platform = await played(books, lose="fee")
    assert reconciled(books, platform)["difference_count"] == 1
    platform.faults.clear()
    (lost,) = (delivery for delivery in platform.deliveries("fee") if not delivery.attempts)
    await platform.pusher.resend(lost.id)
    late = platform.receiver.requests[-1]
    books.push(late.body, at=late.at)
    document = reconciled(books, platform)
    assert (document["version"], document["differences"]) == (2, [])


async def test_lost_events_are_told_only_after_the_late_window(books: Books) -> None:
    platform = await played(books, lose="status")
    assert reconciled(books, platform)["differences"] == []
    platform.faults.clear()
    await platform.clock.advance(LATER.total_seconds())
    assert [found["kind"] for found in reconciled(books, platform)["differences"]] == ["cdr_without_event"]


async def test_an_export_without_one_call_is_one_difference(books: Books) -> None:
    platform = await played(books)
    omitted = next(charge.call.icid for charge in platform.books.calls if charge.minutes == 2)
    (found,) = reconciled(books, platform, omit=frozenset({omitted}))["differences"]
    # The bill charges it: the export alone is short of it.
    assert (found["kind"], found["quantity"], found["amount"]) == ("missing_console", "-2", "0.00")


@pytest.mark.parametrize(
    "options",
    [
        {"encoding": "gb18030", "headers": "zh"},
        {"encoding": "utf-8-sig", "headers": "zh"},
        {"masked": True},
    ],
    ids=["chinese", "byte order mark", "masked"],
)
async def test_the_files_may_come_in_other_forms(books: Books, options: dict[str, Any]) -> None:
    assert reconciled(books, await played(books), **options)["differences"] == []


async def test_a_file_in_utc_is_read_with_a_mapping(books: Books) -> None:
    platform = await played(books)
    mapping = {"calls": {"timezone": "UTC"}}
    assert reconciled(books, platform, shift_hours=-8, mappings=mapping)["differences"] == []


async def test_a_wrong_price_on_the_bill_is_told_per_number_type(books: Books) -> None:
    document = reconciled(books, await played(books), call_price=Decimal("0.15"))
    assert [found["kind"] for found in document["differences"]] == ["price_diff", "price_diff"]
    assert sum(Decimal(found["amount"]) for found in document["differences"]) == Decimal("3.35")


async def test_calls_around_midnight_in_beijing_fall_into_the_platforms_months(books: Books) -> None:
    """U-D24: one call ends a second before October, one on its first second."""
    platform = Platform(start=datetime(2026, 9, 30, 15, 55, tzinfo=UTC), application=demo_application())
    platform.bind()
    await platform.call(A, ring_after_s=1, answer_after_s=2, talk_s=297)
    assert platform.clock.now() >= datetime(2026, 9, 30, 15, 59, 59, tzinfo=UTC)
    await platform.call(A, talk_s=10)
    await platform.clock.advance(30)
    for received in platform.receiver.requests:
        books.push(received.body, at=received.at)
    store = NumberStore(books.dynamodb, books.bindings.name)
    store.put(XNumber(X, APP_ID, "0755", NumberType.VIRTUAL), seen=None)
    for month in (MONTH, "2026-10"):
        statement = runs.statement(books.ledger(), month, as_of=platform.clock.now() + LATER)
        assert statement["calls"]["minutes"] == platform.books.totals(month).minutes
        assert statement["calls"]["attempts"] == 1
