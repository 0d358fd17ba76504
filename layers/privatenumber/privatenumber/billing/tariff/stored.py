"""The tariff in force: the stored price book and purchases, before the first one what the setting says."""

from __future__ import annotations

from privatenumber.billing.tariff.packages import PackageOrder, read_order
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.billing.tariff.reading import price_book_of, read_price_book
from privatenumber.store.tariffs import Change, TariffStore, Written


class Tariffs:
    """Prices and packages of the account; `configured` is the setting PRICE_LIST."""

    def __init__(self, store: TariffStore, configured: str) -> None:
        self._store = store
        self._configured = configured

    def prices(self) -> PriceBook:
        """The price book as it stands. Raises PriceListError, VersionBroken."""
        stored = self._store.prices()
        return read_price_book(self._configured) if stored is None else price_book_of(stored)

    def set_prices(self, book: PriceBook, change: Change) -> Written:
        """Let a book hold from now on; records of the past are rated with it as well."""
        return self._store.set_prices(book.document(), change)

    def orders(self) -> tuple[PackageOrder, ...]:
        """All purchases, by order number. Raises PackageError, VersionBroken."""
        return tuple(map(read_order, self._store.packages()))

    def buy(self, order: PackageOrder, change: Change) -> Written:
        """Enter a purchase once. Raises PurchaseConflict when its number stands with other content."""
        return self._store.add_package(order.document(), change)

    def withdraw(self, number: str, change: Change) -> Written:
        """Take out a purchase that was entered wrongly. Raises NoSuchPurchase."""
        return self._store.withdraw_package(number, change)
