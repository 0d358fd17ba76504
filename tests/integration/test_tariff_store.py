"""Prices and purchases as versions that nobody edits: billing-rules.md §2, §5, §9.4; C-074."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest

from builders.billing import VIRTUAL, utc
from builders.books import account_books
from builders.dynamodb import Table, local_client, moto_client, new_table
from builders.example import PACKAGE
from builders.pushes import applications_secret
from privatenumber.billing.bootstrap import Rooms
from privatenumber.billing.tariff.prices import PriceBook, PriceListError, UsageTime
from privatenumber.billing.tariff.reading import price_book_of, read_price_book
from privatenumber.billing.tariff.stored import Tariffs
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.tariffs import (
    PACKAGES,
    PRICES,
    Change,
    NoSuchPurchase,
    PurchaseConflict,
    TariffStore,
)

CONFIGURED = '[{"valid_from": "2026-01-01", "call": {"virtual": "0.10"}}]'
DAY = date(2026, 9, 1)
NOON = utc("2026-09-15 04:00:00")
ANNA = Change("anna", "contract of 2026", NOON)
BEN = Change("ben", None, NOON + timedelta(days=1))


@pytest.fixture
def bills() -> Iterator[Table]:
    with moto_client() as client:
        yield new_table(client, "BillsTable")


@pytest.fixture
def store(bills: Table) -> TariffStore:
    return TariffStore(bills.client, bills.name)


@pytest.fixture
def tariffs(store: TariffStore) -> Tariffs:
    return Tariffs(store, CONFIGURED)


def book(price: str, **rules: Any) -> PriceBook:
    lists = [{"valid_from": "2026-01-01", "call": {"virtual": price}}]
    return price_book_of({"lists": lists, **rules})


class TestPrices:
    def test_the_setting_holds_until_somebody_stores_a_book(self, tariffs: Tariffs) -> None:
        assert tariffs.prices() == read_price_book(CONFIGURED)
        tariffs.set_prices(book("0.12"), ANNA)
        assert tariffs.prices().at(DAY).call[VIRTUAL] == Decimal("0.12")

    def test_a_book_is_read_as_it_was_stored(self, tariffs: Tariffs) -> None:
        stored = price_book_of(
            {
                "usage_time": "answer",
                "lists": [
                    {"valid_from": "2026-10-01", "minute_seconds": 30, "legs": {"AXYB": 2}},
                    {"valid_from": "2026-01-01", "packages": [], "sms_limits": {"other": {"part": 60}}},
                ],
            }
        )
        tariffs.set_prices(stored, ANNA)
        assert tariffs.prices() == stored
        assert tariffs.prices().usage_time is UsageTime.ANSWER

    def test_a_stored_book_without_lists_is_the_published_one(self, tariffs: Tariffs) -> None:
        tariffs.set_prices(PriceBook(), ANNA)
        assert tariffs.prices() == PriceBook()

    def test_each_change_is_a_version_with_author_and_reason(
        self, tariffs: Tariffs, store: TariffStore
    ) -> None:
        tariffs.set_prices(book("0.10"), ANNA)
        tariffs.set_prices(book("0.12"), BEN)
        newest, oldest = store.history(PRICES)
        assert (oldest.number, oldest.document["by"], oldest.document["why"]) == (
            1,
            "anna",
            "contract of 2026",
        )
        assert (newest.number, newest.document["by"], newest.document.get("why")) == (2, "ben", None)
        assert newest.made_at == BEN.at
        assert price_book_of(store.book(oldest)) == book("0.10")

    def test_the_same_book_again_changes_nothing_whoever_sends_it(
        self, tariffs: Tariffs, store: TariffStore
    ) -> None:
        first = tariffs.set_prices(book("0.10"), ANNA)
        again = tariffs.set_prices(book("0.10"), BEN)
        assert (first.changed, again.changed, again.version) == (True, False, first.version)
        assert len(list(store.history(PRICES))) == 1

    def test_an_earlier_book_may_come_back(self, tariffs: Tariffs, store: TariffStore) -> None:
        for price in ("0.10", "0.12", "0.10"):
            assert tariffs.set_prices(book(price), ANNA).changed
        assert len(list(store.history(PRICES))) == 3
        assert tariffs.prices() == book("0.10")

    def test_a_setting_that_makes_no_sense_does_no_harm_behind_a_stored_book(
        self, store: TariffStore
    ) -> None:
        broken = Tariffs(store, "nonsense")
        with pytest.raises(PriceListError, match="not JSON"):
            broken.prices()
        broken.set_prices(book("0.10"), ANNA)
        assert broken.prices() == book("0.10")


class TestPurchases:
    SECOND = replace(PACKAGE, number="order-0", bought_at=utc("2026-10-01 00:00:00"))

    def test_there_is_none_before_the_first(self, tariffs: Tariffs) -> None:
        assert tariffs.orders() == ()

    def test_they_are_read_by_number(self, tariffs: Tariffs) -> None:
        tariffs.buy(PACKAGE, ANNA)
        tariffs.buy(self.SECOND, BEN)
        assert tariffs.orders() == (self.SECOND, PACKAGE)

    def test_the_same_purchase_again_changes_nothing(self, tariffs: Tariffs, store: TariffStore) -> None:
        first = tariffs.buy(PACKAGE, ANNA)
        again = tariffs.buy(PACKAGE, BEN)
        assert (again.changed, again.version) == (False, first.version)
        assert tariffs.orders() == (PACKAGE,)
        assert len(list(store.history(PACKAGES))) == 1

    @pytest.mark.parametrize("change", [{"price": Decimal(39)}, {"minutes": 5}, {"bought_at": NOON}])
    def test_other_content_under_its_number_is_refused(
        self, tariffs: Tariffs, change: dict[str, Any]
    ) -> None:
        tariffs.buy(PACKAGE, ANNA)
        with pytest.raises(PurchaseConflict, match="order-1 is stored with other content") as refused:
            tariffs.buy(replace(PACKAGE, **change), ANNA)
        assert refused.value.stored == PACKAGE.document()
        assert tariffs.orders() == (PACKAGE,)

    def test_one_that_was_entered_wrongly_is_withdrawn_and_entered_anew(
        self, tariffs: Tariffs, store: TariffStore
    ) -> None:
        """Nothing is edited: three versions tell what was thought, by whom and until when."""
        wrong = replace(PACKAGE, minutes=5_000)
        tariffs.buy(wrong, ANNA)
        tariffs.withdraw("order-1", Change("ben", "typing error", NOON))
        assert tariffs.orders() == ()
        tariffs.buy(PACKAGE, BEN)
        assert tariffs.orders() == (PACKAGE,)
        assert [(version.number, version.document["by"]) for version in store.history(PACKAGES)] == [
            (3, "ben"),
            (2, "ben"),
            (1, "anna"),
        ]

    def test_what_was_never_bought_cannot_be_withdrawn(self, tariffs: Tariffs) -> None:
        with pytest.raises(NoSuchPurchase, match="order-7"):
            tariffs.withdraw("order-7", ANNA)

    def test_a_purchase_that_was_overtaken_is_entered_behind_the_other_one(
        self, bills: Table, tariffs: Tariffs
    ) -> None:
        """Another writer enters his between our reading and our writing: both stand, none twice."""

        class Overtaken:
            def __init__(self) -> None:
                self._others = iter([TestPurchases.SECOND])

            def put_item(self, **request: Any) -> Any:
                for other in self._others:
                    tariffs.buy(other, BEN)
                return bills.client.put_item(**request)

            def __getattr__(self, name: str) -> Any:
                return getattr(bills.client, name)

        ours = Tariffs(TariffStore(Overtaken(), bills.name), CONFIGURED)  # type: ignore[arg-type]  # a client
        assert ours.buy(PACKAGE, ANNA).version.number == 2
        assert tariffs.orders() == (self.SECOND, PACKAGE)


@pytest.mark.dynamodb_local
def test_purchases_of_many_writers_all_stand_once(dynamodb_local: str) -> None:
    """On Amazon's own engine: six writers, three purchases, each by two of them."""
    client = local_client(dynamodb_local)
    table = new_table(client, "BillsTable")
    tariffs = Tariffs(TariffStore(client, table.name), CONFIGURED)
    orders = [replace(PACKAGE, number=f"order-{number % 3}") for number in range(6)]
    changed: list[bool] = []

    def buy(number: int) -> None:
        changed.append(tariffs.buy(orders[number], ANNA).changed)

    writers = [threading.Thread(target=buy, args=(number,)) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (len(changed), sum(changed)) == (6, 3)
    assert tariffs.orders() == tuple(orders[:3])


def test_the_books_are_opened_with_what_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run anew: a price list or a purchase holds for the next run, not for the next environment."""
    with account_books() as books:
        secrets = boto3.client("secretsmanager", region_name="cn-north-1")
        secret = secrets.create_secret(Name="applications", SecretString=applications_secret())
        monkeypatch.setattr(clients, "dynamodb", lambda: books.dynamodb)
        monkeypatch.setattr(clients, "s3", lambda: books.s3)
        monkeypatch.setattr(clients, "secrets", lambda: secrets)
        monkeypatch.setattr(clients, "kms", lambda: None)
        rooms = Rooms(
            Settings.from_environment(
                {
                    "BILLS_TABLE": books.bills.name,
                    "BINDINGS_TABLE": books.bindings.name,
                    "EXCHANGE_BUCKET": books.bucket,
                    "APPLICATIONS_SECRET": secret["ARN"],
                    "KEY_ID": "never used",
                    "PRICE_LIST": CONFIGURED,
                }
            )
        )
        assert (rooms.ledger().prices, rooms.ledger().packages) == (read_price_book(CONFIGURED), ())
        tariffs = Tariffs(TariffStore(books.dynamodb, books.bills.name), CONFIGURED)
        tariffs.set_prices(book("0.12"), ANNA)
        tariffs.buy(PACKAGE, ANNA)
        assert (rooms.ledger().prices, rooms.ledger().packages) == (book("0.12"), (PACKAGE,))
