"""A month of all modes, both number types, SMS and a package against the emulator's files.

The emulator keeps its own books and shares no rating with us (billing-rules.md §9.5; C-074, C-107, C-109).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import anyio
import pytest

from builders.books import Books, account_books
from builders.emulated import ACCOUNT, APP_KEY, A, B, D, X, demo_application
from builders.emulated_modes import ModePlatform, Y
from builders.keyrings import KEYRING
from builders.pushes import APP_ID
from emulator.exports import ExportOptions, export
from emulator.world import Mode, PushUrls
from privatenumber.billing.closing import runs
from privatenumber.billing.ledger import Ledger
from privatenumber.billing.reconciliation.run import reconcile_month
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.platform.pushes import parse_push
from privatenumber.store.facts import FactStore
from privatenumber.store.numbers import NumberType, XNumber

MONTH = "2026-09"
APPS = {Mode.AXB: APP_ID, Mode.AX: "ax", Mode.AXE: "axe", Mode.AXYB: "axyb", Mode.X: "x"}
KEYS = {app: APP_KEY if mode is Mode.AXB else f"{app}AppKey" for mode, app in APPS.items()}
AX_X, AX_CARRIER, AXE_X, AXYB_X, X_X, NEW_X = (
    "+8617010000011",
    "+8613800138901",
    "+8617010000021",
    "+8617010000031",
    "+8617010000041",
    "+8617010000051",
)
NUMBERS = {
    X: (APP_ID, "virtual", None),
    AX_X: ("ax", "virtual", None),
    AX_CARRIER: ("ax", "carrier", None),
    AXE_X: ("axe", "virtual", None),
    AXYB_X: ("axyb", "virtual", None),
    Y: ("axyb", "virtual", None),
    X_X: ("x", "virtual", None),
    NEW_X: (APP_ID, "virtual", date(2026, 9, 2)),
}
FILES = ("calls", "sms", "bill", "stats", "quota", "numbers")


@dataclass
class Month:
    """Both sides after the month was played."""

    books: Books
    platform: ModePlatform

    def ledger(self) -> Ledger:
        """Our books with five applications, their numbers and the package."""
        numbers = [
            XNumber(x, app, "0755", NumberType(kind), issued_on=issued)
            for x, (app, kind, issued) in NUMBERS.items()
        ]
        packages = [
            PackageOrder(
                order.number, order.bought_at, order.package.minutes, order.package.parts, order.package.price
            )
            for order in self.platform.books.packages.orders
        ]
        return replace(self.books.ledger(), applications=KEYS, numbers=numbers, packages=packages)

    def compare(self, **options: Any) -> dict[str, Any]:
        """Upload all files of the console and compare."""
        emulator, spoilt = self.platform, ExportOptions(**options)
        keys = {
            name: self.books.upload(
                f"{name}.csv",
                export(name, emulator.books, emulator.world, MONTH, spoilt),  # type: ignore[arg-type]
            )
            for name in FILES
        }
        return reconcile_month(self.ledger(), MONTH, files=keys, as_of=emulator.clock.now())


def urls(app: str) -> PushUrls:
    """Addresses that tell which application is pushed to."""
    return PushUrls(
        *(
            f"https://receiver.example.com/{app}/{kind}"
            for kind in ("status", "callin", "fee", "num", "sms", "ask")
        )
    )


def five_modes() -> ModePlatform:
    """A platform with an application of every mode, all of one account."""
    platform = ModePlatform(Mode.AXB, application={"urls": urls(APP_ID)})
    for mode, app in APPS.items():
        if mode is not Mode.AXB:
            platform.world.put_application(demo_application(app_key=KEYS[app], mode=mode, urls=urls(app)))
    for x, (app, kind, issued) in NUMBERS.items():
        platform.number(x, app_key=KEYS[app], number_type=kind, issued_on=issued)
    connect = {"operation": "connect", "connectInfo": {"calleeNum": B}}
    platform.answer(connect)
    platform.bind(user_data="order-1001")
    platform.bind_ax(x=AX_X, app_key=KEYS["ax"])
    platform.bind_ax(D, x=AX_CARRIER, app_key=KEYS["ax"])
    platform.bind_axe(x=AXE_X, app_key=KEYS["axe"])
    platform.pair(platform.bind_axyb(x=AXYB_X, app_key=KEYS["axyb"], duration=0), y=Y)
    return platform


async def play(platform: ModePlatform, *, lose: bool) -> None:
    """Calls and SMS of every mode before a package counts, while it does, and after it is used up."""
    platform.books.packages.buy(ACCOUNT, 500)
    await platform.call(A, X, talk_s=61)
    await platform.sms(A, X, "before the package")
    await platform.clock.advance(3600)
    await platform.call(B, AX_X, talk_s=59)
    await platform.call(B, AX_CARRIER, talk_s=29_000)
    await platform.call(B, AXE_X, digits=["0007"], talk_s=120)
    await platform.call(A, Y, talk_s=0)
    await platform.call(A, X_X, talk_s=1200)
    await platform.sms(B, X, "while it counts")
    await platform.sms(A, AX_X, f"to be cut off@{B.removeprefix('+86')}")
    await platform.sms(B, AX_CARRIER, "of a carrier number")
    await platform.call(B, X, outcome="no_answer")
    if lose:
        for kind in ("fee", "sms_notify"):
            platform.fault("lose", times=None, match={"kind": kind})
    await platform.call(A, X, talk_s=150)
    await platform.sms(B, AX_CARRIER, "another one")
    await platform.clock.advance(12 * 3600)


def played(books: Books, *, lose: bool = False) -> Month:
    """Play the month; what arrives is stored as the callbacks function stores it."""
    platform = five_modes()
    anyio.run(lambda: play(platform, lose=lose))
    store = FactStore(books.dynamodb, books.bills.name)
    for received in platform.receiver.requests:
        app = received.url.split("/")[3]
        entries = parse_push(json.dumps(received.body).encode()).entries
        store.put_facts([fact_of(entry, Reception(app, received.at, KEYRING)) for entry in entries])
    return Month(books, platform)


@pytest.fixture(scope="module")
def month() -> Iterator[Month]:
    with account_books() as books:
        yield played(books)


def told(document: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((found["kind"], found["amount"]) for found in document["differences"])


def test_our_statement_is_the_platforms_month_to_the_fen(month: Month) -> None:
    statement = runs.statement(month.ledger(), MONTH, as_of=month.platform.clock.now())
    truth = month.platform.books.totals(MONTH)
    assert {charge.call.mode for charge in month.platform.books.calls if charge.minutes} == set(Mode)
    assert Decimal(statement["total"]) == truth.total
    assert statement["calls"]["package_minutes"] == truth.package_minutes == 500
    assert statement["sms"]["package_parts"] == truth.package_parts == 2


def test_a_clean_month_of_all_modes_leaves_nothing_unexplained(month: Month) -> None:
    document = month.compare()
    assert document["differences"] == []
    assert document["result"] == "matched"
    assert document["residual"]["total"] == "0.00"
    reasons = {(each["item"], each["reason"]) for each in document["package_reasons"]}
    assert reasons == {
        ("call", "not_yet_effective"), ("call", "quota_exhausted"), ("sms", "not_yet_effective"),
        ("sms", "carrier_sms"), ("rent", "rent"),
    }  # fmt: skip


def test_prices_rents_and_number_types_are_found_in_chinese_files(month: Month) -> None:
    """Everything at once, in another encoding, with masked people."""
    document = month.compare(
        headers="zh",
        encoding="gb18030",
        masked=True,
        call_price=Decimal("0.12"),
        package_price=Decimal(40),
        swapped=frozenset({AX_CARRIER}),
        delayed_rents=frozenset({NEW_X}),
    )
    assert {kind for kind, _ in told(document)} == {"price_diff", "number_type", "rent_missing"}
    assert document["residual"]["total"] == "0.00"
    amounts = sum(Decimal(amount) for _, amount in told(document))
    assert amounts == Decimal(document["billed_total"]) - month.platform.books.totals(MONTH).total


def test_a_lost_cdr_and_a_lost_sms_are_found_and_nothing_else() -> None:
    """Both after the package: 3 minutes of 0.10, a part of a carrier number of 0.27."""
    with account_books() as books:
        document = played(books, lose=True).compare()
    assert told(document) == [("missing_push", "0.27"), ("missing_push", "0.30")]
    assert document["residual"]["total"] == "0.00"
